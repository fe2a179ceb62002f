"""Walkers in a landscape of the toy model: Langevin dynamics, and descent on a landscape that is shaken.

Many walkers move at once; all lengths, losses and times are dimensionless.
"""

from collections.abc import Callable

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import ArrayLike

from sgdphysics.errors import InputError
from sgdphysics.toy_landscapes import Landscape, check_sizes

DIVERGED_BEYOND = 1e3  # a walker farther out than this, in x or y, has diverged

Observer = Callable[[int, np.ndarray, np.ndarray], None]


def largest_time_step(landscape: Landscape) -> float:
    """Return the largest time step of `langevin`, 1 / largest curvature: the relaxation of y is then resolved."""
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
        x, y: Start, float64, one entry per walker; not changed.
        diffusion: Delta > 0, the noise strength in y.
        kappa: Ratio of the noise strengths in y and x, > 0.
        time_step: At most 1 / largest curvature, so that the relaxation of y is resolved.
        steps: How many.
        random: Source of the normal numbers.
        observer: Called with (step, x, y) after every ``observe_every`` steps; it must not change them.
        observe_every: In steps.

    Returns:
        x and y at the end.

    Raises:
        InputError: If a parameter is out of its range.
    """
    check_sizes("diffusion", diffusion)
    check_sizes("kappa", kappa)
    check_sizes("time_step", time_step)
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
    no walls, and the curvature polynomial holds for all x. A walker that diverges overflows to inf or nan and stays there.

    Args:
        landscape: Where.
        x, y: Start, float64 (..., walkers); not changed. Leading axes are settings, which share the random numbers of their
            walkers, so that differences between them are paired.
        learning_rate: eta > 0, a number or an array that broadcasts to x, such as (settings, 1).
        shift: s >= 0, the same.
        steps: How many.
        random: Source of the normal numbers.
        observer: Called with (step, x, y) after every ``observe_every`` steps; it must not change them.
        observe_every: In steps.
        fixed_x: Keep x where it is, and give the observer in its place the step that it would have taken.
        fixed_y: Keep y where it is; at y = 0 only the smoothing of the mean landscape then acts on x.

    Returns:
        x and y at the end.

    Raises:
        InputError: If a parameter is out of its range.
    """
    learning_rate, shift = np.asarray(learning_rate, dtype=float), np.asarray(shift, dtype=float)
    check_sizes("learning_rate", learning_rate)
    check_sizes("shift", shift, zero_allowed=True)
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


def drift_terms(landscape: Landscape, x: ArrayLike, learning_rate: float, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the two terms of the mean step of x in shaken descent, at fixed x and averaged over stationary y, for small shifts.

    They are -(eta/2) curvature'(x) s^2, the smoothing of the mean landscape, which gradient descent on L + s^2 (laplacian L) / 2
    has too, and -(eta/2) curvature'(x) eta curvature s^2 / (2 - eta curvature), which the noise in y induces. The second is the
    larger one for eta curvature > 1, and nan where y is not stable (eta curvature >= 2).
    """
    rate = learning_rate * landscape.curvature(x)
    smoothing = -learning_rate / 2 * landscape.curvature_slope(x) * shift**2
    return smoothing, smoothing * np.where(rate < 2, rate, np.nan) / (2 - rate)


def mean_square_growth(landscape: Landscape, x: float, learning_rate: float, shift: float) -> float:
    """Return the factor by which y^2 grows per step of shaken descent at fixed x: (1 - eta <curvature>)^2 + eta^2 var(curvature).

    The averages are over the shift of x; below 1 the motion in y is stable in the mean square.
    """
    nodes, weights = hermegauss(len(landscape.coefficients))  # exact for the square of the polynomial
    return float(weights @ (1 - learning_rate * landscape.curvature(x + shift * nodes)) ** 2 / weights.sum())


def largest_stable_shift(landscape: Landscape, x: float, learning_rate: float) -> float:
    """Return the shift at which `mean_square_growth` reaches 1; 0 where descent is unstable without noise, inf if it never does."""
    if learning_rate * float(landscape.curvature(x)) >= 2:
        return 0.0
    high = landscape.half_width
    while mean_square_growth(landscape, x, learning_rate, high) < 1:
        high *= 2
        if high > DIVERGED_BEYOND:
            return float("inf")
    from scipy.optimize import brentq  # takes long to load, and checks of settings need none of it

    # At a shift of 0 the growth is below 1 by the first test.
    return float(brentq(lambda shift: mean_square_growth(landscape, x, learning_rate, shift) - 1, 0.0, high))


def has_diverged(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which walkers are not finite or farther out than `DIVERGED_BEYOND`."""
    return ~((np.abs(x) < DIVERGED_BEYOND) & (np.abs(y) < DIVERGED_BEYOND))


def surviving_share(
    landscape: Landscape, *, learning_rate: float, shift: float, walkers: int, steps: int, random: np.random.Generator
) -> float:
    """Return the share of walkers of `shaken_descent` that have not diverged some steps after they started at x = y = 0."""
    start = np.zeros(walkers)
    x, y = shaken_descent(landscape, start, start, learning_rate=learning_rate, shift=shift, steps=steps, random=random)
    return float((~has_diverged(x, y)).mean())


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
