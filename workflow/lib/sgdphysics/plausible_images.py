"""Whether the arrays of a data set are plausible: what fits together and is still no data to learn from. Without torch."""

from collections.abc import Mapping

import numpy as np

from sgdphysics.labelled_arrays import DatasetError

BYTE_MAXIMUM = 255  # largest pixel value where nothing else is said
_IMPLAUSIBLE_SHARE = 0.5  # of that maximum: images that go no further are of another scale
_LARGEST_SHARED = 0.5  # of the test images may be training images too: so many only where images are few pixels


def check_plausible(
    arrays: Mapping[str, np.ndarray], classes: int, maximum: int | None, place: str, names: Mapping[str, str]
) -> None:
    """Check that there is something to learn and to test: images of every class that differ, in the scale that is assumed.

    Args:
        arrays: Four arrays that have passed `labelled_arrays.check_arrays`.
        classes: Number of classes.
        maximum: The largest pixel value as the entry of the data set says it; None: it says none, `BYTE_MAXIMUM` is assumed.
        place: What holds the arrays, for the message.
        names: What to call each array in the message.

    Raises:
        DatasetError: If a class has no training image, all images are alike, more than half of the test images are training images
            too, or the largest pixel value is far below the one that is assumed.
    """
    _check_classes(arrays["train_labels"], classes, f"{place}: {names['train_labels']}")
    largest = {name: int(arrays[name].max()) for name in ("train_images", "test_images")}
    for name in largest:
        _check_variety(arrays[name], f"{place}: {names[name]}")
        if maximum is None:
            _check_scale(largest[name], max(largest.values()), f"{place}: {names[name]}")
    shared, total = _shared(arrays["train_images"], arrays["test_images"]), len(arrays["test_images"])
    if shared > _LARGEST_SHARED * total:
        fault = f"found {shared:,} of {total:,} images in {names['train_images']} too, expected others to test on"
        raise DatasetError(f"{place}: {names['test_images']}: {fault}")


def _shared(train_images: np.ndarray, test_images: np.ndarray) -> int:
    """How many of the test images are, pixel by pixel, training images."""
    trained = {image.tobytes() for image in train_images}
    return sum(image.tobytes() in trained for image in test_images)


def _check_classes(labels: np.ndarray, classes: int, place: str) -> None:
    missing = np.flatnonzero(np.bincount(labels, minlength=classes) == 0)
    if len(missing):
        absent = ", ".join(map(str, missing[:10])) + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")
        plural = "class" if len(missing) == 1 else "classes"
        raise DatasetError(f"{place}: found no image of {plural} {absent}, expected some of each of the {classes} (key classes)")


def _check_variety(images: np.ndarray, place: str) -> None:
    if images.min() == images.max():
        raise DatasetError(f"{place}: found {images.max()} in every pixel of every image, expected images that differ")
    if len(images) > 1 and (images == images[0]).all():
        raise DatasetError(f"{place}: found the same image {len(images):,} times, expected images that differ")


def _check_scale(largest: int, of_all: int, place: str) -> None:
    """Check the largest pixel value of some images, given that of all."""
    least = _IMPLAUSIBLE_SHARE * BYTE_MAXIMUM
    if largest < least:
        white = of_all if of_all < least else BYTE_MAXIMUM
        advice = f"if {white} is white in all images, the data set's entry needs `maximum: {white}`"
        raise DatasetError(f"{place}: found pixels of at most {largest}, expected up to {BYTE_MAXIMUM}; {advice}")
