"""What the strongest dose of a sweep changes against the weakest, of the same seed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sgdphysics import sweeps
from sgdphysics.claims import missing
from sgdphysics.claims.registry import MISSING, Tables, table_of, values_of


def effect(tables: Tables, names: Sequence[str], column: str, comparison: str = "equal_loss") -> pd.DataFrame:
    """Return the change of the logarithm of a quantity by the strongest dose of each sweep, where that comparison is decided."""
    effects = table_of(tables, "feng2023_effects")
    rows = effects[effects["deciding"].astype(bool) & (effects["comparison"] == comparison)]
    return of_strongest(tables, names, rows, column, comparison)


def of_strongest(
    tables: Tables, names: Sequence[str], changes: pd.DataFrame, column: str, comparison: str = "equal_loss"
) -> pd.DataFrame:
    """Return a number of the strongest dose of each sweep: a setting, with one row per seed.

    The dose is the strongest of the study's settings, whatever became of its runs: a seed without it has no value.

    Args:
        tables: The study's tables.
        names: Sweeps. Every one is asked: one that compares nothing leaves a test undecided.
        changes: Rows with "sweep", "dose" and "seed", one for each at most, where the comparison is decided.
        column: The number.
        comparison: "equal_loss", "equal_epochs" or "as_many_epochs".
    """
    members = missing.of_sweeps(
        table_of(tables, "feng2023_points"), "equal_epochs" if comparison == "equal_epochs" else "equal_loss"
    )
    parts = [_of_sweep(members[members["sweep"] == sweep], sweep, changes, column, comparison) for sweep in names]
    return pd.concat(parts, ignore_index=True)


def _of_sweep(members: pd.DataFrame, sweep: str, changes: pd.DataFrame, column: str, comparison: str) -> pd.DataFrame:
    doses = sweeps.in_order(sweep, members["dose"].tolist())
    if not doses:
        return values_of(sweep, np.nan, pd.Series([np.nan]))
    rows = changes[(changes["sweep"] == sweep) & (changes["dose"] == doses[-1])]
    pairs = _pairs(members, doses[0], doses[-1], comparison)
    values = pairs["seed"].map(dict(zip(rows["seed"], rows[column], strict=True))).astype(float)
    setting = f"{sweep} {doses[-1]:g} against {doses[0]:g}"
    return values_of(setting, pairs["seed"], values).assign(**{MISSING: pairs["missing"]})


def _pairs(members: pd.DataFrame, weakest: float, strongest: float, comparison: str) -> pd.DataFrame:
    """One row per seed of the strongest dose, with what is missing for it to be compared: that run, or what it is compared with.

    That is the run of the weakest dose only at equal loss; elsewhere the reference goes on as the control.
    """
    chosen, beside = (members.loc[members["dose"] == dose].set_index("seed")["missing"] for dose in (strongest, weakest))
    otherwise = "trained for longer than the control" if comparison == "as_many_epochs" else "without a number there"
    words = pd.Series(otherwise, chosen.index, dtype=object)
    if comparison == "equal_loss":
        beside = beside.reindex(chosen.index).fillna("was not trained")
        words = words.where(beside == "", f"at {weakest:g} " + beside)
    return chosen.mask(chosen == "", words).reset_index()


def weakest_doses(tables: Tables) -> dict[str, float]:
    """Return the weakest dose of each sweep of the study's settings, whatever became of its runs."""
    doses = table_of(tables, "feng2023_points").groupby("sweep")["dose"].unique()
    return {str(sweep): sweeps.in_order(str(sweep), found.tolist())[0] for sweep, found in doses.items()}


def less(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return the difference of two numbers of the same settings and seeds."""
    return one.assign(value=one["value"] - other["value"])
