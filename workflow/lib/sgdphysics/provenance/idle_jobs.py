"""Whether jobs that are not to run again were run as they would be now, by the records that they left.

Snakemake decides by its own notes in ``.snakemake`` whether settings or code have changed since a job ran. They are a cache: they
can be deleted or damaged, and ``--touch`` writes them anew without making anything. What a job was given and what it read stands in
its record. So Snakemake is made to ask that too when it plans; this module works on its objects, and does not import it.
"""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of
from sgdphysics.provenance import job_records
from sgdphysics.provenance.places import recorded_name, without_places
from sgdphysics.study.inheritance import first_change


def plan_by_records(workflow: Any) -> None:
    """Have Snakemake make again, besides what its own notes say, what was made otherwise than it would be now.

    Args:
        workflow: Snakemake's object of the workflow, before it has planned its jobs.
    """
    prepare = workflow._prepare_dag  # what plans is made there, from all that Snakemake was told, and its notes with it

    @functools.wraps(prepare)
    def prepare_and_ask(*arguments: Any, **options: Any) -> None:
        prepare(*arguments, **options)
        _ask_records_too(workflow.persistence, Records(workflow.dag))

    workflow._prepare_dag = prepare_and_ask


class Records:
    """The records that the jobs of a plan left.

    Args:
        dag: Snakemake's object of the plan.
    """

    def __init__(self, dag: Any) -> None:
        self._dag = dag
        self._records: dict[str, dict[str, Any] | None] = {}
        self._sums: dict[str, str] = {}

    def has(self, job: Any) -> bool:
        """Return whether a job left a record that can be read."""
        return self._record_of(job) is not None

    def change(self, job: Any) -> str:
        """Return in one line what a job would be given or would read now in place of what it was; empty where it is all the same.

        It is empty too where the job left no record. Parameters that Snakemake does not compare, since they derive from files or
        threads, are not compared here. What is read of another job is taken as its record has it.
        """
        record = self._record_of(job)
        if record is None:
            return ""
        now = _compared_parameters(job)
        derived = job.params.keys() - now.keys()
        before = {name: value for name, value in record["params"].items() if name not in derived}
        return first_change(before, now) or self._changed_input(job, {**record["inputs"], **record["code"]})

    def _changed_input(self, job: Any, before: dict[str, str]) -> str:
        now = dict(self._inputs_of(job))
        if surplus := sorted(before.keys() - now.keys()):
            return f"{surplus[0]} is not read any more"
        if new := sorted(now.keys() - before.keys()):
            return f"{new[0]} was not read"
        changed = sorted(name for name, sha256 in now.items() if sha256 not in ("", before[name]))
        return f"{changed[0]} was another" if changed else ""

    def _inputs_of(self, job: Any) -> Iterator[tuple[str, str]]:
        """Recorded name and sum of what a job reads; without a sum where the job that makes it left no record."""
        makers = {str(path): maker for maker, paths in self._dag.dependencies[job].items() for path in paths}
        for path in map(str, job.input):
            if path in makers:
                record = self._record_of(makers[path])
                yield path, record["outputs"].get(path, {}).get("sha256", "") if record else ""
            elif Path(path).is_file():
                if path not in self._sums:
                    self._sums[path] = sha256_of(path)
                yield recorded_name(path, self._sums[path]), self._sums[path]

    def _record_of(self, job: Any) -> dict[str, Any] | None:
        log = str(next(iter(job.log), ""))
        if log not in self._records:
            try:
                self._records[log] = job_records.load(job_records.path_beside(log)) if log else None
            except InputError:
                self._records[log] = None
        return self._records[log]


def _ask_records_too(notes: Any, records: Records) -> None:
    """Let Snakemake's object of its notes answer by the records besides."""
    has_metadata, params_changed = notes.has_metadata, notes.params_changed

    def with_records(job: Any, file: Any = None) -> Any:
        changes = params_changed(job, file)
        if change := records.change(job):
            changes |= type(changes)(only_new={f"{change} (by the record that the job left)"}, files=set(job.output))
        return changes

    notes.has_metadata = lambda job: has_metadata(job) or records.has(job)
    notes.params_changed = with_records


def _compared_parameters(job: Any) -> dict[str, Any]:
    """Those parameters of a job that Snakemake compares, as its record would have them."""
    compared = job.non_derived_params  # values without their names
    named = {name: value for name, value in job.params.items() if any(value is other for other in compared)}
    return json.loads(json.dumps(without_places(named)))
