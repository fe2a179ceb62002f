"""Which training image is matched with which test image: one of its class, the nearest in some space or any."""

from collections.abc import Iterator

import torch
from torch import Tensor

from sgdphysics import seeds
from sgdphysics.errors import InputError
from sgdphysics.inputs import checked_images, checked_indices, checked_labels


def nearest_of_class(train_images: Tensor, train_labels: Tensor, test_images: Tensor, test_labels: Tensor) -> Tensor:
    """Return for each test image the index of the nearest training image of its class, in pixel space; int64 (M,).

    Given activities of a layer in place of images, (N, units) and (M, units), nearest is meant in activity space.

    Args:
        train_images, train_labels: float32 or float64 (N, pixels), and integers (N,).
        test_images, test_labels: The same of (M, pixels) and (M,).

    Raises:
        InputError: If an argument is none of these (`inputs.checked_images`, here of any size), or a test image's class has no
            training image.
    """
    train_images, train_labels = _checked(train_images, train_labels, None, "train_")
    test_images, test_labels = _checked(test_images, test_labels, train_images.shape[1], "test_")
    matches = torch.empty_like(test_labels)
    for wanted, candidates in _classes(train_labels, test_labels):
        distances = torch.cdist(test_images[wanted].double(), train_images[candidates].double())
        matches[wanted] = candidates[distances.argmin(1)]
    return matches


def random_of_class(train_labels: Tensor, test_labels: Tensor, seed: int) -> Tensor:
    """Return for each test image the index of a random training image of its class; int64 (M,), errors as `nearest_of_class`."""
    train_labels, test_labels = checked_labels(train_labels, part="train_"), checked_labels(test_labels, part="test_")
    matches = torch.empty_like(test_labels)
    random = seeds.generator(seed, "matches")
    for wanted, candidates in _classes(train_labels, test_labels):
        matches[wanted] = candidates[torch.from_numpy(random.integers(len(candidates), size=int(wanted.sum())))]
    return matches


class NearestOfClass:
    """The nearest training images of one test set; training sets of the same images share the search."""

    def __init__(self, test_images: Tensor, test_labels: Tensor) -> None:
        """Match the test images, (M, pixels), with labels, integers (M,); errors as `nearest_of_class`."""
        self._test = _checked(test_images, test_labels, None, "test_")
        self._matches: dict[tuple[int, ...], Tensor] = {}

    def among(self, indices: Tensor, images: Tensor, labels: Tensor) -> Tensor:
        """Return the matches, int64 (M,), among training images given by index in their data set; as `nearest_of_class`,
        also in its errors.
        """
        images, labels = _checked(images, labels, self._test[0].shape[1], "train_")
        indices = checked_indices(indices, len(images), None, "indices")
        key = tuple(indices.tolist())
        if key not in self._matches:
            self._matches[key] = nearest_of_class(images, labels, *self._test)
        return self._matches[key]


def other_matches(
    train_activities: Tensor, train_labels: Tensor, test_activities: Tensor, test_labels: Tensor, seed: int
) -> dict[str, Tensor]:
    """Return the matches, int64 (M,), by other ways than the nearest in pixels.

    Args:
        train_activities, train_labels: What enters a layer at the training images, (N, units), and their labels, int64 (N,).
        test_activities, test_labels: The same of the test images, (M, units) and int64 (M,).
        seed: Of the random matches.

    Returns:
        "nearest_activity" (the nearest training image of the class in these activities) and "random_of_class".
    """
    return {
        "nearest_activity": nearest_of_class(train_activities, train_labels, test_activities, test_labels),
        "random_of_class": random_of_class(train_labels, test_labels, seed),
    }


def _checked(images: Tensor, labels: Tensor, pixels: int | None, part: str) -> tuple[Tensor, Tensor]:
    """Images, or activities, of any size, and their labels."""
    images = checked_images(images, pixels, f"{part}images", any_size=True).detach()
    return images, checked_labels(labels, len(images), part=part)


def _classes(train_labels: Tensor, test_labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Per class of the test images: which of them have it, and the indices of the training images that do."""
    for label in test_labels.unique().tolist():
        candidates = (train_labels == label).nonzero().flatten()
        if not len(candidates):
            raise InputError(f"train_labels: no image of class {label}, which the test images have")
        yield test_labels == label, candidates
