"""Statistics of the claims of Feng and Tu 2021: batches drawn with and without replacement, in windows of the same runs."""

from collections.abc import Callable

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


def of_shortest_window(rows: pd.DataFrame) -> pd.DataFrame:
    """Return those of the window that is as long as the main one."""
    return rows[rows["window_epochs"] == rows["window_epochs"].min()]


def sgd_with_replacement_over_theory(tables: Tables) -> pd.DataFrame:
    """Return ln(measured / theory without replacement) of SGD with replacement, of every direction in the shortest window.

    Columns "seed", ``PLACE`` and "log". Both are ratios ``sigma_i^2 H_i / T_i``, each of its own window.
    """
    measured, theory = (of_shortest_window(of_windows(tables, sampling)) for sampling in (_WITH, _WITHOUT))
    rows = measured.merge(theory, on=["run", "rank"], suffixes=("", "_without"))
    runs = table_of(tables, "feng2021_runs").set_index("run")
    place = rows["learning_rate"] * rows["curvature"] * rows["run"].map(runs["steps"] // runs["epochs"])
    over_theory = _ratio(rows, "variance", "") / _ratio(rows, "theory_variance", "_without")
    return pd.DataFrame({"seed": rows["seed"], PLACE: place, "log": np.log(over_theory)})


def _ratio(rows: pd.DataFrame, variance: str, suffix: str) -> pd.Series:
    return rows[variance + suffix] * rows["curvature" + suffix] / rows["temperature" + suffix]


def _exponents(rows: pd.DataFrame, variance: str) -> pd.DataFrame:
    """Exponent q of variance ~ curvature^q over the directions of each run: "run" and "value"."""
    values = [(run, power_law(part["curvature"], part[variance]).exponent) for run, part in rows.groupby("run")]
    return pd.DataFrame(values, columns=["run", "value"])


def _less_with_replacement(
    tables: Tables, variance: str, window: Callable[[pd.DataFrame], pd.DataFrame] = of_shortest_window
) -> pd.DataFrame:
    """Exponent without replacement less that with it, of every run."""
    without, replaced = (_exponents(window(of_windows(tables, sampling)), variance) for sampling in (_WITHOUT, _WITH))
    both = without.merge(replaced, on="run", suffixes=("", "_replaced"))
    return per_run(tables, both.assign(value=both["value"] - both["value_replaced"]), "without a window with either draws")


@statistic
def curvature_exponent_less_that_with_replacement(tables: Tables) -> pd.DataFrame:
    """Exponent q of variance ~ curvature^q along the eigenvectors of the Hessian, less that of the same run with replacement."""
    return _less_with_replacement(tables, "variance")


@statistic
def curvature_exponent_less_that_with_replacement_in_longer_windows(tables: Tables) -> pd.DataFrame:
    """The same in longer windows, whose length is the setting."""
    lengths = sorted(set(of_windows(tables, _WITHOUT)["window_epochs"]))[1:]
    parts = [
        of_reference(
            _less_with_replacement(tables, "variance", lambda rows, epochs=epochs: rows[rows["window_epochs"] == epochs]),
            f"window of {epochs} epochs",
        )
        for epochs in lengths
    ]
    return pd.concat(parts or [_less_with_replacement(tables, "variance").iloc[:0]], ignore_index=True)


@statistic
def curvature_exponent_of_theory_less_that_with_replacement(tables: Tables) -> pd.DataFrame:
    """The same of linear SGD in the same window, by its theory."""
    return _less_with_replacement(tables, "theory_variance")
