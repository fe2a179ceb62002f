"""Cases planted for the claims of Yang, Tang and Tu 2023."""

import numpy as np

from claim_cases import AT_LEAST_PARTLY, AT_MOST_PARTLY, NO, NOT_ASKED, OPEN, PARTLY, YES, Cases

OCTAVES = np.arange(8)  # of the settings of a planted line, from its edge on


def correlation(optimum: float) -> float:
    """Correlation with ln(noise) of what rises with the octaves on either side of an optimum."""
    return float(np.corrcoef(-OCTAVES, np.abs(OCTAVES - optimum))[0, 1])


CASES = {
    "effective_loss": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            # No term at all: at kappa = 2 the slope is 0 in place of -1, and at kappa = 0.5 neither place is favoured.
            "null": (
                {
                    "slope_error": (1, 0.01),
                    "vanishing_slope_error": (1, 0.01),
                    "grid_slope_error": (1, 0),
                    "small_kappa_slope": (-1, 0.01),
                },
                (NO, NOT_ASKED),
            ),
            "opposite": (
                {
                    "slope_error": (2, 0.01),
                    "vanishing_slope_error": (2, 0.01),
                    "grid_slope_error": (2, 0),
                    "small_kappa_slope": (-2.5, 0.01),
                },
                (NO, NOT_ASKED),
            ),
            "noise": (
                {
                    "slope_error": (0, 0.1),
                    "vanishing_slope_error": (0, 0.1),
                    "heat_bath_slope": (0, 0.1),
                },
                (AT_LEAST_PARTLY, OPEN),  # a grid has no noise
            ),
            "control too": ({"heat_bath_slope": (-0.5, 0.01)}, (YES, NO)),
            "control too on the grid": ({"grid_heat_bath_slope": (-0.5, 0)}, (YES, NO)),
            "only where the noise decides": ({"vanishing_slope_error": (0.1, 0.005)}, (PARTLY, YES)),
            "grid off": ({"grid_slope_error": (0.051, 0)}, (PARTLY, YES)),
        },
        numbers=[
            ("slope_by_simulation", {"slope_error": (0.3, 0)}, 0.3),
            ("slope_on_grid", {"grid_slope_error": (0.04, 0)}, 0.04),
            ("slope_for_vanishing_noise", {"slope_error": (0.3, 0), "vanishing_slope_error": (0.2, 0)}, 0.2),
            ("isotropic_noise", {"heat_bath_slope": (-0.7, 0)}, -0.7),
            ("isotropic_noise_on_grid", {"grid_heat_bath_slope": (0.01, 0)}, 0.01),
            ("stronger_along_the_valley", {"small_kappa_slope": (0.3, 0), "slope_error": (0, 0)}, 0.3),
            ("drift_of_shaken_descent", {"drift": (0.7, 0)}, 0.7),
            ("drift_by_smoothing_alone", {"drift": (1, 0)}, 1 + 4 * (0.05 + 0.3) / 2),
            ("stationary_width_of_shaken_descent", {"width": (1.3, 0)}, 1.3),
        ],
        bad_setting={"small_kappa_slope": (0.3, 0.01)},
        context=[{"drift": (0, 0.01)}, {"width": (2, 0.01)}],
    ),
    "two_valleys": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            # Half in each valley lies on the border of the claim; smoothing alone then gives the same.
            "null": ({"flatter_excess": (0, 0.01)}, (OPEN, NO)),
            "opposite": ({"flatter_excess": (-0.2, 0.01)}, (NO, NOT_ASKED)),
            "noise": ({"flatter_excess": (0.05, 0.2)}, (OPEN, OPEN)),
            "control too": ({"smoothed_share": (0.69, 0)}, (YES, NO)),
            "as a heat bath of constant strength": ({"flatter_excess": (0.11, 0.01)}, (YES, NO)),
        },
        numbers=[
            # At the smallest ratio, that of 2, it is half of what it is at 4.
            ("more_in_the_flatter", {"flatter_excess": (0.2, 0)}, 0.6),
            ("growing_with_the_ratio", {"flatter_excess": (0.1, 0)}, 0.1 / np.log(4)),
            (
                "share_beyond_one_half",
                {"flatter_excess": (0.1, 0), "smoothed_share": (0.4, 0)},
                0.1 + 0.1 * np.log(2 * 4 * 6) / np.log(4) / 3,
            ),
            ("heat_bath_of_the_local_strength", {"heat_bath_flatter_share": (0.6, 0)}, 0.6),
        ],
        bad_setting={"flatter_excess_at_ratio_2": (-0.3, 0)},
        context=[{"heat_bath_flatter_share": (0.1, 0.01)}],
    ),
    "noise_speeds_flat": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            # The noise does nothing: an exponent of 0 is the border of the claim, but there is no bound, and controls are as fast.
            "null": (
                {
                    "arrival_exponent": (0, 0.01),
                    "left_at_strongest_shift": (0.95, 0),
                    "smoothing_time_ratio": (1, 0),
                    "local_heat_bath_time_ratio": (1, 0.02),
                },
                (AT_MOST_PARTLY, NO),
            ),
            "opposite": (
                {
                    "arrival_exponent": (2, 0.02),
                    "left_at_strongest_shift": (0.95, 0),
                    "smoothing_time_ratio": (0.5, 0),
                    "local_heat_bath_time_ratio": (0.5, 0.02),
                },
                (NO, NOT_ASKED),
            ),
            "noise": (
                {
                    "arrival_exponent": (-0.2, 0.3),
                    "left_at_strongest_shift": (0.45, 0.3),
                    "local_heat_bath_time_ratio": (1.2, 0.5),
                },
                (OPEN, OPEN),
            ),
            "control too": ({"smoothing_time_ratio": (1, 0)}, (YES, NO)),
            "heat bath too": ({"local_heat_bath_time_ratio": (1, 0.02)}, (YES, NO)),
            "no bound": ({"left_at_strongest_shift": (0.95, 0)}, (PARTLY, YES)),
        },
        numbers=[
            ("time_against_shift", {"arrival_exponent": (-1.5, 0)}, -1.5),
            ("upper_bound", {"left_at_strongest_shift": (0.3, 0)}, 0.3),
            ("smoothing_alone", {"smoothing_time_ratio": (1.3, 0), "arrival_exponent": (-2, 0)}, 1.3),
            ("local_heat_bath", {"local_heat_bath_time_ratio": (1.4, 0)}, 1.4),
            ("time_in_a_heat_bath", {"heat_bath_arrival_exponent": (-1.7, 0)}, -1.7),
            ("time_by_smoothing_alone", {"arrival_exponent": (-1.6, 0)}, -1.6),
            ("half_lost_shift", {"half_lost_shift": (0.6, 0)}, 0.6),
            ("survival_beyond_the_bound", {"survival_beyond": (0.4, 0)}, 0.4),
            ("survival_at_constant_curvature", {"survival_constant": (0.7, 0)}, 0.7),
        ],
        bad_setting={"left_at_strongest_shift_and_rate": (0.9, 0)},
        context=[
            {"heat_bath_arrival_exponent": (2, 0.1)},
            {"half_lost_shift": (2, 0.1)},
            {"survival_beyond": (0.9, 0.01), "survival_constant": (0.1, 0.01)},
        ],
    ),
    "order_parameter": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            # A jump.
            "null": ({"edge_narrowing": (-0.7, 0.02)}, (NO, NOT_ASKED)),
            # And a boundary where the curvature does not change.
            "opposite": ({"edge_narrowing": (-2, 0.02), "left_at_constant_curvature": (0, 0)}, (NO, NOT_ASKED)),
            "noise": ({"edge_narrowing": (-0.1, 0.2), "left_at_constant_curvature": (0.9, 0.05)}, (OPEN, OPEN)),
            "control too": ({"left_at_constant_curvature": (0.3, 0)}, (YES, NO)),
        },
        numbers=[
            ("width_stays", {"edge_narrowing": (-0.3, 0)}, -0.3),
            ("flatness_of_those_left", {"edge_flatness": (0.7, 0)}, 0.7),
            ("constant_curvature", {"left_at_constant_curvature": (0.4, 0)}, 0.4),
            ("width_of_the_edge", {"edge_width": (0.4, 0)}, 0.4),
            ("move_of_the_edge", {"edge_move": (-0.4, 0)}, -0.4),
        ],
        bad_setting={"edge_narrowing_at_large_rate": (-0.8, 0)},
        context=[{"edge_width": (1, 0.1)}, {"edge_move": (1, 0.1)}, {"edge_flatness": (0.1, 0.01)}],
    ),
    "noise_scale": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            "null": ({"weak_asymmetry": (0.95, 0.02)}, (NO, NOT_ASKED)),  # the batch size has no effect
            "opposite": ({"weak_asymmetry": (-0.95, 0.02)}, (NO, NOT_ASKED)),  # the learning rate has none
            "noise": ({"weak_asymmetry": (0, 0.3)}, (OPEN, NOT_ASKED)),
        },
        numbers=[
            ("weak_noise", {"weak_asymmetry_of_test_error": (-0.4, 0)}, -0.4),
            ("large_batches", {"large_batch_asymmetry": (0.3, 0)}, 0.3),
            ("small_batches", {"small_batch_asymmetry": (-0.3, 0)}, -0.3),
            ("all_settings_at_equal_loss", {"batch_size_power": (-0.5, 0)}, 0.5 / 1.5),
        ],
        bad_setting={"weak_asymmetry_of_test_error": (0.5, 0)},
        context=[
            {"large_batch_asymmetry": (0.9, 0.01)},
            {"small_batch_asymmetry": (0, 0.01)},
            {"batch_size_power": (0, 0.02)},
        ],
    ),
    "flatter_to_the_edge": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            "null": (
                {
                    "flatness_shuffled": (1, 0),
                    "edge_against_control_at_equal_loss": (0, 0.05),
                    "edge_against_control_at_equal_epochs": (0, 0.05),
                },
                (NO, NOT_ASKED),
            ),
            "opposite": (
                {
                    "flatness_optimum": (6.5, 0.1),
                    "edge_against_control_at_equal_loss": (3, 0.1),
                    "edge_against_control_at_equal_epochs": (2, 0.1),
                },
                (NO, NOT_ASKED),
            ),
            "noise": (
                {
                    "flatness_optimum": (3, 2),
                    "edge_against_control_at_equal_loss": (0, 1),
                    "edge_against_control_at_equal_epochs": (0, 1),
                },
                (OPEN, OPEN),
            ),
            "control too": (
                {"edge_against_control_at_equal_loss": (0, 0.05), "edge_against_control_at_equal_epochs": (0, 0.05)},
                (YES, NO),
            ),
            # Large batches are as flat at the same loss, which they reach later.
            "control too at one of both": ({"edge_against_control_at_equal_loss": (0, 0.05)}, (YES, PARTLY)),
            "an octave before the edge": ({"flatness_optimum": (1, 0.1)}, (PARTLY, YES)),
        },
        numbers=[
            ("flatter_with_noise", {"flatness_optimum": (2.2, 0)}, correlation(2.2)),
            ("flattest_at_the_edge", {"flatness_optimum_further": (2.7, 0)}, 0.5),  # on one of both lines
            ("large_batches", {"edge_against_control_at_equal_loss": (-1, 0)}, -1),
            ("batch_sharpness_at_the_edge", {"edge_batch_sharpness": (1.7, 0)}, 1.7),
        ],
        bad_setting={"flatness_optimum_further": (6.7, 0)},
        context=[{"edge_batch_sharpness": (0.1, 0.01)}],
    ),
    "edge_is_best": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            # It has nothing to do with the noise: no slope is the border of the claim, but the best setting is anywhere.
            "null": ({"error_shuffled": (1, 0)}, (AT_MOST_PARTLY, NOT_ASKED)),
            "opposite": ({"error_optimum": (6.5, 0.1)}, (NO, NOT_ASKED)),
            "noise": ({"error_optimum": (3, 2)}, (OPEN, NOT_ASKED)),
            "two octaves before the edge": ({"error_optimum": (2, 0.1)}, (PARTLY, NOT_ASKED)),
        },
        numbers=[
            ("error_falls_up_to_the_edge", {"error_optimum": (2.2, 0)}, correlation(2.2)),
            ("lowest_error_at_the_edge", {"error_optimum_further": (2.7, 0)}, 0.5),  # on one of both lines
            ("any_setting_at_the_edge", {}, 2 / 8),
            ("octaves_from_lowest_error_to_edge", {"error_optimum": (2.5, 0)}, 2.5),  # two settings tie
            ("octaves_from_any_setting_to_edge", {}, 3.5),
            ("loss_falls_up_to_the_edge", {"loss_optimum": (7, 0)}, 1),
            ("lowest_loss_at_the_edge", {"loss_optimum": (3, 0)}, 0),
            ("error_from_larger_initial_weights", {"larger_scale_error_optimum": (3.2, 0)}, correlation(3.2)),
            ("lowest_error_from_larger_initial_weights", {"larger_scale_error_optimum": (1, 0)}, 1),
        ],
        bad_setting={"error_optimum_further": (6.7, 0)},
        context=[{"loss_optimum": (7, 0.1)}, {"larger_scale_error_optimum": (7, 0.1)}],
    ),
}
