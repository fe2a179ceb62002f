"""Whether the files of a study still are what its record says: the state of each, by its own bytes and all that it was made from.

The record is read by `reading`, and confirmed by what `confirmation` finds; what no record knows is in `unrecorded`.
"""

from collections.abc import Callable, Mapping

from sgdphysics.provenance import commits, places
from sgdphysics.provenance.commits import NotAtHandError
from sgdphysics.provenance.confirmation import confirmation, verdict_on_absence

# Besides what is used here, what other files take from here, where it was.
from sgdphysics.provenance.reading import load as load
from sgdphysics.provenance.record import CRATE as CRATE
from sgdphysics.provenance.record import LEFT_OUT as LEFT_OUT
from sgdphysics.provenance.record import MAY_BE_LEFT_OUT, Job, Record
from sgdphysics.provenance.states import EVIDENCE_NOT_KEPT as EVIDENCE_NOT_KEPT
from sgdphysics.provenance.states import GOOD as GOOD
from sgdphysics.provenance.states import INTACT, NO_RECORD, Cause, Verdict, changed_upstream, not_at_hand, unknown_upstream, worst
from sgdphysics.provenance.states import NOT_KEPT as NOT_KEPT
from sgdphysics.provenance.states import STALE as STALE
from sgdphysics.provenance.states import STATES as STATES
from sgdphysics.provenance.states import TAMPERED as TAMPERED
from sgdphysics.provenance.states import UNKNOWN as UNKNOWN
from sgdphysics.provenance.states import exit_code as exit_code
from sgdphysics.provenance.states import is_from_upstream as is_from_upstream
from sgdphysics.provenance.states import made_from_changed as made_from_changed


def verdicts(record: Record, outdated: Callable[[Job], Verdict | None] = lambda job: None, given: str = "") -> dict[str, Verdict]:
    """Return the state of every recorded file, of the record and what confirms it, by path; of earlier code by its name.

    A file is tampered with where its own bytes are not those of the record, stale where something that it was made from is; where
    the record itself was changed it says nothing for certain, and all that it speaks of is unknown. Where it takes a commit to
    answer that is not at hand, a file is unknown, and so is what was made from it, unless something else is known to have changed.

    Args:
        record: The record.
        outdated: Says why a job would not be run as it was: other settings now. None where it would.
        given: The anchor of the study, or the sum of the record, as whoever asks was told it; empty if not.
    """
    confirming = confirmation(record.root, record.study, given).verdicts
    by_bytes = verdicts_on_bytes(record) | confirming
    if by_bytes[record.crate] != Verdict():
        is_by_manifest = by_bytes[record.crate].cause == Cause.DOUBTFUL_RECORD
        doubt = by_bytes[record.crate] if is_by_manifest else Verdict(Cause.DOUBTFUL_RECORD, (record.crate,))
        doubts = dict.fromkeys(by_bytes, doubt) | confirming
        is_sound = by_bytes[record.page] == Verdict()
        return doubts | {record.page: made_from_changed(record.crate)} if is_sound else doubts
    states: dict[str, Verdict] = {}
    for name in by_bytes:
        _settle(record, name, by_bytes, outdated, states)
    return states


def verdicts_on_bytes(record: Record) -> dict[str, Verdict]:
    """Return the state of every recorded file, and of earlier code, by its own bytes."""
    return {
        **{path: _verdict_on_file(record, path) for path in record.sums},
        **{name: _verdict_on_earlier_code(record, name) for name in record.earlier_code},
    }


def _verdict_on_file(record: Record, path: str) -> Verdict:
    found = record.found(path)
    if found.sha256 == record.sums[path]:
        return Verdict()
    verdict = verdict_on_absence(found) or _verdict_on_other_bytes(record, path)
    if verdict.cause == Cause.MISSING and record.leaves_out(path):
        verdict = Verdict(Cause.LEFT_OUT if MAY_BE_LEFT_OUT.fullmatch(path) else Cause.EVIDENCE_LEFT_OUT)
    if verdict.cause == Cause.MISSING and places.is_outside(path):
        verdict = Verdict(Cause.OUTSIDE)
    if verdict.state in GOOD:
        return verdict
    try:
        commit = record.commit_of(path)
    except NotAtHandError as error:
        return not_at_hand(Cause.NOT_AT_HAND, verdict.reason, error)
    return Verdict(Cause.IN_COMMIT, (commits.short(commit),)) if commit else verdict


def _verdict_on_other_bytes(record: Record, path: str) -> Verdict:
    found = record.found(path)
    bytes_now = f"{found.bytes} bytes" if found.bytes != record.sizes.get(path) else "as many bytes"
    return Verdict(Cause.OTHER_BYTES, (str(found.sha256)[:12], record.sums[path][:12], bytes_now))


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
