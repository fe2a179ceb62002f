"""Planted runs of feng2021: two learning rates by two batch sizes, one of them the reference; how their tables are declared."""

from collections.abc import Iterable

import pandas as pd

from planted_tables import Quantities, Seeds, by_seeds, made, table
from sgdphysics.tables import RUN_COLUMNS

LEARNING_RATES = (0.05, 0.1)
BATCH_SIZES = (10, 20)
REFERENCE = (0.1, 20)
EPOCHS, EPOCH_STEPS = 30, 50
WINDOW_EPOCHS = 10  # of the main window


@table("feng2021_runs")
def runs(quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
    rows = [
        {
            "run": f"mnist5k_lr{learning_rate}_b{batch_size}_s{seed}_0123abcd",
            "dataset": "mnist5k",
            "learning_rate": learning_rate,
            "batch_size": batch_size,
            "seed": seed,
            "sampling": "epoch",
            "loss": "cross_entropy",
            "reference": (learning_rate, batch_size) == REFERENCE,
            "status": "converged",
            "epochs": EPOCHS,
            "steps": EPOCHS * EPOCH_STEPS,
            "diverged_step": None,
            "final_loss": 0.009,
            "final_accuracy": 1.0,
        }
        for learning_rate in LEARNING_RATES
        for batch_size in BATCH_SIZES
        for seed in seeds
    ]
    return pd.DataFrame(rows)


def table_by_run(name: str, quantities: Iterable[str], reference_only: bool = False):
    """Declare the rows that a function returns of a run and its quantities as a table."""

    def declared(rows_of_run):
        def make(quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
            planted = dict(by_seeds(quantities, seeds))
            chosen = made("feng2021_runs", {}, seeds)
            if reference_only:
                chosen = chosen[chosen["reference"]]
            rows = []
            for run in chosen.to_dict("records"):
                columns = {key: run[key] for key in RUN_COLUMNS}
                rows += [{**columns, **row} for row in rows_of_run(run, planted[run["seed"]])]
            return pd.DataFrame(rows)

        table(name, quantities)(make)
        return rows_of_run

    return declared
