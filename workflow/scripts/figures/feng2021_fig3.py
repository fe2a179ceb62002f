"""Draw feng2021_fig3: the shaking landscape, its noise, and how long fluctuations live."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from sgdphysics import fits
from sgdphysics.provenance import jobs
from sgdphysics.report import flatness_panels, style

TABLES = ("directions", "correlation_times", "minibatches", "covariance", "homogeneity")
BASES = {
    "principal": ("principal, in sample", style.COLOURS["black"]),
    "held_out": ("principal, held out", style.COLOURS["blue"]),
    "hessian": ("Hessian", style.COLOURS["red"]),
}
SOURCES = ("sgd", "noise_epoch")


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    directions = tables["directions"]
    main = directions[(directions["window"] == "main") & (directions["source"] == "sgd") & (directions["status"] == "converged")]
    figure, axes = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.7), layout="constrained")
    converged = {name: rows[rows["status"] == "converged"] for name, rows in tables.items()}
    panels = [
        (_minibatches, converged["minibatches"]),
        (_covariance, converged["covariance"]),
        (_strength, main),
        (_homogeneity, converged["homogeneity"]),
        (_times, main),
        (_slopes, converged["correlation_times"]),
    ]
    for axis, (panel, rows) in zip(axes.flat, panels, strict=True):
        style.draw_or_say(axis, panel, rows)
    style.letter_panels(axes.flat)
    return figure


def _minibatches(axis: Axes, rows: pd.DataFrame) -> None:
    for batch, part in rows.groupby("batch"):
        look = {"color": style.COLOURS["red"], "linewidth": 1.6, "zorder": 3, "label": "all training images"}
        if batch:
            look = {
                "color": style.COLOURS["blue"],
                "linewidth": 0.5,
                "alpha": 0.7,
                "label": "mini-batches" if batch == 1 else None,
            }
        axis.plot(part["offset"], part["loss"], **look)
    axis.set(yscale="log", xlabel=f"distance along component {rows['rank'].iloc[0]}", ylabel="loss")
    axis.legend(loc="upper center")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * 8)
    style.log_ticks(axis, "y")


def _covariance(axis: Axes, rows: pd.DataFrame) -> None:
    wide = rows.pivot_table(index="rank", columns="other_rank", values="covariance").abs()
    if not wide.iloc[0, 0] > 0:
        style.say(axis, "no noise along the\nfirst Hessian direction")
        return
    ratio = wide / wide.iloc[0, 0]
    image = axis.imshow(ratio, norm=LogNorm(1e-3, 1), cmap="magma", interpolation="nearest")
    axis.figure.colorbar(image, ax=axis, label="$|C_{ij}| / C_{11}$", shrink=0.8, aspect=25, pad=0.02)
    axis.set_xticks(range(len(ratio)), ratio.columns, rotation=90)
    axis.set_yticks(range(len(ratio)), ratio.index)
    axis.tick_params(labelsize=5, length=2)
    axis.set(xlabel="Hessian direction $j$", ylabel="Hessian direction $i$", title="noise covariance, measured ranks")


def _strength(axis: Axes, rows: pd.DataFrame) -> None:
    rows = flatness_panels.fitted(rows)
    for basis in ("principal", "hessian"):
        part, (label, colour) = rows[rows["basis"] == basis], BASES[basis]
        slopes = [fits.power_law(run["flatness"], run["temperature"]).exponent for _, run in part.groupby("run")]
        mean, low, high = fits.student_interval(slopes)
        text = f"{label.split(',')[0]}: slope {mean:.2f}\n[{low:.2f}, {high:.2f}]"
        axis.scatter(part["flatness"], part["temperature"], s=3, color=colour, alpha=0.5, linewidths=0, label=text, rasterized=True)
    level = float(np.exp(np.log(rows["temperature"]).mean()))
    axis.axhline(level, color=style.COLOURS["grey"], linestyle="--", linewidth=0.8, label="heat bath: slope 0")
    axis.set(xscale="log", yscale="log", xlabel="flatness $F_i$", ylabel="temperature $T_i$")
    style.room_below(axis, rows["temperature"], 25)
    axis.legend(loc="lower left", markerscale=2, handletextpad=0.2)
    style.log_ticks(axis)


def _homogeneity(axis: Axes, rows: pd.DataFrame) -> None:
    positions = sorted({0.0, *rows["position"]})
    for rank, colour in style.shades(sorted(rows["rank"].unique())).items():
        wide = rows[rows["rank"] == rank].pivot_table(index="run", columns="position", values="temperature")
        wide = wide.reindex(columns=positions).dropna()  # without runs whose flat region has an edge on one side only
        style.band(axis, wide.columns, wide.div(wide[0.0], axis=0), colour, label=f"$i$ = {rank}", marker="o", markersize=2)
    axis.axhline(1, color=style.COLOURS["grey"], linestyle="--", linewidth=0.8)
    axis.text(-1.0, 0.7, "heat bath", color=style.COLOURS["grey"], ha="left", va="top", fontsize=6.5)
    axis.set(yscale="log", xlabel="position along component $i$\n(−1 and 1: edges of the flat region)", ylabel="$T_i / T_i(w_0)$")
    axis.legend(loc="upper center", ncols=2, handlelength=1.0, columnspacing=0.8)
    low, high = axis.get_ylim()
    axis.set_ylim(min(low, 0.35), high * 20)  # with room for the text
    style.log_ticks(axis, "y")


def _times(axis: Axes, rows: pd.DataFrame) -> None:
    rows = flatness_panels.fitted(rows)
    for basis, (label, colour) in BASES.items():
        part = rows[rows["basis"] == basis]
        times = part["relaxation_time_steps"]
        axis.scatter(part["flatness"], times, s=3, color=colour, alpha=0.4, linewidths=0, label=label, rasterized=True)
    axis.set(xscale="log", yscale="log", xlabel="flatness $F_i$", ylabel=r"relaxation time $\tau_i$, steps")
    style.room_below(axis, rows["relaxation_time_steps"], 4)
    axis.legend(loc="lower left", markerscale=2, handletextpad=0.2)
    style.log_ticks(axis)


def _slopes(axis: Axes, rows: pd.DataFrame) -> None:
    """Slope of ln tau on ln F by basis, length of the window and source: mean and 95 % interval over seeds."""
    windows, ticks = sorted(rows["window_epochs"].unique()), []
    for row, (basis, epochs) in enumerate((basis, epochs) for basis in BASES for epochs in windows):
        _, colour = BASES[basis]
        ticks.append(f"{epochs:g}")
        chosen = rows[(rows["basis"] == basis) & (rows["window_epochs"] == epochs)]
        for (source, time), values in chosen[chosen["source"].isin(SOURCES)].groupby(["source", "time"])["exponent"]:
            height = row + (0.2 if time == "integrated" else -0.2)
            mean, low, high = fits.student_interval(values)
            fill = colour if source == "sgd" else "none"
            axis.plot([low, high], [height] * 2, color=colour, linewidth=0.8)
            marker = "o" if time == "relaxation" else "D"
            axis.plot([mean], [height], marker=marker, color=colour, markerfacecolor=fill, markersize=3)
    axis.axvline(0, color=style.COLOURS["grey"], linewidth=0.6)
    axis.set_yticks(range(len(ticks)), ticks)
    axis.set_ylim(len(ticks) + 0.25 * len(BASES) * len(windows), -0.6)  # with room for the legend
    beside = {"transform": axis.get_yaxis_transform(), "rotation": 90, "ha": "center", "va": "center", "fontsize": 5.5}
    for group, (label, colour) in enumerate(BASES.values()):
        axis.text(-0.15, (group + 0.5) * len(windows) - 0.5, label.removeprefix("principal, "), color=colour, **beside)
    looks = {"SGD": ("o", "0.3"), "frozen noise": ("o", "none"), "integrated time": ("D", "0.3")}
    for label, (marker, fill) in looks.items():
        axis.plot([], [], marker=marker, color="0.3", markerfacecolor=fill, linestyle="", label=label)
    axis.set_xlabel(r"slope of $\ln \tau_i$ on $\ln F_i$")
    axis.set_ylabel("length of window, epochs", labelpad=12)
    axis.legend(loc="lower left", handletextpad=0.1)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
