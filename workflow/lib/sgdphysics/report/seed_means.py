"""Means over seeds with their intervals, as notebooks state them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics.claims.outcomes import FEWEST_SEEDS
from sgdphysics.fits import student_interval
from sgdphysics.report.text import NOTHING, aligned, number


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its 95 % Student t interval.

    Attributes:
        mean, low, high: The mean and the ends, NaN where there is no value.
        seeds: Number of values; 0 where none is known, or where no seed enters.
        setting: The setting that it is of, where there are several.
    """

    mean: float
    low: float
    high: float
    seeds: int
    setting: str = ""

    @classmethod
    def of(cls, values: Iterable[float]) -> "Interval":
        """The interval of one value per seed; those that are not finite are left out."""
        known = [float(value) for value in values if np.isfinite(value)]
        mean, low, high = student_interval(known) if known else (math.nan, math.nan, math.nan)
        return cls(mean, low, high, len(known))

    @property
    def known(self) -> bool:
        """Whether there is a value at all."""
        return math.isfinite(self.mean)

    def __str__(self) -> str:
        """The mean and the interval; with the number of seeds where these are too few to decide anything."""
        if not self.known:
            return NOTHING
        if not self.seeds and self.low == self.high:
            return number(self.mean)
        few = f" (only {self.seeds} seed{'s' * (self.seeds != 1)})" if 0 < self.seeds < FEWEST_SEEDS else ""
        if not math.isfinite(self.high - self.low):
            return number(self.mean) + few
        mean, low, high = aligned(self.mean, self.low, self.high)
        return f"{mean} [{low},\u00a0{high}]{few}"  # the space does not break the line

    def words(self, above: str, below: str, neither: str, border: float = 0) -> str:
        """Return one of three texts: the interval lies wholly above the border, wholly below, or on it."""
        return above if self.low > border else below if self.high < border else neither


def means(rows: pd.DataFrame, value: str, by: str, words: Mapping[Any, str]) -> dict[str, Interval]:
    """Return the mean over seeds of a column for each of some keys.

    Args:
        rows: A table with the columns "seed", ``value`` and ``by``; several rows of a seed are averaged first.
        value: The column.
        by: The column of the keys.
        words: The keys to show, and what each is.
    """
    return {name: Interval.of(_of_seeds(rows[rows[by] == key], value)) for key, name in words.items()}


def paired(rows: pd.DataFrame, value: str, by: str, first: Any, second: Any) -> Interval:
    """Return the mean over seeds of the difference of a column, of the same seed: at key ``first`` less at key ``second``."""
    return Interval.of(_of_seeds(rows[rows[by] == first], value) - _of_seeds(rows[rows[by] == second], value))


def by_setting(rows: pd.DataFrame, keys: Mapping[str, str], values: Mapping[str, str]) -> pd.DataFrame:
    """Return a table with a row per setting and, of each column, the mean over seeds.

    Args:
        rows: A table with the column "seed" and those named.
        keys: The columns that make a setting, and what each is.
        values: The columns of numbers, and what each is.
    """
    parts = []
    for setting, part in rows.groupby(list(keys)):
        row = dict(zip(keys.values(), setting, strict=True))
        parts.append(row | {name: Interval.of(_of_seeds(part, column)) for column, name in values.items()})
    return pd.DataFrame(parts, columns=[*keys.values(), *values.values()])


def _of_seeds(rows: pd.DataFrame, value: str) -> pd.Series:
    """Mean of a column for each seed."""
    return rows.groupby("seed")[value].mean()
