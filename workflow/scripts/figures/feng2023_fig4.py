"""Draw feng2023_fig4: weight decay by two penalties by the published protocol, and in the plane of sharpness and size."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from sgdphysics.provenance import jobs
from sgdphysics.report import panels, published_panels, style

TABLES = ("points", "published", "published_spectra")
SWEEPS = ("norm_penalty", "squared_penalty")


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the figure, drawn from its tables."""
    figure, axes = plt.subplots(4, 3, figsize=(style.TWO_COLUMNS, 8.8), layout="constrained")
    for sixth, sweep in zip(axes.reshape(2, 6), SWEEPS, strict=True):
        published_panels.draw_sweep(sixth, tables, sweep)
        panels.draw_control(sixth[4], tables["points"])
    style.letter_panels(axes.flat)
    return figure


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        style.make_figure(draw, TABLES, snakemake.input, snakemake.output)
