"""What git says of the repository of a project: its commit and what differs from that, or why this is not known."""

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
        sources: Paths of files that are compared with the commit by their content, whatever git was told to ignore.
    """
    root = checkout(root)
    try:
        prefix = prefix_of(root)
        commit = _head(root)
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


def git(root: Path, *arguments: str) -> bytes:
    """Return what a command of git prints that is run in a folder, by the repository of this folder, whatever variables name.

    Args:
        root: The folder.
        arguments: Of git.

    Raises:
        GitError: If there is no git, or the command fails.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", *arguments]
    try:
        run = subprocess.run(
            command, cwd=root, env=environment | LIKEWISE, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
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
    if message.startswith("not a git repository (or any"):
        return "no repository here"
    without_paths = re.sub(r"'[^']*'|\S*/\S*", "...", message)
    return f"git cannot read this checkout ({without_paths})"


def _head(root: Path) -> str:
    try:
        return _text(git(root, "rev-parse", "--verify", "--quiet", "HEAD")).strip()
    except GitError:
        raise GitError("the repository here has no commit") from None


def _changed(root: Path, prefix: str) -> list[str]:
    """Files that git itself finds changed, or new."""
    listed = git(root, "status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames", "--", ".")
    return [line[3:].removeprefix(prefix) for line in _text(listed).split("\0") if line]


def _different(root: Path, sources: Iterable[str], committed: Mapping[str, str]) -> list[str]:
    """Those of the files that a commit does not have, or has otherwise."""
    names = sorted({name for name in sources if (root / name).is_file()})
    known = [name for name in names if name in committed]
    contents = _text(git(root, "hash-object", "--", *known)).split() if known else []
    same = {name for name, content in zip(known, contents, strict=True) if committed[name] == content}
    return [name for name in names if name not in same]


def _text(output: bytes) -> str:
    """What git prints; bytes of a name that are no text are told by their numbers."""
    return output.decode("utf-8", "backslashreplace")
