"""What variances along Hessian directions do as the window grows, and where the way of drawing batches decides them.

The table of nested windows has one row per run, way of drawing ("sampling"), layers that move ("layers"), length
("window_epochs"), order of the polynomial in time taken out ("detrending") and direction ("rank"): "curvature", "variance" and
"theory_variance", that of linear theory with the temperature and the curvature measured there.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sgdphysics.arguments import real_array, require_columns, require_positive
from sgdphysics.errors import InputError
from sgdphysics.fits import power_law

SMOOTHED = 3  # neighbours in curvature whose median ratio is taken: single directions scatter
_ALIKE = ["layers", "detrending"]


def growth_exponents(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return the exponent g of variance ~ length^g of every direction, by least squares over all lengths.

    Args:
        table: Nested windows.
        keys: Columns that tell runs apart; they are kept.

    Returns:
        One row per run, sampling, layers, order and direction with three lengths or more: "curvature" (that of the shortest
        window), "exponent", "theory_exponent" and "points", the number of lengths.

    Raises:
        InputError: If a column is missing.
    """
    series = [*keys, "sampling", *_ALIKE, "rank"]
    require_columns("table", table, [*series, "window_epochs", "curvature", "variance", "theory_variance"])
    rows = []
    for key, group in table.sort_values("window_epochs", kind="stable").groupby(series, sort=False):
        if len(group) < 3:
            continue
        fits = [power_law(group["window_epochs"], group[column]) for column in ("variance", "theory_variance")]
        numbers = {"exponent": fits[0].exponent, "theory_exponent": fits[1].exponent, "points": fits[0].n}
        rows.append({**dict(zip(series, key, strict=True)), "curvature": group["curvature"].iloc[0], **numbers})
    return pd.DataFrame(rows, columns=[*series, "curvature", "exponent", "theory_exponent", "points"])


def crossovers(table: pd.DataFrame, keys: Sequence[str], level: float) -> pd.DataFrame:
    """Return the curvature below which the variance of draws by epoch is less than ``level`` times that with replacement.

    Args:
        table: Nested windows.
        keys: Columns that tell runs apart; they are kept.
        level: Of the ratio, above 0.

    Returns:
        One row per run, layers, order and length for which both ways of drawing were measured: "largest_curvature", that of the
        sharpest direction, and "crossover" and "theory_crossover", NaN where the ratio does not fall through the level below it.

    Raises:
        InputError: If a column is missing, or the level is no number above 0.
    """
    series = [*keys, *_ALIKE, "window_epochs"]
    require_columns("table", table, [*series, "sampling", "rank", "curvature", "variance", "theory_variance"])
    require_positive("level", level)
    rows = []
    for key, group in table.groupby(series, sort=False):
        ways = {name: part.set_index("rank") for name, part in group.groupby("sampling")}
        if set(ways) != {"epoch", "replacement"}:
            continue
        row = dict(zip(series, key, strict=True)) | {"largest_curvature": ways["epoch"]["curvature"].max()}
        for name, column in (("crossover", "variance"), ("theory_crossover", "theory_variance")):
            ratios = ways["epoch"][column] / ways["replacement"][column]
            row[name] = falling_through(ways["epoch"]["curvature"].loc[ratios.index], ratios, level)
        rows.append(row)
    return pd.DataFrame(rows, columns=[*series, "largest_curvature", "crossover", "theory_crossover"])


def falling_through(curvatures: ArrayLike, ratios: ArrayLike, level: float) -> float:
    """Return the largest curvature at which ratios, followed from the sharpest direction on, fall through a level.

    Of every three neighbours the median ratio is taken, at the median curvature, and between these ln ratio is linear in ln
    curvature.

    Args:
        curvatures, ratios: Of the directions, in any order; those that are not finite and above 0 are left out.
        level: Above 0.

    Returns:
        The curvature; NaN where the sharpest directions lie below the level already, or none does.

    Raises:
        ValueError: If an argument is none of these, or there are not as many ratios as curvatures.
    """
    x, y = real_array("curvatures", curvatures, 1), real_array("ratios", ratios, 1)
    if len(x) != len(y):
        raise InputError(f"ratios: found {len(y)}, expected {len(x)}, one for each of curvatures")
    require_positive("level", level)
    usable = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    order = np.argsort(-x[usable], kind="stable")
    if len(order) <= SMOOTHED:
        return float("nan")
    log_x, log_y = (_running_median(np.log(values[usable][order])) for values in (x, y))
    below = np.flatnonzero(log_y < np.log(level))
    if not len(below) or below[0] == 0:
        return float("nan")
    pair = slice(below[0] - 1, below[0] + 1)
    return float(np.exp(np.interp(-np.log(level), -log_y[pair], log_x[pair])))


def _running_median(values: np.ndarray) -> np.ndarray:
    return np.median(np.lib.stride_tricks.sliding_window_view(values, SMOOTHED), axis=1)
