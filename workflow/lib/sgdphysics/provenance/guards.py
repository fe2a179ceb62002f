"""What the workflow looks at before its first job and after a failure: nothing is made from damaged files, nothing is lost.

All functions take Snakemake's object of the workflow; this module does not import Snakemake.
"""

import logging
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of
from sgdphysics.provenance import idle_jobs, job_records

LOGGER = logging.getLogger("snakemake.logging")  # Snakemake's own, so that what is said here keeps its place among the rest
ALTERED = "not what {rule} made, by the record that it left"
UNRECORDED = "no record of the job that made them, {rule}"  # lost, or published without
OTHERWISE = "not as {{rule}} would make them now: {change}"  # which Snakemake was told not to look at


def before_the_first_job(workflow: Any, published: Mapping[str, str]) -> None:
    """Check the folders and inputs of the jobs that are to run; raises `SystemExit` with one line, as the functions below do.

    Args:
        workflow: Snakemake's object of the workflow.
        published: sha256 of files of studies whose tables are taken as published, by path: they need no record of a job here.
    """
    start_jobs_without_a_limit_per_second(workflow)
    stop_at_protected_folders(workflow)
    stop_at_damaged_inputs(workflow, published)


def after_a_failure(workflow: Any, published: Mapping[str, str]) -> None:
    """Have the next run make again what this one removed, and what may have caused the failure; see `before_the_first_job`."""
    forget_missing_outputs(workflow)
    make_damaged_outputs_again(workflow, published)


def start_jobs_without_a_limit_per_second(workflow: Any) -> None:
    """Take Snakemake's limiter away.

    With it, Snakemake wakes itself once a second for every job that has finished, and looks at all that are ready: a third of a
    core after some 160 jobs of the study mnist.
    """
    workflow.scheduler.job_rate_limiter = None


def stop_at_protected_folders(workflow: Any) -> None:
    """Raise `SystemExit` that names the folders to which jobs are to write and which cannot be written to."""
    paths = {Path(path) for job in workflow.dag.needrun_jobs() for path in [*job.output, *job.log]}
    existing = {next(parent for parent in path.parents if parent.exists()) for path in paths}
    protected = sorted(path for path in existing if not (path.is_dir() and os.access(path, os.W_OK)))
    if protected:
        sys.exit(f"{', '.join(map(str, protected))}: cannot be written to")


def stop_at_damaged_inputs(workflow: Any, published: Mapping[str, str]) -> None:
    """Raise `SystemExit` that names the inputs of jobs that are not what their own job made; the next run makes them again.

    They were cut off, damaged or edited. Where a record of a study is to be written, inputs whose job left no record are named too,
    and those that their job would make otherwise now, by what it was given and read. Tables that are taken as published must be
    those that were published.
    """
    waiting_jobs = list(workflow.dag.needrun_jobs())
    needed_files = {path for job in waiting_jobs for path in job.input}
    recording = any(job.rule.name.startswith("write_provenance") for job in waiting_jobs)
    made = {str(path) for job in workflow.dag.jobs for path in job.output}
    lines = []
    records = idle_jobs.Records(workflow.dag)
    sources = {str(path) for path in needed_files} if not recording else {path for path in published if "/tables/" in path}
    if changed := _not_as_published(sorted(sources & published.keys() - made), published):
        sys.exit(f"{', '.join(changed)}: not as published; nothing is made of that (git restore brings it back)")
    for job in workflow.dag.jobs:
        inputs = sorted(needed_files.intersection(map(str, job.output)))
        if inputs and not workflow.dag.needrun(job):
            try:
                if damaged := job_records.altered(job.log[0], inputs):
                    lines.append(_make_again(workflow, job, damaged, ALTERED))
                elif recording and (change := records.change(job)):
                    lines.append(_make_again(workflow, job, inputs, OTHERWISE.format(change=change)))
            except InputError:
                if recording and (unexplained := _not_as_published(inputs, published)):
                    lines.append(_make_again(workflow, job, unexplained, UNRECORDED))
    if lines:
        sys.exit("\n".join([*lines, "Run Snakemake again to make them anew."]))


def forget_missing_outputs(workflow: Any) -> None:
    """Remove Snakemake's notes of outputs that it removed: it keeps them, and would find nothing to do next time."""
    for job in workflow.dag.jobs:
        for path in job.output:
            if not Path(path).exists():
                workflow.persistence.cleanup_metadata(path)


def make_damaged_outputs_again(workflow: Any, published: Mapping[str, str]) -> None:
    """Have the next run make outputs again that are not what their job made, and say so: they may have caused the failure."""
    for job in workflow.dag.jobs:
        outputs, reason = [path for path in job.output if Path(path).exists()], ALTERED
        try:
            damaged = job_records.altered(job.log[0], outputs) if outputs else []
        except InputError:
            damaged, reason = outputs, UNRECORDED
        damaged = _not_as_published(damaged, published)
        if damaged:
            LOGGER.warning(f"{_make_again(workflow, job, damaged, reason)}; the next run makes it anew")


def _not_as_published(paths: Iterable[str], published: Mapping[str, str]) -> list[str]:
    """Those of these files that are not, byte for byte, files of a published study, or are not there."""
    return [path for path in paths if not Path(path).is_file() or published.get(path) != sha256_of(Path(path))]


def _make_again(workflow: Any, job: Any, paths: Iterable[str], reason: str) -> str:
    """Mark the outputs of a job as those of one that was interrupted, which Snakemake makes again; returns what to say of some."""
    workflow.persistence.started(job)
    return f"{', '.join(paths)}: {reason.format(rule=job.rule)}"
