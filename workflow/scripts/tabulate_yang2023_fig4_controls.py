"""Tabulate controls of yang2023_fig4: outcomes by setting, the bend of the steps, responses to both settings, flatness against a
run of little noise, and a larger initial scale.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sgdphysics import convergence_edge, edge_controls
from sgdphysics.provenance import jobs
from sgdphysics.tables import RUN_ORDER, load_table, save_rows, save_table

OUTCOMES = ["converged", "still_falling", "no_longer_falling", "dead", "not_finite"]
PLACE = ["part", "initial_scale", *convergence_edge.SETTING]
QUANTITIES = ["test_loss", "test_error", "slope_spread", "largest_eigenvalue"]
SCALES = ["run", *RUN_ORDER, "noise_scale", "initial_scale", "status", "epochs", "training_loss", *QUANTITIES]
SCALE_LINES = [
    *("initial_scale", "line", "quantity", "kind", "value", "points"),
    *(f"{name}_{key}" for name in ("edge", "beyond", "optimum") for key in convergence_edge.SETTING),
    "octaves_from_optimum_to_edge",
]
AGAINST = ["run", *RUN_ORDER, "noise_scale", "quantity", "equal", "value", "control_value", "status"]


def tabulate(runs_path: Path, measured: Mapping[str, Path], weak_noise: float, tables: Mapping[str, Path]) -> None:
    """Write the tables "setting_outcomes", "bends", "asymmetry", "flatness", "flatness_lines", "scales" and "scale_lines".

    Args:
        runs_path: Table ``yang2023_fig4``.
        measured: Tables "outcomes" and "followed" of `measure_edge`.
        weak_noise: Largest learning rate / batch size at which responses to both are compared.
        tables: Where they are written.
    """
    runs, followed = load_table(runs_path), load_table(measured["followed"])
    grid = runs[runs["part"] == "grid"]
    save_table(tables["setting_outcomes"], _outcomes(load_table(measured["outcomes"])))
    save_table(tables["bends"], edge_controls.bends(grid))
    save_table(tables["asymmetry"], edge_controls.asymmetries(grid, weak_noise))
    compared = edge_controls.against_control(grid, followed[followed["part"] == "control"])
    save_rows(tables["flatness"], [compared], AGAINST, [*RUN_ORDER, "quantity", "equal"])
    save_table(tables["flatness_lines"], edge_controls.flatness_along_lines(grid, compared))
    scales = _scales(grid, followed[followed["part"] == "initial_scale"], load_table(measured["outcomes"]))
    save_rows(tables["scales"], [scales], SCALES, ["initial_scale", *RUN_ORDER])
    lines = [
        convergence_edge.optima(part, QUANTITIES).assign(initial_scale=scale) for scale, part in scales.groupby("initial_scale")
    ]
    save_rows(tables["scale_lines"], lines, SCALE_LINES)


def _outcomes(outcomes: pd.DataFrame) -> pd.DataFrame:
    """How many runs of each setting ended in which way, and after how many epochs."""
    counts = outcomes.groupby([*PLACE, "outcome"]).size().unstack(fill_value=0).reindex(columns=OUTCOMES, fill_value=0)
    epochs = outcomes.groupby(PLACE)["epochs"].agg(fewest_epochs="min", most_epochs="max")
    return counts.assign(runs=counts.sum(axis=1)).join(epochs).reset_index()


def _scales(grid: pd.DataFrame, larger: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """The runs of the larger initial scale, dead ones too, and those of the grid at the same settings and seeds."""
    fates = outcomes[outcomes["part"] == "initial_scale"]
    measured = larger[["run", "training_loss", *QUANTITIES]]
    scaled = fates.merge(measured, on="run", how="left")
    same = grid.merge(scaled[RUN_ORDER].drop_duplicates(), on=RUN_ORDER).assign(initial_scale=1.0)
    both = pd.concat([part for part in (same, scaled) if len(part)] or [scaled], ignore_index=True)
    return both.assign(noise_scale=both["learning_rate"] / both["batch_size"])


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        names = ("setting_outcomes", "bends", "asymmetry", "flatness", "flatness_lines", "scales", "scale_lines")
        tabulate(
            Path(snakemake.input.runs),
            {name: Path(snakemake.input[name]) for name in ("outcomes", "followed")},
            snakemake.params.weak_noise,
            {name: Path(snakemake.output[name]) for name in names},
        )
