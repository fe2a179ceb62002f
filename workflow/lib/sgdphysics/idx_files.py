"""IDX files, the format of MNIST, read: compressed or not, whole or not at all.

An IDX file begins with two bytes 0, the type of its values, the number of dimensions, and the size of each in 4 bytes, big-endian.
Without torch: own files are checked before any job.
"""

import gzip
import hashlib
import io
import math
import struct
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sgdphysics.errors import one_line
from sgdphysics.file_kinds import BEGINNING_BYTES, GZIP, IDX, kind_of, text_in
from sgdphysics.idx_folders import IDX_FILES, find_all
from sgdphysics.labelled_arrays import DatasetError, pixels

_UNSIGNED_BYTES = 0x08
_TYPES = {
    _UNSIGNED_BYTES: "unsigned bytes",
    0x09: "signed bytes",
    0x0B: "16-bit integers",
    0x0C: "32-bit integers",
    0x0D: "32-bit floats",
    0x0E: "64-bit floats",
}
_PIECE_BYTES = 1 << 20


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


def read_arrays(directory: Path | str) -> IdxArrays:
    """Read the four IDX files of a folder, each as it is or compressed.

    Args:
        directory: Holds the files of ``IDX_FILES``, by names as `idx_folders.find_all` finds them.

    Raises:
        DatasetError: If the folder or a file is missing, a file is damaged or of another kind, or one is there twice with different
            contents.
    """
    arrays, sha256, names = {}, {}, {}
    for name, file in IDX_FILES.items():
        first, *copies = find_all(directory, file)
        arrays[name], sha256[file] = _read_idx_file(first, (3, 2) if name.endswith("images") else (1,))
        names[name] = first.name
        for path in copies:
            if _sha256_of(path) != sha256[file]:
                raise DatasetError(f"{first}: found {path.name} beside it with other contents, expected one of them")
    return IdxArrays(arrays, sha256, names)


def read_payload(path: Path, size: int, sha256: str) -> bytes:
    """Read a file, decompressed if it is compressed, and check it; no more than ``size`` bytes are ever unpacked.

    Raises:
        DatasetError: If it is not readable, or its (decompressed) size or checksum is another.
    """
    with _payload(path) as stream:
        payload = _read(stream, size + 1)
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


def _sha256_of(path: Path) -> str:
    """Checksum of a file, decompressed if it is compressed."""
    total = hashlib.sha256()
    with _payload(path) as stream:
        while piece := stream.read(_PIECE_BYTES):
            total.update(piece)
    return total.hexdigest()


def _read_idx_file(path: Path, dimensions: tuple[int, ...]) -> tuple[np.ndarray, str]:
    """Values of an IDX file of unsigned bytes, in one of several numbers of dimensions, and its checksum (decompressed)."""
    try:
        with _payload(path) as stream:
            return _parsed(stream, path, dimensions)
    except DatasetError:
        if _has_other_line_ends(path, dimensions):
            fault = "found line ends turned into CR LF, expected the file as it was, not transferred as text"
            raise DatasetError(f"{path}: {fault}") from None
        raise


def _parsed(stream: io.BufferedIOBase, path: Path, dimensions: tuple[int, ...]) -> tuple[np.ndarray, str]:
    beginning = _read(stream, BEGINNING_BYTES)
    size = _header_size(beginning, path, dimensions)
    shape = struct.unpack(f">{size // 4 - 1}I", beginning[4:size])
    count, values = math.prod(shape), beginning[size:]
    values += _read(stream, count + 1 - len(values))
    if len(values) != count or not values:
        found = "more" if len(values) > count else str(len(values))
        raise DatasetError(f"{path}: found {found} values after the header, expected {pixels(shape)} as it says, and at least one")
    array = np.frombuffer(values, dtype=np.uint8).reshape(shape)
    return array, hashlib.sha256(beginning[:size] + values).hexdigest()


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
        content = path.read_bytes()
        repaired = content.replace(b"\r\n", b"\n")
        if repaired == content:
            return False
        _parsed(io.BytesIO(gzip.decompress(repaired) if repaired.startswith(GZIP) else repaired), path, dimensions)
    except (OSError, EOFError, zlib.error, DatasetError):
        return False
    return True


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


def _read(stream: io.BufferedIOBase, size: int) -> bytes:
    """At most ``size`` bytes, in pieces: a header that promises too much must not reserve the memory for it."""
    pieces: list[bytes] = []
    while size > 0 and (piece := stream.read(min(size, _PIECE_BYTES))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
