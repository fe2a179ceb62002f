"""Planted tables of feng2021: temperatures, correlation times, and how temperatures follow the training loss."""

import numpy as np
import pandas as pd

from planted_feng2021_runs import EPOCH_STEPS, WINDOW_EPOCHS, table_by_run
from planted_tables import Planted, Quantities, Quantity, Row, Seeds, by_seeds, correlated, made, table
from sgdphysics.tables import RUN_COLUMNS

EFFECT: dict[str, Quantity] = {
    "temperature_correlation": (-0.98, 0.005),  # of ln T and ln F
    "temperature_exponent": (-2, 0.1),
    "edge_rise": (4, 0.2),  # of ln T from the centre to the edges
    "relaxation_in_sample": (-0.5, 0.05),  # slopes of ln tau on ln F
    "relaxation_hessian": (-0.5, 0.05),
    "relaxation_held_out": (-0.5, 0.05),
    "relaxation_of_noise": (0, 0.03),
    "integrated": (-0.5, 0.05),
    "window_over_time": (80, 2),
    "loss_correlation": (0.98, 0.005),  # of ln T_i and ln L, the same in every direction
    "loss_exponent_difference": (0.05, 0.01),  # of the first direction less the last, at a correlation of 1
    "order": (0.98, 0.004),  # correlation over directions of ln T_i before the last checkpoint with the last
    "lowest_exponent": (1.9, 0.05),  # b in T ~ L^b
    "label_noise_exponent": (-0.8, 0.05),
    "clean_exponent": (-0.2, 0.05),
    "batch_size_power": (-1, 0.02),  # y ~ learning_rate batch_size^power
}

ANNEALING_RANKS = (5, 10, 20, 50, 100, 200)
QUANTITIES = ("sharpest_temperature", "slope_spread", "test_loss")
UNASKED = 9.0  # of every slope and exponent that no claim asks for
MAIN = {"window": "main", "window_epochs": WINDOW_EPOCHS}


MEDIAN = ("main", "sgd", "principal")  # of which relaxation times are asked for


@table_by_run("feng2021_fig3", ["window_over_time"], reference_only=True)
def directions(run: Row, planted: Planted) -> list[Row]:
    time = WINDOW_EPOCHS * EPOCH_STEPS / planted["window_over_time"]
    return [
        {
            "window": window,
            "window_epochs": epochs,
            "source": source,
            "basis": basis,
            "rank": rank,
            "fitted": rank > 1,
            "flatness": 2.0 * rank,
            "temperature": 1e-7,
            # The median direction has the planted one.
            "relaxation_time_steps": time * (1, 0.5, 2)[rank % 3] if (window, source, basis) == MEDIAN and rank > 1 else 1e4,
            "integrated_time_steps": 1e4,
        }
        for window, epochs in (("longer", 20), ("main", WINDOW_EPOCHS))
        for source in ("noise_epoch", "sgd")
        for basis in ("held_out", "hessian", "principal")
        for rank in range(1, 11)
    ]


TIMES = {
    ("main", "sgd", "principal", "relaxation"): "relaxation_in_sample",
    ("main", "sgd", "hessian", "relaxation"): "relaxation_hessian",
    ("main", "sgd", "held_out", "relaxation"): "relaxation_held_out",
    ("main", "noise_epoch", "principal", "relaxation"): "relaxation_of_noise",
    ("main", "sgd", "principal", "integrated"): "integrated",
}


@table_by_run("feng2021_fig3_correlation_times", TIMES.values(), reference_only=True)
def correlation_times(run: Row, planted: Planted) -> list[Row]:
    return [
        {
            "window": window,
            "window_epochs": epochs,
            "source": source,
            "basis": basis,
            "time": time,
            "exponent": planted.get(TIMES.get((window, source, basis, time)), UNASKED),
            "intercept": 2.0,
            "r": 0.5,
            "points": 17,
        }
        for window, epochs in (("longer", 20), ("main", WINDOW_EPOCHS))
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
            **MAIN,
        }
        for rank in (1, 10, 30, 100)
        for position in np.linspace(-1, 1, 9)
        if rank < 100 or position >= 0  # the flattest direction has no left edge
    ]


@table_by_run("feng2021_fig4", ("loss_correlation", "loss_exponent_difference", "order"))
def annealing(run: Row, planted: Planted) -> list[Row]:
    """ln T_i is the offset and the power of its direction times numbers correlated with ln L; offsets end in another order."""
    log_loss = np.linspace(0, np.log(0.003), 14)
    shape = correlated(log_loss, planted["loss_correlation"])
    steps = [0, 5, 25, *np.geomspace(EPOCH_STEPS, 30 * EPOCH_STEPS, 14).round().astype(int)]
    # Before the end of the first epoch the noise heats up while the loss falls; the claim is about what follows.
    losses = [np.log(2.3), np.log(2.2), np.log(1.5), *log_loss]
    last = -0.5 * np.arange(len(ANNEALING_RANKS))
    before = correlated(last, planted["order"]) + last.mean()
    rows = []
    for index, rank in enumerate(ANNEALING_RANKS):
        offsets = np.array([*[before[index]] * 13, last[index]])
        power = 1 + planted["loss_exponent_difference"] * (0.5 - index / (len(ANNEALING_RANKS) - 1))
        log_temperature = [-20.0 + index, -18.0 + index, -16.0 + index, *(-14 + offsets + power * shape)]
        for step, loss, temperature in zip(steps, losses, log_temperature, strict=True):
            row = {"step": step, "epoch": step / EPOCH_STEPS, "rank": rank, "temperature": np.exp(temperature)}
            rows.append({**row, "training_loss": np.exp(loss)})
    return sorted(rows, key=lambda row: (row["step"], row["rank"]))


@table_by_run("feng2021_fig4_temperature_fits", ("temperature_correlation", "temperature_exponent"))
def temperature_fits(run: Row, planted: Planted) -> list[Row]:
    exponent, correlation = planted["temperature_exponent"], planted["temperature_correlation"]
    return [{"exponent": exponent, "intercept": -13.0, "r": correlation, "points": 17}]


# Of the training loss: width in decades and lower end; the exponent asked for with clean labels, and with wrong ones.
CLEAN_BINS = {
    (1.0, 0.001): "lowest_exponent",
    (1.0, 0.01): None,
    (0.5, 0.001): None,
    (0.5, 0.1): None,
    (0.5, 0.3): "clean_exponent",
}
LABEL_NOISE_BINS = {(0.5, 0.3): "label_noise_exponent", (0.5, 1.0): None}


@table("feng2021_fig4_local_exponents", ("lowest_exponent", "clean_exponent", "label_noise_exponent"))
def local_exponents(quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
    planted, rows = dict(by_seeds(quantities, seeds)), []
    for run in made("feng2021_runs", {}, seeds).to_dict("records"):
        columns = {key: run[key] for key in RUN_COLUMNS}
        rows += [{**columns, "label_noise": 0.0, **row} for row in _bins(CLEAN_BINS, planted[run["seed"]])]
        if run["reference"]:
            noisy = {
                **columns,
                "run": run["run"].replace("mnist5k", "mnist5k_noisy"),
                "reference": False,
                "status": "not_converged",
            }
            rows += [{**noisy, "label_noise": 0.2, **row} for row in _bins(LABEL_NOISE_BINS, planted[run["seed"]])]
    return pd.DataFrame(rows)


def _bins(bins: dict[tuple[float, float], str | None], planted: Planted) -> list[Row]:
    """The exponent asked for is the mean over directions."""
    scatter = np.linspace(-0.2, 0.2, len(ANNEALING_RANKS))
    return [
        {
            "rank": rank,
            "decades": decades,
            "loss_low": low,
            "loss_high": low * 10**decades,
            "exponent": planted.get(name, UNASKED) + off,
            "points": 6,
        }
        for rank, off in zip(ANNEALING_RANKS, scatter, strict=True)
        for (decades, low), name in bins.items()
    ]


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
