"""Which jobs a file stands on, by the records that jobs left; and those of an earlier record of the study, where they left none."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.provenance import job_records
from sgdphysics.provenance.record import Job, Record

JobRecord = Mapping[str, Any]


def joined(earlier: Mapping[str, JobRecord], local: Mapping[str, JobRecord]) -> dict[str, JobRecord]:
    """Return the records of jobs that lie beside their logs together with those that an earlier record of the study explains.

    Of a job that both know the later run counts; if it is the same run, it keeps the commit at which it was recorded first.

    Args:
        earlier: From `jobs_of_published`, by paths.
        local: From `job_records.load`, by paths.
    """
    records = dict(earlier)
    for path, record in local.items():
        predecessor = earlier.get(path)
        if predecessor is None or record["ended"] > predecessor["ended"]:
            records[path] = record
        elif record["ended"] == predecessor["ended"]:
            records[path] = {**record, "commit": predecessor["commit"]}
    return records


def jobs_behind(targets: Iterable[str], records: Mapping[str, JobRecord]) -> dict[str, JobRecord]:
    """Return the records of all jobs that the targets stand on, by the paths of the records.

    Args:
        targets: Paths of files that jobs made.
        records: Records of jobs by their paths, perhaps more than are needed. One with a "commit" was taken over from an earlier
            record of the study: its code need not be that of today.

    Raises:
        InputError: If the job that made a target left no record, or a file was used in another state than it was made or now is.
    """
    # Of several the latest: that of a rule which has another name or log by now is still there.
    by_end = sorted(records, key=lambda path: (records[path]["ended"], path))
    makers = {output: path for path in by_end for output in records[path]["outputs"]}
    targets = list(targets)
    lost = [target for target in targets if target not in makers]
    if lost:
        raise InputError(f"{len(lost)} files have no record of the job that made them, the first is {lost[0]}; make them again")
    lineage: dict[str, JobRecord] = {}
    waiting = sorted({makers[target] for target in targets})
    while waiting:
        path = waiting.pop()
        if path not in lineage:
            outputs = {name: entry for name, entry in records[path]["outputs"].items() if makers[name] == path}
            lineage[path] = {**records[path], "outputs": outputs}
            waiting += sorted({makers[name] for name in records[path]["inputs"] if name in makers} - set(lineage))
    _check_that_files_have_one_state(lineage.values())
    return dict(sorted(lineage.items()))


def _check_that_files_have_one_state(records: Collection[JobRecord]) -> None:
    """Of code one for the jobs that are new here, and one for those that were recorded first at the same commit."""
    sums: dict[Any, str] = {}
    for record in records:
        sums |= {name: entry["sha256"] for name, entry in record["outputs"].items()}
    for record in records:
        uses = [(name, name, sha256) for name, sha256 in record["inputs"].items()]
        for name, sha256 in record["code"].items():
            uses.append(((record["commit"], name) if "commit" in record else name, name, sha256))
        for key, name, sha256 in uses:
            if sums.setdefault(key, sha256) != sha256:
                raise InputError(f"{name} is not what {record['rule']} used; run Snakemake again")


def earlier_records(earlier: Record, sha256: str, jobs: Iterable[JobRecord], commit: str) -> list[dict[str, Any]]:
    """Return what is told of the records from which jobs were taken over: "commit", "changed_files", "settings", "sha256".

    Args:
        earlier: The record of the study before this one, which may itself tell of earlier ones.
        sha256: Its sum.
        jobs: Records of the jobs, from `jobs_behind`.
        commit: The commit of the study now.
    """
    latest = {key: earlier.facts[key] for key in ("commit", "changed_files", "settings")} | {"sha256": sha256}
    commits = {record["commit"] for record in jobs if "commit" in record} - {commit}
    return [entry for entry in [*earlier.facts.get("earlier_records", []), latest] if entry["commit"] in commits]


def jobs_of_published(record: Record) -> dict[str, dict[str, Any]]:
    """Return the jobs of a record in the form of the records that jobs leave, each with its commit, by the paths of those.

    What an earlier version did not record ("plumbing") is not there; of the parameters "seeds" are apart.

    Raises:
        InputError: If the record lacks anything that it takes to write it again.
    """
    try:
        return {f"{job.name}{job_records.SUFFIX}": _record_of(job, record) for job in record.jobs}
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(f"{record.crate}: jobs cannot be taken over from it ({type(error).__name__}: {error})") from None


def _record_of(job: Job, record: Record) -> dict[str, Any]:
    content = {
        "wildcards": {},
        **job.environment,
        "version": job_records.VERSION if "plumbing" in job.environment else 1,
        "rule": job.rule,
        "script": job.script,
        "params": {name: value for name, value in job.parameters.items() if name != "seeds"},
        "seeds": job.parameters["seeds"],
        "code": dict(job.code),
        "inputs": {path: record.sums[path] for path in job.inputs},
        "outputs": {path: {"sha256": record.sums[path], "bytes": record.sizes[path]} for path in job.outputs},
        "started": job.started,
        "ended": job.ended,
        "seconds": float(job.usage["wallTime"]),
        "peak_memory_bytes": int(job.usage["peakMemory"]),
        "commit": job.commit,
    }
    if missing := job_records.KEYS - content.keys():
        raise KeyError(", ".join(sorted(missing)))
    return content
