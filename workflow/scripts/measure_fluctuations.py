"""Measure the windows of steps that follow the training of one chunk: directions, variances and correlation times."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sgdphysics import devices, labelled_images, progress, run_files, training, window_tables, windows
from sgdphysics.provenance import jobs
from sgdphysics.study import window_plans
from sgdphysics.tables import WINDOW_COLUMNS, save_rows

WINDOW = [*WINDOW_COLUMNS, "start_epoch", "source"]
TIMES = ["relaxation_time_steps", "integrated_time_steps"]
COLUMNS = {
    "fluctuations": [*WINDOW, "basis", "rank", "hessian_eigenvalue", "variance", "variance_without_drift", *TIMES],
    "detrended": [*WINDOW, "basis", "rank", "detrending_order", "variance"],
    "spectra": [*WINDOW, "rank", "variance", "total_variance", "held_out_variance", "first_alignment"],
    "trajectory": [*WINDOW, "rank", "step", "projection", "cosine_with_weights"],
}


def measure(
    runs_path: Path,
    dataset_path: Path,
    settings: Mapping[str, Any],
    reference_runs: Sequence[str],
    drawn_runs: Sequence[str],
    windows_path: Path,
    tables: Mapping[str, Path],
    device: str = devices.CPU,
) -> None:
    """Measure every window that is planned and write directions and centres, and the tables "fluctuations", "detrended" (variances
    without slow movement), "spectra", and "trajectory" (of the runs that are drawn).
    """
    dataset = labelled_images.load_dataset(dataset_path).to(device)
    images, labels = dataset.train_images, dataset.train_labels
    results = {
        name: result for name, result in run_files.load_results(runs_path).items() if result.status not in ("diverged", "dead")
    }
    kept, rows = [], {name: [] for name in COLUMNS}
    trained = {name: result.run for name, result in results.items()}
    number = max((len(training.training_set(run, labels)[0]) for run in trained.values()), default=0)  # the same of all in a chunk
    for plan, names in window_plans.plans_of_chunk(trained, number, reference_runs, settings):
        runs = [results[name].run for name in names]
        starts = [windows.window_start(results[name], plan.start, plan.settings.epochs, images, labels) for name in names]
        measured = windows.measure_windows(runs, starts, images, labels, plan.settings)
        for name, window in ((name, window) for name, window in zip(names, measured, strict=True) if window):
            columns = {"run": name, "window": plan.role, "window_epochs": window.epochs}
            if plan.landscape:
                kept.append((name, plan.role, window))
            if not plan.fluctuations:
                continue
            rows["spectra"].append(window_tables.spectrum_rows(window).assign(**columns))
            if plan.landscape:
                rows["fluctuations"].append(window_tables.fluctuation_rows(window).assign(**columns))
                rows["detrended"].append(window_tables.detrended_rows(window).assign(**columns))
            if plan.role == "main" and name in drawn_runs:
                trajectory = window_tables.trajectory_rows(window, settings["trajectory_ranks"])
                rows["trajectory"].append(trajectory.assign(**columns))
        progress.tell("windows", role=plan.role, epochs=plan.settings.epochs, runs=len(runs))
    for name, run in trained.items():
        weights = results[name].network.weights[settings["layer"]].numel()
        for sentence in window_plans.left_out(settings, run, number, reference=name in reference_runs, weights=weights):
            progress.tell(name, not_measured=sentence)
    windows.save_windows(windows_path, kept)
    for name, parts in rows.items():
        save_rows(tables[name], parts, COLUMNS[name])


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            Path(snakemake.input.runs),
            Path(snakemake.input.dataset),
            snakemake.params.settings,
            snakemake.params.reference_runs,
            snakemake.params.drawn_runs,
            Path(snakemake.output.windows),
            {name: Path(snakemake.output[name]) for name in COLUMNS},
            device,
        )
