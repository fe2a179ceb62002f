"""Planted tables of feng2021: two learning rates by two batch sizes, one of them the reference.

What is not asked for (other windows, sources, epochs, ranges) is there too, and says the opposite.
"""

import planted_feng2021_dimension
import planted_feng2021_exponents
import planted_feng2021_noise
import planted_feng2021_windows
from planted_feng2021_exponents import KINDS
from planted_feng2021_noise import ANNEALING_RANKS, QUANTITIES
from planted_feng2021_runs import BATCH_SIZES, LEARNING_RATES, REFERENCE

__all__ = ["ANNEALING_RANKS", "BATCH_SIZES", "EFFECT", "KINDS", "LEARNING_RATES", "QUANTITIES", "REFERENCE"]

EFFECT = (
    planted_feng2021_dimension.EFFECT
    | planted_feng2021_exponents.EFFECT
    | planted_feng2021_noise.EFFECT
    | planted_feng2021_windows.EFFECT
)
