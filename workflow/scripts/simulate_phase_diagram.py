"""Simulate the phase diagram of shaken descent over shift size and learning rate (yang2023_fig3)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics import progress, seeds, toy, toy_edge
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows, save_table

LONGER = (1, 4, 16)  # horizons of the coarser diagram, in parts of the finer one's
COLUMNS = ["start", "points", "horizon_steps", "learning_rate", "shift", "walkers", "survival", "relative_flatness"]


def simulate(settings: Mapping[str, Any], seed: int, tables: Mapping[str, Path]) -> None:
    """Write the tables "phases" (share of walkers left and their flatness) and "bounds" (where theory puts the boundary)."""
    landscape = toy.landscapes(**settings["landscapes"])["single_valley"]
    horizon, fine, coarse = settings["phase_steps"], settings["phase_points"], settings["long_phase_points"]
    parts = [_diagram(landscape, settings, seed, start, fine, [horizon]) for start in ("sharp", "flat")]
    parts.append(_diagram(landscape, settings, seed, "sharp", coarse, [factor * horizon for factor in LONGER]))
    save_rows(tables["phases"], parts, COLUMNS, COLUMNS[:5])
    save_table(tables["bounds"], _bounds(landscape, settings))


def _log_spaced(ends: Sequence[float], points: int) -> np.ndarray:
    """Log-spaced values, the ends included."""
    return np.geomspace(*ends, points)


def _diagram(
    landscape: toy.Landscape, settings: Mapping[str, Any], seed: int, start: str, points: int, horizons: Sequence[int]
) -> pd.DataFrame:
    """Survival of walkers at each horizon, from the sharp end of the valley or from its flattest place."""
    shifts = _log_spaced(settings["phase_shifts"], points)
    parts = []
    for learning_rate in _log_spaced(settings["phase_learning_rates"], points):
        course = toy_edge.survival_course(
            landscape,
            landscape.half_width if start == "sharp" else 0.0,
            learning_rate=learning_rate,
            shifts=shifts,
            walkers=settings["phase_walkers"],
            horizons=horizons,
            random=seeds.generator(seed, "walkers"),
        )
        columns = {"start": start, "points": points, "learning_rate": learning_rate, "walkers": settings["phase_walkers"]}
        parts.append(course.assign(**columns))
    progress.tell("phase diagram", start=start, points_along_each_axis=points, steps=horizons[-1])
    return pd.concat(parts, ignore_index=True)


def _bounds(landscape: toy.Landscape, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Largest shift at which y at the flattest place is stable in the mean square, per learning rate."""
    rates = _log_spaced(settings["phase_learning_rates"], 200)
    stable = [toy.largest_stable_shift(landscape, 0.0, rate) for rate in rates]
    growth = {"flattest_rate": rates * landscape.smallest_curvature, "sharpest_rate": rates * landscape.largest_curvature}
    return pd.DataFrame({"learning_rate": rates, "largest_stable_shift": stable, **growth})


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tables = {name: Path(snakemake.output[name]) for name in ("phases", "bounds")}
        simulate(snakemake.params.settings, snakemake.params.seed, tables)
