"""Exponents psi in variance ~ flatness^-psi, from tables of what was measured along directions."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sgdphysics import fits
from sgdphysics.arguments import real_array, require_columns
from sgdphysics.errors import InputError
from sgdphysics.tables import WINDOW_COLUMNS


def beside_flatness(fluctuations: pd.DataFrame, flatness: pd.DataFrame) -> pd.DataFrame:
    """Return rows of fluctuations with what was measured of the loss along the same directions; missing values where nothing was.

    Args:
        fluctuations: One row per run, window, source, basis ("principal", "held_out" or "hessian"), rank and whatever else.
        flatness: One row per run, window, source, basis ("principal" or "hessian") and rank.

    Returns:
        The rows of fluctuations with the columns of both, and "flatness_source" and "flatness_basis", by which they were joined.

    Raises:
        ValueError: If a column that tells directions apart is missing.
    """
    keys = [*WINDOW_COLUMNS, "source", "basis", "rank"]
    require_columns("fluctuations", fluctuations, keys)
    require_columns("flatness", flatness, keys)
    fluctuations = fluctuations.assign(
        # The held-out variances lie along the same directions as the in-sample ones.
        flatness_basis=lambda rows: rows["basis"].replace("held_out", "principal"),
        # The Hessian's directions are the same whatever fluctuates along them.
        flatness_source=lambda rows: rows["source"].where(rows["basis"] != "hessian", "sgd"),
    )
    flatness = flatness.rename(columns={"source": "flatness_source", "basis": "flatness_basis"})
    return fluctuations.merge(flatness, on=[*WINDOW_COLUMNS, "flatness_source", "flatness_basis", "rank"], how="left")


def exponent(flatness: ArrayLike, variance: ArrayLike) -> dict[str, float]:
    """Return the exponent psi of a power law between the two, and what tells how well it fits.

    Returns:
        "exponent", "intercept", "r" (Pearson, of the logarithms), "spearman", the number of "points" fitted, how many directions
        are "censored", since their flatness is infinite or not known, and their "censored_share". The numbers of a fit to
        fewer than three points are NaN.

    Raises:
        ValueError: If they are no numbers (n,), or not as many of the one as of the other.
    """
    flatness, variance = real_array("flatness", flatness, 1), real_array("variance", variance, 1)
    if len(flatness) != len(variance):
        raise InputError(f"variance: found {len(variance)}, expected {len(flatness)}, one for each of flatness")
    fit = fits.power_law(flatness, variance)
    known = np.isfinite(flatness)
    censored = int((~known).sum())
    return {
        "exponent": -fit.exponent,
        "intercept": fit.intercept,
        "r": fit.r,
        "spearman": fit.spearman,
        "points": fit.n,
        "censored": censored,
        "censored_share": censored / len(known) if len(known) else float("nan"),
    }
