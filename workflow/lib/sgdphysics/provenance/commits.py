"""Files as a commit of the project's repository has them."""

import hashlib
import re
import subprocess
from pathlib import Path


def checkout(root: Path) -> Path:
    """Return the folder of the code of a project: of one that was worked in elsewhere, where its links lead to."""
    return (root / "workflow").resolve().parent


def content(root: Path, commit: str, path: str) -> bytes | None:
    """Return a file as a commit has it; None where there is no such commit, no such file in it, or no repository."""
    if not _is_commit(commit):
        return None
    try:
        return subprocess.run(["git", "show", f"{commit}:{path}"], cwd=checkout(root), capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def has(root: Path, commit: str, path: str, sha256: str) -> bool:
    """Return whether a commit has a file with this sum."""
    file = content(root, commit, path)
    return file is not None and hashlib.sha256(file).hexdigest() == sha256


def short(commit: str) -> str:
    """Return a commit in ten digits; what is none, such as "not in a repository", as it is."""
    return commit[:10] if _is_commit(commit) else commit


def _is_commit(commit: str) -> bool:
    return bool(re.fullmatch("[0-9a-f]{40}", commit))
