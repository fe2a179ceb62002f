"""Draw feng2023_fig4: weight decay by two penalties, spectra and the plane of sharpness and size."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from sgdphysics.provenance import jobs
from sgdphysics.report import panels, style
from sgdphysics.tables import load_table


def draw(tables: Mapping[str, pd.DataFrame], *paths: Path) -> None:
    """Draw the figure from its tables and save it."""
    style.use_theme()
    figure, axes = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.6), layout="constrained")
    for row, sweep in zip(axes, ("norm_penalty", "squared_penalty"), strict=True):
        panels.draw_sweep(row, tables["spectra"], tables["points"], sweep)
        panels.draw_control(row[2], tables["points"])
    style.letter_panels(axes.flat)
    style.save(figure, *paths)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        names = ("points", "spectra")
        draw({name: load_table(snakemake.input[name]) for name in names}, *map(Path, snakemake.output))
