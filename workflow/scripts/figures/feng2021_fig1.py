"""Draw feng2021_fig1: principal components of the weight dynamics, beside walks without a landscape."""

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
    "noise_epoch": ("SGD noise without a landscape, draws without replacement", style.COLOURS["orange"]),
    "noise_replacement": ("the same, with replacement", style.COLOURS["sky"]),
    "isotropic": ("isotropic walk", style.COLOURS["grey"]),
}


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    spectra, dimension = (
        rows[rows["reference"] & (rows["status"] == "converged")] for rows in (tables["spectra"], tables["dimension"])
    )
    figure, axes = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.7), layout="constrained")
    main = spectra[spectra["window"] == "main"]
    counts = dimension[dimension["window"] == "main"].groupby("source")
    style.draw_or_say(axes[0, 0], _spectra, main)
    style.draw_or_say(axes[0, 1], _cumulative, main, counts["components_99"].mean())
    style.draw_or_say(axes[0, 2], _held_out, main, counts["held_out_participation_ratio_without_first"].mean())
    trajectory = tables["trajectory"]
    ranks = sorted(trajectory["rank"].unique())
    for axis, pair, name in ((axes[1, 0], ranks[:2], "drift"), (axes[1, 1], ranks[-2:], "diffusion")):
        style.draw_or_say(axis, _trajectory, trajectory, pair, name)
    style.draw_or_say(axes[1, 2], _early, spectra[spectra["window"] == "early"])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, handlelength=1.2)
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


def _cumulative(axis: Axes, rows: pd.DataFrame, counts: pd.Series) -> None:
    for source, (_, colour) in SOURCES.items():
        shares = rows[rows["source"] == source].pivot_table(index="run", columns="rank", values="cumulative_share")
        axis.plot(shares.columns, shares.mean(), color=colour)
    axis.axhline(0.99, color=style.COLOURS["grey"], linewidth=0.6, linestyle=":")
    axis.text(0.97, 0.05, _numbers("components for 99 %", counts), transform=axis.transAxes, ha="right", va="bottom", fontsize=6.5)
    axis.set(xscale="log", xlabel="rank of component $i$", ylabel="cumulative share of variance", ylim=(0, 1.03))


def _held_out(axis: Axes, rows: pd.DataFrame, ratios: pd.Series) -> None:
    for source, (_, colour) in SOURCES.items():
        shares = _shares(rows[rows["source"] == source], "held_out_variance").iloc[:, 1:]
        style.band(axis, shares.columns, shares, colour)
    text = _numbers("participation ratio", ratios)
    axis.text(0.97, 0.97, text, transform=axis.transAxes, ha="right", va="top", fontsize=6.5)
    label = "variance in the next window\nalong the same directions / $\\sigma_1^2$"
    axis.set(xscale="log", yscale="log", xlabel="rank of component $i > 1$", ylabel=label, ylim=(1e-7, 1e3))
    style.log_ticks(axis)


def _numbers(title: str, numbers: pd.Series) -> str:
    names = {
        "sgd": "SGD",
        "noise_epoch": "noise, without repl.",
        "noise_replacement": "noise, with repl.",
        "isotropic": "isotropic",
    }
    return "\n".join([title, *(f"{names[source]}: {numbers[source]:.0f}" for source in SOURCES if source in numbers)])


def _trajectory(axis: Axes, rows: pd.DataFrame, pair: list[int], name: str) -> None:
    if len(pair) < 2:
        style.say(axis, "one component only")
        return
    wide = rows[rows["source"] == "sgd"].pivot_table(index="step", columns="rank", values="projection")
    first, second = pair
    axis.plot(wide[first], wide[second], color=style.COLOURS["grey"], linewidth=0.3)
    points = axis.scatter(wide[first], wide[second], c=wide.index, cmap="viridis", s=2, linewidths=0, rasterized=True)
    axis.figure.colorbar(points, ax=axis, label="step", shrink=0.8, aspect=25, pad=0.02)
    title = name
    if first == 1:
        cosine = rows[(rows["source"] == "sgd") & (rows["rank"] == 1)]["cosine_with_weights"].iloc[0]
        title = f"{name}, |cos(PC1, $w_0$)| {abs(cosine):.2f}"
    axis.set(xlabel=f"PC{first}", ylabel=f"PC{second}")
    axis.set_title(title, loc="right", fontsize=6)
    axis.ticklabel_format(style="sci", scilimits=(-2, 2), useMathText=True)
    axis.locator_params(nbins=4)


def _early(axis: Axes, rows: pd.DataFrame) -> None:
    """Spectra of single early epochs, each beside the isotropic walk of one epoch."""
    epochs = sorted(rows["start_epoch"].unique())
    for epoch, colour in zip(epochs, plt.get_cmap("plasma")([0.1, 0.35, 0.6, 0.8][: len(epochs)]), strict=False):
        shares = _shares(rows[(rows["source"] == "sgd") & (rows["start_epoch"] == epoch)], "variance")
        style.band(axis, shares.columns, shares, colour, label=f"epoch {epoch + 1}")
    shares = _shares(rows[rows["source"] == "isotropic"], "variance")
    style.band(axis, shares.columns, shares, style.COLOURS["grey"], label="isotropic walk")
    label = "variance within one epoch\n" + r"$\sigma_i^2 / \sigma_1^2$"
    axis.set(xscale="log", yscale="log", xlabel="rank of component $i$", ylabel=label, ylim=(1e-8, 2))
    axis.legend(loc="lower left", handlelength=1.2)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
