"""Draw feng2023_fig2: the generalization gap decomposed, with slopes in two gauges; dual weights against size of the solution."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgdphysics import fits
from sgdphysics.provenance import jobs
from sgdphysics.report import panels, style

TABLES = ("points", "sweeps", "directions", "numbers")
GAUGES = {"parallel": ("blue", "parallel slopes"), "path_averaged": ("red", "path-averaged slopes")}
CURVED = 1e-6  # of the largest eigenvalue
DRAWN = 60  # ranks at which c_n is drawn
NORMS = {"weight_norm": "norm $|W|$", "activity_weighted_norm": "activity-weighted norm of $W$"}


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    figure, axes = plt.subplots(3, 3, figsize=(style.TWO_COLUMNS, 7.3), layout="constrained")
    settings = panels.decided(tables["points"], list(panels.COLOURS))
    both = panels.decided(tables["sweeps"], list(panels.COLOURS))
    directions, numbers = tables["directions"], tables["numbers"]
    first = directions[directions["seed"] == directions["seed"].min()]
    curved = first[first["eigenvalue"] > CURVED * first["eigenvalue"].max()]
    style.draw_or_say(axes[0, 0], _gaps, settings)
    style.draw_or_say(axes[0, 1], _proportion, curved, numbers)
    style.draw_or_say(axes[0, 2], _curvature, curved, numbers)
    style.draw_or_say(axes[1, 0], _ratios, curved, numbers)
    style.draw_or_say(axes[1, 1], _correlations, directions)
    style.draw_or_say(axes[1, 2], _shares, directions)
    style.draw_or_say(axes[2, 0], _products, both)
    for axis, (norm, label) in zip(axes[2, 1:], NORMS.items(), strict=True):
        style.draw_or_say(axis, _size, both[both["slopes"] == "parallel"], norm, label)
    _explain(figure, settings)
    style.letter_panels(axes.flat)
    return figure


def _explain(figure: Figure, settings: pd.DataFrame) -> None:
    """What the colours of points and of lines mean, once for all panels."""
    of_gauges = [Line2D([], [], color=style.COLOURS[colour], label=name) for colour, name in GAUGES.values()]
    dealt = Line2D([], [], color="0.4", linestyle=":", label="losses of other pairs")
    sweeps = [name for name in panels.COLOURS if name in set(settings["sweep"])]
    ring = {"marker": "o", "linestyle": "", "markerfacecolor": "none", "markersize": 3}
    rings = [Line2D([], [], color=panels.colour_of(sweep), label=panels.NAMES[sweep], **ring) for sweep in sweeps]
    figure.legend(handles=[*of_gauges, dealt, *rings], loc="outside lower center", ncols=6, handletextpad=0.3, columnspacing=1.2)


def _of_sweeps(axis: Axes, settings: pd.DataFrame, x: str, y: str, marker: str = "o") -> None:
    """One point per run, by sweep."""
    for sweep, rows in settings.groupby("sweep"):
        look = {"color": panels.colour_of(sweep), "markerfacecolor": "none", "markersize": 2.8, "markeredgewidth": 0.6}
        axis.plot(rows[x], rows[y], marker, **look)


def _once(settings: pd.DataFrame) -> pd.DataFrame:
    """Each network once: the reference is part of every sweep."""
    return settings.drop_duplicates(["run", "target"])


def _gaps(axis: Axes, settings: pd.DataFrame) -> None:
    """Test loss less the loss of the whole training set, against the decomposed gap."""
    settings = settings.assign(measured=settings["test_loss"] - settings["training_loss"])
    _of_sweeps(axis, settings, "decomposed_gap", "measured")
    span = settings["decomposed_gap"].min() / 1.2, settings["decomposed_gap"].max() * 1.2
    axis.plot(span, span, color="0.5", linewidth=0.7, zorder=0)
    axis.set(xscale="log", yscale="log", xlabel="decomposed gap", ylabel="test loss - training loss", xlim=span, ylim=span)
    residual = (settings["gap"] - settings["decomposed_gap"]).abs().max()
    words = f"gap of the pairs less\nthe sum: at most {residual:.0e}"
    axis.text(0.97, 0.03, words, transform=axis.transAxes, ha="right", fontsize=6)
    style.log_ticks(axis)


def _value(numbers: pd.DataFrame, slopes: str, column: str, losses: str = "own") -> str:
    """Mean over seeds, as text."""
    rows = numbers[(numbers["slopes"] == slopes) & (numbers["losses"] == losses)]
    return f"{rows[column].mean():.2f}"


def _proportion(axis: Axes, directions: pd.DataFrame, numbers: pd.DataFrame) -> None:
    """Spread of slopes against spread of dual weights, direction by direction of one network."""
    own = directions[directions["losses"] == "own"]
    for slopes, (colour, _) in GAUGES.items():
        rows = own[own["slopes"] == slopes]
        power, r = (_value(numbers, slopes, f"slope_weight_{column}") for column in ("exponent", "correlation"))
        label = rf"$\propto\sigma_{{w,n}}^{{{power}}}$, $r$ = {r}"
        look = {"color": style.COLOURS[colour], "markersize": 1.5, "alpha": 0.5}
        axis.plot(rows["weight_std"], rows["slope_std"], ".", label=label, **look)
    axis.set(xscale="log", yscale="log", xlabel=r"dual-weight spread $\sigma_{w,n}$", ylabel=r"slope spread $\sigma_{g,n}$")
    axis.legend(loc="upper left", handletextpad=0, markerscale=3, borderaxespad=0)


def _curvature(axis: Axes, directions: pd.DataFrame, numbers: pd.DataFrame) -> None:
    """Variance of slopes against curvature, direction by direction of one network; medians where the losses are of other pairs."""
    variances = directions["slope_std"] ** 2
    _against_curvature(axis, directions, variances, numbers, "slope_curvature_exponent")
    axis.set_ylabel(r"slope variance $\sigma_{g,n}^2$")


def _ratios(axis: Axes, directions: pd.DataFrame, numbers: pd.DataFrame) -> None:
    """The same in parts of the variance of the dual weights."""
    ratios = (directions["slope_std"] / directions["weight_std"]) ** 2
    _against_curvature(axis, directions, ratios, numbers, "ratio_curvature_exponent")
    axis.set_ylabel(r"$\sigma_{g,n}^2/\sigma_{w,n}^2$")


def _against_curvature(axis: Axes, directions: pd.DataFrame, values: pd.Series, numbers: pd.DataFrame, exponent: str) -> None:
    for slopes, (colour, _) in GAUGES.items():
        for losses, line in (("own", "-"), ("shuffled", ":")):
            chosen = (directions["slopes"] == slopes) & (directions["losses"] == losses)
            eigenvalues, heights = directions.loc[chosen, "eigenvalue"], values[chosen]
            if losses == "own":
                axis.plot(eigenvalues, heights, ".", color=style.COLOURS[colour], markersize=1.2, alpha=0.35)
            label = rf"$\propto H_n^{{{_value(numbers, slopes, exponent, losses)}}}$"
            axis.plot(*_medians(eigenvalues, heights), color=style.COLOURS[colour], linestyle=line, label=label)
    axis.set(xscale="log", yscale="log", xlabel="Hessian eigenvalue $H_n$")
    _leave_room_above(axis)
    axis.legend(loc="upper left", ncols=2, columnspacing=0.8, handlelength=1.5, borderaxespad=0)


def _leave_room_above(axis: Axes) -> None:
    """Leave a fifth of a logarithmic axis for a legend; where nothing positive is drawn, leave the axis as it is."""
    low, high = axis.get_ylim()
    if 0 < low < high:
        axis.set_ylim(low, high * (high / low) ** 0.25)


def _medians(x: pd.Series, y: pd.Series, bins: int = 12) -> tuple[pd.Series, pd.Series]:
    """Medians of y over equal parts of ln x that have any, and where they are."""
    parts = pd.cut(np.log(x), bins, labels=False)
    groups = pd.DataFrame({"x": np.log(x), "y": y}).groupby(parts)
    return np.exp(groups["x"].mean()), groups["y"].median()


def _over_seeds(directions: pd.DataFrame, slopes: str, losses: str, column: str) -> pd.Series:
    """Means over seeds of a column at each rank."""
    rows = directions[(directions["slopes"] == slopes) & (directions["losses"] == losses)]
    return rows.groupby("rank")[column].mean()


def _correlations(axis: Axes, directions: pd.DataFrame) -> None:
    """The correlation c_n in both gauges, and with the losses dealt to other pairs."""
    for slopes, (colour, _) in GAUGES.items():
        for losses, line in (("own", "-"), ("shuffled", ":")):
            mean = _over_seeds(directions, slopes, losses, "correlation")
            chosen = mean.iloc[np.unique(np.geomspace(1, len(mean), DRAWN).round().astype(int)) - 1]
            axis.plot(chosen.index, chosen, linestyle=line, color=style.COLOURS[colour])
    axis.set(xscale="log", xlabel="Hessian direction $n$, sharpest first", ylabel="correlation $c_n$")
    axis.set_ylim(min(0, axis.get_ylim()[0]), None)


def _shares(axis: Axes, directions: pd.DataFrame) -> None:
    """Share of the gap carried by the first n directions, in both gauges and with the losses dealt to other pairs."""
    for slopes, (colour, _) in GAUGES.items():
        for losses, line in (("own", "-"), ("shuffled", ":")):
            share = _over_seeds(directions, slopes, losses, "cumulative_share")
            axis.plot(share.index, share, linestyle=line, color=style.COLOURS[colour])
    axis.axhline(0.9, color="0.7", linewidth=0.6, zorder=0)
    axis.set(xscale="log", xlabel="Hessian direction $n$, sharpest first", ylabel="share of the gap up to $n$", ylim=(0, 1.05))


def _products(axis: Axes, settings: pd.DataFrame) -> None:
    """The gap against the sum over directions of the products of the two spreads, and one constant for all, in both gauges."""
    handles = []
    for (slopes, (_, name)), marker, line in zip(GAUGES.items(), ("o", "x"), ("-", "--"), strict=True):
        rows = settings[settings["slopes"] == slopes]
        _of_sweeps(axis, rows, "summed_products", "gap", marker)
        once = _once(rows)
        ratio = once["gap"] / once["summed_products"]
        span = np.array([once["summed_products"].min() / 1.1, once["summed_products"].max() * 1.1])
        look = {"color": "0.4", "linestyle": line, "linewidth": 0.8}
        axis.plot(span, ratio.median() * span, zorder=0, **look)
        label = f"{name.split()[0]}, {ratio.min():.2f} to {ratio.max():.2f}"
        handles.append(Line2D([], [], marker=marker, markerfacecolor="none", label=label, **look))
    axis.set(xscale="log", yscale="log", xlabel=r"$\sum_n \sigma_{g,n}\sigma_{w,n}$", ylabel="gap")
    _leave_room_above(axis)
    axis.legend(handles=handles, title="gap / sum", title_fontsize=6.5, loc="upper left", borderaxespad=0, alignment="left")
    style.log_ticks(axis)


def _size(axis: Axes, settings: pd.DataFrame, norm: str, label: str) -> None:
    """Spread of the dual weights against a norm of the solution."""
    _of_sweeps(axis, settings, norm, "weight_spread")
    seeds = [fits.power_law(rows[norm], rows["weight_spread"]) for _, rows in _once(settings).groupby("seed")]
    exponent, r = (np.mean([getattr(fit, key) for fit in seeds]) for key in ("exponent", "r"))
    axis.set(xscale="log", yscale="log", xlabel=label, ylabel="size $s_w$")
    axis.set_title(rf"$s_w \propto$ norm$^{{{exponent:.2f}}}$, $r$ = {r:.2f}")
    style.log_ticks(axis)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
