"""Named tensors on disk: safetensors files with a JSON metadata entry, written whole or not at all, readable without unpickling.

The format's own library refuses tensors that overlap, leave a hole or reach beyond the file, and types that it does not know. It is
asked only once the header is found to be of a likely size and to say everything once.
"""

import json
import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors

from sgdphysics.errors import RecordError, one_line
from sgdphysics.files import write_atomically

_LENGTH_BYTES = 8  # of the header's length, little-endian, at the beginning of a file
_MOST_HEADER_BYTES = 32 << 20  # those of a study take some 100 kB

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


def load_metadata(path: Path, *keys: str) -> Any:
    """Read only the metadata of a file written by `save_tensors`; raises `RecordError` as `load_tensors`, or if a key lacks."""
    with _opened(path) as file:
        metadata = _metadata(file)
    missing = [key for key in keys if not isinstance(metadata, dict) or key not in metadata]
    if missing:
        raise RecordError(f"{path}: found no {', '.join(missing)} in its metadata, expected {', '.join(keys)}")
    return metadata


@contextmanager
def _opened(path: Path) -> Generator[Any]:
    try:
        _check_header(path)
        with safetensors.safe_open(path, framework="pt") as file:
            yield file
    except (OSError, safetensors.SafetensorError, TypeError, KeyError, ValueError, RecursionError) as error:
        fault = one_line(error).encode("unicode_escape").decode()
        raise RecordError(f"{path}: not a readable tensor file of this project ({fault})") from None


def _check_header(path: Path) -> None:
    """Raise `ValueError` or `RecursionError` if the header is too long or cannot be read, or says something twice."""
    with Path(path).open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if length > _MOST_HEADER_BYTES:
            raise ValueError(f"found a header of {length:,} bytes, expected {_MOST_HEADER_BYTES:,} at most")
        json.loads(file.read(length), object_pairs_hook=_said_once)


def _said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"found {repeated!r} twice in the header, expected it once")
    return content


def _metadata(file: Any) -> Any:
    return json.loads(file.metadata()["metadata"])
