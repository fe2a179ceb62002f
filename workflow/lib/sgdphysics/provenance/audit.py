"""From any file of a study back to the raw data, by the study's record: what made it, and whether it still is what was made.

The record is the crate ``results/<study>/provenance/ro-crate-metadata.json``; the report page prints its sum, and its own. Nothing
here depends on the times of files, on Snakemake's own records, or on where the project lies. Reads JSON and sums of bytes only.

A study may be published with the code and without its data and networks: ``results/<study>/provenance/not_kept.txt`` then lists the
folders that are left out, and code that has changed since is looked up in the recorded commit.
"""

import csv
import hashlib
import json
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of

INTACT, NOT_KEPT, STALE, TAMPERED, UNKNOWN = STATES = ("intact", "not kept", "stale", "tampered", "unknown")
GOOD = {INTACT, NOT_KEPT}
CRATE = "provenance/ro-crate-metadata.json"
LEFT_OUT = "provenance/not_kept.txt"
PAGE = "report/index.html"
# Of the two lines in the report page, one holds the sum of the record, one that of the page without this line.
RECORD_SUM = re.compile(rb'<meta name="record-sha256" content="([0-9a-f]{64})">')
PAGE_SUM = re.compile(rb'<meta name="page-sha256" content="([0-9a-f]{64})">')
FACTS = {"settings", "command_line_settings", "configuration_files", "commit", "changed_files", "dirty"}
DATA_FACTS = {"description", "origin", "licence"}
# Written anew by every run, and evidence of nothing: logs, times, Snakemake's own records.
NOT_EVIDENCE = re.compile(r"(^|/)(logs|benchmarks|\.snakemake)/|\.(log|job\.json|benchmark\.tsv)$")


@dataclass(frozen=True)
class Job:
    """A job as the record has it.

    Attributes:
        name: Path of its own record without suffix.
        rule: The rule.
        script: Path of its script.
        code: Paths of script and library files.
        inputs: Paths of the other inputs.
        outputs: Paths of what it made.
        parameters: Values by name.
        started, ended: Times, ISO 8601.
        environment: Threads, device, machine, versions.
        usage: Seconds and bytes by name.
    """

    name: str
    rule: str
    script: str
    code: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: Mapping[str, Any]
    started: str
    ended: str
    environment: Mapping[str, Any]
    usage: Mapping[str, str]


@dataclass(frozen=True)
class Verdict:
    """State of a file, and why in one line; empty where it is intact."""

    state: str
    reason: str = ""


NO_RECORD = Verdict(UNKNOWN, "no record")


@dataclass(frozen=True)
class Link:
    """One line of a chain.

    Attributes:
        depth: 0 for the file that was asked for, more for what it was made from.
        path: Path of the file.
        verdict: Its state.
        job: The job that made it, or None.
        again: Whether it was there before, with what it was made from.
    """

    depth: int
    path: str
    verdict: Verdict
    job: Job | None
    again: bool


@dataclass
class Record:
    """What a study's record says, and what the files say today.

    Attributes:
        root: Folder of the project.
        study: Name of the study.
        sums: sha256 of every recorded file by its path relative to the root.
        sizes: Bytes of every recorded file.
        jobs: Every job.
        facts: What the record says of the study as a whole: settings, commit, changed files and so on.
        data_sets: What it says of a prepared data set, by its path.
        packages: Version of every package that a job loaded, by name.
        left_out: Files and folders that this copy of the study leaves out, None if it is no published copy.
        summed: Sums of today, so that no file is read twice.
    """

    root: Path
    study: str
    sums: Mapping[str, str]
    sizes: Mapping[str, int]
    jobs: tuple[Job, ...]
    facts: Mapping[str, Any]
    data_sets: Mapping[str, Mapping[str, str]]
    packages: Mapping[str, str]
    left_out: tuple[str, ...] | None = None
    summed: dict[str, str | None] = field(default_factory=dict)

    @cached_property
    def maker(self) -> dict[str, Job]:
        """The job that made a file, by the file's path."""
        return {path: job for job in self.jobs for path in job.outputs}

    @property
    def crate(self) -> str:
        """Path of the record."""
        return f"results/{self.study}/{CRATE}"

    @property
    def page(self) -> str:
        """Path of the report page."""
        return f"results/{self.study}/{PAGE}"

    @property
    def machines(self) -> list[str]:
        """The kinds of machine on which the jobs ran: processor and system."""
        found = {f"{job.environment['machine']['processor']}, {job.environment['machine']['system']}" for job in self.jobs}
        return sorted(found)

    def today(self, path: str) -> str | None:
        """Return the sum of a file as it is now; None where there is none."""
        if path not in self.summed:
            try:
                self.summed[path] = sha256_of(self.root / path)
            except OSError:
                self.summed[path] = None
        return self.summed[path]

    def leaves_out(self, path: str) -> bool:
        """Return whether this copy of the study need not have a file."""
        return any(path == name or path.startswith(f"{name}/") for name in self.left_out or ())

    def source(self, path: str) -> bytes | None:
        """Return a file of code or settings as the study used it, where it is that today, or in the commit of a published study."""
        if self.today(path) == self.sums.get(path):
            return _read(self.root / path)
        if self.left_out is None or path not in self.sums or path in self.maker:
            return None
        committed = _committed(self.root, str(self.facts["commit"]), path)
        return committed if committed is not None and hashlib.sha256(committed).hexdigest() == self.sums[path] else None

    def upstream(self, path: str) -> tuple[str, ...]:
        """Return the files from which a file was made directly: code first."""
        if path == self.page:
            return (self.crate,)
        if path == self.crate:
            return tuple(sorted(self.sums))
        job = self.maker.get(path)
        return (*job.code, *job.inputs) if job else ()


def load(root: Path, study: str) -> Record:
    """Read the record of a study.

    Raises:
        InputError: If there is none, or it cannot be read.
    """
    path = root / "results" / study / CRATE
    try:
        graph = {entity["@id"]: entity for entity in json.loads(path.read_text())["@graph"]}
    except OSError:
        raise InputError(
            f"{path.relative_to(root)}: there is no record of study {study!r}; it is written when a study finishes"
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path.relative_to(root)}: not a readable record ({type(error).__name__}: {error})") from None
    try:
        record = _record(root, study, graph)
        _check(record)
        return record
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path.relative_to(root)}: not a record as this version writes it ({type(error).__name__}: {error})"
        ) from None


def _record(root: Path, study: str, graph: Mapping[str, Mapping[str, Any]]) -> Record:
    above = "../" * (len(PurePosixPath(f"results/{study}/{CRATE}").parts) - 1)

    def path_of(identifier: str) -> str:
        if identifier.startswith(("/", above)):
            return identifier.removeprefix(above)
        return f"results/{study}/{PurePosixPath(CRATE).parent}/{identifier}"

    files = {path_of(name): entity for name, entity in graph.items() if "File" in _several(entity["@type"]) and "sha256" in entity}

    def values(entity: Mapping[str, Any], key: str) -> dict[str, Any]:
        found = [graph[name] for name in _identifiers(entity.get(key))]
        return {value["name"]: _parsed(value["value"]) for value in found if value["@type"] == "PropertyValue"}

    workflow = graph[_identifiers(graph["./"]["mainEntity"])[0]]
    facts = values(graph["./"], "variableMeasured")
    jobs = []
    for name, entity in graph.items():
        if entity["@type"] == "CreateAction" and name.startswith("#job/"):
            used = [path_of(part) for part in _identifiers(entity["object"]) if path_of(part) in files]
            code = [path for path in used if path.startswith("workflow/")]
            jobs.append(
                Job(
                    name=name.removeprefix("#job/"),
                    rule=_word(entity["name"]).removeprefix("Job of rule "),
                    script=path_of(_identifiers(entity["instrument"])[0]),
                    code=tuple(code),
                    inputs=tuple(path for path in used if path not in code),
                    outputs=tuple(path_of(part) for part in _identifiers(entity["result"])),
                    parameters=values(entity, "object"),
                    started=_word(entity["startTime"]),
                    ended=_word(entity["endTime"]),
                    environment=values(entity, "environment"),
                    usage=values(entity, "resourceUsage"),
                )
            )
    return Record(
        root=root,
        study=study,
        sums={path: _word(entity["sha256"]) for path, entity in files.items()},
        sizes={path: int(entity["contentSize"]) for path, entity in files.items()},
        jobs=tuple(jobs),
        facts=facts,
        data_sets={path: values(entity, "additionalProperty") for path, entity in files.items() if "additionalProperty" in entity},
        packages={graph[name]["name"]: graph[name]["version"] for name in _identifiers(workflow["softwareRequirements"])},
        left_out=_left_out(root / "results" / study / LEFT_OUT),
    )


def _left_out(path: Path) -> tuple[str, ...] | None:
    content = _read(path)
    if content is None:
        return None
    lines = (line.strip().rstrip("/") for line in content.decode().splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _committed(root: Path, commit: str, path: str) -> bytes | None:
    """A file as a commit has it; None where there is no such commit, no such file in it, or no repository."""
    if not re.fullmatch("[0-9a-f]{40}", commit):
        return None
    try:
        return subprocess.run(["git", "show", f"{commit}:{path}"], cwd=root, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def _check(record: Record) -> None:
    """Raise `KeyError`, `TypeError` or `ValueError` where anything that is told of a study is not there."""
    lacking = [
        FACTS - record.facts.keys(),
        *(DATA_FACTS - facts.keys() for facts in record.data_sets.values()),
        *({"processor", "system"} - job.environment["machine"].keys() for job in record.jobs),
    ]
    if missing := set().union(*lacking):
        raise KeyError(", ".join(sorted(missing)))
    for name in (*record.facts["changed_files"], *record.facts["configuration_files"]):
        _word(name)
    for job in record.jobs:
        float(job.usage["wallTime"])


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _identifiers(value: Any) -> list[str]:
    return [entry["@id"] for entry in _several(value)]


def _word(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"found {json.dumps(value)[:50]}, expected text")
    return value


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


# States


def verdicts(record: Record, outdated: Callable[[Job], str] = lambda job: "") -> dict[str, Verdict]:
    """Return the state of every recorded file, of the record and of the report page, by path.

    A file is tampered with where its own bytes are not those of the record, stale where something that it was made from is; where
    the record itself was changed it says nothing for certain, and all that it speaks of is unknown.

    Args:
        record: The record.
        outdated: Says in one line why a job would not be run as it was: other settings now. Empty where it would.
    """
    own = {path: _own(record, path) for path in record.sums}
    own[record.crate], own[record.page] = _own_of_crate(record), _own_of_page(record)
    if own[record.crate].state == TAMPERED:
        doubtful = Verdict(UNKNOWN, f"{record.crate} was changed, so what it says is not certain")
        return {path: own[path] if path in (record.crate, record.page) else doubtful for path in own} | {
            record.page: own[record.page] if own[record.page].state == TAMPERED else _stale(record.crate)
        }
    settled: dict[str, Verdict] = {}
    for path in own:
        _settle(record, path, own, outdated, settled)
    return settled


def record_is_changed(root: Path, study: str) -> bool:
    """Return whether a study's record is not the one whose sum its report page prints; False where no sound page tells."""
    page = _read(root / "results" / study / PAGE)
    printed = RECORD_SUM.search(page) if page is not None and _page_is_sound(page) else None
    record = _read(root / "results" / study / CRATE)
    return bool(printed and record is not None and hashlib.sha256(record).hexdigest() != printed.group(1).decode())


def page_with_sum(page: str) -> str:
    """Return a report page with its own sum put where ``<meta name="page-sha256" content="">`` stands.

    Raises:
        InputError: If the page has no such place, or more than one.
    """
    empty = '<meta name="page-sha256" content="">'
    if page.count(empty) != 1:
        raise InputError(f"the report page has {page.count(empty)} places for its sum, expected one")
    total = hashlib.sha256(page.replace(empty, "").encode()).hexdigest()
    return page.replace(empty, f'<meta name="page-sha256" content="{total}">')


def _page_is_sound(page: bytes) -> bool:
    found = PAGE_SUM.findall(page)
    return len(found) == 1 and hashlib.sha256(PAGE_SUM.sub(b"", page)).hexdigest() == found[0].decode()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _own(record: Record, path: str) -> Verdict:
    today = record.today(path)
    if today is None and record.leaves_out(path):
        return Verdict(NOT_KEPT, "this copy of the study leaves it out")
    if today != record.sums[path] and record.source(path) is not None:
        return Verdict(INTACT, f"as in commit {str(record.facts['commit'])[:10]}, and changed since")
    if today is None:
        return Verdict(TAMPERED, "missing")
    if today != record.sums[path]:
        size = (record.root / path).stat().st_size
        bytes_now = f"{size} bytes" if size != record.sizes[path] else "as many bytes"
        return Verdict(TAMPERED, f"not the recorded bytes (sha256 {today[:12]}, recorded {record.sums[path][:12]}, {bytes_now})")
    return Verdict(INTACT)


def _own_of_crate(record: Record) -> Verdict:
    if record_is_changed(record.root, record.study):
        return Verdict(TAMPERED, f"its sha256 is not the one that {record.page} prints")
    return Verdict(INTACT)


def _own_of_page(record: Record) -> Verdict:
    page = _read(record.root / record.page)
    if page is None:
        return Verdict(TAMPERED, "missing")
    return Verdict(INTACT) if _page_is_sound(page) else Verdict(TAMPERED, "not the bytes of which it prints the sum")


def _stale(cause: str) -> Verdict:
    return Verdict(STALE, f"made from {cause}, which has changed since")


def _settle(
    record: Record, path: str, own: Mapping[str, Verdict], outdated: Callable[[Job], str], settled: dict[str, Verdict]
) -> Verdict:
    """State of a file from its own and those upstream; each file once."""
    if path in settled:
        return settled[path]
    settled[path] = own.get(path, NO_RECORD)
    above = {name: _settle(record, name, own, outdated, settled) for name in record.upstream(path)}
    if settled[path].state == INTACT:
        job = record.maker.get(path)
        settings = outdated(job) if job else ""
        if settings:
            settled[path] = Verdict(STALE, settings)
        else:
            changed = next((name for name, verdict in above.items() if verdict.state == TAMPERED), None)
            older = next((verdict for verdict in above.values() if verdict.state == STALE), None)
            settled[path] = _stale(changed) if changed else older or settled[path]
    return settled[path]


def files_without_record(record: Record, others: Iterable[Record] = ()) -> list[str]:
    """Return the files in the study's folders that no record knows; logs, times and the folders' own notes apart.

    Args:
        record: The record of the study.
        others: Records of other studies, which may share trained networks and data.
    """
    known = {record.crate, record.page, f"results/{record.study}/{LEFT_OUT}"}.union(record.sums, *(other.sums for other in others))
    folders = [f"results/{record.study}", f"figures/{record.study}", "results/runs", "data"]
    found = (path for folder in folders for path in (record.root / folder).rglob("*") if path.is_file())
    names = (path.relative_to(record.root).as_posix() for path in found)
    return sorted(name for name in names if name not in known and not NOT_EVIDENCE.search(name))


# The chain of one file


def chain(record: Record, path: str, states: Mapping[str, Verdict], above: Iterable[str] | None = None) -> Iterator[Link]:
    """Yield a file and all that it was made from, down to the raw data, each file's own upstream once.

    Of the code only the script of a job is a link, and library files that are not intact.

    Args:
        record: The record.
        path: The file at the top.
        states: From `verdicts`.
        above: What it was made from, if not as the record says.
    """
    shown: set[str] = set()
    waiting = [(0, path)]
    while waiting:
        depth, name = waiting.pop()
        yield Link(depth, name, states.get(name, NO_RECORD), record.maker.get(name), name in shown)
        if name not in shown:
            parts = above if above is not None and depth == 0 else record.upstream(name)
            waiting += [(depth + 1, part) for part in reversed(list(parts)) if _is_told(record, name, part, states)]
        shown.add(name)


def _is_told(record: Record, path: str, part: str, states: Mapping[str, Verdict]) -> bool:
    job = record.maker.get(path)
    library = job is not None and part in job.code and part != job.script
    return not library or states.get(part, NO_RECORD).state != INTACT


def tables_of_claim(record: Record, claim: str) -> list[str]:
    """Return the paths of the tables from which a claim was decided, as the study's ``claim_tests.csv`` has it.

    Raises:
        InputError: If there is no such claim or no such file.
    """
    names = {name for row in _rows_of_claim(record, "claim_tests.csv", claim, {"tables"}) for name in row["tables"].split("; ")}
    return [f"results/{record.study}/tables/{name}.csv" for name in sorted(names)]


def row_of_claim(record: Record, claim: str) -> dict[str, str]:
    """Return a claim's row of the ledger as it stands there; raises `InputError` where there is none."""
    return _rows_of_claim(record, "claims.csv", claim, {"verdict", "statistic", "value", "ci_low", "ci_high", "n_seeds"})[0]


def _rows_of_claim(record: Record, name: str, claim: str, columns: Set[str]) -> list[dict[str, str]]:
    path = f"results/{record.study}/{name}"
    try:
        with (record.root / path).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        found = [row for row in rows if row["claim"] == claim]
        if any(row.get(column) is None for row in found for column in columns):
            raise KeyError
    except (OSError, KeyError, csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable table of claims ({type(error).__name__})") from None
    if not found:
        raise InputError(f"--claim: found {claim!r}, expected one of {', '.join(sorted({str(row['claim']) for row in rows}))}")
    return found


def verdict_of_claim(record: Record, claim: str, states: Mapping[str, Verdict]) -> Verdict:
    """Return the state of one claim's row: that of the ledger's bytes, of the tables that decided it, and of the code that did."""
    ledger, tests = (f"results/{record.study}/{name}.csv" for name in ("claims", "claim_tests"))
    own, job = states.get(ledger, NO_RECORD), record.maker.get(ledger)
    if own.state in (TAMPERED, UNKNOWN) or job is None:
        return own
    if states.get(tests, NO_RECORD).state in (TAMPERED, UNKNOWN):
        return Verdict(UNKNOWN, f"{tests} was changed, so by which tables it was decided is not certain")
    if own.state == INTACT:
        return own
    behind = [*job.code, *tables_of_claim(record, claim)]
    changed = next((path for path in behind if states.get(path, NO_RECORD).state == TAMPERED), None)
    older = next((states[path] for path in behind if path in states and states[path].state == STALE), None)
    settings = own if own.reason.startswith("settings ") else None  # not the name of a file with this word in it
    return _stale(changed) if changed else older or settings or Verdict(INTACT)
