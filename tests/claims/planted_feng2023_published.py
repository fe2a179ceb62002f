"""Planted tables of feng2023 by the protocol of the authors' scripts, and of dropout measured in other ways."""

import itertools

import numpy as np

from planted_feng2023_quantities import DECIDING, DOSES, EFFECT, MIDDLE_GAP, POINTS, REFERENCE_DOSE
from planted_tables import Planted, Row, table_by_seed
from sgdphysics import sweeps

LAST_RANK = 100
NOISE = ("learning_rate", "batch_size")


def _places() -> list[tuple[Row, float]]:
    """Every dose of every sweep at every point, with its strength from 0 to 1; -1 times that where the sweep is not decided."""
    places = []
    for (sweep, doses), (point, target, epoch) in itertools.product(DOSES.items(), POINTS):
        for k, dose in enumerate(sweeps.in_order(sweep, doses)):
            run = {
                "sweep": sweep,
                "dose": float(dose),
                "seed": None,
                "reference": dose == REFERENCE_DOSE[sweep],
                "run": f"{sweep}{dose:g}",
            }
            deciding = {"point": point, "target": target, "deciding": target in DECIDING, "epoch": epoch}
            places.append(({**run, **deciding}, (1 if target == 0.001 else -1) * k / (len(doses) - 1)))
    return places


@table_by_seed("feng2023_published", EFFECT)
def published(planted: Planted) -> list[Row]:
    """Parts of the gap, which only noise changes."""
    rows = []
    for place, strength in _places():
        noise = strength if place["sweep"] in NOISE else 0.0
        rows.append(
            {
                **place,
                "training_loss": 0.001,
                "test_loss": MIDDLE_GAP,
                "gap": MIDDLE_GAP,
                "steepest": 10,
                "delta_loss_sharp": 0.2 + noise * planted["noise_gap_of_sharp"],
                "delta_loss_flat": 0.3 + noise * planted["noise_gap_of_flat"],
                "delta_loss_sharp_of_shuffled_losses": 0.1 + noise * planted["noise_gap_of_sharp_of_shuffled_losses"],
                "slope_spread": 2.0,
                "weight_spread": 0.7,
                "weight_norm": 8.0,
            }
        )
    return rows


@table_by_seed("feng2023_published_spectra", EFFECT)
def spectra(planted: Planted) -> list[Row]:
    """Three ranks, of which the last is not compared. Ratios are told by the factors below."""
    rows = []
    for (place, _), rank in itertools.product(_places(), (1, LAST_RANK, 2 * LAST_RANK)):
        if place["deciding"]:
            own = {key: value for key, value in place.items() if key != "epoch"}
            compared = 1.0 if rank <= LAST_RANK else np.nan
            sums = {"summed_slope_std": 1.0, "summed_weight_std": 1.0, "summed_gap": 0.1}
            ratios = {
                "weakest": float(sweeps.in_order(place["sweep"], DOSES[place["sweep"]])[0]),
                "weight_ratio": compared,
                "weight_ratio_between_seeds": compared,
            }
            rows.append({**own, "rank": rank, "slope_std": 1.0, "weight_std": 1.0, **sums, **ratios})
    return rows


@table_by_seed("feng2023_published_factors", EFFECT)
def factors(planted: Planted) -> list[Row]:
    """Common factors where the sweeps are decided; the dose in between says the opposite, and so do equal epochs."""
    rows = []
    for place, strength in _places():
        if not place["deciding"] or strength == 0:
            continue
        change = planted["noise_change_over_ranks" if place["sweep"] in NOISE else "scale_change_over_ranks"]
        own = {key: place[key] for key in ("sweep", "dose", "seed", "point", "target", "deciding")}
        rows.append(
            {
                **own,
                "weakest": float(sweeps.in_order(place["sweep"], DOSES[place["sweep"]])[0]),
                "ranks": 2,
                "factor": planted["scale_factor"] * strength,
                "spread": planted["scale_spread"],
                "trend": (change if strength == 1 else 3 - change) * planted["scale_factor"] * strength / np.log(LAST_RANK),
                "spread_between_seeds": 0.2,
                "trend_between_seeds": 0.0,
            }
        )
    return rows


@table_by_seed("feng2023_fig5_dropout", EFFECT)
def dropout(planted: Planted) -> list[Row]:
    """Changes by dropout at other layers and with images matched in another way; elsewhere and at the dose in between opposite."""
    rows = []
    places = itertools.product(DOSES["dropout"][1:], ((0, "nearest_pixels"), (1, "random_of_class")), POINTS)
    for dose, (layer, matching), (point, target, epoch) in places:
        sign = 1 if (dose, point, target) == (DOSES["dropout"][-1], "equal_loss", 0.001) else -1
        rows.append(
            {
                "sweep": "dropout",
                "layer": layer,
                "matching": matching,
                "dose": dose,
                "weakest": 0.0,
                "comparison": point,
                "target": target,
                "deciding": target in DECIDING,
                "seed": None,
                "epoch": epoch,
                "weakest_epoch": epoch,
                "slope_spread": sign * planted["dropout_sharpness_otherwise_measured"],
                "weight_spread": sign * planted["dropout_size_otherwise_measured"],
                "weight_norm": 0.0,
                "largest_eigenvalue": 0.0,
                "trace": 0.0,
                "gap": 0.0,
            }
        )
    return rows
