"""Planted tables of feng2021: exponents of variance against flatness, and fluctuation against dissipation."""

import itertools

import numpy as np

from planted_feng2021_runs import EPOCH_STEPS, WINDOW_EPOCHS, table_by_run
from planted_tables import Planted, Quantity, Row

EFFECT: dict[str, Quantity] = {
    "published_exponent": (4.1, 0.1),
    "published_ranks": (4.2, 0.1),
    "in_sample": (4, 0.1),  # exponents
    "held_out": (2, 0.1),
    "hessian": (1.7, 0.1),
    "sharp_ranks": (3, 0.1),
    "flat_ranks": (4.5, 0.1),
    "noise_in_sample": (4.1, 0.15),
    "noise_held_out": (2.4, 0.05),
    "noise_hessian": (2.1, 0.05),
    "linear_held_out": (2.1, 0.1),
    "linear_hessian": (1.7, 0.1),
    "isotropic_hessian": (0, 0.1),
    "hessian_at_second_order": (-0.3, 0.05),  # less that of frozen noise
    "hessian_at_fourth_order": (-0.2, 0.05),
    "linear_theory": (1.6, 0.15),
    "linear_theory_stationary": (0.1, 0.05),
    "relation": (-0.98, 0.005),  # correlations of ln variance and ln F
    "relation_of_isotropic": (0, 0.1),
    "relation_of_rotated": (0, 0.1),
    "distance": (0.2, 0.02),  # medians of |ln(measured / theory)|
    "distance_of_noise": (1.5, 0.05),
    "distance_with_drift": (2, 0.1),
    "distance_at_second_order": (0.25, 0.02),
    "distance_at_fourth_order": (0.3, 0.02),
    "shift_with_replacement": (1.4, 0.1),  # median of ln(measured / theory)
}

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
UNRELATED = 0.7  # and of every correlation
FIT = {"spearman": -0.97, "points": 17, "censored": 0}
MAIN = {"window": "main", "window_epochs": WINDOW_EPOCHS}


@table_by_run("feng2021_fig2_exponents", [kind for kind in KINDS if kind in EFFECT and not kind.startswith("noise")])
def exponents(run: Row, planted: Planted) -> list[Row]:
    return [
        {
            **MAIN,
            "kind": kind,
            "exponent": planted.get(kind, UNASKED),
            "intercept": -14.0,
            "r": UNRELATED,
            **FIT,
            "censored_share": 0.0,
        }
        for kind in sorted(KINDS)
        if run["reference"] or not kind.startswith("other")
    ]


PROTOCOLS = {"published": "published_exponent", "ranks": "published_ranks"}


@table_by_run("feng2021_published", PROTOCOLS.values(), reference_only=True)
def published(run: Row, planted: Planted) -> list[Row]:
    parts = {"stop": "batches", "position": "after_stop", "centre": "final", "fitted": "every_tenth"}
    window = {"stop_epoch": 30, "window_epochs": WINDOW_EPOCHS, "window_steps": WINDOW_EPOCHS * EPOCH_STEPS, "last_rank": 191}
    protocols = ("centre", "ours", "published", "ranks", "stop", "window")
    return [
        {"protocol": protocol, "source": source, **parts, **window, "exponent": exponent, "r": UNRELATED, **FIT}
        for protocol in protocols
        for source, exponent in (("frozen_noise", UNASKED), ("sgd", planted.get(PROTOCOLS.get(protocol), UNASKED)))
    ]


LADDER = {  # exponent and correlation of those that are asked for
    ("sgd", "principal", "all"): ("in_sample", "relation"),
    ("sgd", "principal", "2-50"): ("sharp_ranks", None),
    ("sgd", "principal", "above 50"): ("flat_ranks", None),
    ("sgd", "held_out", "all"): ("held_out", None),
    ("sgd", "hessian", "all"): ("hessian", None),
    ("frozen_noise", "principal", "all"): ("noise_in_sample", None),
    ("frozen_noise", "held_out", "all"): ("noise_held_out", None),
    ("frozen_noise", "hessian", "all"): ("noise_hessian", None),
    ("linear_sgd", "held_out", "all"): ("linear_held_out", None),
    ("linear_sgd", "hessian", "all"): ("linear_hessian", None),
    ("isotropic", "principal", "all"): (None, "relation_of_isotropic"),
    ("isotropic", "hessian", "all"): ("isotropic_hessian", None),
    ("rotated_noise", "principal", "all"): (None, "relation_of_rotated"),
}
BASES = ("held_out", "hessian", "principal")
LESS_NOISE = {2: "hessian_at_second_order", 4: "hessian_at_fourth_order"}  # of SGD in the Hessian basis, by order of detrending
ALONE = ("isotropic", "rotated_noise", "linear_sgd")  # rungs of the reference runs only


@table_by_run("feng2021_ladder", [*(name for names in LADDER.values() for name in names if name), *LESS_NOISE.values()])
def ladder(run: Row, planted: Planted) -> list[Row]:
    rungs = ("frozen_noise", "sgd", *(ALONE if run["reference"] else ()))
    fits = [*itertools.product(rungs, BASES), ("linear_theory", "hessian")]
    return [
        {
            **MAIN,
            "rung": rung,
            "basis": basis,
            "detrending_order": order,
            "ranks": ranks,
            **_fit(rung, basis, order, ranks, planted),
        }
        for (rung, basis), order, ranks in itertools.product(fits, range(5), ("2-50", "above 50", "all"))
    ]


def _fit(rung: str, basis: str, order: int, ranks: str, planted: Planted) -> Row:
    if (rung, basis, ranks) == ("sgd", "hessian", "all") and order in LESS_NOISE:
        return {"exponent": UNASKED + planted[LESS_NOISE[order]], "r": UNRELATED, **FIT}
    exponent, correlation = LADDER.get((rung, basis, ranks), (None, None)) if order == 1 else (None, None)
    return {"exponent": planted.get(exponent, UNASKED), "r": planted.get(correlation, UNRELATED), **FIT}


DECADES = {-4: 2, -3: 12, -2: 12, -1: 12, 0: 2}  # directions of every run in each; in those with few there is no agreement
DISTANCES = {  # by source and order of detrending
    ("sgd", 0): "distance_with_drift",
    ("sgd", 1): "distance",
    ("sgd", 2): "distance_at_second_order",
    ("sgd", 4): "distance_at_fourth_order",
    ("noise_epoch", 1): "distance_of_noise",
    ("noise_replacement", 1): "shift_with_replacement",
}
NO_AGREEMENT = 3.0


@table_by_run("beyond_fig6", DISTANCES.values())
def ratios(run: Row, planted: Planted) -> list[Row]:
    further = ("linear_sgd", "noise_replacement", "other_layers_held", "rotated_noise") if run["reference"] else ()
    return [
        {"window_epochs": WINDOW_EPOCHS, "source": source, "rank": rank, "detrending_order": order, **_ratio(*place, log)}
        for source, order in itertools.product(("noise_epoch", "sgd", *further), range(5))
        for rank, (place, log) in enumerate(_directions(source, order, planted), 1)
    ]


def _directions(source: str, order: int, planted: Planted) -> list[tuple[tuple[int, float], float]]:
    """Decade and place within it of every direction, and ln(measured / theory) there: to either side, and in one case to one."""
    found = planted.get(DISTANCES.get((source, order)), NO_AGREEMENT)
    rows = []
    for decade, number in DECADES.items():
        asked = number > 2 and not (source == "noise_replacement" and decade >= -1)
        for index in range(number):
            side = 1 if source == "noise_replacement" or index % 2 else -1
            rows.append(((decade, (index + 0.5) / number), side * (found if asked else -NO_AGREEMENT)))
    return rows


def _ratio(decade: int, within: float, log: float) -> Row:
    place = 10.0 ** (decade + within)
    theory = place / (1 + place)
    ratio = theory * float(np.exp(log))
    return {
        "curvature": place,
        "temperature": 1e-7,
        "relaxations_per_epoch": place,
        "fluctuation_dissipation_ratio": ratio,
        "theory_epoch": theory,
        "theory_replacement": 1.0,
        "theory_without_force": place,
        "theory_stationary": 1.0,
        "measured_over_theory": 7.0,
    }
