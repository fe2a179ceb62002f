"""Walkers in a landscape of the toy model: Langevin dynamics, and descent on a landscape that is shaken.

Many walkers move at once; all lengths, losses and times are dimensionless.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from sgdphysics.arguments import (
    check_sizes,
    finite_array,
    real_array,
    require_kind,
    require_positive,
    require_random,
    require_whole,
)
from sgdphysics.errors import InputError
from sgdphysics.toy_landscapes import Landscape
from sgdphysics.toy_stability import DIVERGED_BEYOND, drift_terms, largest_stable_shift, mean_square_growth

__all__ = [
    "DIVERGED_BEYOND",
    "Observer",
    "drift_terms",
    "has_diverged",
    "langevin",
    "largest_stable_shift",
    "largest_time_step",
    "mean_square_growth",
    "shaken_descent",
    "surviving_share",
]

Observer = Callable[[int, np.ndarray, np.ndarray], None]


def largest_time_step(landscape: Landscape) -> float:
    """Return the largest time step of `langevin`, 1 / largest curvature: the relaxation of y is then resolved."""
    require_kind("landscape", landscape, Landscape)
    return 1 / landscape.largest_curvature


def langevin(
    landscape: Landscape,
    x: np.ndarray,
    y: np.ndarray,
    *,
    diffusion: float,
    kappa: float,
    time_step: float,
    steps: int,
    random: np.random.Generator,
    observer: Observer | None = None,
    observe_every: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Move walkers by dx = -dL/dx dt + sqrt(2 Delta / kappa) dW, dy = -dL/dy dt + sqrt(2 Delta) dW'.

    Each step moves x for half of the time step, then y for the whole of it, then x again. y moves exactly, as an Ornstein-Uhlenbeck
    process of the present curvature, so that at fixed x its distribution is right at any time step; x moves by Euler and Maruyama.
    The symmetric order makes the error of the splitting quadratic in the time step; what stays is that of Euler's method in the
    slow drift of x, weak order 1 with a coefficient of the order of Delta^2. Walls at |x| = half_width reflect, as often as a step
    meets them: walkers stay inside at any step, but the drift is resolved only if sqrt(Delta / kappa * time_step) << half_width.

    Args:
        landscape: Where.
        x, y: Start, float64, one entry per walker, finite; not changed.
        diffusion: Delta > 0, the noise strength in y.
        kappa: Ratio of the noise strengths in y and x, > 0.
        time_step: At most 1 / largest curvature, so that the relaxation of y is resolved.
        steps: How many, from 0.
        random: Source of the normal numbers.
        observer: Called with (step, x, y) after every ``observe_every`` steps; it must not change them.
        observe_every: In steps, from 1.

    Returns:
        x and y at the end.

    Raises:
        InputError: If an argument is none of these.
    """
    x, y = finite_array("x", x), finite_array("y", y)
    check_start(landscape, x, y)
    check_times(steps, observe_every)
    require_random(random)
    for name, value in (("diffusion", diffusion), ("kappa", kappa), ("time_step", time_step)):
        require_positive(name, value)
    if time_step > largest_time_step(landscape):
        bound = largest_time_step(landscape)
        raise InputError(f"time_step: found {time_step:g}, expected at most {bound:g} = 1 / largest curvature")
    x, y = np.array(x, dtype=float), np.array(y, dtype=float)
    curvature, slope = _Horner(landscape.coefficients, x.shape), _Horner(landscape.slope_coefficients, x.shape)
    normal, work = np.empty_like(x), np.empty_like(x)
    x_noise = np.sqrt(diffusion / kappa * time_step)

    def move_x() -> None:
        change = slope(x)
        change *= y
        change *= y
        change *= -time_step / 4
        random.standard_normal(out=normal)
        np.multiply(normal, x_noise, out=normal)
        np.add(x, change, out=x)
        np.add(x, normal, out=x)
        _reflect(x, landscape.half_width, normal)

    def move_y() -> None:
        rate = curvature(x)
        np.multiply(rate, -2 * time_step, out=work)
        np.expm1(work, out=work)
        np.divide(work, rate, out=normal)
        np.multiply(normal, -diffusion, out=normal)
        np.sqrt(normal, out=normal)  # standard deviation of what is added
        np.add(work, 1, out=work)
        np.sqrt(work, out=work)  # share of y that is left
        np.multiply(y, work, out=y)
        random.standard_normal(out=work)
        np.multiply(normal, work, out=normal)
        np.add(y, normal, out=y)

    for step in range(1, steps + 1):
        move_x()
        move_y()
        move_x()
        if observer is not None and step % observe_every == 0:
            observer(step, x, y)
    return x, y


def shaken_descent(
    landscape: Landscape,
    x: np.ndarray,
    y: np.ndarray,
    *,
    learning_rate: ArrayLike,
    shift: ArrayLike,
    steps: int,
    random: np.random.Generator,
    observer: Observer | None = None,
    observe_every: int = 1,
    fixed_x: bool = False,
    fixed_y: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Move walkers by gradient descent on a landscape that is shifted as a whole at every step.

    (x, y) <- (x, y) - eta grad L(x + xi_x, y + xi_y), with new normal xi_x, xi_y of standard deviation s at every step. There are
    no walls, and the curvature polynomial holds for all x. A walker that leaves for good (`has_diverged`) overflows to inf or nan
    within a few steps and stays there.

    Args:
        landscape: Where.
        x, y: Start, float64 (..., walkers), of which some may have left for good; not changed. Leading axes are settings, which
            share the random numbers of their walkers, so that differences between them are paired.
        learning_rate: eta > 0, a number or an array that broadcasts to x, such as (settings, 1).
        shift: s >= 0, the same.
        steps: How many, from 0.
        random: Source of the normal numbers.
        observer: Called with (step, x, y) after every ``observe_every`` steps; it must not change them.
        observe_every: In steps, from 1.
        fixed_x: Keep x where it is, and give the observer in its place the step that it would have taken.
        fixed_y: Keep y where it is; at y = 0 only the smoothing of the mean landscape then acts on x.

    Returns:
        x and y at the end.

    Raises:
        InputError: If an argument is none of these.
    """
    x, y = real_array("x", x), real_array("y", y)
    check_start(landscape, x, y)
    check_times(steps, observe_every)
    require_random(random)
    check_sizes("learning_rate", learning_rate)
    check_sizes("shift", shift, zero_allowed=True)
    learning_rate, shift = np.asarray(learning_rate, dtype=float), np.asarray(shift, dtype=float)
    for name, value in (("learning_rate", learning_rate), ("shift", shift)):
        check_factor(name, value, x)
    x, y = np.array(x, dtype=float), np.array(y, dtype=float)
    curvature, slope = _Horner(landscape.coefficients, x.shape), _Horner(landscape.slope_coefficients, x.shape)
    shaken_x, shaken_y, normal = np.empty_like(x), np.empty_like(y), np.empty((2, x.shape[-1]))
    x_factor = -learning_rate / 2
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(1, steps + 1):
            random.standard_normal(out=normal)
            np.multiply(shift, normal[0], out=shaken_x)
            np.multiply(shift, normal[1], out=shaken_y)
            shaken_x += x
            shaken_y += y
            change_y, change_x = curvature(shaken_x), slope(shaken_x)
            change_y *= shaken_y
            change_y *= learning_rate
            if not fixed_y:
                y -= change_y
            change_x *= shaken_y
            change_x *= shaken_y
            change_x *= x_factor
            if not fixed_x:
                x += change_x
            if observer is not None and step % observe_every == 0:
                observer(step, change_x if fixed_x else x, y)
    return x, y


def has_diverged(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which walkers are lost: x or y, of one shape, is not finite or farther from 0 than `DIVERGED_BEYOND`.

    Where the curvature grows outwards without bound nothing brings a walker back from there: each step of y overshoots by more than
    the one before, and x and y overflow. It is divergence in this sense only, of single walkers; where the curvature is constant,
    or the shift itself as large as that distance, the same criterion says no more than "far out".
    """
    if np.shape(x) != np.shape(y):
        raise InputError(f"y: found shape {np.shape(y)}, expected {np.shape(x)}, that of x")
    return ~((np.abs(x) < DIVERGED_BEYOND) & (np.abs(y) < DIVERGED_BEYOND))


def surviving_share(
    landscape: Landscape, *, learning_rate: float, shift: float, walkers: int, steps: int, random: np.random.Generator
) -> float:
    """Return the share of walkers of `shaken_descent` that are not lost (`has_diverged`) some steps after a start at x = y = 0.

    Raises:
        InputError: If there is no walker, or as of `shaken_descent`.
    """
    require_whole("walkers", walkers, 1)
    start = np.zeros(walkers)
    x, y = shaken_descent(landscape, start, start, learning_rate=learning_rate, shift=shift, steps=steps, random=random)
    return float((~has_diverged(x, y)).mean())


def check_start(landscape: Landscape, x: np.ndarray, y: np.ndarray) -> None:
    """Raise InputError if there is no landscape, or not one x and one y per walker."""
    require_kind("landscape", landscape, Landscape)
    if not x.ndim or not x.size:
        raise InputError(f"x: found shape {x.shape}, expected one entry per walker")
    if x.shape != y.shape:
        raise InputError(f"y: found shape {y.shape}, expected {x.shape}, that of x")


def check_times(steps: int, observe_every: int) -> None:
    """Raise InputError if there are no such numbers of steps."""
    require_whole("steps", steps, 0)
    require_whole("observe_every", observe_every, 1)


def check_factor(name: str, factor: np.ndarray, x: np.ndarray) -> None:
    """Raise InputError if what each step is multiplied by does not broadcast to x."""
    if not _broadcasts(factor.shape, x.shape):
        raise InputError(f"{name}: found shape {factor.shape}, expected one that broadcasts to {x.shape}, that of x")


def _broadcasts(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether an array of a shape can be taken for one of the shape that is wanted."""
    if len(shape) > len(wanted):
        return False
    return all(size in (1, other) for size, other in zip(shape[::-1], wanted[::-1], strict=False))


class _Horner:
    """A polynomial that is evaluated again and again on arrays of one shape, without new memory."""

    def __init__(self, coefficients: tuple[float, ...], shape: tuple[int, ...]) -> None:
        self._first, *self._rest = coefficients[::-1]
        self._value = np.empty(shape)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the values at x, in memory that the next call overwrites."""
        if not self._rest:
            self._value.fill(self._first)
            return self._value
        np.multiply(x, self._first, out=self._value)
        self._value += self._rest[0]
        for coefficient in self._rest[1:]:
            self._value *= x
            self._value += coefficient
        return self._value


def _reflect(x: np.ndarray, wall: float, work: np.ndarray) -> None:
    """Fold x back between the walls, in place, as often as it takes; ``work`` is overwritten."""
    _fold(x, wall, work)
    np.abs(x, out=work)
    if (work > wall).any():  # the step was longer than the valley: rare, so paid for only then
        np.fmod(x, 4 * wall, out=x)  # reflections at both walls repeat with this period
        _fold(x, wall, work)
        _fold(x, wall, work)


def _fold(x: np.ndarray, wall: float, work: np.ndarray) -> None:
    """Reflect once what lies beyond a wall, in place."""
    np.abs(x, out=work)
    work -= wall
    np.maximum(work, 0, out=work)
    work *= 2
    np.copysign(work, x, out=work)
    x -= work
