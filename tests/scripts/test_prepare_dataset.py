import copy
import gzip
import hashlib
import json
import re
import runpy
import struct
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml

from sgdphysics import datasets
from sgdphysics.datasets import IDX_FILES, DatasetError
from sgdphysics.errors import RecordError
from sgdphysics.tensors import load_metadata

ROOT = Path(__file__).parents[2]
REGISTRY = yaml.safe_load((ROOT / "config" / "datasets.yaml").read_text())
SCHEMA = json.loads((ROOT / "workflow" / "schemas" / "datasets.schema.json").read_text())
prepare = runpy.run_path(str(ROOT / "workflow" / "scripts" / "prepare_dataset.py"), run_name="prepare_dataset")["prepare"]

OWN = {
    "kind": "idx_directory",
    "version": "1",
    "description": "Noise",
    "licence": "none",
    "citation": "nobody",
    "image_shape": None,
    "classes": 3,
    "training_images": None,
    "directory": "mine",
}


@pytest.fixture
def folder(tmp_path):
    """A folder with four small IDX files: 12 and 6 images of 4 x 5 pixels, 3 classes."""
    random, result = np.random.default_rng(0), tmp_path / "mine"
    result.mkdir()
    for name, file in IDX_FILES.items():
        count = 12 if name.startswith("train") else 6
        array = random.integers(0, 256, (count, 4, 5)) if name.endswith("images") else np.arange(count) % 3
        header = struct.pack(f">{1 + array.ndim}I", 0x0800 | array.ndim, *array.shape)
        (result / file).write_bytes(header + array.astype(np.uint8).tobytes())
    return result


def sums(folder):
    return {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in IDX_FILES.values()}


def downloaded(folder, **changes):
    """The registry's entry for a folder as `fetch_idx` leaves it."""
    entry = {key: value for key, value in OWN.items() if key != "directory"} | {"kind": "idx_download"}
    entry["files"] = {file: {"bytes": (folder / file).stat().st_size, "sha256": total} for file, total in sums(folder).items()}
    sources = {file: {"mirror": "local mirror", "sha256": total} for file, total in sums(folder).items()}
    (folder / "sources.json").write_text(json.dumps(sources))
    return entry | changes


@pytest.mark.parametrize("name", ["mnist5k", "digits"])
def test_embedded_data_are_those_of_the_registry(tmp_path, name):
    entry, path = REGISTRY["datasets"][name], tmp_path / f"{name}.safetensors"
    prepare(name, entry, tmp_path / "unused", path)
    dataset, metadata = datasets.load_dataset(path), load_metadata(path)
    assert len(dataset.train_labels) == entry["training_images"]
    assert dataset.image_shape == tuple(entry["image_shape"])
    assert float(dataset.train_images.min()) == 0
    assert float(dataset.train_images.max()) == 1
    assert metadata["arrays_sha256"] == entry["sha256"]
    assert {key: metadata[key] for key in ("name", "version", "licence")} == {
        "name": name,
        "version": entry["version"],
        "licence": entry["licence"],
    }


def test_own_files_are_recorded_by_checksum_and_without_a_path(tmp_path, folder):
    prepare("own", OWN, folder, tmp_path / "own.safetensors")
    assert load_metadata(tmp_path / "own.safetensors")["files_sha256"] == sums(folder)
    assert str(tmp_path).encode() not in (tmp_path / "own.safetensors").read_bytes()


def test_own_files_may_be_compressed_and_give_the_same_bytes(tmp_path, folder):
    prepare("own", OWN, folder, tmp_path / "a")
    for file in IDX_FILES.values():
        (folder / f"{file}.gz").write_bytes(gzip.compress((folder / file).read_bytes()))
        (folder / file).unlink()
    prepare("own", OWN, folder, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_mirror_of_each_file_is_recorded(tmp_path, folder):
    prepare("small", downloaded(folder), folder, tmp_path / "small.safetensors")
    metadata = load_metadata(tmp_path / "small.safetensors")
    assert metadata["sources"] == dict.fromkeys(IDX_FILES.values(), "local mirror")
    assert metadata["files_sha256"] == sums(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_shape": [28, 28]}, "mine: found images of 4 x 5 pixels, expected 28 x 28"),
        ({"training_images": 13}, "mine: training images: found 12, expected 13"),
        ({"classes": 2}, "train-labels-idx1-ubyte: found label 2 at position 2, expected 0 to 1"),
    ],
)
def test_data_unlike_their_entry_are_refused(tmp_path, folder, changes, message):
    with pytest.raises(DatasetError, match=f"^.*{re.escape(message)}$"):
        prepare("small", downloaded(folder, **changes), folder, tmp_path / "small.safetensors")
    assert list(tmp_path.iterdir()) == [folder]


def test_a_fetched_file_that_changed_since_is_refused(tmp_path, folder):
    entry, path = downloaded(folder), folder / "t10k-images-idx3-ubyte"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    found, expected = sums(folder)[path.name], entry["files"][path.name]["sha256"]
    with pytest.raises(DatasetError, match=f"^small: {path.name}: sha256: found {found}, expected {expected}$"):
        prepare("small", entry, folder, tmp_path / "small.safetensors")


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}'])
def test_a_damaged_list_of_sources_is_named(tmp_path, folder, text):
    entry = downloaded(folder)
    (folder / "sources.json").write_text(text)
    with pytest.raises(RecordError, match=r"^.*sources.json: not a list of sources \(.*\)$"):
        prepare("small", entry, folder, tmp_path / "small.safetensors")


# --- the registry


def faults(registry):
    return [fault.message for fault in jsonschema.Draft202012Validator(SCHEMA).iter_errors(registry)]


def test_the_registry_and_its_schema_are_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert faults(REGISTRY) == []


def test_the_example_in_the_registry_is_valid():
    lines = (ROOT / "config" / "datasets.yaml").read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("  # fashion:"))
    example = yaml.safe_load("\n".join(line.replace("  # ", "", 1) for line in lines[start:]))
    assert list(example) == ["fashion"]
    assert faults({"datasets": example | {"own": OWN}}) == []


def test_every_object_of_the_schema_is_closed():
    def objects(part):
        if isinstance(part, dict):
            if part.get("type") == "object" and "allOf" not in part:
                yield part
            for value in part.values():
                yield from objects(value)

    assert all("additionalProperties" in part for part in objects(SCHEMA))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("mnist5k", "licens"), "x", "'licens' was unexpected"),
        (("mnist5k", "kind"), "downloaded", "'downloaded' is not one of ['embedded', 'idx_download', 'idx_directory']"),
        (("mnist5k", "loader"), "../mnist", "'../mnist' does not match"),
        (("mnist5k", "sha256"), "abc", "'abc' does not match"),
        (("mnist", "mirrors"), ["http://example.org/"], "'http://example.org/' does not match '^https://"),
        (("mnist", "mirrors"), ["file:///data"], "'file:///data' does not match"),
        (("mnist", "mirrors"), [], "should be non-empty"),
        (("mnist", "files", "train"), {}, "'train' was unexpected"),
        (("mnist", "files", "t10k-labels-idx1-ubyte", "size"), 1, "'size' was unexpected"),
        (("mnist", "classes"), 1, "1 is less than the minimum of 2"),
        (("mnist", "image_shape"), None, "None is not of type 'array'"),
        (("../elsewhere",), OWN, "'../elsewhere' does not match"),
        (("own",), {key: value for key, value in OWN.items() if key != "directory"}, "'directory' is a required property"),
        (("own",), {}, "'kind' is a required property"),
    ],
)
def test_a_wrong_entry_is_one_clear_fault(place, value, message):
    registry = copy.deepcopy(REGISTRY)
    part = registry["datasets"]
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    assert any(message in fault for fault in faults(registry))
