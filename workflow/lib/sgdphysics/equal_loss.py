"""Settings compared at equal training loss.

The table ``feng2021_fig4_equal_loss`` has one row per run, quantity and training loss that is asked for: "learning_rate",
"batch_size", "seed", "status", "target_loss", "quantity" and "value", NaN where the run did not reach that loss.
"""

import numpy as np
import pandas as pd

from sgdphysics.arguments import require_columns

COLUMNS = ("learning_rate", "batch_size", "status", "target_loss", "value")


def at_lowest_common_loss(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of converged runs at the lowest training loss that as many settings reached as any.

    Args:
        table: Columns "learning_rate", "batch_size", "status", "target_loss" and "value"; further ones are kept.

    Returns:
        Those rows of it with a finite value, all of one "target_loss"; none if there are none.

    Raises:
        InputError: If a column is missing.
    """
    require_columns("table", table, COLUMNS)
    rows = table[(table["status"] == "converged") & np.isfinite(table["value"].astype(float))]
    if not len(rows):
        return rows
    settings = rows.groupby("target_loss")[["learning_rate", "batch_size"]].apply(lambda part: len(part.drop_duplicates()))
    return rows[rows["target_loss"] == settings.index[settings == settings.max()].min()]
