"""What a study will take before any of it runs: jobs, networks, core-hours and memory.

The time of a job is a sum over kinds of work, such as weight updates or eigen decompositions: how much of each follows from the
settings, how long each takes was fitted to the records of finished studies (`fitted_costs`). How many steps a network trains is
known only afterwards; it is estimated by a power law in what decides it, and capped as the settings cap it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import exp, log
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.optimize

from sgdphysics.errors import InputError
from sgdphysics.runs import Run, log_spaced_steps
from sgdphysics.study import grids, studies

if TYPE_CHECKING:  # torch takes seconds to load
    from sgdphysics.training import Result

SECTIONS = ("feng2021", "yang2023", "feng2023")
EVALUATIONS_PER_EDGE = 6  # of the loss, to find where the flat region ends; the fit of the cost makes up for the exact number
GIGA = 1e9  # amounts of work are counted in thousands of millions

Steps = Callable[[Run, int], float]  # how many steps a run trains on so many images


@dataclass(frozen=True)
class Job:
    """One job of a study.

    Attributes:
        rule: Name of the rule that makes it.
        networks: Networks that it trains.
        work: How much of each kind of work it does, in thousands of millions, by kind.
        images: Bytes of the images that it holds.
        matrices: Bytes of one matrix of all weights of the studied layer with each other, 0 where it needs none.
    """

    rule: str
    networks: int
    work: Mapping[str, float]
    images: float
    matrices: float


def jobs_of(
    complete: Mapping[str, Any],
    name: str,
    entries: Mapping[str, Any],
    costs: Mapping[str, Any],
    sections: Collection[str] = SECTIONS,
) -> list[Job]:
    """Return the jobs of a study that train, measure and simulate, those of the studies set beside it included.

    Args:
        complete: All studies, complete.
        name: The study.
        entries: The data sets by name.
        costs: From `fitted_costs`; here the law of the steps to the stop.
        sections: Only what these sections of the study need.

    Raises:
        InputError: If the number or the shape of a data set's images is not known.
    """
    study, steps = complete[name], partial(expected_steps, costs=costs)
    entry = entries[study["dataset"]]
    if not is_known(entry):
        found = ", ".join(f"{key}: {entry[key]}" for key in ("image_shape", "training_images"))
        raise InputError(f"config/datasets.yaml: datasets.{study['dataset']}: found {found}, expected both: a plan needs them")
    jobs = [training_job(chunk, entry, steps) for chunk in chunks_of(complete, name, sections)]
    for part, section in _needed(complete, name, sections):
        if section == "feng2021":
            for chunk in studies.chunks_of(part, section):
                jobs += window_jobs(part, chunk, entry, steps).values()
    if "yang2023" in sections:
        jobs += [generalization_job(chunk, entry) for chunk in studies.chunks_of(study, "yang2023")]
        jobs += toy_jobs(study, entry)
    if "feng2023" in sections:
        jobs += [duality_job(study, chunk, entry) for chunk in studies.chunks_of(study, "feng2023")]
        jobs += sweep_jobs(study, entry)
    return jobs


def chunks_of(complete: Mapping[str, Any], name: str, sections: Collection[str] = SECTIONS) -> list[grids.Chunk]:
    """Return the chunks of networks that are trained, each once; arguments as for `jobs_of`."""
    needed = _needed(complete, name, sections)
    return list({(c.ensemble, c.name): c for part, section in needed for c in studies.chunks_of(part, section)}.values())


def is_known(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of the data sets says how many images there are, and of how many pixels."""
    return None not in (entry["image_shape"], entry["training_images"])


def lines(jobs: Sequence[Job], costs: Mapping[str, Any], cores: int, *, whole: bool) -> list[str]:
    """Return a plan as lines of text: by rule jobs, networks, core-hours, the longest job and the largest memory.

    Args:
        jobs: From `jobs_of`.
        costs: From `fitted_costs`, with "start_seconds" and "other_jobs".
        cores: For how many cores at a time the hours are told.
        whole: Whether the tables, figures, notebooks and reports of a whole study come on top.
    """
    head = f"{'rule':26} {'jobs':>5} {'networks':>9} {'core-hours':>11} {'longest job':>12} {'memory':>8}"
    found, longest = [head], 0.0
    start, total, count = costs["start_seconds"], 0.0, 0
    for rule in dict.fromkeys(job.rule for job in jobs):
        own = [job for job in jobs if job.rule == rule]
        times = [start + seconds(job, costs) for job in own]
        networks = f"{sum(job.networks for job in own):,}" if rule == "train_ensemble" else ""
        size = max(memory(job, costs) for job in own)
        found.append(
            f"{rule:26} {len(own):5,} {networks:>9} {sum(times) / 3600:11.2f} {_duration(max(times)):>12} {size / 2**30:5.1f} GiB"
        )
        total, count, longest = total + sum(times), count + len(own), max(longest, *times)
    if whole:
        others = costs["other_jobs"]
        time = others["jobs"] * (start + others["seconds"])
        found.append(f"{'tables, figures, reports':26} {others['jobs']:5,} {'':>9} {time / 3600:11.2f}")
        total, count = total + time, count + others["jobs"]
    found.append(f"{'together':26} {count:5,} {'':>9} {total / 3600:11.2f}")
    found.append(f"on {cores} cores about {_duration(max(total / cores, longest))}")
    return found


def seconds(job: Job, costs: Mapping[str, Any]) -> float:
    """Return how long a job works on one core, without its start."""
    own = costs["rules"][job.rule]["seconds"]
    return own["each"] + sum(own.get(kind, 0.0) * amount for kind, amount in job.work.items())


def memory(job: Job, costs: Mapping[str, Any]) -> float:
    """Return how many bytes a job needs."""
    own = costs["rules"][job.rule]["bytes"]
    return job.images + own["each"] + own["matrices"] * job.matrices


def expected_steps(run: Run, images: int, *, costs: Mapping[str, Any]) -> float:
    """Return about how many steps a run will train on ``images`` images."""
    law = costs["steps"]
    cap = _most_steps(run, images)
    if run.stop_loss == 0:
        return cap
    if run.learning_rate / run.batch_size > law["edge"]:
        return cap * law["share_beyond_edge"]
    wanted = exp(sum(law[kind] * value for kind, value in _step_features(run, images).items()))
    return min(cap, max(wanted, images // run.batch_size))


def training_job(chunk: grids.Chunk, entry: Mapping[str, Any], steps: Steps) -> Job:
    """The job that trains a chunk."""
    work = {"steps": 0.0, "updates": 0.0, "evaluations": 0.0}
    for run in chunk.runs:
        count = steps(run, _images_of(run, entry))
        work["steps"] = max(work["steps"], count)
        work["updates"] += count * run.batch_size * _weights(run, entry)
        if run.stop_on == "training_set":
            work["evaluations"] += count * run.batch_size * _weights(run, entry)
    return _job("train_ensemble", work, entry, networks=len(chunk.runs))


def window_jobs(study: Mapping[str, Any], chunk: grids.Chunk, entry: Mapping[str, Any], steps: Steps) -> dict[str, Job]:
    """The jobs that measure a chunk of feng2021, by rule."""
    settings = study["feng2021"]
    work = {
        "measure_fluctuations": [_window_work(run, settings, entry) for run in chunk.runs],
        "measure_flatness": [_landscape_work(run, settings, entry) for run in chunk.runs],
        "measure_noise": [_noise_work(run, settings, entry, steps) for run in chunk.runs],
    }
    studied = _studied_weights(chunk.runs[0], settings["layer"], entry)
    return {rule: _job(rule, _summed(parts), entry, studied) for rule, parts in work.items()}


def generalization_job(chunk: grids.Chunk, entry: Mapping[str, Any]) -> Job:
    """The job that measures a chunk for figure 4 of yang2023."""
    amount = sum(_images_of(run, entry) * _weights(run, entry) for run in chunk.runs)
    return _job("measure_generalization", {"evaluations": amount}, entry)


def duality_job(study: Mapping[str, Any], chunk: grids.Chunk, entry: Mapping[str, Any]) -> Job:
    """The job that measures a chunk of the sweeps of feng2023."""
    settings = study["feng2023"]
    points = len(settings["equal_losses"]) + len(settings["equal_epochs"])
    studied = _studied_weights(chunk.runs[0], settings["layer"], entry)
    hessians = sum(points * _images_of(run, entry) * studied**2 / 4 for run in chunk.runs)
    return _job("measure_duality", {"hessians": hessians, "eigen": len(chunk.runs) * points * studied**3}, entry, studied)


def chunk_job(rule: str, study: Mapping[str, Any], chunk: grids.Chunk, entry: Mapping[str, Any], steps: Steps) -> Job:
    """The job of a rule that measures a chunk."""
    if rule == "measure_generalization":
        return generalization_job(chunk, entry)
    if rule == "measure_duality":
        return duality_job(study, chunk, entry)
    return window_jobs(study, chunk, entry, steps)[rule]


def sweep_jobs(study: Mapping[str, Any], entry: Mapping[str, Any]) -> list[Job]:
    """The jobs that measure all sweeps of feng2023 at once."""
    settings, runs = study["feng2023"], studies.runs_of(study, "feng2023")
    studied = _studied_weights(runs[0], settings["layer"], entry)
    seeds, dropped = len(settings["seeds"]), sum(run.dropout > 0 for run in runs)
    decomposed = {
        "measure_pairs": seeds,
        "measure_dropout": dropped,
        "rescale_networks": seeds * len(settings["rescaling_factors"]),
    }
    return [_job(rule, {"eigen": count * studied**3}, entry, studied) for rule, count in decomposed.items()]


def toy_jobs(study: Mapping[str, Any], entry: Mapping[str, Any]) -> list[Job]:
    """The jobs of the toy model that take long."""
    toy, seeds = study["yang2023"]["toy"], len(study["yang2023"]["seeds"])
    work = {
        "simulate_langevin": {"walks": seeds * len(toy["kappas"]) * _langevin_steps(toy)},
        "simulate_phase_diagram": {"walks": seeds * _phase_steps(toy)},
        "simulate_shaken_descent": {"walks": seeds * _arrival_steps(toy)},
        "solve_fokker_planck": {
            "cells": len(toy["kappas"])
            * (len(toy["noise_strengths"]) + len(toy["grid_noise_strengths"]))
            * toy["grid_cells"][0]
            * toy["grid_cells"][1]
        },
    }
    return [_job(rule, amounts, entry) for rule, amounts in work.items()]


def fitted_costs(measured: Iterable[tuple[Job, float, float]]) -> dict[str, Any]:
    """Fit how long each kind of work takes, and how much memory each job needs, to jobs that were run.

    Args:
        measured: Jobs, each with its seconds and its bytes.

    Returns:
        By rule "seconds" and "bytes", each with what every job takes ("each") and by kind of work; none is negative.
    """
    by_rule: dict[str, list[tuple[Job, float, float]]] = {}
    for entry in measured:
        by_rule.setdefault(entry[0].rule, []).append(entry)
    return {
        rule: {
            "seconds": _non_negative_fit([job.work for job, _, _ in found], [time for _, time, _ in found]),
            "bytes": _non_negative_fit(
                [{"matrices": job.matrices} for job, _, _ in found], [max(1.0, size - job.images) for job, _, size in found]
            ),
        }
        for rule, found in sorted(by_rule.items())
    }


def fitted_steps(results: Sequence[tuple["Result", int]]) -> dict[str, float]:
    """Fit the law of the steps to the stop to trained runs, each with its number of images.

    Returns:
        The logarithm's constant and powers, by the names of `_step_features`; "edge", the largest learning rate over batch size
        at which most runs converge; and "share_beyond_edge", what share of the most steps allowed the runs beyond train.
    """
    stopping = [(result, images) for result, images in results if result.run.stop_loss > 0]
    converged = [(result, images) for result, images in stopping if result.status == "converged"]
    features = [_step_features(result.run, images) for result, images in converged]
    matrix = np.array([list(row.values()) for row in features])
    powers = np.linalg.lstsq(matrix, np.log([result.steps for result, _ in converged]), rcond=None)[0]
    edge = _edge([(result.run.learning_rate / result.run.batch_size, result.status == "converged") for result, _ in stopping])
    beyond = [
        result.steps / _most_steps(result.run, images)
        for result, images in stopping
        if result.run.learning_rate / result.run.batch_size > edge
    ]
    law = {name: float(power) for name, power in zip(features[0], powers, strict=True)}
    return {**law, "edge": edge, "share_beyond_edge": float(np.mean(beyond)) if beyond else 1.0}


def _most_steps(run: Run, images: int) -> float:
    """The steps after which a run is given up."""
    return min(run.max_epochs * (images // run.batch_size), run.max_steps or float("inf"))


def _step_features(run: Run, images: int) -> dict[str, float]:
    """What decides the number of steps to the stop, as terms of its logarithm."""
    return {
        "constant": 1.0,
        "learning_rate": log(run.learning_rate),
        "batch_size": log(run.batch_size),
        "stop_loss": log(run.stop_loss),
        "images": log(images),
        "dropout": run.dropout,
        "label_noise": run.label_noise,
        "weight_decay": float(run.weight_decay > 0),
    }


def _edge(outcomes: Sequence[tuple[float, bool]]) -> float:
    """The largest noise at which at least half of the runs converge, 0 if there is none; where it is weak, some run out of time."""
    levels: dict[float, list[bool]] = {}
    for noise, converged in outcomes:
        levels.setdefault(noise, []).append(converged)
    return max((noise for noise, there in levels.items() if sum(there) >= len(there) / 2), default=0.0)


def _non_negative_fit(amounts: Sequence[Mapping[str, float]], values: Sequence[float]) -> dict[str, float]:
    """Coefficients of "each" (a constant) and of every kind by which their sum comes closest to the values, relative to these."""
    kinds = ["each", *amounts[0]]
    rows = np.array([[1.0, *(amount[kind] for kind in kinds[1:])] for amount in amounts])
    scale = np.array(values)[:, None]
    columns = rows / scale
    size = np.maximum(np.abs(columns).max(0), 1e-300)
    found, _ = scipy.optimize.nnls(columns / size, np.ones(len(values)))
    return {kind: float(value) for kind, value in zip(kinds, found / size, strict=True)}


def _window_work(run: Run, settings: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, float]:
    """What the windows of a run of feng2021 take: its steps, those of the walks beside it, and their principal components."""
    lengths, walks = [settings["window_epochs"]], 1
    if _is_reference(run, settings):
        lengths += [*settings["longer_window_epochs"], *[1] * len(settings["early_epochs"])]
        walks = 3
    studied = _studied_weights(run, settings["layer"], entry)
    steps = [epochs * _epoch_steps(run, entry) for epochs in lengths]
    return {
        "updates": sum(3 * length * run.batch_size * _weights(run, entry) for length in steps),
        "moments": sum(2 * (1 + walks) * length * min(length, studied) * studied for length in steps),
        "eigen": sum((2 + walks) * min(length, studied) ** 3 for length in steps),
    }


def _landscape_work(run: Run, settings: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, float]:
    """What the flatness around a run of feng2021 takes, and at the reference setting the slices: evaluations of the loss."""
    bases, drawn = 3, 0
    if _is_reference(run, settings):
        bases = 4
        drawn = 2 * (settings["slice_directions"] + settings["slice_random_directions"]) * settings["slice_points"]
    evaluations = 2 * EVALUATIONS_PER_EDGE * settings["directions"] * bases + drawn
    return {"evaluations": evaluations * _images_of(run, entry) * _weights_above(run, settings["layer"], entry)}


def _noise_work(run: Run, settings: Mapping[str, Any], entry: Mapping[str, Any], steps: Steps) -> dict[str, float]:
    """What the noise of a run of feng2021 takes, at every checkpoint."""
    images, epoch_steps = _images_of(run, entry), _epoch_steps(run, entry)
    epochs = max(1, round(steps(run, images) / epoch_steps))
    kept = len(log_spaced_steps(settings["checkpoints_per_decade"], epoch_steps, epochs))
    return {"evaluations": kept * images * _weights(run, entry)}


def _summed(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Amounts of work of several networks, by kind."""
    return {kind: sum(part[kind] for part in parts) for kind in parts[0]}


def _is_reference(run: Run, settings: Mapping[str, Any]) -> bool:
    return all(getattr(run, key) == value for key, value in settings["reference"].items())


def _epoch_steps(run: Run, entry: Mapping[str, Any]) -> int:
    return _images_of(run, entry) // run.batch_size


def _duration(time: float) -> str:
    return f"{time:.0f} s" if time < 120 else f"{time / 60:.0f} min" if time < 7200 else f"{time / 3600:.1f} h"


def _job(rule: str, work: Mapping[str, float], entry: Mapping[str, Any], studied: int = 0, networks: int = 0) -> Job:
    # As they are stored, in float32, and where they are measured in float64, once whole and once as chosen.
    each = 0 if rule.startswith(("simulate", "solve")) else 1 + 4 if rule == "train_ensemble" else 1 + 4 + 2 * 8
    images = float(each * entry["training_images"] * _pixels(entry))
    return Job(rule, networks, {kind: amount / GIGA for kind, amount in work.items()}, images, float(8 * studied**2))


def _needed(complete: Mapping[str, Any], name: str, sections: Collection[str]) -> list[tuple[Mapping[str, Any], str]]:
    """Each study and section whose networks are trained."""
    beside = complete[name]["feng2021"]["compared_studies"] if "feng2021" in sections else []
    return [(complete[name], section) for section in sections] + [(complete[other], "feng2021") for other in beside]


def _pixels(entry: Mapping[str, Any]) -> int:
    rows, columns = entry["image_shape"]
    return rows * columns


def _images_of(run: Run, entry: Mapping[str, Any]) -> int:
    if run.images_per_class is None:
        return entry["training_images"]
    return round(run.images_per_class / (1 - run.label_noise)) * entry["classes"]


def _widths(run: Run, entry: Mapping[str, Any]) -> list[int]:
    return [_pixels(entry), *run.hidden_widths, entry["classes"]]


def _weights(run: Run, entry: Mapping[str, Any]) -> int:
    widths = _widths(run, entry)
    return sum(below * above for below, above in pairwise(widths))


def _studied_weights(run: Run, layer: int, entry: Mapping[str, Any]) -> int:
    widths = _widths(run, entry)
    return widths[layer] * widths[layer + 1]


def _weights_above(run: Run, layer: int, entry: Mapping[str, Any]) -> int:
    """Weights above a layer, and its units: the work of the loss at one image where only that layer's output moves."""
    widths = _widths(run, entry)[layer + 1 :]
    return widths[0] + sum(below * above for below, above in pairwise(widths))


def _langevin_steps(toy: Mapping[str, Any]) -> float:
    """Steps of all walkers of one seed and one kappa."""
    half_width, strengths = toy["landscapes"]["half_width"], toy["noise_strengths"]
    walkers = [toy["walkers"], *[toy["further_walkers"]] * (len(strengths) - 1)]
    times = [(toy["relaxation"] + toy["sampling"]) * half_width**2 / strength for strength in strengths]
    return sum(number * time / toy["time_step"] for number, time in zip(walkers, times, strict=True))


def _phase_steps(toy: Mapping[str, Any]) -> float:
    """Steps of all walkers of one seed, if none diverged: from two places, and up to 16 times the horizon on a coarser diagram."""
    points = 2 * toy["phase_points"] ** 2 + 16 * toy["long_phase_points"] ** 2
    return points * toy["phase_walkers"] * toy["phase_steps"]


def _arrival_steps(toy: Mapping[str, Any]) -> float:
    """Steps of all walkers of one seed, if each took the whole horizon."""
    shifts = len(toy["arrival_shifts"]) + len(toy["thermal_shifts"])
    drifts = len(toy["drift_learning_rates"]) * len(toy["drift_places"])
    return shifts * toy["arrival_walkers"] * toy["arrival_horizon"] + drifts * toy["drift_walkers"] * toy["drift_steps"]
