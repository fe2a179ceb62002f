"""Sweeps by the protocol of the authors' scripts: directions in the order of the spread of slopes, sigma_g, the largest first.

A table of spectra has one row per run of a sweep, point of its training and rank of a direction in that order: "run", "point",
"target", "rank", "weight_std" (sigma_w), "summed_gap" (what the directions up to this one add to the gap) and
"summed_gap_of_shuffled_losses" (the same of the null). What runs and points are, see `sweeps`.

Source: Feng, Zhang and Tu 2023, the authors' scripts; the null and the numbers on the common factor are ours.
"""

import numpy as np
import pandas as pd

from sgdphysics import sweeps
from sgdphysics.arguments import require_columns
from sgdphysics.ranks import STEEPEST_DIRECTIONS

NEGLIGIBLE = 1e-9  # of the largest sigma_w of a network; what is smaller is rounding
LAST_SHARE = 0.9  # of the directions, up to which networks are compared: the very last ones are extremes of all
POINT = ["run", "point", "target"]
COMPARED = ["sweep", "dose", "seed", "point", "target", "deciding"]
NULL = ["spread_between_seeds", "trend_between_seeds"]
FACTORS = [*COMPARED, "weakest", "ranks", "factor", "spread", "trend", *NULL]


def split_gaps(points: pd.DataFrame, spectra: pd.DataFrame) -> pd.DataFrame:
    """Return the part of each gap that the ten directions of largest sigma_g carry, and the part of all others.

    Args:
        points: A table of points with "run", "point", "target" and "gap".
        spectra: A table of spectra; points without one are left out.

    Returns:
        The points with "steepest" (how many directions are set apart: ten, of a small layer all that there are),
        "delta_loss_sharp" and "delta_loss_flat", in the unit of the loss: they add up to the gap. And
        "delta_loss_sharp_of_shuffled_losses": the first one, where the changes of the loss are dealt to other pairs at random, in
        the ten directions that are the steepest then.

    Raises:
        InputError: If a column is missing.
    """
    sums = ["summed_gap", "summed_gap_of_shuffled_losses"]
    require_columns("points", points, [*POINT, "gap"])
    require_columns("spectra", spectra, [*POINT, "rank", *sums])
    steep = spectra[spectra["rank"] <= STEEPEST_DIRECTIONS].sort_values("rank", kind="stable").drop_duplicates(POINT, keep="last")
    names = dict(zip(["rank", *sums], ["steepest", "delta_loss_sharp", "delta_loss_sharp_of_shuffled_losses"], strict=True))
    split = points.merge(steep[[*POINT, "rank", *sums]].rename(columns=names), on=POINT)
    return split.assign(delta_loss_flat=split["gap"] - split["delta_loss_sharp"])


def before_the_last(spectra: pd.DataFrame) -> pd.Series:
    """Return which rows of a table of spectra are not in the last tenth of the directions; raises InputError without "rank"."""
    require_columns("spectra", spectra, ["rank"])
    return spectra["rank"] <= LAST_SHARE * spectra["rank"].max()


def with_ratios(spectra: pd.DataFrame) -> pd.DataFrame:
    """Return the spectra with how sigma_w compares at the same rank.

    Args:
        spectra: A table of spectra of compared points (`sweeps.compared_points`).

    Returns:
        The table with "weakest" (that dose of the sweep), "weight_ratio" (sigma_w in parts of that at the weakest dose of the same
        seed) and, in the rows of the weakest dose, "weight_ratio_between_seeds" (in parts of that of the next seed, and of the last
        seed in parts of the first). They are empty where there is nothing to compare with, where one of both is rounding, and in
        the last tenth of the directions.

    Raises:
        InputError: If a column is missing.
    """
    require_columns("spectra", spectra, [*COMPARED, "rank", "weight_std"])
    first = {sweep: sweeps.in_order(str(sweep), doses.tolist())[0] for sweep, doses in spectra.groupby("sweep")["dose"]}
    weight_std = spectra["weight_std"]
    largest = spectra.groupby(COMPARED)["weight_std"].transform("max")
    usable = weight_std.where((weight_std > NEGLIGIBLE * largest) & before_the_last(spectra))
    table = spectra.assign(weakest=spectra["sweep"].map(first).astype(float), usable=usable)
    place = ["sweep", "point", "target", "rank"]
    of_weakest = table[table["dose"] == table["weakest"]]
    of_next = of_weakest.assign(seed=_seed_before(of_weakest))
    parts = {"weight_ratio": of_weakest, "weight_ratio_between_seeds": of_next.assign(dose=of_next["weakest"])}
    for name, others in parts.items():
        keys = [*place, "seed"] if name == "weight_ratio" else [*place, "seed", "dose"]
        beside = others[[*keys, "usable"]].dropna(subset=["seed"]).rename(columns={"usable": "other"})
        table = table.merge(beside, on=keys, how="left")
        table = table.assign(**{name: table["usable"] / table["other"]}).drop(columns="other")
    return table.drop(columns="usable")


def common_factors(spectra: pd.DataFrame) -> pd.DataFrame:
    """Return how nearly each dose of a sweep changes sigma_w by one factor in all directions, rank by rank in the order of sigma_g.

    Args:
        spectra: As for `with_ratios`.

    Returns:
        One row per sweep, dose but the weakest, point, target and seed, of ln "weight_ratio" at the log-spaced "ranks" (how many)
        that have one: the mean "factor", the standard deviation "spread", and the slope on ln rank, "trend". One factor for all
        directions means neither spread nor trend beyond those of ln "weight_ratio_between_seeds", "spread_between_seeds" and
        "trend_between_seeds" (empty where there is one seed only).

    Raises:
        InputError: If a column is missing.
    """
    table = with_ratios(spectra)
    weakest = table["dose"] == table["weakest"]
    changes = _numbers(table[~weakest], "weight_ratio")
    null = _numbers(table[weakest], "weight_ratio_between_seeds").rename(columns=dict(zip(["spread", "trend"], NULL, strict=True)))
    keys = ["sweep", "seed", "point", "target"]
    return changes.merge(null[[*keys, *NULL]], on=keys, how="left")[FACTORS]


def _seed_before(rows: pd.DataFrame) -> pd.Series:
    """For rows of one dose a sweep: the seed before, of the first seed the last; nan of a single seed."""
    groups = ["sweep", "point", "target"]
    seeds = rows[[*groups, "seed"]].drop_duplicates().sort_values("seed")
    by_group = seeds.groupby(groups)["seed"]
    before = by_group.shift(1).fillna(by_group.transform("last"))
    seeds = seeds.assign(before=before.where(before != seeds["seed"]))
    return rows[[*groups, "seed"]].merge(seeds, on=[*groups, "seed"], how="left")["before"].set_axis(rows.index)


def _numbers(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Number of ranks, mean, spread and trend of the logarithms of a column, per dose, point and seed."""
    rows = rows.dropna(subset=[column])
    rows = rows.assign(change=np.log(rows[column]), place=np.log(rows["rank"].astype(float)))
    parts = [
        {
            **dict(zip([*COMPARED, "weakest"], keys, strict=True)),
            "ranks": len(part),
            "factor": part["change"].mean(),
            "spread": part["change"].std(ddof=0),
            "trend": _slope(part["place"], part["change"]),
        }
        for keys, part in rows.groupby([*COMPARED, "weakest"])
    ]
    return pd.DataFrame(parts, columns=[*COMPARED, "weakest", "ranks", "factor", "spread", "trend"])


def _slope(x: pd.Series, y: pd.Series) -> float:
    """Least squares; nan where all x are the same."""
    deviation = x - x.mean()
    square = float(deviation @ deviation)
    return float(deviation @ y) / square if square > 0 else float("nan")
