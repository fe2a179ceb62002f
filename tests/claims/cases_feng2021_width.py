"""Cases planted for the claim of Feng and Tu 2021 on the width of the network."""

from claim_cases import NO, NOT_ASKED, OPEN, YES, Cases

CASES = {
    "dimension_of_width": Cases(
        answers={
            "effect": ({}, (YES, NOT_ASKED)),
            "null": ({"width_exponent": (1, 0.02)}, (NO, NOT_ASKED)),  # as many directions as weights allow
            "opposite": ({"width_exponent": (1.5, 0.05), "width_exponent_of_walk": (0.2, 0.02)}, (NO, NOT_ASKED)),
            "as many as the steps allow": ({"width_exponent": (0.22, 0.01)}, (NO, NOT_ASKED)),
            "noise": ({"width_exponent": (0.2, 0.5)}, (OPEN, NOT_ASKED)),
        },
        numbers=[
            ("exponent", {"width_exponent": (0.07, 0)}, 0.07),
            ("isotropic_walk", {"width_exponent": (0.07, 0), "width_exponent_of_walk": (0.3, 0)}, -0.23),
            ("exponent_of_isotropic_walk", {"width_exponent_of_walk": (0.3, 0)}, 0.3),
        ],
        context=[{"width_exponent_of_walk": (0.1, 0.02)}],
    ),
}
