"""Local exponents of a power law: the slope of ln y on ln x by bins of x, where one exponent for all x would hide that it changes.

Bins are of equal width in decades; one of their edges is 1.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sgdphysics.arguments import real_array, require_columns, require_positive
from sgdphysics.errors import InputError
from sgdphysics.fits import power_law

FEWEST_POINTS = 3
LEAST_SHARE = 0.5  # of a bin's width that its points must span: a slope over less is none of the bin


def local_exponents(x: ArrayLike, y: ArrayLike, decades: float) -> pd.DataFrame:
    """Fit a power law of y on x in every bin of x.

    To the points inside of a bin are added those at its edges, as far as x goes beyond them, interpolated in ln y on ln x between
    the points next in x: the bins of all series are then equally wide, wherever their points lie.

    Args:
        x, y: The points, in any order; those at which a coordinate is not finite and above 0 are left out.
        decades: Width of a bin, in powers of 10 of x.

    Returns:
        One row per bin, by rising x: "low" and "high", its edges; "exponent"; "points", how many were fitted, edges included. Bins
        with fewer than three points, or with points over less than half of their width, are left out.

    Raises:
        ValueError: If the coordinates are no numbers (n,), as many x as y, or the width is no number above 0.
    """
    x, y = real_array("x", x, 1), real_array("y", y, 1)
    if len(x) != len(y):
        raise InputError(f"y: found {len(y)}, expected {len(x)}, one for each of x")
    require_positive("decades", decades)
    usable = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    order = np.argsort(x[usable], kind="stable")
    logs = np.log10(x[usable][order]), np.log10(y[usable][order])
    # A bin without a point in it has its two edges only, which are too few.
    bins = np.unique(np.floor(logs[0] / decades)).tolist()
    rows = [_row(*logs, index * decades, (index + 1) * decades) for index in bins]
    return pd.DataFrame([row for row in rows if row], columns=["low", "high", "exponent", "points"])


def by_series(table: pd.DataFrame, keys: Sequence[str], x: str, y: str, widths: Sequence[float]) -> pd.DataFrame:
    """Return the local exponents of every series of a table.

    Args:
        table: One row per point.
        keys: Columns that tell series apart; they are kept, in this order.
        x, y: Columns of the coordinates.
        widths: Widths of bins, in decades; each gives rows of its own, with the column "decades".

    Raises:
        InputError: If a column is missing.
    """
    require_columns("table", table, [*keys, x, y])
    parts = [
        local_exponents(group[x], group[y], width).assign(**dict(zip(keys, key, strict=True)), decades=width)
        for key, group in table.groupby(list(keys), sort=False)
        for width in widths
    ]
    columns = [*keys, "decades", "low", "high", "exponent", "points"]
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True)[columns] if filled else pd.DataFrame(columns=columns)


def _row(log_x: np.ndarray, log_y: np.ndarray, low: float, high: float) -> dict[str, float]:
    """The fit in one bin, of points by rising x; nothing where there are too few."""
    inside = (log_x > low) & (log_x < high)
    edges = [edge for edge in (low, high) if log_x[0] <= edge <= log_x[-1]]
    xs = np.concatenate([log_x[inside], edges])
    ys = np.concatenate([log_y[inside], np.interp(edges, log_x, log_y)])
    if len(xs) < FEWEST_POINTS or np.ptp(xs) < LEAST_SHARE * (high - low):
        return {}
    fit = power_law(10.0**xs, 10.0**ys)
    return {"low": 10.0**low, "high": 10.0**high, "exponent": fit.exponent, "points": fit.n}
