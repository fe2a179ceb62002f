"""Tabulate the sweeps of feng2023: points, spectra, settings, and what each dose changes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sgdphysics import sweeps
from sgdphysics.provenance import jobs
from sgdphysics.tables import load_tables, save_rows

MEMBER = ["sweep", "dose", "seed", "reference"]
POINT = ["point", "target", "deciding"]
CHANGED = [
    "slope_spread",
    "weight_spread",
    "weight_norm",
    "largest_eigenvalue",
    "trace",
    "median_flatness",
    "gap",
    "test_loss",
    "sharp_slope_std",
    "flat_slope_std",
]
SHARPNESS_OF_LAYER = ["slope_spread", "weight_spread", "weight_norm", "largest_eigenvalue", "trace", "gap"]
SPECTRUM = ["rank", "eigenvalue", "slope_std", "weight_std"]
SETTINGS = [
    "sweep",
    "dose",
    "runs",
    "converged",
    "target",
    "reached",
    "epoch",
    "test_minus_training_loss",
    "gap",
    "decomposed_gap",
    "largest_residual",
    "slope_spread",
    "weight_spread",
    "weight_norm",
]


def tabulate(
    members: Sequence[Mapping[str, Any]],
    measured: Mapping[str, Sequence[Path]],
    tables: Mapping[str, Path],
) -> None:
    """Write the tables of the sweeps.

    "points": one row per run of a sweep and point, "deciding" where the sweep is decided. "spectra": per direction at some ranks,
    there. "gauges": one row per run of a sweep, point and kind of slopes. "settings": one row per sweep and dose, means over seeds
    at the deciding loss. "effects": what each dose changes against the weakest. "dropout": the same for the sweeps of dropout, per
    layer and way of matching.
    """
    runs = pd.DataFrame(members, columns=["run", *MEMBER])
    points = runs.merge(load_tables(measured["points"]), on="run")
    reached = points.dropna(subset=["point"])
    deciding = sweeps.deciding_targets(sweeps.with_control(reached)).assign(deciding=True)
    points = points.merge(deciding, on=["sweep", "point", "target"], how="left").fillna({"deciding": False})
    save_rows(tables["points"], [points], _columns(points))
    spectra = runs.merge(load_tables(measured["spectra"]), on="run").merge(deciding, on=["sweep", "point", "target"])
    save_rows(tables["spectra"], [spectra], [*MEMBER, "run", "point", "target", *SPECTRUM])
    gauges = runs.merge(load_tables(measured["gauges"]), on="run")
    gauges = gauges.merge(deciding, on=["sweep", "point", "target"], how="left").fillna({"deciding": False})
    save_rows(tables["gauges"], [gauges], _columns(gauges))
    save_rows(tables["settings"], [_settings(points)], SETTINGS)
    save_rows(tables["effects"], [sweeps.effects(points.drop(columns="deciding"), CHANGED)], [*sweeps.EFFECTS, *CHANGED])
    of_dropout = runs[runs["sweep"].str.startswith(("dropout", sweeps.CONTROL))]
    layers = of_dropout.merge(load_tables(measured["dropout"]), on="run")
    parts = [
        sweeps.effects(pd.concat([part, of_dropout]), SHARPNESS_OF_LAYER).assign(layer=number, matching=matching)
        for (number, matching), part in layers.groupby(["layer", "matching"])
    ]
    columns = [*sweeps.EFFECTS[:1], "layer", "matching", *sweeps.EFFECTS[1:], *SHARPNESS_OF_LAYER]
    save_rows(tables["dropout"], parts, columns)


def _columns(points: pd.DataFrame) -> list[str]:
    """The columns of a table of points, in order: run, point, and what was measured."""
    first = [*MEMBER, "run", *POINT]
    return [*first, *(column for column in points if column not in first)]


def _settings(points: pd.DataFrame) -> pd.DataFrame:
    """Gap measured and decomposed, sharpness and size of every setting, means over the seeds that reached the deciding loss."""
    keys = ["sweep", "dose"]
    runs = points.drop_duplicates(["sweep", "run"]).groupby(keys)
    counts = runs["run"].size().rename("runs").to_frame().assign(converged=runs["status"].agg(lambda s: (s == "converged").sum()))
    chosen = points[points["deciding"] & (points["point"] == "equal_loss")]
    residual = (chosen["gap"] - chosen["decomposed_gap"]).abs()
    difference = chosen["test_loss"] - chosen["training_loss"]
    chosen = chosen.assign(largest_residual=residual, test_minus_training_loss=difference)
    groups = chosen.groupby(keys)
    means = groups[[column for column in SETTINGS if column in chosen and column not in {*keys, "largest_residual"}]].mean()
    means = means.assign(reached=groups.size(), largest_residual=groups["largest_residual"].max())
    return counts.join(means).reset_index()


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tabulate(
            snakemake.params.members,
            {name: [Path(path) for path in snakemake.input[name]] for name in ("points", "spectra", "gauges", "dropout")},
            {name: Path(snakemake.output[name]) for name in ("points", "spectra", "gauges", "settings", "effects", "dropout")},
        )
