"""Draw yang2023_fig2: the effective loss along the valley by theory, grid and simulation."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgdphysics import fits
from sgdphysics.provenance import jobs
from sgdphysics.report import style

TABLES = ("densities", "slopes", "grid", "grid_slopes", "current", "two_valleys")
COLOURS = ("sky", "black", "green", "orange", "red", "pink", "blue")
TOLERANCE = 0.05  # of the slope, relative to max(1, |kappa - 1|): the margin of the claim


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    figure, axes = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.8), layout="constrained")
    slopes, grid_slopes = tables["slopes"], tables["grid_slopes"]
    colours = {kappa: style.COLOURS[c] for kappa, c in zip(sorted(slopes["kappa"].unique()), COLOURS, strict=False)}
    deciding = slopes.loc[slopes["deciding"], "diffusion"].min()
    for axis, column, sign in ((axes[0, 0], "joint_density", -1), (axes[0, 1], "marginal_density", 1)):
        parts = (table[table["diffusion"] == deciding] for table in (tables["densities"], tables["grid"]))
        _against_flatness(axis, *parts, column, sign, colours)
    axes[0, 0].set(ylabel=r"$-\ln P(x, 0)$ + const.", title=rf"joint density, $\Delta$ = {deciding:g}")
    axes[0, 1].set(ylabel="$\\ln P(x)$ + const.", title=rf"marginal density, $\Delta$ = {deciding:g}")
    lines = [Line2D([], [], color=c, label=rf"$\kappa$ = {kappa:g}") for kappa, c in colours.items()]
    axes[0, 0].legend(handles=lines, loc="upper right", handlelength=1)
    ways = {"theory": {"linestyle": ":"}, "grid": {}, "simulation": {"linestyle": "", "marker": "o"}}
    axes[0, 1].legend(handles=[Line2D([], [], color="0.3", label=name, **look) for name, look in ways.items()], loc="lower right")
    _slopes(axes[0, 2], slopes[slopes["deciding"]], grid_slopes[grid_slopes["deciding"]])
    _breakdown(axes[1, 0], slopes, grid_slopes, colours)
    current = tables["current"]
    shown = current["kappa"][(current["kappa"] - 4).abs().idxmin()]  # one that is not in equilibrium
    _current(axes[1, 1], current[current["kappa"] == shown])
    _two_valleys(axes[1, 2], tables["two_valleys"], colours)
    style.letter_panels(axes.flat)
    return figure


def _against_flatness(
    axis: Axes, densities: pd.DataFrame, grid: pd.DataFrame, column: str, sign: int, colours: Mapping[float, str]
) -> None:
    """Density against ln F, zero at the flattest place: theory dotted, grid as line, walkers of all seeds as points."""
    for kappa, colour in colours.items():
        solved = grid[(grid["kappa"] == kappa) & (grid["x"] >= 0)]
        top = np.log(solved[column].iloc[0])
        ends = np.array([np.log(solved["flatness"]).min(), 0])
        power = 1 - kappa if sign < 0 else kappa
        axis.plot(ends, power * ends, color=colour, linestyle=":", linewidth=0.9)
        axis.plot(np.log(solved["flatness"]), sign * (np.log(solved[column]) - top), color=colour)
        walkers = densities[densities["kappa"] == kappa]
        mean = walkers.assign(x=walkers["x"].abs().round(9)).groupby("x")[["flatness", column]].mean()
        mean = mean[mean[column] > 0].iloc[::2]
        axis.plot(np.log(mean["flatness"]), sign * (np.log(mean[column]) - top), "o", color=colour, markersize=2.5)
    axis.set(xlabel=r"$\ln F(x)$ (relative to the flattest)")


def _slopes(axis: Axes, slopes: pd.DataFrame, grid_slopes: pd.DataFrame) -> None:
    """Both slopes against kappa: theory as lines, grid as crosses, simulation with 95 % intervals over seeds."""
    both = slopes[slopes["start"] == "both"]
    kappas = np.array(sorted(both["kappa"].unique()))
    looks = {
        "joint": ("red", "of $-\\ln P(x, 0)$: $1 - \\kappa$"),
        "marginal": ("blue", "of $\\ln P(x)$: $\\kappa$"),
    }
    for name, (colour, label) in looks.items():
        line = np.linspace(kappas.min(), kappas.max(), 50)
        axis.plot(line, 1 - line if name == "joint" else line, ":", color=style.COLOURS[colour], label=label)
        axis.plot(grid_slopes["kappa"], grid_slopes[f"{name}_slope"], "x", color=style.COLOURS[colour], markersize=6)
        for kappa, rows in both.groupby("kappa"):
            mean, low, high = fits.student_interval(rows[f"{name}_slope"])
            axis.errorbar(kappa, mean, [[mean - low], [high - mean]], fmt="o", color=style.COLOURS[colour], markersize=3)
    axis.axhline(0, color="0.6", linewidth=0.6)
    axis.set(xlabel=r"$\kappa$ = noise in $y$ / noise in $x$", ylabel="slope on $\\ln F$")
    axis.legend(loc="upper left")


def _breakdown(axis: Axes, slopes: pd.DataFrame, grid_slopes: pd.DataFrame, colours: Mapping[float, str]) -> None:
    """How far the joint slope is from theory as the noise grows and y is no longer fast."""
    axis.axhspan(-TOLERANCE, TOLERANCE, color="0.9", linewidth=0)
    for kappa, colour in colours.items():
        scale = max(1.0, abs(kappa - 1))
        solved = grid_slopes[grid_slopes["kappa"] == kappa].sort_values("diffusion")
        axis.plot(solved["diffusion"], (solved["joint_slope"] - solved["predicted_joint_slope"]) / scale, color=colour)
        rows = slopes[(slopes["kappa"] == kappa) & (slopes["start"] == "both")]
        for diffusion, part in rows.groupby("diffusion"):
            mean, low, high = fits.student_interval((part["joint_slope"] - part["predicted_joint_slope"]) / scale)
            axis.errorbar(diffusion, mean, [[mean - low], [high - mean]], fmt="o", color=colour, markersize=2.5)
    axis.axhline(0, color="0.6", linewidth=0.6)
    axis.set(xscale="log", xlabel=r"noise strength $\Delta$", ylabel="relative error of the slope in a")


def _current(axis: Axes, rows: pd.DataFrame) -> None:
    """Stationary probability current over the density."""
    density, along, across = (rows.pivot(index="y", columns="x", values=name) for name in ("density", "current_x", "current_y"))
    floor = density.to_numpy().max() * 1e-4
    levels = np.geomspace(floor, density.to_numpy().max(), 13)
    drawn = np.maximum(density, floor)
    shades = axis.contourf(density.columns, density.index, drawn, levels=levels, norm=LogNorm(), cmap="Blues")
    low, high = np.log10(floor), np.log10(levels[-1])
    ticks = [10.0**power for power in range(int(np.ceil(low)), int(np.floor(high)) + 1)]
    kappa, diffusion = rows["kappa"].iloc[0], rows["diffusion"].iloc[0]
    label = rf"joint density, $\kappa$ = {kappa:g}, $\Delta$ = {diffusion:g}"
    bar = axis.figure.colorbar(shades, ax=axis, label=label, pad=0.02, aspect=30, location="top", ticks=ticks, format="%g")
    bar.ax.minorticks_off()
    x, y = (
        np.linspace(rows["x"].min(), rows["x"].max(), len(along.columns)),
        np.linspace(rows["y"].min(), rows["y"].max(), len(along)),
    )
    strength = np.hypot(along.to_numpy(), across.to_numpy())
    axis.streamplot(
        x,
        y,
        along.to_numpy(),
        across.to_numpy(),
        color=style.COLOURS["red"],
        linewidth=0.2 + 1.3 * np.sqrt(strength / strength.max()),
        density=0.8,
        arrowsize=0.6,
    )
    limit = 3.5 * float(np.sqrt((density.sum(axis=1) * density.index**2).sum() / density.to_numpy().sum()))
    axis.set(xlabel="position along the valley $x$", ylabel="across it $y$", xlim=(x[0], x[-1]), ylim=(-limit, limit))


def _two_valleys(axis: Axes, rows: pd.DataFrame, colours: Mapping[float, str]) -> None:
    """Effective loss along the line of minima, where the loss itself is zero."""
    for kappa, colour in colours.items():
        part = rows[rows["kappa"] == kappa]
        effective = -part["diffusion"] * np.log(part["joint_density"])
        theory = part["diffusion"] * (1 - kappa) * np.log(part["flatness"])
        zero = (part["x"] + 1).abs().argmin()  # the bottom of the sharper valley
        axis.plot(part["x"], effective - effective.iloc[zero], color=colour)
        axis.plot(part["x"], theory - theory.iloc[zero], color=colour, linestyle=":", linewidth=0.9)
    axis.set(xlabel="position along the valley $x$", ylabel=r"$-\Delta \ln P(x, 0)$ + const.")
    axis.set_title(rf"two valleys, $\Delta$ = {rows['diffusion'].iloc[0]:g}")
    axis.axvline(1, color="0.7", linewidth=0.6)
    axis.text(1, 0.98, "flatter", transform=axis.get_xaxis_transform(), ha="center", va="top", fontsize=6.5)
    axis.text(-1, 0.98, "sharper", transform=axis.get_xaxis_transform(), ha="center", va="top", fontsize=6.5)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
