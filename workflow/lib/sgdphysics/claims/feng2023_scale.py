"""Statistics of the claim of the authors' scripts that weight decay and initial scale change sigma_w,n by one factor."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sgdphysics.claims.feng2023_changes import less, of_strongest, weakest_doses
from sgdphysics.claims.feng2023_sweeps import NOISE
from sgdphysics.claims.registry import Tables, as_ratio, statistic, table_of

SCALE = ("norm_penalty", "squared_penalty", "initial_scale")


def _factors(tables: Tables, names: Sequence[str], column: str) -> pd.DataFrame:
    """A number of ln(sigma_w,n at the strongest dose / at the weakest) over the log-spaced ranks of a sweep, at equal loss."""
    factors = table_of(tables, "feng2023_published_factors")
    rows = factors[factors["deciding"].astype(bool) & (factors["point"] == "equal_loss")]
    rows = rows[rows["weakest"] == rows["sweep"].map(weakest_doses(tables))]
    return of_strongest(tables, names, rows, column)


def _last_rank(tables: Tables) -> float:
    """The last rank at which sigma_w,n are compared."""
    spectra = table_of(tables, "feng2023_published_spectra")
    return float(spectra.loc[spectra["weight_ratio"].notna(), "rank"].max())


def _change_over_ranks(tables: Tables, names: Sequence[str]) -> pd.DataFrame:
    """The trend of ln ratio on ln rank, from the first to the last rank compared, over the mean of ln ratio."""
    trend = _factors(tables, names, "trend")
    return as_ratio(trend.assign(value=trend["value"] * np.log(_last_rank(tables))), _factors(tables, names, "factor"))


@statistic("ratio")
def scale_change_over_ranks(tables: Tables) -> pd.DataFrame:
    """Change of ln(sigma_w,n at the strongest dose / at the weakest) from the first rank to the last on a straight line in ln rank,
    in parts of its mean over the ranks, at equal loss; per sweep (both penalties, initial scale). 0: one factor for all.
    """
    return _change_over_ranks(tables, SCALE)


@statistic("ratio")
def noise_change_over_ranks(tables: Tables) -> pd.DataFrame:
    """The same of learning rate and batch size, of which no common factor is claimed."""
    return _change_over_ranks(tables, NOISE)


@statistic
def scale_factor(tables: Tables) -> pd.DataFrame:
    """Mean of ln(sigma_w,n at the strongest dose / at the weakest) over the ranks; per sweep."""
    return _factors(tables, SCALE, "factor")


@statistic
def scale_trend(tables: Tables) -> pd.DataFrame:
    """Slope of ln(sigma_w,n at the strongest dose / at the weakest) on ln rank; per sweep."""
    return _factors(tables, SCALE, "trend")


@statistic
def scale_spread_less_that_between_seeds(tables: Tables) -> pd.DataFrame:
    """Standard deviation of ln(sigma_w,n at the strongest dose / at the weakest) over the ranks, less that of two seeds."""
    return less(_factors(tables, SCALE, "spread"), _factors(tables, SCALE, "spread_between_seeds"))
