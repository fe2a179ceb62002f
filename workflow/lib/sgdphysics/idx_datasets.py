"""Data sets in IDX files as an entry of the registry describes them. Without torch: own files are checked before any job."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sgdphysics.idx_files import IdxArrays, read_arrays
from sgdphysics.labelled_arrays import check_arrays
from sgdphysics.plausible_images import BYTE_MAXIMUM, check_plausible


def read_checked(directory: Path | str, entry: Mapping[str, Any]) -> IdxArrays:
    """Read the four IDX files of a folder, and check that they fit together and are plausible.

    Args:
        directory: As for `idx_files.read_arrays`.
        entry: Of the registry; here ``classes`` and, where they are given, ``maximum``, ``image_shape`` and ``training_images``
            count.

    Raises:
        DatasetError: If a file cannot be read, or the data are not as they must be.
    """
    found, declared = read_arrays(directory, entry), entry.get("maximum")
    maximum = BYTE_MAXIMUM if declared is None else declared
    check_arrays(found.arrays, entry["classes"], maximum, str(directory), found.names)
    check_plausible(found.arrays, entry["classes"], declared, str(directory), found.names)
    return found
