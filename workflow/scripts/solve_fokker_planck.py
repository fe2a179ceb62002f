"""Solve the stationary Fokker-Planck equation of the toy model on a grid: densities, slopes, currents (yang2023_fig2)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sgdphysics import effective_loss, progress, toy
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

CURRENT_POINTS = 49  # drawn along x and y


def solve(settings: Mapping[str, Any], tables: Mapping[str, Path]) -> None:
    """Write the tables "densities", "slopes", "current" and "two_valleys"."""
    landscapes = toy.landscapes(**settings["landscapes"])
    single, cells = landscapes["single_valley"], tuple(settings["grid_cells"])
    strengths = sorted({*settings["noise_strengths"], *settings["grid_noise_strengths"]})
    densities, slopes, currents, two_valleys = [], [], [], []
    for kappa in settings["kappas"]:
        for diffusion in strengths:
            columns = {"kappa": kappa, "diffusion": diffusion}
            solution = effective_loss.solve_on_grid(single, diffusion=diffusion, kappa=kappa, cells=cells)
            density = solution.along_valley()
            deciding = diffusion == settings["noise_strengths"][0]
            numbers = {**density.slope_row(single, kappa), "largest_current": solution.largest_current}
            slopes.append(pd.DataFrame([{**columns, "deciding": deciding, **numbers}]))
            if diffusion in settings["noise_strengths"]:
                densities.append(density.table(single).assign(**columns))
            if diffusion == settings["current_noise_strength"]:
                currents.append(solution.table(CURRENT_POINTS).assign(**columns))
        diffusion = settings["current_noise_strength"]
        solution = effective_loss.solve_on_grid(landscapes["two_valleys"], diffusion=diffusion, kappa=kappa, cells=cells)
        rows = solution.along_valley().table(landscapes["two_valleys"])
        two_valleys.append(rows.assign(kappa=kappa, diffusion=diffusion))
        progress.tell("grid", kappa=kappa, noise_strengths=len(strengths))
    order = ["kappa", "diffusion"]
    density_columns = [*order, "x", "flatness", "joint_density", "marginal_density"]
    save_rows(tables["densities"], densities, density_columns, [*order, "x"])
    save_rows(tables["two_valleys"], two_valleys, density_columns, [*order, "x"])
    save_rows(tables["slopes"], slopes, list(slopes[0].columns), order)
    current_columns = [*order, "x", "y", "density", "current_x", "current_y"]
    save_rows(tables["current"], currents, current_columns, [*order, "x", "y"])


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tables = {name: Path(snakemake.output[name]) for name in ("densities", "slopes", "current", "two_valleys")}
        solve(snakemake.params.settings, tables)
