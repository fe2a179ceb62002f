"""What lies in the folders of a study and is in no record; other studies vouch only for what studies share."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from sgdphysics.provenance import job_records, on_disk
from sgdphysics.provenance.confirmation import PARTS
from sgdphysics.provenance.record import MANIFEST, Record
from sgdphysics.provenance.states import NO_RECORD, Cause, Verdict

SHARED = ("results/runs/", "data/")  # trained networks and data, which other studies may have made
# Their jobs come after the record, or write it.
LAST_RULES = ("write_provenance", "write_provenance_on_published_tables", "write_report")


def in_the_folders_of(record: Record, others: Iterable[Record] = ()) -> dict[str, Verdict]:
    """Return what no record knows in the study's folders and in those that studies share, by path.

    Args:
        record: The record of the study.
        others: Records of other studies; they vouch for what lies in shared folders, and for nothing else.
    """
    others = list(others)
    known = known_to(record).union(*(vouched_for(other) for other in others))
    folders = {PurePosixPath(path).parent for path in known}
    above = {str(parent) for folder in folders for parent in (folder, *folder.parents)}
    found = {}
    for top in sorted(_folders(record, others)):
        for path, kind in on_disk.walk(record.root / top):
            name = path.relative_to(record.root).as_posix()
            # A link on the way to recorded files is told with each of them, where none may be.
            if name not in known and not (kind == "a link" and name in above):
                found[name] = Verdict(Cause.NO_RECORD_OF_THAT, (kind,)) if kind else NO_RECORD
    return found


def known_to(record: Record) -> set[str]:
    """Return the paths that a record knows: what it has sums of, what stands with it, and what its jobs left beside."""
    parts = {f"results/{record.study}/{name}" for name in (*PARTS, MANIFEST)}
    names = [job.name for job in record.jobs] + [f"results/{record.study}/logs/{rule}" for rule in LAST_RULES]
    return parts.union(record.sums, *map(_left_by_job, names))


def vouched_for(record: Record) -> set[str]:
    """Return the paths in shared folders that a record knows."""
    return {path for path in known_to(record) if path.startswith(SHARED)}


def unknown_folders(record: Record, studies: Iterable[str]) -> dict[str, Verdict]:
    """Return what lies in ``results/`` and ``figures/`` and belongs to no study of these names, nor to the record, by path."""
    known = {*studies, record.study, "runs", *(PurePosixPath(path).parts[1] for path in record.sums if path.count("/") > 1)}
    entries = (entry for top in ("results", "figures") for entry in sorted((record.root / top).glob("*")))
    names = (entry.relative_to(record.root).as_posix() for entry in entries if entry.name not in known)
    return {name: Verdict(Cause.NO_RECORD_OF_THAT, ("nor is it a study of the settings",)) for name in names}


def _folders(record: Record, others: Iterable[Record]) -> set[str]:
    """The study's folders, shared ones, and those of studies that its record speaks of and that have none of their own."""
    parts = (PurePosixPath(path).parts for path in record.sums if path.startswith(("results/", "figures/")))
    folders = {"/".join(part[:2]) for part in parts if len(part) > 2}
    of_others = {f"{top}/{other.study}" for top in ("results", "figures") for other in others}
    return {f"results/{record.study}", f"figures/{record.study}", "results/runs", "data", *(folders - of_others)}


def _left_by_job(name: str) -> set[str]:
    """Log, record and times of a job; the times lie beside the log, or beside the folder of logs."""
    times = name.replace("/logs/", "/benchmarks/", 1) if name.count("/logs/") else name
    return {f"{name}.log", f"{name}{job_records.SUFFIX}", f"{times}.tsv" if times != name else f"{name}.benchmark.tsv"}
