"""The controls of shaken descent against closed forms, averages by quadrature, and steps written by hand."""

import functools
import warnings

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss

from sgdphysics import toy
from sgdphysics.first_passage import ARRIVED, arrivals, median_time, moves
from sgdphysics.toy_controls import heated_descent, smoothed_curvature, smoothed_descent

VALLEY = toy.Landscape.single_valley()
QUARTIC = toy.Landscape.two_valleys()
RATE, SHIFT = 0.1, 0.2


def heated(landscape, x, y, *, seed=0, **settings):
    defaults = {"learning_rate": RATE, "shift": SHIFT, "steps": 100}
    return heated_descent(landscape, x, y, random=np.random.default_rng(seed), **{**defaults, **settings})


# --- heat baths of the local strength


@pytest.mark.parametrize("across_only", [False, True])
def test_heated_steps_are_those_written_by_hand(across_only):
    x, y = np.linspace(-0.5, 0.5, 9), np.linspace(-0.3, 0.3, 9)
    settings = {"learning_rate": 0.05, "shift": 0.02, "steps": 20}
    found = heated(VALLEY, x, y, across_only=across_only, **settings)
    random = np.random.default_rng(0)
    for _ in range(20):
        normal_x, normal_y = random.standard_normal((2, 9))
        along, across = VALLEY.gradient(x, y)
        strength = 0.05 * 0.02 * VALLEY.curvature(x)
        x, y = x - 0.05 * along + (0 if across_only else strength * normal_x), y - 0.05 * across + strength * normal_y
    np.testing.assert_allclose(found, (x, y), rtol=1e-12)


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_noise_across_is_as_strong_as_that_of_shaken_descent_at_the_same_place(place):
    """One step from the line of minima, where the shift is small against the scale on which the curvature changes."""
    x, y = np.full(100_000, place), np.zeros(100_000)
    settings = {"learning_rate": RATE, "shift": 0.01, "steps": 1}
    _, shaken = toy.shaken_descent(VALLEY, x, y, random=np.random.default_rng(1), **settings)
    across, along = heated(VALLEY, x, y, seed=2, **settings)[1], heated(VALLEY, 0.9 * x, y, seed=2, **settings)[0] - 0.9 * x
    assert across.std() == pytest.approx(shaken.std(), rel=0.01)
    # The same in x: a heat bath knows no direction. Not at the wall, which reflects.
    assert along.std() == pytest.approx(RATE * 0.01 * VALLEY.curvature(0.9 * place), rel=0.01)


@pytest.mark.parametrize("rate", [0.2, 1.0, 1.6])
def test_stationary_variance_across_is_that_of_shaken_descent(rate):
    _, y = heated(toy.Landscape.constant(2.0), np.zeros(100_000), np.zeros(100_000), learning_rate=rate / 2, shift=0.3)
    assert y.var() == pytest.approx(rate * 0.09 / (2 - rate), rel=0.02)


@pytest.mark.parametrize("across_only", [False, True])
def test_heated_walkers_drift_by_the_noise_induced_term_alone(across_only):
    """With y as it is at fixed x; the noise in x adds no mean step (Ito), and smoothing there is none."""
    place, shift, count = 0.7, 0.05, 2_000_000
    random = np.random.default_rng(3)
    _, induced = toy.drift_terms(VALLEY, place, RATE, shift)
    rate = RATE * VALLEY.curvature(place)
    y = random.standard_normal(count) * np.sqrt(rate * shift**2 / (2 - rate))
    x, _ = heated_descent(
        VALLEY, np.full(count, place), y, learning_rate=RATE, shift=shift, steps=1, random=random, across_only=across_only
    )
    # Three standard errors: of y^2, and of the noise in x.
    tolerance = 3 * np.hypot(abs(induced) * np.sqrt(2), 0 if across_only else rate * shift) / np.sqrt(count)
    assert (x - place).mean() == pytest.approx(induced, abs=tolerance)


def test_walls_reflect_as_often_as_it_takes():
    """From the wall with steps far longer than the valley walkers end up anywhere in it, at their folded places."""
    flat = toy.Landscape.constant(1.0, half_width=0.5)
    x, _ = heated(flat, np.zeros(1000), np.zeros(1000), learning_rate=1.0, shift=3.0, steps=1)
    unfolded = 3.0 * np.random.default_rng(0).standard_normal((2, 1000))[0]
    while (np.abs(unfolded) > 0.5).any():
        unfolded = np.where(unfolded > 0.5, 1 - unfolded, np.where(unfolded < -0.5, -1 - unfolded, unfolded))
    np.testing.assert_allclose(x, unfolded, atol=1e-12)


def test_heated_walkers_gather_where_the_noise_is_weak():
    """Fast y and Ito noise of strength D = eta s^2 curvature^2 / 2: density ~ exp(-int curvature' / (2 curvature)) / D
    ~ curvature^(-5/2), for small learning rates."""
    random, places = np.random.default_rng(5), []
    x, y = random.uniform(-1, 1, 4000), np.zeros(4000)
    heated_descent(
        VALLEY, x, y, learning_rate=0.02, shift=0.5, steps=6000, random=random,
        observer=lambda step, x, y: places.append(x.copy()) if step > 2000 else None, observe_every=200,
    )  # fmt: skip
    counts, edges = np.histogram(np.abs(places), 8, (0, 1))
    middle = (edges[1:] + edges[:-1]) / 2
    slope = np.polyfit(np.log(VALLEY.curvature(middle)), np.log(counts), 1)[0]
    assert slope == pytest.approx(-2.5, abs=0.15)


def test_settings_share_their_random_numbers():
    x, y = np.full((2, 5), 0.5), np.zeros((2, 5))
    both = heated(VALLEY, x, y, shift=np.array([[0.1], [0.2]]))
    for row, shift in enumerate((0.1, 0.2)):
        alone = heated(VALLEY, x[row], y[row], shift=shift)
        np.testing.assert_array_equal([both[0][row], both[1][row]], alone)


def test_unstable_motion_is_a_result_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        end = heated(VALLEY, np.ones(4), np.zeros(4), learning_rate=5.0, steps=2000)
        assert toy.has_diverged(*end).all()
        end = smoothed_descent(VALLEY, np.ones(4), np.ones(4), learning_rate=5.0, shift=0.1, steps=200)
        assert toy.has_diverged(*end).all()


# --- smoothing alone


@pytest.mark.parametrize("landscape", [VALLEY, QUARTIC, toy.Landscape.constant(2.0), toy.Landscape((1.0, 0.2, 0.5, 0.3))])
def test_the_smoothed_curvature_is_the_mean_of_the_shaken_one(landscape):
    nodes, weights = hermegauss(20)
    x = np.linspace(-1, 1, 7)
    mean = landscape.curvature(x[:, None] + SHIFT * nodes) @ weights / weights.sum()
    np.testing.assert_allclose(np.polynomial.polynomial.polyval(x, smoothed_curvature(landscape, SHIFT)), mean, rtol=1e-12)


@pytest.mark.parametrize("landscape", [VALLEY, QUARTIC])
def test_a_step_of_smoothed_descent_is_the_mean_step_of_shaken_descent(landscape):
    place, height, count = 0.6, 0.3, 4_000_000
    x, y = np.full(count, place), np.full(count, height)
    settings = {"learning_rate": RATE, "shift": 0.1, "steps": 1}
    shaken = toy.shaken_descent(landscape, x, y, random=np.random.default_rng(4), **settings)
    smoothed = smoothed_descent(landscape, x[:1], y[:1], **settings)
    for walkers, alone in zip(shaken, smoothed, strict=True):
        assert walkers.mean() == pytest.approx(alone[0], abs=3 * walkers.std() / np.sqrt(count))


def test_smoothed_descent_is_descent_on_the_loss_with_its_laplacian():
    """L + s^2 (laplacian L) / 2 by finite differences, where the curvature is quadratic in x."""
    x, y, step = np.array([0.3, -0.8]), np.array([0.2, 0.5]), 1e-3

    def laplacian(x, y):
        around = VALLEY.loss(x + step, y) + VALLEY.loss(x - step, y) + VALLEY.loss(x, y + step) + VALLEY.loss(x, y - step)
        return (around - 4 * VALLEY.loss(x, y)) / step**2

    def smoothed(x, y):
        return VALLEY.loss(x, y) + SHIFT**2 / 2 * laplacian(x, y)

    along = (smoothed(x + step, y) - smoothed(x - step, y)) / (2 * step)
    across = (smoothed(x, y + step) - smoothed(x, y - step)) / (2 * step)
    found = smoothed_descent(VALLEY, x, y, learning_rate=RATE, shift=SHIFT, steps=1)
    np.testing.assert_allclose(found, (x - RATE * along, y - RATE * across), rtol=1e-6)


@pytest.mark.parametrize("shift", [0.04, 0.08, 0.113, 0.32])
def test_smoothed_descent_arrives_when_the_closed_form_says(shift):
    """On the line of minima x shrinks by 1 - eta c2 s^2 per step, c2 = 4; the flat place begins where 1 + 4 x^2 = 1 / 0.9^2."""
    move = moves(VALLEY, "smoothed", learning_rate=RATE, shift=shift, random=np.random.default_rng(0))
    passages = arrivals(move, VALLEY, walkers=1, relative_flatness=0.9, horizon=5000)
    place = np.sqrt((1 / 0.81 - 1) / 4)
    assert median_time(passages, ARRIVED) == np.ceil(np.log(place) / np.log(1 - RATE * 4 * shift**2))


def test_observers_see_every_so_many_steps():
    x, y = np.full(2, 0.5), np.zeros(2)
    for move in (heated, functools.partial(smoothed_descent, learning_rate=RATE, shift=SHIFT)):
        seen = []
        end = move(VALLEY, x, y, steps=8, observer=lambda step, x, y, seen=seen: seen.append((step, x, y)), observe_every=4)
        assert [step for step, _, _ in seen] == [4, 8]
        np.testing.assert_array_equal(seen[1][1:], end)
        assert not np.array_equal(seen[0][1], seen[1][1])
        np.testing.assert_array_equal((x, y), (np.full(2, 0.5), np.zeros(2)))


def test_each_control_is_found_by_its_name():
    x, y = np.full(5, 0.5), np.zeros(5)
    settings = {"learning_rate": RATE, "shift": SHIFT}
    for name, expected in (
        ("thermal_local", heated(VALLEY, x, y, steps=20)),
        ("thermal_across", heated(VALLEY, x, y, steps=20, across_only=True)),
        ("smoothed", smoothed_descent(VALLEY, x, y, steps=20, **settings)),
    ):
        end = moves(VALLEY, name, random=np.random.default_rng(0), **settings)(x, y, steps=20)
        np.testing.assert_array_equal(end, expected)
