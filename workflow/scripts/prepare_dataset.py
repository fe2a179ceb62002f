"""Make one checked file of a data set, from a package or from IDX files."""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from sgdphysics import devices
from sgdphysics.errors import RecordError
from sgdphysics.labelled_arrays import DatasetError, check_sizes
from sgdphysics.provenance import jobs
from sgdphysics.sources.source import Source, arrays_sha256, save_dataset


def prepare(name: str, entry: Mapping[str, Any], directory: Path, dataset_path: Path) -> None:
    """Read a data set, check it against its entry in the registry, and write it.

    Args:
        name: Of the data set.
        entry: From the registry.
        directory: Folder of the IDX files; not looked at for a data set that comes with a package.
        dataset_path: File to write.

    Raises:
        DatasetError: If the data are not what the entry says, or are damaged.
    """
    # The one module that this data set comes from: others are no code of this job.
    source = import_module(f"sgdphysics.sources.{entry.get('loader', 'idx')}").read(directory, entry)
    _check(name, entry, source)
    description = {"name": name, **{key: entry[key] for key in ("version", "description", "licence", "citation")}}
    if entry["kind"] == "idx_download":
        description["sources"] = _sources(directory / "sources.json")
    save_dataset(dataset_path, source, entry["classes"], description)


def _check(name: str, entry: Mapping[str, Any], source: Source) -> None:
    """Compare the data with what the registry says of them."""
    for file, expected in entry.get("files", {}).items():
        _compare(f"{name}: {file}: sha256", source.sha256[file], expected["sha256"])
    if entry["kind"] == "embedded":
        _compare(f"{name}: sha256 of the arrays from {source.origin}", arrays_sha256(source.arrays), entry["sha256"])
    check_sizes({array: values.numpy() for array, values in source.arrays.items()}, entry, name)


def _compare(subject: str, value: Any, expected: Any) -> None:
    if value != expected:
        raise DatasetError(f"{subject}: found {value}, expected {expected}")


def _sources(path: Path) -> dict[str, str]:
    """The mirror that each file came from, as `fetch_idx` wrote it."""
    try:
        return {file: source["mirror"] for file, source in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RecordError(f"{path}: not a list of sources ({error})") from None


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        devices.prepared(job)
        prepare(
            snakemake.wildcards.dataset,
            snakemake.params.entry,
            Path(snakemake.params.directory),
            Path(snakemake.output.dataset),
        )
