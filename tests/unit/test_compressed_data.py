"""Compressed files of one's own that hold a thousand times their size: refused before they are unpacked."""

import gzip
import re
import struct

import numpy as np
import pytest

from idx_cases import idx_bytes, small_arrays, write_idx_files
from sgdphysics.idx_datasets import read_checked
from sgdphysics.idx_folders import IDX_FILES
from sgdphysics.labelled_arrays import DatasetError

TRAIN, LABELS, TEST, TEST_LABELS = IDX_FILES.values()
ENTRY = {"classes": 3, "image_shape": [4, 5], "training_images": 12}
UNKNOWN = {"classes": 3}
PIECE = gzip.compress(bytes(10_000_000))  # 10 kB; a gzip file may be several, one after the other
BILLIONS = 2_000_000_000


def bomb(*shape):
    """A compressed IDX file of 2 MB that holds 2 GB of zeros, with a header that says so or something else."""
    header = struct.pack(f">{1 + len(shape)}I", 0x0800 | len(shape), *shape)
    return gzip.compress(header) + PIECE * (BILLIONS // 10_000_000)


@pytest.fixture
def folder(tmp_path):
    return write_idx_files(tmp_path / "mine", small_arrays())


@pytest.fixture
def unpacked(monkeypatch):
    """How many bytes each reading of a compressed file gave."""
    sizes, inner = [], gzip.GzipFile.read

    def read(file, size=-1):
        content = inner(file, size)
        sizes.append(len(content))
        return content

    monkeypatch.setattr(gzip.GzipFile, "read", read)
    return sizes


def put(folder, file, content):
    (folder / file).unlink()
    (folder / f"{file}.gz").write_bytes(content)


PROMISED = "values promised by the header of 1,9"
BOMBS = {
    "images of another shape": (TRAIN, (2_500_000, 28, 28), ENTRY, "found images of 28 x 28 pixels, expected 4 x 5"),
    "another number of images": (TRAIN, (100_000_000, 4, 5), ENTRY, "training images: found 100000000, expected 12"),
    "images that nothing is known of": (TRAIN, (2_500_000, 28, 28), UNKNOWN, f"{TRAIN}.gz: found 2500000 x 28 x 28 {PROMISED}"),
    "labels": (LABELS, (BILLIONS,), UNKNOWN, f"{LABELS}.gz: found 2000000000 {PROMISED}"),
    "test images, whose number no entry says": (TEST, (100_000_000, 4, 5), ENTRY, f"{TEST}.gz: found 100000000 x 4 x 5 {PROMISED}"),
    "a header that says less": (TRAIN, (12, 4, 5), ENTRY, "found more values after the header, expected 12 x 4 x 5 as it says"),
    "test labels after a header that says less": (TEST_LABELS, (6,), ENTRY, "found more values after the header, expected 6 as it"),
}


@pytest.mark.parametrize(("file", "shape", "entry", "message"), BOMBS.values(), ids=BOMBS)
def test_what_holds_a_thousand_times_its_size_is_not_unpacked(folder, unpacked, file, shape, entry, message):
    put(folder, file, bomb(*shape))
    with pytest.raises(DatasetError, match=f"^[^\n]*{re.escape(message)}[^\n]*$"):
        read_checked(folder, entry)
    assert sum(unpacked) < 100_000


def test_a_second_copy_is_read_no_further_than_the_first(folder, unpacked):
    (folder / f"{TRAIN}.gz").write_bytes(bomb(12, 4, 5))
    with pytest.raises(DatasetError, match=rf"{TRAIN}: found {TRAIN}\.gz beside it with other contents, expected one of them"):
        read_checked(folder, ENTRY)
    assert sum(unpacked) < 2 << 20


def test_line_ends_are_looked_for_in_a_part_of_what_is_unpacked(folder, unpacked, monkeypatch):
    monkeypatch.setattr("sgdphysics.idx_files._UNPACKED_BYTES", 4 << 20)
    with_line_end = b"\x1f\x8b\x08\x08" + bytes(6) + b"\r\n\0" + bomb(2_500_000, 28, 28)[10:]  # in the name that it carries
    assert gzip.decompress(with_line_end[: -len(PIECE) * 200]).startswith(b"\0\0\x08\x03")
    put(folder, TRAIN, with_line_end)
    with pytest.raises(DatasetError, match="found images of 28 x 28"):
        read_checked(folder, ENTRY)
    assert 4 << 20 <= sum(unpacked) < 8 << 20


def test_a_header_that_promises_more_than_a_file_holds_is_named_by_what_it_holds(folder):
    content = gzip.compress(idx_bytes(small_arrays()["train_images"])[:-1])
    put(folder, TRAIN, content)
    with pytest.raises(DatasetError, match="found 239 values after the header, expected 12 x 4 x 5 as it says"):
        read_checked(folder, ENTRY)


def test_large_data_that_compress_well_are_read_where_the_entry_says_how_many(tmp_path, monkeypatch):
    train = 120_000
    monkeypatch.setattr("sgdphysics.idx_files._UNPACKED_BYTES", 1 << 20)
    images = np.zeros((train, 4, 5), dtype=np.uint8)
    images[:, 0, 0] = np.arange(train) // (train // 250)
    labels = (np.arange(train) % 3).astype(np.uint8)
    folder = write_idx_files(tmp_path / "mine", small_arrays() | {"train_images": images, "train_labels": labels}, compressed=True)
    with pytest.raises(DatasetError, match=f"found {train} x 4 x 5 {PROMISED[:-3]}"):
        read_checked(folder, UNKNOWN)
    assert len(read_checked(folder, ENTRY | {"training_images": train, "maximum": 255}).arrays["train_images"]) == train
