"""Tables for README.md: of the study's own numbers, below their markers, and of no first edition."""

import numpy as np
import pandas as pd
import pytest

from sgdphysics.errors import InputError
from sgdphysics.report import readme
from sgdphysics.tables import save_table


@pytest.fixture
def results(tmp_path):
    claim = {"claim": "first", "paper": "feng2021", "kind": "empirical", "verdict": "holds", "source": "talk"}
    claim |= {"as_published": "yes", "specific": "-", "because": "as published: only held"}
    save_table(tmp_path / "claims.csv", pd.DataFrame([claim]))
    test = {"claim": "first", "primary": True, "value": -1.5, "ci_low": -2.0, "ci_high": -1.0, "n_seeds": 5}
    save_table(tmp_path / "claim_tests.csv", pd.DataFrame([{**test, "region": "below -0.5", "setting": "reference"}]))
    run = [{"reference": True, "status": "converged", "window": "main", "seed": seed} for seed in range(5)]
    elsewhere = {"reference": False, "status": "converged", "window": "main", "seed": 0}
    kinds = pd.DataFrame([{**one, "kind": "in_sample", "exponent": 3 + one["seed"]} for one in [*run, elsewhere]])
    save_table(tmp_path / "tables" / "feng2021_fig2_exponents.csv", kinds)
    protocols = [
        {**one, "protocol": protocol, "source": "sgd", "exponent": value + one["seed"]}
        for one in run
        for protocol, value in (("published", 2.0), ("ours", 90.0))
    ]
    save_table(tmp_path / "tables" / "feng2021_published.csv", pd.DataFrame(protocols))
    rungs = [
        {
            **one,
            "rung": "sgd",
            "basis": basis,
            "ranks": ranks,
            "detrending_order": order,
            "exponent": value,
            "r": -0.9 - 0.01 * one["seed"],
        }
        for one in run
        for basis, ranks, order, value in (
            ("hessian", "all", 1, 2.0 + one["seed"]),
            ("hessian", "2-50", 1, 90.0),
            ("hessian", "all", 0, 90.0),
        )
    ]
    save_table(tmp_path / "tables" / "feng2021_ladder.csv", pd.DataFrame(rungs))
    slope = {"kappa": 2.0, "deciding": True}
    simulated = [{**slope, "start": "both", "joint_slope": -1.0 - 0.1 * seed} for seed in range(5)]
    simulated += [{**slope, "start": "grid", "joint_slope": 90.0}]
    save_table(tmp_path / "tables" / "yang2023_fig2_slopes.csv", pd.DataFrame(simulated))
    save_table(tmp_path / "tables" / "yang2023_fig2_grid_slopes.csv", pd.DataFrame([{**slope, "joint_slope": -0.986}]))
    return tmp_path


def test_the_numbers_are_those_of_the_tables(results):
    found = readme.blocks(results)
    assert list(found) == ["counts", "beside the counts", "verdicts", "exponents", "ladder", "slopes"]
    assert "| holds | 1 | 1 |" in found["counts"]
    found_and_wanted = "−1.50 [−2.00,\N{NO-BREAK SPACE}−1.00], wanted below −0.5"
    assert f"| `first` | talk | **holds** | yes | – | {found_and_wanted} | as published: only held |" in found["verdicts"]
    assert "| (a) in sample, the drift left out | 5.00 [3.04,\N{NO-BREAK SPACE}6.96] |" in found["exponents"]
    assert "| in sample, by the published protocol | 4.00 [2.04,\N{NO-BREAK SPACE}5.96] |" in found["exponents"]
    (line,) = [line for line in found["ladder"].splitlines() if line.startswith("| SGD |")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert [cells[index][:5] for index in (3, 6)] == ["4.00 ", "−0.92"]
    assert [cells[index] for index in (1, 2, 4, 5)] == ["–"] * 4
    assert "| 2 | −1.000 | −0.986 | −1.200 [" in found["slopes"].replace("−1.20 [", "−1.200 [")


def test_a_table_is_written_below_its_marker_and_nothing_else_is_touched():
    text = "before\n\n<!-- verdicts -->\n| old |\n| older |\n\nafter\n\n<!-- verdicts of mnist -->\n| other |\n"
    found = readme.written(text, {"verdicts": "| new |"})
    assert found == "before\n\n<!-- verdicts -->\n| new |\n\nafter\n\n<!-- verdicts of mnist -->\n| other |\n"
    assert readme.written(found, {"verdicts": "| new |"}) == found


def test_what_follows_without_a_blank_line_is_kept():
    tables = {"verdicts": "| new |", "counts": "| 1 |"}
    text = "<!-- verdicts -->\n<!-- counts -->\n| old |\n## Heading\n"
    assert readme.written(text, tables) == "<!-- verdicts -->\n| new |\n<!-- counts -->\n| 1 |\n## Heading\n"
    fenced = "```\n<!-- verdicts -->\n```\n"
    assert readme.written(fenced, {"verdicts": "| new |"}) == "```\n<!-- verdicts -->\n| new |\n```\n"


def test_a_marker_that_is_there_twice_is_named():
    with pytest.raises(InputError, match=r"^found 2 lines <!-- verdicts -->"):
        readme.written("<!-- verdicts -->\n\n<!-- verdicts -->\n", {"verdicts": "x"})


def test_a_text_without_a_marker_is_named():
    with pytest.raises(InputError, match=r"^found no line <!-- ladder -->"):
        readme.written("<!-- verdicts -->\n", {"verdicts": "x", "ladder": "y"})


def test_a_first_edition_and_an_unfinished_study_are_named(results):
    ledger = pd.read_csv(results / "claims.csv")
    save_table(results / "claims.csv", ledger.drop(columns="as_published"))
    with pytest.raises(InputError, match="a first edition"):
        readme.blocks(results)
    save_table(results / "claims.csv", ledger)
    (results / "tables" / "feng2021_ladder.csv").unlink()
    with pytest.raises(InputError, match=r"feng2021_ladder\.csv: not found; run the study first$"):
        readme.blocks(results)


def test_a_study_without_seeds_has_no_numbers(results):
    ladder = pd.read_csv(results / "tables" / "feng2021_ladder.csv")
    save_table(results / "tables" / "feng2021_ladder.csv", ladder.assign(exponent=np.nan, r=np.nan))
    assert "nan" not in readme.blocks(results)["ladder"]
