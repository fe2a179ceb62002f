"""Which files of a folder are the four IDX files of a data set, under the names that they go by."""

import re
from pathlib import Path

from sgdphysics.errors import one_line
from sgdphysics.labelled_arrays import DatasetError

# The names of the files of the four arrays in the IDX format, which are those of MNIST.
IDX_FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}

_LISTED = 10  # of what is in a folder instead


def find_idx(directory: Path | str, file: str) -> Path:
    """Return the path of an IDX file in a folder: the first of `find_all`, with its errors."""
    return find_all(directory, file)[0]


def find_all(directory: Path | str, file: str) -> list[Path]:
    """Return the paths of the files of a folder that go by a name: as it is, compressed, and others, in this order.

    Args:
        directory: The folder; ``~`` at its beginning is the home folder.
        file: One of ``IDX_FILES``. A file goes by that name also with ``.gz`` at its end, with a dot in it
            (``train-images.idx3-ubyte``), in capital letters, and with images of numbers in a row as ``train-images-idx2-ubyte``.

    Raises:
        DatasetError: If the folder is missing or not readable, or has no such file.
    """
    present = _content_of(directory)
    paths = _named(file, present)
    if not paths:
        names = [_described(path) for path in present[:_LISTED]]
        others = [f"{len(present) - _LISTED} more"] if len(present) > _LISTED else []
        listed = ", ".join([*names, *others]) or "nothing"
        raise DatasetError(f"{directory}: found neither {file} nor {file}.gz, expected one of them; there is: {listed}")
    return paths


def files_in(directory: Path | str) -> list[str]:
    """Return the paths of the IDX files of a folder, sorted, as far as they are there."""
    try:
        present = _content_of(directory)
    except DatasetError:
        return []
    return sorted(str(path) for file in IDX_FILES.values() for path in _named(file, present))


def _content_of(directory: Path | str) -> list[Path]:
    """What is in a folder, sorted."""
    files = f"{', '.join(IDX_FILES.values())} (or .gz)"
    try:
        paths = sorted(_expanded(directory).iterdir())
        for path in paths[:1]:
            path.is_dir()  # fails where a folder may be listed, and what is in it may not be looked at
        return paths
    except (FileNotFoundError, ValueError):  # the other of a text that can be no name, with a null character
        raise DatasetError(f"{directory}: found no such folder, expected one with {files}") from None
    except NotADirectoryError:
        raise DatasetError(f"{directory}: found a file, expected a folder with {files}") from None
    except OSError as error:
        raise DatasetError(f"{directory}: not readable ({one_line(error)})") from None


def _expanded(directory: Path | str) -> Path:
    """A path with the home folder in place of ``~``; as it is where there is no such user."""
    try:
        return Path(directory).expanduser()
    except RuntimeError:
        return Path(directory)


def _named(file: str, present: list[Path]) -> list[Path]:
    """Those files among what is in a folder that go by a name."""
    accepted = {file, file.replace("idx3", "idx2")}
    paths = [path for path in present if _standard_name(path.name) in accepted and path.is_file()]
    return sorted(paths, key=lambda path: (path.name != file, path.name != f"{file}.gz", path.name))


def _standard_name(name: str) -> str:
    return re.sub("[._]", "-", name.lower().removesuffix(".gz"))


def _described(path: Path) -> str:
    """What to say of something in a folder, in one line."""
    name = path.name if path.name.isprintable() else repr(path.name)
    if path.is_dir():
        return f"{name}/"
    return name if path.exists() else f"{name} (a link to nothing)"
