"""Planted tables of feng2023: sweeps of three doses, pairs, shifts of the data, rescaled copies."""

import numpy as np
import pandas as pd

from planted_tables import Planted, Quantities, Quantity, Row, Seeds, correlated, made, table, table_by_seed
from sgdphysics import sweeps

EFFECT: dict[str, Quantity] = {
    "activity_error": (1e-15, 1e-16),  # the largest over pairs
    "logit_error": (1e-15, 1e-16),
    "other_solutions": (1.01, 0.001),  # the smallest norm over pairs, in parts of that of the dual weight
    "correlated_share": (0.98, 0.005),  # the same at every setting
    "correlation_variation": (0.1, 0.01),
    "gap_correlation": (0.98, 0.005),  # with the summed products, over settings
    "shuffled_gap_correlation": (0.5, 0.02),
    "whole_gap": (1, 0.005),  # gap of the whole training set in parts of that over matched pairs
    "shuffled_share": (0.5, 0.02),
    "shuffled_variation": (1, 0.05),
    "slope_correlation": (0.97, 0.005),  # of ln sigma_g^2 and ln H
    "slope_exponent": (1, 0.05),
    "small_shift_exponent": (1, 0.05),
    "shuffled_slope_correlation": (0.3, 0.05),
    "gradient_exponent": (1.1, 0.02),
    "size_correlation": (0.97, 0.005),  # of ln s_w and ln norm, over all settings and in every sweep
    "size_exponent": (1, 0.05),  # at a correlation of 1
    "metric_error": (1e-15, 1e-16),
    "noise_sharpness": (-0.5, 0.02),  # changes of ln s_g and ln s_w from the weakest to the strongest dose, at equal loss
    "noise_size": (0.05, 0.005),
    "noise_sharp_less_flat": (-0.4, 0.02),  # of ln sigma_g,n
    "decay_sharpness": (0.05, 0.005),
    "decay_size": (-0.5, 0.02),
    "dropout_sharpness": (-0.4, 0.02),
    "dropout_size": (0.3, 0.02),
    "dropout_sharpness_at_equal_epochs": (-0.4, 0.02),
    "dropout_size_at_equal_epochs": (0.3, 0.02),
    "dropout_gap": (0.1, 0.01),  # of no and of the strongest dropout, less that of the dose in between
    "dropout_gap_at_equal_epochs": (0.1, 0.01),
    "logit_change": (1e-15, 1e-16),  # by rescaling
    "invariant_change": (1e-15, 1e-16),
    "power_error": (1e-15, 1e-16),
    "rescaling": (1, 0),  # power of p by which plain measures change, in parts of the predicted one
}

DOSES = {
    "learning_rate": (0.05, 0.1, 0.2),
    "batch_size": (10, 20, 40),
    "norm_penalty": (0, 1e-5, 1e-4),
    "squared_penalty": (0, 1e-5, 1e-4),
    "dropout": (0, 0.1, 0.2),
    "initial_scale": (1, 2, 4),
}
REFERENCE_DOSE = {"learning_rate": 0.1, "batch_size": 20, "norm_penalty": 0, "squared_penalty": 0, "dropout": 0, "initial_scale": 1}
# Points and their targets with the epoch at which they are reached; the last of either kind decides, the first says the opposite.
POINTS = (("equal_loss", 0.003, 40), ("equal_loss", 0.001, 80), ("equal_epochs", 60, 60), ("equal_epochs", 120, 120))
CONTROL_EPOCHS = (30, 50, 60, 120)
DECIDING = (0.001, 120)
MIDDLE_GAP = 0.5
FACTORS = (0.1, 1.0, 10.0)
CHANGED = [
    "slope_spread",
    "weight_spread",
    "weight_norm",
    "largest_eigenvalue",
    "trace",
    "median_flatness",
    "gap",
    "test_loss",
    "sharp_slope_std",
    "flat_slope_std",
]


@table_by_seed("feng2023_fig1", EFFECT)
def pairs(planted: Planted) -> list[Row]:
    """Two pairs, of which the second is further from deciding."""
    rows = []
    for index in range(2):
        errors = {key: planted[key] - index * abs(planted[key]) / 2 for key in ("activity_error", "logit_error")}
        ratios = {"along_test_activity": planted["other_solutions"] + index, "along_random_vector": planted["other_solutions"] + 1}
        norms = {f"norm_ratio_{key}": ratio for key, ratio in ratios.items()}
        columns = {"run": "reference", "seed": None, "pair": index, "dual_norm": 0.4, "relative_norm": 0.05, "loss_change": 0.1}
        rows.append({**columns, **errors, **norms})
    return rows


@table_by_seed("feng2023_fig2_shifts", EFFECT)
def shifts(planted: Planted) -> list[Row]:
    """Whole shifts, the smallest, and one in between that no claim reads."""
    own = {"gap": MIDDLE_GAP, "slope_spread": 2.0, "weight_spread": 0.7, "correlated_share": 0.98, "correlation_mean": 0.3}
    own |= {"correlation_variation": 0.1, "leading_directions": 200, "slope_curvature_correlation": planted["slope_correlation"]}
    shuffled = {**own, "correlated_share": planted["shuffled_share"], "correlation_variation": planted["shuffled_variation"]}
    shuffled["slope_curvature_correlation"] = planted["shuffled_slope_correlation"]
    exponents = {1.0: planted["slope_exponent"], 0.3: -1.0, 0.03: planted["small_shift_exponent"]}
    rows = [
        {"losses": losses, "fraction": fraction, **numbers, "slope_curvature_exponent": exponent}
        for fraction, exponent in exponents.items()
        for losses, numbers in {"own": own, "shuffled": shuffled}.items()
    ]
    none = dict.fromkeys(own)
    gradient = {"slope_curvature_correlation": 0.99, "slope_curvature_exponent": planted["gradient_exponent"]}
    rows.append({"losses": "gradient", "fraction": 0.0, **none, **gradient})
    return [{"run": "reference", "seed": None, **row} for row in rows]


@table_by_seed("feng2023_fig2_metric", EFFECT)
def metric(planted: Planted) -> list[Row]:
    by_metric = 0.7 * (1 + planted["metric_error"])
    return [{"run": "reference", "seed": None, "weight_spread": 0.7, "weight_spread_by_metric": by_metric}]


@table_by_seed("feng2023_fig6", EFFECT)
def rescaled(planted: Planted) -> list[Row]:
    """Copies of which all but the one in the middle differ from it by the planted errors."""
    rows = []
    for other in (0, 2):
        for factor in FACTORS:
            own = 0.0 if factor == 1 else 1.0
            scale, error = factor ** planted["rescaling"], 1 + own * planted["power_error"]
            powers = {"largest_eigenvalue": scale**-2, "trace": 5 * scale**-2, "median_flatness": scale, "weight_norm": 8 * scale}
            powers |= {"slope_spread": 2 / scale, "weight_spread": 0.7 * scale}
            invariant = 1 + own * planted["invariant_change"]
            columns = {"run": "reference", "seed": None, "other_layer": other, "factor": factor}
            columns |= {"logit_change": own * planted["logit_change"]}
            columns |= {key: value * error for key, value in powers.items()}
            rows.append({**columns, "product_of_spreads": 1.4 * invariant, "decomposed_gap": 0.5 * invariant})
    return rows


@table_by_seed("feng2023_points", EFFECT)
def points(planted: Planted) -> list[Row]:
    """Every sweep at every point. No run is shared: each has a weakest dose of its own, which lies where the control does."""
    rows = []
    for point, target, epoch in POINTS:
        settings = [(sweep, dose) for sweep, doses in DOSES.items() for dose in sweeps.in_order(sweep, doses)]
        numbers = _numbers(planted, point, sign=1 if target in DECIDING else -1)
        for (sweep, dose), own in zip(settings, numbers, strict=True):
            rows.append(_point(sweep, dose, dose == REFERENCE_DOSE[sweep], point, target, epoch, own))
    still = {"slope_spread": -planted["decay_sharpness"] / 2, "weight_spread": -planted["decay_size"] / 2, "gap": MIDDLE_GAP}
    for (point, target, _), epoch in zip(POINTS, CONTROL_EPOCHS, strict=True):
        rows.append(_point("control", 0, False, point, target, epoch, {**planted, **still, "weight_norm": 0.0, "products": (2, 2)}))
    return rows


def _numbers(planted: Planted, point: str, sign: float) -> list[Row]:
    """Of all settings in order: logarithms of sharpness, size and norm, gap, and the two sums of products."""
    at_epochs = "_at_equal_epochs" if point == "equal_epochs" else ""
    noise, decay = ((planted[f"{name}_sharpness"], planted[f"{name}_size"]) for name in ("noise", "decay"))
    dropout = planted[f"dropout_sharpness{at_epochs}"], planted[f"dropout_size{at_epochs}"]
    changes = [noise, noise, decay, decay, dropout, (0.0, 1.0)]
    rows = []
    for (sweep, doses), (sharpness, size) in zip(DOSES.items(), changes, strict=True):
        strength = sign * (np.arange(len(doses)) / (len(doses) - 1) - 0.5)
        log_size = size * strength
        norms = correlated(log_size, planted["size_correlation"]) / planted["size_exponent"]
        # After equal epochs the control stands for the weakest dose.
        start = np.array([-decay[0] / 2 + sharpness / 2, -decay[1] / 2 + size / 2]) if at_epochs else np.zeros(2)
        gaps = MIDDLE_GAP + 0.1 * strength + 0.01 * len(rows)
        if sweep == "dropout":
            gaps = MIDDLE_GAP - sign * planted[f"dropout_gap{at_epochs}"] * np.array([0, 1, 0])
        for k in range(len(doses)):
            own = {"slope_spread": start[0] + sharpness * strength[k], "weight_spread": start[1] + log_size[k]}
            sharp = {"sharp": planted["noise_sharp_less_flat"] * strength[k]}
            rows.append({**planted, **own, **sharp, "weight_norm": norms[k], "gap": gaps[k]})
    gaps = np.array([row["gap"] for row in rows])
    products = [2 + sign * correlated(gaps, planted[key]) for key in ("gap_correlation", "shuffled_gap_correlation")]
    return [{**row, "products": pair} for row, *pair in zip(rows, *products, strict=True)]


def _point(sweep: str, dose: float, reference: bool, point: str, target: float, epoch: int, own: Row) -> Row:
    gap = own["gap"]
    return {
        "sweep": sweep,
        "dose": float(dose),
        "seed": None,
        "reference": reference,
        "run": f"{sweep}{dose:g}",
        "point": point,
        "target": target,
        "deciding": target in DECIDING and sweep != sweeps.CONTROL,
        "status": "not_converged" if sweep == sweeps.CONTROL else "converged",
        "trained_epochs": 240 if sweep == sweeps.CONTROL else 80,
        "lowest_loss": 0.001,
        "epoch": epoch,
        "training_loss": 0.001,
        "clean_training_loss": 0.001,
        "matched_loss": 0.001,
        "test_loss": 0.001 + own["whole_gap"] * gap,
        "test_error": 0.08,
        "gap": gap,
        "decomposed_gap": gap,
        "slope_spread": 2 * np.exp(own["slope_spread"]),
        "weight_spread": 0.7 * np.exp(own["weight_spread"]),
        "weight_norm": 8 * np.exp(own["weight_norm"]),
        "summed_products": own["products"][0],
        "summed_products_of_shuffled_losses": own["products"][1],
        "largest_eigenvalue": 0.1,
        "trace": 1.0,
        "median_flatness": 1.0,
        "sharp_slope_std": 0.4 * np.exp(own.get("sharp", 0.0)),
        "flat_slope_std": 0.03,
        "correlated_share": own["correlated_share"],
        "correlation_mean": 0.3,
        "correlation_variation": own["correlation_variation"],
        "leading_directions": 200,
        "slope_curvature_correlation": own["slope_correlation"],
        "slope_curvature_exponent": 0.6,
        "inactive": 0,
        "unchanged": 0,
        "pairs": 1000,
    }


@table("feng2023_effects", EFFECT)
def effects(quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
    """What the sweeps of the planted points change."""
    return sweeps.effects(made("feng2023_points", quantities, seeds).drop(columns="deciding"), CHANGED)
