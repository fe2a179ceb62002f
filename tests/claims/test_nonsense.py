"""What is no measurement decides nothing: what is no number, rows twice, rounding, runs and windows that a claim is not about."""

import numpy as np
import pandas as pd
import pytest

import planted
from sgdphysics.errors import InputError
from test_verdicts import decide, with_effect


def outcome_of(claim, test, tables):
    row, tests = decide(claim, tables)
    return row, tests.set_index("test").loc[test]


@pytest.mark.parametrize("nonsense", [np.inf, np.nan])
@pytest.mark.parametrize("lost", [1, 4])
def test_an_identity_holds_for_all_numbers_or_not_at_all(nonsense, lost):
    tables = with_effect("duality_exact")
    pairs = tables["feng2023_fig1"]
    seeds = sorted(set(pairs["seed"]))[:lost]
    first = pairs[pairs["seed"].isin(seeds)].groupby("seed").head(1).index  # of all pairs of a seed, one
    pairs.loc[first, ["activity_error", "logit_error"]] = nonsense
    row, test = outcome_of("duality_exact", "activities_reproduced", tables)
    assert (row["verdict"], test["outcome"]) == ("at least partly reproduced", "undecided")
    assert test["open_because"] == f"reference: {lost} of 6 seeds are without a finite number, of what must be so at all"


def test_a_gap_whose_sign_flips_is_not_invariant():
    tables = with_effect("dinh_invariant")
    rows = tables["feng2023_fig6"]
    rows["decomposed_gap"] = np.where(rows["factor"] > 1, -2.0, -1.0)
    assert outcome_of("dinh_invariant", "same_products", tables)[1]["settings_failed"] > 0
    rows["decomposed_gap"] = np.where(rows["factor"] > 1, -1.0, 1.0)
    assert outcome_of("dinh_invariant", "same_products", tables)[1]["settings_failed"] > 0


def test_rows_that_are_there_twice_are_named():
    tables = with_effect("drift_is_pc1")
    tables["feng2021_runs"] = pd.concat([tables["feng2021_runs"]] * 2, ignore_index=True)
    with pytest.raises(
        InputError, match=r"^claims.drift_is_pc1.alignment_with_the_weights: .*found seed 100 twice at learning rate"
    ):
        decide("drift_is_pc1", tables)


def test_rounding_is_no_scatter():
    tables = with_effect("not_einstein")
    exponents = tables["feng2021_fig2_exponents"]
    chosen = exponents["kind"] == "hessian"
    exponents.loc[chosen, "exponent"] = 0.3
    exponents.loc[exponents[chosen].index[::3], "exponent"] = 0.1 + 0.2
    _, test = outcome_of("not_einstein", "opposite_sign", tables)
    assert test["outcome"] == "undecided"
    assert test["open_because"].endswith("0.3 without an interval")


@pytest.mark.parametrize(
    ("claim", "test"), [("draws_without_replacement", "linear_theory"), ("fluctuation_dissipation", "without_replacement")]
)
def test_runs_drawn_with_replacement_tell_nothing_of_draws_without(claim, test):
    tables = with_effect(claim)
    tables["feng2021_runs"]["sampling"] = "replacement"
    row, found = outcome_of(claim, test, tables)
    assert found["outcome"] == "undecided"
    assert found["open_because"]
    assert row["as_published"] == "open"


def test_a_window_of_another_length_does_not_stand_in_for_the_main_one():
    tables = with_effect("draws_without_replacement")
    windows = tables["feng2021_windows"]
    shortest = windows["window_epochs"].min()
    shorter = windows[windows["window_epochs"] == shortest].assign(window_epochs=shortest // 2, variance=1.0)
    expected, _ = decide("draws_without_replacement", tables)
    row, _ = decide("draws_without_replacement", tables | {"feng2021_windows": pd.concat([shorter, windows])})
    assert row["because"] == expected["because"]
    without = tables | {"feng2021_windows": windows[windows["window_epochs"] > shortest]}
    _, test = outcome_of("draws_without_replacement", "sgd_with_replacement", without)
    assert test["outcome"] == "undecided"
    assert "without a window as long as the main one" in test["open_because"]


def test_what_neither_held_nor_failed_clearly_says_why(monkeypatch):
    from sgdphysics.claims import answers

    monkeypatch.setattr(answers, "over_settings", lambda outcomes, together: "undecided")
    row, _ = decide("noise_scale", planted.tables())
    assert row["open_because"] == "weak noise: all settings: some held and some failed, none clear enough among so many"


def test_what_is_not_reproduced_is_not_open():
    opposite = {"published_exponent": (-2, 0.1), "relation": (0.98, 0.005), "relation_of_isotropic": (0.35, 0.1)}
    row, tests = decide("inverse_variance_flatness", planted.tables(opposite))
    assert "undecided" in set(tests.loc[tests["asks"] == "specific", "outcome"])
    assert (row["verdict"], row["open_because"]) == ("not reproduced", "")


def test_one_horizon_tells_nothing_of_what_changes_with_it():
    tables = with_effect("order_parameter")
    edge = tables["yang2023_fig3_edge"]
    tables["yang2023_fig3_edge"] = edge[edge["horizon_steps"] == edge["horizon_steps"].max()]
    row, test = outcome_of("order_parameter", "width_stays", tables)
    assert row["as_published"] == "open"
    assert "without an edge at two horizons" in test["open_because"]


def test_a_seed_with_few_directions_in_a_decade_has_no_median_there():
    tables = with_effect("fluctuation_dissipation")
    rows = tables["beyond_fig6"]
    one = (rows["seed"] == planted.SEEDS[0]) & rows["relaxations_per_epoch"].between(1e-3, 1e-2)
    tables["beyond_fig6"] = rows[~one | (rows.index == rows[one].index[0])]
    _, test = outcome_of("fluctuation_dissipation", "without_replacement", tables)
    assert (test["settings"], test["settings_held"]) == (3, 3)
    assert test["n_seeds"] == 5
