"""What an audit answers, in lines and as JSON: on every file of a study, on one file with its chain, and on one claim."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.provenance import audit, commits, ledger
from sgdphysics.provenance.audit import Verdict
from sgdphysics.provenance.chain import Link, chain
from sgdphysics.provenance.project import recorded_studies
from sgdphysics.provenance.reading import load
from sgdphysics.provenance.record import Job, Record
from sgdphysics.provenance.settings_since import first_change

States = Mapping[str, Verdict]


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        lines: As text.
        content: As JSON.
        is_good: Whether all that was asked for is intact, and the record confirmed.
    """

    lines: Sequence[str]
    content: Mapping[str, Any]
    is_good: bool


def on_changed_record(path: str, other: str) -> Answer:
    """Answer any question on a study whose record, at this path, is not the one with the sum that ``other`` tells."""
    verdict = Verdict(audit.Cause.OTHER_RECORD, (other,))
    return Answer([f"{path}  {_text(verdict)}"], {"files": {path: _content(verdict)}}, is_good=False)


def on_study(record: Record, states: States) -> Answer:
    """Answer what is not as recorded of a study, and which of its files are in no record."""
    others, unreadable = _records_of_others(record)
    verdicts = dict(sorted({**states, **dict.fromkeys(audit.files_without_record(record, others), audit.NO_RECORD)}.items()))
    counts = Counter(verdict.state for verdict in verdicts.values())
    lines = [
        f"{name}  {_text(verdict)}" for name, verdict in verdicts.items() if verdict.reason and verdict.state != audit.NOT_KEPT
    ]
    summary = ", ".join(f"{counts[state]} {state}" for state in audit.STATES if counts[state] or state != audit.NOT_KEPT)
    lines += [f"study {record.study}: {len(verdicts)} files, {summary}", *unreadable, *_about(record)]
    content = {"study": record.study, "files": {name: _content(verdict) for name, verdict in verdicts.items()}}
    return Answer(lines, content, is_good=set(counts) <= audit.GOOD)


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
    if verdict.state == audit.UNKNOWN and not (record.root / path).exists():
        raise InputError(f"{path}: there is no such file, and no record of one")
    links = list(chain(record, path, states))
    doubts = [] if has_sum else _doubts(record, states)
    content = _content_of_chain(record, links, confirmed=not doubts)
    return Answer([*_tree(record, links), "", *doubts, *_about(record)], content, verdict.state in audit.GOOD and not doubts)


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
    row, doubts = ledger.row_of_claim(record, claim), [] if has_sum else _doubts(record, states)
    number = "{value} [{ci_low}, {ci_high}], {n_seeds} seeds".format_map(row)
    lines = [f"claim {claim}: {row['verdict']}, {row['statistic']} {number}", *_tree(record, links), "", *doubts, *_about(record)]
    content = _content_of_chain(record, links, confirmed=not doubts) | {"claim": row}
    return Answer(lines, content, verdict.state in audit.GOOD and not doubts)


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


def _doubts(record: Record, states: States) -> list[str]:
    """A line where the report page does not hold the sum of the record."""
    page = states[record.page]
    if page.state != audit.TAMPERED:
        return []
    return [f"record not confirmed: {record.page} is {_text(page)}; give the sum that was published with it by --record-sum"]


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
    commit = f", made at commit {commits.short(job.commit)}" if record.earlier_commits else ""
    return f"{job.rule}, {job.ended[:19].replace('T', ' ')} UTC, {float(job.usage['wallTime']):.1f} s{commit}"


def _text(verdict: Verdict) -> str:
    return f"{verdict.state}: {verdict.reason}" if verdict.reason else verdict.state


def _about(record: Record) -> list[str]:
    facts = record.facts
    return [
        f"record {record.crate}, sha256 {record.today(record.crate)}",
        f"commit {record.commit}{_changes(facts['changed_files'], is_dirty=facts['dirty'])}",
        *_taken_over(record),
        *(f"machine {machine}" for machine in record.machines),
        *(f"jobs ran with {variable}" for variable in _variables(record)),
        *(f"data {path}: {of['description']}; {of['origin']}; {of['licence']}" for path, of in record.data_sets.items()),
    ]


def _variables(record: Record) -> list[str]:
    """What was set where jobs ran and could have reached them; see `sgdphysics.job_environment.recorded`."""
    of_jobs = (job.environment.get("variables") for job in record.jobs)  # older records have none
    return sorted({f"{name}={value}" for variables in of_jobs if isinstance(variables, dict) for name, value in variables.items()})


def _changes(files: Sequence[str], *, is_dirty: bool) -> str:
    return f", with changes in {', '.join(files)}" if is_dirty else ", unchanged when it ran"


def _taken_over(record: Record) -> list[str]:
    """A line on how much is that of an earlier record and what was made on top, and one on each earlier record."""
    if not record.earlier_commits:
        return []
    files = Counter(job.commit for job in record.maker.values())
    kind = "recorded" if record.left_out is None else "published"
    parts = [f"taken as {kind} at commit {commits.short(commit)}: {files[commit]} files" for commit in record.earlier_commits]
    if rules := sorted({job.rule for job in record.jobs if job.commit == record.commit}):
        parts.append(f"made on top at commit {commits.short(record.commit)}: results of {', '.join(rules)}")
    return ["; ".join(parts), *(_earlier_record(record, entry) for entry in record.facts.get("earlier_records", []))]


def _earlier_record(record: Record, entry: Mapping[str, Any]) -> str:
    change = first_change(entry["settings"], record.facts["settings"])
    settings = f"; settings have changed since: {change}" if change else ""
    changes = _changes(entry["changed_files"], is_dirty=bool(entry["changed_files"]))
    return f"earlier record, sha256 {entry['sha256']}: commit {entry['commit']}{changes}{settings}"


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
