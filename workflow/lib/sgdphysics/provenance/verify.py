"""Whether recorded jobs, done again from their recorded inputs by the recorded code, make the recorded bytes.

An audit compares files with what a record says of them; who wrote both could write anything. Here the work itself is done again: of
a file all of it, or of a study the claims, tables and figures, and of training and measuring a random sample, whose seed the reader
chooses.
"""

import importlib.metadata
import random
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of
from sgdphysics.provenance import commits, compare, job_records, packages, surroundings
from sgdphysics.provenance.again import Clone, runs_apart
from sgdphysics.provenance.compare import Tolerances
from sgdphysics.provenance.places import NOT_KNOWN
from sgdphysics.provenance.record import Job, Record

KINDS = ("same bytes", "within tolerance", "not kept", "DIFFERENT", "FAILED", "not possible")
SAME, CLOSE, NOT_KEPT, DIFFERENT, FAILED, NOT_POSSIBLE = KINDS
# Of scripts whose jobs take seconds: they are always done again.
ALWAYS = ("workflow/scripts/figures/", "workflow/scripts/tabulate_", "workflow/scripts/decide_claims.py")


@dataclass(frozen=True)
class Outcome:
    """What came of doing a job again.

    Attributes:
        job: The job.
        kind: One of `KINDS`; `NOT_KEPT` where a published study leaves out what the job reads.
        detail: What differs, or why it failed or is not possible; else how long it took.
    """

    job: Job
    kind: str
    detail: str

    def line(self) -> str:
        """Return the outcome in one line."""
        more = f" and {len(self.job.outputs) - 1} more" if len(self.job.outputs) > 1 else ""
        return f"{self.kind:16}  {self.job.rule}: {self.job.outputs[0]}{more}  {self.detail}"


def jobs_behind(record: Record, targets: Iterable[str]) -> list[Job]:
    """Return the jobs that files stand on, in the order of their names.

    Raises:
        InputError: If a file was made by no job of the record.
    """
    waiting, found = list(targets), {}
    for target in waiting:
        if target not in record.maker:
            raise InputError(f"{target}: no job of study {record.study} made it, by its record")
    while waiting:
        job = record.maker.get(waiting.pop())
        if job and job.name not in found:
            found[job.name] = job
            waiting += job.inputs
    return [found[name] for name in sorted(found)]


def chosen(record: Record, jobs: Collection[Job], sample: int | None, seed: int) -> list[Job]:
    """Return the jobs that are to be done again: those that take seconds, and of the others that can be as many as are asked for.

    Args:
        record: The record.
        jobs: To choose from.
        sample: How many of training, measuring, simulating and reporting; None for all.
        seed: Of the choice.
    """
    in_order = sorted(jobs, key=lambda job: job.name)
    if sample is None:
        return in_order
    long = [job for job in in_order if not job.script.startswith(ALWAYS) and not _missing_input(record, job)]
    drawn = random.Random(seed).sample(long, min(sample, len(long)))
    return [job for job in in_order if job.script.startswith(ALWAYS) or job in drawn]


def check_packages(record: Record) -> None:
    """Raise `InputError` where a package is not installed in the version with which the jobs ran, or was altered since."""
    for name, version in sorted(record.packages.items()):
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed = "none"
        if NOT_KNOWN not in version and installed not in version.split(" and "):
            raise InputError(
                f"package {name}: found {installed}, expected {version}, with which the jobs ran; "
                f"install requirements.txt of {commits.short(record.commit)} in an environment of its own"
            )
    for name, files in packages.files_of(record.packages, record.root / job_records.NOTES).items():
        if surroundings.is_certain(files.altered):
            raise InputError(f"package {name}: found {files.altered[0]} altered since it was installed, expected it as installed")


def outcomes(record: Record, jobs: Sequence[Job], cores: str, tolerances: Tolerances) -> Iterator[Outcome]:
    """Do jobs again, and yield what came of each as it is known.

    Raises:
        InputError: If code is neither in the recorded commit nor here as it was used.
    """
    possible = []
    for job in jobs:
        if missing := _missing_input(record, job):
            yield Outcome(job, NOT_KEPT if record.leaves_out(missing) else NOT_POSSIBLE, f"{missing} is not here")
        elif changed := next((path for path in job.inputs if record.today(path) != record.sums[path]), None):
            yield Outcome(job, FAILED, f"{changed} is not what it was made from")
        else:
            possible.append(job)
    for commit in dict.fromkeys(job.commit for job in possible):
        with tempfile.TemporaryDirectory(prefix="verify-") as folder:
            clone = Clone(record, commit, Path(folder))
            for group in runs_apart(record, [job for job in possible if job.commit == commit]):
                yield from _of_group(record, clone, group, cores, tolerances)


def _missing_input(record: Record, job: Job) -> str:
    return next((path for path in job.inputs if record.today(path) is None), "")


def _of_group(record: Record, clone: Clone, jobs: Sequence[Job], cores: str, tolerances: Tolerances) -> Iterator[Outcome]:
    clone.place(jobs)
    done = []
    for job in clone.run(jobs, cores):
        done.append(job)
        kind, detail = _compared(record, clone, job, tolerances)
        yield Outcome(job, kind, detail or f"{clone.seconds(job):.1f} s")
    for job in jobs:
        if job not in done:
            yield Outcome(job, FAILED, clone.complaint(job))


def _compared(record: Record, clone: Clone, job: Job, tolerances: Tolerances) -> tuple[str, str]:
    """What a job made beside what it made before, and what of that is here."""
    for path in job.outputs:
        if record.today(path) != record.sums[path] and not (record.today(path) is None and record.leaves_out(path)):
            return DIFFERENT, f"{path} is not the recorded one here"
    others = [path for path in job.outputs if sha256_of(clone.root / path) != record.sums[path]]
    if not others:
        return SAME, ""
    here = job_records.machine()["processor"]
    if job.environment["machine"]["processor"] == here:
        return DIFFERENT, f"{others[0]} has other bytes"
    for path in others:
        if record.today(path) != record.sums[path]:
            return DIFFERENT, f"{path} has other bytes, and what it had is not here"
        if difference := next(iter(_differences(record.root / path, clone.root / path, tolerances)), ""):
            return DIFFERENT, f"{path}: {difference} (made on another processor)"
    return CLOSE, f"{len(others)} of {len(job.outputs)} files have other bytes, made on another processor"


def _differences(before: Path, now: Path, tolerances: Tolerances) -> Iterable[str]:
    """What differs between two files of results; pages of PDF go by their pictures in PNG."""
    if before.suffix == ".pdf":
        return []
    if before.suffix in (".csv", ".png"):
        return compare.between_files(before.name, before, now, tolerances)
    return ["other bytes"]


def summary(record: Record, jobs: Sequence[Job], found: Sequence[Outcome], seconds: float) -> str:
    """Return one line on all: how many of a study's jobs, and what came of them."""
    counts = {kind: sum(outcome.kind == kind for outcome in found) for kind in KINDS}
    told = ", ".join(f"{count} {kind.lower()}" for kind, count in counts.items() if count or kind in (SAME, DIFFERENT))
    tried = len(found) - counts[NOT_POSSIBLE] - counts[NOT_KEPT]
    return f"study {record.study}: {tried} of {len(jobs)} jobs done again in {seconds / 60:.1f} min: {told}"


def exit_code(found: Iterable[Outcome]) -> int:
    """Return 0 where all that could be done again came out as recorded, 1 where something did not, 2 where that cannot be said."""
    kinds = {outcome.kind for outcome in found}
    if kinds & {DIFFERENT, FAILED}:
        return 1
    return 2 if NOT_POSSIBLE in kinds or not kinds & {SAME, CLOSE} else 0
