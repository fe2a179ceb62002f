import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sgdphysics import command_line
from sgdphysics.errors import InputError
from sgdphysics.provenance.compare import Difference, compare

CLAIMS = """claim,statement,value,n_seeds,verdict
low_dimension,few directions,11.8,5,replicated
annealing,"temperature falls, with loss",0.957,5,inconclusive
"""
TESTS = """claim,test,value,outcome
low_dimension,count,11.8,held
annealing,order,0.5,held
annealing,proportional,0.25,undecided
"""
TABLE = """run,fitted,rank,variance,width
a,True,1,1.0,0.5
b,True,2,0.001,inf
c,False,3,,-inf
"""


def make_study(project, name="small"):
    """A study of two claims, one table and one grey figure; returns its folder."""
    study = project / "results" / name
    (study / "tables").mkdir(parents=True)
    (study / "claims.csv").write_text(CLAIMS)
    (study / "claim_tests.csv").write_text(TESTS)
    (study / "tables" / "fig1.csv").write_text(TABLE)
    save_image(project / "figures" / name / "fig1.png", np.full((20, 30), 100))
    return study


def save_image(path, levels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(levels, dtype=np.uint8)).save(path)


@pytest.fixture
def studies(tmp_path):
    return make_study(tmp_path / "one"), make_study(tmp_path / "two")


def change(study, file, old, new):
    path = study / file
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def figure(study, name="fig1.png"):
    return study.parents[1] / "figures" / study.name / name


def told(studies, **tolerances):
    return [str(difference) for difference in compare(*studies, **tolerances)]


def test_studies_with_the_same_bytes_are_alike(studies):
    assert compare(*studies) == []


def test_two_studies_of_one_project_are_compared_with_their_own_figures(tmp_path):
    studies = make_study(tmp_path, "x"), make_study(tmp_path, "y")
    assert compare(*studies) == []
    save_image(figure(studies[1]), np.full((20, 30), 200))
    assert told(studies) == ["figures/fig1.png: root mean square difference 100 of 255 levels"]


def test_a_number_beyond_the_tolerance_is_told_with_its_place_and_both_values(studies):
    change(studies[1], "tables/fig1.csv", "0.001", "0.00125")
    (difference,) = compare(*studies)
    assert difference == Difference(
        "tables/fig1.csv", "column variance: 1 of 3 numbers differ, most in row 2: 0.001 and 0.00125 (relative 0.2)"
    )
    assert str(difference) == f"{difference.file}: {difference.what}"


def test_of_several_numbers_the_relatively_largest_difference_is_told(studies):
    change(studies[1], "tables/fig1.csv", "1,1.0", "1,1.125")
    change(studies[1], "tables/fig1.csv", "0.001", "0.002")
    what = "column variance: 2 of 3 numbers differ, most in row 2: 0.001 and 0.002 (relative 0.5)"
    assert told(studies) == [f"tables/fig1.csv: {what}"]


@pytest.mark.parametrize(
    ("number", "relative", "absolute", "differs"),
    [
        ("0.0010000000009", 1e-6, 0, False),  # relative difference 9e-10
        ("0.0010000009", 1e-6, 0, False),  # 9e-7
        ("0.0010000011", 1e-6, 0, True),  # 1.1e-6
        ("0.0010000011", 1e-5, 0, False),
        ("0.0010000011", 0, 1e-9, True),
        ("0.0010000011", 0, 1e-8, False),
        ("0.0019", 0.5, 0, False),  # the tolerance is a share of the larger one: 0.00095
        ("0.0021", 0.5, 0, True),
        ("0.0010", 0, 0, False),  # the same number written in another way
        ("1e-3", 0, 0, False),
        ("-0.001", 1e-6, 1e-12, True),
    ],
)
def test_tolerances(studies, number, relative, absolute, differs):
    change(studies[1], "tables/fig1.csv", "0.001", number)
    assert bool(compare(*studies, relative=relative, absolute=absolute)) == differs
    assert bool(compare(*studies[::-1], relative=relative, absolute=absolute)) == differs


def test_the_tolerances_of_the_default(studies):
    change(studies[1], "tables/fig1.csv", "0.001", "0.0010000009")
    assert compare(*studies) == []
    change(studies[1], "tables/fig1.csv", "0.0010000009", "0.0010000011")
    # Six digits do not tell these two apart.
    assert told(studies) == [
        "tables/fig1.csv: column variance: 1 of 3 numbers differ, most in row 2: 0.001 and 0.0010000011 (relative 1.1e-06)"
    ]
    for study, number in zip(studies, ("2e-13", "9e-13"), strict=True):
        (study / "tables" / "fig1.csv").write_text(f"x\n{number}\n")
    assert compare(*studies) == []


@pytest.mark.parametrize(
    ("old", "new", "values"),
    [
        ("3,,-inf", "3,5.0,-inf", "column variance: 1 of 3 numbers differ, most in row 3: nothing and 5"),
        ("0.001", "", "column variance: 1 of 3 numbers differ, most in row 2: 0.001 and nothing"),
        ("0.001", "inf", "column variance: 1 of 3 numbers differ, most in row 2: 0.001 and inf"),
        (",inf", ",-inf", "column width: 1 of 3 numbers differ, most in row 2: inf and -inf"),
        (",inf", ",1e300", "column width: 1 of 3 numbers differ, most in row 2: inf and 1e+300"),
        (",inf", ",", "column width: 1 of 3 numbers differ, most in row 2: inf and nothing"),
    ],
)
def test_missing_and_infinite_numbers_equal_only_themselves(studies, old, new, values):
    change(studies[1], "tables/fig1.csv", old, new)
    assert told(studies) == [f"tables/fig1.csv: {values}"]


def test_missing_and_infinite_numbers_may_be_written_in_other_ways(studies):
    change(studies[1], "tables/fig1.csv", "3,,-inf", "3,nan,-Infinity")
    assert compare(*studies) == []


def test_a_missing_number_does_not_hide_the_others(studies):
    change(studies[1], "tables/fig1.csv", "0.001", "0.002")
    change(studies[1], "tables/fig1.csv", "1,1.0", "1,")
    assert told(studies) == ["tables/fig1.csv: column variance: 2 of 3 numbers differ, most in row 1: 1 and nothing"]


def test_texts_and_truth_values_must_be_equal(studies):
    change(studies[1], "tables/fig1.csv", "b,True", "d,False")
    change(studies[1], "tables/fig1.csv", "c,False", ",False")
    assert told(studies) == [
        "tables/fig1.csv: column run: 2 of 3 texts differ, first in row 2: 'b' and 'd'",
        "tables/fig1.csv: column fitted: 1 of 3 texts differ, first in row 2: 'True' and 'False'",
    ]


def test_a_text_in_place_of_a_number_is_a_difference(studies):
    change(studies[1], "tables/fig1.csv", "0.001", "small")
    change(studies[1], "tables/fig1.csv", "3,,", "3,none,")
    assert told(studies) == ["tables/fig1.csv: column variance: 2 of 3 texts differ, first in row 2: '0.001' and 'small'"]


def test_a_column_of_one_study_is_told_and_the_others_are_compared(studies):
    (studies[1] / "tables" / "fig1.csv").write_text("run,rank,variance,width,depth\na,1,1.0,0.5,1\nb,2,0.001,inf,1\nc,4,,-inf,1\n")
    assert told(studies) == [
        "tables/fig1.csv: column fitted: only in the first study",
        "tables/fig1.csv: column depth: only in the second study",
        "tables/fig1.csv: column rank: 1 of 3 numbers differ, most in row 3: 3 and 4 (relative 0.25)",
    ]


def test_the_order_of_columns_is_no_difference(studies):
    (studies[1] / "tables" / "fig1.csv").write_text(
        "width,rank,fitted,run,variance\n0.5,1,True,a,1\ninf,2,True,b,1e-3\n-inf,3,False,c,\n"
    )
    assert compare(*studies) == []


def test_another_number_of_rows_is_one_difference(studies):
    change(studies[1], "tables/fig1.csv", "a,True,1,1.0,0.5\n", "")
    assert told(studies) == ["tables/fig1.csv: 3 and 2 rows"]


def test_tables_without_rows_are_alike_if_their_columns_are(studies):
    for study, columns in zip(studies, ("x,y\n", "x\n"), strict=True):
        (study / "tables" / "none.csv").write_text(columns)
    assert told(studies) == ["tables/none.csv: column y: only in the first study"]


def test_files_of_one_study_are_differences_and_hidden_ones_are_not_compared(studies):
    for name in ("fig2.csv", ".fig2.17.csv"):
        (studies[0] / "tables" / name).write_text(TABLE)
    (studies[1] / "claim_tests.csv").unlink()
    save_image(figure(studies[1], "fig0.png"), np.zeros((2, 2)))
    figure(studies[0]).unlink()
    assert told(studies) == [
        "claim_tests.csv: only in the first study",
        "tables/fig2.csv: only in the first study",
        "figures/fig0.png: only in the second study",
        "figures/fig1.png: only in the second study",
    ]


def test_what_holds_times_or_repeats_figures_is_not_compared(studies):
    figure(studies[1], "fig1.pdf").write_text("other")
    for file in ("logs/train.log", "benchmarks/train.tsv", "report/index.html", "claims.txt"):
        (studies[1] / file).parent.mkdir(exist_ok=True)
        (studies[1] / file).write_text("other")
    assert compare(*studies) == []


def test_changed_verdicts_come_first_and_numbers_of_claims_after_them(studies):
    save_image(figure(studies[1]), np.full((20, 30), 110))
    change(studies[1], "tables/fig1.csv", "0.001", "0.002")
    change(studies[1], "claims.csv", "11.8,5", "12.5,6")
    change(studies[1], "claims.csv", "inconclusive", "replicated")
    change(studies[1], "claim_tests.csv", "undecided", "held")
    assert told(studies) == [
        "claims.csv: claim annealing: inconclusive and replicated",
        "claims.csv: column value: 1 of 2 numbers differ, most in claim low_dimension: 11.8 and 12.5 (relative 0.056)",
        "claims.csv: column n_seeds: 1 of 2 numbers differ, most in claim low_dimension: 5 and 6 (relative 0.17)",
        "claim_tests.csv: column outcome: 1 of 3 texts differ, first in claim annealing, test proportional: 'undecided' and 'held'",
        "tables/fig1.csv: column variance: 1 of 3 numbers differ, most in row 2: 0.001 and 0.002 (relative 0.5)",
        "figures/fig1.png: root mean square difference 10 of 255 levels",
    ]


def test_changed_verdicts_are_told_in_the_order_of_the_ledger(studies):
    for verdict in ("replicated", "inconclusive"):
        change(studies[1], "claims.csv", f",{verdict}\n", ",\n" if verdict == "replicated" else ",partly\n")
    assert told(studies) == [
        "claims.csv: claim low_dimension: replicated and no verdict",
        "claims.csv: claim annealing: inconclusive and partly",
    ]


def test_claims_and_tests_are_found_by_name_not_by_row(studies):
    change(studies[1], "claims.csv", "low_dimension,few directions,11.8,5,replicated", "another,new,1,5,replicated")
    change(studies[1], "claims.csv", "0.957,5,inconclusive", "0.957,5,partly")
    change(studies[1], "claim_tests.csv", "low_dimension,count,11.8,held\n", "")
    assert told(studies) == [
        "claims.csv: claim annealing: inconclusive and partly",
        "claims.csv: claim low_dimension: only in the first study",
        "claims.csv: claim another: only in the second study",
        "claim_tests.csv: claim low_dimension, test count: only in the first study",
    ]


def test_claims_in_another_order_are_alike(studies):
    lines = CLAIMS.splitlines(keepends=True)
    (studies[1] / "claims.csv").write_text("".join([lines[0], lines[2], lines[1]]))
    assert compare(*studies) == []


def test_rows_that_names_do_not_tell_apart_are_compared_by_place(studies):
    for study in studies:
        change(study, "claim_tests.csv", "annealing,order", "annealing,proportional")
    change(studies[1], "claim_tests.csv", "0.25", "0.5")
    what = "column value: 1 of 3 numbers differ, most in row 3: 0.25 and 0.5 (relative 0.5)"
    assert told(studies) == [f"claim_tests.csv: {what}"]


def test_one_grey_level_is_no_difference_and_many_are(studies):
    save_image(figure(studies[1]), np.full((20, 30), 101))
    assert compare(*studies) == []
    assert told(studies, image_rms=0.5) == ["figures/fig1.png: root mean square difference 1 of 255 levels"]
    levels = np.full((20, 30), 100)
    levels[:10, :15] = 180  # a quarter of the figure, by 80 levels
    save_image(figure(studies[1]), levels)
    assert told(studies) == ["figures/fig1.png: root mean square difference 40 of 255 levels"]


def test_a_figure_of_another_size_is_a_difference(studies):
    save_image(figure(studies[1]), np.full((20, 31), 100))
    assert told(studies) == ["figures/fig1.png: 30 x 20 and 31 x 20 pixels"]


def test_a_spot_that_the_whole_of_a_figure_does_not_show_is_told_with_its_place(studies, capsys):
    for study, level in zip(studies, (255, 0), strict=True):
        levels = np.full((940, 1440), 255)
        levels[100:109, 300:309] = level
        save_image(figure(study), levels)
    line = "figures/fig1.png: 255 of 255 levels in the 9 x 9 pixels around column 304, row 104"
    assert told(studies) == [line]
    assert told(studies, image_local=255) == []
    command = ["compare", *map(str, studies)]
    assert command_line.main(command) == 1
    assert capsys.readouterr().out.splitlines() == [line, "1 differences"]
    assert command_line.main([*command, "--image-local", "255"]) == 0


def test_a_figure_that_is_no_file_is_none(studies):
    figure(studies[1]).unlink()
    os.mkfifo(figure(studies[1]))
    figure(studies[1], "fig2.png").mkdir()
    assert told(studies) == ["figures/fig1.png: only in the first study"]


def test_figures_are_compared_as_they_look_on_white(studies):
    save_image(figure(studies[0]), np.full((20, 30), 255))
    save_image(figure(studies[1]), np.zeros((20, 30, 4)))  # black, but transparent
    assert compare(*studies) == []
    save_image(figure(studies[1]), np.broadcast_to([255, 255, 0, 255], (20, 30, 4)))
    assert told(studies) == ["figures/fig1.png: root mean square difference 147 of 255 levels"]  # 255 / sqrt(3)


@pytest.mark.parametrize(
    "content",
    [b"", b"x,y\n1,2\n1,2,3\n", b"x,y\n1,2,3\n1,2,3\n", b'x,y\n1,"2\n', b"x,y\n1,\xff\xfe\n"],
    ids=["empty", "longer row", "longer rows", "open quote", "not text"],
)
def test_an_unreadable_table_is_one_line(studies, content):
    path = studies[1] / "tables" / "fig1.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a readable table") as error:
        compare(*studies)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_table_that_the_disk_refuses_is_one_line(studies, monkeypatch):
    def fail(path, **options):
        raise PermissionError("not\nallowed")

    monkeypatch.setattr(pd, "read_csv", fail)
    with pytest.raises(InputError, match=r"claims.csv: not a readable table \(not allowed\)$"):
        compare(*studies)


@pytest.mark.parametrize("share", [0, 0.5])
def test_an_unreadable_figure_is_one_line(studies, share):
    path = figure(studies[1])
    save_image(path, np.random.default_rng(0).integers(0, 256, (20, 30)))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match="not a readable PNG image") as error:
        compare(*studies)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_folder_without_results_is_not_a_study(studies, tmp_path):
    (tmp_path / "results" / "other" / "tables").mkdir(parents=True)
    (tmp_path / "results" / "other" / "claim_tests.csv").write_text(TESTS)
    for folder in (tmp_path / "results" / "other", tmp_path / "missing", studies[0] / "claims.csv"):
        for pair in ((studies[0], folder), (folder, studies[0])):
            with pytest.raises(InputError, match=r"not the results of a study \(no claims.csv and no tables\)$") as error:
                compare(*pair)
            assert str(error.value).startswith(f"{folder}: ")


def test_a_study_may_have_only_claims_or_only_tables(studies):
    for name in ("claims.csv", "claim_tests.csv"):
        (studies[0] / name).unlink()
    (studies[1] / "tables" / "fig1.csv").unlink()
    assert told(studies) == [
        "claims.csv: only in the second study",
        "claim_tests.csv: only in the second study",
        "tables/fig1.csv: only in the first study",
    ]


def test_figures_are_found_from_inside_and_beside_a_linked_results_folder(studies, tmp_path, monkeypatch):
    (tmp_path / "disk").mkdir()
    (tmp_path / "two" / "results").rename(tmp_path / "disk" / "results")
    (tmp_path / "two" / "results").symlink_to(tmp_path / "disk" / "results")
    assert compare(*studies) == []
    monkeypatch.chdir(studies[0])
    assert compare(".", "../small") == []
    figure(studies[1]).unlink()
    assert [difference.file for difference in compare(".", studies[1])] == ["figures/fig1.png"]


def test_it_starts_without_torch():
    command = "import sys, sgdphysics.provenance.compare; sys.exit('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    assert subprocess.run([sys.executable, "-c", command], env=environment, check=False).returncode == 0
