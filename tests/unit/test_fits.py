import numpy as np
import pytest

from sgdphysics.fits import power_law, student_interval


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


def test_too_few_points_give_no_exponent():
    fit = power_law([1, 2], [1, 2])
    assert np.isnan(fit.exponent)
    assert fit.n == 2


def test_student_interval_of_five_values():
    # Mean 3, standard deviation sqrt(2.5), t = 2.776: half width 1.963.
    assert student_interval([1, 2, 3, 4, 5]) == pytest.approx((3, 3 - 1.9632, 3 + 1.9632), abs=1e-4)
    assert student_interval([1.0])[1:] == (-np.inf, np.inf)
    assert student_interval([1.0, np.nan])[1:] == (-np.inf, np.inf)
