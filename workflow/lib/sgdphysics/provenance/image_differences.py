"""Two PNG figures side by side: how much they differ on the whole, and where most.

A figure may come from anybody: what it says of its size is looked at before it is unpacked, and little of it is held at a time.
"""

import filecmp
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sgdphysics.errors import InputError, one_line

# Of what a curve or a text takes, so that a spot counts that the whole of a figure does not show.
WINDOW = 9
MOST_PIXELS = 16_000_000  # figures of this project have up to 3.5 million
_MOST_BYTES = 128 << 20  # of a file: as many pixels take no more, in 16 bits and not compressed
_MOST_CHUNKS = 1000  # before the pixels
_BAND_PIXELS = 1 << 20
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What the reader of PNG files says of those that are damaged.
_UNREADABLE = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, OverflowError, struct.error, zlib.error)


def between_figures(path_a: Path, path_b: Path, image_rms: float, image_local: float) -> Iterator[str]:
    """Say in a line, if at all, how two PNG files differ.

    Args:
        path_a, path_b: The files.
        image_rms: The largest root mean square difference over all pixels that is none, in levels from 0 to 255.
        image_local: And over any `WINDOW` x `WINDOW` pixels.

    Raises:
        InputError: If one is not a readable PNG image, or is too large.
    """
    if filecmp.cmp(path_a, path_b, shallow=False):
        return
    sizes = [_size(path) for path in (path_a, path_b)]
    if sizes[0] != sizes[1]:
        yield f"{sizes[0][0]} x {sizes[0][1]} and {sizes[1][0]} x {sizes[1][1]} pixels"
        return
    rms, local, column, row = differences(_levels(path_a), _levels(path_b))
    told = [f"root mean square difference {rms:.3g} of 255 levels"] if rms > image_rms else []
    if local > image_local:
        told.append(f"{local:.3g} of 255 levels in the {WINDOW} x {WINDOW} pixels around column {column}, row {row}")
    if told:
        yield ", ".join(told)


def differences(levels_a: np.ndarray, levels_b: np.ndarray) -> tuple[float, float, int, int]:
    """Compare two pictures of one size.

    Args:
        levels_a, levels_b: Red, green and blue, uint8 (height, width, 3).

    Returns:
        Root mean square difference over all pixels; the largest over any `WINDOW` x `WINDOW` pixels, or as many as there are;
        column and row of the pixel in their middle, from 0 at the upper left.
    """
    height, width = levels_a.shape[:2]
    window = min(WINDOW, height), min(WINDOW, width)
    rows = max(WINDOW, _BAND_PIXELS // width)
    total, largest, column, row = 0.0, -1.0, 0, 0
    for first in range(0, height, rows):
        band = slice(first, first + rows + window[0] - 1)
        squares = np.mean((levels_a[band].astype(np.int32) - levels_b[band]) ** 2, axis=-1)
        total += float(squares[:rows].sum())
        if len(squares) >= window[0]:  # else those of the band before have these rows
            means = _window_means(squares, *window)
            y, x = np.unravel_index(means.argmax(), means.shape)
            if means[y, x] > largest:
                largest, column, row = float(means[y, x]), int(x) + window[1] // 2, first + int(y) + window[0] // 2
    return (total / (height * width)) ** 0.5, max(largest, 0.0) ** 0.5, column, row


def _window_means(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Mean over every window of so many rows and columns, by differences of sums from the corner."""
    sums = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    np.cumsum(values, axis=0, out=sums[1:, 1:])
    np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
    return (sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns]) / (rows * columns)


def _size(path: Path) -> tuple[int, int]:
    """Width and height that a PNG file says once before its pixels."""
    sizes = []
    try:
        with path.open("rb") as file:
            if path.stat().st_size > _MOST_BYTES:
                raise InputError(f"{path}: found {path.stat().st_size:,} bytes, expected a PNG image of {_MOST_BYTES:,} at most")
            if file.read(len(_SIGNATURE)) != _SIGNATURE:
                raise ValueError("no signature of PNG")
            for _ in range(_MOST_CHUNKS):
                length, kind = struct.unpack(">I4s", file.read(8))
                if kind == b"IDAT":
                    break
                if kind == b"IHDR":
                    sizes.append(struct.unpack(">II", file.read(8)))
                    length -= 8
                file.seek(length + 4, 1)
        if len(sizes) != 1:
            raise ValueError(f"{len(sizes)} headers")
    except _UNREADABLE as error:
        raise error if isinstance(error, InputError) else _unreadable(path, error) from None
    ((width, height),) = sizes
    if not 0 < width * height <= MOST_PIXELS:
        raise InputError(f"{path}: found {width} x {height} pixels, expected 1 to {MOST_PIXELS:,}")
    return width, height


def _levels(path: Path) -> np.ndarray:
    """Red, green and blue of a PNG file as it looks on white: uint8 (height, width, 3), from 0 to 255."""
    import matplotlib.image  # not before it is needed: it reads the user's settings when it is imported

    try:
        image = matplotlib.image.imread(path, format="png")
    except _UNREADABLE as error:
        raise _unreadable(path, error) from None
    levels = np.empty((*image.shape[:2], 3), dtype=np.uint8)
    rows = max(1, _BAND_PIXELS // image.shape[1])
    for first in range(0, len(image), rows):
        band = image[first : first + rows]
        if band.ndim == 2:
            band = np.stack([band] * 3, axis=-1)
        if band.shape[-1] == 4:
            band = band[..., :3] * band[..., 3:] + (1 - band[..., 3:])
        levels[first : first + rows] = np.rint(band * 255)
    return levels


def _unreadable(path: Path, error: BaseException) -> InputError:
    return InputError(f"{path}: not a readable PNG image ({one_line(error)})")
