"""Statistics of the claims of Feng and Tu 2021: in how many directions the weights move, and how the loss looks along one."""

import numpy as np
import pandas as pd

from sgdphysics.claims.feng2021_runs import is_frozen_noise, of_reference, per_run
from sgdphysics.claims.registry import Tables, as_ratio, as_share, statistic, table_of

EARLY_EPOCHS, LATER_EPOCHS = (1, 2), (5, 10)  # those that the claim is about, and those that show how it goes on
SHARE = 0.99  # of the variance that is counted
FROZEN_NOISE = "frozen_noise"
SPECTRUM = ["run", "window", "window_epochs", "start_epoch", "source"]


def _counts(tables: Tables, window: str, source: str) -> pd.DataFrame:
    """Components for 99 % of the variance, by run and start of the window; a fraction, between whole components.

    Whole counts can be the same at all seeds, and then have no interval.
    """
    points = _of_source(tables, table_of(tables, "feng2021_fig1"), source)
    points = points[points["window"] == window]
    values = [dict(zip(SPECTRUM, key, strict=True)) | {"value": _count(part)} for key, part in points.groupby(SPECTRUM)]
    return pd.DataFrame(values, columns=[*SPECTRUM, "value"])


def _count(spectrum: pd.DataFrame) -> float:
    """The rank at which the cumulative share of the variance is 99 %, linear between those that are tabulated; nan beyond them."""
    shares, ranks = spectrum.sort_values("rank")[["cumulative_share", "rank"]].to_numpy(dtype=float).T
    if shares[-1] < SHARE:
        return np.nan
    return float(np.interp(SHARE, [0.0, *shares], [0.0, *ranks]))


def _dimension(tables: Tables, source: str, column: str) -> pd.DataFrame:
    """A column of the table of dimensions, of the main window; nan of a table of a study from before it had that column."""
    rows = _of_source(tables, table_of(tables, "feng2021_fig1_dimension"), source)
    rows = rows[rows["window"] == "main"]
    return per_run(tables, rows.assign(value=rows.get(column, np.nan)))


def _of_source(tables: Tables, rows: pd.DataFrame, source: str) -> pd.DataFrame:
    return rows[is_frozen_noise(tables, rows) if source == FROZEN_NOISE else rows["source"] == source]


def _early_counts(tables: Tables, source: str, epochs: tuple[int, ...]) -> pd.DataFrame:
    """Components in windows of one epoch, which is the setting; an epoch that was not measured leaves the test undecided."""
    return _by_epoch(tables, _counts(tables, "early", source), epochs)


def _by_epoch(tables: Tables, values: pd.DataFrame, epochs: tuple[int, ...]) -> pd.DataFrame:
    parts = [of_reference(per_run(tables, values[values["start_epoch"] == epoch - 1]), f"epoch {epoch}") for epoch in epochs]
    return pd.concat(parts, ignore_index=True)


@statistic
def components_for_99_percent(tables: Tables) -> pd.DataFrame:
    """Principal components that carry 99 % of the variance of the weights in the exploration phase, interpolated."""
    return per_run(tables, _counts(tables, "main", "sgd"))


@statistic
def components_of_frozen_noise(tables: Tables) -> pd.DataFrame:
    """The same of the walk of frozen noise."""
    return per_run(tables, _counts(tables, "main", FROZEN_NOISE))


@statistic
def components_of_isotropic_walk(tables: Tables) -> pd.DataFrame:
    """The same of an isotropic walk of as many steps, drawn as the run draws its batches."""
    return per_run(tables, _counts(tables, "main", "isotropic"))


@statistic
def components_in_longer_windows(tables: Tables) -> pd.DataFrame:
    """The same of SGD in longer windows, whose length is the setting."""
    counts = _counts(tables, "longer", "sgd")
    parts = [
        of_reference(per_run(tables, counts[counts["window_epochs"] == epochs]), f"window of {epochs} epochs")
        for epochs in sorted(set(counts["window_epochs"]))
    ]
    return pd.concat(parts or [per_run(tables, counts).iloc[:0]], ignore_index=True)


@statistic
def components_without_first(tables: Tables) -> pd.DataFrame:
    """Principal components that carry 99 % of the variance that the first one, which is the drift, leaves."""
    return _dimension(tables, "sgd", "components_99_without_first")


@statistic("ratio")
def held_out_participation_ratio(tables: Tables) -> pd.DataFrame:
    """Held-out participation ratio without the first component, relative to that of an isotropic walk."""
    column = "held_out_participation_ratio_without_first"
    return as_ratio(_dimension(tables, "sgd", column), _dimension(tables, "isotropic", column))


@statistic
def first_component_alignment(tables: Tables) -> pd.DataFrame:
    """Cosine of the first component, pointing to where the weights grow along it, with the weights at the start of the window."""
    return _dimension(tables, "sgd", "first_alignment")


@statistic
def first_component_alignment_of_noise(tables: Tables) -> pd.DataFrame:
    """The same of the walk of frozen noise."""
    return _dimension(tables, FROZEN_NOISE, "first_alignment")


@statistic
def early_components_for_99_percent(tables: Tables) -> pd.DataFrame:
    """Principal components that carry 99 % of the variance of the weights in each of the first epochs, interpolated."""
    return _early_counts(tables, "sgd", EARLY_EPOCHS)


def _early_without_first(tables: Tables, source: str, epochs: tuple[int, ...]) -> pd.DataFrame:
    rows = _of_source(tables, table_of(tables, "feng2021_fig1_dimension"), source)
    rows = rows[rows["window"] == "early"]
    return _by_epoch(tables, rows.assign(value=rows["components_99_without_first"]), epochs)


@statistic
def early_components_without_first(tables: Tables) -> pd.DataFrame:
    """Principal components that carry 99 % of the variance that the first one leaves, in each of the first epochs."""
    return _early_without_first(tables, "sgd", EARLY_EPOCHS)


@statistic("ratio")
def components_without_first_against_isotropic(tables: Tables) -> pd.DataFrame:
    """The same, relative to those of an isotropic walk of one epoch; and of later epochs."""
    epochs = (*EARLY_EPOCHS, *LATER_EPOCHS)
    return as_ratio(_early_without_first(tables, "sgd", epochs), _early_without_first(tables, "isotropic", epochs))


@statistic
def later_components_for_99_percent(tables: Tables) -> pd.DataFrame:
    """The same in epochs after these."""
    return _early_counts(tables, "sgd", LATER_EPOCHS)


@statistic("ratio")
def early_components_against_isotropic(tables: Tables) -> pd.DataFrame:
    """Components for 99 % of the variance in each of the first epochs, relative to those of an isotropic walk of one epoch."""
    return as_ratio(_early_counts(tables, "sgd", EARLY_EPOCHS), _early_counts(tables, "isotropic", EARLY_EPOCHS))


@statistic("ratio")
def early_components_of_noise_against_isotropic(tables: Tables) -> pd.DataFrame:
    """The same of the walk of frozen noise."""
    return as_ratio(_early_counts(tables, FROZEN_NOISE, EARLY_EPOCHS), _early_counts(tables, "isotropic", EARLY_EPOCHS))


def _share_with_one_minimum(tables: Tables, span: str) -> pd.DataFrame:
    minima = table_of(tables, "feng2021_fig2_minima")
    rows = minima[minima["range"] == span]
    of_runs = (rows["minima"] == 1).groupby(rows["run"])
    shares, totals = (numbers.rename("value").reset_index() for numbers in (of_runs.mean(), of_runs.size()))
    return as_share(per_run(tables, shares), per_run(tables, totals)["value"])


@statistic("share")
def slices_with_one_minimum(tables: Tables) -> pd.DataFrame:
    """Share of loss slices with exactly one minimum over the flat region and one flatness beyond each edge."""
    return _share_with_one_minimum(tables, "flat_region")


@statistic("share")
def wide_slices_with_one_minimum(tables: Tables) -> pd.DataFrame:
    """The same over a fixed range of weights."""
    return _share_with_one_minimum(tables, "fixed")
