"""The toy model: a valley of degenerate minima whose curvature varies along it, and walkers in it.

The loss is L(x, y) = curvature(x) y^2 / 2 (Yang, Tang and Tu 2023): every point of the line y = 0 is a minimum, and the flatness
across it is F(x) = curvature(x)^(-1/2). Two dynamics move many walkers at once:

- `langevin`, with noise of strength Delta in y and Delta / kappa in x: with y fast, -Delta ln P(x, 0) = Delta (1 - kappa) ln F(x)
  up to a constant, for the joint stationary density P on the line of minima. (Our kappa is the ratio of the two noise strengths;
  the talk's "kappa is bigger than zero" may be this less one.) The marginal density of x goes as F^kappa.
- `shaken_descent`, gradient descent on a landscape that is shifted as a whole at every step by (xi_x, xi_y), each normal with
  standard deviation s: the mini-batch noise of the talk, s^2 ~ 1 / batch size.

All lengths, losses and times are dimensionless.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.polynomial import polyder, polyroots, polyval
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from sgdphysics.errors import InputError

DIVERGED_BEYOND = 1e3  # a walker farther out than this, in x or y, has diverged

Observer = Callable[[int, np.ndarray, np.ndarray], None]


@dataclass(frozen=True)
class Landscape:
    """L(x, y) = curvature(x) y^2 / 2, with a polynomial curvature.

    Attributes:
        coefficients: Of curvature(x) = c0 + c1 x + c2 x^2 + ..., constant first.
        half_width: The valley is studied for |x| <= half_width, where the curvature must be positive.

    Raises:
        InputError: If the curvature is not positive somewhere in the valley.
    """

    coefficients: tuple[float, ...]
    half_width: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "coefficients", tuple(map(float, self.coefficients)))
        _require_positive("half_width", self.half_width)
        x = self._extremes()
        lowest = float(self.curvature(x).min())
        if not lowest > 0:
            where = float(x[np.argmin(self.curvature(x))])
            raise InputError(f"curvature: found {lowest:g} at x = {where:g}, expected above 0 for |x| <= {self.half_width:g}")

    @classmethod
    def single_valley(cls, curvature: float = 1.0, growth: float = 4.0, half_width: float = 1.0) -> "Landscape":
        """Return curvature(x) = curvature (1 + growth x^2): flattest at x = 0."""
        return cls((curvature, 0.0, curvature * growth), half_width)

    @classmethod
    def two_valleys(
        cls, curvature: float = 1.0, barrier: float = 4.0, difference: float = 1.0, half_width: float = 1.5
    ) -> "Landscape":
        """Return a curvature with two minima, near x = 1 (flatter) and x = -1 (sharper).

        It is curvature [1 + barrier (x^2 - 1)^2 + difference (1 - x) / 2].
        """
        one = (1 + barrier + difference / 2, -difference / 2, -2 * barrier, 0.0, barrier)
        return cls(tuple(curvature * c for c in one), half_width)

    @classmethod
    def constant(cls, curvature: float = 1.0, half_width: float = 1.0) -> "Landscape":
        """Return the control: the same curvature, so the same flatness, everywhere."""
        return cls((curvature,), half_width)

    @property
    def largest_curvature(self) -> float:
        """Largest curvature in the valley."""
        return float(self.curvature(self._extremes()).max())

    @property
    def smallest_curvature(self) -> float:
        """Smallest curvature in the valley."""
        return float(self.curvature(self._extremes()).min())

    def curvature(self, x: ArrayLike) -> np.ndarray:
        """Return d^2 L / dy^2 at x."""
        return polyval(np.asarray(x, dtype=float), self.coefficients)

    def curvature_slope(self, x: ArrayLike) -> np.ndarray:
        """Return the derivative of the curvature at x."""
        return polyval(np.asarray(x, dtype=float), _derivative(self.coefficients))

    def flatness(self, x: ArrayLike) -> np.ndarray:
        """Return F(x) = curvature(x)^(-1/2)."""
        return self.curvature(x) ** -0.5

    def loss(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Return L at (x, y)."""
        return self.curvature(x) * np.square(y) / 2

    def gradient(self, x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return (dL/dx, dL/dy) at (x, y)."""
        return self.curvature_slope(x) * np.square(y) / 2, self.curvature(x) * np.asarray(y, dtype=float)

    def _extremes(self) -> np.ndarray:
        """The ends of the valley and the stationary points of the curvature between them."""
        roots = polyroots(_derivative(self.coefficients))
        inner = roots[np.isreal(roots)].real
        return np.array([-self.half_width, *inner[np.abs(inner) < self.half_width], self.half_width])


def landscapes(
    *, curvature: float, growth: float, half_width: float, barrier: float, difference: float, two_valleys_half_width: float
) -> dict[str, Landscape]:
    """Return the three landscapes by name: "single_valley", "two_valleys" and "constant", the control."""
    return {
        "single_valley": Landscape.single_valley(curvature, growth, half_width),
        "two_valleys": Landscape.two_valleys(curvature, barrier, difference, two_valleys_half_width),
        "constant": Landscape.constant(curvature, half_width),
    }


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
    _require_positive("diffusion", diffusion)
    _require_positive("kappa", kappa)
    _require_positive("time_step", time_step)
    if time_step > largest_time_step(landscape):
        bound = largest_time_step(landscape)
        raise InputError(f"time_step: found {time_step:g}, expected at most {bound:g} = 1 / largest curvature")
    x, y = np.array(x, dtype=float), np.array(y, dtype=float)
    curvature, slope = _Horner(landscape.coefficients, x.shape), _Horner(_derivative(landscape.coefficients), x.shape)
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
    _require_positive("learning_rate", learning_rate)
    if not (np.isfinite(shift) & (shift >= 0)).all():
        raise InputError(f"shift: found {_worst(shift):g}, expected a number from 0")
    x, y = np.array(x, dtype=float), np.array(y, dtype=float)
    curvature, slope = _Horner(landscape.coefficients, x.shape), _Horner(_derivative(landscape.coefficients), x.shape)
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
    # At a shift of 0 the growth is below 1 by the first test.
    return float(brentq(lambda shift: mean_square_growth(landscape, x, learning_rate, shift) - 1, 0.0, high))


def has_diverged(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which walkers are not finite or farther out than `DIVERGED_BEYOND`."""
    return ~((np.abs(x) < DIVERGED_BEYOND) & (np.abs(y) < DIVERGED_BEYOND))


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


def _derivative(coefficients: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(polyder(coefficients))


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


def _require_positive(name: str, value: ArrayLike) -> None:
    value = np.asarray(value, dtype=float)
    if not (np.isfinite(value) & (value > 0)).all():
        raise InputError(f"{name}: found {_worst(value):g}, expected a number above 0")


def _worst(values: np.ndarray) -> float:
    """The entry to name in a complaint: one that is not finite, else the smallest."""
    flat = values.ravel()
    bad = flat[~np.isfinite(flat)]
    return float(bad[0] if len(bad) else flat.min())
