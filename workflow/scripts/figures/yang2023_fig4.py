"""Draw yang2023_fig4: generalization, sharpness and outcome over learning rate and batch size up to the edge of convergence."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from sgdphysics import convergence_edge
from sgdphysics.equal_loss import at_lowest_common_loss
from sgdphysics.provenance import jobs
from sgdphysics.report import style

TABLES = ("runs", "settings", "lines", "equal_loss")
MAPS = {
    "test_loss": "test loss",
    "test_error": "test error",
    "largest_eigenvalue": "largest curvature $H_1$",
}
AT_EQUAL_LOSS = {
    "sharpest_temperature": "temperature of the\nsharpest directions",
    "slope_spread": "spread of slopes $s_g$",
    "test_loss": "test loss",
}
OPTIMA = {"batch_size": "o", "learning_rate": "D"}
COLOURS = "viridis"
OUTCOMES = {  # from below; the weights of a diverged run are not finite, those of a dead one do not move
    "converged": ("converged", style.COLOURS["sky"]),
    "not_converged": ("not converged", style.COLOURS["orange"]),
    "dead": ("all units dead", "black"),
    "diverged": ("not finite", style.COLOURS["pink"]),
}


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    runs = tables["runs"][tables["runs"]["part"] == "grid"]
    counts, lines = tables["settings"], tables["lines"]
    settings = counts[counts["part"] == "grid"].assign(share=lambda rows: rows["converged"] / rows["runs"])
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 6.4), layout="constrained")
    rows = figure.subfigures(3, 1, height_ratios=(1.1, 1, 1))
    axes = [axis for row in rows for axis in row.subplots(1, 3)]
    for axis, (quantity, label) in zip(axes, MAPS.items(), strict=False):
        style.draw_or_say(axis, _map, _means(runs, settings, quantity), label, lines[lines["quantity"] == _optimum_of(quantity)])
    _explain_maps(rows[0])
    _shares(axes[3], settings, lines[lines["quantity"] == "test_loss"], counts[counts["part"] == "talk_example"])
    converged = runs[runs["status"] == "converged"].merge(settings[[*convergence_edge.SETTING, "share"]])
    style.draw_or_say(axes[4], _along_lines, converged, "test_loss", "test loss")
    style.draw_or_say(axes[5], _along_lines, converged, "slope_spread", "spread of slopes $s_g$")
    if len(converged):
        axes[5].legend(loc="lower left", handlelength=1.0, ncols=2, columnspacing=0.8, handletextpad=0.3)
    at_loss = at_lowest_common_loss(tables["equal_loss"])
    for axis, (quantity, label) in zip(axes[6:], AT_EQUAL_LOSS.items(), strict=True):
        style.draw_or_say(axis, _equal_noise_scale, at_loss[at_loss["quantity"] == quantity], label)
    if len(at_loss):
        axes[6].legend(loc="upper left", handlelength=1.4)
    style.letter_panels(axes)
    return figure


def _explain_maps(figure: SubFigure) -> None:
    """The legend of the maps, above them."""
    point = {"linestyle": "", "markersize": 3.2, "markerfacecolor": "white", "markeredgecolor": "black", "markeredgewidth": 0.6}
    square = {"linestyle": "", "marker": "s", "markersize": 5, "color": "0.5"}
    handles = [
        Line2D([], [], color=style.COLOURS["red"], label="edge of convergence"),
        Line2D([], [], marker=OPTIMA["batch_size"], label="best of a batch size", **point),
        Line2D([], [], marker=OPTIMA["learning_rate"], label="best of a learning rate", **point),
        Line2D([], [], label="all seeds converged", **square),
        Line2D([], [], label="some", markerfacecolor="white", **square),
        Line2D([], [], linestyle="", marker="x", color=style.COLOURS["grey"], label="none"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=6, columnspacing=1.2, handletextpad=0.3)


def _optimum_of(quantity: str) -> str:
    """Which optimum is marked on the map of a quantity: its own, or that of the test loss."""
    return "test_error" if quantity == "test_error" else "test_loss"


def _means(runs: pd.DataFrame, settings: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Mean over the converged runs of each setting that has any, with the share of its runs that converged."""
    converged = runs[runs["status"] == "converged"]
    means = converged.groupby(convergence_edge.SETTING, as_index=False)[quantity].mean().rename(columns={quantity: "value"})
    merged = settings.merge(means, how="left")
    return merged if len(converged) else merged.iloc[:0]


def _map(axis: Axes, rows: pd.DataFrame, label: str, lines: pd.DataFrame) -> None:
    """One quantity: filled where every run converged, hollow where some did, a cross where none did."""
    whole = rows[rows["share"] == 1]
    shown = whole if len(whole) else rows
    positive = shown["value"][shown["value"] > 0]
    if not len(positive):
        style.say(axis, f"{label}:\n0 at every setting")
        return
    norm = LogNorm(positive.min(), positive.max())
    for share, part in (("all", whole), ("some", rows[rows["share"].between(0, 1, inclusive="neither")])):
        colours = plt.get_cmap(COLOURS)(norm(part["value"]))
        axis.scatter(*_place(part), marker="s", s=34, facecolors=colours if share == "all" else "white", edgecolors=colours)
    axis.scatter(*_place(rows[rows["share"] == 0]), marker="x", s=9, color=style.COLOURS["grey"], linewidths=0.7)
    _edge_and_optima(axis, lines)
    bar = axis.figure.colorbar(ScalarMappable(norm, COLOURS), ax=axis, pad=0.02, aspect=18)
    bar.set_label(label, labelpad=2)
    _plain_ticks(bar.ax.yaxis)
    _map_axes(axis, rows)


def _plain_ticks(axis: Axis) -> None:
    """Label a logarithmic axis in plain numbers, the more the shorter it is."""
    low, high = axis.get_view_interval()
    axis.set_minor_locator(NullLocator())
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high > 5 * low else (1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _place(settings: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return settings["learning_rate"], settings["batch_size"]


def _edge_and_optima(axis: Axes, lines: pd.DataFrame) -> None:
    """The boundary, half way between each line's edge and the setting beyond it, and the setting of lowest mean on each line."""
    long = lines[lines["points"] >= convergence_edge.FEWEST_POINTS]
    sides = long if len(long) else lines
    middle = [np.sqrt(sides[f"edge_{key}"] * sides[f"beyond_{key}"]) for key in convergence_edge.SETTING]
    order = np.argsort(middle[0] * middle[1])
    axis.plot(middle[0].iloc[order], middle[1].iloc[order], color=style.COLOURS["red"], linewidth=1.2)
    for kind, marker in OPTIMA.items():
        best = lines[(lines["kind"] == kind) & lines["optimum_batch_size"].notna()]
        look = {"markerfacecolor": "white", "markeredgecolor": "black", "markeredgewidth": 0.6, "markersize": 3.2}
        axis.plot(best["optimum_learning_rate"], best["optimum_batch_size"], linestyle="", marker=marker, **look)


def _map_axes(axis: Axes, rows: pd.DataFrame) -> None:
    axis.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="batch size")
    for one, key in ((axis.xaxis, "learning_rate"), (axis.yaxis, "batch_size")):
        values = rows[key]
        one.set_major_locator(LogLocator(base=2, numticks=12))
        one.set_minor_locator(NullLocator())
        one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value >= 1 else f"1/{round(1 / value)}"))
        limits = values.min() / 1.45, values.max() * 1.45
        (axis.set_xlim if key == "learning_rate" else axis.set_ylim)(limits)


def _shares(axis: Axes, settings: pd.DataFrame, lines: pd.DataFrame, talk: pd.DataFrame) -> None:
    """A bar for each setting, filled from below with the shares of its runs by outcome; the talk's own example in words."""
    shown = {outcome: look for outcome, look in OUTCOMES.items() if settings[outcome].any()}
    filled = settings.assign(bottom=0.0)
    for outcome, (_, colour) in shown.items():
        filled["top"] = filled["bottom"] + filled[outcome] / filled["runs"]
        for (bottom, top), part in filled[filled["top"] > filled["bottom"]].groupby(["bottom", "top"]):
            # The marker is scaled by its largest coordinate, which is always that of its sides.
            corners = [(-1, 2 * bottom - 1), (1, 2 * bottom - 1), (1, 2 * top - 1), (-1, 2 * top - 1)]
            axis.scatter(*_place(part), marker=corners, s=31, color=colour, linewidths=0)
        filled["bottom"] = filled["top"]
    _edge_and_optima(axis, lines.assign(optimum_batch_size=np.nan))
    handles = [Line2D([], [], linestyle="", marker="s", markersize=4, color=c, label=name) for name, c in shown.values()]
    axis.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.02), handletextpad=0.1, borderaxespad=0.2)
    _map_axes(axis, settings)
    example = [rf"$\alpha$ = {row.learning_rate:g}: {row.converged} of {row.runs}" for row in talk.itertuples()]
    text = "\n".join(["The talk's", "example", "converged:", *example])
    axis.text(1.04, 0.0, text, transform=axis.transAxes, va="bottom", fontsize=6.5, color="0.3")


def _along_lines(axis: Axes, converged: pd.DataFrame, quantity: str, label: str) -> None:
    """A quantity against learning rate / batch size along each batch size; hollow where some runs did not converge."""
    sizes = sorted(size for size, part in converged.groupby("batch_size") if part["learning_rate"].nunique() >= 3)
    for size, colour in style.shades(sizes, "plasma").items():
        part = converged[converged["batch_size"] == size]
        means = np.exp(np.log(part[[quantity]]).groupby([part["noise_scale"], part["share"]]).mean()).reset_index()
        axis.plot(means["noise_scale"], means[quantity], color=colour, linewidth=0.8)
        whole = part[part["share"] == 1]
        wide = whole.pivot_table(index="seed", columns="noise_scale", values=quantity)
        style.band(axis, wide.columns, wide, colour, linestyle="", marker="o", label=f"$B$ = {size}")
        some = means[means["share"] < 1]
        axis.plot(some["noise_scale"], some[quantity], linestyle="", marker="o", color=colour, markerfacecolor="white")
    axis.set(xscale="log", yscale="log", xlabel="learning rate / batch size", ylabel=label)
    style.log_ticks(axis, "x")
    _plain_ticks(axis.yaxis)


def _equal_noise_scale(axis: Axes, rows: pd.DataFrame, label: str) -> None:
    """One quantity at equal training loss against learning rate / batch size, coloured by batch size."""
    look = style.SettingLook(rows["batch_size"], rows["batch_size"])
    for size, part in rows.groupby("batch_size"):
        wide = part.pivot_table(index="seed", columns="learning_rate", values="value")
        style.band(axis, wide.columns / size, wide, look.colour(size), marker=look.marker(size), label=f"$B$ = {size}")
    axis.set(xscale="log", yscale="log", xlabel="learning rate / batch size", ylabel=label)
    style.log_ticks(axis)
    axis.set_title(f"at training loss {rows['target_loss'].min():g}", fontsize=6.5, color="0.3")


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
