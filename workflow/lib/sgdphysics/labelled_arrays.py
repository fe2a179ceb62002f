"""The four arrays of a data set of labelled images, and whether they fit together. Without torch: own files are checked before
any job.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sgdphysics.errors import InputError

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")  # of every data set


class DatasetError(InputError):
    """A data set, or a file that should hold one, is not as it must be; the message names it in one line."""


def check_arrays(
    arrays: Mapping[str, np.ndarray], classes: int, maximum: int, place: str, names: Mapping[str, str] | None = None
) -> None:
    """Check that the four arrays of a data set fit together.

    Args:
        arrays: By the names of ``ARRAYS``; images (N, rows, columns) or (N, numbers), labels (N,), all uint8.
        classes: Number of classes; labels must be 0 to ``classes`` - 1.
        maximum: The largest value that a pixel may have.
        place: What holds them, for the message.
        names: What to call each in the message; as in ``ARRAYS`` by default.

    Raises:
        DatasetError: If they do not, or a value is out of range.
    """
    names = names or {name: name for name in ARRAYS}
    for name in ARRAYS:
        if arrays[name].dtype != np.uint8 or arrays[name].ndim not in ((2, 3) if name.endswith("images") else (1,)):
            kind = f"{arrays[name].dtype} of shape {arrays[name].shape}"
            expected = "unsigned bytes, images in rows and columns or in one row each"
            raise DatasetError(f"{place}: {names[name]}: found {kind}, expected {expected}")
    for part in ("train", "test"):
        _check_images(arrays[f"{part}_images"], maximum, f"{place}: {names[f'{part}_images']}")
        _check_labels(arrays, part, classes, place, names)
    test_shape, training_shape = arrays["test_images"].shape[1:], arrays["train_images"].shape[1:]
    if test_shape != training_shape:
        expected = f"{pixels(training_shape)} as in {names['train_images']}"
        raise DatasetError(f"{place}: {names['test_images']}: found images of {pixels(test_shape)} pixels, expected {expected}")


def check_sizes(arrays: Mapping[str, np.ndarray], entry: Mapping[str, Any], place: str) -> None:
    """Compare the images with what the registry says of their shape and number.

    Args:
        arrays: By the names of ``ARRAYS``.
        entry: With "image_shape" and "training_images"; None there means not known.
        place: What holds the arrays, for the message.

    Raises:
        DatasetError: If they are others.
    """
    if entry["image_shape"] is not None:
        check_image_shape(arrays, entry["image_shape"], place)
    count, expected = len(arrays["train_images"]), entry["training_images"]
    if expected is not None and count != expected:
        advice = "; there are as many test images: are the files swapped?" if len(arrays["test_images"]) == expected else ""
        raise DatasetError(f"{place}: training images: found {count}, expected {expected}{advice}")


def check_image_shape(arrays: Mapping[str, Any], expected: Sequence[int], place: str) -> None:
    """Check the rows and columns of the images; raises `DatasetError` if they are others."""
    shape = arrays["train_images"].shape[1:]
    if tuple(shape) != tuple(expected):
        raise DatasetError(f"{place}: found images of {pixels(shape)} pixels, expected {pixels(expected)}")


def _check_images(images: np.ndarray, maximum: int, place: str) -> None:
    if not images.size:
        raise DatasetError(f"{place}: found no images, expected at least one")
    if images.max() > maximum:
        raise DatasetError(f"{place}: found pixel value {images.max()}, expected 0 to {maximum}")


def _check_labels(arrays: Mapping[str, np.ndarray], part: str, classes: int, place: str, names: Mapping[str, str]) -> None:
    count, labels = len(arrays[f"{part}_images"]), arrays[f"{part}_labels"]
    place = f"{place}: {names[f'{part}_labels']}"
    if len(labels) != count:
        expected = f"{count}, one for each image of {names[f'{part}_images']}"
        raise DatasetError(f"{place}: found {len(labels)} labels, expected {expected}")
    if labels.max() >= classes:
        position = int(np.argmax(labels >= classes))
        advice = "" if labels.min() == 0 else f"; labels count from 0, and the smallest here is {labels.min()}"
        raise DatasetError(f"{place}: found label {labels[position]} at position {position}, expected 0 to {classes - 1}{advice}")


def pixels(shape: Sequence[int]) -> str:
    """Return a size in pixels as it is written in messages, such as "28 x 28"; "40" of images of 40 numbers in a row."""
    return " x ".join(map(str, shape))
