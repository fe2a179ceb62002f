"""How many components a spectrum of variances has that count."""

from collections.abc import Callable
from math import nan
from typing import Any

from torch import Tensor

from sgdphysics.arguments import require_positive, require_share
from sgdphysics.errors import InputError
from sgdphysics.inputs import checked_numbers

_WHOLE = 1e-9  # of the total variance: what may be missing in all components together, by rounding
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


def numbers_of_components(variances: Tensor, total: float) -> dict[str, float]:
    """How many components carry 90 and 99 % of the variance, with the first, which is the drift, and of what is left without it.

    Args:
        variances: Largest first, (k,), from 0 but for rounding, not all 0.
        total: Total variance; variances may be those of its first components only.

    Returns:
        "components_90", "components_99", "components_90_without_first", "components_99_without_first" and
        "participation_ratio_without_first"; NaN where variances are missing for it, and of a rest that varies by rounding only.

    Raises:
        ValueError: If an argument is none of these.
    """
    variances = _checked_variances(variances)
    require_positive("total", total)
    rest, total_rest = variances[1:], total - float(variances[0])
    return {
        "components_90": _or_nan(components_for_share, variances, 0.90, total),
        "components_99": _or_nan(components_for_share, variances, 0.99, total),
        "components_90_without_first": _or_nan(components_for_share, rest, 0.90, total_rest),
        "components_99_without_first": _or_nan(components_for_share, rest, 0.99, total_rest),
        "participation_ratio_without_first": _or_nan(participation_ratio, rest) if is_whole(variances, total) else nan,
    }


def is_whole(variances: Tensor, total: float) -> bool:
    """Return whether variances, as for `numbers_of_components`, are those of all components of a total; ValueError as there."""
    variances = _checked_variances(variances)
    require_positive("total", total)
    return abs(float(variances.sum()) / total - 1) < _WHOLE


def _or_nan(number: Callable[..., float], *arguments: Any) -> float:
    try:
        return number(*arguments)
    except InputError:
        return nan


def _checked_variances(variances: Tensor) -> Tensor:
    variances = checked_numbers(variances, 1, "variances", finite=False)
    if bool((variances < -_NEGATIVE_BY_ROUNDING * variances.max()).any()) or not variances.count_nonzero():
        raise InputError(f"variances: found {float(variances.min()):g}, expected numbers from 0, not all of them 0")
    return variances
