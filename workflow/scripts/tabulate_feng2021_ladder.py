"""Tabulate the ladder of nulls of feng2021: the exponent of variance against flatness on every rung, all treated alike."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sgdphysics.flatness_exponents import beside_flatness, exponent
from sgdphysics.provenance import jobs
from sgdphysics.ranks import fitted_ranks
from sgdphysics.tables import RUN_COLUMNS, RUN_ORDER, load_table, load_tables, save_rows
from sgdphysics.window_settings import noise_source

NUMBERS = ["exponent", "r", "spearman", "points", "censored"]
WINDOW = [*RUN_COLUMNS, "window", "window_epochs"]
FITTED = ["rung", "basis", "detrending_order"]
COLUMNS = [*WINDOW, *FITTED, "ranks", *NUMBERS]

# Rungs, from the one that lacks most, and their sources; the noise is that of the run's own sampling.
RUNGS = ("isotropic", "rotated_noise", "frozen_noise", "linear_sgd", "sgd")
RANKS = {"all": (1, float("inf")), "2-50": (1, 50), "above 50": (50, float("inf"))}  # above the one, up to the other


def tabulate(
    runs_path: Path,
    detrended_paths: Sequence[Path],
    flatness_paths: Sequence[Path],
    directions: int,
    weights: int,
    table_path: Path,
) -> None:
    """Write the table, one row per run, rung, basis, detrending order and range of ranks, of the main window.

    Args:
        runs_path: The table of runs.
        detrended_paths: Variances by detrending order, of every chunk.
        flatness_paths: What was measured of the loss along directions, of every chunk.
        directions: Number of log-spaced directions that enter a fit.
        weights: Of the studied layer.
        table_path: Where to write.
    """
    rows = beside_flatness(load_tables(detrended_paths), load_tables(flatness_paths))
    rows = _by_rung(load_table(runs_path).merge(rows[rows["window"] == "main"], on="run"))
    parts = [_fits(group, directions, weights) for _, group in rows.groupby(["run", *FITTED])]
    save_rows(table_path, parts, COLUMNS, [*RUN_ORDER, *FITTED, "ranks"])


def _by_rung(rows: pd.DataFrame) -> pd.DataFrame:
    """Only the sources that are rungs, under the names of these."""
    frozen = rows["source"] == rows["sampling"].map(noise_source)
    rows = rows.assign(rung=rows["source"].mask(frozen, "frozen_noise"))
    return rows[rows["rung"].isin(RUNGS)]


def _fits(group: pd.DataFrame, directions: int, weights: int) -> pd.DataFrame:
    """The fits of one rung of a run in one basis, by range of ranks."""
    run = group.iloc[0]
    steps = int(run["window_epochs"]) * int(run["steps"] // run["epochs"])
    fitted = group[group["rank"].isin(fitted_ranks(steps, weights, directions))]
    rows = []
    for name, (above, last) in RANKS.items():
        chosen = fitted[(fitted["rank"] > above) & (fitted["rank"] <= last)]
        rows.append({"ranks": name, **exponent(chosen["flatness"], chosen["variance"])})
    return pd.DataFrame(rows).assign(**run[[*WINDOW, *FITTED]])


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tabulate(
            Path(snakemake.input.runs),
            [Path(path) for path in snakemake.input.detrended],
            [Path(path) for path in snakemake.input.flatness],
            snakemake.params.directions,
            snakemake.params.weights,
            Path(snakemake.output.table),
        )
