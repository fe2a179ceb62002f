"""Cases planted for the claims of Feng, Zhang and Tu 2023 on what noise, weight decay, scale and dropout do."""

import numpy as np

from claim_cases import NO, NOT_ASKED, OPEN, PARTLY, YES, Cases
from planted_feng2023_published import LAST_RANK


def dropout_numbers(size: str, sharpness: str):
    """What the tests on dropout must find; the names of those on size and on sharpness differ from claim to claim."""
    numbers = []
    for name, quantity, value in ((size, "dropout_size", 0.25), (sharpness, "dropout_sharpness", -0.35)):
        for suffix in ("", "_at_equal_epochs", "_otherwise_measured"):
            numbers.append((f"{name}{suffix}", {f"{quantity}{suffix}": (value, 0)}, value))
    return numbers


CASES = {
    "noise_flattens": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            # Nothing moves anything: the border of the first test, and no ratio of the others.
            "null": (
                {"noise_sharpness": (0, 0.1), "noise_size": (0, 0.1), "noise_norm": (0, 0.1)},
                (OPEN, NOT_ASKED),
            ),
            "opposite": (
                {"noise_sharpness": (0.5, 0.02), "noise_size": (0.5, 0.03), "noise_norm": (0.5, 0.03)},
                (NO, NOT_ASKED),
            ),
            "noise": (
                {"noise_sharpness": (-0.5, 0.8), "noise_size": (0.2, 0.5), "noise_norm": (0.2, 0.5)},
                (OPEN, NOT_ASKED),
            ),
            "smaller as well": ({"noise_size": (-0.3, 0.02)}, (PARTLY, NOT_ASKED)),
            "of larger norm": ({"noise_norm": (0.3, 0.02)}, (PARTLY, NOT_ASKED)),
        },
        numbers=[
            ("flatter", {"noise_sharpness": (-0.8, 0)}, -0.8),
            ("size_stays", {"noise_sharpness": (-0.8, 0), "noise_size": (-0.2, 0)}, 0.25),
            ("size_stays", {"noise_sharpness": (-0.8, 0), "noise_size": (0.2, 0)}, -0.25),
            ("norm_stays", {"noise_sharpness": (-0.8, 0), "noise_norm": (0.2, 0)}, -0.25),
            ("only_sharp_directions", {"noise_sharp_less_flat": (-0.3, 0)}, -0.3),
            ("gap_of_sharp_directions", {"noise_gap_of_sharp": (-0.1, 0)}, -0.1),
            ("gap_of_flat_directions", {"noise_gap_of_flat": (0.05, 0)}, 0.05),
            ("gap_of_sharp_directions_of_shuffled_losses", {"noise_gap_of_sharp_of_shuffled_losses": (0.1, 0)}, 0.1),
            ("size", {"noise_size": (-0.2, 0)}, -0.2),
            ("norm", {"noise_norm": (0.2, 0)}, 0.2),
        ],
        bad_setting={"noise_sharpness": (0.5, 0.02)},
        context=[
            {"noise_sharp_less_flat": (0.1, 0.01)},
            {"noise_gap_of_sharp": (-0.2, 0.01), "noise_gap_of_flat": (0.2, 0.01)},
        ],
    ),
    "decay_shrinks": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            "null": ({"decay_sharpness": (0, 0.1), "decay_size": (0, 0.1)}, (OPEN, NOT_ASKED)),
            "opposite": ({"decay_sharpness": (-0.5, 0.02), "decay_size": (0.5, 0.02)}, (NO, NOT_ASKED)),
            "noise": ({"decay_sharpness": (0.2, 0.5), "decay_size": (-0.5, 0.8)}, (OPEN, NOT_ASKED)),
            "flatter as well": ({"decay_sharpness": (-0.4, 0.02)}, (PARTLY, NOT_ASKED)),
        },
        numbers=[
            ("smaller", {"decay_size": (-0.8, 0)}, -0.8),
            ("sharpness_stays", {"decay_sharpness": (-0.2, 0), "decay_size": (-0.8, 0)}, 0.25),
            ("sharpness_stays", {"decay_sharpness": (0.2, 0), "decay_size": (-0.8, 0)}, -0.25),
            ("smaller_after_as_many_epochs", {"decay_size": (-0.8, 0)}, -0.8),
            ("sharpness_after_as_many_epochs", {"decay_sharpness": (-0.2, 0), "decay_size": (-0.8, 0)}, 0.25),
        ],
        bad_setting={"decay_size": (0.5, 0.02)},
    ),
    "scale_is_uniform": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            # What changes has nothing to do with a factor: as large at the last ranks as against its mean.
            "null": ({"scale_change_over_ranks": (2, 0.1)}, (NO, NOT_ASKED)),
            "opposite": ({"scale_change_over_ranks": (-2, 0.1)}, (NO, NOT_ASKED)),
            "noise": ({"scale_change_over_ranks": (0.5, 1)}, (OPEN, NOT_ASKED)),
        },
        numbers=[
            ("one_factor", {"scale_change_over_ranks": (0.4, 0)}, 0.4),
            ("one_factor", {"scale_change_over_ranks": (-0.4, 0)}, -0.4),
            ("factor", {"scale_factor": (0.3, 0)}, 0.3),
            ("trend", {"scale_change_over_ranks": (0.4, 0), "scale_factor": (-0.5, 0)}, -0.2 / np.log(LAST_RANK)),
            ("spread_less_that_between_seeds", {"scale_spread": (0.25, 0)}, 0.05),
            ("noise_in_place_of_scale", {"noise_change_over_ranks": (1.5, 0)}, 1.5),
        ],
        bad_setting={"scale_change_over_ranks": (2, 0.1)},
        context=[{"noise_change_over_ranks": (2, 0.1)}, {"scale_spread": (0.2, 0.01)}],
    ),
    "dropout_smaller_sharper": Cases(
        answers={
            "effect": ({"dropout_size": (-0.3, 0.02), "dropout_sharpness": (0.4, 0.02)}, (YES, NOT_ASKED)),
            # Chance moves the two against each other in every seed, and in no direction.
            "null": ({"dropout_size": (0, -0.1), "dropout_sharpness": (0, 0.1)}, (OPEN, NOT_ASKED)),
            "opposite": ({}, (NO, NOT_ASKED)),
            "noise": ({"dropout_size": (-0.3, 0.6), "dropout_sharpness": (0.4, 0.6)}, (OPEN, NOT_ASKED)),
            "smaller and flatter": ({"dropout_size": (-0.3, 0.02)}, (PARTLY, NOT_ASKED)),
        },
        numbers=dropout_numbers("smaller", "sharper"),
        context=[
            {"dropout_size_at_equal_epochs": (0.3, 0.02), "dropout_sharpness_at_equal_epochs": (-0.4, 0.02)},
            {"dropout_size_otherwise_measured": (0.3, 0.02), "dropout_sharpness_otherwise_measured": (-0.4, 0.02)},
        ],
    ),
    "dropout_larger_flatter": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            "null": ({"dropout_size": (0, -0.1), "dropout_sharpness": (0, 0.1)}, (OPEN, NOT_ASKED)),
            "opposite": ({"dropout_size": (-0.3, 0.02), "dropout_sharpness": (0.4, 0.02)}, (NO, NOT_ASKED)),
            "noise": ({"dropout_size": (0.3, 0.6), "dropout_sharpness": (-0.4, 0.6)}, (OPEN, NOT_ASKED)),
            "larger and sharper": ({"dropout_sharpness": (0.4, 0.02)}, (PARTLY, NOT_ASKED)),
        },
        numbers=dropout_numbers("larger", "flatter"),
        context=[
            {"dropout_size_at_equal_epochs": (0.3, 0.02), "dropout_sharpness_at_equal_epochs": (-0.4, 0.02)},
            {"dropout_size_otherwise_measured": (0.3, 0.02), "dropout_sharpness_otherwise_measured": (-0.4, 0.02)},
        ],
    ),
    "dropout_best_dose": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            "null": ({"dropout_gap": (0, 0.05), "dropout_error": (0, 0.005)}, (OPEN, NOT_ASKED)),
            "opposite": ({"dropout_gap": (-0.1, 0.01), "dropout_error": (-0.01, 0.001)}, (NO, NOT_ASKED)),
            "noise": ({"dropout_gap": (0.1, 0.2), "dropout_error": (0.01, 0.02)}, (OPEN, NOT_ASKED)),
            "of the gap alone": ({"dropout_error": (-0.01, 0.001)}, (PARTLY, NOT_ASKED)),
        },
        numbers=[
            ("gap_in_between", {"dropout_gap": (0.15, 0)}, 0.15),
            ("error_in_between", {"dropout_error": (0.02, 0)}, 0.02),
            ("gap_in_between_at_equal_epochs", {"dropout_gap_at_equal_epochs": (0.15, 0)}, 0.15),
            ("error_in_between_at_equal_epochs", {"dropout_error_at_equal_epochs": (0.02, 0)}, 0.02),
        ],
        context=[{"dropout_gap_at_equal_epochs": (0.1, 0.01), "dropout_error_at_equal_epochs": (0.01, 0.001)}],
    ),
}
