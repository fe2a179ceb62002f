"""Growth with the length of the window, and crossovers, where both are known."""

import numpy as np
import pandas as pd
import pytest

from sgdphysics.window_lengths import crossovers, falling_through, growth_exponents

LENGTHS, CURVATURES = [10, 20, 40], np.geomspace(1, 1e-4, 21)


def table(growth=0.5, border=1e-2):
    """Variances with replacement grow; those by epoch are smaller by curvature over border below it, and do not grow."""
    parts = []
    for seed in (1, 2):
        for epochs in LENGTHS:
            ways = {"replacement": np.full(21, 3.0 * epochs**growth), "epoch": 3.0 * np.minimum(CURVATURES / border, 1)}
            for sampling, variance in ways.items():
                rows = pd.DataFrame({"rank": range(1, 22), "curvature": CURVATURES, "variance": variance})
                rows["theory_variance"] = variance * CURVATURES  # of both alike: the ratio stays
                columns = {"run": f"r{seed}", "seed": seed, "layers": "all", "detrending": 1, "window_epochs": epochs}
                parts.append(rows.assign(sampling=sampling, **columns))
    return pd.concat(parts, ignore_index=True)


def test_growth_is_found_for_every_direction_and_way_of_drawing():
    found = growth_exponents(table(), ["run", "seed"])
    assert len(found) == 2 * 2 * 21
    for column in ("exponent", "theory_exponent"):
        means = found.groupby("sampling")[column].agg(["min", "max"])
        assert means.loc["replacement"].to_numpy() == pytest.approx(0.5)
        assert means.loc["epoch"].to_numpy() == pytest.approx(0, abs=1e-9)
    assert set(found["points"]) == {3}
    assert sorted(found["curvature"].unique()) == pytest.approx(sorted(CURVATURES))


def test_two_lengths_tell_no_growth():
    two = table()[lambda rows: rows["window_epochs"] < 40]
    found = growth_exponents(two, ["run", "seed"])
    assert not len(found)
    assert {"run", "seed", "sampling", "exponent"} <= set(found)


def test_the_crossover_is_where_draws_by_epoch_begin_to_fluctuate_less():
    found = crossovers(table(growth=0), ["run", "seed"], 0.5)
    assert len(found) == 2 * 3
    assert found["crossover"].to_numpy() == pytest.approx(0.5e-2, rel=1e-6)
    assert found["theory_crossover"].to_numpy() == pytest.approx(0.5e-2, rel=1e-6)
    one_way = table()[lambda rows: rows["sampling"] == "epoch"]
    assert not len(crossovers(one_way, ["run"], 0.5))


def test_one_direction_that_scatters_moves_no_crossover():
    ratios = np.minimum(CURVATURES / 1e-2, 1)
    expected = falling_through(CURVATURES, ratios, 0.5)
    ratios[3], ratios[-2] = 0.01, 7.0
    shuffled = np.random.default_rng(0).permutation(21)
    assert falling_through(CURVATURES[shuffled], ratios[shuffled], 0.5) == pytest.approx(expected)


@pytest.mark.parametrize("ratios", [np.full(21, 0.2), np.full(21, 0.9), np.full(21, np.nan), np.zeros(21)], ids=str)
def test_without_a_fall_through_the_level_there_is_no_crossover(ratios):
    assert np.isnan(falling_through(CURVATURES, ratios, 0.5))


def test_too_few_directions_have_no_crossover():
    assert np.isnan(falling_through([1, 0.1, 0.01], [1, 0.1, 0.01], 0.5))
