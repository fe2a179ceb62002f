"""Measure the activity-weight duality of the networks of one seed: decomposed gap, sharpness and size at points of training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics import arrays, curvature, devices, duality, generalization, labelled_images, landscape, progress, run_files, sweeps
from sgdphysics.networks import Mlp
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

POINT = ["run", "status", "point", "target", "epoch"]
NUMBERS = [
    *("training_loss", "clean_training_loss", "matched_loss", "test_loss", "test_error"),
    *("gap", "decomposed_gap", "slope_spread", "weight_spread", "weight_norm"),
    *("summed_products", "summed_products_of_shuffled_losses"),
    *("largest_eigenvalue", "trace", "median_flatness", "sharp_slope_std", "flat_slope_std"),
    *("correlated_share", "correlation_mean", "correlation_variation", "leading_directions"),
    *("slope_curvature_correlation", "slope_curvature_exponent", "inactive", "unchanged", "pairs"),
]
SPECTRUM = ["rank", "eigenvalue", "slope_std", "weight_std"]
SPECTRUM_POINTS, FLATNESS_DIRECTIONS = 60, 5
SHARP, FLAT = slice(0, 10), slice(99, 500)  # ranks 1 to 10 and 100 to 500


def measure(
    runs_paths: Sequence[Path],
    dataset_path: Path,
    seed: int,
    settings: Mapping[str, Any],
    tables: Mapping[str, Path],
    device: str = devices.CPU,
) -> None:
    """Write the tables "points" (one row per network and point of its training; one without numbers for a run that reached none,
    or was dead or not finite there) and "spectra" (per direction at some ranks).
    """
    images = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device), settings["test_images"])
    points, spectra = [], []
    for path in runs_paths:
        for name, result in run_files.load_results(path).items():
            if result.run.seed != seed:
                continue
            own, data = [], images.of(result.run)
            for point in sweeps.points_of(result, settings["equal_losses"], settings["equal_epochs"]):
                network = point.network.double().to(device)
                studied, entering = network.from_layer(settings["layer"]), data.entering(network, settings["layer"])
                if not entering.has_curvature(studied, 0):
                    continue
                columns = {"run": name, "status": result.status, "point": point.kind, "target": point.target, "epoch": point.epoch}
                numbers, spectrum = _measured(studied, entering, seed)
                own.append({**columns, **numbers})
                spectra.append(spectrum.assign(**columns))
            points += own or [{"run": name, "status": result.status}]
            progress.tell(name, status=result.status, points=len(own))
    save_rows(tables["points"], [pd.DataFrame(points, columns=[*POINT, *NUMBERS])], [*POINT, *NUMBERS])
    save_rows(tables["spectra"], spectra, [*POINT, *SPECTRUM])


def _measured(network: Mlp, data: generalization.MatchedData, seed: int) -> tuple[dict[str, float], pd.DataFrame]:
    """What is measured of the first layer of a network."""
    training_data = data.images, data.labels, 0
    eigenvalues, directions = duality.hessian_basis(network, *training_data, data.loss)
    pairs = data.pairs(network, 0)
    found, null = (duality.decompose_pairs(p, eigenvalues, directions) for p in (pairs, pairs.with_shuffled_losses(seed)))
    fit = duality.fit_on_curvature(found.slope_std.square(), eigenvalues)
    chosen = np.array(arrays.log_spaced_ranks(fit.n, FLATNESS_DIRECTIONS)) - 1
    widths = landscape.flatness(network, *training_data, directions[chosen], loss=data.loss)
    whole = len(directions) == directions.shape[1]
    numbers = {
        **{key: value for key, value in data.losses(network).items() if key in NUMBERS},
        **{key: getattr(found, key) for key in ("gap", "decomposed_gap", "slope_spread", "weight_spread", "correlated_share")},
        "weight_norm": float(network.weights[0].norm()),
        "summed_products": float((found.slope_std * found.weight_std).sum()),
        "summed_products_of_shuffled_losses": float((null.slope_std * null.weight_std).sum()),
        "largest_eigenvalue": float(eigenvalues[0]),
        "trace": float(eigenvalues.sum()) if whole else curvature.hessian_trace(network, data.images, 0, data.loss),
        "median_flatness": float(widths.median()),
        "sharp_slope_std": float(found.slope_std[SHARP].log().mean().exp()),
        "flat_slope_std": float(found.slope_std[FLAT].log().mean().exp()),
        **found.leading_correlation(),
        "slope_curvature_correlation": fit.r,
        "slope_curvature_exponent": fit.exponent,
        **{key: getattr(found, key) for key in ("inactive", "unchanged")},
        "pairs": len(found.dual_norms),
    }
    return numbers, _spectrum(found)


def _spectrum(found: duality.Decomposition) -> pd.DataFrame:
    ranks = np.array(arrays.log_spaced_ranks(len(found.eigenvalues), SPECTRUM_POINTS))
    values = [found.eigenvalues, found.slope_std, found.weight_std]
    return pd.DataFrame(
        {"rank": ranks, **dict(zip(SPECTRUM[1:], (value[ranks - 1].cpu().numpy() for value in values), strict=True))}
    )


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            [Path(path) for path in snakemake.input.runs],
            Path(snakemake.input.dataset),
            snakemake.params.seed,
            snakemake.params.settings,
            {name: Path(snakemake.output[name]) for name in ("points", "spectra")},
            device,
        )
