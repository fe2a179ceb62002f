"""Tabulate feng2021_fig4: temperature against flatness, through training, and at equal training loss."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sgdphysics import fits
from sgdphysics.provenance import jobs
from sgdphysics.tables import RUN_COLUMNS, RUN_ORDER, load_table, load_tables, save_rows, save_table

COMPARED = ("sharpest_temperature", "slope_spread", "test_loss")


def tabulate(
    directions_path: Path,
    runs_path: Path,
    measured: Mapping[str, Sequence[Path]],
    equal_losses: Sequence[float],
    tables: Mapping[str, Path],
) -> None:
    """Write the tables "annealing" (checkpoint by direction), "checkpoints", "temperature_fits" (T against F, per run) and
    "equal_loss" (quantities interpolated to equal training losses).
    """
    runs = load_table(runs_path)[RUN_COLUMNS]
    order = [*RUN_ORDER, "step"]
    annealing = runs.merge(load_tables(measured["annealing"])).sort_values([*order, "rank"])
    checkpoints = runs.merge(load_tables(measured["checkpoints"])).sort_values(order)
    save_table(tables["annealing"], annealing)
    save_table(tables["checkpoints"], checkpoints)
    power_laws = _temperature_fits(load_table(directions_path))
    save_rows(tables["temperature_fits"], power_laws, [*RUN_COLUMNS, "exponent", "intercept", "r", "points"], RUN_ORDER)
    columns = [*RUN_COLUMNS, "target_loss", "quantity", "value"]
    order = ["quantity", "target_loss", *RUN_ORDER]
    save_rows(tables["equal_loss"], _at_equal_loss(checkpoints, equal_losses), columns, order)


def _temperature_fits(directions: pd.DataFrame) -> list[pd.DataFrame]:
    """T_i ~ F_i^exponent along the principal directions of the main window, one row per run."""
    chosen = directions[(directions["window"] == "main") & directions["fitted"] & (directions["source"] == "sgd")]
    rows = []
    for key, group in chosen[chosen["basis"] == "principal"].groupby(RUN_COLUMNS):
        fit = fits.power_law(group["flatness"], group["temperature"])
        numbers = {"exponent": fit.exponent, "intercept": fit.intercept, "r": fit.r, "points": fit.n}
        rows.append(pd.DataFrame([{**dict(zip(RUN_COLUMNS, key, strict=True)), **numbers}]))
    return rows


def _at_equal_loss(checkpoints: pd.DataFrame, equal_losses: Sequence[float]) -> list[pd.DataFrame]:
    """Quantities at given training losses, interpolated between checkpoints in ln y against ln L; NaN where not reached."""
    rows = []
    for key, group in checkpoints[checkpoints["epoch"] >= 1].groupby(RUN_COLUMNS):
        group = group.sort_values("training_loss", kind="stable")
        log_loss = np.log(group["training_loss"])
        for target in equal_losses:
            inside = log_loss.min() <= np.log(target) <= log_loss.max()
            for name in COMPARED:
                value = np.exp(np.interp(np.log(target), log_loss, np.log(group[name]))) if inside else np.nan
                columns = {"target_loss": target, "quantity": name, "value": value}
                rows.append(pd.DataFrame([{**dict(zip(RUN_COLUMNS, key, strict=True)), **columns}]))
    return rows


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tabulate(
            Path(snakemake.input.directions),
            Path(snakemake.input.runs),
            {name: [Path(path) for path in snakemake.input[name]] for name in ("annealing", "checkpoints")},
            snakemake.params.equal_losses,
            {name: Path(snakemake.output[name]) for name in ("annealing", "checkpoints", "temperature_fits", "equal_loss")},
        )
