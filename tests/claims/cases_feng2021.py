"""Cases planted for the claims of Feng and Tu 2021."""

from claim_cases import FAILED, HELD, UNDECIDED, Cases

CASES = {
    "low_dimension": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD], "replicated"),
            # A random walk in all directions: its count lies below the margin, as the ledger says.
            "null": ({"count": (59, 0.5), "participation": (1, 0.05)}, [HELD, FAILED], "partly"),
            "opposite": ({"count": (400, 20), "participation": (1.5, 0.1)}, [FAILED, FAILED], "not replicated"),
            "noise": ({"count": (55, 15), "participation": (0.3, 0.15)}, [UNDECIDED, UNDECIDED], "inconclusive"),
        },
        partly={"participation": (1, 0.05)},
        numbers=[
            ("99_percent_count", {"count": (48, 0)}, 48),
            ("against_isotropic", {"participation": (0.2, 0)}, 0.2),
        ],
    ),
    "early_freezing": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD], "replicated"),
            "null": ({"early_count": (59, 0.5), "early_participation": (1, 0.05)}, [HELD, FAILED], "partly"),
            "opposite": ({"early_count": (400, 20), "early_participation": (1.5, 0.1)}, [FAILED, FAILED], "not replicated"),
            "noise": ({"early_count": (55, 15), "early_participation": (0.3, 0.15)}, [UNDECIDED, UNDECIDED], "inconclusive"),
        },
        partly={"early_participation": (1, 0.05)},
        numbers=[
            ("99_percent_count", {"early_count": (48, 0)}, 48),
            ("against_isotropic", {"early_participation": (0.2, 0)}, 0.2),
        ],
    ),
    "smooth_slices": Cases(
        verdicts={
            "effect": ({}, [HELD], "replicated"),
            "null": ({"one_minimum": (0.5, 0.05)}, [FAILED], "not replicated"),  # wiggles as often as not
            "opposite": ({"one_minimum": (0, 0)}, [FAILED], "not replicated"),
            "noise": ({"one_minimum": (0.985, 0.012)}, [UNDECIDED], "inconclusive"),
        },
        numbers=[
            ("one_minimum", {"one_minimum": (0.6, 0)}, 0.6),
            ("one_minimum_in_a_fixed_range", {"one_minimum_wide": (0.7, 0)}, 0.7),
        ],
        reported=[
            {"one_minimum_wide": (0, 0)},
        ],
    ),
    "inverse_variance_flatness": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD, HELD, HELD], "replicated"),
            # Frozen noise: the published exponent, and nothing else.
            "null": (
                {"in_sample": (4.5, 0.1), "frozen_noise": (4.5, 0.15), "held_out": (0, 0.1), "hessian": (0, 0.1)},
                [HELD, FAILED, FAILED, FAILED],
                "partly",
            ),
            "no relation": (
                {"in_sample": (0, 0.1), "frozen_noise": (0, 0.15), "held_out": (0, 0.1), "hessian": (0, 0.1)},
                [FAILED, FAILED, FAILED, FAILED],
                "not replicated",
            ),
            "opposite": (
                {"in_sample": (-2, 0.1), "held_out": (-2, 0.1), "hessian": (-2, 0.1)},
                [FAILED, FAILED, FAILED, HELD],
                "not replicated",
            ),
            "noise": (
                {"in_sample": (4, 4), "held_out": (2, 4), "hessian": (1.7, 4)},
                [UNDECIDED, UNDECIDED, UNDECIDED, UNDECIDED],
                "inconclusive",
            ),
        },
        partly={"frozen_noise": (4, 0.15)},
        numbers=[
            ("in_sample", {"in_sample": (3.7, 0)}, 3.7),
            ("against_frozen_noise", {"in_sample": (4.2, 0)}, -0.3),
            ("held_out_of_frozen_noise", {"noise_held_out": (0.2, 0)}, 0.2),
            ("hessian_basis_of_frozen_noise", {"noise_hessian": (0.3, 0)}, 0.3),
        ],
        every_setting=True,
    ),
    "not_einstein": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD, HELD], "replicated"),
            # Stationary linear SGD, in which noise and curvature cancel: exponent 0, the border of the claim.
            "null": ({"hessian": (0, 0.1), "linear_theory_stationary": (0, 0.12)}, [UNDECIDED, FAILED, FAILED], "inconclusive"),
            "opposite": ({"hessian": (-2, 0.1)}, [FAILED, FAILED, FAILED], "not replicated"),
            "noise": ({"hessian": (1.7, 4)}, [UNDECIDED, UNDECIDED, UNDECIDED], "inconclusive"),
        },
        partly={"linear_theory": (0, 0.15)},
        numbers=[
            ("not_stationary_linear_sgd", {"hessian": (1.5, 0)}, 1.4),
            ("linear_theory_without_replacement", {"hessian": (1.5, 0)}, -0.1),
        ],
    ),
    "noise_anisotropic": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD, HELD], "replicated"),
            # A heat bath: one temperature in all directions and at all places.
            "null": (
                {"temperature_correlation": (0, 0.1), "temperature_exponent": (0, 0.1), "edge_rise": (0, 0.2)},
                [FAILED, FAILED, UNDECIDED],
                "not replicated",
            ),
            "opposite": (
                {"temperature_correlation": (0.98, 0.005), "temperature_exponent": (2, 0.1), "edge_rise": (-2, 0.2)},
                [FAILED, FAILED, FAILED],
                "not replicated",
            ),
            "noise": (
                {"temperature_correlation": (-0.9, 0.06), "temperature_exponent": (-2, 2), "edge_rise": (0.5, 2)},
                [UNDECIDED, UNDECIDED, UNDECIDED],
                "inconclusive",
            ),
        },
        partly={"edge_rise": (-2, 0.2)},
        numbers=[
            ("correlation", {"temperature_correlation": (-0.93, 0)}, -0.93),
            ("not_homogeneous", {"edge_rise": (1.3, 0)}, 1.3),
        ],
    ),
    "noise_correlation_time": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD], "replicated"),
            "null": ({"relaxation": (0, 0.1), "integrated": (0, 0.1)}, [UNDECIDED, UNDECIDED], "inconclusive"),
            "opposite": ({"relaxation": (0.5, 0.05), "integrated": (0.5, 0.05)}, [FAILED, FAILED], "not replicated"),
            "noise": ({"relaxation": (-0.5, 1), "integrated": (-0.5, 1)}, [UNDECIDED, UNDECIDED], "inconclusive"),
        },
        partly={"integrated": (0.5, 0.05)},
        numbers=[
            ("integrated_time_in_hessian_basis", {"integrated": (-0.4, 0)}, -0.4),
            ("relaxation_time_of_frozen_noise", {"relaxation_of_noise": (0.2, 0)}, 0.2),
        ],
        reported=[
            {"relaxation_in_sample": (0.5, 0.05)},
            {"relaxation_held_out": (0.5, 0.05)},
            {"relaxation_of_noise": (0.5, 0.05)},
        ],
    ),
    "annealing": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD, HELD], "replicated"),
            # Temperatures that wander, all together, whatever the loss does.
            "null": ({"loss_correlation": (0, 0.1)}, [FAILED, HELD, HELD], "not replicated"),
            "opposite": ({"loss_correlation": (-0.98, 0.005)}, [FAILED, HELD, HELD], "not replicated"),
            "noise": ({"loss_correlation": (0.9, 0.06)}, [UNDECIDED, HELD, HELD], "inconclusive"),
            "order lost": ({"order_lost": (1, 0)}, [HELD, FAILED, HELD], "partly"),
            "not proportional": ({"loss_exponent_spread": (0.5, 0.05)}, [HELD, HELD, FAILED], "partly"),
        },
        partly={"order_lost": (1, 0)},
        numbers=[
            ("temperature_follows_loss", {"loss_correlation": (0.95, 0)}, 0.95),
            ("order_kept", {"order_lost": (1, 0)}, 1 - 6 * 16 / (6 * 35)),  # four of six two places off
            ("all_proportionally", {"loss_correlation": (0.9, 0), "loss_exponent_spread": (0.2, 0)}, 0.18),
        ],
    ),
}
