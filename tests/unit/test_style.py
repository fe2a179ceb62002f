"""The look of the figures, and how one is made from its tables."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sgdphysics.errors import RecordError
from sgdphysics.report import style
from sgdphysics.tables import save_table


def example():
    style.use_theme()
    figure, axis = plt.subplots()
    style.band(axis, [1, 2, 3], np.exp(np.random.default_rng(0).standard_normal((5, 3))), "black")
    axis.set(xscale="log", yscale="log")
    style.log_ticks(axis)
    style.letter_panels([axis])
    return figure


def test_figures_have_the_same_bytes_every_time(tmp_path):
    for name in ("one", "two"):
        style.save(example(), tmp_path / f"{name}.pdf", tmp_path / f"{name}.png")
    for suffix in ("pdf", "png"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


@pytest.mark.parametrize("samples", [np.empty((0, 3)), np.empty((2, 0)), [[1.0, np.nan, 0.0], [np.nan, 2.0, 3.0]]])
def test_a_band_without_a_column_that_all_seeds_have_is_not_drawn(samples):
    _, axis = plt.subplots()
    style.band(axis, range(np.shape(samples)[1]), samples, "black")
    assert not axis.lines
    assert not axis.collections


def test_where_the_loss_falls_to_the_right_an_arrow_shows_the_direction_of_training():
    _, axis = plt.subplots()
    axis.plot([1.0, 0.1], [1.0, 2.0])
    style.loss_falls(axis)
    (text,) = axis.texts
    assert axis.xaxis_inverted()
    assert text.get_text() == "training"
    assert text.xy[0] > text.xyann[0]


def test_the_look_is_that_of_the_project_whatever_was_set_before(tmp_path):
    style.save(example(), tmp_path / "one.pdf", tmp_path / "one.png")
    others = {"axes.facecolor": "yellow", "axes.grid": True, "xtick.direction": "in", "savefig.dpi": 77, "mathtext.fontset": "stix"}
    with plt.rc_context(others):
        style.save(example(), tmp_path / "two.pdf", tmp_path / "two.png")
    for suffix in ("pdf", "png"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


def test_short_logarithmic_axes_have_plain_labels_and_long_ones_powers():
    style.use_theme()
    _, (short, long) = plt.subplots(1, 2)
    for axis, last in ((short, 9), (long, 1e6)):
        axis.plot([0.3, last], [1, 1e5])
        axis.set(xscale="log", yscale="log")
        style.log_ticks(axis)
        axis.figure.canvas.draw()
    labels = [text.get_text() for text in short.get_xticklabels() if 0.3 <= text.get_position()[0] <= 9]
    assert labels == ["0.5", "1", "2", "5"]
    assert all("10^" in text.get_text() for text in long.get_xticklabels() if text.get_text())


def test_a_figure_is_made_from_its_tables_and_no_others(tmp_path):
    inputs = {name: tmp_path / f"{name}.csv" for name in ("points", "lines", "code")}
    for number, name in enumerate(("points", "lines")):
        save_table(inputs[name], pd.DataFrame({"x": [number, 2.5]}))
    drawn, drawn_with = {}, []
    plt.rcdefaults()
    before = plt.get_fignums()

    def draw(tables):
        drawn.update(tables)
        drawn_with.append(plt.rcParams["font.size"])
        return plt.figure()

    style.make_figure(draw, ("points", "lines"), inputs, [tmp_path / "one.pdf", str(tmp_path / "one.png")])
    assert {name: table["x"].tolist() for name, table in drawn.items()} == {"points": [0.0, 2.5], "lines": [1.0, 2.5]}
    assert drawn_with == [7.5]  # that of the theme
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert plt.get_fignums() == before


def test_a_figure_without_one_of_its_tables_is_not_drawn(tmp_path):
    with pytest.raises(RecordError, match=r"points\.csv: not a readable table"):
        style.make_figure(pytest.fail, ("points",), {"points": tmp_path / "points.csv"}, [tmp_path / "one.png"])
    assert not list(tmp_path.iterdir())


def test_shades_are_evenly_spaced_over_a_part_of_the_map_in_the_given_order():
    colours = style.shades([5, 1, 3], "plasma", 0.1, 0.9)
    assert list(colours) == [5, 1, 3]
    np.testing.assert_array_equal(list(colours.values()), plt.get_cmap("plasma")([0.1, 0.5, 0.9]))
    assert style.shades([]) == {}
