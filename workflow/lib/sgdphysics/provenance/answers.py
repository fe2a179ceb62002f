"""What an audit answers, in lines and as JSON: on every file of a study, on one file with its chain, and on one claim."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.provenance import audit, commits, confirmation, ledger, rule_order, surroundings, unrecorded
from sgdphysics.provenance.chain import Link, chain
from sgdphysics.provenance.project import recorded_studies
from sgdphysics.provenance.reading import load
from sgdphysics.provenance.record import Job, Record
from sgdphysics.provenance.settings_since import first_change
from sgdphysics.provenance.states import ONLY_IF_ANY, Cause, Verdict

States = Mapping[str, Verdict]


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        lines: As text.
        content: As JSON.
        exit_code: 0 where all that was asked for is intact and the record confirmed, 2 where that cannot be answered, else 1.
    """

    lines: Sequence[str]
    content: Mapping[str, Any]
    exit_code: int


def on_changed_record(path: str, other: str) -> Answer:
    """Answer any question on a study whose record, at this path, is not the one with the sum that ``other`` tells."""
    verdict = Verdict(Cause.OTHER_RECORD, (other,))
    return Answer([f"{path}  {_text(verdict)}"], {"files": {path: _content(verdict)}}, exit_code=1)


def on_unreadable_record(parts: Collection[str], confirming: States) -> Answer | None:
    """Answer any question on a study whose record cannot be read, if it or its manifest was changed; None where nothing tells that.

    Args:
        parts: The paths of both.
        confirming: From `confirmation.confirmation`.
    """
    tampered = {name: verdict for name, verdict in sorted(confirming.items()) if verdict.state == audit.TAMPERED}
    changed = {name: verdict for name, verdict in tampered.items() if name in parts and verdict.cause != Cause.MISSING}
    if not changed:
        return None
    lines = [f"{name}  {_text(verdict)}" for name, verdict in changed.items()]
    return Answer(lines, {"files": {name: _content(verdict) for name, verdict in changed.items()}}, exit_code=1)


def on_study(record: Record, states: States, named: Collection[str] = ()) -> Answer:
    """Answer what is not as recorded of a study, and which of its files are in no record.

    Args:
        record: The record.
        states: From `audit.verdicts`.
        named: The studies of the settings, whose folders may lie beside its own.
    """
    others, unreadable = _records_of_others(record)
    found = {
        **unrecorded.in_the_folders_of(record, others),
        **unrecorded.unknown_folders(record, [*named, *recorded_studies(record.root), *(other.study for other in others)]),
        **{path: Verdict(Cause.EVIDENCE_LEFT_OUT) for path in ledger.tables_not_kept(record, states)},
    }
    verdicts = dict(sorted({**found, **states}.items()))
    counts = Counter(verdict.state for verdict in verdicts.values())
    is_expected = {name: verdict.state == audit.NOT_KEPT or verdict.cause == Cause.IN_COMMIT for name, verdict in verdicts.items()}
    lines = [f"{name}  {_text(verdict)}" for name, verdict in verdicts.items() if verdict.reason and not is_expected[name]]
    summary = ", ".join(f"{counts[state]} {state}" for state in audit.STATES if counts[state] or state not in ONLY_IF_ANY)
    lines += [f"study {record.study}: {len(verdicts)} files, {summary}", *unreadable, *_vouched_for_by_others(record, others)]
    lines += [*_changed_since(verdicts.values()), *_not_at_hand(record), *_about(record)]
    content = {"study": record.study, "files": {name: _content(verdict) for name, verdict in verdicts.items()}}
    return Answer(lines, content, _exit_code(verdicts.values(), record, record.jobs))


def on_file(record: Record, states: States, path: str, *, has_sum: bool) -> Answer:
    """Answer what a file was made from, and in which state all of it is.

    Args:
        record: The record.
        states: From `audit.verdicts`.
        path: The file.
        has_sum: Whether the question itself holds the sum of the record.

    Raises:
        InputError: If there is neither such a file nor a record of one.
    """
    verdict = states.get(path, audit.NO_RECORD)
    if path not in states and not (record.root / path).exists():
        raise InputError(f"{path}: there is no such file, and no record of one")
    links = list(chain(record, path, states))
    doubts = {} if has_sum else _doubts(record, states)
    not_kept = [link.verdict for link in links if link.verdict.state == audit.EVIDENCE_NOT_KEPT]
    content = _content_of_chain(record, links, confirmed=not doubts)
    lines = [*_tree(record, links), "", *_told(doubts), *_not_at_hand(record), *_about(record)]
    return Answer(lines, content, _exit_code([verdict, *not_kept, *doubts.values()], record, _jobs(links)))


def on_claim(record: Record, states: States, claim: str, *, has_sum: bool) -> Answer:
    """Answer what a claim's verdict is and from what it was decided; arguments as of `on_file`.

    Raises:
        InputError: If there is no such claim, or no readable ledger.
    """
    tables = ledger.tables_of_claim(record, claim)
    verdict = ledger.verdict_of_claim(record, claim, states)
    path = ledger.path_of_ledger(record)
    job = record.maker.get(path)
    sources = [*(record.names_of_code(job) if job else ()), *tables]
    links = list(chain(record, path, {**states, path: verdict}, sources))
    row, doubts = ledger.row_of_claim(record, claim), {} if has_sum else _doubts(record, states)
    number = "{value} [{ci_low}, {ci_high}], {n_seeds} seeds".format_map(row)
    order = rule_order.order_of(record, claim, tables)
    verdict_line = f"claim {claim}: {row['verdict']}, {row['statistic']} {number}"
    lines = [verdict_line, f"rule: {order.line}", *_tree(record, links), "", *_told(doubts)]
    content = _content_of_chain(record, links, confirmed=not doubts) | {"claim": row, "rule": order.content}
    code = _exit_code([verdict, *doubts.values()], record, _jobs(links))
    return Answer([*lines, *_not_at_hand(record), *_about(record)], content, code)


def _exit_code(verdicts: Iterable[Verdict], record: Record, jobs: Iterable[Job]) -> int:
    """That of an audit, and 1 where a job loaded a package that was altered."""
    return 1 if surroundings.are_altered(record, jobs) else audit.exit_code(verdicts)


def _jobs(links: Iterable[Link]) -> list[Job]:
    """The jobs of a chain."""
    return [link.job for link in links if link.job]


def _changed_since(verdicts: Iterable[Verdict]) -> list[str]:
    """A line on each commit in which files are as recorded that are others now."""
    counts = Counter(verdict.details[0] for verdict in verdicts if verdict.cause == Cause.IN_COMMIT)
    return [
        f"code and settings that have changed since, as recorded in commit {name}: {count} files" for name, count in counts.items()
    ]


def _records_of_others(record: Record) -> tuple[list[Record], list[str]]:
    """The records of other studies, which may share trained networks and data, and a line on each that cannot be read."""
    records, unreadable = [], []
    for study in recorded_studies(record.root):
        if study != record.study:
            try:
                records.append(load(record.root, study))
            except InputError as error:
                unreadable.append(f"not read, so files of study {study} alone count as {audit.UNKNOWN}: {error}")
    return records, unreadable


def _vouched_for_by_others(record: Record, others: Sequence[Record]) -> list[str]:
    """A line on the other records, and on each that alone vouches for files in shared folders: its own page may confirm it."""
    lines = [f"other records here: those of {', '.join(sorted(other.study for other in others))}"] if others else []
    known = unrecorded.known_to(record)
    for other in others:
        elsewhere = known.union(*(unrecorded.vouched_for(third) for third in others if third is not other))
        alone = sorted(path for path in unrecorded.vouched_for(other) - elsewhere if record.place_is_taken(path))
        if alone:
            lines.append(f"known to the record of study {other.study} alone: {len(alone)} files, the first is {alone[0]}")
    return lines


def _doubts(record: Record, states: States) -> dict[str, Verdict]:
    """The states of what should confirm the record and does not, by path; none where it does."""
    confirming = {record.page, record.manifest, confirmation.README, confirmation.CITATION}
    return {
        name: states[name]
        for name in sorted(confirming & states.keys())
        if states[name].state not in audit.GOOD and not audit.is_from_upstream(states[name])
    }


def not_confirmed(record: Record) -> dict[str, str]:
    """Return a line, by path, on each file that should confirm the record and does not, and on a record that was changed."""
    states = confirmation.confirmation(record.root, record.study).verdicts
    changed = {record.crate: states[record.crate]} if states[record.crate].state not in audit.GOOD else {}
    doubts = {**changed, **_doubts(record, states)}
    return dict(zip(doubts, _told(doubts), strict=True))


def _told(doubts: States) -> list[str]:
    advice = "give the anchor, or the sum of the record, that was published with it by --record-sum"
    return [f"record not confirmed: {name} is {_text(verdict)}; {advice}" for name, verdict in doubts.items()]


def _tree(record: Record, links: Sequence[Link]) -> list[str]:
    """The chain as lines, what each file was made from below it and further right."""
    lines = []
    for link in links:
        origin = f"  <- {_run(record, link.job)}" if link.job and not link.again else ""
        remark = "  (as above)" if link.again and link.job else ""
        lines.append(f"{'  ' * link.depth}{link.path}  {_text(link.verdict)}{origin}{remark}")
    return lines


def _run(record: Record, job: Job) -> str:
    """When and how long a job ran, and with the code of which commit where that is not the same for all jobs."""
    commit = f", made at {_commit(job.commit)}" if record.earlier_commits else ""
    return f"{job.rule}, {job.ended[:19].replace('T', ' ')} UTC, {float(job.usage['wallTime']):.1f} s{commit}"


def _text(verdict: Verdict) -> str:
    return f"{verdict.state}: {verdict.reason}" if verdict.reason else verdict.state


def _about(record: Record) -> list[str]:
    return [
        f"record {record.crate}, sha256 {record.today(record.crate)}",
        *anchor(record),
        _state(record.commit, record.facts["changed_files"]),
        *_taken_over(record),
        *(f"machine {machine}" for machine in record.machines),
        *surroundings.lines(record, record.jobs),
        *(f"data {path}: {of['description']}; {of['origin']}; {of['licence']}" for path, of in record.data_sets.items()),
    ]


def anchor(record: Record) -> list[str]:
    """Return a line with the anchor of the study, and which files print it; none where there is none."""
    told = confirmation.confirmation(record.root, record.study)
    printed = f", printed by {', '.join(told.printed_by)}" if told.printed_by else ""
    return [f"{confirmation.line(record.study, told.anchor)}{printed}"] if told.anchor else []


def _state(commit: str, changed_files: Sequence[str]) -> str:
    """At which commit the project was, as far as that is known, and what differed from it."""
    if not commits.is_commit(commit):
        return f"commit {commits.not_known(commit)}"
    changes = f"with changes in {', '.join(changed_files)}" if changed_files else "unchanged when it ran"
    return f"commit {commit}, {changes}"


def _commit(commit: str) -> str:
    return f"commit {commits.short(commit)}" if commits.is_commit(commit) else f"a commit that is {commits.not_known(commit)}"


def _not_at_hand(record: Record) -> list[str]:
    """A line on each commit that was looked for and cannot be read here."""
    return [f"{error}; an audit in a full clone can answer" for error in record.history.not_at_hand.values()]


def _taken_over(record: Record) -> list[str]:
    """A line on how much is that of an earlier record and what was made on top, and one on each earlier record."""
    if not record.earlier_commits:
        return []
    files = Counter(job.commit for job in record.maker.values())
    kind = "recorded" if record.left_out is None else "published"
    parts = [f"taken as {kind} at {_commit(commit)}: {files[commit]} files" for commit in record.earlier_commits]
    if rules := sorted({job.rule for job in record.jobs if job.commit == record.commit}):
        parts.append(f"made on top at {_commit(record.commit)}: results of {', '.join(rules)}")
    return ["; ".join(parts), *(_earlier_record(record, entry) for entry in record.facts.get("earlier_records", []))]


def _earlier_record(record: Record, entry: Mapping[str, Any]) -> str:
    change = first_change(entry["settings"], record.facts["settings"])
    settings = f"; settings have changed since: {change}" if change else ""
    return f"earlier record, sha256 {entry['sha256']}: {_state(entry['commit'], entry['changed_files'])}{settings}"


def _content(verdict: Verdict) -> dict[str, str]:
    return {"state": verdict.state, "reason": verdict.reason}


def _content_of_chain(record: Record, links: Sequence[Link], *, confirmed: bool) -> dict[str, Any]:
    """The chain as JSON: every file once, with its job and what it was made from."""
    files = {
        link.path: {
            **_content(link.verdict),
            "sha256": record.sum_of(link.path),
            "made_from": list(record.upstream(link.path)),
            "job": _content_of_job(link.job) if link.job else None,
        }
        for link in links
    }
    top = {"study": record.study, "file": links[0].path, **_content(links[0].verdict)}
    return {**top, "files": files, "record": record.facts, "record_confirmed": confirmed}


def _content_of_job(job: Job) -> dict[str, Any]:
    keys = ("rule", "script", "started", "ended", "parameters", "environment", "usage", "code")
    return {key: getattr(job, key) for key in keys}
