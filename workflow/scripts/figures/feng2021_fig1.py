"""Draw feng2021_fig1: principal components of the weight dynamics, beside walks that lack something of SGD."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgdphysics.provenance import jobs
from sgdphysics.report import style

TABLES = ("spectra", "dimension", "trajectory")
SOURCES = {
    "sgd": ("SGD", style.COLOURS["black"]),
    "linear_sgd": ("linear SGD", style.COLOURS["pink"]),
    "noise_epoch": ("frozen noise, draws without replacement", style.COLOURS["orange"]),
    "noise_replacement": ("with replacement", style.COLOURS["sky"]),
    "isotropic": ("isotropic walk", style.COLOURS["grey"]),
}
SHORT = {
    "sgd": "SGD",
    "linear_sgd": "linear SGD",
    "noise_epoch": "frozen, no repl.",
    "noise_replacement": "frozen, repl.",
    "isotropic": "isotropic",
}
COUNTS = {"components_99": "all", "components_99_without_first": "without PC1"}


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    spectra, dimension = (
        rows[rows["reference"] & (rows["status"] == "converged")] for rows in (tables["spectra"], tables["dimension"])
    )
    figure, axes = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.7), layout="constrained")
    main = spectra[spectra["window"] == "main"]
    counts = dimension[dimension["window"] == "main"].groupby("source").mean(numeric_only=True)
    style.draw_or_say(axes[0, 0], _spectra, main)
    style.draw_or_say(axes[0, 1], _cumulative, main, counts)
    style.draw_or_say(axes[0, 2], _held_out, main, counts["held_out_participation_ratio_without_first"])
    trajectory = tables["trajectory"]
    ranks = sorted(trajectory["rank"].unique())
    for axis, pair, name in ((axes[1, 0], ranks[:2], "drift"), (axes[1, 1], ranks[-2:], "diffusion")):
        style.draw_or_say(axis, _trajectory, trajectory, pair, name)
    style.draw_or_say(axes[1, 2], _early, spectra[spectra["window"] == "early"], dimension[dimension["window"] == "early"])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=5, handlelength=1.2, columnspacing=1.2)
    style.letter_panels(axes.flat)
    return figure


def _shares(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Runs by ranks: a spectrum's values relative to the largest in-sample variance of the run."""
    wide = rows.pivot_table(index="run", columns="rank", values=column)
    variances = rows.pivot_table(index="run", columns="rank", values="variance")
    return wide.div(variances.iloc[:, 0], axis=0) if len(rows) else wide


def _spectra(axis: Axes, rows: pd.DataFrame) -> None:
    for source, (label, colour) in SOURCES.items():
        shares = _shares(rows[rows["source"] == source], "variance")
        style.band(axis, shares.columns, shares, colour, label=label)
    axis.set(
        xscale="log", yscale="log", xlabel="rank of component $i$", ylabel=r"variance $\sigma_i^2 / \sigma_1^2$", ylim=(1e-7, 2)
    )
    style.log_ticks(axis)


def _cumulative(axis: Axes, rows: pd.DataFrame, counts: pd.DataFrame) -> None:
    for source, (_, colour) in SOURCES.items():
        shares = rows[rows["source"] == source].pivot_table(index="run", columns="rank", values="cumulative_share")
        axis.plot(shares.columns, shares.mean(), color=colour)
    axis.axhline(0.99, color=style.COLOURS["grey"], linewidth=0.6, linestyle=":")
    known = {column: name for column, name in COUNTS.items() if column in counts}
    title = "components for 99 %" + (f"\n{', '.join(known.values())}" if len(known) > 1 else "")
    lines = {source: ", ".join(f"{counts[column][source]:.0f}" for column in known) for source in SOURCES if source in counts.index}
    axis.text(0.98, 0.02, _numbers(title, lines), transform=axis.transAxes, ha="right", va="bottom", fontsize=6)
    axis.set(xscale="log", xlabel="rank of component $i$", ylabel="cumulative share of variance", ylim=(0, 1.03))


def _held_out(axis: Axes, rows: pd.DataFrame, ratios: pd.Series) -> None:
    for source, (_, colour) in SOURCES.items():
        shares = _shares(rows[rows["source"] == source], "held_out_variance").iloc[:, 1:]
        style.band(axis, shares.columns, shares, colour)
    lines = {source: f"{ratios[source]:.0f}" for source in SOURCES if source in ratios}
    axis.text(0.02, 0.02, _numbers("participation ratio\nwithout PC1", lines), transform=axis.transAxes, va="bottom", fontsize=6)
    label = "variance in the next window\nalong the same directions / $\\sigma_1^2$"
    axis.set(xscale="log", yscale="log", xlabel="rank of component $i > 1$", ylabel=label)
    style.room_below(axis, _shares(rows[rows["source"] == "sgd"], "held_out_variance").stack(), 10)
    style.log_ticks(axis)


def _numbers(title: str, numbers: Mapping[str, str]) -> str:
    return "\n".join([title, *(f"{SHORT[source]}: {number}" for source, number in numbers.items())])


def _trajectory(axis: Axes, rows: pd.DataFrame, pair: list[int], name: str) -> None:
    """Every step as a point, and the means of epochs joined."""
    if len(pair) < 2:
        style.say(axis, "one component only")
        return
    rows = rows[rows["source"] == "sgd"]
    wide = rows.pivot_table(index="step", columns="rank", values="projection")[pair]
    points = axis.scatter(*wide.to_numpy().T, c=wide.index, cmap="viridis", s=3, linewidths=0, alpha=0.6, rasterized=True)
    bar = axis.figure.colorbar(points, ax=axis, label="step", shrink=0.8, aspect=25, pad=0.02)
    bar.solids.set_alpha(1)
    epochs = int(rows["window_epochs"].iloc[0])
    means = wide.groupby(wide.index * epochs // len(wide)).mean()
    axis.plot(
        *means.to_numpy().T, color="black", linewidth=0.8, marker="o", markersize=3, markerfacecolor="white", markeredgewidth=0.7
    )
    first, second = pair
    title = name
    if first == 1:
        cosine = rows[rows["rank"] == 1]["cosine_with_weights"].iloc[0]
        title = f"{name}, |cos(PC1, $w_0$)| {abs(cosine):.2f}"
    axis.set(xlabel=f"PC{first}", ylabel=f"PC{second}")
    axis.set_title(title, loc="right", fontsize=6)
    axis.ticklabel_format(style="sci", scilimits=(-2, 2), useMathText=True)
    axis.locator_params(nbins=4)


def _early(axis: Axes, rows: pd.DataFrame, dimension: pd.DataFrame) -> None:
    """Spectra of single early epochs, each beside walks of one epoch; with their numbers of components for 99 %."""
    epochs = sorted(rows["start_epoch"].unique())
    counts = dimension.groupby(["source", "start_epoch"])["components_99"].mean()
    for epoch, colour in zip(epochs, plt.get_cmap("plasma")([0.0, 0.25, 0.45, 0.65][: len(epochs)]), strict=False):
        shares = _shares(rows[(rows["source"] == "sgd") & (rows["start_epoch"] == epoch)], "variance")
        style.band(axis, shares.columns, shares, colour, label=f"SGD, epoch {epoch + 1}: {counts['sgd', epoch]:.0f}")
    for source in ("noise_epoch", "noise_replacement", "isotropic"):
        for epoch in epochs[-1:] if source in counts else []:
            shares = _shares(rows[(rows["source"] == source) & (rows["start_epoch"] == epoch)], "variance")
            label = "isotropic walk" if source == "isotropic" else f"frozen noise, epoch {epoch + 1}"
            label = f"{label}: {counts[source, epoch]:.0f}"
            style.band(axis, shares.columns, shares, SOURCES[source][1], label=label, linestyle="--")
    label = "variance within one epoch\n" + r"$\sigma_i^2 / \sigma_1^2$"
    axis.set(xscale="log", yscale="log", xlabel="rank of component $i$", ylabel=label)
    style.room_below(axis, _shares(rows[rows["source"] == "sgd"], "variance").stack(), 1e6)
    style.log_ticks(axis)
    axis.legend(loc="lower left", handlelength=1.2, fontsize=6, title="components for 99 %", title_fontsize=6, alignment="left")


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
