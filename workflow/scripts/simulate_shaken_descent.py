"""Simulate shaken descent in the toy valley: arrival times, survival, drift and stationary densities (yang2023_fig3)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics import effective_drift, first_passage, progress, seeds, toy
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

ARRIVALS = [
    "dynamics",
    "learning_rate",
    "shift",
    "seed",
    "linear",
    "horizon_steps",
    "median_steps",
    "kaplan_meier_median_steps",
    "arrived_share",
    "diverged_share",
    "censored_share",
]
CURVE_POINTS = 150


def simulate(settings: Mapping[str, Any], seed_list: Sequence[int], tables: Mapping[str, Path]) -> None:
    """Write the tables "arrivals", "incidence", "survival", "drift", "stationary" and "widths"."""
    landscapes = toy.landscapes(**settings["landscapes"])
    single = landscapes["single_valley"]
    passages = {key: _passages(single, settings, *key) for key in _arrival_keys(settings, seed_list)}
    save_rows(tables["arrivals"], [_arrival_row(key, events, settings) for key, events in passages.items()], ARRIVALS)
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
    random = seeds.generator(seed, "walkers")
    return first_passage.arrivals(
        first_passage.moves(landscape, dynamics, learning_rate=settings["learning_rate"], shift=shift, random=random),
        landscape,
        walkers=settings["arrival_walkers"],
        relative_flatness=settings["arrival_flatness"],
        horizon=settings["arrival_horizon"],
    )


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


def _incidence(
    passages: Mapping[tuple[str, float, int], first_passage.FirstPassages], settings: Mapping[str, Any]
) -> Iterator[pd.DataFrame]:
    """Cumulative incidence of arrival and of the loss of walkers ("diverged"), walkers of all seeds together."""
    for shift in settings["incidence_shifts"]:
        parts = [events for (dynamics, other, _), events in passages.items() if (dynamics, other) == ("shaken", shift)]
        all_passages = first_passage.FirstPassages.pooled(parts)
        for name, event in (("arrived", first_passage.ARRIVED), ("diverged", first_passage.DIVERGED)):
            times, share = first_passage.cumulative_incidence(all_passages, event)
            chosen = np.unique(np.linspace(0, len(times) - 1, CURVE_POINTS).round().astype(int))
            columns = {"dynamics": "shaken", "learning_rate": settings["learning_rate"], "shift": shift, "event": name}
            yield pd.DataFrame({"steps": times[chosen], "share": share[chosen]}).assign(**columns)


# --- survival beyond the bound


def _survival(landscapes: Mapping[str, toy.Landscape], settings: Mapping[str, Any], seed: int) -> pd.DataFrame:
    """Walkers that start at the flattest place, beyond the bound on the shift; and the same where the curvature is constant."""
    rows = []
    for learning_rate in settings["survival_learning_rates"]:
        bound = toy.largest_stable_shift(landscapes["single_valley"], 0.0, learning_rate)
        shift, steps = settings["beyond_bound"] * bound, settings["phase_steps"]
        for name in ("single_valley", "constant"):
            survival = toy.surviving_share(
                landscapes[name],
                learning_rate=learning_rate,
                shift=shift,
                walkers=settings["arrival_walkers"],
                steps=steps,
                random=seeds.generator(seed, "walkers"),
            )
            row = {"landscape": name, "learning_rate": learning_rate, "shift": shift, "seed": seed}
            rows.append({**row, "largest_stable_shift": bound, "horizon_steps": steps, "survival": survival})
    return pd.DataFrame(rows)


# --- drift at fixed x


def _drift(landscapes: Mapping[str, toy.Landscape], settings: Mapping[str, Any], seed: int) -> pd.DataFrame:
    """Mean step of x at fixed places, whole and with y fixed (smoothing alone), beside the formula; and at constant curvature."""
    parts = []
    for name in ("single_valley", "constant"):
        landscape = landscapes[name]
        x = landscape.half_width * np.array(settings["drift_places"])
        for learning_rate in settings["drift_learning_rates"]:
            columns = {"landscape": name, "learning_rate": learning_rate, "shift": settings["drift_shift"], "x": x, "seed": seed}
            drift = effective_drift.drift_beside_theory(
                landscape,
                x,
                learning_rate=learning_rate,
                shift=settings["drift_shift"],
                walkers=settings["drift_walkers"],
                steps=settings["drift_steps"],
                seed=seed,
            )
            parts.append(pd.DataFrame({**columns, **drift}))
    return pd.concat(parts, ignore_index=True)


# --- stationary density of x


def _stationary(
    landscape: toy.Landscape, settings: Mapping[str, Any], shift: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The density of x of walkers beside the one built from measured drift and noise, and the standard deviations of both."""
    columns = {"learning_rate": settings["learning_rate"], "shift": shift, "seed": seed}
    table, numbers = effective_drift.stationary_beside_built(
        landscape,
        learning_rate=settings["learning_rate"],
        shift=shift,
        walkers=settings["stationary_walkers"],
        drift_walkers=settings["drift_walkers"],
        drift_steps=settings["drift_steps"],
        random=seeds.generator(seed, "walkers"),
    )
    return table.assign(**columns)[[*columns, *table]], pd.DataFrame([{**columns, **numbers}])


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        names = ("arrivals", "incidence", "survival", "drift", "stationary", "widths")
        tables = {name: Path(snakemake.output[name]) for name in names}
        simulate(snakemake.params.settings, snakemake.params.seeds, tables)
