"""The chunks of runs that were trained before, as the records of their jobs have them.

How runs are cut into chunks depends on them, and the processes of jobs must cut as the process did that planned them: in between,
files and records come and go. So the first process writes down what it found, and the others read that.
"""

import atexit
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.files import write_atomically
from sgdphysics.provenance import job_records
from sgdphysics.runs import Run, settings_of
from sgdphysics.study import grids

VARIABLE = "SGDPHYSICS_TRAINED_CHUNKS"


def trained_chunks(folder: Path) -> list[grids.Chunk]:
    """Return the chunks that were trained into a folder, as ``<ensemble>/<chunk>.safetensors`` with the job's record beside.

    A record that cannot be read, is of runs that this version does not know, or tells of another chunk than its name, is passed
    over: its runs are then trained again.
    """
    return list(_chunks_in(Path(folder)))


def agreed_chunks(folder: Path, notes: Path, *, planning: bool) -> list[grids.Chunk]:
    """Return the trained chunks that the process that plans found, in that process and in those of its jobs.

    Args:
        folder: As for `trained_chunks`.
        notes: Folder for what the process that plans writes down, until it ends.
        planning: Whether this is that process. Others are told of the file by an environment variable; where they are not, or it is
            gone, they look for themselves.

    Raises:
        InputError: If what was written down cannot be read.
    """
    if planning:
        path = notes / f"{os.getpid()}-{time.time_ns()}.json"
        chunks = trained_chunks(folder)
        write_atomically(path, lambda temporary: temporary.write_text(_as_text(chunks), encoding="utf-8"))
        atexit.register(path.unlink, missing_ok=True)
        os.environ[VARIABLE] = str(path)
        return chunks
    path = Path(os.environ.get(VARIABLE, ""))
    return _from_text(path) if path.is_file() else trained_chunks(folder)


def _as_text(chunks: Iterable[grids.Chunk]) -> str:
    content = [
        {"dataset": chunk.dataset, "checkpoints": chunk.checkpoints, "runs": [settings_of(run) for run in chunk.runs]}
        for chunk in chunks
    ]
    return json.dumps(content)


def _from_text(path: Path) -> list[grids.Chunk]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [grids.chunk_of([Run(**run) for run in entry["runs"]], entry["dataset"], entry["checkpoints"]) for entry in content]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path}: what the process that plans found trained cannot be read ({error})") from None


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
