"""How long jobs take and how much memory they need: the fit of costs to finished studies, and their use.

The time of a job is a sum over kinds of work, such as weight updates or eigen decompositions: how much of each follows from the
settings (`plans`), how long each takes was fitted to the records of finished studies (`fitted_costs`). How many steps a network
trains is known only afterwards; it is estimated by a power law in what decides it, and capped as the settings cap it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING, Any

import numpy as np

from sgdphysics.runs import Run

if TYPE_CHECKING:  # torch takes seconds to load
    from sgdphysics.training import Result


@dataclass(frozen=True)
class Job:
    """One job of a study.

    Attributes:
        rule: Name of the rule that makes it.
        networks: Networks that it trains.
        work: How much of each kind of work it does, in thousands of millions, by kind.
        images: Bytes of the images that it holds.
        matrices: Bytes of one matrix of all weights of the studied layer with each other, or, for a layer too wide for that, with
            the steps or directions that are kept; 0 where it needs none.
    """

    rule: str
    networks: int
    work: Mapping[str, float]
    images: float
    matrices: float


def seconds(job: Job, costs: Mapping[str, Any]) -> float:
    """Return how long a job works on one core, without its start."""
    cost = costs["rules"][job.rule]["seconds"]
    return cost["each"] + sum(cost.get(kind, 0.0) * amount for kind, amount in job.work.items())


def memory(job: Job, costs: Mapping[str, Any]) -> float:
    """Return how many bytes a job needs."""
    cost = costs["rules"][job.rule]["bytes"]
    return job.images + cost["each"] + cost["matrices"] * job.matrices


def expected_steps(run: Run, images: int, *, costs: Mapping[str, Any]) -> float:
    """Return about how many steps a run will train on ``images`` images."""
    law = costs["steps"]
    budget = _step_budget(run, images)
    if run.stop_loss == 0:
        return budget
    if run.learning_rate / run.batch_size > law["edge"]:  # its loss no longer falls
        return budget * law["share_beyond_edge"]
    steps = exp(sum(law[kind] * value for kind, value in _step_features(run, images).items()))
    return min(budget * run.budget_extension, max(steps, images // run.batch_size))


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
            "seconds": _non_negative_fit([job.work for job, _, _ in members], [time for _, time, _ in members]),
            "bytes": _non_negative_fit(
                [{"matrices": job.matrices} for job, _, _ in members], [max(1.0, size - job.images) for job, _, size in members]
            ),
        }
        for rule, members in sorted(by_rule.items())
    }


def fitted_steps(results: Sequence[tuple["Result", int]]) -> dict[str, float]:
    """Fit the law of the steps to the stop to trained runs, each with its number of images.

    Returns:
        The logarithm's constant and powers, by the names of `_step_features`; "edge", the largest learning rate over batch size
        at which most runs converge; and "share_beyond_edge", what share of the most steps allowed the runs beyond train.
    """
    candidates = [(result, images) for result, images in results if result.run.stop_loss > 0]
    converged = [(result, images) for result, images in candidates if result.status == "converged"]
    features = [_step_features(result.run, images) for result, images in converged]
    matrix = np.array([list(row.values()) for row in features])
    powers = np.linalg.lstsq(matrix, np.log([result.steps for result, _ in converged]), rcond=None)[0]
    edge = _edge([(result.run.learning_rate / result.run.batch_size, result.status == "converged") for result, _ in candidates])
    beyond = [
        result.steps / _step_budget(result.run, images)
        for result, images in candidates
        if result.run.learning_rate / result.run.batch_size > edge
    ]
    law = {name: float(power) for name, power in zip(features[0], powers, strict=True)}
    return {**law, "edge": edge, "share_beyond_edge": float(np.mean(beyond)) if beyond else 1.0}


def _step_budget(run: Run, images: int) -> float:
    """The steps after which a run is given up, unless its loss still falls."""
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
    return max((noise for noise, results in levels.items() if sum(results) >= len(results) / 2), default=0.0)


def _non_negative_fit(amounts: Sequence[Mapping[str, float]], values: Sequence[float]) -> dict[str, float]:
    """Coefficients of "each" (a constant) and of every kind by which their sum comes closest to the values, relative to these."""
    from scipy.optimize import nnls  # takes long to load, and only a fit needs it

    kinds = ["each", *amounts[0]]
    rows = np.array([[1.0, *(amount[kind] for kind in kinds[1:])] for amount in amounts])
    scale = np.array(values)[:, None]
    columns = rows / scale
    size = np.maximum(np.abs(columns).max(0), 1e-300)
    coefficients, _ = nnls(columns / size, np.ones(len(values)))
    return {kind: float(value) for kind, value in zip(kinds, coefficients / size, strict=True)}
