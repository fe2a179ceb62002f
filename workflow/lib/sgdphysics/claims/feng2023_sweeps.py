"""Statistics of the claims of Feng, Zhang and Tu 2023 on what a sweep moves: sharpness, size, and the gap."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from sgdphysics import sweeps
from sgdphysics.claims import missing
from sgdphysics.claims.registry import MISSING, VALUES, Tables, statistic, table_of, values_of

DECAY = ("norm_penalty", "squared_penalty")
NOISE = ("learning_rate", "batch_size")


def _strongest(
    tables: Tables, names: Sequence[str], comparisons: Sequence[str], value: Callable[[pd.DataFrame], pd.Series]
) -> pd.DataFrame:
    """A number of what the strongest dose of each sweep changes against the weakest, where each comparison is decided.

    The dose is the strongest of the study's settings, whatever became of its runs: a seed without it has no value.
    """
    effects = table_of(tables, "feng2023_effects")
    points = table_of(tables, "feng2023_points")
    points = points[points["sweep"].isin(names)]
    parts = []
    for sweep, comparison in itertools.product(names, comparisons):
        members = missing.of_sweeps(points, "equal_epochs" if comparison == "equal_epochs" else "equal_loss")
        by = f", {comparison}" if len(comparisons) > 1 else ""
        doses = sweeps.in_order(sweep, members.loc[members["sweep"] == sweep, "dose"].tolist())
        if not doses:  # every sweep is asked: one that compares nothing leaves the claim undecided
            parts.append(values_of(sweep + by, np.nan, pd.Series([np.nan])))
            continue
        rows = effects[(effects["sweep"] == sweep) & effects["deciding"].astype(bool) & (effects["comparison"] == comparison)]
        rows = rows[rows["dose"] == doses[-1]]
        pairs = _pairs(members[members["sweep"] == sweep], doses[0], doses[-1], comparison)
        values = dict(zip(rows["seed"], value(rows), strict=True))
        pairs = pairs.assign(value=[values.get(seed, np.nan) for seed in pairs["seed"]])
        setting = f"{sweep} {doses[-1]:g} against {doses[0]:g}{by}"
        parts.append(values_of(setting, pairs["seed"], pairs["value"]).assign(**{MISSING: pairs["missing"]}))
    return pd.concat(parts, ignore_index=True)


def _pairs(members: pd.DataFrame, weakest: float, strongest: float, comparison: str) -> pd.DataFrame:
    """One row per seed of the strongest dose, with what is missing for it to be compared: that run, or what it is compared with.

    That is the run of the weakest dose only at equal loss; elsewhere the reference goes on as the control.
    """
    chosen, beside = (members.loc[members["dose"] == dose].set_index("seed")["missing"] for dose in (strongest, weakest))
    otherwise = "trained for longer than the control" if comparison == "as_many_epochs" else "without a number there"
    words = pd.Series(otherwise, chosen.index, dtype=object)
    if comparison == "equal_loss":
        beside = beside.reindex(chosen.index).fillna("was not trained")
        words = words.where(beside == "", f"at {weakest:g} " + beside)
    return chosen.mask(chosen == "", words).reset_index()


@statistic
def noise_effect_on_sharpness(tables: Tables) -> pd.DataFrame:
    """e_g: ln s_g at the strongest noise less that at the weakest, at equal loss; per sweep (learning rate, batch size)."""
    return _strongest(tables, NOISE, ["equal_loss"], lambda rows: rows["slope_spread"])


@statistic
def noise_effect_on_size_over_sharpness(tables: Tables) -> pd.DataFrame:
    """abs(e_w) / abs(e_g) of the same."""
    return _strongest(tables, NOISE, ["equal_loss"], lambda rows: (rows["weight_spread"] / rows["slope_spread"]).abs())


@statistic
def noise_effect_on_sharp_less_flat_directions(tables: Tables) -> pd.DataFrame:
    """Mean change of ln sigma_g,n over the ranks 1 to 10 less that over 100 to 500."""
    return _strongest(tables, NOISE, ["equal_loss"], lambda rows: rows["sharp_slope_std"] - rows["flat_slope_std"])


@statistic
def decay_effect_on_size(tables: Tables) -> pd.DataFrame:
    """e_w: ln s_w at the strongest penalty less that without; per penalty, at equal loss and against the control."""
    return _strongest(tables, DECAY, ["equal_loss", "as_many_epochs"], lambda rows: rows["weight_spread"])


@statistic
def decay_effect_on_sharpness_over_size(tables: Tables) -> pd.DataFrame:
    """abs(e_g) / abs(e_w) of the same."""
    comparisons = ["equal_loss", "as_many_epochs"]
    return _strongest(tables, DECAY, comparisons, lambda rows: (rows["slope_spread"] / rows["weight_spread"]).abs())


def _opposite(rows: pd.DataFrame) -> pd.Series:
    """The smaller of both changes, counted in the direction in which the other seeds say that they are opposite.

    Counted in its own direction a seed would always seem to tell an effect where chance moves the two against each other.
    """
    contrast = rows["weight_spread"] - rows["slope_spread"]
    direction = np.sign(contrast.sum() - contrast)
    return np.minimum(-direction * rows["slope_spread"], direction * rows["weight_spread"])


@statistic
def dropout_opposite_effects(tables: Tables) -> pd.DataFrame:
    """The smaller of abs(e_g) and abs(e_w) of the strongest dropout at equal loss; negative unless their signs are opposite, and
    those of the other seeds.
    """
    return _strongest(tables, ["dropout"], ["equal_loss"], _opposite)


@statistic
def dropout_opposite_effects_at_equal_epochs(tables: Tables) -> pd.DataFrame:
    """The same after equal epochs."""
    return _strongest(tables, ["dropout"], ["equal_epochs"], _opposite)


def _gap_in_between(tables: Tables, point: str) -> pd.DataFrame:
    """Lower gap of the two ends of the sweep of dropout less the gap of the best dose in between, by seed.

    Which dose is best is decided by the other seeds, so that its own chance does not make it so.
    """
    table = table_of(tables, "feng2023_points")
    points = sweeps.with_control(table.dropna(subset=["point"]))
    rows = points[(points["sweep"] == "dropout") & (points["point"] == point)]
    targets = sweeps.deciding_targets(rows)
    rows = rows[rows["target"].isin(targets["target"])]
    gaps = rows.pivot(index="seed", columns="dose", values="gap").sort_index(axis=1)
    values = []
    for seed in gaps.index:
        inner = gaps.drop(index=seed).mean().iloc[1:-1]
        value = gaps.loc[seed].iloc[[0, -1]].min(skipna=False) - gaps.loc[seed, inner.idxmin()] if len(inner.dropna()) else np.nan
        values.append({"setting": "dropout", "reference": True, "seed": seed, "value": value})
    reasons = missing.of_sweeps(table[table["sweep"] == "dropout"], point)
    reasons = (reasons["setting"] + " " + reasons["missing"])[reasons["missing"] != ""].groupby(reasons["seed"]).first()
    return pd.DataFrame(values, columns=VALUES).assign(**{MISSING: lambda rows: rows["seed"].map(reasons)})


@statistic
def dropout_gap_in_between(tables: Tables) -> pd.DataFrame:
    """Lower gap of no and the strongest dropout less that of the best dose in between (best on the other seeds), equal loss."""
    return _gap_in_between(tables, "equal_loss")


@statistic
def dropout_gap_in_between_at_equal_epochs(tables: Tables) -> pd.DataFrame:
    """The same after equal epochs."""
    return _gap_in_between(tables, "equal_epochs")
