"""Tidy tables on disk: CSV files, one row per measurement, written whole or not at all."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from sgdphysics.errors import RecordError
from sgdphysics.files import write_atomically

# What describes a run in every table of a study.
RUN_COLUMNS = ["run", "learning_rate", "batch_size", "seed", "status", "reference"]
# What describes a window of steps of a run.
WINDOW_COLUMNS = ["run", "window", "window_epochs"]
# The order of rows: by setting and seed.
RUN_ORDER = ["learning_rate", "batch_size", "seed"]
# Columns by which tables are joined or rows chosen: text, and truth values. Of a table without rows, which tells no dtypes, they
# must be known.
_TEXT_KEYS = ("run", "status", "window", "source", "basis", "rung", "ranks", "protocol")
_TRUTH_KEYS = ("reference", "fitted", "whole_spectrum", "deciding", "linear")


def save_rows(path: Path, parts: Sequence[pd.DataFrame], columns: Sequence[str], order: Sequence[str] = ()) -> None:
    """Write the rows of all parts as one table of these columns, sorted by ``order``; only the header if there are none."""
    filled = [part for part in parts if len(part)]
    table = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)
    table = table[list(columns)]
    save_table(path, table.sort_values(list(order), kind="stable") if order else table)


def save_table(path: Path, table: pd.DataFrame) -> None:
    """Write a tidy table to CSV, one row per measurement; floats in the shortest form that reads back to the same bits."""
    write_atomically(path, lambda temporary: table.to_csv(temporary, index=False, lineterminator="\n", encoding="utf-8"))


def load_table(path: Path) -> pd.DataFrame:
    """Read a table written by `save_table`.

    Of one without rows, the columns by which tables are joined or rows chosen have the dtypes of one with rows, and all others are
    float64.

    Raises:
        RecordError: If the file is missing or is not a table.
    """
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(_TEXT_KEYS, "str"), encoding="utf-8")
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise RecordError(f"{path}: not a readable table ({' '.join(str(error).split())})") from None
    if len(table):
        return table
    return table.astype({name: "str" if name in _TEXT_KEYS else bool if name in _TRUTH_KEYS else float for name in table})


def load_tables(paths: Iterable[Path]) -> pd.DataFrame:
    """Read tables of one kind and join their rows; tables without rows are left out.

    Raises:
        RecordError: If one is not readable.
    """
    tables = [load_table(path) for path in paths]
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]
