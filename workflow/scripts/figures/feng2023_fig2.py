"""Draw feng2023_fig2: the generalization gap decomposed; slopes against curvature, dual weights against size."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgdphysics import fits
from sgdphysics.provenance import jobs
from sgdphysics.report import panels, style

TABLES = ("points", "directions", "shifts")


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    figure, axes = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.9), layout="constrained")
    settings = panels.decided(tables["points"], list(panels.COLOURS))
    style.draw_or_say(axes[0, 0], _gaps, settings)
    style.draw_or_say(axes[0, 1], _products, settings)
    style.draw_or_say(axes[0, 2], _contributions, tables["directions"])
    style.draw_or_say(axes[1, 0], _curvature, tables["directions"])
    style.draw_or_say(axes[1, 1], _shifts, tables["shifts"])
    style.draw_or_say(axes[1, 2], _size, settings)
    style.letter_panels(axes.flat)
    return figure


def _of_sweeps(axis: Axes, settings: pd.DataFrame, x: str, y: str) -> None:
    """One point per run, by sweep."""
    for sweep, rows in settings.groupby("sweep"):
        look = {"s": 8, "linewidths": 0.6, "facecolors": "none"}
        axis.scatter(rows[x], rows[y], edgecolors=panels.colour_of(sweep), label=panels.NAMES[sweep], **look)


def _gaps(axis: Axes, settings: pd.DataFrame) -> None:
    """Test loss less the loss of the whole training set, against the decomposed gap."""
    settings = settings.assign(measured=settings["test_loss"] - settings["training_loss"])
    _of_sweeps(axis, settings, "decomposed_gap", "measured")
    low, high = settings["decomposed_gap"].min() / 1.2, settings["decomposed_gap"].max() * 1.2
    axis.plot([low, high], [low, high], color="0.5", linewidth=0.7, zorder=0)
    axis.set(
        xscale="log", yscale="log", xlabel="decomposed gap", ylabel="test loss - training loss", xlim=(low, high), ylim=(low, high)
    )
    axis.legend(fontsize=5.5, handletextpad=0.1, labelspacing=0.2, loc="upper left")
    residual = (settings["gap"] - settings["decomposed_gap"]).abs().max()
    axis.text(
        0.97, 0.03, f"gap of the pairs less\nthe sum: at most {residual:.0e}", transform=axis.transAxes, ha="right", fontsize=6
    )
    style.log_ticks(axis)


def _products(axis: Axes, settings: pd.DataFrame) -> None:
    """The gap against the sum over directions of the products of the two spreads."""
    _of_sweeps(axis, settings, "summed_products", "gap")
    once = settings.drop_duplicates(["run", "target"])
    line = np.array([once["summed_products"].min() / 1.1, once["summed_products"].max() * 1.1])
    constant = float((once["gap"] / once["summed_products"]).median())
    axis.plot(line, constant * line, color="0.5", linewidth=0.7, zorder=0)
    axis.set(xscale="log", yscale="log", xlabel=r"$\sum_n \sigma_{g,n}\sigma_{w,n}$", ylabel="gap")
    r = once.groupby("seed").apply(lambda rows: rows["gap"].corr(rows["summed_products"]), include_groups=False).mean()
    ratio = once["gap"] / once["summed_products"]
    axis.set_title(f"$r$ = {r:.3f}; gap / sum {ratio.min():.2f} to {ratio.max():.2f}")
    style.log_ticks(axis)


def _contributions(axis: Axes, directions: pd.DataFrame) -> None:
    """Share of the gap carried by the first n directions, and the correlation c_n; grey and orange: losses shuffled."""
    looks = {"own": ("black", "blue", ""), "shuffled": ("grey", "orange", ", losses shuffled")}
    for losses, (line, dots, text) in looks.items():
        rows = directions[directions["losses"] == losses]
        mean = rows.groupby("rank")[["cumulative_share", "correlation"]].mean()
        chosen = mean.index[np.unique(np.geomspace(1, len(mean), 60).round().astype(int)) - 1]
        correlation, share = mean.loc[chosen, "correlation"], mean["cumulative_share"]
        axis.plot(share.index, share, color=style.COLOURS[line], label=f"share of the gap{text}")
        axis.plot(correlation.index, correlation, "o", color=style.COLOURS[dots], markersize=2, label=f"$c_n${text}")
    axis.set(xscale="log", xlabel="Hessian direction $n$", ylabel=r"share of the gap; $c_n$", ylim=(0, 1.45))
    axis.legend(fontsize=5.5, loc="upper left", labelspacing=0.25)


def _curvature(axis: Axes, directions: pd.DataFrame) -> None:
    """Variance of the slopes against the eigenvalue, one seed; and with the losses shuffled."""
    first = directions[directions["seed"] == directions["seed"].min()]
    for losses, colour, marker in (("own", "blue", "o"), ("shuffled", "orange", "^")):
        rows = first[(first["losses"] == losses) & (first["eigenvalue"] > 1e-6 * first["eigenvalue"].max())]
        fit = fits.power_law(rows["eigenvalue"], rows["slope_std"] ** 2)
        label = rf"{losses} losses: $\propto H^{{{fit.exponent:.2f}}}$, $r$ = {fit.r:.2f}"
        axis.plot(
            rows["eigenvalue"],
            rows["slope_std"] ** 2,
            marker,
            color=style.COLOURS[colour],
            markersize=1.6,
            linestyle="",
            label=label,
        )
    axis.set(xscale="log", yscale="log", xlabel="Hessian eigenvalue $H_n$", ylabel=r"slope variance $\sigma_{g,n}^2$")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * 30)
    axis.legend(fontsize=5.5, loc="upper left", handletextpad=0.2)


def _shifts(axis: Axes, shifts: pd.DataFrame) -> None:
    """Exponent and correlation of slope variance and curvature as the test images come closer to their training images."""
    for losses, line in (("own", "-"), ("shuffled", ":")):
        rows = shifts[shifts["losses"] == losses]
        columns = {"slope_curvature_exponent": ("blue", "exponent"), "slope_curvature_correlation": ("black", "$r$")}
        for column, (colour, label) in columns.items():
            wide = rows.pivot(index="seed", columns="fraction", values=column)
            text = label + (", losses shuffled" if losses == "shuffled" else "")
            style.band(axis, wide.columns, wide, style.COLOURS[colour], linestyle=line, marker="o", markersize=2.5, label=text)
    gradient = fits.student_interval(shifts.loc[shifts["losses"] == "gradient", "slope_curvature_exponent"])
    axis.errorbar(
        0.015,
        gradient[0],
        np.abs(np.array(gradient[1:]) - gradient[0])[:, None],
        fmt="*",
        color=style.COLOURS["red"],
        label="exponent, gradient",
    )
    axis.axhline(1, color="0.7", linewidth=0.7, linestyle="--")
    axis.set(xscale="log", xlabel="part of the shift of the data", ylabel=r"of $\ln\sigma_{g,n}^2$ on $\ln H_n$", ylim=(0, 1.95))
    axis.legend(fontsize=5.5, loc="upper left", labelspacing=0.25)


def _size(axis: Axes, settings: pd.DataFrame) -> None:
    """Size in the data's metric against the plain norm."""
    _of_sweeps(axis, settings, "weight_norm", "weight_spread")
    once = settings.drop_duplicates(["run", "target"])
    fits_of_seeds = [fits.power_law(rows["weight_norm"], rows["weight_spread"]) for _, rows in once.groupby("seed")]
    exponent, r = (np.mean([getattr(fit, key) for fit in fits_of_seeds]) for key in ("exponent", "r"))
    norms = once["weight_norm"]
    span = 4.5 if norms.min() >= 4.5 else norms.min() / 1.1, max(20.5, 1.1 * norms.max())
    axis.set(xscale="log", yscale="log", xlabel="norm $|W|$", ylabel="size $s_w$", xlim=span)
    axis.set_title(rf"these sweeps: $s_w \propto |W|^{{{exponent:.2f}}}$, $r$ = {r:.2f}")
    style.log_ticks(axis)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
