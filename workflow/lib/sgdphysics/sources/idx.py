"""IDX files, the format of MNIST, as a source of data sets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from sgdphysics.idx_datasets import read_checked
from sgdphysics.idx_files import IdxArrays, read_arrays, read_payload
from sgdphysics.idx_folders import IDX_FILES, find_idx
from sgdphysics.labelled_arrays import check_arrays
from sgdphysics.plausible_images import BYTE_MAXIMUM
from sgdphysics.sources.source import Source

# What finds and reads the files, from `idx_folders` and `idx_files`, is importable from here as well.
__all__ = ["IDX_FILES", "find_idx", "read", "read_idx", "read_payload"]


def read(directory: Path, entry: Mapping[str, Any]) -> Source:
    """Return what the four files of a folder hold; errors as `idx_datasets.read_checked`."""
    return _source(read_checked(directory, entry), entry.get("maximum") or BYTE_MAXIMUM)


def read_idx(directory: Path, classes: int, maximum: int = BYTE_MAXIMUM) -> Source:
    """Read the four IDX files of a folder, each as it is or compressed; whether the data are plausible is not asked.

    Args:
        directory: As for `idx_files.read_arrays`.
        classes: Number of classes; labels must be 0 to ``classes`` - 1.
        maximum: The largest value that a pixel may have.

    Raises:
        DatasetError: If the folder or a file is missing, a file is damaged or of another kind, the files do not fit together,
            or a value is out of range.
    """
    found = read_arrays(directory)
    check_arrays(found.arrays, classes, maximum, str(directory), found.names)
    return _source(found, maximum)


def _source(found: IdxArrays, maximum: int) -> Source:
    arrays = {name: torch.from_numpy(array.copy()) for name, array in found.arrays.items()}
    return Source(arrays, maximum, "IDX files", found.sha256)
