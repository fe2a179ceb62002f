"""The labelled images of a prepared data set: loaded, checked, and chosen to train on.

Nothing here is shuffled or scaled, except that pixel values are divided by their maximum. How the file of a data set is made is in
`sources`: nothing that trains or measures depends on that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sgdphysics import seeds
from sgdphysics.arguments import is_whole, require
from sgdphysics.errors import InputError, one_line
from sgdphysics.inputs import checked_labels
from sgdphysics.tensors import load_tensors

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")  # of every data set


class DatasetError(InputError):
    """A data set, or a file that should hold one, is not as it must be; the message names it in one line."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels, split into those to train on and those to test on.

    Attributes:
        train_images: float32 (N, pixels) in [0, 1], pixels row by row.
        train_labels: int64 (N,), classes counted from 0.
        test_images: float32 (M, pixels) in [0, 1].
        test_labels: int64 (M,).
        image_shape: Rows and columns of an image; their product is ``pixels``.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    image_shape: tuple[int, int]

    def to(self, device: torch.device | str) -> "Dataset":
        """Return the data set with its images and labels on a device."""
        moved = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **moved)


def load_dataset(path: Path) -> Dataset:
    """Read what `sources.source.save_dataset` wrote.

    Raises:
        RecordError: If the file is missing or not readable.
        DatasetError: If it holds something other than a data set, or its contents do not fit together.
    """
    tensors, metadata = load_tensors(path)
    arrays, classes, maximum = _stored_arrays(path, tensors, metadata)
    check_arrays(arrays, classes, maximum, str(path))
    images = {name: tensors[name].float().div_(maximum) for name in ("train_images", "test_images")}
    labels = {name: tensors[name].long() for name in ("train_labels", "test_labels")}
    rows, columns = arrays["train_images"].shape[1:]
    return Dataset(**images, **labels, image_shape=(rows, columns))


def _stored_arrays(path: Path, tensors: Mapping[str, Tensor], metadata: Any) -> tuple[dict[str, Tensor], int, int]:
    """Arrays of a stored data set with their images in rows and columns, number of classes, and maximum."""
    try:
        rows, columns = metadata["image_shape"]
        classes, maximum = int(metadata["classes"]), int(metadata["maximum"])
        if maximum < 1:
            raise ValueError(f"maximum: found {maximum}, expected at least 1")
        images = {name: tensors[name].reshape(-1, rows, columns) for name in ("train_images", "test_images")}
        return {name: images.get(name, tensors[name]) for name in ARRAYS}, classes, maximum
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DatasetError(f"{path}: not a data set of this project ({one_line(error)})") from None


def training_subset(labels: Tensor, per_class: int | None, *, seed: int | None = None) -> Tensor:
    """Return the indices of the images to train on, in data set order.

    Args:
        labels: Integers (N,), classes counted from 0.
        per_class: Number of images of each class; None takes all images.
        seed: None takes the first ``per_class`` images of each class; a seed draws them, without replacement.

    Returns:
        Indices, int64 (n,), increasing.

    Raises:
        DatasetError: If ``per_class`` is less than 1, or more than some class has.
        InputError: If the labels or ``per_class`` are something else.
    """
    labels = checked_labels(labels)
    if per_class is None:
        return torch.arange(len(labels), device=labels.device)
    require(is_whole(per_class), "images per class", per_class, "a whole number")
    if per_class < 1:
        raise DatasetError(f"images per class: found {per_class}, expected at least 1")
    chosen = []
    for label in range(int(labels.max()) + 1):
        members = torch.nonzero(labels == label).flatten()
        if len(members) < per_class:
            raise DatasetError(f"class {label}: found {len(members)} training images, expected at least {per_class}")
        if seed is not None:
            drawn = seeds.generator(seed, "image_draw", label).permutation(len(members))
            members = members[torch.from_numpy(drawn).to(members.device)]
        chosen.append(members[:per_class])
    return torch.cat(chosen).sort().values


def check_arrays(
    arrays: Mapping[str, Tensor], classes: int, maximum: int, place: str, names: Mapping[str, str] | None = None
) -> None:
    """Check that the four arrays of a data set fit together.

    Args:
        arrays: By the names of ``ARRAYS``; images (N, rows, columns), labels (N,), all uint8.
        classes: Number of classes; labels must be 0 to ``classes`` - 1.
        maximum: The largest value that a pixel may have.
        place: What holds them, for the message.
        names: What to call each in the message; as in ``ARRAYS`` by default.

    Raises:
        DatasetError: If they do not, or a value is out of range.
    """
    names = names or {name: name for name in ARRAYS}
    for name in ARRAYS:
        if arrays[name].dtype != torch.uint8 or arrays[name].dim() != (3 if name.endswith("images") else 1):
            kind = f"{arrays[name].dtype} of shape {tuple(arrays[name].shape)}"
            raise DatasetError(f"{place}: {names[name]}: found {kind}, expected unsigned bytes, images in rows and columns")
    for part in ("train", "test"):
        _check_split(arrays, part, classes, maximum, place, names)
    test_shape, training_shape = arrays["test_images"].shape[1:], arrays["train_images"].shape[1:]
    if test_shape != training_shape:
        expected = f"{pixels(training_shape)} as in {names['train_images']}"
        raise DatasetError(f"{place}: {names['test_images']}: found images of {pixels(test_shape)} pixels, expected {expected}")


def _check_split(arrays: Mapping[str, Tensor], part: str, classes: int, maximum: int, place: str, names: Mapping[str, str]) -> None:
    images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
    images_name, labels_name = names[f"{part}_images"], names[f"{part}_labels"]
    if not images.numel():
        raise DatasetError(f"{place}: {images_name}: found no images, expected at least one")
    if len(labels) != len(images):
        expected = f"{len(images)}, one for each image of {images_name}"
        raise DatasetError(f"{place}: {labels_name}: found {len(labels)} labels, expected {expected}")
    if int(labels.max()) >= classes:
        position = int((labels >= classes).nonzero()[0])
        label = f"label {int(labels[position])} at position {position}"
        raise DatasetError(f"{place}: {labels_name}: found {label}, expected 0 to {classes - 1}")
    if int(images.max()) > maximum:
        raise DatasetError(f"{place}: {images_name}: found pixel value {int(images.max())}, expected 0 to {maximum}")


def pixels(shape: Sequence[int]) -> str:
    """Return a size in pixels as it is written in messages, such as "28 x 28"."""
    return " x ".join(map(str, shape))
