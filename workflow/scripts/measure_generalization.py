"""Measure the trained networks of one seed: losses and errors, sharpness, temperature."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from torch import Tensor

from sgdphysics import curvature, datasets, duality, jobs, noise, records, run_files, training
from sgdphysics.losses import LOSSES

SETTINGS = ["learning_rate", "batch_size", "seed"]
MEASURED = [
    *("training_loss", "training_error", "test_loss", "test_error"),
    *("slope_spread", "largest_eigenvalue", "sharpest_temperature"),
]
COLUMNS = ["run", *SETTINGS, "status", "epochs", "steps", *MEASURED]


def measure(
    runs_paths: Sequence[Path], dataset_path: Path, seed: int, layer: int, sharpest_directions: int, table_path: Path
) -> None:
    """Write one row per run of this seed; of networks that are dead or not finite only what became of them."""
    dataset = datasets.load_dataset(dataset_path)
    matches: dict[tuple[int, ...], Tensor] = {}
    rows = []
    for path in runs_paths:
        for name, result in run_files.load_results(path).items():
            if result.run.seed != seed:
                continue
            row = {"run": name, **{key: getattr(result.run, key) for key in SETTINGS}}
            row |= {key: getattr(result, key) for key in ("status", "epochs", "steps")}
            if result.status not in ("diverged", "dead"):
                row |= _numbers(result, dataset, layer, sharpest_directions, matches)
            rows.append(row)
            print(name, result.status, file=sys.stderr)
    table = pd.DataFrame(rows, columns=COLUMNS)
    records.save_rows(table_path, [table], COLUMNS, records.RUN_ORDER)


def _numbers(
    result: training.Result,
    dataset: datasets.Dataset,
    layer: int,
    sharpest_directions: int,
    matches: dict[tuple[int, ...], Tensor],
) -> dict[str, float]:
    """What is measured of a network, over all of its training images (labels as trained on) and all test images."""
    run, network = result.run, result.network.double()
    indices, labels, _ = training.training_set(run, dataset.train_labels)
    images, test_images = dataset.train_images[indices].double(), dataset.test_images.double()
    numbers = {}
    for name, (inputs, truth) in {"training": (images, labels), "test": (test_images, dataset.test_labels)}.items():
        logits = network.logits(inputs)
        numbers[f"{name}_loss"] = LOSSES[run.loss].mean(logits, truth)
        numbers[f"{name}_error"] = float((logits.argmax(1) != truth).double().mean())
    key = tuple(indices.tolist())
    if key not in matches:
        matches[key] = duality.nearest_of_class(images, dataset.train_labels[indices], test_images, dataset.test_labels)
    matched = images[matches[key]]
    numbers["slope_spread"] = duality.slope_spread(network, matched, test_images, dataset.test_labels, layer, run.loss)
    eigenvalues, directions = curvature.sharpest_directions(network, images, labels, layer, sharpest_directions, run.loss)
    numbers["largest_eigenvalue"] = float(eigenvalues[0])
    gradients = noise.projected_gradients(network, images, labels, layer, directions, run.loss)
    temperatures = noise.temperature(gradients, run.learning_rate, run.batch_size, run.sampling)
    return {**numbers, "sharpest_temperature": float(temperatures.mean())}


if __name__ == "__main__":
    with jobs.logged_job(snakemake.log[0], snakemake.threads):
        measure(
            [Path(path) for path in snakemake.input.runs],
            Path(snakemake.input.dataset),
            snakemake.params.seed,
            snakemake.params.layer,
            snakemake.params.sharpest_directions,
            Path(snakemake.output.table),
        )
