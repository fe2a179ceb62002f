"""What the stages of a study took, by the study's record."""

from collections.abc import Iterable
from dataclasses import dataclass

from sgdphysics.provenance.record import Job


@dataclass(frozen=True)
class Stage:
    """What the jobs of one rule took.

    Attributes:
        name: The rule.
        jobs: Number of jobs.
        seconds: Sum over jobs.
        memory: Largest resident memory of a job, MB (10^6 bytes).
    """

    name: str
    jobs: int
    seconds: float
    memory: float


def stages(jobs: Iterable[Job]) -> list[Stage]:
    """Return what each stage took, the longest first."""
    by_rule: dict[str, list[Job]] = {}
    for job in jobs:
        by_rule.setdefault(job.rule, []).append(job)
    parts = [
        Stage(
            name=rule,
            jobs=len(members),
            seconds=sum(float(job.usage["wallTime"]) for job in members),
            memory=max(float(job.usage["peakMemory"]) for job in members) / 1e6,
        )
        for rule, members in by_rule.items()
    ]
    return sorted(parts, key=lambda stage: (-stage.seconds, stage.name))


def total(parts: Iterable[Stage]) -> Stage:
    """Return all stages together: the sum of their seconds, the largest memory."""
    parts = list(parts)
    return Stage(
        name="all stages",
        jobs=sum(stage.jobs for stage in parts),
        seconds=sum(stage.seconds for stage in parts),
        memory=max((stage.memory for stage in parts), default=0.0),
    )
