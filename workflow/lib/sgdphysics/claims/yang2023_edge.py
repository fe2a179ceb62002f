"""Statistics of the claims of Yang, Tang and Tu 2023: networks trained with ever more noise, up to the edge (figure 4)."""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd

from sgdphysics import convergence_edge
from sgdphysics.claims import missing
from sgdphysics.claims.registry import MISSING, VALUES, Tables, as_share, statistic, table_of, text_of, values_of
from sgdphysics.equal_loss import at_lowest_common_loss

# --- learning rate and batch size

RESPONSES = ("test_loss", "test_error", "slope_spread", "sharpest_temperature")  # loss, error, s_g and T


def _asymmetry(tables: Tables, fitted: str) -> pd.DataFrame:
    """Signed asymmetries (a + b) / (|a| + |b|) of the powers of learning rate, a, and batch size, b, in one range of settings."""
    rows = table_of(tables, "yang2023_fig4_asymmetry")
    rows = rows[(rows["range"] == fitted) & rows["quantity"].isin(RESPONSES)]
    return values_of(rows["quantity"], rows["seed"], rows["asymmetry"]).assign(**{MISSING: "without a fit, " + rows["status"]})


@statistic
def asymmetry_at_weak_noise(tables: Tables) -> pd.DataFrame:
    """Signed asymmetry (a + b) / (|a| + |b|) of the response y ~ learning rate^a batch size^b at weak noise; per quantity."""
    return _asymmetry(tables, "weak_noise")


@statistic
def asymmetry_of_large_batches(tables: Tables) -> pd.DataFrame:
    """The same of batches above B*, below which training takes twice the steps."""
    return _asymmetry(tables, "above_bend")


@statistic
def asymmetry_of_small_batches(tables: Tables) -> pd.DataFrame:
    """The same of batches below B*."""
    return _asymmetry(tables, "below_bend")


@statistic
def asymmetry_at_equal_loss(tables: Tables) -> pd.DataFrame:
    """The same over all settings of feng2021 at the lowest training loss that every one of them reached; per quantity."""
    table, runs = table_of(tables, "feng2021_fig4_equal_loss"), table_of(tables, "feng2021_runs")
    settings = len(runs[["learning_rate", "batch_size"]].drop_duplicates())
    groups = dict(iter(at_lowest_common_loss(table).groupby(["quantity", "seed"])))
    reasons = _lacking_settings(runs)
    values = []
    for quantity, seed in itertools.product(sorted(table["quantity"].unique()), runs["seed"].unique()):
        group = groups.get((quantity, seed), ())
        number = _fitted_asymmetry(group) if len(group) == settings else np.nan
        values.append({"setting": quantity, "reference": True, "seed": seed, "value": number, MISSING: reasons.get(seed)})
    return pd.DataFrame(values, columns=[*VALUES, MISSING])


def _fitted_asymmetry(rows: pd.DataFrame) -> float:
    design = np.column_stack([np.log(rows["learning_rate"]), np.log(rows["batch_size"]), np.ones(len(rows))])
    (a, b, _), *_ = np.linalg.lstsq(design, np.log(rows["value"]), rcond=None)
    return float((a + b) / (abs(a) + abs(b)))


def _lacking_settings(runs: pd.DataFrame) -> pd.Series:
    """Of each seed with a run that did not converge, the first such setting, and what became of it."""
    setting = "learning rate " + text_of(runs["learning_rate"]) + ", batch size " + runs["batch_size"].astype(str)
    words = "lacking " + setting + ", which " + missing.of_runs(runs)
    return words[runs["status"] != "converged"].groupby(runs["seed"]).first()


# --- lines of settings up to the edge


def _up_to_the_edge(runs: pd.DataFrame, value: Callable[[pd.DataFrame], float]) -> pd.DataFrame:
    """A number per line and seed from its runs up to the edge; a line is a setting."""
    rows = convergence_edge.runs_up_to_the_edge(runs)
    if rows.empty:
        lacking = {"setting": "lines", "reference": True, "seed": np.nan, "value": np.nan, MISSING: _without_edge(runs)}
        return pd.DataFrame([lacking])
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


def _grid(tables: Tables) -> pd.DataFrame:
    runs = table_of(tables, "yang2023_fig4")
    return runs[runs["part"] == "grid"]


def _at_larger_scale(tables: Tables) -> pd.DataFrame:
    runs = table_of(tables, "yang2023_fig4_scales")
    return runs[runs["initial_scale"] > 1]


def _correlation_with_noise(runs: pd.DataFrame, numbers: Callable[[pd.DataFrame], pd.Series]) -> pd.DataFrame:
    """Pearson's correlation per line and seed: that of ranks is -1 at all seeds of a line that falls, and so has no interval."""

    def correlation(group: pd.DataFrame) -> float:
        values = numbers(group)
        usable = np.isfinite(values).all() and np.ptp(values) > 0
        return float(np.corrcoef(np.log(group["noise_scale"]), values)[0, 1]) if usable else np.nan

    return _up_to_the_edge(runs, correlation)


def _octaves_from_lowest(group: pd.DataFrame, values: pd.Series) -> float:
    return convergence_edge.lowest(values, group["octaves_to_edge"])


def _near(octaves: pd.Series, farthest: float) -> pd.Series:
    """Whether distances are so short, to a tenth of an octave: learning rates in steps of sqrt 2 are rounded."""
    return octaves.round(1) <= farthest


def _share_of_lines(runs: pd.DataFrame, octaves: Callable[[pd.DataFrame], float], farthest: float) -> pd.DataFrame:
    """Share of the lines of a seed on which something lies so few octaves from the edge; lines without it do not count."""
    lines = _up_to_the_edge(runs, octaves)
    if MISSING in lines:
        return as_share(lines, 1)
    there = lines.dropna(subset=["value"])
    near = _near(there["value"], farthest).groupby(there["seed"]).agg(["mean", "count"]).reset_index()
    return as_share(values_of("all lines", near["seed"], near["mean"]), near["count"])


# --- flatness


def _log_eigenvalue(runs: pd.DataFrame) -> pd.Series:
    return np.log(runs["largest_eigenvalue"].where(runs["largest_eigenvalue"] > 0))


@statistic("correlation")
def eigenvalue_correlation_with_noise(tables: Tables) -> pd.DataFrame:
    """Pearson correlation of ln(largest eigenvalue) and ln(learning rate / batch size) over a line's settings up to its edge."""
    return _correlation_with_noise(_grid(tables), _log_eigenvalue)


@statistic("share")
def share_flattest_at_the_edge(tables: Tables) -> pd.DataFrame:
    """Share of the lines of a seed whose largest eigenvalue is least at the edge itself, of all settings up to it."""
    return _share_of_lines(_grid(tables), lambda group: _octaves_from_lowest(group, _log_eigenvalue(group)), farthest=0)


@statistic
def eigenvalue_at_edge_against_large_batches(tables: Tables) -> pd.DataFrame:
    """ln(largest eigenvalue at the edge / that of the largest batches at a small learning rate); mean over lines.

    Compared at equal training loss, and after equally many epochs. Lines are those at whose edge all seeds can be compared.
    """
    compared = table_of(tables, "yang2023_fig4_flatness")
    compared = compared[compared["quantity"] == "largest_eigenvalue"].set_index("run")
    edge = convergence_edge.runs_up_to_the_edge(_grid(tables)).query("octaves_to_edge == 0")
    parts = []
    for equal in ("loss", "epochs"):
        rows = compared[compared["equal"] == equal]
        ratio = edge["run"].map(np.log(rows["value"] / rows["control_value"]))
        everywhere = ratio.notna().groupby(edge["line"]).transform("all").astype(bool)
        means = ratio.where(everywhere).groupby(edge["seed"]).mean().reset_index(name="value")
        parts.append(values_of(f"equal {equal}", means["seed"], means["value"]))
    values = pd.concat(parts, ignore_index=True)
    return values.assign(**{MISSING: "without a line whose edge can be compared"})


@statistic
def batch_sharpness_at_the_edge(tables: Tables) -> pd.DataFrame:
    """Learning rate times batch sharpness at the end of training at the edge; mean over lines."""
    sharpness = table_of(tables, "yang2023_fig4_batch_sharpness")
    last = sharpness[sharpness["last"].astype(bool)].set_index("run")["learning_rate_times_batch_sharpness"]
    edge = convergence_edge.runs_up_to_the_edge(_grid(tables)).query("octaves_to_edge == 0")
    means = edge["run"].map(last).groupby(edge["seed"]).mean().reset_index(name="value")
    return values_of("all lines", means["seed"], means["value"])


# --- generalization


@statistic("correlation")
def test_error_correlation_with_noise(tables: Tables) -> pd.DataFrame:
    """Pearson correlation of test error and ln(learning rate / batch size) over a line's settings up to its edge."""
    return _correlation_with_noise(_grid(tables), lambda group: group["test_error"])


@statistic("correlation")
def test_loss_correlation_with_noise(tables: Tables) -> pd.DataFrame:
    """The same of the test loss."""
    return _correlation_with_noise(_grid(tables), lambda group: group["test_loss"])


@statistic("correlation")
def test_error_correlation_with_noise_at_larger_scale(tables: Tables) -> pd.DataFrame:
    """The same of the test error, of networks from larger initial weights."""
    return _correlation_with_noise(_at_larger_scale(tables), lambda group: group["test_error"])


def _share_of_lowest(runs: pd.DataFrame, quantity: str) -> pd.DataFrame:
    return _share_of_lines(runs, lambda group: _octaves_from_lowest(group, group[quantity]), farthest=1)


@statistic("share")
def share_with_lowest_test_error_at_the_edge(tables: Tables) -> pd.DataFrame:
    """Share of the lines of a seed whose test error is lowest within an octave of learning rate / batch size from the edge.

    Where several settings tie, their mean distance counts. A mean of distances is 0 at all seeds where the claim holds best, and so
    has no interval.
    """
    return _share_of_lowest(_grid(tables), "test_error")


@statistic("share")
def share_with_lowest_test_loss_at_the_edge(tables: Tables) -> pd.DataFrame:
    """The same of the test loss."""
    return _share_of_lowest(_grid(tables), "test_loss")


@statistic("share")
def share_with_lowest_test_error_at_the_edge_at_larger_scale(tables: Tables) -> pd.DataFrame:
    """The same of the test error, of networks from larger initial weights."""
    return _share_of_lowest(_at_larger_scale(tables), "test_error")


@statistic("exact")
def share_of_settings_at_the_edge(tables: Tables) -> pd.DataFrame:
    """Null of the share: that of a line's settings that lie within an octave of the edge; mean over lines."""
    shares = _up_to_the_edge(_grid(tables), lambda group: float(_near(group["octaves_to_edge"], 1).mean()))
    if MISSING in shares:
        return shares
    return values_of("all lines", np.nan, pd.Series([shares["value"].mean()]))


@statistic
def octaves_from_lowest_test_error_to_edge(tables: Tables) -> pd.DataFrame:
    """log2 of learning rate / batch size at a line's edge over that at the seed's lowest test error; of several, their mean."""
    return _up_to_the_edge(_grid(tables), lambda group: _octaves_from_lowest(group, group["test_error"]))


@statistic
def octaves_from_any_setting_to_edge(tables: Tables) -> pd.DataFrame:
    """Null of the distance: its mean over all settings of a line up to the edge."""
    return _up_to_the_edge(_grid(tables), lambda group: float(group["octaves_to_edge"].mean()))
