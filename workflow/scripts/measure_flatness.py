"""Measure the landscape around the centres of one chunk's windows: flatness along directions, slices, numbers of minima."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sgdphysics import devices, labelled_images, progress, run_files, training, window_results
from sgdphysics.provenance import jobs
from sgdphysics.tables import WINDOW_COLUMNS, save_rows
from sgdphysics.window_landscape import WindowLandscape

WINDOW = WINDOW_COLUMNS
COLUMNS = {
    "flatness": [*WINDOW, "source", "basis", "rank", "curvature", "edge_left", "edge_right", "flatness"],
    "slices": [*WINDOW, "rank", "offset", "loss"],
    "minima": [*WINDOW, "directions", "rank", "range", "width", "minima"],
}


def measure(
    runs_path: Path,
    windows_path: Path,
    dataset_path: Path,
    settings: Mapping[str, Any],
    reference_runs: Sequence[str],
    tables: Mapping[str, Path],
    device: str = devices.CPU,
) -> None:
    """Write the tables "flatness" (all windows), "slices" and "minima" (reference runs, main window)."""
    dataset = labelled_images.load_dataset(dataset_path).to(device)
    results = run_files.load_results(runs_path)
    lines = settings["slice_directions"], settings["slice_random_directions"]
    rows: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    for name, role, window in window_results.load_windows(windows_path):
        run = results[name].run
        indices, labels, _ = training.training_set(run, dataset.train_labels, dataset.classes)
        around = WindowLandscape(window, run, dataset.train_images[indices], labels, settings["flatness_factor"])
        columns = {"run": name, "window": role, "window_epochs": window.epochs}
        flatness = around.flatness_rows()
        rows["flatness"].append(flatness.assign(**columns))
        if role == "main" and name in reference_runs:
            slices = around.slice_rows(flatness, settings["slice_ranks"], settings["slice_points"])
            minima = around.minima_rows(*lines, settings["slice_points"], settings["slice_range"])
            rows["slices"].append(slices.assign(**columns))
            rows["minima"].append(minima.assign(**columns))
        progress.tell(name, window_epochs=window.epochs)
    for table, parts in rows.items():
        save_rows(tables[table], parts, COLUMNS[table])


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            Path(snakemake.input.runs),
            Path(snakemake.input.windows),
            Path(snakemake.input.dataset),
            snakemake.params.settings,
            snakemake.params.reference_runs,
            {name: Path(snakemake.output[name]) for name in COLUMNS},
            device,
        )
