"""Tabulate feng2021_fig3: mini-batch landscapes, noise covariance, noise strength and correlation time against flatness."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sgdphysics import fits
from sgdphysics.provenance import jobs
from sgdphysics.tables import RUN_COLUMNS, load_table, load_tables, save_rows, save_table

KEYS = [*RUN_COLUMNS, "window", "window_epochs", "source", "basis"]
TIMES = {"relaxation": "relaxation_time_steps", "integrated": "integrated_time_steps"}


def tabulate(directions_path: Path, runs_path: Path, measured: Mapping[str, Sequence[Path]], tables: Mapping[str, Path]) -> None:
    """Write the tables "directions" (reference runs), "correlation_times" (one fit per run, window, source, basis and kind of
    time), "minibatches", "covariance" and "homogeneity".
    """
    directions = load_table(directions_path)
    reference = directions[directions["reference"]]
    columns = [*KEYS, "rank", "fitted", "flatness", "temperature", *TIMES.values()]
    save_table(tables["directions"], reference[columns])
    columns = [*KEYS, "time", "exponent", "intercept", "r", "points"]
    save_rows(tables["correlation_times"], _time_fits(reference), columns)
    runs = load_table(runs_path)[RUN_COLUMNS]
    for name, paths in measured.items():
        save_table(tables[name], runs.merge(load_tables(paths)).sort_values(["seed"], kind="stable"))


def _time_fits(directions: pd.DataFrame) -> list[pd.DataFrame]:
    """One row per run, window, source, basis and kind of time."""
    rows = []
    for key, group in directions[directions["fitted"]].groupby(KEYS):
        for time, column in TIMES.items():
            fit = fits.power_law(group["flatness"], group[column])
            numbers = {"exponent": fit.exponent, "intercept": fit.intercept, "r": fit.r, "points": fit.n}
            rows.append(pd.DataFrame([{**dict(zip(KEYS, key, strict=True)), "time": time, **numbers}]))
    return rows


MEASURED = ("minibatches", "covariance", "homogeneity")

if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tabulate(
            Path(snakemake.input.directions),
            Path(snakemake.input.runs),
            {name: [Path(path) for path in snakemake.input[name]] for name in MEASURED},
            {name: Path(snakemake.output[name]) for name in ("directions", "correlation_times", *MEASURED)},
        )
