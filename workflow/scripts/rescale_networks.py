"""Rescale the layers of the reference networks of the sweeps, and measure which measures of sharpness and size change."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics import curvature, devices, duality, generalization, labelled_images, landscape, progress, rescaling, run_files
from sgdphysics.networks import Mlp
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

MEASURED = [
    *("largest_eigenvalue", "trace", "median_flatness", "weight_norm"),
    *("slope_spread", "weight_spread", "product_of_spreads", "decomposed_gap"),
]
COLUMNS = ["run", "seed", "other_layer", "factor", "logit_change", *MEASURED]
FLATNESS_RANKS = (1, 2, 5, 10, 20)


def rescale(
    runs_paths: Sequence[Path],
    dataset_path: Path,
    reference_runs: Sequence[str],
    settings: Mapping[str, Any],
    table_path: Path,
    device: str = devices.CPU,
) -> None:
    """Write one row per converged reference run, other layer and factor p: the studied layer times p, the other over p.

    ``logit_change`` is the largest change of a logit on the test images, relative to the largest logit.
    """
    images = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device), settings["test_images"])
    rows = []
    for path in runs_paths:
        for name, result in run_files.load_results(path).items():
            if name not in reference_runs or result.status != "converged":
                continue
            data, network, layer = images.of(result.run), result.network.double().to(device), settings["layer"]
            logits = network.logits(data.test_images)
            for other in (index for index in range(len(network.weights)) if abs(index - layer) == 1):
                for factor in settings["rescaling_factors"]:
                    changed = rescaling.rescaled(network, layer, other, factor)
                    change = (changed.logits(data.test_images) - logits).abs().max() / logits.abs().max()
                    columns = {"run": name, "seed": result.run.seed, "other_layer": other, "factor": factor}
                    rows.append(
                        {
                            **columns,
                            "logit_change": float(change),
                            **_measured(changed.from_layer(layer), data.entering(changed, layer)),
                        }
                    )
            progress.tell(name)
    save_rows(table_path, [pd.DataFrame(rows, columns=COLUMNS)], COLUMNS)


def _measured(network: Mlp, data: generalization.MatchedData) -> dict[str, float]:
    """What is measured of the first layer of a network."""
    training_data = data.images, data.labels, 0
    eigenvalues, directions = duality.hessian_basis(network, *training_data, data.loss)
    found = duality.decompose_pairs(data.pairs(network, 0), eigenvalues, directions)
    chosen = np.array([rank for rank in FLATNESS_RANKS if rank <= len(directions)]) - 1
    widths = landscape.flatness(network, *training_data, directions[chosen], loss=data.loss)
    return {
        "largest_eigenvalue": float(eigenvalues[0]),
        "trace": curvature.hessian_trace(network, data.images, 0, data.loss),
        "median_flatness": float(widths.median()),
        "weight_norm": float(network.weights[0].norm()),
        **{key: getattr(found, key) for key in ("slope_spread", "weight_spread", "decomposed_gap")},
        "product_of_spreads": found.slope_spread * found.weight_spread,
    }


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        rescale(
            [Path(path) for path in snakemake.input.runs],
            Path(snakemake.input.dataset),
            snakemake.params.reference_runs,
            snakemake.params.settings,
            Path(snakemake.output.table),
            device,
        )
