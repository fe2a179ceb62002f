"""Small data sets in IDX files."""

import gzip
import struct

import numpy as np

from sgdphysics.datasets import IDX_FILES

UNSIGNED_BYTES = 0x08


def idx_bytes(array, value_type=UNSIGNED_BYTES, dtype="u1"):
    header = struct.pack(f">{1 + array.ndim}I", value_type << 8 | array.ndim, *array.shape)
    return header + array.astype(f">{dtype}").tobytes()


def small_arrays(train=12, test=6, shape=(4, 5), classes=3):
    random = np.random.default_rng(0)
    return {
        "train_images": random.integers(0, 256, (train, *shape)),
        "train_labels": np.arange(train) % classes,
        "test_images": random.integers(0, 256, (test, *shape)),
        "test_labels": np.arange(test) % classes,
    }


def write_idx_files(folder, arrays, compressed=False):
    folder.mkdir(exist_ok=True, parents=True)
    for name, array in arrays.items():
        content = idx_bytes(array)
        if compressed:
            (folder / f"{IDX_FILES[name]}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / IDX_FILES[name]).write_bytes(content)
    return folder
