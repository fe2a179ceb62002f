"""IDX files, the format of MNIST, read: compressed or not, whole or not at all.

An IDX file begins with two bytes 0, the type of its values, the number of dimensions, and the size of each in 4 bytes, big-endian.
All four headers are compared with each other and with what is known before anything is unpacked: a compressed file of 2 MB may hold
2 GB of zeros. Without torch: own files are checked before any job.
"""

import gzip
import hashlib
import io
import math
import struct
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sgdphysics.errors import one_line
from sgdphysics.file_kinds import BEGINNING_BYTES, GZIP, IDX, kind_of, text_in
from sgdphysics.idx_folders import IDX_FILES, find_all
from sgdphysics.labelled_arrays import DatasetError, check_entry, check_shapes, pixels

_UNSIGNED_BYTES = 0x08
_TYPES = {
    _UNSIGNED_BYTES: "unsigned bytes",
    0x09: "signed bytes",
    0x0B: "16-bit integers",
    0x0C: "32-bit integers",
    0x0D: "32-bit floats",
    0x0E: "64-bit floats",
}
_DIMENSIONS = {name: (3, 2) if name.endswith("images") else (1,) for name in IDX_FILES}
_HEADER_BYTES = 16  # at most
_PIECE_BYTES = 1 << 20
# What a compressed file may hold where its entry does not say how large its arrays are. Images of MNIST unpack to 5 times their
# compressed size, sparse ones to 50 times; nothing but repetition to the 1,032 times that are possible. Sorted labels are small.
_UNPACKED_TIMES = 100
_UNPACKED_BYTES = 64 << 20


@dataclass(frozen=True, eq=False)
class IdxArrays:
    """What four IDX files hold.

    Attributes:
        arrays: By the names of ``IDX_FILES``: images, uint8 (N, rows, columns) or (N, numbers); labels, uint8 (N,).
        sha256: Checksums of the decompressed files, by the names in ``IDX_FILES`` whatever the files are called.
        names: What the file of each array is called in its folder.
    """

    arrays: dict[str, np.ndarray]
    sha256: dict[str, str]
    names: dict[str, str]


def read_arrays(directory: Path | str, entry: Mapping[str, Any] | None = None) -> IdxArrays:
    """Read the four IDX files of a folder, each as it is or compressed, once their headers are found to fit.

    Args:
        directory: Holds the files of ``IDX_FILES``, by names as `idx_folders.find_all` finds them.
        entry: Of the registry; here ``image_shape`` and ``training_images`` count, where they are given. None: nothing is known.

    Raises:
        DatasetError: If the folder or a file is missing, a file is damaged or of another kind, or one is there twice with different
            contents; if the headers do not fit together or the entry, or promise more than such a file is believed to hold.
    """
    files = {name: find_all(directory, file) for name, file in IDX_FILES.items()}
    try:
        return _read_all(files, str(directory), entry or {})
    except DatasetError:
        for name, (first, *_) in files.items():
            if _has_other_line_ends(first, _DIMENSIONS[name]):
                fault = "found line ends turned into CR LF, expected the file as it was, not transferred as text"
                raise DatasetError(f"{first}: {fault}") from None
        raise


def _read_all(files: Mapping[str, list[Path]], place: str, entry: Mapping[str, Any]) -> IdxArrays:
    names = {name: first.name for name, (first, *_) in files.items()}
    shapes = {name: _shape_in(first, _DIMENSIONS[name]) for name, (first, *_) in files.items()}
    check_entry(shapes, entry, place)
    for name, (first, *_) in files.items():
        _check_promise(first, shapes[name], entry)
    check_shapes(shapes, place, names)
    arrays, sha256 = {}, {}
    for name, (first, *copies) in files.items():
        file = IDX_FILES[name]
        with _payload(first) as stream:
            arrays[name], sha256[file] = _parsed(stream, first, _DIMENSIONS[name])
        for path in copies:
            if _sha256_of(path, _HEADER_BYTES + arrays[name].size) != sha256[file]:
                raise DatasetError(f"{first}: found {path.name} beside it with other contents, expected one of them")
    return IdxArrays(arrays, sha256, names)


def read_payload(path: Path, size: int, sha256: str) -> bytes:
    """Read a file, decompressed if it is compressed, and check it; no more than ``size`` bytes are ever unpacked.

    Raises:
        DatasetError: If it is not readable, or its (decompressed) size or checksum is another.
    """
    with _payload(path) as stream:
        payload = bytes(_read(stream, size + 1))
    if len(payload) != size:
        length = "more" if len(payload) > size else f"{len(payload)} bytes"
        kind = kind_of(payload[:BEGINNING_BYTES])
        raise DatasetError(
            f"{path}: found {kind if kind not in (None, IDX) else length}, expected {size} bytes of decompressed data"
        )
    checksum = hashlib.sha256(payload).hexdigest()
    if checksum != sha256:
        raise DatasetError(f"{path}: found sha256 {checksum}, expected {sha256} (of the decompressed data)")
    return payload


def _sha256_of(path: Path, most: int) -> str:
    """Checksum of a file, decompressed if it is compressed, or of its beginning where that is longer than ``most`` bytes."""
    total, size = hashlib.sha256(), 0
    with _payload(path) as stream:
        while size <= most and (piece := stream.read(_PIECE_BYTES)):
            total.update(piece)
            size += len(piece)
    return total.hexdigest()


def _check_promise(path: Path, shape: tuple[int, ...], entry: Mapping[str, Any]) -> None:
    """Raise `DatasetError` if a file cannot hold what its header says, or a compressed one is not believed to."""
    count, size = math.prod(shape), path.stat().st_size
    if not _is_compressed(path):
        _check_number(size - 4 * (1 + len(shape)), shape, path)
        return
    most = max(_stated_values(entry), _UNPACKED_BYTES, _UNPACKED_TIMES * size)
    if count > most:
        found = f"found {pixels(shape)} values promised by the header of {size:,} compressed bytes, expected {most:,} at most"
        raise DatasetError(f"{path}: {found}; if they are there, the data set's entry needs `image_shape` and `training_images`")


def _check_number(found: int, shape: tuple[int, ...], path: Path) -> None:
    count = math.prod(shape)
    if found != count or not found:
        number = "more" if found > count else found
        raise DatasetError(f"{path}: found {number} values after the header, expected {pixels(shape)} as it says, and at least one")


def _stated_values(entry: Mapping[str, Any]) -> int:
    """How many values the training images of an entry have; 0 if it does not say."""
    shape, count = entry.get("image_shape"), entry.get("training_images")
    return math.prod(shape) * count if shape and count else 0


def _shape_in(path: Path, dimensions: tuple[int, ...]) -> tuple[int, ...]:
    """What the header of a file says of its shape."""
    with _payload(path) as stream:
        beginning = bytes(_read(stream, BEGINNING_BYTES))
    return _shape(beginning[: _header_size(beginning, path, dimensions)])


def _shape(header: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(header) // 4 - 1}I", header[4:])


def _parsed(stream: io.BufferedIOBase, path: Path, dimensions: tuple[int, ...]) -> tuple[np.ndarray, str]:
    """Values of an IDX file of unsigned bytes, in one of several numbers of dimensions, and its checksum (decompressed)."""
    beginning = bytes(_read(stream, BEGINNING_BYTES))
    size = _header_size(beginning, path, dimensions)
    header, values = beginning[:size], bytearray(beginning[size:])
    shape = _shape(header)
    values += _read(stream, math.prod(shape) + 1 - len(values))
    _check_number(len(values), shape, path)
    total = hashlib.sha256(header)
    total.update(values)
    return np.frombuffer(values, dtype=np.uint8).reshape(shape), total.hexdigest()


def _header_size(beginning: bytes, path: Path, dimensions: tuple[int, ...]) -> int:
    """Bytes of the header of a file that begins so; raises `DatasetError` where it is no IDX file, or one of other values."""
    numbers = " or ".join(str(_UNSIGNED_BYTES << 8 | number) for number in dimensions)
    expected = f"{numbers} ({_values_in(_UNSIGNED_BYTES, ' or '.join(map(str, dimensions)))})"
    kind = kind_of(beginning) or text_in(beginning)
    if kind and kind != IDX:
        raise DatasetError(f"{path}: found {kind}, expected an IDX file, of magic number {expected}")
    if kind:
        (magic,) = struct.unpack(">I", beginning[:4])
        value_type, number = magic >> 8, magic & 0xFF
        if value_type != _UNSIGNED_BYTES or number not in dimensions:
            raise DatasetError(f"{path}: found magic number {magic} ({_values_in(value_type, str(number))}), expected {expected}")
    size = 4 * (1 + (beginning[3] if kind else dimensions[0]))
    if len(beginning) < size:
        raise DatasetError(f"{path}: found {len(beginning)} bytes, expected a header of {size} bytes")
    if not kind:
        raise DatasetError(f"{path}: found bytes {beginning[:4].hex(' ')} at its beginning, expected magic number {expected}")
    return size


def _values_in(value_type: int, dimensions: str) -> str:
    return f"{_TYPES[value_type]} in {dimensions} dimension{'' if dimensions == '1' else 's'}"


def _has_other_line_ends(path: Path, dimensions: tuple[int, ...]) -> bool:
    """Whether a file that is damaged would be a good one, were it not for its line ends."""
    try:
        if path.stat().st_size > _UNPACKED_BYTES:
            return False
        content = path.read_bytes()
        repaired = content.replace(b"\r\n", b"\n")
        if repaired == content:
            return False
        stream = io.BytesIO(repaired)
        unpacked = gzip.GzipFile(fileobj=stream) if repaired.startswith(GZIP) else stream
        _parsed(io.BytesIO(_read(unpacked, _UNPACKED_BYTES)), path, dimensions)
    except (OSError, EOFError, zlib.error, DatasetError):
        return False
    return True


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(GZIP)) == GZIP


@contextmanager
def _payload(path: Path) -> Generator[io.BufferedIOBase]:
    """Open a file, decompressing it if it is compressed; whatever goes wrong in reading it is a `DatasetError`."""
    try:
        with Path(path).open("rb") as stream:
            beginning = stream.read(BEGINNING_BYTES)
        compressed = beginning.startswith(GZIP)
        if beginning and not compressed and Path(path).suffix.lower() == ".gz":
            kind = kind_of(beginning) or text_in(beginning) or "a damaged or other file"
            raise DatasetError(f"{path}: found {kind}, expected a gzip file")
        with gzip.open(path) if compressed else Path(path).open("rb") as stream:
            yield stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: found a damaged or other file, expected a gzip file ({one_line(error)})") from None
    except OSError as error:
        raise DatasetError(f"{path}: not readable ({one_line(error)})") from None


def _read(stream: io.BufferedIOBase, size: int) -> bytearray:
    """At most ``size`` bytes, in pieces: a header that promises too much must not reserve the memory for it."""
    content = bytearray()
    while len(content) < size and (piece := stream.read(min(size - len(content), _PIECE_BYTES))):
        content += piece
    return content
