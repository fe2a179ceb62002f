"""The landscapes of the toy model: valleys of degenerate minima whose curvature varies along them.

The loss is L(x, y) = curvature(x) y^2 / 2 (Yang, Tang and Tu 2023): every point of the line y = 0 is a minimum, and the flatness
across it is F(x) = curvature(x)^(-1/2). All lengths and losses are dimensionless.
"""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial.polynomial import polyder, polyroots, polyval
from numpy.typing import ArrayLike

from sgdphysics.arguments import check_sizes, real_array, require, require_number, require_positive
from sgdphysics.errors import InputError

__all__ = ["Landscape", "check_sizes", "landscapes"]


@dataclass(frozen=True)
class Landscape:
    """L(x, y) = curvature(x) y^2 / 2, with a polynomial curvature.

    Attributes:
        coefficients: Of curvature(x) = c0 + c1 x + c2 x^2 + ..., constant first.
        half_width: The valley is studied for |x| <= half_width, where the curvature must be positive.

    Raises:
        InputError: If the curvature is not positive somewhere in the valley, or a number is not finite.
    """

    coefficients: tuple[float, ...]
    half_width: float = 1.0

    def __post_init__(self) -> None:
        coefficients = real_array("coefficients", self.coefficients, 1)
        require(bool(coefficients.size), "coefficients", self.coefficients, "one number or more")
        if not np.isfinite(coefficients).all():
            unknown = coefficients[~np.isfinite(coefficients)][0]
            raise InputError(f"curvature: found {unknown:g} among its coefficients, expected finite numbers")
        object.__setattr__(self, "coefficients", tuple(map(float, coefficients)))
        require_positive("half_width", self.half_width)
        x = self._extremes()
        lowest = float(self.curvature(x).min())
        if not lowest > 0:
            where = float(x[np.argmin(self.curvature(x))])
            raise InputError(f"curvature: found {lowest:g} at x = {where:g}, expected above 0 for |x| <= {self.half_width:g}")

    @classmethod
    def single_valley(cls, curvature: float = 1.0, growth: float = 4.0, half_width: float = 1.0) -> "Landscape":
        """Return curvature(x) = curvature (1 + growth x^2): flattest at x = 0."""
        _check_numbers(curvature=curvature, growth=growth)
        return cls((curvature, 0.0, curvature * growth), half_width)

    @classmethod
    def two_valleys(
        cls, curvature: float = 1.0, barrier: float = 4.0, difference: float = 1.0, half_width: float = 1.5
    ) -> "Landscape":
        """Return a curvature with two minima, near x = 1 (flatter) and x = -1 (sharper).

        It is curvature [1 + barrier (x^2 - 1)^2 + difference (1 - x) / 2].
        """
        _check_numbers(curvature=curvature, barrier=barrier, difference=difference)
        relative = (1 + barrier + difference / 2, -difference / 2, -2 * barrier, 0.0, barrier)
        return cls(tuple(curvature * c for c in relative), half_width)

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

    @property
    def slope_coefficients(self) -> tuple[float, ...]:
        """Coefficients of the derivative of curvature(x), constant first."""
        return tuple(polyder(self.coefficients))

    def curvature(self, x: ArrayLike) -> np.ndarray:
        """Return d^2 L / dy^2 at x."""
        return polyval(np.asarray(x, dtype=float), self.coefficients)

    def curvature_slope(self, x: ArrayLike) -> np.ndarray:
        """Return the derivative of the curvature at x."""
        return polyval(np.asarray(x, dtype=float), self.slope_coefficients)

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
        roots = polyroots(self.slope_coefficients)
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


def _check_numbers(**numbers: float) -> None:
    for name, value in numbers.items():
        require_number(name, value)
