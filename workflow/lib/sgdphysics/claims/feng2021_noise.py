"""Statistics of the claims of Feng and Tu 2021: the noise of SGD by direction, how long it lasts, and how it cools."""

import numpy as np
import pandas as pd

from sgdphysics.claims.feng2021_runs import is_frozen_noise, of_reference, per_run
from sgdphysics.claims.registry import Tables, statistic, table_of
from sgdphysics.fits import power_law


def _temperature_fit(tables: Tables, column: str) -> pd.DataFrame:
    fits = table_of(tables, "feng2021_fig4_temperature_fits")
    return per_run(tables, fits.assign(value=fits[column]))


@statistic("correlation")
def temperature_flatness_correlation(tables: Tables) -> pd.DataFrame:
    """Pearson correlation of ln T_i and ln F_i over the principal directions."""
    return _temperature_fit(tables, "r")


@statistic
def temperature_flatness_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln T_i on ln F_i over the principal directions."""
    return _temperature_fit(tables, "exponent")


@statistic
def temperature_rise_to_the_edge(tables: Tables) -> pd.DataFrame:
    """Mean over directions and sides of ln T(edge of the flat region) - ln T(centre), T along the direction itself."""
    rows = table_of(tables, "feng2021_fig3_homogeneity")
    logarithm = rows.assign(log=np.log(rows["temperature"]))
    centre = logarithm[logarithm["position"] == 0].set_index(["run", "rank"])["log"]
    edges = logarithm[logarithm["position"].abs() == 1].set_index(["run", "rank"])["log"]
    rise = (edges - centre.reindex(edges.index)).groupby("run").mean().rename("value").reset_index()
    return per_run(tables, rise)


def _slope(tables: Tables, basis: str, time: str, *, frozen_noise: bool = False) -> pd.DataFrame:
    """Slope of the logarithm of a correlation time on ln F, in the main window of SGD or of frozen noise."""
    slopes = table_of(tables, "feng2021_fig3_correlation_times")
    source = is_frozen_noise(tables, slopes) if frozen_noise else slopes["source"] == "sgd"
    rows = slopes[source & (slopes["basis"] == basis) & (slopes["time"] == time) & (slopes["window"] == "main")]
    return per_run(tables, rows.assign(value=rows["exponent"]))


@statistic
def relaxation_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(2 var / var(step)) on ln F along the principal directions of the same window."""
    return _slope(tables, "principal", "relaxation")


@statistic
def hessian_relaxation_time_exponent(tables: Tables) -> pd.DataFrame:
    """The same along the eigenvectors of the Hessian."""
    return _slope(tables, "hessian", "relaxation")


@statistic
def held_out_relaxation_time_exponent(tables: Tables) -> pd.DataFrame:
    """The same in the window after the one that gave the principal directions."""
    return _slope(tables, "held_out", "relaxation")


@statistic
def relaxation_time_exponent_less_that_of_noise(tables: Tables) -> pd.DataFrame:
    """Slope along the principal directions of the same window, less that of frozen noise along its own."""
    values, noise = (_slope(tables, "principal", "relaxation", frozen_noise=frozen) for frozen in (False, True))
    return values.assign(value=values["value"] - noise["value"])


@statistic
def integrated_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(integrated autocorrelation time) on ln F along the principal directions of the same window."""
    return _slope(tables, "principal", "integrated")


@statistic
def window_over_relaxation_time(tables: Tables) -> pd.DataFrame:
    """Steps of the main window over the relaxation time, both of SGD: the median over the fitted principal directions.

    A correlation time from fewer than 50 of them is not reliable.
    """
    rows = table_of(tables, "feng2021_fig3")
    chosen = (rows["window"] == "main") & (rows["source"] == "sgd") & (rows["basis"] == "principal") & rows["fitted"].astype(bool)
    runs = table_of(tables, "feng2021_runs").set_index("run")
    rows = rows[chosen]
    steps = rows["window_epochs"] * rows["run"].map(runs["steps"] // runs["epochs"])
    ratios = (steps / rows["relaxation_time_steps"]).groupby(rows["run"]).median()
    return per_run(tables, ratios.rename("value").reset_index())


def _after_first_epoch(tables: Tables) -> pd.DataFrame:
    """Temperatures of every direction: before the end of the first epoch the noise heats up while the loss falls."""
    rows = table_of(tables, "feng2021_fig4")
    return rows[rows["epoch"] >= 1]


def _fits_on_loss(tables: Tables, number: str) -> pd.DataFrame:
    """A number of the power law of T_i on the training loss over training, of every run and direction."""
    groups = _after_first_epoch(tables).groupby(["run", "rank"])
    fits = [(run, rank, getattr(power_law(part["training_loss"], part["temperature"]), number)) for (run, rank), part in groups]
    return pd.DataFrame(fits, columns=["run", "rank", "value"])


@statistic("correlation")
def temperature_loss_correlation(tables: Tables) -> pd.DataFrame:
    """Pearson correlation of ln T_i and ln L over training; the direction is the setting."""
    fits = _fits_on_loss(tables, "r")
    parts = [of_reference(per_run(tables, part), f"principal direction {rank}") for rank, part in fits.groupby("rank")]
    return pd.concat(parts or [per_run(tables, fits).iloc[:0]], ignore_index=True)


@statistic
def temperature_order(tables: Tables) -> pd.DataFrame:
    """Pearson correlation, over directions, of ln T_i with the final ln T_i: the mean over the checkpoints before the last.

    Of ranks it would be 1 at all seeds, which has no interval.
    """
    values = [(run, _order(part)) for run, part in _after_first_epoch(tables).groupby("run")]
    return per_run(tables, pd.DataFrame(values, columns=["run", "value"]))


def _order(rows: pd.DataFrame) -> float:
    wide = np.log(rows.pivot(index="step", columns="rank", values="temperature").sort_index())
    if len(wide) < 2 or wide.isna().any(axis=None):
        return np.nan
    return float(wide.iloc[:-1].corrwith(wide.iloc[-1], axis=1).mean())


@statistic
def temperature_loss_exponent_difference(tables: Tables) -> pd.DataFrame:
    """Exponent of T_i ~ L^b over training of the sharpest direction followed, less that of the flattest."""
    fits = _fits_on_loss(tables, "exponent").pivot(index="run", columns="rank", values="value")
    ends = fits.iloc[:, [0, -1]] if fits.shape[1] else fits.reindex(columns=[0, 1])
    return per_run(tables, (ends.iloc[:, 0] - ends.iloc[:, 1]).rename("value").reset_index())


def _local_exponents(tables: Tables, *, label_noise: bool) -> pd.DataFrame:
    """Exponents b of T ~ L^b by bins of the loss, means over directions: "run", "seed", "decades", "loss_low", "value"."""
    rows = table_of(tables, "feng2021_fig4_local_exponents")
    clean = rows["reference"].astype(bool) & (rows["status"] == "converged") & (rows["label_noise"] == 0)
    rows = rows[rows["label_noise"] > 0 if label_noise else clean]
    return rows.groupby(["run", "seed", "decades", "loss_low"])["exponent"].mean().rename("value").reset_index()


def _at_lowest_losses(exponents: pd.DataFrame) -> pd.DataFrame:
    """The exponent of every run over its lowest losses: of the widest bins of the loss that it has any for, the lowest."""
    return exponents.sort_values(["decades", "loss_low"], ascending=[False, True]).drop_duplicates("run")


def _beside_reference(tables: Tables, values: pd.DataFrame, unmeasured: str) -> pd.DataFrame:
    """Values of runs that the table of runs does not know, each beside the reference run of the same seed."""
    runs = table_of(tables, "feng2021_runs")
    own = runs.loc[runs["reference"], ["run", "seed"]].merge(values[["seed", "value"]], on="seed")
    return per_run(tables, own, unmeasured)


@statistic
def local_exponent_at_lowest_losses(tables: Tables) -> pd.DataFrame:
    """Exponent b of T ~ L^b over the lowest decade of the loss that a run went through, or half of one; mean over directions."""
    return per_run(tables, _at_lowest_losses(_local_exponents(tables, label_noise=False)))


@statistic
def local_exponent_with_label_noise(tables: Tables) -> pd.DataFrame:
    """The same of the runs with label noise, which are stopped before they fit their labels."""
    exponents = _at_lowest_losses(_local_exponents(tables, label_noise=True))
    return _beside_reference(tables, exponents, "without a run with label noise through half a decade of the loss")


@statistic
def local_exponent_at_losses_of_label_noise(tables: Tables) -> pd.DataFrame:
    """The same of runs with clean labels, over the losses at which those with label noise end."""
    ends = _at_lowest_losses(_local_exponents(tables, label_noise=True))[["seed", "decades", "loss_low"]]
    clean = ends.merge(_local_exponents(tables, label_noise=False), on=["seed", "decades", "loss_low"])
    return _beside_reference(tables, clean, "without a slope over the losses at which label noise ends")
