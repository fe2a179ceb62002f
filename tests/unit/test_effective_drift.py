"""Drift and noise of shaken descent along the valley, and the density that they make, against closed forms."""

import warnings

import numpy as np
import pytest

from sgdphysics import effective_drift, effective_loss, toy
from sgdphysics.effective_drift import (
    density_from_drift_and_noise,
    drift_and_noise,
    drift_beside_theory,
    stationary_beside_built,
    stationary_sample,
)

VALLEY = toy.Landscape.single_valley()


@pytest.mark.parametrize("learning_rate", [0.05, 0.3])
def test_drift_at_fixed_places_is_that_of_the_formula(learning_rate):
    x = np.array([0.25, 1.0])
    arguments = {"learning_rate": learning_rate, "shift": 0.02, "walkers": 2000, "steps": 1000}
    drift, _ = drift_and_noise(VALLEY, x, random=np.random.default_rng(2), **arguments)
    smoothing, induced = toy.drift_terms(VALLEY, x, learning_rate, 0.02)
    np.testing.assert_allclose(drift, smoothing + induced, rtol=0.01)
    alone, _ = drift_and_noise(VALLEY, x, random=np.random.default_rng(2), fixed_y=True, **arguments)
    np.testing.assert_allclose(alone, smoothing, rtol=0.01)


def test_noise_of_independent_steps_is_half_their_variance():
    """With y = 0 a step is -(eta/2) 8 (x + xi_x) xi_y^2, whose moments are those of normal numbers."""
    rate, shift, x = 0.1, 0.2, np.array([0.0, 0.5])
    arguments = {"learning_rate": rate, "shift": shift, "walkers": 4000, "steps": 500, "fixed_y": True}
    _, noise = drift_and_noise(VALLEY, x, random=np.random.default_rng(3), **arguments)
    variance = (4 * rate) ** 2 * (3 * shift**4 * (x**2 + shift**2) - shift**4 * x**2)
    np.testing.assert_allclose(noise, variance / 2, rtol=0.05)


def test_noise_counts_correlations_between_steps():
    """The relaxation of y makes successive steps of x alike: more noise than half the variance of one step."""
    rate, shift, x = 0.05, 0.05, np.array([1.0])
    arguments = {"learning_rate": rate, "shift": shift, "walkers": 4000, "steps": 1000}
    _, noise = drift_and_noise(VALLEY, x, random=np.random.default_rng(4), **arguments)
    single = []
    toy.shaken_descent(
        VALLEY, np.ones(4000), np.zeros(4000), learning_rate=rate, shift=shift, steps=400, fixed_x=True,
        random=np.random.default_rng(4), observer=lambda step, change, y: single.append(change.var()),
    )  # fmt: skip
    assert noise[0] > 1.02 * np.mean(single[100:]) / 2


def test_density_built_from_drift_and_noise():
    x = np.linspace(-4, 4, 801)
    normal = density_from_drift_and_noise(x, -2 * x, np.full_like(x, 0.5))
    np.testing.assert_allclose(normal, np.exp(-2 * x**2) * np.sqrt(2 / np.pi), atol=1e-4)
    # Noise that grows outwards: drift -k x, D (1 + x^2) gives (1 + x^2)^(-k / (2 D) - 1).
    built = density_from_drift_and_noise(x, -x, 0.25 * (1 + x**2))
    expected = (1 + x**2) ** -3.0
    np.testing.assert_allclose(built, expected / np.trapezoid(expected, x), atol=1e-4)


def test_measured_drift_stands_beside_the_formula():
    x = np.array([0.25, 1.0])
    settings = {"learning_rate": 0.3, "shift": 0.02, "walkers": 2000, "steps": 1000}
    columns = drift_beside_theory(VALLEY, x, seed=2, **settings)
    smoothing, induced = toy.drift_terms(VALLEY, x, 0.3, 0.02)
    assert columns["learning_rate_times_curvature"].tolist() == pytest.approx([0.3 * 1.25, 0.3 * 5])
    np.testing.assert_array_equal(columns["predicted_smoothing_drift"], smoothing)
    np.testing.assert_array_equal(columns["predicted_noise_induced_drift"], induced)
    np.testing.assert_allclose(columns["drift"], smoothing + induced, rtol=0.01)
    np.testing.assert_allclose(columns["smoothing_drift"], smoothing, rtol=0.01)
    again = drift_beside_theory(VALLEY, x, seed=2, **settings)
    np.testing.assert_array_equal(again["drift"], columns["drift"])
    assert not np.array_equal(drift_beside_theory(VALLEY, x, seed=3, **settings)["drift"], columns["drift"])


def test_samples_of_the_stationary_density_are_those_of_walkers_followed_by_hand():
    sample = stationary_sample(VALLEY, 50, 0.1, 0.3, np.random.default_rng(0))
    random = np.random.default_rng(0)
    relaxation = -0.01 / sum(toy.drift_terms(VALLEY, 0.01, 0.1, 0.3))
    x, y, samples = np.zeros(50), np.zeros(50), []
    for times in (8, 2, 2, 2, 2, 2, 2):
        steps = int(np.ceil(times * relaxation))
        x, y = toy.shaken_descent(VALLEY, x, y, learning_rate=0.1, shift=0.3, steps=steps, random=random)
        samples.append(x)
    np.testing.assert_array_equal(sample, np.concatenate(samples[1:]))
    spreads = [part.std() for part in np.split(sample, 6)]
    assert max(spreads) < 2 * min(spreads)


def test_walkers_that_diverged_are_no_samples(monkeypatch):
    monkeypatch.setattr(effective_drift, "has_diverged", lambda x, y: x > 0)
    sample = stationary_sample(VALLEY, 50, 0.1, 0.3, np.random.default_rng(0))
    assert len(sample) < 300
    assert (sample <= 0).all()


def test_the_stationary_density_is_that_built_from_drift_and_noise():
    settings = {"learning_rate": 0.1, "shift": 0.2, "walkers": 1000, "drift_walkers": 300, "drift_steps": 500}
    table, numbers = stationary_beside_built(VALLEY, random=np.random.default_rng(1), **settings)
    assert list(table) == ["x", "density", "built_density", "drift", "noise"]
    assert len(table) == 41
    step = table["x"][1] - table["x"][0]
    assert table["x"].iloc[-1] == pytest.approx(6 * numbers["standard_deviation"])
    assert table["density"].sum() * step == pytest.approx(1, abs=1e-3)
    assert np.trapezoid(table["built_density"], table["x"]) == pytest.approx(1)
    counted = np.sqrt((table["density"] * table["x"] ** 2).sum() * step)
    assert counted == pytest.approx(numbers["standard_deviation"], rel=0.05)
    built = np.sqrt(np.trapezoid(table["built_density"] * table["x"] ** 2, table["x"]))
    assert numbers["built_standard_deviation"] == pytest.approx(built)
    assert numbers["built_standard_deviation"] == pytest.approx(numbers["standard_deviation"], rel=0.1)
    assert numbers["largest_difference_of_cumulative_shares"] < 0.05


@pytest.mark.parametrize("shift", [0.6, 1.0, 3.0])
def test_where_walkers_do_not_stay_there_is_no_stationary_density(shift):
    settings = {"learning_rate": 0.1, "walkers": 100, "drift_walkers": 50, "drift_steps": 500}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table, numbers = stationary_beside_built(VALLEY, random=np.random.default_rng(1), shift=shift, **settings)
    assert table.empty
    assert np.isnan(list(numbers.values())).all()


def test_the_names_are_found_where_they_were():
    assert effective_loss.drift_and_noise is drift_and_noise
    assert effective_loss.density_from_drift_and_noise is density_from_drift_and_noise
