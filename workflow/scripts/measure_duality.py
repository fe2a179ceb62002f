"""Measure the activity-weight duality of the networks of one chunk: decomposed gap, sharpness and size at points of training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sgdphysics import devices, gap_and_sharpness, generalization, labelled_images, progress, run_files, sweeps
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

RUN = ["run", "status", "trained_epochs", "lowest_loss"]
POINT = [*RUN, "point", "target", "epoch"]
NUMBERS = [
    "training_loss",
    "clean_training_loss",
    "matched_loss",
    "test_loss",
    "test_error",
    "gap",
    "decomposed_gap",
    "slope_spread",
    "weight_spread",
    "weight_norm",
    "summed_products",
    "summed_products_of_shuffled_losses",
    "largest_eigenvalue",
    "trace",
    "median_flatness",
    "sharp_slope_std",
    "flat_slope_std",
    "correlated_share",
    "correlation_mean",
    "correlation_variation",
    "leading_directions",
    "slope_curvature_correlation",
    "slope_curvature_exponent",
    "inactive",
    "unchanged",
    "pairs",
]
SPECTRUM = ["rank", "eigenvalue", "slope_std", "weight_std"]
PUBLISHED = [*SPECTRUM, "summed_slope_std", "summed_weight_std", "summed_gap", "summed_gap_of_shuffled_losses"]
GAUGES = [
    "run",
    "point",
    "target",
    "epoch",
    "slopes",
    "gap",
    "decomposed_gap",
    "slope_spread",
    "weight_spread",
    "weight_norm",
    "activity_weighted_norm",
    "activity_covariance_norm",
    "shift_weighted_norm",
    "summed_products",
    "summed_products_of_shuffled_losses",
    "correlated_share",
    "correlation_mean",
    "correlation_variation",
    "leading_directions",
    "share_of_ten_sharpest",
    "gap_of_ten_steepest",
    "gap_of_others",
    "slope_curvature_correlation",
    "slope_curvature_exponent",
    "ratio_curvature_exponent",
    "slope_weight_correlation",
    "slope_weight_exponent",
    "partial_correlation",
]


def measure(
    runs_path: Path,
    dataset_path: Path,
    settings: Mapping[str, Any],
    tables: Mapping[str, Path],
    device: str = devices.CPU,
) -> None:
    """Write the tables "points" (one row per network and point of its training; one without numbers for a run that reached none,
    or was dead or not finite there), "spectra" (per direction at some ranks), "gauges" (one row per network, point and kind of
    slopes) and "published" (the spectra in the order of the authors' scripts, with sums over the directions).
    """
    images = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device), settings["test_images"])
    points, spectra, gauges, published = [], [], [], []
    for name, result in run_files.load_results(runs_path).items():
        rows, data = [], images.of(result.run)
        outcome = dict(zip(RUN, (name, result.status, result.epochs, min(result.loss_history)), strict=True))
        for point in sweeps.points_of(result, settings["equal_losses"], settings["equal_epochs"]):
            network = point.network.double().to(device)
            studied, entering = network.from_layer(settings["layer"]), data.entering(network, settings["layer"])
            if not entering.has_curvature(studied, 0):
                continue
            columns = {**outcome, "point": point.kind, "target": point.target, "epoch": point.epoch}
            numbers, spectrum, both, steepest_first = gap_and_sharpness.gap_and_sharpness(studied, entering, result.run.seed)
            rows.append({**columns, **numbers})
            spectra.append(spectrum.assign(**columns))
            gauges.append(both.assign(**columns))
            published.append(steepest_first.assign(**columns))
        points += rows or [outcome]
        progress.tell(name, status=result.status, points=len(rows))
    save_rows(tables["points"], [pd.DataFrame(points, columns=[*POINT, *NUMBERS])], [*POINT, *NUMBERS])
    save_rows(tables["spectra"], spectra, [*POINT, *SPECTRUM])
    save_rows(tables["gauges"], gauges, GAUGES)
    save_rows(tables["published"], published, [*POINT, *PUBLISHED])


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            Path(snakemake.input.runs),
            Path(snakemake.input.dataset),
            snakemake.params.settings,
            {name: Path(snakemake.output[name]) for name in ("points", "spectra", "gauges", "published")},
            device,
        )
