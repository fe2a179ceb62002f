"""When the rule of each claim was last changed, by the history of the repository in which the project lies."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.provenance import git_objects
from sgdphysics.provenance.claim_rules import FOLDER, INTERVALS, LEDGER, Code, Rule, entries_by_claim, is_part
from sgdphysics.provenance.places import NOT_KNOWN
from sgdphysics.provenance.repository import GitError, checkout, git, prefix_of

AT_ONCE = 64  # commits of which contents are asked for together


@dataclass(frozen=True)
class RuleDate:
    """The commit that last changed a rule.

    Attributes:
        commit: Its digits, or that it is not known and why.
        date: When it was made, ISO 8601, UTC; empty where it is not known.
    """

    commit: str
    date: str = ""


def dates_of(
    root: Path, entries: Sequence[Mapping[str, Any]], code: Mapping[str, str], parse: Callable[[bytes], Any]
) -> dict[str, RuleDate]:
    """Return by which commit the rules were last changed that decided claims.

    Where histories were merged, a rule is followed to where it came from; so a merge changes only rules that it makes itself.

    Args:
        root: Folder of the project.
        entries: Those by which the claims were decided.
        code: sha256 of the code that decided them, by path; others than those of `claim_rules.is_part` are not looked at.
        parse: Returns what a file of YAML says.

    Returns:
        One date per claim, in the order of the entries. It is not known where there is no repository, where no commit has the
        rule, and where what is at hand of the history ends before the change.
    """
    claims = entries_by_claim(list(entries))
    try:
        history = _History(checkout(root), parse)
        used = Code(history.contents_with(checkout(root), code))
        return {claim: history.last_change(claim, used.rule(entry)) for claim, entry in claims.items()}
    except GitError as error:
        return dict.fromkeys(claims, RuleDate(f"{NOT_KNOWN}: {error}"))


class _History:
    """The commits that changed any file which has to do with rules, from the one that is checked out backwards.

    Args:
        root: Folder of the checkout.
        parse: Returns what a file of YAML says.

    Raises:
        GitError: If git cannot tell.
    """

    def __init__(self, root: Path, parse: Callable[[bytes], Any]) -> None:
        self._root, self._parse, self._prefix = root, parse, prefix_of(root)
        # Parents are those among these commits: others have the same files as one of them.
        listed = git(root, "rev-list", "--topo-order", "--parents", "--timestamp", "HEAD", "--", LEDGER, FOLDER, INTERVALS)
        lines = [line.split() for line in listed.decode().splitlines()]
        self._dates = {commit: int(seconds) for seconds, commit, *_ in lines}
        self._parents = {commit: parents for _, commit, *parents in lines}
        self._names: dict[str, dict[str, str]] = {}  # git's names of the files of a commit, by path
        self._contents: dict[str, bytes] = {}
        self._ledgers: dict[str, dict[str, Mapping[str, Any]]] = {}
        self._codes: dict[tuple[tuple[str, str], ...], Code] = {}

    def last_change(self, claim: str, rule: Rule) -> RuleDate:
        """Return the commit that made a claim's rule what it is."""
        commit = next(iter(self._parents), "")
        if not commit or self._rule(commit, claim) != rule:
            return RuleDate(f"{NOT_KNOWN}: not as the commit that is checked out has it")
        while parents := [parent for parent in self._parents[commit] if self._rule(parent, claim) == rule]:
            commit = parents[0]
        if commit in self._ends:
            return RuleDate(f"{NOT_KNOWN}: this clone is shallow, and the change lies before its first commit")
        return RuleDate(commit, datetime.fromtimestamp(self._dates[commit], UTC).isoformat())

    def contents_with(self, root: Path, sums: Mapping[str, str]) -> dict[str, bytes]:
        """Return files of these sums by path: as they are in a folder, else as one of the commits has them.

        Raises:
            GitError: If neither has one of them.
        """
        return {path: self._content_with(root / path, path, expected) for path, expected in sums.items() if is_part(path)}

    def _content_with(self, file: Path, path: str, expected: str) -> bytes:
        content = file.read_bytes() if file.is_file() else b""
        if sha256(content).hexdigest() == expected:
            return content
        for commit in self._parents:
            content = self._contents.get(self._files(commit).get(path, ""), b"")
            if sha256(content).hexdigest() == expected:
                return content
        raise GitError("decided by code that no commit at hand has")

    @cached_property
    def _ends(self) -> set[str]:
        """Commits at which a shallow clone ends."""
        path = self._root / git(self._root, "rev-parse", "--git-path", "shallow").decode().removesuffix("\n")
        return set(path.read_text(encoding="ascii").split()) if path.is_file() else set()

    def _rule(self, commit: str, claim: str) -> Rule | None:
        """The rule of a claim as a commit has it; None where it has no such claim."""
        names = dict(self._files(commit))
        entry = self._entries(names.pop(LEDGER, "")).get(claim)
        return None if entry is None else self._code(names).rule(entry)

    def _entries(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        if name not in self._ledgers:
            try:
                self._ledgers[name] = entries_by_claim(self._parse(self._contents[name]) if name else None)
            except (InputError, ValueError):  # what somebody once committed need not be YAML
                self._ledgers[name] = {}
        return self._ledgers[name]

    def _code(self, names: Mapping[str, str]) -> Code:
        key = tuple(sorted(names.items()))
        if key not in self._codes:
            self._codes[key] = Code({path: self._contents[name] for path, name in names.items()})
        return self._codes[key]

    def _files(self, commit: str) -> Mapping[str, str]:
        """Git's names of the files that have to do with rules, by path; their contents are then at hand."""
        if commit not in self._names:
            commits = list(self._parents)
            start = commits.index(commit)
            self._load([name for name in commits[start : start + AT_ONCE] if name not in self._names])
        return self._names[commit]

    def _load(self, commits: Sequence[str]) -> None:
        paths = (LEDGER, FOLDER, INTERVALS)
        expressions = [f"{commit}:{self._prefix}{path}" for commit in commits for path in paths]
        found = iter(git_objects.names(self._root, expressions))
        tops = {commit: {path: next(found) for path in paths} for commit in commits}
        folders = git_objects.contents(self._root, [top[FOLDER] for top in tops.values() if top[FOLDER]])
        for commit, top in tops.items():
            within = git_objects.files_in(folders.get(top[FOLDER], b""), len(commit))
            files = {**top, **{f"{FOLDER}/{name}": blob for name, blob in within.items()}}
            self._names[commit] = {path: name for path, name in files.items() if name and (path == LEDGER or is_part(path))}
        wanted = {name for commit in commits for name in self._names[commit].values()} - self._contents.keys()
        self._contents |= git_objects.contents(self._root, sorted(wanted))
