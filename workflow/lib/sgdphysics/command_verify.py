"""The command ``sgdphysics verify``: jobs of a study done again, and whether they make the recorded bytes."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from sgdphysics.command_settings import default_study, parsed
from sgdphysics.errors import printable
from sgdphysics.provenance import answers, ledger, project, settings_since, verify
from sgdphysics.provenance.compare import Tolerances
from sgdphysics.provenance.reading import load
from sgdphysics.provenance.record import Record

DESCRIPTION = """In a clean clone of the recorded commit, from the recorded inputs and with the package versions of the record:
always what takes seconds (claims, tables, figures), of the rest a sample. Where the processor is another one, tables and pictures
are compared within the tolerances of compare."""
SAMPLE = 5  # jobs, where nothing else is said of a whole study


def add(add_command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to those of ``sgdphysics``, by what adds one."""
    parser = add_command("verify", help="do jobs of a study again, and compare the bytes that they make", description=DESCRIPTION)
    question = parser.add_mutually_exclusive_group()
    question.add_argument("file", nargs="?", type=Path, help="the jobs behind this file, instead of those of a study")
    question.add_argument("--claim", help="the jobs behind this row of the ledger")
    parser.add_argument("--study", help="the study; needed where several have a record and the file does not tell")
    parser.add_argument(
        "--sample",
        type=_number,
        metavar="N",
        help=f"how many jobs of training, measuring, simulating and reporting (default: all behind a file or claim, else {SAMPLE})",
    )
    parser.add_argument("--seed", type=int, default=0, help="which ones: choose it yourself (default 0)")
    parser.add_argument("--cores", default="all", help="how many cores to use (default all)")
    parser.set_defaults(run=run)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 0")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Do what is asked for, one line a job as it is done; returns the exit code."""
    start = time.monotonic()
    root = project.root_above(options.file or Path())
    path = None if options.file is None else project.path_within(root, options.file)
    study = project.study_asked_for(root, options.study, path, lambda: default_study(root))
    record = settings_since.with_places(load(root, study), parsed)
    targets = [path] if path else _tables_and_ledger(record, options.claim) if options.claim else list(record.maker)
    sample = SAMPLE if options.sample is None and not (path or options.claim) else options.sample
    verify.check_packages(record)
    behind = verify.jobs_behind(record, targets)
    jobs = verify.chosen(record, behind, sample, options.seed)
    doubts = answers.not_confirmed(record)
    for line in (f"record {record.crate}, sha256 {record.today(record.crate)}", *answers.anchor(record), *doubts.values()):
        print(printable(line))
    if record.crate in doubts:
        return 1  # nothing is done that a record says which none confirms
    outcomes = []
    for outcome in verify.outcomes(record, jobs, options.cores, Tolerances()):
        outcomes.append(outcome)
        print(printable(outcome.line()), flush=True)
    drawn = "" if sample is None else f"; of what takes longer {sample}, drawn with seed {options.seed}"
    print(f"{verify.summary(record, behind, outcomes, time.monotonic() - start)}{drawn}")
    return 1 if doubts else verify.exit_code(outcomes)


def _tables_and_ledger(record: Record, claim: str) -> list[str]:
    """The tables that decided a claim, and the ledger."""
    return [*ledger.tables_of_claim(record, claim), ledger.path_of_ledger(record)]
