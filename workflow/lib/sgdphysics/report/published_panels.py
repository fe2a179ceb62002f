"""Panels of a sweep by the protocol of the authors' scripts: spectra in the order of sigma_g, ratios of sigma_w, parts of the gap.

They are drawn from the tables feng2023_published and feng2023_published_spectra, at the points of training at which the sweep is
decided: at equal training loss, and after equally many epochs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sgdphysics import published_sweeps, sweeps
from sgdphysics.fits import student_interval
from sgdphysics.report import panels, style

DIRECTION = r"direction, largest $\sigma_g$ first"
SHARP, FLAT = ("delta_loss_sharp", "red"), ("delta_loss_flat", "blue")
# Kinds of points, with the line and the fill of their markers.
COMPARISONS = {"equal_loss": ("-", None), "equal_epochs": ("--", "white")}


def decided(table: pd.DataFrame, sweep: str, point: str) -> pd.DataFrame:
    """Return the rows of a sweep at the point of one kind at which it is decided, "equal_loss" or "equal_epochs"."""
    return table[(table["sweep"] == sweep) & (table["point"] == point) & table["deciding"].astype(bool)]


def draw_sweep(axes: Sequence[Axes], tables: Mapping[str, pd.DataFrame], sweep: str) -> None:
    """Draw a sweep in six panels: sigma_g, summed sigma_w and its ratios by direction; parts of the gap; the plane, twice.

    Args:
        axes: The six panels.
        tables: "published" and "published_spectra".
        sweep: Its name.
    """
    spectra = decided(tables["published_spectra"], sweep, "equal_loss")
    style.draw_or_say(axes[0], draw_spectrum, spectra, sweep, "slope_std", r"slope spread $\sigma_g$")
    style.draw_or_say(axes[1], draw_spectrum, spectra, sweep, "summed_weight_std", r"summed spread $\sigma_w$")
    style.draw_or_say(axes[2], draw_ratios, spectra, sweep)
    if len(spectra):
        columns = 1 if spectra["dose"].nunique() < 4 else 2
        axes[0].legend(title=panels.NAMES[sweep], title_fontsize=6.5, loc="lower left", ncols=columns, columnspacing=0.8)
    style.draw_or_say(axes[3], draw_parts_of_gap, tables["published"][tables["published"]["sweep"] == sweep], sweep)
    for axis, point in zip(axes[4:], COMPARISONS, strict=True):
        style.draw_or_say(axis, panels.draw_plane, decided(tables["published"], sweep, point), sweep)


def draw_spectrum(axis: Axes, spectra: pd.DataFrame, sweep: str, column: str, label: str) -> None:
    """Draw a column of the spectra by direction, one line a dose: means of ln over seeds with 95 % intervals."""
    spectra = spectra[published_sweeps.before_the_last(spectra)]
    for dose, colour in panels.dose_colours(sweep, spectra["dose"]).items():
        wide = spectra[spectra["dose"] == dose].pivot(index="seed", columns="rank", values=column)
        # Silent units leave directions with rounding alone.
        wide = wide.loc[:, (wide > published_sweeps.NEGLIGIBLE * wide.max(axis=None)).all()]
        style.band(axis, wide.columns, wide, colour, label=f"{dose:g}")
    axis.set(xscale="log", yscale="log", xlabel=DIRECTION, ylabel=label)
    style.log_ticks(axis, "y")


def draw_ratios(axis: Axes, spectra: pd.DataFrame, sweep: str) -> None:
    """Draw sigma_w at every dose in parts of that at the weakest, and of that in parts of another seed's: the null."""
    weakest = spectra[spectra["dose"] == spectra["weakest"]]
    null = weakest.pivot(index="seed", columns="rank", values="weight_ratio_between_seeds").dropna(axis=1)
    style.band(axis, null.columns, null, style.COLOURS["grey"], linestyle=":", label="weakest dose, other seed")
    for dose, colour in panels.dose_colours(sweep, spectra["dose"]).items():
        rows = spectra[(spectra["dose"] == dose) & (spectra["dose"] != spectra["weakest"])]
        wide = rows.pivot(index="seed", columns="rank", values="weight_ratio").dropna(axis=1)
        style.band(axis, wide.columns, wide, colour)
    axis.axhline(1, color="0.6", linewidth=0.6, zorder=0)
    axis.set(xscale="log", yscale="log", xlabel=DIRECTION, ylabel=r"$\sigma_w$ over the weakest dose's")
    style.log_ticks(axis, "y")
    if len(null) and len(null.columns):
        axis.legend(fontsize=6, loc="best")


def draw_parts_of_gap(axis: Axes, points: pd.DataFrame, sweep: str) -> None:
    """Draw the two parts of the gap against the dose, means over seeds with 95 % intervals, and the null of the first."""
    places = {dose: place for place, dose in enumerate(sweeps.in_order(sweep, points["dose"].tolist()))}
    for point, (line, fill) in COMPARISONS.items():
        rows = decided(points, sweep, point)
        for column, colour in (SHARP, FLAT):
            draw_means(axis, places, rows, column, style.COLOURS[colour], linestyle=line, markerfacecolor=fill)
        if point == "equal_loss":
            null = "delta_loss_sharp_of_shuffled_losses"
            draw_means(axis, places, rows, null, style.COLOURS["grey"], linestyle=":", markersize=2)
        if len(rows):
            axis.plot([], [], linestyle=line, color="0.3", label=name_of(point, rows["target"].iloc[0]))
    for label, colour in (("ten steepest", "red"), ("all others", "blue"), ("null of the ten", "grey")):
        axis.plot([], [], "o", color=style.COLOURS[colour], label=label)
    low, high = min(axis.get_ylim()[0], 0), axis.get_ylim()[1]
    axis.set(xticks=range(len(places)), xticklabels=[f"{dose:g}" for dose in places], xlim=(-0.4, len(places) - 0.6))
    axis.set(xlabel=panels.NAMES[sweep], ylabel=r"part of the gap, $\Delta L$", ylim=(low, high + 0.45 * (high - low)))
    axis.legend(fontsize=6, ncols=2, loc="upper center", columnspacing=0.8, handlelength=1.4)


def name_of(point: str, target: float) -> str:
    """Return what a kind of point with its target is called in a figure."""
    return f"at loss {target:g}" if point == "equal_loss" else f"after {target:g} epochs"


def of_all_sweeps(points: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of all sweeps that figures draw, each at the training loss at which it is decided."""
    rows = points[points["deciding"].astype(bool) & (points["point"] == "equal_loss")]
    return rows[rows["sweep"].isin(list(panels.COLOURS))]


def draw_means(axis: Axes, places: Mapping[float, int], rows: pd.DataFrame, column: str, colour: str, **line: Any) -> None:
    """Draw means over seeds of a column, with 95 % intervals, at the place of each dose; doses without rows are left out."""
    intervals = {dose: student_interval(part[column]) for dose, part in rows.groupby("dose")}
    drawn = [dose for dose in places if dose in intervals]
    if not drawn:
        return
    x, (mean, low, high) = np.array([places[dose] for dose in drawn]), np.array([intervals[dose] for dose in drawn]).T
    axis.plot(x, mean, color=colour, marker="o", **line)
    known = np.isfinite(low) & np.isfinite(high)  # there is no interval of a single seed
    axis.vlines(x[known], low[known], high[known], color=colour, linewidth=0.8)
