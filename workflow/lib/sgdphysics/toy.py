"""The toy model: a valley of degenerate minima whose curvature varies along it, and walkers in it.

The loss is L(x, y) = curvature(x) y^2 / 2 (Yang, Tang and Tu 2023): every point of the line y = 0 is a minimum, and the flatness
across it is F(x) = curvature(x)^(-1/2). Two dynamics move many walkers at once (`toy_walkers`):

- `langevin`, with noise of strength Delta in y and Delta / kappa in x: with y fast, -Delta ln P(x, 0) = Delta (1 - kappa) ln F(x)
  up to a constant, for the joint stationary density P on the line of minima. (Our kappa is the ratio of the two noise strengths;
  the talk's "kappa is bigger than zero" may be this less one.) The marginal density of x goes as F^kappa.
- `shaken_descent`, gradient descent on a landscape that is shifted as a whole at every step by (xi_x, xi_y), each normal with
  standard deviation s: the mini-batch noise of the talk, s^2 ~ 1 / batch size.

All lengths, losses and times are dimensionless.
"""

from sgdphysics.toy_landscapes import Landscape, landscapes
from sgdphysics.toy_walkers import (
    DIVERGED_BEYOND,
    Observer,
    drift_terms,
    has_diverged,
    langevin,
    largest_stable_shift,
    largest_time_step,
    mean_square_growth,
    shaken_descent,
    surviving_share,
)

__all__ = [
    "DIVERGED_BEYOND",
    "Landscape",
    "Observer",
    "drift_terms",
    "has_diverged",
    "landscapes",
    "langevin",
    "largest_stable_shift",
    "largest_time_step",
    "mean_square_growth",
    "shaken_descent",
    "surviving_share",
]
