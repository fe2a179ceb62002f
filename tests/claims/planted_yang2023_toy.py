"""Planted tables of yang2023: the toy model."""

import itertools

import numpy as np
import pandas as pd

from planted_tables import Planted, Quantities, Quantity, Row, Seeds, by_seeds, table, table_by_seed

EFFECT: dict[str, Quantity] = {
    "slope_error": (0.01, 0.005),  # of the toy model's joint density by simulation, in parts of max(1, |1 - kappa|)
    "vanishing_slope_error": (0, 0.005),  # for Delta -> 0
    "grid_slope_error": (0.02, 0),
    "heat_bath_slope": (0, 0.005),  # at kappa = 1, by simulation
    "grid_heat_bath_slope": (0, 0),
    "small_kappa_slope": (0.5, 0.01),  # at kappa = 0.5
    "drift": (1, 0.01),  # of shaken descent, in parts of the formula
    "width": (1, 0.01),  # of its stationary density, in parts of that built from drift and noise
    "flatter_excess": (0.2, 0.01),  # share in the flatter of two valleys above 1/2, at a ratio of 4
    "flatter_excess_at_ratio_2": (0, 0),  # so much more
    "smoothed_share": (0.5, 0),
    "heat_bath_flatter_share": (0.9, 0.01),
    "arrival_exponent": (-2, 0.02),
    "smoothing_time_ratio": (1.5, 0),  # time without noise over that of shaken descent
    "local_heat_bath_time_ratio": (1.5, 0.02),
    "heat_bath_arrival_exponent": (-1.95, 0.02),
    "left_at_strongest_shift": (0.05, 0),
    "left_at_strongest_shift_and_rate": (0, 0),  # so many more
    "left_at_constant_curvature": (1, 0),
    "half_lost_shift": (0.4, 0.01),  # in parts of the mean-square bound
    "edge_width": (0.2, 0.01),  # in ln(shift)
    "edge_move": (-0.15, 0.01),
    "edge_narrowing": (0, 0.02),  # of ln(width) from the shortest to the longest horizon
    "edge_narrowing_at_large_rate": (0, 0),  # so much more
    "edge_flatness": (0.9, 0.02),  # of those left where half are
    "survival_beyond": (0.05, 0.01),
    "survival_constant": (0.99, 0.001),
}

KAPPAS = (0.5, 1.0, 2.0, 8.0)
RATES = (0.1, 0.5)
BOUND = 2.0  # of mean-square stability
HORIZONS = (1000, 4000, 16000)


@table_by_seed("yang2023_fig2_slopes", ("slope_error", "vanishing_slope_error", "heat_bath_slope", "small_kappa_slope"))
def slopes(planted: Planted) -> list[Row]:
    """Slopes of the joint density on ln F at the noise strength that decides, at one on the straight line from there to the slope
    for vanishing noise, and at one that says the opposite, as the single starts do.
    """
    rows = []
    for kappa in KAPPAS:
        own = {0.5: planted["small_kappa_slope"], 1.0: planted["heat_bath_slope"]}.get(kappa, 1 - kappa)
        slope = own + (kappa != 1) * planted["slope_error"] * max(1, abs(kappa - 1))
        limit = 1 - kappa + planted["vanishing_slope_error"] * max(1, abs(kappa - 1))
        strengths = {0.005: slope, 0.05: limit + 10 * (slope - limit), 0.5: kappa}
        for diffusion, asked in strengths.items():
            for start in ("both", "grid", "mirror"):
                numbers = {"joint_slope": asked if start == "both" else kappa, "predicted_joint_slope": 1 - kappa}
                numbers |= {"marginal_slope": kappa, "predicted_marginal_slope": kappa}
                columns = {"kappa": kappa, "diffusion": diffusion, "deciding": diffusion == 0.005, "seed": None, "start": start}
                rows.append({**columns, **numbers})
    return rows


@table_by_seed("yang2023_fig2_grid_slopes", ("grid_slope_error", "grid_heat_bath_slope"), seeded=False)
def grid_slopes(planted: Planted) -> list[Row]:
    renamed = {name.removeprefix("grid_"): value for name, value in planted.items()}
    others = {"small_kappa_slope": 0.5, "vanishing_slope_error": 0.0}
    rows = [row for row in slopes({**others, **renamed}) if row["start"] == "both"]
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


@table_by_seed("yang2023_fig3_controls", ("arrival_exponent", "local_heat_bath_time_ratio"))
def controls(planted: Planted) -> list[Row]:
    """Heat baths; that with noise across the valley only, and shifts beyond the linear regime, say the opposite."""
    rows = []
    for dynamics, shift in itertools.product(("thermal_local", "thermal_across"), (0.1, 0.2, 0.9)):
        asked = dynamics == "thermal_local" and shift < 0.9
        ratio = planted["local_heat_bath_time_ratio"] if asked else 1 / planted["local_heat_bath_time_ratio"]
        columns = {"dynamics": dynamics, "learning_rate": 0.1, "shift": shift, "seed": None, "horizon_steps": 64000}
        shares = {"arrived_share": 1.0, "lost_share": 0.0, "censored_share": 0.0}
        rows.append({**columns, "median_steps": ratio * 3 * shift ** planted["arrival_exponent"], **shares})
    return rows


@table_by_seed("yang2023_fig3_smoothing", ("arrival_exponent", "smoothing_time_ratio"), seeded=False)
def smoothing(planted: Planted) -> list[Row]:
    rows = []
    for shift in (0.05, 0.1, 0.2, 0.9):
        ratio = planted["smoothing_time_ratio"] if shift < 0.9 else 1 / planted["smoothing_time_ratio"]
        steps = ratio * 3 * shift ** planted["arrival_exponent"]
        rows.append({"learning_rate": 0.1, "shift": shift, "horizon_steps": 64000, "arrival_steps": steps})
    return rows


VALLEYS = ("flatter_excess", "flatter_excess_at_ratio_2", "smoothed_share", "heat_bath_flatter_share")


@table("yang2023_fig3_two_valleys", VALLEYS)
def two_valleys(quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
    """Shares in the flatter valley; at the stronger shift, and of the walkers from one start, they say the opposite."""
    rows = []
    for ratio, shift in itertools.product((1.0, 2.0, 4.0, 6.0), (0.25, 0.3)):
        rows += _valley_rows(ratio, shift, "smoothed", quantities["smoothed_share"][0], None)  # nothing in it is random
        for seed, planted in by_seeds(quantities, seeds):
            shaken = 0.5 + planted["flatter_excess"] * np.log(ratio) / np.log(4)
            shaken += (ratio == 2) * planted["flatter_excess_at_ratio_2"]
            rows += _valley_rows(ratio, shift, "shaken", shaken, seed)
            rows += _valley_rows(ratio, shift, "thermal_local", planted["heat_bath_flatter_share"], seed)
    return pd.DataFrame(rows)


def _valley_rows(ratio: float, shift: float, dynamics: str, share: float, seed: int | None) -> list[Row]:
    rows = []
    for start in ("both", "flatter", "sharper"):
        asked = start == "both" and shift == 0.25
        columns = {"dynamics": dynamics, "curvature_ratio": ratio, "learning_rate": 0.1, "shift": shift, "seed": seed}
        columns |= {"start": start, "walkers": 300, "relaxation_steps": 6000, "sampling_steps": 6000}
        rows.append({**columns, "share_in_flatter": share if asked else 1 - share, "share_left": 0.9, "status": "measured"})
    return rows


LEFT = ("left_at_strongest_shift", "left_at_strongest_shift_and_rate", "left_at_constant_curvature")


@table_by_seed("yang2023_fig3_order_parameter", (*LEFT, "edge_flatness"))
def order_parameter(planted: Planted) -> list[Row]:
    """Who is left, and how flat a place they have, across the edge; shorter horizons and weaker shifts say the opposite."""
    rows = []
    for landscape, rate, horizon, shift in itertools.product(("single_valley", "constant"), RATES, HORIZONS, (0.2, 0.4, 0.6)):
        left = planted["left_at_strongest_shift"] + (rate == 0.5) * planted["left_at_strongest_shift_and_rate"]
        at_strongest = left if landscape == "single_valley" else planted["left_at_constant_curvature"]
        flat = planted["edge_flatness"]
        survival, flatness = {0.2: (1.0, 0.95), 0.4: (0.6, flat), 0.6: (at_strongest, 0.95)}[shift]
        if horizon < HORIZONS[-1]:
            survival, flatness = {0.2: (1.0, 0.95), 0.4: (1.0, 0.95), 0.6: (1 - at_strongest, 1 - flat)}[shift]
        columns = {"landscape": landscape, "learning_rate": rate, "shift": shift * BOUND, "relative_shift": shift}
        columns |= {"horizon_steps": horizon, "seed": None, "walkers": 100, "survival": survival}
        rows.append({**columns, "relative_flatness": flatness, "flatness_of_all": survival * flatness, "loss_rate": 1e-4})
    return rows


@table_by_seed(
    "yang2023_fig3_edge", ("half_lost_shift", "edge_width", "edge_move", "edge_narrowing", "edge_narrowing_at_large_rate")
)
def edge(planted: Planted) -> list[Row]:
    rows = []
    for rate, horizon in itertools.product(RATES, HORIZONS):
        last = horizon == HORIZONS[-1]
        half = planted["half_lost_shift"] * BOUND * (1 if last else np.exp(-planted["edge_move"]))
        narrowing = planted["edge_narrowing"] + (rate == 0.5) * planted["edge_narrowing_at_large_rate"]
        width = planted["edge_width"] * (1 if last else np.exp(-narrowing))
        columns = {"learning_rate": rate, "horizon_steps": horizon, "seed": None, "walkers": 100, "largest_stable_shift": BOUND}
        shifts = {
            "tenth_lost_shift": half * np.exp(-width / 2),
            "half_lost_shift": half,
            "most_lost_shift": half * np.exp(width / 2),
        }
        rows.append({**columns, **shifts, "relative_half_lost_shift": half / BOUND, "status": "measured"})
    return rows
