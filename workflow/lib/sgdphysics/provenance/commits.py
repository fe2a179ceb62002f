"""Files as commits of the project's repository have them, and whether that can be told here."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from sgdphysics.provenance.places import NOT_KNOWN
from sgdphysics.provenance.repository import GitError, checkout, files_of, git, prefix_of


class NotAtHandError(Exception):
    """What a commit has cannot be told here: it is in no repository here, or git does not answer.

    Attributes:
        commit: Its digits.
        reason: Why.
    """

    def __init__(self, commit: str, reason: str) -> None:
        super().__init__(f"commit {short(commit)} is not at hand ({reason})")
        self.commit, self.reason = commit, reason


class History:
    """The commits of the repository in which a project lies; each is looked for once.

    Args:
        root: Folder of the project.

    Attributes:
        not_at_hand: Why a commit that was looked for cannot be read here, by its digits.
    """

    def __init__(self, root: Path) -> None:
        self.not_at_hand: dict[str, NotAtHandError] = {}
        self._root = checkout(root)
        self._files: dict[str, Mapping[str, str]] = {}

    def content(self, commit: str, path: str) -> bytes | None:
        """Return a file of the project as a commit has it, None where it has none.

        Raises:
            NotAtHandError: If that cannot be told here.
        """
        name = self.blobs(commit).get(path)
        try:
            return git(self._root, "cat-file", "blob", name) if name else None
        except GitError as error:
            self.not_at_hand[commit] = NotAtHandError(commit, str(error))
            raise self.not_at_hand[commit] from None

    def blobs(self, commit: str) -> Mapping[str, str]:
        """Return git's names of the contents of the project's files as a commit has them, by path; raises as `content` does."""
        if commit in self.not_at_hand:
            raise self.not_at_hand[commit]
        try:
            return self._files_of(commit)
        except GitError as error:
            self.not_at_hand[commit] = NotAtHandError(commit, str(error))
            raise self.not_at_hand[commit] from None

    def has(self, commit: str, path: str, sha256: str) -> bool:
        """Return whether a commit has a file with this sum; raises as `content` does."""
        content = self.content(commit, path)
        return content is not None and hashlib.sha256(content).hexdigest() == sha256

    def first_with(self, commits: Iterable[str], path: str, sha256: str) -> str | None:
        """Return the first of some commits that has a file with this sum, None where none has.

        Raises:
            NotAtHandError: If none that can be read here has it, and another cannot be read.
        """
        doubts = []
        for commit in commits:
            try:
                if self.has(commit, path, sha256):
                    return commit
            except NotAtHandError as error:
                doubts.append(error)
        if doubts:
            raise doubts[0]
        return None

    def _files_of(self, commit: str) -> Mapping[str, str]:
        if commit not in self._files:
            prefix_of(self._root)  # fails with the reason where there is no repository, or none that git reads
            if not _has(self._root, commit):
                raise GitError(_why_it_lacks(self._root))
            # A project may have become a folder of a larger one, with a history of when it was none.
            self._files[commit] = files_of(self._root, commit) or files_of(self._root, commit, from_top=True)
        return self._files[commit]


def is_commit(text: str) -> bool:
    """Return whether a text is the digits of a commit, and does not stand in place of one that is not known."""
    return bool(re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", text))


def short(commit: str) -> str:
    """Return a commit in ten digits; what stands in place of one as it is."""
    return commit[:10] if is_commit(commit) else commit


def not_known(text: str) -> str:
    """Return that a commit is not known and why, from what stands in its place; earlier records only said "not in a repository"."""
    return text if text.startswith(NOT_KNOWN) else f"{NOT_KNOWN}: {text}"


def _has(root: Path, commit: str) -> bool:
    try:
        git(root, "cat-file", "-e", f"{commit}^{{commit}}")
    except GitError:
        return False
    return True


def _why_it_lacks(root: Path) -> str:
    is_shallow = git(root, "rev-parse", "--is-shallow-repository").strip() == b"true"
    return "this clone is shallow" if is_shallow else "the repository here does not have it"
