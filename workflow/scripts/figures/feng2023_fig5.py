"""Draw feng2023_fig5: where every regularizer leads in the plane of sharpness and size, and which part of the gap it changes."""

from collections.abc import Mapping
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgdphysics import sweeps
from sgdphysics.fits import student_interval
from sgdphysics.provenance import jobs
from sgdphysics.report import panels, published_panels, style

TABLES = ("gauges", "published")
SPREADS = ["weight_spread", "slope_spread"]
MARGIN = 0.25  # around the map, for intervals
COMPARISONS = {"equal_loss": "equal training loss", "equal_epochs": "equally many epochs"}
SLOPES = {"parallel": "parallel slopes", "path_averaged": "path-averaged slopes"}


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 8.8), layout="constrained")
    axes = figure.subplot_mosaic("ab;cd;ee", height_ratios=[1.4, 1.4, 1])
    for names, (slopes, words) in zip(("ab", "cd"), SLOPES.items(), strict=True):
        changes = _changes(tables["gauges"], slopes)
        for name, comparison in zip(names, COMPARISONS, strict=True):
            style.draw_or_say(axes[name], _map, changes[changes["comparison"] == comparison], f"{COMPARISONS[comparison]}, {words}")
    handles = [plt.Line2D([], [], marker="o", color=panels.colour_of(sweep), label=panels.NAMES[sweep]) for sweep in panels.COLOURS]
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
    style.draw_or_say(axes["e"], _parts_of_gap, published_panels.of_all_sweeps(tables["published"]))
    style.letter_panels(axes.values())
    return figure


def _changes(gauges: pd.DataFrame, slopes: str) -> pd.DataFrame:
    """What each dose changes, where it is decided, by one kind of slopes; rows without a number of both left out."""
    rows = sweeps.effects(gauges[gauges["slopes"] == slopes].drop(columns="deciding"), SPREADS)
    return rows[rows["deciding"].astype(bool) & np.isfinite(rows[SPREADS].astype(float)).all(axis=1)]


def _map(axis: Axes, rows: pd.DataFrame, title: str) -> None:
    """Every sweep from its weakest dose: change of ln size and of ln sharpness, means over seeds with intervals."""
    ends = [np.zeros(2)]
    for sweep in panels.COLOURS:
        of_sweep = rows[rows["sweep"] == sweep]
        doses = sweeps.in_order(sweep, of_sweep["dose"].tolist())
        course = [np.zeros(2), *(_draw_dose(axis, of_sweep[of_sweep["dose"] == dose], panels.colour_of(sweep)) for dose in doses)]
        for start, end in pairwise(course):
            look = {"arrowstyle": "-|>", "color": panels.colour_of(sweep), "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
            axis.annotate("", end, start, arrowprops=look)
        ends += course
    low, high = np.min(ends, axis=0) - MARGIN, np.max(ends, axis=0) + MARGIN
    _draw_equal_products(axis, low, high)
    axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), title=title)
    axis.set(xlabel="$e_w$: change of ln size $s_w$", ylabel="$e_g$: change of ln sharpness $s_g$")


def _draw_dose(axis: Axes, rows: pd.DataFrame, colour: str) -> np.ndarray:
    """One dose with its intervals; returns its place."""
    (x, *width), (y, *height) = (student_interval(rows[column]) for column in SPREADS)
    axis.plot(width, [y, y], color=colour, linewidth=0.8, alpha=0.7)
    axis.plot([x, x], height, color=colour, linewidth=0.8, alpha=0.7)
    axis.plot(x, y, "o", color=colour, markersize=2.5)
    return np.array([x, y])


def _draw_equal_products(axis: Axes, low: np.ndarray, high: np.ndarray) -> None:
    """Lines of equal s_g s_w in steps of a factor of the square root of 2, and the place of the weakest dose."""
    for change in np.arange(-20, 21) * np.log(2) / 2:
        axis.plot([low[0], high[0]], [change - low[0], change - high[0]], color="0.85", linestyle="--", linewidth=0.6, zorder=0)
    axis.axhline(0, color="0.6", linewidth=0.6, zorder=0)
    axis.axvline(0, color="0.6", linewidth=0.6, zorder=0)


def _parts_of_gap(axis: Axes, rows: pd.DataFrame) -> None:
    """The two parts of the gap at every dose of every sweep, side by side."""
    labels, place = {}, 0
    for sweep in panels.COLOURS:
        of_sweep = rows[rows["sweep"] == sweep]
        doses = sweeps.in_order(sweep, of_sweep["dose"].tolist())
        places = dict(zip(doses, range(place, place + len(doses)), strict=True))
        for column, colour in (published_panels.SHARP, published_panels.FLAT):
            published_panels.draw_means(axis, places, of_sweep, column, style.COLOURS[colour])
        if doses:
            axis.text(
                np.mean(list(places.values())),
                1.01,
                panels.NAMES[sweep],
                ha="center",
                fontsize=6.5,
                transform=axis.get_xaxis_transform(),
            )
        labels |= {where: f"{dose:g}" for dose, where in places.items()}
        place += max(len(doses), 3) + 1
    for label, colour in ((r"ten directions of largest $\sigma_g$", "red"), ("all others", "blue")):
        axis.plot([], [], "o-", color=style.COLOURS[colour], label=label)
    axis.set(xticks=list(labels), ylabel=r"part of the gap, $\Delta L$", yscale="log")
    axis.set_xticklabels(list(labels.values()), rotation=90)
    style.log_ticks(axis, "y")
    axis.legend(loc="upper left")


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
