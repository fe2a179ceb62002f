"""Simulate the controls of shaken descent: heat baths of the local strength, smoothing alone, and two valleys (yang2023_fig3)."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics import first_passage, progress, seeds, toy, toy_controls, toy_valleys
from sgdphysics.errors import InputError
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

HEAT_BATHS = {
    "thermal_local": "local_thermal_shifts",
    "thermal_across": "thermal_shifts",
}  # and the setting with their shifts
SAMPLE_STEPS = 50  # between two counts of the walkers in each valley
CONTROLS = [
    "dynamics",
    "learning_rate",
    "shift",
    "seed",
    "horizon_steps",
    "median_steps",
    "arrived_share",
    "lost_share",
    "censored_share",
]
SMOOTHING = ["learning_rate", "shift", "horizon_steps", "arrival_steps"]
VALLEYS = [
    "dynamics",
    "curvature_ratio",
    "learning_rate",
    "shift",
    "seed",
    "start",
    "walkers",
    "relaxation_steps",
    "sampling_steps",
    "share_in_flatter",
    "share_left",
    "status",
]


def simulate(settings: Mapping[str, Any], seed_list: Sequence[int], tables: Mapping[str, Path]) -> None:
    """Write the tables "controls", "smoothing" and "two_valleys"."""
    single = toy.landscapes(**settings["landscapes"])["single_valley"]
    save_rows(tables["controls"], list(_heat_baths(single, settings, seed_list)), CONTROLS)
    save_rows(tables["smoothing"], [_smoothing(single, settings)], SMOOTHING)
    progress.tell("arrivals")
    save_rows(tables["two_valleys"], list(_two_valleys(settings, seed_list)), VALLEYS)
    progress.tell("two valleys")


# --- arrival at flat places


def _arrivals(
    landscape: toy.Landscape, settings: Mapping[str, Any], dynamics: str, shift: float, seed: int, walkers: int
) -> first_passage.FirstPassages:
    random = seeds.generator(seed, "walkers")
    return first_passage.arrivals(
        first_passage.moves(landscape, dynamics, learning_rate=settings["learning_rate"], shift=shift, random=random),
        landscape,
        walkers=walkers,
        relative_flatness=settings["arrival_flatness"],
        horizon=settings["arrival_horizon"],
    )


def _heat_baths(landscape: toy.Landscape, settings: Mapping[str, Any], seed_list: Sequence[int]) -> Iterator[pd.DataFrame]:
    for dynamics, key in HEAT_BATHS.items():
        for shift in settings[key]:
            for seed in seed_list:
                passages = _arrivals(landscape, settings, dynamics, shift, seed, settings["arrival_walkers"])
                row = {
                    "dynamics": dynamics,
                    "learning_rate": settings["learning_rate"],
                    "shift": shift,
                    "seed": seed,
                    "horizon_steps": settings["arrival_horizon"],
                    "median_steps": first_passage.median_time(passages, first_passage.ARRIVED),
                    "arrived_share": passages.share(first_passage.ARRIVED),
                    "lost_share": passages.share(first_passage.DIVERGED),
                    "censored_share": passages.share(first_passage.CENSORED),
                }
                yield pd.DataFrame([row])


def _smoothing(landscape: toy.Landscape, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Steps of descent on the smoothed landscape, inf where it does not arrive; nothing in it is random."""
    rows = []
    for shift in settings["arrival_shifts"]:
        passages = _arrivals(landscape, settings, "smoothed", shift, 0, 1)
        steps = first_passage.median_time(passages, first_passage.ARRIVED)
        columns = {"learning_rate": settings["learning_rate"], "shift": shift, "horizon_steps": settings["arrival_horizon"]}
        rows.append({**columns, "arrival_steps": steps})
    return pd.DataFrame(rows)


# --- two valleys


def _two_valleys(settings: Mapping[str, Any], seed_list: Sequence[int]) -> Iterator[pd.DataFrame]:
    """Shares of the walkers in the flatter valley, by the ratio of the curvatures; at equal curvatures neither is the flatter."""
    for ratio in settings["valley_ratios"]:
        columns = {"curvature_ratio": ratio, "learning_rate": settings["learning_rate"]}
        columns |= {"relaxation_steps": settings["valley_relaxation"], "sampling_steps": settings["valley_sampling"]}
        try:
            landscape = _valleys_of_ratio(settings, ratio)
            toy_valleys.bottoms_and_ridge(landscape)
        except InputError:
            yield _not_measured(settings, seed_list).assign(**columns)
            continue
        parts = [_smoothed_shares(landscape, settings)]
        for seed in seed_list:
            parts += [_walker_shares(landscape, settings, dynamics, seed) for dynamics in ("shaken", "thermal_local")]
        shares = pd.concat(parts, ignore_index=True).astype({"seed": "Int64"})
        status = np.where(shares["share_in_flatter"].isna(), "no walker left", "measured")
        yield shares.assign(**columns, shift=shares["setting"].map(dict(enumerate(settings["valley_shifts"]))), status=status)


def _valleys_of_ratio(settings: Mapping[str, Any], ratio: float) -> toy.Landscape:
    """The two valleys of the study with another ratio of their curvatures at x = -1 and x = 1."""
    return toy.landscapes(**{**settings["landscapes"], "difference": ratio - 1})["two_valleys"]


def _walker_shares(landscape: toy.Landscape, settings: Mapping[str, Any], dynamics: str, seed: int) -> pd.DataFrame:
    """Of walkers at all shifts, which share their random numbers."""
    descent = toy.shaken_descent if dynamics == "shaken" else toy_controls.heated_descent
    shifts = np.array(settings["valley_shifts"])[:, None]
    random = seeds.generator(seed, "walkers")
    move = partial(descent, landscape, learning_rate=settings["learning_rate"], shift=shifts, random=random)
    shares = _shares(move, landscape, settings, len(shifts), settings["valley_walkers"])
    return shares.assign(dynamics=dynamics, seed=seed)


def _smoothed_shares(landscape: toy.Landscape, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Without noise, from the bottom of each valley; no seed, for nothing in it is random."""
    parts = []
    for setting, shift in enumerate(settings["valley_shifts"]):
        move = partial(toy_controls.smoothed_descent, landscape, learning_rate=settings["learning_rate"], shift=shift)
        parts.append(_shares(move, landscape, settings, 1, 2).assign(setting=setting))
    return pd.concat(parts, ignore_index=True).assign(dynamics="smoothed", seed=pd.NA)


def _shares(
    move: first_passage.Move, landscape: toy.Landscape, settings: Mapping[str, Any], count: int, walkers: int
) -> pd.DataFrame:
    sampling = settings["valley_sampling"]
    return toy_valleys.valley_shares(
        move,
        landscape,
        settings=count,
        walkers=walkers,
        relaxation=settings["valley_relaxation"],
        sampling=sampling,
        every=min(SAMPLE_STEPS, sampling),
    )


def _not_measured(settings: Mapping[str, Any], seed_list: Sequence[int]) -> pd.DataFrame:
    """Rows that say that there are no two valleys at a ratio."""
    rows = [{"shift": shift, "seed": seed} for shift in settings["valley_shifts"] for seed in seed_list]
    table = pd.DataFrame(rows).astype({"seed": "Int64"})
    return table.assign(
        dynamics="shaken", start="both", walkers=0, share_in_flatter=np.nan, share_left=np.nan, status="no two valleys"
    )


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        tables = {name: Path(snakemake.output[name]) for name in ("controls", "smoothing", "two_valleys")}
        simulate(snakemake.params.settings, snakemake.params.seeds, tables)
