"""Draw feng2021_fig4: effective temperature against flatness and through training."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgdphysics import fits, local_exponents
from sgdphysics.provenance import jobs
from sgdphysics.report import flatness_panels, style

TABLES = ("directions", "annealing")


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    directions, annealing = tables["directions"], tables["annealing"]
    figure, axes = plt.subplots(1, 3, figsize=(style.TWO_COLUMNS, 2.3), layout="constrained")
    principal = (directions["window"] == "main") & (directions["basis"] == "principal") & (directions["source"] == "sgd")
    style.draw_or_say(axes[0], flatness_panels.draw_settings, directions[principal], "temperature", "temperature $T_i$")
    reference = annealing[annealing["reference"] & (annealing["status"] == "converged")]
    style.draw_or_say(axes[1], _through_training, reference)
    style.draw_or_say(axes[2], _against_loss, reference)
    style.letter_panels(axes)
    return figure


def _through_training(axis: Axes, rows: pd.DataFrame) -> None:
    """T_i along fixed directions, and the loss, against time; steps that all seeds reached."""
    loss = rows.drop_duplicates(["run", "step"]).pivot_table(index="run", columns="epoch", values="training_loss").dropna(axis=1)
    loss = loss.loc[:, loss.columns > 0]
    for rank, colour in style.shades(sorted(rows["rank"].unique())).items():
        part = rows[(rows["rank"] == rank) & (rows["epoch"] > 0)]
        wide = part.pivot_table(index="run", columns="epoch", values="temperature").dropna(axis=1)
        style.band(axis, wide.columns, wide, colour, label=f"$T_{{{rank}}}$")
    other = axis.twinx()
    style.band(other, loss.columns, loss, style.COLOURS["grey"], linestyle="--")
    other.set_yscale("log")
    other.spines["right"].set_visible(True)
    other.set_ylabel("training loss (dashed)", color=style.COLOURS["grey"])
    other.tick_params(axis="y", which="both", colors=style.COLOURS["grey"])
    axis.axvline(1, color=style.COLOURS["grey"], linewidth=0.6, linestyle=":")
    axis.set(xscale="log", yscale="log", xlabel="epoch", ylabel="temperature $T_i$")
    axis.legend(loc="lower center", ncols=2, handlelength=1.0, columnspacing=0.8)
    style.room_below(axis, rows["temperature"], 300)
    style.log_ticks(axis)
    style.log_ticks(other, "y")


def _against_loss(axis: Axes, rows: pd.DataFrame) -> None:
    """T_i against the loss after the first epoch, and above each decade of the loss the local exponent."""
    rows = rows[rows["epoch"] >= 1]
    for rank, colour in style.shades(sorted(rows["rank"].unique())).items():
        part = rows[rows["rank"] == rank]
        look = {"color": colour, "alpha": 0.6, "linewidths": 0, "label": f"$i$ = {rank}"}
        axis.scatter(part["training_loss"], part["temperature"], s=3, **look)
    axis.set(xscale="log", yscale="log", xlabel="training loss $L$", ylabel="temperature $T_i$")
    style.loss_falls(axis)
    style.room_below(axis, rows["temperature"], 300)
    axis.legend(loc="lower left", markerscale=2, handletextpad=0.1, ncols=2, columnspacing=0.4)
    style.log_ticks(axis)
    _write_exponents(axis, rows)


def _write_exponents(axis: Axes, rows: pd.DataFrame) -> None:
    """The exponent b of T ~ L^b in each decade of the loss: mean over directions, then over seeds with its interval."""
    fitted = local_exponents.by_series(rows, ["run", "rank"], "training_loss", "temperature", [1.0])
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * 300)
    for (start, end), part in fitted.groupby(["low", "high"]):
        mean, least, most = fits.student_interval(part.groupby("run")["exponent"].mean())
        interval = f"\n[{least:.2f},\n{most:.2f}]" if np.isfinite(most) else ""
        axis.axvline(end, ymin=0.3, color=style.COLOURS["grey"], linewidth=0.5, linestyle=":")
        place = {"transform": axis.get_xaxis_transform(), "ha": "center", "va": "top", "fontsize": 6}
        axis.text(np.sqrt(start * end), 0.99, f"$b$ = {mean:.2f}{interval}", **place)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
