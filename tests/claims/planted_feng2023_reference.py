"""Planted tables of feng2023 of the reference setting: pairs, shifts of the data, kinds of slopes, rescaled copies."""

from planted_feng2023_quantities import EFFECT, MIDDLE_GAP
from planted_tables import Planted, Row, table_by_seed

FACTORS = (0.1, 1.0, 10.0)
OF_SLOPES = {"ratio_curvature_exponent": "ratio_exponent", "partial_correlation": "partial_correlation"}


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


@table_by_seed("feng2023_fig2_gauge_numbers", EFFECT)
def gauge_numbers(planted: Planted) -> list[Row]:
    """Every kind of slopes; of two also with shuffled losses, which no claim reads here."""
    variations = {
        "parallel": planted["correlation_variation"],
        "path_averaged": planted["path_averaged_variation"],
        "errors_of_other_pairs": planted["other_errors_variation"],
    }
    prefixes = {"parallel": "", "path_averaged": "path_averaged_", "errors_of_other_pairs": "other_errors_"}
    rows = []
    for slopes, prefix in prefixes.items():
        numbers = {key: planted[f"{prefix}{name}"] for key, name in OF_SLOPES.items()}
        rows.append(_gauge(slopes, "own", {"correlation_variation": variations[slopes], **numbers}))
        if slopes != "errors_of_other_pairs":
            rows.append(_gauge(slopes, "shuffled", dict.fromkeys(("correlation_variation", *OF_SLOPES), 0.0)))
    return rows


def _gauge(slopes: str, losses: str, own: Row) -> Row:
    return {
        "run": "reference",
        "seed": None,
        "slopes": slopes,
        "losses": losses,
        "gap": MIDDLE_GAP,
        "slope_spread": 2.0,
        "weight_spread": 0.7,
        "correlated_share": 0.98,
        "correlation_mean": 0.3,
        "correlation_variation": own["correlation_variation"],
        "leading_directions": 200,
        "slope_curvature_correlation": 0.5,
        "slope_curvature_exponent": 0.6,
        "summed_products": 1.4,
        "share_of_ten_sharpest": 0.5,
        "gap_of_ten_steepest": 0.25,
        "gap_of_others": 0.25,
        "ratio_curvature_exponent": own["ratio_curvature_exponent"],
        "slope_weight_correlation": 0.9,
        "slope_weight_exponent": 1.0,
        "partial_correlation": own["partial_correlation"],
    }
