"""The planted table of the widths of feng2021: the reference and networks of two other widths, counts powers of their weights.

What is not asked for (90 %, counts with the drift, the participation ratio) is there too, and says the opposite.
"""

import pandas as pd

from planted_feng2021 import REFERENCE
from planted_tables import Quantities, Quantity, Row, Seeds, by_seeds, made, table
from sgdphysics.tables import RUN_COLUMNS

EFFECT: dict[str, Quantity] = {
    "width_exponent": (0.08, 0.02),  # of components on weights
    "width_exponent_of_walk": (0.4, 0.03),
}

HIDDEN_WIDTH, OTHER_WIDTHS = 50, (20, 100)
WINDOW_EPOCHS, EPOCH_STEPS = 10, 50
COMPONENTS = 60.0  # at the width of the reference


@table("feng2021_fig1_width", EFFECT)
def width(quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
    runs = made("feng2021_runs", {}, seeds)
    named = runs[runs["reference"]].set_index("seed")["run"]
    rows = []
    for seed, planted in by_seeds(quantities, seeds):
        sources = {"isotropic": planted["width_exponent_of_walk"], "sgd": planted["width_exponent"]}
        for units in sorted((HIDDEN_WIDTH, *OTHER_WIDTHS)):
            name = named[seed] if units == HIDDEN_WIDTH else f"mnist5k_lr{REFERENCE[0]}_b{REFERENCE[1]}_s{seed}_{units:08x}"
            columns = dict(zip(RUN_COLUMNS, (name, *REFERENCE, seed, "converged", units == HIDDEN_WIDTH), strict=True))
            rows += [{**columns, **_numbers(units, source, exponent)} for source, exponent in sources.items()]
    return pd.DataFrame(rows)


def _numbers(units: int, source: str, exponent: float) -> Row:
    growth = (units / HIDDEN_WIDTH) ** 2  # of the number of weights
    return {
        "hidden_width": units,
        "weights": units**2,
        "window_epochs": WINDOW_EPOCHS,
        "window_steps": WINDOW_EPOCHS * EPOCH_STEPS,
        "source": source,
        "components_90": 1 + 2 * growth,
        "components_99": 10 * growth,
        "components_90_without_first": 15 * growth ** (1 - exponent),
        "components_99_without_first": COMPONENTS * growth**exponent,
        "participation_ratio_without_first": 12 * growth ** (1 - exponent),
    }
