"""Simulate shaken descent in the toy valley: arrival times, survival, drift and stationary densities (yang2023_fig3)."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.integrate import cumulative_trapezoid

from sgdphysics import effective_loss, first_passage, progress, seeds, toy
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

ARRIVALS = ["dynamics", "learning_rate", "shift", "seed"]
RELAXATIONS = 8  # relaxation times of x before its stationary density is sampled
SAMPLES, APART = 6, 2  # samples of that density, and relaxation times between them
REACH, PLACES = 6, 41  # of the density built from drift and noise: standard deviations to either side, places in them
CURVE_POINTS = 150


def simulate(settings: Mapping[str, Any], seed_list: Sequence[int], tables: Mapping[str, Path]) -> None:
    """Write the tables "arrivals", "incidence", "survival", "drift", "stationary" and "widths"."""
    landscapes = toy.landscapes(**settings["landscapes"])
    single = landscapes["single_valley"]
    passages = {key: _passages(single, settings, *key) for key in _arrival_keys(settings, seed_list)}
    save_rows(tables["arrivals"], [_arrival_row(key, found, settings) for key, found in passages.items()], _ARRIVAL_COLUMNS)
    progress.tell("arrivals", runs=len(passages))
    columns = ["dynamics", "learning_rate", "shift", "event", "steps", "share"]
    save_rows(tables["incidence"], list(_incidence(passages, settings)), columns)
    for name, rows in (("survival", _survival), ("drift", _drift)):
        parts = [rows(landscapes, settings, seed) for seed in seed_list]
        save_rows(tables[name], parts, list(parts[0].columns))
        progress.tell(name)
    pairs = [_stationary(single, settings, shift, seed) for shift in settings["stationary_shifts"] for seed in seed_list]
    for name, parts in zip(("stationary", "widths"), zip(*pairs, strict=True), strict=True):
        save_rows(tables[name], parts, list(parts[0].columns))


# --- arrival at flat places


def _arrival_keys(settings: Mapping[str, Any], seed_list: Sequence[int]) -> Iterator[tuple[str, float, int]]:
    """Dynamics, shift and seed of every run."""
    for dynamics, shifts in (("shaken", settings["arrival_shifts"]), ("thermal", settings["thermal_shifts"])):
        for shift in shifts:
            yield from ((dynamics, shift, seed) for seed in seed_list)


def _passages(
    landscape: toy.Landscape, settings: Mapping[str, Any], dynamics: str, shift: float, seed: int
) -> first_passage.FirstPassages:
    x = np.full(settings["arrival_walkers"], landscape.half_width)
    level = settings["arrival_flatness"] * landscape.smallest_curvature**-0.5
    move = _move(landscape, settings["learning_rate"], dynamics, shift, seeds.generator(seed, "walkers"))
    return first_passage.first_passages(move, landscape, x, np.zeros_like(x), flatness=level, horizon=settings["arrival_horizon"])


def _move(
    landscape: toy.Landscape, learning_rate: float, dynamics: str, shift: float, random: np.random.Generator
) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Shaken descent; or, as control, a heat bath with the strength that its noise in y has where the valley is flattest."""
    if dynamics == "shaken":
        return functools.partial(toy.shaken_descent, landscape, learning_rate=learning_rate, shift=shift, random=random)
    strength = learning_rate * (shift * landscape.smallest_curvature) ** 2 / 2
    return functools.partial(toy.langevin, landscape, diffusion=strength, kappa=1.0, time_step=learning_rate, random=random)


def _arrival_row(key: tuple[str, float, int], passages: first_passage.FirstPassages, settings: Mapping[str, Any]) -> pd.DataFrame:
    dynamics, shift, seed = key
    arrived = first_passage.ARRIVED
    low, high = settings["linear_shifts"]
    row = {
        "dynamics": dynamics,
        "learning_rate": settings["learning_rate"],
        "shift": shift,
        "seed": seed,
        "linear": dynamics == "thermal" or low <= shift <= high,
        "horizon_steps": settings["arrival_horizon"],
        "median_steps": first_passage.median_time(passages, arrived),
        "kaplan_meier_median_steps": first_passage.median_time(passages, arrived, competing=False),
        "arrived_share": passages.share(arrived),
        "diverged_share": passages.share(first_passage.DIVERGED),
        "censored_share": passages.share(first_passage.CENSORED),
    }
    return pd.DataFrame([row])


_ARRIVAL_COLUMNS = [
    *("dynamics", "learning_rate", "shift", "seed", "linear", "horizon_steps", "median_steps", "kaplan_meier_median_steps"),
    *("arrived_share", "diverged_share", "censored_share"),
]


def _incidence(
    passages: Mapping[tuple[str, float, int], first_passage.FirstPassages], settings: Mapping[str, Any]
) -> Iterator[pd.DataFrame]:
    """Cumulative incidence of arrival and of divergence, walkers of all seeds together."""
    for shift in settings["incidence_shifts"]:
        own = [found for (dynamics, other, _), found in passages.items() if (dynamics, other) == ("shaken", shift)]
        pooled = first_passage.FirstPassages(
            *(np.concatenate(part) for part in zip(*((p.times, p.events) for p in own), strict=True))
        )
        for name, event in (("arrived", first_passage.ARRIVED), ("diverged", first_passage.DIVERGED)):
            times, share = first_passage.cumulative_incidence(pooled, event)
            chosen = np.unique(np.linspace(0, len(times) - 1, CURVE_POINTS).round().astype(int))
            columns = {"dynamics": "shaken", "learning_rate": settings["learning_rate"], "shift": shift, "event": name}
            yield pd.DataFrame({"steps": times[chosen], "share": share[chosen]}).assign(**columns)


# --- survival beyond the bound


def _survival(landscapes: Mapping[str, toy.Landscape], settings: Mapping[str, Any], seed: int) -> pd.DataFrame:
    """Walkers that start at the flattest place, beyond the bound on the shift; and the same where the curvature is constant."""
    rows = []
    for learning_rate in settings["survival_learning_rates"]:
        bound = toy.largest_stable_shift(landscapes["single_valley"], 0.0, learning_rate)
        for name in ("single_valley", "constant"):
            x = np.zeros(settings["arrival_walkers"])
            shift, steps = settings["beyond_bound"] * bound, settings["phase_steps"]
            random = seeds.generator(seed, "walkers")
            arguments = {"learning_rate": learning_rate, "shift": shift, "steps": steps, "random": random}
            x, y = toy.shaken_descent(landscapes[name], x, np.zeros_like(x), **arguments)
            survived = float((~toy.has_diverged(x, y)).mean())
            row = {"landscape": name, "learning_rate": learning_rate, "shift": shift, "seed": seed}
            rows.append({**row, "largest_stable_shift": bound, "horizon_steps": steps, "survival": survived})
    return pd.DataFrame(rows)


# --- drift at fixed x


def _drift(landscapes: Mapping[str, toy.Landscape], settings: Mapping[str, Any], seed: int) -> pd.DataFrame:
    """Mean step of x at fixed places, whole and with y fixed (smoothing alone), beside the formula; and at constant curvature."""
    parts = []
    for name in ("single_valley", "constant"):
        landscape = landscapes[name]
        x = landscape.half_width * np.array(settings["drift_places"])
        for learning_rate in settings["drift_learning_rates"]:
            shift, rate = settings["drift_shift"], learning_rate * landscape.curvature(x)
            measured = {}
            for column, fixed_y in (("drift", False), ("smoothing_drift", True)):
                measured[column], _ = effective_loss.drift_and_noise(
                    landscape,
                    x,
                    learning_rate=learning_rate,
                    shift=shift,
                    walkers=settings["drift_walkers"],
                    steps=settings["drift_steps"],
                    random=seeds.generator(seed, "walkers"),
                    fixed_y=fixed_y,
                )
            smoothing, induced = toy.drift_terms(landscape, x, learning_rate, shift)
            theory = {"predicted_smoothing_drift": smoothing, "predicted_noise_induced_drift": induced}
            columns = {"landscape": name, "learning_rate": learning_rate, "shift": shift, "x": x, "seed": seed}
            parts.append(pd.DataFrame({**columns, "learning_rate_times_curvature": rate, **measured, **theory}))
    return pd.concat(parts, ignore_index=True)


# --- stationary density of x


def _stationary(
    landscape: toy.Landscape, settings: Mapping[str, Any], shift: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The density of x of walkers beside the one built from measured drift and noise, and the standard deviations of both."""
    learning_rate, random = settings["learning_rate"], seeds.generator(seed, "walkers")
    x = _stationary_sample(landscape, settings["stationary_walkers"], learning_rate, shift, random)
    spread = x.std()
    places = np.linspace(-REACH, REACH, PLACES) * spread
    drift, noise = effective_loss.drift_and_noise(
        landscape,
        places,
        learning_rate=learning_rate,
        shift=shift,
        walkers=settings["drift_walkers"],
        steps=settings["drift_steps"],
        random=random,
    )
    built = effective_loss.density_from_drift_and_noise(places, drift, noise)
    step = places[1] - places[0]
    counted = np.histogram(x, np.append(places - step / 2, places[-1] + step / 2))[0] / (len(x) * step)
    cumulative = cumulative_trapezoid(built, places, initial=0)
    rank = (np.arange(len(x)) + 0.5) / len(x)
    columns = {"learning_rate": learning_rate, "shift": shift, "seed": seed}
    table = pd.DataFrame({**columns, "x": places, "density": counted, "built_density": built, "drift": drift, "noise": noise})
    numbers = {
        "standard_deviation": spread,
        "built_standard_deviation": np.sqrt(np.trapezoid(built * places**2, places)),
        "largest_difference_of_cumulative_shares": np.abs(np.interp(np.sort(x), places, cumulative) - rank).max(),
    }
    return table, pd.DataFrame([{**columns, **numbers}])


def _stationary_sample(
    landscape: toy.Landscape, walkers: int, learning_rate: float, shift: float, random: np.random.Generator
) -> np.ndarray:
    """Places of walkers that started at the flattest place, several times apart; those that diverged are left out."""
    near = 0.01 * landscape.half_width
    relaxation = -near / sum(toy.drift_terms(landscape, near, learning_rate, shift))
    x, y, samples = np.zeros(walkers), np.zeros(walkers), []
    for times in (RELAXATIONS, *[APART] * SAMPLES):
        arguments = {"learning_rate": learning_rate, "shift": shift, "random": random}
        x, y = toy.shaken_descent(landscape, x, y, steps=int(np.ceil(times * relaxation)), **arguments)
        samples.append(x[~toy.has_diverged(x, y)])
    return np.concatenate(samples[1:])


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        names = ("arrivals", "incidence", "survival", "drift", "stationary", "widths")
        tables = {name: Path(snakemake.output[name]) for name in names}
        simulate(snakemake.params.settings, snakemake.params.seeds, tables)
