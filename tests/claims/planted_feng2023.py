"""Planted tables of feng2023: sweeps of three doses. Tables of the reference alone and of the authors' protocol are elsewhere."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

import planted_feng2023_published  # noqa: F401  (its tables declare themselves)
import planted_feng2023_reference  # noqa: F401
from planted_feng2023_quantities import CONTROL_EPOCHS, DECIDING, DOSES, EFFECT, MIDDLE_GAP, POINTS, REFERENCE_DOSE
from planted_tables import Planted, Quantities, Row, Seeds, correlated, made, table, table_by_seed
from sgdphysics import sweeps

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
NORMS = {"activity_weighted_norm": "size", "activity_covariance_norm": "covariance_size", "weight_norm": "plain_size"}


@table_by_seed("feng2023_points", EFFECT)
def points(planted: Planted) -> list[Row]:
    """Every sweep at every point. No run is shared: each has a weakest dose of its own, which lies where the control does."""
    return [_point(place, own) for place, own in _places(planted)]


@table_by_seed("feng2023_gauges", EFFECT)
def gauges(planted: Planted) -> list[Row]:
    """The same with both kinds of slopes, and norms of which the plain one is planted apart from that of the points."""
    return [_gauge(place, own, slopes) for place, own in _places(planted) for slopes in ("parallel", "path_averaged")]


def _places(planted: Planted) -> Iterator[tuple[Row, Row]]:
    """Every run of every sweep at every point, with what is planted of it."""
    for point, target, epoch in POINTS:
        settings = [(sweep, dose) for sweep, doses in DOSES.items() for dose in sweeps.in_order(sweep, doses)]
        numbers = _numbers(planted, point, sign=1 if target in DECIDING else -1)
        for (sweep, dose), own in zip(settings, numbers, strict=True):
            yield _place(sweep, dose, dose == REFERENCE_DOSE[sweep], point, target, epoch), own
    still = {"slope_spread": -planted["decay_sharpness"] / 2, "weight_spread": -planted["decay_size"] / 2, "gap": MIDDLE_GAP}
    still |= {"error": 0.08, "norm": 0.0, "products": (2, 2, 2), "norms": dict.fromkeys(NORMS, 0.0)}
    for (point, target, _), epoch in zip(POINTS, CONTROL_EPOCHS, strict=True):
        yield _place(sweeps.CONTROL, 0, False, point, target, epoch), {**planted, **still}


def _place(sweep: str, dose: float, reference: bool, point: str, target: float, epoch: int) -> Row:
    run = {"sweep": sweep, "dose": float(dose), "seed": None, "reference": reference, "run": f"{sweep}{dose:g}"}
    return {**run, "point": point, "target": target, "deciding": target in DECIDING and sweep != sweeps.CONTROL, "epoch": epoch}


def _numbers(planted: Planted, point: str, sign: float) -> list[Row]:
    """Of all settings in order: logarithms of sharpness, size and norms, gap, error, and the three sums of products."""
    at_epochs = "_at_equal_epochs" if point == "equal_epochs" else ""
    noise, decay = ((planted[f"{name}_sharpness"], planted[f"{name}_size"]) for name in ("noise", "decay"))
    dropout = planted[f"dropout_sharpness{at_epochs}"], planted[f"dropout_size{at_epochs}"]
    changes = [noise, noise, decay, decay, dropout, (0.0, 1.0)]
    rows: list[Row] = []
    for (sweep, doses), (sharpness, size) in zip(DOSES.items(), changes, strict=True):
        strength = sign * (np.arange(len(doses)) / (len(doses) - 1) - 0.5)
        norms = {key: correlated(size * strength, planted[f"{name}_correlation"]) for key, name in NORMS.items()}
        # After equal epochs the control stands for the weakest dose.
        start = np.array([-decay[0] / 2 + sharpness / 2, -decay[1] / 2 + size / 2]) if at_epochs else np.zeros(2)
        gaps, errors = MIDDLE_GAP + 0.1 * strength + 0.01 * len(rows), 0.08 + 0 * strength
        if sweep == "dropout":
            in_between = sign * np.array([0, 1, 0])
            gaps = MIDDLE_GAP - planted[f"dropout_gap{at_epochs}"] * in_between
            errors = errors - planted[f"dropout_error{at_epochs}"] * in_between
        norm = planted["noise_norm"] if sweep in ("learning_rate", "batch_size") else size
        for k in range(len(doses)):
            own = {"slope_spread": start[0] + sharpness * strength[k], "weight_spread": start[1] + size * strength[k]}
            own |= {"gap": _gap(planted, gaps[k], own), "error": errors[k], "norm": norm * strength[k]}
            weighted = {key: values[k] / planted[f"{NORMS[key]}_exponent"] for key, values in norms.items()}
            sharp = planted["noise_sharp_less_flat"] * strength[k]
            rows.append({**planted, **own, "sharp": sharp, "norms": weighted, "place": k})
    return [{**row, "products": products} for row, products in zip(rows, _products(planted, rows, sign), strict=True)]


def _gap(planted: Planted, gap: float, own: Row) -> float:
    shares = planted["gap_of_sharpness"], planted["gap_of_size"]
    return (1 - sum(shares)) * gap + shares[0] * np.exp(own["slope_spread"]) + shares[1] * np.exp(own["weight_spread"])


def _products(planted: Planted, rows: list[Row], sign: float) -> list[tuple[float, ...]]:
    """Sums of products of all settings: of the pairs' own losses, of shuffled ones, and of path-averaged slopes."""
    gaps = np.array([row["gap"] for row in rows])
    off = np.array([2.0 if row["place"] == 0 else -1.0 for row in rows])
    follow = planted["gap_correlation"], planted["shuffled_gap_correlation"], 1.0
    spread = (planted[f"{name}constant_spread"] for name in ("", "shuffled_", "path_averaged_"))
    sums = [(gaps.mean() + sign * correlated(gaps, r)) / 0.35 / (1 + off * s) for r, s in zip(follow, spread, strict=True)]
    return list(zip(*sums, strict=True))


def _point(place: Row, own: Row) -> Row:
    gap, control = own["gap"], place["sweep"] == sweeps.CONTROL
    first = {key: value for key, value in place.items() if key != "epoch"}
    return {
        **first,
        "status": "not_converged" if control else "converged",
        "trained_epochs": 240 if control else 80,
        "lowest_loss": 0.001,
        "epoch": place["epoch"],
        "training_loss": 0.001,
        "clean_training_loss": 0.001,
        "matched_loss": 0.001,
        "test_loss": 0.001 + own["whole_gap"] * gap,
        "test_error": own["error"],
        "gap": gap,
        "decomposed_gap": gap,
        "slope_spread": 2 * np.exp(own["slope_spread"]),
        "weight_spread": 0.7 * np.exp(own["weight_spread"]),
        "weight_norm": 8 * np.exp(own["norm"]),
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


def _gauge(place: Row, own: Row, slopes: str) -> Row:
    gap, path_averaged = own["gap"], slopes == "path_averaged"
    norms = {key: 8 * np.exp(value) for key, value in own["norms"].items()}
    return {
        **place,
        "slopes": slopes,
        "gap": gap,
        "decomposed_gap": gap,
        "slope_spread": 2 * np.exp(own["slope_spread"]),
        "weight_spread": 0.7 * np.exp(own["weight_spread"]),
        **{key: norms[key] for key in ("weight_norm", "activity_weighted_norm", "activity_covariance_norm")},
        "shift_weighted_norm": 0.7 * np.exp(own["weight_spread"]),
        "summed_products": own["products"][2 if path_averaged else 0],
        "summed_products_of_shuffled_losses": own["products"][1],
        "correlated_share": own["correlated_share"],
        "correlation_mean": 0.3,
        "correlation_variation": own["path_averaged_variation" if path_averaged else "correlation_variation"],
        "leading_directions": 200,
        "share_of_ten_sharpest": 0.5,
        "gap_of_ten_steepest": gap / 2,
        "gap_of_others": gap / 2,
        "slope_curvature_correlation": own["slope_correlation"],
        "slope_curvature_exponent": 0.6,
        "ratio_curvature_exponent": 0.0,
        "slope_weight_correlation": 0.9,
        "slope_weight_exponent": 1.0,
        "partial_correlation": 0.0,
    }


@table("feng2023_effects", EFFECT)
def effects(quantities: Quantities, seeds: Seeds) -> pd.DataFrame:
    """What the sweeps of the planted points change."""
    return sweeps.effects(made("feng2023_points", quantities, seeds).drop(columns="deciding"), CHANGED)
