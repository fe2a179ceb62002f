"""What the report page asks of the tables that it reads."""

from collections.abc import Iterable

import pandas as pd

from sgdphysics.errors import InputError


def check_columns(name: str, table: pd.DataFrame, columns: Iterable[str]) -> None:
    """Raise `InputError` that names the file and every column that it lacks, if any."""
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(f"{name}: no column {', '.join(missing)}")
