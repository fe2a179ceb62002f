"""Controls of shaken descent: heat baths whose noise is as strong as that of shaken descent at the same place, and descent without
noise on the landscape that shaken descent sees on average.

Shaken descent differs from gradient descent in two ways: its mean landscape is smoothed, and it has noise, which is stronger where
the valley is sharper. A heat bath of the local strength has such noise and no smoothing, smoothed descent smoothing and no noise.
All lengths, losses and times are dimensionless.
"""

from collections.abc import Callable
from math import factorial

import numpy as np
from numpy.polynomial.polynomial import polyadd, polyder, polyval
from numpy.typing import ArrayLike

from sgdphysics.arguments import (
    check_sizes,
    real_array,
    require,
    require_kind,
    require_not_negative,
    require_positive,
    require_random,
)
from sgdphysics.toy_landscapes import Landscape
from sgdphysics.toy_walkers import Observer, check_factor, check_start, check_times


def heated_descent(
    landscape: Landscape,
    x: np.ndarray,
    y: np.ndarray,
    *,
    learning_rate: float,
    shift: ArrayLike,
    steps: int,
    random: np.random.Generator,
    observer: Observer | None = None,
    observe_every: int = 1,
    across_only: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Move walkers by gradient descent with added noise of the strength that shaken descent has in y at the same place.

    (x, y) <- (x, y) - eta grad L(x, y) + eta s curvature(x) (xi_x, xi_y), with new normal xi_x, xi_y of variance 1 at every step:
    near the line of minima a step of shaken descent changes y by noise of just this variance. In units of the noise strength of
    `langevin`, variance / (2 eta), it is eta s^2 curvature(x)^2 / 2.

    What the noise in x is, is a choice. Here it is as strong as that in y at the same place, for the noise of a heat bath knows no
    direction; shaken descent itself has hardly any where the curvature does not change. The strength varies along the valley and is
    taken where the step starts, as that of SGD is (Ito): the mean step is the one of gradient descent, no term of the slope of the
    strength is added, and walkers nevertheless gather where the noise is weak. At fixed x the stationary variance of y is that of
    shaken descent, eta s^2 curvature / (2 - eta curvature), so that the mean step of x is the noise-induced term of
    `toy.drift_terms` alone; this holds for noise in y only, too.

    Walls at |x| = half_width reflect, as of `langevin`: beyond them the noise would grow without bound.

    Args:
        landscape: Where.
        x, y: Start, float64 (..., walkers), of which some may be lost; not changed. Leading axes are settings, which share the
            random numbers of their walkers, so that differences between them are paired.
        learning_rate: eta > 0.
        shift: s > 0 of the shaken descent whose noise it has, a number or an array that broadcasts to x, such as (settings, 1).
        steps: How many, from 0.
        random: Source of the normal numbers.
        observer: Called with (step, x, y) after every ``observe_every`` steps; it must not change them.
        observe_every: In steps, from 1.
        across_only: Leave out the noise in x; the random numbers stay the same.

    Returns:
        x and y at the end.

    Raises:
        InputError: If an argument is none of these.
    """
    x, y = real_array("x", x), real_array("y", y)
    check_start(landscape, x, y)
    check_times(steps, observe_every)
    require_positive("learning_rate", learning_rate)
    check_sizes("shift", shift)
    check_factor("shift", np.asarray(shift, dtype=float), x)
    require_random(random)
    require(isinstance(across_only, bool), "across_only", across_only, "True or False")
    normal, noise = np.empty((2, x.shape[-1])), learning_rate * np.asarray(shift, dtype=float)
    slope = landscape.slope_coefficients

    def move(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        random.standard_normal(out=normal)
        curvature = landscape.curvature(x)
        strength = noise * curvature
        moved = x - learning_rate / 2 * polyval(x, slope) * y**2
        if not across_only:
            moved += strength * normal[0]
        return _between_walls(moved, landscape.half_width), y - learning_rate * curvature * y + strength * normal[1]

    with np.errstate(over="ignore", invalid="ignore"):  # where y is not stable
        return _repeated(move, x, y, steps, observer, observe_every)


def smoothed_curvature(landscape: Landscape, shift: float) -> tuple[float, ...]:
    """Return the coefficients, constant first, of the mean of curvature(x + xi) over normal xi of standard deviation ``shift``.

    It is curvature + s^2 curvature'' / 2 + s^4 curvature'''' / 8 + ..., exact for polynomials.

    Raises:
        InputError: If the shift is not a number from 0.
    """
    require_kind("landscape", landscape, Landscape)
    require_not_negative("shift", shift)
    smoothed = np.zeros(1)
    for half in range((len(landscape.coefficients) + 1) // 2):
        smoothed = polyadd(smoothed, shift ** (2 * half) / (2**half * factorial(half)) * polyder(landscape.coefficients, 2 * half))
    return tuple(map(float, smoothed))


def smoothed_descent(
    landscape: Landscape,
    x: np.ndarray,
    y: np.ndarray,
    *,
    learning_rate: float,
    shift: float,
    steps: int,
    observer: Observer | None = None,
    observe_every: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Move walkers by gradient descent, without noise, on the mean of the shaken landscape.

    The mean of L(x + xi_x, y + xi_y) is m(x) (y^2 + s^2) / 2 with m as `smoothed_curvature` returns it. For a curvature that is
    quadratic in x it is L + s^2 (laplacian of L) / 2 up to a constant; for higher powers it is the exact mean, of which that is the
    first term. There are no walls, and walkers may overflow, as in `shaken_descent`.

    Args:
        landscape: Where.
        x, y: Start, float64 (..., walkers), of which some may be lost; not changed.
        learning_rate: eta > 0.
        shift: s >= 0 of the shaken descent whose mean landscape it is.
        steps: How many, from 0.
        observer: Called with (step, x, y) after every ``observe_every`` steps; it must not change them.
        observe_every: In steps, from 1.

    Returns:
        x and y at the end.

    Raises:
        InputError: If an argument is none of these.
    """
    x, y = real_array("x", x), real_array("y", y)
    check_start(landscape, x, y)
    check_times(steps, observe_every)
    require_positive("learning_rate", learning_rate)
    mean = smoothed_curvature(landscape, shift)
    slope = polyder(mean)

    def move(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return x - learning_rate / 2 * polyval(x, slope) * (y**2 + shift**2), y - learning_rate * polyval(x, mean) * y

    with np.errstate(over="ignore", invalid="ignore"):
        return _repeated(move, x, y, steps, observer, observe_every)


def _repeated(
    move: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    x: np.ndarray,
    y: np.ndarray,
    steps: int,
    observer: Observer | None,
    observe_every: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Positions after some steps; the observer is called as `heated_descent` says."""
    x, y = x.copy(), y.copy()
    for step in range(1, steps + 1):
        x, y = move(x, y)
        if observer is not None and step % observe_every == 0:
            observer(step, x, y)
    return x, y


def _between_walls(x: np.ndarray, wall: float) -> np.ndarray:
    """Places with those beyond a wall reflected, in place, as often as it takes: reflections repeat with a period of 4 walls."""
    beyond = np.abs(x) > wall
    if beyond.any():
        x[beyond] = np.abs(np.mod(x[beyond] - wall, 4 * wall) - 2 * wall) - wall
    return x
