"""Measure sharpness and size under dropout in every layer and for every way of matching: what decides where dropout leads?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sgdphysics import devices, generalization, labelled_images, progress, run_files, sharpness_and_size, sweeps
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

COLUMNS = [
    "run",
    "point",
    "target",
    "epoch",
    "layer",
    "matching",
    "gap",
    "slope_spread",
    "weight_spread",
    "weight_norm",
    "largest_eigenvalue",
    "trace",
]


def measure(
    runs_paths: Sequence[Path],
    dataset_path: Path,
    chosen: Sequence[str],
    settings: Mapping[str, Any],
    table_path: Path,
    device: str = devices.CPU,
) -> None:
    """Write one row per chosen run, point of its training, layer and way of matching (other layers: nearest pixels only);
    none of networks that are dead or not finite.
    """
    images = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device), settings["test_images"])
    parts = []
    for path in runs_paths:
        for name, result in run_files.load_results(path).items():
            if name not in chosen:
                continue
            data = images.of(result.run)
            for point in sweeps.points_of(result, settings["equal_losses"], settings["equal_epochs"]):
                network = point.network.double().to(device)
                if not data.has_curvature(network, settings["layer"]):
                    continue
                columns = {"run": name, "point": point.kind, "target": point.target, "epoch": point.epoch}
                rows = sharpness_and_size.by_layer_and_matching(network, data, settings["layer"], result.run.seed)
                parts.append(pd.DataFrame(rows).assign(**columns))
            progress.tell(name)
    save_rows(table_path, parts, COLUMNS, ["run"])


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            [Path(path) for path in snakemake.input.runs],
            Path(snakemake.input.dataset),
            snakemake.params.chosen,
            snakemake.params.settings,
            Path(snakemake.output.table),
            device,
        )
