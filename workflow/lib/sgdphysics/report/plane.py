"""The plane of size and sharpness, point by point: for the interactive plot of the report page, and as a table beside it."""

from typing import Any

import numpy as np
import pandas as pd

from sgdphysics.report.columns import check_columns
from sgdphysics.report.text import number, plain

COMPARISONS = {"equal_loss": "at equal training loss", "equal_epochs": "after equally many epochs"}
_COLUMNS = ("sweep", "dose", "seed", "point", "deciding", "weight_spread", "slope_spread", "gap")


def plane(points: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the points that decide, in the plane of size and sharpness, for the interactive plot.

    Args:
        points: Table ``feng2023_points``.

    Returns:
        One entry per sweep and comparison: "sweep", "comparison" (key of ``COMPARISONS``), and lists of equal length "dose",
        "seed", "size", "sharpness" and "gap". Points that a logarithmic axis cannot show are left out.

    Raises:
        InputError: If a column is missing.
    """
    return [
        {
            "sweep": plain(sweep),
            "comparison": comparison,
            "dose": _rounded(rows["dose"]),
            "seed": [int(seed) for seed in rows["seed"]],
            "size": _rounded(rows["weight_spread"]),
            "sharpness": _rounded(rows["slope_spread"]),
            "gap": _rounded(rows["gap"]),
        }
        for (sweep, comparison), rows in _shown(points).groupby(["sweep", "point"], sort=False)
    ]


def plane_means(points: pd.DataFrame) -> list[dict[str, str]]:
    """Return the same points as text: number of runs and means (of the spreads geometric ones) per comparison, sweep and dose.

    Raises:
        InputError: If a column is missing.
    """
    ordered = _shown(points).sort_values(["point", "sweep", "dose"], ascending=[False, True, True], kind="stable")
    return [
        {
            "comparison": COMPARISONS[comparison],
            "sweep": plain(sweep),
            "dose": f"{dose:g}",
            "runs": str(len(rows)),
            "size": number(_geometric_mean(rows["weight_spread"])),
            "sharpness": number(_geometric_mean(rows["slope_spread"])),
            "gap": number(rows["gap"].mean()),
        }
        for (comparison, sweep, dose), rows in ordered.groupby(["point", "sweep", "dose"], sort=False)
    ]


def _shown(points: pd.DataFrame) -> pd.DataFrame:
    check_columns("feng2023_points.csv", points, _COLUMNS)
    rows = points[points["deciding"].astype(bool) & points["point"].isin(COMPARISONS)]
    spreads = rows[["weight_spread", "slope_spread"]]
    return rows[(np.isfinite(spreads) & (spreads > 0)).all(axis=1) & np.isfinite(rows["gap"])]


def _geometric_mean(values: pd.Series) -> float:
    return np.exp(np.log(values).mean())


def _rounded(values: pd.Series) -> list[float]:
    """Five digits: more than a screen can show."""
    return [float(f"{value:.5g}") for value in values]
