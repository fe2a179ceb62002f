"""How many components a spectrum of variances has that count."""

from torch import Tensor

from sgdphysics.arguments import require_positive, require_share
from sgdphysics.errors import InputError
from sgdphysics.inputs import checked_numbers

_NEGATIVE_BY_ROUNDING = 1e-9  # in parts of the largest variance, as eigenvalues of a covariance may be


def participation_ratio(variances: Tensor) -> float:
    """Effective number of directions, ``(sum s)^2 / sum s^2``: k for k equal variances, 1 for a single one.

    Args:
        variances: (k,), from 0 but for rounding, not all 0; nan where one is not known gives nan.

    Raises:
        ValueError: If they are not.
    """
    variances = _checked_variances(variances)
    return float(variances.sum() ** 2 / variances.square().sum())


def components_for_share(variances: Tensor, share: float, total: float | None = None) -> int:
    """Number of leading components that together carry at least ``share`` of the total variance.

    Args:
        variances: Largest first, (k,), from 0 but for rounding, not all 0.
        share: In (0, 1).
        total: Total variance, by default the sum of ``variances``.

    Raises:
        ValueError: If an argument is none of these, or the given components carry less.
    """
    variances = _checked_variances(variances)
    require_share("share", share)
    if total is not None:
        require_positive("total", total)
    cumulative = variances.cumsum(0) / (variances.sum() if total is None else total)
    count = int((cumulative < share).sum()) + 1
    if count > len(variances):
        raise InputError(f"variances: {len(variances)} components carry less than {share:g} of the total")
    return count


def _checked_variances(variances: Tensor) -> Tensor:
    variances = checked_numbers(variances, 1, "variances", finite=False)
    if bool((variances < -_NEGATIVE_BY_ROUNDING * variances.max()).any()) or not variances.count_nonzero():
        raise InputError(f"variances: found {float(variances.min()):g}, expected numbers from 0, not all of them 0")
    return variances
