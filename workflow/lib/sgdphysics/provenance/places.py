"""How records name things: without the folders and users of a machine, and as not known where that is so.

Plumbing: it moves no number. A file of the project goes by its path there, one outside of it by its sum and its own name.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sgdphysics.errors import InputError

OUTSIDE = "outside"  # how the recorded names begin of files outside of the project
NOT_KNOWN = "not known"  # how begins what stands in place of a commit, a version or a processor that is not known
A_PLACE = "a place on this machine"  # in place of a setting that is a folder or a file there


def path_within(root: Path, path: Path) -> str:
    """Return the path of a file relative to the root; folders in it, or above it, may be links to other places.

    Raises:
        InputError: If it is not in the project.
    """
    folder, inside = root, Path(os.path.normpath(path.absolute()))
    if not inside.is_relative_to(folder):
        folder, inside = root.resolve(), path.resolve()
    if not inside.is_relative_to(folder):
        raise InputError(f"{path}: expected a file of the project in {root}")
    return inside.relative_to(folder).as_posix()


def recorded_name(path: str | Path, sha256: str) -> str:
    """Return how records name a file: by its path relative to the project where we are, or as one outside of it.

    Args:
        path: Of the file.
        sha256: Its sum, of which a name from outside has ten digits: files of one name in two folders are two.
    """
    try:
        return path_within(Path.cwd(), Path(path))
    except InputError:
        return f"{OUTSIDE}/{sha256[:10]}/{Path(path).name}"


def is_outside(name: str) -> bool:
    """Return whether a recorded name is that of a file outside of the project."""
    return bool(re.fullmatch(rf"{OUTSIDE}/[0-9a-f]{{10}}/[^/]+", name))


def without_places(value: Any) -> Any:
    """Return settings without the folders of this machine: they tell nothing about what was made, whose bytes have sums."""
    if isinstance(value, Mapping):
        return {key: without_places(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(inner) for inner in value]
    return A_PLACE if isinstance(value, str) and re.match(r"/|~|\.\.(/|$)|file:", value) else value
