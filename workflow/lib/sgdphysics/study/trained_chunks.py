"""The chunks of runs that were trained before, as the records of their jobs have them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.provenance import job_records
from sgdphysics.runs import Run
from sgdphysics.study import grids


def trained_chunks(folder: Path) -> list[grids.Chunk]:
    """Return the chunks that were trained into a folder, as ``<ensemble>/<chunk>.safetensors`` with the job's record beside.

    A record that cannot be read, is of runs that this version does not know, or tells of another chunk than its name, is passed
    over: its runs are then trained again.
    """
    return list(_chunks_in(Path(folder)))


def _chunks_in(folder: Path) -> Iterator[grids.Chunk]:
    for record in sorted(folder.glob(f"*/*{job_records.SUFFIX}")):
        networks = record.with_name(record.name.replace(job_records.SUFFIX, ".safetensors"))
        try:
            chunk = _chunk_of(job_records.load(record)["params"])
        except (InputError, LookupError, TypeError, ValueError):
            continue
        if networks.is_file() and networks == folder / chunk.ensemble / f"{chunk.name}.safetensors":
            yield chunk


def _chunk_of(settings: Mapping[str, Any]) -> grids.Chunk:
    """The chunk of a training job's settings."""
    checkpoints = {
        "per_decade": settings["checkpoints_per_decade"],
        "losses": settings["checkpoint_losses"],
        "epochs": settings["checkpoint_epochs"],
    }
    return grids.chunk_of([Run(**run) for run in settings["runs"]], settings["dataset"], checkpoints)
