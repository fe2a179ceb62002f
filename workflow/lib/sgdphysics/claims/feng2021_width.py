"""Statistics of the claims of Feng and Tu 2021: how the number of directions in which the weights move grows with the network."""

import numpy as np
import pandas as pd

from sgdphysics.claims.registry import MISSING, VALUES, Tables, statistic, table_of, text_of
from sgdphysics.fits import power_law

FEWEST_WIDTHS = 3  # of a power law
_NO_COUNT = {
    "diverged": "diverged",
    "dead": "died, every unit of a layer silent,",
    "not_converged": "did not converge",
    "converged": "could not be measured",
}


def _exponents(tables: Tables, source: str) -> pd.DataFrame:
    """Exponent p of components ~ weights^p of each seed, over the widths of all, every one of which it needs."""
    table = table_of(tables, "feng2021_fig1_width")
    widths = table.groupby("weights")["hidden_width"].first()
    setting = "learning rate " + text_of(table["learning_rate"]) + ", batch size " + table["batch_size"].astype(str)
    rows = [_exponent(runs[runs["source"] == source], runs, widths) for _, runs in table.groupby("seed")]
    values = pd.DataFrame(rows, columns=["value", MISSING]).astype({"value": float})
    named = values.assign(seed=sorted(set(table["seed"])), reference=True, setting=setting.iloc[0] if len(table) else "")
    return named[[*VALUES, MISSING]]


def _exponent(counted: pd.DataFrame, runs: pd.DataFrame, widths: pd.Series) -> tuple[float, str]:
    """The exponent of the rows of a source of one seed, or nan and why there is none."""
    statuses = runs.groupby("weights")["status"].first()
    counts = counted.set_index("weights")["components_99_without_first"]
    counts = counts.where(statuses.reindex(counts.index) == "converged").reindex(widths.index)
    if len(widths) < FEWEST_WIDTHS:
        return np.nan, f"had networks of fewer than {FEWEST_WIDTHS} widths"
    if counts.isna().any():
        lacking = statuses.reindex(counts.index[counts.isna()]).map(_NO_COUNT).fillna("had no network")
        return np.nan, " and ".join(f"{words} at hidden width {widths[weights]}" for weights, words in lacking.items())
    return power_law(counts.index.to_numpy(float), counts.to_numpy(float)).exponent, ""


@statistic
def dimension_width_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent p of components ~ weights^p over widths: components for 99 % of the variance without the first, the drift."""
    return _exponents(tables, "sgd")


@statistic
def dimension_width_exponent_of_isotropic_walk(tables: Tables) -> pd.DataFrame:
    """The same of a walk of as many steps with independent steps in every direction: the steps bound what it can show."""
    return _exponents(tables, "isotropic")


@statistic
def dimension_width_exponent_minus_isotropic_walk(tables: Tables) -> pd.DataFrame:
    """That of SGD less that of the walk."""
    sgd, walk = _exponents(tables, "sgd"), _exponents(tables, "isotropic")
    return sgd.assign(value=sgd["value"] - walk["value"])
