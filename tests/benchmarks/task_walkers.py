"""Walkers of the toy model: the library's steps beside plain vectorised NumPy."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import machine
import numpy as np
import references
from comparison import Pair
from setting import Problem, best_alternating

from sgdphysics import toy

SHARED_SETTINGS = 40  # of the toy model that share random numbers; divides the number of walkers


def measure_walkers(problem: Problem) -> list[Pair]:
    """Plain vectorised NumPy steps against the library's, of as many walkers."""
    sizes, valley = problem.sizes, toy.Landscape.single_valley()
    steps, walkers = sizes.walker_steps, sizes.walkers
    moves, tolerance = walkers * steps, 12 / math.sqrt(walkers)  # six standard errors of the difference of two variances
    shaken = {"learning_rate": 0.1, "shift": 0.1}
    # Euler's method needs a time step at which it is right to 1 %; the library's may be 20 times as long.
    thermal, fine, coarse = {"diffusion": 0.005, "kappa": 4.0}, 0.01, 0.2
    x, y = np.full(walkers, 0.5), np.zeros(walkers)
    rows = x.reshape(SHARED_SETTINGS, -1), y.reshape(SHARED_SETTINGS, -1)  # settings of the phase diagram, here all alike

    def plain(call: Callable[..., Any], **settings: float) -> Callable[[], Any]:
        return lambda: call(x, y, steps=steps, random=np.random.default_rng(0), **settings)

    def ours(call: Callable[..., Any], start: Sequence[np.ndarray], steps: int, **settings: float) -> Callable[[], Any]:
        return lambda: call(valley, *start, steps=steps, random=np.random.default_rng(1), **settings)

    reference, independent, shared, euler, langevin, same_time = best_alternating(
        sizes.fast_repeats,
        plain(references.shaken_steps, **shaken),
        ours(toy.shaken_descent, (x, y), steps, **shaken),
        ours(toy.shaken_descent, rows, steps, **shaken),
        plain(references.langevin_steps, time_step=fine, **thermal),
        ours(toy.langevin, (x, y), steps, time_step=fine, **thermal),
        ours(toy.langevin, (x, y), max(1, round(steps * fine / coarse)), time_step=coarse, **thermal),
    )

    def pair(task: str, slow: tuple[float, Any], fast: tuple[float, Any], goal: float | None, note: str, alike: int = 1) -> Pair:
        size = f"{walkers} walkers, {steps} steps"
        difference = float(abs(fast[1][1].var() / slow[1][1].var() - 1))
        allowed = tolerance * math.sqrt(alike)
        times = slow[0] / moves, fast[0] / moves
        moved = {"work": 4 * 8, "peak": machine.MEMORY}  # x and y, read and written once
        return Pair(task, size, *times, goal, None, times[0], difference, allowed, [note], **moved)

    return [
        pair(
            *("walker step", reference, independent, None),
            "shaken descent, random numbers of its own for every walker: a tie, for most of the time goes into drawing them; "
            "difference: of the variances of y, relative",
        ),
        pair(
            *("walker step, shared", reference, shared, 4),
            f"as in the phase diagram, {SHARED_SETTINGS} settings share the random numbers of their walkers, and few are drawn: as "
            "many walkers per setting, the same statistics at each",
            alike=SHARED_SETTINGS,
        ),
        pair("Langevin step", euler, langevin, None, f"steps of {fine:g} for both"),
        pair(
            *("Langevin, same time", euler, same_time, None),
            f"the same stretch of time in steps of {coarse:g} against {fine:g}: the library's step is exact across the valley",
        ),
    ]
