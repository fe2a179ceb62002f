"""Tabulate feng2021_fig2: variance and flatness direction by direction, the exponents between them, slices."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from sgdphysics import devices, ranks, surrogates
from sgdphysics.arguments import SAMPLING
from sgdphysics.flatness_exponents import beside_flatness, exponent
from sgdphysics.provenance import jobs
from sgdphysics.tables import RUN_COLUMNS, RUN_ORDER, WINDOW_COLUMNS, load_table, load_tables, save_rows, save_table
from sgdphysics.window_settings import noise_source

KEYS = [*RUN_COLUMNS, "window", "window_epochs"]
DIRECTION_COLUMNS = [
    *KEYS,
    "source",
    "basis",
    "rank",
    "fitted",
    "flatness",
    "edge_left",
    "edge_right",
    "curvature",
    "temperature",
    "variance",
    "variance_without_drift",
    "theory_variance",
    "stationary_variance",
    "fluctuation_dissipation_ratio",
    "relaxation_time_steps",
    "integrated_time_steps",
]
EXPONENT_COLUMNS = [*KEYS, "kind", "exponent", "intercept", "r", "spearman", "points", "censored", "censored_share"]

# Exponents: source, basis, and the column that is fitted against flatness. Science: Feng and Tu 2021; the drift is left out of all
# but the two marked so: in sample with the first principal component, elsewhere as a straight line, of noise and theory as of SGD.
EXPONENTS = {
    "in_sample": ("sgd", "principal", "variance"),
    "held_out": ("sgd", "held_out", "variance_without_drift"),
    "hessian": ("sgd", "hessian", "variance_without_drift"),
    "frozen_noise": ("noise", "principal", "variance"),
    "linear_theory": ("sgd", "hessian", "theory_variance"),
    "linear_theory_stationary": ("sgd", "hessian", "stationary_variance"),
    "held_out_with_drift": ("sgd", "held_out", "variance"),
    "hessian_with_drift": ("sgd", "hessian", "variance"),
    "noise_held_out": ("noise", "held_out", "variance_without_drift"),
    "noise_hessian": ("noise", "hessian", "variance_without_drift"),
    "other_frozen_noise": ("other_noise", "principal", "variance"),
}


def tabulate(
    runs_path: Path,
    measured: Mapping[str, Sequence[Path]],
    directions: int,
    weights: int,
    tables: Mapping[str, Path],
) -> None:
    """Write the tables "directions" (one row per direction), "exponents" (per run), "slices" and "minima".

    Args:
        runs_path: The table of runs.
        measured: Paths of the tables fluctuations, flatness, temperature, slices and minima of every chunk.
        directions: Number of log-spaced directions that enter a fit.
        weights: Of the studied layer.
        tables: Where to write.
    """
    runs = load_table(runs_path)
    rows = _directions(runs, {name: load_tables(paths) for name, paths in measured.items()}, directions, weights)
    order = [*RUN_ORDER, "window_epochs"]
    save_rows(tables["directions"], rows, DIRECTION_COLUMNS, [*order, "source", "basis", "rank"])
    for name, main in (("exponents", True), ("longer_exponents", False)):
        windows = [window for window in rows if (window["window"].iloc[0] == "main") == main]
        parts = [pd.DataFrame(_exponents(window)).assign(**window[KEYS].iloc[0]) for window in windows]
        save_rows(tables[name], parts, EXPONENT_COLUMNS, [*order, "kind"])
    for name in ("slices", "minima"):
        save_table(tables[name], runs[RUN_COLUMNS].merge(load_tables(measured[name])).sort_values(["seed", "rank"]))


def _directions(runs: pd.DataFrame, measured: Mapping[str, pd.DataFrame], directions: int, weights: int) -> list[pd.DataFrame]:
    """One row per direction; a table for each run and window."""
    # The further rungs of the ladder of nulls have a table of their own.
    fluctuations = measured["fluctuations"]
    fluctuations = fluctuations[fluctuations["source"].isin(["sgd", *map(noise_source, SAMPLING)])]
    rows = beside_flatness(fluctuations, measured["flatness"])
    temperature = measured["temperature"].rename(columns={"basis": "flatness_basis"}).assign(flatness_source="sgd")
    keys = [*WINDOW_COLUMNS, "flatness_source", "flatness_basis", "rank"]
    rows = rows.merge(temperature, on=keys, how="left")
    rows = runs.merge(rows, on="run")
    rows["fitted"] = False
    return [
        pd.concat([_with_theory(part.copy(), directions, weights) for _, part in window.groupby(["source", "basis"])])
        for _, window in rows.groupby(KEYS)
    ]


def _with_theory(group: pd.DataFrame, directions: int, weights: int) -> pd.DataFrame:
    """Mark the directions that enter fits, and add the linear theory and the fluctuation-dissipation ratio, both without drift."""
    run = group.iloc[0]
    epoch_steps = int(run["steps"] // run["epochs"])
    fitted = ranks.fitted_ranks(int(run["window_epochs"]) * epoch_steps, weights, directions)
    group["fitted"] = group["rank"].isin(fitted)
    group["fluctuation_dissipation_ratio"] = group["variance_without_drift"] * group["curvature"] / group["temperature"]
    group["stationary_variance"] = group["theory_variance"] = float("nan")
    if (run["source"], run["basis"]) != ("sgd", "hessian"):
        return group
    curvatures, temperatures = (torch.tensor(group[name].to_numpy()) for name in ("curvature", "temperature"))
    group["stationary_variance"] = surrogates.stationary_variance(curvatures, temperatures, run["learning_rate"]).tolist()
    group["theory_variance"] = surrogates.window_variance(
        curvatures.clamp(min=0),
        temperatures,
        learning_rate=run["learning_rate"],
        epoch_steps=epoch_steps,
        epochs=int(run["window_epochs"]),
        sampling=run["sampling"],
        earlier_epochs=int(run["start_epoch"]),
        detrending_order=1,
    ).tolist()
    return group


def _exponents(group: pd.DataFrame) -> list[dict[str, object]]:
    """Every exponent psi in variance ~ flatness^-psi of one run and window."""
    noise, other_noise = "noise_epoch", "noise_replacement"
    if noise not in set(group["source"]):
        noise, other_noise = other_noise, noise
    sources = {"noise": noise, "other_noise": other_noise, "sgd": "sgd"}
    rows = []
    for kind, (source, basis, column) in EXPONENTS.items():
        chosen = group[(group["source"] == sources[source]) & (group["basis"] == basis) & group["fitted"]]
        if not len(chosen):
            continue
        rows.append({"kind": kind, **exponent(chosen["flatness"], chosen[column])})
    return rows


TABLES = ("directions", "exponents", "longer_exponents", "slices", "minima")
MEASURED = ("fluctuations", "flatness", "temperature", "slices", "minima")

if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        devices.prepared(job)
        tabulate(
            Path(snakemake.input.runs),
            {name: [Path(path) for path in snakemake.input[name]] for name in MEASURED},
            snakemake.params.directions,
            snakemake.params.weights,
            {name: Path(snakemake.output[name]) for name in TABLES},
        )
