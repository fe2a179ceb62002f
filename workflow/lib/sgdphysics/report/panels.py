"""Panels that several figures share: spectra of a sweep, and its course in the plane of sharpness and size."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sgdphysics import sweeps
from sgdphysics.fits import student_interval
from sgdphysics.report import style

NAMES = {
    "learning_rate": r"learning rate $\alpha$",
    "batch_size": "batch size $B$",
    "norm_penalty": r"penalty $\beta|W|$",
    "squared_penalty": r"penalty $\frac{\beta}{2}|W|^2$",
    "dropout": "dropout",
    "dropout_rescaled_afterwards": "dropout, rescaled afterwards",
    "dropout_without_rescaling": "dropout, not rescaled",
    "initial_scale": "initial scale",
    "label_noise": "label noise",
    "images_per_class": "images per class",
}
COLOURS = {
    "learning_rate": "red",
    "batch_size": "orange",
    "norm_penalty": "blue",
    "squared_penalty": "sky",
    "dropout": "green",
    "initial_scale": "pink",
    "label_noise": "black",
    "images_per_class": "grey",
}
CURVED = 1e-9  # eigenvalues below this part of the largest are rounding
SHARPNESS, SIZE = r"sharpness $s_g$", r"size $s_w$"


def colour_of(sweep: str) -> str:
    """Return the colour in which a sweep is drawn among others."""
    return style.COLOURS[COLOURS[sweep]]


def dose_colours(sweep: str, doses: Iterable[float]) -> dict[float, np.ndarray]:
    """Return the colours of the doses of a sweep, from light at the weakest to dark at the strongest."""
    return style.shades(sweeps.in_order(sweep, list(doses)), "viridis_r", 0.12, 1)


def decided(points: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the rows of some sweeps at the training loss at which they are decided."""
    return points[points["deciding"].astype(bool) & (points["point"] == "equal_loss") & points["sweep"].isin(names)]


def draw_spectrum(axis: Axes, spectra: pd.DataFrame, sweep: str, column: str) -> None:
    """Draw a column of the spectra against the rank of the direction, one line a dose: means of ln over seeds with intervals.

    Directions without curvature in one of the seeds, in which a unit is silent, are left out.
    """
    rows = spectra[(spectra["sweep"] == sweep) & (spectra["point"] == "equal_loss")]
    rows = rows[rows["eigenvalue"] > CURVED * rows.groupby(["run", "target"])["eigenvalue"].transform("max")]
    colours = dose_colours(sweep, rows["dose"])
    for dose, colour in colours.items():
        wide = rows[rows["dose"] == dose].pivot(index="seed", columns="rank", values=column)
        wide = wide.dropna(axis=1)
        style.band(axis, wide.columns, wide, colour, label=f"{dose:g}")
    axis.set(xscale="log", yscale="log", xlabel="Hessian direction $n$")


def draw_plane(axis: Axes, rows: pd.DataFrame, sweep: str) -> None:
    """Draw the course of a sweep in the plane: every dose with its interval, and lines of equal gap; at equal epochs the losses.

    Args:
        axis: The panel.
        rows: Points of one kind and target, as of `decided`. Networks so nearly dead that they have no place are left out.
        sweep: Their sweep.
    """
    rows = rows[(rows[["weight_spread", "slope_spread"]] > 0).all(axis=1)]
    if not len(rows):
        style.say(axis, "no network\nwith a place here")
        return
    colours = dose_colours(sweep, rows["dose"])
    centres = []
    for dose, colour in colours.items():
        runs = rows[rows["dose"] == dose]
        size, sharpness = (np.exp(student_interval(np.log(runs[key]))) for key in ("weight_spread", "slope_spread"))
        # An interval of one or two seeds has no end, or one far outside.
        axis.plot(size[[1, 2]], sharpness[[0, 0]], color=colour, linewidth=0.8, scalex=False, scaley=False)
        axis.plot(size[[0, 0]], sharpness[[1, 2]], color=colour, linewidth=0.8, scalex=False, scaley=False)
        axis.plot(size[0], sharpness[0], "o", color=colour, markersize=4)
        centres.append((size[0], sharpness[0]))
    for start, end in pairwise(centres):
        axis.annotate(
            "", end, start, arrowprops={"arrowstyle": "->", "color": "0.35", "linewidth": 0.7, "shrinkA": 3, "shrinkB": 3}
        )
    _draw_equal_gaps(axis, rows)
    target = rows["target"].iloc[0]
    if rows["point"].iloc[0] == "equal_loss":
        axis.set_title(f"at a training loss of {target:g}")
        return
    axis.set_title(f"after {target:g} epochs (training loss)")
    for dose, place in zip(colours, centres, strict=True):
        _write(axis, place, f"{rows.loc[rows['dose'] == dose, 'training_loss'].mean():.2g}", "0.3")


def _draw_equal_gaps(axis: Axes, rows: pd.DataFrame) -> None:
    """Axes of the plane, and lines gap = k s_g s_w, k the mean over the rows."""
    sizes, sharpness = rows["weight_spread"], rows["slope_spread"]
    axis.set(xscale="log", yscale="log", xlabel=SIZE, ylabel=SHARPNESS)
    axis.set(xlim=(sizes.min() / 1.12, sizes.max() * 1.25), ylim=(sharpness.min() / 1.12, sharpness.max() * 1.12))
    factor = float((rows["gap"] / (sizes * sharpness)).mean())
    x, y = np.geomspace(*axis.get_xlim(), 80), np.geomspace(*axis.get_ylim(), 80)
    gap = factor * x[None, :] * y[:, None]
    levels = [level for level in 0.1 * 2.0 ** (np.arange(12) / 2) if gap.min() < level < gap.max()]
    if levels:
        lines = axis.contour(x, y, gap, levels=levels, colors="0.75", linewidths=0.6, linestyles="--", zorder=0)
        axis.clabel(lines, fmt="%.2g", fontsize=5.5, inline_spacing=2)
    style.log_ticks(axis)


def draw_control(axis: Axes, points: pd.DataFrame) -> None:
    """Draw where the reference goes without any regularizer, marked with the epochs and the training loss."""
    course = points[(points["sweep"] == sweeps.CONTROL) & (points["point"] == "equal_epochs")]
    columns = ["weight_spread", "slope_spread", "training_loss"]
    mean = course.groupby("epoch")[columns].agg(lambda values: np.exp(np.log(values).mean()))
    axis.plot(mean["weight_spread"], mean["slope_spread"], color="0.6", marker=".", markersize=3, linewidth=0.8, zorder=1)
    for epoch, (size, sharpness, loss) in mean.iterrows():
        _write(axis, (size, sharpness), f"{epoch:g}: {loss:.2g}", "0.5")


def _write(axis: Axes, place: tuple[float, float], words: str, colour: str) -> None:
    """Write beside a point, if it is inside of the panel."""
    text = axis.annotate(words, place, (4, -2), textcoords="offset points", color=colour, fontsize=5.5, va="top")
    text.set_annotation_clip(True)


def draw_sweep(axes: Sequence[Axes], spectra: pd.DataFrame, points: pd.DataFrame, sweep: str) -> None:
    """Draw a sweep in a row of three panels: spectra of slopes and of dual weights, and the plane."""
    rows = decided(points, [sweep])
    labels = {"slope_std": r"slope spread $\sigma_{g,n}$", "weight_std": r"dual-weight spread $\sigma_{w,n}$"}
    for axis, (column, label) in zip(axes, labels.items(), strict=False):
        style.draw_or_say(axis, lambda axis, _, column=column: draw_spectrum(axis, spectra, sweep, column), rows)
        axis.set_ylabel(label)
    style.draw_or_say(axes[2], draw_plane, rows, sweep)
    if len(rows):
        columns = 1 if rows["dose"].nunique() < 4 else 2
        axes[0].legend(title=NAMES[sweep], title_fontsize=6.5, loc="lower left", ncols=columns, columnspacing=0.8, handlelength=1.2)
