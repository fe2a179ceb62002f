"""Statistics of the claims of Feng, Zhang and Tu 2023 on the duality, the decomposed gap, its two factors, and rescaled copies."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from sgdphysics.claims import missing
from sgdphysics.claims.registry import MISSING, VALUES, Tables, statistic, table_of, values_of
from sgdphysics.fits import power_law


def _by_seed(rows: pd.DataFrame, value: Callable[[pd.DataFrame], float], by: Sequence[str] = ()) -> pd.DataFrame:
    """A number per seed, and per value of the columns ``by``, which then are the setting."""
    values = [
        {
            "setting": ", ".join(str(key) for key in keys[1:]) or "reference",
            "reference": True,
            "seed": keys[0],
            "value": value(part),
        }
        for keys, part in rows.groupby(["seed", *by])
    ]
    return pd.DataFrame(values, columns=VALUES)


# --- the duality


def _largest_of_pairs(tables: Tables, column: str) -> pd.DataFrame:
    return _by_seed(table_of(tables, "feng2023_fig1"), lambda pairs: float(pairs[column].max()))


@statistic
def activity_error(tables: Tables) -> pd.DataFrame:
    """Largest relative difference between the activity that a dual weight makes of a training image and that at its test image."""
    return _largest_of_pairs(tables, "activity_error")


@statistic
def logit_error(tables: Tables) -> pd.DataFrame:
    """The same for the logits."""
    return _largest_of_pairs(tables, "logit_error")


@statistic
def smallest_norm_of_other_solutions(tables: Tables) -> pd.DataFrame:
    """Smallest norm of another change of the weights with the same effect, in parts of that of the dual weight."""
    columns = ["norm_ratio_along_test_activity", "norm_ratio_along_random_vector"]
    return _by_seed(table_of(tables, "feng2023_fig1"), lambda pairs: float(pairs[columns].min(axis=None)))


# --- the decomposed gap


def _members_at_deciding_points(tables: Tables) -> pd.DataFrame:
    """Every run of every sweep but the control, at the loss that decides the sweep; without numbers where it did not reach it.

    "setting" names its sweep and dose, ``MISSING`` says why there are no numbers.
    """
    points = table_of(tables, "feng2023_points")
    rows = points[points["deciding"].astype(bool) & (points["point"] == "equal_loss")]
    return missing.of_sweeps(points).merge(rows, on=["sweep", "dose", "seed", "run"], how="left")


def _deciding_points(tables: Tables) -> pd.DataFrame:
    """The same with each run once at a loss."""
    return _members_at_deciding_points(tables).drop_duplicates(["run", "target"])


def _of_every_setting(tables: Tables, value: Callable[[pd.DataFrame], pd.Series]) -> pd.DataFrame:
    rows = _deciding_points(tables)
    return values_of(rows["setting"], rows["seed"], value(rows)).assign(**{MISSING: rows[MISSING]})


def _of_pairs(tables: Tables, column: str, losses: str = "own", smallest: bool = False) -> pd.DataFrame:
    """A number of the reference, for whole shifts of the data or the smallest; or with the losses shuffled."""
    rows = table_of(tables, "feng2023_fig2_shifts")
    rows = rows[rows["losses"] == losses]
    rows = rows[rows["fraction"] == (rows["fraction"].min() if smallest else rows["fraction"].max())]
    return values_of("reference", rows["seed"], rows[column])


@statistic
def correlated_share(tables: Tables) -> pd.DataFrame:
    """Share of the gap in sum_n c_n sigma_g,n sigma_w,n; per setting of the sweeps."""
    return _of_every_setting(tables, lambda rows: rows["correlated_share"])


@statistic
def correlated_share_of_shuffled_losses(tables: Tables) -> pd.DataFrame:
    """Null: the same where the changes of the loss are dealt to other pairs, at the reference."""
    return _of_pairs(tables, "correlated_share", losses="shuffled")


@statistic
def correlation_variation(tables: Tables) -> pd.DataFrame:
    """Coefficient of variation of c_n over the directions that carry 90 % of the gap; per setting of the sweeps."""
    return _of_every_setting(tables, lambda rows: rows["correlation_variation"])


@statistic
def correlation_variation_of_shuffled_losses(tables: Tables) -> pd.DataFrame:
    """Null: the same where the changes of the loss are dealt to other pairs, at the reference."""
    return _of_pairs(tables, "correlation_variation", losses="shuffled")


def _over_settings(tables: Tables, value: Callable[[pd.DataFrame], float], without: Sequence[str] = ()) -> pd.DataFrame:
    """A number per seed of its settings, but for those of some sweeps; NaN where a seed lacks one."""
    rows = _deciding_points(tables)
    rows = rows[~rows["sweep"].isin(without)]
    settings = rows["setting"].nunique()
    values = _by_seed(rows, lambda part: value(part) if part["gap"].notna().sum() == settings else np.nan)
    return values.assign(**{MISSING: values["seed"].map(_lacking(rows, ["seed"]))})


def _lacking(rows: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """Of each seed, and perhaps sweep, that lacks a setting, the first that it lacks, and why."""
    lacking = rows[rows["gap"].isna()]
    return ("lacking " + lacking["setting"] + ", which " + lacking[MISSING]).groupby([lacking[key] for key in by]).first()


@statistic
def gap_correlation_with_products(tables: Tables) -> pd.DataFrame:
    """Correlation of the gap with sum_n sigma_g,n sigma_w,n over the settings of all sweeps."""
    return _over_settings(tables, lambda rows: rows["gap"].corr(rows["summed_products"]))


@statistic
def gap_correlation_with_products_without_label_noise(tables: Tables) -> pd.DataFrame:
    """The same without the sweep of label noise, whose gaps are several times those of all others."""
    return _over_settings(tables, lambda rows: rows["gap"].corr(rows["summed_products"]), without=["label_noise"])


@statistic
def gap_correlation_with_products_of_shuffled_losses(tables: Tables) -> pd.DataFrame:
    """Null: the same where the changes of the loss are dealt to other pairs."""
    return _over_settings(tables, lambda rows: rows["gap"].corr(rows["summed_products_of_shuffled_losses"]))


@statistic
def gap_correlation_with_sharpness(tables: Tables) -> pd.DataFrame:
    """Correlation of the gap with s_g alone over the settings of all sweeps."""
    return _over_settings(tables, lambda rows: rows["gap"].corr(rows["slope_spread"]))


@statistic
def gap_correlation_with_size(tables: Tables) -> pd.DataFrame:
    """Correlation of the gap with s_w alone over the settings of all sweeps."""
    return _over_settings(tables, lambda rows: rows["gap"].corr(rows["weight_spread"]))


@statistic
def whole_gap_ratio(tables: Tables) -> pd.DataFrame:
    """Test loss less loss of the whole training set, in parts of the gap over matched pairs; per setting of the sweeps."""
    return _of_every_setting(tables, lambda rows: (rows["test_loss"] - rows["training_loss"]) / rows["decomposed_gap"])


# --- sharpness


@statistic
def slope_curvature_correlation(tables: Tables) -> pd.DataFrame:
    """Correlation of ln sigma_g,n^2 and ln H_n at the reference."""
    return _of_pairs(tables, "slope_curvature_correlation")


@statistic
def slope_curvature_correlation_of_shuffled_losses(tables: Tables) -> pd.DataFrame:
    """Null: the same where the changes of the loss are dealt to other pairs."""
    return _of_pairs(tables, "slope_curvature_correlation", losses="shuffled")


@statistic
def slope_curvature_correlation_in_sweeps(tables: Tables) -> pd.DataFrame:
    """The same correlation; per setting of the sweeps."""
    return _of_every_setting(tables, lambda rows: rows["slope_curvature_correlation"])


@statistic
def slope_curvature_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln sigma_g,n^2 on ln H_n at the reference."""
    return _of_pairs(tables, "slope_curvature_exponent")


@statistic
def slope_curvature_exponent_of_small_shifts(tables: Tables) -> pd.DataFrame:
    """The same for the smallest part of the shift from a training image to its test image."""
    return _of_pairs(tables, "slope_curvature_exponent", smallest=True)


@statistic
def gradient_curvature_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(variance of the whole gradient over the matched images) on ln H_n at the reference."""
    return _of_pairs(tables, "slope_curvature_exponent", losses="gradient")


# --- size


@statistic
def metric_error(tables: Tables) -> pd.DataFrame:
    """Relative difference between s_w and its closed form by the metric of the data."""
    rows = table_of(tables, "feng2023_fig2_metric")
    return values_of("reference", rows["seed"], (rows["weight_spread_by_metric"] / rows["weight_spread"] - 1).abs())


def _size(rows: pd.DataFrame, key: str) -> float:
    return getattr(power_law(rows["weight_norm"], rows["weight_spread"]), key)


def _size_in_sweeps(tables: Tables, key: str) -> pd.DataFrame:
    rows = _members_at_deciding_points(tables)
    rows = rows[rows.groupby("sweep")["dose"].transform("nunique") > 2]
    values = _by_seed(rows, lambda part: _size(part, key) if part["gap"].notna().all() else np.nan, by=["sweep"])
    reasons = _lacking(rows, ["seed", "sweep"]).to_dict()
    return values.assign(**{MISSING: [reasons.get(key) for key in zip(values["seed"], values["setting"], strict=True)]})


@statistic
def size_norm_correlation(tables: Tables) -> pd.DataFrame:
    """Correlation of ln s_w and ln norm(W) over the settings of all sweeps."""
    return _over_settings(tables, lambda rows: _size(rows, "r"))


@statistic
def size_norm_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln s_w on ln norm(W) over the settings of all sweeps."""
    return _over_settings(tables, lambda rows: _size(rows, "exponent"))


@statistic
def size_norm_correlation_in_sweeps(tables: Tables) -> pd.DataFrame:
    """Correlation of ln s_w and ln norm(W) over the doses of a sweep, at least three; per sweep."""
    return _size_in_sweeps(tables, "r")


@statistic
def size_norm_exponent_in_sweeps(tables: Tables) -> pd.DataFrame:
    """Slope of ln s_w on ln norm(W) over the doses of a sweep, at least three; per sweep."""
    return _size_in_sweeps(tables, "exponent")


# --- rescaling


def _over_factors(tables: Tables, columns: Sequence[str], value: Callable[[pd.Series], float]) -> pd.DataFrame:
    """A number of every column over the rescaled copies of a network: a setting is a column and the layer rescaled against."""
    rows = table_of(tables, "feng2023_fig6").melt(["seed", "other_layer", "factor"], list(columns))
    layer = rows["variable"].str.replace("_", " ") + ", against layer " + rows["other_layer"].astype("Int64").astype(str)
    return _by_seed(rows.assign(what=layer), lambda part: value(part["value"]), by=["what"])


@statistic
def logit_change_by_rescaling(tables: Tables) -> pd.DataFrame:
    """Largest relative change of a logit over the rescaled copies; per layer rescaled against."""
    return _over_factors(tables, ["logit_change"], lambda values: float(values.max()))


@statistic
def invariant_change_by_rescaling(tables: Tables) -> pd.DataFrame:
    """Largest over smallest less 1, over the rescaled copies: product of the spreads, decomposed gap."""
    invariants = ["product_of_spreads", "decomposed_gap"]
    return _over_factors(tables, invariants, lambda values: float(values.max() / values.min() - 1))


@statistic
def plain_change_by_rescaling(tables: Tables) -> pd.DataFrame:
    """Logarithm of largest over smallest over the rescaled copies: top eigenvalue, trace, median flatness, norm, s_g, s_w."""
    plain = ["largest_eigenvalue", "trace", "median_flatness", "weight_norm", "slope_spread", "weight_spread"]
    return _over_factors(tables, plain, lambda values: float(np.log(values.max() / values.min())))


@statistic
def prediction_error_of_rescaling(tables: Tables) -> pd.DataFrame:
    """Largest relative error of the predicted powers of p: -2 for eigenvalues, -1 for s_g, 1 for s_w and the norm."""
    rows = table_of(tables, "feng2023_fig6")
    powers = {"largest_eigenvalue": -2, "trace": -2, "slope_spread": -1, "weight_spread": 1, "weight_norm": 1}
    scaled = rows.assign(**{key: rows[key] / rows["factor"] ** power for key, power in powers.items()})
    return _over_factors({"feng2023_fig6": scaled}, list(powers), lambda values: float(values.max() / values.min() - 1))
