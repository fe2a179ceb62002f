"""Simulate shaken descent across its edge: who is left, how flat a place they have, and where half are lost (yang2023_fig3)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics import progress, seeds, toy, toy_edge
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

LONGER = (1, 4, 16)  # horizons, in parts of the shortest
SHARES_LEFT = {"tenth_lost_shift": 0.9, "half_lost_shift": 0.5, "most_lost_shift": 0.1}
LANDSCAPES = ("single_valley", "constant")
ORDER_PARAMETER = [
    "landscape",
    "learning_rate",
    "shift",
    "relative_shift",
    "horizon_steps",
    "seed",
    "walkers",
    "survival",
    "relative_flatness",
    "flatness_of_all",
    "loss_rate",
]
EDGE = [
    "learning_rate",
    "horizon_steps",
    "seed",
    "walkers",
    "largest_stable_shift",
    *SHARES_LEFT,
    "relative_half_lost_shift",
    "status",
]


def simulate(settings: Mapping[str, Any], seed_list: Sequence[int], tables: Mapping[str, Path]) -> None:
    """Write the tables "order_parameter" and "edge"."""
    landscapes = toy.landscapes(**settings["landscapes"])
    courses = {}
    for learning_rate in settings["edge_learning_rates"]:
        bound = toy.largest_stable_shift(landscapes["single_valley"], 0.0, learning_rate)
        for seed in seed_list:
            courses[learning_rate, bound, seed] = _courses(landscapes, settings, learning_rate, bound, seed)
        progress.tell("edge", learning_rate=learning_rate, seeds=len(seed_list))
    save_rows(tables["order_parameter"], list(courses.values()), ORDER_PARAMETER)
    rows = [row for key, course in courses.items() for row in _edge_rows(*key, course, settings)]
    save_rows(tables["edge"], [pd.DataFrame(rows, columns=EDGE)], EDGE)


def _horizons(settings: Mapping[str, Any]) -> list[int]:
    return [factor * settings["edge_steps"] for factor in LONGER]


def _courses(
    landscapes: Mapping[str, toy.Landscape], settings: Mapping[str, Any], learning_rate: float, bound: float, seed: int
) -> pd.DataFrame:
    """Walkers from the flattest place in the valley and, at the same shifts, where the curvature is the same everywhere.

    The shifts are relative to the bound of mean-square stability there; without such a bound there are none.
    """
    if not (np.isfinite(bound) and bound > 0):
        return pd.DataFrame(columns=ORDER_PARAMETER)
    relative = np.geomspace(*settings["edge_shifts"], settings["edge_points"])
    parts = []
    for name in LANDSCAPES:
        course = toy_edge.survival_course(
            landscapes[name],
            0.0,
            learning_rate=learning_rate,
            shifts=relative * bound,
            walkers=settings["edge_walkers"],
            horizons=_horizons(settings),
            random=seeds.generator(seed, "walkers"),
        )
        columns = {"landscape": name, "learning_rate": learning_rate, "seed": seed, "walkers": settings["edge_walkers"]}
        parts.append(toy_edge.order_parameter(course).assign(**columns, relative_shift=course["shift"] / bound))
    return pd.concat(parts, ignore_index=True)


def _edge_rows(
    learning_rate: float, bound: float, seed: int, course: pd.DataFrame, settings: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Shifts at which walkers are lost by each horizon, interpolated between those measured."""
    for horizon in _horizons(settings):
        rows = course[(course["landscape"] == "single_valley") & (course["horizon_steps"] == horizon)]
        shifts, left = list(rows["shift"]), list(rows["survival"])
        at = dict.fromkeys(SHARES_LEFT, np.nan)
        if shifts:
            at = {name: toy_edge.shift_where_left(shifts, left, share) for name, share in SHARES_LEFT.items()}
        columns = {"learning_rate": learning_rate, "horizon_steps": horizon, "seed": seed, "walkers": settings["edge_walkers"]}
        relative = at["half_lost_shift"] / bound if shifts else np.nan
        status = "measured" if np.isfinite(relative) else "outside the shifts measured" if shifts else "no bound"
        yield {**columns, "largest_stable_shift": bound, **at, "relative_half_lost_shift": relative, "status": status}


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tables = {name: Path(snakemake.output[name]) for name in ("order_parameter", "edge")}
        simulate(snakemake.params.settings, snakemake.params.seeds, tables)
