"""From a study's settings to its runs, and from runs to the ensembles that are trained together.

A run is one network with its settings and seed. An ensemble is every run that can be stepped together; it is cut into chunks, each
trained by one job. Ensembles and chunks are named by their contents, so two studies that need the same chunk share it and no two
chunks share a name. Chunks that were trained before stay as they are: only runs that none of them holds are cut into new ones, by
blocks of seeds. So one more learning rate or seed, wherever in a list, trains what is new and nothing again; the bytes of a run do
not depend on its chunk.
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
    runs = []
    for values in product(*grid.values()):
        for seed in seeds:
            changes: dict[str, Any] = {**dict(zip(grid, values, strict=True)), "seed": seed}
            runs.append(Run(**{**settings, **changes}))
    return runs


def chunks_of(
    runs: Iterable[Run],
    dataset: str,
    seeds_per_chunk: int,
    checkpoints: Mapping[str, Any],
    trained: Iterable[Chunk] = (),
) -> list[Chunk]:
    """Group runs into ensembles and chunks, in a fixed order; equal runs count once.

    Args:
        runs: The runs that are needed.
        dataset: Name of the data set.
        seeds_per_chunk: Length of a block of seeds.
        checkpoints: Which weights are kept.
        trained: Chunks that were trained before, of whatever ensembles. One all of whose runs are needed is taken as it is; of
            chunks that share runs, those that together hold more.
    """
    ensembles: dict[str, set[Run]] = {}
    for run in runs:
        ensembles.setdefault(_ensemble_of(run, dataset, checkpoints), set()).add(run)
    chunks = []
    for ensemble, members in sorted(ensembles.items()):
        reused = _reusable_chunks(trained, ensemble, members)
        new_runs = members.difference(*(chunk.runs for chunk in reused))
        chunks += reused + _blocks(new_runs, dataset, ensemble, seeds_per_chunk, checkpoints)
    return chunks


def chunk_of(runs: Iterable[Run], dataset: str, checkpoints: Mapping[str, Any]) -> Chunk:
    """Return the chunk of these runs, which can be stepped together, in a fixed order and under its name."""
    members = tuple(sorted(set(runs), key=settings_text))
    ensemble = _ensemble_of(members[0], dataset, checkpoints)
    return Chunk(dataset, ensemble, digest([run_id(run, dataset) for run in members]), members, checkpoints)


def _ensemble_of(run: Run, dataset: str, checkpoints: Mapping[str, Any]) -> str:
    return digest([dataset, checkpoints, *stack_key(run)])


def _reusable_chunks(trained: Iterable[Chunk], ensemble: str, members: set[Run]) -> list[Chunk]:
    """Of the trained chunks of an ensemble those that hold none but its members, no two of which share a run.

    Where chunks overlap, since studies cut otherwise, the larger ones are taken, or the smaller ones, whichever hold more runs.
    """
    candidates = [chunk for chunk in trained if chunk.ensemble == ensemble and members.issuperset(chunk.runs)]
    by_size = sorted(candidates, key=lambda chunk: (-len(chunk.runs), chunk.name))
    return max(_disjoint(by_size), _disjoint(by_size[::-1]), key=lambda chunks: sum(len(chunk.runs) for chunk in chunks))


def _disjoint(candidates: Iterable[Chunk]) -> list[Chunk]:
    """The candidates, each but for those that share a run with one before."""
    chunks: list[Chunk] = []
    runs: set[Run] = set()
    for chunk in candidates:
        if runs.isdisjoint(chunk.runs):
            chunks.append(chunk)
            runs.update(chunk.runs)
    return chunks


def _blocks(runs: Iterable[Run], dataset: str, ensemble: str, seeds_per_chunk: int, checkpoints: Mapping[str, Any]) -> list[Chunk]:
    """Runs of one ensemble in chunks by blocks of seeds."""

    def block_of(run: Run) -> int:
        return run.seed // seeds_per_chunk

    in_order = sorted(runs, key=block_of)
    return [chunk_of(members, dataset, checkpoints) for _, members in groupby(in_order, key=block_of)]


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
