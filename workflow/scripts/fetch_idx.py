"""Fetch the four IDX files of a data set, from a local folder or from mirrors, and keep only what has the right checksum."""

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sgdphysics import downloads, progress
from sgdphysics.errors import one_line
from sgdphysics.files import write_atomically
from sgdphysics.idx_files import read_payload
from sgdphysics.idx_folders import find_idx
from sgdphysics.labelled_arrays import DatasetError
from sgdphysics.provenance import jobs

PAUSES_SECONDS = (1, 4)  # before the second and the third try of one mirror

Retrieve = Callable[[str, Path, int], None]  # loads a URL into a file of so many bytes at most; OSError where that fails


def fetch(
    files: Mapping[str, Mapping[str, Any]],
    urls: Sequence[str],
    mirror: str | None,
    directory: Path,
    retrieve: Retrieve | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Write the decompressed files, and which mirror each came from (``sources.json``), once all are there and checked.

    Args:
        files: Name of each file, with ``bytes`` and ``sha256`` of its decompressed contents.
        urls: Folders on the network (https only) that hold the files as ``<name>.gz``, tried in turn.
        mirror: Folder on this machine that holds the files, compressed or not. If it is given, the network is not used.
        directory: Folder for the files.
        retrieve: For tests.
        wait: For tests.

    Raises:
        DatasetError: If the local mirror lacks a file or holds a bad one, or if no mirror has a good one.
    """
    insecure = [url for url in urls if not url.startswith("https://")]
    if insecure:
        raise DatasetError(f"mirror: found {insecure[0]}, expected an address that starts with https://")
    payloads, sources = {}, {}
    for name, expected in files.items():
        check = (expected["bytes"], expected["sha256"])
        if mirror is not None:
            payloads[name], source = read_payload(find_idx(mirror, name), *check), "local mirror"
        else:
            payloads[name], source = _from_network(name, check, urls, retrieve or download, wait)
        sources[name] = {"mirror": source, "sha256": expected["sha256"]}
        progress.tell(name, source=source, checksum="as expected")
    for name, payload in payloads.items():
        write_atomically(directory / name, lambda path, payload=payload: path.write_bytes(payload))
    text = json.dumps(sources, indent=2) + "\n"
    write_atomically(directory / "sources.json", lambda path: path.write_text(text, encoding="utf-8"))


def download(url: str, path: Path, most_bytes: int) -> None:
    """Load a URL into a file, with a progress bar on the terminal; arguments and errors as `downloads.download`."""
    # To the terminal, past the log file: this is what the user waits for.
    with contextlib.redirect_stderr(sys.__stderr__):
        progress.tell("fetching", address=url)
        downloads.download(url, path, most_bytes)


def _from_network(
    name: str, check: tuple[int, str], urls: Sequence[str], retrieve: Retrieve, wait: Callable[[float], None]
) -> tuple[bytes, str]:
    """Contents of a file from the first mirror that has a good one, and that mirror."""
    faults = []
    for url in urls:
        # Outside the data folder: a killed download leaves nothing there.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.gz"
            try:
                _with_retries(retrieve, f"{url.rstrip('/')}/{name}.gz", path, downloads.compressed_bytes(check[0]), wait)
                return read_payload(path, *check), url
            except (OSError, DatasetError) as error:
                faults.append(f"{url} ({_reason(error).replace(str(path), path.name)})")
                progress.tell(name, not_from=faults[-1])
    advice = "get the four files elsewhere, put them into one folder and add --config mirror=FOLDER to the command"
    raise DatasetError(f"{name}: no mirror has a good copy; tried {', '.join(faults)}; {advice}")


def _with_retries(retrieve: Retrieve, url: str, path: Path, most_bytes: int, wait: Callable[[float], None]) -> None:
    for pause in PAUSES_SECONDS:
        try:
            return retrieve(url, path, most_bytes)
        except OSError as error:
            progress.tell(url, error=_reason(error), again_after_seconds=pause)
            wait(pause)
    return retrieve(url, path, most_bytes)


def _reason(error: BaseException) -> str:
    """One line on what first went wrong: the errors of the transport wrap each other."""
    while error.__cause__ or (error.__context__ and not error.__suppress_context__):
        error = error.__cause__ or error.__context__
    return one_line(error)


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        fetch(
            snakemake.params.files,
            snakemake.params.urls,
            snakemake.params.mirror,
            Path(snakemake.output.sources).parent,
        )
