"""Measure sharpness and size under dropout in every layer and for every way of matching: what decides where dropout leads?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sgdphysics import curvature, devices, generalization, labelled_images, progress, run_files, sweeps
from sgdphysics.networks import Mlp
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

COLUMNS = [
    *("run", "point", "target", "epoch", "layer", "matching"),
    *("gap", "slope_spread", "weight_spread", "weight_norm", "largest_eigenvalue", "trace"),
]


def measure(
    runs_paths: Sequence[Path],
    dataset_path: Path,
    chosen: Sequence[str],
    settings: Mapping[str, Any],
    table_path: Path,
    device: str = devices.CPU,
) -> None:
    """Write one row per chosen run, point of its training, layer and way of matching (other layers: nearest pixels only);
    none of networks that are dead or not finite.
    """
    images = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device), settings["test_images"])
    parts = []
    for path in runs_paths:
        for name, result in run_files.load_results(path).items():
            if name not in chosen:
                continue
            data = images.of(result.run)
            for point in sweeps.points_of(result, settings["equal_losses"], settings["equal_epochs"]):
                network = point.network.double().to(device)
                layers = [(network.from_layer(layer), data.entering(network, layer)) for layer in range(len(network.weights))]
                studied, entering = layers[settings["layer"]]
                if not entering.has_curvature(studied, 0):
                    continue
                columns = {"run": name, "point": point.kind, "target": point.target, "epoch": point.epoch}
                rows = _measured(layers, settings["layer"], result.run.seed)
                parts.append(pd.DataFrame(rows).assign(**columns))
            progress.tell(name)
    save_rows(table_path, parts, COLUMNS)


def _measured(layers: Sequence[tuple[Mlp, generalization.MatchedData]], studied: int, seed: int) -> list[dict[str, Any]]:
    """One row per layer, and of the studied one per way of matching; the largest eigenvalue of the studied one only.

    Each layer comes as the first of the network above it, with the data that enter it.
    """
    rows = []
    for layer, (network, data) in enumerate(layers):
        sharpness = {"weight_norm": float(network.weights[0].norm())}
        sharpness["trace"] = curvature.hessian_trace(network, data.images, 0, data.loss)
        matchings = {"nearest_pixels": data}
        if layer == studied:
            eigenvalues, _ = curvature.sharpest_directions(network, data.images, data.labels, 0, 1, data.loss)
            sharpness["largest_eigenvalue"] = float(eigenvalues[0])
            matchings = data.matchings(network, 0, seed)
        for matching, matched in matchings.items():
            pairs = matched.pairs(network, 0)
            slope_spread, weight_spread = pairs.spreads()
            spreads = {"gap": float(pairs.loss_changes.mean()), "slope_spread": slope_spread, "weight_spread": weight_spread}
            rows.append({"layer": layer, "matching": matching, **spreads, **sharpness})
    return rows


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            [Path(path) for path in snakemake.input.runs],
            Path(snakemake.input.dataset),
            snakemake.params.chosen,
            snakemake.params.settings,
            Path(snakemake.output.table),
            device,
        )
