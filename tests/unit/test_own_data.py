"""Files of one's own, odd in the ways in which such files are: read where that is certain, refused in one line where not."""

import errno
import gzip
import os
import re
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from idx_cases import idx_bytes, small_arrays, write_idx_files
from sgdphysics import datasets
from sgdphysics.errors import InputError
from sgdphysics.idx_datasets import read_checked
from sgdphysics.idx_folders import IDX_FILES, files_in
from sgdphysics.sources.idx import read
from sgdphysics.study import data_files

FASHION = Path(__file__).parents[3] / "shared" / "data" / "fashion-mnist"
TRAIN, LABELS, TEST, TEST_LABELS = IDX_FILES.values()
ENTRY = {"kind": "idx_directory", "classes": 3, "image_shape": None, "training_images": None}
IMAGES = small_arrays()["train_images"]


@pytest.fixture
def folder(tmp_path):
    """A folder with four small IDX files: 12 and 6 images of 4 x 5 pixels, 3 classes."""
    return write_idx_files(tmp_path / "mine", small_arrays())


def fault(folder, entry):
    """What is said of a data set of one's own before any job."""
    with pytest.raises(InputError) as caught:
        data_files.check_own(["own"], {"own": {**ENTRY, **entry, "directory": str(folder)}})
    return str(caught.value)


def content(file, new):
    """A change of a folder: another content of a file, made from its old one if a function."""

    def change(folder):
        path = folder / file
        path.write_bytes(new(path.read_bytes()) if callable(new) else new)

    return change


def arrays(**changed):
    return lambda folder: write_idx_files(folder, small_arrays() | changed)


def moved(file, name):
    return lambda folder: (folder / file).rename(folder / name)


def swapped(file, other):
    def change(folder):
        (folder / file).rename(folder / "kept")
        (folder / other).rename(folder / file)
        (folder / "kept").rename(folder / other)

    return change


def two_copies(folder):
    (folder / f"{LABELS}.gz").write_bytes(gzip.compress(idx_bytes(np.zeros(12))))


def folder_for_file(folder):
    (folder / TRAIN).rename(folder / "inside")
    (folder / TRAIN).mkdir()
    (folder / "inside").rename(folder / TRAIN / TRAIN)


def link_to_nothing(folder):
    (folder / TRAIN).unlink()
    (folder / TRAIN).symlink_to("nowhere")


def many_others(folder):
    (folder / TRAIN).unlink()
    for number in range(12):
        (folder / f"a{number:02}.png").touch()


def file_for_folder(folder):
    shutil.rmtree(folder)
    folder.write_text("")


def tar(folder):
    with tarfile.open(folder / "all.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
        archive.add(folder / TRAIN, TRAIN)
    (folder / "all.tar").rename(folder / TRAIN)


NO_FOLDER = f"mine: found no such folder, expected one with {TRAIN}, {LABELS}, {TEST}, {TEST_LABELS} (or .gz)"
WANTED = "expected an IDX file, of magic number 2051 or 2050 (unsigned bytes in 3 or 2 dimensions)"
# What is odd about the files, what the entry of the registry says else, and what is told after the place.
FAULTS = {
    # The folder and its files
    "no folder": (shutil.rmtree, {}, NO_FOLDER),
    "a file for a folder": (file_for_folder, {}, f"mine: found a file, expected a folder with {TRAIN}, "),
    "a link in a circle": (
        lambda folder: (shutil.rmtree(folder), folder.symlink_to(folder)),
        {},
        "mine: not readable (",
    ),
    "one file missing": (
        lambda folder: (folder / TEST).unlink(),
        {},
        f"mine: found neither {TEST} nor {TEST}.gz, expected one of them; there is: {TEST_LABELS}, {TRAIN}, {LABELS}$",
    ),
    "an empty folder": (
        lambda folder: [path.unlink() for path in folder.iterdir()],
        {},
        f"found neither {TRAIN} nor {TRAIN}.gz, expected one of them; there is: nothing$",
    ),
    "many other files": (
        many_others,
        {},
        "there is: a00.png, a01.png, a02.png, a03.png, a04.png, a05.png, a06.png, a07.png, a08.png, a09.png, 5 more$",
    ),
    "a name with a line break": (moved(TEST, "a\nb"), {}, "there is: 'a\\nb', "),
    "a folder for a file": (folder_for_file, {}, f"there is: {TEST}, {TEST_LABELS}, {TRAIN}/, {LABELS}$"),
    "a link to nothing": (link_to_nothing, {}, f"{TRAIN} (a link to nothing), {LABELS}$"),
    "two copies that differ": (
        two_copies,
        {},
        f"mine/{LABELS}: found {LABELS}.gz beside it with other contents, expected one of them",
    ),
    # What a file is instead
    "a web page": (content(TRAIN, b"\n<!DOCTYPE html><html>Sign in</html>"), {}, f"{TRAIN}: found a web page (HTML), {WANTED}"),
    "an error of a server": (
        content(TRAIN, b"<?xml version='1.0'?><Error>AccessDenied</Error>"),
        {},
        "found an XML file, expected",
    ),
    "a pointer of Git LFS": (
        content(TRAIN, b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 47040016\n"),
        {},
        f"{TRAIN}: found a pointer of Git LFS in place of the file (`git lfs pull` fetches it), {WANTED}",
    ),
    "a pointer of git-annex": (content(TRAIN, b"/annex/objects/SHA256E-s1--00\n"), {}, "found a pointer of git-annex in place"),
    "a table as text": (
        content(TRAIN, b"label,1x1,1x2\n5,0,0\n"),
        {},
        f"{TRAIN}: found text that begins with 'label,1x1,1x2', {WANTED}",
    ),
    "a zip archive": (content(TRAIN, b"PK\x03\x04" + bytes(40)), {}, "found a zip archive, expected an IDX file"),
    "a tar archive": (tar, {}, "found a tar archive, expected an IDX file"),
    "an array of NumPy": (content(TRAIN, b"\x93NUMPY\x01\x00" + bytes(40)), {}, "found a NumPy file, expected an IDX file"),
    "compressed twice": (
        content(TRAIN, lambda old: gzip.compress(gzip.compress(old))),
        {},
        "found a gzip file, expected an IDX file",
    ),
    "a page by the name of a gzip file": (
        lambda folder: (moved(TRAIN, f"{TRAIN}.gz")(folder), content(f"{TRAIN}.gz", b"<html>")(folder)),
        {},
        f"{TRAIN}.gz: found a web page (HTML), expected a gzip file",
    ),
    "not compressed, by the name of a gzip file": (
        moved(TRAIN, f"{TRAIN}.gz"),
        {},
        f"{TRAIN}.gz: found an IDX file, expected a gzip file",
    ),
    "cut off": (content(TRAIN, lambda old: old[:-1]), {}, "found 239 values after the header, expected 12 x 4 x 5 as it says"),
    "cut off, compressed": (
        content(TRAIN, lambda old: gzip.compress(old)[:-9]),
        {},
        f"{TRAIN}: found a damaged or other file, expected a gzip file (Compressed file ended",
    ),
    "empty": (content(TRAIN, b""), {}, f"{TRAIN}: found 0 bytes, expected a header of 16 bytes"),
    "transferred as text": (
        lambda folder: (
            arrays(train_images=np.full((12, 4, 5), 10) + np.arange(12)[:, None, None])(folder),
            content(TRAIN, lambda old: old.replace(b"\n", b"\r\n"))(folder),
        ),
        {},
        f"{TRAIN}: found line ends turned into CR LF, expected the file as it was, not transferred as text",
    ),
    "other bytes": (
        content(TRAIN, bytes(range(200, 250))),
        {},
        "found bytes c8 c9 ca cb at its beginning, expected magic number 2051",
    ),
    # Values of another type
    "the other byte order": (content(TRAIN, lambda old: old[3::-1] + old[4:]), {}, "found an IDX file of the other byte order"),
    "labels as integers": (
        content(LABELS, idx_bytes(np.arange(12) % 3, 0x0C, "i4")),
        {},
        "found magic number 3073 (32-bit integers in 1 dimension), expected 2049 (unsigned bytes in 1 dimension)",
    ),
    "images as floats": (
        content(TRAIN, idx_bytes(IMAGES / 255, 0x0D, "f4")),
        {},
        "found magic number 3331 (32-bit floats in 3 dimensions), expected 2051 or 2050 (unsigned bytes in 3 or 2 dimensions)",
    ),
    "images in colour": (
        content(TRAIN, idx_bytes(np.zeros((12, 4, 5, 3)))),
        {},
        "found magic number 2052 (unsigned bytes in 4 dimensions), expected 2051 or 2050 (",
    ),
    "images and labels swapped": (
        swapped(TRAIN, LABELS),
        {},
        f"{TRAIN}: found magic number 2049 (unsigned bytes in 1 dimension), expected 2051 or 2050 (",
    ),
    # Files that do not fit together
    "images of training and test swapped": (
        swapped(TRAIN, TEST),
        {},
        f"mine: {LABELS}: found 12 labels, expected 6, one for each image of {TRAIN}",
    ),
    "training and test swapped": (
        lambda folder: (swapped(TRAIN, TEST)(folder), swapped(LABELS, TEST_LABELS)(folder)),
        {"training_images": 12},
        "mine: training images: found 6, expected 12; there are as many test images: are the files swapped?",
    ),
    "more labels than images": (arrays(train_labels=np.arange(13) % 3), {}, f"{LABELS}: found 13 labels, expected 12"),
    "test images of another size": (
        arrays(test_images=np.arange(6 * 20).reshape(6, 5, 4) * 2),
        {},
        f"{TEST}: found images of 5 x 4 pixels, expected 4 x 5 as in {TRAIN}",
    ),
    "images of another size than the entry says": (
        (lambda _: None),
        {"image_shape": [20]},
        "found images of 4 x 5 pixels, expected 20",
    ),
    "no test images": (
        arrays(test_images=np.zeros((0, 4, 5)), test_labels=np.zeros(0)),
        {},
        f"{TEST}: found 0 values after the header, expected 0 x 4 x 5 as it says, and at least one",
    ),
    "labels from 1": (
        arrays(train_labels=np.arange(12) % 3 + 1, test_labels=np.arange(6) % 3 + 1),
        {},
        f"{LABELS}: found label 3 at position 2, expected 0 to 2; labels count from 0, and the smallest here is 1",
    ),
    "labels from 1, a class too many": (
        arrays(train_labels=np.arange(12) % 3 + 1, test_labels=np.arange(6) % 3 + 1),
        {"classes": 4},
        f"{LABELS}: found no image of class 0, expected some of each of the 4 (key classes)",
    ),
    "a class only in the test set": (
        arrays(train_labels=np.arange(12) % 2),
        {},
        f"{LABELS}: found no image of class 2, expected some of each of the 3 (key classes)",
    ),
    "one class": (
        arrays(train_labels=np.zeros(12), test_labels=np.zeros(6)),
        {},
        f"{LABELS}: found no image of classes 1, 2, expected some of each of the 3 (key classes)",
    ),
    "most classes missing": (lambda _: None, {"classes": 30}, "of classes 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 17 more, expected"),
    # Values that are no images, or of another scale
    "all pixels zero": (arrays(train_images=np.zeros((12, 4, 5))), {}, f"{TRAIN}: found 0 in every pixel of every image, expected"),
    "the same image": (
        arrays(train_images=np.tile(np.arange(20).reshape(4, 5) * 13, (12, 1, 1))),
        {},
        f"{TRAIN}: found the same image 12 times, expected images that differ",
    ),
    "test images all alike": (arrays(test_images=np.full((6, 4, 5), 9)), {}, f"{TEST}: found 9 in every pixel of every image"),
    "the training images to test on": (
        arrays(test_images=IMAGES, test_labels=np.arange(12) % 3),
        {},
        f"{TEST}: found 12 of 12 images in {TRAIN} too, expected others to test on",
    ),
    "the training images in another order": (
        arrays(test_images=IMAGES[::-1], test_labels=np.arange(12)[::-1] % 3),
        {},
        f"{TEST}: found 12 of 12 images in {TRAIN} too, expected others to test on",
    ),
    "some of the training images": (
        arrays(test_images=np.concatenate([IMAGES[2:6], 255 - IMAGES[:2]])),
        {},
        f"{TEST}: found 4 of 6 images in {TRAIN} too, expected others to test on",
    ),
    "binary": (
        arrays(train_images=IMAGES // 128, test_images=IMAGES[:6] // 129),
        {},
        f"{TRAIN}: found pixels of at most 1, expected up to 255; "
        "if 1 is white in all images, the data set's entry needs `maximum: 1`$",
    ),
    "0 to 16": (
        arrays(train_images=IMAGES // 15 % 17, test_images=IMAGES[6:] // 16),
        {},
        f"{TRAIN}: found pixels of at most 16, expected up to 255; if 16 is white in all images",
    ),
    "test images of another scale": (
        arrays(test_images=IMAGES[:6] // 2),
        {},
        f"{TEST}: found pixels of at most 127, expected up to 255; "
        "if 255 is white in all images, the data set's entry needs `maximum: 255`$",
    ),
    "above the maximum": (lambda _: None, {"maximum": 16}, f"{TRAIN}: found pixel value 255, expected 0 to 16"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_odd_files_are_one_line_before_any_job(folder, name):
    change, entry, expected = FAULTS[name]
    change(folder)
    message = fault(folder, entry)
    assert message.startswith(f"data set own: {folder}")
    assert re.search(re.escape(expected.rstrip("$")) + ("$" if expected.endswith("$") else ""), message), message
    assert message.isprintable()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to this user")
@pytest.mark.parametrize(("place", "mode"), [("", 0), ("", 0o400), (TRAIN, 0)])
def test_what_may_not_be_read_is_named(folder, place, mode):
    (folder / place).chmod(mode)
    message = fault(folder, {})
    (folder / place).chmod(0o700)
    assert re.search(rf"mine/?{place}: not readable \(.*Permission denied", message)


def test_what_cannot_be_read_is_named(folder, monkeypatch):
    """As on a broken disk."""

    def fails(path, *arguments, **options):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(Path, "open", fails)
    assert re.search(rf"mine/{TRAIN}: not readable \(.*Input/output error", fault(folder, {}))
    monkeypatch.setattr(Path, "is_dir", fails)
    assert re.search(r"mine: not readable \(.*Input/output error", fault(folder, {}))
    assert files_in(folder) == []


@pytest.mark.parametrize("directory", ["~nobody_of_this_name/mine", "nul\0character", "a" * 300])
def test_a_folder_that_cannot_be_is_named(directory):
    assert re.search("found no such folder|not readable", fault(directory, {}))


def renamed(**names):
    """A change of a folder: other names of its files."""
    return lambda folder: [moved(IDX_FILES[array], name)(folder) for array, name in names.items()]


def compressed_without_suffix(folder):
    content(TRAIN, gzip.compress)(folder)


def equal_copies(folder):
    (folder / f"{TRAIN}.gz").write_bytes(gzip.compress((folder / TRAIN).read_bytes()))


def linked(folder):
    (folder.parent / "elsewhere").mkdir()
    for file in IDX_FILES.values():
        (folder / file).rename(folder.parent / "elsewhere" / file)
        (folder / file).symlink_to(folder.parent / "elsewhere" / file)


GOOD = {
    "as they are": lambda _: None,
    "with a dot": renamed(train_images="train-images.idx3-ubyte", test_labels="t10k-labels.idx1-ubyte"),
    "in capitals": renamed(train_images=TRAIN.upper(), train_labels="Train-Labels-idx1-ubyte"),
    "gzip without suffix": compressed_without_suffix,
    "two equal copies": equal_copies,
    "links": linked,
}


@pytest.mark.parametrize("change", GOOD.values(), ids=GOOD)
def test_files_by_other_names_give_the_same_data(folder, change):
    expected = datasets.read_idx(folder, 3)
    change(folder)
    found = datasets.read_idx(folder, 3)
    assert found.sha256 == expected.sha256
    assert all(np.array_equal(found.arrays[name], expected.arrays[name]) for name in IDX_FILES)
    assert {Path(path).parent for path in files_in(folder)} == {folder}
    assert len(files_in(folder)) == (5 if change is equal_copies else 4)


def test_the_folder_may_be_below_the_home_folder_and_have_any_name(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_idx_files(tmp_path / "my data" / "Größe x", small_arrays())
    entry = {**ENTRY, "directory": "~/my data/Größe x"}
    data_files.check_own(["own"], {"own": entry})
    assert len(files_in(entry["directory"])) == 4
    assert datasets.find_idx(entry["directory"], TRAIN).is_file()


def test_files_of_a_folder_that_is_not_there_are_none(tmp_path):
    assert files_in(tmp_path / "nowhere") == []


@pytest.mark.parametrize("shape", [(40,), (20, 30), (1, 7)])
def test_images_of_any_shape_are_stored_and_read_back(tmp_path, shape):
    arrays = small_arrays(shape=shape)
    folder = write_idx_files(tmp_path / "mine", arrays)
    if len(shape) == 1:
        (folder / TRAIN).rename(folder / "train-images-idx2-ubyte")
    source = datasets.read_idx(folder, 3)
    datasets.save_dataset(tmp_path / "own.safetensors", source, 4, {})
    loaded = datasets.load_dataset(tmp_path / "own.safetensors")
    assert (loaded.image_shape, loaded.classes) == (shape, 4)
    assert np.allclose(loaded.train_images.numpy(), arrays["train_images"].reshape(12, -1) / 255)


@pytest.mark.parametrize("maximum", [1, 16, 100])
def test_a_maximum_that_the_entry_says_is_what_pixels_are_divided_by(tmp_path, maximum):
    arrays = small_arrays() | {part: small_arrays()[part] % (maximum + 1) for part in ("train_images", "test_images")}
    source = read(write_idx_files(tmp_path / "mine", arrays), {**ENTRY, "maximum": maximum})
    datasets.save_dataset(tmp_path / "own.safetensors", source, 3, {})
    images = datasets.load_dataset(tmp_path / "own.safetensors").train_images.reshape(12, 4, 5).numpy()
    assert np.allclose(images * maximum, arrays["train_images"])
    assert images.max() == 1


def test_dark_images_are_taken_where_the_entry_says_so(tmp_path):
    arrays = small_arrays() | {part: small_arrays()[part] // 3 for part in ("train_images", "test_images")}
    folder = write_idx_files(tmp_path / "mine", arrays)
    assert "expected up to 255" in fault(folder, {})
    assert read_checked(folder, {**ENTRY, "maximum": 255}).arrays["train_images"].max() == 85


def test_a_class_without_test_images_is_no_fault(tmp_path):
    folder = write_idx_files(tmp_path / "mine", small_arrays() | {"test_labels": np.zeros(6)})
    assert read_checked(folder, ENTRY).arrays["test_labels"].tolist() == [0] * 6


def test_the_files_of_a_mirror_are_checked_before_any_job(tmp_path):
    folder = write_idx_files(tmp_path / "mirror", small_arrays())
    source = datasets.read_idx(folder, 3)
    files = {file: {"bytes": (folder / file).stat().st_size, "sha256": sha256} for file, sha256 in source.sha256.items()}
    entries = {"mnist": {"kind": "idx_download", "files": files}}
    content(TRAIN, gzip.compress)(folder)  # without a suffix
    data_files.check_mirror(["mnist"], entries, str(folder))
    content(TRAIN, b"version https://git-lfs.github.com/spec/v1\n")(folder)
    with pytest.raises(InputError, match=rf"^data set mnist: .*{TRAIN}: found a pointer of Git LFS .*, expected 256 bytes of"):
        data_files.check_mirror(["mnist"], entries, str(folder))


@pytest.mark.skipif(not FASHION.is_dir(), reason="no folder with the files of Fashion-MNIST")
def test_photographs_of_clothes_are_plausible():
    found = read_checked(FASHION, {"classes": 10})
    assert found.arrays["train_images"].shape == (60000, 28, 28)
    assert np.bincount(found.arrays["train_labels"]).tolist() == [6000] * 10
