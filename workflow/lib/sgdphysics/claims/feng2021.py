"""Statistics of the claims of Feng and Tu 2021."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics.claims import missing
from sgdphysics.claims.registry import MISSING, Tables, statistic, table_of, text_of
from sgdphysics.earlier_names import renewed
from sgdphysics.fits import power_law

EARLY_EPOCHS = (1, 2, 5)  # those that the claim is about; later ones are only drawn


def _per_run(tables: Tables, values: pd.DataFrame) -> pd.DataFrame:
    """Attach setting and seed to one value per run; runs that did not converge count as missing."""
    runs = table_of(tables, "feng2021_runs")
    joined = runs.merge(values, on="run", how="left")
    joined.loc[joined["status"] != "converged", "value"] = np.nan
    setting = "learning rate " + text_of(joined["learning_rate"]) + ", batch size " + joined["batch_size"].astype(str)
    columns = {key: joined[key] for key in ("reference", "seed", "value")}
    return pd.DataFrame({"setting": setting, **columns, MISSING: missing.of_runs(joined)})


def _dimension(tables: Tables, window: str, value: Callable[[pd.DataFrame], pd.Series]) -> pd.DataFrame:
    """A value of the reference runs' dimension tables: per window length (main) or per early epoch."""
    dimension = table_of(tables, "feng2021_fig1_dimension")
    rows = dimension[(dimension["window"] == window) & (dimension["source"] == "sgd")].assign(value=value)
    return _by_epoch(tables, rows, window)


def _by_epoch(tables: Tables, rows: pd.DataFrame, window: str) -> pd.DataFrame:
    """Values of the main window; or of each early epoch, which then is the setting."""
    if window == "main":
        return _per_run(tables, rows[["run", "value"]])
    parts = [  # an epoch that was not measured leaves the test undecided
        _per_run(tables, rows.loc[rows["start_epoch"] == epoch - 1, ["run", "value"]]).assign(setting=f"epoch {epoch}")
        for epoch in EARLY_EPOCHS
    ]
    return pd.concat(parts, ignore_index=True)


@statistic
def components_for_99_percent(tables: Tables) -> pd.DataFrame:
    """Principal components that carry 99 % of the variance of the weights in the exploration phase."""
    return _dimension(tables, "main", lambda rows: rows["components_99"])


@statistic
def early_components_for_99_percent(tables: Tables) -> pd.DataFrame:
    """The same in the windows of early epochs."""
    return _dimension(tables, "early", lambda rows: rows["components_99"])


def _relative_participation(tables: Tables, window: str) -> pd.DataFrame:
    dimension = table_of(tables, "feng2021_fig1_dimension")
    rows = dimension[dimension["window"] == window]
    wide = rows.pivot_table(index=["run", "start_epoch"], columns="source", values="held_out_participation_ratio_without_first")
    wide = wide.reindex(columns=["sgd", "isotropic"])  # where every run diverged there is neither
    ratio = (wide["sgd"] / wide["isotropic"]).rename("value").reset_index()
    return _by_epoch(tables, ratio, window)


@statistic
def held_out_participation_ratio(tables: Tables) -> pd.DataFrame:
    """Held-out participation ratio without the first component, relative to that of an isotropic walk."""
    return _relative_participation(tables, "main")


@statistic
def early_held_out_participation_ratio(tables: Tables) -> pd.DataFrame:
    """The same in the windows of early epochs."""
    return _relative_participation(tables, "early")


def _share_with_one_minimum(tables: Tables, span: str) -> pd.DataFrame:
    minima = table_of(tables, "feng2021_fig2_minima")
    rows = minima[minima["range"] == span]
    share = (rows["minima"] == 1).groupby(rows["run"]).mean().rename("value").reset_index()
    return _per_run(tables, share)


@statistic
def share_of_slices_with_one_minimum(tables: Tables) -> pd.DataFrame:
    """Share of loss slices with exactly one minimum over the flat region and one flatness beyond each edge."""
    return _share_with_one_minimum(tables, "flat_region")


@statistic
def share_of_wide_slices_with_one_minimum(tables: Tables) -> pd.DataFrame:
    """The same over a fixed range of weights."""
    return _share_with_one_minimum(tables, "fixed")


def _exponents(tables: Tables, kind: str, minus: str | None = None) -> pd.DataFrame:
    exponents = renewed(table_of(tables, "feng2021_fig2_exponents")).pivot(index="run", columns="kind", values="exponent")
    exponents = exponents.reindex(columns=[kind, minus] if minus else [kind])  # where every run diverged there is none
    values = exponents[kind] - exponents[minus] if minus else exponents[kind]
    return _per_run(tables, values.rename("value").reset_index())


@statistic
def in_sample_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent (a): directions and variances from the same window, as published."""
    return _exponents(tables, "in_sample")


@statistic
def held_out_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent (b): variances from the window after the one that gave the directions."""
    return _exponents(tables, "held_out")


@statistic
def hessian_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent (c): along the eigenvectors of the Hessian."""
    return _exponents(tables, "hessian")


@statistic
def in_sample_minus_surrogate_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent (a) - (d): SGD against its frozen noise."""
    return _exponents(tables, "in_sample", minus="frozen_noise")


@statistic
def held_out_exponent_of_noise(tables: Tables) -> pd.DataFrame:
    """Beside exponent (b): that of frozen noise."""
    return _exponents(tables, "noise_held_out")


@statistic
def hessian_exponent_of_noise(tables: Tables) -> pd.DataFrame:
    """Beside exponent (c): that of frozen noise."""
    return _exponents(tables, "noise_hessian")


@statistic
def hessian_minus_stationary_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent (c) - (e, stationary): SGD against linear SGD at stationarity."""
    return _exponents(tables, "hessian", minus="linear_theory_stationary")


@statistic
def hessian_minus_theory_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent (c) - (e): SGD against linear SGD over the same window with the same sampling."""
    return _exponents(tables, "hessian", minus="linear_theory")


def _temperature_fit(tables: Tables, column: str) -> pd.DataFrame:
    fits = table_of(tables, "feng2021_fig4_temperature_fits")
    return _per_run(tables, fits.rename(columns={column: "value"})[["run", "value"]])


@statistic
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
    return _per_run(tables, rise)


def _correlation_slope(tables: Tables, basis: str, time: str, source: str = "sgd", window: str = "main") -> pd.DataFrame:
    slopes = table_of(tables, "feng2021_fig3_correlation_times")
    chosen = (slopes["basis"] == basis) & (slopes["time"] == time) & (slopes["source"] == source)
    rows = slopes[chosen & (slopes["window"] == window)]
    return _per_run(tables, rows.rename(columns={"exponent": "value"})[["run", "value"]])


@statistic
def relaxation_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(2 var / var(step)) on ln F in the Hessian basis."""
    return _correlation_slope(tables, "hessian", "relaxation")


@statistic
def integrated_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(integrated autocorrelation time) on ln F in the Hessian basis."""
    return _correlation_slope(tables, "hessian", "integrated")


@statistic
def in_sample_relaxation_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(2 var / var(step)) on ln F in the principal basis of the same window."""
    return _correlation_slope(tables, "principal", "relaxation")


@statistic
def held_out_relaxation_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(2 var / var(step)) on ln F along the principal directions of the window before."""
    return _correlation_slope(tables, "held_out", "relaxation")


@statistic
def surrogate_relaxation_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(2 var / var(step)) on ln F in the principal basis of frozen noise."""
    return _correlation_slope(tables, "principal", "relaxation", source="noise_epoch")


def _annealing(tables: Tables, value: Callable[[pd.DataFrame], float]) -> pd.DataFrame:
    """A number per run from its temperatures after the first epoch: rows are checkpoints, columns directions."""
    rows = table_of(tables, "feng2021_fig4")
    rows = rows[rows["epoch"] >= 1]
    values = [{"run": run, "value": value(group)} for run, group in rows.groupby("run")]
    return _per_run(tables, pd.DataFrame(values, columns=["run", "value"]))


def _fits_on_loss(group: pd.DataFrame) -> list[Any]:
    return [power_law(part["training_loss"], part["temperature"]) for _, part in group.groupby("rank")]


@statistic
def temperature_loss_correlation(tables: Tables) -> pd.DataFrame:
    """Smallest over directions of the Pearson correlation of ln T_i and ln L over training."""
    return _annealing(tables, lambda group: float(np.min([fit.r for fit in _fits_on_loss(group)])))


@statistic
def temperature_order(tables: Tables) -> pd.DataFrame:
    """Smallest over checkpoints of the rank correlation, over directions, of T_i with the final T_i."""

    def smallest(group: pd.DataFrame) -> float:
        wide = group.pivot(index="step", columns="rank", values="temperature").sort_index()
        if len(wide) < 2 or wide.isna().any(axis=None):
            return np.nan
        return float(wide.iloc[:-1].corrwith(wide.iloc[-1], axis=1, method="spearman").min())

    return _annealing(tables, smallest)


@statistic
def temperature_loss_exponent_spread(tables: Tables) -> pd.DataFrame:
    """Largest less smallest over directions of the exponent b in T_i ~ L^b."""
    return _annealing(tables, lambda group: float(np.ptp([fit.exponent for fit in _fits_on_loss(group)])))
