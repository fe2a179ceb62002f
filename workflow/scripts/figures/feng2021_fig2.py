"""Draw feng2021_fig2: flatness, and the variance of the weights against it, with its controls."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgdphysics import fits
from sgdphysics.provenance import jobs
from sgdphysics.report import flatness_panels, style

TABLES = ("runs", "directions", "exponents", "slices")
KINDS = {
    "in_sample": "(a) in sample,\nas published",
    "held_out": "(b) held\nout",
    "hessian": "(c) Hessian\nbasis",
    "noise_without_landscape": "(d) noise, no\nlandscape",
    "linear_theory": "(e) linear\ntheory",
    "linear_theory_stationary": "(e) linear,\nstationary",
}
BASES = {
    "in_sample": ("principal", "variance", "in sample", style.COLOURS["black"]),
    "held_out": ("held_out", "variance_without_drift", "held out", style.COLOURS["blue"]),
    "hessian": ("hessian", "variance_without_drift", "Hessian basis", style.COLOURS["red"]),
}


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    directions = tables["directions"]
    main = directions[(directions["window"] == "main") & (directions["source"] == "sgd")]
    reference = main[main["reference"] & (main["status"] == "converged")]
    figure, axes = plt.subplot_mosaic(
        [["slices", "ranks", "bases"], ["settings", "exponents", "exponents"]],
        figsize=(style.TWO_COLUMNS, 5.0),
        layout="constrained",
    )
    style.draw_or_say(axes["slices"], _slices, tables["slices"])
    style.draw_or_say(axes["ranks"], _ranks, reference)
    style.draw_or_say(axes["bases"], _bases, reference)
    principal, label = main[main["basis"] == "principal"], r"variance $\sigma_i^2$, in sample"
    style.draw_or_say(axes["settings"], flatness_panels.draw_settings, principal, "variance", label)
    _exponents(axes["exponents"], tables["exponents"], tables["runs"])
    style.letter_panels(axes.values())
    return figure


def _slices(axis: Axes, rows: pd.DataFrame) -> None:
    """Loss, relative to the centre, along some directions of the first reference run; the flatness of the last."""
    rows = rows[rows["seed"] == rows["seed"].min()]
    for rank, colour in style.shades(sorted(rows["rank"].unique())).items():
        part = rows[rows["rank"] == rank]
        relative = part["loss"] / np.interp(0, part["offset"], part["loss"])
        axis.plot(part["offset"], relative, color=colour, label=f"$i$ = {rank}")
    inside = part["offset"][relative <= np.e]
    ends = {"arrowstyle": "<->", "color": colour, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", (inside.min(), np.e), (inside.max(), np.e), arrowprops=ends)
    axis.text(inside.max() * 1.15, np.e * 0.98, f"$F_{{{rank}}}$", color=colour, va="top")
    axis.axhline(np.e, color=style.COLOURS["grey"], linewidth=0.6, linestyle=":", zorder=0)
    axis.text(0.01, np.e * 1.05, "$e$", transform=axis.get_yaxis_transform(), color=style.COLOURS["grey"], va="bottom")
    reach = 1.6 * np.ptp(inside)
    axis.set(yscale="log", xlabel="distance along component $i$", ylabel="loss $L / L(w_0)$", xlim=(-reach, reach), ylim=(0.6, 400))
    axis.legend(loc="upper center", ncols=2, handlelength=1.0, columnspacing=0.8)
    style.log_ticks(axis, "y")


def _ranks(axis: Axes, rows: pd.DataFrame) -> None:
    rows = rows[rows["basis"] == "principal"]
    other = axis.twinx()
    for panel, column, colour in ((axis, "variance", style.COLOURS["black"]), (other, "flatness", style.COLOURS["green"])):
        wide = rows.pivot_table(index="run", columns="rank", values=column).replace(np.inf, np.nan).dropna(axis=1)
        style.band(panel, wide.columns, wide, colour)
        panel.set_yscale("log")
        panel.tick_params(axis="y", which="both", colors=colour)
    axis.set(xscale="log", xlabel="rank of component $i$")
    axis.set_ylabel(r"variance $\sigma_i^2$", color=style.COLOURS["black"])
    other.set_ylabel("flatness $F_i$", color=style.COLOURS["green"])
    other.spines["right"].set_visible(True)
    style.log_ticks(axis)
    style.log_ticks(other, "y")


def _bases(axis: Axes, rows: pd.DataFrame) -> None:
    """Variance against flatness in three bases, all seeds, with mean exponents; what constant temperature would give."""
    rows = flatness_panels.fitted(rows)
    if not len(rows):
        style.say(axis, flatness_panels.NOTHING)
        return
    for basis, column, label, colour in BASES.values():
        part = rows[rows["basis"] == basis]
        axis.scatter(part["flatness"], part[column], s=3, color=colour, alpha=0.35, linewidths=0, rasterized=True)
        fit = fits.power_law(part["flatness"], part[column])
        ends = np.array([part["flatness"].min(), part["flatness"].max()])
        axis.plot(ends, fit(ends), color=colour, label=label)
    middle = np.exp(np.log(rows["flatness"]).mean())
    level = np.exp(np.log(rows["variance"]).mean())
    ends = middle * np.array([0.35, 2.0])
    axis.plot(ends, level * 6 * (ends / middle) ** 2, color=style.COLOURS["grey"], linestyle="--", label=r"Einstein: $\propto F^2$")
    axis.set(xscale="log", yscale="log", xlabel="flatness $F_i$", ylabel=r"variance $\sigma_i^2$")
    axis.set_xlim(rows["flatness"].min() / 1.6, rows["flatness"].max() * 1.3)
    style.room_below(axis, rows["variance"], 30)
    axis.legend(loc="lower left", handlelength=1.2)
    style.log_ticks(axis)


def _exponents(axis: Axes, exponents: pd.DataFrame, runs: pd.DataFrame) -> None:
    """The exponents side by side: mean and 95 % interval over seeds at every setting; settings that diverged are named."""
    look = style.SettingLook(runs["learning_rate"], runs["batch_size"])
    settings = sorted(set(zip(runs["learning_rate"], runs["batch_size"], strict=True)))
    for index, (rate, size) in enumerate(settings):
        shift = 0.75 * (index / max(1, len(settings) - 1) - 0.5)
        colour, marker = look.colour(rate), look.marker(size)
        part = exponents[(exponents["learning_rate"] == rate) & (exponents["batch_size"] == size)]
        for position, kind in enumerate(KINDS):
            group = part[part["kind"] == kind]
            converged = group[group["status"] == "converged"]
            values = converged if len(converged) else group
            if not len(values):
                axis.text(position + shift, -2.6, "×", color=colour, ha="center", va="center")
                continue
            mean, low, high = fits.student_interval(values["exponent"])
            fill = colour if len(converged) else "none"
            axis.plot([position + shift] * 2, [low, high], color=colour, linewidth=0.8)
            axis.plot(position + shift, mean, marker=marker, color=colour, markerfacecolor=fill, markersize=3)
    axis.axhline(0, color=style.COLOURS["grey"], linewidth=0.6)
    axis.axhline(-2, color=style.COLOURS["grey"], linewidth=0.8, linestyle="--")
    axis.text(
        len(KINDS) - 0.45, -1.97, "Einstein relation, constant temperature", color="0.4", fontsize=6.5, ha="right", va="bottom"
    )
    axis.axhline(4, color=style.COLOURS["grey"], linewidth=0.8, linestyle=":")
    axis.text(len(KINDS) - 0.45, 4.03, "published: about 4", color="0.4", fontsize=6.5, ha="right", va="bottom")
    lost = int((runs["status"] != "converged").sum())
    note = f"mean and 95 % interval over {runs['seed'].nunique()} seeds; {lost} of {len(runs)} runs not converged"
    note += ", × where all of a setting" * (lost > 0)
    axis.set_title(note, loc="right", fontsize=6.5, color="0.3")
    axis.set_xticks(range(len(KINDS)), list(KINDS.values()))
    axis.set(ylabel=r"exponent $\psi$ in $\sigma_i^2 \propto F_i^{-\psi}$", xlim=(-0.55, len(KINDS) - 0.4))
    axis.set_ylim(bottom=min(-3.0, axis.get_ylim()[0]))


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
