"""Maps of the settings up to the edge of convergence: learning rate against batch size, with the edge and the best settings."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from sgdphysics import convergence_edge
from sgdphysics.report import style

OUTCOMES = {  # from below; the weights of a run that is not finite are not, those of a dead one do not move
    "converged": ("converged", style.COLOURS["sky"]),
    "still_falling": ("budget ended, loss falling", style.COLOURS["green"]),
    "no_longer_falling": ("budget ended, loss no\nlonger falling", style.COLOURS["orange"]),
    "dead": ("all units dead", "black"),
    "not_finite": ("not finite", style.COLOURS["pink"]),
}
_OPTIMA = {"batch_size": "o", "learning_rate": "D"}
_COLOURS = "viridis"
_OPTIMUM: dict[str, Any] = {"markersize": 3.2, "markerfacecolor": "white", "markeredgecolor": "black", "markeredgewidth": 0.6}


def explain(figure: SubFigure) -> None:
    """Put the legend of the maps above them."""
    square: dict[str, Any] = {"linestyle": "", "marker": "s", "markersize": 5, "color": "0.5"}
    handles = [
        Line2D([], [], color=style.COLOURS["red"], label="edge of convergence"),
        Line2D([], [], marker=_OPTIMA["batch_size"], linestyle="", label="best of a batch size", **_OPTIMUM),
        Line2D([], [], marker=_OPTIMA["learning_rate"], linestyle="", label="best of a learning rate", **_OPTIMUM),
        Line2D([], [], label="all seeds converged", **square),
        Line2D([], [], label="some", markerfacecolor="white", **square),
        Line2D([], [], linestyle="", marker="x", color=style.COLOURS["grey"], label="none"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=6, columnspacing=1.2, handletextpad=0.3)


def draw_quantity(axis: Axes, rows: pd.DataFrame, label: str, lines: pd.DataFrame) -> None:
    """Draw one quantity: filled where every run converged, hollow where some did, a cross where none did.

    Args:
        axis: The panel.
        rows: One row per setting: "learning_rate", "batch_size", "share" (of runs that converged) and "value" (mean over these).
        label: What the quantity is.
        lines: Rows of ``yang2023_fig4_lines`` of one quantity: edge and optimum of every line.
    """
    whole = rows[rows["share"] == 1]
    shown = whole if len(whole) else rows
    positive = shown["value"][shown["value"] > 0]
    if not len(positive):
        style.say(axis, f"{label}:\n0 at every setting")
        return
    norm = LogNorm(positive.min(), positive.max())
    for share, part in (("all", whole), ("some", rows[rows["share"].between(0, 1, inclusive="neither")])):
        colours = plt.get_cmap(_COLOURS)(norm(part["value"]))
        axis.scatter(*_place(part), marker="s", s=34, facecolors=colours if share == "all" else "white", edgecolors=colours)
    axis.scatter(*_place(rows[rows["share"] == 0]), marker="x", s=9, color=style.COLOURS["grey"], linewidths=0.7)
    _draw_edge(axis, lines)
    for kind, marker in _OPTIMA.items():
        best = lines[(lines["kind"] == kind) & lines["optimum_batch_size"].notna()]
        axis.plot(best["optimum_learning_rate"], best["optimum_batch_size"], linestyle="", marker=marker, **_OPTIMUM)
    bar = axis.figure.colorbar(ScalarMappable(norm, _COLOURS), ax=axis, pad=0.02, aspect=18)
    bar.set_label(label, labelpad=2)
    plain_ticks(bar.ax.yaxis)
    _label_axes(axis, rows)


def draw_outcomes(axis: Axes, settings: pd.DataFrame, lines: pd.DataFrame, bends: pd.DataFrame) -> None:
    """Draw a bar for each setting, filled from below with the shares of its runs by outcome; and where training takes more steps.

    Args:
        axis: The panel.
        settings: One row per setting: "learning_rate", "batch_size", the number of runs of each of `OUTCOMES`, and "runs".
        lines: As for `draw_quantity`.
        bends: Rows of ``yang2023_fig4_bends``.
    """
    shown = {outcome: look for outcome, look in OUTCOMES.items() if settings[outcome].any()}
    filled = settings.assign(bottom=0.0)
    for outcome, (_, colour) in shown.items():
        filled["top"] = filled["bottom"] + filled[outcome] / filled["runs"]
        for (bottom, top), part in filled[filled["top"] > filled["bottom"]].groupby(["bottom", "top"]):
            # The marker is scaled by its largest coordinate, which is always that of its sides.
            corners = [(-1, 2 * bottom - 1), (1, 2 * bottom - 1), (1, 2 * top - 1), (-1, 2 * top - 1)]
            axis.scatter(*_place(part), marker=corners, s=31, color=colour, linewidths=0)
        filled["bottom"] = filled["top"]
    handles = [Line2D([], [], linestyle="", marker="s", markersize=4, color=c, label=name) for name, c in shown.values()]
    handles += _draw_edge(axis, lines)
    found = bends.groupby("learning_rate")["bend_batch_size"].agg(lambda sizes: np.exp(np.log(sizes).mean(skipna=False))).dropna()
    if len(found):
        handles += axis.plot(
            found.index, found, color=style.COLOURS["blue"], linestyle=":", linewidth=1.2, label="twice the\nfewest steps"
        )
    axis.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.04), handletextpad=0.3, borderaxespad=0.2, handlelength=1.2
    )
    _label_axes(axis, settings)


def plain_ticks(axis: Axis) -> None:
    """Label a logarithmic axis in plain numbers, the more the shorter it is."""
    low, high = axis.get_view_interval()
    axis.set_minor_locator(NullLocator())
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high > 5 * low else (1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _place(settings: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return settings["learning_rate"], settings["batch_size"]


def _draw_edge(axis: Axes, lines: pd.DataFrame) -> list[Line2D]:
    """The boundary, half way between each line's edge and the setting beyond it."""
    long = lines[lines["points"] >= convergence_edge.FEWEST_POINTS]
    sides = long if len(long) else lines
    middle = [np.sqrt(sides[f"edge_{key}"] * sides[f"beyond_{key}"]) for key in convergence_edge.SETTING]
    order = np.argsort(middle[0] * middle[1])
    return axis.plot(
        middle[0].iloc[order], middle[1].iloc[order], color=style.COLOURS["red"], linewidth=1.2, label="edge of\nconvergence"
    )


def _label_axes(axis: Axes, rows: pd.DataFrame) -> None:
    axis.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="batch size")
    for one, key in ((axis.xaxis, "learning_rate"), (axis.yaxis, "batch_size")):
        values = rows[key]
        one.set_major_locator(LogLocator(base=2, numticks=12))
        one.set_minor_locator(NullLocator())
        one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value >= 1 else f"1/{round(1 / value)}"))
        limits = values.min() / 1.45, values.max() * 1.45
        (axis.set_xlim if key == "learning_rate" else axis.set_ylim)(limits)
