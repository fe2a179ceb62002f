"""Ranks of the directions that are measured and fitted; without torch, for planning, checks of settings and tables."""

from collections.abc import Collection

import numpy as np

MOST_DIRECTIONS = 1000


def last_rank(window_steps: int) -> int:
    """Largest rank that enters a fit: a quarter of the non-zero variances of the window, at most 1,000."""
    return max(1, min(MOST_DIRECTIONS, (window_steps - 1) // 4))


def log_spaced_ranks(last: int, count: int) -> list[int]:
    """Return at most ``count`` distinct integers from 1 to ``last``, evenly spaced on a log axis as far as integers allow."""
    return sorted({round(float(rank)) for rank in np.geomspace(1, last, count)})


def selected_ranks(window_steps: int, dimension: int, directions: int, further_ranks: Collection[int]) -> list[int]:
    """Ranks at which directions are measured, in order: log-spaced ones up to `last_rank`, and the further ones that exist.

    Args:
        window_steps: Steps of the window.
        dimension: Number of weights d.
        directions: Number of log-spaced ranks, at most.
        further_ranks: Further ranks, left out where the window has too few components.
    """
    components = min(window_steps - 1, dimension)
    further = [rank for rank in further_ranks if rank <= components]
    return sorted({*log_spaced_ranks(last_rank(window_steps), directions), *further})
