"""Draw feng2023_fig5_supplement: further regularizers, spectra and the plane; what decides where dropout leads."""

from collections.abc import Mapping
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgdphysics import sweeps
from sgdphysics.fits import student_interval
from sgdphysics.provenance import jobs
from sgdphysics.report import panels, style

TABLES = ("points", "spectra", "dropout")
SWEEPS = ("dropout", "initial_scale", "label_noise", "images_per_class")
# Each changes one thing in the first: label, sweep, comparison, layer (None: the studied one), matching.
CONDITIONS = [
    ("equal loss (decides)", "dropout", "equal_loss", None, "nearest_pixels"),
    ("equal epochs", "dropout", "equal_epochs", None, "nearest_pixels"),
    ("control, as many epochs", "dropout", "as_many_epochs", None, "nearest_pixels"),
    ("layer 0", "dropout", "equal_loss", 0, "nearest_pixels"),
    ("layer 2", "dropout", "equal_loss", 2, "nearest_pixels"),
    ("matched in activity", "dropout", "equal_loss", None, "nearest_activity"),
    ("matched at random", "dropout", "equal_loss", None, "random_of_class"),
    ("rescaled afterwards", "dropout_rescaled_afterwards", "equal_loss", None, "nearest_pixels"),
    ("not rescaled", "dropout_without_rescaling", "equal_loss", None, "nearest_pixels"),
]
# Sizes and sharpnesses, with the power at which they scale with the weights' change of unit: sharpness of the loss is a square.
MEASURES = {
    "weight_spread": ("size $s_w$", "blue", "o", 1.0),
    "weight_norm": ("norm $|W|$", "sky", "D", 1.0),
    "slope_spread": ("$s_g$", "red", "o", 1.0),
    "largest_eigenvalue": ("(top eigenvalue)$^{1/2}$", "orange", "^", 0.5),
    "trace": ("(trace)$^{1/2}$", "pink", "v", 0.5),
}


def draw(tables: Mapping[str, pd.DataFrame], studied: int) -> Figure:
    """Return the figure, drawn from its tables; ``studied`` is the layer of the sweeps."""
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 10.0), layout="constrained")
    axes = figure.subplot_mosaic("abc;def;ghi;jkl;mmn", height_ratios=[1, 1, 1, 1, 1.6])
    for names, sweep in zip(("abc", "def", "ghi", "jkl"), SWEEPS, strict=True):
        panels.draw_sweep([axes[name] for name in names], tables["spectra"], tables["points"], sweep)
    rows = tables["dropout"].assign(layer=tables["dropout"]["layer"].astype(int))
    style.draw_or_say(axes["m"], _conditions, rows, studied)
    style.draw_or_say(axes["n"], _doses, panels.decided(tables["points"], ["dropout"]), tables["points"])
    style.letter_panels(axes.values())
    return figure


def _conditions(axis: Axes, rows: pd.DataFrame, studied: int) -> None:
    """What one step of dropout changes, one factor of the comparison at a time: ln of sizes and of sharpnesses."""
    places = np.arange(len(CONDITIONS))[::-1]
    weakest_step = min(rows.loc[rows["sweep"] != "dropout", "dose"], default=rows["dose"].min())
    for place, (_, sweep, comparison, layer, matching) in zip(places, CONDITIONS, strict=True):
        chosen = (rows["sweep"] == sweep) & (rows["comparison"] == comparison) & rows["deciding"].astype(bool)
        chosen &= (rows["layer"] == (studied if layer is None else layer)) & (rows["matching"] == matching)
        steps = rows[chosen & np.isclose(rows["dose"], weakest_step)]
        for shift, (column, (_, colour, marker, power)) in zip(np.linspace(0.3, -0.3, 5), MEASURES.items(), strict=True):
            if len(steps):
                mean, low, high = power * np.array(student_interval(steps[column]))
                axis.plot([low, high], [place + shift] * 2, color=style.COLOURS[colour], linewidth=0.9)
                axis.plot(mean, place + shift, marker, color=style.COLOURS[colour], markersize=3.5)
    for label, colour, marker, _ in MEASURES.values():
        axis.plot([], [], marker, color=style.COLOURS[colour], label=label, linestyle="")
    axis.axvline(0, color="0.6", linestyle="--", linewidth=0.8)
    axis.set(yticks=places, yticklabels=[condition[0] for condition in CONDITIONS])
    axis.set(xlabel=f"change of ln from no dropout to dropout {weakest_step:g}")
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, fontsize=5.5, columnspacing=0.5, handletextpad=0.1)


def _doses(axis: Axes, _: pd.DataFrame, points: pd.DataFrame) -> None:
    """Is there a best dose in between? Gap against dropout, at equal loss and after equal epochs."""
    followed = sweeps.with_control(points.dropna(subset=["point"]))
    rows = followed[followed["sweep"] == "dropout"]
    targets = sweeps.deciding_targets(rows).set_index("point")["target"]
    for point, colour, text in (("equal_loss", "black", "loss {:g}"), ("equal_epochs", "green", "after {:g} epochs")):
        compared = rows[(rows["point"] == point) & (rows["target"] == targets.get(point))]
        for column, line, name in (("gap", "-", "gap"), ("test_loss", ":", "test loss")):
            wide = compared.pivot(index="seed", columns="dose", values=column)
            label = f"{name}, {text.format(targets.get(point, np.nan))}"
            style.band(axis, wide.columns, wide, style.COLOURS[colour], linestyle=line, marker="o", label=label)
    axis.set(xlabel="share of units dropped", ylabel="gap; test loss")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.45 * (high - low))
    axis.legend(fontsize=6, loc="upper left")


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(partial(draw, studied=snakemake.params.layer), TABLES, snakemake.input, snakemake.output)
