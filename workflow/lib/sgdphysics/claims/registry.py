"""The statistics that ``claims.yaml`` may name: functions of a study's tables."""

from collections.abc import Callable, Mapping

import pandas as pd

from sgdphysics.errors import InputError

VALUES = ["setting", "reference", "seed", "value"]  # columns of what a statistic returns

Tables = Mapping[str, pd.DataFrame]
Statistic = Callable[[Tables], pd.DataFrame]
STATISTICS: dict[str, Statistic] = {}


def statistic(function: Statistic) -> Statistic:
    """Register a function of the tables that returns one row per setting and seed: "setting", "reference", "seed", "value"."""
    STATISTICS[function.__name__] = function
    return function


def table_of(tables: Tables, name: str) -> pd.DataFrame:
    """Return the named table; raises `InputError` where a claim needs one that is missing."""
    if name not in tables:
        raise InputError(f"tables: {name}.csv is missing, a claim needs it")
    return tables[name]
