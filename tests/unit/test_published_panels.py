"""Panels of the published protocol: what stands where, and that odd tables are drawn, or said to have nothing."""

import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sgdphysics import published_sweeps
from sgdphysics.report import published_panels, style

FIGURES = Path(__file__).parents[2] / "workflow" / "scripts" / "figures"
RANKS = (1, 2, 5, 10, 15, 20)


@pytest.fixture(autouse=True)
def theme():
    style.use_theme()
    yield
    plt.close("all")


def tables(doses=(0.02, 0.1), seeds=range(3), gap=0.5, sweep="learning_rate"):
    """The tables of one sweep, in which every spread falls with the rank, and the parts of the gap with the dose."""
    random, points, spectra = np.random.default_rng(0), [], []
    for point, target in (("equal_loss", 0.01), ("equal_epochs", 30)):
        for dose in doses:
            for seed in seeds:
                row = {"sweep": sweep, "dose": dose, "seed": seed, "point": point, "target": target, "deciding": True}
                spreads = dict(zip(("slope_spread", "weight_spread"), random.uniform(1, 2, 2), strict=True))
                parts = {"delta_loss_sharp": gap - dose, "delta_loss_flat": dose, "delta_loss_sharp_of_shuffled_losses": gap / 2}
                points.append({**row, "reference": False, "training_loss": 0.25 * dose, "gap": gap, **spreads, **parts})
                stds = [{**row, "rank": rank, "slope_std": 1 / rank, "weight_std": random.uniform(1, 2) / rank} for rank in RANKS]
                spectra += stds
    spectra = pd.DataFrame(spectra).assign(summed_weight_std=lambda table: 1.0 + table["rank"])
    return {"published": pd.DataFrame(points), "published_spectra": published_sweeps.with_ratios(spectra)}


def drawn(given, sweep="learning_rate"):
    figure, axes = plt.subplots(2, 3)
    published_panels.draw_sweep(axes.flat, given, sweep)
    figure.canvas.draw()
    return axes.flat


def words(axis):
    return [text.get_text() for text in axis.texts]


def test_points_at_equal_epochs_have_their_losses_beside_them():
    *_, at_loss, at_epochs = drawn(tables())
    assert at_loss.get_title() == "at a training loss of 0.01"
    assert at_epochs.get_title() == "after 30 epochs (training loss)"
    assert {"0.005", "0.025"} <= set(words(at_epochs))
    assert not {"0.005", "0.025"} & set(words(at_loss))


def test_parts_of_the_gap_are_means_at_their_doses_and_the_largest_batch_comes_first():
    axis = drawn(tables(doses=(400.0, 25.0), gap=500.0, sweep="batch_size"), "batch_size")[3]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["400", "25"]
    courses = [line.get_ydata().tolist() for line in axis.lines if len(line.get_xdata())]
    assert courses == [
        [100, 475],
        [400, 25],
        [250, 250],
        [100, 475],
        [400, 25],
    ]  # at equal loss with the null, then at equal epochs


@pytest.mark.parametrize("given", [{"seeds": [7]}, {"doses": (0.1,)}, {"gap": -0.5}, {"seeds": [7], "doses": (0.1,)}], ids=str)
def test_few_seeds_and_doses_and_a_gap_below_zero_are_drawn(given):
    assert len(words(drawn(tables(**given))[5])) >= len(given.get("doses", (1, 2)))


def test_a_sweep_without_rows_is_said_to_have_none():
    assert all(words(axis) == ["no run of this setting\nconverged"] for axis in drawn(tables(), "dropout"))


@pytest.mark.parametrize("seeds", [range(3), [7]], ids=["three", "one"])
@pytest.mark.parametrize("gap", [0.5, -0.5])
def test_the_map_of_all_sweeps_is_drawn_for_few_seeds_and_for_none(seeds, gap):
    draw = runpy.run_path(str(FIGURES / "feng2023_fig5.py"), run_name="script")["draw"]
    rows = [
        {
            "sweep": "dropout",
            "dose": dose,
            "seed": seed,
            "reference": False,
            "run": f"{dose} {seed}",
            "point": point,
            "slopes": slopes,
        }
        for point in ("equal_loss", "equal_epochs")
        for slopes in ("parallel", "path_averaged")
        for dose in (0.0, 0.1, 0.3)
        for seed in seeds
    ]
    gauges = pd.DataFrame(rows).assign(sweep="dropout", reference=False, target=10, epoch=10, deciding=True)
    gauges = gauges.assign(slope_spread=np.exp(-gauges["dose"]), weight_spread=np.exp(2 * gauges["dose"]))
    published = tables(seeds=seeds, gap=gap)["published"]
    figure = draw({"gauges": gauges, "published": published})
    figure.canvas.draw()
    low, high = figure.axes[0].get_ylim()
    assert low < -0.3 < 0 < high
    assert np.isfinite([low, high]).all()
    empty = draw({"gauges": gauges.iloc[:0], "published": published.iloc[:0]})
    assert all(words(axis)[0] == "no run of this setting\nconverged" for axis in empty.axes)
