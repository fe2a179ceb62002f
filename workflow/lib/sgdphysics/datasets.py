"""Data sets of labelled images: from their source (a package, or IDX files) to one checked file each.

Rows keep the order of the source; within an embedded data set they are sorted by class. Nothing here is shuffled or scaled. Sources
are modules of ``sgdphysics.sources``, IDX files are read in `idx_files`, and what reads the file is in `labelled_images`: the names
of all can be had from here.
"""

from sgdphysics.idx_files import read_payload
from sgdphysics.idx_folders import IDX_FILES, find_idx
from sgdphysics.labelled_arrays import check_image_shape
from sgdphysics.labelled_images import Dataset, DatasetError, load_dataset, training_subset
from sgdphysics.sources.digits import read as embedded_digits
from sgdphysics.sources.idx import read_idx
from sgdphysics.sources.mnist5k import read as embedded_mnist5k
from sgdphysics.sources.source import Source, arrays_sha256, save_dataset

__all__ = [
    "IDX_FILES",
    "Dataset",
    "DatasetError",
    "Source",
    "arrays_sha256",
    "check_image_shape",
    "embedded",
    "embedded_digits",
    "embedded_mnist5k",
    "find_idx",
    "load_dataset",
    "read_idx",
    "read_payload",
    "save_dataset",
    "training_subset",
]


def embedded(name: str) -> Source:
    """Return a data set that comes with a package: "mnist5k" or "digits".

    Raises:
        DatasetError: If the name is none of these.
    """
    if name not in _EMBEDDED:
        raise DatasetError(f"embedded data set: found {name!r}, expected one of {', '.join(sorted(_EMBEDDED))}")
    return _EMBEDDED[name]()


_EMBEDDED = {"mnist5k": embedded_mnist5k, "digits": embedded_digits}
