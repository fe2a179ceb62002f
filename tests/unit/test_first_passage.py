"""First passages against walks whose arrival is known, and shares of events against counting by hand."""

import functools

import numpy as np
import pytest

from sgdphysics import toy
from sgdphysics.first_passage import (
    ARRIVED,
    CENSORED,
    DIVERGED,
    FirstPassages,
    arrivals,
    cumulative_incidence,
    first_passages,
    median_time,
    moves,
    survival,
)

VALLEY = toy.Landscape.single_valley()  # curvature 1 + 4 x^2: a flatness of 0.9 at |x| = 0.2422


def straight(x, y, *, steps, observer, speed):
    """Every walker moves by its own constant speed along the valley, whoever else is still under way."""
    for step in range(1, steps + 1):
        x = x + speed
        observer(step, x, y)
    return x, y


def events_of(*pairs):
    times, events = zip(*pairs, strict=True)
    return FirstPassages(np.array(times), np.array(events))


@pytest.mark.parametrize("block", [1, 7, 500])
def test_arrival_is_the_first_step_in_the_flat_place(block):
    x = np.array([1.0, 0.7, -0.2, 0.3])
    passages = first_passages(
        functools.partial(straight, speed=-0.01), VALLEY, x, np.zeros(4), flatness=0.9, horizon=200, block=block
    )
    # 1 - 0.76 = 0.24 is the first place below 0.2422; the third walker is there after its first step.
    assert passages.times.tolist() == [76, 46, 1, 6]
    assert set(passages.events) == {ARRIVED}


def test_who_never_arrives_is_censored_at_the_horizon_and_not_dropped():
    x = np.array([1.0, 0.5])
    passages = first_passages(functools.partial(straight, speed=-0.01), VALLEY, x, np.zeros(2), flatness=0.9, horizon=50, block=20)
    assert passages.times.tolist() == [50, 26]
    assert passages.events.tolist() == [CENSORED, ARRIVED]
    assert (passages.share(CENSORED), passages.share(ARRIVED), passages.share(DIVERGED)) == (0.5, 0.5, 0)


@pytest.mark.parametrize("far", [2e3, np.inf, np.nan])
def test_divergence_competes_with_arrival(far):
    def jump(x, y, *, steps, observer):
        for step in range(1, steps + 1):
            observer(step, np.where(x > 0, far, 0.0) if step >= 3 else x, y)
        return x, y

    passages = first_passages(jump, VALLEY, np.array([1.0, -1.0]), np.zeros(2), flatness=0.9, horizon=10)
    assert passages.events.tolist() == [DIVERGED, ARRIVED]
    assert passages.times.tolist() == [3, 3]


def test_a_walker_that_flew_through_a_flat_place_and_diverged_has_arrived():
    def fly(x, y, *, steps, observer):
        for step in range(1, steps + 1):
            observer(step, x * 0 + (0.1 if step == 2 else 1e4 if step > 4 else 0.9), y)
        return x, y

    passages = first_passages(fly, VALLEY, np.array([1.0]), np.zeros(1), flatness=0.9, horizon=10)
    assert (passages.times.tolist(), passages.events.tolist()) == ([2], [ARRIVED])


def test_everything_diverging_is_a_result():
    x = np.ones(50)
    move = functools.partial(toy.shaken_descent, VALLEY, learning_rate=3.0, shift=1.0, random=np.random.default_rng(0))
    passages = first_passages(move, VALLEY, x, 0 * x, flatness=0.99999, horizon=400)
    assert passages.share(DIVERGED) > 0.9
    assert median_time(passages, ARRIVED) == np.inf


def test_shares_without_censoring_are_counts():
    random = np.random.default_rng(1)
    passages = FirstPassages(random.integers(1, 40, 300), random.choice([ARRIVED, DIVERGED], 300, p=[0.7, 0.3]))
    for event in (ARRIVED, DIVERGED):
        times, share = cumulative_incidence(passages, event)
        counted = [((passages.times <= time) & (passages.events == event)).mean() for time in times]
        np.testing.assert_allclose(share, counted, atol=1e-12)


def test_share_with_censoring_between_is_that_of_aalen_and_johansen():
    # At risk 5, 4, 3, 2, 1. The fourth arrives after the share 4/5 * 3/4 is left, one of two at risk.
    passages = events_of((1, ARRIVED), (2, DIVERGED), (3, CENSORED), (4, ARRIVED), (5, DIVERGED))
    times, share = cumulative_incidence(passages, ARRIVED)
    expected = {1: 0.2, 2: 0.2, 3: 0.2, 4: 0.2 + 0.8 * 0.75 / 2, 5: 0.2 + 0.8 * 0.75 / 2}
    assert dict(zip(times.tolist(), share.tolist(), strict=True)) == pytest.approx(expected)
    times, left = survival(passages, ARRIVED)
    assert dict(zip(times.tolist(), left.tolist(), strict=True)) == pytest.approx({1: 4 / 5, 4: 4 / 5 / 2})


def test_median_counts_the_diverged_as_never_arriving():
    passages = events_of(*[(1, DIVERGED)] * 4, (2, ARRIVED), (3, ARRIVED), (4, ARRIVED), (5, ARRIVED))
    assert median_time(passages, ARRIVED) == 5
    assert median_time(passages, ARRIVED, competing=False) == 3  # as if the four could still have arrived


def test_median_is_infinite_where_half_never_arrive():
    passages = events_of((3, ARRIVED), (9, CENSORED), (9, CENSORED))
    assert median_time(passages, ARRIVED) == np.inf
    assert median_time(passages, ARRIVED, competing=False) == np.inf
    assert median_time(events_of((9, CENSORED), (9, CENSORED)), ARRIVED) == np.inf


def test_median_ignores_that_slow_walkers_are_cut_off():
    """Dropping the censored in place of keeping them would shorten the median."""
    random = np.random.default_rng(2)
    times = random.exponential(100, 4000)
    cut = FirstPassages(np.minimum(times, 120).round().astype(int), np.where(times < 120, ARRIVED, CENSORED))
    assert median_time(cut, ARRIVED) == pytest.approx(np.median(times), abs=1)
    assert np.median(times[times < 120]) < 0.7 * np.median(times)


def test_mean_arrival_of_a_walker_that_only_drifts_is_that_of_the_formula():
    """At small shifts dx/dt is the drift formula, so the time from 1 to the flat place is an integral."""
    from scipy.integrate import quad

    shift, rate = 0.05, 0.1
    place = np.sqrt((0.9**-2 - 1) / 4)
    expected, _ = quad(lambda x: -1 / sum(toy.drift_terms(VALLEY, x, rate, shift)), place, 1)
    x = np.ones(300)
    move = functools.partial(toy.shaken_descent, VALLEY, learning_rate=rate, shift=shift, random=np.random.default_rng(3))
    passages = first_passages(move, VALLEY, x, 0 * x, flatness=0.9, horizon=20000)
    assert median_time(passages, ARRIVED) == pytest.approx(expected, rel=0.02)


def test_walkers_arrive_from_a_sharp_end_at_a_share_of_the_largest_flatness():
    starts = []

    def move(x, y, **arguments):
        starts.append((x.tolist(), y.tolist()))
        return straight(x, y, speed=-0.01, **arguments)

    valley = toy.Landscape.single_valley(curvature=4.0)
    passages = arrivals(move, valley, walkers=3, relative_flatness=0.9, horizon=200)
    assert starts[0] == ([1.0] * 3, [0.0] * 3)
    assert passages.times.tolist() == [76] * 3  # F / F(0) is 0.9 at 0.2422 whatever the curvature
    assert set(passages.events) == {ARRIVED}


def test_shaken_walkers_and_their_heat_bath_are_those_of_the_toy_model():
    valley, x, y = toy.Landscape.single_valley(curvature=2.0), np.full(5, 0.5), np.zeros(5)
    settings = {"learning_rate": 0.1, "shift": 0.2}
    ends = [moves(valley, way, random=np.random.default_rng(1), **settings)(x, y, steps=20) for way in ("shaken", "thermal")]
    random = np.random.default_rng(1)
    np.testing.assert_array_equal(ends[0], toy.shaken_descent(valley, x, y, steps=20, random=random, **settings))
    # Noise eta lambda s xi in y at every step has the variance 2 Delta eta.
    bath = {"diffusion": (0.1 * 2 * 0.2) ** 2 / (2 * 0.1), "kappa": 1.0, "time_step": 0.1}
    np.testing.assert_allclose(ends[1], toy.langevin(valley, x, y, steps=20, random=np.random.default_rng(1), **bath), rtol=1e-12)
    with pytest.raises(ValueError, match="dynamics: found 'stirred', expected one of shaken, thermal, thermal_local, "):
        moves(valley, "stirred", random=random, **settings)


def test_pooled_passages_are_those_of_all_walkers():
    parts = [events_of((1, ARRIVED), (9, CENSORED)), events_of((3, DIVERGED))]
    pooled = FirstPassages.pooled(parts)
    assert pooled.times.tolist() == [1, 9, 3]
    assert pooled.events.tolist() == [ARRIVED, CENSORED, DIVERGED]
