"""Calls of the public functions of the toy model, with wrong values of each argument."""

import numpy as np
import pandas as pd

from sgdphysics import (
    effective_drift,
    effective_loss,
    first_passage,
    fokker_planck,
    toy,
    toy_controls,
    toy_edge,
    toy_landscapes,
    toy_valleys,
)
from wrong_inputs import (
    COUNTS,
    FROM_ZERO,
    INF,
    NAN,
    NOT_NEGATIVE,
    POSITIVE,
    RANDOM,
    SEEDS,
    As,
    Call,
)

LANDSCAPE = toy.Landscape.single_valley()
NOT_LANDSCAPES = [None, 1.0, "single_valley"]
BAD_PLACES = [[NAN], [INF], ["a"], [], None]
START = np.zeros(3)
WALKERS = {"landscape": LANDSCAPE, "x": START, "y": START, "steps": 2, "random": np.random.default_rng(0), "observe_every": 1}
BAD_WALKERS = {
    "landscape": NOT_LANDSCAPES,
    "x": [As("y", np.zeros(2)), 0.0, [], ["a"], None],
    "y": [np.zeros(2), np.zeros((1, 3)), ["a"], None],
    "steps": FROM_ZERO,
    "random": RANDOM,
    "observe_every": COUNTS,
}
DESCENT = {"learning_rate": 0.1, "shift": 0.1}
BAD_DESCENT = {"learning_rate": POSITIVE, "shift": NOT_NEGATIVE}
ARRAY_RATES = [0, -0.5, NAN, INF, True, "1", None, [], np.ones(2), np.ones((3, 1)), [0.1, -0.1, 0.1]]
ARRAY_SHIFTS = [-0.5, NAN, INF, True, "1", None, [], np.ones(2), np.ones((3, 1)), [0.1, -0.1, 0.1]]
WALK = {"walkers": 2, "steps": 5}
BAD_WALK = {"walkers": COUNTS, "steps": COUNTS}
POTENTIAL = np.zeros((4, 3))
GRID = {"potential": POTENTIAL, "spacings": (0.1, 0.2), "diffusions": (1.0, 2.0)}
BAD_GRID = {
    "potential": [POTENTIAL * NAN, np.zeros((4, 1)), np.array(0.0), np.full((4, 3), "a"), None],
    "spacings": [(0.1,), (0.1, 0.0), (0.1, -1.0), (0.1, NAN), (0.1, "1"), 0.1, None],
    "diffusions": [(1.0,), (1.0, 0.0), (1.0, INF), (1.0, True), 1.0, None],
}
BAD_DENSITY = [POTENTIAL.T, POTENTIAL[:2], POTENTIAL * NAN, None]
TWO_VALLEYS = toy.Landscape.two_valleys()
COURSE = pd.DataFrame({"horizon_steps": [9], "shift": [0.1], "survival": [1.0], "relative_flatness": [0.9]})
PASSAGES = first_passage.FirstPassages(np.array([3, 5, 9]), np.array([1, 2, 0]))
DENSITY = effective_loss.ValleyDensity(np.array([-0.5, 0.0, 0.5]), np.ones(3), np.ones(3))
SOLUTION = effective_loss.solve_on_grid(LANDSCAPE, diffusion=0.1, kappa=2.0, cells=(6, 5))
HISTOGRAM = {"landscape": LANDSCAPE, "diffusion": 0.1, "bins": 4, "reach": 0.3}
EVENTS = [3, -1, "arrived", None]
VALUES = [1.0, 2.0, 3.0, 5.0]
BAD_VALUES = [["a", "b"], [[1.0, 2.0]], 1.0, None, [True, False]]


def moving(x, y, steps, observer=None, observe_every=1):
    return x, y


CALLS = {
    "toy_landscapes.Landscape": Call(
        toy.Landscape,
        {"coefficients": (1.0, 0.0, 4.0), "half_width": 1.0},
        {
            "coefficients": [(), 1.0, "abc", (1.0, "a"), (True,), None, As("curvature", (1.0, NAN)), As("curvature", (-1.0,))],
            "half_width": POSITIVE,
        },
    ),
    "toy_landscapes.Landscape.single_valley": Call(
        toy.Landscape.single_valley,
        {"curvature": 1.0, "growth": 4.0, "half_width": 1.0},
        {"curvature": [0, -1.0, NAN, INF, "1"], "growth": [NAN, INF, "1", As("curvature", -2.0)], "half_width": POSITIVE},
    ),
    "toy_landscapes.Landscape.two_valleys": Call(
        toy.Landscape.two_valleys,
        {"curvature": 1.0, "barrier": 4.0, "difference": 1.0, "half_width": 1.0},
        {
            "curvature": [0, -1.0, NAN, INF, "1"],
            "barrier": [NAN, INF, "1", As("curvature", -9.0)],
            "difference": [NAN, INF, "1"],
            "half_width": POSITIVE,
        },
    ),
    "toy_landscapes.Landscape.constant": Call(
        toy.Landscape.constant,
        {"curvature": 1.0, "half_width": 1.0},
        {"curvature": [0, -1.0, NAN, INF, As("coefficients", "1")], "half_width": POSITIVE},
    ),
    "toy_landscapes.landscapes": Call(
        toy_landscapes.landscapes,
        {
            "curvature": 1.0,
            "growth": 4.0,
            "half_width": 1.0,
            "barrier": 4.0,
            "difference": 1.0,
            "two_valleys_half_width": 1.5,
        },
        {
            "curvature": [0, NAN, "1"],
            "growth": [NAN, "1"],
            "half_width": POSITIVE,
            "barrier": [NAN, "1"],
            "difference": [NAN, "1"],
            "two_valleys_half_width": [As("half_width", value) for value in POSITIVE],
        },
    ),
    "toy_walkers.largest_time_step": Call(toy.largest_time_step, {"landscape": LANDSCAPE}, {"landscape": NOT_LANDSCAPES}),
    "toy_walkers.langevin": Call(
        toy.langevin,
        {**WALKERS, "diffusion": 0.1, "kappa": 2.0, "time_step": 0.05},
        {
            **BAD_WALKERS,
            "x": [*BAD_WALKERS["x"], [0.0, NAN, 0.0]],
            "diffusion": POSITIVE,
            "kappa": POSITIVE,
            "time_step": [*POSITIVE, 0.25],
        },
    ),
    "toy_walkers.shaken_descent": Call(
        toy.shaken_descent, {**WALKERS, **DESCENT}, {**BAD_WALKERS, "learning_rate": ARRAY_RATES, "shift": ARRAY_SHIFTS}
    ),
    "toy_controls.heated_descent": Call(
        toy_controls.heated_descent,
        {**WALKERS, **DESCENT, "across_only": False},
        {**BAD_WALKERS, "learning_rate": POSITIVE, "shift": [0, *ARRAY_SHIFTS], "across_only": [None, 1, "no"]},
    ),
    "toy_controls.smoothed_curvature": Call(
        toy_controls.smoothed_curvature,
        {"landscape": LANDSCAPE, "shift": 0.1},
        {"landscape": NOT_LANDSCAPES, "shift": NOT_NEGATIVE},
    ),
    "toy_controls.smoothed_descent": Call(
        toy_controls.smoothed_descent,
        {key: value for key, value in {**WALKERS, **DESCENT}.items() if key != "random"},
        {**{key: values for key, values in BAD_WALKERS.items() if key != "random"}, **BAD_DESCENT},
    ),
    "toy_valleys.bottoms_and_ridge": Call(
        toy_valleys.bottoms_and_ridge, {"landscape": TWO_VALLEYS}, {"landscape": [*NOT_LANDSCAPES, LANDSCAPE]}
    ),
    "toy_valleys.valley_shares": Call(
        toy_valleys.valley_shares,
        {"move": moving, "landscape": TWO_VALLEYS, "settings": 1, "walkers": 2, "relaxation": 1, "sampling": 2, "every": 1},
        {
            "move": [None],
            "landscape": [*NOT_LANDSCAPES, LANDSCAPE],
            "settings": COUNTS,
            "walkers": [*COUNTS, 1],
            "relaxation": FROM_ZERO,
            "sampling": COUNTS,
            "every": [*COUNTS, 3],
        },
    ),
    "toy_edge.survival_course": Call(
        toy_edge.survival_course,
        {
            "landscape": LANDSCAPE,
            "x": 0.0,
            "learning_rate": 0.1,
            "shifts": [0.1, 0.2],
            "walkers": 2,
            "horizons": [2, 4],
            "random": np.random.default_rng(0),
        },
        {
            "landscape": NOT_LANDSCAPES,
            "x": [NAN, "1", None, [0.5]],
            "learning_rate": POSITIVE,
            "shifts": [[], [0.1, 0.0], [NAN], ["a"], 0.1, None],
            "walkers": COUNTS,
            "horizons": [[], [4, 2], [2, 2], [0, 2], [2.5], 4, None],
            "random": RANDOM,
        },
    ),
    "toy_edge.order_parameter": Call(
        toy_edge.order_parameter, {"course": COURSE}, {"course": [None, COURSE.drop(columns="shift"), COURSE[["shift"]]]}
    ),
    "toy_edge.shift_where_left": Call(
        toy_edge.shift_where_left,
        {"shifts": [0.1, 0.2], "survival": [1.0, 0.0], "share": 0.5},
        {
            "shifts": [[0.2, 0.1], [0.1, 0.1], [0.0, 0.1], ["a"], None, As("survival", [0.1])],
            "survival": [[1.0], [1.0, NAN], ["a", "b"], None],
            "share": [0, 1, NAN, "1", None],
        },
    ),
    "toy_walkers.has_diverged": Call(toy.has_diverged, {"x": START, "y": START}, {"y": [np.zeros(2), 0.0]}),
    "toy_walkers.surviving_share": Call(
        toy.surviving_share,
        {"landscape": LANDSCAPE, **DESCENT, **WALK, "random": np.random.default_rng(0)},
        {
            "landscape": NOT_LANDSCAPES,
            "learning_rate": [0, NAN, "1"],
            "shift": [-0.1, NAN, "1"],
            "walkers": COUNTS,
            "steps": FROM_ZERO,
            "random": RANDOM,
        },
    ),
    "toy_stability.drift_terms": Call(
        toy.drift_terms,
        {"landscape": LANDSCAPE, "x": [0.5], **DESCENT},
        {"landscape": NOT_LANDSCAPES, "x": BAD_PLACES, **BAD_DESCENT},
    ),
    "toy_stability.mean_square_growth": Call(
        toy.mean_square_growth,
        {"landscape": LANDSCAPE, "x": 0.5, **DESCENT},
        {"landscape": NOT_LANDSCAPES, "x": [NAN, "1", None, [0.5]], **BAD_DESCENT},
    ),
    "toy_stability.largest_stable_shift": Call(
        toy.largest_stable_shift,
        {"landscape": LANDSCAPE, "x": 0.5, "learning_rate": 0.1},
        {"landscape": NOT_LANDSCAPES, "x": [NAN, "1", None, [0.5]], "learning_rate": POSITIVE},
    ),
    "effective_drift.drift_and_noise": Call(
        effective_drift.drift_and_noise,
        {"landscape": LANDSCAPE, "x": [0.1], **DESCENT, **WALK, "random": np.random.default_rng(0)},
        {"landscape": NOT_LANDSCAPES, "x": BAD_PLACES, **BAD_DESCENT, **BAD_WALK, "random": RANDOM},
    ),
    "effective_drift.drift_beside_theory": Call(
        effective_drift.drift_beside_theory,
        {"landscape": LANDSCAPE, "x": [0.1], **DESCENT, **WALK, "seed": 0},
        {"landscape": NOT_LANDSCAPES, "x": BAD_PLACES, **BAD_DESCENT, **BAD_WALK, "seed": SEEDS},
    ),
    "effective_drift.density_from_drift_and_noise": Call(
        effective_drift.density_from_drift_and_noise,
        {"x": VALUES, "drift": VALUES, "noise": VALUES},
        {
            "x": [VALUES[::-1], [1.0, 1.0, 2.0, 3.0], [*VALUES[:3], NAN], As("drift", VALUES[:2]), *BAD_VALUES],
            "drift": [VALUES[:1], [*VALUES[:3], NAN], *BAD_VALUES],
            "noise": [VALUES[:1], [1.0, 1.0, 1.0, 0.0], [*VALUES[:3], INF], *BAD_VALUES],
        },
    ),
    "effective_drift.stationary_beside_built": Call(
        effective_drift.stationary_beside_built,
        {
            "landscape": LANDSCAPE,
            "learning_rate": 1.0,
            "shift": 0.3,
            "walkers": 4,
            "drift_walkers": 3,
            "drift_steps": 10,
            "random": np.random.default_rng(0),
        },
        {
            "landscape": [*NOT_LANDSCAPES, toy.Landscape.constant()],
            "learning_rate": POSITIVE,
            "shift": POSITIVE,
            "walkers": COUNTS,
            "drift_walkers": COUNTS,
            "drift_steps": COUNTS,
            "random": RANDOM,
        },
    ),
    "effective_drift.stationary_sample": Call(
        effective_drift.stationary_sample,
        {"landscape": LANDSCAPE, "walkers": 4, "learning_rate": 1.0, "shift": 0.3, "random": np.random.default_rng(0)},
        {
            "landscape": [*NOT_LANDSCAPES, toy.Landscape.constant(), toy.Landscape.single_valley(growth=-0.5)],
            "walkers": COUNTS,
            "learning_rate": POSITIVE,
            "shift": POSITIVE,
            "random": RANDOM,
        },
    ),
    "effective_loss.solve_on_grid": Call(
        effective_loss.solve_on_grid,
        {"landscape": LANDSCAPE, "diffusion": 0.1, "kappa": 2.0, "cells": (6, 5)},
        {
            "landscape": NOT_LANDSCAPES,
            "diffusion": POSITIVE,
            "kappa": POSITIVE,
            "cells": [(6,), (6, 5, 4), (1, 5), (6, 1), (6.0, 5), (6, True), 6, None],
        },
    ),
    "effective_loss.WalkerHistogram": Call(
        effective_loss.WalkerHistogram,
        HISTOGRAM,
        {"landscape": NOT_LANDSCAPES, "diffusion": POSITIVE, "bins": COUNTS, "reach": POSITIVE},
    ),
    "effective_loss.ValleyDensity.slopes": Call(DENSITY.slopes, {"landscape": LANDSCAPE}, {"landscape": NOT_LANDSCAPES}),
    "effective_loss.ValleyDensity.table": Call(DENSITY.table, {"landscape": LANDSCAPE}, {"landscape": NOT_LANDSCAPES}),
    "effective_loss.ValleyDensity.slope_row": Call(
        DENSITY.slope_row, {"landscape": LANDSCAPE, "kappa": 2.0}, {"landscape": NOT_LANDSCAPES, "kappa": [NAN, "1", None]}
    ),
    "effective_loss.GridSolution.table": Call(SOLUTION.table, {"points": 3}, {"points": COUNTS}),
    "fokker_planck.cell_centres": Call(
        fokker_planck.cell_centres,
        {"low": -1.0, "high": 1.0, "cells": 4},
        {"low": [NAN, "1", None, As("walls", 1.0)], "high": [INF, "1", None, As("walls", -2)], "cells": [*COUNTS, 1]},
    ),
    "fokker_planck.generator": Call(fokker_planck.generator, GRID, BAD_GRID),
    "fokker_planck.stationary_density": Call(fokker_planck.stationary_density, GRID, BAD_GRID),
    "fokker_planck.evolve": Call(
        fokker_planck.evolve,
        {"density": POTENTIAL + 1, "time": 0.1, **GRID},
        {"density": BAD_DENSITY, "time": POSITIVE, **BAD_GRID},
    ),
    "fokker_planck.probability_current": Call(
        fokker_planck.probability_current, {"density": POTENTIAL, **GRID}, {"density": BAD_DENSITY, **BAD_GRID}
    ),
    "fokker_planck.current_at_centres": Call(
        fokker_planck.current_at_centres,
        {"current": POTENTIAL, "axis": 1},
        {"current": [None, [1.0], np.array(["a"])], "axis": [2, -1, 0.5, True, None]},
    ),
    "first_passage.FirstPassages": Call(
        first_passage.FirstPassages,
        vars(PASSAGES),
        {
            "times": [np.array([1, -2, 3]), np.array([1.0, NAN, 2.0]), As("events", np.array([1])), [], None],
            "events": [np.array([1]), np.array([1, 3, 0]), np.array([1, 0.5, 0]), ["arrived"] * 3, None],
        },
    ),
    "first_passage.FirstPassages.share": Call(PASSAGES.share, {"event": 1}, {"event": EVENTS}),
    "first_passage.FirstPassages.pooled": Call(first_passage.FirstPassages.pooled, {"parts": [PASSAGES]}, {"parts": [[]]}),
    "first_passage.moves": Call(
        first_passage.moves,
        {"landscape": LANDSCAPE, "dynamics": "thermal", **DESCENT, "random": np.random.default_rng(0)},
        {
            "landscape": NOT_LANDSCAPES,
            "dynamics": ["stirred", None],
            "learning_rate": POSITIVE,
            "shift": POSITIVE,
            "random": RANDOM,
        },
    ),
    "first_passage.arrivals": Call(
        first_passage.arrivals,
        {"move": moving, "landscape": LANDSCAPE, "walkers": 2, "relative_flatness": 0.9, "horizon": 3},
        {
            "move": [None],
            "landscape": NOT_LANDSCAPES,
            "walkers": COUNTS,
            "relative_flatness": POSITIVE,
            "horizon": COUNTS,
        },
    ),
    "first_passage.first_passages": Call(
        first_passage.first_passages,
        {"move": moving, "landscape": LANDSCAPE, "x": START, "y": START, "flatness": 0.9, "horizon": 3, "block": 2},
        {
            "move": [None],
            "landscape": NOT_LANDSCAPES,
            "x": [As("y", np.zeros(2)), [], [NAN] * 3, np.zeros((3, 1)), None],
            "y": [np.zeros(2), [INF] * 3, None],
            "flatness": POSITIVE,
            "horizon": COUNTS,
            "block": COUNTS,
        },
    ),
    "first_passage.survival": Call(
        first_passage.survival, {"passages": PASSAGES, "event": 1}, {"passages": [None, 1], "event": [0, *EVENTS]}
    ),
    "first_passage.cumulative_incidence": Call(
        first_passage.cumulative_incidence, {"passages": PASSAGES, "event": 1}, {"passages": [None, 1], "event": [0, *EVENTS]}
    ),
    "first_passage.median_time": Call(
        first_passage.median_time, {"passages": PASSAGES, "event": 1}, {"passages": [None, 1], "event": [0, *EVENTS]}
    ),
}
