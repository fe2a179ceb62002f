"""Settings compared at equal training loss.

The table ``feng2021_fig4_equal_loss`` has one row per run, quantity and training loss that is asked for: "learning_rate",
"batch_size", "seed", "status", "target_loss", "quantity" and "value", NaN where the run did not reach that loss.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sgdphysics.arguments import require_columns, require_positive_numbers

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


def interpolated(checkpoints: pd.DataFrame, quantities: Sequence[str], losses: Sequence[float]) -> pd.DataFrame:
    """Return quantities of one run at given training losses, between its checkpoints on lines in the logarithm of the loss.

    What is above 0 at all of them is taken by its logarithm.

    Args:
        checkpoints: Columns "training_loss" and the quantities; those without a finite loss above 0 are left out.
        quantities: Columns of it.
        losses: Above 0.

    Returns:
        One row per loss and quantity, "target", "quantity" and "value", for the losses between the lowest and the highest of a
        checkpoint.

    Raises:
        InputError: If a column is missing, or a loss is no number above 0.
    """
    require_columns("checkpoints", checkpoints, ["training_loss", *quantities])
    require_positive_numbers("losses", losses)
    known_loss = checkpoints["training_loss"].astype(float)
    ordered = checkpoints[np.isfinite(known_loss) & (known_loss > 0)].sort_values("training_loss", kind="stable")
    known, wanted = np.log(ordered["training_loss"].to_numpy(float)), np.log(np.asarray(losses, dtype=float))
    reached = wanted[(wanted >= known.min()) & (wanted <= known.max())] if len(known) else wanted[:0]
    targets = [loss for loss, log in zip(losses, wanted, strict=True) if log in reached]
    parts = []
    for name in quantities:
        values = ordered[name].to_numpy(float)
        at_losses = np.exp(np.interp(reached, known, np.log(values))) if (values > 0).all() else np.interp(reached, known, values)
        parts.append(pd.DataFrame({"target": targets, "quantity": name, "value": at_losses}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["target", "quantity", "value"])
