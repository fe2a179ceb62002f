"""Measure windows of several lengths from the reference networks on: drawn either way, and with the other layers held."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from sgdphysics import devices, fits, labelled_images, landscape, nested_windows, progress, run_files, window_lengths, windows
from sgdphysics.networks import Mlp
from sgdphysics.provenance import jobs
from sgdphysics.ranks import last_rank, log_spaced_ranks
from sgdphysics.study import window_plans
from sgdphysics.tables import RUN_COLUMNS, RUN_ORDER, load_table, save_rows
from sgdphysics.training import Result, Run, steps_per_epoch, training_set
from sgdphysics.window_results import Window, load_windows

Data = tuple[Tensor, Tensor]  # images and labels to train on

SAMPLINGS = ("epoch", "replacement")
WAYS = ["sampling", "layers"]
COLUMNS = {
    "windows": [
        *[*RUN_COLUMNS, *WAYS, "window_epochs", "detrending", "rank"],
        *["curvature", "temperature", "variance", "theory_variance"],
    ],
    "growth": [*RUN_COLUMNS, *WAYS, "detrending", "rank", "curvature", "exponent", "theory_exponent", "points"],
    "crossovers": [*RUN_COLUMNS, "layers", "detrending", "window_epochs", "largest_curvature", "crossover", "theory_crossover"],
    "frozen_layers": [*RUN_COLUMNS, "layers", "kind", "exponent", "r", "points"],
}
CROSSOVER_LEVEL = 0.5
# Exponents with the other layers held, by their kind in the table of exponents: basis, and the variance that is fitted.
KINDS = {
    "in_sample": ("principal", "variance"),
    "held_out": ("held_out", "variance_without_drift"),
    "hessian": ("hessian", "variance_without_drift"),
    "hessian_with_drift": ("hessian", "variance"),
}


def measure(
    runs_paths: Sequence[Path],
    windows_paths: Sequence[Path],
    dataset_path: Path,
    tabulated: Mapping[str, Path],
    settings: Mapping[str, Any],
    nested_window_epochs: Sequence[int],
    reference_runs: Sequence[str],
    tables: Mapping[str, Path],
    device: str = devices.CPU,
) -> None:
    """Write the tables "windows" (a row per length, way of drawing, layers that move, order of detrending and direction), "growth",
    "crossovers", and "frozen_layers" (exponents beside those with all layers moving).

    Args:
        runs_paths, windows_paths: Networks and windows of every chunk with a reference run.
        dataset_path: The data set.
        tabulated: The tables "runs_table", "directions" and "exponents" of feng2021.
        settings: Those of feng2021 by which windows are planned, and the factor of the flatness.
        nested_window_epochs: Lengths of windows.
        reference_runs: Their names.
        tables: Where to write.
        device: Where to compute.
    """
    dataset = labelled_images.load_dataset(dataset_path).to(device)
    data = dataset.train_images, dataset.train_labels
    measured = [_at_log_spaced_ranks(main, data, settings) for main in _main_windows(runs_paths, windows_paths, reference_runs)]
    runs = load_table(tabulated["runs_table"])[RUN_COLUMNS]
    nested = runs.merge(_nested(measured, data, settings, nested_window_epochs), on="run")
    order = [*RUN_ORDER, *WAYS, "window_epochs", "detrending", "rank"]
    save_rows(tables["windows"], [nested], COLUMNS["windows"], order)
    both = nested[nested["layers"] == "all"]
    growth = window_lengths.growth_exponents(both, RUN_COLUMNS)
    save_rows(tables["growth"], [growth], COLUMNS["growth"], [name for name in order if name != "window_epochs"])
    crossovers = window_lengths.crossovers(both, RUN_COLUMNS, CROSSOVER_LEVEL)
    save_rows(tables["crossovers"], [crossovers], COLUMNS["crossovers"], [*RUN_ORDER, "detrending", "window_epochs"])
    directions = load_table(tabulated["directions"]).query("window == 'main' and source == 'sgd' and fitted")
    exponents = load_table(tabulated["exponents"]).query("reference and kind in @KINDS").assign(layers="all")
    held = [runs.merge(part, on="run") for part in _with_others_held(measured, data, settings, directions, nested)]
    save_rows(tables["frozen_layers"], [exponents, *held], COLUMNS["frozen_layers"], [*RUN_ORDER, "layers", "kind"])


@dataclass(frozen=True)
class Reference:
    """A reference run that was trained and whose main window was measured."""

    name: str
    result: Result
    window: Window


def _main_windows(runs_paths: Sequence[Path], windows_paths: Sequence[Path], reference_runs: Sequence[str]) -> list[Reference]:
    results = {name: result for path in runs_paths for name, result in run_files.load_results(path).items()}
    kept = {name: window for path in windows_paths for name, role, window in load_windows(path) if role == "main"}
    return [Reference(name, results[name], kept[name]) for name in reference_runs if name in kept]


def _at_log_spaced_ranks(reference: Reference, data: Data, settings: Mapping[str, Any]) -> Reference:
    """The reference with those of its Hessian directions alone that exponents are fitted to, and the sharpest."""
    window = reference.window
    last = last_rank(window.epochs * _epoch_steps(reference, data), len(window.drift))
    wanted = log_spaced_ranks(last, settings["directions"])
    kept = [index for index, rank in enumerate(window.ranks) if rank in wanted]
    hessian = {"curvatures": window.curvatures[kept], "hessian_directions": window.hessian_directions[kept]}
    return replace(reference, window=replace(window, ranks=[window.ranks[index] for index in kept], **hessian))


def _nested(measured: Sequence[Reference], data: Data, settings: Mapping[str, Any], lengths: Sequence[int]) -> pd.DataFrame:
    """Rows of all windows that are long enough, by the name of the run."""
    parts = [
        *_followed(measured, data, settings, lengths, layers="all"),
        *_followed(measured, data, settings, [settings["window_epochs"]], layers="studied"),
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["run", *COLUMNS["windows"][len(RUN_COLUMNS) :]])


def _followed(
    measured: Sequence[Reference], data: Data, settings: Mapping[str, Any], lengths: Sequence[int], *, layers: str
) -> Iterator[pd.DataFrame]:
    members = [reference for _ in SAMPLINGS for reference in measured]
    runs = [replace(reference.result.run, sampling=sampling) for sampling in SAMPLINGS for reference in measured]
    if layers == "studied":
        runs = [replace(run, trained_layers=(settings["layer"],)) for run in runs]
    lengths = [epochs for epochs in lengths if measured and epochs * _epoch_steps(measured[0], data) >= window_plans.FEWEST_STEPS]
    if not lengths:
        return
    starts = [_start(reference, settings, data) for reference in members]
    trajectories = nested_windows.follow(runs, starts, [reference.window for reference in members], *data, lengths)
    for reference, trajectory in zip(members, trajectories, strict=True):
        for epochs in lengths if trajectory else ():
            columns = {"run": reference.name, "sampling": trajectory.run.sampling, "layers": layers, "window_epochs": epochs}
            yield trajectory.rows(epochs, reference.window.ranks).assign(**columns)
    progress.tell("nested windows", layers=layers, epochs=max(lengths), runs=len(runs))


def _with_others_held(
    measured: Sequence[Reference], data: Data, settings: Mapping[str, Any], directions: pd.DataFrame, nested: pd.DataFrame
) -> list[pd.DataFrame]:
    """Exponents while only the studied layer moves: along the principal directions of that movement, and along the Hessian's."""
    if not measured:
        return []
    runs = [replace(reference.result.run, trained_layers=(settings["layer"],)) for reference in measured]
    plan = window_plans.plans_of_run(settings, runs[0], len(training_set(runs[0], data[1])[0]), reference=False)[0]
    alone = replace(plan.settings, hessian=False, noise_sampling=())
    starts = [_start(reference, settings, data) for reference in measured]
    parts = []
    for reference, window in zip(measured, windows.measure_windows(runs, starts, *data, alone), strict=True):
        if window is None:
            continue
        fitted = directions[directions["run"] == reference.name]
        own = {"run": reference.name, "layers": "studied", "sampling": settings["sampling"]}
        hessian = nested[(nested[list(own)] == own).all(axis=1)]
        parts.append(
            _exponents(_directions(window, reference.result.run, data, settings, fitted, hessian)).assign(run=reference.name)
        )
    return parts


def _directions(
    window: Window, run: Run, data: Data, settings: Mapping[str, Any], fitted: pd.DataFrame, hessian: pd.DataFrame
) -> pd.DataFrame:
    """Variances and flatness at the fitted ranks, a row per basis and direction."""
    indices, labels, _ = training_set(run, data[1], window.centre.classes)
    centre = window.centre.double().to(data[0].device)
    source = window.sources["sgd"]
    edges = landscape.flatness_edges(
        centre, data[0][indices], labels, window.layer, source.directions, settings["flatness_factor"], run.loss
    )
    parts = []
    for basis in ("principal", "held_out"):
        fluctuation = source.fluctuations[basis]
        columns = {"variance": fluctuation.variance, "variance_without_drift": fluctuation.variance_without_drift}
        rows = pd.DataFrame({name: values.numpy() for name, values in {**columns, "flatness": edges.sum(1).cpu()}.items()})
        parts.append(rows.assign(basis=basis, rank=window.ranks))
    by_order = {order: part.set_index("rank")["variance"] for order, part in hessian.groupby("detrending")}
    along = pd.DataFrame({"variance": by_order[0], "variance_without_drift": by_order[1]}).reset_index()
    flatness = fitted.loc[fitted["basis"] == "hessian", ["rank", "flatness"]]
    parts.append(along.merge(flatness, on="rank").assign(basis="hessian"))
    rows = pd.concat(parts, ignore_index=True)
    return rows[rows["rank"].isin(flatness["rank"])]


def _exponents(directions: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for kind, (basis, column) in KINDS.items():
        chosen = directions[directions["basis"] == basis]
        fit = fits.power_law(chosen["flatness"], chosen[column])
        rows.append({"layers": "studied", "kind": kind, "exponent": -fit.exponent, "r": fit.r, "points": fit.n})
    return pd.DataFrame(rows)


def _start(reference: Reference, settings: Mapping[str, Any], data: Data) -> tuple[Mlp, int]:
    """The weights at the start of a run's main window, and the epochs trained by then."""
    return windows.window_start(reference.result, settings["window_position"], settings["window_epochs"], *data)


def _epoch_steps(reference: Reference, data: Data) -> int:
    run = reference.result.run
    return steps_per_epoch(run, len(training_set(run, data[1])[0]))


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            [Path(path) for path in snakemake.input.runs],
            [Path(path) for path in snakemake.input.windows],
            Path(snakemake.input.dataset),
            {name: Path(snakemake.input[name]) for name in ("runs_table", "directions", "exponents")},
            snakemake.params.settings,
            snakemake.params.nested_window_epochs,
            snakemake.params.reference_runs,
            {name: Path(snakemake.output[name]) for name in COLUMNS},
            device,
        )
