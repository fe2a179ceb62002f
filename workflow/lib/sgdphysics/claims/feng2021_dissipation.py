"""Statistics of the claim on fluctuation and dissipation: sigma_i^2 H_i / T_i of all settings against alpha H_i M on one curve.

Its place on the curve is how many relaxation times an epoch lasts; the setting is a decade of it. The curve is what linear SGD with
draws without replacement has in the same window with the same slow movement taken out.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from sgdphysics.claims import missing
from sgdphysics.claims.feng2021_windows import sgd_with_replacement_over_theory
from sgdphysics.claims.registry import MISSING, Tables, statistic, table_of
from sgdphysics.fluctuation_dissipation import DECIDING_ORDER, PLACE, RATIO

FEWEST_DIRECTIONS = 10  # of a seed in a decade: a median of fewer is one direction or another
FEWEST_OF_REFERENCE = 5  # where only the reference has directions
NO_EQUILIBRIUM = 0.1  # relaxation times an epoch lasts, below which an epoch is too short for any


def _over_theory(
    tables: Tables, source: str, order: int, median: Callable[[pd.Series], float], below: float = np.inf
) -> pd.DataFrame:
    """A median over the directions of all settings, of ln(measured / theory without replacement), of each decade and seed.

    Args:
        tables: The study's tables.
        source: Of the fluctuations.
        order: Of the polynomial in time that is taken out, of measured and theory alike.
        median: Of the logarithms.
        below: End of the last decade.
    """
    rows = table_of(tables, "beyond_fig6")
    rows = rows[(rows["source"] == source) & (rows["detrending_order"] == order) & (rows["status"] == "converged")]
    rows = rows[(rows[RATIO] > 0) & (rows["theory_epoch"] > 0)]
    runs = table_of(tables, "feng2021_runs")
    if source == "sgd":  # the curve is that of draws without replacement
        rows = rows[rows["run"].isin(runs.loc[runs["sampling"] == "epoch", "run"])]
    return _by_decade(rows.assign(log=np.log(rows[RATIO] / rows["theory_epoch"])), median, below, runs)


def _by_decade(
    rows: pd.DataFrame, median: Callable[[pd.Series], float], below: float, runs: pd.DataFrame, fewest: int = FEWEST_DIRECTIONS
) -> pd.DataFrame:
    """A median of the column "log" of each decade of ``PLACE``, as far as ``below``, and seed of some runs."""
    exponent = np.floor(np.log10(rows[PLACE]))
    rows = rows.assign(exponent=exponent)
    groups = rows[10.0 ** (exponent + 1) <= below * (1 + 1e-9)].groupby(["exponent", "seed"])["log"]
    values = groups.agg(median)[groups.size() >= fewest].rename("value")
    # A decade that the settings of a study hardly reach, so that most seeds have nothing there, is none of its own.
    seeds = values.groupby("exponent").size()
    return _of_all_seeds(values, [float(number) for number in seeds[2 * seeds > runs["seed"].nunique()].index], runs)


def _of_all_seeds(values: pd.Series, exponents: list[float], runs: pd.DataFrame) -> pd.DataFrame:
    """Values by decade and seed; a seed of which a setting is lacking has none, since it would be about other settings."""
    lacking = missing.of_seeds(runs)
    wanted = pd.MultiIndex.from_product([exponents, sorted(set(runs["seed"]))], names=["exponent", "seed"])
    rows = values.reindex(wanted).reset_index()
    rows["value"] = rows["value"].mask(rows["seed"].isin(lacking.index))
    why = rows["seed"].map(lacking).astype(object).fillna("with too few directions there")
    setting = rows["exponent"].map(lambda number: f"{10.0**number:g} to {10.0 ** (number + 1):g} relaxations an epoch").astype(str)
    return rows[["seed", "value"]].assign(**{"setting": setting, "reference": True, MISSING: why})


def _distance(logs: pd.Series) -> float:
    return float(logs.abs().median())


def _shift(logs: pd.Series) -> float:
    return float(logs.median())


@statistic
def distance_from_theory(tables: Tables) -> pd.DataFrame:
    """Median over directions of |ln(measured / theory)| of SGD less its straight drift."""
    return _over_theory(tables, "sgd", DECIDING_ORDER, _distance)


@statistic
def distance_from_theory_with_drift(tables: Tables) -> pd.DataFrame:
    """The same with the drift left in."""
    return _over_theory(tables, "sgd", 0, _distance)


@statistic
def distance_from_theory_without_parabola(tables: Tables) -> pd.DataFrame:
    """The same less the parabola in time that fits the window best."""
    return _over_theory(tables, "sgd", 2, _distance)


@statistic
def distance_from_theory_without_fourth_order(tables: Tables) -> pd.DataFrame:
    """The same less the polynomial of fourth order in time that fits the window best."""
    return _over_theory(tables, "sgd", 4, _distance)


@statistic
def distance_from_theory_of_frozen_noise(tables: Tables) -> pd.DataFrame:
    """Median over directions of |ln(measured / theory)| of frozen noise, which has no restoring force, less its straight drift."""
    return _over_theory(tables, "noise_epoch", DECIDING_ORDER, _distance)


@statistic
def shift_from_theory_of_sgd_with_replacement(tables: Tables) -> pd.DataFrame:
    """Median over directions of ln(measured / theory without replacement) of SGD with replacement, less its straight drift.

    Of the reference setting alone; the decade is the setting here too.
    """
    runs = table_of(tables, "feng2021_runs")
    return _by_decade(sgd_with_replacement_over_theory(tables), _shift, np.inf, runs[runs["reference"]], FEWEST_OF_REFERENCE)


@statistic
def shift_from_theory_with_replacement(tables: Tables) -> pd.DataFrame:
    """Median over directions of ln(measured / theory without replacement) of frozen noise drawn with replacement.

    Less its straight drift, and where an epoch is too short for equilibrium.
    """
    return _over_theory(tables, "noise_replacement", DECIDING_ORDER, _shift, below=NO_EQUILIBRIUM)
