"""Planted tables of yang2023: the toy model, and generalization up to the edge of convergence."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from planted_tables import Planted, Quantities, Quantity, Row, Seeds, by_seeds, table, table_by_seed

EFFECT: dict[str, Quantity] = {
    "loss_optimum": (0.3, 0.1),  # octaves of noise from the lowest test loss to the edge of convergence
    "error_optimum": (0.3, 0.1),
    "loss_shuffled": (0, 0),  # 1: the test loss has nothing to do with the noise
    "slope_error": (0.01, 0.005),  # of the toy model's joint density by simulation, in parts of max(1, |1 - kappa|)
    "grid_slope_error": (0.02, 0),
    "heat_bath_slope": (0, 0.005),  # at kappa = 1, by simulation
    "grid_heat_bath_slope": (0, 0),
    "small_kappa_slope": (0.5, 0.01),  # at kappa = 0.5
    "drift": (1, 0.01),  # of shaken descent, in parts of the formula
    "width": (1, 0.01),  # of its stationary density, in parts of that built from drift and noise
    "arrival_exponent": (-2, 0.02),
    "heat_bath_arrival_exponent": (-1.95, 0.02),
    "survival_beyond": (0.05, 0.01),
    "survival_constant": (0.99, 0.001),
}

EDGE_OCTAVES = 8  # settings on a line up to its edge, one octave apart
EDGE_LINES = ("batch size 16", "learning rate 0.25")  # they meet at the edge, learning rate / batch size = 1/64
KAPPAS = (0.5, 1.0, 2.0, 8.0)


@table("yang2023_fig4", ("loss_optimum", "error_optimum", "loss_shuffled"))
def up_to_the_edge(quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
    """Two lines of settings up to the edge and one beyond it, with runs of their own; and an example that says the opposite."""
    octaves = range(-1, EDGE_OCTAVES)
    settings = [*((0.25 / 2**k, 16, k) for k in octaves), *((0.25, int(16 * 2**k), k) for k in octaves if k)]
    rows = []
    for learning_rate, batch_size, k in settings:
        for index, (seed, planted) in enumerate(by_seeds(quantities, seeds)):
            best = (6, 3, 5, 2, 7, 4)[index % 6]
            place = 3 * (k - best) % EDGE_OCTAVES if planted["loss_shuffled"] else abs(k - planted["loss_optimum"])
            error = abs(k - planted["error_optimum"])
            values = {"test_loss": 0.3 + 0.05 * place, "test_error": 0.05 + 0.001 * error}
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


@table_by_seed("yang2023_fig2_slopes", ("slope_error", "heat_bath_slope", "small_kappa_slope"))
def slopes(planted: Planted) -> list[Row]:
    """Slopes of the joint density on ln F at the deciding noise strength; the others, and the single starts, say the opposite."""
    rows = []
    for kappa in KAPPAS:
        own = {0.5: planted["small_kappa_slope"], 1.0: planted["heat_bath_slope"]}.get(kappa, 1 - kappa)
        slope = own + planted["slope_error"] * max(1, abs(kappa - 1))
        for diffusion in (0.005, 0.5):
            for start in ("both", "grid", "mirror"):
                asked = start == "both" and diffusion == 0.005
                numbers = {"joint_slope": slope if asked else kappa, "predicted_joint_slope": 1 - kappa}
                numbers |= {"marginal_slope": kappa, "predicted_marginal_slope": kappa}
                columns = {"kappa": kappa, "diffusion": diffusion, "deciding": diffusion == 0.005, "seed": None, "start": start}
                rows.append({**columns, **numbers})
    return rows


@table_by_seed("yang2023_fig2_grid_slopes", ("grid_slope_error", "grid_heat_bath_slope"), seeded=False)
def grid_slopes(planted: Planted) -> list[Row]:
    renamed = {name.removeprefix("grid_"): value for name, value in planted.items()}
    rows = [row for row in slopes({"small_kappa_slope": 0.5, **renamed}) if row["start"] == "both"]
    own = [{key: value for key, value in row.items() if key not in ("seed", "start")} for row in rows]
    return [{**row, "largest_current": 0.1} for row in own]


@table_by_seed("yang2023_fig3_drift", ["drift"])
def drift(planted: Planted) -> list[Row]:
    rows = []
    for landscape in ("single_valley", "constant"):
        for learning_rate in (0.05, 0.3):
            for x in (0.25, 1.0):
                smoothing, induced = -1e-3 * x, -4e-3 * learning_rate * x
                drift = planted["drift"] * (smoothing + induced) if landscape == "single_valley" else 1.0
                columns = {"landscape": landscape, "learning_rate": learning_rate, "shift": 0.05, "x": x, "seed": None}
                columns |= {"learning_rate_times_curvature": learning_rate, "drift": drift, "smoothing_drift": smoothing}
                rows.append({**columns, "predicted_smoothing_drift": smoothing, "predicted_noise_induced_drift": induced})
    return rows


@table_by_seed("yang2023_fig3_widths", ["width"])
def widths(planted: Planted) -> list[Row]:
    built = {"built_standard_deviation": 0.03, "largest_difference_of_cumulative_shares": 0.01}
    own = {"standard_deviation": 0.03 * planted["width"], **built}
    return [{"learning_rate": 0.1, "shift": shift, "seed": None, **own} for shift in (0.1, 0.3)]


@table_by_seed("yang2023_fig3_arrivals", ("arrival_exponent", "heat_bath_arrival_exponent"))
def arrivals(planted: Planted) -> list[Row]:
    rows = []
    for dynamics, key in (("shaken", "arrival_exponent"), ("thermal", "heat_bath_arrival_exponent")):
        for shift in (0.05, 0.1, 0.2, 0.9):
            median = 3 * shift ** planted[key] if shift < 0.9 else np.inf  # beyond the linear regime half never arrive
            columns = {"dynamics": dynamics, "learning_rate": 0.1, "shift": shift, "seed": None, "linear": shift < 0.9}
            columns |= {"horizon_steps": 64000, "median_steps": median, "kaplan_meier_median_steps": median}
            rows.append({**columns, "arrived_share": 0.9, "diverged_share": 0.1, "censored_share": 0.0})
    return rows


@table_by_seed("yang2023_fig3_survival", ("survival_beyond", "survival_constant"))
def survival(planted: Planted) -> list[Row]:
    return [
        {"landscape": landscape, "learning_rate": rate, "shift": 1.2, "seed": None, "largest_stable_shift": 1.0}
        | {"horizon_steps": 4000, "survival": planted[key]}
        for landscape, key in (("single_valley", "survival_beyond"), ("constant", "survival_constant"))
        for rate in (0.1, 0.5)
    ]
