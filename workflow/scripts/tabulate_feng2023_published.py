"""Tabulate the sweeps of feng2023 by the protocol of the authors' scripts: spectra, parts of the gap, common factors."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sgdphysics import published_sweeps, sweeps
from sgdphysics.provenance import jobs
from sgdphysics.tables import load_table, load_tables, save_rows

MEMBER = ["sweep", "dose", "seed", "reference", "run"]
POINT = ["point", "target", "deciding"]
PARTS = ["steepest", "delta_loss_sharp", "delta_loss_flat", "delta_loss_sharp_of_shuffled_losses"]
SPREADS = ["slope_spread", "weight_spread", "weight_norm"]
POINTS = [*MEMBER, *POINT, "epoch", "training_loss", "test_loss", "gap", *PARTS, *SPREADS]
RATIOS = ["weakest", "weight_ratio", "weight_ratio_between_seeds"]
SPECTRA = [*MEMBER, *POINT, "rank", "slope_std", "weight_std", "summed_slope_std", "summed_weight_std", "summed_gap", *RATIOS]


def tabulate(points_path: Path, published_paths: Sequence[Path], tables: Mapping[str, Path]) -> None:
    """Write the tables of the sweeps in the order of the authors' scripts.

    "points": one row per run of a sweep and point at which doses are compared (at equal epochs the reference is the control), with
    the two parts of its gap. "spectra": per direction at some ranks, where each sweep is decided. "factors": how nearly each dose
    changes the dual weights by one factor, there.
    """
    points = load_table(points_path).dropna(subset=["point"]).drop(columns="deciding")
    compared = sweeps.compared_points(points)
    spectra = load_tables(published_paths).drop(columns=["status", "trained_epochs", "lowest_loss", "epoch"])
    save_rows(tables["points"], [published_sweeps.split_gaps(compared, spectra)], POINTS)
    keys = ["run", "point", "target"]
    decided = compared.loc[compared["deciding"].astype(bool), [*MEMBER, *POINT]].merge(spectra, on=keys)
    save_rows(tables["spectra"], [published_sweeps.with_ratios(decided)], SPECTRA)
    save_rows(tables["factors"], [published_sweeps.common_factors(decided)], published_sweeps.FACTORS)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tabulate(
            Path(snakemake.input.points),
            [Path(path) for path in snakemake.input.published],
            {name: Path(snakemake.output[name]) for name in ("points", "spectra", "factors")},
        )
