"""Draw yang2023_fig3: shaken descent and its controls: the edge, arrival times, drift, two valleys and stationary density."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from sgdphysics import fits
from sgdphysics.provenance import jobs
from sgdphysics.report import style

TABLES = (
    "phases",
    "bounds",
    "arrivals",
    "incidence",
    "drift",
    "stationary",
    "controls",
    "smoothing",
    "two_valleys",
    "order_parameter",
    "edge",
)
SHADES = "viridis"
OUTLINE = withStroke(linewidth=1.2, foreground="0.25")  # of white words, for where the map is white too
HORIZONS = ("black", "orange", "sky", "green", "pink")  # colours, from the shortest on
FEWEST = 0.05  # share left, of which a mean flatness is drawn
SHAKEN, SMOOTHED = "black", "blue"
HEAT_BATHS = {  # colour, marker and name
    "thermal_local": ("orange", "s", "heat bath, local strength"),
    "thermal": ("grey", "D", "heat bath, strength of the flattest"),
    "thermal_across": ("red", "^", "local noise across only"),
}
VALLEYS = {"shaken": ("o", "-", "shaken descent"), "thermal_local": ("s", ":", "heat bath, local strength")}


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 7.6), layout="constrained")
    grid = figure.add_gridspec(3, 3, height_ratios=(1.1, 1.35, 1.1))
    times = grid[1, 0].subgridspec(2, 1, height_ratios=(1.7, 1))
    axes = {place: figure.add_subplot(grid[place]) for place in np.ndindex(3, 3) if place != (1, 0)}
    axes[1, 0], below = figure.add_subplot(times[0]), figure.add_subplot(times[1])
    _survival(axes[0, 0], tables["phases"], tables["bounds"])
    _measured_edge(axes[0, 1], tables["edge"])
    _order_parameter(axes[0, 2], tables["order_parameter"], tables["arrivals"]["learning_rate"])
    _times(axes[1, 0], below, tables["arrivals"], tables["controls"], tables["smoothing"])
    _incidence(axes[1, 1], tables["incidence"])
    _drift(axes[1, 2], tables["drift"])
    _flatness(axes[2, 0], tables["phases"], tables["bounds"])
    _two_valleys(axes[2, 1], tables["two_valleys"])
    _stationary(axes[2, 2], tables["stationary"])
    style.letter_panels(axes[place] for place in np.ndindex(3, 3))
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
    """Share of walkers left, and where half of them are."""
    fine = phases[(phases["start"] == "sharp") & (phases["points"] == phases["points"].max())]
    _diagram(axis, fine, "survival", f"share left after {fine['horizon_steps'].iloc[0]:,} steps", "Blues_r")
    _anchors(axis, bounds, style.COLOURS["red"])
    for column, place in (("flattest_rate", "flattest"), ("sharpest_rate", "sharpest")):
        look = {"color": "white", "fontsize": 6, "ha": "right", "va": "bottom", "path_effects": [OUTLINE]}
        axis.text(phases["shift"].max() / 1.1, 1.06 * _edge(bounds, column), rf"$\eta\lambda$ = 2, {place}", **look)
    values = _map(fine, "survival")
    if values.to_numpy().min() < 0.5 < values.to_numpy().max():
        axis.contour(values.columns, values.index, values, levels=[0.5], colors=["black"], linewidths=1)
    looks = {"half are left": ("black", "-"), "mean-square bound": (style.COLOURS["red"], "--")}
    handles = [Line2D([], [], color=colour, linestyle=line, linewidth=1, label=name) for name, (colour, line) in looks.items()]
    axis.legend(handles=handles, loc="lower left", fontsize=6, handlelength=2)


def _measured_edge(axis: Axes, edge: pd.DataFrame) -> None:
    """Where half of the walkers are lost, in parts of the bound, for each horizon."""
    rows = edge[edge["status"] == "measured"]
    if not len(rows):
        style.say(axis, "no edge among\nthe shifts measured")
        return
    for (horizon, part), colour in zip(rows.groupby("horizon_steps"), HORIZONS, strict=False):
        wide = part.pivot(index="seed", columns="learning_rate", values="relative_half_lost_shift").dropna(axis=1)
        look = {"marker": "o", "label": f"{horizon:,} steps"}
        style.band(axis, wide.columns, wide, style.COLOURS[colour], **look)
    axis.axhline(1, color=style.COLOURS["red"], linestyle="--", linewidth=0.9)
    axis.text(
        0.03, 0.985, "mean-square bound", color=style.COLOURS["red"], fontsize=6, va="top", transform=axis.get_yaxis_transform()
    )
    axis.set(xscale="log", xlabel=r"learning rate $\eta$", ylabel="shift that loses half / bound", ylim=(0, 1.05))
    axis.legend(loc="lower left", fontsize=6, title="lost within", title_fontsize=6, handlelength=1.4)


def _order_parameter(axis: Axes, rows: pd.DataFrame, learning_rates: pd.Series) -> None:
    """Flatness of those left and share left across the edge, at the learning rate nearest to that of the other panels."""
    if not len(rows):
        style.say(axis, "no edge to cross")
        return
    nearest = min(rows["learning_rate"].unique(), key=lambda rate: abs(np.log(rate / learning_rates.iloc[0])))
    rows = rows[rows["learning_rate"] == nearest]
    valley = rows[rows["landscape"] == "single_valley"]
    for (horizon, part), colour in zip(valley.groupby("horizon_steps"), HORIZONS, strict=False):
        for column, line, marker in (("relative_flatness", "-", "o"), ("survival", "--", "")):
            wide = part.pivot(index="seed", columns="relative_shift", values=column)
            wide = wide.loc[:, part.groupby("relative_shift")["survival"].mean() >= FEWEST]
            style.band(axis, wide.columns, wide, style.COLOURS[colour], linestyle=line, marker=marker, markersize=2)
        axis.plot([], [], color=style.COLOURS[colour], label=f"{horizon:,} steps")
    constant = rows[(rows["landscape"] == "constant")].groupby("relative_shift")["survival"].mean()
    axis.plot(constant.index, constant, color="0.6", linewidth=2.5, zorder=0, label="constant\ncurvature, both")
    axis.plot([], [], color="0.3", marker="o", markersize=2, label="flatness of\nthose left")
    axis.plot([], [], color="0.3", linestyle="--", label="share left")
    axis.set(xlabel="shift size / mean-square bound", ylabel="share left; flatness / largest", ylim=(0, 1.05), xlim=(0, None))
    axis.set_title(rf"$\eta$ = {nearest:g}")
    axis.legend(loc="lower left", fontsize=6, handlelength=1.6)


def _times(above: Axes, below: Axes, arrivals: pd.DataFrame, controls: pd.DataFrame, smoothing: pd.DataFrame) -> None:
    """Median arrival time against shift size, of shaken descent and of its controls; below in parts of that of shaken descent."""
    both = pd.concat([arrivals, controls], ignore_index=True)
    if not np.isfinite([*both["median_steps"], *smoothing["arrival_steps"]]).any():
        style.say(above, "nobody arrived in time")
        below.set_axis_off()
        return
    shaken = _medians(both, "shaken")
    style.band(above, shaken.columns, shaken, style.COLOURS[SHAKEN], marker="o", label=_with_slope(arrivals))
    alone = smoothing[np.isfinite(smoothing["arrival_steps"])].set_index("shift")["arrival_steps"]
    above.plot(alone.index, alone, color=style.COLOURS[SMOOTHED], label="smoothing only, no noise")
    below.axhline(1, color=style.COLOURS[SHAKEN], linewidth=0.8)
    common = alone.index.intersection(shaken.columns)
    style.band(below, common, alone[common] / shaken[common], style.COLOURS[SMOOTHED])
    for name, (colour, marker, label) in HEAT_BATHS.items():
        medians = _medians(both, name)
        look = {"marker": marker, "markersize": 2.5, "linewidth": 0.8}
        style.band(above, medians.columns, medians, style.COLOURS[colour], label=label, **look)
        common = medians.columns.intersection(shaken.columns)
        style.band(below, common, medians[common] / shaken[common], style.COLOURS[colour], **look)
    above.set(xscale="log", yscale="log", ylabel="median steps\nto a flat place")
    above.legend(loc="lower left", fontsize=5.5, handlelength=1.2, labelspacing=0.25, borderaxespad=0.2)
    style.room_below(above, both["median_steps"], 3000)
    below.set(xscale="log", yscale="log", xlabel="shift size $s$", ylabel="time / that of\nshaken descent", xlim=above.get_xlim())
    above.tick_params(labelbottom=False)
    for axis in (above, below):
        style.log_ticks(axis)
    above.tick_params(labelbottom=False)


def _medians(rows: pd.DataFrame, dynamics: str) -> pd.DataFrame:
    """Median steps of some dynamics, seeds by shifts; only where half arrive of every seed."""
    wide = rows[rows["dynamics"] == dynamics].pivot(index="seed", columns="shift", values="median_steps")
    return wide.replace(np.inf, np.nan).dropna(axis=1)


def _with_slope(arrivals: pd.DataFrame) -> str:
    """Name of shaken descent with its slope in the linear regime."""
    linear = arrivals[(arrivals["dynamics"] == "shaken") & arrivals["linear"] & np.isfinite(arrivals["median_steps"])]
    slopes = [fits.power_law(part["shift"], part["median_steps"]).exponent for _, part in linear.groupby("seed")]
    return f"shaken descent: slope {np.mean(slopes):.2f}" if np.isfinite(slopes).all() and slopes else "shaken descent"


def _incidence(axis: Axes, rows: pd.DataFrame) -> None:
    """Share arrived (lines) and lost (dashed) as time goes on."""
    colours = style.shades(sorted(rows["shift"].unique()), SHADES, 0, 0.9)
    for (shift, event), part in rows.groupby(["shift", "event"]):
        if part["share"].max() > 0:
            line = "-" if event == "arrived" else "--"
            axis.step(part["steps"].clip(lower=1), part["share"], where="post", color=colours[shift], linestyle=line)
    handles = [Line2D([], [], color=colour, label=f"$s$ = {shift:g}") for shift, colour in colours.items()]
    handles += [Line2D([], [], color="0.4", linestyle=line, label=name) for name, line in (("arrived", "-"), ("lost", "--"))]
    axis.legend(handles=handles, loc="upper right", handlelength=1.2, fontsize=6)
    # Room for the legend on the right.
    axis.set(xscale="log", xlabel="step", ylabel="share of walkers", ylim=(0, 1.02), xlim=(1, rows["steps"].max() * 300))


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


def _flatness(axis: Axes, phases: pd.DataFrame, bounds: pd.DataFrame) -> None:
    """Order parameter: mean flatness of the walkers that are left."""
    fine = phases[(phases["start"] == "sharp") & (phases["points"] == phases["points"].max())]
    _diagram(axis, fine, "relative_flatness", "flatness of those left, of the largest", SHADES)
    _anchors(axis, bounds, style.COLOURS["red"])


def _two_valleys(axis: Axes, rows: pd.DataFrame) -> None:
    """Share in the flatter of two valleys against the ratio of their curvatures, walkers of both starts together."""
    rows = rows[rows["status"] == "measured"]
    both = rows[(rows["start"] == "both") & rows["seed"].notna()]
    if not len(both):
        style.say(axis, "no walkers left\nin two valleys")
        return
    colours = style.shades(sorted(both["shift"].unique()), SHADES, 0, 0.85)
    for (dynamics, shift), part in both.groupby(["dynamics", "shift"]):
        marker, line, _ = VALLEYS[str(dynamics)]
        wide = part.pivot(index="seed", columns="curvature_ratio", values="share_in_flatter").dropna(axis=1)
        style.band(axis, wide.columns, wide, colours[shift], marker=marker, linestyle=line)
    smoothed = rows[(rows["dynamics"] == "smoothed") & (rows["start"] == "both")].groupby("curvature_ratio")["share_in_flatter"]
    axis.plot(smoothed.mean().index, smoothed.mean(), color=style.COLOURS[SMOOTHED], linestyle="--")
    handles = [Line2D([], [], color="0.3", marker=m, linestyle=line, label=name) for m, line, name in VALLEYS.values()]
    handles += [Line2D([], [], color=style.COLOURS[SMOOTHED], linestyle="--", label="smoothing only")]
    handles += [Line2D([], [], color=colour, label=f"$s$ = {shift:g}") for shift, colour in colours.items()]
    axis.legend(handles=handles, loc="lower right", fontsize=5.5, handlelength=1.6, ncols=2, columnspacing=0.8)
    axis.set(xlabel="curvature ratio, sharper / flatter valley", ylabel="share in the flatter valley", ylim=(0, 1.02))


def _stationary(axis: Axes, rows: pd.DataFrame) -> None:
    """Density of x of walkers (points) and the one built from measured drift and noise (lines), means over seeds."""
    if not len(rows):
        style.say(axis, "every walker\nwas lost")
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
