import numpy as np
import pytest
import scipy.stats

from sgdphysics.fits import (
    holm,
    p_value_beyond,
    partial_correlation,
    power_law,
    smallest_detectable_distance,
    student_interval,
)


def test_a_planted_power_law_lies_in_its_interval_as_often_as_it_should():
    random, covered = np.random.default_rng(0), 0
    x = np.geomspace(1, 100, 30)
    for _ in range(400):
        fit = power_law(x, 3 * x**-2.5 * np.exp(0.3 * random.standard_normal(30)))
        covered += fit.low <= -2.5 <= fit.high
    # 400 draws at 95 %: mean 380, standard deviation 4.4.
    assert 363 <= covered <= 397


def test_an_exact_power_law_is_recovered_and_unusable_points_are_left_out():
    x = np.array([1, 2, 4, 8, np.inf, 3, -1])
    y = np.array([2, 8, 32, 128, 5, np.nan, 4])
    fit = power_law(x, y)
    assert (fit.exponent, fit.n, fit.r) == (pytest.approx(2), 4, pytest.approx(1))
    assert fit([10.0]) == pytest.approx([200])


def test_a_fit_is_that_of_scipy_whatever_the_points():
    random = np.random.default_rng(0)
    for points in (3, 4, 10, 40):
        x, y = np.exp(random.standard_normal((2, points))).round(1) + 0.1  # some of them are the same
        fit, line = power_law(x, y), scipy.stats.linregress(np.log(x), np.log(y))
        margin = scipy.stats.t.ppf(0.975, points - 2) * line.stderr
        assert (fit.exponent, fit.low, fit.high) == pytest.approx((line.slope, line.slope - margin, line.slope + margin))
        assert (fit.intercept, fit.r) == pytest.approx((line.intercept, line.rvalue))
        assert fit.spearman == pytest.approx(scipy.stats.spearmanr(x, y).statistic)


def test_a_constant_has_no_exponent_but_zero_and_no_ranks():
    fit = power_law([1, 2, 4, 8], [3, 3, 3, 3])
    assert (fit.exponent, fit.low, fit.high, fit.r, fit(5)) == pytest.approx((0, 0, 0, 0, 3))
    assert np.isnan(fit.spearman)


def test_too_few_points_give_no_exponent():
    fit = power_law([1, 2], [1, 2])
    assert np.isnan(fit.exponent)
    assert fit.n == 2


def test_points_all_at_one_place_give_no_exponent():
    places = 1e10 + np.array([0, 2e-6, 4e-6])
    assert len(set(places)) == 3
    for x in ([2, 2, 2], places):  # the logarithms are the same
        fit = power_law(x, [1, 2, 3])
        assert np.isnan(fit.exponent)
        assert fit.n == 3


def test_student_interval_of_five_values():
    # Mean 3, standard deviation sqrt(2.5), t = 2.776: half width 1.963.
    assert student_interval([1, 2, 3, 4, 5]) == pytest.approx((3, 3 - 1.9632, 3 + 1.9632), abs=1e-4)
    assert student_interval([1.0])[1:] == (-np.inf, np.inf)
    assert student_interval([1.0, np.nan])[1:] == (-np.inf, np.inf)


@pytest.mark.parametrize(("side", "alternative"), [("above", "greater"), ("below", "less")])
def test_p_value_is_that_of_a_t_test_and_agrees_with_the_interval(side, alternative):
    random = np.random.default_rng(0)
    for mean in (-2, -0.8, 0, 0.8, 2):
        values = random.normal(mean, 1, 5)
        p_value = p_value_beyond(values, 0.3, side)
        assert p_value == pytest.approx(scipy.stats.ttest_1samp(values, 0.3, alternative=alternative).pvalue)
        _, low, high = student_interval(values)
        assert (p_value < 0.025) == (low > 0.3 if side == "above" else high < 0.3)


def test_p_value_without_scatter_or_without_enough_values():
    assert p_value_beyond([2.0, 2.0], 1, "above") == 0
    assert p_value_beyond([2.0, 2.0], 2, "above") == 1
    assert p_value_beyond([2.0, 2.0], 1, "below") == 1
    assert np.isnan(p_value_beyond([2.0], 1, "above"))
    assert np.isnan(p_value_beyond([2.0, np.nan], 1, "above"))


def test_a_true_distance_of_the_smallest_detectable_one_is_seen_as_often_as_said():
    random = np.random.default_rng(0)
    draws = random.standard_normal((4000, 5))
    # For values whose own scatter is 1, so that the distance is in parts of the true standard deviation.
    unit = np.array([-1, 1, -1, 1, 0])
    distance = smallest_detectable_distance(unit / unit.std(ddof=1))
    seen = [student_interval(row + distance)[1] > 0 for row in draws]
    # 80 % of 4,000: 3,200, standard deviation 25.
    assert 3120 <= sum(seen) <= 3280
    assert smallest_detectable_distance([2.0, 2.0]) == 0
    assert np.isnan(smallest_detectable_distance([2.0]))


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.04 times 3, 2, 1, and never falling.
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    adjusted = holm([0.01, np.nan, 0.03])  # the missing one still counts as a test made
    assert adjusted[[0, 2]] == pytest.approx([0.03, 0.06])
    assert np.isnan(adjusted[1])


def test_a_partial_correlation_is_what_a_third_quantity_leaves():
    random = np.random.default_rng(0)
    given, first, second = random.standard_normal((3, 4000))
    by_chance = partial_correlation(3 * given + first, second - 2 * given, given)
    assert abs(by_chance) < 0.05
    assert np.corrcoef(3 * given + first, second - 2 * given)[0, 1] < -0.8
    x, y = given + first, given + first + 0.5 * second
    rx, ry, rxy = (np.corrcoef(a, b)[0, 1] for a, b in ((x, given), (y, given), (x, y)))
    expected = (rxy - rx * ry) / np.sqrt((1 - rx**2) * (1 - ry**2))
    assert partial_correlation(x, y, given) == pytest.approx(expected, rel=1e-9)
    assert partial_correlation(x, y, np.ones(4000)) == pytest.approx(rxy, rel=1e-9)


def test_a_partial_correlation_needs_something_left_over():
    given = np.arange(6.0)
    other = np.array([1.0, 5, 2, 4, 3, 9])
    assert np.isnan(partial_correlation(2 * given + 1, other, given))
    assert np.isnan(partial_correlation(given, given, other * np.nan))
    assert np.isnan(partial_correlation(given[:3], other[:3], other[:3]))
    with_gap = partial_correlation([*given, np.inf], [*other, 1.0], [1, 1, 2, 2, 3, 3, 3])
    assert with_gap == pytest.approx(partial_correlation(given, other, [1, 1, 2, 2, 3, 3]))
