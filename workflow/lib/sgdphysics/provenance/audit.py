"""Whether the files of a study still are what its record says: the state of each, by its own bytes and all that it was made from.

The record is read by `reading`; the report page prints its sum, and its own (`confirmation`).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from sgdphysics.provenance import commits
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
    MADE_FROM_CHANGED = STALE, "made from {}, which has changed since"
    OTHER_SETTINGS = STALE, "settings have changed since: {}"
    UNREADABLE_SETTINGS = STALE, "settings cannot be read any more ({})"
    MISSING = TAMPERED, "missing"
    OTHER_BYTES = TAMPERED, "not the recorded bytes (sha256 {}, recorded {}, {})"
    OTHER_CODE = TAMPERED, "neither as it is today nor in that commit are these the recorded bytes (sha256 {})"
    OTHER_RECORD = TAMPERED, "its sha256 is not {}"
    OTHER_PAGE = TAMPERED, "not the bytes of which it prints the sum"
    DOUBTFUL_RECORD = UNKNOWN, "{} was changed, so what it says is not certain"
    DOUBTFUL_TABLES = UNKNOWN, "{} was changed, so by which tables it was decided is not certain"
    NO_RECORD = UNKNOWN, "no record"

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


def verdicts(record: Record, outdated: Callable[[Job], Verdict | None] = lambda job: None) -> dict[str, Verdict]:
    """Return the state of every recorded file, of the record and of the report page, by path; of earlier code by its name.

    A file is tampered with where its own bytes are not those of the record, stale where something that it was made from is; where
    the record itself was changed it says nothing for certain, and all that it speaks of is unknown.

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
    if commit := record.commit_of(path):
        return Verdict(Cause.IN_COMMIT, (commits.short(commit),))
    if today is None:
        return Verdict(Cause.MISSING)
    size = (record.root / path).stat().st_size
    bytes_now = f"{size} bytes" if size != record.sizes[path] else "as many bytes"
    return Verdict(Cause.OTHER_BYTES, (today[:12], record.sums[path][:12], bytes_now))


def _verdict_on_earlier_code(record: Record, name: str) -> Verdict:
    code = record.earlier_code[name]
    if record.today(code.path) == code.sha256:
        return Verdict()
    if commits.has(record.root, code.commit, code.path, code.sha256):
        return Verdict(Cause.IN_COMMIT, (commits.short(code.commit),))
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
        states[name] = (outdated(job) if job else None) or changed_upstream(upstream) or states[name]
    return states[name]


def changed_upstream(upstream: Mapping[str, Verdict]) -> Verdict | None:
    """Return the verdict on what was made from files with these states by name; None where none of them has changed."""
    cause = next((name for name, verdict in upstream.items() if verdict.state == TAMPERED), None)
    return made_from_changed(cause) if cause else next((verdict for verdict in upstream.values() if verdict.state == STALE), None)


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
