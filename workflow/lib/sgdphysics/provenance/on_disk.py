"""What lies at a path of a project, found out without opening what is no file: a pipe would be waited for for ever."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path, PurePosixPath

KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True)
class Found:
    """What lies at a path.

    Attributes:
        sha256: Of the file; None where there is none, or none that can be read.
        bytes: Its size; 0 where there is none.
        instead: What lies there in place of a file, such as "a link"; empty if nothing or a file does.
        unreadable: Why it cannot be read; empty where it can, or is not there.
    """

    sha256: str | None = None
    bytes: int = 0
    instead: str = ""
    unreadable: str = ""


def found(path: Path) -> Found:
    """Return what lies at a path, the sum of its bytes if it is a file; links are followed."""
    try:
        kind = kind_of(path.stat())
        if kind:
            return Found(instead=kind)
        with opened(path) as file:
            return Found(hashlib.file_digest(file, "sha256").hexdigest(), os.fstat(file.fileno()).st_size)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # of a path with a zero byte
        return Found()
    except OSError as error:
        return Found(unreadable=error.strerror or type(error).__name__)


def content_of(path: Path) -> bytes | None:
    """Return the bytes of a file; None where there is none, or none that can be read."""
    try:
        if kind_of(path.stat()):
            return None
        with opened(path) as file:
            return file.read()
    except (OSError, ValueError):
        return None


def opened(path: Path) -> BufferedReader:
    """Open a file without waiting, whatever it has become since it was looked at; raises `OSError` where that cannot be."""
    return open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb")  # noqa: PTH123 (a path opens by waiting)


def kind_of(status: os.stat_result) -> str:
    """Return what is there in place of a file; empty where it is one."""
    return KINDS.get(stat.S_IFMT(status.st_mode), "" if stat.S_ISREG(status.st_mode) else "something else")


def link_on_the_way(root: Path, name: str) -> bool:
    """Return whether a file of the project, or a folder on the way to it, is a link where none may be.

    Links may be what lies in the project's own folder, as where one works beside a checkout, and the folders in ``results/`` and
    ``figures/``: they may lie on another disk.
    """
    parts = PurePosixPath(name).parts
    return any(is_link(root.joinpath(*parts[:count])) for count in range(_links_until(parts) + 1, len(parts) + 1))


def is_link(path: Path) -> bool:
    """Return whether a path is a link; also to nowhere."""
    try:
        return stat.S_ISLNK(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _links_until(parts: tuple[str, ...]) -> int:
    return 2 if parts and parts[0] in ("results", "figures") and len(parts) > 2 else 1


def walk(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield all that lies in a folder and those below, but for the folders themselves, each with what it is in place of a file.

    Links are not followed, and nothing is opened; a folder that cannot be listed is yielded as "not readable".
    """
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError:
        yield folder, "not readable"
        return
    for entry in listed:
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from walk(path)
        elif entry.is_file(follow_symlinks=False):
            yield path, ""
        else:
            yield path, kind_of(entry.stat(follow_symlinks=False))
