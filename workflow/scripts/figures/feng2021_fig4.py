"""Draw feng2021_fig4: effective temperature against flatness and through training."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sgdphysics import fits
from sgdphysics.provenance import jobs
from sgdphysics.report import style
from sgdphysics.tables import load_table


def draw(tables: Mapping[str, pd.DataFrame], *paths: Path) -> None:
    """Draw the figure from its tables and save it."""
    style.use_theme()
    directions, annealing = tables["directions"], tables["annealing"]
    figure, axes = plt.subplots(1, 3, figsize=(style.TWO_COLUMNS, 2.3), layout="constrained")
    principal = (directions["window"] == "main") & (directions["basis"] == "principal") & (directions["source"] == "sgd")
    style.draw_or_say(axes[0], _against_flatness, directions[principal])
    reference = annealing[annealing["reference"] & (annealing["status"] == "converged")]
    style.draw_or_say(axes[1], _through_training, reference)
    style.draw_or_say(axes[2], _against_loss, reference)
    style.letter_panels(axes)
    style.save(figure, *paths)


def _against_flatness(axis: Axes, rows: pd.DataFrame) -> None:
    """Geometric means over seeds at each rank, every setting."""
    rows = rows[rows["fitted"] & np.isfinite(rows["flatness"])]
    look = style.SettingLook(rows["learning_rate"], rows["batch_size"])
    for (rate, size), part in rows.groupby(["learning_rate", "batch_size"]):
        means = np.exp(np.log(part[["flatness", "temperature"]]).groupby(part["rank"]).mean())
        look.scatter(axis, rate, size, means["flatness"], means["temperature"], hollow=(part["status"] != "converged").any())
    look.legend(axis)
    axis.set(xscale="log", yscale="log", xlabel="flatness $F_i$", ylabel="temperature $T_i$")
    axis.set_ylim(rows["temperature"].min() / 30, None)
    style.log_ticks(axis)


def _colours(ranks: list[int]) -> dict[int, tuple[float, ...]]:
    return dict(zip(ranks, plt.get_cmap("viridis")(np.linspace(0, 0.85, len(ranks))), strict=True))


def _through_training(axis: Axes, rows: pd.DataFrame) -> None:
    """T_i along fixed directions, and the loss, against time; steps that all seeds reached."""
    loss = rows.drop_duplicates(["run", "step"]).pivot_table(index="run", columns="epoch", values="training_loss").dropna(axis=1)
    loss = loss.loc[:, loss.columns > 0]
    for rank, colour in _colours(sorted(rows["rank"].unique())).items():
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
    axis.set_ylim(rows["temperature"].min() / 300, None)
    style.log_ticks(axis)
    style.log_ticks(other, "y")


def _against_loss(axis: Axes, rows: pd.DataFrame) -> None:
    """T_i against the loss after the first epoch; slope of each direction, mean over seeds."""
    rows = rows[rows["epoch"] >= 1]
    for rank, colour in _colours(sorted(rows["rank"].unique())).items():
        part = rows[rows["rank"] == rank]
        slope = np.mean([fits.power_law(run["training_loss"], run["temperature"]).exponent for _, run in part.groupby("run")])
        label = f"$i$ = {rank}: $L^{{{slope:.2f}}}$"
        axis.scatter(part["training_loss"], part["temperature"], s=3, color=colour, alpha=0.6, linewidths=0, label=label)
    axis.invert_xaxis()
    axis.set(xscale="log", yscale="log", xlabel="training loss $L$", ylabel="temperature $T_i$")
    axis.set_ylim(rows["temperature"].min() / 300, None)
    axis.legend(loc="lower left", markerscale=2, handletextpad=0.1, ncols=2, columnspacing=0.4)
    style.log_ticks(axis)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        names = ("directions", "annealing")
        draw({name: load_table(snakemake.input[name]) for name in names}, *map(Path, snakemake.output))
