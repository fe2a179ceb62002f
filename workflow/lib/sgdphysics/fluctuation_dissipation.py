"""Fluctuation and dissipation on one curve: the ratio of all settings against how far weights relax within one epoch.

The ratio of direction i is ``sigma_i^2 H_i / T_i``: 1 where the weights are in equilibrium, less where they had no time for it. Its
place on the curve is ``alpha H_i M``, M steps an epoch: how many relaxation times an epoch lasts.

Source: the argument of Kuehn and Rosenow (arXiv:2306.05300), by which draws without replacement bend the curve at 1.
"""

import numpy as np
import pandas as pd

from sgdphysics.arguments import check_sizes, require_columns
from sgdphysics.fits import student_interval

PLACE, RATIO, OVER_THEORY = "relaxations_per_epoch", "fluctuation_dissipation_ratio", "measured_over_theory"
DECIDING_ORDER = 1  # of detrending: of all, that of the exponents along Hessian directions
GROUP = ["source", "detrending_order", PLACE]
COLUMNS = [*GROUP, "status", "learning_rate", "batch_size", "seed", RATIO, OVER_THEORY]
_NUMBERS = {"median_ratio": "ratio", "median_over_theory": "over_theory", "median_distance": "distance"}
MEDIAN_COLUMNS = [
    *GROUP,
    *("points", "settings", "seeds", "scatter_factor"),
    *(f"{name}{end}" for name in _NUMBERS for end in ("", "_low", "_high")),
]


def half_decade(values: pd.Series) -> pd.Series:
    """Return the power of the square root of ten that is nearest on a logarithmic axis to each of some numbers above 0.

    Raises:
        InputError: If one is not.
    """
    _check_sizes("values", values)
    return 10 ** (np.floor(2 * np.log10(values) + 0.5) / 2)


def medians(ratios: pd.DataFrame) -> pd.DataFrame:
    """Return where the curve lies, by source, order of detrending and half decade of its place.

    Args:
        ratios: One row per direction, source and order: the columns `COLUMNS`; further ones are not looked at. Runs that did not
            converge are left out, and so are directions in which nothing moved.

    Returns:
        One row of `MEDIAN_COLUMNS` each: "points" (directions), "settings" and "seeds"; "scatter_factor", the standard deviation of
        ln(measured / theory) over all points, exponentiated; and of three numbers the median of every seed, as the mean over seeds
        with its 95 % Student t interval, 0 or -inf to inf for one seed. "median_ratio" and "median_over_theory" (measured / theory)
        are averaged as logarithms, "median_distance", that of ``|ln(measured / theory)|``, as it is.

    Raises:
        InputError: If a column is missing, or a place is not above 0.
    """
    require_columns("ratios", ratios, COLUMNS)
    _check_sizes(PLACE, ratios[PLACE])
    moved = (ratios[[RATIO, OVER_THEORY]] > 0).all(axis=1) & np.isfinite(ratios[[RATIO, OVER_THEORY]]).all(axis=1)
    rows = ratios[(ratios["status"] == "converged") & moved]
    rows = rows.assign(
        **{PLACE: half_decade(rows[PLACE])},
        ratio=np.log(rows[RATIO]),
        over_theory=np.log(rows[OVER_THEORY]),
        distance=np.log(rows[OVER_THEORY]).abs(),
    )
    parts = [dict(zip(GROUP, key, strict=True)) | _summary(part) for key, part in rows.groupby(GROUP)]
    return pd.DataFrame(parts, columns=MEDIAN_COLUMNS)


def _check_sizes(name: str, values: pd.Series) -> None:
    if len(values):
        check_sizes(name, values)


def _summary(rows: pd.DataFrame) -> dict[str, float]:
    """What `medians` returns of the rows of one half decade."""
    numbers = {
        "points": len(rows),
        "settings": len(rows[["learning_rate", "batch_size"]].drop_duplicates()),
        "seeds": rows["seed"].nunique(),
        "scatter_factor": float(np.exp(rows["over_theory"].std(ddof=0))),
    }
    of_seeds = rows.groupby("seed")[list(_NUMBERS.values())].median()
    for name, column in _NUMBERS.items():
        mean, low, high = student_interval(of_seeds[column])
        if name != "median_distance":
            mean, low, high = np.exp([mean, low, high])
        numbers |= {name: mean, f"{name}_low": low, f"{name}_high": high}
    return numbers
