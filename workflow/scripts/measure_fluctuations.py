"""Measure the windows of steps that follow the training of one chunk: directions, variances and correlation times."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from sgdphysics import devices, labelled_images, progress, run_files, training, windows
from sgdphysics.provenance import jobs
from sgdphysics.tables import WINDOW_COLUMNS, save_rows

WINDOW = [*WINDOW_COLUMNS, "start_epoch", "source"]
TIMES = ["relaxation_time_steps", "integrated_time_steps"]
COLUMNS = {
    "fluctuations": [*WINDOW, "basis", "rank", "hessian_eigenvalue", "variance", "variance_without_drift", *TIMES],
    "spectra": [*WINDOW, "rank", "variance", "total_variance", "held_out_variance"],
    "trajectory": [*WINDOW, "rank", "step", "projection", "cosine_with_weights"],
}


@dataclass(frozen=True)
class Plan:
    """One set of windows: a role, the runs concerned with the start of their windows, and the settings."""

    role: str
    starts: dict[str, tuple[windows.Mlp, int]]
    settings: windows.WindowSettings


def measure(
    runs_path: Path,
    dataset_path: Path,
    settings: Mapping[str, Any],
    reference_runs: Sequence[str],
    windows_path: Path,
    tables: Mapping[str, Path],
    device: str = devices.CPU,
) -> None:
    """Measure every window asked for and write directions and centres, and the tables "fluctuations", "spectra", "trajectory"."""
    dataset = labelled_images.load_dataset(dataset_path).to(device)
    images, labels = dataset.train_images, dataset.train_labels
    trained = run_files.load_results(runs_path)
    results = {name: result for name, result in trained.items() if result.status not in ("diverged", "dead")}
    measured: list[tuple[str, str, windows.Window]] = []
    for plan in _plans(results, images, labels, settings, reference_runs) if results else ():
        runs = [results[name].run for name in plan.starts]
        found = windows.measure_windows(runs, list(plan.starts.values()), images, labels, plan.settings)
        measured += [(plan.role, name, window) for name, window in zip(plan.starts, found, strict=True) if window]
        progress.tell("windows", role=plan.role, epochs=plan.settings.epochs, runs=len(runs))
    windows.save_windows(windows_path, [(name, role, window) for role, name, window in measured if role != "early"])
    rows = {
        "fluctuations": [_fluctuation_rows(*item) for item in measured if item[0] != "early"],
        "spectra": [_spectrum_rows(*item) for item in measured],
        "trajectory": [
            _trajectory_rows(role, name, window, settings["trajectory_ranks"])
            for role, name, window in measured
            if role == "main" and name == reference_runs[0]
        ],
    }
    for name, parts in rows.items():
        save_rows(tables[name], parts, COLUMNS[name])


def _plans(
    results: Mapping[str, training.Result],
    images: Tensor,
    labels: Tensor,
    settings: Mapping[str, Any],
    reference_runs: Sequence[str],
) -> Iterator[Plan]:
    """The windows to measure: the main one of every run; longer ones and early epochs of the reference runs."""
    reference = {name: result for name, result in results.items() if name in reference_runs}
    further = {settings["minibatch_rank"], *range(1, settings["sharpest_directions"] + 1)}
    further.update(*(settings[key] for key in ("trajectory_ranks", "annealing_ranks", "slice_ranks")))
    main = windows.WindowSettings(
        layer=settings["layer"],
        epochs=settings["window_epochs"],
        centre=settings["centre"],
        directions=settings["directions"],
        further_ranks=tuple(sorted(further)),
        whole_spectrum=False,
        hessian=True,
        noise_sampling=(settings["sampling"],),
        isotropic=False,
    )
    # At the reference setting also the whole spectrum, the other scheme and the isotropic walk.
    full = replace(main, whole_spectrum=True, noise_sampling=("epoch", "replacement"), isotropic=True)
    others = {name: result for name, result in results.items() if name not in reference}

    def after(chosen: Mapping[str, training.Result], epochs: int) -> dict[str, tuple[windows.Mlp, int]]:
        position = settings["window_position"]
        return {name: windows.window_start(r, position, epochs, images, labels) for name, r in chosen.items()}

    if others:
        yield Plan("main", after(others, main.epochs), main)
    if not reference:
        return
    yield Plan("main", after(reference, main.epochs), full)
    for epochs in settings["longer_window_epochs"]:
        # The surrogate is for comparing a window with one twice as long; it costs as much as SGD.
        sampling = main.noise_sampling if epochs <= 2 * main.epochs else ()
        yield Plan("longer", after(reference, epochs), replace(main, epochs=epochs, noise_sampling=sampling))
    for epoch in settings["early_epochs"]:
        starts = {name: windows.network_at_epoch(r, epoch - 1, images, labels) for name, r in reference.items()}
        yield Plan("early", starts, replace(main, epochs=1, whole_spectrum=True, hessian=False, isotropic=True))


def _window_columns(role: str, name: str, window: windows.Window) -> dict[str, Any]:
    return {"run": name, "window": role, "window_epochs": window.epochs, "start_epoch": window.start_epoch}


def _fluctuation_rows(role: str, name: str, window: windows.Window) -> pd.DataFrame:
    """One row per source, basis and direction."""
    parts = [
        pd.DataFrame(
            {
                **_window_columns(role, name, window),
                "source": source,
                "basis": basis,
                "rank": window.ranks,
                "hessian_eigenvalue": window.curvatures.tolist(),
                "variance": fluctuation.variance.tolist(),
                "variance_without_drift": fluctuation.variance_without_drift.tolist(),
                "relaxation_time_steps": fluctuation.relaxation_time.tolist(),
                "integrated_time_steps": fluctuation.integrated_time.tolist(),
            }
        )
        for source, measured in window.sources.items()
        for basis, fluctuation in measured.fluctuations.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _spectrum_rows(role: str, name: str, window: windows.Window) -> pd.DataFrame:
    """One row per source and component."""
    parts = [
        pd.DataFrame(
            {
                **_window_columns(role, name, window),
                "source": source,
                "rank": range(1, len(measured.in_sample) + 1),
                "variance": measured.in_sample.tolist(),
                "total_variance": measured.total_variance,
                "held_out_variance": measured.held_out.tolist(),
            }
        )
        for source, measured in window.sources.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _trajectory_rows(role: str, name: str, window: windows.Window, ranks: list[int]) -> pd.DataFrame:
    """One row per source, rank and step; with the cosine of the direction with the weights at the centre."""
    weights = window.centre.weights[window.layer].double().flatten()
    parts = []
    for source, measured in window.sources.items():
        for rank in ranks:
            if rank not in window.ranks or measured.trajectory is None:
                continue
            position = window.ranks.index(rank)
            projection = measured.trajectory[:, position].tolist()
            cosine = float(torch.nn.functional.cosine_similarity(measured.directions[position], weights, dim=0))
            columns = {"source": source, "rank": rank, "step": range(len(projection)), "projection": projection}
            rows = pd.DataFrame({**_window_columns(role, name, window), **columns})
            parts.append(rows.assign(cosine_with_weights=cosine))
    return pd.concat(parts, ignore_index=True)


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            Path(snakemake.input.runs),
            Path(snakemake.input.dataset),
            snakemake.params.settings,
            snakemake.params.reference_runs,
            Path(snakemake.output.windows),
            {name: Path(snakemake.output[name]) for name in COLUMNS},
            device,
        )
