import gzip
import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from idx_cases import idx_bytes, small_arrays, write_idx_files
from sgdphysics import datasets
from sgdphysics.datasets import IDX_FILES, DatasetError
from sgdphysics.errors import RecordError
from sgdphysics.sources.source import split_by_class
from sgdphysics.tensors import load_metadata, load_tensors, save_tensors

MNIST = Path(os.environ.get("SGDPHYSICS_MNIST", Path(__file__).parents[3] / "shared" / "data" / "mnist"))
needs_mnist = pytest.mark.skipif(not MNIST.is_dir(), reason="no folder with the MNIST files; name one in SGDPHYSICS_MNIST")


def small_source(**changes):
    arrays = {name: torch.from_numpy(array.astype(np.uint8)) for name, array in (small_arrays() | changes).items()}
    return datasets.Source(arrays, 255, "made up", {})


def one_line(*parts):
    """A pattern for a message without a line break that holds the parts in this order."""
    return "^" + ".*".join(["", *map(re.escape, parts), ""]) + "$"


# --- on disk


def test_a_dataset_reads_back_scaled_to_one(tmp_path):
    source = small_source()
    datasets.save_dataset(tmp_path / "small.safetensors", source, 3, {"name": "small"})
    loaded = datasets.load_dataset(tmp_path / "small.safetensors")
    assert loaded.image_shape == (4, 5)
    for part in ("train", "test"):
        images, labels = getattr(loaded, f"{part}_images"), getattr(loaded, f"{part}_labels")
        assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
        assert torch.equal(images, source.arrays[f"{part}_images"].flatten(1) / 255)
        assert torch.equal(labels, source.arrays[f"{part}_labels"].long())


def test_the_metadata_of_a_dataset_say_what_it_is(tmp_path):
    datasets.save_dataset(tmp_path / "small.safetensors", small_source(), 3, {"name": "small", "licence": "none"})
    metadata = load_metadata(tmp_path / "small.safetensors")
    content = b"".join(small_source().arrays[name].numpy().tobytes() for name in IDX_FILES)
    assert metadata == {
        "name": "small",
        "licence": "none",
        "image_shape": [4, 5],
        "classes": 3,
        "maximum": 255,
        "origin": "made up",
        "files_sha256": {},
        "arrays_sha256": hashlib.sha256(content).hexdigest(),
    }


def test_a_dataset_has_the_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        datasets.save_dataset(tmp_path / name, small_source(), 3, {"name": "small"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_labels": np.arange(11) % 3}, one_line("train_labels: found 11 labels", "expected 12")),
        ({"test_labels": np.arange(6)}, one_line("test_labels: found label 3 at position 3, expected 0 to 2")),
        ({"test_images": np.zeros((6, 5, 4))}, one_line("test_images: found images of 5 x 4 pixels, expected 4 x 5")),
        ({"test_images": np.zeros((0, 4, 5)), "test_labels": np.zeros(0)}, one_line("test_images: found no images")),
        (
            {"train_images": np.zeros((12, 20))},
            one_line("test_images: found images of 4 x 5 pixels, expected 20 as in train_images"),
        ),
        (
            {"train_images": np.zeros((12, 4, 5, 3))},
            one_line("train_images: found uint8 of shape (12, 4, 5, 3), expected unsigned"),
        ),
    ],
)
def test_arrays_that_do_not_fit_together_are_not_written(tmp_path, changes, message):
    with pytest.raises(DatasetError, match=message):
        datasets.save_dataset(tmp_path / "small.safetensors", small_source(**changes), 3, {})
    assert list(tmp_path.iterdir()) == []


def test_pixels_above_the_maximum_are_refused(tmp_path):
    source = datasets.Source(small_source().arrays, 16, "made up", {})
    with pytest.raises(DatasetError, match=one_line("train_images: found pixel value", "expected 0 to 16")):
        datasets.save_dataset(tmp_path / "small.safetensors", source, 3, {})


def test_a_file_without_a_dataset_is_named(tmp_path):
    path = tmp_path / "other.safetensors"
    save_tensors(path, {"weights": torch.zeros(3)}, {"image_shape": [4, 5], "classes": 3, "maximum": 255})
    with pytest.raises(DatasetError, match=one_line("other.safetensors", "not a data set", "train_images")):
        datasets.load_dataset(path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(RecordError, match=one_line("other.safetensors")):
        datasets.load_dataset(path)
    with pytest.raises(RecordError, match=one_line("missing.safetensors")):
        datasets.load_dataset(tmp_path / "missing.safetensors")


@pytest.mark.parametrize(("key", "value"), [("image_shape", [4, 7]), ("image_shape", 20), ("maximum", 0), ("classes", "many")])
def test_a_stored_dataset_with_wrong_metadata_is_refused(tmp_path, key, value):
    path = tmp_path / "small.safetensors"
    datasets.save_dataset(path, small_source(), 3, {})
    tensors, metadata = load_tensors(path)
    save_tensors(path, tensors, metadata | {key: value})
    with pytest.raises(DatasetError, match=one_line("small.safetensors: not a data set")):
        datasets.load_dataset(path)


# --- the images to train on

LABELS = torch.tensor([2, 0, 1, 0, 2, 1, 0, 2, 1, 0])


def test_the_first_images_of_each_class_in_dataset_order():
    assert datasets.training_subset(LABELS, 2).tolist() == [0, 1, 2, 3, 4, 5]
    assert datasets.training_subset(LABELS, None).tolist() == list(range(10))


def test_drawn_images_depend_on_the_seed_only_and_are_balanced():
    labels = torch.arange(1000) % 10
    drawn = [datasets.training_subset(labels, 7, seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    for indices in drawn:
        assert indices.tolist() == sorted(set(indices.tolist()))
        assert labels[indices].bincount().tolist() == [7] * 10


def test_every_image_is_drawn_equally_often():
    labels = torch.zeros(20, dtype=torch.int64)
    counts = sum(datasets.training_subset(labels, 5, seed=seed).bincount(minlength=20) for seed in range(400))
    # Binomial with mean 100 and standard deviation 8.7: five of them.
    assert (counts - 100).abs().max() < 44


@pytest.mark.parametrize(
    ("labels", "per_class", "message"),
    [
        (LABELS, 4, one_line("class 1: found 3 training images, expected at least 4")),
        (LABELS[LABELS != 1], 2, one_line("class 1: found 0 training images, expected at least 2")),
        (LABELS, 0, one_line("found 0, expected at least 1")),
    ],
)
def test_a_class_with_too_few_images_is_named(labels, per_class, message):
    with pytest.raises(DatasetError, match=message):
        datasets.training_subset(labels, per_class)


# --- embedded


def test_mnist5k_has_400_and_100_images_of_each_class():
    source = datasets.embedded("mnist5k")
    assert source.arrays["train_images"].shape == (4000, 28, 28)
    assert source.arrays["train_labels"].bincount().tolist() == [400] * 10
    assert source.arrays["test_labels"].bincount().tolist() == [100] * 10
    assert (source.maximum, int(source.arrays["train_images"].max())) == (255, 255)


@needs_mnist
def test_mnist5k_images_are_genuine():
    mnist, small = datasets.read_idx(MNIST, 10).arrays, datasets.embedded_mnist5k().arrays
    genuine = {
        (image.numpy().tobytes(), int(label))
        for part in ("train", "test")
        for image, label in zip(mnist[f"{part}_images"], mnist[f"{part}_labels"], strict=True)
    }
    for part in ("train", "test"):
        for image, label in zip(small[f"{part}_images"], small[f"{part}_labels"], strict=True):
            assert (image.numpy().tobytes(), int(label)) in genuine


def test_digits_are_split_80_to_20_in_each_class():
    source = datasets.embedded("digits")
    train, test = (source.arrays[f"{part}_labels"].bincount() for part in ("train", "test"))
    assert int((train + test).sum()) == 1797
    assert train.tolist() == ((train + test) * 8 // 10).tolist()
    assert (source.maximum, int(source.arrays["train_images"].max())) == (16, 16)


def test_splits_keep_the_order_of_the_source_within_a_class():
    images, labels = np.arange(6).reshape(6, 1, 1), np.array([1, 0, 1, 0, 1, 0])
    arrays = split_by_class(images, labels, lambda count: count - 1)
    assert arrays["train_images"].flatten().tolist() == [1, 3, 0, 2]
    assert arrays["test_images"].flatten().tolist() == [5, 4]
    assert arrays["train_labels"].tolist() == [0, 0, 1, 1]


def test_an_unknown_embedded_dataset_is_named_with_those_that_exist():
    with pytest.raises(DatasetError, match=one_line("found 'mnist6k', expected one of digits, mnist5k")):
        datasets.embedded("mnist6k")


# --- IDX files


@pytest.mark.parametrize("compressed", [False, True])
def test_idx_files_read_back(tmp_path, compressed):
    arrays = small_arrays()
    source = datasets.read_idx(write_idx_files(tmp_path / "mine", arrays, compressed), 3)
    for name, array in arrays.items():
        assert source.arrays[name].tolist() == array.tolist()
        assert source.sha256[IDX_FILES[name]] == hashlib.sha256(idx_bytes(array)).hexdigest()


@needs_mnist
def test_the_idx_files_of_mnist_read_as_published():
    source = datasets.read_idx(MNIST, 10)
    assert source.arrays["train_images"].shape == (60000, 28, 28)
    assert source.arrays["train_labels"][:5].tolist() == [5, 0, 4, 1, 9]
    assert source.arrays["test_labels"].bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    sums = dict(reversed(line.split()) for line in (MNIST / "SHA256SUMS.payload").read_text().splitlines())
    assert source.sha256 == sums


def test_a_missing_folder_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(DatasetError, match=one_line("nowhere: found no such folder", "train-images-idx3-ubyte")):
        datasets.read_idx(tmp_path / "nowhere", 3)
    folder = write_idx_files(tmp_path / "mine", small_arrays())
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DatasetError, match=one_line("found neither t10k-labels-idx1-ubyte nor t10k-labels-idx1-ubyte.gz")):
        datasets.read_idx(folder, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda gz: gz[:-20], "expected a gzip file"),
        (lambda gz: gz[:-1], "expected a gzip file"),
        (lambda gz: gz[:30] + bytes([gz[30] ^ 255]) + gz[31:], "expected a gzip file"),
        (lambda gz: gzip.decompress(gz), "expected a gzip file"),
        (lambda gz: b"<html>not found</html>", "expected a gzip file"),
        (lambda gz: b"", "found 0 bytes, expected a header of 16 bytes"),
    ],
)
def test_a_damaged_gzip_file_is_named(tmp_path, change, message):
    folder = write_idx_files(tmp_path / "mine", small_arrays(), compressed=True)
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DatasetError, match=one_line("train-images-idx3-ubyte.gz: ", message)):
        datasets.read_idx(folder, 3)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("train-images-idx3-ubyte", lambda c: c[:-1], "found 239 values after the header, expected 12 x 4 x 5"),
        ("train-images-idx3-ubyte", lambda c: c + b"0", "found more values after the header, expected 12 x 4 x 5"),
        ("train-images-idx3-ubyte", lambda c: c[:10], "found 10 bytes, expected a header of 16 bytes"),
        ("train-images-idx3-ubyte", lambda c: c[:4] + b"\xff" * 12 + c[16:], "expected 4294967295 x 4294967295 x 4294967295"),
        ("train-images-idx3-ubyte", lambda c: c[:4] + bytes(4) + c[8:16], "expected 0 x 4 x 5 as it says, and at least one"),
        (
            "train-images-idx3-ubyte",
            lambda c: b"\x00\x00\x08\x01" + c[4:],
            "found magic number 2049 (unsigned bytes in 1 dimension), expected 2051 or 2050 (",
        ),
        (
            "t10k-labels-idx1-ubyte",
            lambda c: b"\x00\x00\x08\x03" + c[4:],
            "found magic number 2051 (unsigned bytes in 3 dimensions), expected 2049 (",
        ),
        ("t10k-labels-idx1-ubyte", lambda c: c[:8] + b"\x07" + c[9:], "found label 7 at position 0, expected 0 to 2"),
        ("t10k-labels-idx1-ubyte", lambda c: c[:4] + b"\0\0\0\5" + c[8:-1], "found 5 labels, expected 6"),
    ],
)
def test_a_wrong_idx_file_is_named(tmp_path, file, change, message):
    folder = write_idx_files(tmp_path / "mine", small_arrays())
    (folder / file).write_bytes(change((folder / file).read_bytes()))
    with pytest.raises(DatasetError, match=one_line(file, message)):
        datasets.read_idx(folder, 3)


def test_test_images_of_another_shape_are_named(tmp_path):
    folder = write_idx_files(tmp_path / "mine", small_arrays() | {"test_images": np.zeros((6, 5, 4))})
    with pytest.raises(DatasetError, match=one_line("t10k-images-idx3-ubyte: found images of 5 x 4", "train-images-idx3-ubyte")):
        datasets.read_idx(folder, 3)


def test_images_of_another_shape_than_expected_are_refused():
    with pytest.raises(DatasetError, match=one_line("small: found images of 4 x 5 pixels, expected 28 x 28")):
        datasets.check_image_shape(small_source().arrays, [28, 28], "small")


# --- checked payloads


@pytest.mark.parametrize("compressed", [False, True])
def test_a_payload_is_checked_by_size_and_checksum(tmp_path, compressed):
    content = b"payload " * 100
    path = tmp_path / ("file.gz" if compressed else "file")
    path.write_bytes(gzip.compress(content) if compressed else content)
    good = hashlib.sha256(content).hexdigest()
    assert datasets.read_payload(path, 800, good) == content
    with pytest.raises(DatasetError, match=one_line(f"found sha256 {good}, expected 0000")):
        datasets.read_payload(path, 800, "0" * 64)
    with pytest.raises(DatasetError, match=one_line("found 800 bytes, expected 801 bytes")):
        datasets.read_payload(path, 801, good)
    with pytest.raises(DatasetError, match=one_line("found more, expected 799 bytes")):
        datasets.read_payload(path, 799, good)
    with pytest.raises(DatasetError, match=one_line("missing", "not readable")):
        datasets.read_payload(tmp_path / "missing", 799, good)


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(50_000_000), 1))
    unpacked = []
    inner = gzip.GzipFile.read
    with pytest.MonkeyPatch.context() as patch, pytest.raises(DatasetError, match="found more"):
        patch.setattr(gzip.GzipFile, "read", lambda self, size=-1: unpacked.append(size) or inner(self, size))
        datasets.read_payload(path, 1000, "0" * 64)
    assert sum(unpacked) == 1001
