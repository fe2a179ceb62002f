"""What is checked of the ledger before any job, besides its schema."""

import copy
from pathlib import Path

import pytest
import yaml

import planted
from sgdphysics.claims import ledger, verdicts
from sgdphysics.errors import InputError

LEDGER = yaml.safe_load((Path(__file__).parents[2] / "config" / "claims.yaml").read_text())["claims"]
FIGURES = {entry["figure"] for entry in LEDGER}
TABLES = set(planted.tables(seeds=[0]))


def fault(change):
    """The line that names what a change of the good ledger breaks."""
    entries = copy.deepcopy(LEDGER)
    change(entries)
    with pytest.raises(InputError) as caught:
        ledger.check(entries, TABLES, FIGURES)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_ledger_is_good():
    ledger.check(LEDGER, TABLES, FIGURES)


def test_a_repeated_claim_is_named():
    assert fault(lambda entries: entries.append(entries[0])) == "claims: the id 'low_dimension' is there 2 times"


def test_a_repeated_test_is_named():
    line = fault(lambda entries: entries[0]["tests"].append(entries[0]["tests"][0]))
    assert line == "claims[low_dimension].tests: the id '99_percent_count' is there 2 times"


@pytest.mark.parametrize("other", ["no_claim", "low_dimension"])
def test_another_reading_that_is_no_other_claim_is_named(other):
    line = fault(lambda entries: entries[0].update(other_reading=other))
    expected = "the id of another claim of the same paper that names none itself"
    assert line == f"claims[low_dimension].other_reading: found {other!r}, expected {expected}"


def test_two_claims_that_name_each_other_are_named():
    def change(entries):
        entries[0].update(other_reading=entries[1]["id"])
        entries[1].update(other_reading=entries[0]["id"])

    assert fault(change).count("that names none itself") == 2


@pytest.mark.parametrize(("statistic", "margin"), [("slices_with_one_minimum", 1.5), ("variance_flatness_correlation", -1)])
def test_a_margin_that_no_number_can_pass_is_named(statistic, margin):
    def change(entries):
        entries[0]["tests"][0].update(statistic=statistic, below=margin)

    assert f"claims[low_dimension].tests[99_percent_count].below: found {margin}, expected a" in fault(change)


@pytest.mark.parametrize("text", ["n/a", "None", "NaN", " "])
def test_a_text_that_a_table_loses_is_named(text):
    line = fault(lambda entries: entries[0]["tests"][0].update(predicted=text))
    assert line == f"claims[low_dimension].tests[99_percent_count].predicted: found {text!r}, expected words that a table keeps"


def test_an_unknown_figure_is_named_with_those_that_there_are():
    line = fault(lambda entries: entries[0].update(figure="feng2021_fig9"))
    assert line == f"claims[low_dimension].figure: found 'feng2021_fig9', expected one of {', '.join(sorted(FIGURES))}"


def test_an_unknown_statistic_is_named_with_those_that_there_are():
    line = fault(lambda entries: entries[0]["tests"][1].update(statistic="participation"))
    assert line.startswith("claims[low_dimension].tests[against_isotropic].statistic: found 'participation', expected one of ")
    assert "held_out_participation_ratio" in line


def test_a_table_that_no_rule_makes_is_named():
    with pytest.raises(InputError) as caught:
        ledger.check(LEDGER[:1], TABLES - {"feng2021_fig1_dimension"}, FIGURES)
    assert str(caught.value) == (
        "claims[low_dimension].tests[against_isotropic].statistic: held_out_participation_ratio needs the table"
        " feng2021_fig1_dimension, which no rule makes; claims[low_dimension].tests[99_percent_count_without_drift].statistic:"
        " components_without_first needs the table feng2021_fig1_dimension, which no rule makes"
    )


def place_of(claim, wanted):
    """Where an entry has the first test of which something is true."""
    entry = next(index for index, entry in enumerate(LEDGER) if entry["id"] == claim)
    return entry, next(index for index, test in enumerate(LEDGER[entry]["tests"]) if wanted(test))


@pytest.mark.parametrize("bounds", [[5, 3], [3, 3]])
def test_bounds_in_the_wrong_order_are_named(bounds):
    entry, test = place_of("inverse_variance_flatness", lambda test: "between" in test)
    name = LEDGER[entry]["tests"][test]["id"]
    line = fault(lambda entries: entries[entry]["tests"][test].update(between=bounds))
    assert line == f"claims[inverse_variance_flatness].tests[{name}].between: found {bounds}, expected the smaller number first"


def test_margins_of_a_test_that_decides_nothing_are_named():
    entry, test = place_of("low_dimension", lambda test: test["asks"] == "context")
    line = fault(lambda entries: entries[entry]["tests"][test].update(above=1))
    assert line.endswith(".above: found a margin, expected none of a test that decides nothing")


def test_every_fault_is_in_the_line():
    def change(entries):
        entries[0]["figure"] = "feng2021_fig9"
        entries[1]["tests"][0]["statistic"] = "unknown"

    assert fault(change).count("; ") == 1


def test_the_tables_found_in_the_code_are_those_that_are_read():
    _, tests = verdicts.decide(LEDGER, planted.tables(), "small")
    read = dict(zip(tests["statistic"], tests["tables"], strict=True))
    assert set(read) == set(verdicts.STATISTICS)
    assert {name: "; ".join(sorted(ledger.tables_of(name))) for name in read} == read
