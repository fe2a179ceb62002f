"""Cases planted for the claims of Feng, Zhang and Tu 2023."""

import numpy as np

from claim_cases import FAILED, HELD, UNDECIDED, Cases

CASES = {
    "duality_exact": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD, HELD], "replicated"),
            # Some change of the weights, which has nothing to do with the images.
            "null": (
                {"activity_error": (1.4, 0.1), "logit_error": (1.4, 0.1), "other_solutions": (0.7, 0.05)},
                [FAILED, FAILED, FAILED],
                "not replicated",
            ),
            "opposite": (
                {"activity_error": (2, 0.01), "logit_error": (2, 0.01), "other_solutions": (0.5, 0.01)},
                [FAILED, FAILED, FAILED],
                "not replicated",
            ),
            "noise": (
                {"activity_error": (1e-9, 1e-9), "logit_error": (1e-9, 1e-9), "other_solutions": (1, 0.1)},
                [UNDECIDED, UNDECIDED, UNDECIDED],
                "inconclusive",
            ),
            "not the smallest": ({"other_solutions": (0.99, 0.001)}, [HELD, HELD, FAILED], "partly"),
        },
        partly={"logit_error": (0.1, 0.01)},
        numbers=[
            ("activities_reproduced", {"activity_error": (3e-12, 0)}, 3e-12),
            ("logits_reproduced", {"logit_error": (4e-12, 0)}, 4e-12),
            ("closest", {"other_solutions": (1.25, 0)}, 1.25),
        ],
    ),
    "gap_decomposed": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD, HELD, HELD], "replicated"),
            # Slopes and dual weights of different pairs: the identity that remains is that of the whole gap.
            "null": (
                {"correlated_share": (0.5, 0.05), "correlation_variation": (1, 0.1), "gap_correlation": (0, 0.2)},
                [FAILED, FAILED, FAILED, HELD],
                "not replicated",
            ),
            "opposite": (
                {
                    **{"correlated_share": (-0.98, 0.005), "correlation_variation": (2, 0.1)},
                    **{"gap_correlation": (-0.98, 0.005), "whole_gap": (0.5, 0.005)},
                },
                [FAILED, FAILED, FAILED, FAILED],
                "not replicated",
            ),
            "noise": (
                {
                    **{"correlated_share": (0.95, 0.05), "correlation_variation": (0.25, 0.1)},
                    **{"gap_correlation": (0.95, 0.03), "whole_gap": (1, 0.1)},
                },
                [UNDECIDED, UNDECIDED, UNDECIDED, UNDECIDED],
                "inconclusive",
            ),
        },
        partly={"gap_correlation": (0.8, 0.01)},
        numbers=[
            ("products_carry_the_gap", {"correlated_share": (0.96, 0)}, 0.96),
            ("correlation_is_constant", {"correlation_variation": (0.2, 0)}, 0.2),
            ("gap_follows_the_products", {"gap_correlation": (0.7, 0)}, 0.7),
            ("whole_training_set", {"whole_gap": (1.1, 0)}, 1.1),
            ("products_of_shuffled_losses", {"shuffled_share": (0.4, 0)}, 0.4),
            ("correlation_of_shuffled_losses", {"shuffled_variation": (0.9, 0)}, 0.9),
            ("gap_follows_products_of_shuffled_losses", {"shuffled_gap_correlation": (0.6, 0)}, 0.6),
        ],
        reported=[
            {"shuffled_share": (0.98, 0.005)},
            {"shuffled_variation": (0.1, 0.01)},
            {"shuffled_gap_correlation": (0.98, 0.005)},
        ],
    ),
    "slope_is_sharpness": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD, HELD], "replicated"),
            # Slopes that know nothing of the curvature.
            "null": (
                {"slope_correlation": (0, 0.1), "small_shift_exponent": (0, 0.1), "slope_exponent": (0, 0.1)},
                [FAILED, FAILED, FAILED],
                "not replicated",
            ),
            "opposite": (
                {"slope_correlation": (-0.97, 0.005), "small_shift_exponent": (-1, 0.05), "slope_exponent": (-1, 0.05)},
                [FAILED, FAILED, FAILED],
                "not replicated",
            ),
            "noise": (
                {"slope_correlation": (0.9, 0.06), "small_shift_exponent": (1, 0.5), "slope_exponent": (1, 0.5)},
                [UNDECIDED, UNDECIDED, UNDECIDED],
                "inconclusive",
            ),
        },
        partly={"slope_exponent": (0.6, 0.05)},
        numbers=[
            ("correlation", {"slope_correlation": (0.93, 0)}, 0.93),
            ("correlation_in_every_setting", {"slope_correlation": (0.93, 0)}, 0.93),
            ("proportional_for_small_shifts", {"small_shift_exponent": (0.9, 0)}, 0.9),
            ("proportional", {"slope_exponent": (0.8, 0)}, 0.8),
            ("gradient_in_place_of_slope", {"gradient_exponent": (1.2, 0)}, 1.2),
            ("correlation_of_shuffled_losses", {"shuffled_slope_correlation": (0.2, 0)}, 0.2),
        ],
        reported=[
            {"gradient_exponent": (0, 0.05)},
            {"shuffled_slope_correlation": (0.97, 0.005)},
        ],
    ),
    "spread_is_size": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD, HELD, HELD], "replicated"),
            "null": ({"size_correlation": (0, 0.1)}, [FAILED, FAILED, FAILED, FAILED], "not replicated"),
            "opposite": ({"size_correlation": (-0.97, 0.005)}, [FAILED, FAILED, FAILED, FAILED], "not replicated"),
            "noise": (
                {"size_correlation": (0.9, 0.06), "size_exponent": (1, 0.4)},
                [UNDECIDED, UNDECIDED, UNDECIDED, UNDECIDED],
                "inconclusive",
            ),
            "square of the norm": ({"size_exponent": (2, 0.05)}, [HELD, FAILED, HELD, FAILED], "partly"),
        },
        partly={"size_exponent": (2, 0.05)},
        numbers=[
            ("correlation", {"size_correlation": (0.8, 0)}, 0.8),
            ("exponent", {"size_correlation": (0.8, 0), "size_exponent": (1.5, 0)}, 1.2),
            ("correlation_in_every_sweep", {"size_correlation": (0.8, 0)}, 0.8),
            ("exponent_in_every_sweep", {"size_correlation": (0.8, 0), "size_exponent": (1.5, 0)}, 1.2),
            ("metric_of_the_data", {"metric_error": (1e-3, 0)}, 1e-3),
        ],
        reported=[
            {"metric_error": (0.1, 0.01)},
        ],
    ),
    "noise_flattens": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD, HELD], "replicated"),
            # Nothing moves anything: the border of the first and the last test; what both move by chance is as large.
            "null": (
                {"noise_sharpness": (0, 0.1), "noise_size": (0, 0.1), "noise_sharp_less_flat": (0, 0.1)},
                [UNDECIDED, FAILED, UNDECIDED],
                "inconclusive",
            ),
            "opposite": (
                {"noise_sharpness": (0.5, 0.02), "noise_size": (0.5, 0.02), "noise_sharp_less_flat": (0.4, 0.02)},
                [FAILED, FAILED, FAILED],
                "not replicated",
            ),
            "noise": (
                {"noise_sharpness": (-0.5, 0.8), "noise_size": (0.2, 0.5), "noise_sharp_less_flat": (-0.4, 0.8)},
                [UNDECIDED, UNDECIDED, UNDECIDED],
                "inconclusive",
            ),
            "everything flattens": ({"noise_sharp_less_flat": (0.1, 0.01)}, [HELD, HELD, FAILED], "partly"),
        },
        partly={"noise_size": (0.3, 0.02)},
        numbers=[
            ("flatter", {"noise_sharpness": (-0.8, 0)}, -0.8),
            ("size_stays", {"noise_sharpness": (-0.8, 0), "noise_size": (-0.2, 0)}, 0.25),
            ("only_sharp_directions", {"noise_sharp_less_flat": (-0.3, 0)}, -0.3),
        ],
    ),
    "decay_shrinks": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD], "replicated"),
            "null": ({"decay_sharpness": (0, 0.1), "decay_size": (0, 0.1)}, [UNDECIDED, FAILED], "inconclusive"),
            "opposite": ({"decay_sharpness": (-0.5, 0.02), "decay_size": (0.5, 0.02)}, [FAILED, FAILED], "not replicated"),
            "noise": ({"decay_sharpness": (0.2, 0.5), "decay_size": (-0.5, 0.8)}, [UNDECIDED, UNDECIDED], "inconclusive"),
        },
        partly={"decay_sharpness": (-0.4, 0.02)},
        numbers=[
            ("smaller", {"decay_size": (-0.8, 0)}, -0.8),
            ("sharpness_stays", {"decay_sharpness": (-0.2, 0), "decay_size": (-0.8, 0)}, 0.25),
        ],
    ),
    "dropout_both": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD, HELD], "replicated"),
            "effect with more sharpness": (
                {
                    **{"dropout_sharpness": (0.4, 0.02), "dropout_size": (-0.3, 0.02)},
                    **{"dropout_sharpness_at_equal_epochs": (0.4, 0.02), "dropout_size_at_equal_epochs": (-0.3, 0.02)},
                },
                [HELD, HELD, HELD],
                "replicated",
            ),
            # Chance moves the two against each other in every seed, and in no direction.
            "null": (
                {
                    **{"dropout_sharpness": (0, 0.1), "dropout_size": (0, -0.1), "dropout_gap": (0, 0.05)},
                    **{"dropout_sharpness_at_equal_epochs": (0, 0.1), "dropout_size_at_equal_epochs": (0, -0.1)},
                },
                [FAILED, FAILED, UNDECIDED],
                "not replicated",
            ),
            "opposite": (
                {
                    **{"dropout_sharpness": (0.4, 0.02), "dropout_size": (0.3, 0.02), "dropout_gap": (-0.1, 0.01)},
                    **{"dropout_sharpness_at_equal_epochs": (0.4, 0.02), "dropout_size_at_equal_epochs": (0.3, 0.02)},
                },
                [FAILED, FAILED, FAILED],
                "not replicated",
            ),
            "noise": (
                {
                    **{"dropout_sharpness": (-0.4, 0.6), "dropout_size": (0.3, 0.6), "dropout_gap": (0.1, 0.2)},
                    **{"dropout_sharpness_at_equal_epochs": (-0.4, 0.6), "dropout_size_at_equal_epochs": (0.3, 0.6)},
                },
                [UNDECIDED, UNDECIDED, UNDECIDED],
                "inconclusive",
            ),
        },
        partly={"dropout_gap": (-0.1, 0.01)},
        numbers=[
            ("opposite", {"dropout_sharpness": (-0.2, 0), "dropout_size": (0.5, 0)}, 0.2),
            ("opposite", {"dropout_sharpness": (0.2, 0), "dropout_size": (-0.5, 0)}, 0.2),
            ("opposite", {"dropout_sharpness": (0.2, 0), "dropout_size": (0.5, 0)}, -0.2),
            ("opposite_at_equal_epochs", {"dropout_size_at_equal_epochs": (0.1, 0)}, 0.1),
            ("best_in_between", {"dropout_gap": (0.15, 0)}, 0.15),
            ("best_in_between_at_equal_epochs", {"dropout_gap_at_equal_epochs": (0.15, 0)}, 0.15),
        ],
        reported=[
            {"dropout_gap_at_equal_epochs": (-0.1, 0.01)},
        ],
    ),
    "dinh_invariant": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD, HELD, HELD], "replicated"),
            # A rescaling that changes nothing at all.
            "null": ({"rescaling": (0, 0)}, [HELD, HELD, FAILED, FAILED], "partly"),
            "opposite": (
                {"logit_change": (0.5, 0.1), "invariant_change": (0.5, 0.1), "power_error": (0.5, 0.1), "rescaling": (0, 0)},
                [FAILED, FAILED, FAILED, FAILED],
                "not replicated",
            ),
            "noise": (
                {
                    **{"logit_change": (1e-9, 1e-9), "invariant_change": (1e-9, 1e-9), "power_error": (1e-9, 1e-9)},
                    **{"rescaling": (1, 0)},
                },
                [UNDECIDED, UNDECIDED, UNDECIDED, HELD],
                "inconclusive",
            ),
        },
        partly={"invariant_change": (0.1, 0.01)},
        numbers=[
            ("same_function", {"logit_change": (0.3, 0)}, 0.3),
            ("same_products", {"invariant_change": (0.3, 0)}, 0.3),
            ("powers_of_the_factor", {"power_error": (0.3, 0)}, 0.3),
            ("plain_measures_differ", {"rescaling": (0.5, 0)}, 0.5 * np.log(100)),
        ],
    ),
}
