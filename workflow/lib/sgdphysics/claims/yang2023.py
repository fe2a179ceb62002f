"""Statistics of the claims of Yang, Tang and Tu 2023."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from sgdphysics import convergence_edge
from sgdphysics.claims import missing
from sgdphysics.claims.registry import MISSING, VALUES, Tables, statistic, table_of, text_of, values_of
from sgdphysics.equal_loss import at_lowest_common_loss


def _equal_loss(tables: Tables, value: Callable[[pd.DataFrame], float]) -> pd.DataFrame:
    """A number per quantity and seed at the lowest training loss that every setting reached; NaN for a seed that lacks one."""
    table, runs = table_of(tables, "feng2021_fig4_equal_loss"), table_of(tables, "feng2021_runs")
    settings = len(runs[["learning_rate", "batch_size"]].drop_duplicates())
    groups = dict(iter(at_lowest_common_loss(table).groupby(["quantity", "seed"])))
    reasons = _lacking_settings(runs)
    values = []
    for quantity, seed in itertools.product(sorted(table["quantity"].unique()), runs["seed"].unique()):
        group = groups.get((quantity, seed), ())
        number = value(group) if len(group) == settings else np.nan
        values.append({"setting": quantity, "reference": True, "seed": seed, "value": number, MISSING: reasons.get(seed)})
    return pd.DataFrame(values, columns=[*VALUES, MISSING])


def _lacking_settings(runs: pd.DataFrame) -> pd.Series:
    """Of each seed with a run that did not converge, the first such setting, and what became of it."""
    setting = "learning rate " + text_of(runs["learning_rate"]) + ", batch size " + runs["batch_size"].astype(str)
    words = "lacking " + setting + ", which " + missing.of_runs(runs)
    return words[runs["status"] != "converged"].groupby(runs["seed"]).first()


@statistic
def learning_rate_and_batch_size_asymmetry(tables: Tables) -> pd.DataFrame:
    """``abs(a + b) / (abs a + abs b)`` of the fit ln y = a ln(learning rate) + b ln(batch size) + const."""

    def asymmetry(group: pd.DataFrame) -> float:
        design = np.column_stack([np.log(group["learning_rate"]), np.log(group["batch_size"]), np.ones(len(group))])
        (a, b, _), *_ = np.linalg.lstsq(design, np.log(group["value"]), rcond=None)
        return float(abs(a + b) / (abs(a) + abs(b)))

    return _equal_loss(tables, asymmetry)


@statistic
def difference_at_equal_noise_scale(tables: Tables) -> pd.DataFrame:
    """Largest range of ln y within settings of equal learning rate / batch size, relative to its range over all settings."""

    def difference(group: pd.DataFrame) -> float:
        logarithm, scale = np.log(group["value"]), (group["learning_rate"] / group["batch_size"]).round(12)
        if not scale.duplicated().any():
            return np.nan
        return float(logarithm.groupby(scale).agg(np.ptp).max() / np.ptp(logarithm))

    return _equal_loss(tables, difference)


def _up_to_the_edge(tables: Tables, value: Callable[[pd.DataFrame], float]) -> pd.DataFrame:
    """A number per line and seed from its runs up to the edge; a line is a setting."""
    runs = table_of(tables, "yang2023_fig4")
    grid = runs[runs["part"] == "grid"]
    rows = convergence_edge.runs_up_to_the_edge(grid)
    if rows.empty:
        return pd.DataFrame(
            [{"setting": "lines", "reference": True, "seed": np.nan, "value": np.nan, MISSING: _without_edge(grid)}]
        )
    values = [
        {"setting": line, "reference": True, "seed": seed, "value": value(group)}
        for (line, seed), group in rows.groupby(["line", "seed"])
    ]
    return pd.DataFrame(values, columns=VALUES)


def _without_edge(runs: pd.DataFrame) -> str:
    """Why no line of settings has an edge: how many of the settings converge with every seed."""
    converged = (runs["status"] == "converged").groupby([runs[key] for key in convergence_edge.SETTING]).all()
    wanted = f"no line has an edge with {convergence_edge.FEWEST_POINTS} settings or more up to it"
    return f"{wanted}: {converged.sum()} of {len(converged)} settings converge with every seed"


def _correlation_with_noise(tables: Tables, quantity: str) -> pd.DataFrame:
    def correlation(group: pd.DataFrame) -> float:
        complete = np.isfinite(group[quantity]).all()
        return float(group["noise_scale"].corr(group[quantity], method="spearman")) if complete else np.nan

    return _up_to_the_edge(tables, correlation)


@statistic
def test_loss_correlation_with_noise(tables: Tables) -> pd.DataFrame:
    """Rank correlation of test loss and learning rate / batch size over a line's settings up to its edge."""
    return _correlation_with_noise(tables, "test_loss")


@statistic
def test_error_correlation_with_noise(tables: Tables) -> pd.DataFrame:
    """Rank correlation of test error and learning rate / batch size over a line's settings up to its edge."""
    return _correlation_with_noise(tables, "test_error")


@statistic
def octaves_from_lowest_test_loss_to_edge(tables: Tables) -> pd.DataFrame:
    """log2 of learning rate / batch size at a line's edge over that at the seed's lowest test loss."""
    return _up_to_the_edge(tables, lambda group: convergence_edge.lowest(group["test_loss"], group["octaves_to_edge"]))


@statistic
def octaves_from_lowest_test_error_to_edge(tables: Tables) -> pd.DataFrame:
    """The same for the test error; where several settings tie, their mean."""
    return _up_to_the_edge(tables, lambda group: convergence_edge.lowest(group["test_error"], group["octaves_to_edge"]))


@statistic
def octaves_from_any_setting_to_edge(tables: Tables) -> pd.DataFrame:
    """Null of the distance: its mean over all settings of a line up to the edge."""
    return _up_to_the_edge(tables, lambda group: float(group["octaves_to_edge"].mean()))


def _settings(rows: pd.DataFrame, setting: pd.Series | str, value: pd.Series) -> pd.DataFrame:
    """Values of the toy model; a grid has no seed."""
    return values_of(setting, rows.get("seed", np.nan), value)


def _joint_slopes(slopes: pd.DataFrame, kappas: Callable[[pd.Series], pd.Series], relative: bool) -> pd.DataFrame:
    """Slopes of -ln P(x, 0) on ln F at the noise strength that decides; or their errors in parts of max(1, |1 - kappa|)."""
    rows = slopes[slopes["deciding"] & kappas(slopes["kappa"])]
    if "start" in rows:
        rows = rows[rows["start"] == "both"]
    predicted = rows["predicted_joint_slope"]
    error = (rows["joint_slope"] - predicted) / predicted.abs().clip(lower=1)
    return _settings(rows, "kappa " + text_of(rows["kappa"]), error if relative else rows["joint_slope"])


@statistic
def joint_slope_error(tables: Tables) -> pd.DataFrame:
    """Slope of -ln P(x, 0) on ln F by simulation less 1 - kappa, in parts of max(1, |1 - kappa|); per kappa."""
    return _joint_slopes(table_of(tables, "yang2023_fig2_slopes"), lambda kappa: kappa > 0, relative=True)


@statistic
def joint_slope_error_on_grid(tables: Tables) -> pd.DataFrame:
    """The same of the Fokker-Planck equation on a grid."""
    return _joint_slopes(table_of(tables, "yang2023_fig2_grid_slopes"), lambda kappa: kappa > 0, relative=True)


@statistic
def heat_bath_joint_slope(tables: Tables) -> pd.DataFrame:
    """Slope of -ln P(x, 0) on ln F by simulation for equal noise along and across the valley, kappa = 1."""
    return _joint_slopes(table_of(tables, "yang2023_fig2_slopes"), lambda kappa: kappa == 1, relative=False)


@statistic
def heat_bath_joint_slope_on_grid(tables: Tables) -> pd.DataFrame:
    """The same of the Fokker-Planck equation on a grid."""
    return _joint_slopes(table_of(tables, "yang2023_fig2_grid_slopes"), lambda kappa: kappa == 1, relative=False)


@statistic
def joint_slope_below_one(tables: Tables) -> pd.DataFrame:
    """Slope of -ln P(x, 0) on ln F by simulation where the noise along the valley is the stronger one, kappa < 1."""
    return _joint_slopes(table_of(tables, "yang2023_fig2_slopes"), lambda kappa: kappa < 1, relative=False)


def _drift_ratio(tables: Tables, predicted: Sequence[str]) -> pd.DataFrame:
    rows = table_of(tables, "yang2023_fig3_drift")
    rows = rows[rows["landscape"] == "single_valley"]
    setting = "learning rate " + text_of(rows["learning_rate"]) + ", x " + text_of(rows["x"])
    return _settings(rows, setting, rows["drift"] / rows[list(predicted)].sum(axis=1, skipna=False))


@statistic
def drift_ratio(tables: Tables) -> pd.DataFrame:
    """Mean step of x in shaken descent at fixed x, in parts of the formula with both terms; per learning rate and place."""
    return _drift_ratio(tables, ["predicted_smoothing_drift", "predicted_noise_induced_drift"])


@statistic
def drift_over_smoothing(tables: Tables) -> pd.DataFrame:
    """The same in parts of the smoothing term alone, as if noise induced none."""
    return _drift_ratio(tables, ["predicted_smoothing_drift"])


@statistic
def stationary_width_ratio(tables: Tables) -> pd.DataFrame:
    """Standard deviation of x in shaken descent, in parts of that of the density built from drift and noise; per shift size."""
    rows = table_of(tables, "yang2023_fig3_widths")
    setting = "shift " + text_of(rows["shift"])
    return _settings(rows, setting, rows["standard_deviation"] / rows["built_standard_deviation"])


def _arrival_exponent(tables: Tables, dynamics: str) -> pd.DataFrame:
    """Slope of ln(median time) on ln(shift) in the linear regime; a median beyond the horizon leaves a seed without a value."""
    rows = table_of(tables, "yang2023_fig3_arrivals")
    rows = rows[(rows["dynamics"] == dynamics) & rows["linear"]]
    values = []
    for seed, part in rows.groupby("seed"):
        usable = len(part) > 1 and np.isfinite(part["median_steps"]).all()
        slope = np.polyfit(np.log(part["shift"]), np.log(part["median_steps"]), 1)[0] if usable else np.nan
        beyond = f"not half arrived within {part['horizon_steps'].max():,} steps" if len(part) > 1 else "with one shift only"
        values.append({"setting": dynamics, "reference": True, "seed": seed, "value": slope, MISSING: beyond})
    return pd.DataFrame(values, columns=[*VALUES, MISSING])


@statistic
def arrival_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(median time to flat places) on ln(shift size) of shaken descent, divergence a competing event."""
    return _arrival_exponent(tables, "shaken")


@statistic
def heat_bath_arrival_time_exponent(tables: Tables) -> pd.DataFrame:
    """The same of a heat bath whose noise across the valley is as strong."""
    return _arrival_exponent(tables, "thermal")


def _survival(tables: Tables, landscape: str) -> pd.DataFrame:
    rows = table_of(tables, "yang2023_fig3_survival")
    rows = rows[rows["landscape"] == landscape]
    return _settings(rows, "learning rate " + text_of(rows["learning_rate"]), rows["survival"])


@statistic
def survival_beyond_bound(tables: Tables) -> pd.DataFrame:
    """Share of walkers that do not diverge at shifts beyond the bound of mean-square stability; per learning rate."""
    return _survival(tables, "single_valley")


@statistic
def survival_at_constant_curvature(tables: Tables) -> pd.DataFrame:
    """The same at the same shifts where the curvature is the same everywhere."""
    return _survival(tables, "constant")
