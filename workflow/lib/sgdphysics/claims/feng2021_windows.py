"""Statistics of the claims of Feng and Tu 2021: batches drawn with and without replacement, in windows of the same runs."""

import numpy as np
import pandas as pd

from sgdphysics.claims.feng2021_runs import of_reference, per_run
from sgdphysics.claims.registry import Tables, statistic, table_of
from sgdphysics.fits import power_law
from sgdphysics.fluctuation_dissipation import DECIDING_ORDER, PLACE

_WITHOUT, _WITH = "epoch", "replacement"  # how batches are drawn


def of_windows(tables: Tables, sampling: str) -> pd.DataFrame:
    """Return the directions of all windows of a kind of draws, less their straight drift, all layers trained: rows of the table."""
    rows = table_of(tables, "feng2021_windows")
    chosen = (rows["sampling"] == sampling) & (rows["layers"] == "all") & (rows["detrending"] == DECIDING_ORDER)
    return rows[chosen & (rows[["curvature", "temperature", "variance", "theory_variance"]] > 0).all(axis=1)]


def of_main_window(tables: Tables, rows: pd.DataFrame) -> pd.DataFrame:
    """Return those of windows that are as long as the main one of their run."""
    return rows[rows["window_epochs"] == _main_window_epochs(tables, rows)]


def _main_window_epochs(tables: Tables, rows: pd.DataFrame) -> pd.Series:
    exponents = table_of(tables, "feng2021_fig2_exponents")
    lengths = exponents[exponents["window"] == "main"].groupby("run")["window_epochs"].first()
    return rows["run"].map(lengths)


def sgd_with_replacement_over_theory(tables: Tables) -> pd.DataFrame:
    """Return ln(measured / theory without replacement) of SGD with replacement, of every direction in the main window.

    Columns "seed", ``PLACE`` and "log". Both are ratios ``sigma_i^2 H_i / T_i``, each of its own window.
    """
    measured, theory = (of_main_window(tables, of_windows(tables, sampling)) for sampling in (_WITH, _WITHOUT))
    rows = measured.merge(theory, on=["run", "rank", "window_epochs"], suffixes=("", "_without"))
    runs = table_of(tables, "feng2021_runs").set_index("run")
    place = rows["learning_rate"] * rows["curvature"] * rows["run"].map(runs["steps"] // runs["epochs"])
    over_theory = _ratio(rows, "variance", "") / _ratio(rows, "theory_variance", "_without")
    return pd.DataFrame({"seed": rows["seed"], PLACE: place, "log": np.log(over_theory)})


def _ratio(rows: pd.DataFrame, variance: str, suffix: str) -> pd.Series:
    return rows[variance + suffix] * rows["curvature" + suffix] / rows["temperature" + suffix]


def _exponents(tables: Tables, sampling: str, variance: str) -> pd.DataFrame:
    """Exponent q of variance ~ curvature^q over the directions of each window: "run", "window_epochs" and "value"."""
    keys = ["run", "window_epochs"]
    groups = of_windows(tables, sampling).groupby(keys)
    values = [(*key, power_law(rows["curvature"], rows[variance]).exponent) for key, rows in groups]
    return pd.DataFrame(values, columns=[*keys, "value"])


def _less(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    both = one.merge(other, on=["run", "window_epochs"], suffixes=("", "_other"))
    return both.assign(value=both["value"] - both["value_other"])


def _less_with_replacement(tables: Tables, variance: str) -> pd.DataFrame:
    """Exponent without replacement less that with it, of every window."""
    return _less(_exponents(tables, _WITHOUT, variance), _exponents(tables, _WITH, variance))


def _in_main(tables: Tables, values: pd.DataFrame) -> pd.DataFrame:
    return per_run(tables, of_main_window(tables, values), "without a window as long as the main one, with either draws")


def _in_longer(tables: Tables, values: pd.DataFrame) -> pd.DataFrame:
    """The values of windows longer than the main one, at the reference; the length is the setting."""
    longer = values[values["window_epochs"] > _main_window_epochs(tables, values)]
    parts = [of_reference(per_run(tables, rows), f"window of {epochs} epochs") for epochs, rows in longer.groupby("window_epochs")]
    return pd.concat(parts or [per_run(tables, values).iloc[:0]], ignore_index=True)


@statistic
def curvature_exponent_less_that_with_replacement(tables: Tables) -> pd.DataFrame:
    """Exponent q of variance ~ curvature^q along the eigenvectors of the Hessian, less that of the same run with replacement."""
    return _in_main(tables, _less_with_replacement(tables, "variance"))


@statistic
def curvature_exponent_less_that_with_replacement_in_longer_windows(tables: Tables) -> pd.DataFrame:
    """The same in longer windows, whose length is the setting."""
    return _in_longer(tables, _less_with_replacement(tables, "variance"))


@statistic
def curvature_exponent_of_theory_less_that_with_replacement(tables: Tables) -> pd.DataFrame:
    """The same of linear SGD in the same window, by its theory."""
    return _in_main(tables, _less_with_replacement(tables, "theory_variance"))


@statistic
def curvature_exponent_less_that_of_theory_in_longer_windows(tables: Tables) -> pd.DataFrame:
    """Exponent q of SGD without replacement less that of linear SGD by its theory, in longer windows: the setting is the length."""
    return _in_longer(tables, _less(_exponents(tables, _WITHOUT, "variance"), _exponents(tables, _WITHOUT, "theory_variance")))
