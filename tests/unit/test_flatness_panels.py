"""Panels against flatness: which directions they show, and which means."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sgdphysics.report import flatness_panels, style


def rows():
    """Two settings of two seeds and two ranks; of the second setting one run did not converge."""
    keys = [(rate, seed, rank) for rate in (0.1, 0.2) for seed in (1, 2) for rank in (1, 4)]
    table = pd.DataFrame(keys, columns=["learning_rate", "seed", "rank"]).assign(batch_size=50, status="converged", fitted=True)
    table.loc[(table["learning_rate"] == 0.2) & (table["seed"] == 2), "status"] = "not_converged"
    return table.assign(flatness=table["rank"] * 4.0 ** table["seed"], variance=table["learning_rate"] * 9.0 ** table["seed"])


def test_directions_outside_the_fit_or_without_a_flatness_are_left_out():
    table = rows()
    table.loc[0, "fitted"] = False
    table.loc[1, "flatness"] = np.inf
    assert flatness_panels.fitted(table).index.tolist() == [2, 3, 4, 5, 6, 7]


def test_a_setting_shows_its_geometric_means_hollow_where_a_run_did_not_converge():
    style.use_theme()
    figure, axis = plt.subplots()
    flatness_panels.draw_settings(axis, rows(), "variance", "variance")
    solid, hollow = axis.collections
    np.testing.assert_allclose(solid.get_offsets(), [(8, 2.7), (32, 2.7)])
    np.testing.assert_allclose(hollow.get_offsets(), [(8, 5.4), (32, 5.4)])
    assert len(solid.get_facecolors()) == 1
    assert len(hollow.get_facecolors()) == 0
    assert axis.get_ylim()[0] == pytest.approx(0.9 / 30)
    assert axis.get_ylabel() == "variance"
    plt.close(figure)
