"""Controls up to the edge, on tables whose answers are known."""

import itertools

import numpy as np
import pandas as pd
import pytest

from sgdphysics import edge_controls

SIZES, RATES, SEEDS = (2, 4, 8, 16, 32, 64), (0.1, 0.2, 0.4), (1, 2)


def runs_of(steps=lambda rate, size: 1000 / rate, response=lambda rate, size: rate / size, converged=lambda rate, size: True):
    rows = []
    for rate, size, seed in itertools.product(RATES, SIZES, SEEDS):
        values = dict.fromkeys(edge_controls.RESPONSES, seed * response(rate, size))
        status = "converged" if converged(rate, size) else "not_converged"
        row = {"run": f"{rate} {size} {seed}", "learning_rate": rate, "batch_size": size, "seed": seed, "status": status}
        rows.append({**row, "steps": steps(rate, size), "epochs": 10.0, "training_loss": 0.1, **values})
    return pd.DataFrame(rows).sample(frac=1, random_state=0, ignore_index=True)


def bending(rate, size):
    """Steps of which twice the fewest are taken at a batch size of 50 times the learning rate, by a power law around it."""
    return 1000 / rate * max(1.0, 2 * (50 * rate / size) ** 2)


def test_the_bend_is_where_steps_are_twice_the_fewest():
    found = edge_controls.bends(runs_of(steps=lambda rate, size: 1000 * max(1.0, 2 * (10 / size) ** 1.0)))
    # Between 8 (2.5 times) and 16 (1.25 times): linear in both logarithms, so exact.
    np.testing.assert_allclose(found["bend_batch_size"], 10)
    assert set(found["status"]) == {"found"}
    assert len(found) == len(RATES) * len(SEEDS)


def test_a_bend_grows_with_the_learning_rate_where_it_does():
    found = edge_controls.bends(runs_of(steps=bending)).groupby("learning_rate")["bend_batch_size"].first()
    assert found.is_monotonic_increasing
    np.testing.assert_allclose(found[[0.2, 0.4]], [10, 20], rtol=0.2)


def test_only_runs_that_converged_count_and_a_bend_may_not_be_reached():
    found = edge_controls.bends(runs_of(steps=bending, converged=lambda rate, size: size > 50 * rate))
    assert found["bend_batch_size"].isna().all()
    assert set(found["status"]) == {"not reached"}
    np.testing.assert_array_equal(found["smallest_batch_size"], [8, 8, 16, 16, 32, 32])
    none = edge_controls.bends(runs_of(converged=lambda rate, size: False))
    assert none.empty


@pytest.mark.parametrize(
    ("a", "b", "asymmetry"), [(1.0, -1.0, 0.0), (-0.5, 0.5, 0.0), (1.0, 0.0, 1.0), (0.0, -2.0, -1.0), (3, -1, 0.5)]
)
def test_asymmetry_has_the_sign_of_what_acts_more(a, b, asymmetry):
    table = edge_controls.asymmetries(runs_of(response=lambda rate, size: rate**a * size**b), weak_noise=0.02)
    weak = table[table["range"] == "weak_noise"]
    assert set(weak["status"]) == {"measured"}
    np.testing.assert_allclose(weak["learning_rate_exponent"], a, atol=1e-9)
    np.testing.assert_allclose(weak["batch_size_exponent"], b, atol=1e-9)
    np.testing.assert_allclose(weak["asymmetry"], asymmetry, atol=1e-9)
    inside = sum(rate / size <= 0.02 for rate, size in itertools.product(RATES, SIZES))
    assert set(weak["settings"]) == {inside}


def test_ranges_are_split_at_the_bend():
    def response(rate, size):
        return rate / size if size >= 50 * rate else rate

    table = edge_controls.asymmetries(runs_of(steps=lambda rate, size: 1000 * (3 if size < 50 * rate else 1), response=response), 1)
    means = table[table["quantity"] == "test_loss"].groupby("range")[["asymmetry", "settings"]].mean()
    assert means.loc["above_bend", "asymmetry"] == pytest.approx(0, abs=1e-9)
    assert means.loc["below_bend", "asymmetry"] == pytest.approx(1, abs=1e-9)
    assert means.loc[["above_bend", "below_bend"], "settings"].sum() == len(RATES) * len(SIZES)


def test_what_cannot_be_told_is_said():
    few = edge_controls.asymmetries(runs_of(), weak_noise=0.1 / 32)
    assert set(few.loc[few["range"] == "weak_noise", "status"]) == {"fewer than 4 settings"}
    assert set(few.loc[few["range"] == "below_bend", "settings"]) == {0}
    zero = edge_controls.asymmetries(runs_of(response=lambda rate, size: 0.0), weak_noise=1)
    assert set(zero.loc[zero["range"] == "weak_noise", "status"]) == {"a value is not above 0"}
    runs = runs_of()
    line = runs[np.isclose(runs["batch_size"] / runs["learning_rate"], 40)]
    other = line.assign(learning_rate=line["learning_rate"] * 2, batch_size=line["batch_size"] * 2)
    one = edge_controls.asymmetries(pd.concat([line, other]), weak_noise=1)
    weak = one[one["range"] == "weak_noise"]
    assert set(weak["status"]) == {"learning rate and batch size do not vary apart from each other"}
    assert weak[["asymmetry", "rank_correlation"]].isna().all(axis=None)


def control(epochs=(1, 2, 4, 8, 16, 32)):
    """A control whose loss is 1 / epochs and whose flatness is 3 / epochs squared, for two seeds."""
    epochs = np.array(epochs, float)
    one = pd.DataFrame({"epochs": epochs, "training_loss": 1 / epochs, "slope_spread": 3 / epochs**2, "largest_eigenvalue": 5.0})
    return pd.concat([one.assign(seed=seed) for seed in SEEDS]).sample(frac=1, random_state=1)


def test_a_control_is_taken_after_as_many_epochs_and_at_the_same_loss():
    table = edge_controls.against_control(runs_of(), control())
    chosen = table[table["quantity"] == "slope_spread"].groupby("equal")["control_value"].agg(["min", "max"])
    np.testing.assert_allclose(chosen.loc["epochs"], 3 / 10**2)
    np.testing.assert_allclose(chosen.loc["loss"], 3 * 0.1**2)
    assert set(table["status"]) == {"measured"}
    np.testing.assert_allclose(table["noise_scale"], table["learning_rate"] / table["batch_size"])


def test_a_loss_is_taken_where_it_is_first_reached():
    path = pd.DataFrame({"epochs": [1.0, 2, 3, 4], "training_loss": [1.0, 0.01, 1, 0.05], "slope_spread": [1.0, 2, 3, 4]})
    path = path.assign(largest_eigenvalue=1.0, seed=1)
    table = edge_controls.against_control(runs_of().query("seed == 1"), path).query(
        "quantity == 'slope_spread' and equal == 'loss'"
    )
    np.testing.assert_allclose(table["control_value"], 2**0.5)


def test_beyond_the_control_there_is_none():
    table = edge_controls.against_control(runs_of(), control((1, 2, 4)))
    assert set(table["status"]) == {"beyond the control"}
    assert table["control_value"].isna().all()
    assert edge_controls.against_control(runs_of(), control().query("seed == 1")).query("seed == 2")["control_value"].isna().all()


def test_flatness_is_followed_along_lines_as_it_is_and_in_parts_of_the_control():
    # As many epochs as batches are large, and flatness that is the control's at the same epoch: only epochs count.
    runs = runs_of(converged=lambda rate, size: rate / size < 0.06)
    runs["epochs"] = runs["batch_size"] / runs["learning_rate"] / 20
    runs["slope_spread"] = 1 / runs["epochs"] ** 2
    runs["largest_eigenvalue"] = 0.01 * runs["batch_size"] / runs["learning_rate"]
    compared = edge_controls.against_control(runs, control((0.1, 1, 2, 4, 8, 16, 32, 64)))
    lines = edge_controls.flatness_along_lines(runs, compared)
    plain = lines[(lines["quantity"] == "largest_eigenvalue") & (lines["equal"] == "nothing")]
    np.testing.assert_allclose(plain["rank_correlation"], -1)
    np.testing.assert_allclose(plain["octaves_from_flattest_to_edge"], 0)
    ratio = lines[(lines["quantity"] == "slope_spread") & (lines["equal"] == "epochs")]
    merged = compared.query("quantity == 'slope_spread' and equal == 'epochs'")
    np.testing.assert_allclose(merged["value"] / merged["control_value"], 1 / 3)
    assert len(ratio) == len(plain) > 0
    assert set(lines["equal"]) == {"nothing", "epochs", "loss"}


def test_settings_without_a_control_are_left_out_of_their_line():
    runs = runs_of(converged=lambda rate, size: rate / size < 0.06)
    compared = edge_controls.against_control(runs, control())
    lacking = (compared["seed"] == 1) & (compared["batch_size"] == 64) & (compared["equal"] == "loss")
    compared.loc[lacking, "control_value"] = np.nan
    lines = edge_controls.flatness_along_lines(runs, compared).query("line == 'learning rate 0.4'")
    settings = lines.groupby("equal")["settings"].first()
    assert settings["loss"] == settings["epochs"] - 1 == settings["nothing"] - 1


def test_where_no_run_converged_tables_are_empty_or_say_so():
    runs = runs_of(converged=lambda rate, size: False)
    compared = edge_controls.against_control(runs, control())
    assert compared.empty
    assert edge_controls.flatness_along_lines(runs, compared).empty
    assert edge_controls.bends(runs).empty
    table = edge_controls.asymmetries(runs, weak_noise=1)
    assert set(table["status"]) == {"fewer than 4 settings"}
    assert len(table) == len(edge_controls.RESPONSES) * 3 * len(SEEDS)


def test_without_a_control_nothing_is_measured_against_it():
    compared = edge_controls.against_control(runs_of(), control().iloc[:0])
    assert set(compared["status"]) == {"beyond the control"}
