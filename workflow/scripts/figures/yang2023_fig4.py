"""Draw yang2023_fig4: generalization, flatness and outcome over learning rate and batch size up to the edge of convergence."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from sgdphysics import convergence_edge
from sgdphysics.fits import student_interval
from sgdphysics.provenance import jobs
from sgdphysics.report import edge_maps, style

TABLES = ("runs", "outcomes", "lines", "bends", "flatness", "sharpness", "scales", "scale_lines", "asymmetry")
QUANTITIES = {"test_loss": "test loss", "test_error": "test error"}
RANGES = {
    "weak_noise": ("weak noise", "black"),
    "above_bend": ("above the bend", style.COLOURS["sky"]),
    "below_bend": ("below the bend", style.COLOURS["red"]),
}
RESPONSES = {
    "test_loss": "test loss",
    "test_error": "test error",
    "slope_spread": "slopes $s_g$",
    "largest_eigenvalue": "$H_1$",
    "sharpest_temperature": "temperature",
}
NOISE = r"noise scale $\alpha / B$"
SHARPNESS = r"$\alpha\ \times$ batch sharpness"
STABLE = 2.0  # learning rate times curvature, below which descent in a parabola is stable
FEWEST = 3  # settings of a batch size that are drawn as a line


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    runs = tables["runs"][tables["runs"]["part"] == "grid"]
    counts, lines = tables["outcomes"], tables["lines"]
    settings = counts[counts["part"] == "grid"].assign(share=lambda rows: rows["converged"] / rows["runs"])
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 6.2), layout="constrained")
    rows = figure.subfigures(3, 1, height_ratios=(1.15, 1, 1))
    maps, below = rows[0].subplots(1, 3), [axis for row in rows[1:] for axis in row.subplots(1, 4)]
    for axis, (quantity, label) in zip(maps, QUANTITIES.items(), strict=False):
        means = _means(runs, settings, quantity)
        style.draw_or_say(axis, edge_maps.draw_quantity, means, label, lines[lines["quantity"] == quantity])
    edge_maps.explain(rows[0])
    of_loss = lines[lines["quantity"] == "test_loss"]
    edge_maps.draw_outcomes(maps[2], settings, of_loss, tables["bends"])
    converged = runs[runs["status"] == "converged"].merge(settings[[*convergence_edge.SETTING, "share"]])
    colours = _colours(converged)
    for axis, (quantity, label) in zip(below, QUANTITIES.items(), strict=False):
        style.draw_or_say(axis, _along_lines, converged, quantity, label, colours)
        _mark_edges(axis, of_loss, colours)
    _explain_batches(rows[1], colours)
    style.draw_or_say(below[2], _against_control, tables["flatness"], colours)
    _mark_edges(below[2], of_loss, colours)
    sharpness = tables["sharpness"][tables["sharpness"]["part"] == "grid"]
    last = sharpness["last"].astype(bool)
    style.draw_or_say(below[3], _at_the_end, sharpness[last], colours)
    _mark_edges(below[3], of_loss, colours)
    style.draw_or_say(below[4], _through_training, sharpness[~last & _settings_that_converge(sharpness)])
    for axis, (quantity, label) in zip(below[5:7], QUANTITIES.items(), strict=True):
        style.draw_or_say(axis, _scales, tables["scales"], quantity, label, tables["scale_lines"])
    _explain_scales(rows[2], tables["scales"])
    _asymmetry(below[7], tables["asymmetry"])
    style.letter_panels([*maps, *below])
    return figure


def _means(runs: pd.DataFrame, settings: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Mean over the converged runs of each setting that has any, with the share of its runs that converged."""
    converged = runs[runs["status"] == "converged"]
    means = converged.groupby(convergence_edge.SETTING, as_index=False)[quantity].mean().rename(columns={quantity: "value"})
    merged = settings.merge(means, how="left")
    return merged if len(converged) else merged.iloc[:0]


def _colours(converged: pd.DataFrame) -> dict[float, np.ndarray]:
    """A colour for every batch size that is drawn as a line."""
    sizes = sorted(size for size, part in converged.groupby("batch_size") if part["learning_rate"].nunique() >= FEWEST)
    return style.shades(sizes, "plasma")


def _explain_batches(figure: SubFigure, colours: Mapping[float, np.ndarray]) -> None:
    """The legend of the panels along batch sizes, above them."""
    handles = [Line2D([], [], linestyle="", marker="o", color=colour, label=f"$B$ = {size:g}") for size, colour in colours.items()]
    handles += [Line2D([], [], linestyle=":", color="0.4", linewidth=0.8, label="edge of a batch size")] if handles else []
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles) or 1, columnspacing=1.2, handletextpad=0.3)


def _mark_edges(axis: Axes, lines: pd.DataFrame, colours: Mapping[float, np.ndarray]) -> None:
    """Where the edge of every batch size lies: between its last setting and the next one."""
    for row in lines[lines["kind"] == "batch_size"].itertuples():
        if row.value in colours and axis.axison:
            middle = np.sqrt(row.edge_learning_rate * row.beyond_learning_rate) / row.value
            axis.axvline(middle, color=colours[row.value], linestyle=":", linewidth=0.8, zorder=0)


def _along_lines(axis: Axes, converged: pd.DataFrame, quantity: str, label: str, colours: Mapping[float, np.ndarray]) -> None:
    """A quantity against learning rate / batch size along each batch size; hollow where some runs did not converge."""
    for size, colour in colours.items():
        part = converged[converged["batch_size"] == size]
        means = np.exp(np.log(part[[quantity]]).groupby([part["noise_scale"], part["share"]]).mean()).reset_index()
        axis.plot(means["noise_scale"], means[quantity], color=colour, linewidth=0.8)
        whole = part[part["share"] == 1]
        wide = whole.pivot_table(index="seed", columns="noise_scale", values=quantity)
        style.band(axis, wide.columns, wide, colour, linestyle="", marker="o")
        some = means[means["share"] < 1]
        axis.plot(some["noise_scale"], some[quantity], linestyle="", marker="o", color=colour, markerfacecolor="white")
    _noise_axes(axis, label)


def _noise_axes(axis: Axes, label: str) -> None:
    axis.set(xscale="log", yscale="log", xlabel=NOISE, ylabel=label)
    style.log_ticks(axis, "x")
    edge_maps.plain_ticks(axis.yaxis)


def _against_control(axis: Axes, flatness: pd.DataFrame, colours: Mapping[float, np.ndarray]) -> None:
    """The largest curvature in parts of that of the control, along each batch size: after as many epochs, and at the same loss."""
    rows = flatness[(flatness["quantity"] == "largest_eigenvalue") & (flatness["status"] == "measured")]
    rows = rows.assign(ratio=rows["value"] / rows["control_value"])
    looks = {"epochs": {"marker": "o", "markerfacecolor": "white", "linestyle": "--"}, "loss": {"marker": "o", "linestyle": "-"}}
    for (size, equal), part in rows[rows["batch_size"].isin(list(colours))].groupby(["batch_size", "equal"]):
        means = np.exp(np.log(part["ratio"]).groupby(part["noise_scale"]).mean())
        axis.plot(means.index, means, color=colours[size], linewidth=0.8, **looks[equal])
    axis.axhline(1, color="0.6", linewidth=0.7, zorder=0)
    axis.set(xscale="log", yscale="log", xlabel=NOISE, ylabel="largest curvature $H_1$,\nparts of the control's")
    style.log_ticks(axis)
    handles = [Line2D([], [], color="0.4", label=f"equal {equal}", **look) for equal, look in looks.items()]
    axis.set_ylim(bottom=axis.get_ylim()[0] / 15)  # room for the legend
    axis.legend(handles=handles, loc="lower left", handlelength=1.8)


def _at_the_end(axis: Axes, sharpness: pd.DataFrame, colours: Mapping[float, np.ndarray]) -> None:
    """Learning rate times batch sharpness at the end of training; crosses, no lower than the border: runs that did not converge."""
    column = "learning_rate_times_batch_sharpness"
    least = sharpness.loc[sharpness["status"] == "converged", column].min() / 4
    sharpness = sharpness.assign(**{column: sharpness[column].clip(lower=least)})
    for size, colour in colours.items():
        part = sharpness[sharpness["batch_size"] == size]
        noise, value = part["learning_rate"] / size, part[column]
        whole = part["status"] == "converged"
        axis.plot(noise[whole], value[whole], linestyle="", marker="o", markersize=2, color=colour)
        axis.plot(noise[~whole], value[~whole], linestyle="", marker="x", markersize=3, color=colour)
    axis.axhline(STABLE, color="black", linewidth=0.8, linestyle="--")
    axis.set(xscale="log", yscale="log", xlabel=NOISE, ylabel=SHARPNESS)
    axis.set_title("at the end of training", fontsize=6.5, color="0.3")
    style.log_ticks(axis)


def _settings_that_converge(sharpness: pd.DataFrame) -> pd.Series:
    """Of every row whether a seed of its setting converged."""
    return (sharpness["status"] == "converged").groupby([sharpness[key] for key in convergence_edge.SETTING]).transform("any")


def _through_training(axis: Axes, sharpness: pd.DataFrame) -> None:
    """The same through training on the line of settings that is followed: one curve a learning rate."""
    column = "learning_rate_times_batch_sharpness"
    for rate, colour in style.shades(sorted(sharpness["learning_rate"].unique())).items():
        wide = sharpness[sharpness["learning_rate"] == rate].pivot(index="seed", columns="epochs", values=column)
        wide = wide.dropna(axis=1)
        style.band(axis, wide.columns, wide, colour, marker="o", markersize=2, label=f"{rate:g}")
    axis.axhline(STABLE, color="black", linewidth=0.8, linestyle="--")
    axis.set(xscale="log", yscale="log", xlabel="epochs", ylabel=SHARPNESS)
    axis.set_title(f"through training, $B$ = {sharpness['batch_size'].iloc[0]:g}", fontsize=6.5, color="0.3")
    style.room_below(axis, sharpness[column], 60)
    style.log_ticks(axis)
    look = {"ncols": 2, "columnspacing": 0.6, "handlelength": 0.8, "handletextpad": 0.3, "title_fontsize": 6.5}
    axis.legend(title=r"learning rate $\alpha$", loc="lower left", **look)


def _scales(axis: Axes, scales: pd.DataFrame, quantity: str, label: str, lines: pd.DataFrame) -> None:
    """A quantity against learning rate / batch size for two initial scales; hollow where some runs did not converge."""
    looks, markers = _looks_of_scales(scales)
    for (scale, size), part in scales.groupby(["initial_scale", "batch_size"]):
        converged = part[part["status"] == "converged"]
        share = converged.groupby("noise_scale").size() / part.groupby("noise_scale").size()
        whole = converged[converged["noise_scale"].isin(share.index[share == 1])]
        wide = whole.pivot(index="seed", columns="noise_scale", values=quantity)
        marker = markers.get(size, "o")
        style.band(axis, wide.columns, wide, looks[scale], marker=marker)
        some = converged[converged["noise_scale"].isin(share.index[share < 1])].groupby("noise_scale")[quantity].mean()
        axis.plot(some.index, some, linestyle="", marker=marker, color=looks[scale], markerfacecolor="white")
    edges = lines[(lines["kind"] == "batch_size") & (lines["quantity"] == quantity)]
    for row in edges.itertuples():
        middle = np.sqrt(row.edge_learning_rate * row.beyond_learning_rate) / row.value
        axis.axvline(middle, color=looks[row.initial_scale], linestyle=":", linewidth=0.8, zorder=0)
    _noise_axes(axis, label)


def _looks_of_scales(scales: pd.DataFrame) -> tuple[dict[float, str], dict[float, str]]:
    """The colour of each initial scale, and the marker of each batch size."""
    looks = dict(zip(sorted(scales["initial_scale"].unique()), ("black", style.COLOURS["red"]), strict=False))
    return looks, dict(zip(sorted(scales["batch_size"].unique()), ("o", "s", "^", "D", "v"), strict=False))


def _explain_scales(figure: SubFigure, scales: pd.DataFrame) -> None:
    """The legend of the panels of initial scales, above them."""
    looks, markers = _looks_of_scales(scales)
    handles = [Line2D([], [], color=colour, label=f"initial scale {scale:g}") for scale, colour in looks.items()]
    handles += [Line2D([], [], linestyle="", marker=m, color="0.4", label=f"$B$ = {size:g}") for size, m in markers.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles) or 1, columnspacing=1.2, handletextpad=0.3)


def _asymmetry(axis: Axes, asymmetry: pd.DataFrame) -> None:
    """The signed asymmetry of the responses, mean over seeds with its interval, by quantity and range."""
    measured = asymmetry[asymmetry["status"] == "measured"]
    for offset, (name, (label, colour)) in zip((-0.22, 0, 0.22), RANGES.items(), strict=True):
        part = measured[measured["range"] == name]
        places = [place for place, quantity in enumerate(RESPONSES) if (part["quantity"] == quantity).any()]
        values = [student_interval(part.loc[part["quantity"] == list(RESPONSES)[place], "asymmetry"]) for place in places]
        for place, (mean, low, high) in zip(places, values, strict=True):
            axis.plot([low, high], [place + offset] * 2, color=colour, linewidth=0.8)
            axis.plot(mean, place + offset, marker="o", color=colour)
        if places:
            axis.plot([], [], marker="o", color=colour, label=label)
    axis.axvline(0, color="0.6", linewidth=0.7, zorder=0)
    axis.set(yticks=range(len(RESPONSES)), yticklabels=RESPONSES.values(), ylim=(len(RESPONSES) - 0.4, -3.8))
    axis.set_xlabel("signed asymmetry")
    if len(measured):
        axis.legend(loc="upper left", handlelength=1.0, borderaxespad=0.1)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
