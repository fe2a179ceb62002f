"""Both answers on planted data: the effect, one that a control has too, no effect, the opposite, too much noise; one bad setting of
several; missing runs and tables.
"""

import dataclasses
import functools
import re
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import cases_feng2021
import cases_feng2021_width
import cases_feng2023
import cases_yang2023
import planted
from claim_cases import AT_LEAST_PARTLY, NOT_ASKED, OPEN, PARTLY, YES
from planted_feng2021 import REFERENCE
from sgdphysics.claims import answers, regions, verdicts
from sgdphysics.claims.ledger import tables_of
from sgdphysics.errors import InputError

LEDGER = yaml.safe_load((Path(__file__).parents[2] / "config" / "claims.yaml").read_text())["claims"]
ENTRIES = {entry["id"]: entry for entry in LEDGER}

CASES = cases_feng2021.CASES | cases_feng2021_width.CASES | cases_yang2023.CASES | cases_feng2023.CASES
TABLES_NEEDED = {name: set().union(*(tables_of(test["statistic"]) for test in entry["tests"])) for name, entry in ENTRIES.items()}
DECIDED_BY = {
    name: set().union(*(tables_of(test["statistic"]) for test in entry["tests"] if test["asks"] != "context"))
    for name, entry in ENTRIES.items()
}
every_claim = pytest.mark.parametrize("claim", list(ENTRIES))
# The settings of feng2021, one of them the reference, are not those of other claims, whose own tests are in other files.
every_claim_of_feng2021s_runs = pytest.mark.parametrize("claim", [c for c in ENTRIES if "feng2021_runs" in DECIDED_BY[c]])


def decide(claim, tables):
    """The claim's row of the ledger and its rows of tests."""
    entry = ENTRIES[claim] if isinstance(claim, str) else claim
    ledger, tests = verdicts.decide([entry], tables, "small")
    assert len(ledger) == 1
    return ledger.iloc[0], tests


def with_effect(claim, changes=None, seeds=planted.SEEDS):
    """Tables with the effect of a claim, which may be the opposite of another one's, and further changes."""
    return planted.tables(CASES[claim].answers["effect"][0] | (changes or {}), seeds, TABLES_NEEDED[claim])


@functools.cache
def decided_effect(claim):
    return decide(claim, with_effect(claim))


@functools.cache
def decided_case(claim, case):
    return decide(claim, planted.tables(CASES[claim].answers[case][0], needed=TABLES_NEEDED[claim]))


def entry_of(region, statistic="hessian_exponent", asks="as_published", **test):
    """A claim on the exponent in the Hessian basis against one region."""
    only = {"id": "only", "asks": asks, "statistic": statistic, "predicted": "x", "margin_from": "x", **region, **test}
    return {**ENTRIES["not_einstein"], "id": "exact", "tests": [only]}


# What is planted


def test_every_claim_of_the_ledger_is_planted():
    assert sorted(CASES) == sorted(ENTRIES)
    for claim, cases in CASES.items():
        asked = any(test["asks"] == "specific" for test in ENTRIES[claim]["tests"])
        names = {"effect", "opposite", "noise"} | ({"null"} if ENTRIES[claim]["kind"] == "empirical" else set())
        assert names | ({"control too"} if asked else set()) <= set(cases.answers), claim
        assert (cases.answers["effect"][1][1] != NOT_ASKED) == asked


@pytest.mark.parametrize(("claim", "case"), [(claim, case) for claim, cases in CASES.items() for case in cases.answers])
def test_answers_on_planted_data(claim, case):
    _, (published, specific) = CASES[claim].answers[case]
    row, _ = decided_case(claim, case)
    assert (row["as_published"], row["specific"]) == (published, specific), row["because"]
    assert row["verdict"] == answers.word(published, specific, row["kind"] == "identity")


@every_claim
def test_the_cases_are_told_apart(claim):
    found = {case: answer for case, (_, answer) in CASES[claim].answers.items()}
    asked = found["effect"][1] != NOT_ASKED
    assert found["effect"] == (YES, YES if asked else NOT_ASKED)
    assert found["opposite"][0] != YES
    assert found["noise"][0] in (OPEN, AT_LEAST_PARTLY)  # into a part of a claim no noise may enter
    if asked:
        assert found["control too"] == (YES, "no")
    if "null" in found:
        assert found["null"] != found["effect"]


@every_claim
def test_every_deciding_test_can_hold_and_can_fail(claim):
    outcomes = {}
    for case in CASES[claim].answers:
        _, tests = decided_case(claim, case)
        for name, outcome in zip(tests["test"], tests["outcome"], strict=True):
            outcomes.setdefault(name, set()).add(outcome)
    deciding = [test["id"] for test in ENTRIES[claim]["tests"] if test["asks"] != "context"]
    assert all({"held", "failed"} <= outcomes[name] for name in deciding), outcomes


@pytest.mark.parametrize(
    ("claim", "test", "changes", "value"), [(claim, *number) for claim, cases in CASES.items() for number in cases.numbers]
)
def test_a_statistic_returns_the_planted_number(claim, test, changes, value):
    (asked,) = [one for one in ENTRIES[claim]["tests"] if one["id"] == test]
    _, tests = decide({**ENTRIES[claim], "tests": [asked]}, planted.tables(changes, needed=tables_of(asked["statistic"])))
    assert tests["value"].tolist() == [pytest.approx(value)]


@every_claim
def test_every_test_has_a_planted_number(claim):
    assert {test["id"] for test in ENTRIES[claim]["tests"]} == {test for test, _, _ in CASES[claim].numbers}


@pytest.mark.parametrize("claim", [claim for claim, cases in CASES.items() if cases.bad_setting])
def test_one_bad_setting_of_several_makes_a_claim_partly(claim, monkeypatch):
    tables, other = with_effect(claim), with_effect(claim, CASES[claim].bad_setting)
    for test in ENTRIES[claim]["tests"]:
        if test.get("scope") == "every_setting" and test["asks"] != "context":
            monkeypatch.setitem(verdicts.STATISTICS, test["statistic"], with_one_setting(test["statistic"], tables, other))
    row, tests = decide(claim, tables)
    assert row["as_published"] == PARTLY
    mixed = tests[tests["outcome"] == "mixed"]
    assert len(mixed) > 0
    assert (mixed["settings_failed"] == 1).all()
    assert (mixed["settings_held"] == mixed["settings"] - 1).all()
    assert re.search(r"held at \d+ and failed at 1 of \d+ settings", row["because"])


def with_one_setting(name, tables, other):
    """The statistic with the values of one setting taken from other tables, if any of them is another there."""
    statistic = verdicts.STATISTICS[name]
    values, others = (statistic(of).sort_values(["setting", "seed"], ignore_index=True) for of in (tables, other))
    differing = sorted(set(values.loc[values["value"] != others["value"], "setting"]))[:1]
    mixed = pd.concat([values[~values["setting"].isin(differing)], others[others["setting"].isin(differing)]])
    return dataclasses.replace(statistic, function=lambda _: mixed)


@pytest.mark.parametrize("claim", [claim for claim, cases in CASES.items() if cases.context])
def test_context_decides_nothing(claim):
    before, told = decided_effect(claim)
    changes = {name: quantity for change in CASES[claim].context for name, quantity in change.items()}
    after, changed = decide(claim, with_effect(claim, changes))
    assert before[["as_published", "specific", "verdict"]].equals(after[["as_published", "specific", "verdict"]])
    moved = ~np.isclose(changed["value"], told["value"], rtol=1e-9, atol=1e-9, equal_nan=True)
    assert moved.any()
    assert set(changed.loc[moved, "outcome"]) == {"reported"}


def test_the_planted_effects_hold_all_at_once():
    ledger, tests = verdicts.decide(LEDGER, planted.tables(), "paper")
    assert ledger["claim"].tolist() == list(ENTRIES)
    contrary = {claim for claim, cases in CASES.items() if cases.answers["effect"][0]}  # which say the opposite of others
    assert contrary == {"dropout_smaller_sharper"}
    verdict = ledger.set_index("claim")["verdict"]
    assert set(verdict.drop(list(contrary))) == {"holds", "checked"}
    assert ((ledger["verdict"] == "checked") == (ledger["kind"] == "identity")).all()
    assert set(ledger["scale"]) == {"paper"}
    keys = ["paper", "kind", "figure", "source"]
    assert ledger[keys].to_dict("records") == [{key: entry[key] for key in keys} for entry in LEDGER]
    expected = [(entry["id"], test["id"], index == 0) for entry in LEDGER for index, test in enumerate(entry["tests"])]
    assert list(tests[["claim", "test", "primary"]].itertuples(index=False, name=None)) == expected
    assert ledger["open_because"].eq("").all()
    assert tests["open_because"].eq("").all()


def test_value_and_interval_are_those_of_the_first_test():
    row, tests = decide("not_einstein", planted.tables({"hessian": (1.7, 0.1)}))
    assert row[["value", "ci_low", "ci_high"]].tolist() == pytest.approx([1.7, 1.7 - 0.104943, 1.7 + 0.104943], abs=1e-5)
    assert (row["statistic"], row["n_seeds"]) == ("hessian_exponent", 6)
    assert row["because"].startswith("as published: ")
    assert tests["interval"].iloc[0] == "mean, Student t"


# Scatter, seeds, settings


def test_scatter_common_to_both_cancels_in_a_difference():
    claim = entry_of({"between": [-0.3, 0.3]}, "hessian_minus_theory_exponent")
    _, tests = decide(claim, planted.tables({"hessian": (1.7, 0.5), "linear_theory": (1.6, 0.499)}))
    row = tests.iloc[0]
    assert row["outcome"] == "held"
    assert row["ci_high"] - row["ci_low"] < 0.01


def test_values_all_the_same_decide_nothing():
    row, tests = decide(entry_of({"above": 0}), planted.tables({"hessian": (3, 0)}))
    assert tests["outcome"].tolist() == ["undecided"]
    assert (row["verdict"], row["open_because"]) == ("open", "only: learning rate 0.1, batch size 20: 3 without an interval")


def test_more_scatter_hides_larger_effects():
    distances = [decide(entry_of({"above": 0}), planted.tables({"hessian": (1.7, s)}))[1]["smallest_effect"][0] for s in (0.1, 1)]
    assert distances[1] == pytest.approx(10 * distances[0])


def test_the_setting_least_in_favour_stands_for_all():
    tables = planted.tables({"hessian": (3, 1)})
    runs = planted.names(tables, learning_rate=0.05, batch_size=10)
    exponents = tables["feng2021_fig2_exponents"]
    chosen = exponents["run"].isin(runs) & (exponents["kind"] == "hessian")
    exponents.loc[chosen, "exponent"] -= 2
    _, tests = decide(entry_of({"above": 0}, scope="every_setting"), tables)
    row = tests.iloc[0]
    assert (row["setting"], row["value"]) == ("learning rate 0.05, batch size 10", pytest.approx(1))
    assert row["outcome"] == "held at some"  # the one is open
    assert (row["value_lowest"], row["value_highest"]) == (pytest.approx(1), pytest.approx(3))
    assert (row["settings"], row["settings_held"], row["settings_failed"]) == (row["settings"], row["settings"] - 1, 0)
    exponents.loc[chosen, "exponent"] = np.nan
    _, tests = decide(entry_of({"above": 0}, scope="every_setting"), tables)
    assert np.isnan(tests["p_value"].iloc[0])
    assert tests["outcome"].iloc[0] == "held at some"
    assert "0 of 6 seeds have a value" in tests["open_because"].iloc[0]


def test_the_reference_decides_alone_unless_every_setting_is_asked():
    tables = planted.tables()
    exponents = tables["feng2021_fig2_exponents"]
    elsewhere = ~exponents["run"].isin(planted.names(tables, *REFERENCE))
    exponents.loc[elsewhere, "exponent"] *= -1
    assert decide(entry_of({"above": 0}), tables)[1]["outcome"].tolist() == ["held"]
    assert decide(entry_of({"above": 0}, scope="every_setting"), tables)[1]["outcome"].tolist() == ["mixed"]


@pytest.mark.parametrize("count", [4, 5])
def test_fewer_than_five_seeds_decide_nothing(count):
    row, tests = decide(entry_of({"above": 0}), planted.tables(seeds=range(count)))
    assert row["verdict"] == ("holds" if count == 5 else "open")
    assert row["n_seeds"] == count
    if count == 4:
        assert row["open_because"] == "only: learning rate 0.1, batch size 20: 4 of 4 seeds have a value, 5 are needed"
        assert np.isnan(tests["p_value"]).all()


# Missing runs


@every_claim_of_feng2021s_runs
def test_one_run_that_diverged_or_did_not_converge_is_left_out(claim):
    tables = planted.tables(needed=TABLES_NEEDED[claim])
    chosen = planted.names(tables, *REFERENCE, seeds=planted.SEEDS[:1])
    other = planted.tables(CASES[claim].answers["opposite"][0], needed=TABLES_NEEDED[claim])
    # What was measured of a run that did not converge says the opposite.
    contrary = planted.with_status(planted.mixed(tables, other, chosen), chosen, "not_converged")
    expected, _ = decided_effect(claim)
    for cut in (planted.diverged(tables, chosen), contrary):
        row, _ = decide(claim, cut)
        assert row["n_seeds"] == 5
        assert row[["as_published", "specific"]].equals(expected[["as_published", "specific"]])


@every_claim_of_feng2021s_runs
def test_a_reference_without_runs_leaves_a_claim_open_and_says_why(claim):
    tables = planted.tables(needed=TABLES_NEEDED[claim])
    row, tests = decide(claim, planted.diverged(tables, planted.names(tables, *REFERENCE)))
    assert row["as_published"] in (OPEN, AT_LEAST_PARTLY)
    assert "failed" not in set(tests["outcome"])
    assert "diverged" in row["open_because"]


@every_claim_of_feng2021s_runs
def test_no_run_at_all_leaves_a_claim_open(claim):
    tables = planted.tables(needed=TABLES_NEEDED[claim])
    row, tests = decide(claim, planted.diverged(tables, planted.names(tables)))
    assert row["verdict"] == "open"
    assert row["open_because"]
    assert set(tests["outcome"]) <= {"undecided", "reported"}


def test_the_text_for_the_terminal_has_neither_nan_nor_inf():
    script = Path(__file__).parents[2] / "workflow" / "scripts" / "decide_claims.py"
    summary = runpy.run_path(str(script), run_name="script")["summary"]
    tables = planted.tables()
    for cut in (tables, planted.diverged(tables, planted.names(tables))):
        text = summary(*verdicts.decide(LEDGER, cut, "small"), "planted")
        assert not re.search(r"\b(nan|inf)\b", text)
    assert "no value" in text
    assert "because " in text


# Tables


@every_claim
def test_a_claim_needs_its_tables_and_no_others(claim):
    tables = with_effect(claim)
    assert decide(claim, tables)[0]["verdict"] in ("holds", "checked")
    for name in TABLES_NEEDED[claim]:
        with pytest.raises(InputError, match=rf"\b{name}\.csv is missing") as caught:
            decide(claim, {other: table for other, table in tables.items() if other != name})
        assert "\n" not in str(caught.value)


def test_an_unknown_statistic_is_named_in_one_line():
    with pytest.raises(InputError, match=r"exact.*'hesian_exponent'") as caught:
        decide(entry_of({"above": 0}, "hesian_exponent"), planted.tables())
    assert "\n" not in str(caught.value)


@every_claim
def test_order_of_rows_does_not_matter_and_tables_stay_as_they_are(claim):
    tables = planted.tables(needed=TABLES_NEEDED[claim])
    shuffled = {name: table.sample(frac=1, random_state=1) for name, table in tables.items()}
    before = {name: table.copy() for name, table in shuffled.items()}
    expected, tests = decide(claim, tables)
    row, of_shuffled = decide(claim, shuffled)
    assert (row["verdict"], row["n_seeds"]) == (expected["verdict"], expected["n_seeds"])
    np.testing.assert_allclose(of_shuffled["value"], tests["value"], rtol=1e-9, atol=1e-12)
    for name, table in shuffled.items():
        pd.testing.assert_frame_equal(table, before[name])


def test_each_test_names_the_tables_that_it_read():
    _, tests = decide(entry_of({"above": 0}), planted.tables())
    assert set(tests["tables"]) == {"feng2021_fig2_exponents; feng2021_runs"}


# Many tests at once


def test_first_tests_of_empirical_claims_are_adjusted_by_question():
    _, tests = verdicts.decide(LEDGER, planted.tables(), "small")
    empirical = [entry["id"] for entry in LEDGER if entry["kind"] == "empirical"]
    for asks in ("as_published", "specific"):
        family = tests[(tests["asks"] == asks) & tests["claim"].isin(empirical)].drop_duplicates("claim")
        assert len(family) > 5
        smallest = family.loc[family["p_value"].idxmin()]
        assert smallest["p_value_holm"] == pytest.approx(min(1, len(family) * smallest["p_value"]))
        assert (family["p_value_holm"].dropna() >= family["p_value"].dropna()).all()
        tests = tests.drop(family.index)
    assert tests["p_value_holm"].isna().all()


def test_a_test_without_a_region_decides_nothing():
    entry = entry_of({}, asks="context")
    entry["tests"].insert(0, {**entry_of({"above": 0})["tests"][0], "id": "first"})
    row, tests = decide(entry, planted.tables())
    assert tests["outcome"].tolist() == ["held", "reported"]
    assert tests["region"].tolist() == ["above 0", ""]
    assert regions.region_of(entry["tests"][1]) == {}
    assert row["verdict"] == "holds"
