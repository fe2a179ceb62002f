"""Claims and their verdicts, by rules that are fixed before the runs that decide them.

A claim is one or more tests. A test is a number per seed (a statistic of the study's tables); its mean and 95 % Student t interval
over seeds lie against a region fixed in ``claims.yaml``: held (wholly inside), failed (wholly outside) or undecided.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics import edge
from sgdphysics.errors import InputError
from sgdphysics.fits import power_law, student_interval

FEWEST_SEEDS = 5
VALUES = ["setting", "reference", "seed", "value"]  # columns of what a statistic returns
EARLY_EPOCHS = (1, 2, 5)  # those that the claim is about; later ones are only drawn
REGIONS = ("above", "below", "between", "outside")

Tables = Mapping[str, pd.DataFrame]
Statistic = Callable[[Tables], pd.DataFrame]
STATISTICS: dict[str, Statistic] = {}


def verdicts(claims: Sequence[Mapping[str, Any]], tables: Tables, scale: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Decide every claim from the study's tables.

    Args:
        claims: Entries of ``claims.yaml``.
        tables: The study's tables by name.
        scale: "small" or "paper".

    Returns:
        The ledger, one row per claim with the value and interval of its primary test; and one row per test.

    Raises:
        InputError: If a table is missing or a statistic is unknown.
    """
    ledger, tests = [], []
    for claim in claims:
        rows = [_test_row(claim, test, tables) for test in claim["tests"]]
        tests += [{"claim": claim["id"], "primary": index == 0, **row} for index, row in enumerate(rows)]
        decisive = [row["outcome"] for row in rows if row["outcome"] != "reported"]
        primary = rows[0]
        ledger.append(
            {
                "claim": claim["id"],
                "paper": claim["paper"],
                "kind": claim["kind"],
                "scale": scale,
                "statement": claim["statement"],
                **{key: primary[key] for key in ("statistic", "predicted", "value", "ci_low", "ci_high", "n_seeds")},
                "verdict": verdict(decisive),
                "figure": claim["figure"],
            }
        )
    return pd.DataFrame(ledger), pd.DataFrame(tests)


def verdict(outcomes: Sequence[str]) -> str:
    """Return the verdict of a claim from the outcomes of its tests that decide, the primary first."""
    if not outcomes:
        return "inconclusive"
    if all(outcome == "held" for outcome in outcomes):
        return "replicated"
    if outcomes[0] == "failed":
        return "not replicated"
    if outcomes[0] == "held" and "failed" in outcomes:
        return "partly"
    return "inconclusive"


def outcome(values: Sequence[float], region: Mapping[str, Any], deterministic: bool = False) -> tuple[str, float, float, float]:
    """Decide one setting of a test.

    Args:
        values: One number per seed.
        region: One of "above", "below" (a number), "between", "outside" (two numbers).
        deterministic: No seed enters: one value, which decides by itself.

    Returns:
        "held", "failed" or "undecided" (also for fewer than five seeds); mean and ends of the interval.
    """
    mean, low, high = student_interval(values)
    if deterministic:
        low = high = mean
    enough = len(values) == 1 if deterministic else len(values) >= FEWEST_SEEDS
    inside, outside = _position(low, high, region)
    if not enough or not np.isfinite(mean):
        return "undecided", mean, low, high
    return "held" if inside else "failed" if outside else "undecided", mean, low, high


def _position(low: float, high: float, region: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether the interval lies wholly inside the region, and wholly outside it."""
    if "above" in region:
        return low > region["above"], high < region["above"]
    if "below" in region:
        return high < region["below"], low > region["below"]
    first, last = region["between"] if "between" in region else region["outside"]
    between, beyond = first <= low and high <= last, high < first or low > last
    return (between, beyond) if "between" in region else (beyond, between)


def _test_row(claim: Mapping[str, Any], test: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """One row: the setting that is least in favour of the claim stands for the test."""
    if test["statistic"] not in STATISTICS:
        raise InputError(f"claims.{claim['id']}: unknown statistic {test['statistic']!r}")
    values = STATISTICS[test["statistic"]](tables).astype({"value": float, "reference": bool})
    if test.get("settings", "reference") == "reference":
        values = values[values["reference"]]
    region, deterministic = {key: test[key] for key in REGIONS if key in test}, test.get("deterministic", False)
    decided = []
    for setting, group in values.groupby("setting", sort=False):
        usable = group["value"][np.isfinite(group["value"])]
        seeds = 0 if deterministic else len(usable)
        decided.append((str(setting), *outcome(usable.tolist(), region, deterministic), seeds))
    outcomes = [entry[1] for entry in decided]
    worst = min(decided, key=lambda entry: _favour(entry, region), default=("none", "undecided", *[float("nan")] * 3, 0))
    overall = "failed" if "failed" in outcomes else "held" if outcomes and set(outcomes) == {"held"} else "undecided"
    return {
        "test": test["id"],
        "statistic": test["statistic"],
        "predicted": test["predicted"],
        "region": region_text(region),
        "setting": worst[0],
        "settings": len(decided),
        "settings_held": outcomes.count("held"),
        "value": worst[2],
        "ci_low": worst[3],
        "ci_high": worst[4],
        "n_seeds": worst[5],
        "outcome": "reported" if test.get("reported_only", False) else overall,
    }


def _favour(entry: tuple[Any, ...], region: Mapping[str, Any]) -> tuple[int, float]:
    """Order settings from least to most in favour: failed, undecided, held; then by distance from the region's border."""
    _, decision, mean, low, high, _ = entry
    if "above" in region:
        distance = low - region["above"]
    elif "below" in region:
        distance = region["below"] - high
    elif "between" in region:
        distance = min(low - region["between"][0], region["between"][1] - high)
    else:
        distance = max(region["outside"][0] - high, low - region["outside"][1])
    return ["failed", "undecided", "held"].index(decision), distance if np.isfinite(mean) else -np.inf


def region_text(region: Mapping[str, Any]) -> str:
    """Return a region in words, such as ``between 3 and 5``."""
    ((kind, bounds),) = region.items()
    return f"{kind} {bounds:g}" if kind in ("above", "below") else f"{kind} {bounds[0]:g} and {bounds[1]:g}"


def _statistic(function: Statistic) -> Statistic:
    """Register a function of the tables that returns one row per setting and seed: "setting", "reference", "seed", "value"."""
    STATISTICS[function.__name__] = function
    return function


def _table(tables: Tables, name: str) -> pd.DataFrame:
    if name not in tables:
        raise InputError(f"tables: {name}.csv is missing, a claim needs it")
    return tables[name]


def _per_run(tables: Tables, values: pd.DataFrame) -> pd.DataFrame:
    """Attach setting and seed to one value per run; runs that did not converge count as missing."""
    runs = _table(tables, "feng2021_runs")
    joined = runs.merge(values, on="run", how="left")
    joined.loc[joined["status"] != "converged", "value"] = np.nan
    setting = "learning rate " + joined["learning_rate"].map("{:g}".format) + ", batch size " + joined["batch_size"].astype(str)
    return pd.DataFrame({"setting": setting, **{key: joined[key] for key in ("reference", "seed", "value")}})


def _dimension(tables: Tables, window: str, value: Callable[[pd.DataFrame], pd.Series]) -> pd.DataFrame:
    """A value of the reference runs' dimension tables: per window length (main) or per early epoch."""
    dimension = _table(tables, "feng2021_fig1_dimension")
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


@_statistic
def components_for_99_percent(tables: Tables) -> pd.DataFrame:
    """Principal components that carry 99 % of the variance of the weights in the exploration phase."""
    return _dimension(tables, "main", lambda rows: rows["components_99"])


@_statistic
def early_components_for_99_percent(tables: Tables) -> pd.DataFrame:
    """The same in the windows of early epochs."""
    return _dimension(tables, "early", lambda rows: rows["components_99"])


def _relative_participation(tables: Tables, window: str) -> pd.DataFrame:
    dimension = _table(tables, "feng2021_fig1_dimension")
    rows = dimension[dimension["window"] == window]
    wide = rows.pivot_table(index=["run", "start_epoch"], columns="source", values="held_out_participation_ratio_without_first")
    wide = wide.reindex(columns=["sgd", "isotropic"])  # where every run diverged there is neither
    ratio = (wide["sgd"] / wide["isotropic"]).rename("value").reset_index()
    return _by_epoch(tables, ratio, window)


@_statistic
def held_out_participation_ratio(tables: Tables) -> pd.DataFrame:
    """Held-out participation ratio without the first component, relative to that of an isotropic walk."""
    return _relative_participation(tables, "main")


@_statistic
def early_held_out_participation_ratio(tables: Tables) -> pd.DataFrame:
    """The same in the windows of early epochs."""
    return _relative_participation(tables, "early")


def _share_with_one_minimum(tables: Tables, span: str) -> pd.DataFrame:
    minima = _table(tables, "feng2021_fig2_minima")
    rows = minima[minima["range"] == span]
    share = (rows["minima"] == 1).groupby(rows["run"]).mean().rename("value").reset_index()
    return _per_run(tables, share)


@_statistic
def share_of_slices_with_one_minimum(tables: Tables) -> pd.DataFrame:
    """Share of loss slices with exactly one minimum over the flat region and one flatness beyond each edge."""
    return _share_with_one_minimum(tables, "flat_region")


@_statistic
def share_of_wide_slices_with_one_minimum(tables: Tables) -> pd.DataFrame:
    """The same over a fixed range of weights."""
    return _share_with_one_minimum(tables, "fixed")


def _exponents(tables: Tables, kind: str, minus: str | None = None) -> pd.DataFrame:
    exponents = _table(tables, "feng2021_fig2_exponents").pivot(index="run", columns="kind", values="exponent")
    exponents = exponents.reindex(columns=[kind, minus] if minus else [kind])  # where every run diverged there is none
    values = exponents[kind] - exponents[minus] if minus else exponents[kind]
    return _per_run(tables, values.rename("value").reset_index())


@_statistic
def in_sample_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent (a): directions and variances from the same window, as published."""
    return _exponents(tables, "in_sample")


@_statistic
def held_out_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent (b): variances from the window after the one that gave the directions."""
    return _exponents(tables, "held_out")


@_statistic
def hessian_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent (c): along the eigenvectors of the Hessian."""
    return _exponents(tables, "hessian")


@_statistic
def in_sample_minus_surrogate_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent (a) - (d): SGD against the same noise without a landscape."""
    return _exponents(tables, "in_sample", minus="noise_without_landscape")


@_statistic
def held_out_exponent_of_noise(tables: Tables) -> pd.DataFrame:
    """Null of exponent (b): the same of SGD's noise without a landscape."""
    return _exponents(tables, "noise_held_out")


@_statistic
def hessian_exponent_of_noise(tables: Tables) -> pd.DataFrame:
    """Null of exponent (c): the same of SGD's noise without a landscape."""
    return _exponents(tables, "noise_hessian")


@_statistic
def hessian_minus_stationary_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent (c) - (e, stationary): SGD against linear SGD at stationarity."""
    return _exponents(tables, "hessian", minus="linear_theory_stationary")


@_statistic
def hessian_minus_theory_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent (c) - (e): SGD against linear SGD over the same window with the same sampling."""
    return _exponents(tables, "hessian", minus="linear_theory")


def _temperature_fit(tables: Tables, column: str) -> pd.DataFrame:
    fits = _table(tables, "feng2021_fig4_temperature_fits")
    return _per_run(tables, fits.rename(columns={column: "value"})[["run", "value"]])


@_statistic
def temperature_flatness_correlation(tables: Tables) -> pd.DataFrame:
    """Pearson correlation of ln T_i and ln F_i over the principal directions."""
    return _temperature_fit(tables, "r")


@_statistic
def temperature_flatness_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln T_i on ln F_i over the principal directions."""
    return _temperature_fit(tables, "exponent")


@_statistic
def temperature_rise_to_the_edge(tables: Tables) -> pd.DataFrame:
    """Mean over directions and sides of ln T(edge of the flat region) - ln T(centre), T along the direction itself."""
    rows = _table(tables, "feng2021_fig3_homogeneity")
    logarithm = rows.assign(log=np.log(rows["temperature"]))
    centre = logarithm[logarithm["position"] == 0].set_index(["run", "rank"])["log"]
    edges = logarithm[logarithm["position"].abs() == 1].set_index(["run", "rank"])["log"]
    rise = (edges - centre.reindex(edges.index)).groupby("run").mean().rename("value").reset_index()
    return _per_run(tables, rise)


def _correlation_slope(tables: Tables, basis: str, time: str, source: str = "sgd", window: str = "main") -> pd.DataFrame:
    slopes = _table(tables, "feng2021_fig3_correlation_times")
    chosen = (slopes["basis"] == basis) & (slopes["time"] == time) & (slopes["source"] == source)
    rows = slopes[chosen & (slopes["window"] == window)]
    return _per_run(tables, rows.rename(columns={"exponent": "value"})[["run", "value"]])


@_statistic
def relaxation_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(2 var / var(step)) on ln F in the Hessian basis."""
    return _correlation_slope(tables, "hessian", "relaxation")


@_statistic
def integrated_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(integrated autocorrelation time) on ln F in the Hessian basis."""
    return _correlation_slope(tables, "hessian", "integrated")


@_statistic
def in_sample_relaxation_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(2 var / var(step)) on ln F in the principal basis of the same window."""
    return _correlation_slope(tables, "principal", "relaxation")


@_statistic
def held_out_relaxation_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(2 var / var(step)) on ln F along the principal directions of the window before."""
    return _correlation_slope(tables, "held_out", "relaxation")


@_statistic
def surrogate_relaxation_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(2 var / var(step)) on ln F in the principal basis of the noise walk without a landscape."""
    return _correlation_slope(tables, "principal", "relaxation", source="noise_epoch")


def _annealing(tables: Tables, value: Callable[[pd.DataFrame], float]) -> pd.DataFrame:
    """A number per run from its temperatures after the first epoch: rows are checkpoints, columns directions."""
    rows = _table(tables, "feng2021_fig4")
    rows = rows[rows["epoch"] >= 1]
    values = [{"run": run, "value": value(group)} for run, group in rows.groupby("run")]
    return _per_run(tables, pd.DataFrame(values, columns=["run", "value"]))


def _fits_on_loss(group: pd.DataFrame) -> list[Any]:
    return [power_law(part["training_loss"], part["temperature"]) for _, part in group.groupby("rank")]


@_statistic
def temperature_loss_correlation(tables: Tables) -> pd.DataFrame:
    """Smallest over directions of the Pearson correlation of ln T_i and ln L over training."""
    return _annealing(tables, lambda group: float(np.min([fit.r for fit in _fits_on_loss(group)])))


@_statistic
def temperature_order(tables: Tables) -> pd.DataFrame:
    """Smallest over checkpoints of the rank correlation, over directions, of T_i with the final T_i."""

    def smallest(group: pd.DataFrame) -> float:
        wide = group.pivot(index="step", columns="rank", values="temperature").sort_index()
        if len(wide) < 2 or wide.isna().any(axis=None):
            return np.nan
        return float(wide.iloc[:-1].corrwith(wide.iloc[-1], axis=1, method="spearman").min())

    return _annealing(tables, smallest)


@_statistic
def temperature_loss_exponent_spread(tables: Tables) -> pd.DataFrame:
    """Largest less smallest over directions of the exponent b in T_i ~ L^b."""
    return _annealing(tables, lambda group: float(np.ptp([fit.exponent for fit in _fits_on_loss(group)])))


def _equal_loss(tables: Tables, value: Callable[[pd.DataFrame], float]) -> pd.DataFrame:
    """A number per quantity and seed at the lowest training loss that every setting reached; NaN for a seed that lacks one."""
    table = _table(tables, "feng2021_fig4_equal_loss")
    settings = len(_table(tables, "feng2021_runs")[["learning_rate", "batch_size"]].drop_duplicates())
    rows = at_lowest_common_loss(table)
    values = [
        {"setting": quantity, "reference": True, "seed": seed, "value": value(group) if len(group) == settings else np.nan}
        for (quantity, seed), group in rows.groupby(["quantity", "seed"])
    ]
    return pd.DataFrame(values, columns=VALUES)


def at_lowest_common_loss(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the converged runs at the lowest target loss at which as many settings as at any have a value."""
    rows = table[(table["status"] == "converged") & np.isfinite(table["value"].astype(float))]
    if not len(rows):
        return rows
    reached = rows.groupby("target_loss")[["learning_rate", "batch_size"]].apply(lambda part: len(part.drop_duplicates()))
    return rows[rows["target_loss"] == reached.index[reached == reached.max()].min()]


@_statistic
def learning_rate_and_batch_size_asymmetry(tables: Tables) -> pd.DataFrame:
    """``abs(a + b) / (abs a + abs b)`` of the fit ln y = a ln(learning rate) + b ln(batch size) + const."""

    def asymmetry(group: pd.DataFrame) -> float:
        design = np.column_stack([np.log(group["learning_rate"]), np.log(group["batch_size"]), np.ones(len(group))])
        (a, b, _), *_ = np.linalg.lstsq(design, np.log(group["value"]), rcond=None)
        return float(abs(a + b) / (abs(a) + abs(b)))

    return _equal_loss(tables, asymmetry)


@_statistic
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
    runs = _table(tables, "yang2023_fig4")
    rows = edge.runs_up_to_the_edge(runs[runs["part"] == "grid"])
    values = [
        {"setting": line, "reference": True, "seed": seed, "value": value(group)}
        for (line, seed), group in rows.groupby(["line", "seed"])
    ]
    return pd.DataFrame(values, columns=VALUES)


def _correlation_with_noise(tables: Tables, quantity: str) -> pd.DataFrame:
    def correlation(group: pd.DataFrame) -> float:
        complete = np.isfinite(group[quantity]).all()
        return float(group["noise_scale"].corr(group[quantity], method="spearman")) if complete else np.nan

    return _up_to_the_edge(tables, correlation)


@_statistic
def test_loss_correlation_with_noise(tables: Tables) -> pd.DataFrame:
    """Rank correlation of test loss and learning rate / batch size over a line's settings up to its edge."""
    return _correlation_with_noise(tables, "test_loss")


@_statistic
def test_error_correlation_with_noise(tables: Tables) -> pd.DataFrame:
    """Rank correlation of test error and learning rate / batch size over a line's settings up to its edge."""
    return _correlation_with_noise(tables, "test_error")


@_statistic
def octaves_from_lowest_test_loss_to_edge(tables: Tables) -> pd.DataFrame:
    """log2 of learning rate / batch size at a line's edge over that at the seed's lowest test loss."""
    return _up_to_the_edge(tables, lambda group: edge.lowest(group["test_loss"], group["octaves_to_edge"]))


@_statistic
def octaves_from_lowest_test_error_to_edge(tables: Tables) -> pd.DataFrame:
    """The same for the test error; where several settings tie, their mean."""
    return _up_to_the_edge(tables, lambda group: edge.lowest(group["test_error"], group["octaves_to_edge"]))


@_statistic
def octaves_from_any_setting_to_edge(tables: Tables) -> pd.DataFrame:
    """Null of the distance: its mean over all settings of a line up to the edge."""
    return _up_to_the_edge(tables, lambda group: float(group["octaves_to_edge"].mean()))


def _settings(rows: pd.DataFrame, setting: pd.Series | str, value: pd.Series) -> pd.DataFrame:
    """Values of the toy model, which has no reference setting; a grid has no seed either."""
    columns = {"setting": setting, "reference": True, "seed": rows.get("seed", np.nan), "value": value}
    return pd.DataFrame(columns, index=rows.index)


def _joint_slopes(tables: Tables, route: str, kappas: Callable[[pd.Series], pd.Series], relative: bool) -> pd.DataFrame:
    """Slopes of -ln P(x, 0) on ln F at the noise strength that decides; or their errors in parts of max(1, |1 - kappa|)."""
    rows = _table(tables, f"yang2023_fig2{route}_slopes")
    rows = rows[rows["deciding"] & kappas(rows["kappa"])]
    if "start" in rows:
        rows = rows[rows["start"] == "both"]
    predicted = rows["predicted_joint_slope"]
    error = (rows["joint_slope"] - predicted) / predicted.abs().clip(lower=1)
    return _settings(rows, "kappa " + rows["kappa"].map("{:g}".format), error if relative else rows["joint_slope"])


@_statistic
def joint_slope_error(tables: Tables) -> pd.DataFrame:
    """Slope of -ln P(x, 0) on ln F by simulation less 1 - kappa, in parts of max(1, |1 - kappa|); per kappa."""
    return _joint_slopes(tables, "", lambda kappa: kappa > 0, relative=True)


@_statistic
def joint_slope_error_on_grid(tables: Tables) -> pd.DataFrame:
    """The same of the Fokker-Planck equation on a grid."""
    return _joint_slopes(tables, "_grid", lambda kappa: kappa > 0, relative=True)


@_statistic
def heat_bath_joint_slope(tables: Tables) -> pd.DataFrame:
    """Slope of -ln P(x, 0) on ln F by simulation for equal noise along and across the valley, kappa = 1."""
    return _joint_slopes(tables, "", lambda kappa: kappa == 1, relative=False)


@_statistic
def heat_bath_joint_slope_on_grid(tables: Tables) -> pd.DataFrame:
    """The same of the Fokker-Planck equation on a grid."""
    return _joint_slopes(tables, "_grid", lambda kappa: kappa == 1, relative=False)


@_statistic
def joint_slope_below_one(tables: Tables) -> pd.DataFrame:
    """Slope of -ln P(x, 0) on ln F by simulation where the noise along the valley is the stronger one, kappa < 1."""
    return _joint_slopes(tables, "", lambda kappa: kappa < 1, relative=False)


def _drift_ratio(tables: Tables, predicted: Sequence[str]) -> pd.DataFrame:
    rows = _table(tables, "yang2023_fig3_drift")
    rows = rows[rows["landscape"] == "single_valley"]
    setting = "learning rate " + rows["learning_rate"].map("{:g}".format) + ", x " + rows["x"].map("{:g}".format)
    return _settings(rows, setting, rows["drift"] / rows[list(predicted)].sum(axis=1, skipna=False))


@_statistic
def drift_ratio(tables: Tables) -> pd.DataFrame:
    """Mean step of x in shaken descent at fixed x, in parts of the formula with both terms; per learning rate and place."""
    return _drift_ratio(tables, ["predicted_smoothing_drift", "predicted_noise_induced_drift"])


@_statistic
def drift_over_smoothing(tables: Tables) -> pd.DataFrame:
    """The same in parts of the smoothing term alone, as if noise induced none."""
    return _drift_ratio(tables, ["predicted_smoothing_drift"])


@_statistic
def stationary_width_ratio(tables: Tables) -> pd.DataFrame:
    """Standard deviation of x in shaken descent, in parts of that of the density built from drift and noise; per shift size."""
    rows = _table(tables, "yang2023_fig3_widths")
    setting = "shift " + rows["shift"].map("{:g}".format)
    return _settings(rows, setting, rows["standard_deviation"] / rows["built_standard_deviation"])


def _arrival_exponent(tables: Tables, dynamics: str) -> pd.DataFrame:
    """Slope of ln(median time) on ln(shift) in the linear regime; a median beyond the horizon leaves a seed without a value."""
    rows = _table(tables, "yang2023_fig3_arrivals")
    rows = rows[(rows["dynamics"] == dynamics) & rows["linear"]]
    values = []
    for seed, part in rows.groupby("seed"):
        usable = len(part) > 1 and np.isfinite(part["median_steps"]).all()
        slope = np.polyfit(np.log(part["shift"]), np.log(part["median_steps"]), 1)[0] if usable else np.nan
        values.append({"setting": dynamics, "reference": True, "seed": seed, "value": slope})
    return pd.DataFrame(values, columns=VALUES)


@_statistic
def arrival_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(median time to flat places) on ln(shift size) of shaken descent, divergence a competing event."""
    return _arrival_exponent(tables, "shaken")


@_statistic
def heat_bath_arrival_time_exponent(tables: Tables) -> pd.DataFrame:
    """The same of a heat bath whose noise across the valley is as strong."""
    return _arrival_exponent(tables, "thermal")


def _survival(tables: Tables, landscape: str) -> pd.DataFrame:
    rows = _table(tables, "yang2023_fig3_survival")
    rows = rows[rows["landscape"] == landscape]
    return _settings(rows, "learning rate " + rows["learning_rate"].map("{:g}".format), rows["survival"])


@_statistic
def survival_beyond_bound(tables: Tables) -> pd.DataFrame:
    """Share of walkers that do not diverge at shifts beyond the bound of mean-square stability; per learning rate."""
    return _survival(tables, "single_valley")


@_statistic
def survival_at_constant_curvature(tables: Tables) -> pd.DataFrame:
    """The same at the same shifts where the curvature is the same everywhere."""
    return _survival(tables, "constant")
