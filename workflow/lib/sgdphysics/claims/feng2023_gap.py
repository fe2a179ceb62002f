"""Statistics of the claim of Feng, Zhang and Tu 2023 that the gap is a sum of products with one constant, and of its null."""

import pandas as pd

from sgdphysics.claims.feng2023_settings import (
    at_every_setting,
    at_reference,
    each_once,
    lacking,
    members_at_deciding_points,
    members_with_gauges,
    over_settings,
)
from sgdphysics.claims.registry import MISSING, Tables, statistic, table_of, values_of

OWN, SHUFFLED = "summed_products", "summed_products_of_shuffled_losses"


@statistic
def correlated_share(tables: Tables) -> pd.DataFrame:
    """Share of the gap in sum_n c_n sigma_g,n sigma_w,n; per setting of the sweeps."""
    return at_every_setting(members_at_deciding_points(tables), lambda rows: rows["correlated_share"])


@statistic
def correlation_variation(tables: Tables) -> pd.DataFrame:
    """Coefficient of variation of c_n over the directions that carry 90 % of the gap; per setting of the sweeps."""
    return at_every_setting(members_at_deciding_points(tables), lambda rows: rows["correlation_variation"])


@statistic
def correlation_variation_of_path_averaged_slopes(tables: Tables) -> pd.DataFrame:
    """The same with path-averaged slopes; per setting of the sweeps."""
    return at_every_setting(members_with_gauges(tables, "path_averaged"), lambda rows: rows["correlation_variation"])


@statistic
def correlation_variation_of_errors_of_other_pairs(tables: Tables) -> pd.DataFrame:
    """The same where path-averaged slopes have the errors of other pairs across the dual weights, at the reference."""
    rows = table_of(tables, "feng2023_fig2_gauge_numbers")
    return at_reference(rows[rows["slopes"] == "errors_of_other_pairs"], "correlation_variation")


# --- one constant for all settings


def _constants(rows: pd.DataFrame, products: str) -> pd.Series:
    """Gap over sum_n sigma_g,n sigma_w,n, in parts of its mean over the settings of the seed."""
    ratio = rows["gap"] / rows[products]
    return ratio / ratio.groupby(rows["seed"]).transform("mean")


@statistic
def gap_over_products(tables: Tables) -> pd.DataFrame:
    """Gap over sum_n sigma_g,n sigma_w,n at a setting, in parts of its mean over all settings of the seed; per setting."""
    return at_every_setting(members_at_deciding_points(tables), lambda rows: _constants(rows, OWN))


@statistic
def gap_over_products_of_path_averaged_slopes(tables: Tables) -> pd.DataFrame:
    """The same with path-averaged slopes; per setting of the sweeps."""
    return at_every_setting(members_with_gauges(tables, "path_averaged"), lambda rows: _constants(rows, OWN))


@statistic
def gap_over_products_of_shuffled_losses(tables: Tables) -> pd.DataFrame:
    """The same where the changes of the loss are dealt to other pairs; per setting of the sweeps."""
    return at_every_setting(members_at_deciding_points(tables), lambda rows: _constants(rows, SHUFFLED))


# --- the null: the changes of the loss dealt to other pairs


def _less_shuffled(tables: Tables, column: str) -> pd.DataFrame:
    """A number of the pairs' own losses less that of the null, at the reference, for whole shifts."""
    rows = table_of(tables, "feng2023_fig2_shifts")
    rows = rows[rows["fraction"] == rows["fraction"].max()]
    whole = rows.pivot(index="seed", columns="losses", values=column).reindex(columns=["own", "shuffled"])
    return at_reference((whole["own"] - whole["shuffled"]).rename(column).reset_index(), column)


@statistic
def correlated_share_less_shuffled(tables: Tables) -> pd.DataFrame:
    """Share of the gap in sum_n c_n sigma_g,n sigma_w,n, less that of the null; at the reference."""
    return _less_shuffled(tables, "correlated_share")


@statistic
def correlation_variation_less_shuffled(tables: Tables) -> pd.DataFrame:
    """Coefficient of variation of c_n over the directions that carry 90 % of the gap, less that of the null; at the reference."""
    return _less_shuffled(tables, "correlation_variation")


def _squared_variation(rows: pd.DataFrame, products: str) -> pd.Series:
    """Square of the coefficient of variation of gap over products over settings, by seed.

    Each seed's deviation is multiplied by the mean deviation of the other seeds, so that what differs from seed to seed by chance
    adds nothing to it: else the noisier of two would seem to vary more.
    """
    constants = rows.assign(constant=_constants(rows, products)).pivot(index="seed", columns="setting", values="constant")
    deviations = constants.dropna() - 1
    others = (deviations.sum() - deviations) / (len(deviations) - 1)
    return (deviations * others).mean(axis=1).reindex(constants.index)


@statistic
def squared_variation_over_settings_less_shuffled(tables: Tables) -> pd.DataFrame:
    """Squared coefficient of variation of gap over sum_n sigma_g,n sigma_w,n over all settings, without the chance of a seed, less
    that of the null.
    """
    rows = each_once(members_at_deciding_points(tables))
    value = (_squared_variation(rows, OWN) - _squared_variation(rows, SHUFFLED)).rename("value").reset_index()
    reasons = value["seed"].map(lacking(rows, ["seed"]))
    return values_of("all settings", value["seed"], value["value"]).assign(**{MISSING: reasons})


# --- what the gap follows from setting to setting


@statistic("correlation")
def gap_correlation_with_products(tables: Tables) -> pd.DataFrame:
    """Correlation of the gap with sum_n sigma_g,n sigma_w,n over the settings of all sweeps."""
    return over_settings(members_at_deciding_points(tables), lambda rows: rows["gap"].corr(rows[OWN]))


@statistic("correlation")
def gap_correlation_with_products_without_label_noise(tables: Tables) -> pd.DataFrame:
    """The same without the sweep of label noise, whose gaps are several times those of all others."""
    return over_settings(members_at_deciding_points(tables), lambda rows: rows["gap"].corr(rows[OWN]), without=["label_noise"])


@statistic("correlation")
def gap_correlation_with_products_of_shuffled_losses(tables: Tables) -> pd.DataFrame:
    """The same where the changes of the loss are dealt to other pairs."""
    return over_settings(members_at_deciding_points(tables), lambda rows: rows["gap"].corr(rows[SHUFFLED]))


@statistic("correlation")
def gap_correlation_with_sharpness(tables: Tables) -> pd.DataFrame:
    """Correlation of the gap with s_g alone over the settings of all sweeps."""
    return over_settings(members_at_deciding_points(tables), lambda rows: rows["gap"].corr(rows["slope_spread"]))


@statistic("correlation")
def gap_correlation_with_size(tables: Tables) -> pd.DataFrame:
    """Correlation of the gap with s_w alone over the settings of all sweeps."""
    return over_settings(members_at_deciding_points(tables), lambda rows: rows["gap"].corr(rows["weight_spread"]))


@statistic
def whole_gap_ratio(tables: Tables) -> pd.DataFrame:
    """Test loss less loss of the whole training set, in parts of the gap over matched pairs; per setting of the sweeps."""
    members = members_at_deciding_points(tables)
    return at_every_setting(members, lambda rows: (rows["test_loss"] - rows["training_loss"]) / rows["decomposed_gap"])
