"""Verdicts on planted data: the effect, a null, the opposite, and too much noise; missing runs, borders, and the rule itself.

A null need not give "not replicated". Where it also passes the primary test (a free random walk has a 99 % count of 59) the claim
is "partly" replicated; where it lies on the border of the claim (no slope at all, against "below 0") it is "inconclusive".
"""

import itertools
import re
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import cases_feng2021
import cases_feng2023
import cases_yang2023
import planted
import planted_feng2021
import planted_feng2023
import planted_yang2023
from claim_cases import FAILED, HELD, UNDECIDED
from planted_feng2021 import REFERENCE
from planted_tables import TABLES, read_back
from sgdphysics import fits
from sgdphysics.claims import missing, reasons, verdicts
from sgdphysics.claims.ledger import tables_of
from sgdphysics.errors import InputError

LEDGER = yaml.safe_load((Path(__file__).parents[2] / "config" / "claims.yaml").read_text())["claims"]
ENTRIES = {entry["id"]: entry for entry in LEDGER}

CASES = cases_feng2021.CASES | cases_yang2023.CASES | cases_feng2023.CASES
TABLES_NEEDED = {name: set().union(*(tables_of(test["statistic"]) for test in entry["tests"])) for name, entry in ENTRIES.items()}
every_claim = pytest.mark.parametrize("claim", list(ENTRIES))
# The settings of feng2021, one of them the reference, are not those of other claims, whose own tests stand below.
every_claim_of_feng2021s_runs = pytest.mark.parametrize("claim", [c for c in ENTRIES if "feng2021_runs" in TABLES_NEEDED[c]])


def opposite_of(claim, seeds=planted.SEEDS):
    return planted.tables(CASES[claim].verdicts["opposite"][0], seeds)


def decide(claim, tables):
    """The claim's row of the ledger and its rows of tests."""
    entry = ENTRIES[claim] if isinstance(claim, str) else claim
    ledger, tests = verdicts.decide([entry], tables, "small")
    assert len(ledger) == 1
    return ledger.iloc[0], tests


def deciding(tests):
    return [outcome for outcome in tests["outcome"] if outcome != "reported"]


def exact_claim(**test):
    """A claim on the exponent in the Hessian basis, at the reference setting, against one region."""
    tests = [{"id": "only", "statistic": "hessian_exponent", "predicted": "x", **test}]
    return {**ENTRIES["not_einstein"], "id": "exact", "tests": tests}


# Effect, null, opposite, noise


def test_every_claim_of_the_ledger_is_planted():
    assert list(CASES) == list(ENTRIES)
    assert all({"effect", "null", "opposite", "noise"} <= set(cases.verdicts) for cases in CASES.values())


@pytest.mark.parametrize(("claim", "case"), [(claim, case) for claim, cases in CASES.items() for case in cases.verdicts])
def test_verdict_on_planted_data(claim, case):
    changes, outcomes, verdict = CASES[claim].verdicts[case]
    row, tests = decide(claim, planted.tables(changes))
    assert deciding(tests) == outcomes
    assert row["verdict"] == verdict
    assert row["n_seeds"] == len(planted.SEEDS)
    assert np.isfinite(tests[["value", "ci_low", "ci_high"]].to_numpy()).all()


@every_claim
def test_flipping_the_planted_sign_flips_the_verdict(claim):
    before, _ = decide(claim, planted.tables())
    after, _ = decide(claim, opposite_of(claim))
    assert (before["verdict"], after["verdict"]) == ("replicated", "not replicated")


@every_claim
def test_every_deciding_test_can_hold_and_can_fail(claim):
    for outcomes in zip(*(outcomes for _, outcomes, _ in CASES[claim].verdicts.values()), strict=True):
        assert {HELD, FAILED} <= set(outcomes)


def test_planted_effects_replicate_every_claim_at_once():
    ledger, tests = verdicts.decide(LEDGER, planted.tables(), "paper")
    assert ledger["claim"].tolist() == list(ENTRIES)
    assert set(ledger["verdict"]) == {"replicated"}
    assert set(ledger["scale"]) == {"paper"}
    assert ledger[["paper", "kind", "figure"]].to_dict("records") == [
        {key: entry[key] for key in ("paper", "kind", "figure")} for entry in LEDGER
    ]
    expected = [(entry["id"], test["id"], index == 0) for entry in LEDGER for index, test in enumerate(entry["tests"])]
    assert list(tests[["claim", "test", "primary"]].itertuples(index=False, name=None)) == expected


@pytest.mark.parametrize("claim", [claim for claim, cases in CASES.items() if cases.partly])
def test_a_claim_whose_primary_test_held_and_another_failed_is_partly_replicated(claim):
    row, tests = decide(claim, planted.tables(CASES[claim].partly))
    assert deciding(tests)[0] == HELD
    assert FAILED in deciding(tests)[1:]
    assert row["verdict"] == "partly"


def test_a_claim_of_several_tests_can_be_partly_replicated():
    for cases in CASES.values():
        _, outcomes, _ = cases.verdicts["effect"]
        assert (cases.partly is not None) == (len(outcomes) > 1)


def test_value_and_interval_are_those_of_the_primary_test():
    row, _ = decide("not_einstein", planted.tables({"hessian": (1.7, 0.1)}))
    assert row[["value", "ci_low", "ci_high"]].tolist() == pytest.approx([1.7, 1.7 - 0.104943, 1.7 + 0.104943], abs=1e-5)
    assert (row["statistic"], row["n_seeds"]) == ("hessian_exponent", 6)


@pytest.mark.parametrize(
    ("claim", "test", "changes", "value"), [(claim, *number) for claim, cases in CASES.items() for number in cases.numbers]
)
def test_statistic_returns_the_planted_number(claim, test, changes, value):
    _, tests = decide(claim, planted.tables(changes))
    assert tests.set_index("test").loc[test, "value"] == pytest.approx(value)


def test_order_is_compared_with_that_at_the_end():
    tables = planted.tables()
    table = tables["feng2021_fig4"]
    last = table["step"] == table["step"].max()
    table.loc[last, "temperature"] = 1 / table["temperature"]
    _, tests = decide("annealing", tables)
    assert tests.set_index("test").loc["order_kept", "value"] == pytest.approx(-1)


def test_scatter_common_to_both_cancels_in_a_difference_of_exponents():
    changes = {"hessian": (1.7, 0.5), "linear_theory": (1.6, 0.5)}
    _, tests = decide("not_einstein", planted.tables(changes))
    row = tests.set_index("test").loc["linear_theory_without_replacement"]
    assert (row["value"], row["ci_low"], row["ci_high"]) == pytest.approx((0.1, 0.1, 0.1))
    assert row["outcome"] == HELD


def test_tables_of_a_study_that_was_published_before_are_read_by_the_names_of_then():
    tables = planted.tables()
    exponents = tables["feng2021_fig2_exponents"]
    assert "frozen_noise" in set(exponents["kind"])
    named = exponents.assign(kind=exponents["kind"].replace({"frozen_noise": "noise_without_landscape"}))
    earlier = decide("inverse_variance_flatness", {**tables, "feng2021_fig2_exponents": named})
    for found, expected in zip(earlier, decide("inverse_variance_flatness", tables), strict=True):
        assert found.equals(expected)


def test_an_effect_only_in_the_basis_of_the_same_window_is_not_replicated():
    row, tests = decide("noise_correlation_time", planted.tables({"relaxation": (0.5, 0.05), "relaxation_in_sample": (-0.5, 0.05)}))
    assert tests.set_index("test").loc["relaxation_time_in_sample", "value"] == pytest.approx(-0.5)
    assert row["verdict"] == "not replicated"


@pytest.mark.parametrize("quantity", planted_feng2021.QUANTITIES)
def test_noise_scale_needs_every_quantity(quantity):
    tables, other = planted.tables(), opposite_of("noise_scale")
    name = "feng2021_fig4_equal_loss"
    tables[name].loc[tables[name]["quantity"] == quantity, "value"] = other[name]["value"]
    row, tests = decide("noise_scale", tables)
    assert row["verdict"] == "not replicated"
    assert tests["setting"].tolist() == [quantity] * 2
    assert tests["settings_held"].tolist() == [2, 2]


def test_noise_scale_is_compared_at_the_lowest_loss_that_all_settings_reached():
    tables = planted.tables()
    name = "feng2021_fig4_equal_loss"
    lower = tables[name][tables[name]["target_loss"] == 0.003].assign(target_loss=0.001)
    lower["value"] = lower["value"].where(lower["reference"])
    tables[name] = pd.concat([tables[name], lower], ignore_index=True)
    assert decide("noise_scale", tables)[0]["verdict"] == "replicated"


def test_no_pair_of_settings_of_equal_noise_scale_decides_nothing():
    tables = planted.tables()
    for name, table in tables.items():
        if "batch_size" in table:
            tables[name] = table.assign(batch_size=table["batch_size"].replace(20, 30))
    _, tests = decide("noise_scale", tables)
    assert tests.set_index("test").loc["equal_values", "outcome"] == UNDECIDED


CROSS = [(0.05, 20), (0.1, 10), (0.1, 20), (0.1, 40), (0.2, 20)]  # both lists through the reference setting


def cross(logarithm):
    """The table of equal losses of five settings; ``logarithm(learning_rate, batch_size, seed)`` is ln y of each quantity."""
    rows = [
        {"learning_rate": rate, "batch_size": size, "seed": seed, "value": np.exp(logarithm(rate, size, seed))}
        for rate, size in CROSS
        for seed in planted.SEEDS
    ]
    table = pd.DataFrame(rows).assign(status="converged", epochs=30, final_loss=1e-3, target_loss=0.003, run=range(len(rows)))
    table["reference"] = (table["learning_rate"] == 0.1) & (table["batch_size"] == 20)
    values = pd.concat([table.assign(quantity=name) for name in planted_feng2021.QUANTITIES])
    return {"feng2021_runs": table, "feng2021_fig4_equal_loss": values}


@pytest.mark.parametrize(("power", "verdict"), [(-1, "replicated"), (0, "not replicated"), (1, "not replicated")])
def test_noise_scale_on_a_cross_of_settings(power, verdict):
    row, _ = decide("noise_scale", cross(lambda rate, size, seed: np.log(rate) + power * np.log(size) + 0.1 * seed))
    assert row["verdict"] == verdict


def test_pure_noise_never_looks_like_an_equal_action():
    random = np.random.default_rng(0)
    found = {decide("noise_scale", cross(lambda *_: random.standard_normal()))[0]["verdict"] for _ in range(20)}
    assert found <= {"not replicated", "inconclusive"}


# The edge of convergence


def with_edge_rows(change):
    """The planted tables with the table of runs up to the edge changed in place."""
    tables = planted.tables()
    change(tables["yang2023_fig4"])
    return tables


def lines_of(tables):
    values = verdicts.STATISTICS["octaves_from_any_setting_to_edge"](tables)
    return values.groupby("setting")["value"].first().to_dict()


def test_only_lines_up_to_an_edge_that_is_seen_decide():
    assert lines_of(planted.tables()) == dict.fromkeys(planted_yang2023.EDGE_LINES, 3.5)
    tables = planted.tables()
    runs = tables["yang2023_fig4"]
    tables["yang2023_fig4"] = runs[(runs["status"] == "converged") | (runs["batch_size"] != 8)]  # that line ends at its edge
    assert list(lines_of(tables)) == ["batch size 16"]
    assert decide("edge_is_best", tables)[0]["verdict"] == "replicated"


@pytest.mark.parametrize("line", planted_yang2023.EDGE_LINES)
def test_every_line_decides(line):
    tables, other = planted.tables(), opposite_of("edge_is_best")
    runs, kept = tables["yang2023_fig4"], other["yang2023_fig4"]
    of_line = runs["batch_size"] == 16 if line == "batch size 16" else runs["learning_rate"] == 0.25
    tables["yang2023_fig4"] = pd.concat([kept[of_line], runs[~of_line]])
    row, tests = decide("edge_is_best", tables)
    assert row["verdict"] == "not replicated"
    assert tests["setting"].iloc[0] == line
    assert tests["settings"].tolist() == [2] * 5


@pytest.mark.parametrize("status", ["diverged", "dead", "not_converged"])
def test_one_seed_that_did_not_converge_moves_the_edge_whatever_lies_beyond(status):
    def lose(runs):
        one = (runs["noise_scale"] == 2**-8) & (runs["batch_size"] == 16) & (runs["seed"] == planted.SEEDS[3])
        assert one.sum() == 1
        runs.loc[one, "status"] = status

    tables = with_edge_rows(lose)
    assert lines_of(tables) == {"batch size 16": 2.0, "learning rate 0.25": 3.5}  # five settings are left, of eight
    row, _ = decide("edge_is_best", tables)
    assert row["verdict"] == "replicated"
    assert row["n_seeds"] == len(planted.SEEDS)


def test_lines_of_fewer_than_three_settings_give_no_value_and_without_any_the_claim_is_inconclusive():
    def lose(runs):
        runs.loc[runs["noise_scale"].between(2**-11, 2**-6), "status"] = "not_converged"  # two settings of each line are left

    row, tests = decide("edge_is_best", with_edge_rows(lose))
    assert row["verdict"] == "inconclusive"
    assert row["n_seeds"] == 0
    assert tests["settings_held"].tolist() == [0] * 5
    assert "no line has an edge with 3 settings or more up to it: 4 of 17 settings converge with every seed" in row["open_because"]


def test_a_seed_without_a_test_loss_up_to_the_edge_is_left_out():
    def lose(runs):
        runs.loc[(runs["noise_scale"] == 2**-9) & (runs["seed"] == planted.SEEDS[0]), "test_loss"] = np.nan

    row, tests = decide("edge_is_best", with_edge_rows(lose))
    assert row["verdict"] == "replicated"
    assert tests["n_seeds"].tolist() == [5, 5, 6, 6, 6]


def test_the_test_error_of_a_line_decides_nothing():
    before, reported = decide("edge_is_best", planted.tables())
    after, changed = decide("edge_is_best", planted.tables({"error_optimum": (7, 0.1)}))
    assert before["verdict"] == after["verdict"] == "replicated"
    assert (changed["value"] != reported["value"]).tolist() == [False, False, False, True, True]


# Sweeps


def test_every_setting_of_every_sweep_decides():
    count = sum(len(doses) for doses in planted_feng2023.DOSES.values())
    for sweep, doses in planted_feng2023.DOSES.items():
        for dose in doses:
            tables = planted.tables()
            points = tables["feng2023_points"]
            points.loc[(points["sweep"] == sweep) & (points["dose"] == dose) & points["deciding"], "correlated_share"] = 0.9
            row, tests = decide("gap_decomposed", tables)
            assert row["verdict"] == "not replicated"
            assert tests["setting"].iloc[0] == f"{sweep} {dose:g}"
            assert (tests["settings"].iloc[0], tests["settings_held"].iloc[0]) == (count, count - 1)


def test_a_run_shared_by_two_sweeps_counts_once_over_settings():
    tables = planted.tables({"gap_correlation": (0.7, 0)})
    points = tables["feng2023_points"]
    shared = points[(points["sweep"] == "learning_rate") & (points["dose"] == 0.1)]
    tables["feng2023_points"] = pd.concat([points, shared.assign(sweep="label_noise", dose=0.0)], ignore_index=True)
    _, tests = decide("gap_decomposed", tables)
    assert tests.set_index("test").loc["gap_follows_the_products", "value"] == pytest.approx(0.7)
    assert tests["settings"].iloc[0] == sum(len(doses) for doses in planted_feng2023.DOSES.values())


def test_two_settings_of_label_noise_do_not_make_the_gap_follow_the_products_everywhere():
    tables = planted.tables({"gap_correlation": (0.7, 0)})
    points = tables["feng2023_points"]
    noisy = points[(points["sweep"] == "dropout") & (points["dose"] > 0)]
    noisy = noisy.assign(sweep="label_noise", run=noisy["run"] + "_noisy", gap=noisy["gap"] + 5, summed_products=20.0)
    tables["feng2023_points"] = pd.concat([points, noisy], ignore_index=True)
    _, tests = decide("gap_decomposed", tables)
    values = tests.set_index("test")["value"]
    assert values["gap_follows_the_products"] > 0.99
    assert values["gap_follows_the_products_without_label_noise"] == pytest.approx(0.7)


def without_points(tables, lost):
    """The planted tables after those runs, a mask of the table of points, diverged before they reached any point."""
    points = tables["feng2023_points"]
    columns = ["sweep", "dose", "seed", "reference", "run"]
    diverged = points.loc[lost, columns].drop_duplicates().assign(status="diverged", deciding=False)
    return tables | {"feng2023_points": read_back(pd.concat([points[~lost], diverged]))}


@pytest.mark.parametrize("claim", ["gap_decomposed", "spread_is_size"])
def test_a_setting_that_no_run_reached_leaves_a_claim_on_every_setting_undecided(claim):
    tables = planted.tables()
    points = tables["feng2023_points"]
    row, tests = decide(claim, without_points(tables, (points["sweep"] == "batch_size") & (points["dose"] == 10)))
    assert row["verdict"] == "inconclusive"
    assert FAILED not in deciding(tests)
    assert tests["settings"].max() == tests["settings_held"].max() + 1


def never_reaching(tables, sweep, dose, seeds):
    """The planted tables with runs of a dose that stayed above the losses compared, and so in no effect."""
    points, effects = tables["feng2023_points"], tables["feng2023_effects"]
    of_points, of_effects = (
        (rows["sweep"] == sweep) & (rows["dose"] == dose) & rows["seed"].isin(seeds) for rows in (points, effects)
    )
    tired = points.loc[of_points, ["sweep", "dose", "seed", "reference", "run"]].drop_duplicates()
    tired = tired.assign(status="not_converged", deciding=False, trained_epochs=600, lowest_loss=0.0071)
    reached = read_back(pd.concat([points[~of_points], tired]))
    return tables | {"feng2023_points": reached, "feng2023_effects": effects[~of_effects]}


@pytest.mark.parametrize("lost", [6, 2, 1])
def test_a_dose_that_stays_above_the_losses_compared_says_why_its_claim_is_open(lost):
    tables = planted.tables()
    points = tables["feng2023_points"]
    doses = points.loc[points["sweep"] == "learning_rate", "dose"]
    row, tests = decide("noise_flattens", never_reaching(tables, "learning_rate", doses.max(), planted.SEEDS[:lost]))
    if lost == 1:
        assert (row["verdict"], row["open_because"]) == ("replicated", "")
        return
    assert row["verdict"] == "inconclusive"
    assert f"learning rate {doses.max():g} against {doses.min():g}: {6 - lost} of 6 seeds have a value" in row["open_because"]
    assert "did not reach a loss of 0.001 in 600 epochs; lowest common loss 0.0071), 5 are needed" in row["open_because"]
    assert tests.loc[tests["outcome"] == UNDECIDED, "open_because"].ne("").all()


@pytest.mark.parametrize("point", ["equal_loss", "equal_epochs"])
def test_what_a_run_lacks_is_told_by_the_point_compared(point):
    points = planted.tables()["feng2023_points"]
    of_sweep = points[points["sweep"] == "dropout"]
    strongest = of_sweep["dose"].max()
    lost = (of_sweep["point"] == point) & (of_sweep["dose"] == strongest)
    told = missing.of_sweeps(of_sweep[~lost], point).set_index("dose")["missing"]
    words = "did not reach a loss of 0.001" if point == "equal_loss" else "stopped before epoch 120"
    assert told[strongest].str.startswith(words).all()
    assert told.drop(strongest).eq("").all()
    nowhere = missing.of_sweeps(of_sweep.assign(deciding=False), point)["missing"]
    assert not nowhere.str.contains("nan").any()
    assert nowhere.str.contains("compared").all()


def test_the_text_for_the_terminal_has_neither_nan_nor_inf():
    summary = runpy.run_path(str(Path(__file__).parents[2] / "workflow" / "scripts" / "decide_claims.py"), run_name="script")[
        "summary"
    ]
    tables = planted.tables()
    points = tables["feng2023_points"]
    cut = without_points(planted.diverged(tables, planted.names(tables)), points["sweep"] == points["sweep"])
    text = summary(*verdicts.decide(LEDGER, cut, "small"), "planted")
    assert "no value" in text
    assert "because " in text
    assert not re.search(r"\b(nan|inf)\b", text)


def test_a_test_whose_interval_crosses_a_margin_names_it():
    region = {"between": [3, 5]}
    rows = pd.DataFrame({"seed": range(5), "value": [2.9, 3.1, 3.0, 3.05, 2.95]})
    assert reasons.of_setting(rows, fits.student_interval(rows["value"]), region) == "3 [2.9, 3.1] crosses 3"
    wide = rows.assign(value=[1, 7, 4, 2, 6])
    assert reasons.of_setting(wide, fits.student_interval(wide["value"]), region).endswith("crosses 3 and 5")


@every_claim
def test_a_claim_that_is_decided_has_no_reason_to_be_open(claim):
    row, tests = decide(claim, planted.tables())
    assert (row["verdict"], row["open_because"]) == ("replicated", "")
    assert tests.loc[tests["outcome"] != "reported", "open_because"].eq("").all()


@pytest.mark.parametrize("claim", ["noise_flattens", "decay_shrinks", "dropout_both"])
def test_a_sweep_that_compares_nothing_leaves_a_claim_on_it_undecided(claim):
    sweep = {"noise_flattens": "learning_rate", "decay_shrinks": "norm_penalty", "dropout_both": "dropout"}[claim]
    tables = planted.tables()
    effects = tables["feng2023_effects"]
    tables["feng2023_effects"] = effects[effects["sweep"] != sweep]
    row, tests = decide(claim, tables)
    assert row["verdict"] == "inconclusive"
    assert tests["setting"].str.startswith(sweep).iloc[0]
    tables["feng2023_effects"] = effects.iloc[:0]
    assert decide(claim, tables)[0]["verdict"] == "inconclusive"


def test_a_seed_without_one_of_the_settings_has_no_number_over_settings():
    tables = planted.tables()
    points = tables["feng2023_points"]
    lost = (points["sweep"] == "batch_size") & (points["dose"] == 10) & (points["seed"] == planted.SEEDS[0])
    for cut in (without_points(tables, lost), tables | {"feng2023_points": points[~lost]}):
        row, tests = decide("spread_is_size", cut)
        assert tests["n_seeds"].iloc[:2].tolist() == [5, 5]
        assert row["verdict"] == "replicated"
        assert decide("gap_decomposed", cut)[0]["verdict"] == "replicated"


@pytest.mark.parametrize("claim", ["noise_flattens", "decay_shrinks", "dropout_both"])
def test_sweeps_are_compared_where_all_runs_can_be(claim):
    tables = planted.tables()
    effects, other = tables["feng2023_effects"], opposite_of(claim)["feng2023_effects"]
    assert {0.003, 0.001} == set(effects.loc[effects["comparison"] == "equal_loss", "target"])
    tables["feng2023_effects"] = pd.concat([effects[effects["deciding"]], other[~other["deciding"]]])
    assert decide(claim, tables)[0]["verdict"] == "replicated"
    tables["feng2023_effects"] = pd.concat([effects[~effects["deciding"]], other[other["deciding"]]])
    assert decide(claim, tables)[0]["verdict"] == "not replicated"


@pytest.mark.parametrize("claim", ["noise_flattens", "decay_shrinks"])
def test_the_strongest_dose_decides(claim):
    tables = planted.tables()
    effects, other = tables["feng2023_effects"], opposite_of(claim)["feng2023_effects"]
    middle = effects["dose"].isin([0.1, 20, 1e-5])
    tables["feng2023_effects"] = pd.concat([effects[~middle], other[middle]])
    assert decide(claim, tables)[0]["verdict"] == "replicated"


@pytest.mark.parametrize("comparison", ["equal_loss", "as_many_epochs"])
@pytest.mark.parametrize("penalty", ["norm_penalty", "squared_penalty"])
def test_decay_shrinks_needs_both_penalties_and_the_control(penalty, comparison):
    tables = planted.tables()
    effects, other = tables["feng2023_effects"], opposite_of("decay_shrinks")["feng2023_effects"]
    chosen = (effects["sweep"] == penalty) & (effects["comparison"] == comparison)
    tables["feng2023_effects"] = pd.concat([effects[~chosen], other[chosen]])
    row, tests = decide("decay_shrinks", tables)
    assert row["verdict"] == "not replicated"
    assert tests["setting"].tolist() == [f"{penalty} 0.0001 against 0, {comparison}"] * 2
    assert tests["settings"].tolist() == [4, 4]


@pytest.mark.parametrize(("sweep", "doses"), [("learning_rate", "0.2 against 0.05"), ("batch_size", "10 against 40")])
def test_noise_flattens_needs_both_kinds_of_noise(sweep, doses):
    tables = planted.tables()
    effects, other = tables["feng2023_effects"], opposite_of("noise_flattens")["feng2023_effects"]
    chosen = effects["sweep"] == sweep
    tables["feng2023_effects"] = pd.concat([effects[~chosen], other[chosen]])
    row, tests = decide("noise_flattens", tables)
    assert row["verdict"] == "not replicated"
    assert tests["setting"].tolist() == [f"{sweep} {doses}"] * 3


def test_best_dose_in_between_is_chosen_by_the_other_seeds():
    """Five doses whose gaps are chance: the lowest of three in between is below both ends more often than not."""
    random = np.random.default_rng(0)
    rows = [
        {"sweep": "dropout", "dose": dose, "seed": seed, "reference": False, "run": f"{dose}_{seed}", "point": "equal_loss"}
        | {"target": 0.001, "deciding": True, "status": "converged", "epoch": 80, "gap": 0.5 + 0.05 * random.standard_normal()}
        for dose in range(5)
        for seed in range(200)
    ]
    values = verdicts.STATISTICS["dropout_gap_in_between"]({"feng2023_points": pd.DataFrame(rows)})["value"]
    best = pd.DataFrame(rows).pivot(index="seed", columns="dose", values="gap")
    assert (best[[0, 4]].min(axis=1) - best[[1, 2, 3]].min(axis=1)).mean() > 0.005
    assert values.mean() < 0


@pytest.mark.parametrize("correlation", [-0.9, 0, 0.9])
def test_chance_that_moves_sharpness_and_size_against_each_other_is_no_effect(correlation):
    random = np.random.default_rng(0)
    covariance = [[1, correlation], [correlation, 1]]
    runs = pd.DataFrame(itertools.product(["dropout"], [0.0, 0.2], range(5)), columns=["sweep", "dose", "seed"])
    points = runs.assign(run=range(10), point="equal_loss", target=0.001, deciding=True, status="converged")
    held = []
    for _ in range(400):
        changes = random.multivariate_normal([0, 0], covariance, size=5)
        rows = pd.DataFrame(changes, columns=["slope_spread", "weight_spread"]).assign(seed=range(5), dose=0.2, sweep="dropout")
        table = rows.assign(deciding=True, comparison="equal_loss", weakest=0.0)
        tables = {"feng2023_effects": table, "feng2023_points": points}
        values = verdicts.STATISTICS["dropout_opposite_effects"](tables)["value"]
        held.append(verdicts.outcome(values.tolist(), {"above": 0})[0] == HELD)
    assert np.mean(held) <= 0.05


# Settings


@pytest.mark.parametrize("claim", [claim for claim, cases in CASES.items() if not cases.every_setting])
def test_other_settings_do_not_touch_a_claim_about_the_reference(claim):
    tables = planted.tables()
    others = planted.names(tables) - planted.names(tables, *REFERENCE)
    row, _ = decide(claim, planted.mixed(tables, opposite_of(claim), others))
    assert row["verdict"] == "replicated"


@pytest.mark.parametrize("setting", list(itertools.product(planted_feng2021.LEARNING_RATES, planted_feng2021.BATCH_SIZES)))
def test_a_claim_about_every_setting_fails_with_one_of_them(setting):
    tables = planted.tables()
    chosen = planted.names(tables, *setting)
    row, tests = decide("inverse_variance_flatness", planted.mixed(tables, opposite_of("inverse_variance_flatness"), chosen))
    assert row["verdict"] == "not replicated"
    assert tests["settings"].tolist() == [4] * 6
    assert tests["settings_held"].tolist() == [3, 3, 3, 4, 4, 4]
    # The row shows the setting that is least in favour.
    assert tests["setting"].iloc[0] == "learning rate {:g}, batch size {}".format(*setting)
    assert row["value"] == pytest.approx(-2)


@every_claim_of_feng2021s_runs
def test_claim_about_the_reference_fails_with_it(claim):
    tables = planted.tables()
    row, _ = decide(claim, planted.mixed(tables, opposite_of(claim), planted.names(tables, *REFERENCE)))
    assert row["verdict"] == "not replicated"


@pytest.mark.parametrize("epoch", [1, 2, 5])
def test_early_freezing_needs_every_early_epoch(epoch):
    tables, other = planted.tables(), opposite_of("early_freezing")
    name = "feng2021_fig1_dimension"
    chosen = (tables[name]["window"] == "early") & (tables[name]["start_epoch"] == epoch - 1)
    tables[name][chosen] = other[name][chosen]
    row, tests = decide("early_freezing", tables)
    assert row["verdict"] == "not replicated"
    assert tests["setting"].tolist() == [f"epoch {epoch}"] * 2


# Too few seeds, runs that did not converge


@every_claim
@pytest.mark.parametrize("count", [1, 4])
def test_fewer_than_five_seeds_are_inconclusive(claim, count):
    for tables in (planted.tables(seeds=planted.SEEDS[:count]), opposite_of(claim, planted.SEEDS[:count])):
        row, tests = decide(claim, tables)
        assert row["verdict"] == "inconclusive"
        assert row["n_seeds"] == count
        seeded = [not test.get("deterministic", False) for test in ENTRIES[claim]["tests"]]
        assert set(deciding(tests[seeded])) == {UNDECIDED}


@every_claim
def test_five_seeds_are_enough(claim):
    assert decide(claim, planted.tables(seeds=planted.SEEDS[:5]))[0]["verdict"] == "replicated"


@every_claim_of_feng2021s_runs
@pytest.mark.parametrize("lost", [1, 2])
def test_runs_that_diverged_or_did_not_converge_are_left_out(claim, lost):
    tables = planted.tables()
    chosen = planted.names(tables, *REFERENCE, seeds=planted.SEEDS[:lost])
    # What was measured of a run that did not converge says the opposite.
    contrary = planted.with_status(planted.mixed(tables, opposite_of(claim), chosen), chosen, "not_converged")
    for cut in (planted.diverged(tables, chosen), contrary):
        row, tests = decide(claim, cut)
        assert row["n_seeds"] == 6 - lost
        assert row["verdict"] == ("replicated" if lost == 1 else "inconclusive")
        assert FAILED not in deciding(tests)
    without, _ = decide(claim, planted.diverged(tables, chosen))
    ignored, _ = decide(claim, contrary)
    pd.testing.assert_series_equal(without.drop("open_because"), ignored.drop("open_because"))
    if lost == 2:
        lacking = "lacking learning rate 0.1, batch size 20, which " if claim == "noise_scale" else ""
        for row, fate in ((without, "diverged"), (ignored, "did not converge in 30 epochs, training loss 0.009")):
            assert f"4 of 6 seeds have a value (2 {lacking}{fate}), 5 are needed" in row["open_because"]


@every_claim_of_feng2021s_runs
def test_a_run_without_a_value_reduces_the_number_of_seeds(claim):
    tables = planted.tables()
    chosen = planted.names(tables, *REFERENCE, seeds=planted.SEEDS[:1])
    numbers = ("components_99", "minima", "exponent", "r", "temperature", "value")
    for name in {name for name in tables if "run" in tables[name]} - {"feng2021_runs", "feng2021_fig2_minima"}:
        columns = [column for column in tables[name].columns if column in numbers]
        tables[name][columns] = tables[name][columns].astype(float).mask(tables[name]["run"].isin(chosen))
    tables["feng2021_fig2_minima"] = tables["feng2021_fig2_minima"][~tables["feng2021_fig2_minima"]["run"].isin(chosen)]
    row, _ = decide(claim, tables)
    assert row["n_seeds"] == 5
    assert row["verdict"] == "replicated"


@every_claim_of_feng2021s_runs
@pytest.mark.parametrize("status", ["diverged", "not_converged"])
@pytest.mark.parametrize("which", ["reference", "another", "all"])
def test_a_setting_without_a_run_that_converged_is_inconclusive(claim, status, which):
    tables = planted.tables()
    setting = {"reference": REFERENCE, "another": (0.1, 10), "all": (None, None)}[which]
    chosen = planted.names(tables, *setting)
    cut = planted.diverged(tables, chosen) if status == "diverged" else planted.with_status(tables, chosen, status)
    row, tests = decide(claim, cut)
    touched = which != "another" or CASES[claim].every_setting
    assert row["verdict"] == ("inconclusive" if touched else "replicated")
    assert set(tests["outcome"]) <= {HELD, UNDECIDED, "reported"}
    assert row["n_seeds"] == (0 if touched else 6)


@pytest.mark.parametrize("rank", [planted_feng2021.ANNEALING_RANKS[0], planted_feng2021.ANNEALING_RANKS[-1]])
@pytest.mark.parametrize("test", range(3))
def test_a_direction_without_temperatures_counts_the_same_wherever_it_stands(rank, test):
    """The smallest of several numbers must not depend on whether the missing one comes first."""
    numbers = []
    for lost in (rank, planted_feng2021.ANNEALING_RANKS[2]):
        tables = planted.tables()
        table = tables["feng2021_fig4"]
        one = table["run"].isin(planted.names(tables, *REFERENCE, seeds=planted.SEEDS[:1]))
        table.loc[one & (table["rank"] == lost), "temperature"] = np.nan
        numbers.append(decide("annealing", tables)[1].iloc[test]["n_seeds"])
    assert numbers[0] == numbers[1]


# Tables


@pytest.mark.parametrize(
    ("claim", "table"), [(claim, table) for claim, needed in TABLES_NEEDED.items() for table in sorted(needed)]
)
def test_a_missing_table_is_named_in_one_line(claim, table):
    tables = planted.tables()
    del tables[table]
    with pytest.raises(InputError, match=rf"\b{table}\.csv is missing") as caught:
        decide(claim, tables)
    assert "\n" not in str(caught.value)


@every_claim
def test_a_claim_needs_no_other_tables(claim):
    tables = {name: table for name, table in planted.tables().items() if name in TABLES_NEEDED[claim]}
    assert decide(claim, tables)[0]["verdict"] == "replicated"


def test_an_unknown_statistic_is_named_in_one_line():
    claim = exact_claim(above=0)
    claim["tests"][0]["statistic"] = "hesian_exponent"
    with pytest.raises(InputError, match=r"exact.*'hesian_exponent'") as caught:
        decide(claim, planted.tables())
    assert "\n" not in str(caught.value)


@every_claim
def test_order_of_rows_does_not_matter_and_tables_stay_as_they_are(claim):
    tables = planted.tables()
    shuffled = {name: table.sample(frac=1, random_state=1) for name, table in tables.items()}
    before = {name: table.copy() for name, table in shuffled.items()}
    expected, _ = decide(claim, tables)
    row, _ = decide(claim, shuffled)
    assert (row["verdict"], row["n_seeds"]) == (expected["verdict"], expected["n_seeds"])
    assert row["value"] == pytest.approx(expected["value"], rel=1e-9)
    for name, table in shuffled.items():
        pd.testing.assert_frame_equal(table, before[name])


# Reported only


@pytest.mark.parametrize(("claim", "changes"), [(claim, changes) for claim, cases in CASES.items() for changes in cases.reported])
def test_tests_that_are_only_reported_decide_nothing(claim, changes):
    before, reported = decide(claim, planted.tables())
    after, changed = decide(claim, planted.tables(changes))
    assert before["verdict"] == after["verdict"] == "replicated"
    values = changed["value"] - reported["value"]
    assert (values != 0).sum() == 1
    assert changed.loc[values != 0, "outcome"].tolist() == ["reported"]


def test_a_reported_test_does_not_rescue_a_claim():
    row, tests = decide("smooth_slices", planted.tables({"one_minimum": (0, 0), "one_minimum_wide": (1, 0)}))
    assert tests["outcome"].tolist() == [FAILED, "reported"]
    assert row["verdict"] == "not replicated"


# Regions


@pytest.mark.parametrize(
    ("region", "outcome"),
    [
        # The interval is the point 3: borders belong to "between", and not to "above", "below" and "outside".
        ({"above": 2.999}, HELD),
        ({"above": 3}, UNDECIDED),
        ({"above": 3.001}, FAILED),
        ({"below": 3.001}, HELD),
        ({"below": 3}, UNDECIDED),
        ({"below": 2.999}, FAILED),
        ({"between": [3, 5]}, HELD),
        ({"between": [1, 3]}, HELD),
        ({"between": [3.001, 5]}, FAILED),
        ({"between": [1, 2.999]}, FAILED),
        ({"outside": [3, 5]}, FAILED),
        ({"outside": [1, 3]}, FAILED),
        ({"outside": [3.001, 5]}, HELD),
        ({"outside": [1, 2.999]}, HELD),
    ],
)
def test_borders_of_a_region_for_seeds_without_scatter(region, outcome):
    row, tests = decide(exact_claim(**region), planted.tables({"hessian": (3, 0)}))
    assert tests["outcome"].tolist() == [outcome]
    assert (row["ci_low"], row["ci_high"]) == (3, 3)


@pytest.mark.parametrize(
    ("region", "outcome"),
    [
        # The interval reaches from 1.9506 to 4.0494.
        ({"above": 1.95}, HELD),
        ({"above": 1.951}, UNDECIDED),
        ({"above": 4.049}, UNDECIDED),
        ({"above": 4.05}, FAILED),
        ({"below": 4.05}, HELD),
        ({"below": 4.049}, UNDECIDED),
        ({"below": 1.951}, UNDECIDED),
        ({"below": 1.95}, FAILED),
        ({"between": [1.95, 4.05]}, HELD),
        ({"between": [1.951, 5]}, UNDECIDED),
        ({"between": [1, 4.049]}, UNDECIDED),
        ({"between": [2.9, 3.1]}, UNDECIDED),
        ({"between": [4.05, 5]}, FAILED),
        ({"between": [4.049, 5]}, UNDECIDED),
        ({"between": [0, 1.95]}, FAILED),
        ({"outside": [1.95, 4.05]}, FAILED),
        ({"outside": [1.951, 5]}, UNDECIDED),
        ({"outside": [2.9, 3.1]}, UNDECIDED),
        ({"outside": [4.05, 5]}, HELD),
        ({"outside": [4.049, 5]}, UNDECIDED),
        ({"outside": [0, 1.95]}, HELD),
    ],
)
def test_only_an_interval_wholly_on_one_side_decides(region, outcome):
    _, tests = decide(exact_claim(**region), planted.tables({"hessian": (3, 1)}))
    assert tests["outcome"].tolist() == [outcome]


@pytest.mark.parametrize(
    ("region", "text"),
    [({"above": 0.99}, "above 0.99"), ({"below": -0.9}, "below -0.9"), ({"between": [3, 5]}, "between 3 and 5")],
)
def test_region_in_words(region, text):
    _, tests = decide(exact_claim(**region), planted.tables())
    assert tests["region"].tolist() == [text]


@pytest.mark.parametrize(
    ("values", "outcome"),
    [([0.04], HELD), ([0.05], HELD), ([0.051], FAILED), ([np.nan], UNDECIDED), ([], UNDECIDED), ([0, 0], UNDECIDED)],
)
def test_a_deterministic_value_decides_by_itself(values, outcome):
    assert verdicts.outcome(values, {"between": [-0.05, 0.05]}, deterministic=True)[0] == outcome
    assert verdicts.outcome(values, {"between": [-0.05, 0.05]})[0] == UNDECIDED


def test_tests_without_seeds_are_those_of_tables_without_seeds():
    for test in (test for entry in LEDGER for test in entry["tests"]):
        seeded = {TABLES[name].seeded for name in tables_of(test["statistic"])}
        assert seeded == {not test.get("deterministic", False)}, test["id"]


@pytest.mark.parametrize("kappa", [1.0, 8.0])
def test_effective_loss_is_decided_at_every_kappa(kappa):
    tables = planted.tables()
    name = "yang2023_fig2_slopes"
    chosen = tables[name]["kappa"] == kappa
    tables[name].loc[chosen, "joint_slope"] += 0.2 * max(1, kappa - 1)
    row, tests = decide("effective_loss", tables)
    assert row["verdict"] == "not replicated"
    assert tests["setting"].iloc[0] == f"kappa {kappa:g}"


def test_a_median_beyond_the_horizon_leaves_a_seed_without_an_exponent():
    tables = planted.tables()
    table = tables["yang2023_fig3_arrivals"]
    table.loc[(table["seed"] == planted.SEEDS[0]) & (table["shift"] == 0.05), "median_steps"] = np.inf
    row, _ = decide("noise_speeds_flat", tables)
    assert (row["n_seeds"], row["verdict"]) == (5, "replicated")


def test_a_null_on_the_border_is_held_as_rarely_as_promised():
    random = np.random.default_rng(0)
    outcomes = [verdicts.outcome(random.standard_normal(5).tolist(), {"above": 0})[0] for _ in range(2000)]
    # 2.5 % of 2,000 on either side: 50, standard deviation 7.
    assert 22 <= outcomes.count(HELD) <= 78
    assert 22 <= outcomes.count(FAILED) <= 78


# p-values and power


@pytest.mark.parametrize(
    ("values", "region", "p_value"),
    [
        # Mean 3, standard error 0.7071, 4 degrees of freedom: t = 2 / 0.7071 gives 0.02371, t = 1 / 0.7071 gives 0.11510.
        ([1, 2, 3, 4, 5], {"above": 1}, 0.02371),
        ([1, 2, 3, 4, 5], {"below": 1}, 1 - 0.02371),
        ([1, 2, 3, 4, 5], {"below": 5}, 0.02371),
        ([1, 2, 3, 4, 5], {"between": [1, 4]}, 0.11510),
        ([1, 2, 3, 4, 5], {"between": [2, 5]}, 0.11510),
        ([1, 2, 3, 4, 5], {"outside": [0, 1]}, 2 * 0.02371),
        ([1, 2, 3, 4, 5], {"outside": [5, 6]}, 2 * 0.02371),
        ([1, 2, 3, 4, 5], {"outside": [2, 4]}, 1),
    ],
)
def test_p_value_of_a_region(values, region, p_value):
    assert verdicts.p_value(values, region) == pytest.approx(p_value, abs=1e-5)


@pytest.mark.parametrize("region", [{"above": 0}, {"below": 0}, {"between": [-1, 1]}, {"outside": [-1, 1]}])
def test_a_test_at_one_setting_holds_where_its_p_value_is_small(region):
    random = np.random.default_rng(0)
    threshold = 0.05 if "outside" in region else 0.025
    for mean in np.linspace(-3, 3, 60):
        values = random.normal(mean, 0.5, 5).tolist()
        assert (verdicts.outcome(values, region)[0] == HELD) == (verdicts.p_value(values, region) < threshold)


def test_the_setting_least_in_favour_gives_the_p_value_of_all():
    tables = planted.tables({"hessian": (3, 1)})
    setting = f"learning_rate == {planted_feng2021.LEARNING_RATES[0]} and batch_size == {planted_feng2021.BATCH_SIZES[0]}"
    runs = tables["feng2021_runs"].query(setting)["run"]
    exponents = tables["feng2021_fig2_exponents"]
    chosen = exponents["run"].isin(runs) & (exponents["kind"] == "hessian")
    values = exponents.loc[chosen, "exponent"] - 2
    exponents.loc[chosen, "exponent"] = values
    _, tests = decide(exact_claim(above=0, settings="all"), tables)
    assert tests["p_value"].iloc[0] == pytest.approx(verdicts.p_value(values.tolist(), {"above": 0}))
    exponents.loc[chosen, "exponent"] = np.nan
    _, tests = decide(exact_claim(above=0, settings="all"), tables)
    assert np.isnan(tests["p_value"].iloc[0])


def test_only_primary_tests_of_empirical_claims_are_adjusted_and_for_all_of_them():
    _, tests = verdicts.decide(LEDGER, planted.tables(), "small")
    empirical = [entry["id"] for entry in LEDGER if entry["kind"] == "empirical"]
    family = tests[tests["primary"] & tests["claim"].isin(empirical)]
    assert tests["p_value_holm"].notna().equals(tests.index.isin(family.index) & tests["p_value"].notna())
    smallest = family.loc[family["p_value"].idxmin()]
    assert smallest["p_value_holm"] == pytest.approx(len(empirical) * smallest["p_value"])
    assert (family["p_value_holm"] >= family["p_value"]).all()


def test_more_scatter_hides_larger_effects():
    distances = [
        decide("not_einstein", planted.tables({"hessian": (1.7, scatter)}))[1]["smallest_effect"].iloc[0] for scatter in (0.1, 1)
    ]
    assert distances[1] == pytest.approx(10 * distances[0])


def test_each_test_names_the_tables_that_it_read():
    _, tests = decide("inverse_variance_flatness", planted.tables())
    assert set(tests["tables"]) == {"feng2021_fig2_exponents; feng2021_runs"}


# The rule


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([HELD], "replicated"),
        ([FAILED], "not replicated"),
        ([UNDECIDED], "inconclusive"),
        ([HELD, HELD], "replicated"),
        ([HELD, FAILED], "partly"),
        ([HELD, UNDECIDED], "inconclusive"),
        ([FAILED, HELD], "not replicated"),
        ([FAILED, FAILED], "not replicated"),
        ([FAILED, UNDECIDED], "not replicated"),
        ([UNDECIDED, HELD], "inconclusive"),
        ([UNDECIDED, FAILED], "inconclusive"),
        ([UNDECIDED, UNDECIDED], "inconclusive"),
        ([HELD, HELD, HELD], "replicated"),
        ([HELD, HELD, FAILED], "partly"),
        ([HELD, UNDECIDED, FAILED], "partly"),
        ([HELD, FAILED, UNDECIDED], "partly"),
        ([HELD, HELD, UNDECIDED], "inconclusive"),
        ([FAILED, HELD, HELD], "not replicated"),
        ([UNDECIDED, HELD, HELD], "inconclusive"),
        ([UNDECIDED, FAILED, FAILED], "inconclusive"),
    ],
)
def test_truth_table_of_verdicts(outcomes, verdict):
    assert verdicts.verdict(outcomes) == verdict


def test_no_deciding_test_is_no_evidence():
    row, tests = decide(exact_claim(above=0, reported_only=True), planted.tables())
    assert tests["outcome"].tolist() == ["reported"]
    assert row["verdict"] == "inconclusive"
