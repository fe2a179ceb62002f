"""Draw feng2023_fig1: the duality is exact, its dual weights are the closest, their sizes, and what the matching changes."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgdphysics.fits import student_interval
from sgdphysics.provenance import jobs
from sgdphysics.report import style

TABLES = ("pairs", "matching")
MATCHINGS = {"nearest_pixels": "nearest in pixels", "nearest_activity": "nearest in activity", "random_of_class": "random of class"}
SMALLEST = 1e-8  # changes of the loss below this are drawn there
QUANTITIES = {
    "distance": "distance of the images",
    "slope_spread": "sharpness $s_g$",
    "weight_spread": "size $s_w$",
    "gap": "gap",
    "correlation_mean": "mean of $c_n$",
    "slope_curvature_correlation": r"$r(\ln\sigma_g^2, \ln H)$",
}


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    figure, axes = plt.subplots(2, 2, figsize=(style.TWO_COLUMNS, 4.6), layout="constrained")
    style.draw_or_say(axes[0, 0], _errors, tables["pairs"])
    style.draw_or_say(axes[0, 1], _norm_ratios, tables["pairs"])
    style.draw_or_say(axes[1, 0], _norms, tables["pairs"])
    style.draw_or_say(axes[1, 1], _matchings, tables["matching"])
    style.letter_panels(axes.flat)
    return figure


def _errors(axis: Axes, pairs: pd.DataFrame) -> None:
    """How exactly a dual weight does at the training image what the test image does."""
    bins = np.arange(-17, -14.4, 0.1)
    for column, (label, colour) in {"activity_error": ("next layer", "blue"), "logit_error": ("logits", "orange")}.items():
        values = np.log10(pairs[column].clip(lower=1e-17))
        axis.hist(values, bins, color=style.COLOURS[colour], alpha=0.6, label=f"{label}, at most {pairs[column].max():.0e}")
    axis.set(xlabel=r"$\log_{10}$ of the relative error", ylabel="pairs")
    axis.set_title(f"{len(pairs):,} pairs, {pairs['run'].nunique()} networks")
    axis.set_ylim(0, 1.35 * axis.get_ylim()[1])  # room for the legend
    axis.legend(loc="upper right")


def _norm_ratios(axis: Axes, pairs: pd.DataFrame) -> None:
    """Other changes of the weights that do the same are larger."""
    looks = {
        "norm_ratio_along_test_activity": ("along the test activity", "blue"),
        "norm_ratio_along_random_vector": ("along a random vector", "red"),
    }
    for column, (label, colour) in looks.items():
        values = np.sort(pairs[column])
        share = np.arange(1, len(values) + 1) / len(values)
        axis.plot(values, share, color=style.COLOURS[colour], label=f"{label}, at least {values[0]:.4f}")
    axis.axvline(1, color="0.6", linestyle="--", linewidth=0.8)
    axis.set(
        xscale="log", xlim=(0.8, 300), xlabel="norm of another solution / norm of the dual weight", ylabel="share of pairs below"
    )
    axis.set_ylim(-0.3, 1.05)  # room for the legend
    axis.set_yticks(np.linspace(0, 1, 6))
    axis.legend(loc="lower right")


def _norms(axis: Axes, pairs: pd.DataFrame) -> None:
    """How large dual weights are, and what the loss changes by."""
    colours = np.where(pairs["loss_change"] > 0, style.COLOURS["red"], style.COLOURS["blue"])
    axis.scatter(
        pairs["relative_norm"],
        pairs["loss_change"].abs().clip(lower=SMALLEST),
        c=colours,
        s=2,
        linewidths=0,
        alpha=0.5,
        rasterized=True,
    )
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="norm of the dual weight / norm of $W$",
        ylabel=r"$|\delta l|$, test loss less training loss",
    )
    for name, colour, rises in (("rises", "red", True), ("falls", "blue", False)):
        share = ((pairs["loss_change"] > 0) == rises).mean()
        axis.plot([], [], "o", color=style.COLOURS[colour], markersize=3, label=f"loss {name}: {share:.0%} of the pairs")
    axis.legend(loc="upper left")
    axis.set_ylim(SMALLEST / 2, 1e3)
    style.log_ticks(axis, "x")


def _matchings(axis: Axes, matching: pd.DataFrame) -> None:
    """Every quantity in parts of that of the nearest image in pixel space, of the same network."""
    base = matching[matching["matching"] == "nearest_pixels"].set_index("seed")
    places = np.arange(len(QUANTITIES))[::-1]
    for offset, (name, colour, marker) in zip(
        (0.14, -0.14), (("nearest_activity", "green", "o"), ("random_of_class", "pink", "s")), strict=True
    ):
        other = matching[matching["matching"] == name].set_index("seed")
        for place, column in zip(places, QUANTITIES, strict=True):
            mean, low, high = student_interval(other[column] / base[column])
            axis.plot([low, high], [place + offset] * 2, color=style.COLOURS[colour], linewidth=0.9)
            axis.plot(mean, place + offset, marker, color=style.COLOURS[colour], markersize=4)
        axis.plot([], [], marker, color=style.COLOURS[colour], label=MATCHINGS[name])
    axis.axvline(1, ymax=0.87, color="0.6", linestyle="--", linewidth=0.8)
    axis.set(yticks=places, yticklabels=QUANTITIES.values(), xlabel="in parts of the value for the nearest in pixels")
    axis.set_ylim(-0.6, len(QUANTITIES) + 0.6)
    axis.legend(loc="upper right", ncols=2)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
