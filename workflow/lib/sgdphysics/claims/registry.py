"""The statistics that ``claims.yaml`` may name: functions of a study's tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, overload

import pandas as pd

from sgdphysics.errors import InputError

VALUES = ["setting", "reference", "seed", "value"]  # columns of what a statistic returns
MISSING = "missing"  # a further column, where a statistic knows it: why there is no value, in words that follow "5 seeds"

Tables = Mapping[str, pd.DataFrame]


class Function(Protocol):
    """A function of the tables, with a name."""

    __name__: str

    def __call__(self, tables: Tables) -> pd.DataFrame:
        """Return the values that the tables hold."""
        ...


@dataclass(frozen=True)
class Statistic:
    """A function of the tables that returns one row per setting and seed.

    Attributes:
        function: Returns the columns ``VALUES``; of a share also "count" and "total", of a ratio "numerator" and "denominator";
            perhaps ``MISSING``.
        kind: What its interval over seeds is of, one of `intervals.KINDS`.
    """

    function: Function
    kind: str

    def __call__(self, tables: Tables) -> pd.DataFrame:
        """Return the values that the tables hold of it."""
        return self.function(tables)


STATISTICS: dict[str, Statistic] = {}


@overload
def statistic(kind: Function) -> Function: ...
@overload
def statistic(kind: str) -> Callable[[Function], Function]: ...
def statistic(kind: str | Function) -> Function | Callable[[Function], Function]:
    """Register a statistic under its name: ``@statistic`` for a mean over seeds, ``@statistic("correlation")`` for another kind."""
    if not isinstance(kind, str):
        return statistic("mean")(kind)

    def registered(function: Function) -> Function:
        STATISTICS[function.__name__] = Statistic(function, kind)
        return function

    return registered


def values_of(setting: pd.Series | str, seed: pd.Series | float, value: pd.Series) -> pd.DataFrame:
    """Return values as a statistic returns them, one row each, of tables without a reference setting: every setting counts as one.

    Args:
        setting: What a value was measured at: of each, or the same of all.
        seed: Its seed; NaN where none enters.
        value: The values.
    """
    return pd.DataFrame({"setting": setting, "reference": True, "seed": seed, "value": value}, index=value.index)[VALUES]


def as_ratio(numerators: pd.DataFrame, denominators: pd.DataFrame) -> pd.DataFrame:
    """Return a ratio as a statistic of that kind returns it, of the values of two that have the same rows."""
    above, below = numerators["value"], denominators["value"]
    return numerators.assign(numerator=above, denominator=below, value=above / below)


def as_share(values: pd.DataFrame, total: pd.Series | int) -> pd.DataFrame:
    """Return a share as a statistic of that kind returns it, of values that are shares of so many."""
    return values.assign(count=(values["value"] * total).round(), total=total)


def text_of(numbers: pd.Series, form: str = "{:g}") -> pd.Series:
    """Return numbers in few digits as text, also where there are none."""
    return numbers.map(form.format).astype(str)


def table_of(tables: Tables, name: str) -> pd.DataFrame:
    """Return the named table; raises `InputError` where a claim needs one that is missing."""
    if name not in tables:
        raise InputError(f"tables: {name}.csv is missing, a claim needs it")
    return tables[name]
