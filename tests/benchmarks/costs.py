"""What each kind of work takes on this machine, fitted to the records of finished studies; `sgdphysics plan` reads it.

    python tests/benchmarks/costs.py STUDY ... [--write config/costs.yaml] [--against STUDY]

Prints how the fit compares with what was measured, and writes the costs. Needs the studies' results/ with trained networks. A study
that is set against the costs has no part in the fit: what was planned for its jobs stands beside what they took.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml

from sgdphysics import run_files
from sgdphysics.files import write_atomically
from sgdphysics.provenance import job_records
from sgdphysics.study import costs as cost_fit
from sgdphysics.study import inheritance, plans, studies
from sgdphysics.training import Result, Run

HEADER = """\
# What each kind of work takes: seconds for a thousand million of it, and bytes, fitted to finished studies by
# `python tests/benchmarks/costs.py`, which writes this file. For another machine run that again. Read by `sgdphysics plan` and for
# the time and memory that jobs ask a cluster for.
"""
# What the records leave out: start of Python, loading of packages, Snakemake between jobs. From the 62 jobs of the sweep in
# config/sweep.yaml: wall time of two cores less the work of the jobs, for each job.
START_SECONDS = 6.2
DIGITS = 4


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="+", help="finished studies, defined in a file of config/ each")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the costs to a file")
    parser.add_argument("--against", metavar="STUDY", help="another finished study (or part of one), to hold the plan against")
    options = parser.parse_args()
    complete, entries = _settings()
    records = {name: list(_records(name)) for name in options.studies}
    trained = _trained(complete, options.studies)
    measured, others = [], []
    for name in options.studies:
        jobs = _jobs_by_key(complete[name], entries, trained)
        for key, record in records[name]:
            entry = record["seconds"], float(record["peak_memory_bytes"])
            if key in jobs:
                measured.append((jobs[key], *entry))
            elif record["rule"] != "train_ensemble":  # of another study
                others.append(record["seconds"])
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
        print(*_planned_and_taken(complete, options.against, options.studies, entries, costs), sep="\n")
    if options.write:
        text = HEADER + yaml.safe_dump(_rounded(costs), sort_keys=False)
        write_atomically(options.write, lambda path: path.write_text(text))
    return 0


def _settings() -> tuple[dict[str, Any], dict[str, Any]]:
    """Every study of config/, complete, and the data sets."""
    config: dict[str, Any] = {}
    for path in [Path("config/config.yaml"), *sorted(Path("config").glob("*.yaml"))]:
        content = yaml.safe_load(path.read_text())
        if "studies" in content:
            config = inheritance.merged(config, content)
    return inheritance.resolved(config)["studies"], yaml.safe_load(Path("config/datasets.yaml").read_text())["datasets"]


def _records(study: str) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """The records of a study's jobs, each with its rule and what tells it from others of that rule."""
    for path in [*Path(f"results/{study}/logs").rglob("*.job.json"), *Path("results/runs").rglob("*.job.json")]:
        record = json.loads(path.read_text())
        wildcards = record["wildcards"]
        yield (record["rule"], *(wildcards[key] for key in ("ensemble", "chunk") if key in wildcards)), record


def _trained(complete: dict[str, Any], names: list[str]) -> dict[Run, tuple[Result, int]]:
    """Every trained run, with the number of its images, by its settings."""
    found = {}
    for name in names:
        for chunk in studies.chunks_of(complete[name]):
            path = Path(f"results/runs/{chunk.ensemble}/{chunk.name}.safetensors")
            for result in run_files.load_results(path).values():
                images = result.steps // result.epochs * result.run.batch_size
                found[result.run] = (result, images)
    return found


def _jobs_by_key(study: dict[str, Any], entries: dict[str, Any], trained: dict[Run, tuple[Result, int]]) -> dict[tuple, Any]:
    """The jobs of a study as they were: with the steps that its networks trained."""
    entry, jobs = entries[study["dataset"]], {}

    def steps(run: Run, _: int) -> float:
        return trained[run][0].steps

    for chunk in studies.chunks_of(study):
        jobs["train_ensemble", chunk.ensemble, chunk.name] = plans.training_job(chunk, entry, steps)
    for chunk in studies.chunks_of(study, "feng2021"):
        for rule, job in plans.window_jobs(study, chunk, entry, steps).items():
            jobs[rule, chunk.ensemble, chunk.name] = job
    jobs["measure_generalization",] = plans.generalization_job(study, entry)
    jobs["measure_duality",] = plans.duality_job(study, entry)
    single = [*plans.toy_jobs(study, entry), *plans.sweep_jobs(study, entry)]
    return jobs | {(job.rule,): job for job in single}


def _agreement(measured: list[tuple[cost_fit.Job, float, float]], costs: dict[str, Any]) -> Iterator[str]:
    """One line per rule: what was measured, what the fit gives, and the largest factor between them of one job."""
    for rule in costs["rules"]:
        own = [(cost_fit.seconds(job, costs), time) for job, time, _ in measured if job.rule == rule]
        fitted, real = (sum(part) for part in zip(*own, strict=True))
        worst = max(max(a / b, b / a) for a, b in own)
        yield f"{rule:24} {len(own):4} jobs  measured {real:8.1f} s  fitted {fitted:8.1f} s  one job off by at most {worst:.1f}x"


def _planned_and_taken(
    complete: dict[str, Any], name: str, fitted: list[str], entries: dict[str, Any], costs: dict[str, Any]
) -> Iterator[str]:
    """Lines on the jobs of a study that were run, and that no fitted study shares, by rule: seconds and largest memory, planned and
    measured.
    """
    shared = {(chunk.ensemble, chunk.name) for other in fitted for chunk in studies.chunks_of(complete[other])}
    own = {(c.ensemble, c.name): c for c in studies.chunks_of(complete[name]) if (c.ensemble, c.name) not in shared}
    records = [record for (rule, *chunk), record in _records(name) if rule != "train_ensemble" or tuple(chunk) in own]
    steps = partial(cost_fit.expected_steps, costs=costs)
    planned_jobs = [plans.training_job(chunk, entries[complete[name]["dataset"]], steps) for chunk in own.values()]
    planned_jobs += [job for job in plans.jobs_of(complete, name, entries, costs) if job.rule != "train_ensemble"]
    total = [0.0, 0.0]
    for rule in costs["rules"]:
        took = [record for record in records if record["rule"] == rule]
        jobs = [job for job in planned_jobs if job.rule == rule]
        if len(took) != len(jobs):
            yield f"{rule:24} {len(took)} of {len(jobs)} jobs were run: not compared"
            continue
        planned, seconds = sum(cost_fit.seconds(job, costs) for job in jobs), sum(record["seconds"] for record in took)
        memory = max(cost_fit.memory(job, costs) for job in jobs) / 2**30
        most = max(record["peak_memory_bytes"] for record in took) / 2**30
        total = [total[0] + planned, total[1] + seconds]
        times = f"planned {planned:7.0f} s  took {seconds:7.0f} s  ratio {planned / seconds:.2f}"
        yield f"{rule:24} {len(jobs):4} jobs  {times}  memory {memory:.2f} and {most:.2f} GiB"
    yield f"{'together':24} planned {total[0]:.0f} s  took {total[1]:.0f} s  ratio {total[0] / total[1]:.2f}"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
