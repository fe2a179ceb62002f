"""Tabulate yang2023_fig4: every run up to and across the edge of convergence, outcomes by setting, edge and optimum by line."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sgdphysics import convergence_edge
from sgdphysics.provenance import jobs
from sgdphysics.tables import RUN_ORDER, load_tables, save_rows

OUTCOMES = ("converged", "not_converged", "diverged", "dead")
QUANTITIES = ("test_loss", "test_error")
RUNS = [
    "run",
    "part",
    "learning_rate",
    "batch_size",
    "noise_scale",
    "seed",
    "status",
    "epochs",
    "steps",
    "training_loss",
    "training_error",
    "test_loss",
    "test_error",
    "slope_spread",
    "largest_eigenvalue",
    "sharpest_temperature",
]
LINES = [
    "line",
    "quantity",
    "kind",
    "value",
    "points",
    "edge_learning_rate",
    "edge_batch_size",
    "beyond_learning_rate",
    "beyond_batch_size",
    "optimum_learning_rate",
    "optimum_batch_size",
    "octaves_from_optimum_to_edge",
]


def tabulate(measured_paths: Sequence[Path], talk_runs: Sequence[str], tables: Mapping[str, Path]) -> None:
    """Write the tables "runs" (one row per run), "settings" (runs of each outcome) and "lines" (one row per line and quantity)."""
    runs = _in_order(load_tables(measured_paths), talk_runs)
    save_rows(tables["runs"], [runs], RUNS)
    settings = _settings(runs)
    save_rows(tables["settings"], [settings], settings.columns, ["part", *convergence_edge.SETTING])
    save_rows(tables["lines"], [convergence_edge.optima(runs[runs["part"] == "grid"], QUANTITIES)], LINES)


def _in_order(runs: pd.DataFrame, talk_runs: Sequence[str]) -> pd.DataFrame:
    """The runs with the part of the figure that they are of and their noise, in an order that is not that of their files."""
    part = runs["run"].isin(set(talk_runs)).map({True: "talk_example", False: "grid"})
    noise = runs["learning_rate"] / runs["batch_size"]
    return runs.assign(part=part, noise_scale=noise).sort_values(["part", *RUN_ORDER, "run"], ignore_index=True)


def _settings(runs: pd.DataFrame) -> pd.DataFrame:
    """How many runs of each setting ended in which way."""
    keys = ["part", *convergence_edge.SETTING]
    counts = runs.groupby([*keys, "status"]).size().unstack(fill_value=0).reindex(columns=list(OUTCOMES), fill_value=0)
    return counts.assign(runs=counts.sum(axis=1)).reset_index()


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tabulate(
            [Path(path) for path in snakemake.input.measured],
            snakemake.params.talk_runs,
            {name: Path(snakemake.output[name]) for name in ("runs", "settings", "lines")},
        )
