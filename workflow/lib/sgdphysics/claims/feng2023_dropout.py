"""Statistics of the claims of Feng, Zhang and Tu 2023 on dropout: sharpness against size, and a best dose in between."""

import numpy as np
import pandas as pd

from sgdphysics import sweeps
from sgdphysics.claims import missing
from sgdphysics.claims.feng2023_changes import effect
from sgdphysics.claims.registry import MISSING, VALUES, Tables, statistic, table_of, text_of, values_of

DROPOUT = ("dropout",)


@statistic
def dropout_effect_on_size(tables: Tables) -> pd.DataFrame:
    """e_w: ln s_w at the strongest dropout less that without, at equal loss."""
    return effect(tables, DROPOUT, "weight_spread")


@statistic
def dropout_effect_on_sharpness(tables: Tables) -> pd.DataFrame:
    """e_g: ln s_g at the strongest dropout less that without, at equal loss."""
    return effect(tables, DROPOUT, "slope_spread")


@statistic
def dropout_effect_on_size_at_equal_epochs(tables: Tables) -> pd.DataFrame:
    """e_w after equal epochs."""
    return effect(tables, DROPOUT, "weight_spread", "equal_epochs")


@statistic
def dropout_effect_on_sharpness_at_equal_epochs(tables: Tables) -> pd.DataFrame:
    """e_g after equal epochs."""
    return effect(tables, DROPOUT, "slope_spread", "equal_epochs")


def _otherwise_measured(tables: Tables, column: str) -> pd.DataFrame:
    """A change by the strongest dose of each way to drop units; per way, layer measured and matching of the images."""
    rows = table_of(tables, "feng2023_fig5_dropout")
    rows = rows[rows["deciding"].astype(bool) & (rows["comparison"] == "equal_loss")]
    rows = rows[rows["dose"] == rows.groupby("sweep")["dose"].transform("max")]
    place = ", layer " + text_of(rows["layer"]) + ", " + rows["matching"].astype(str)
    setting = (rows["sweep"].astype(str) + " " + text_of(rows["dose"]) + place).str.replace("_", " ")
    return values_of(setting, rows["seed"], rows[column])


@statistic
def dropout_effect_on_size_otherwise_measured(tables: Tables) -> pd.DataFrame:
    """e_w at equal loss by layer, by the way images are matched, and by how the kept units are rescaled."""
    return _otherwise_measured(tables, "weight_spread")


@statistic
def dropout_effect_on_sharpness_otherwise_measured(tables: Tables) -> pd.DataFrame:
    """e_g at equal loss by layer, by the way images are matched, and by how the kept units are rescaled."""
    return _otherwise_measured(tables, "slope_spread")


def _in_between(tables: Tables, point: str, quantity: str) -> pd.DataFrame:
    """What is lower of both ends of the sweep of dropout less what the best dose in between has, by seed.

    Which end and which dose is lower is decided by the other seeds, so that their own chance does not make them so.
    """
    table = table_of(tables, "feng2023_points")
    points = sweeps.with_control(table.dropna(subset=["point"]))
    rows = points[(points["sweep"] == "dropout") & (points["point"] == point)]
    targets = sweeps.deciding_targets(rows)
    by_dose = rows[rows["target"].isin(targets["target"])].pivot(index="seed", columns="dose", values=quantity).sort_index(axis=1)
    values = [
        {"setting": "dropout", "reference": True, "seed": seed, "value": _advantage(by_dose.loc[seed], by_dose.drop(index=seed))}
        for seed in by_dose.index
    ]
    reasons = missing.of_sweeps(table[table["sweep"] == "dropout"], point)
    reasons = (reasons["setting"] + " " + reasons["missing"])[reasons["missing"] != ""].groupby(reasons["seed"]).first()
    return pd.DataFrame(values, columns=VALUES).assign(**{MISSING: lambda rows: rows["seed"].map(reasons)})


def _advantage(own: pd.Series, others: pd.DataFrame) -> float:
    """Of one seed, by dose in their order: the end that is lower on the other seeds less the inner dose that is lowest there."""
    means = others.mean()
    ends, inner = means.iloc[[0, -1]], means.iloc[1:-1].dropna()
    if own.iloc[[0, -1]].isna().any() or ends.isna().any() or inner.empty:
        return np.nan
    return float(own[ends.idxmin()] - own[inner.idxmin()])


@statistic
def dropout_gap_in_between(tables: Tables) -> pd.DataFrame:
    """Gap of the better end, no or the strongest dropout, less that of the best dose in between (both best on the other seeds), at
    equal loss.
    """
    return _in_between(tables, "equal_loss", "gap")


@statistic
def dropout_error_in_between(tables: Tables) -> pd.DataFrame:
    """The same of the test error."""
    return _in_between(tables, "equal_loss", "test_error")


@statistic
def dropout_gap_in_between_at_equal_epochs(tables: Tables) -> pd.DataFrame:
    """The same of the gap after equal epochs."""
    return _in_between(tables, "equal_epochs", "gap")


@statistic
def dropout_error_in_between_at_equal_epochs(tables: Tables) -> pd.DataFrame:
    """The same of the test error after equal epochs."""
    return _in_between(tables, "equal_epochs", "test_error")
