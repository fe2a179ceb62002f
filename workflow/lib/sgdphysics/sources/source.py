"""What a source of a data set gives, and the one file that is made of it.

A further data set is a module of this package with a function ``read(directory, entry)`` that returns a `Source`, and an entry in
``config/datasets.yaml`` that names it: no other data set is made again for it.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sgdphysics.labelled_arrays import ARRAYS, check_arrays, check_image_shape
from sgdphysics.tensors import save_tensors

# `check_image_shape`, of `labelled_arrays`, is importable from here as well.
__all__ = ["Source", "arrays_sha256", "check_image_shape", "save_dataset", "split_by_class"]


@dataclass(frozen=True, eq=False)
class Source:
    """What a data set is made of.

    Attributes:
        arrays: "train_images" and "test_images", uint8 (N, rows, columns) or (N, numbers); "train_labels" and "test_labels", uint8
            (N,).
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
    check_arrays({name: array.numpy() for name, array in source.arrays.items()}, classes, source.maximum, Path(path).name)
    tensors = {name: array.flatten(1) if name.endswith("images") else array for name, array in source.arrays.items()}
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


def split_by_class(images: np.ndarray, labels: np.ndarray, train_count: Callable[[int], int]) -> dict[str, Tensor]:
    """Take some images of each class to train on and the others to test.

    Args:
        images: (N, rows, columns), whole numbers from 0 to 255.
        labels: (N,), classes counted from 0.
        train_count: How many of a class of so many images are to train on: its first ones.

    Returns:
        "train_images", "train_labels", "test_images" and "test_labels" as uint8 tensors, one class after another.
    """
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    parts = {
        "train": np.concatenate([indices[: train_count(len(indices))] for indices in members]),
        "test": np.concatenate([indices[train_count(len(indices)) :] for indices in members]),
    }
    arrays = {"images": images.astype(np.uint8), "labels": labels.astype(np.uint8)}
    return {f"{part}_{name}": torch.from_numpy(a[indices]) for part, indices in parts.items() for name, a in arrays.items()}
