"""Cases planted for the claims of Feng and Tu 2021."""

from claim_cases import AT_MOST_PARTLY, NO, NOT_ASKED, OPEN, PARTLY, YES, Cases

CASES = {
    "low_dimension": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            # A walk alike in all directions, as long as the window.
            "null": ({"count": (250, 2), "participation": (1, 0.05)}, (NO, NOT_ASKED)),
            "opposite": ({"count": (400, 20), "participation": (1.5, 0.1)}, (NO, NOT_ASKED)),
            "noise": ({"count": (55, 15), "participation": (0.3, 0.15)}, (OPEN, OPEN)),
            "control too": ({"participation": (1, 0.05)}, (YES, NO)),
        },
        numbers=[
            ("99_percent_count", {"count": (47.3, 0)}, 47.3),
            ("against_isotropic", {"participation": (0.2, 0)}, 0.2),
            ("99_percent_count_without_drift", {"count_without_first": (160, 0)}, 160),
            ("99_percent_count_of_frozen_noise", {"count_of_noise": (12.6, 0)}, 12.6),
            ("99_percent_count_of_isotropic_walk", {"count_of_isotropic": (390.4, 0)}, 390.4),
            ("99_percent_count_in_longer_windows", {"count_in_longer": (2.2, 0)}, 2.2),
        ],
        context=[
            {"count_without_first": (400, 20)},
            {"count_of_noise": (400, 20)},
            {"count_of_isotropic": (30, 1)},
            {"count_in_longer": (400, 20)},
        ],
    ),
    "drift_is_pc1": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            # A drift to anywhere; frozen noise has none either.
            "null": ({"alignment": (0, 0.02)}, (NO, NOT_ASKED)),
            "opposite": ({"alignment": (-0.9, 0.01)}, (NO, NOT_ASKED)),  # the weights shrink
            "noise": ({"alignment": (0.7, 0.2), "alignment_of_noise": (0.3, 0.2)}, (OPEN, OPEN)),
            "control too": ({"alignment_of_noise": (0.9, 0.01)}, (YES, NO)),
        },
        numbers=[
            ("alignment_with_the_weights", {"alignment": (-0.6, 0)}, -0.6),
            ("frozen_noise", {"alignment_of_noise": (0.3, 0)}, 0.3),
        ],
    ),
    "early_freezing": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            # As many as in a walk alike in all directions, which is short.
            "null": (
                {"early_count": (80, 2.5), "later_count": (80, 2.5), "early_count_without_first": (64, 1)},
                (NO, NOT_ASKED),
            ),
            "opposite": (
                {"early_count": (400, 20), "later_count": (400, 20), "early_count_without_first": (64, 1)},
                (NO, NOT_ASKED),
            ),
            "noise": (
                {"early_count": (40, 15), "later_count": (40, 15), "early_count_without_first": (30, 15)},
                (OPEN, OPEN),
            ),
            # A drift, and besides as many directions as in a walk alike in all directions.
            "control too": ({"early_count_without_first": (60, 1)}, (YES, NO)),
            "later they move again": ({"later_count": (60, 2)}, (PARTLY, YES)),
        },
        numbers=[
            ("99_percent_count", {"early_count": (47.3, 0)}, 47.3),
            (
                "isotropic_walk_without_drift",
                {"early_count_without_first": (20, 0), "early_count_without_first_of_isotropic": (80, 0)},
                0.25,
            ),
            ("isotropic_walk", {"early_count": (48, 0), "early_count_of_isotropic": (60, 0)}, 0.8),
            ("frozen_noise_against_isotropic_walk", {"early_count_of_noise": (20, 0), "early_count_of_isotropic": (80, 0)}, 0.25),
            ("99_percent_count_in_epochs_5_and_10", {"later_count": (70.5, 0)}, 70.5),
            ("99_percent_count_without_drift", {"early_count_without_first": (70, 0)}, 70),
        ],
        bad_setting={"early_count": (400, 20)},
        context=[{"early_count_of_noise": (80, 2)}, {"early_count_of_isotropic": (30, 1)}],
    ),
    "smooth_slices": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            "null": ({"one_minimum": (0.5, 0.05)}, (NO, NOT_ASKED)),  # wiggles as often as not
            "opposite": ({"one_minimum": (0, 0)}, (NO, NOT_ASKED)),
            "noise": ({"one_minimum": (0.985, 0.01)}, (OPEN, NOT_ASKED)),
        },
        numbers=[
            ("one_minimum", {"one_minimum": (0.6, 0)}, 0.6),
            ("one_minimum_in_a_fixed_range", {"one_minimum_wide": (0.7, 0)}, 0.7),
        ],
        context=[{"one_minimum_wide": (0, 0)}],
    ),
    "inverse_variance_flatness": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            # Noise that does not know of the landscape.
            "null": (
                {"published_exponent": (0, 0.1), "relation": (0, 0.1), "held_out": (0, 0.1), "hessian": (0, 0.1)},
                (NO, NOT_ASKED),
            ),
            "opposite": (
                {"published_exponent": (-2, 0.1), "relation": (0.98, 0.005), "held_out": (-2, 0.1), "hessian": (-2, 0.1)},
                (NO, NOT_ASKED),
            ),
            "noise": (
                {"published_exponent": (4, 4), "relation": (-0.9, 0.04), "held_out": (2, 4), "hessian": (1.7, 4)},
                (OPEN, OPEN),
            ),
            "control too": ({"relation_of_isotropic": (-0.98, 0.005)}, (YES, NO)),
            "control too when rotated": ({"relation_of_rotated": (-0.98, 0.005)}, (YES, NO)),
            "chance alignment alone": ({"held_out": (0, 0.1)}, (YES, NO)),
            "another number": ({"published_exponent": (2, 0.1)}, (PARTLY, YES)),
            "no line": ({"relation": (-0.6, 0.05)}, (PARTLY, YES)),
        },
        numbers=[
            ("number", {"published_exponent": (3.7, 0)}, 3.7),
            ("relation", {"relation": (-0.93, 0)}, -0.93),
            ("isotropic_noise", {"relation_of_isotropic": (0.2, 0)}, 0.2),
            ("rotated_noise", {"relation_of_rotated": (-0.3, 0)}, -0.3),
            ("held_out", {"held_out": (1.1, 0)}, 1.1),
            ("hessian_basis", {"hessian": (1.2, 0)}, 1.2),
            ("exponent_at_every_setting", {"in_sample": (3.6, 0)}, 3.6),
            ("published_ranks", {"published_ranks": (4.4, 0)}, 4.4),
            ("ranks_2_to_50", {"sharp_ranks": (2.5, 0)}, 2.5),
            ("ranks_above_50", {"flat_ranks": (5.5, 0)}, 5.5),
            ("less_frozen_noise", {"in_sample": (4.2, 0), "noise_in_sample": (4.5, 0)}, -0.3),
        ],
        bad_setting={"relation": (-0.5, 0.05)},
        context=[
            {"in_sample": (-2, 0.1)},
            {"published_ranks": (-2, 0.1)},
            {"sharp_ranks": (-2, 0.1)},
            {"flat_ranks": (-2, 0.1)},
            {"noise_in_sample": (1, 0.15)},
        ],
    ),
    "restoring_force": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            # Frozen noise itself: no difference, whose sign is the border of the claim; and none of linear SGD.
            "null": (
                {"held_out": (2.4, 0.1), "hessian": (2.1, 0.1), "linear_hessian": (2.1, 0.1)},
                (AT_MOST_PARTLY, NOT_ASKED),
            ),
            "opposite": ({"noise_held_out": (1, 0.15), "noise_hessian": (1, 0.15)}, (NO, NOT_ASKED)),
            "noise": ({"held_out": (2, 2), "hessian": (1.7, 2), "linear_hessian": (1.8, 2)}, (OPEN, NOT_ASKED)),
            "another cause": ({"linear_hessian": (2.1, 0.1)}, (PARTLY, NOT_ASKED)),
            "held out only": ({"hessian": (2.6, 0.1)}, (PARTLY, NOT_ASKED)),
        },
        numbers=[
            ("held_out", {"held_out": (2, 0), "noise_held_out": (2.3, 0)}, -0.3),
            ("hessian_basis", {"hessian": (1.5, 0), "noise_hessian": (2, 0)}, -0.5),
            ("linear_sgd", {"linear_hessian": (2.2, 0), "noise_hessian": (2, 0)}, 0.2),
            ("hessian_basis_without_parabola", {"hessian_at_second_order": (-0.4, 0)}, -0.4),
            ("hessian_basis_without_fourth_order", {"hessian_at_fourth_order": (-0.2, 0)}, -0.2),
            ("linear_sgd_held_out", {"linear_held_out": (2.2, 0), "noise_held_out": (2.3, 0)}, -0.1),
            ("in_sample", {"in_sample": (4.2, 0), "noise_in_sample": (4.5, 0)}, -0.3),
        ],
        bad_setting={"held_out": (3, 0.1), "hessian": (3, 0.1)},
        context=[
            {"linear_held_out": (4, 0.1)},
            {"in_sample": (8, 0.1)},
            {"noise_in_sample": (1, 0.15)},
            {"hessian_at_second_order": (1, 0.1), "hessian_at_fourth_order": (1, 0.1)},
        ],
    ),
    "fluctuation_dissipation": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            # Equilibrium, as of independent draws, is far above the curve.
            "null": ({"distance": (3, 0.2), "distance_of_noise": (0.1, 0.02)}, (NO, NOT_ASKED)),
            "opposite": ({"distance": (3, 0.2), "sgd_with_replacement_over_theory": (-1.4, 0.1)}, (NO, NOT_ASKED)),
            "noise": ({"distance": (0.7, 0.3), "sgd_with_replacement_over_theory": (0.7, 0.5)}, (OPEN, OPEN)),
            "control too": ({"sgd_with_replacement_over_theory": (0, 0.1)}, (YES, NO)),
            "without a force too": ({"distance_of_noise": (0.1, 0.02)}, (YES, NO)),
        },
        numbers=[
            ("without_replacement", {"distance": (0.4, 0)}, 0.4),
            ("sgd_with_replacement", {"sgd_with_replacement_over_theory": (-0.9, 0)}, -0.9),
            ("frozen_noise_with_replacement", {"shift_with_replacement": (-0.9, 0)}, -0.9),
            ("frozen_noise", {"distance_of_noise": (0.6, 0)}, 0.6),
            ("with_drift", {"distance_with_drift": (1.1, 0)}, 1.1),
            ("without_parabola", {"distance_at_second_order": (0.9, 0)}, 0.9),
            ("without_fourth_order", {"distance_at_fourth_order": (0.8, 0)}, 0.8),
        ],
        bad_setting={"distance": (3, 0.2)},
        context=[
            {"shift_with_replacement": (-0.9, 0.1)},
            {"distance_with_drift": (3, 0.2)},
            {"distance_at_second_order": (3, 0.2)},
            {"distance_at_fourth_order": (3, 0.2)},
        ],
    ),
    "not_einstein": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            # Stationary linear SGD, in which noise and curvature cancel: exponent 0, the border of the claim.
            "null": ({"hessian": (0, 0.1), "linear_theory_stationary": (0, 0.12)}, (OPEN, YES)),
            "opposite": ({"hessian": (-2, 0.1)}, (NO, NOT_ASKED)),
            "noise": ({"hessian": (1.7, 4), "isotropic_hessian": (0.4, 1)}, (OPEN, OPEN)),
            "control too": ({"isotropic_hessian": (1.6, 0.15)}, (YES, NO)),
        },
        numbers=[
            ("opposite_sign", {"hessian": (1.5, 0)}, 1.5),
            ("isotropic_noise", {"isotropic_hessian": (0.3, 0)}, 0.3),
            ("stationary_linear_sgd", {"hessian": (1.5, 0)}, 1.4),
        ],
        context=[{"linear_theory_stationary": (1.6, 0.15)}],
    ),
    "draws_without_replacement": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            "null": ({"linear_theory": (0.1, 0.15), "less_with_replacement": (0, 0.1)}, (NO, NOT_ASKED)),
            "opposite": ({"linear_theory": (4, 0.15), "less_with_replacement": (-1, 0.1)}, (NO, NOT_ASKED)),
            "noise": ({"linear_theory": (1.6, 1), "less_with_replacement": (0.5, 1)}, (OPEN, OPEN)),
            # In a window too short for equilibrium, draws with replacement show the same.
            "control too": ({"less_with_replacement": (0.1, 0.05)}, (YES, NO)),
        },
        numbers=[
            ("linear_theory", {"hessian": (1.5, 0), "linear_theory": (1.7, 0)}, -0.2),
            ("sgd_with_replacement", {"less_with_replacement": (0.3, 0)}, 0.3),
            ("sgd_with_replacement_in_longer_windows", {"less_with_replacement_in_longer": (0.4, 0)}, 0.4),
            ("linear_theory_with_replacement", {"theory_less_with_replacement": (0.2, 0)}, 0.2),
            ("linear_theory_in_longer_windows", {"less_theory_in_longer": (-0.3, 0)}, -0.3),
            ("frozen_noise_against_linear_theory", {"noise_hessian": (1.9, 0), "linear_theory": (1.6, 0)}, 0.3),
        ],
        context=[
            {"less_with_replacement_in_longer": (0, 0.05)},
            {"theory_less_with_replacement": (0, 0.05)},
            {"less_theory_in_longer": (1, 0.05)},
            {"noise_hessian": (0, 0.05)},
        ],
    ),
    "noise_anisotropic": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            # A heat bath: one temperature in all directions and at all places.
            "null": (
                {"temperature_correlation": (0, 0.1), "temperature_exponent": (0, 0.1), "edge_rise": (0, 0.2)},
                (NO, NOT_ASKED),
            ),
            "opposite": (
                {"temperature_correlation": (0.98, 0.005), "temperature_exponent": (2, 0.1), "edge_rise": (-2, 0.2)},
                (NO, NOT_ASKED),
            ),
            "noise": (
                {"temperature_correlation": (-0.9, 0.04), "temperature_exponent": (-2, 2), "edge_rise": (2, 2)},
                (OPEN, NOT_ASKED),
            ),
            "the same at all places": ({"edge_rise": (0, 0.2)}, (PARTLY, NOT_ASKED)),
            "another exponent": ({"temperature_exponent": (-1, 0.1)}, (PARTLY, NOT_ASKED)),
        },
        numbers=[
            ("correlation", {"temperature_correlation": (-0.93, 0)}, -0.93),
            ("exponent", {"temperature_exponent": (-1.8, 0)}, -1.8),
            ("not_homogeneous", {"edge_rise": (1.3, 0)}, 1.3),
        ],
        bad_setting={"temperature_correlation": (-0.5, 0.05)},
    ),
    "noise_correlation_time": Cases(
        answers={
            "effect": ({}, (YES, YES)),
            # Times alike in all directions: the border of the claim.
            "null": (
                dict.fromkeys(("relaxation_in_sample", "relaxation_hessian", "relaxation_held_out"), (0, 0.05)),
                (OPEN, NO),
            ),
            "opposite": (
                dict.fromkeys(("relaxation_in_sample", "relaxation_hessian", "relaxation_held_out"), (0.5, 0.05)),
                (NO, NOT_ASKED),
            ),
            "noise": (
                dict.fromkeys(("relaxation_in_sample", "relaxation_hessian", "relaxation_held_out"), (-0.5, 1)),
                (OPEN, OPEN),
            ),
            "control too": ({"relaxation_of_noise": (-0.5, 0.03)}, (YES, NO)),
            "chance alignment alone": ({"relaxation_hessian": (0, 0.05)}, (YES, NO)),
            "chance alignment in the first window alone": ({"relaxation_held_out": (0, 0.05)}, (YES, NO)),
        },
        numbers=[
            ("relaxation_time_in_sample", {"relaxation_in_sample": (-0.7, 0)}, -0.7),
            ("hessian_basis", {"relaxation_hessian": (-0.4, 0)}, -0.4),
            ("held_out_basis", {"relaxation_held_out": (-0.3, 0)}, -0.3),
            ("frozen_noise", {"relaxation_in_sample": (-1, 0), "relaxation_of_noise": (-1.2, 0)}, 0.2),
            ("integrated_time_in_sample", {"integrated": (-0.6, 0)}, -0.6),
            ("window_over_relaxation_time", {"window_over_time": (40, 0)}, 40),
        ],
        context=[{"integrated": (0.5, 0.05)}, {"window_over_time": (2, 0.1)}],
    ),
    "annealing": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            # Temperatures that wander, each in its own way, whatever the loss does.
            "null": ({"loss_correlation": (0, 0.1), "order": (0, 0.1)}, (PARTLY, NOT_ASKED)),  # none of them cools: alike
            "opposite": (
                {"loss_correlation": (-0.98, 0.005), "order": (-0.98, 0.004), "loss_exponent_difference": (0.9, 0.01)},
                (NO, NOT_ASKED),
            ),
            "noise": (
                {"loss_correlation": (0.9, 0.06), "order": (0.75, 0.15), "loss_exponent_difference": (0.2, 0.5)},
                (OPEN, NOT_ASKED),
            ),
            "order lost": ({"order": (0, 0.1)}, (PARTLY, NOT_ASKED)),
            "not proportionally": ({"loss_exponent_difference": (0.6, 0.02)}, (PARTLY, NOT_ASKED)),
        },
        numbers=[
            ("temperature_follows_loss", {"loss_correlation": (0.95, 0), "order": (1, 0)}, 0.95),
            ("order_kept", {"order": (0.6, 0), "loss_exponent_difference": (0, 0)}, 0.6),
            (
                "all_proportionally",
                {"loss_correlation": (0.9, 0), "loss_exponent_difference": (0.2, 0), "order": (1, 0)},
                0.18,
            ),
        ],
        bad_setting={"loss_correlation": (0.5, 0.05)},
        context=[],
    ),
    "quadratic_at_interpolation": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            # In proportion to the loss, as above.
            "null": ({"lowest_exponent": (1, 0.05)}, (NO, NOT_ASKED)),
            "opposite": ({"lowest_exponent": (-2, 0.05)}, (NO, NOT_ASKED)),
            "noise": ({"lowest_exponent": (2, 1)}, (OPEN, NOT_ASKED)),
        },
        numbers=[
            ("exponent_at_lowest_losses", {"lowest_exponent": (1.6, 0)}, 1.6),
            ("label_noise", {"label_noise_exponent": (0.4, 0)}, 0.4),
            ("clean_labels_at_losses_of_label_noise", {"clean_exponent": (0.7, 0)}, 0.7),
        ],
        context=[{"clean_exponent": (2, 0.05)}, {"label_noise_exponent": (2, 0.05)}],
    ),
}
