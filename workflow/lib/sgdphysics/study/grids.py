"""From a study's settings to its runs, and from runs to the ensembles that are trained together.

A run is one network with its settings and seed. An ensemble is every run that can be stepped together; it is cut into chunks by
blocks of seeds, so that a further seed trains only its own block. Ensembles and chunks are named by their contents, so two
studies that need the same chunk share it and no two chunks share a name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from typing import Any

from sgdphysics.runs import Run, digest, run_id, settings_text, stack_key


@dataclass(frozen=True)
class Chunk:
    """Runs that one job trains: paths hold ``ensemble`` and ``name``; ``checkpoints`` says which weights are kept."""

    dataset: str
    ensemble: str
    name: str
    runs: tuple[Run, ...]
    checkpoints: Mapping[str, Any]


def runs_of_grid(settings: Mapping[str, Any], grid: Mapping[str, Sequence[Any]], seeds: Iterable[int]) -> list[Run]:
    """Return one run for every combination of the grid's values and every seed; the grid's values replace the settings'."""
    return [
        Run(**{**settings, **dict(zip(grid, values, strict=True)), "seed": seed})
        for values in product(*grid.values())
        for seed in seeds
    ]


def chunks_of(runs: Iterable[Run], dataset: str, seeds_per_chunk: int, checkpoints: Mapping[str, Any]) -> list[Chunk]:
    """Group runs into ensembles and blocks of seeds, in a fixed order; equal runs count once."""

    def ensemble_key(run: Run) -> str:
        return digest([dataset, checkpoints, *stack_key(run)])

    def block_key(run: Run) -> tuple[str, int]:
        return ensemble_key(run), run.seed // seeds_per_chunk

    unique = sorted(set(runs), key=lambda run: (*block_key(run), settings_text(run)))
    chunks = []
    for (ensemble, _), members in groupby(unique, key=block_key):
        members = tuple(members)
        name = digest([run_id(run, dataset) for run in members])
        chunks.append(Chunk(dataset, ensemble, name, members, checkpoints))
    return chunks


def shared_by(needed: Mapping[str, Iterable[Run]]) -> dict[frozenset[str], list[Run]]:
    """Group runs by who needs them: for runs needed by name, the runs that exactly these names need, each run once."""
    users: dict[Run, set[str]] = {}
    for name, runs in needed.items():
        for run in runs:
            users.setdefault(run, set()).add(name)
    groups: dict[frozenset[str], list[Run]] = {}
    for run, names in users.items():
        groups.setdefault(frozenset(names), []).append(run)
    return groups
