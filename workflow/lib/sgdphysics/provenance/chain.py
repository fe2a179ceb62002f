"""From any file of a study back to the raw data: what it was made from, by which job, and in which state all of that is."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sgdphysics.provenance.record import Job, Record
from sgdphysics.provenance.states import INTACT, NO_RECORD, Verdict


@dataclass(frozen=True)
class Link:
    """One line of a chain.

    Attributes:
        depth: 0 for the file that was asked for, more for what it was made from.
        path: Path of the file; of code that was another when the record was written its name.
        verdict: Its state.
        job: The job that made it, or None.
        again: Whether it was there before, with what it was made from.
    """

    depth: int
    path: str
    verdict: Verdict
    job: Job | None
    again: bool


def chain(record: Record, path: str, states: Mapping[str, Verdict], sources: Iterable[str] | None = None) -> Iterator[Link]:
    """Yield a file and all that it was made from, down to the raw data, each file's own upstream once.

    Of the code only the script of a job is a link, and library files that are not intact.

    Args:
        record: The record.
        path: The file at the top.
        states: From `audit.verdicts`.
        sources: Names of what it was made from, if not as the record says.
    """
    shown: set[str] = set()
    waiting = [(0, path)]
    while waiting:
        depth, name = waiting.pop()
        yield Link(depth, name, states.get(name, NO_RECORD), record.maker.get(name), name in shown)
        if name not in shown:
            parts = sources if sources is not None and depth == 0 else record.upstream(name)
            waiting += [(depth + 1, part) for part in reversed(list(parts)) if _is_link(record, name, part, states)]
        shown.add(name)


def jobs_behind(record: Record, paths: Iterable[str]) -> list[Job]:
    """Return the jobs that files stand on, those that made the files among them, each once.

    Args:
        record: The record.
        paths: The files.
    """
    found: dict[str, Job] = {}
    waiting = list(paths)
    while waiting:
        job = record.maker.get(waiting.pop())
        if job is not None and job.name not in found:
            found[job.name] = job
            waiting += job.inputs
    return list(found.values())


def _is_link(record: Record, path: str, part: str, states: Mapping[str, Verdict]) -> bool:
    job = record.maker.get(path)
    if job is None:
        return True
    code = record.names_of_code(job)
    is_library = part in code and code[part] != job.script
    return not is_library or states.get(part, NO_RECORD).state != INTACT
