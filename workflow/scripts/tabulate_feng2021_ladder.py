"""Tabulate the ladder of nulls of feng2021: the exponent of variance against flatness on every rung, all treated alike."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from sgdphysics import devices, surrogates
from sgdphysics.flatness_exponents import beside_flatness, exponent
from sgdphysics.provenance import jobs
from sgdphysics.ranks import fitted_ranks
from sgdphysics.tables import RUN_COLUMNS, RUN_ORDER, WINDOW_COLUMNS, load_table, load_tables, save_rows
from sgdphysics.window_settings import noise_source

MEASURED = ("detrended", "flatness", "temperature")
NUMBERS = ["exponent", "r", "spearman", "points", "censored"]
WINDOW = [*RUN_COLUMNS, "window", "window_epochs"]
FITTED = ["rung", "basis", "detrending_order"]
COLUMNS = [*WINDOW, *FITTED, "ranks", *NUMBERS]

# Rungs, from the one that lacks most; the noise is that of the run's own sampling. The last is what linear theory expects of SGD.
RUNGS = ("isotropic", "rotated_noise", "frozen_noise", "linear_sgd", "sgd", "linear_theory")
RANKS = {"all": (1, float("inf")), "2-50": (1, 50), "above 50": (50, float("inf"))}  # above the one, up to the other


def tabulate(
    runs_path: Path,
    measured: Mapping[str, Sequence[Path]],
    directions: int,
    weights: int,
    table_path: Path,
) -> None:
    """Write the table, one row per run, rung, basis, detrending order and range of ranks, of the main window.

    Args:
        runs_path: The table of runs.
        measured: Paths of the tables detrended, flatness and temperature of every chunk.
        directions: Number of log-spaced directions that enter a fit.
        weights: Of the studied layer.
        table_path: Where to write.
    """
    detrended, flatness, temperature = (load_tables(measured[name]) for name in MEASURED)
    rows = beside_flatness(detrended, flatness)
    rows = _by_rung(load_table(runs_path).merge(rows[rows["window"] == "main"], on="run"))
    rows = _of_fitted_ranks(rows, directions, weights)
    hessian = rows[(rows["rung"] == "sgd") & (rows["basis"] == "hessian")]
    hessian = hessian.merge(temperature, on=[*WINDOW_COLUMNS, "basis", "rank"])
    theory = [_expected(group) for _, group in hessian.groupby(["run", "detrending_order"])]
    rows = pd.concat([rows, *theory], ignore_index=True)
    groups = rows.groupby([*WINDOW, *FITTED], dropna=False)[["rank", "flatness", "variance"]]
    parts = [{**dict(zip([*WINDOW, *FITTED], of, strict=True)), **fit} for of, group in groups for fit in _fits(group)]
    save_rows(table_path, [pd.DataFrame(parts)], COLUMNS, [*RUN_ORDER, *FITTED, "ranks"])


def _by_rung(rows: pd.DataFrame) -> pd.DataFrame:
    """Only the sources that are rungs, under the names of these."""
    frozen = rows["source"] == rows["sampling"].map(noise_source)
    rows = rows.assign(rung=rows["source"].mask(frozen, "frozen_noise"))
    return rows[rows["rung"].isin(RUNGS)]


def _of_fitted_ranks(rows: pd.DataFrame, directions: int, weights: int) -> pd.DataFrame:
    """Only the ranks that enter a fit, which are of the number of steps of a run's window."""
    steps = rows["window_epochs"] * (rows["steps"] // rows["epochs"])
    ranks = {number: fitted_ranks(int(number), weights, directions) for number in steps.unique()}
    return pd.concat([rows[(steps == number) & rows["rank"].isin(of_fit)] for number, of_fit in ranks.items()] or [rows])


def _expected(group: pd.DataFrame) -> pd.DataFrame:
    """The variances that linear theory expects of SGD in a window of a run, along directions of the Hessian."""
    run = group.iloc[0]
    curvatures, temperatures = (torch.tensor(group[name].to_numpy()) for name in ("curvature", "temperature"))
    variances = surrogates.window_variance(
        curvatures.clamp(min=0),
        temperatures,
        learning_rate=run["learning_rate"],
        epoch_steps=int(run["steps"] // run["epochs"]),
        epochs=int(run["window_epochs"]),
        sampling=run["sampling"],
        earlier_epochs=int(run["start_epoch"]),
        detrending_order=int(run["detrending_order"]),
    )
    return group.assign(rung="linear_theory", variance=variances.tolist())


def _fits(group: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The fits of one rung of a run in one basis, by range of ranks."""
    ranks, flatness, variance = group.to_numpy(dtype=float).T
    for name, (above, last) in RANKS.items():
        chosen = (ranks > above) & (ranks <= last)
        yield {"ranks": name, **exponent(flatness[chosen], variance[chosen])}


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        devices.prepared(job)
        tabulate(
            Path(snakemake.input.runs),
            {name: [Path(path) for path in snakemake.input[name]] for name in MEASURED},
            snakemake.params.directions,
            snakemake.params.weights,
            Path(snakemake.output.table),
        )
