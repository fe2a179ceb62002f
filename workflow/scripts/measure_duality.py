"""Measure the activity-weight duality of the networks of one chunk: decomposed gaps, sharpness and size, at several points."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sgdphysics import arrays, curvature, datasets, duality, fits, jobs, landscape, records, run_files, training
from sgdphysics.losses import LOSSES
from sgdphysics.networks import Mlp

POINT = ["run", "point", "target", "epoch"]
NUMBERS = [
    *("training_loss", "clean_training_loss", "matched_loss", "test_loss", "test_error"),
    *("gap", "decomposed_gap", "slope_spread", "weight_spread", "weight_norm"),
    *("largest_eigenvalue", "trace", "median_flatness"),
    *("correlated_share", "correlation_mean", "correlation_variation", "directions_for_90_percent"),
    *("slope_curvature_correlation", "slope_curvature_exponent", "inactive", "unchanged", "pairs"),
]
SPECTRUM = ["rank", "eigenvalue", "slope_std", "weight_std", "correlation", "contribution", "cumulative_share"]
SMALLEST_EIGENVALUE = 1e-6  # of the largest; directions below it have no curvature to compare with
SPECTRUM_POINTS, FLATNESS_DIRECTIONS = 60, 10


def measure(runs_path: Path, dataset_path: Path, settings: Mapping[str, Any], tables: Mapping[str, Path]) -> None:
    """Write the tables "points" (one row per network and point of its training) and "spectra" (per direction at some ranks)."""
    dataset = datasets.load_dataset(dataset_path)
    matches: dict[tuple[int, ...], Tensor] = {}
    points, spectra = [], []
    for name, result in run_files.load_results(runs_path).items():
        if result.status in ("diverged", "dead"):
            continue
        data = _Data.of(result.run, dataset, settings["test_images"], matches)
        for point, target, epoch, network in _points(result, data, settings):
            columns = {"run": name, "point": point, "target": target, "epoch": epoch}
            numbers, spectrum = _measured(network.double(), data, settings["layer"])
            points.append(pd.DataFrame([{**columns, **numbers}]))
            spectra.append(spectrum.assign(**columns))
        print(name, result.status, file=sys.stderr)
    records.save_rows(tables["points"], points, [*POINT, *NUMBERS])
    records.save_rows(tables["spectra"], spectra, [*POINT, *SPECTRUM])


class _Data:
    """What one run trained on and is tested on: images float64, labels as trained on; pairs are matched on the clean part."""

    def __init__(self, run: training.Run, images: Tensor, labels: Tensor, clean: int, test: tuple[Tensor, Tensor]) -> None:
        self.run, self.images, self.labels, self.clean = run, images, labels, clean
        self.test_images, self.test_labels = test
        self.matches = torch.empty(0)

    @classmethod
    def of(cls, run: training.Run, dataset: datasets.Dataset, test_images: int, matches: dict[tuple[int, ...], Tensor]) -> "_Data":
        indices, labels, clean = training.training_set(run, dataset.train_labels)
        test = dataset.test_images[:test_images].double(), dataset.test_labels[:test_images]
        data = cls(run, dataset.train_images[indices].double(), labels, clean, test)
        key = tuple(indices[:clean].tolist())
        if key not in matches:
            matches[key] = duality.nearest_of_class(data.images[:clean], labels[:clean], *test)
        data.matches = matches[key]
        return data

    def loss(self, network: Mlp, images: Tensor, labels: Tensor) -> float:
        return LOSSES[self.run.loss].mean(network.logits(images), labels)


def _points(result: training.Result, data: _Data, settings: Mapping[str, Any]) -> Iterator[tuple[str, float, int, Mlp]]:
    """The final network, the first at or below each loss, and that at each epoch, as far as the run came."""
    steps, history = training.steps_per_epoch(result.run, len(data.images)), result.loss_history
    if result.status == "converged":
        yield "final", result.run.stop_loss, result.epochs, result.network
    for target in settings["equal_losses"]:
        epoch = next((epoch for epoch, loss in enumerate(history, 1) if loss <= target), None)
        if epoch is not None and epoch * steps in result.checkpoints:
            yield "equal_loss", target, epoch, result.checkpoints[epoch * steps]
    for epoch in settings["equal_epochs"]:
        if epoch * steps in result.checkpoints:
            yield "equal_epochs", epoch, epoch, result.checkpoints[epoch * steps]


def _measured(network: Mlp, data: _Data, layer: int) -> tuple[dict[str, float], pd.DataFrame]:
    clean = slice(data.clean)
    hessian = curvature.layer_hessian(network, data.images, data.labels, layer, data.run.loss)
    basis = arrays.largest_eigenpairs(hessian)
    matched = data.images[clean][data.matches]
    pairs = duality.dual_weights(network, matched, data.test_images, data.test_labels, layer, data.run.loss)
    found = duality.decompose_pairs(pairs, *basis)
    logits = network.logits(data.test_images)
    curved = found.eigenvalues > SMALLEST_EIGENVALUE * found.eigenvalues[0]
    fit = fits.power_law(found.eigenvalues[curved], found.slope_std[curved].square())
    ranked = found.contributions.cumsum(0) / found.gap
    needed = int((ranked < 0.9).sum()) + 1
    leading = found.correlation[:needed]
    chosen = arrays.log_spaced_ranks(int(curved.sum()), FLATNESS_DIRECTIONS)
    widths = landscape.flatness(network, data.images, data.labels, layer, basis[1][torch.tensor(chosen) - 1], loss=data.run.loss)
    numbers = {
        "training_loss": data.loss(network, data.images, data.labels),
        "clean_training_loss": data.loss(network, data.images[clean], data.labels[clean]),
        "matched_loss": data.loss(network, matched, data.test_labels),
        "test_loss": data.loss(network, data.test_images, data.test_labels),
        "test_error": float((logits.argmax(1) != data.test_labels).double().mean()),
        **{key: getattr(found, key) for key in ("gap", "decomposed_gap", "slope_spread", "weight_spread")},
        "weight_norm": float(network.weights[layer].norm()),
        "largest_eigenvalue": float(found.eigenvalues[0]),
        "trace": float(hessian.trace()),
        "median_flatness": float(widths.median()),
        "correlated_share": float((found.correlation * found.slope_std * found.weight_std).sum()) / found.gap,
        "correlation_mean": float(leading.mean()),
        "correlation_variation": float(leading.std() / leading.mean()),
        "directions_for_90_percent": needed,
        "slope_curvature_correlation": fit.r,
        "slope_curvature_exponent": fit.exponent,
        **{key: getattr(found, key) for key in ("inactive", "unchanged")},
        "pairs": len(found.dual_norms),
    }
    return numbers, _spectrum(found, ranked)


def _spectrum(found: duality.Decomposition, cumulative: Tensor) -> pd.DataFrame:
    ranks = np.array(arrays.log_spaced_ranks(len(found.eigenvalues), SPECTRUM_POINTS))
    values = [found.eigenvalues, found.slope_std, found.weight_std, found.correlation, found.contributions, cumulative]
    columns = dict(zip(SPECTRUM[1:], (value[ranks - 1].numpy() for value in values), strict=True))
    return pd.DataFrame({"rank": ranks, **columns})


if __name__ == "__main__":
    with jobs.logged_job(snakemake.log[0], snakemake.threads):
        tables = {name: Path(snakemake.output[name]) for name in ("points", "spectra")}
        measure(Path(snakemake.input.runs), Path(snakemake.input.dataset), snakemake.params.settings, tables)
