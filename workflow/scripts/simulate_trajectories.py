"""Simulate yang2023_fig1: the toy landscapes, and walkers of shaken descent from the same start at several shift sizes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics import seeds, toy
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

DRAWN = ("single_valley", "two_valleys")
GRID = (81, 61)  # points of the drawn landscape along x and y


def simulate(settings: Mapping[str, Any], seed: int, tables: Mapping[str, Path]) -> None:
    """Write the tables "trajectories" (steps of each walker) and "landscape" (loss on a grid)."""
    landscapes = toy.landscapes(**settings["landscapes"])
    parts = [_trajectories(name, landscapes[name], settings, seed) for name in DRAWN]
    columns = ["landscape", "shift", "walker", "step", "x", "y", "flatness"]
    save_rows(tables["trajectories"], parts, columns)
    parts = [_surface(name, landscapes[name], settings["start"][1]) for name in DRAWN]
    save_rows(tables["landscape"], parts, ["landscape", "x", "y", "loss", "flatness"])


def _trajectories(name: str, landscape: toy.Landscape, settings: Mapping[str, Any], seed: int) -> pd.DataFrame:
    """All shift sizes share their random numbers; a walker is drawn until it is lost."""
    shifts, walkers = np.array(settings["trajectory_shifts"]), settings["trajectory_walkers"]
    # The start is at the sharp end of the single valley; in the other landscape it is the bottom of the sharper valley.
    x_start = settings["start"][0] if name == "single_valley" else -1.0
    x, y = (np.full((len(shifts), walkers), value, dtype=float) for value in (x_start, settings["start"][1]))
    course = [(0, x, y)]
    toy.shaken_descent(
        landscape,
        x,
        y,
        learning_rate=settings["learning_rate"],
        shift=shifts[:, None],
        steps=settings["trajectory_steps"],
        random=seeds.generator(seed, "walkers"),
        observer=lambda step, x, y: course.append((step, x.copy(), y.copy())),
        observe_every=settings["trajectory_every"],
    )
    parts = []
    for step, x, y in course:
        where = np.argwhere(~toy.has_diverged(x, y))
        rows = {"shift": shifts[where[:, 0]], "walker": where[:, 1] + 1, "x": x[tuple(where.T)], "y": y[tuple(where.T)]}
        parts.append(pd.DataFrame(rows).assign(step=step))
    table = pd.concat(parts, ignore_index=True).sort_values(["shift", "walker", "step"], kind="stable")
    return table.assign(landscape=name, flatness=landscape.flatness(table["x"]))


def _surface(name: str, landscape: toy.Landscape, reach: float) -> pd.DataFrame:
    x = np.linspace(-landscape.half_width, landscape.half_width, GRID[0])
    y = np.linspace(-reach, reach, GRID[1])
    x, y = (part.ravel() for part in np.meshgrid(x, y, indexing="ij"))
    return pd.DataFrame({"landscape": name, "x": x, "y": y, "loss": landscape.loss(x, y), "flatness": landscape.flatness(x)})


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tables = {name: Path(snakemake.output[name]) for name in ("trajectories", "landscape")}
        simulate(snakemake.params.settings, snakemake.params.seed, tables)
