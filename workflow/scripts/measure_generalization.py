"""Measure the trained networks of one chunk: losses and errors, sharpness, temperature."""

from pathlib import Path

import pandas as pd

from sgdphysics import devices, generalization, labelled_images, progress, run_files, sharpness_and_size
from sgdphysics.provenance import jobs
from sgdphysics.tables import RUN_ORDER, save_rows

COLUMNS = [
    "run",
    *RUN_ORDER,
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


def measure(
    runs_path: Path,
    dataset_path: Path,
    layer: int,
    sharpest_directions: int,
    table_path: Path,
    device: str = devices.CPU,
) -> None:
    """Write one row per run of the chunk; of networks that are dead or not finite only what became of them."""
    images = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device))
    rows = []
    for name, result in run_files.load_results(runs_path).items():
        row = {"run": name, **{key: getattr(result.run, key) for key in RUN_ORDER}}
        row |= {key: getattr(result, key) for key in ("status", "epochs", "steps")}
        if result.status not in ("diverged", "dead"):
            row |= sharpness_and_size.losses_and_sharpness(result, images.of(result.run), layer, sharpest_directions)
        rows.append(row)
        progress.tell(name, status=result.status)
    table = pd.DataFrame(rows, columns=COLUMNS)
    save_rows(table_path, [table], COLUMNS, [*RUN_ORDER, "run"])


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            Path(snakemake.input.runs),
            Path(snakemake.input.dataset),
            snakemake.params.layer,
            snakemake.params.sharpest_directions,
            Path(snakemake.output.table),
            device,
        )
