"""What the claims of Feng, Zhang and Tu 2023 compare: every run of every sweep, at the loss that decides its sweep."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from sgdphysics.claims import missing
from sgdphysics.claims.registry import MISSING, VALUES, Tables, table_of, values_of


def by_seed(rows: pd.DataFrame, value: Callable[[pd.DataFrame], float], by: Sequence[str] = ()) -> pd.DataFrame:
    """Return a number per seed, and per value of the columns ``by``, which then are the setting."""
    values = [
        {
            "setting": ", ".join(str(key) for key in keys[1:]) or "reference",
            "reference": True,
            "seed": keys[0],
            "value": value(part),
        }
        for keys, part in rows.groupby(["seed", *by])
    ]
    return pd.DataFrame(values, columns=VALUES)


def at_reference(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a column of a table of the reference setting alone, one row per seed."""
    return values_of("reference", rows["seed"], rows[column])


def members_at_deciding_points(tables: Tables) -> pd.DataFrame:
    """Return every run of every sweep but the control, at the loss that decides the sweep; without numbers where it missed it.

    "setting" names its sweep and dose, ``MISSING`` says why there are no numbers.
    """
    points = table_of(tables, "feng2023_points")
    return _at_deciding_points(points, points)


def members_with_gauges(tables: Tables, slopes: str = "parallel") -> pd.DataFrame:
    """Return the same with what is measured with one kind of slopes, and the norms of the layer."""
    gauges = table_of(tables, "feng2023_gauges")
    return _at_deciding_points(table_of(tables, "feng2023_points"), gauges[gauges["slopes"] == slopes])


def _at_deciding_points(points: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    rows = measured[measured["deciding"].astype(bool) & (measured["point"] == "equal_loss")]
    return missing.of_sweeps(points).merge(rows, on=["sweep", "dose", "seed", "run"], how="left")


def each_once(members: pd.DataFrame) -> pd.DataFrame:
    """Return them with each run once at a loss: the reference is a member of every sweep."""
    return members.drop_duplicates(["run", "target"])


def at_every_setting(members: pd.DataFrame, value: Callable[[pd.DataFrame], pd.Series]) -> pd.DataFrame:
    """Return a number per setting of the sweeps and seed."""
    rows = each_once(members)
    return values_of(rows["setting"], rows["seed"], value(rows)).assign(**{MISSING: rows[MISSING]})


def over_settings(members: pd.DataFrame, value: Callable[[pd.DataFrame], float], without: Sequence[str] = ()) -> pd.DataFrame:
    """Return a number per seed of its settings, but for those of some sweeps; nan where a seed lacks one."""
    rows = each_once(members)
    rows = rows[~rows["sweep"].isin(without)]
    settings = rows["setting"].nunique()
    values = by_seed(rows, lambda part: value(part) if part["gap"].notna().sum() == settings else np.nan)
    return values.assign(**{MISSING: values["seed"].map(lacking(rows, ["seed"]))})


def in_sweeps(members: pd.DataFrame, value: Callable[[pd.DataFrame], float]) -> pd.DataFrame:
    """Return a number per seed and sweep of at least three doses; nan where a seed lacks one."""
    rows = members[members.groupby("sweep")["dose"].transform("nunique") > 2]
    values = by_seed(rows, lambda part: value(part) if part["gap"].notna().all() else np.nan, by=["sweep"])
    reasons = lacking(rows, ["seed", "sweep"]).to_dict()
    return values.assign(**{MISSING: [reasons.get(key) for key in zip(values["seed"], values["setting"], strict=True)]})


def lacking(rows: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """Return of each seed, and perhaps sweep, that lacks a setting, the first that it lacks, and why."""
    without = rows[rows["gap"].isna()]
    return ("lacking " + without["setting"] + ", which " + without[MISSING]).groupby([without[key] for key in by]).first()
