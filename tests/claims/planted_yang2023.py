"""Planted tables of yang2023: networks up to the edge of convergence; those of the toy model stand in a module of their own."""

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd

import planted_yang2023_toy
from planted_tables import Planted, Quantities, Quantity, Row, Seeds, by_seeds, table, table_by_seed

EFFECT: dict[str, Quantity] = planted_yang2023_toy.EFFECT | {
    "error_optimum": (0.3, 0.1),  # octaves of noise from the lowest test error to the edge of convergence
    "error_optimum_further": (0, 0),  # so many octaves more on the line of one learning rate
    "error_shuffled": (0, 0),  # 1: the test error has nothing to do with the noise
    "loss_optimum": (0.3, 0.1),
    "larger_scale_error_optimum": (0.3, 0.1),
    "flatness_optimum": (0.3, 0.1),  # of the least largest eigenvalue
    "flatness_optimum_further": (0, 0),
    "flatness_shuffled": (0, 0),
    "edge_against_control_at_equal_loss": (-3, 0.1),  # ln(largest eigenvalue / that of the control)
    "edge_against_control_at_equal_epochs": (-2, 0.1),
    "edge_batch_sharpness": (2, 0.1),
    "weak_asymmetry": (0, 0.03),
    "weak_asymmetry_of_test_error": (0, 0),  # so much more
    "large_batch_asymmetry": (0.05, 0.03),
    "small_batch_asymmetry": (0.9, 0.03),
}

EDGE_OCTAVES = 8  # settings on a line up to its edge, one octave apart
EDGE_LINES = ("batch size 16", "learning rate 0.25")  # they meet at the edge, learning rate / batch size = 1/64
EDGE = (
    *("error_optimum", "error_optimum_further", "error_shuffled", "loss_optimum"),
    *("flatness_optimum", "flatness_optimum_further", "flatness_shuffled"),
)


def _edge_settings() -> list[tuple[float, int, int]]:
    """Learning rate, batch size and octaves to the edge of two lines up to it and one setting beyond it."""
    octaves = range(-1, EDGE_OCTAVES)
    return [*((0.25 / 2**k, 16, k) for k in octaves), *((0.25, int(16 * 2**k), k) for k in octaves if k)]


def _place(octaves: int, planted: Planted, name: str, *, further: bool, index: int) -> float:
    """How many octaves a setting is from the optimum; shuffled, in an order of the seed that has nothing to do with the noise."""
    if planted[f"{name}_shuffled"]:
        return 3 * (octaves - (6, 3, 5, 2, 7, 4)[index % 6]) % EDGE_OCTAVES
    return abs(octaves - planted[f"{name}_optimum"] - further * planted[f"{name}_optimum_further"])


@table("yang2023_fig4", EDGE)
def up_to_the_edge(quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
    """Two lines of settings up to the edge and one beyond it, with runs of their own; and an example that says the opposite."""
    rows = []
    for learning_rate, batch_size, k in _edge_settings():
        for index, (seed, planted) in enumerate(by_seeds(quantities, seeds)):
            other = batch_size != 16
            error, flatness = (_place(k, planted, name, further=other, index=index) for name in ("error", "flatness"))
            values = {"test_loss": 0.3 + 0.05 * abs(k - planted["loss_optimum"]), "test_error": 0.05 + 0.001 * error}
            values["largest_eigenvalue"] = 0.1 * np.exp(0.5 * flatness)
            values |= {"slope_spread": 1 + 0.01 * k, "sharpest_temperature": 1e-6 / (2 + k)}
            rows.append(_edge_row("grid", learning_rate, batch_size, seed, "converged" if k >= 0 else "dead", values))
    # Were it of the grid, the line of batch size 16 would end at the weakest noise.
    rows += [_edge_row("talk_example", 0.001, 16, seed, "diverged", {}) for seed in seeds]
    return pd.DataFrame(rows)


def _edge_row(part: str, learning_rate: float, batch_size: int, seed: int, status: str, values: Mapping[str, float]) -> Row:
    numbers = {"training_loss": 9e-4, "training_error": 0.0, "test_loss": 0.3, "test_error": 0.05}
    numbers |= {"slope_spread": 1.0, "largest_eigenvalue": 0.1, "sharpest_temperature": 1e-6, **values}
    return {
        "run": f"{part}_lr{learning_rate:g}_b{batch_size}_s{seed}",
        "part": part,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "noise_scale": learning_rate / batch_size,
        "seed": seed,
        "status": status,
        "epochs": 30,
        "steps": 1500,
        **{key: number if status == "converged" else None for key, number in numbers.items()},
    }


@table("yang2023_fig4_flatness", (*EDGE, "edge_against_control_at_equal_loss", "edge_against_control_at_equal_epochs"))
def against_control(quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
    """The converged runs beside their control; away from the edge, and by another quantity, they say the opposite."""
    runs = up_to_the_edge(quantities, seeds)
    planted = dict(by_seeds(quantities, seeds))
    rows = []
    for run in runs[runs["status"] == "converged"].to_dict("records"):
        for quantity, equal in itertools.product(("slope_spread", "largest_eigenvalue"), ("epochs", "loss")):
            ratio = planted[run["seed"]][f"edge_against_control_at_equal_{equal}"]
            asked = quantity == "largest_eigenvalue" and run["noise_scale"] == 1 / 64
            named = {"quantity": quantity, "equal": equal, "value": run[quantity]}
            columns = {key: run[key] for key in ("run", "learning_rate", "batch_size", "seed", "noise_scale")}
            control = run[quantity] * np.exp(-ratio if asked else ratio)
            rows.append({**columns, **named, "control_value": control, "status": "measured"})
    return pd.DataFrame(rows)


@table("yang2023_fig4_batch_sharpness", ["edge_batch_sharpness"])
def batch_sharpness(quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
    rows = []
    for (learning_rate, batch_size, k), (seed, planted) in itertools.product(_edge_settings(), by_seeds(quantities, seeds)):
        run = _edge_row("grid", learning_rate, batch_size, seed, "converged" if k >= 0 else "dead", {})
        columns = {key: run[key] for key in ("run", "part", "learning_rate", "batch_size", "seed")}
        columns |= {"initial_scale": 1.0, "status": run["status"]}
        for epochs, last in ((10, False), (30, True)):
            product = planted["edge_batch_sharpness"] if last and k == 0 else 0.01
            sharpness = {"batches": 16, "batch_sharpness": product / learning_rate}
            rows.append({**columns, "epochs": epochs, "last": last, **sharpness, "learning_rate_times_batch_sharpness": product})
    return pd.DataFrame(rows)


@table("yang2023_fig4_scales", ["larger_scale_error_optimum"])
def scales(quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
    """One line of two initial scales, of which the smaller says the opposite."""
    numbers = ("training_loss", "test_loss", "test_error", "slope_spread", "largest_eigenvalue")
    rows = []
    for scale, (learning_rate, batch_size, k) in itertools.product((1.0, 4.0), _edge_settings()[: EDGE_OCTAVES + 1]):
        for seed, planted in by_seeds(quantities, seeds):
            error = abs(k - planted["larger_scale_error_optimum"]) if scale > 1 else -k
            status = "converged" if k >= 0 else "dead"
            run = _edge_row("grid", learning_rate, batch_size, seed, status, {"test_error": 0.1 + 0.001 * error})
            columns = {key: run[key] for key in ("run", "learning_rate", "batch_size", "seed", "noise_scale")}
            columns |= {"initial_scale": scale, "status": run["status"], "epochs": run["epochs"]}
            rows.append({**columns, **{key: run[key] for key in numbers}})
    return pd.DataFrame(rows)


RANGES = {"weak_noise": "weak_asymmetry", "above_bend": "large_batch_asymmetry", "below_bend": "small_batch_asymmetry"}


@table_by_seed("yang2023_fig4_asymmetry", (*RANGES.values(), "weak_asymmetry_of_test_error"))
def asymmetries(planted: Planted) -> list[Row]:
    rows = []
    for quantity in ("test_loss", "test_error", "slope_spread", "largest_eigenvalue", "sharpest_temperature"):
        for name, key in RANGES.items():
            value = planted[key]
            if (quantity, name) == ("test_error", "weak_noise"):
                value += planted["weak_asymmetry_of_test_error"]
            if quantity == "largest_eigenvalue":  # which is not asked for
                value = 0.5
            columns = {"quantity": quantity, "range": name, "seed": None, "settings": 11}
            exponents = {"learning_rate_exponent": 1 + value, "batch_size_exponent": value - 1, "asymmetry": value}
            rows.append({**columns, **exponents, "rank_correlation": -0.9, "status": "measured"})
    return rows
