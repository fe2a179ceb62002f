"""Draw yang2023_fig3: the phase diagram of shaken descent, arrival times, drift and stationary density."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgdphysics import fits
from sgdphysics.provenance import jobs
from sgdphysics.report import style

TABLES = ("phases", "bounds", "arrivals", "incidence", "drift", "stationary")
SHADES = "viridis"


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    figure, axes = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.9), layout="constrained")
    _survival(axes[0, 0], tables["phases"], tables["bounds"])
    _flatness(axes[0, 1], tables["phases"], tables["bounds"])
    _incidence(axes[0, 2], tables["incidence"])
    _medians(axes[1, 0], tables["arrivals"])
    _drift(axes[1, 1], tables["drift"])
    _stationary(axes[1, 2], tables["stationary"])
    style.letter_panels(axes.flat)
    return figure


def _map(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    return rows.pivot(index="learning_rate", columns="shift", values=column)


def _diagram(axis: Axes, rows: pd.DataFrame, column: str, label: str, colours: str) -> None:
    values = _map(rows, column)
    shades = axis.pcolormesh(values.columns, values.index, values, shading="nearest", cmap=colours, rasterized=True)
    axis.figure.colorbar(shades, ax=axis, label=label, pad=0.02, location="top", aspect=30)
    axis.set(xscale="log", yscale="log", xlabel="shift size $s$", ylabel=r"learning rate $\eta$")
    axis.set(xlim=(values.columns.min(), values.columns.max()), ylim=(values.index.min(), values.index.max()))


def _edge(bounds: pd.DataFrame, column: str) -> float:
    """Learning rate at which learning rate times curvature is 2."""
    return float(np.exp(np.interp(np.log(2), np.log(bounds[column]), np.log(bounds["learning_rate"]))))


def _anchors(axis: Axes, bounds: pd.DataFrame, colour: str) -> None:
    """Where theory has the boundary: eta curvature = 2 without shifts, and the mean-square stability of y at finite shifts."""
    for column in ("sharpest_rate", "flattest_rate"):
        axis.axhline(_edge(bounds, column), color=colour, linewidth=0.8, linestyle=":")
    stable = bounds[np.isfinite(bounds["largest_stable_shift"]) & (bounds["largest_stable_shift"] > 0)]
    axis.plot(stable["largest_stable_shift"], stable["learning_rate"], color=colour, linewidth=0.9, linestyle="--")


def _survival(axis: Axes, phases: pd.DataFrame, bounds: pd.DataFrame) -> None:
    """Share of walkers left, and where half of them are left at longer horizons and from the flattest start."""
    fine = phases[(phases["start"] == "sharp") & (phases["points"] == phases["points"].max())]
    horizon = fine["horizon_steps"].iloc[0]
    _diagram(axis, fine, "survival", f"share left after {horizon:,} steps", "Blues_r")
    _anchors(axis, bounds, style.COLOURS["red"])
    for column, place in (("flattest_rate", "flattest"), ("sharpest_rate", "sharpest")):
        look = {"color": "white", "fontsize": 6, "ha": "right", "va": "bottom"}
        axis.text(phases["shift"].max() / 1.1, 1.06 * _edge(bounds, column), rf"$\eta\lambda$ = 2, {place}", **look)
    coarse = phases[(phases["start"] == "sharp") & (phases["points"] == phases["points"].min())]
    flat = phases[phases["start"] == "flat"]
    looks = {"$T$": ("-", fine)}
    for factor, line in ((4, (0, (4, 1.5))), (16, (0, (1.5, 1.5)))):
        looks[f"{factor} $T$"] = (line, coarse[coarse["horizon_steps"] == factor * horizon])
    looks["$T$, from the flattest"] = ((0, (6, 1, 1, 1)), flat)
    handles = []
    for label, (line, rows) in looks.items():
        colour = style.COLOURS["orange"] if "flattest" in label else "black"
        values = _map(rows, "survival")
        if values.to_numpy().min() < 0.5 < values.to_numpy().max():
            axis.contour(values.columns, values.index, values, levels=[0.5], colors=[colour], linewidths=1, linestyles=[line])
        handles.append(Line2D([], [], color=colour, linestyle=line, linewidth=1, label=label))
    axis.legend(handles=handles, loc="lower left", title="half are left at", title_fontsize=6, fontsize=6, handlelength=2)


def _flatness(axis: Axes, phases: pd.DataFrame, bounds: pd.DataFrame) -> None:
    """Order parameter: mean flatness of the walkers that are left."""
    fine = phases[(phases["start"] == "sharp") & (phases["points"] == phases["points"].max())]
    _diagram(axis, fine, "relative_flatness", "flatness of those left, of the largest", SHADES)
    _anchors(axis, bounds, style.COLOURS["red"])


def _incidence(axis: Axes, rows: pd.DataFrame) -> None:
    """Share arrived (lines) and diverged (dashed) as time goes on."""
    colours = style.shades(sorted(rows["shift"].unique()), SHADES, 0, 0.9)
    for (shift, event), part in rows.groupby(["shift", "event"]):
        if part["share"].max() > 0:
            line = "-" if event == "arrived" else "--"
            axis.step(part["steps"].clip(lower=1), part["share"], where="post", color=colours[shift], linestyle=line)
    handles = [Line2D([], [], color=colour, label=f"$s$ = {shift:g}") for shift, colour in colours.items()]
    handles += [Line2D([], [], color="0.4", linestyle=line, label=name) for name, line in (("arrived", "-"), ("diverged", "--"))]
    axis.legend(handles=handles, loc="upper right", handlelength=1.2, fontsize=6)
    # Room for the legend on the right.
    axis.set(xscale="log", xlabel="step", ylabel="share of walkers", ylim=(0, 1.02), xlim=(1, rows["steps"].max() * 40))


def _medians(axis: Axes, arrivals: pd.DataFrame) -> None:
    """Median arrival time against shift size, the fitted slopes, and the thermal control."""
    looks = {"shaken": ("black", "o", "shaken descent"), "thermal": ("orange", "s", "heat bath, same noise in $y$")}
    for name, (colour, marker, label) in looks.items():
        rows = arrivals[arrivals["dynamics"] == name]
        wide = rows.pivot(index="seed", columns="shift", values="median_steps").replace(np.inf, np.nan).dropna(axis=1)
        style.band(axis, wide.columns, wide, style.COLOURS[colour], marker=marker, linestyle="")
        linear = rows[rows["linear"] & np.isfinite(rows["median_steps"])]
        fits_of_seeds = [fits.power_law(part["shift"], part["median_steps"]) for _, part in linear.groupby("seed")]
        if not fits_of_seeds:
            axis.plot([], [], color=style.COLOURS[colour], label=f"{label}: none in time")
            continue
        slope = np.mean([fit.exponent for fit in fits_of_seeds])
        line = np.array([linear["shift"].min(), linear["shift"].max()])
        height = np.exp(np.mean([np.log(fit(line)) for fit in fits_of_seeds], axis=0))
        axis.plot(line, height, color=style.COLOURS[colour], label=f"{label}: slope {slope:.2f}")
    axis.set(xscale="log", yscale="log", xlabel="shift size $s$", ylabel="median steps to a flat place")
    axis.legend(loc="lower left", fontsize=6, handlelength=1.2)
    style.room_below(axis, arrivals["median_steps"], 8)
    style.log_ticks(axis)


def _drift(axis: Axes, rows: pd.DataFrame) -> None:
    """Measured step of x in parts of the smoothing term: whole, and with y fixed; the formula as line."""
    rows = rows[rows["landscape"] == "single_valley"]
    keys = ["learning_rate", "x"]
    mean = rows.groupby(keys).mean(numeric_only=True).reset_index().sort_values("learning_rate_times_curvature")
    rate, smoothing = mean["learning_rate_times_curvature"], mean["predicted_smoothing_drift"]
    line = np.linspace(0, 1.75, 200)
    axis.plot(line, 1 + line / (2 - line), color=style.COLOURS["black"], label="formula: both terms")
    axis.plot(line, line / (2 - line), color=style.COLOURS["red"], linestyle="--", label="noise-induced term")
    axis.axhline(1, color=style.COLOURS["blue"], linestyle="--", linewidth=0.9, label="smoothing term")
    axis.plot(rate, mean["drift"] / smoothing, "o", color=style.COLOURS["black"], markersize=3)
    axis.plot(rate, (mean["drift"] - mean["smoothing_drift"]) / smoothing, "^", color=style.COLOURS["red"], markersize=3)
    axis.plot(rate, mean["smoothing_drift"] / smoothing, "s", color=style.COLOURS["blue"], markersize=2.5)
    axis.set(xlabel=r"learning rate $\times$ curvature $\eta\lambda(x)$", ylabel="drift of $x$ / smoothing term", ylim=(0, 5))
    axis.set_title(f"$s$ = {rows['shift'].iloc[0]:g}; points measured")
    axis.legend(loc="upper left", fontsize=6)


def _stationary(axis: Axes, rows: pd.DataFrame) -> None:
    """Density of x of walkers (points) and the one built from measured drift and noise (lines), means over seeds."""
    if not len(rows):
        style.say(axis, "every walker\ndiverged")
        return
    shifts = sorted(rows["shift"].unique())
    for shift, colour in zip(shifts, ("sky", "green", "red", "pink"), strict=False):
        part = rows[rows["shift"] == shift]
        place = part.groupby("seed").cumcount()
        mean = part.groupby(place)[["x", "density", "built_density"]].mean()
        visited = mean[mean["density"] > 0]
        axis.plot(visited["x"] / shift, visited["density"] * shift, "o", color=style.COLOURS[colour], markersize=2.5)
        built = mean[mean["built_density"] > mean["built_density"].max() * 1e-5]
        axis.plot(built["x"] / shift, built["built_density"] * shift, color=style.COLOURS[colour], label=f"$s$ = {shift:g}")
    axis.set(yscale="log", xlabel="$x / s$", ylabel="stationary density of $x / s$")
    axis.set_title(rf"$\eta$ = {rows['learning_rate'].iloc[0]:g}; points: walkers, lines: built")
    axis.legend(loc="upper left", fontsize=6, handlelength=1.2)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
