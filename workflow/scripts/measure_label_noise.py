"""Measure the temperature through training of runs with wrong labels, as that of the reference setting is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sgdphysics import devices, generalization, labelled_images, progress, run_files, windows
from sgdphysics.provenance import jobs
from sgdphysics.study import window_plans
from sgdphysics.tables import RUN_COLUMNS, RUN_ORDER, save_rows
from sgdphysics.training import steps_per_epoch, training_set
from sgdphysics.window_noise import WindowNoise

COLUMNS = [*RUN_COLUMNS, "label_noise", "step", "epoch", "rank", "temperature", "training_loss"]


def measure(
    runs_paths: Sequence[Path], dataset_path: Path, settings: Mapping[str, Any], table_path: Path, device: str = devices.CPU
) -> None:
    """Write one row per run with wrong labels, checkpoint and principal direction of the window after training.

    None of a run that diverged, or whose window is too short to be measured.
    """
    dataset = labelled_images.load_dataset(dataset_path).to(device)
    images = generalization.MatchedDatasets(dataset)
    results = {
        name: result
        for path in runs_paths
        for name, result in run_files.load_results(path).items()
        if result.run.label_noise and result.status not in ("diverged", "dead")
    }
    data, rows = (dataset.train_images, dataset.train_labels), []
    runs = [result.run for result in results.values()]
    if runs and _has_window(runs[0], data[1], settings):
        plan = window_plans.plans_of_run(settings, runs[0], len(training_set(runs[0], data[1])[0]), reference=False)[0]
        alone = replace(plan.settings, hessian=False, noise_sampling=())
        starts = [windows.window_start(result, plan.start, alone.epochs, *data) for result in results.values()]
        measured = windows.measure_windows(runs, starts, *data, alone)
        for (name, result), window in zip(results.items(), measured, strict=True):
            if window is None:
                continue
            annealing = WindowNoise(result, window, images.of(result.run)).annealing_rows(settings["annealing_ranks"])
            columns = {key: getattr(result.run, key) for key in (*RUN_ORDER, "label_noise")}
            rows.append(annealing.assign(run=name, status=result.status, reference=False, **columns))
            progress.tell(name, status=result.status)
    save_rows(table_path, rows, COLUMNS, [*RUN_ORDER, "step", "rank"])


def _has_window(run, labels, settings: Mapping[str, Any]) -> bool:
    images = len(training_set(run, labels)[0])
    steps = settings["window_epochs"] * steps_per_epoch(run, images)
    return window_plans.has_noise(run, images) and steps >= window_plans.FEWEST_STEPS


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            [Path(path) for path in snakemake.input.runs],
            Path(snakemake.input.dataset),
            snakemake.params.settings,
            Path(snakemake.output.table),
            device,
        )
