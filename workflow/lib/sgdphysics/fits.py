"""Power laws, and what values over seeds say of their mean: intervals, p-values, power.

The packages that compute them are imported where they are used: they take longer to load than all else that Snakemake loads at
every start, of a job too, and it calls none of this.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from sgdphysics.arguments import real_array, require_number, require_one_of, require_share
from sgdphysics.errors import InputError

ROUNDING = 1e-12  # a part of a quantity, relative to its scatter, that is none


@dataclass(frozen=True)
class PowerLaw:
    """A fit ``y = c x^exponent`` by least squares of ln y on ln x.

    Attributes:
        exponent: Slope of ln y on ln x.
        low, high: 95 % Student t interval of the slope, with n - 2 degrees of freedom. Points along one spectrum are not
            independent: use it for planted data, and intervals over seeds for claims.
        intercept: ln c.
        r: Pearson correlation of ln x and ln y.
        spearman: Rank correlation.
        n: Points used.
    """

    exponent: float
    low: float
    high: float
    intercept: float
    r: float
    spearman: float
    n: int

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """Return the fitted y at x."""
        return np.exp(self.intercept) * np.asarray(x, dtype=float) ** self.exponent


def power_law(x: ArrayLike, y: ArrayLike) -> PowerLaw:
    """Fit a power law to the points at which both coordinates are finite and positive.

    Fewer than three such points give a fit of NaN with their number as ``n``.

    Raises:
        ValueError: If the coordinates are no numbers (n,), as many x as y.
    """
    x, y = real_array("x", x, 1), real_array("y", y, 1)
    if len(x) != len(y):
        raise InputError(f"y: found {len(y)}, expected {len(x)}, one for each of x")
    usable = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    n = int(usable.sum())
    log_x, log_y = np.log(x[usable]), np.log(y[usable])
    if n < 3 or np.ptp(log_x) == 0:  # of numbers that differ in their last bits the logarithms may be the same
        return PowerLaw(*[float("nan")] * 6, n)
    from scipy.special import stdtrit

    across, up = log_x - log_x.mean(), log_y - log_y.mean()
    spread = across @ across
    slope = across @ up / spread
    rest = up - slope * across
    margin = stdtrit(n - 2, 0.975) * np.sqrt(rest @ rest / (n - 2) / spread)
    intercept = log_y.mean() - slope * log_x.mean()
    constant = np.ptp(log_y) == 0
    r, rank = (0.0, float("nan")) if constant else (_correlation(across, up), _correlation(_ranks(log_x), _ranks(log_y)))
    return PowerLaw(*(float(number) for number in (slope, slope - margin, slope + margin, intercept, r, rank)), n)


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1, 1))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def partial_correlation(x: ArrayLike, y: ArrayLike, given: ArrayLike) -> float:
    """Return the correlation of what of x and of y is no linear function of a third quantity.

    Only points at which all three are finite count; NaN with fewer than four, or where nothing of x or y is left.

    Raises:
        ValueError: If they are no numbers (n,), as many of each.
    """
    columns = [real_array(name, values, 1) for name, values in (("x", x), ("y", y), ("given", given))]
    for name, values in zip(("y", "given"), columns[1:], strict=True):
        if len(values) != len(columns[0]):
            raise InputError(f"{name}: found {len(values)}, expected {len(columns[0])}, one for each of x")
    points = np.array(columns)
    points = points[:, np.isfinite(points).all(0)]
    if points.shape[1] < 4:
        return float("nan")
    first, second, third = points - points.mean(1, keepdims=True)
    square = third @ third
    left = [values - (values @ third / square if square else 0.0) * third for values in (first, second)]
    lengths = [np.linalg.norm(values) for values in left]
    if any(length <= ROUNDING * np.linalg.norm(values) for length, values in zip(lengths, (first, second), strict=True)):
        return float("nan")
    return float(left[0] @ left[1] / (lengths[0] * lengths[1]))


def student_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """Return mean, lower and upper end of the Student t interval of the mean of independent values.

    With fewer than two values, or a value that is not finite, the ends are -inf and inf.

    Raises:
        ValueError: If the values are no numbers (n,), or the level is no share in (0, 1).
    """
    sample = real_array("values", values, 1)
    require_share("level", level)
    if len(sample) == 0 or not np.isfinite(sample).all():
        return float("nan"), float("-inf"), float("inf")
    mean = float(sample.mean())
    if len(sample) < 2:
        return mean, float("-inf"), float("inf")
    from scipy.special import stdtrit

    error = float(sample.std(ddof=1) / np.sqrt(len(sample)))
    margin = float(stdtrit(len(sample) - 1, (1 + level) / 2)) * error
    return mean, mean - margin, mean + margin


def p_value_beyond(values: ArrayLike, border: float, side: str) -> float:
    """Return the p-value of Student's one-sided t test that the mean of independent values lies beyond a border.

    The null hypothesis is a mean on the border or on its other side. Below 0.025 exactly where the 95 % interval of
    `student_interval` lies wholly beyond the border.

    Args:
        values: One number per seed.
        border: The border.
        side: "above" or "below" the border.

    Returns:
        The p-value; NaN with fewer than two values or one that is not finite. Without scatter 0 beyond the border, else 1.

    Raises:
        ValueError: If the values are no numbers (n,), or border or side is none of these.
    """
    sample = real_array("values", values, 1)
    require_number("border", border)
    require_one_of("side", side, ("above", "below"), "above or below")
    if len(sample) < 2 or not np.isfinite(sample).all():
        return float("nan")
    distance = sample.mean() - border if side == "above" else border - sample.mean()
    error = sample.std(ddof=1) / np.sqrt(len(sample))
    if error == 0:
        return 0.0 if distance > 0 else 1.0
    from scipy.special import stdtr

    return float(stdtr(len(sample) - 1, -distance / error))


def smallest_detectable_distance(values: ArrayLike, power: float = 0.8, level: float = 0.95) -> float:
    """Return the smallest distance of the mean from a border that as many values with as much scatter would have shown.

    Shown: the Student t interval lies wholly on one side of the border, with probability ``power`` (noncentral t distribution). The
    scatter is that of the values themselves, so this tells how much could have been seen, not how likely the claim is.

    Returns:
        The distance, in the unit of the values; NaN with fewer than two values or one that is not finite.

    Raises:
        ValueError: If the values are no numbers (n,), or power or level is no share in (0, 1).
    """
    sample = real_array("values", values, 1)
    require_share("power", power)
    require_share("level", level)
    if len(sample) < 2 or not np.isfinite(sample).all():
        return float("nan")
    return float(_detectable_in_scatters(len(sample), power, level) * sample.std(ddof=1))


@cache
def _detectable_in_scatters(count: int, power: float, level: float) -> float:
    from statsmodels.stats.power import TTestPower

    return TTestPower().solve_power(nobs=count, alpha=(1 - level) / 2, power=power, alternative="larger")


def holm(p_values: ArrayLike) -> np.ndarray:
    """Return p-values adjusted for their number, by Holm's step-down method; a NaN counts as 1 there and stays NaN.

    Raises:
        ValueError: If they are no numbers (n,) from 0 to 1.

    Source: S. Holm, Scandinavian Journal of Statistics 6, 65 (1979).
    """
    single = real_array("p_values", p_values, 1)
    outside = single[(single < 0) | (single > 1)]
    if len(outside):
        raise InputError(f"p_values: found {outside[0]:g}, expected numbers from 0 to 1")
    if len(single) < 2:
        return single  # nothing to adjust for
    from statsmodels.stats.multitest import multipletests

    known = np.nan_to_num(single, nan=1.0)
    return np.where(np.isnan(single), np.nan, multipletests(known, method="holm")[1])
