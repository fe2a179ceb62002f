"""Tabulate feng2021_fig1: spectra of the weight fluctuations, their dimension, trajectories."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from sgdphysics import arrays, devices
from sgdphysics.provenance import jobs
from sgdphysics.spectra import is_whole, numbers_of_components, participation_ratio
from sgdphysics.tables import RUN_COLUMNS, RUN_ORDER, load_table, load_tables, save_rows

KEYS = [*RUN_COLUMNS, "window", "window_epochs", "start_epoch", "source"]
ORDER = [*RUN_ORDER, "window", "window_epochs", "start_epoch", "source"]
COLUMNS = {
    "spectra": [*KEYS, "rank", "variance", "held_out_variance", "cumulative_share"],
    "dimension": [
        *KEYS,
        "components",
        "whole_spectrum",
        "components_90",
        "components_99",
        "components_90_without_first",
        "components_99_without_first",
        "first_to_second",
        "participation_ratio_without_first",
        "held_out_participation_ratio_without_first",
        "first_alignment",
    ],
    "trajectory": [*KEYS, "rank", "step", "projection", "cosine_with_weights"],
}
POINTS = 60  # ranks kept of each spectrum


def tabulate(runs_path: Path, spectra_paths: Sequence[Path], trajectory_paths: Sequence[Path], tables: Mapping[str, Path]) -> None:
    """Write the tables "spectra" (at log-spaced ranks), "dimension" (one row per spectrum) and "trajectory"."""
    runs = load_table(runs_path)[RUN_COLUMNS]
    spectra = runs.merge(load_tables(spectra_paths)).sort_values([*ORDER, "rank"])
    spectra = spectra[spectra["total_variance"] > 0]  # a dead network has no gradients, hence a noise walk that stands still
    points, numbers = [], []
    for key, spectrum in spectra.groupby(KEYS):
        points.append(_points(spectrum))
        numbers.append(pd.DataFrame([{**dict(zip(KEYS, key, strict=True)), **_dimension(spectrum)}]))
    trajectory = runs.merge(load_tables(trajectory_paths))
    save_rows(tables["spectra"], points, COLUMNS["spectra"], [*ORDER, "rank"])
    save_rows(tables["dimension"], numbers, COLUMNS["dimension"], ORDER)
    save_rows(tables["trajectory"], [trajectory], COLUMNS["trajectory"], [*ORDER, "rank", "step"])


def _points(spectrum: pd.DataFrame) -> pd.DataFrame:
    """Variances and cumulative shares at log-spaced ranks."""
    shares = spectrum.assign(cumulative_share=spectrum["variance"].cumsum() / spectrum["total_variance"])
    ranks = arrays.log_spaced_ranks(len(spectrum), POINTS)
    return shares[shares["rank"].isin(ranks)]


def _dimension(spectrum: pd.DataFrame) -> dict[str, float]:
    """Numbers of components of one spectrum; participation ratios only where it is whole, and no ratio of one component alone."""
    variance, held_out = (torch.tensor(spectrum[name].to_numpy()) for name in ("variance", "held_out_variance"))
    total = float(spectrum["total_variance"].iloc[0])
    whole = is_whole(variance, total)
    return {
        "components": len(variance),
        "whole_spectrum": whole,
        **numbers_of_components(variance, total),
        "first_to_second": float(variance[0] / variance[1]) if len(variance) > 1 else math.nan,
        "held_out_participation_ratio_without_first": _participation(held_out[1:]) if whole else math.nan,
        "first_alignment": float(spectrum["first_alignment"].iloc[0]),
    }


def _participation(variance: torch.Tensor) -> float:
    """Effective number of components; NaN of what fluctuates by rounding only."""
    try:
        return participation_ratio(variance)
    except ValueError:
        return math.nan


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        devices.prepared(job)
        tabulate(
            Path(snakemake.input.runs),
            [Path(path) for path in snakemake.input.spectra],
            [Path(path) for path in snakemake.input.trajectory],
            {name: Path(snakemake.output[name]) for name in COLUMNS},
        )
