"""Shares of walkers in two valleys, against walks whose places are known, and by symmetry."""

import functools

import numpy as np
import pytest

from sgdphysics import toy
from sgdphysics.errors import InputError
from sgdphysics.toy_controls import smoothed_descent
from sgdphysics.toy_valleys import bottoms_and_ridge, valley_shares

TWO = toy.Landscape.two_valleys()
COUNTS = {"settings": 2, "walkers": 10, "relaxation": 20, "sampling": 40, "every": 10}


def staying(x, y, *, steps, observer=None, observe_every=1):
    for step in range(observe_every, steps + 1, observe_every):
        if observer is not None:
            observer(step, x, y)
    return x, y


@pytest.mark.parametrize("difference", [0.5, 1.0, 5.0])
def test_bottoms_and_ridge_are_those_of_a_fine_grid(difference):
    landscape = toy.Landscape.two_valleys(difference=difference)
    sharper, ridge, flatter = bottoms_and_ridge(landscape)
    for place, low, high, sign in ((sharper, -1.5, -0.5, 1), (ridge, -0.7, 0.7, -1), (flatter, 0.5, 1.5, 1)):
        x = np.linspace(low, high, 100_001)
        assert place == pytest.approx(x[np.argmin(sign * landscape.curvature(x))], abs=2e-5)
    assert landscape.curvature(sharper) > landscape.curvature(flatter)


def test_the_flatter_valley_may_be_on_either_side():
    sharper, _, flatter = bottoms_and_ridge(toy.Landscape.two_valleys(difference=-0.5))
    assert sharper > 0 > flatter
    # Of equal ones the right one counts as the flatter, by convention.
    sharper, ridge, flatter = bottoms_and_ridge(toy.Landscape.two_valleys(difference=0.0))
    assert (sharper, ridge, flatter) == pytest.approx((-1, 0, 1), abs=1e-7)


@pytest.mark.parametrize("landscape", [toy.Landscape.single_valley(), toy.Landscape.two_valleys(barrier=0.5, difference=2.0)])
def test_one_valley_has_no_flatter_one(landscape):
    with pytest.raises(InputError, match="landscape: found 1 minima of the curvature, expected 2"):
        bottoms_and_ridge(landscape)


def test_who_stays_is_counted_where_it_started():
    shares = valley_shares(staying, TWO, **COUNTS)
    assert shares["setting"].tolist() == [0, 0, 0, 1, 1, 1]
    assert shares["start"].tolist() == ["sharper", "flatter", "both"] * 2
    assert shares["walkers"].tolist() == [5, 5, 10] * 2
    assert shares["share_in_flatter"].tolist() == [0, 1, 0.5] * 2
    assert shares["share_left"].tolist() == [1] * 6


def test_shares_are_of_those_left_at_each_count():
    """Of the second setting walkers are lost one by one, from the flatter valley first; counts are after the relaxation only."""
    calls = []

    def losing(x, y, *, steps, observer=None, observe_every=1):
        calls.append(steps)
        x = x.copy()
        if observer is not None:
            for step in range(10, steps + 1, 10):
                x[1, : step // 10] = np.nan
                observer(step, x, y)
        return x, y

    shares = valley_shares(losing, TWO, **COUNTS).query("setting == 1").set_index("start")
    assert calls == [20, 40]
    # Left of the five that started in the flatter valley: 4, 3, 2 and 1; of the five others always 5.
    assert shares["share_in_flatter"].to_dict() == pytest.approx({"sharper": 0, "flatter": 1, "both": 10 / 30})
    assert shares["share_left"].to_dict() == pytest.approx({"sharper": 1, "flatter": 0.2, "both": 0.6})


def test_without_walkers_left_there_is_no_share():
    def lost(x, y, *, steps, observer=None, observe_every=1):
        return staying(x * np.inf, y, steps=steps, observer=observer, observe_every=observe_every)

    shares = valley_shares(lost, TWO, **COUNTS)
    assert shares["share_in_flatter"].isna().all()
    assert (shares["share_left"] == 0).all()


def test_shaken_walkers_have_no_preference_of_equal_valleys_and_one_for_the_flatter_of_unequal_ones():
    shares = {}
    for ratio in (1.0, 6.0):
        landscape = toy.Landscape.two_valleys(difference=ratio - 1)
        move = functools.partial(
            toy.shaken_descent, landscape, learning_rate=0.1, shift=np.array([[0.28]]), random=np.random.default_rng(0)
        )
        table = valley_shares(move, landscape, settings=1, walkers=600, relaxation=1000, sampling=1000, every=50)
        shares[ratio] = table.set_index("start")["share_in_flatter"]["both"]
    assert shares[1.0] == pytest.approx(0.5, abs=0.06)
    assert shares[6.0] > 0.65


def test_smoothing_alone_leaves_walkers_in_their_valley():
    move = functools.partial(smoothed_descent, TWO, learning_rate=0.1, shift=0.28)
    shares = valley_shares(move, TWO, **{**COUNTS, "settings": 1, "relaxation": 500})
    assert shares["share_in_flatter"].tolist() == [0, 1, 0.5]
