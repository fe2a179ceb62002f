"""Draw feng2023_fig6: rescaled copies of one solution, by plain measures of sharpness and size and by their product."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgdphysics.provenance import jobs
from sgdphysics.report import panels, style

TABLES = ("copies",)
LOOKS = {
    "largest_eigenvalue": ("largest eigenvalue", "red", "^"),
    "trace": ("trace", "orange", "v"),
    "median_flatness": ("median flatness $F$", "green", "s"),
    "weight_norm": ("norm $|W|$", "sky", "D"),
    "slope_spread": (panels.SHARPNESS, "pink", "P"),
    "weight_spread": (panels.SIZE, "blue", "X"),
    "product_of_spreads": ("$s_g s_w$", "black", "o"),
    "decomposed_gap": ("decomposed gap", "grey", "."),
}


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its table."""
    rows = tables["copies"]
    figure, axes = plt.subplots(1, 3, figsize=(style.TWO_COLUMNS, 2.9), layout="constrained", width_ratios=[1.4, 1, 1])
    for axis, draw_panel in zip(axes, (_measures, _plane, _changes), strict=True):
        style.draw_or_say(axis, draw_panel, rows)
    style.letter_panels(axes.flat)
    return figure


def _relative(rows: pd.DataFrame, column: str) -> pd.Series:
    """A column in parts of its value at p = 1, of the same network and layer."""
    keys = ["run", "other_layer"]
    base = rows[rows["factor"] == 1].set_index(keys)[column]
    return rows[column] / base.reindex(pd.MultiIndex.from_frame(rows[keys])).to_numpy()


def _measures(axis: Axes, rows: pd.DataFrame) -> None:
    """Means over networks and neighbours, with a bar from the smallest to the largest."""
    others = " or ".join(f"{other:g}" for other in sorted(rows["other_layer"].unique()))
    axis.set_title(f"studied layer times $p$, layer {others} over $p$")
    # Lines that coincide are told apart by hollow markers of different sizes.
    for size, (column, (label, colour, marker)) in zip(np.linspace(8, 3, len(LOOKS)), LOOKS.items(), strict=True):
        values = _relative(rows, column).groupby(rows["factor"]).agg(["mean", "min", "max"])
        look = {"marker": marker, "markersize": size, "markerfacecolor": "none", "markeredgewidth": 0.8}
        axis.plot(values.index, values["mean"], color=style.COLOURS[colour], label=label, **look)
        axis.vlines(values.index, values["min"], values["max"], color=style.COLOURS[colour], linewidth=2)
    axis.set(xscale="log", yscale="log", xlabel="factor $p$", ylabel="in parts of the value at $p$ = 1")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * (high / low) ** 0.6)
    axis.legend(fontsize=6, ncols=2, loc="upper center", columnspacing=0.8, handlelength=1.6)


def _plane(axis: Axes, rows: pd.DataFrame) -> None:
    """Copies of each network move along a line of constant product."""
    rows = rows[rows["other_layer"] == rows["other_layer"].max()]
    shades = style.shades(sorted(rows["factor"].unique()), "viridis_r", 0.1, 1)
    for _, copies in rows.groupby("run"):
        copies = copies.sort_values("factor")
        axis.plot(copies["weight_spread"], copies["slope_spread"], color="0.75", linewidth=0.7, zorder=0)
        axis.scatter(copies["weight_spread"], copies["slope_spread"], s=9, c=[shades[p] for p in copies["factor"]])
    for factor, colour in shades.items():
        axis.plot([], [], "o", color=colour, label=f"$p$ = {factor:g}")
    axis.set(xscale="log", yscale="log", xlabel=panels.SIZE, ylabel=panels.SHARPNESS)
    axis.set_title("one line a network: equal $s_g s_w$")
    axis.legend(fontsize=5.5, loc="upper right")


def _changes(axis: Axes, rows: pd.DataFrame) -> None:
    """What should not change at all, relative to p = 1."""
    columns = {
        "logit_change": ("logits", "green", "s"),
        "product_of_spreads": ("$s_g s_w$", "black", "o"),
        "decomposed_gap": ("decomposed gap", "red", "^"),
    }
    for column, (label, colour, marker) in columns.items():
        change = rows[column] if column == "logit_change" else (_relative(rows, column) - 1).abs()
        largest = change.clip(lower=1e-17).groupby(rows["factor"]).max().drop(1.0, errors="ignore")
        axis.plot(largest.index, largest, marker=marker, color=style.COLOURS[colour], markersize=3.5, label=label)
    axis.axhline(1e-9, color="0.6", linestyle="--", linewidth=0.8)
    axis.set(xscale="log", yscale="log", xlabel="factor $p$", ylabel="largest relative change", ylim=(1e-17, 1e-7))
    axis.legend(fontsize=6, loc="center right")


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
