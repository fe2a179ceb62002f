"""Measure the exponent of feng2021 by the published protocol at the reference setting, and by ours with one part at a time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sgdphysics import devices, labelled_images, progress, run_files, training
from sgdphysics.provenance import jobs
from sgdphysics.published_protocol import WITH_NOISE, MeasuredRun, Protocol, ProtocolSettings, protocols
from sgdphysics.study import window_plans
from sgdphysics.tables import RUN_COLUMNS, RUN_ORDER, save_rows

NUMBERS = ["exponent", "r", "spearman", "points", "censored"]
PARTS = ["stop", "position", "centre", "fitted"]
COLUMNS = [*RUN_COLUMNS, "protocol", "source", *PARTS, "stop_epoch", "window_epochs", "window_steps", "last_rank", *NUMBERS]


def measure(
    runs_paths: Sequence[Path],
    dataset_path: Path,
    reference_runs: Sequence[str],
    settings: Mapping[str, Any],
    table_path: Path,
    device: str = devices.CPU,
) -> None:
    """Write the table, one row per run, protocol and source (SGD or frozen noise)."""
    dataset = labelled_images.load_dataset(dataset_path).to(device)
    images, labels = dataset.train_images, dataset.train_labels
    results = {name: result for path in runs_paths for name, result in run_files.load_results(path).items()}
    shared = ProtocolSettings(settings["layer"], settings["window_epochs"], settings["directions"], settings["flatness_factor"])
    rows = []
    for name in reference_runs:
        result = results[name]
        if result.status in ("diverged", "dead"):
            continue
        if not window_plans.has_noise(result.run, len(training.training_set(result.run, labels)[0])):
            progress.tell(name, not_measured="no noise, so nothing fluctuates")
            continue
        ours = Protocol(result.run.stop_on, settings["window_position"], settings["centre"], "log_spaced")
        measured = MeasuredRun(result, images, labels, shared).rows(protocols(ours), WITH_NOISE)
        run = {key: getattr(result.run, key) for key in RUN_ORDER}
        columns = {**run, "run": name, "status": result.status, "reference": True, "window_epochs": shared.epochs}
        rows.append(measured.assign(**columns))
        progress.tell(name, protocols=measured["protocol"].nunique() if len(measured) else 0)
    save_rows(table_path, rows, COLUMNS, [*RUN_ORDER, "protocol", "source"])


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            [Path(path) for path in snakemake.input.runs],
            Path(snakemake.input.dataset),
            snakemake.params.reference_runs,
            snakemake.params.settings,
            Path(snakemake.output.table),
            device,
        )
