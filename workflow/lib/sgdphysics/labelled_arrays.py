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
    check_shapes({name: arrays[name].shape for name in ARRAYS}, place, names)
    for part in ("train", "test"):
        _check_pixels(arrays[f"{part}_images"], maximum, f"{place}: {names[f'{part}_images']}")
        _check_labels(arrays[f"{part}_labels"], classes, f"{place}: {names[f'{part}_labels']}")


def check_shapes(shapes: Mapping[str, Sequence[int]], place: str, names: Mapping[str, str]) -> None:
    """Check that arrays of these shapes, by the names of ``ARRAYS``, fit together; other arguments and errors as `check_arrays`."""
    for part in ("train", "test"):
        count, labels = shapes[f"{part}_images"][0], shapes[f"{part}_labels"][0]
        if labels != count:
            expected = f"{count}, one for each image of {names[f'{part}_images']}"
            raise DatasetError(f"{place}: {names[f'{part}_labels']}: found {labels} labels, expected {expected}")
    test_shape, training_shape = shapes["test_images"][1:], shapes["train_images"][1:]
    if test_shape != training_shape:
        expected = f"{pixels(training_shape)} as in {names['train_images']}"
        raise DatasetError(f"{place}: {names['test_images']}: found images of {pixels(test_shape)} pixels, expected {expected}")


def check_sizes(arrays: Mapping[str, np.ndarray], entry: Mapping[str, Any], place: str) -> None:
    """Compare the images with what the registry says of their shape and number; as `check_entry`, for arrays."""
    check_entry({name: array.shape for name, array in arrays.items()}, entry, place)


def check_entry(shapes: Mapping[str, Sequence[int]], entry: Mapping[str, Any], place: str) -> None:
    """Compare the images with what the registry says of their shape and number.

    Args:
        shapes: Of the arrays, by the names of ``ARRAYS``.
        entry: With "image_shape" and "training_images"; what is None there, or not there, is not known.
        place: What holds the arrays, for the message.

    Raises:
        DatasetError: If they are others.
    """
    shape, expected_shape = shapes["train_images"][1:], entry.get("image_shape")
    if expected_shape is not None and tuple(shape) != tuple(expected_shape):
        raise DatasetError(f"{place}: found images of {pixels(shape)} pixels, expected {pixels(expected_shape)}")
    count, expected = shapes["train_images"][0], entry.get("training_images")
    if expected is not None and count != expected:
        advice = "; there are as many test images: are the files swapped?" if shapes["test_images"][0] == expected else ""
        raise DatasetError(f"{place}: training images: found {count}, expected {expected}{advice}")


def check_image_shape(arrays: Mapping[str, Any], expected: Sequence[int], place: str) -> None:
    """Check the rows and columns of the images; raises `DatasetError` if they are others."""
    check_entry({"train_images": arrays["train_images"].shape}, {"image_shape": expected}, place)


def _check_pixels(images: np.ndarray, maximum: int, place: str) -> None:
    if not images.size:
        raise DatasetError(f"{place}: found no images, expected at least one")
    if images.max() > maximum:
        raise DatasetError(f"{place}: found pixel value {images.max()}, expected 0 to {maximum}")


def _check_labels(labels: np.ndarray, classes: int, place: str) -> None:
    if labels.max() >= classes:
        position = int(np.argmax(labels >= classes))
        advice = "" if labels.min() == 0 else f"; labels count from 0, and the smallest here is {labels.min()}"
        raise DatasetError(f"{place}: found label {labels[position]} at position {position}, expected 0 to {classes - 1}{advice}")


def pixels(shape: Sequence[int]) -> str:
    """Return a size in pixels as it is written in messages, such as "28 x 28"; "40" of images of 40 numbers in a row."""
    return " x ".join(map(str, shape))
