"""The edge of shaken descent: where walkers are lost, how soon, and how flat a place those have that are left.

The order parameter of flatness is the mean of F(x) over walkers in parts of the largest F: of those that are left, or of all, the
lost ones counted as 0, since the flatness falls to 0 far out. All lengths, losses and times are dimensionless.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sgdphysics.arguments import (
    finite_array,
    require,
    require_columns,
    require_kind,
    require_number,
    require_positive,
    require_positive_numbers,
    require_random,
    require_share,
    require_whole,
    require_whole_numbers,
)
from sgdphysics.errors import InputError
from sgdphysics.toy_landscapes import Landscape
from sgdphysics.toy_walkers import has_diverged, shaken_descent


def survival_course(
    landscape: Landscape,
    x: float,
    *,
    learning_rate: float,
    shifts: Sequence[float] | np.ndarray,
    walkers: int,
    horizons: Sequence[int],
    random: np.random.Generator,
) -> pd.DataFrame:
    """Follow walkers of shaken descent from one place, at several shifts, and look at each horizon who is left.

    Args:
        landscape: Where.
        x: Start, along the valley; y is 0 there.
        learning_rate: eta > 0.
        shifts: s > 0, (n,); they share the random numbers of their walkers.
        walkers: Per shift, at least 1.
        horizons: In steps, at least 1, rising.
        random: Source of random numbers.

    Returns:
        One row per horizon and shift: "horizon_steps", "shift", "survival", the share of walkers that are not lost (as
        `toy.has_diverged` says), and "relative_flatness", their mean flatness in parts of the largest, nan where none is left.

    Raises:
        InputError: If an argument is none of these.
    """
    require_kind("landscape", landscape, Landscape)
    require_number("x", x)
    require_positive("learning_rate", learning_rate)
    require_positive_numbers("shifts", shifts)
    require_whole("walkers", walkers, 1)
    require_whole_numbers("horizons", horizons, 1)
    for name, values in (("shifts", shifts), ("horizons", horizons)):
        require(len(values) > 0, name, values, "at least one")
    if not (np.diff(horizons) > 0).all():
        raise InputError(f"horizons: found {list(horizons)}, expected numbers that rise")
    require_random(random)
    shift = np.asarray(shifts, dtype=float)[:, None]
    place, y, steps, parts = np.full((len(shift), walkers), float(x)), np.zeros((len(shift), walkers)), 0, []
    for horizon in horizons:
        going = ~has_diverged(place, y).all(1)  # settings in which all are lost stay so
        if going.any():
            place[going], y[going] = shaken_descent(
                landscape,
                place[going],
                y[going],
                learning_rate=learning_rate,
                shift=shift[going],
                steps=horizon - steps,
                random=random,
            )
        steps = horizon
        survival, flatness = _those_left(landscape, place, y)
        numbers = {"shift": shift[:, 0], "survival": survival, "relative_flatness": flatness}
        parts.append(pd.DataFrame({"horizon_steps": horizon, **numbers}))
    return pd.concat(parts, ignore_index=True)


def order_parameter(course: pd.DataFrame) -> pd.DataFrame:
    """Add to what `survival_course` returns the order parameter of all walkers, and how fast they are lost.

    Returns:
        The course with "flatness_of_all", the mean flatness of all walkers in parts of the largest, lost ones counted as 0, and
        "loss_rate", -ln(share left now / share left at the horizon before) per step: the same at every horizon if walkers are lost
        one by one at a constant rate, so that the edge is where rate times horizon is of the order of 1. nan where none is left.

    Raises:
        InputError: If the course is no table with its columns.
    """
    require_columns("course", course, ("horizon_steps", "shift", "survival", "relative_flatness"))
    before = course.groupby("shift")[["survival", "horizon_steps"]].shift()
    share = course["survival"] / before["survival"].fillna(1.0)
    steps = course["horizon_steps"] - before["horizon_steps"].fillna(0)
    rate = -np.log(share.where(share > 0)) / steps + 0.0  # without a sign where none is lost
    return course.assign(flatness_of_all=course["survival"] * course["relative_flatness"].fillna(0.0), loss_rate=rate)


def shift_where_left(shifts: Sequence[float] | np.ndarray, survival: ArrayLike, share: float) -> float:
    """Return the shift at which the share of walkers left first falls below one given, nan if it does not between two of them.

    Args:
        shifts: Above 0, (n,), rising.
        survival: Share of walkers left at each, (n,).
        share: Above 0, below 1; between two shifts it is interpolated in the logarithm of the shift.

    Raises:
        InputError: If an argument is none of these.
    """
    require_positive_numbers("shifts", shifts)
    shifts, survival = np.asarray(shifts, dtype=float), finite_array("survival", survival, 1)
    if not (np.diff(shifts) > 0).all():
        raise InputError(f"shifts: found {shifts.tolist()}, expected numbers that rise")
    if len(survival) != len(shifts):
        raise InputError(f"survival: found {len(survival)}, expected {len(shifts)}, one for each of shifts")
    require_share("share", share)
    below = np.flatnonzero(survival < share)
    if not len(below) or below[0] == 0:
        return float("nan")
    pair = [below[0], below[0] - 1]
    return float(np.exp(np.interp(share, survival[pair], np.log(shifts[pair]))))


def _those_left(landscape: Landscape, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of the walkers that are not lost, and their mean flatness relative to the largest; nan where none is left."""
    alive = ~has_diverged(x, y)
    count = alive.sum(1)
    # Past the walls of the valley the flatness goes on falling.
    flatness = np.where(alive, landscape.flatness(np.where(alive, x, 0.0)), 0.0).sum(1)
    mean = np.divide(flatness, count, out=np.full(len(x), np.nan), where=count > 0)
    return count / x.shape[1], mean * landscape.smallest_curvature**0.5
