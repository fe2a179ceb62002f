"""The states that a file can be in beside its record, why, and what follows for what was made from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from sgdphysics.provenance import commits
from sgdphysics.provenance.commits import NotAtHandError

INTACT, NOT_KEPT, EVIDENCE_NOT_KEPT, STALE, TAMPERED, UNKNOWN = STATES = (
    "intact",
    "not kept",
    "evidence not kept",
    "stale",
    "tampered",
    "unknown",
)
GOOD = {INTACT, NOT_KEPT}
ONLY_IF_ANY = {NOT_KEPT, EVIDENCE_NOT_KEPT}  # told where there are any


class Cause(Enum):
    """Why a file is in a state: the state, and the sentence that says so, with places for what the cause is about."""

    AS_RECORDED = INTACT, ""
    IN_COMMIT = INTACT, "as in commit {}, and changed since"
    LEFT_OUT = NOT_KEPT, "this copy of the study leaves it out"
    OUTSIDE = NOT_KEPT, "outside of the project, and not to be found from here"
    EVIDENCE_LEFT_OUT = EVIDENCE_NOT_KEPT, "left out, though no list excuses a table, figure, claim, code or settings"
    DECIDED_BY_LEFT_OUT = EVIDENCE_NOT_KEPT, "decided by {}, which is not kept"
    MADE_FROM_CHANGED = STALE, "made from {}, which has changed since"
    OTHER_SETTINGS = STALE, "settings have changed since: {}"
    OTHER_PARAMETERS = STALE, "made with other settings than those that the record has: {}"
    UNREADABLE_SETTINGS = STALE, "settings cannot be read any more ({})"
    MISSING = TAMPERED, "missing"
    NOT_A_FILE = TAMPERED, "{}, not a file"
    OTHER_BYTES = TAMPERED, "not the recorded bytes (sha256 {}, recorded {}, {})"
    OTHER_CODE = TAMPERED, "neither as it is today nor in that commit are these the recorded bytes (sha256 {})"
    OTHER_RECORD = TAMPERED, "its sha256 is not {}"
    OTHER_ANCHOR = TAMPERED, "its sha256 is not the anchor that {} prints"
    NOT_ONE_ANCHOR = TAMPERED, "has {} lines with the anchor, expected one"
    NO_MANIFEST = UNKNOWN, "not confirmed: there is no {}, and a page does not vouch for itself"
    ANOTHER_ANCHOR = UNKNOWN, "prints another anchor of the study ({}) than its manifest has ({})"
    DOUBTFUL_RECORD = UNKNOWN, "{} was changed, so what it says is not certain"
    DOUBTFUL_TABLES = UNKNOWN, "{} was changed, so by which tables it was decided is not certain"
    NO_RECORD = UNKNOWN, "no record"
    NO_RECORD_OF_THAT = UNKNOWN, "no record; {}"
    UNREADABLE = UNKNOWN, "not readable ({})"
    NOT_AT_HAND = UNKNOWN, "{}; whether it was as recorded in commit {} cannot be answered: the commit is not at hand ({})"
    SETTINGS_NOT_AT_HAND = UNKNOWN, "settings are others now: {}; those of commit {} cannot be told: the commit is not at hand ({})"
    NO_COMMIT = UNKNOWN, "not as it is today; its commit is {}"
    MADE_FROM_UNKNOWN = UNKNOWN, "made from {}, of which it is unknown whether it has changed since"

    @property
    def state(self) -> str:
        """The state that it leads to."""
        return self.value[0]


@dataclass(frozen=True)
class Verdict:
    """State of a file with its cause.

    Attributes:
        cause: The cause.
        details: What it is about, as many words as its sentence has places.
    """

    cause: Cause = Cause.AS_RECORDED
    details: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """The state."""
        return self.cause.state

    @property
    def reason(self) -> str:
        """Why in one line; empty where the file is as recorded."""
        return self.cause.value[1].format(*self.details)


NO_RECORD = Verdict(Cause.NO_RECORD)
# Nothing speaks against these files, and what would speak for them is not here.
UNANSWERED = {
    Cause.NOT_AT_HAND,
    Cause.SETTINGS_NOT_AT_HAND,
    Cause.NO_COMMIT,
    Cause.MADE_FROM_UNKNOWN,
    Cause.UNREADABLE,
}


def made_from_changed(name: str) -> Verdict:
    """Return the verdict on what was made from a file that has changed since."""
    return Verdict(Cause.MADE_FROM_CHANGED, (name,))


def not_at_hand(cause: Cause, what: str, error: NotAtHandError) -> Verdict:
    """Return the verdict that it takes a commit to answer, and why there is none: what there is today, commit and reason."""
    return Verdict(cause, (what, commits.short(error.commit), error.reason))


def is_from_upstream(verdict: Verdict) -> bool:
    """Return whether a file is in its state by what it was made from or its settings, and not by its own bytes."""
    return verdict.state == STALE or verdict.cause in (Cause.SETTINGS_NOT_AT_HAND, Cause.MADE_FROM_UNKNOWN)


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """Return 0 where all is intact or not kept, 2 where for the rest the question cannot be answered, else 1."""
    rest = [verdict for verdict in verdicts if verdict.state not in GOOD]
    return 0 if not rest else 2 if all(verdict.cause in UNANSWERED for verdict in rest) else 1


def worst(*verdicts: Verdict | None) -> Verdict | None:
    """Return the first that says that something has changed, else the first that says that this is unknown; None where none is."""
    doubts = [verdict for verdict in verdicts if verdict]
    return next((verdict for verdict in doubts if verdict.state == STALE), doubts[0] if doubts else None)


def changed_upstream(upstream: Mapping[str, Verdict]) -> Verdict | None:
    """Return the verdict on what was made from files with these states by name; None where none of them has changed."""
    cause = next((name for name, verdict in upstream.items() if verdict.state == TAMPERED), None)
    return made_from_changed(cause) if cause else next((verdict for verdict in upstream.values() if verdict.state == STALE), None)


def unknown_upstream(upstream: Mapping[str, Verdict]) -> Verdict | None:
    """Return the verdict on what was made from files with these states by name, where one of them is unknown; else None."""
    for name, verdict in upstream.items():
        if verdict.state == UNKNOWN and verdict.cause != Cause.ANOTHER_ANCHOR:  # what is printed of a study made nothing of it
            return verdict if is_from_upstream(verdict) else Verdict(Cause.MADE_FROM_UNKNOWN, (name,))
    return None
