"""Tabulate feng2021_fig1: spectra of the weight fluctuations, their dimension, trajectories."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from sgdphysics import arrays, fluctuations, jobs, records

COLUMNS = ["run", "window", "window_epochs", "start_epoch", "source"]
POINTS = 60  # ranks kept of each spectrum


def tabulate(runs_path: Path, spectra_paths: Sequence[Path], trajectory_paths: Sequence[Path], tables: Mapping[str, Path]) -> None:
    """Write the tables "spectra" (at log-spaced ranks), "dimension" (one row per spectrum) and "trajectory"."""
    runs = records.load_table(runs_path)[records.RUN_COLUMNS]
    spectra = records.load_tables(spectra_paths).sort_values([*COLUMNS, "rank"])
    points, numbers = [], []
    for key, spectrum in spectra.groupby(COLUMNS):
        columns = dict(zip(COLUMNS, key, strict=True))
        points.append(_points(spectrum).assign(**columns))
        numbers.append({**columns, **_dimension(spectrum)})
    order = ["learning_rate", "batch_size", "seed", *COLUMNS[1:]]
    drawn = runs.merge(pd.concat(points, ignore_index=True)).sort_values([*order, "rank"])
    records.save_table(tables["spectra"], drawn)
    records.save_table(tables["dimension"], runs.merge(pd.DataFrame(numbers)).sort_values(order))
    trajectory = runs.merge(records.load_tables(trajectory_paths))
    records.save_table(tables["trajectory"], trajectory.sort_values(["run", "source", "rank", "step"]))


def _points(spectrum: pd.DataFrame) -> pd.DataFrame:
    """Variances and cumulative shares at log-spaced ranks."""
    shares = spectrum.assign(cumulative_share=spectrum["variance"].cumsum() / spectrum["total_variance"])
    ranks = arrays.log_spaced_ranks(len(spectrum), POINTS)
    return shares.loc[shares["rank"].isin(ranks), ["rank", "variance", "held_out_variance", "cumulative_share"]]


def _dimension(spectrum: pd.DataFrame) -> dict[str, float]:
    """Numbers of components of one spectrum; participation ratios only where it is whole."""
    variance, held_out = (torch.tensor(spectrum[name].to_numpy()) for name in ("variance", "held_out_variance"))
    total, rest = float(spectrum["total_variance"].iloc[0]), float(spectrum["total_variance"].iloc[0] - variance[0])
    ratio = fluctuations.participation_ratio
    whole = abs(float(variance.sum()) / total - 1) < 1e-9
    return {
        "components": len(variance),
        "whole_spectrum": whole,
        "components_90": _components(variance, 0.90, total),
        "components_99": _components(variance, 0.99, total),
        "components_90_without_first": _components(variance[1:], 0.90, rest),
        "first_to_second": float(variance[0] / variance[1]),
        "participation_ratio_without_first": ratio(variance[1:]) if whole else math.nan,
        "held_out_participation_ratio_without_first": ratio(held_out[1:]) if whole else math.nan,
    }


def _components(variance: torch.Tensor, share: float, total: float) -> float:
    """Components for a share of the variance; NaN where the spectrum was cut off before."""
    if float(variance.sum()) < share * total:
        return math.nan
    return fluctuations.components_for_share(variance, share, total)


if __name__ == "__main__":
    with jobs.logged_job(snakemake.log[0], snakemake.threads):
        tabulate(
            Path(snakemake.input.runs),
            [Path(path) for path in snakemake.input.spectra],
            [Path(path) for path in snakemake.input.trajectory],
            {name: Path(snakemake.output[name]) for name in ("spectra", "dimension", "trajectory")},
        )
