"""Draw yang2023_fig1: the toy landscapes, and walkers of shaken descent from the same start at several shift sizes."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from sgdphysics.provenance import jobs
from sgdphysics.report import style

TABLES = ("trajectories", "landscape")
TITLES = {"single_valley": "one valley, sharper outwards", "two_valleys": "two valleys, the right one flatter"}
COLOURS = ("sky", "orange", "red", "green", "pink", "black")


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    figure, axes = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.2), layout="constrained", width_ratios=(1.25, 1, 1))
    for row, (name, title) in zip(axes, TITLES.items(), strict=True):
        surface, walkers = (table[table["landscape"] == name] for table in (tables["landscape"], tables["trajectories"]))
        colours = dict(zip(sorted(walkers["shift"].unique()), COLOURS, strict=False))
        _landscape(row[0], surface, walkers, colours)
        row[0].set_title(title)
        _valley(row[1], surface)
        (_flatness if name == "single_valley" else _position)(row[2], surface, walkers, colours)
    axes[0, 2].legend(loc="lower right", title="shift size", title_fontsize=6.5, handlelength=1.2)
    style.letter_panels(axes.flat)
    return figure


def _landscape(axis: Axes, surface: pd.DataFrame, walkers: pd.DataFrame, colours: Mapping[float, str]) -> None:
    """The loss in grey, the line of minima, and the paths of the walkers."""
    grid = surface.pivot(index="y", columns="x", values="loss")
    levels = np.geomspace(grid.to_numpy().max() / 3e3, grid.to_numpy().max(), 12)
    drawn = np.maximum(grid, levels[0])
    shades = axis.contourf(grid.columns, grid.index, drawn, levels=levels, norm=LogNorm(), cmap="Greys", alpha=0.7)
    bar = axis.figure.colorbar(shades, ax=axis, label="loss $L$", pad=0.01, ticks=[1e-3, 1e-2, 1e-1, 1], format="%g")
    bar.ax.minorticks_off()
    axis.axhline(0, color="0.3", linewidth=0.7, linestyle="--")
    for shift, colour in colours.items():
        for _, path in walkers[walkers["shift"] == shift].groupby("walker"):
            inside = path[path["x"].abs().le(grid.columns.max()) & path["y"].abs().le(grid.index.max())]
            axis.plot(inside["x"], inside["y"], color=style.COLOURS[colour], linewidth=0.4, alpha=0.8)
    start = walkers.iloc[0]
    axis.plot(start["x"], start["y"], "ko", markersize=4, clip_on=False, zorder=5)
    axis.set(xlabel="position along the valley $x$", ylabel="across it $y$")


def _valley(axis: Axes, surface: pd.DataFrame) -> None:
    """Flatness along the line of minima."""
    along = surface.drop_duplicates("x")
    axis.plot(along["x"], along["flatness"], color=style.COLOURS["black"])
    axis.set(xlabel="position along the valley $x$", ylabel=r"flatness $F = \lambda^{-1/2}$", ylim=(0, None))


def _flatness(axis: Axes, surface: pd.DataFrame, walkers: pd.DataFrame, colours: Mapping[float, str]) -> None:
    """Flatness where each walker is."""
    for shift, colour in colours.items():
        for walker, path in walkers[(walkers["shift"] == shift) & (walkers["step"] > 0)].groupby("walker"):
            label = f"$s$ = {shift:g}" if walker == 1 else None
            axis.plot(path["step"], path["flatness"], color=style.COLOURS[colour], linewidth=0.5, alpha=0.7, label=label)
    axis.axhline(surface["flatness"].max(), color="0.5", linewidth=0.7, linestyle=":")
    axis.set(xscale="log", xlabel="step", ylabel="flatness at the walker", ylim=(0, None))


def _position(axis: Axes, surface: pd.DataFrame, walkers: pd.DataFrame, colours: Mapping[float, str]) -> None:
    """In which valley the first walker of each shift size is."""
    for shift, colour in colours.items():
        path = walkers[(walkers["shift"] == shift) & (walkers["walker"] == 1)]
        axis.plot(path["step"], path["x"], color=style.COLOURS[colour], linewidth=0.5)
    for x, name in ((1, "flatter"), (-1, "sharper")):
        axis.axhline(x, color="0.5", linewidth=0.7, linestyle=":")
        axis.text(walkers["step"].max(), 1.3 * x, name, ha="right", va="center", fontsize=6.5)
    axis.set(xlabel="step", ylabel="position along the valley $x$", ylim=(surface["x"].min(), surface["x"].max()))


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
