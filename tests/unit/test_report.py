"""The parts of the report page, on small tables; what must not get through; what is missing is named in one line."""

import base64
import hashlib
import json
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import image

from sgdphysics.errors import InputError
from sgdphysics.provenance.record import Job
from sgdphysics.report import claims, origin, page, pictures, plane, stages, text

HOSTILE = '<script>alert(1)</script> & "<b>" \''


def row_of_test(claim, outcome, **changes):
    row = {
        "claim": claim,
        "primary": True,
        "test": "in_sample",
        "statistic": "in_sample_exponent",
        "predicted": "about 4",
        "region": "between -3 and 5",
        "setting": "learning rate 0.1",
        "settings": 1,
        "settings_held": 1,
        "value": -1.5,
        "ci_low": -2.0,
        "ci_high": -1.0,
        "n_seeds": 5,
        "outcome": outcome,
        "p_value": 1e-4,
        "p_value_holm": np.nan,
        "smallest_effect": 0.25,
        "tables": "feng2021_fig1; feng2021_runs",
    }
    return row | changes


def ledger(**entries):
    rows = [
        {
            "claim": name,
            "paper": "feng2021",
            "kind": kind,
            "statement": f"It is {name}",
            "verdict": verdict,
            "figure": "feng2021_fig1",
        }
        for name, (kind, verdict) in entries.items()
    ]
    return pd.DataFrame(rows)


def one_claim(*outcomes, verdict, **changes):
    rows = [row_of_test("a", end, test=f"test_{index}", primary=index == 0, **changes) for index, end in enumerate(outcomes)]
    (claim,) = claims.claims(ledger(a=("empirical", verdict)), pd.DataFrame(rows), {"a": "page 1"})
    return claim


def written(template, **content):
    return page.page(template, "", {}, content)


def test_a_claim_has_its_tests_in_words():
    claim = one_claim("failed", verdict="not replicated", settings=5, settings_held=3)
    (test,) = claim.tests
    assert (claim.stated, claim.rank) == ("page 1", 3)
    assert (test.estimate, test.region, test.value) == ("−1.5 [−2, −1]", "between −3 and 5", -1.5)
    assert test.setting == "learning rate 0.1 (3 of 5 settings held)"
    assert (test.p_value, test.p_value_holm, test.smallest_effect) == ("0.0001", "", "0.25")


def test_the_primary_test_comes_first():
    rows = pd.DataFrame([row_of_test("a", "held", test="second", primary=False), row_of_test("a", "held", test="first")])
    (claim,) = claims.claims(ledger(a=("empirical", "replicated")), rows, {})
    assert [test.name for test in claim.tests] == ["first", "second"]
    assert claim.stated == ""


@pytest.mark.parametrize(
    ("outcomes", "verdict", "words"),
    [
        (["held"], "replicated", "the test held"),
        (["held", "held", "reported"], "replicated", "all 2 tests that decide held"),
        (["failed", "held"], "not replicated", "the primary test, test 0, failed"),
        (["held", "failed", "failed"], "partly", "test 0, held, but test 1 and test 2 failed"),
        (["undecided", "failed"], "inconclusive", "the primary test, test 0, is undecided"),
        (["held", "undecided"], "inconclusive", "no test failed, but test 1 could not be decided"),
        (["reported"], "inconclusive", "no test of this claim decides"),
    ],
)
def test_the_rule_behind_a_verdict_is_said(outcomes, verdict, words):
    assert words in one_claim(*outcomes, verdict=verdict).reason


def test_what_is_open_says_why_and_a_study_of_before_may_not():
    because = "batch size 400: -1e-3 of 5 seeds, x-axis"
    (claim,) = claims.claims(
        ledger(a=("empirical", "inconclusive")).assign(open_because=because),
        pd.DataFrame([row_of_test("a", "undecided")]).assign(open_because=np.nan),
        {},
    )
    assert (claim.open_because, claim.tests[0].open_because) == ("batch size 400: −1e−3 of 5 seeds, x-axis", "")
    assert one_claim("undecided", verdict="inconclusive").open_because == ""


def test_claims_are_counted_by_kind_and_verdict():
    kinds = {"a": ("empirical", "replicated"), "b": ("empirical", "inconclusive"), "c": ("identity", "replicated")}
    entries = claims.claims(ledger(**kinds), pd.DataFrame([row_of_test(name, "held") for name in kinds]), {})
    assert claims.counts(entries) == ["1 of 2 empirical claims replicated", "1 of 1 identities hold"]
    assert claims.tally(entries) == {"replicated": 1, "partly": 0, "inconclusive": 1, "not replicated": 0}


@pytest.mark.parametrize(
    ("numbers", "words"),
    [((np.nan, np.nan, np.nan), "no value"), ((1.0, 1.0, 1.0), "1"), ((2.0, np.nan, np.nan), "2"), ((2.0, -np.inf, np.inf), "2")],
)
def test_intervals_without_ends_are_not_shown(numbers, words):
    assert text.interval(*numbers) == words


@pytest.mark.parametrize("column", ["p_value_holm", "tables"])
def test_a_table_of_tests_without_a_column_is_refused(column):
    tests = pd.DataFrame([row_of_test("a", "held")]).drop(columns=column)
    with pytest.raises(InputError, match=f"claim_tests.csv: no column {column}"):
        claims.claims(ledger(a=("empirical", "replicated")), tests, {})


def test_claims_without_a_test_or_with_an_unknown_verdict_are_refused():
    tests = pd.DataFrame([row_of_test("other", "held")])
    with pytest.raises(InputError, match="no test of a"):
        claims.claims(ledger(a=("empirical", "replicated")), tests, {})
    with pytest.raises(InputError, match="found verdict 'proved'"):
        claims.claims(ledger(a=("empirical", "proved")), tests, {})


def picture(folder, caption="**A title\nof two lines.** Then *more*, and ``code``."):
    path = folder / "feng2021_fig1.png"
    image.imsave(path, np.zeros((3, 7, 3)))
    path.with_suffix(".rst").write_text(caption)
    return path, path.with_suffix(".rst")


def test_a_figure_has_its_size_its_bytes_and_its_caption(tmp_path):
    paths = picture(tmp_path)
    figure = pictures.figure(*paths)
    assert (figure.width, figure.height, figure.name, figure.paper) == (7, 3, "feng2021_fig1", "feng2021")
    assert figure.title == "A title of two lines."
    assert figure.alternative == "feng2021_fig1: A title of two lines. The caption says what each panel shows."
    assert base64.b64decode(figure.picture.partition(",")[2]) == paths[0].read_bytes()
    assert "<em>more</em>" in figure.caption


def test_missing_figures_captions_and_other_files_are_named(tmp_path):
    png, rst = picture(tmp_path)
    with pytest.raises(InputError, match=r"nothing\.png: cannot be read") as missing:
        pictures.figure(tmp_path / "nothing.png", rst)
    assert "\n" not in str(missing.value)
    with pytest.raises(InputError, match=r"nothing\.rst: cannot be read"):
        pictures.figure(png, tmp_path / "nothing.rst")
    rst.write_bytes(b"**A title.** \xff")
    with pytest.raises(InputError, match=r"feng2021_fig1\.rst: not a caption in UTF-8"):
        pictures.figure(png, rst)
    rst.write_text("**A title.**")
    png.write_text("no picture at all, though of some length")
    with pytest.raises(InputError, match="not a PNG picture"):
        pictures.figure(png, rst)


@pytest.mark.parametrize(
    "caption",
    [
        ".. raw:: html\n\n   <script>alert(1)</script>",
        ".. include:: {secret}",
        ".. csv-table::\n   :file: {secret}",
        ".. role:: html(raw)\n   :format: html\n\n:html:`<script>alert(1)</script>`",
        "<script>alert(1)</script>",
    ],
)
def test_captions_run_nothing_and_read_no_file(tmp_path, caption):
    secret = tmp_path / "secret.txt"
    secret.write_text("do not show this")
    html = text.caption_html(caption.format(secret=secret))
    assert "<script" not in html
    assert "do not show this" not in html


def points():
    rows = [("dropout", 0.1, "equal_loss", True, 1.0, 4.0), ("dropout", 0.1, "equal_loss", True, 4.0, 1.0)]
    rows += [("dropout", 0.1, "equal_epochs", True, 2.0, 2.0), ("dropout", 0.3, "equal_loss", False, 2.0, 2.0)]
    rows += [("label_noise", 0.0, "equal_loss", True, 0.0, 2.0), ("label_noise", 0.0, "equal_loss", True, np.nan, 2.0)]
    table = pd.DataFrame(rows, columns=["sweep", "dose", "point", "deciding", "weight_spread", "slope_spread"])
    return table.assign(seed=range(100, 106), gap=0.123456789)


def test_the_plane_has_the_points_that_decide_and_that_a_logarithm_can_show():
    loss, epochs = plane.plane(points())
    assert (loss["sweep"], loss["comparison"], epochs["comparison"]) == ("dropout", "equal_loss", "equal_epochs")
    assert (loss["size"], loss["sharpness"], loss["seed"]) == ([1.0, 4.0], [4.0, 1.0], [100, 101])
    assert loss["gap"] == [0.12346, 0.12346]
    json.dumps([loss, epochs])


def test_the_plane_as_text_has_geometric_means():
    rows = plane.plane_means(points())
    assert [(row["comparison"], row["runs"], row["size"], row["sharpness"]) for row in rows] == [
        ("at equal training loss", "2", "2", "2"),
        ("after equally many epochs", "1", "2", "2"),
    ]


def test_a_study_without_points_has_an_empty_plane():
    none = points().iloc[:0]
    assert plane.plane(none) == plane.plane_means(none) == []
    with pytest.raises(InputError, match="no column gap"):
        plane.plane(none.drop(columns="gap"))


def job(rule, seconds, memory):
    nothing = {"script": "draw.py", "code": {}, "inputs": (), "outputs": (), "parameters": {}, "started": "", "ended": ""}
    return Job(name=rule, rule=rule, **nothing, environment={}, usage={"wallTime": str(seconds), "peakMemory": str(memory)})


def test_time_and_memory_are_those_of_the_record_by_stage():
    parts = stages.stages([job("draw", 1, 2e8), job("train", 10, 3e8), job("train", 5.5, 7e8)])
    assert [(stage.name, stage.jobs, stage.seconds, stage.memory) for stage in parts] == [
        ("train", 2, 15.5, 700),
        ("draw", 1, 1, 200),
    ]
    together = stages.total(parts)
    assert (together.jobs, together.seconds, together.memory) == (3, 16.5, 700)
    assert stages.total([]).seconds == 0


def test_amounts_are_in_words():
    assert [text.duration(seconds) for seconds in (None, 2.25, 119.6, 3725)] == [
        "not recorded",
        "2.2 s",
        "2 min 0 s",
        "1 h 2 min",
    ]
    assert [text.memory(size) for size in (None, 512.4, 2048)] == ["not recorded", "512 MB", "2.0 GB"]


def test_a_data_set_is_described_by_what_its_entry_says():
    files = {"train": {"bytes": 3, "sha256": "ab"}, "test": {"bytes": 4, "sha256": "cd"}}
    entry = {"kind": "idx_download", "version": "1", "licence": "free", "mirrors": ["https://one/", "https://two/"], "files": files}
    lines = origin.dataset("digits", entry | {"image_shape": [8, 9], "training_images": 60000, "classes": None})
    assert lines["source"] == ["downloaded from https://one/", "downloaded from https://two/"]
    assert lines["SHA-256"] == ["train: ab", "test: cd"]
    assert (lines["images"], lines["training images"]) == (["8 × 9 pixels"], ["60,000"])
    assert origin.dataset("own", entry | {"image_shape": [1040]})["images"] == ["1,040 numbers each"]
    assert "classes" not in lines
    assert origin.dataset("own", {"kind": "idx_directory", "directory": "data"})["SHA-256"] == ["none is asked for"]


@pytest.mark.parametrize(
    ("directory", "source"),
    [("mine/images", "own files in mine/images"), ("/home/annalovelace/images", "own files"), ("../images", "own files")],
)
def test_a_folder_outside_of_the_project_is_not_named(directory, source):
    assert origin.dataset("own", {"kind": "idx_directory", "directory": directory})["source"] == [source]


def test_citations_are_written_out():
    person = {"family-names": "Tu", "given-names": "Yuhai"}
    work = {
        "authors": [{"name": "A"}, {"name": "B"}, person],
        "title": "T",
        "journal": "J",
        "volume": "1",
        "start": "5",
        "year": 2023,
    }
    content = {
        "title": "S",
        "version": "1",
        "license": "MIT",
        "authors": [{"name": "We"}],
        "references": [work, work | {"end": "9"}],
    }
    software, one, other = origin.citations(content)
    assert software == {"text": "We. S. Version 1. Licence: MIT.", "doi": ""}
    assert one["text"] == "A, B and Yuhai Tu. T. J 1, 5 (2023)."
    assert "J 1, 5–9 (2023)" in other["text"]
    with pytest.raises(InputError, match=r"CITATION\.cff: no title"):
        origin.citations({key: value for key, value in content.items() if key != "title"})


def test_texts_are_escaped_wherever_they_stand():
    html = written(
        '<p title="{{ text }}">{{ text }}</p><b>{{ text | breakable }}</b><script>{{ [text] | tojson }}</script>', text=HOSTILE
    )
    assert html.count("<script") == 1
    assert html.count("</script") == 1
    assert '"<b>"' not in html
    assert json.loads(re.search(r"<script>(.*)</script>", html)[1]) == [HOSTILE]


def test_only_the_scripts_of_the_page_may_run():
    script = "const less = 1 < 2 && true;"
    html = page.page(
        "{% for one in scripts.values() %}<script>{{ one }}</script>{% endfor %}{{ script_hashes[0] }}", "", {"s": script}, {}
    )
    assert f"<script>{script}</script>" in html
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in html


@pytest.mark.parametrize("source", ["</script>", "</STYLE >", "<!-- x"])
def test_scripts_and_styles_cannot_leave_their_element(source):
    with pytest.raises(InputError, match="must not hold"):
        page.page("", "", {"script": source}, {})
    with pytest.raises(InputError, match="style sheet"):
        page.page("", source, {}, {})
