"""Intervals over seeds: against other routes, against simulated coverage, and where there is none."""

import numpy as np
import pytest
import scipy.stats

from sgdphysics import intervals
from sgdphysics.intervals import KINDS

DRAWS = 2000
ABOVE_AND_BELOW = ("above", "below")


def drawn(kind, seeds, random):
    """A sample of so many seeds of a quantity whose true value is known."""
    if kind == "mean":
        return [random.normal(3.0, 1.0, seeds)]
    if kind == "correlation":  # of 40 points each; what is estimated is the mean of z
        points = random.multivariate_normal([0, 0], [[1, -0.9], [-0.9, 1]], (seeds, 40))
        return [np.array([np.corrcoef(part.T)[0, 1] for part in points])]
    if kind == "share":
        return [random.binomial(80, 0.7, seeds), np.full(seeds, 80)]
    return [random.normal(1.0, 0.3, seeds), random.normal(3.0, 0.3, seeds)]


TRUE = {"mean": 3.0, "correlation": -0.9, "share": 0.7, "ratio": 1 / 3}


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("kind", list(TRUE))
def test_the_interval_covers_the_true_value_as_often_as_it_says(kind, seeds):
    random, covered, small = np.random.default_rng(seeds), 0, dict.fromkeys(ABOVE_AND_BELOW, 0)
    for _ in range(DRAWS):
        sample = drawn(kind, seeds, random)
        _, low, high = KINDS[kind].interval(*sample)
        covered += low <= TRUE[kind] <= high
        for side in small:
            small[side] += KINDS[kind].p_value(*sample, TRUE[kind], side) < 0.025
    assert 0.93 <= covered / DRAWS <= 0.97
    assert all(0.01 <= count / DRAWS <= 0.04 for count in small.values())


@pytest.mark.parametrize("kind", list(TRUE))
def test_a_p_value_is_small_exactly_where_the_interval_clears_the_border(kind):
    random = np.random.default_rng(1)
    for _ in range(200):
        sample = drawn(kind, 5, random)
        value, low, high = KINDS[kind].interval(*sample)
        assert low < value < high
        border = value + random.uniform(-1.5, 1.5) * (high - low)
        if (kind == "correlation" and abs(border) >= 1) or (kind == "share" and not 0 < border < 1):
            continue
        assert (KINDS[kind].p_value(*sample, border, "above") < 0.025) == (low > border)
        assert (KINDS[kind].p_value(*sample, border, "below") < 0.025) == (high < border)


def test_a_mean_has_students_interval():
    values = [1, 2, 3, 4, 6]
    expected = scipy.stats.t.interval(0.95, 4, np.mean(values), scipy.stats.sem(values))
    assert intervals.of_mean(values) == pytest.approx((3.2, *expected))


def test_a_correlation_has_the_interval_of_its_z():
    values = [-0.8, -0.9, -0.95, -0.7, -0.85]
    z = np.arctanh(values)
    low, high = np.tanh(scipy.stats.t.interval(0.95, 4, z.mean(), scipy.stats.sem(z)))
    assert intervals.of_correlation(values) == pytest.approx((np.tanh(z.mean()), low, high))
    assert intervals.of_correlation(values)[1] > -1


@pytest.mark.parametrize(("counts", "total"), [([12] * 5, 12), ([0] * 5, 12), ([7, 8, 7, 8, 7], 12), ([1, 1, 0, 0, 1], 80)])
def test_a_share_has_the_exact_binomial_interval(counts, total):
    found = scipy.stats.binomtest(sum(counts), total * len(counts)).proportion_ci(method="exact")
    share = sum(counts) / total / len(counts)
    assert intervals.of_share(counts, [total] * 5) == pytest.approx((share, found.low, found.high))


def test_sixty_of_sixty_do_not_show_more_than_94_of_100():
    assert intervals.of_share([12] * 5, [12] * 5) == pytest.approx((1, 0.9404, 1), abs=1e-4)
    assert intervals.of_share([80] * 5, [80] * 5)[1] > 0.99


def test_shares_that_scatter_between_seeds_count_as_fewer():
    alike, apart = ([40, 40, 40, 40, 40], [0, 80, 0, 80, 40])
    totals = [80] * 5
    narrow, wide = (intervals.of_share(counts, totals) for counts in (alike, apart))
    assert narrow[0] == wide[0] == 0.5
    assert wide[2] - wide[1] > 5 * (narrow[2] - narrow[1])
    # As seeds whose shares are 0 or 1 tell no more than one count each: the interval of 2.5 of 5 or wider.
    assert wide[2] - wide[1] > 0.7


def test_a_ratio_has_fiellers_interval():
    above, below = np.array([1.0, 1.2, 0.8, 1.1, 0.9]), np.array([3.0, 3.3, 2.9, 2.8, 3.0])
    value, low, high = intervals.of_ratio(above, below)
    assert value == pytest.approx(above.mean() / below.mean())
    for end in (low, high):  # there the mean of above - end below is a t interval's half width from 0
        rest = above - end * below
        assert abs(rest.mean()) == pytest.approx(scipy.stats.t.ppf(0.975, 4) * scipy.stats.sem(rest))


def test_a_ratio_has_no_interval_where_its_denominator_may_be_zero():
    value, low, high = intervals.of_ratio([1, 2, 1, 2, 1], [-1, 1.2, -1, 1, -0.9])
    assert np.isfinite(value)
    assert np.isnan([low, high]).all()
    assert np.isnan(intervals.of_ratio([1, 2], [0, 0])).all()


def test_no_mean_of_ratios_is_taken():
    """One small denominator would make a mean of ratios of any size."""
    value, _, _ = intervals.of_ratio([1, 1, 1, 1, 1], [1, 1, 1, 1, 0.01])
    assert value == pytest.approx(5 / 4.01)


@pytest.mark.parametrize("kind", ["mean", "correlation"])
@pytest.mark.parametrize("values", [[0.5, 0.5, 0.5], [0.5], [1, 0.9, 0.8]])
def test_values_all_the_same_have_no_t_interval(kind, values):
    value, low, high = KINDS[kind].interval(values)
    known = kind == "mean" and len(set(values)) > 1
    assert np.isfinite(value)
    assert np.isfinite([low, high]).all() == known
    assert np.isfinite(KINDS[kind].p_value(values, 0.0, "above")) == known


def test_where_no_chance_enters_the_ends_are_the_smallest_and_the_largest():
    assert intervals.of_exact([1e-12, 3e-12, 2e-12]) == pytest.approx((2e-12, 1e-12, 3e-12))
    assert intervals.of_exact([0.3]) == (0.3, 0.3, 0.3)
    assert np.isnan(intervals.of_exact([])).all()
    assert np.isnan(intervals.of_exact([0.1, np.nan])).all()
