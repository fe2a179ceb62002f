"""Whether the files of a study still are what its record says: the state of each, by its own bytes and all that it was made from.

The record is read by `reading`; the report page prints its sum, and its own (`confirmation`).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from sgdphysics.provenance import commits, places
from sgdphysics.provenance.commits import NotAtHandError
from sgdphysics.provenance.confirmation import page_is_sound, record_is_changed

# Besides what is used here, what other files take from here, where it was.
from sgdphysics.provenance.confirmation import page_with_sum as page_with_sum
from sgdphysics.provenance.reading import load as load
from sgdphysics.provenance.record import CRATE as CRATE
from sgdphysics.provenance.record import LEFT_OUT, Job, Record, content_of

INTACT, NOT_KEPT, STALE, TAMPERED, UNKNOWN = STATES = ("intact", "not kept", "stale", "tampered", "unknown")
GOOD = {INTACT, NOT_KEPT}
# Written anew by every run, and evidence of nothing: logs, times, Snakemake's own records.
NOT_EVIDENCE = re.compile(r"(^|/)(logs|benchmarks|\.snakemake)/|\.(log|job\.json|benchmark\.tsv)$")


class Cause(Enum):
    """Why a file is in a state: the state, and the sentence that says so, with places for what the cause is about."""

    AS_RECORDED = INTACT, ""
    IN_COMMIT = INTACT, "as in commit {}, and changed since"
    LEFT_OUT = NOT_KEPT, "this copy of the study leaves it out"
    OUTSIDE = NOT_KEPT, "outside of the project, and not to be found from here"
    MADE_FROM_CHANGED = STALE, "made from {}, which has changed since"
    OTHER_SETTINGS = STALE, "settings have changed since: {}"
    OTHER_PARAMETERS = STALE, "made with other settings than those that the record has: {}"
    UNREADABLE_SETTINGS = STALE, "settings cannot be read any more ({})"
    MISSING = TAMPERED, "missing"
    OTHER_BYTES = TAMPERED, "not the recorded bytes (sha256 {}, recorded {}, {})"
    OTHER_CODE = TAMPERED, "neither as it is today nor in that commit are these the recorded bytes (sha256 {})"
    OTHER_RECORD = TAMPERED, "its sha256 is not {}"
    OTHER_PAGE = TAMPERED, "not the bytes of which it prints the sum"
    DOUBTFUL_RECORD = UNKNOWN, "{} was changed, so what it says is not certain"
    DOUBTFUL_TABLES = UNKNOWN, "{} was changed, so by which tables it was decided is not certain"
    NO_RECORD = UNKNOWN, "no record"
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
UNANSWERED = {Cause.NOT_AT_HAND, Cause.SETTINGS_NOT_AT_HAND, Cause.NO_COMMIT, Cause.MADE_FROM_UNKNOWN}


def verdicts(record: Record, outdated: Callable[[Job], Verdict | None] = lambda job: None) -> dict[str, Verdict]:
    """Return the state of every recorded file, of the record and of the report page, by path; of earlier code by its name.

    A file is tampered with where its own bytes are not those of the record, stale where something that it was made from is; where
    the record itself was changed it says nothing for certain, and all that it speaks of is unknown. Where it takes a commit to
    answer that is not at hand, a file is unknown, and so is what was made from it, unless something else is known to have changed.

    Args:
        record: The record.
        outdated: Says why a job would not be run as it was: other settings now. None where it would.
    """
    by_bytes = _verdicts_on_bytes(record)
    if by_bytes[record.crate].state == TAMPERED:
        doubts = dict.fromkeys(by_bytes, Verdict(Cause.DOUBTFUL_RECORD, (record.crate,)))
        page = by_bytes[record.page] if by_bytes[record.page].state == TAMPERED else made_from_changed(record.crate)
        return {**doubts, record.crate: by_bytes[record.crate], record.page: page}
    states: dict[str, Verdict] = {}
    for name in by_bytes:
        _settle(record, name, by_bytes, outdated, states)
    return states


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


def _verdicts_on_bytes(record: Record) -> dict[str, Verdict]:
    """State of everything by its own bytes."""
    return {
        **{path: _verdict_on_file(record, path) for path in record.sums},
        **{name: _verdict_on_earlier_code(record, name) for name in record.earlier_code},
        record.crate: _verdict_on_crate(record),
        record.page: _verdict_on_page(record),
    }


def _verdict_on_file(record: Record, path: str) -> Verdict:
    today = record.today(path)
    if today == record.sums[path]:
        return Verdict()
    if today is None and record.leaves_out(path):
        return Verdict(Cause.LEFT_OUT)
    if today is None and places.is_outside(path):
        return Verdict(Cause.OUTSIDE)
    verdict = _verdict_on_other_bytes(record, path, today)
    try:
        commit = record.commit_of(path)
    except NotAtHandError as error:
        return not_at_hand(Cause.NOT_AT_HAND, verdict.reason, error)
    return Verdict(Cause.IN_COMMIT, (commits.short(commit),)) if commit else verdict


def _verdict_on_other_bytes(record: Record, path: str, today: str | None) -> Verdict:
    place = record.place(path)
    if today is None or place is None:
        return Verdict(Cause.MISSING)
    size = place.stat().st_size
    bytes_now = f"{size} bytes" if size != record.sizes.get(path) else "as many bytes"
    return Verdict(Cause.OTHER_BYTES, (today[:12], record.sums[path][:12], bytes_now))


def _verdict_on_earlier_code(record: Record, name: str) -> Verdict:
    code = record.earlier_code[name]
    if record.today(code.path) == code.sha256:
        return Verdict()
    if not commits.is_commit(code.commit):
        return Verdict(Cause.NO_COMMIT, (commits.not_known(code.commit),))
    try:
        if record.history.has(code.commit, code.path, code.sha256):
            return Verdict(Cause.IN_COMMIT, (commits.short(code.commit),))
    except NotAtHandError as error:
        return not_at_hand(Cause.NOT_AT_HAND, "not as it is today", error)
    return Verdict(Cause.OTHER_CODE, (code.sha256[:12],))


def _verdict_on_crate(record: Record) -> Verdict:
    if record_is_changed(record.root, record.study):
        return Verdict(Cause.OTHER_RECORD, (f"the one that {record.page} prints",))
    return Verdict()


def _verdict_on_page(record: Record) -> Verdict:
    page = content_of(record.root / record.page)
    if page is None:
        return Verdict(Cause.MISSING)
    return Verdict() if page_is_sound(page) else Verdict(Cause.OTHER_PAGE)


def _settle(
    record: Record,
    name: str,
    by_bytes: Mapping[str, Verdict],
    outdated: Callable[[Job], Verdict | None],
    states: dict[str, Verdict],
) -> Verdict:
    """State of a file from its own and those upstream; each file once."""
    if name in states:
        return states[name]
    states[name] = by_bytes.get(name, NO_RECORD)
    upstream = {part: _settle(record, part, by_bytes, outdated, states) for part in record.upstream(name)}
    if states[name].state == INTACT:
        job = record.maker.get(name)
        doubt = worst(outdated(job) if job else None, changed_upstream(upstream), unknown_upstream(upstream))
        states[name] = doubt or states[name]
    return states[name]


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
        if verdict.state == UNKNOWN:
            return verdict if is_from_upstream(verdict) else Verdict(Cause.MADE_FROM_UNKNOWN, (name,))
    return None


def files_without_record(record: Record, others: Iterable[Record] = ()) -> list[str]:
    """Return the files in the study's folders that no record knows; logs, times and the folders' own notes apart.

    Args:
        record: The record of the study.
        others: Records of other studies, which may share trained networks and data.
    """
    known = {record.crate, record.page, f"results/{record.study}/{LEFT_OUT}"}.union(record.sums, *(other.sums for other in others))
    folders = [f"results/{record.study}", f"figures/{record.study}", "results/runs", "data"]
    paths = (path for folder in folders for path in (record.root / folder).rglob("*") if path.is_file())
    names = (path.relative_to(record.root).as_posix() for path in paths)
    return sorted(name for name in names if name not in known and not NOT_EVIDENCE.search(name))
