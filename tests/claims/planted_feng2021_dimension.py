"""Planted tables of feng2021: spectra of the weights, their dimension, and minima of slices of the loss."""

import numpy as np

from planted_feng2021_runs import WINDOW_EPOCHS, table_by_run
from planted_tables import Planted, Quantity, Row

EFFECT: dict[str, Quantity] = {
    "count": (40, 1),  # components that carry 99 %
    "count_of_noise": (33, 1),
    "count_of_isotropic": (250, 2),
    "count_in_longer": (45, 1),
    "count_without_first": (48, 1),
    "participation": (0.05, 0.005),  # relative to the isotropic walk
    "alignment": (0.9, 0.01),  # of the first component with the weights
    "alignment_of_noise": (0.01, 0.02),
    "early_count": (30, 1),
    "early_count_without_first": (20, 1),
    "early_count_without_first_of_isotropic": (63, 1),
    "early_count_of_noise": (30, 1),
    "early_count_of_isotropic": (80, 2),
    "later_count": (38, 1),
    "one_minimum": (1, 0),  # share of slices
    "one_minimum_wide": (1, 0),
}

SHARE_SLICES = 100  # slices per run and range: a share is planted to 1 %
WALK_PARTICIPATION = 8.0  # held-out participation ratio of the isotropic walk
UNASKED = 2.5  # components of a spectrum that no claim asks for


def spectra(run: Row, planted: Planted) -> list[Row]:
    """What tells the spectra of a run apart, and how many components each has."""
    frozen = ("noise_epoch", planted["count_of_noise"])
    found = [("main", WINDOW_EPOCHS, 30, "sgd", planted["count"]), ("main", WINDOW_EPOCHS, 30, *frozen)]
    if run["reference"]:
        walks = {"noise_replacement": UNASKED, "isotropic": planted["count_of_isotropic"], "rotated_noise": UNASKED}
        found += [("main", WINDOW_EPOCHS, 30, *walk) for walk in (walks | {"linear_sgd": UNASKED}).items()]
        found += [("longer", 20, 30, "sgd", planted["count_in_longer"]), ("longer", 20, 30, "noise_epoch", UNASKED)]
        for epoch in (1, 2, 5, 10):
            early = {"sgd": planted["early_count"], "noise_epoch": planted["early_count_of_noise"]}
            early |= {"isotropic": planted["early_count_of_isotropic"]}
            later = {"sgd": planted["later_count"], "noise_epoch": 500.0, "isotropic": UNASKED}
            found += [("early", 1, epoch - 1, *walk) for walk in (early if epoch < 5 else later).items()]
    columns = ("window", "window_epochs", "start_epoch", "source", "count")
    return [dict(zip(columns, row, strict=True)) for row in found]


@table_by_run("feng2021_fig1", [name for name in EFFECT if "count" in name and "without_first" not in name])
def spectrum(run: Row, planted: Planted) -> list[Row]:
    """The cumulative share of the variance passes 99 % at the planted count, between two ranks."""
    return [
        {**row, "rank": rank, "variance": 1 / rank, "held_out_variance": 1 / rank, "cumulative_share": share}
        for row in spectra(run, planted)
        for rank, share in _cumulative_shares(row.pop("count"))
    ]


def _cumulative_shares(count: float) -> list[tuple[int, float]]:
    whole = int(np.floor(count))
    around = [(rank, 0.99 + 0.005 * (rank - count)) for rank in (whole, whole + 1)]
    return [(1, 0.5), *around, (whole + 40, 1.0)]


@table_by_run(
    "feng2021_fig1_dimension",
    [name for name in EFFECT if "count" in name or "alignment" in name or name == "participation"],
)
def dimension(run: Row, planted: Planted) -> list[Row]:
    return [_dimension(row, row.pop("count"), run["reference"], planted) for row in spectra(run, planted)]


def _dimension(row: Row, count: float, reference: bool, planted: Planted) -> Row:
    asked = row["window"] == "main"
    whole = row["window"] == "early" or (asked and reference)
    participation = {"sgd": planted["participation"], "isotropic": 1.0}.get(row["source"], 1.5) * WALK_PARTICIPATION
    alignment = {"sgd": planted["alignment"], "noise_epoch": planted["alignment_of_noise"]}.get(row["source"], -0.8)
    components = int(np.ceil(count))
    without_first = {("main", "sgd"): "count_without_first", ("early", "sgd"): "early_count_without_first"}
    without_first |= {("early", "isotropic"): "early_count_without_first_of_isotropic"}
    return {
        **row,
        "components": 499 if whole else 200,
        "whole_spectrum": whole,
        "components_90": components // 4,
        "components_99": components,
        "components_90_without_first": components // 3,
        "components_99_without_first": planted.get(without_first.get((row["window"], row["source"])), 3.0),
        "first_to_second": 100.0,
        "participation_ratio_without_first": participation / 2 if whole else np.nan,
        "held_out_participation_ratio_without_first": (participation if asked else 99.0) if whole else np.nan,
        "first_alignment": alignment if asked else -0.8,
    }


@table_by_run("feng2021_fig2_minima", ("one_minimum", "one_minimum_wide"), reference_only=True)
def minima(run: Row, planted: Planted) -> list[Row]:
    rows = []
    for span, share in (("fixed", planted["one_minimum_wide"]), ("flat_region", planted["one_minimum"])):
        with_one = round(share * SHARE_SLICES)
        for index in range(SHARE_SLICES):
            kind, rank = ("principal", index + 1) if index < SHARE_SLICES // 2 else ("random", index + 1 - SHARE_SLICES // 2)
            # Neither a slice with more minima nor one with none counts.
            minima = 1 if index < with_one else (0, 2, 3)[index % 3]
            rows.append({"directions": kind, "rank": rank, "range": span, "width": 6.0, "minima": minima})
    return [{**row, "window": "main", "window_epochs": WINDOW_EPOCHS} for row in rows]
