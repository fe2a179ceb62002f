"""Where the curve of fluctuation and dissipation lies, against plain loops over its points."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sgdphysics import fluctuation_dissipation


def points(seeds=4, directions=60):
    """Directions of two settings with scatter about a theory, from two sources at two orders."""
    random = np.random.default_rng(0)
    rows = [
        {"source": source, "detrending_order": order, "status": "converged", "learning_rate": rate, "batch_size": 50, "seed": seed}
        for source in ("sgd", "noise_epoch")
        for order in (0, 1)
        for rate in (0.1, 0.2)
        for seed in range(seeds)
        for _ in range(directions)
    ]
    places = 10 ** random.uniform(-2.2, 0.7, len(rows))
    over_theory = np.exp(random.normal(0.2, 0.4, len(rows)))
    ratios = pd.DataFrame(rows).assign(relaxations_per_epoch=places, measured_over_theory=over_theory)
    return ratios.assign(fluctuation_dissipation_ratio=over_theory * places / (1 + places))


def test_the_nearest_half_decade_is_nearest_in_ratio():
    values = pd.Series([1.0, 1.77, 1.79, 5.6, 5.7, 0.0018, 3.2e-5])
    expected = [1, 1, 10**0.5, 10**0.5, 10, 10**-2.5, 10**-4.5]
    np.testing.assert_allclose(fluctuation_dissipation.half_decade(values), expected)


def test_medians_are_those_of_plain_loops():
    ratios = points()
    found = fluctuation_dissipation.medians(ratios)
    groups = found[fluctuation_dissipation.GROUP].itertuples(index=False)
    assert len(found) == len(set(groups)) == 2 * 2 * 6
    for row in found.itertuples():
        near = ratios[(ratios["source"] == row.source) & (ratios["detrending_order"] == row.detrending_order)]
        distance = np.log10(near["relaxations_per_epoch"] / row.relaxations_per_epoch)
        near = near[(distance >= -0.25) & (distance < 0.25)]
        assert (row.points, row.settings, row.seeds) == (len(near), 2, 4)
        over_theory = np.log(near["measured_over_theory"].to_numpy())
        assert row.scatter_factor == pytest.approx(np.exp(np.sqrt(np.mean((over_theory - over_theory.mean()) ** 2))))
        for name, values, power in (
            ("ratio", np.log(near["fluctuation_dissipation_ratio"]), np.exp),
            ("over_theory", np.log(near["measured_over_theory"]), np.exp),
            ("distance", abs(np.log(near["measured_over_theory"])), lambda value: value),
        ):
            of_seeds = [np.median(values[near["seed"] == seed]) for seed in range(4)]
            low, high = stats.t.interval(0.95, 3, np.mean(of_seeds), stats.sem(of_seeds))
            ends = [getattr(row, f"median_{name}{end}") for end in ("", "_low", "_high")]
            assert ends == pytest.approx([power(np.mean(of_seeds)), power(low), power(high)])


def test_what_is_left_out_moves_nothing():
    ratios = points()
    others = pd.concat(
        [
            ratios.assign(status="not_converged", measured_over_theory=100.0),
            ratios.head(3).assign(measured_over_theory=0.0),
            ratios.head(3).assign(fluctuation_dissipation_ratio=np.nan),
        ]
    )
    pd.testing.assert_frame_equal(
        fluctuation_dissipation.medians(pd.concat([ratios, others])), fluctuation_dissipation.medians(ratios)
    )


def test_of_one_seed_the_interval_has_no_end_and_of_no_points_there_is_no_row():
    ratios = points(seeds=1)
    row = fluctuation_dissipation.medians(ratios).iloc[0]
    assert (row["median_ratio_low"], row["median_ratio_high"]) == (0, np.inf)
    assert (row["median_distance_low"], row["median_distance_high"]) == (-np.inf, np.inf)
    empty = fluctuation_dissipation.medians(ratios.iloc[:0])
    assert list(empty) == fluctuation_dissipation.MEDIAN_COLUMNS
    assert empty.empty
