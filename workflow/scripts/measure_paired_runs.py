"""Measure runs of the reference setting whose batches were drawn the one way and the other, at equal losses, epochs and stop."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from sgdphysics import curvature, devices, equal_loss, generalization, labelled_images, noise, progress, run_files
from sgdphysics.generalization import MatchedData
from sgdphysics.provenance import jobs
from sgdphysics.tables import RUN_COLUMNS, RUN_ORDER, save_rows
from sgdphysics.training import Result

COLUMNS = [*RUN_COLUMNS, "sampling", "comparison", "target", "quantity", "value"]
COMPARED = ("test_loss", "test_error")
SAMPLINGS = ("epoch", "replacement")


def measure(
    runs_paths: Sequence[Path],
    dataset_path: Path,
    settings: Mapping[str, Any],
    reference_runs: Sequence[str],
    table_path: Path,
    device: str = devices.CPU,
) -> None:
    """Write one row per run, comparison, target and quantity.

    Comparisons are "equal_loss" (target: a training loss), "equal_epochs" (target: an epoch) and "stop" (target: the training loss
    there, with the variance of the gradients of single images, in all directions of the studied layer and without the sharpest).

    Args:
        runs_paths: Networks of the reference setting, and those drawn the other way.
        dataset_path: The data set.
        settings: Those of feng2021: "layer", "sharpest_directions" and "equal_losses".
        reference_runs: Names of the reference runs.
        table_path: Where to write.
        device: Where to compute.
    """
    images, rows = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device)), []
    for name, result in _paired(runs_paths, reference_runs):
        columns = {key: getattr(result.run, key) for key in (*RUN_ORDER, "sampling")}
        columns |= {"run": name, "status": result.status, "reference": name in reference_runs}
        data = images.of(result.run)
        checkpoints = _checkpoints(result, data)
        parts = [
            _at_equal_epochs(checkpoints),
            equal_loss.interpolated(checkpoints, COMPARED, settings["equal_losses"]).assign(comparison="equal_loss"),
            _at_the_stop(result, data, settings),
        ]
        rows += [part.assign(**columns) for part in parts]
        progress.tell(name, sampling=result.run.sampling)
    save_rows(table_path, rows, COLUMNS, ["comparison", "quantity", "target", *RUN_ORDER, "sampling"])


def _paired(runs_paths: Sequence[Path], reference_runs: Sequence[str]) -> Iterator[tuple[str, Result]]:
    """The reference runs and those that differ from one only in the way of drawing, as far as they have a network."""
    results = {name: result for path in runs_paths for name, result in run_files.load_results(path).items()}
    reference = {replace(results[name].run, sampling=sampling) for name in reference_runs for sampling in SAMPLINGS}
    for name, result in results.items():
        if result.run in reference and result.status not in ("diverged", "dead"):
            yield name, result


def _checkpoints(result: Result, data: MatchedData) -> pd.DataFrame:
    """Losses and errors at the ends of the epochs whose networks were kept."""
    epoch_steps, rows = result.steps // result.epochs, []
    for step, network in sorted({**result.checkpoints, result.steps: result.network}.items()):
        if step and step % epoch_steps == 0:
            losses = data.losses(network.double().to(data.images.device))
            rows.append({"epoch": step // epoch_steps, **{key: losses[key] for key in ("training_loss", *COMPARED)}})
    return pd.DataFrame(rows)


def _at_equal_epochs(checkpoints: pd.DataFrame) -> pd.DataFrame:
    rows = checkpoints.melt(id_vars="epoch", var_name="quantity")
    return rows.rename(columns={"epoch": "target"}).assign(comparison="equal_epochs")


def _at_the_stop(result: Result, data: MatchedData, settings: Mapping[str, Any]) -> pd.DataFrame:
    network, layer, loss = result.network.double().to(data.images.device), settings["layer"], result.run.loss
    losses = data.losses(network)
    whole = noise.gradient_variance(network, data.images, data.labels, layer, loss)
    count = min(settings["sharpest_directions"], network.weights[layer].numel())
    _, sharpest = curvature.sharpest_directions(network, data.images, data.labels, layer, count, loss)
    sharp = noise.projected_gradients(network, data.images, data.labels, layer, sharpest, loss).var(0, correction=0).sum()
    values = {key: losses[key] for key in COMPARED}
    values |= {"gradient_variance": whole, "gradient_variance_without_sharpest": whole - float(sharp), "epochs": result.epochs}
    rows = pd.DataFrame({"quantity": values.keys(), "value": values.values()})
    return rows.assign(comparison="stop", target=losses["training_loss"])


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            [Path(path) for path in snakemake.input.runs],
            Path(snakemake.input.dataset),
            snakemake.params.settings,
            snakemake.params.reference_runs,
            Path(snakemake.output.table),
            device,
        )
