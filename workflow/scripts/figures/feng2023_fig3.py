"""Draw feng2023_fig3: learning rate and batch size by the published protocol, and in the plane of sharpness and size."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from sgdphysics.provenance import jobs
from sgdphysics.report import published_panels, style

TABLES = ("published", "published_spectra")
SWEEPS = ("learning_rate", "batch_size")


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    figure, axes = plt.subplots(4, 3, figsize=(style.TWO_COLUMNS, 8.8), layout="constrained")
    for sixth, sweep in zip(axes.reshape(2, 6), SWEEPS, strict=True):
        published_panels.draw_sweep(sixth, tables, sweep)
    style.letter_panels(axes.flat)
    return figure


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
