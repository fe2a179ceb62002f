"""Statistics of the claims of Feng, Zhang and Tu 2023 on the two factors: slopes are the sharpness, dual weights the size."""

import pandas as pd

from sgdphysics.claims.feng2023_settings import (
    at_every_setting,
    at_reference,
    in_sweeps,
    members_at_deciding_points,
    members_with_gauges,
    over_settings,
)
from sgdphysics.claims.registry import Tables, statistic, table_of, values_of
from sgdphysics.fits import power_law

# --- sharpness


def _of_shifts(tables: Tables, column: str, losses: str = "own", smallest: bool = False) -> pd.DataFrame:
    """A number of the reference, for whole shifts of the data or the smallest."""
    rows = table_of(tables, "feng2023_fig2_shifts")
    rows = rows[rows["losses"] == losses]
    return at_reference(rows[rows["fraction"] == (rows["fraction"].min() if smallest else rows["fraction"].max())], column)


@statistic("correlation")
def slope_curvature_correlation(tables: Tables) -> pd.DataFrame:
    """Correlation of ln sigma_g,n^2 and ln H_n at the reference."""
    return _of_shifts(tables, "slope_curvature_correlation")


@statistic("correlation")
def slope_curvature_correlation_of_shuffled_losses(tables: Tables) -> pd.DataFrame:
    """The same where the changes of the loss are dealt to other pairs."""
    return _of_shifts(tables, "slope_curvature_correlation", losses="shuffled")


@statistic("correlation")
def slope_curvature_correlation_in_sweeps(tables: Tables) -> pd.DataFrame:
    """The same correlation; per setting of the sweeps."""
    return at_every_setting(members_at_deciding_points(tables), lambda rows: rows["slope_curvature_correlation"])


@statistic
def slope_curvature_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln sigma_g,n^2 on ln H_n at the reference."""
    return _of_shifts(tables, "slope_curvature_exponent")


@statistic
def slope_curvature_exponent_of_small_shifts(tables: Tables) -> pd.DataFrame:
    """The same for the smallest part of the shift from a training image to its test image."""
    return _of_shifts(tables, "slope_curvature_exponent", smallest=True)


@statistic
def gradient_curvature_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(variance of the whole gradient over the matched images) on ln H_n at the reference."""
    return _of_shifts(tables, "slope_curvature_exponent", losses="gradient")


def _of_gauge(tables: Tables, column: str, slopes: str) -> pd.DataFrame:
    """A number of the reference, for one kind of slopes and the pairs' own losses."""
    rows = table_of(tables, "feng2023_fig2_gauge_numbers")
    return at_reference(rows[(rows["slopes"] == slopes) & (rows["losses"] == "own")], column)


@statistic("correlation")
def slope_curvature_partial_correlation(tables: Tables) -> pd.DataFrame:
    """Partial correlation of ln sigma_g,n^2 and ln H_n given ln sigma_w,n, with slopes parallel to the dual weights."""
    return _of_gauge(tables, "partial_correlation", "parallel")


@statistic("correlation")
def slope_curvature_partial_correlation_of_path_averaged_slopes(tables: Tables) -> pd.DataFrame:
    """The same with path-averaged slopes."""
    return _of_gauge(tables, "partial_correlation", "path_averaged")


@statistic("correlation")
def slope_curvature_partial_correlation_of_errors_of_other_pairs(tables: Tables) -> pd.DataFrame:
    """The same with path-averaged slopes that have the errors of other pairs across the dual weights."""
    return _of_gauge(tables, "partial_correlation", "errors_of_other_pairs")


@statistic
def ratio_curvature_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent b of sigma_g,n^2 / sigma_w,n^2 ~ H_n^b at the reference, with slopes parallel to the dual weights."""
    return _of_gauge(tables, "ratio_curvature_exponent", "parallel")


@statistic
def ratio_curvature_exponent_of_path_averaged_slopes(tables: Tables) -> pd.DataFrame:
    """The same with path-averaged slopes."""
    return _of_gauge(tables, "ratio_curvature_exponent", "path_averaged")


@statistic
def ratio_curvature_exponent_of_errors_of_other_pairs(tables: Tables) -> pd.DataFrame:
    """The same with path-averaged slopes that have the errors of other pairs across the dual weights."""
    return _of_gauge(tables, "ratio_curvature_exponent", "errors_of_other_pairs")


# --- size


@statistic("exact")
def metric_error(tables: Tables) -> pd.DataFrame:
    """Relative difference between s_w and its closed form by the metric of the data."""
    rows = table_of(tables, "feng2023_fig2_metric")
    return values_of("reference", rows["seed"], (rows["weight_spread_by_metric"] / rows["weight_spread"] - 1).abs())


def _correlation(rows: pd.DataFrame, norm: str) -> float:
    return power_law(rows[norm], rows["weight_spread"]).r


def _exponent(rows: pd.DataFrame, norm: str) -> float:
    return power_law(rows[norm], rows["weight_spread"]).exponent


@statistic("correlation")
def size_correlation_with_weighted_norm(tables: Tables) -> pd.DataFrame:
    """Correlation of ln s_w and ln of the activity-weighted norm over the settings of all sweeps."""
    return over_settings(members_with_gauges(tables), lambda rows: _correlation(rows, "activity_weighted_norm"))


@statistic
def size_exponent_of_weighted_norm(tables: Tables) -> pd.DataFrame:
    """Slope of ln s_w on ln of the activity-weighted norm over the settings of all sweeps."""
    return over_settings(members_with_gauges(tables), lambda rows: _exponent(rows, "activity_weighted_norm"))


@statistic("correlation")
def size_correlation_with_covariance_norm(tables: Tables) -> pd.DataFrame:
    """Correlation of ln s_w and ln of the norm weighted by activities less their mean, over the settings of all sweeps."""
    return over_settings(members_with_gauges(tables), lambda rows: _correlation(rows, "activity_covariance_norm"))


@statistic
def size_exponent_of_covariance_norm(tables: Tables) -> pd.DataFrame:
    """Slope of ln s_w on ln of the norm weighted by activities less their mean, over the settings of all sweeps."""
    return over_settings(members_with_gauges(tables), lambda rows: _exponent(rows, "activity_covariance_norm"))


@statistic("correlation")
def size_correlation_with_plain_norm(tables: Tables) -> pd.DataFrame:
    """Correlation of ln s_w and ln norm(W) over the settings of all sweeps."""
    return over_settings(members_with_gauges(tables), lambda rows: _correlation(rows, "weight_norm"))


@statistic
def size_exponent_of_plain_norm(tables: Tables) -> pd.DataFrame:
    """Slope of ln s_w on ln norm(W) over the settings of all sweeps."""
    return over_settings(members_with_gauges(tables), lambda rows: _exponent(rows, "weight_norm"))


@statistic("correlation")
def size_correlation_with_weighted_norm_in_sweeps(tables: Tables) -> pd.DataFrame:
    """Correlation of ln s_w and ln of the activity-weighted norm over the doses of a sweep, at least three; per sweep."""
    return in_sweeps(members_with_gauges(tables), lambda rows: _correlation(rows, "activity_weighted_norm"))


@statistic("correlation")
def size_correlation_with_plain_norm_in_sweeps(tables: Tables) -> pd.DataFrame:
    """Correlation of ln s_w and ln norm(W) over the doses of a sweep, at least three; per sweep."""
    return in_sweeps(members_with_gauges(tables), lambda rows: _correlation(rows, "weight_norm"))
