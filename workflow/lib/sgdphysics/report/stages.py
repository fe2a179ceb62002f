"""What the stages of a study took, from the benchmark files that Snakemake leaves beside its jobs."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sgdphysics.errors import InputError


@dataclass(frozen=True)
class Stage:
    """What the jobs of one rule took.

    Attributes:
        name: The rule.
        jobs, recorded: Number of jobs, and of those with a record.
        seconds: Sum over jobs, None where no job has a record.
        memory: Largest resident memory of a job, MB; None where no job has a record.
    """

    name: str
    jobs: int
    recorded: int
    seconds: float | None
    memory: float | None


def benchmark_files(folder: Path, rules: Iterable[str], training: Sequence[Path]) -> dict[str, list[Path]]:
    """Return the benchmark files of a study by rule.

    Args:
        folder: The study's own; a rule of one job has a file there, one of many jobs a folder.
        rules: Those of one job that must have a file, there or not.
        training: Files of the training jobs, which several studies share, there or not.
    """
    files = {"train_ensemble": list(training), **{rule: [folder / f"{rule}.tsv"] for rule in rules}}
    for path in sorted(folder.rglob("*.tsv")):
        of_rule = files.setdefault(path.relative_to(folder).with_suffix("").parts[0], [])
        if path not in of_rule:
            of_rule.append(path)
    files.pop("write_report", None)  # of an earlier page
    return files


def stages(files: Mapping[str, Sequence[Path]]) -> list[Stage]:
    """Return what each stage took, from Snakemake's benchmark files; those that are missing count as jobs without a record.

    Args:
        files: Benchmark files by rule.

    Raises:
        InputError: If a file is not a benchmark.
    """
    return [_stage(name, [_benchmark(path) for path in paths]) for name, paths in files.items()]


def total(parts: Iterable[Stage]) -> Stage:
    """Return all stages together: the sum of their seconds, the largest memory."""
    parts = list(parts)
    seconds = [stage.seconds for stage in parts if stage.seconds is not None]
    memory = [stage.memory for stage in parts if stage.memory is not None]
    return Stage(
        name="all stages",
        jobs=sum(stage.jobs for stage in parts),
        recorded=sum(stage.recorded for stage in parts),
        seconds=sum(seconds) if seconds else None,
        memory=max(memory, default=None),
    )


def _stage(name: str, records: Sequence[tuple[float, float] | None]) -> Stage:
    known = np.array([record for record in records if record is not None]).reshape(-1, 2)
    seconds, memory = (column[np.isfinite(column)] for column in known.T)
    return Stage(
        name=name,
        jobs=len(records),
        recorded=len(known),
        seconds=float(seconds.sum()) if len(seconds) else None,
        memory=float(memory.max()) if len(memory) else None,
    )


def _benchmark(path: Path) -> tuple[float, float] | None:
    """Seconds and MB of one job; NaN where Snakemake could not measure, None without a file."""
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    try:
        seconds, memory = ([_measured(row[key]) for row in rows] for key in ("s", "max_rss"))
        return math.fsum(seconds), max(memory)
    except (KeyError, ValueError, TypeError):
        raise InputError(f"{path}: not a benchmark of Snakemake") from None


def _measured(text: str) -> float:
    return math.nan if text in {"NA", "-", ""} else float(text)
