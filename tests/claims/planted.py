"""Small tables of a study in which every quantity that a claim asks for is planted, in the format of the tabulate scripts.

A quantity is planted by its mean and standard deviation over seeds, without a random number: its Student interval over the six
default seeds is exactly mean +- 1.0494 standard deviations. The tables are declared in the module of their paper, each once.
"""

from collections.abc import Collection, Iterable, Mapping

import pandas as pd

import planted_feng2021
import planted_feng2021_width
import planted_feng2023
import planted_yang2023
from planted_tables import TABLES, Quantity, made, read_back

SEEDS = tuple(range(100, 106))

Tables = dict[str, pd.DataFrame]

# Every claim's effect.
EFFECT = planted_feng2021.EFFECT | planted_feng2021_width.EFFECT | planted_yang2023.EFFECT | planted_feng2023.EFFECT


def tables(
    changes: Mapping[str, Quantity] | None = None, seeds: Iterable[int] = SEEDS, needed: Collection[str] = tuple(TABLES)
) -> Tables:
    """Return the tables that the claims read, with the quantities of ``EFFECT`` but for ``changes``; read back from CSV.

    Of those that are needed, by default all.
    """
    unknown = set(changes or {}) - set(EFFECT)
    assert not unknown, f"no such quantity: {unknown}"
    quantities, seeds = EFFECT | dict(changes or {}), tuple(seeds)
    return {name: made(name, quantities, seeds) for name in TABLES if name in needed}


def names(
    planted: Tables, learning_rate: float | None = None, batch_size: int | None = None, seeds: Iterable[int] | None = None
) -> set[str]:
    """Names of the runs of a learning rate, a batch size, some seeds; None stands for all."""
    runs = planted["feng2021_runs"]
    chosen = pd.Series(True, index=runs.index)
    for column, value in (("learning_rate", learning_rate), ("batch_size", batch_size)):
        if value is not None:
            chosen &= runs[column] == value
    if seeds is not None:
        chosen &= runs["seed"].isin(list(seeds))
    return set(runs.loc[chosen, "run"])


def diverged(planted: Tables, chosen: Iterable[str]) -> Tables:
    """The tables after those runs diverged: only the table of runs still knows them."""
    gone = set(chosen)
    result = {name: table[~table["run"].isin(gone)] for name, table in _of_runs(planted)}
    result["feng2021_runs"] = with_status(planted, chosen, "diverged")["feng2021_runs"]
    return planted | {name: read_back(table) for name, table in result.items()}


def with_status(planted: Tables, chosen: Iterable[str], status: str) -> Tables:
    """The tables with another status of those runs; their measurements stay."""
    changed = set(chosen)
    told = [(name, table) for name, table in _of_runs(planted) if "status" in table]
    cut = {name: table.assign(status=table["status"].where(~table["run"].isin(changed), status)) for name, table in told}
    return planted | cut


def mixed(planted: Tables, other: Tables, chosen: Iterable[str]) -> Tables:
    """The tables with the rows of those runs taken from other tables."""
    taken = set(chosen)
    return planted | {
        name: pd.concat([table[~table["run"].isin(taken)], other[name][other[name]["run"].isin(taken)]], ignore_index=True)
        for name, table in _of_runs(planted)
    }


def _of_runs(planted: Tables) -> list[tuple[str, pd.DataFrame]]:
    """The tables that name runs; those of the toy model do not."""
    return [(name, table) for name, table in planted.items() if "run" in table]
