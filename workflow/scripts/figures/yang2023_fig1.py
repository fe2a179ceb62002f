"""Draw yang2023_fig1: the toy landscapes, and walkers of shaken descent from the same start at several shift sizes."""

from collections.abc import Mapping
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgdphysics.provenance import jobs
from sgdphysics.report import style

TABLES = ("trajectories", "landscape")
TITLES = {"single_valley": "one valley, sharper outwards", "two_valleys": "two valleys, the right one flatter"}
COLOURS = ("sky", "orange", "red", "green", "pink", "black")


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    figure, axes = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.4), layout="constrained", width_ratios=(1.25, 1, 1))
    for row, (name, title) in zip(axes, TITLES.items(), strict=True):
        surface, walkers = (table[table["landscape"] == name] for table in (tables["landscape"], tables["trajectories"]))
        colours = {shift: style.COLOURS[name] for shift, name in zip(sorted(walkers["shift"].unique()), COLOURS, strict=False)}
        _landscape(row[0], surface, walkers, colours)
        row[0].set_title(title)
        _valley(row[1], surface)
        (_flatness if name == "single_valley" else _position)(row[2], surface, walkers, colours)
    figure.legend(handles=_legend(colours), loc="outside lower center", ncols=5, columnspacing=2)
    style.letter_panels(axes.flat)
    return figure


def _legend(colours: Mapping[float, str]) -> list[Line2D]:
    point = partial(Line2D, [], [], linestyle="", marker="o")
    return [
        *(point(color=colour, label=f"shift size $s$ = {shift:g}") for shift, colour in colours.items()),
        point(color="black", markersize=4, label="start"),
        Line2D([], [], color="0.3", linewidth=0.7, linestyle="--", label="line of minima"),
    ]


def _landscape(axis: Axes, surface: pd.DataFrame, walkers: pd.DataFrame, colours: Mapping[float, str]) -> None:
    """The loss in grey, the line of minima, and one walker of each shift size at every recorded step."""
    grid = surface.pivot(index="y", columns="x", values="loss")
    levels = np.geomspace(grid.to_numpy().max() / 3e3, grid.to_numpy().max(), 12)
    drawn = np.maximum(grid, levels[0])
    shades = axis.contourf(grid.columns, grid.index, drawn, levels=levels, norm=LogNorm(), cmap="Greys", alpha=0.7)
    bar = axis.figure.colorbar(shades, ax=axis, label="loss $L$", pad=0.01, ticks=[1e-3, 1e-2, 1e-1, 1], format="%g")
    bar.ax.minorticks_off()
    axis.axhline(0, color="0.3", linewidth=0.7, linestyle="--")
    for shift in sorted(colours, reverse=True):  # the wider they are spread the farther below
        path = walkers[(walkers["shift"] == shift) & (walkers["walker"] == 1)]
        inside = path[path["x"].abs().le(grid.columns.max()) & path["y"].abs().le(grid.index.max())]
        axis.plot(inside["x"], inside["y"], ".", color=colours[shift], markersize=3, markeredgewidth=0, alpha=0.8)
    start = walkers.iloc[0]
    axis.plot(start["x"], start["y"], "ko", markersize=4, clip_on=False, zorder=5)
    axis.set(xlabel="position along the valley $x$", ylabel="across it $y$")


def _valley(axis: Axes, surface: pd.DataFrame) -> None:
    """Flatness along the line of minima."""
    along = surface.drop_duplicates("x")
    axis.plot(along["x"], along["flatness"], color=style.COLOURS["black"])
    axis.set(xlabel="position along the valley $x$", ylabel=r"flatness $F = \lambda^{-1/2}$", ylim=(0, None))


def _flatness(axis: Axes, surface: pd.DataFrame, walkers: pd.DataFrame, colours: Mapping[float, str]) -> None:
    """Flatness where each walker is, at steps that are evenly spaced on the logarithmic axis."""
    for shift, colour in colours.items():
        for _, path in walkers[(walkers["shift"] == shift) & (walkers["step"] > 0)].groupby("walker"):
            drawn = path.iloc[np.unique(np.geomspace(1, len(path), 40).round().astype(int)) - 1]
            axis.plot(drawn["step"], drawn["flatness"], color=colour, linewidth=0.8, alpha=0.8)
    axis.axhline(surface["flatness"].max(), color="0.5", linewidth=0.7, linestyle=":")
    axis.set(xscale="log", xlabel="step", ylabel="flatness at the walker", ylim=(0, None))


def _position(axis: Axes, surface: pd.DataFrame, walkers: pd.DataFrame, colours: Mapping[float, str]) -> None:
    """In which valley the first walker of each shift size is."""
    for shift in sorted(colours, reverse=True):  # the wider they are spread the farther below
        path = walkers[(walkers["shift"] == shift) & (walkers["walker"] == 1)]
        axis.plot(path["step"], path["x"], ".", color=colours[shift], markersize=3, markeredgewidth=0)
    for x, name in ((1, "flatter"), (-1, "sharper")):
        axis.axhline(x, color="0.5", linewidth=0.7, linestyle=":")
        axis.text(walkers["step"].max(), 1.3 * x, name, ha="right", va="center", fontsize=6.5, clip_on=True)
    axis.set(xlabel="step", ylabel="position along the valley $x$", ylim=(surface["x"].min(), surface["x"].max()))


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
