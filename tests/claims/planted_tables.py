"""How planted tables are declared: each once, with the quantities that it shows.

A quantity is planted by its mean and standard deviation over seeds, without a random number: seed after seed it is
``mean + spread * scatter``.
"""

import functools
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Row = dict[str, Any]
Planted = dict[str, float]  # the quantities of one seed or run
Quantity = tuple[float, float]  # mean and standard deviation over seeds
Quantities = Mapping[str, Quantity]
Seeds = tuple[int, ...]


@dataclass(frozen=True)
class Table:
    """How a table is made, from the quantities that it shows and the seeds; and whether it has seeds."""

    make: Callable[[Quantities, Seeds], pd.DataFrame]
    quantities: tuple[str, ...]
    seeded: bool


TABLES: dict[str, Table] = {}


def table(name: str, quantities: Iterable[str] = (), seeded: bool = True):
    """Declare what a function makes of quantities and seeds as a table."""

    def declared(make):
        TABLES[name] = Table(make, tuple(quantities), seeded)
        return make

    return declared


def table_by_seed(name: str, quantities: Iterable[str], seeded: bool = True):
    """Declare the rows that a function returns of the quantities of one seed as a table; without seeds the means are planted."""

    def declared(rows_of_seed):
        def make(quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
            if not seeded:
                return pd.DataFrame(rows_of_seed({key: mean for key, (mean, _) in quantities.items()}))
            by_seed = by_seeds(quantities, seeds)
            return pd.DataFrame([_of_seed(row, seed) for seed, planted in by_seed for row in rows_of_seed(planted)])

        table(name, quantities, seeded)(make)
        return rows_of_seed

    return declared


def _of_seed(row: Row, seed: int) -> Row:
    return {**row, "seed": seed, **({"run": f"{row['run']}_s{seed}"} if "run" in row else {})}


def by_seeds(quantities: Quantities, seeds: Seeds) -> Iterator[tuple[int, Planted]]:
    """Each seed and its quantities."""
    for seed, scatter in zip(seeds, _scatter(len(seeds)), strict=True):
        yield seed, {key: mean + spread * scatter for key, (mean, spread) in quantities.items()}


def _scatter(count: int) -> np.ndarray:
    """Numbers of mean 0 and standard deviation 1."""
    if count < 2:
        return np.zeros(count)
    line = np.linspace(-1, 1, count)
    return line / line.std(ddof=1)


def made(name: str, quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
    """Return a table as it comes from its file; it is made once for the same quantities."""
    return _made(name, tuple((key, quantities[key]) for key in TABLES[name].quantities), seeds).copy()


@functools.cache
def _made(name: str, quantities: tuple[tuple[str, Quantity], ...], seeds: Seeds) -> pd.DataFrame:
    return read_back(TABLES[name].make(dict(quantities), seeds))


def read_back(table: pd.DataFrame) -> pd.DataFrame:
    """The table as it comes from its CSV file: an empty column has lost its type, a whole number may have changed it."""
    return pd.read_csv(io.StringIO(table.to_csv(index=False)))


def correlated(values: np.ndarray, correlation: float) -> np.ndarray:
    """Numbers of mean 0 and the standard deviation of ``values``, with that correlation to them."""
    along = values - values.mean()
    across = np.linspace(-1, 1, len(values)) ** 2
    across -= across.mean()
    across -= across @ along / (along @ along) * along
    across *= np.linalg.norm(along) / np.linalg.norm(across)
    return correlation * along + np.sqrt(1 - correlation**2) * across
