"""Cases planted for the claims of Yang, Tang and Tu 2023."""

from claim_cases import FAILED, HELD, UNDECIDED, Cases

CASES = {
    "effective_loss": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD, HELD, HELD], "replicated"),
            # No term at all: at kappa = 2 the slope is 0 in place of -1.
            "null": (
                {"slope_error": (1, 0.01), "grid_slope_error": (1, 0), "drift": (0, 0.01), "width": (2, 0.01)},
                [FAILED, FAILED, FAILED, FAILED],
                "not replicated",
            ),
            "opposite": (
                {"slope_error": (2, 0.01), "grid_slope_error": (2, 0), "drift": (-1, 0.01), "width": (0.5, 0.01)},
                [FAILED, FAILED, FAILED, FAILED],
                "not replicated",
            ),
            "noise": (
                {"slope_error": (0, 0.1), "drift": (1, 0.1), "width": (1, 0.1)},
                [UNDECIDED, HELD, UNDECIDED, UNDECIDED],  # a grid has no noise
                "inconclusive",
            ),
            "grid off": ({"grid_slope_error": (0.051, 0)}, [HELD, FAILED, HELD, HELD], "partly"),
        },
        partly={"width": (1.2, 0.01)},
    ),
    "isotropic_control": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD, HELD], "replicated"),
            "null": ({"small_kappa_slope": (0, 0.01)}, [HELD, HELD, UNDECIDED], "inconclusive"),
            "opposite": (
                {"heat_bath_slope": (-1, 0.01), "grid_heat_bath_slope": (-1, 0), "small_kappa_slope": (-0.5, 0.01)},
                [FAILED, FAILED, FAILED],
                "not replicated",
            ),
            "noise": (
                {"heat_bath_slope": (0, 0.1), "small_kappa_slope": (0.5, 2)},
                [UNDECIDED, HELD, UNDECIDED],
                "inconclusive",
            ),
        },
        partly={"small_kappa_slope": (-0.5, 0.01)},
    ),
    "noise_speeds_flat": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD], "replicated"),
            "null": ({"arrival_exponent": (0, 0.02), "survival_beyond": (0.99, 0.01)}, [FAILED, FAILED], "not replicated"),
            "opposite": ({"arrival_exponent": (2, 0.02), "survival_beyond": (0.99, 0.01)}, [FAILED, FAILED], "not replicated"),
            "noise": ({"arrival_exponent": (-2, 1), "survival_beyond": (0.5, 0.3)}, [UNDECIDED, UNDECIDED], "inconclusive"),
        },
        partly={"survival_beyond": (0.9, 0.01)},
    ),
    "noise_scale": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD], "replicated"),
            # The batch size has no effect.
            "null": ({"batch_size_power": (0, 0.02)}, [FAILED, FAILED], "not replicated"),
            "opposite": ({"batch_size_power": (1, 0.02)}, [FAILED, FAILED], "not replicated"),
            "noise": ({"batch_size_power": (-1, 0.5)}, [UNDECIDED, UNDECIDED], "inconclusive"),
        },
        partly={"batch_size_power": (-0.74, 0.01)},  # asymmetry and difference 0.15, against 0.2 and 0.1
        numbers=[
            ("equal_exponents", {"batch_size_power": (-0.5, 0)}, 0.5 / 1.5),
            ("equal_values", {"batch_size_power": (-0.5, 0)}, 0.5 / 1.5),
        ],
        every_setting=True,
    ),
    "edge_is_best": Cases(
        verdicts={
            "effect": ({}, [HELD, HELD], "replicated"),
            # The test loss has nothing to do with the noise: no slope is the border of the claim, but the best setting is anywhere.
            "null": ({"loss_shuffled": (1, 0)}, [UNDECIDED, FAILED], "inconclusive"),
            "opposite": ({"loss_optimum": (7, 0.1)}, [FAILED, FAILED], "not replicated"),
            "noise": ({"loss_optimum": (3, 4)}, [UNDECIDED, UNDECIDED], "inconclusive"),
            "two octaves before the edge": ({"loss_optimum": (2, 0.1)}, [HELD, FAILED], "partly"),
        },
        partly={"loss_optimum": (2, 0.1)},
        numbers=[
            ("loss_falls_up_to_the_edge", {"loss_optimum": (2.2, 0)}, -(1 - 6 * 26 / (8 * 63))),
            ("lowest_loss_at_the_edge", {"loss_optimum": (3, 0)}, 3),
            ("any_setting_to_the_edge", {"loss_optimum": (3, 0)}, 3.5),
            ("error_falls_up_to_the_edge", {"error_optimum": (7, 0)}, 1),
            ("lowest_error_at_the_edge", {"error_optimum": (2.5, 0)}, 2.5),  # two settings tie
        ],
    ),
}
