"""Measure runs of the reference setting whose batches were drawn the one way and the other, at equal losses, epochs and stop."""

from collections.abc import Iterable, Mapping, Sequence
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
COMPARED = ("test_loss", "test_error", "gradient_variance")
FLAT = "gradient_variance_without_sharpest"
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
    there). Quantities are losses, errors, and the variance of the gradients of single images in the studied layer; at the lowest
    loss that all runs come to also without the sharpest directions.

    Args:
        runs_paths: Networks of the reference setting, and those drawn the other way.
        dataset_path: The data set.
        settings: Those of feng2021: "layer", "sharpest_directions" and "equal_losses".
        reference_runs: Names of the reference runs.
        table_path: Where to write.
        device: Where to compute.
    """
    images, rows = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device)), []
    paired = _paired(runs_paths, reference_runs)
    checkpoints = {name: _checkpoints(result, images.of(result.run), settings["layer"]) for name, result in paired.items()}
    lowest = _lowest_common_loss(checkpoints.values(), settings["equal_losses"])
    for name, result in paired.items():
        columns = {key: getattr(result.run, key) for key in (*RUN_ORDER, "sampling")}
        columns |= {"run": name, "status": result.status, "reference": name in reference_runs}
        parts = [
            _at_equal_epochs(checkpoints[name]),
            equal_loss.interpolated(checkpoints[name], COMPARED, settings["equal_losses"]).assign(comparison="equal_loss"),
            _at_the_stop(result, checkpoints[name]),
        ]
        if lowest is not None:
            parts.append(_without_sharpest(result, images.of(result.run), checkpoints[name], lowest, settings))
        rows += [part.assign(**columns) for part in parts]
        progress.tell(name, sampling=result.run.sampling)
    save_rows(table_path, rows, COLUMNS, ["comparison", "quantity", "target", *RUN_ORDER, "sampling"])


def _paired(runs_paths: Sequence[Path], reference_runs: Sequence[str]) -> dict[str, Result]:
    """The reference runs and those that differ from one only in the way of drawing, as far as they have a network, by name."""
    results = {name: result for path in runs_paths for name, result in run_files.load_results(path).items()}
    reference = {replace(results[name].run, sampling=sampling) for name in reference_runs for sampling in SAMPLINGS}
    return {
        name: result for name, result in results.items() if result.run in reference and result.status not in ("diverged", "dead")
    }


def _lowest_common_loss(checkpoints: Iterable[pd.DataFrame], losses: Sequence[float]) -> float | None:
    """The lowest of some losses that lies between checkpoints of every run, None if none does."""
    ranges = [(rows["training_loss"].min(), rows["training_loss"].max()) for rows in checkpoints]
    return min((loss for loss in losses if ranges and all(low <= loss <= high for low, high in ranges)), default=None)


def _checkpoints(result: Result, data: MatchedData, layer: int) -> pd.DataFrame:
    """What is compared, at the ends of the epochs whose networks were kept."""
    epoch_steps, rows = result.steps // result.epochs, []
    for step, network in sorted({**result.checkpoints, result.steps: result.network}.items()):
        if step and step % epoch_steps == 0:
            network = network.double().to(data.images.device)
            losses = data.losses(network)
            values = {key: losses[key] for key in ("training_loss", "test_loss", "test_error")}
            values["gradient_variance"] = noise.gradient_variance(network, data.images, data.labels, layer, result.run.loss)
            rows.append({"epoch": step // epoch_steps, **values})
    return pd.DataFrame(rows)


def _at_equal_epochs(checkpoints: pd.DataFrame) -> pd.DataFrame:
    rows = checkpoints.melt(id_vars="epoch", var_name="quantity")
    return rows.rename(columns={"epoch": "target"}).assign(comparison="equal_epochs")


def _without_sharpest(
    result: Result, data: MatchedData, checkpoints: pd.DataFrame, loss: float, settings: Mapping[str, Any]
) -> pd.DataFrame:
    """The variance of gradients in all but the sharpest directions at a loss, from the checkpoints between which it lies."""
    losses = checkpoints["training_loss"]
    nearest = [losses[losses <= loss].idxmax(), losses[losses >= loss].idxmin()]
    around = checkpoints.loc[list(dict.fromkeys(nearest))]
    flat = around.assign(**{FLAT: [_flat_variance(result, data, epoch, settings) for epoch in around["epoch"]]})
    return equal_loss.interpolated(flat, [FLAT], [loss]).assign(comparison="equal_loss")


def _flat_variance(result: Result, data: MatchedData, epoch: int, settings: Mapping[str, Any]) -> float:
    """Variance of the gradients of single images in all but the sharpest directions."""
    layer, loss = settings["layer"], result.run.loss
    network = result.network_after(epoch).double().to(data.images.device)
    count = min(settings["sharpest_directions"], network.weights[layer].numel())
    _, sharpest = curvature.sharpest_directions(network, data.images, data.labels, layer, count, loss)
    sharp = noise.projected_gradients(network, data.images, data.labels, layer, sharpest, loss).var(0, correction=0).sum()
    return noise.gradient_variance(network, data.images, data.labels, layer, loss) - float(sharp)


def _at_the_stop(result: Result, checkpoints: pd.DataFrame) -> pd.DataFrame:
    last = checkpoints.iloc[-1]
    values = {"epochs": result.epochs, **{key: last[key] for key in COMPARED}}
    rows = pd.DataFrame({"quantity": values.keys(), "value": values.values()})
    return rows.assign(comparison="stop", target=last["training_loss"])


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
