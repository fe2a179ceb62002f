"""The statistics that ``claims.yaml`` may name: functions of a study's tables."""

from collections.abc import Mapping
from typing import Protocol

import pandas as pd

from sgdphysics.errors import InputError

VALUES = ["setting", "reference", "seed", "value"]  # columns of what a statistic returns
MISSING = "missing"  # a further column, where a statistic knows it: why there is no value, in words that follow "5 seeds"

Tables = Mapping[str, pd.DataFrame]


class MissingTableError(InputError):
    """A table that a claim needs is not there."""


class Statistic(Protocol):
    """A function of the tables that returns one row per setting and seed, with the columns ``VALUES``, perhaps ``MISSING``."""

    __name__: str

    def __call__(self, tables: Tables) -> pd.DataFrame:
        """Return the values that the tables hold of it."""
        ...


STATISTICS: dict[str, Statistic] = {}


def statistic(function: Statistic) -> Statistic:
    """Register a statistic under its name."""
    STATISTICS[function.__name__] = function
    return function


def values_of(setting: pd.Series | str, seed: pd.Series | float, value: pd.Series) -> pd.DataFrame:
    """Return values as a statistic returns them, one row each, of tables without a reference setting: every setting counts as one.

    Args:
        setting: What a value was measured at: of each, or the same of all.
        seed: Its seed; NaN where none enters.
        value: The values.
    """
    return pd.DataFrame({"setting": setting, "reference": True, "seed": seed, "value": value}, index=value.index)[VALUES]


def text_of(numbers: pd.Series, form: str = "{:g}") -> pd.Series:
    """Return numbers in few digits as text, also where there are none."""
    return numbers.map(form.format).astype(str)


def table_of(tables: Tables, name: str) -> pd.DataFrame:
    """Return the named table; raises `MissingTableError` where a claim needs one that is missing."""
    if name not in tables:
        raise MissingTableError(f"tables: {name}.csv is missing, a claim needs it")
    return tables[name]
