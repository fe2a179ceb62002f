"""How far a run is, and how long it will still take."""

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping

# Stages by what names of their rules begin with, or end with, in the order in which a study passes through them.
STAGES = {
    "data": r"(fetch|prepare)_",
    "training": r"train_",
    "measuring": r"(measure|rescale)_",
    "toy model": r"(simulate|solve)_",
    "tables": r"tabulate_",
    "figures": r".*_fig[0-9]+(_supplement)?$",
    "claims": r"decide_",
    "notebooks": r"run_notebook",
    "record and page": r"write_|all$",
}
OTHERS = "others"
_UNKNOWN_SECONDS = 10.0  # of a job of which nothing is expected
_FIRST_SECONDS = 20.0  # of work for which expectations are believed before jobs have shown how long they take here


def stage_of(rule: str) -> str:
    """Return the stage of a rule."""
    return next((stage for stage, pattern in STAGES.items() if re.match(pattern, rule)), OTHERS)


def duration(seconds: float) -> str:
    """Return a time as text, such as ``43 s``, ``12 min`` or ``3.5 h``."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class Progress:
    """Counts jobs, and weighs them by the seconds that each is expected to take.

    Args:
        counts: Number of jobs by rule.
        clock: Returns the time in seconds.
    """

    def __init__(self, counts: Mapping[str, int], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._counts = clock, dict(counts)
        # Read by the thread that draws: no rule is added later, and what changes its size is copied before it is looked through.
        self._done = dict.fromkeys(counts, 0)
        self._unseen = 0  # finished jobs that were not seen to start
        self._running: dict[int, tuple[str, float]] = {}
        self._expected: Mapping[str, float] = {}
        self._begin = clock()
        self._taken = 0.0  # seconds of the jobs that have finished

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Say by rule how long a job takes."""
        self._expected = dict(seconds)

    def start(self, job: int, rule: str) -> None:
        """Count a job as running."""
        self._running[job] = rule, self._clock()

    def finish(self, job: int) -> tuple[str, float]:
        """Count a job as finished; returns its rule and how long it took, "job" and 0 if it was not seen to start."""
        rule, start = self._running.pop(job, ("job", self._clock()))
        if rule in self._done:
            self._done[rule] += 1
        else:
            self._unseen += 1
        seconds = self._clock() - start
        self._taken += seconds
        return rule, seconds

    def fail(self, job: int) -> None:
        """Count a job as not running any more."""
        self._running.pop(job, None)

    @property
    def jobs(self) -> int:
        """How many there are."""
        return sum(self._counts.values())

    @property
    def finished(self) -> int:
        """How many of them have finished."""
        return sum(self._done.values()) + self._unseen

    @property
    def stage(self) -> str:
        """The first stage of which jobs are running; without any, the first that is not finished, and at the end the last."""
        running = {stage_of(rule) for rule, _ in self._running_jobs()}
        open_stages = {stage_of(rule) for rule, count in self._counts.items() if self._done[rule] < count}
        return next((stage for stage in [*STAGES, OTHERS] if stage in (running or open_stages)), OTHERS)

    def plan(self) -> str:
        """Return one line that says how many jobs of each stage there are."""
        numbers: Counter[str] = Counter()
        for rule, count in self._counts.items():
            numbers[stage_of(rule)] += count
        parts = [f"{stage} {numbers[stage]}" for stage in [*STAGES, OTHERS] if numbers[stage]]
        return f"{_jobs(self.jobs)}: {', '.join(parts)}"

    def summary(self) -> str:
        """Return how many jobs have finished, and in what time."""
        return f"{self.finished} of {_jobs(self.jobs)} in {duration(self.elapsed)}"

    def counts(self, stage: str | None = None) -> tuple[int, int]:
        """Return how many jobs of a stage, or of all, have finished, and how many there are."""
        rules = self._rules(stage)
        return sum(self._done[rule] for rule in rules), sum(self._counts[rule] for rule in rules)

    @property
    def elapsed(self) -> float:
        """Seconds since the jobs were counted."""
        return self._clock() - self._begin

    def share(self, stage: str | None = None) -> float:
        """Return what share of the work of a stage, or of all, is done."""
        whole = self._work(stage)
        return self._work_done(stage) / whole if whole else 1.0

    def seconds_left(self, stage: str | None = None) -> float:
        """Return how long a stage, or all, will still take, at the speed and with as many jobs at a time as so far."""
        work = self._work(stage) - self._work_done(stage)
        busy = self._taken + sum(seconds for _, seconds in self._running_jobs())
        at_a_time = max(1.0, busy / max(self.elapsed, 1e-9))
        return max(0.0, work) / (self._speed() * at_a_time)

    def _rules(self, stage: str | None) -> list[str]:
        return [rule for rule in self._counts if stage is None or stage_of(rule) == stage]

    def _seconds(self, rule: str) -> float:
        return self._expected.get(rule, _UNKNOWN_SECONDS)

    def _work(self, stage: str | None) -> float:
        return sum(self._counts[rule] * self._seconds(rule) for rule in self._rules(stage))

    def _work_done(self, stage: str | None) -> float:
        """Expected seconds of what is done; of a running job never all."""
        rules, speed = set(self._rules(stage)), self._speed()
        running = [min(speed * seconds, 0.9 * self._seconds(rule)) for rule, seconds in self._running_jobs() if rule in rules]
        return sum(self._done[rule] * self._seconds(rule) for rule in rules) + sum(running)

    def _speed(self) -> float:
        """Expected seconds that are done in a second of a job here."""
        done = sum(count * self._seconds(rule) for rule, count in self._done.items())
        return (done + _FIRST_SECONDS) / (self._taken + _FIRST_SECONDS)

    def _running_jobs(self) -> list[tuple[str, float]]:
        """Rule of each job that runs, and since how long."""
        return [(rule, self._clock() - start) for rule, start in tuple(self._running.values())]


def _jobs(number: int) -> str:
    return "1 job" if number == 1 else f"{number:,} jobs"
