"""Which code answers an audit: that of the tree that is audited, as a commit has it or not, or code that is installed elsewhere.

Code that was tampered with can say here what it likes: whoever does not trust a tree audits it with an installation of their own.
"""

import sys
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sgdphysics.errors import InputError
from sgdphysics.provenance import commits, modules
from sgdphysics.provenance.commits import History, NotAtHandError
from sgdphysics.provenance.reading import load
from sgdphysics.provenance.repository import GitError, blob_name, checkout, head_of


@dataclass(frozen=True)
class OwnCode:
    """Which code answers.

    Attributes:
        line: In one line.
        is_other: Whether it is of the tree that is audited, and as no commit at hand has it.
    """

    line: str
    is_other: bool = False


def of_this_process(root: Path, study: str) -> OwnCode:
    """Return which code this process runs.

    Args:
        root: Folder of the project that is audited.
        study: Whose record names a commit that may have the code, where the one that is checked out has not.
    """
    folder = checkout(root)
    own = {name: module for name, module in list(sys.modules.items()) if name.split(".")[0] in modules.PACKAGES}
    files = {Path(file).resolve() for file in modules.files_of(own).values()}
    names = {path.relative_to(folder).as_posix(): path for path in files if path.is_relative_to(folder / "workflow" / "lib")}
    if not names:
        return OwnCode("answered by sgdphysics as it is installed elsewhere, not by code of this tree")
    history, doubts, differing = History(root), [], ""
    for commit in _commits(root, study):
        try:
            blobs = history.blobs(commit)
        except NotAtHandError as error:
            doubts.append(str(error))
            continue
        others = sorted(name for name, path in names.items() if not _is_blob(path, blobs.get(name)))
        if not others:
            return OwnCode(f"answered by code of this tree, as commit {commits.short(commit)} has it")
        differing = differing or f"commit {commits.short(commit)} in {', '.join(others)}"
    if differing:
        return OwnCode(f"answered by code of this tree, which differs from {differing}", is_other=True)
    why = "; ".join(doubts) or "no commit is at hand"
    return OwnCode(f"answered by code of this tree; whether a commit has it so cannot be told: {why}")


def _commits(root: Path, study: str) -> Generator[str]:
    """The commit that is checked out, and then the one that the record names."""
    with suppress(GitError):
        yield head_of(checkout(root))
    with suppress(InputError):
        commit = load(root, study).commit
        if commits.is_commit(commit):
            yield commit


def _is_blob(path: Path, name: str | None) -> bool:
    return name is not None and blob_name(path.read_bytes(), len(name)) == name
