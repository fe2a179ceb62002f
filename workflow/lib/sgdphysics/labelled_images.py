"""The labelled images of a prepared data set: loaded, checked, and chosen to train on.

Nothing here is shuffled or scaled, except that pixel values are divided by their maximum. How the file of a data set is made is in
`sources`: nothing that trains or measures depends on that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sgdphysics import seeds
from sgdphysics.arguments import is_whole, require
from sgdphysics.errors import one_line
from sgdphysics.inputs import checked_labels
from sgdphysics.labelled_arrays import ARRAYS, DatasetError, check_arrays, pixels
from sgdphysics.tensors import load_tensors

__all__ = ["ARRAYS", "Dataset", "DatasetError", "check_arrays", "load_dataset", "pixels", "training_subset"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels, split into those to train on and those to test on.

    Attributes:
        train_images: float32 (N, pixels) in [0, 1], pixels row by row.
        train_labels: int64 (N,), classes counted from 0.
        test_images: float32 (M, pixels) in [0, 1].
        test_labels: int64 (M,).
        image_shape: Rows and columns of an image, or only how many numbers it is; their product is ``pixels``.
        classes: Number of classes, whether or not there are images of each; None: the largest training label and one.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    image_shape: tuple[int, ...]
    classes: int | None = None

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
    return Dataset(**images, **labels, image_shape=arrays["train_images"].shape[1:], classes=classes)


def _stored_arrays(path: Path, tensors: Mapping[str, Tensor], metadata: Any) -> tuple[dict[str, np.ndarray], int, int]:
    """Arrays of a stored data set with their images in rows and columns, number of classes, and maximum."""
    try:
        shape = tuple(metadata["image_shape"])
        classes, maximum = int(metadata["classes"]), int(metadata["maximum"])
        if maximum < 1:
            raise ValueError(f"maximum: found {maximum}, expected at least 1")
        images = {name: tensors[name].reshape(-1, *shape) for name in ("train_images", "test_images")}
        return {name: images.get(name, tensors[name]).numpy() for name in ARRAYS}, classes, maximum
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise DatasetError(f"{path}: not a data set of this project ({one_line(error)})") from None


def training_subset(labels: Tensor, per_class: int | None, *, seed: int | None = None, classes: int | None = None) -> Tensor:
    """Return the indices of the images to train on, in data set order.

    Args:
        labels: Integers (N,), classes counted from 0.
        per_class: Number of images of each class; None takes all images.
        seed: None takes the first ``per_class`` images of each class; a seed draws them, without replacement.
        classes: Number of classes; None: the largest label and one.

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
    for label in range(int(labels.max()) + 1 if classes is None else classes):
        members = torch.nonzero(labels == label).flatten()
        if len(members) < per_class:
            raise DatasetError(f"class {label}: found {len(members)} training images, expected at least {per_class}")
        if seed is not None:
            drawn = seeds.generator(seed, "image_draw", label).permutation(len(members))
            members = members[torch.from_numpy(drawn).to(members.device)]
        chosen.append(members[:per_class])
    return torch.cat(chosen).sort().values
