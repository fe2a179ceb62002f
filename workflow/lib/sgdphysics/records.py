"""Tensors and tables on disk: written whole or not at all, readable without unpickling anything.

Tensors go to safetensors files with a JSON metadata entry, tables to CSV. Every writer fills a temporary file in the target's
folder and moves it into place, so a crash leaves either the old file or the new one.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import safetensors

from sgdphysics.errors import InputError
from sgdphysics.files import write_atomically

if TYPE_CHECKING:  # torch takes seconds to load, and tables do without it
    from torch import Tensor

# What describes a run in every table of a study.
RUN_COLUMNS = ["run", "learning_rate", "batch_size", "seed", "status", "reference"]
# What describes a window of steps of a run.
WINDOW_COLUMNS = ["run", "window", "window_epochs"]
# The order of rows: by setting and seed.
RUN_ORDER = ["learning_rate", "batch_size", "seed"]
# Columns that hold text or truth values; all others hold numbers. A table without rows does not tell.
TEXT_COLUMNS = (
    *("run", "status", "window", "source", "basis", "kind", "time", "range", "directions", "quantity"),
    *("part", "line", "landscape", "start", "dynamics", "event", "sweep", "point", "comparison", "matching", "losses"),
)
TRUTH_COLUMNS = ("reference", "fitted", "whole_spectrum", "deciding", "linear")


class RecordError(InputError):
    """A file that should hold tensors or a table does not; the message names it in one line."""


def save_tensors(path: Path, tensors: Mapping[str, "Tensor"], metadata: Any) -> None:
    """Write named tensors and one JSON-serialisable ``metadata`` value to a safetensors file; same input, same bytes."""
    contiguous = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in sorted(tensors.items())}
    header = {"metadata": json.dumps(metadata, sort_keys=True)}
    write_atomically(path, lambda temporary: _save_file(contiguous, temporary, header))


def _save_file(tensors: Mapping[str, "Tensor"], path: Path, header: Mapping[str, str]) -> None:
    import safetensors.torch  # takes seconds to load

    try:
        safetensors.torch.save_file(tensors, path, header)
    except safetensors.SafetensorError as error:
        # It hides a full disk in an error of its own, with the number of the system's error at the end.
        number = re.search(r"\(os error ([0-9]+)\)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


def load_tensors(path: Path) -> tuple[dict[str, "Tensor"], Any]:
    """Read what `save_tensors` wrote.

    Raises:
        RecordError: If the file is missing, truncated, or not written by `save_tensors`.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, _metadata(file)  # noqa: SIM118 (not a mapping)


def load_metadata(path: Path) -> Any:
    """Read only the metadata of a file written by `save_tensors`; raises `RecordError` as `load_tensors` does."""
    with _opened(path) as file:
        return _metadata(file)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            yield file
    except (OSError, safetensors.SafetensorError, TypeError, KeyError, json.JSONDecodeError) as error:
        raise RecordError(f"{path}: not a readable tensor file of this project ({error})") from None


def _metadata(file: Any) -> Any:
    return json.loads(file.metadata()["metadata"])


def save_rows(path: Path, parts: Sequence[pd.DataFrame], columns: Sequence[str], order: Sequence[str] = ()) -> None:
    """Write the rows of all parts as one table of these columns, sorted by ``order``; only the header if there are none."""
    filled = [part for part in parts if len(part)]
    table = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)
    table = table[list(columns)]
    save_table(path, table.sort_values(list(order), kind="stable") if order else table)


def save_table(path: Path, table: pd.DataFrame) -> None:
    """Write a tidy table to CSV, one row per measurement; floats in the shortest form that reads back to the same bits."""
    write_atomically(path, lambda temporary: table.to_csv(temporary, index=False, lineterminator="\n"))


def load_table(path: Path) -> pd.DataFrame:
    """Read a table written by `save_table`; one without rows, or an empty column, has the dtypes of one with rows.

    Raises:
        RecordError: If the file is missing or is not a table.
    """
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(TEXT_COLUMNS, "str"))
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise RecordError(f"{path}: not a readable table ({' '.join(str(error).split())})") from None
    if len(table):
        return table
    return table.astype({name: "str" if name in TEXT_COLUMNS else bool if name in TRUTH_COLUMNS else float for name in table})


def load_tables(paths: Iterable[Path]) -> pd.DataFrame:
    """Read tables of one kind and join their rows; tables without rows are left out.

    Raises:
        RecordError: If one is not readable.
    """
    tables = [load_table(path) for path in paths]
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]
