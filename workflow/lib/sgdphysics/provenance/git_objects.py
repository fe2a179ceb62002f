"""Many objects of a repository at once: git is asked once for all of them, and not once for each."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from sgdphysics.provenance.repository import GitError, git


def names(root: Path, expressions: Sequence[str]) -> list[str]:
    """Return git's names of objects, in their order; empty of one that there is not.

    Args:
        root: A folder of the repository.
        expressions: Such as ``<commit>:<path>``.
    """
    lines = git(root, "cat-file", "--batch-check", given=_lines(expressions)).splitlines()
    return ["" if line.endswith(b" missing") else line.split()[0].decode() for line in lines]


def contents(root: Path, objects: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of objects by their names.

    Raises:
        GitError: If one of them is not here.
    """
    wanted, found = list(dict.fromkeys(objects)), {}
    output = git(root, "cat-file", "--batch", given=_lines(wanted)) if wanted else b""
    start = 0
    for name in wanted:
        end = output.index(b"\n", start)
        _, _, size = output[start:end].partition(b" ")[2].partition(b" ")
        if not size.isdigit():
            raise GitError("the repository here lacks a part of its history")
        found[name] = output[end + 1 : end + 1 + int(size)]
        start = end + 2 + int(size)
    return found


def files_in(tree: bytes, digits: int) -> dict[str, str]:
    """Return git's names of what stands in a folder, by its names there.

    Args:
        tree: Content of the object of the folder.
        digits: Of git's names.
    """
    found, size = {}, digits // 2
    while tree:
        described, _, rest = tree.partition(b"\0")
        found[described.partition(b" ")[2].decode("utf-8", "backslashreplace")] = rest[:size].hex()
        tree = rest[size:]
    return found


def _lines(expressions: Iterable[str]) -> bytes:
    return "".join(f"{expression}\n" for expression in expressions).encode()
