"""Measure the networks up to the edge: what became of them, the sharpness of their batches, and controls as they train."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from sgdphysics import batch_sharpness, devices, edge_measurements, generalization, labelled_images, progress, run_files, training
from sgdphysics.provenance import jobs
from sgdphysics.sharpness_and_size import losses_and_sharpness
from sgdphysics.tables import RUN_ORDER, save_rows
from sgdphysics.training import Result

RUN = ["run", "part", *RUN_ORDER, "initial_scale", "status"]
POINT = [*RUN, "epochs", "last"]
QUANTITIES = ["training_loss", "training_error", "test_loss", "test_error", "slope_spread", "largest_eigenvalue"]
COLUMNS = {
    "outcomes": [*RUN, "outcome", "epochs", "steps"],
    "sharpness": [*POINT, "batches", "batch_sharpness", "learning_rate_times_batch_sharpness"],
    "followed": [*POINT, *QUANTITIES],
}


def measure(
    runs_paths: Sequence[Path],
    dataset_path: Path,
    parts: Mapping[str, Sequence[str]],
    settings: Mapping[str, Any],
    tables: Mapping[str, Path],
    device: str = devices.CPU,
) -> None:
    """Write the tables "outcomes" (one row per run), "sharpness" and "followed" (one row per run and epoch).

    Args:
        runs_paths: The trained runs.
        dataset_path: Their data set.
        parts: Names of the runs of "talk_example", "line", "initial_scale" and "control"; all others are of the grid alone.
        settings: "layer" and "sharpness_images" of the edge.
        tables: Where they are written. The sharpness of batches is measured at the end of every run and, of a line and the
            control, at the epochs that were kept; "followed" are the control at these, and the initial scale at the end.
        device: Where it is measured.
    """
    dataset = labelled_images.load_dataset(dataset_path).to(device)
    images = generalization.MatchedDatasets(dataset)
    part_of = {name: part for part, names in parts.items() for name in names}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
    for path in runs_paths:
        for name, result in run_files.load_results(path).items():
            part = part_of.get(name, "grid")
            run = {key: getattr(result.run, key) for key in (*RUN_ORDER, "initial_scale")}
            run |= {"run": name, "part": "grid" if part == "line" else part, "status": result.status}
            fate = {"outcome": edge_measurements.outcome(result), "epochs": result.epochs, "steps": result.steps}
            rows["outcomes"].append({**run, **fate})
            for epoch in edge_measurements.measured_epochs(result, followed=part in ("line", "control")):
                network = result.network_after(epoch)
                if network is None:
                    continue
                there = replace(result, network=network.to(device))
                point = {**run, "epochs": epoch, "last": epoch == result.epochs}
                sharpness = _sharpness(there, dataset, epoch, settings["sharpness_images"])
                if not sharpness:  # none of its batches has a gradient: it is dead, if not yet found to be
                    continue
                rows["sharpness"].append({**point, **sharpness})
                if part in ("control", "initial_scale"):
                    data = images.of(result.run)
                    measured = losses_and_sharpness(there, data, settings["layer"], sharpest_directions=1)
                    rows["followed"].append({**point, **measured})
            progress.tell(name, status=result.status)
    for name, columns in COLUMNS.items():
        order = ["part", *RUN_ORDER, "run", "epochs"]
        save_rows(tables[name], [pd.DataFrame(rows[name], columns=columns)], columns, order)


def _sharpness(result: Result, dataset: labelled_images.Dataset, epoch: int, least_images: int) -> dict[str, float]:
    """The sharpness of the batches that a network would have been trained on next; nothing if no batch has a gradient."""
    indices, labels, _ = training.training_set(result.run, dataset.train_labels, dataset.classes)
    batches = batch_sharpness.next_batches(result, len(indices), least_images, epoch)
    drawn = batches.flatten().to(indices.device)
    images, places = dataset.train_images[indices[drawn]], torch.arange(len(drawn)).view_as(batches)
    values = batch_sharpness.batch_sharpness(result.network, images, labels[drawn], places, result.run.loss)
    values = values[values.isfinite()]
    if not len(values):
        return {}
    mean = float(values.mean())
    product = result.run.learning_rate * mean
    return {"batches": len(values), "batch_sharpness": mean, "learning_rate_times_batch_sharpness": product}


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            [Path(path) for path in snakemake.input.runs],
            Path(snakemake.input.dataset),
            snakemake.params.parts,
            snakemake.params.settings,
            {name: Path(snakemake.output[name]) for name in COLUMNS},
            device,
        )
