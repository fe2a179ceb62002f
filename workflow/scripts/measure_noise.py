"""Measure the noise of SGD for one chunk: temperatures at the windows' centres and through training, and what goes with them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sgdphysics import devices, generalization, labelled_images, progress, run_files, window_results
from sgdphysics.provenance import jobs
from sgdphysics.tables import WINDOW_COLUMNS, load_table, save_rows
from sgdphysics.window_noise import LOSSES_AND_ERRORS, WindowNoise

WINDOW = WINDOW_COLUMNS
COLUMNS = {
    "temperature": [*WINDOW, "basis", "rank", "temperature"],
    "checkpoints": ["run", "step", "epoch", *LOSSES_AND_ERRORS, "slope_spread", "sharpest_temperature"],
    "annealing": ["run", "step", "epoch", "rank", "temperature", "training_loss"],
    "homogeneity": [*WINDOW, "rank", "position", "offset", "temperature"],
    "minibatches": [*WINDOW, "rank", "batch", "offset", "loss"],
    "covariance": [*WINDOW, "rank", "other_rank", "covariance"],
}


def measure(
    runs_path: Path,
    windows_path: Path,
    flatness_path: Path,
    dataset_path: Path,
    settings: Mapping[str, Any],
    reference_runs: Sequence[str],
    drawn_runs: Sequence[str],
    tables: Mapping[str, Path],
    device: str = devices.CPU,
) -> None:
    """Write the tables "temperature", "checkpoints", "annealing" (all runs), "homogeneity" (of the reference setting), and
    "minibatches" and "covariance" (of the runs that are drawn).
    """
    images = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device))
    results, flatness = run_files.load_results(runs_path), load_table(flatness_path)
    rows: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    for name, role, window in window_results.load_windows(windows_path):
        around = WindowNoise(results[name], window, images.of(results[name].run))
        columns = {"run": name, "window": role, "window_epochs": window.epochs}
        rows["temperature"].append(around.temperature_rows().assign(**columns))
        if role != "main":
            continue
        checkpoints, annealing = around.training_rows(settings["annealing_ranks"], settings["sharpest_directions"])
        rows["checkpoints"].append(checkpoints.assign(run=name))
        rows["annealing"].append(annealing.assign(run=name))
        if name in reference_runs:
            principal = flatness.query("run == @name and window == 'main' and source == 'sgd' and basis == 'principal'")
            principal = principal.set_index("rank")
            rows["homogeneity"].append(around.homogeneity_rows(principal, settings["slice_ranks"]).assign(**columns))
            if name in drawn_runs:
                minibatches = around.minibatch_rows(principal, settings["minibatch_rank"], settings["minibatches_drawn"])
                rows["minibatches"].append(minibatches.assign(**columns))
                rows["covariance"].append(around.covariance_rows().assign(**columns))
        progress.tell(name)
    for table, parts in rows.items():
        save_rows(tables[table], parts, COLUMNS[table])


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            Path(snakemake.input.runs),
            Path(snakemake.input.windows),
            Path(snakemake.input.flatness),
            Path(snakemake.input.dataset),
            snakemake.params.settings,
            snakemake.params.reference_runs,
            snakemake.params.drawn_runs,
            {name: Path(snakemake.output[name]) for name in COLUMNS},
            device,
        )
