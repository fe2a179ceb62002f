"""Statistics of the claims of Yang, Tang and Tu 2023: the effective loss along the valley of the toy model (figure 2)."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from sgdphysics.claims.registry import MISSING, VALUES, Tables, statistic, table_of, text_of, values_of


def _of_kappas(slopes: pd.DataFrame, kappas: Callable[[pd.Series], pd.Series]) -> pd.DataFrame:
    """Rows of a table of slopes, of walkers from both starts together; a grid has neither starts nor seeds."""
    rows = slopes[kappas(slopes["kappa"])]
    if "start" in rows:
        rows = rows[rows["start"] == "both"]
    return rows.assign(setting="kappa " + text_of(rows["kappa"]), seed=rows.get("seed", np.nan))


def _joint_slope(slopes: pd.DataFrame, kappas: Callable[[pd.Series], pd.Series]) -> pd.DataFrame:
    """Slopes of -ln P(x, 0) on ln F at the noise strength that decides."""
    rows = _of_kappas(slopes[slopes["deciding"]], kappas)
    return values_of(rows["setting"], rows["seed"], rows["joint_slope"])


def _joint_slope_error(slopes: pd.DataFrame) -> pd.DataFrame:
    rows = _of_kappas(slopes[slopes["deciding"]], lambda kappa: kappa != 1)
    return values_of(rows["setting"], rows["seed"], _error(rows["joint_slope"], rows["predicted_joint_slope"]))


def _error(slope: pd.Series | float, predicted: pd.Series) -> pd.Series:
    return (slope - predicted) / predicted.abs().clip(lower=1)


@statistic
def joint_slope_error(tables: Tables) -> pd.DataFrame:
    """Slope of -ln P(x, 0) on ln F by simulation less 1 - kappa, in parts of max(1, |1 - kappa|); per kappa but 1."""
    return _joint_slope_error(table_of(tables, "yang2023_fig2_slopes"))


@statistic("exact")
def joint_slope_error_on_grid(tables: Tables) -> pd.DataFrame:
    """The same of the Fokker-Planck equation on a grid."""
    return _joint_slope_error(table_of(tables, "yang2023_fig2_grid_slopes"))


@statistic
def joint_slope_error_for_vanishing_noise(tables: Tables) -> pd.DataFrame:
    """The same by simulation, of the slope at Delta = 0 on the straight line in Delta through the two weakest noise strengths.

    The theory holds for Delta -> 0. Its error is linear in Delta only where it is small, so no third strength enters.
    """
    rows = _of_kappas(table_of(tables, "yang2023_fig2_slopes"), lambda kappa: kappa != 1).sort_values("diffusion")
    values = []
    for (setting, seed), part in rows.groupby(["setting", "seed"]):
        weakest = part.head(2)
        usable = len(weakest) == 2
        intercept = np.polyfit(weakest["diffusion"], weakest["joint_slope"], 1)[1] if usable else np.nan
        value = _error(intercept, weakest["predicted_joint_slope"]).iloc[0]
        lacking = "with one strength of the noise only"
        values.append({"setting": setting, "reference": True, "seed": seed, "value": value, MISSING: lacking})
    return pd.DataFrame(values, columns=[*VALUES, MISSING])


@statistic
def heat_bath_joint_slope(tables: Tables) -> pd.DataFrame:
    """Slope of -ln P(x, 0) on ln F by simulation for equal noise along and across the valley, kappa = 1."""
    return _joint_slope(table_of(tables, "yang2023_fig2_slopes"), lambda kappa: kappa == 1)


@statistic("exact")
def heat_bath_joint_slope_on_grid(tables: Tables) -> pd.DataFrame:
    """The same of the Fokker-Planck equation on a grid."""
    return _joint_slope(table_of(tables, "yang2023_fig2_grid_slopes"), lambda kappa: kappa == 1)


@statistic
def joint_slope_below_one(tables: Tables) -> pd.DataFrame:
    """Slope of -ln P(x, 0) on ln F by simulation where the noise along the valley is the stronger one, kappa < 1."""
    return _joint_slope(table_of(tables, "yang2023_fig2_slopes"), lambda kappa: kappa < 1)


def _mean_by_seed(rows: pd.DataFrame, setting: str, ratio: pd.Series) -> pd.DataFrame:
    """The mean of a number over all rows of a seed."""
    means = ratio.groupby(rows["seed"]).mean().reset_index(name="value")
    return values_of(setting, means["seed"], means["value"])


def _drift_ratio(tables: Tables, predicted: Sequence[str]) -> pd.DataFrame:
    rows = table_of(tables, "yang2023_fig3_drift")
    rows = rows[rows["landscape"] == "single_valley"]
    ratio = rows["drift"] / rows[list(predicted)].sum(axis=1, skipna=False)
    return _mean_by_seed(rows, "all learning rates and places", ratio)


@statistic
def drift_ratio(tables: Tables) -> pd.DataFrame:
    """Mean step of x in shaken descent at fixed x over the formula with both terms; mean over learning rates and places."""
    return _drift_ratio(tables, ["predicted_smoothing_drift", "predicted_noise_induced_drift"])


@statistic
def drift_over_smoothing(tables: Tables) -> pd.DataFrame:
    """The same over the smoothing term alone, as if noise induced none."""
    return _drift_ratio(tables, ["predicted_smoothing_drift"])


@statistic
def stationary_width_ratio(tables: Tables) -> pd.DataFrame:
    """Standard deviation of x in shaken descent over that of the density built from drift and noise; mean over shift sizes."""
    rows = table_of(tables, "yang2023_fig3_widths")
    return _mean_by_seed(rows, "all shifts", rows["standard_deviation"] / rows["built_standard_deviation"])
