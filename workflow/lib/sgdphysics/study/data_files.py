"""The user's own data files, looked at before any job. Without torch: Snakemake loads this when it starts."""

from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.idx_datasets import read_checked
from sgdphysics.idx_files import read_payload
from sgdphysics.idx_folders import find_idx


def check_own(names: Collection[str], entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Check the files of those data sets, of some that are to be made, that are in the user's folders.

    Args:
        names: Of the data sets.
        entries: All data sets by name.

    Raises:
        InputError: With one line that names the data set, the file, what was found and what is expected.
    """
    for name in sorted(names):
        entry = entries[name]
        if entry["kind"] == "idx_directory":
            with _told_of(name):
                read_checked(entry["directory"], entry)


def check_mirror(names: Collection[str], entries: Mapping[str, Mapping[str, Any]], mirror: str) -> None:
    """Check the files of data sets that are to be fetched from a folder, ``mirror``; other arguments and errors as `check_own`."""
    for name in sorted(names):
        with _told_of(name):
            for file, expected in entries[name]["files"].items():
                read_payload(find_idx(mirror, file), expected["bytes"], expected["sha256"])


@contextmanager
def _told_of(name: str) -> Generator[None]:
    """Have the errors of a block tell of the data set."""
    try:
        yield
    except InputError as error:
        raise InputError(f"data set {name}: {error}") from None
