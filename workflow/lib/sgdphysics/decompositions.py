"""The generalization gap over matched pairs as it comes out, direction by direction of one layer's weights.

Source: Feng, Zhang and Tu 2023.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor

from sgdphysics import inputs
from sgdphysics.arguments import require_share
from sgdphysics.errors import InputError
from sgdphysics.fits import PowerLaw, power_law

SMALLEST_EIGENVALUE = 1e-6  # of the largest; a direction below it has no curvature to compare with


@dataclass(frozen=True, eq=False)
class Decomposition:
    """The generalization gap over matched pairs, direction by direction of an orthonormal basis of one layer's weights.

    Over pairs k: ``gap = <dl_k> = sum_n c_n sigma_g,n sigma_w,n + sum_n <g_n> <dW_n>``, exactly. All float64; standard deviations
    and means over pairs, normalised by 1 / pairs.

    Attributes:
        dual_norms: |dW_k|, (pairs,).
        eigenvalues: Of the Hessian, largest first, (k,); k = d, or fewer for a layer too wide for a dense matrix.
        slope_std: sigma_g,n, (k,).
        weight_std: sigma_w,n, (k,).
        correlation: c_n of slope and dual weight, (k,); 0 where one of them does not vary.
        slope_mean, weight_mean: <g_n> and <dW_n>, (k,).
        slope_spread, weight_spread: s_g and s_w, roots of the total variances in all d directions.
        remainder: What the other d - k directions add to the gap; 0 for a whole basis.
        gap: Mean of dl_k over the pairs used.
        inactive: Pairs left out because the layer gets no input at the training image.
        unchanged: Pairs used whose dual weight is zero.
    """

    dual_norms: Tensor
    eigenvalues: Tensor
    slope_std: Tensor
    weight_std: Tensor
    correlation: Tensor
    slope_mean: Tensor
    weight_mean: Tensor
    slope_spread: float
    weight_spread: float
    remainder: float
    gap: float
    inactive: int
    unchanged: int

    @property
    def contributions(self) -> Tensor:
        """What each direction adds to the gap, (k,)."""
        return self.correlation * self.slope_std * self.weight_std + self.slope_mean * self.weight_mean

    @property
    def decomposed_gap(self) -> float:
        """Sum of the contributions and the remainder."""
        return float(self.contributions.sum()) + self.remainder

    @property
    def correlated_share(self) -> float:
        """Share of the gap in sum_n c_n sigma_g,n sigma_w,n; the rest is in the means and the remainder. nan without a gap."""
        return _share(float((self.correlation * self.slope_std * self.weight_std).sum()), self.gap)

    @cached_property
    def slope_fit(self) -> PowerLaw:
        """The fit of the slope variances sigma_g,n^2 on curvature, as of `fit_on_curvature`."""
        return fit_on_curvature(self.slope_std.square(), self.eigenvalues)

    def leading_correlation(self, share: float = 0.9) -> dict[str, float]:
        """Return how constant c_n is over the leading directions: the fewest that together carry a share of the gap.

        Keys: "correlation_mean", "correlation_variation" (standard deviation over directions / mean, nan where that is 0) and
        "leading_directions"; all directions where they do not carry as much.

        Raises:
            ValueError: If the share is none in (0, 1).
        """
        require_share("share", share)
        enough = (self.contributions.cumsum(0) / self.gap >= share).nonzero()
        count = int(enough[0]) + 1 if len(enough) else len(self.eigenvalues)
        leading = self.correlation[:count]
        mean = float(leading.mean())
        variation = _share(float(leading.std(correction=0)), mean)
        return {"correlation_mean": mean, "correlation_variation": variation, "leading_directions": count}

    def steepest_first(self) -> "Decomposition":
        """Return the same with the directions in descending order of sigma_g, as the authors' scripts have them."""
        order = self.slope_std.argsort(descending=True, stable=True)
        by_direction = ("eigenvalues", "slope_std", "weight_std", "correlation", "slope_mean", "weight_mean")
        return replace(self, **{name: getattr(self, name)[order] for name in by_direction})

    def numbers(self) -> dict[str, float]:
        """Return what the decomposition comes to.

        Keys: "gap", "decomposed_gap", "slope_spread", "weight_spread", "correlated_share", those of `leading_correlation`, and of
        `slope_fit` "slope_curvature_correlation" and "slope_curvature_exponent".
        """
        names = ("gap", "decomposed_gap", "slope_spread", "weight_spread", "correlated_share")
        fitted = {"slope_curvature_correlation": self.slope_fit.r, "slope_curvature_exponent": self.slope_fit.exponent}
        return {**{name: getattr(self, name) for name in names}, **self.leading_correlation(), **fitted}


def _share(part: float, whole: float) -> float:
    """A part of a whole; nan where the whole is 0, as the gap of a network that is nearly dead."""
    return part / whole if whole else float("nan")


def fit_on_curvature(variances: Tensor, eigenvalues: Tensor) -> PowerLaw:
    """Return the fit ``variance_n ~ H_n^exponent`` over the directions with more than 1e-6 of the largest eigenvalue.

    Args:
        variances: (k,).
        eigenvalues: H_n, (k,).

    Raises:
        ValueError: If there is not an eigenvalue for each variance.

    Source: Feng, Zhang and Tu 2023, who say so of the slope variance sigma_g,n^2.
    """
    variances = inputs.checked_numbers(variances, 1, "variances", finite=False)
    eigenvalues = inputs.checked_numbers(eigenvalues, 1, "eigenvalues", finite=False)
    if len(variances) != len(eigenvalues):
        raise InputError(f"variances: found {len(variances)}, expected {len(eigenvalues)}, one for each of eigenvalues")
    curved = with_curvature(eigenvalues)
    return power_law(eigenvalues[curved].cpu(), variances[curved].cpu())


def with_curvature(eigenvalues: Tensor) -> Tensor:
    """Return which directions have more than 1e-6 of the largest eigenvalue, bool (k,); raises ValueError if there is none."""
    eigenvalues = inputs.checked_numbers(eigenvalues, 1, "eigenvalues", finite=False)
    return eigenvalues > SMALLEST_EIGENVALUE * eigenvalues.max()
