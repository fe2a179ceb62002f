"""Trained runs on disk: weights and checkpoints as tensors, settings and histories as metadata."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from torch import Tensor

from sgdphysics.errors import RecordError, one_line
from sgdphysics.networks import Mlp
from sgdphysics.runs import ALWAYS_NAMED, Run, settings_of
from sgdphysics.tensors import load_tensors, save_tensors
from sgdphysics.training import Result

_SETTINGS = {field.name for field in fields(Run)}
_OUTCOME = {field.name for field in fields(Result)} - {"run", "network", "checkpoints"}


def save_results(path: Path, results: Sequence[Result], names: Sequence[str], dataset: str) -> None:
    """Write the results of one ensemble under their run names, with the name of the data set."""
    tensors, metadata = {}, []
    for name, result in zip(names, results, strict=True):
        points = {"final": result.network, **result.checkpoints}
        tensors |= {f"{name}/{step}/{layer}": w for step, mlp in points.items() for layer, w in enumerate(mlp.weights)}
        outcome = {key: getattr(result, key) for key in _OUTCOME}
        metadata.append({"name": name, "run": settings_of(result.run), "checkpoint_steps": sorted(result.checkpoints), **outcome})
    save_tensors(path, tensors, {"dataset": dataset, "results": metadata})


def load_results(path: Path) -> dict[str, Result]:
    """Read what `save_results` wrote, of this version or a later one: results by run name, in the order saved.

    What a later version has to say of a result besides is passed over. A setting of a run that this version does not know is not:
    it was written because it is not at its default, so the run was trained in a way that is unknown here.

    Raises:
        RecordError: If the file is not readable, holds something else than results, or a run has unknown settings or lacks some.
    """
    tensors, metadata = load_tensors(path)
    try:
        return {entry["name"]: _result(entry, tensors) for entry in metadata["results"]}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"{path}: not trained runs as this version knows them ({one_line(error)})") from None


def _result(entry: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Result:
    """The result that an entry of the metadata describes."""
    name, steps = entry["name"], entry["checkpoint_steps"]
    run = _run(name, entry["run"])
    layers = range(len(run.hidden_widths) + 1)
    network, *checkpoints = (Mlp(tuple(tensors[f"{name}/{step}/{layer}"] for layer in layers)) for step in ("final", *steps))
    outcome = {key: entry[key] for key in _OUTCOME & set(entry)}
    return Result(run, network=network, checkpoints=dict(zip(steps, checkpoints, strict=True)), **outcome)


def _run(name: str, settings: Mapping[str, Any]) -> Run:
    unknown, missing = sorted(set(settings) - _SETTINGS), sorted(set(ALWAYS_NAMED) - set(settings))
    if unknown or missing:
        raise ValueError(f"{name}: found other settings than expected: unknown {unknown}, missing {missing}")
    return Run(**settings)
