"""beyond_fig6: a panel for what there is, and words where there is nothing."""

import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sgdphysics import fluctuation_dissipation

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "figures" / "beyond_fig6.py"
SOURCES = ("sgd", "noise_epoch", "rotated_noise")
THEORIES = ("theory_epoch", "theory_replacement", "theory_without_force", "theory_stationary")
RUN = {"learning_rate": 0.1, "batch_size": 50, "status": "converged", "reference": True}


def tables(seeds):
    """Every table of the figure, of one setting."""
    runs = [{**RUN, "run": f"run{seed}", "seed": seed} for seed in range(seeds)]
    ratios = pd.DataFrame(
        {**run, "source": source, "rank": rank, "detrending_order": order, "relaxations_per_epoch": 1 / rank}
        for run in runs
        for source in SOURCES
        for rank in (1, 3, 10, 30)
        for order in (0, 1)
    )
    ratios["fluctuation_dissipation_ratio"] = ratios["relaxations_per_epoch"] * (2 + 0.1 * ratios["seed"])
    ratios = ratios.assign(**dict.fromkeys(THEORIES, ratios["relaxations_per_epoch"]))
    ratios["measured_over_theory"] = 2 + 0.1 * ratios["seed"]
    exponents = pd.DataFrame(
        {**run, "label_noise": noise, "reference": not noise, "rank": rank, "decades": width}
        | {"loss_low": low, "loss_high": low * 10**width, "exponent": 1 + 0.1 * run["seed"], "points": 4}
        for run in runs
        for noise in (0.0, 0.2)
        for rank in (5, 10)
        for width in (1.0, 0.5)
        for low in (0.01, 0.1, 1.0)
    )
    windows = pd.DataFrame(
        {**run, "sampling": way, "layers": layers, "window_epochs": epochs, "detrending": order, "rank": rank}
        | {"variance": epochs / rank * (1 + 0.1 * run["seed"])}
        for run in runs
        for way in ("epoch", "replacement")
        for layers in ("all", "studied")
        for epochs in (10, 20)
        for order in (0, 1)
        for rank in (1, 2, 10)
    )
    medians = fluctuation_dissipation.medians(ratios)
    return {"ratios": ratios, "medians": medians, "local_exponents": exponents, "windows": windows}


def drawn(found):
    """The panels a to f of the figure of some tables."""
    figure = runpy.run_path(str(SCRIPT), run_name="script")["draw"](found)
    figure.canvas.draw()
    plt.close(figure)
    return figure.axes


def lines(axis):
    """Lines with markers that hold points: x and y of each."""
    return [
        (line.get_xdata(), line.get_ydata())
        for line in axis.lines
        if line.get_marker() not in ("None", "") and len(line.get_xdata())
    ]


@pytest.mark.parametrize("seeds", [1, 3])
def test_every_panel_shows_what_the_tables_hold(seeds):
    _, sources, over_theory, orders, exponents, windows = drawn(tables(seeds))
    places = [10**-1.5, 0.1, 10**-0.5, 1.0]
    mean = np.exp(np.mean(np.log(2 + 0.1 * np.arange(seeds))))
    assert len(lines(sources)) == len(SOURCES)
    assert len(lines(over_theory)) == len(SOURCES) - 1
    for x, y in [*lines(over_theory), *lines(orders)]:
        np.testing.assert_allclose(x, places)
        np.testing.assert_allclose(y, mean)
    assert len(lines(orders)) == 2
    assert len(lines(exponents)) == 4
    for x, y in lines(exponents):  # in the narrower bins below a loss of 1
        np.testing.assert_allclose(x, [0.01 * 10**0.25, 0.1 * 10**0.25])
        np.testing.assert_allclose(y, 1 + 0.1 * np.mean(np.arange(seeds)))
    assert exponents.xaxis_inverted()
    assert len(lines(windows)) == 4  # ranks 1 and 10, either way of drawing


def test_hollow_points_are_settings_that_did_not_converge():
    found = tables(2)
    found["ratios"]["status"] = "not_converged"
    (points,) = drawn(found)[0].collections
    assert len(points.get_facecolors()) == 0


def test_without_rows_every_panel_says_so():
    panels = drawn({name: table.iloc[:0] for name, table in tables(1).items()})
    assert [[text.get_text() for text in axis.texts][:1] for axis in panels] == [["no run of this setting\nconverged"]] * 6
