"""Measure how many directions the weights fluctuate in after training, for networks of several widths, treated alike."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from sgdphysics import devices, labelled_images, progress, run_files, seeds, windows
from sgdphysics.fluctuations import WindowMoments
from sgdphysics.provenance import jobs
from sgdphysics.spectra import numbers_of_components
from sgdphysics.study import window_plans
from sgdphysics.surrogates import isotropic_walk
from sgdphysics.tables import RUN_COLUMNS, RUN_ORDER, save_rows
from sgdphysics.training import Result, continue_training, steps_per_epoch, training_set

Data = tuple[Tensor, Tensor]  # images and labels to train on

NUMBERS = [
    *("components_90", "components_99", "components_90_without_first", "components_99_without_first"),
    "participation_ratio_without_first",
]
COLUMNS = [*RUN_COLUMNS, "hidden_width", "weights", "window_epochs", "window_steps", "source", *NUMBERS]


def measure(
    runs_paths: Sequence[Path],
    dataset_path: Path,
    settings: Mapping[str, Any],
    reference_runs: Sequence[str],
    table_path: Path,
    device: str = devices.CPU,
) -> None:
    """Write one row per run and source: "sgd" in the main window, and an "isotropic" walk of as many steps and weights.

    The numbers of a run that diverged, or whose weights do not fluctuate in a window, are missing.

    Args:
        runs_paths: Networks of the reference setting, and those of other widths.
        dataset_path: The data set.
        settings: Those of feng2021: "layer", "window_epochs" and "window_position".
        reference_runs: Names of the reference runs.
        table_path: Where to write.
        device: Where to compute.
    """
    dataset = labelled_images.load_dataset(dataset_path).to(device)
    data, layer, epochs, rows = (dataset.train_images, dataset.train_labels), settings["layer"], settings["window_epochs"], []
    for name, result in _of_several_widths(runs_paths, reference_runs).items():
        columns = {"run": name, "status": result.status, **{key: getattr(result.run, key) for key in RUN_ORDER}}
        columns |= {"reference": name in reference_runs, "hidden_width": max(result.run.hidden_widths)}
        columns |= {"weights": result.network.weights[layer].numel(), "window_epochs": epochs}
        columns |= {"window_steps": epochs * _epoch_steps(result, data)}
        rows += [{**columns, **numbers} for numbers in _sources(result, settings, data)]
        progress.tell(name, hidden_width=columns["hidden_width"], weights=columns["weights"])
    save_rows(table_path, [pd.DataFrame(rows, columns=COLUMNS)], COLUMNS, ["weights", *RUN_ORDER, "source"])


def _of_several_widths(runs_paths: Sequence[Path], reference_runs: Sequence[str]) -> dict[str, Result]:
    """The reference runs and those that differ from one only in their widths, by name."""
    results = {name: result for path in runs_paths for name, result in run_files.load_results(path).items()}
    reference = [results[name].run for name in reference_runs]
    return {
        name: result
        for name, result in results.items()
        if any(replace(result.run, hidden_widths=run.hidden_widths) == run for run in reference)
    }


def _sources(result: Result, settings: Mapping[str, Any], data: Data) -> list[dict[str, Any]]:
    """What is counted, of each source of fluctuations."""
    variances = _variances_of_sgd(result, settings, data) if _has_window(result, settings, data) else None
    if variances is None:
        return [{"source": "sgd"}]
    sources = {"sgd": variances, "isotropic": _variances_of_walk(result, settings, data)}
    return [{"source": source, **numbers_of_components(found, float(found.sum()))} for source, found in sources.items()]


def _has_window(result: Result, settings: Mapping[str, Any], data: Data) -> bool:
    images = _images(result, data)
    long_enough = settings["window_epochs"] * _epoch_steps(result, data) >= window_plans.FEWEST_STEPS
    return result.status not in ("diverged", "dead") and window_plans.has_noise(result.run, images) and long_enough


def _variances_of_sgd(result: Result, settings: Mapping[str, Any], data: Data) -> Tensor | None:
    """Variances of the principal components of the studied layer over the main window; None where it diverges or stands still."""
    layer, epochs = settings["layer"], settings["window_epochs"]
    network, epoch = windows.window_start(result, settings["window_position"], epochs, *data)
    moments = WindowMoments(network.weights[layer].numel(), epochs * _epoch_steps(result, data))

    def observe(weights: Sequence[Tensor]) -> None:
        moments.add(weights[layer].flatten())

    continue_training([result.run], [network], [epoch], *data, epochs=epochs, observer=observe)
    if not moments.mean.isfinite().all():
        return None
    variances = moments.component_variances
    return variances if variances[0] > 0 else None


def _variances_of_walk(result: Result, settings: Mapping[str, Any], data: Data) -> Tensor:
    """The same of a walk with independent steps in every direction, that which is among the surrogates of a reference run."""
    run, epochs, epoch_steps = result.run, settings["window_epochs"], _epoch_steps(result, data)
    weights = result.network.weights[settings["layer"]].numel()
    moments = WindowMoments(weights, epochs * epoch_steps)
    for block in isotropic_walk(weights, epoch_steps, epochs, run.sampling, seeds.generator(run.seed, "surrogate", epochs)):
        moments.add(block)
    return moments.component_variances


def _epoch_steps(result: Result, data: Data) -> int:
    return steps_per_epoch(result.run, _images(result, data))


def _images(result: Result, data: Data) -> int:
    return len(training_set(result.run, data[1], result.network.classes)[0])


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
