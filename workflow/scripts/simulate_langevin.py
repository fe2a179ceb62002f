"""Simulate anisotropic Langevin walkers in the toy valley: stationary densities and their slopes (yang2023_fig2)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics import effective_loss, progress, seeds, toy
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

STEPS_PER_DIFFUSION_TIME = 400  # at least, of half_width^2 / Delta, so that a step in x is short against the valley
SAMPLES_PER_DIFFUSION_TIME = 100


def simulate(settings: Mapping[str, Any], seed_list: Sequence[int], tables: Mapping[str, Path]) -> None:
    """Write the tables "densities" and "slopes", of every kappa, noise strength, seed and start.

    Half of the walkers start from the density of the grid, half from its mirror image, flat places for sharp ones: equal results
    show that both have forgotten the start.
    """
    landscape = toy.landscapes(**settings["landscapes"])["single_valley"]
    densities, slopes = [], []
    for diffusion in settings["noise_strengths"]:
        deciding = diffusion == settings["noise_strengths"][0]
        for kappa in settings["kappas"]:
            cells = tuple(settings["grid_cells"])
            grid = effective_loss.solve_on_grid(landscape, diffusion=diffusion, kappa=kappa, cells=cells).along_valley()
            for seed in seed_list:
                for start, density in _densities(landscape, settings, diffusion, kappa, grid, seed).items():
                    columns = {"kappa": kappa, "diffusion": diffusion, "deciding": deciding, "seed": seed, "start": start}
                    slopes.append(pd.DataFrame([{**columns, **density.slope_row(landscape, kappa)}]))
                    if start == "both":
                        densities.append(density.table(landscape).assign(**columns))
            progress.tell("walkers", noise_strength=diffusion, kappa=kappa, seeds=len(seed_list))
    order = ["kappa", "diffusion", "seed", "start"]
    columns = [*order, "deciding", "x", "flatness", "joint_density", "marginal_density"]
    save_rows(tables["densities"], densities, columns, [*order, "x"])
    save_rows(tables["slopes"], slopes, list(slopes[0].columns), order)


def _densities(
    landscape: toy.Landscape,
    settings: Mapping[str, Any],
    diffusion: float,
    kappa: float,
    grid: effective_loss.ValleyDensity,
    seed: int,
) -> dict[str, effective_loss.ValleyDensity]:
    """Stationary densities of the walkers of each start, and of all."""
    random = seeds.generator(seed, "walkers")
    half = settings["walkers" if diffusion == settings["noise_strengths"][0] else "further_walkers"] // 2
    share = np.cumsum(grid.marginal)
    x = np.interp(random.random(2 * half), share / share[-1], grid.x)
    x[half:] = np.copysign(landscape.half_width - np.abs(x[half:]), x[half:])
    y = landscape.flatness(x) * np.sqrt(diffusion) * random.standard_normal(len(x))
    diffusion_time = landscape.half_width**2 / diffusion
    time_step = min(settings["time_step"], diffusion_time / STEPS_PER_DIFFUSION_TIME)
    steps = round(diffusion_time / time_step)
    arguments = {"diffusion": diffusion, "kappa": kappa, "time_step": time_step, "random": random}
    x, y = toy.langevin(landscape, x, y, steps=round(settings["relaxation"] * steps), **arguments)
    chosen = {"both": slice(None), "grid": slice(half), "mirror": slice(half, None)}
    histograms = {start: effective_loss.WalkerHistogram(landscape, diffusion, settings["bins"]) for start in chosen}

    def count(step: int, x: np.ndarray, y: np.ndarray) -> None:
        for start, part in chosen.items():
            histograms[start](step, x[part], y[part])

    every = max(1, steps // SAMPLES_PER_DIFFUSION_TIME)
    toy.langevin(landscape, x, y, steps=round(settings["sampling"] * steps), observer=count, observe_every=every, **arguments)
    return {start: histogram.density() for start, histogram in histograms.items()}


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tables = {name: Path(snakemake.output[name]) for name in ("densities", "slopes")}
        simulate(snakemake.params.settings, snakemake.params.seeds, tables)
