"""Intervals (95 %, or of another level) over seeds and p-values that fit what they are of: a mean, a correlation, a share, a ratio,
or no chance.

Values of different seeds are independent. A mean has Student's t interval; a correlation has that of its Fisher z; a share has
the exact binomial one; a ratio of two means has that of Fieller. Of values all the same a t interval says nothing, and there is
none.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sgdphysics.arguments import real_array, require, require_number, require_one_of
from sgdphysics.errors import InputError
from sgdphysics.fits import p_value_beyond, student_interval

LEVEL = 0.95
ROUNDING = 1e-12  # relative: numbers that differ by less are the same

Interval = tuple[float, float, float]  # value, lower and upper end; nan where there is none


def of_mean(values: ArrayLike, level: float = LEVEL) -> Interval:
    """Return the mean of one number per seed and its Student t interval; its ends are nan for fewer than two, or all the same."""
    sample = real_array("values", values, 1)
    mean, low, high = student_interval(sample, level)
    return (mean, low, high) if _varies(sample) else (mean, float("nan"), float("nan"))


def of_correlation(correlations: ArrayLike, level: float = LEVEL) -> Interval:
    """Return the mean of one correlation per seed and its interval, both of Fisher's z, the inverse hyperbolic tangent.

    Its ends are nan for fewer than two, for all the same, and where one is 1 or -1, of which z is infinite; the value is then
    the mean of the correlations themselves.

    Raises:
        ValueError: If they are no numbers (n,) from -1 to 1.

    Source: R. A. Fisher, Metron 1, 3 (1921).
    """
    sample = _correlations(correlations)
    if not _varies(sample) or np.abs(sample).max() == 1:
        return (float(sample.mean()) if len(sample) else float("nan")), float("nan"), float("nan")
    value, low, high = (float(np.tanh(number)) for number in of_mean(np.arctanh(sample), level))
    return value, low, high


def of_share(counts: ArrayLike, totals: ArrayLike, level: float = LEVEL) -> Interval:
    """Return the share of what was counted over all seeds, and its interval: the exact binomial one of Clopper and Pearson.

    Where the shares of the seeds scatter more than chance lets them, the number of independent counts is taken to be fewer. Where
    all or none are counted, nothing scatters, and all count as independent.

    Args:
        counts: How many of each seed's are counted in.
        totals: How many each seed has, at least 1.
        level: The chance that the interval covers the true share, or more.

    Raises:
        ValueError: If they are no numbers (n,), as many of each, or more are counted than there are.

    Source: C. J. Clopper and E. S. Pearson, Biometrika 26, 404 (1934); the effective number after E. L. Korn and B. I. Graubard,
    Survey Methodology 24, 193 (1998), without their correction by degrees of freedom.
    """
    share, number = _share(*_counted(counts, totals))
    if np.isnan(share):
        return share, share, share
    from scipy.special import betaincinv

    tail, counted = (1 - level) / 2, share * number
    low = float(betaincinv(counted, number - counted + 1, tail)) if counted > 0 else 0.0
    high = float(betaincinv(counted + 1, number - counted, 1 - tail)) if counted < number else 1.0
    return share, low, high


def of_ratio(numerators: ArrayLike, denominators: ArrayLike, level: float = LEVEL) -> Interval:
    """Return the ratio of the means of two numbers per seed, and Fieller's interval.

    Its ends are nan for fewer than two seeds, where the denominator's mean cannot be told from 0, and where the ratio is the same
    at all seeds.

    Raises:
        ValueError: If they are no numbers (n,), as many of each.

    Source: E. C. Fieller, Journal of the Royal Statistical Society B 16, 175 (1954).
    """
    above, below = _pairs(numerators, denominators)
    value = float(above.mean() / below.mean()) if len(above) and below.mean() != 0 else float("nan")
    nothing = (value, float("nan"), float("nan"))
    if not np.isfinite(value) or not _varies(above - value * below, np.abs(above).max()):
        return nothing
    from scipy.special import stdtrit

    students_t = float(stdtrit(len(above) - 1, (1 + level) / 2))
    (of_above, mixed), (_, of_below) = np.cov(above, below) / len(above) * students_t**2
    # Ratios q with (above - q below)^2 <= its variance times t^2, a quadratic inequality.
    second = below.mean() ** 2 - of_below
    first, zeroth = above.mean() * below.mean() - mixed, above.mean() ** 2 - of_above
    if second <= 0:
        return nothing
    root = np.sqrt(max(first**2 - second * zeroth, 0.0))
    return value, float((first - root) / second), float((first + root) / second)


def of_exact(values: ArrayLike) -> Interval:
    """Return the mean of numbers into which no chance enters, and as ends the smallest and the largest of them."""
    sample = real_array("values", values, 1)
    if len(sample) == 0 or not np.isfinite(sample).all():
        return float("nan"), float("nan"), float("nan")
    return float(sample.mean()), float(sample.min()), float(sample.max())


def p_of_mean(values: ArrayLike, border: float, side: str) -> float:
    """Return the p-value that a mean lies beyond a border, as `fits.p_value_beyond`; nan for values all the same."""
    _check_beyond(border, side)
    sample = real_array("values", values, 1)
    return p_value_beyond(sample, border, side) if _varies(sample) else float("nan")


def p_of_correlation(correlations: ArrayLike, border: float, side: str) -> float:
    """Return the p-value that a correlation lies beyond a border, of Fisher's z; nan as for `of_correlation`."""
    _check_beyond(border, side)
    sample = _correlations(correlations)
    require(-1 < border < 1, "border", border, "a correlation above -1 and below 1")
    if not _varies(sample) or np.abs(sample).max() == 1:
        return float("nan")
    return p_of_mean(np.arctanh(sample), float(np.arctanh(border)), side)


def p_of_share(counts: ArrayLike, totals: ArrayLike, border: float, side: str) -> float:
    """Return the exact p-value that a share lies beyond a border, of as many independent counts as for `of_share`."""
    _check_beyond(border, side)
    require(0 <= border <= 1, "border", border, "a share from 0 to 1")
    share, number = _share(*_counted(counts, totals))
    if np.isnan(share):
        return float("nan")
    from scipy.special import betainc

    counted = share * number
    if side == "above":  # as many or more, if the share is the border
        return float(betainc(counted, number - counted + 1, border)) if counted > 0 else 1.0
    return float(1 - betainc(counted + 1, number - counted, border)) if counted < number else 1.0


def p_of_ratio(numerators: ArrayLike, denominators: ArrayLike, border: float, side: str) -> float:
    """Return the p-value that a ratio of means lies beyond a border, for a denominator of the sign of its mean."""
    _check_beyond(border, side)
    above, below = _pairs(numerators, denominators)
    if len(above) < 2:
        return float("nan")
    return p_of_mean((above - border * below) * np.sign(below.mean()), 0.0, side)


@dataclass(frozen=True)
class Kind:
    """What an interval is of.

    Attributes:
        words: The interval, in a few words.
        columns: What is needed of each seed, in the order of the arguments of both functions.
        interval: Of these, and perhaps a `level` (default ``LEVEL``): value and ends.
        p_value: Of these, a border, and "above" or "below"; None where there is no chance.
    """

    words: str
    columns: tuple[str, ...]
    interval: Callable[..., Interval]
    p_value: Callable[..., float] | None


def _of_exact_at_any_level(values: ArrayLike, level: float = LEVEL) -> Interval:
    return of_exact(values)


KINDS = {
    "mean": Kind("mean, Student t", ("value",), of_mean, p_of_mean),
    "correlation": Kind("correlation, Fisher z", ("value",), of_correlation, p_of_correlation),
    "share": Kind("share, exact binomial", ("count", "total"), of_share, p_of_share),
    "ratio": Kind("ratio of means, Fieller", ("numerator", "denominator"), of_ratio, p_of_ratio),
    "exact": Kind("no chance enters: smallest and largest", ("value",), _of_exact_at_any_level, None),
}


def _check_beyond(border: float, side: str) -> None:
    require_number("border", border)
    require_one_of("side", side, ("above", "below"), "above or below")


def _varies(sample: np.ndarray, scale: float | None = None) -> bool:
    """Whether numbers differ by more than rounding, in parts of the largest of them or of another number."""
    if len(sample) < 2 or not np.isfinite(sample).all():
        return False
    return bool(np.ptp(sample) > ROUNDING * (np.abs(sample).max() if scale is None else scale))


def _correlations(values: ArrayLike) -> np.ndarray:
    sample = real_array("correlations", values, 1)
    outside = sample[np.abs(sample) > 1 + 1e-9]
    if len(outside):
        raise InputError(f"correlations: found {outside[0]:g}, expected numbers from -1 to 1")
    return np.clip(sample, -1, 1)


def _pairs(first: ArrayLike, second: ArrayLike, names: tuple[str, str] = ("numerators", "denominators")) -> np.ndarray:
    one, other = real_array(names[0], first, 1), real_array(names[1], second, 1)
    if len(one) != len(other):
        raise InputError(f"{names[1]}: found {len(other)}, expected {len(one)}, one for each of {names[0]}")
    return np.array([one, other])


def _counted(counts: ArrayLike, totals: ArrayLike) -> np.ndarray:
    pairs = _pairs(counts, totals, ("counts", "totals"))
    wrong = ~((pairs[0] >= 0) & (pairs[0] <= pairs[1]) & (pairs[1] >= 1))
    if wrong.any():
        count, total = pairs[:, wrong][:, 0]
        raise InputError(f"counts: found {count:g} of {total:g}, expected 0 or more of 1 or more, and not more than there are")
    return pairs


def _share(counts: np.ndarray, totals: np.ndarray) -> tuple[float, float]:
    """The share of all, and the number of independent counts behind it."""
    if len(counts) == 0:
        return float("nan"), 0.0
    share, number = float(counts.sum() / totals.sum()), float(totals.sum())
    if len(counts) < 2 or share in (0, 1):
        return share, number
    by_chance = share * (1 - share) / number
    residuals = counts - share * totals
    found = float(residuals @ residuals) / number**2 * len(counts) / (len(counts) - 1)
    return share, number / max(1.0, found / by_chance)
