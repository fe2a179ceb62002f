"""Files of tensors that were made to do harm, or damaged: one line each, whichever function reads them."""

import json
import struct

import pytest
import torch

from sgdphysics import labelled_images, run_files, window_results
from sgdphysics.errors import InputError, RecordError
from sgdphysics.study import catalogue
from sgdphysics.tensors import load_metadata, load_tensors, save_tensors

DEEP = 100_000


def written(path, header, body=b"", length=None):
    """A file of tensors with this header: text, or what JSON makes of it."""
    text = header.encode() if isinstance(header, str) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + body)
    return path


def about(metadata="1", **tensors):
    return {"__metadata__": {"metadata": metadata}, **tensors}


def tensor(begin, end, kind="F32", shape=None):
    return {"dtype": kind, "shape": shape or [(end - begin) // 4], "data_offsets": [begin, end]}


ONE = json.dumps(tensor(0, 4))
SMALL = '{"__metadata__":{"metadata":"1"}'
# The header, what follows it, the length that is said if another, and what is told.
FILES = {
    "deep lists in the metadata": (about("[" * DEEP + "]" * DEEP), b"", None, "maximum recursion depth"),
    "deep objects in the metadata": (about('{"a":' * DEEP + "1" + "}" * DEEP), b"", None, "maximum recursion depth"),
    "a deep header": (SMALL + ',"a":' + "[" * DEEP + "]" * DEEP + "}", b"", None, "maximum recursion depth"),
    "a number without end": (about("1" * 5000), b"", None, "Exceeds the limit"),
    "a header of exabytes": ("{}", b"", 1 << 63, "found a header of 9,223,372,036,854,775,808 bytes, expected 33,554,432 at most"),
    "a header of 90 MB": ("{}", b"", 90_000_000, "found a header of 90,000,000 bytes, expected 33,554,432 at most"),
    "a header that says more than there is": ("{}", b"", 1000, ""),
    "no header": ("", b"", None, ""),
    "signs of a terminal": ('{"\x1b[2J', b"", None, ""),
    "one tensor over another": (about(a=tensor(0, 8), b=tensor(4, 12)), bytes(12), None, "invalid offset for tensor"),
    "two tensors in one place": (about(a=tensor(0, 8), b=tensor(0, 8)), bytes(8), None, "invalid offset for tensor"),
    "a hole": (about(a=tensor(0, 8), b=tensor(12, 16)), bytes(16), None, "invalid offset for tensor"),
    "a tensor beyond the file": (about(a=tensor(0, 800)), bytes(8), None, "file not fully covered"),
    "another shape than bytes": (about(a=tensor(0, 8, shape=[3])), bytes(8), None, "invalid shape, data type, or offset"),
    "a shape of 2^64": (about(a=tensor(0, 8, shape=[1 << 62, 4])), bytes(8), None, "overflow computing buffer size"),
    "a tensor twice": (f'{SMALL},"a":{ONE},"a":{ONE}}}', bytes(4), None, "found 'a' twice in the header, expected it once"),
    "metadata twice": (SMALL + ',"__metadata__":{"metadata":"2"}}', b"", None, "found '__metadata__' twice in the header"),
    "another type": (about(a=tensor(0, 8, "F128")), bytes(8), None, "unknown variant `F128`"),
    "no metadata": ({"a": tensor(0, 8)}, bytes(8), None, "NoneType"),
    "other metadata": ({"__metadata__": {"format": "pt"}}, b"", None, "'metadata'"),
    "metadata that are no JSON": (about("text"), b"", None, "Expecting value"),
}
READERS = [
    load_tensors,
    load_metadata,
    run_files.load_results,
    window_results.load_windows,
    labelled_images.load_dataset,
    catalogue._outcomes,
]


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_none_of_this_project_is_one_line(tmp_path, name, read):
    header, body, length, told = FILES[name]
    path = written(tmp_path / "file.safetensors", header, body, length)
    with pytest.raises(RecordError, match=rf"^{path}: not a readable tensor file of this project \(.*({told}).*\)$") as caught:
        read(path)
    assert str(caught.value).isprintable()


def test_a_long_header_is_not_read(tmp_path):
    path = tmp_path / "file.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 1 << 40))
        file.truncate(1 << 40)  # on disk there is next to nothing
    with pytest.raises(RecordError, match="found a header of 1,099,511,627,776 bytes"):
        load_metadata(path)


WINDOW = {"layer": 1, "epochs": 1, "start_epoch": 0, "ranks": [1]}
ENTRY = {"name": "a", "role": "b", "layers": 1, "sources": {"sgd": 1.0}, "window": WINDOW}
KINDS = {"integers": torch.int64, "complex numbers": torch.complex64, "truth values": torch.bool}
OTHER_METADATA = [3, None, "text", [3], [[]], {"results": 3}, {"results": [3]}, {"results": [{"name": [1]}]}, [{}], float("nan")]


@pytest.mark.parametrize("metadata", OTHER_METADATA, ids=map(str, OTHER_METADATA))
@pytest.mark.parametrize("read", READERS[2:], ids=lambda read: read.__name__)
def test_metadata_of_something_else_are_one_line(tmp_path, metadata, read):
    save_tensors(tmp_path / "file", {}, metadata)
    with pytest.raises(InputError, match=f"^{tmp_path}/file: [^\n]+$"):
        read(tmp_path / "file")


def saved_windows(path, **changed):
    numbers = torch.ones(1)
    names = ["0/sgd/in_sample", "0/sgd/held_out", "0/sgd/directions", "0/drift", "0/curvatures", "0/hessian_directions"]
    save_tensors(path, {**dict.fromkeys(names, numbers), "0/centre/0": torch.ones(2, 2), **changed}, [ENTRY])
    return path


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_windows_of_other_numbers_are_one_line(tmp_path, kind):
    assert len(window_results.load_windows(saved_windows(tmp_path / "good"))) == 1
    for name in ("0/sgd/held_out", "0/drift", "0/centre/0"):
        path = saved_windows(tmp_path / "other", **{name: torch.ones(2, 2, dtype=kind)})
        with pytest.raises(RecordError, match=f"^{path}: not measured windows as this version knows them .*found {kind}"):
            window_results.load_windows(path)


@pytest.mark.parametrize("kind", [*KINDS.values(), torch.float32, torch.uint16])
def test_data_of_another_type_are_one_line(tmp_path, kind):
    tensors = {name: torch.ones(2, 1, dtype=kind) for name in ("train_images", "test_images")}
    tensors |= {name: torch.ones(2, dtype=torch.uint8) for name in ("train_labels", "test_labels")}
    save_tensors(tmp_path / "data", tensors, {"image_shape": [1], "classes": 2, "maximum": 1})
    with pytest.raises(InputError, match=f"^{tmp_path}/data: train_images: found .*, expected unsigned bytes"):
        labelled_images.load_dataset(tmp_path / "data")


@pytest.mark.parametrize(
    "changed", [{"classes": float("inf")}, {"image_shape": [float("inf")]}, {"image_shape": 3}, {"maximum": 0}]
)
def test_a_data_set_with_odd_numbers_is_one_line(tmp_path, changed):
    images, labels = torch.ones(2, 1, dtype=torch.uint8), torch.ones(2, dtype=torch.uint8)
    arrays = {"train_images": images, "test_images": images, "train_labels": labels, "test_labels": labels}
    save_tensors(tmp_path / "data", arrays, {"image_shape": [1], "classes": 2, "maximum": 1, **changed})
    with pytest.raises(InputError, match=f"^{tmp_path}/data: not a data set of this project"):
        labelled_images.load_dataset(tmp_path / "data")


def test_metadata_without_a_key_that_is_needed_name_it(tmp_path):
    save_tensors(tmp_path / "file", {}, {"dataset": "digits"})
    assert load_metadata(tmp_path / "file", "dataset") == {"dataset": "digits"}
    with pytest.raises(RecordError, match=r"file: found no results in its metadata, expected dataset, results$"):
        load_metadata(tmp_path / "file", "dataset", "results")


@pytest.mark.parametrize("history", [3, "text", {"a": 1}])
def test_a_history_that_is_none_is_one_line_in_the_catalogue(tmp_path, history):
    save_tensors(tmp_path / "file", {}, {"results": [{"name": "a", "loss_history": history}]})
    with pytest.raises(RecordError, match="not a file of trained runs"):
        catalogue._outcomes(tmp_path / "file")
