"""yang2023_fig4 is drawn from whatever tables a study gives, and says in a panel what there is not to draw."""

import itertools
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sgdphysics import convergence_edge, edge_controls
from sgdphysics.report import style
from sgdphysics.tables import save_table

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "figures" / "yang2023_fig4.py"
QUANTITIES = ["test_loss", "test_error"]


def tables_of(converged):
    """Tables of a study of which those runs converged that a function of learning rate and batch size names."""
    random = np.random.default_rng(0)
    settings = itertools.product((0.1, 0.2, 0.4, 0.8), (4, 8, 16, 32), (1, 2, 3))
    runs = pd.DataFrame(settings, columns=["learning_rate", "batch_size", "seed"]).assign(
        part="grid", initial_scale=1.0, epochs=10.0
    )
    runs["run"] = [f"run{number}" for number in range(len(runs))]
    runs["status"] = [
        "converged" if converged(row.learning_rate, row.batch_size, row.seed) else "not_converged" for row in runs.itertuples()
    ]
    runs["noise_scale"] = runs["learning_rate"] / runs["batch_size"]
    numbers = [*edge_controls.RESPONSES, "training_loss", "steps", "batch_sharpness", "learning_rate_times_batch_sharpness"]
    runs = runs.assign(**{name: random.uniform(0.1, 1, len(runs)) for name in numbers})
    counts = runs.groupby(["part", "initial_scale", *convergence_edge.SETTING])["status"].agg(
        converged=lambda status: (status == "converged").sum(), runs="size"
    )
    counts = counts.assign(no_longer_falling=counts["runs"] - counts["converged"], still_falling=0, dead=0, not_finite=0)
    control = runs[runs["run"] == "run0"].merge(pd.DataFrame({"epochs": [1.0, 100]}), how="cross", suffixes=("_", ""))
    scales = pd.concat([runs, runs.assign(initial_scale=2.0)])
    points = [runs.assign(last=True), runs[runs["batch_size"] == 8].assign(last=False)]
    return {
        "runs": runs,
        "outcomes": counts.reset_index(),
        "lines": convergence_edge.optima(runs, QUANTITIES),
        "bends": edge_controls.bends(runs),
        "flatness": edge_controls.against_control(runs, control),
        "sharpness": pd.concat(points) if (runs["status"] == "converged").any() else points[0].iloc[:0],
        "scales": scales,
        "scale_lines": convergence_edge.optima(runs, QUANTITIES).assign(initial_scale=1.0),
        "asymmetry": edge_controls.asymmetries(runs, 0.05),
    }


def drawn(folder, tables):
    inputs = {name: folder / f"{name}.csv" for name in tables}
    for name, table in tables.items():
        save_table(inputs[name], table)
    script = runpy.run_path(str(SCRIPT), run_name="script")
    figures = []

    def draw(loaded):
        figures.append(script["draw"](loaded))
        return figures[0]

    style.make_figure(draw, script["TABLES"], inputs, [folder / "figure.png"])
    return figures[0]


def words(figure):
    return " ".join(text.get_text() for axis in figure.axes for text in axis.texts)


def test_every_panel_is_drawn_of_a_study_with_an_edge(tmp_path):
    figure = drawn(tmp_path, tables_of(lambda rate, size, seed: rate / size < 0.06 - 0.02 * (seed == 1)))
    assert "no run" not in words(figure)
    labels = {axis.get_ylabel() for axis in figure.axes}
    assert {"test loss", "test error", r"$\alpha\ \times$ batch sharpness"} <= labels


@pytest.mark.parametrize("share", ["all", "none", "one setting", "one seed"])
def test_a_study_without_an_edge_is_drawn_too(tmp_path, share):
    converged = {
        "all": lambda rate, size, seed: True,
        "none": lambda rate, size, seed: False,
        "one setting": lambda rate, size, seed: (rate, size) == (0.1, 8),
        "one seed": lambda rate, size, seed: seed == 1,
    }
    figure = drawn(tmp_path, tables_of(converged[share]))
    assert ("no run" in words(figure)) == (share == "none")
