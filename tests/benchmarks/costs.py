"""What each kind of work takes on this machine, fitted to the records of finished studies; `sgdphysics plan` reads it.

    python tests/benchmarks/costs.py STUDY ... [--write config/costs.yaml] [--against STUDY]

Prints how the fit compares with what was measured, and writes the costs. Needs the studies' results/ with trained networks. A study
that is set against the costs has no part in the fit: what was planned for its jobs stands beside what they took.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml

from sgdphysics import run_files
from sgdphysics.files import write_atomically
from sgdphysics.provenance import job_records
from sgdphysics.study import costs as cost_fit
from sgdphysics.study import plans
from sgdphysics.study.configuration import Configuration, laid_over, read
from sgdphysics.study.layout import Layout
from sgdphysics.study.trained_chunks import trained_chunks
from sgdphysics.training import Result, Run

HEADER = """\
# What each kind of work takes: seconds for a thousand million of it, and bytes, fitted to finished studies by
# `python tests/benchmarks/costs.py`, which writes this file. For another machine run that again. Read by `sgdphysics plan` and for
# the time and memory that jobs ask a cluster for.
"""
# What the records leave out: start of Python, loading of packages, Snakemake between jobs. From the 126 jobs of the default study
# on two cores with next to nothing beside them: wall time of both less the work of the jobs, for each job.
START_SECONDS = 2.7
DIGITS = 4


# Rules that measure trained chunks, by the section whose chunks they are.
MEASURING = {
    "feng2021": ["measure_fluctuations", "measure_flatness", "measure_noise"],
    "yang2023": ["measure_generalization"],
    "feng2023": ["measure_duality"],
}

Key = tuple[str, ...]  # the rule of a job, and the names of its ensemble and chunk if it is a job of one
Measured = list[tuple[cost_fit.Job, float, float]]  # jobs that were run, with seconds and bytes


def main() -> int:
    """Run the command."""
    options = _options()
    configuration = _configuration()
    layout = Layout(configuration.studies, trained_chunks(Path("results/runs")), taken=[], papers=plans.SECTIONS)
    trained = _trained(layout, options.studies)
    measured, others = _measured(configuration, layout, options.studies, trained)
    costs = {
        "processor": job_records.machine()["processor"],
        "torch": str(torch.__version__),
        "fitted_to": options.studies,
        "start_seconds": START_SECONDS,
        "steps": cost_fit.fitted_steps(list(trained.values())),
        "other_jobs": {"jobs": len(others) // len(options.studies), "seconds": sum(others) / len(others)},
        "rules": cost_fit.fitted_costs(measured),
    }
    for line in _agreement(measured, costs):
        print(line)
    if options.against:
        print(*_planned_and_taken(configuration, layout, options.against, options.studies, costs), sep="\n")
    if options.write:
        text = HEADER + yaml.safe_dump(_rounded(costs), sort_keys=False)
        write_atomically(options.write, lambda path: path.write_text(text))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="+", help="finished studies, defined in a file of config/ each")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the costs to a file")
    parser.add_argument("--against", metavar="STUDY", help="another finished study (or part of one), to hold the plan against")
    return parser.parse_args()


def _configuration() -> Configuration:
    """The settings with every study of config/."""
    files = sorted(Path("config").glob("*.yaml"))
    return Configuration(Path(), laid_over(Path(), [path for path in files if "studies" in read(path, str(path))]))


def _trained(layout: Layout, names: Sequence[str]) -> dict[Run, tuple[Result, int]]:
    """Every trained run, with the number of its images, by its settings."""
    results = [result for name in names for path in layout.networks(name) for result in run_files.load_results(Path(path)).values()]
    return {result.run: (result, result.steps // result.epochs * result.run.batch_size) for result in results}


def _measured(
    configuration: Configuration, layout: Layout, names: Sequence[str], trained: dict[Run, tuple[Result, int]]
) -> tuple[Measured, list[float]]:
    """The jobs of studies whose work is planned, as they were, and the seconds of all others."""

    def steps(run: Run, _: int) -> float:
        return trained[run][0].steps

    measured, others = [], []
    for name in names:
        jobs = _jobs(configuration, layout, name, steps)
        planned = {job.rule for job in jobs.values()}
        for key, record in _records(name):
            if key in jobs:
                measured.append((jobs[key], record["seconds"], float(record["peak_memory_bytes"])))
            elif record["rule"] not in planned:  # else it is a job of another study, or of one with other settings
                others.append(record["seconds"])
    return measured, others


def _jobs(configuration: Configuration, layout: Layout, name: str, steps: plans.Steps) -> dict[Key, cost_fit.Job]:
    """The jobs of a study whose work is planned, if its networks train so many steps."""
    study = configuration.studies[name]
    entry = configuration.datasets[study["dataset"]]
    jobs: dict[Key, cost_fit.Job] = {
        ("train_ensemble", chunk.ensemble, chunk.name): plans.training_job(chunk, entry, steps) for chunk in layout.chunks_of(name)
    }
    for section, rules in MEASURING.items():
        for chunk in layout.chunks_of(name, section):
            for rule in rules:
                jobs[rule, chunk.ensemble, chunk.name] = plans.chunk_job(rule, study, chunk, entry, steps)
    once = (plans.protocol_jobs, plans.edge_jobs, plans.toy_jobs, plans.sweep_jobs)
    return jobs | {
        (job.rule,): job for job in (*plans.control_jobs(study, entry, steps), *(job for of in once for job in of(study, entry)))
    }


def _records(study: str) -> Iterator[tuple[Key, dict[str, Any]]]:
    """The records of a study's jobs, and of all that train, each with what tells the job from others."""
    for folder in (f"results/{study}/logs", "results/runs"):
        for path in Path(folder).rglob(f"*{job_records.SUFFIX}"):
            record = job_records.load(path)
            wildcards = record["wildcards"]
            yield (record["rule"], *(wildcards[key] for key in ("ensemble", "chunk") if key in wildcards)), record


def _agreement(measured: Measured, costs: dict[str, Any]) -> Iterator[str]:
    """One line per rule: what was measured, what the fit gives, and the largest factor between them of one job."""
    for rule in costs["rules"]:
        times = [(cost_fit.seconds(job, costs), seconds) for job, seconds, _ in measured if job.rule == rule]
        fitted, real = (sum(part) for part in zip(*times, strict=True))
        worst = max(max(a / b, b / a) for a, b in times)
        yield f"{rule:24} {len(times):4} jobs  measured {real:8.1f} s  fitted {fitted:8.1f} s  one job off by at most {worst:.1f}x"


def _planned_and_taken(
    configuration: Configuration, layout: Layout, name: str, fitted: Sequence[str], costs: dict[str, Any]
) -> Iterator[str]:
    """Lines on the jobs of a study that were run, and that no fitted study shares, by rule: seconds and largest memory, planned and
    measured.
    """
    planned_jobs = _jobs(configuration, layout, name, partial(cost_fit.expected_steps, costs=costs))
    shared = {("train_ensemble", chunk.ensemble, chunk.name) for other in fitted for chunk in layout.chunks_of(other)}
    records = dict(_records(name))
    total = [0.0, 0.0]
    for rule in costs["rules"]:
        jobs = {key: job for key, job in planned_jobs.items() if job.rule == rule and key not in shared}
        took = [records[key] for key in jobs if key in records]
        if not jobs or len(took) != len(jobs):
            yield f"{rule:24} {len(took)} of {len(jobs)} jobs were run: not compared"
            continue
        planned, seconds = sum(cost_fit.seconds(job, costs) for job in jobs.values()), sum(record["seconds"] for record in took)
        memory = max(cost_fit.memory(job, costs) for job in jobs.values()) / 2**30
        most = max(record["peak_memory_bytes"] for record in took) / 2**30
        total = [total[0] + planned, total[1] + seconds]
        times = f"planned {planned:7.0f} s  took {seconds:7.0f} s  ratio {planned / seconds:.2f}"
        yield f"{rule:24} {len(jobs):4} jobs  {times}  memory {memory:.2f} and {most:.2f} GiB"
    if total[1]:
        yield f"{'together':24} planned {total[0]:.0f} s  took {total[1]:.0f} s  ratio {total[0] / total[1]:.2f}"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
