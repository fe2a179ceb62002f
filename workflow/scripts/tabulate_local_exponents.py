"""Tabulate how steeply the temperature falls with the training loss, by decades of it: clean labels, and with wrong ones."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sgdphysics import local_exponents
from sgdphysics.provenance import jobs
from sgdphysics.tables import RUN_COLUMNS, RUN_ORDER, load_table, save_rows

SERIES = [*RUN_COLUMNS, "label_noise", "rank"]
COLUMNS = [*SERIES, "decades", "loss_low", "loss_high", "exponent", "points"]


def tabulate(annealing_path: Path, label_noise_path: Path, decades: Sequence[float], table_path: Path) -> None:
    """Write the exponent b in temperature ~ loss^b, one row per run, principal direction and bin of the training loss.

    Args:
        annealing_path: Temperatures through training, of runs with clean labels.
        label_noise_path: Those of runs with wrong labels.
        decades: Widths of the bins.
        table_path: Where to write.
    """
    parts = [load_table(annealing_path).assign(label_noise=0.0), load_table(label_noise_path)]
    annealing = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    exponents = local_exponents.by_series(annealing, SERIES, "training_loss", "temperature", decades)
    exponents = exponents.rename(columns={"low": "loss_low", "high": "loss_high"})
    order = ["label_noise", *RUN_ORDER, "rank", "decades", "loss_low"]
    save_rows(table_path, [exponents.assign(decades=exponents["decades"].astype(float))], COLUMNS, order)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tabulate(
            Path(snakemake.input.annealing),
            Path(snakemake.input.label_noise),
            snakemake.params.exponent_decades,
            Path(snakemake.output.table),
        )
