"""Draw feng2023_fig3: learning rate and batch size, spectra and the plane of sharpness and size."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from sgdphysics.provenance import jobs
from sgdphysics.report import panels, style

TABLES = ("points", "spectra")


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    figure, axes = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.6), layout="constrained")
    for row, sweep in zip(axes, ("learning_rate", "batch_size"), strict=True):
        panels.draw_sweep(row, tables["spectra"], tables["points"], sweep)
    style.letter_panels(axes.flat)
    return figure


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
