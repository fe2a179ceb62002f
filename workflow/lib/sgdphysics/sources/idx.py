"""IDX files, the format of MNIST: four files in a folder, compressed or not."""

import gzip
import hashlib
import io
import math
import struct
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sgdphysics.errors import one_line
from sgdphysics.labelled_images import DatasetError, check_arrays, pixels
from sgdphysics.sources.source import Source

# The names of the files of the four arrays in the IDX format, which are those of MNIST.
IDX_FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}

_UNSIGNED_BYTES = 0x08  # third byte of an IDX magic number; the fourth is the number of dimensions
_PIECE_BYTES = 1 << 20


def read(directory: Path, entry: Mapping[str, Any]) -> Source:
    """Return what the four files of a folder hold; see `read_idx`. Of the entry, ``classes`` is looked at."""
    return read_idx(directory, entry["classes"])


def read_idx(directory: Path, classes: int) -> Source:
    """Read the four IDX files of a folder, each as it is or compressed (``.gz``).

    Args:
        directory: Holds the files of `IDX_FILES`; a file as it is comes before a compressed one.
        classes: Number of classes; labels must be 0 to ``classes`` - 1.

    Raises:
        DatasetError: If the folder or a file is missing, a file is damaged or of another kind, the files do not fit together,
            or a label is out of range.
    """
    arrays, sha256 = {}, {}
    for name, file in IDX_FILES.items():
        arrays[name], sha256[file] = _read_idx_file(find_idx(directory, file), 3 if name.endswith("images") else 1)
    check_arrays(arrays, classes, 255, str(directory), IDX_FILES)
    return Source(arrays, 255, "IDX files", sha256)


def find_idx(directory: Path, file: str) -> Path:
    """Return the path of an IDX file in a folder: as it is, else compressed.

    Raises:
        DatasetError: If the folder is missing or has neither.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise DatasetError(f"{directory}: found no such folder, expected one with {', '.join(IDX_FILES.values())} (or .gz)")
    for path in (directory / file, directory / f"{file}.gz"):
        if path.is_file():
            return path
    raise DatasetError(f"{directory}: found neither {file} nor {file}.gz, expected one of them")


def read_payload(path: Path, size: int, sha256: str) -> bytes:
    """Read a file, decompressed where its name ends in ``.gz``, and check it; no more than ``size`` bytes are ever unpacked.

    Raises:
        DatasetError: If it is not readable, or its (decompressed) size or checksum is another.
    """
    with _payload(path) as stream:
        payload = _read(stream, size + 1)
    if len(payload) != size:
        length = "more" if len(payload) > size else f"{len(payload)} bytes"
        raise DatasetError(f"{path}: found {length}, expected {size} bytes of decompressed data")
    checksum = hashlib.sha256(payload).hexdigest()
    if checksum != sha256:
        raise DatasetError(f"{path}: found sha256 {checksum}, expected {sha256} (of the decompressed data)")
    return payload


def _read_idx_file(path: Path, dimensions: int) -> tuple[Tensor, str]:
    """Values of an IDX file of unsigned bytes, and the checksum of the file (decompressed)."""
    header_size = 4 * (1 + dimensions)
    with _payload(path) as stream:
        header = _read(stream, header_size)
        if len(header) < header_size:
            raise DatasetError(f"{path}: found {len(header)} bytes, expected a header of {header_size} bytes")
        magic, *shape = struct.unpack(f">{1 + dimensions}I", header)
        expected = _UNSIGNED_BYTES << 8 | dimensions
        if magic != expected:
            raise DatasetError(f"{path}: found magic number {magic}, expected {expected} (bytes in {dimensions} dimensions)")
        values = _read(stream, math.prod(shape) + 1)
    if len(values) != math.prod(shape) or not values:
        count = "more" if len(values) > math.prod(shape) else str(len(values))
        raise DatasetError(f"{path}: found {count} values after the header, expected {pixels(shape)} as it says, and at least one")
    array = torch.from_numpy(np.frombuffer(values, dtype=np.uint8).reshape(shape).copy())
    return array, hashlib.sha256(header + values).hexdigest()


@contextmanager
def _payload(path: Path) -> Generator[io.BufferedIOBase]:
    """Open a file, decompressing it where its name ends in ``.gz``; whatever goes wrong in reading it is a `DatasetError`."""
    try:
        with gzip.open(path) if Path(path).suffix == ".gz" else Path(path).open("rb") as stream:
            yield stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: found a damaged or other file, expected a gzip file ({one_line(error)})") from None
    except OSError as error:
        raise DatasetError(f"{path}: not readable ({one_line(error)})") from None


def _read(stream: io.BufferedIOBase, size: int) -> bytes:
    """At most ``size`` bytes, in pieces: a header that promises too much must not reserve the memory for it."""
    pieces: list[bytes] = []
    while size > 0 and (piece := stream.read(min(size, _PIECE_BYTES))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
