"""Planted tables of feng2021: two learning rates by two batch sizes, one of them the reference.

What is not asked for (other windows, sources, epochs, ranges) is there too, and says the opposite.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from planted_tables import Planted, Quantities, Quantity, Row, Seeds, by_seeds, correlated, made, table
from sgdphysics.tables import RUN_COLUMNS

LEARNING_RATES = (0.05, 0.1)
BATCH_SIZES = (10, 20)
REFERENCE = (0.1, 20)

EFFECT: dict[str, Quantity] = {
    "count": (40, 1),  # components that carry 99 %
    "participation": (0.05, 0.005),  # relative to the isotropic walk
    "early_count": (40, 1),
    "early_participation": (0.05, 0.005),
    "one_minimum": (1, 0),  # share of slices
    "one_minimum_wide": (1, 0),
    "in_sample": (4, 0.1),  # exponents
    "held_out": (2, 0.1),
    "hessian": (1.7, 0.1),
    "frozen_noise": (4.5, 0.15),
    "noise_held_out": (2.2, 0.1),
    "noise_hessian": (2.2, 0.1),
    "linear_theory": (1.6, 0.15),
    "linear_theory_stationary": (0.1, 0.05),
    "temperature_correlation": (-0.98, 0.005),  # of ln T and ln F
    "temperature_exponent": (-2, 0.1),
    "edge_rise": (2, 0.2),  # of ln T from the centre to the edges
    "relaxation": (-0.5, 0.05),  # slopes of ln tau on ln F, Hessian basis
    "integrated": (-0.5, 0.05),
    "relaxation_in_sample": (-0.5, 0.05),
    "relaxation_held_out": (-0.5, 0.05),
    "relaxation_of_noise": (0, 0.05),
    "loss_correlation": (0.98, 0.005),  # of ln T_i and ln L, the same in every direction
    "loss_exponent_spread": (0.1, 0.01),  # largest less smallest over directions, at a correlation of 1
    "order_lost": (0, 0),  # 1: at one checkpoint directions have changed places
    "batch_size_power": (-1, 0.02),  # y ~ learning_rate batch_size^power
}

SHARE_SLICES = 100  # slices per run and range: a share is planted to 1 %
EPOCH_STEPS = 50
WALK_PARTICIPATION = 8.0  # held-out participation ratio of the isotropic walk
ANNEALING_RANKS = (5, 10, 20, 50, 100, 200)
QUANTITIES = ("sharpest_temperature", "slope_spread", "test_loss")
KINDS = (
    "in_sample",
    "held_out",
    "hessian",
    "frozen_noise",
    "linear_theory",
    "linear_theory_stationary",
    "held_out_with_drift",
    "hessian_with_drift",
    "noise_held_out",
    "noise_hessian",
    "other_frozen_noise",
)
UNASKED = -9.0  # of every exponent that no claim asks for


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
            "epochs": 30,
            "steps": 30 * EPOCH_STEPS,
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


@table_by_run("feng2021_fig1_dimension", ("count", "participation", "early_count", "early_participation"))
def dimension(run: Row, planted: Planted) -> list[Row]:
    count, ratio = planted["count"], planted["participation"]
    rows = _spectra("main", 10, 30, count, ratio, run["reference"], run["reference"])
    if run["reference"]:
        rows += _spectra("longer", 20, 30, 500 - count, 2 - ratio)
        for epoch in (1, 2, 5):
            rows += _spectra("early", 1, epoch - 1, planted["early_count"], planted["early_participation"], True, True)
        # Drawn, but not part of the claim.
        rows += _spectra("early", 1, 9, 500 - planted["early_count"], 2 - planted["early_participation"], True, True)
    return rows


def _spectra(
    window: str, epochs: int, start: int, count: float, ratio: float, whole: bool = False, isotropic: bool = False
) -> list[Row]:
    sources = {"sgd": (round(count), ratio * WALK_PARTICIPATION), "noise_epoch": (33, 11.0)}
    if isotropic:
        sources |= {"noise_replacement": (35, 12.0), "isotropic": (59, WALK_PARTICIPATION)}
    return [
        {
            "window": window,
            "window_epochs": epochs,
            "start_epoch": start,
            "source": source,
            "components": 499 if whole else 200,
            "whole_spectrum": whole,
            "components_90": components // 4,
            "components_99": components,
            "components_90_without_first": components // 3,
            "components_99_without_first": components + 5,
            "first_to_second": 100.0,
            "participation_ratio_without_first": participation / 2 if whole else np.nan,
            "held_out_participation_ratio_without_first": participation if whole else np.nan,
        }
        for source, (components, participation) in sources.items()
    ]


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
    return [{**row, "window": "main", "window_epochs": 10} for row in rows]


@table_by_run("feng2021_fig2_exponents", [kind for kind in KINDS if kind in EFFECT])
def exponents(run: Row, planted: Planted) -> list[Row]:
    return [
        {
            "window": "main",
            "window_epochs": 10,
            "kind": kind,
            "exponent": planted.get(kind, UNASKED),
            "intercept": -14.0,
            "r": -0.98,
            "spearman": -0.97,
            "points": 17,
            "censored": 0,
            "censored_share": 0.0,
        }
        for kind in sorted(KINDS)
        if run["reference"] or not kind.startswith("other")
    ]


@table_by_run(
    "feng2021_fig3_correlation_times", [key for key in EFFECT if key.startswith(("relaxation", "integrated"))], reference_only=True
)
def correlation_times(run: Row, planted: Planted) -> list[Row]:
    asked = {
        ("main", "sgd", "hessian", "relaxation"): planted["relaxation"],
        ("main", "sgd", "hessian", "integrated"): planted["integrated"],
        ("main", "sgd", "principal", "relaxation"): planted["relaxation_in_sample"],
        ("main", "sgd", "held_out", "relaxation"): planted["relaxation_held_out"],
        ("main", "noise_epoch", "principal", "relaxation"): planted["relaxation_of_noise"],
    }
    return [
        {
            "window": window,
            "window_epochs": epochs,
            "source": source,
            "basis": basis,
            "time": time,
            "exponent": asked.get((window, source, basis, time), -UNASKED),
            "intercept": 2.0,
            "r": 0.5,
            "points": 17,
        }
        for window, epochs in (("longer", 20), ("main", 10))
        for source in ("noise_epoch", "noise_replacement", "sgd")
        for basis in ("held_out", "hessian", "principal")
        for time in ("relaxation", "integrated")
    ]


@table_by_run("feng2021_fig3_homogeneity", ["edge_rise"], reference_only=True)
def homogeneity(run: Row, planted: Planted) -> list[Row]:
    return [
        {
            "rank": rank,
            "position": position,
            "offset": position * rank,
            "temperature": 1e-7 / rank * np.exp(planted["edge_rise"] * position**2),
            "window": "main",
            "window_epochs": 10,
        }
        for rank in (1, 10, 30, 100)
        for position in np.linspace(-1, 1, 9)
        if rank < 100 or position >= 0  # the flattest direction has no left edge
    ]


@table_by_run("feng2021_fig4", ("loss_correlation", "loss_exponent_spread", "order_lost"))
def annealing(run: Row, planted: Planted) -> list[Row]:
    """ln T_i is the offset and the power of its direction times numbers correlated with ln L."""
    log_loss = np.linspace(0, np.log(0.003), 14)
    shape = correlated(log_loss, planted["loss_correlation"])
    steps = [0, 5, 25, *np.geomspace(EPOCH_STEPS, 30 * EPOCH_STEPS, 14).round().astype(int)]
    # Before the end of the first epoch the noise heats up while the loss falls; the claim is about what follows.
    losses = [np.log(2.3), np.log(2.2), np.log(1.5), *log_loss]
    rows = []
    for index, rank in enumerate(ANNEALING_RANKS):
        offsets = np.full(14, -0.5 * index)
        if planted["order_lost"]:
            offsets[7] = -0.5 * (2, 1, 0, 5, 4, 3)[index]
        power = 1 + planted["loss_exponent_spread"] * (index / (len(ANNEALING_RANKS) - 1) - 0.5)
        log_temperature = [-20.0 + index, -18.0 + index, -16.0 + index, *(-14 + offsets + power * shape)]
        for step, loss, temperature in zip(steps, losses, log_temperature, strict=True):
            row = {"step": step, "epoch": step / EPOCH_STEPS, "rank": rank, "temperature": np.exp(temperature)}
            rows.append({**row, "training_loss": np.exp(loss)})
    return sorted(rows, key=lambda row: (row["step"], row["rank"]))


@table_by_run("feng2021_fig4_temperature_fits", ("temperature_correlation", "temperature_exponent"))
def temperature_fits(run: Row, planted: Planted) -> list[Row]:
    exponent, correlation = planted["temperature_exponent"], planted["temperature_correlation"]
    return [{"exponent": exponent, "intercept": -13.0, "r": correlation, "points": 17}]


@table_by_run("feng2021_fig4_equal_loss", ["batch_size_power"])
def equal_loss(run: Row, planted: Planted) -> list[Row]:
    # At the higher loss only the learning rate acts; the claim is about the lowest one.
    powers = {0.01: 0.0, 0.003: planted["batch_size_power"]}
    return [
        {
            "target_loss": target,
            "quantity": quantity,
            "value": (1 + 0.01 * (run["seed"] - 100)) * run["learning_rate"] * float(run["batch_size"]) ** power,
        }
        for quantity in QUANTITIES
        for target, power in powers.items()
    ]
