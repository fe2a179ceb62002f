"""What theory says of walkers of shaken descent: their mean step along the valley, and where their motion across it is stable.

All lengths and losses are dimensionless.
"""

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import ArrayLike

from sgdphysics.arguments import finite_array, require_kind, require_not_negative, require_number, require_positive
from sgdphysics.toy_landscapes import Landscape

DIVERGED_BEYOND = 1e3  # a walker farther out than this, in x or y, is lost: `toy_walkers.has_diverged` says why


def drift_terms(landscape: Landscape, x: ArrayLike, learning_rate: float, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the two terms of the mean step of x in shaken descent, at fixed x and averaged over stationary y, for small shifts.

    They are -(eta/2) curvature'(x) s^2, the smoothing of the mean landscape, which gradient descent on L + s^2 (laplacian L) / 2
    has too, and -(eta/2) curvature'(x) eta curvature s^2 / (2 - eta curvature), which the noise in y induces. The second is the
    larger one for eta curvature > 1, and nan where y is not stable (eta curvature >= 2).

    Raises:
        InputError: If the learning rate is not above 0, the shift not from 0, or a place not finite.
    """
    require_kind("landscape", landscape, Landscape)
    x = finite_array("x", x)
    require_positive("learning_rate", learning_rate)
    require_not_negative("shift", shift)
    rate = learning_rate * landscape.curvature(x)
    smoothing = -learning_rate / 2 * landscape.curvature_slope(x) * shift**2
    return smoothing, smoothing * np.where(rate < 2, rate, np.nan) / (2 - rate)


def mean_square_growth(landscape: Landscape, x: float, learning_rate: float, shift: float) -> float:
    """Return the factor by which y^2 grows per step of shaken descent at fixed x: (1 - eta <curvature>)^2 + eta^2 var(curvature).

    The averages are over the shift of x; below 1 the motion in y is stable in the mean square. Errors as of `drift_terms`.
    """
    require_kind("landscape", landscape, Landscape)
    require_number("x", x)
    require_positive("learning_rate", learning_rate)
    require_not_negative("shift", shift)
    nodes, weights = hermegauss(len(landscape.coefficients))  # exact for the square of the polynomial
    return float(weights @ (1 - learning_rate * landscape.curvature(x + shift * nodes)) ** 2 / weights.sum())


def largest_stable_shift(landscape: Landscape, x: float, learning_rate: float) -> float:
    """Return the shift at which `mean_square_growth` reaches 1; 0 where descent is unstable without noise, inf if it never does;
    errors as of `drift_terms`.
    """
    require_kind("landscape", landscape, Landscape)
    require_number("x", x)
    require_positive("learning_rate", learning_rate)
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
