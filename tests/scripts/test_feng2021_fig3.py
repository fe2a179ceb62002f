"""feng2021_fig3 d: the temperature along components, where some runs have no edge of the flat region on one side."""

import itertools
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "figures" / "feng2021_fig3.py"
POSITIONS = [-1.0, -0.5, 0.0, 0.5, 1.0]


def rows_of(edges):
    """Rows of runs, by name, that have edges on these sides; the temperature grows as 1 + the distance from the centre."""
    kept = {"both": POSITIONS, "left": POSITIONS[:2], "right": POSITIONS[2:]}
    return pd.DataFrame(
        {"run": run, "rank": rank, "position": position, "temperature": factor * (1 + abs(position))}
        for rank, (factor, (run, sides)) in itertools.product([1, 10], enumerate(edges.items(), 1))
        for position in kept["both" if rank == 10 else sides]
    )


@pytest.mark.parametrize(
    ("edges", "drawn"),
    [
        ({"a": "both", "b": "both"}, ["$i$ = 1", "$i$ = 10"]),
        ({"a": "both", "b": "left", "c": "right", "d": "both"}, ["$i$ = 1", "$i$ = 10"]),
        ({"a": "left", "b": "right"}, ["$i$ = 10"]),
        ({"a": "left", "b": "left"}, ["$i$ = 10"]),
    ],
)
def test_runs_without_an_edge_on_one_side_are_left_out(edges, drawn):
    _, axis = plt.subplots()
    runpy.run_path(str(SCRIPT), run_name="script")["_homogeneity"](axis, rows_of(edges))
    lines = {line.get_label(): line for line in axis.lines if line.get_label().startswith("$")}
    assert list(lines) == drawn
    for line in lines.values():
        assert line.get_xdata().tolist() == POSITIONS
        assert line.get_ydata().tolist() == pytest.approx([2, 1.5, 1, 1.5, 2])
    plt.close("all")


def test_every_direction_of_the_covariance_is_named_by_its_rank():
    ranks = [1, 2, 5, 20]
    rows = pd.DataFrame({"rank": i, "other_rank": j, "covariance": 1 / (i + j)} for i, j in itertools.product(ranks, ranks))
    _, axis = plt.subplots()
    runpy.run_path(str(SCRIPT), run_name="script")["_covariance"](axis, rows)
    for ticks in (axis.get_xticklabels(), axis.get_yticklabels()):
        assert [tick.get_text() for tick in ticks] == [str(rank) for rank in ranks]
    assert not axis.child_axes


def test_every_row_of_slopes_has_its_window_and_every_group_its_basis():
    rows = pd.DataFrame(
        {"basis": basis, "window_epochs": epochs, "source": "sgd", "time": "relaxation", "exponent": 0.1 * seed}
        for basis, epochs, seed in itertools.product(["principal", "held_out", "hessian"], [10, 20], range(3))
    )
    _, axis = plt.subplots()
    runpy.run_path(str(SCRIPT), run_name="script")["_slopes"](axis, rows)
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["10", "20"] * 3
    assert [text.get_text() for text in axis.texts] == ["in sample", "held out", "Hessian"]
