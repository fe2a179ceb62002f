"""Simulate the phase diagram of shaken descent over shift size and learning rate (yang2023_fig3)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics import progress, seeds, toy
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows, save_table

LONGER = (1, 4, 16)  # horizons of the coarser diagram, in parts of the finer one's
COLUMNS = ["start", "points", "horizon_steps", "learning_rate", "shift", "walkers", "survival", "relative_flatness"]


def simulate(settings: Mapping[str, Any], seed: int, tables: Mapping[str, Path]) -> None:
    """Write the tables "phases" (survival and flatness of the survivors) and "bounds" (where theory puts the boundary)."""
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
    x_start = landscape.half_width if start == "sharp" else 0.0
    parts = []
    for learning_rate in _log_spaced(settings["phase_learning_rates"], points):
        x, y = np.full((points, settings["phase_walkers"]), x_start), np.zeros((points, settings["phase_walkers"]))
        random, steps = seeds.generator(seed, "walkers"), 0
        for horizon in horizons:
            alive = ~toy.has_diverged(x, y).all(1)  # settings in which all have diverged stay so
            if alive.any():
                arguments = {"learning_rate": learning_rate, "shift": shifts[alive, None], "random": random}
                x[alive], y[alive] = toy.shaken_descent(landscape, x[alive], y[alive], steps=horizon - steps, **arguments)
            steps = horizon
            columns = {"start": start, "points": points, "horizon_steps": horizon, "learning_rate": learning_rate}
            parts.append(pd.DataFrame({**_state(landscape, x, y), "shift": shifts}).assign(**columns))
    progress.tell("phase diagram", start=start, points_along_each_axis=points, steps=horizons[-1])
    return pd.concat(parts, ignore_index=True)


def _state(landscape: toy.Landscape, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Share of the walkers that have not diverged, and their mean flatness relative to the largest; nan without survivors."""
    alive = ~toy.has_diverged(x, y)
    count = alive.sum(1)
    # Past the walls of the valley the flatness goes on falling.
    flatness = np.where(alive, landscape.flatness(np.where(alive, x, 0.0)), 0.0).sum(1)
    mean = np.divide(flatness, count, out=np.full(len(x), np.nan), where=count > 0)
    return {"walkers": x.shape[1], "survival": count / x.shape[1], "relative_flatness": mean * landscape.smallest_curvature**0.5}


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
