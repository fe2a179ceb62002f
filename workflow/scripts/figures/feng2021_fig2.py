"""Draw feng2021_fig2: flatness, and the variance of the weights against it, with its controls."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgdphysics import fits
from sgdphysics.provenance import jobs
from sgdphysics.report import flatness_panels, style

TABLES = ("runs", "directions", "exponents", "slices", "ladder")
SLOW = 1  # order of the polynomial in time that is taken out of every series of the ladder: the drift
RUNGS = {
    "isotropic": "isotropic walk",
    "rotated_noise": "rotated noise",
    "frozen_noise": "frozen noise",
    "linear_sgd": "linear SGD",
    "sgd": "SGD",
}
# Exponents of panel e: rung, basis and detrending order, and how they are called; the last has a table of its own.
KINDS = {
    ("sgd", "principal", 0): "(a)\nin sample",
    ("frozen_noise", "principal", 0): "(d) frozen,\nin sample",
    ("sgd", "held_out", SLOW): "(b)\nheld out",
    ("frozen_noise", "held_out", SLOW): "frozen,\nheld out",
    ("sgd", "hessian", SLOW): "(c)\nHessian",
    ("frozen_noise", "hessian", SLOW): "frozen,\nHessian",
    ("linear_theory", "hessian", SLOW): "(e) linear\ntheory",
}
STATIONARY = "linear_theory_stationary"
PSI = r"exponent $\psi$ in $\sigma_i^2 \propto F_i^{-\psi}$"
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
        [["slices", "ranks", "bases"], ["settings", "exponents", "exponents"], ["ladder", "local", "correlation"]],
        figsize=(style.TWO_COLUMNS, 7.3),
        layout="constrained",
    )
    exponents, ladder = tables["exponents"], tables["ladder"]
    style.draw_or_say(axes["slices"], _slices, tables["slices"])
    style.draw_or_say(axes["ranks"], _ranks, reference)
    style.draw_or_say(axes["bases"], _bases, reference, exponents[exponents["reference"]])
    principal, label = main[main["basis"] == "principal"], r"variance $\sigma_i^2$, in sample"
    style.draw_or_say(axes["settings"], flatness_panels.draw_settings, principal, "variance", label)
    _exponents(axes["exponents"], _kinds(ladder, exponents), tables["runs"])
    rungs = ladder[ladder["reference"] & (ladder["status"] == "converged") & (ladder["detrending_order"] == SLOW)]
    style.draw_or_say(axes["ladder"], _psi, rungs[rungs["ranks"] == "all"])
    style.draw_or_say(axes["local"], _local, rungs[rungs["ranks"] != "all"])
    style.draw_or_say(axes["correlation"], _correlation, rungs[rungs["ranks"] == "all"])
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
    axis.text(1.01, np.e, "$e$", transform=axis.get_yaxis_transform(), color="0.4", va="center")
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


def _bases(axis: Axes, rows: pd.DataFrame, exponents: pd.DataFrame) -> None:
    """Variance against flatness in three bases, all seeds, with mean exponents; what constant temperature would give."""
    rows = flatness_panels.fitted(rows)
    if not len(rows):
        style.say(axis, flatness_panels.NOTHING)
        return
    for kind, (basis, column, label, colour) in BASES.items():
        mean, low, high = fits.student_interval(exponents[exponents["kind"] == kind]["exponent"])
        part = rows[rows["basis"] == basis]
        axis.scatter(part["flatness"], part[column], s=3, color=colour, alpha=0.35, linewidths=0, rasterized=True)
        fit = fits.power_law(part["flatness"], part[column])
        ends = np.array([part["flatness"].min(), part["flatness"].max()])
        axis.plot(ends, fit(ends), color=colour, label=f"{label}: {mean:.2f} [{low:.2f}, {high:.2f}]")
    middle = np.exp(np.log(rows["flatness"]).mean())
    level = np.exp(np.log(rows["variance"]).mean())
    ends = middle * np.array([0.35, 2.0])
    axis.plot(ends, level * 6 * (ends / middle) ** 2, color=style.COLOURS["grey"], linestyle="--", label=r"Einstein: $\propto F^2$")
    axis.set(xscale="log", yscale="log", xlabel="flatness $F_i$", ylabel=r"variance $\sigma_i^2$")
    axis.set_xlim(rows["flatness"].min() / 1.6, rows["flatness"].max() * 1.3)
    style.room_below(axis, rows["variance"], 3e4)
    axis.legend(loc="lower left", handlelength=1.2, fontsize=6, title=r"exponent $\psi$", title_fontsize=6, alignment="left")
    style.log_ticks(axis)


def _kinds(ladder: pd.DataFrame, exponents: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The exponents of panel e, by what stands below them: a column of exponents of all runs each."""
    everything = ladder[ladder["ranks"] == "all"].set_index(["rung", "basis", "detrending_order"]).sort_index()
    kinds = [(name, everything.loc[[key]] if key in everything.index else everything[:0]) for key, name in KINDS.items()]
    return [*kinds, ("(e) linear,\nstationary", exponents[exponents["kind"] == STATIONARY])]


def _exponents(axis: Axes, kinds: Sequence[tuple[str, pd.DataFrame]], runs: pd.DataFrame) -> None:
    """The exponents side by side: mean and 95 % interval over seeds at every setting; settings that diverged are named."""
    look = style.SettingLook(runs["learning_rate"], runs["batch_size"])
    settings = sorted(set(zip(runs["learning_rate"], runs["batch_size"], strict=True)))
    shown = []
    for index, (rate, size) in enumerate(settings):
        shift = 0.75 * (index / max(1, len(settings) - 1) - 0.5)
        colour, marker = look.colour(rate), look.marker(size)
        for position, (_, rows) in enumerate(kinds):
            group = rows[(rows["learning_rate"] == rate) & (rows["batch_size"] == size)]
            converged = group[group["status"] == "converged"]
            values = converged if len(converged) else group
            if not len(values):
                axis.text(position + shift, -2.6, "×", color=colour, ha="center", va="center")
                continue
            mean, low, high = fits.student_interval(values["exponent"])
            fill = colour if len(converged) else "none"
            shown += [mean] * len(converged)
            axis.plot([position + shift] * 2, [low, high], color=colour, linewidth=0.8)
            axis.plot(position + shift, mean, marker=marker, color=colour, markerfacecolor=fill, markersize=3)
    axis.axhline(0, color=style.COLOURS["grey"], linewidth=0.6)
    axis.axhline(-2, color=style.COLOURS["grey"], linewidth=0.8, linestyle="--")
    axis.text(
        len(kinds) - 0.45, -1.97, "Einstein relation, constant temperature", color="0.4", fontsize=6.5, ha="right", va="bottom"
    )
    axis.axhline(4, color=style.COLOURS["grey"], linewidth=0.8, linestyle=":")
    axis.text(len(kinds) - 0.45, 4.03, "published: about 4", color="0.4", fontsize=6.5, ha="right", va="bottom")
    lost = int((runs["status"] != "converged").sum())
    note = f"mean and 95 % interval over {runs['seed'].nunique()} seeds; {lost} of {len(runs)} runs not converged"
    note += ", × where all of a setting" * (lost > 0)
    axis.set_title(note, loc="right", fontsize=6.5, color="0.3")
    axis.set_xticks(range(len(kinds)), [name for name, _ in kinds], fontsize=6)
    axis.set(ylabel=PSI, xlim=(-0.55, len(kinds) - 0.4))
    axis.set_ylim(min([-3.0, *(value - 0.5 for value in shown)]), max([4.6, *(value + 0.5 for value in shown)]))


def _psi(axis: Axes, rows: pd.DataFrame) -> None:
    """Exponents by rung and basis."""
    _ladder(axis, rows, "exponent")
    _rung_axis(axis, PSI, rows.groupby(["rung", "basis"])["exponent"].mean())
    axis.legend(loc="best", handletextpad=0.3)


def _correlation(axis: Axes, rows: pd.DataFrame) -> None:
    """Correlations of the logarithms by rung and basis."""
    _ladder(axis, rows, "r")
    _rung_axis(axis, r"correlation $r$ of $\ln\,\sigma_i^2$ with $\ln\,F_i$", pd.Series([-1.0, 1.0]))


def _ladder(axis: Axes, rows: pd.DataFrame, column: str) -> None:
    for index, (basis, _, name, colour) in enumerate(BASES.values()):
        _rungs(axis, rows[rows["basis"] == basis], column, 0.2 * (index - 1), label=name, color=colour)


def _local(axis: Axes, rows: pd.DataFrame) -> None:
    """Exponents of the first ranks (filled) and of those above (open), by rung and basis."""
    for position, (ranks, shift) in enumerate({"2-50": -0.08, "above 50": 0.08}.items()):
        part = rows[rows["ranks"] == ranks]
        for index, (basis, _, _, colour) in enumerate(BASES.values()):
            fill = {"markerfacecolor": "white"} if position else {}
            _rungs(axis, part[part["basis"] == basis], "exponent", 0.3 * (index - 1) + shift, color=colour, **fill)
    for ranks, fill in (("2-50", "0.4"), ("above 50", "white")):
        axis.plot([], [], "o", color="0.4", markerfacecolor=fill, label=f"ranks {ranks}")
    _rung_axis(axis, PSI, rows.groupby(["rung", "basis", "ranks"])["exponent"].mean())
    axis.legend(loc="best", handletextpad=0.3)


def _rungs(axis: Axes, rows: pd.DataFrame, column: str, shift: float, **look: Any) -> None:
    """Mean and 95 % interval over seeds on every rung that was measured."""
    places = {rung: place + shift for place, rung in enumerate(RUNGS) if rung in set(rows["rung"])}
    values = [fits.student_interval(rows[rows["rung"] == rung][column]) for rung in places]
    for place, (_, low, high) in zip(places.values(), values, strict=True):
        if np.isfinite([low, high]).all():
            axis.plot([place] * 2, [low, high], color=look["color"], linewidth=0.8)
    axis.plot(list(places.values()), [mean for mean, _, _ in values], "o", linestyle="", **look)


def _rung_axis(axis: Axes, label: str, shown: pd.Series) -> None:
    """Rungs below, and limits that show some values, not all intervals: where flatness hardly varies these are long."""
    known = shown.dropna()
    room = 0.15 * max(0.5, np.ptp(known)) if len(known) else 0.0
    axis.axhline(0, color=style.COLOURS["grey"], linewidth=0.6, zorder=0)
    axis.set_xticks(range(len(RUNGS)), list(RUNGS.values()), fontsize=6, rotation=30, ha="right", rotation_mode="anchor")
    axis.set(ylabel=label, xlim=(-0.5, len(RUNGS) - 0.5))
    if len(known):
        axis.set_ylim(known.min() - room, known.max() + room)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
