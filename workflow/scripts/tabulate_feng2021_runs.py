"""Tabulate the runs of a study: settings, outcome, length."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sgdphysics.provenance import jobs
from sgdphysics.tables import RUN_ORDER, save_rows
from sgdphysics.tensors import load_metadata


def tabulate(runs_paths: Sequence[Path], reference_runs: Sequence[str], table_path: Path) -> None:
    """Write one row per run, in the order of learning rate, batch size and seed."""
    rows = []
    for path in runs_paths:
        metadata = load_metadata(path, "dataset", "results")
        for result in metadata["results"]:
            run = result["run"]
            rows.append(
                {
                    "run": result["name"],
                    "dataset": metadata["dataset"],
                    **{key: run[key] for key in ("learning_rate", "batch_size", "seed", "sampling", "loss")},
                    "reference": result["name"] in reference_runs,
                    **{key: result[key] for key in ("status", "epochs", "steps", "diverged_step")},
                    "final_loss": result["loss_history"][-1],
                    "final_accuracy": result["accuracy_history"][-1],
                }
            )
    table = pd.DataFrame(rows)
    save_rows(table_path, [table], table.columns, [*RUN_ORDER, "run"])


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tabulate([Path(p) for p in snakemake.input.runs], snakemake.params.reference_runs, Path(snakemake.output.table))
