import matplotlib.pyplot as plt
import numpy as np

from sgdphysics.report import style


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
