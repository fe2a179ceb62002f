"""Measure the dual weights of matched pairs at the reference setting of the sweeps, matched in several ways, and their nulls."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sgdphysics import devices, generalization, labelled_images, network_duality, progress, run_files
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

RUN = ["run", "seed"]
QUANTITIES = [
    "gap",
    "slope_spread",
    "weight_spread",
    "correlated_share",
    "correlation_mean",
    "correlation_variation",
    "leading_directions",
    "slope_curvature_correlation",
    "slope_curvature_exponent",
]
DIRECTION = ["rank", "eigenvalue", "slope_std", "weight_std", "correlation", "contribution", "cumulative_share"]
COLUMNS = {
    "pairs": [
        *RUN,
        "pair",
        "dual_norm",
        "relative_norm",
        "loss_change",
        "activity_error",
        "logit_error",
        "norm_ratio_along_test_activity",
        "norm_ratio_along_random_vector",
    ],
    "matching": [*RUN, "matching", "distance", *QUANTITIES],
    "shifts": [*RUN, "losses", "fraction", *QUANTITIES],
    "directions": [*RUN, "losses", *DIRECTION],
    "metric": [*RUN, "weight_spread", "weight_spread_by_metric"],
    "gauges": [*RUN, "slopes", "losses", *DIRECTION],
    "gauge_numbers": [
        *RUN,
        "slopes",
        "losses",
        *QUANTITIES,
        "summed_products",
        "share_of_ten_sharpest",
        "gap_of_ten_steepest",
        "gap_of_others",
        "ratio_curvature_exponent",
        "slope_weight_correlation",
        "slope_weight_exponent",
        "partial_correlation",
    ],
}


def measure(
    runs_paths: Sequence[Path],
    dataset_path: Path,
    reference_runs: Sequence[str],
    settings: Mapping[str, Any],
    tables: Mapping[str, Path],
    device: str = devices.CPU,
) -> None:
    """Write the tables of ``COLUMNS`` for the final networks of the runs of the reference setting that converged.

    None of a network in which the loss has no curvature.
    """
    images = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device), settings["test_images"])
    rows: dict[str, list[pd.DataFrame]] = {table: [] for table in COLUMNS}
    for path in runs_paths:
        for name, result in run_files.load_results(path).items():
            if name in reference_runs and result.status == "converged":
                network, data, seed = result.network.double().to(device), images.of(result.run), result.run.seed
                if not data.has_curvature(network, settings["layer"]):
                    continue
                duality = network_duality.NetworkDuality(network, data, settings["layer"], seed)
                for table, part in duality.tables():
                    rows[table].append(part.assign(run=name, seed=seed))
                progress.tell(name)
    for table, parts in rows.items():
        save_rows(tables[table], parts, COLUMNS[table], ["seed", "run"])


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            [Path(path) for path in snakemake.input.runs],
            Path(snakemake.input.dataset),
            snakemake.params.reference_runs,
            snakemake.params.settings,
            {table: Path(snakemake.output[table]) for table in COLUMNS},
            device,
        )
