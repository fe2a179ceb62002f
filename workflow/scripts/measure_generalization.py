"""Measure the trained networks of one seed: losses and errors, sharpness, temperature."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sgdphysics import curvature, devices, generalization, labelled_images, noise, progress, run_files, training
from sgdphysics.provenance import jobs
from sgdphysics.tables import RUN_ORDER, save_rows

SETTINGS = ["learning_rate", "batch_size", "seed"]
MEASURED = [
    *("training_loss", "training_error", "test_loss", "test_error"),
    *("slope_spread", "largest_eigenvalue", "sharpest_temperature"),
]
COLUMNS = ["run", *SETTINGS, "status", "epochs", "steps", *MEASURED]


def measure(
    runs_paths: Sequence[Path],
    dataset_path: Path,
    seed: int,
    layer: int,
    sharpest_directions: int,
    table_path: Path,
    device: str = devices.CPU,
) -> None:
    """Write one row per run of this seed; of networks that are dead or not finite only what became of them."""
    images = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device))
    rows = []
    for path in runs_paths:
        for name, result in run_files.load_results(path).items():
            if result.run.seed != seed:
                continue
            row = {"run": name, **{key: getattr(result.run, key) for key in SETTINGS}}
            row |= {key: getattr(result, key) for key in ("status", "epochs", "steps")}
            if result.status not in ("diverged", "dead"):
                row |= _numbers(result, images.of(result.run), layer, sharpest_directions)
            rows.append(row)
            progress.tell(name, status=result.status)
    table = pd.DataFrame(rows, columns=COLUMNS)
    save_rows(table_path, [table], COLUMNS, RUN_ORDER)


def _numbers(result: training.Result, data: generalization.MatchedData, layer: int, sharpest_directions: int) -> dict[str, float]:
    """What is measured of a network, over all of its training images (labels as trained on) and all test images."""
    run, network = result.run, result.network.double().to(data.images.device)
    numbers = {key: value for key, value in data.losses(network).items() if key in MEASURED}
    numbers["slope_spread"] = data.pairs(network, layer).spreads()[0]
    training_data = data.images, data.labels, layer
    eigenvalues, directions = curvature.sharpest_directions(network, *training_data, sharpest_directions, run.loss)
    numbers["largest_eigenvalue"] = float(eigenvalues[0])
    gradients = noise.projected_gradients(network, *training_data, directions, run.loss)
    temperatures = noise.temperature(gradients, run.learning_rate, run.batch_size, run.sampling)
    return {**numbers, "sharpest_temperature": float(temperatures.mean())}


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            [Path(path) for path in snakemake.input.runs],
            Path(snakemake.input.dataset),
            snakemake.params.seed,
            snakemake.params.layer,
            snakemake.params.sharpest_directions,
            Path(snakemake.output.table),
            device,
        )
