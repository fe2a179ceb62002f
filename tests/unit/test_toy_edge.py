"""The edge of shaken descent against walkers followed one setting at a time, and losses at a known rate."""

import numpy as np
import pandas as pd
import pytest

from sgdphysics import toy
from sgdphysics.toy_edge import order_parameter, shift_where_left, survival_course

VALLEY = toy.Landscape.single_valley()
SHIFTS = [0.3, 0.6, 0.8]
SETTINGS = {"learning_rate": 0.1, "shifts": SHIFTS, "walkers": 40}


def test_the_course_is_that_of_walkers_followed_by_themselves():
    course = survival_course(VALLEY, 0.2, horizons=[50, 200], random=np.random.default_rng(0), **SETTINGS)
    assert course["horizon_steps"].tolist() == [50] * 3 + [200] * 3
    for row in course[course["horizon_steps"] == 50].itertuples():
        start = np.full(40, 0.2)
        x, y = toy.shaken_descent(
            VALLEY, start, 0 * start, learning_rate=0.1, shift=row.shift, steps=50, random=np.random.default_rng(0)
        )
        left = ~toy.has_diverged(x, y)
        assert row.survival == left.mean()
        assert row.relative_flatness == pytest.approx(VALLEY.flatness(x[left]).mean())
    # Whoever is lost stays lost, and some are lost later.
    first, later = course["survival"].to_numpy().reshape(2, 3)
    assert (later <= first).all()
    assert later[2] < first[2]


def test_shifts_at_which_all_are_lost_change_nothing_for_the_others():
    settings = {**SETTINGS, "shifts": [0.3, 5.0]}
    course = survival_course(VALLEY, 0.0, horizons=[50, 200], random=np.random.default_rng(0), **settings)
    alone = survival_course(VALLEY, 0.0, horizons=[50, 200], random=np.random.default_rng(0), **{**settings, "shifts": [0.3]})
    assert course[course["shift"] == 5.0]["survival"].tolist() == [0, 0]
    assert course[course["shift"] == 5.0]["relative_flatness"].isna().all()
    pd.testing.assert_frame_equal(course[course["shift"] == 0.3].reset_index(drop=True), alone)


def test_at_constant_curvature_nobody_is_lost_and_flatness_does_not_change():
    flat = toy.Landscape.constant(3.0)
    course = survival_course(flat, 0.0, horizons=[200], random=np.random.default_rng(0), **SETTINGS)
    course = order_parameter(course)
    np.testing.assert_allclose(course[["survival", "relative_flatness", "flatness_of_all"]], 1)
    assert (course["loss_rate"] == 0).all()


def test_a_constant_rate_of_loss_is_found_at_every_horizon():
    rates, horizons = np.array([1e-4, 1e-3]), [100, 400, 1600]
    rows = [
        {"horizon_steps": horizon, "shift": rate, "survival": np.exp(-rate * horizon), "relative_flatness": 0.5}
        for horizon in horizons
        for rate in rates
    ]
    table = order_parameter(pd.DataFrame(rows))
    np.testing.assert_allclose(table["loss_rate"], table["shift"], rtol=1e-10)
    np.testing.assert_allclose(table["flatness_of_all"], table["survival"] / 2)


def test_where_none_is_left_there_is_no_rate_and_no_flatness():
    columns = {
        "horizon_steps": [10, 40, 160],
        "shift": 1.0,
        "survival": [0.5, 0.0, 0.0],
        "relative_flatness": [0.9, np.nan, np.nan],
    }
    table = order_parameter(pd.DataFrame(columns))
    assert table["loss_rate"][0] == pytest.approx(np.log(2) / 10)
    assert table["loss_rate"][1:].isna().all()
    assert table["flatness_of_all"].tolist() == pytest.approx([0.45, 0, 0])


def test_the_shift_where_half_are_left_lies_between_those_measured():
    shifts = [0.1, 0.2, 0.4, 0.8]
    assert shift_where_left(shifts, [1, 0.75, 0.25, 0], 0.5) == pytest.approx(0.2 * np.sqrt(2))
    assert shift_where_left(shifts, [1, 0.5, 0.25, 0], 0.5) == pytest.approx(0.2)
    assert shift_where_left(shifts, [1, 0.75, 0.25, 0], 0.9) == pytest.approx(0.1 * 2**0.4)
    # The first fall counts.
    assert shift_where_left(shifts, [1, 0.4, 0.6, 0], 0.5) == pytest.approx(0.1 * 2 ** (5 / 6))
    assert np.isnan(shift_where_left(shifts, [1, 1, 1, 0.9], 0.5))
    assert np.isnan(shift_where_left(shifts, [0.4, 0.3, 0, 0], 0.5))


@pytest.mark.parametrize("place", [(1000.0, 0.0), (0.0, 1000.0), (-1000.0, 3.0), (0.1, -1000.0)])
@pytest.mark.parametrize("learning_rate", [0.02, 0.1, 1.0])
def test_nobody_comes_back_from_where_walkers_count_as_lost(place, learning_rate):
    """In a valley whose curvature grows without bound, at shifts up to those of the phase diagram."""
    for shift in (0.02, 0.3, 2.0):
        x, y = (np.full(200, value) for value in place)
        settings = {"learning_rate": learning_rate, "shift": shift, "steps": 50, "random": np.random.default_rng(0)}
        x, y = toy.shaken_descent(VALLEY, x, y, **settings)
        assert not np.isfinite([x, y]).all(axis=0).any()
