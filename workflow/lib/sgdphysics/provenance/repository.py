"""What git says of the repository of a project: its commit and what differs from that, or why this is not known."""

import hashlib
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sgdphysics.provenance.places import NOT_KNOWN

MAIN_FILE = "Snakefile"  # a repository that has it, where the project is, has the project
# What would have git answer by another repository than that in which the project lies, or by other objects than the commit's own.
ELSEWHERE = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
}
# English words, and no question to whoever sits there.
LIKEWISE = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1"}


class GitError(Exception):
    """Git cannot answer; the message is why, without any path."""


@dataclass(frozen=True)
class State:
    """State of a working tree.

    Attributes:
        commit: Its digits, or that it is not known and why.
        changed_files: Paths of files that differ from it, sorted; none where it is not known.
    """

    commit: str
    changed_files: tuple[str, ...] = ()


def state_of(root: Path, sources: Iterable[str]) -> State:
    """Return the state of a project.

    The commit is known only where it has the project: in a repository of its own, or as a folder of one that has it.

    Args:
        root: Folder of the project.
        sources: Paths of files that the commit ought to have, whatever git was told to ignore; those that it has are compared with
            it byte by byte, whatever git was told of them: not to look, or to pass them through a filter first.
    """
    root = checkout(root)
    try:
        prefix = prefix_of(root)
        commit = head_of(root)
        committed = files_of(root, commit)
        if prefix and MAIN_FILE not in committed:
            return State(f"{NOT_KNOWN}: the repository around the project does not have it")
        return State(commit, tuple(sorted({*_changed(root, prefix), *_different(root, sources, committed)})))
    except GitError as error:
        return State(f"{NOT_KNOWN}: {error}")


def checkout(root: Path) -> Path:
    """Return the folder of the code of a project: of one that was worked in elsewhere, where its links lead to."""
    return (root / "workflow").resolve().parent


def prefix_of(root: Path) -> str:
    """Return the path of a folder in its repository, with a slash at its end; empty for the top of the repository.

    Raises:
        GitError: If there is no repository, or git cannot or will not read it.
    """
    return _text(git(root, "rev-parse", "--show-prefix")).removesuffix("\n")


def files_of(root: Path, commit: str, *, from_top: bool = False) -> dict[str, str]:
    """Return git's names of the contents that a commit has, by path relative to the folder, or to the top of the repository.

    Raises:
        GitError: As of `prefix_of`, or if the commit, or a part of it, is not there.
    """
    listed = git(root, "ls-tree", "-r", "-z", *(["--full-tree"] if from_top else []), commit)
    entries = (line.split("\t", 1) for line in _text(listed).split("\0") if line)
    return {path: described.split()[2] for described, path in entries if described.split()[1] == "blob"}


def git(root: Path, *arguments: str, given: bytes = b"") -> bytes:
    """Return what a command of git prints that is run in a folder, by the repository of this folder, whatever variables name.

    Args:
        root: The folder.
        arguments: Of git.
        given: What the command reads.

    Raises:
        GitError: If there is no git, or the command fails.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    # No transport: what is not here is not fetched, by a command that settings of this very checkout may name.
    command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "protocol.allow=never", *arguments]
    try:
        run = subprocess.run(command, cwd=root, env=environment | LIKEWISE, input=given, capture_output=True, check=True)
    except FileNotFoundError:
        raise GitError("no git here") from None
    except OSError as error:
        raise GitError(f"git cannot be run ({error.strerror})") from None
    except subprocess.CalledProcessError as error:
        raise GitError(_reason(_text(error.stderr))) from None
    return run.stdout


def _reason(complaint: str) -> str:
    """Why git fails, by what it says, without the paths in that."""
    lines = [line.partition(": ")[2] for line in complaint.splitlines() if line.startswith(("fatal: ", "error: "))]
    message = lines[0] if lines else "it does not say why"
    if "dubious ownership" in message or "unsafe repository" in message:
        return "git refuses this checkout (dubious ownership)"
    if message.startswith("transport ") and message.endswith("not allowed"):
        return "this clone is partial, and nothing is fetched for an audit"
    if message.startswith("not a git repository (or any"):
        return "no repository here"
    without_paths = re.sub(r"'[^']*'|\S*/\S*", "...", message)
    return f"git cannot read this checkout ({without_paths})"


def head_of(root: Path) -> str:
    """Return the commit that is checked out.

    Raises:
        GitError: If there is none, or no repository.
    """
    try:
        return _text(git(root, "rev-parse", "--verify", "--quiet", "HEAD")).strip()
    except GitError:
        raise GitError("the repository here has no commit") from None


def _changed(root: Path, prefix: str) -> list[str]:
    """Files that git itself finds changed, or new."""
    listed = git(root, "status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames", "--", ".")
    return [line[3:].removeprefix(prefix) for line in _text(listed).split("\0") if line]


def _different(root: Path, sources: Iterable[str], committed: Mapping[str, str]) -> list[str]:
    """Those of the files that a commit does not have, though it ought to, or has otherwise; or has, and they are not there.

    What is a link is left to git, which keeps where it leads to; so is what is not there in a checkout that is to have a part only.
    """
    is_part = git(root, "config", "--bool", "--default", "false", "core.sparseCheckout").strip() == b"true"
    missing = [] if is_part else [name for name in committed if not os.path.lexists(root / name)]
    present = (name for name in {*sources, *committed} if (root / name).is_file() and not (root / name).is_symlink())
    return [*missing, *(name for name in present if name not in committed or not _is_blob(root / name, committed[name]))]


def _is_blob(path: Path, name: str) -> bool:
    """Whether git's name of a content is that of the bytes of a file; one that cannot be read is not."""
    try:
        return name == blob_name(path.read_bytes(), len(name))
    except OSError:
        return False


def blob_name(content: bytes, digits: int) -> str:
    """Return git's name of a content, as the objects of a commit have it: no filter and no end of line plays a part.

    Args:
        content: The bytes.
        digits: Of the name, by the kind of repository: 40 or 64.
    """
    kind = {40: "sha1", 64: "sha256"}[digits]
    return hashlib.new(kind, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _text(output: bytes) -> str:
    """What git prints; bytes of a name that are no text are told by their numbers."""
    return output.decode("utf-8", "backslashreplace")
