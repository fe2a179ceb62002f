"""Named tensors on disk: safetensors files with a JSON metadata entry, written whole or not at all, readable without unpickling."""

import json
import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors

from sgdphysics.errors import RecordError
from sgdphysics.files import write_atomically

if TYPE_CHECKING:  # torch takes seconds to load, and metadata do without it
    from torch import Tensor


def save_tensors(path: Path, tensors: Mapping[str, "Tensor"], metadata: Any) -> None:
    """Write named tensors and one JSON-serialisable ``metadata`` value to a safetensors file; same input, same bytes."""
    contiguous = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in sorted(tensors.items())}
    header = {"metadata": json.dumps(metadata, sort_keys=True)}
    write_atomically(path, lambda temporary: _save_file(contiguous, temporary, header))


def _save_file(tensors: dict[str, "Tensor"], path: Path, header: dict[str, str]) -> None:
    import safetensors.torch  # takes seconds to load

    try:
        safetensors.torch.save_file(tensors, path, header)
    except safetensors.SafetensorError as error:
        # It hides a full disk in an error of its own, with the number of the system's error at the end.
        number = re.search(r"\(os error ([0-9]+)\)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


def load_tensors(path: Path) -> tuple[dict[str, "Tensor"], Any]:
    """Read what `save_tensors` wrote.

    Raises:
        RecordError: If the file is missing, truncated, or not written by `save_tensors`.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, _metadata(file)  # noqa: SIM118 (not a mapping)


def load_metadata(path: Path) -> Any:
    """Read only the metadata of a file written by `save_tensors`; raises `RecordError` as `load_tensors` does."""
    with _opened(path) as file:
        return _metadata(file)


@contextmanager
def _opened(path: Path) -> Generator[Any]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            yield file
    except (OSError, safetensors.SafetensorError, TypeError, KeyError, json.JSONDecodeError) as error:
        raise RecordError(f"{path}: not a readable tensor file of this project ({error})") from None


def _metadata(file: Any) -> Any:
    return json.loads(file.metadata()["metadata"])
