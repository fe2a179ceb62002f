"""What moves walkers of shaken descent along the toy valley: drift and noise at fixed x, and the density of x that they make."""

from functools import partial

import numpy as np
import pandas as pd
from scipy.integrate import cumulative_trapezoid

from sgdphysics import seeds
from sgdphysics.arguments import finite_array, require_kind, require_not_negative, require_positive, require_whole
from sgdphysics.errors import InputError
from sgdphysics.toy_landscapes import Landscape
from sgdphysics.toy_walkers import drift_terms, has_diverged, shaken_descent

BLOCKS = 5  # of steps, whose sums give the noise strength; each is long against the relaxation of y
RELAXATIONS = 8  # relaxation times of x before its stationary density is sampled
SAMPLES, APART = 6, 2  # samples of that density, and relaxation times between them
REACH, PLACES = 6, 41  # of the density built from drift and noise: standard deviations to either side, places in them


def drift_and_noise(
    landscape: Landscape,
    x: np.ndarray,
    *,
    learning_rate: float,
    shift: float,
    walkers: int,
    steps: int,
    random: np.random.Generator,
    fixed_y: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Measure how shaken descent would move x, at fixed x and with y in its stationary state.

    Args:
        landscape: Where.
        x: Places, (n,), finite.
        learning_rate, shift: As for `toy.shaken_descent`, one number each.
        walkers: Per place, at least 1; they share their random numbers across places.
        steps: Measured, at least 1; a fifth as many go before, for y to become stationary.
        random: Source of random numbers.
        fixed_y: Keep y = 0: the smoothing of the mean landscape alone.

    Returns:
        Mean step of x per step, (n,), and its noise strength D, (n,): half the variance per step of the sum over a fifth of the
        steps, so that correlations between steps count.

    Raises:
        InputError: If an argument is none of these.
    """
    x = finite_array("x", x, 1)
    require_positive("learning_rate", learning_rate)
    require_not_negative("shift", shift)
    require_whole("walkers", walkers, 1)
    require_whole("steps", steps, 1)
    start = np.repeat(x[:, None], walkers, axis=1)
    descend = partial(
        shaken_descent, landscape, learning_rate=learning_rate, shift=shift, random=random, fixed_x=True, fixed_y=fixed_y
    )
    _, y = descend(start, np.zeros_like(start), steps=max(1, steps // 5))
    block = max(1, steps // BLOCKS)
    sums = np.zeros((BLOCKS, *start.shape))
    for total in sums:

        def add(step: int, change: np.ndarray, y: np.ndarray, total: np.ndarray = total) -> None:
            np.add(total, change, out=total)

        _, y = descend(start, y, steps=block, observer=add)
    return sums.mean((0, 2)) / block, sums.var((0, 2), ddof=1) / (2 * block)


def density_from_drift_and_noise(x: np.ndarray, drift: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the stationary density of dx = drift dt + sqrt(2 noise) dW (Ito) on places x (n,): exp(int drift / noise) / noise.

    Raises:
        InputError: If x does not rise, there are fewer than two places, not a drift and a noise strength for each, or a noise
            strength is not above 0.
    """
    x, drift, noise = finite_array("x", x, 1), finite_array("drift", drift, 1), finite_array("noise", noise, 1)
    for name, values in (("drift", drift), ("noise", noise)):
        if len(values) != len(x):
            raise InputError(f"{name}: found {len(values)}, expected {len(x)}, one for each of x")
    if len(x) < 2 or not (np.diff(x) > 0).all():
        raise InputError(f"x: found {len(x)} places, expected two or more that rise")
    if not (noise > 0).all():
        raise InputError(f"noise: found {noise.min():g}, expected numbers above 0")
    exponent = cumulative_trapezoid(drift / noise, x, initial=0)
    density = np.exp(exponent - exponent.max()) / noise
    return density / np.trapezoid(density, x)


def drift_beside_theory(
    landscape: Landscape, x: np.ndarray, *, learning_rate: float, shift: float, walkers: int, steps: int, seed: int
) -> dict[str, np.ndarray]:
    """Measure the mean step of x at fixed places, whole and with y fixed (the smoothing alone), and predict it.

    Args:
        landscape, x, learning_rate, shift, walkers, steps: As for `drift_and_noise`.
        seed: Of the walkers, >= 0, the same ones for both.

    Returns:
        (n,) each: "learning_rate_times_curvature", "drift", "smoothing_drift", and the terms of `toy.drift_terms`,
        "predicted_smoothing_drift" and "predicted_noise_induced_drift".

    Raises:
        InputError: If an argument is none of these.
    """
    measured = {}
    for name, fixed_y in (("drift", False), ("smoothing_drift", True)):
        measured[name], _ = drift_and_noise(
            landscape,
            x,
            learning_rate=learning_rate,
            shift=shift,
            walkers=walkers,
            steps=steps,
            random=seeds.generator(seed, "walkers"),
            fixed_y=fixed_y,
        )
    smoothing, induced = drift_terms(landscape, x, learning_rate, shift)
    theory = {"predicted_smoothing_drift": smoothing, "predicted_noise_induced_drift": induced}
    return {"learning_rate_times_curvature": learning_rate * landscape.curvature(x), **measured, **theory}


def stationary_beside_built(
    landscape: Landscape,
    *,
    learning_rate: float,
    shift: float,
    walkers: int,
    drift_walkers: int,
    drift_steps: int,
    random: np.random.Generator,
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Compare the stationary density of x of walkers with the one built from measured drift and noise.

    Args:
        landscape: A valley that is flattest at x = 0.
        learning_rate, shift: As for `toy.shaken_descent`, one number each; the shift above 0.
        walkers: Whose density is counted, at least 1.
        drift_walkers, drift_steps: The walkers per place, and the steps, by which drift and noise are measured; at least 1.
        random: Source of random numbers.

    Returns:
        A table with one row per place: "x", "density", "built_density", "drift" and "noise". And of both densities
        "standard_deviation" and "built_standard_deviation", with "largest_difference_of_cumulative_shares". Where every walker
        is lost, all are at one place, or drift and noise cannot be measured at a place since all walkers leave it for good, there
        is no stationary density: no row, and nan.

    Raises:
        InputError: If an argument is none of these, or as of `stationary_sample`.
    """
    require_whole("drift_walkers", drift_walkers, 1)
    require_whole("drift_steps", drift_steps, 1)
    x = stationary_sample(landscape, walkers, learning_rate, shift, random)
    if not (len(x) and x.std() > 0):
        return _no_stationary_density()
    places = np.linspace(-REACH, REACH, PLACES) * x.std()
    drift, noise = drift_and_noise(
        landscape,
        places,
        learning_rate=learning_rate,
        shift=shift,
        walkers=drift_walkers,
        steps=drift_steps,
        random=random,
    )
    if not np.isfinite([drift, noise]).all():
        return _no_stationary_density()
    built = density_from_drift_and_noise(places, drift, noise)
    counted = _counted_density(x, places)
    cumulative = cumulative_trapezoid(built, places, initial=0)
    rank = (np.arange(len(x)) + 0.5) / len(x)
    table = pd.DataFrame({"x": places, "density": counted, "built_density": built, "drift": drift, "noise": noise})
    return table, {
        "standard_deviation": x.std(),
        "built_standard_deviation": np.sqrt(np.trapezoid(built * places**2, places)),
        "largest_difference_of_cumulative_shares": np.abs(np.interp(np.sort(x), places, cumulative) - rank).max(),
    }


def _no_stationary_density() -> tuple[pd.DataFrame, dict[str, float]]:
    numbers = ("standard_deviation", "built_standard_deviation", "largest_difference_of_cumulative_shares")
    return pd.DataFrame(columns=["x", "density", "built_density", "drift", "noise"]), dict.fromkeys(numbers, np.nan)


def stationary_sample(
    landscape: Landscape, walkers: int, learning_rate: float, shift: float, random: np.random.Generator
) -> np.ndarray:
    """Return places x of walkers that started at x = 0, the flattest place: several samples, relaxation times apart.

    Those that are lost (`toy.has_diverged`) are left out, so that there are at most walkers * samples.

    Raises:
        InputError: If the learning rate or the shift is not above 0, there is no walker, or nothing drives x to 0, as where the
            curvature is the same everywhere.
    """
    require_kind("landscape", landscape, Landscape)
    require_positive("learning_rate", learning_rate)
    require_positive("shift", shift)
    require_whole("walkers", walkers, 1)
    near = 0.01 * landscape.half_width
    drift = float(sum(drift_terms(landscape, near, learning_rate, shift)))
    if not drift < 0:
        raise InputError(f"landscape: found a mean step of {drift:g} at x = {near:g}, expected one below 0, to the flattest place")
    relaxation = -near / drift
    x, y, samples = np.zeros(walkers), np.zeros(walkers), []
    for times in (RELAXATIONS, *[APART] * SAMPLES):
        steps = int(np.ceil(times * relaxation))
        x, y = shaken_descent(landscape, x, y, learning_rate=learning_rate, shift=shift, steps=steps, random=random)
        samples.append(x[~has_diverged(x, y)])
    return np.concatenate(samples[1:])


def _counted_density(x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Density of x around evenly spaced places."""
    step = places[1] - places[0]
    return np.histogram(x, np.append(places - step / 2, places[-1] + step / 2))[0] / (len(x) * step)
