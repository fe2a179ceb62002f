"""Trained runs on disk: weights and checkpoints as tensors, settings and histories as metadata."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sgdphysics.networks import Mlp
from sgdphysics.tensors import load_tensors, save_tensors
from sgdphysics.training import Result, Run


def save_results(path: Path, results: Sequence[Result], names: Sequence[str], dataset: str) -> None:
    """Write the results of one ensemble under their run names, with the name of the data set."""
    tensors, metadata = {}, []
    for name, result in zip(names, results, strict=True):
        points = {"final": result.network, **result.checkpoints}
        tensors |= {f"{name}/{step}/{layer}": w for step, mlp in points.items() for layer, w in enumerate(mlp.weights)}
        entry = {key: value for key, value in vars(result).items() if key not in ("run", "network", "checkpoints")}
        metadata.append({"name": name, "run": asdict(result.run), "checkpoint_steps": sorted(result.checkpoints), **entry})
    save_tensors(path, tensors, {"dataset": dataset, "results": metadata})


def load_results(path: Path) -> dict[str, Result]:
    """Read what `save_results` wrote: results by run name, in the order saved.

    Raises:
        RecordError: If the file is not readable.
    """
    tensors, metadata = load_tensors(path)
    results = {}
    for entry in metadata["results"]:
        name, steps = entry.pop("name"), entry.pop("checkpoint_steps")
        run = Run(**entry.pop("run"))
        layers = range(len(run.hidden_widths) + 1)
        network, *checkpoints = (Mlp(tuple(tensors[f"{name}/{step}/{layer}"] for layer in layers)) for step in ("final", *steps))
        results[name] = Result(run, network=network, checkpoints=dict(zip(steps, checkpoints, strict=True)), **entry)
    return results
