"""Rescale the layers of the reference networks of the sweeps, and measure which measures of sharpness and size change."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sgdphysics import devices, generalization, labelled_images, progress, rescaled_copies, run_files
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

COLUMNS = [
    "run",
    "seed",
    "other_layer",
    "factor",
    "logit_change",
    "largest_eigenvalue",
    "trace",
    "median_flatness",
    "weight_norm",
    "slope_spread",
    "weight_spread",
    "product_of_spreads",
    "decomposed_gap",
]


def rescale(
    runs_paths: Sequence[Path],
    dataset_path: Path,
    reference_runs: Sequence[str],
    settings: Mapping[str, Any],
    table_path: Path,
    device: str = devices.CPU,
) -> None:
    """Write one row per converged reference run, other layer and factor p: the studied layer times p, the other over p.

    None of a network in which the loss has no curvature.
    ``logit_change`` is the largest change of a logit on the test images, relative to the largest logit.
    """
    images = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device), settings["test_images"])
    rows = []
    for path in runs_paths:
        for name, result in run_files.load_results(path).items():
            if name not in reference_runs or result.status != "converged":
                continue
            data, network = images.of(result.run), result.network.double().to(device)
            if not data.has_curvature(network, settings["layer"]):
                continue
            copies = rescaled_copies.of_rescaled_copies(network, data, settings["layer"], settings["rescaling_factors"])
            rows += [{"run": name, "seed": result.run.seed, **copy} for copy in copies]
            progress.tell(name)
    save_rows(table_path, [pd.DataFrame(rows, columns=COLUMNS)], COLUMNS, ["seed", "run"])


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        rescale(
            [Path(path) for path in snakemake.input.runs],
            Path(snakemake.input.dataset),
            snakemake.params.reference_runs,
            snakemake.params.settings,
            Path(snakemake.output.table),
            device,
        )
