"""The look of the figures: theme, colours, panel letters; and how one is made, with the same bytes every time."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import cycle
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import ArrayLike

from sgdphysics.files import write_atomically
from sgdphysics.fits import student_interval
from sgdphysics.tables import load_table

# Okabe and Ito's colours: told apart by colour-blind readers.
COLOURS = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "blue": "#0072B2",
    "red": "#D55E00",
    "pink": "#CC79A7",
    "grey": "#8C8C8C",
}
_SETTING_COLOURS = [COLOURS[name] for name in ("sky", "black", "red", "green", "pink", "orange")]
_SETTING_MARKERS = ["v", "o", "s", "D", "^", "P"]
TWO_COLUMNS = 7.2  # inches: the text width of a journal page


def make_figure(
    draw: Callable[[Mapping[str, pd.DataFrame]], Figure], names: Iterable[str], inputs: Mapping[str, Path], outputs: Iterable[Path]
) -> None:
    """Read tables, draw a figure from them in the theme of this project, and save it.

    Args:
        draw: Function of the tables by name that returns the figure.
        names: Of the tables.
        inputs: File of each table by name; others are not read.
        outputs: Where to save the figure, format by suffix.

    Raises:
        RecordError: If a table is not readable.
    """
    use_theme()
    figure = draw({name: load_table(inputs[name]) for name in names})
    save(figure, *map(Path, outputs))


def use_theme() -> None:
    """Set the theme of every figure of this project, whatever a ``matplotlibrc`` of the user says."""
    mpl.rcdefaults()
    mpl.use("Agg")
    sns.set_theme(context="paper", style="ticks", palette=list(COLOURS.values()), font="DejaVu Sans")
    mpl.rcParams.update(
        {
            "font.size": 7.5,
            "axes.labelsize": 7.5,
            "axes.titlesize": 7.5,
            "xtick.labelsize": 6.5,
            "ytick.labelsize": 6.5,
            "legend.fontsize": 6.5,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 0.7,
            "xtick.major.width": 0.7,
            "ytick.major.width": 0.7,
            "xtick.minor.width": 0.4,
            "ytick.minor.width": 0.4,
            "lines.linewidth": 1.1,
            "lines.markersize": 3,
            "axes.labelpad": 2.0,
            "xtick.minor.size": 1.5,
            "ytick.minor.size": 1.5,
            "xtick.major.size": 3,
            "ytick.major.size": 3,
            "pdf.fonttype": 42,
            "svg.hashsalt": "sgdphysics",
            "figure.dpi": 200,
        }
    )


def shades(values: Iterable[float], name: str = "viridis", first: float = 0.0, last: float = 0.85) -> dict[float, np.ndarray]:
    """Return a colour of a colour map for each value, evenly spaced from ``first`` to ``last`` (in [0, 1]) in the given order."""
    ordered = list(values)
    return dict(zip(ordered, plt.get_cmap(name)(np.linspace(first, last, len(ordered))), strict=True))


def letter_panels(axes: Iterable[Axes]) -> None:
    """Put a bold letter above the upper left corner of each panel."""
    for axis, letter in zip(axes, ascii_lowercase, strict=False):
        axis.annotate(
            letter,
            (0, 1),
            (-24, 5),
            xycoords="axes fraction",
            textcoords="offset points",
            weight="bold",
            fontsize=9,
            va="bottom",
        )


def log_ticks(axis: Axes, which: str = "xy") -> None:
    """Label logarithmic axes: powers of ten, or 1, 2, 5 times them in plain numbers where the axis spans less than 1.8 decades, or
    evenly spaced numbers where it spans less than half a decade.
    """
    for name in which:
        ticked = axis.xaxis if name == "x" else axis.yaxis
        low, high = axis.get_xlim() if name == "x" else axis.get_ylim()
        ticked.set_minor_formatter(NullFormatter())
        if abs(np.log10(high / low)) < 1.8:
            short = abs(np.log10(high / low)) < 0.5
            ticked.set_major_locator(MaxNLocator(4) if short else LogLocator(subs=(1, 2, 5)))
            ticked.set_minor_locator(NullLocator() if short else LogLocator(subs="all"))
            ticked.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if 1e-3 <= value < 1e4 else _scientific(value)))


def _scientific(value: float) -> str:
    exponent = int(np.floor(np.log10(value) + 1e-9))
    return rf"${value / 10**exponent:g}\times10^{{{exponent}}}$"


def band(axis: Axes, x: ArrayLike, samples: ArrayLike, colour: str | np.ndarray, **line: Any) -> None:
    """Draw the mean over seeds (rows of ``samples``) of ln y with its 95 % interval (a bar where there is one column);
    columns without y > 0 are left out, and nothing is drawn where none is left.
    """
    values = np.asarray(samples, dtype=float)
    usable = (values > 0).all(0)
    if not (len(values) and usable.any()):
        return
    x, logarithms = np.asarray(x, dtype=float)[usable], np.log(values[:, usable])
    mean, low, high = np.array([student_interval(column) for column in logarithms.T]).T
    axis.plot(x, np.exp(mean), color=colour, **line)
    if len(x) == 1:
        axis.vlines(x, np.exp(low), np.exp(high), color=colour, linewidth=0.8)
    else:
        axis.fill_between(x, np.exp(low), np.exp(high), color=colour, alpha=0.2, linewidth=0)


def loss_falls(axis: Axes) -> None:
    """Let the training loss on a horizontal axis fall to the right, and mark the direction of training above the panel."""
    axis.invert_xaxis()
    axis.annotate(
        "training",
        (1.0, 1.03),
        (0.78, 1.03),
        xycoords="axes fraction",
        textcoords="axes fraction",
        ha="right",
        va="center",
        color=COLOURS["grey"],
        fontsize=6.5,
        arrowprops={"arrowstyle": "->", "color": COLOURS["grey"], "linewidth": 0.8, "shrinkA": 1, "shrinkB": 0},
    )


def draw_or_say(axis: Axes, draw: Callable[..., None], rows: pd.DataFrame, *more: object) -> None:
    """Call ``draw(axis, rows, *more)``; without rows say in the panel that there is nothing to draw, and why."""
    if len(rows):
        draw(axis, rows, *more)
    else:
        say(axis, "no run of this setting\nconverged")


def say(axis: Axes, words: str) -> None:
    """Leave a panel empty but for words that say why."""
    axis.set_axis_off()
    axis.text(0.5, 0.5, words, transform=axis.transAxes, ha="center", va="center", color="0.3")


def room_below(axis: Axes, values: pd.Series, factor: float) -> None:
    """Let a logarithmic axis begin a factor below the smallest value; where no value is positive, leave it as it is."""
    positive = values[(values > 0) & np.isfinite(values)]
    if len(positive):
        axis.set_ylim(positive.min() / factor, None)


class SettingLook:
    """How settings are drawn: the learning rate as colour, the batch size as marker."""

    def __init__(self, learning_rates: Iterable[float], batch_sizes: Iterable[int]) -> None:
        self._colours = dict(zip(sorted(set(learning_rates)), cycle(_SETTING_COLOURS)))
        self._markers = dict(zip(sorted(set(batch_sizes)), cycle(_SETTING_MARKERS)))

    def colour(self, learning_rate: float) -> str:
        """Return the colour of a learning rate."""
        return self._colours[learning_rate]

    def marker(self, batch_size: int) -> str:
        """Return the marker of a batch size."""
        return self._markers[batch_size]

    def scatter(self, axis: Axes, learning_rate: float, batch_size: int, x: ArrayLike, y: ArrayLike, *, hollow: bool) -> None:
        """Draw the points of one setting; hollow where a run did not converge."""
        colour = self.colour(learning_rate)
        fill = "none" if hollow else colour
        axis.scatter(x, y, marker=self.marker(batch_size), s=7, linewidths=0.5, facecolors=fill, edgecolors=colour)

    def legend(self, axis: Axes) -> None:
        """Explain both at the lower left of a panel."""
        point = partial(Line2D, [], [], linestyle="")
        handles = [point(marker="o", color=colour, label=rf"$\alpha$ = {rate:g}") for rate, colour in self._colours.items()]
        handles += [point(marker=marker, color="grey", label=f"$B$ = {size:g}") for size, marker in self._markers.items()]
        axis.legend(handles=handles, loc="lower left", handletextpad=0.2, ncols=2, columnspacing=0.6)


def save(figure: Figure, *paths: Path) -> None:
    """Save a figure under each path, format by suffix, without times in the files; then close it."""
    for axis in figure.axes:
        _keep_positive(axis)
    for path in paths:
        metadata = {"CreationDate": None, "ModDate": None} if path.suffix == ".pdf" else {"Software": None}
        write_atomically(path, lambda temporary, metadata=metadata: figure.savefig(temporary, metadata=metadata))
    plt.close(figure)


def _keep_positive(axis: Axes) -> None:
    """Give a logarithmic axis other limits where it has any that are not positive, since nothing positive lies on it."""
    for scale, limits, set_limits in (
        (axis.get_xscale(), axis.get_xlim(), axis.set_xlim),
        (axis.get_yscale(), axis.get_ylim(), axis.set_ylim),
    ):
        if scale == "log" and not min(limits) > 0:
            set_limits(0.1, 1)
