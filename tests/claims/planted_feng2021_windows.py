"""Planted tables of feng2021: windows of the same runs, with batches drawn either way."""

import itertools

import numpy as np

from planted_feng2021_runs import EPOCH_STEPS, WINDOW_EPOCHS, table_by_run
from planted_tables import Planted, Quantity, Row

EFFECT: dict[str, Quantity] = {
    # Exponent of variance ~ curvature^q without replacement, less that with it.
    "less_with_replacement": (1, 0.05),
    "less_with_replacement_in_longer": (1.2, 0.05),
    "theory_less_with_replacement": (0.9, 0.05),
    "less_theory_in_longer": (-0.1, 0.02),  # of SGD without replacement
    "sgd_with_replacement_over_theory": (1.4, 0.1),  # median of ln(measured / theory without replacement)
}

DECADES = {-4: 2, -3: 12, -2: 12, -1: 12, 0: 2}  # directions in each decade of relaxation times an epoch; few are not asked
UNASKED = -3.0  # what is not asked for: an exponent, or ln(measured / theory)
EXPONENT_WITH = 0.2


@table_by_run("feng2021_windows", list(EFFECT), reference_only=True)
def windows(run: Row, planted: Planted) -> list[Row]:
    kinds = itertools.product(("epoch", "replacement"), ("all", "studied"), (WINDOW_EPOCHS, 2 * WINDOW_EPOCHS), (0, 1))
    columns = ("sampling", "layers", "window_epochs", "detrending")
    return [row for kind in kinds for row in _directions(run, dict(zip(columns, kind, strict=True)), planted)]


def _directions(run: Row, kind: Row, planted: Planted) -> list[Row]:
    places = [(decade, 10 ** (decade + (index + 0.5) / number)) for decade, number in DECADES.items() for index in range(number)]
    rows = []
    for rank, (decade, place) in enumerate(reversed(places), 1):
        curvature = place / (run["learning_rate"] * EPOCH_STEPS)
        variance, theory = (curvature**exponent for exponent in _exponents(kind, planted))
        rows.append(
            {
                **kind,
                "rank": rank,
                "curvature": curvature,
                "temperature": _temperature(kind, decade, curvature, variance, planted),
                "variance": variance,
                "theory_variance": theory,
            }
        )
    return rows


def _exponents(kind: Row, planted: Planted) -> tuple[float, float]:
    """Exponents of the variance and of that of theory."""
    if kind["layers"] != "all" or kind["detrending"] != 1:
        return UNASKED, UNASKED
    if kind["sampling"] == "replacement":
        return EXPONENT_WITH, EXPONENT_WITH
    if kind["window_epochs"] > WINDOW_EPOCHS:
        exponent = EXPONENT_WITH + planted["less_with_replacement_in_longer"]
        return exponent, exponent - planted["less_theory_in_longer"]
    return EXPONENT_WITH + planted["less_with_replacement"], EXPONENT_WITH + planted["theory_less_with_replacement"]


def _temperature(kind: Row, decade: int, curvature: float, variance: float, planted: Planted) -> float:
    """1 without replacement; with it, as puts the ratio of variance, curvature and temperature above the theory without it."""
    if kind["sampling"] == "epoch":
        return 1.0
    shift = planted["sgd_with_replacement_over_theory"] if DECADES[decade] > 2 else UNASKED
    theory = curvature ** (EXPONENT_WITH + planted["theory_less_with_replacement"])
    return variance / theory * float(np.exp(-shift))
