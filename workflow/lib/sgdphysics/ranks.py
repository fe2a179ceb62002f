"""How many directions are measured and fitted, and at which ranks; without torch, for planning, checks of settings and tables."""

from collections.abc import Collection

import numpy as np

MOST_DIRECTIONS = 1000
DENSE_LIMIT = 5000  # weights of a layer up to which dense matrices are built; of a wider one the sharpest directions are found
STEEPEST_DIRECTIONS = 10  # of largest sigma_g, of which the authors' scripts set the part of the gap apart
WIDE_LAYER_DIRECTIONS = 200  # of its Hessian, where the gap is decomposed along them; the rest is one remainder


def last_rank(window_steps: int, dimension: int) -> int:
    """Largest rank that enters a fit.

    It is a quarter of the window's steps less one, at most 1,000, and at most two fifths of the weights, the published share (the
    first 1,000 of 2,500): beyond, a window has few or no variances that are not zero.

    Args:
        window_steps: Steps of the window.
        dimension: Number of weights d.
    """
    return max(1, min(MOST_DIRECTIONS, (window_steps - 1) // 4, 2 * dimension // 5))


def log_spaced_ranks(last: int, count: int) -> list[int]:
    """Return at most ``count`` distinct integers from 1 to ``last``, evenly spaced on a log axis as far as integers allow.

    There are none up to 0.
    """
    if last < 1:
        return []
    return sorted({round(float(rank)) for rank in np.geomspace(1, last, count)})


def fitted_ranks(window_steps: int, dimension: int, directions: int) -> list[int]:
    """Ranks that enter a fit, in order: log-spaced ones up to `last_rank`, without the first component, which is the drift.

    Args:
        window_steps: Steps of the window.
        dimension: Number of weights d.
        directions: Number of log-spaced ranks, at most.
    """
    return [rank for rank in log_spaced_ranks(last_rank(window_steps, dimension), directions) if rank > 1]


def published_ranks(last: int) -> list[int]:
    """Ranks that enter a fit of the published scripts: 11, 21, ..., 991, every tenth of 0 to 990 from 0 without the first.

    Args:
        last: The largest that a window allows, `last_rank`; 991 and more in one as long as the published.
    """
    return list(range(11, min(991, last) + 1, 10))


def selected_ranks(window_steps: int, dimension: int, directions: int, further_ranks: Collection[int]) -> list[int]:
    """Ranks at which directions are measured, in order: log-spaced ones up to `last_rank`, and the further ones that exist.

    Args:
        window_steps: Steps of the window.
        dimension: Number of weights d.
        directions: Number of log-spaced ranks, at most.
        further_ranks: Further ranks, left out where the window has too few components, and beyond 1,000 of a layer that is too
            wide for dense matrices.
    """
    components = min(window_steps - 1, dimension if dimension <= DENSE_LIMIT else MOST_DIRECTIONS)
    further = [rank for rank in further_ranks if rank <= components]
    return sorted({*log_spaced_ranks(last_rank(window_steps, dimension), directions), *further})
