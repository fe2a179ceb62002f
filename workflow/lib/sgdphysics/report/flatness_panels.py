"""Quantities against flatness, as several figures show them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sgdphysics.report import style

NOTHING = "no direction\nto fit"


def fitted(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of directions that exponents are fitted to: those in the range of the fit that have a flatness."""
    return rows[rows["fitted"] & np.isfinite(rows["flatness"])]


def draw_settings(axis: Axes, rows: pd.DataFrame, column: str, label: str) -> None:
    """Draw a column against flatness at every setting: geometric means over seeds at each rank."""
    rows = fitted(rows)
    if not len(rows):
        style.say(axis, NOTHING)
        return
    look = style.SettingLook(rows["learning_rate"], rows["batch_size"])
    for (rate, size), part in rows.groupby(["learning_rate", "batch_size"]):
        means = np.exp(np.log(part[["flatness", column]]).groupby(part["rank"]).mean())
        look.scatter(axis, rate, size, means["flatness"], means[column], hollow=(part["status"] != "converged").any())
    look.legend(axis)
    axis.set(xscale="log", yscale="log", xlabel="flatness $F_i$", ylabel=label)
    converged = rows[(rows["status"] == "converged") & (rows[column] > 0)]
    if len(converged):  # what did not converge may lie anywhere
        axis.set_xlim(converged["flatness"].min() / 1.3, converged["flatness"].max() * 1.3)
        axis.set_ylim(converged[column].min() / 30, converged[column].max() * 2)
    style.log_ticks(axis)
