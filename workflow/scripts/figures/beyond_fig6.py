"""Draw beyond_fig6: fluctuation and dissipation of all settings on one curve, with nulls; annealing locally; longer windows."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from sgdphysics import fits
from sgdphysics.fluctuation_dissipation import DECIDING_ORDER, PLACE, RATIO
from sgdphysics.provenance import jobs
from sgdphysics.report import style

TABLES = ("ratios", "medians", "local_exponents", "windows")
THEORIES = {
    "theory_epoch": ("theory, without replacement", "black"),
    "theory_replacement": ("theory, with replacement", style.COLOURS["pink"]),
    "theory_without_force": ("theory, no restoring force", style.COLOURS["red"]),
}
SOURCES = {  # the steps of the isotropic walk have no size that could be compared
    "sgd": ("SGD", "black", "o"),
    "other_layers_held": ("SGD, other layers held", style.COLOURS["blue"], "s"),
    "linear_sgd": ("linear SGD", style.COLOURS["green"], "D"),
    "noise_epoch": ("frozen noise", style.COLOURS["red"], "^"),
    "noise_replacement": ("frozen noise, with replacement", style.COLOURS["pink"], "v"),
    "rotated_noise": ("rotated noise", style.COLOURS["orange"], "P"),
}
CLOSE = (0.5, 2.0)  # measured over theory
LARGEST_LOSS = 1.0  # of the bins of exponents: above, the noise still heats
DRAWINGS = {"epoch": ("without replacement", "-"), "replacement": ("with replacement", "--")}
WINDOW_RANKS = (1, 10, 100)


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 5.2), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.12, 1))
    axes = np.array([upper.subplots(1, 3), lower.subplots(1, 3)])
    ratios, medians = tables["ratios"], tables["medians"]
    deciding = medians[medians["detrending_order"] == DECIDING_ORDER]
    sgd = ratios[(ratios["source"] == "sgd") & (ratios["detrending_order"] == DECIDING_ORDER)]
    style.draw_or_say(axes[0, 0], _settings, sgd)
    style.draw_or_say(axes[0, 1], _sources, deciding, sgd)
    style.draw_or_say(axes[0, 2], _sources_over_theory, deciding)
    _explain(upper, deciding)
    style.draw_or_say(axes[1, 0], _orders, medians[medians["source"] == "sgd"])
    style.draw_or_say(axes[1, 1], _local_exponents, _local(tables["local_exponents"]))
    style.draw_or_say(axes[1, 2], _window_lengths, _long(tables["windows"]))
    style.letter_panels(axes.flat)
    return figure


def _settings(axis: Axes, rows: pd.DataFrame) -> None:
    """Every setting, geometric means over seeds at each rank, and the theories of the same windows."""
    look = style.SettingLook(rows["learning_rate"], rows["batch_size"])
    for (rate, size), setting in rows.groupby(["learning_rate", "batch_size"]):
        means = np.exp(np.log(setting[[PLACE, RATIO]]).groupby(setting["rank"]).mean())
        look.scatter(axis, rate, size, means[PLACE], means[RATIO], hollow=(setting["status"] != "converged").any())
    _theories(axis, rows)
    look.legend(axis)
    axis.get_legend().set_loc("lower right")
    _ratio_axes(axis)


def _theories(axis: Axes, rows: pd.DataFrame) -> None:
    """The ratio that each theory expects, a thin line for every setting."""
    for _, setting in rows.groupby(["learning_rate", "batch_size"]):
        means = np.exp(np.log(setting[[PLACE, *THEORIES]]).groupby(setting["rank"]).mean()).sort_values(PLACE)
        for name, (_, colour) in THEORIES.items():
            axis.plot(means[PLACE], means[name], color=colour, linewidth=0.7, zorder=0)


def _ratio_axes(axis: Axes, label: str = r"$\sigma_i^2 H_i \, / \, T_i$") -> None:
    axis.set(xscale="log", yscale="log", xlabel=r"relaxation times in an epoch, $\alpha H_i M$", ylabel=label)
    axis.axhline(1, color=style.COLOURS["grey"], linewidth=0.6, zorder=0)
    style.log_ticks(axis)


def _sources(axis: Axes, medians: pd.DataFrame, sgd: pd.DataFrame) -> None:
    _theories(axis, sgd)
    for source, (_, colour, marker) in SOURCES.items():
        _curve(axis, medians[medians["source"] == source], "median_ratio", colour, marker=marker)
    _ratio_axes(axis)


def _sources_over_theory(axis: Axes, medians: pd.DataFrame) -> None:
    """All sources but the noise that lacks the landscape's directions, to which no theory of these applies."""
    for source in (source for source in SOURCES if source != "rotated_noise"):
        _, colour, marker = SOURCES[source]
        _curve(axis, medians[medians["source"] == source], "median_over_theory", colour, marker=marker)
    _over_theory_axes(axis)


def _explain(figure: SubFigure, medians: pd.DataFrame) -> None:
    """The legend of the theories, and of the sources that there are, above the panels that show them."""
    handles = [Line2D([], [], color=colour, linewidth=0.9, label=label) for label, colour in THEORIES.values()]
    shown = [SOURCES[source] for source in SOURCES if (medians["source"] == source).any()]
    handles += [Line2D([], [], color=colour, marker=marker, markersize=3, label=label) for label, colour, marker in shown]
    if shown:
        figure.legend(handles=handles, loc="outside upper center", ncols=3, columnspacing=3, handletextpad=0.5)


def _orders(axis: Axes, medians: pd.DataFrame) -> None:
    """SGD over theory, each order of detrending beside the theory of the same order."""
    for order, colour in style.shades(sorted(medians["detrending_order"].unique())).items():
        rows = medians[medians["detrending_order"] == order]
        _curve(axis, rows, "median_over_theory", colour, label=f"{order:g}", marker="o")
    axis.legend(title="order of detrending", title_fontsize=6.5, ncols=2, loc="upper right")
    _over_theory_axes(axis)


def _over_theory_axes(axis: Axes) -> None:
    axis.axhspan(*CLOSE, color=style.COLOURS["grey"], alpha=0.12, linewidth=0, zorder=0)
    _ratio_axes(axis, "measured / linear theory")


def _curve(axis: Axes, rows: pd.DataFrame, column: str, colour: str | np.ndarray, **look: str) -> None:
    """Medians by half decade with their intervals over seeds, as far as these have ends."""
    rows = rows.sort_values(PLACE)
    axis.plot(rows[PLACE], rows[column], color=colour, linewidth=0.9, markersize=2.6, **look)
    low, high = (rows[f"{column}_{end}"] for end in ("low", "high"))
    axis.fill_between(rows[PLACE], low, high, where=np.isfinite(high), color=colour, alpha=0.18, linewidth=0)


def _local(exponents: pd.DataFrame) -> pd.DataFrame:
    """Exponents of the reference setting, with clean labels and with wrong ones, in the narrowest bins."""
    rows = exponents[(exponents["reference"] | (exponents["label_noise"] > 0)) & (exponents["loss_high"] <= LARGEST_LOSS * 1.001)]
    return rows[rows["decades"] == rows["decades"].min()]


def _local_exponents(axis: Axes, rows: pd.DataFrame) -> None:
    for rank, colour in style.shades(sorted(rows["rank"].unique())).items():
        for noisy, dash in ((False, "-"), (True, ":")):
            part = rows[(rows["rank"] == rank) & ((rows["label_noise"] > 0) == noisy)]
            _linear_band(axis, part, colour, linestyle=dash, label=None if noisy else f"$i$ = {rank:g}")
    axis.axhline(2, color=style.COLOURS["grey"], linestyle="--", linewidth=0.8)
    axis.axhline(0, color=style.COLOURS["grey"], linewidth=0.5)
    if (rows["label_noise"] > 0).any():
        axis.plot([], [], color="0.3", linestyle=":", label="wrong labels")
    axis.set(xscale="log", xlabel="training loss $L$", ylabel=r"local exponent $b$ of $T_i \sim L^b$")
    low, high = axis.get_ylim()
    axis.set_ylim(low - 0.4 * (high - low), high)  # with room for the legend
    axis.legend(loc="lower right", ncols=3, handlelength=1.2, handletextpad=0.4, columnspacing=0.6)
    style.loss_falls(axis)
    style.log_ticks(axis, "x")


def _linear_band(axis: Axes, rows: pd.DataFrame, colour: str | np.ndarray, **line: str | None) -> None:
    """Mean over seeds of the exponent in each bin with its 95 % interval."""
    bins = [
        (np.sqrt(low * high), *fits.student_interval(part["exponent"]))
        for (low, high), part in rows.groupby(["loss_low", "loss_high"])
    ]
    if not bins:
        return
    centres, mean, low, high = np.array(bins).T
    axis.plot(centres, mean, color=colour, linewidth=0.9, marker="o", markersize=2.2, **line)
    axis.fill_between(centres, low, high, where=np.isfinite(high), color=colour, alpha=0.15, linewidth=0)


def _long(windows: pd.DataFrame) -> pd.DataFrame:
    """Windows in which all layers move, at the deciding order."""
    rows = windows[(windows["layers"] == "all") & (windows["detrending"] == DECIDING_ORDER) & (windows["status"] == "converged")]
    return rows[rows["rank"].isin(WINDOW_RANKS)]


def _window_lengths(axis: Axes, rows: pd.DataFrame) -> None:
    """Variance along Hessian directions against the length of the window, with draws of both kinds."""
    for rank, colour in style.shades(sorted(rows["rank"].unique())).items():
        for sampling, (_, dash) in DRAWINGS.items():
            part = rows[(rows["rank"] == rank) & (rows["sampling"] == sampling)]
            wide = part.pivot_table(index="run", columns="window_epochs", values="variance")
            label = f"$i$ = {rank:g}" if sampling == "epoch" else None
            style.band(axis, wide.columns, wide, colour, linestyle=dash, label=label, marker="o", markersize=2.2)
    for label, dash in DRAWINGS.values():
        axis.plot([], [], color="0.3", linestyle=dash, label=label)
    axis.set(xscale="log", yscale="log", xlabel="length of the window, epochs", ylabel=r"variance $\sigma_i^2$")
    axis.legend(loc="lower left", ncols=2, handlelength=1.3, handletextpad=0.4, columnspacing=0.5)
    style.room_below(axis, rows["variance"], 30)
    style.log_ticks(axis)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
