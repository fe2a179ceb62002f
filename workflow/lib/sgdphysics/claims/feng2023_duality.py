"""Statistics of what holds by algebra in Feng, Zhang and Tu 2023: the duality, and rescaled copies of one network."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from sgdphysics.claims.feng2023_settings import by_seed
from sgdphysics.claims.registry import Tables, statistic, table_of


def _largest_of_pairs(tables: Tables, column: str) -> pd.DataFrame:
    return by_seed(table_of(tables, "feng2023_fig1"), lambda pairs: _largest(pairs[column]))


def _largest(values: pd.Series) -> float:
    """The largest of all; nan where one is nan: an identity holds for all or not at all."""
    return float(values.max(skipna=False))


def _relative_range(values: pd.Series) -> float:
    """Largest less smallest, in parts of the least magnitude, whatever the signs; nan where one is nan."""
    return float((values.max(skipna=False) - values.min(skipna=False)) / values.abs().min(skipna=False))


@statistic("exact")
def activity_error(tables: Tables) -> pd.DataFrame:
    """Largest relative difference between the activity that a dual weight makes of a training image and that at its test image."""
    return _largest_of_pairs(tables, "activity_error")


@statistic("exact")
def logit_error(tables: Tables) -> pd.DataFrame:
    """The same for the logits."""
    return _largest_of_pairs(tables, "logit_error")


@statistic("exact")
def smallest_norm_of_other_solutions(tables: Tables) -> pd.DataFrame:
    """Smallest norm of another change of the weights with the same effect, in parts of that of the dual weight."""
    columns = ["norm_ratio_along_test_activity", "norm_ratio_along_random_vector"]
    return by_seed(table_of(tables, "feng2023_fig1"), lambda pairs: float(pairs[columns].to_numpy(float).min()))


def _over_factors(tables: Tables, columns: Sequence[str], value: Callable[[pd.Series], float]) -> pd.DataFrame:
    """A number of every column over the rescaled copies of a network: a setting is a column and the layer rescaled against."""
    rows = table_of(tables, "feng2023_fig6").melt(["seed", "other_layer", "factor"], list(columns))
    layer = rows["variable"].str.replace("_", " ") + ", against layer " + rows["other_layer"].astype("Int64").astype(str)
    return by_seed(rows.assign(what=layer), lambda part: value(part["value"]), by=["what"])


@statistic("exact")
def logit_change_by_rescaling(tables: Tables) -> pd.DataFrame:
    """Largest relative change of a logit over the rescaled copies; per layer rescaled against."""
    return _over_factors(tables, ["logit_change"], _largest)


@statistic("exact")
def invariant_change_by_rescaling(tables: Tables) -> pd.DataFrame:
    """Range over the rescaled copies, in parts of the least magnitude: product of the spreads, decomposed gap."""
    invariants = ["product_of_spreads", "decomposed_gap"]
    return _over_factors(tables, invariants, _relative_range)


@statistic("exact")
def plain_change_by_rescaling(tables: Tables) -> pd.DataFrame:
    """Logarithm of largest over smallest over the rescaled copies: top eigenvalue, trace, median flatness, norm, s_g, s_w."""
    plain = ["largest_eigenvalue", "trace", "median_flatness", "weight_norm", "slope_spread", "weight_spread"]
    return _over_factors(tables, plain, lambda values: float(np.log(values.max(skipna=False) / values.min(skipna=False))))


@statistic("exact")
def prediction_error_of_rescaling(tables: Tables) -> pd.DataFrame:
    """Largest relative error of the predicted powers of p: -2 for eigenvalues, -1 for s_g, 1 for s_w and the norm."""
    rows = table_of(tables, "feng2023_fig6")
    powers = {"largest_eigenvalue": -2, "trace": -2, "slope_spread": -1, "weight_spread": 1, "weight_norm": 1}
    scaled = rows.assign(**{key: rows[key] / rows["factor"] ** power for key, power in powers.items()})
    return _over_factors({"feng2023_fig6": scaled}, list(powers), _relative_range)
