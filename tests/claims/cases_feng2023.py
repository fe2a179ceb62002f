"""Cases planted for the claims of Feng, Zhang and Tu 2023 on the gap and its factors, and on what holds by algebra."""

import numpy as np

from cases_feng2023_sweeps import CASES as OF_SWEEPS
from claim_cases import AT_LEAST_PARTLY, NO, NOT_ASKED, OPEN, PARTLY, YES, Cases

CASES = {
    "duality_exact": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            # Some change of the weights, which has nothing to do with the images.
            "null": ({"activity_error": (1.4, 0.1), "logit_error": (1.4, 0.1), "other_solutions": (0.7, 0.05)}, (NO, NOT_ASKED)),
            "opposite": ({"activity_error": (2, 0.01), "logit_error": (2, 0.01), "other_solutions": (0.5, 0.01)}, (NO, NOT_ASKED)),
            # Some seeds on this side of the margin, and some on the other.
            "noise": (
                {"activity_error": (1e-9, 1e-9), "logit_error": (1e-9, 1e-9), "other_solutions": (1, 0.1)},
                (OPEN, NOT_ASKED),
            ),
            "not the smallest": ({"other_solutions": (0.99, 0.001)}, (PARTLY, NOT_ASKED)),
        },
        numbers=[
            ("activities_reproduced", {"activity_error": (3e-12, 0)}, 3e-12),
            ("logits_reproduced", {"logit_error": (4e-12, 0)}, 4e-12),
            ("closest", {"other_solutions": (1.25, 0)}, 1.25),
        ],
    ),
    "gap_decomposed": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            # Slopes and dual weights of different pairs: what the null has, the data have as well.
            "null": (
                {
                    **{"correlated_share": (0.5, 0.05), "correlation_variation": (1, 0.1), "constant_spread": (0.6, 0.02)},
                    **{"shuffled_share": (0.98, 0.01), "shuffled_variation": (0.1, 0.01), "shuffled_constant_spread": (0.6, 0.02)},
                },
                (NO, NOT_ASKED),
            ),
            "opposite": (
                {
                    **{"correlated_share": (-0.98, 0.005), "correlation_variation": (2, 0.1), "constant_spread": (0.8, 0.02)},
                    **{"shuffled_share": (1.5, 0.02), "shuffled_variation": (0, 0.01), "shuffled_constant_spread": (0, 0.01)},
                },
                (NO, NOT_ASKED),
            ),
            "noise": (
                {
                    **{"correlated_share": (0.95, 0.05), "correlation_variation": (0.25, 0.1), "constant_spread": (0.2, 0.4)},
                    **{"shuffled_share": (0.93, 0.1), "shuffled_variation": (0.2, 0.2), "shuffled_constant_spread": (0.2, 0.4)},
                },
                (OPEN, OPEN),
            ),
            "control too": (
                {"shuffled_share": (0.98, 0.005), "shuffled_variation": (0.1, 0.01), "shuffled_constant_spread": (0, 0.01)},
                (YES, NO),
            ),
            "control over directions too": ({"shuffled_variation": (0.1, 0.01)}, (YES, NO)),
            "a constant of each setting": ({"constant_spread": (0.8, 0.02)}, (PARTLY, NO)),
        },
        numbers=[
            ("products_carry_the_gap", {"correlated_share": (0.96, 0)}, 0.96),
            ("one_constant", {"gap_correlation": (1, 0), "constant_spread": (0.1, 0)}, 0.9),
            ("constant_over_directions", {"correlation_variation": (0.2, 0)}, 0.2),
            ("shuffled_losses_share", {"shuffled_share": (0.4, 0)}, 0.58),
            ("shuffled_losses_over_directions", {"shuffled_variation": (0.9, 0)}, -0.8),
            (
                "shuffled_losses_across_settings",
                {
                    **{"gap_correlation": (1, 0), "shuffled_gap_correlation": (1, 0)},
                    **{"constant_spread": (0.1, 0), "shuffled_constant_spread": (0.3, 0)},
                },
                2 * 0.1**2 - 2 * 0.3**2,
            ),
            ("path_averaged_one_constant", {"path_averaged_constant_spread": (0.3, 0)}, 0.7),
            ("path_averaged_over_directions", {"path_averaged_variation": (0.45, 0)}, 0.45),
            ("errors_of_other_pairs_over_directions", {"other_errors_variation": (0.7, 0)}, 0.7),
            ("shuffled_losses_at_settings", {"shuffled_gap_correlation": (1, 0), "shuffled_constant_spread": (0.3, 0)}, 0.7),
            ("whole_training_set", {"whole_gap": (1.1, 0)}, 1.1),
            ("gap_follows_the_products", {"gap_correlation": (0.7, 0), "constant_spread": (0, 0)}, 0.7),
            ("gap_follows_the_products_without_label_noise", {"gap_correlation": (0.7, 0), "constant_spread": (0, 0)}, 0.7),
            (
                "gap_follows_products_of_shuffled_losses",
                {"shuffled_gap_correlation": (0.6, 0), "shuffled_constant_spread": (0, 0)},
                0.6,
            ),
            ("gap_follows_sharpness_alone", {"gap_of_sharpness": (1, 0)}, 1),
            ("gap_follows_size_alone", {"gap_of_size": (1, 0)}, 1),
        ],
        bad_setting={"correlated_share": (0.5, 0.02)},
        context=[
            {"whole_gap": (0.5, 0.01)},
            {"path_averaged_constant_spread": (0, 0.01), "path_averaged_variation": (0.1, 0.01)},
            {"other_errors_variation": (0.1, 0.01)},
        ],
    ),
    "slope_is_sharpness": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            # Slopes that know nothing of the curvature.
            "null": (
                {"slope_correlation": (0, 0.1), "partial_correlation": (0, 0.05), "ratio_exponent": (0, 0.02)},
                (NO, NOT_ASKED),
            ),
            "opposite": (
                {"slope_correlation": (-0.97, 0.005), "partial_correlation": (-0.6, 0.05), "ratio_exponent": (-0.3, 0.02)},
                (NO, NOT_ASKED),
            ),
            "noise": (
                {"slope_correlation": (0.9, 0.06), "partial_correlation": (0.3, 0.3), "ratio_exponent": (0.1, 0.2)},
                (OPEN, OPEN),
            ),
            # Slopes that follow the dual weights, and by these the curvature.
            "control too": ({"partial_correlation": (0.05, 0.05), "ratio_exponent": (0.01, 0.02)}, (YES, NO)),
            "weak beyond the dual weights": ({"ratio_exponent": (0.1, 0.05)}, (YES, OPEN)),
        },
        numbers=[
            ("correlation", {"slope_correlation": (0.93, 0)}, 0.93),
            ("correlation_at_every_setting", {"slope_correlation": (0.93, 0)}, 0.93),
            ("given_the_dual_weights", {"partial_correlation": (0.4, 0)}, 0.4),
            ("beyond_the_dual_weights", {"ratio_exponent": (0.15, 0)}, 0.15),
            ("path_averaged_given_the_dual_weights", {"path_averaged_partial_correlation": (0.7, 0)}, 0.7),
            ("path_averaged_beyond_the_dual_weights", {"path_averaged_ratio_exponent": (0.25, 0)}, 0.25),
            ("errors_of_other_pairs_given_the_dual_weights", {"other_errors_partial_correlation": (0.35, 0)}, 0.35),
            ("errors_of_other_pairs_beyond_the_dual_weights", {"other_errors_ratio_exponent": (0.05, 0)}, 0.05),
            ("exponent", {"slope_exponent": (0.8, 0)}, 0.8),
            ("exponent_of_small_shifts", {"small_shift_exponent": (0.9, 0)}, 0.9),
            ("gradient_in_place_of_slope", {"gradient_exponent": (1.2, 0)}, 1.2),
            ("correlation_of_shuffled_losses", {"shuffled_slope_correlation": (0.2, 0)}, 0.2),
        ],
        bad_setting={"slope_correlation": (0.5, 0.05)},
        context=[
            {"slope_exponent": (0, 0.05), "small_shift_exponent": (0, 0.05), "gradient_exponent": (0, 0.05)},
            {"shuffled_slope_correlation": (0.97, 0.005)},
            {"path_averaged_partial_correlation": (0, 0.05), "path_averaged_ratio_exponent": (0, 0.05)},
        ],
    ),
    "spread_is_size": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            "null": ({"size_correlation": (0, 0.1)}, (NO, NOT_ASKED)),
            "opposite": ({"size_correlation": (-0.97, 0.005)}, (NO, NOT_ASKED)),
            "noise": ({"size_correlation": (0.9, 0.06), "size_exponent": (1, 0.4)}, (OPEN, NOT_ASKED)),
            "square of the norm": ({"size_exponent": (2, 0.05)}, (PARTLY, NOT_ASKED)),
        },
        numbers=[
            ("correlation", {"size_correlation": (0.8, 0)}, 0.8),
            ("exponent", {"size_correlation": (0.8, 0), "size_exponent": (1.5, 0)}, 1.2),
            ("covariance_norm_correlation", {"covariance_size_correlation": (0.7, 0)}, 0.7),
            ("covariance_norm_exponent", {"covariance_size_correlation": (0.8, 0), "covariance_size_exponent": (1.5, 0)}, 1.2),
            ("plain_norm_correlation", {"plain_size_correlation": (0.7, 0)}, 0.7),
            ("plain_norm_exponent", {"plain_size_correlation": (0.8, 0), "plain_size_exponent": (1.5, 0)}, 1.2),
            ("correlation_in_every_sweep", {"size_correlation": (0.8, 0)}, 0.8),
            ("plain_norm_correlation_in_every_sweep", {"plain_size_correlation": (0.8, 0)}, 0.8),
            ("metric_of_the_data", {"metric_error": (1e-3, 0)}, 1e-3),
        ],
        context=[
            {"metric_error": (0.1, 0.01)},
            {"plain_size_correlation": (0.97, 0.005), "plain_size_exponent": (1, 0.05)},
            {"covariance_size_correlation": (0.97, 0.005), "covariance_size_exponent": (1, 0.05)},
        ],
    ),
    "dinh_invariant": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            # A rescaling that changes nothing at all.
            "null": ({"rescaling": (0, 0)}, (PARTLY, NOT_ASKED)),
            "opposite": (
                {"logit_change": (0.5, 0.1), "invariant_change": (0.5, 0.1), "power_error": (0.5, 0.1), "rescaling": (0, 0)},
                (NO, NOT_ASKED),
            ),
            "noise": (
                {
                    **{"logit_change": (1e-9, 1e-9), "invariant_change": (1e-9, 1e-9), "power_error": (1e-9, 1e-9)},
                    **{"rescaling": (1, 0)},
                },
                (AT_LEAST_PARTLY, NOT_ASKED),
            ),
        },
        numbers=[
            ("same_function", {"logit_change": (0.3, 0)}, 0.3),
            ("same_products", {"invariant_change": (0.3, 0)}, 0.3),
            ("powers_of_the_factor", {"power_error": (0.3, 0)}, 0.3),
            ("plain_measures_differ", {"rescaling": (0.5, 0)}, 0.5 * np.log(100)),
        ],
        bad_setting={"invariant_change": (0.1, 0.01)},
    ),
    **OF_SWEEPS,
}
