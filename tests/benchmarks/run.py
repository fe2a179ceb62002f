"""Speed of the library beside the plain way that papers' scripts take: same task, same result, same threads, one run.

    python tests/benchmarks/run.py [--tasks training,hessian,...] [--quick] [--threads 2] [--json FILE]

The task "study" is the whole default study: wall time beside the work of its jobs. Exits with 1 if two results do not agree.
"""

import argparse
import sys
from pathlib import Path

import machine
import whole_study
from comparison import Pair, as_json, machine_facts, table
from setting import QUICK, Sizes, prepare, use_threads
from task_components import measure_pca
from task_curvature import measure_covariance, measure_hessian
from task_decomposition import measure_decomposition
from task_flatness import measure_flatness
from task_training import measure_training
from task_walkers import measure_walkers

from sgdphysics.files import write_atomically

TASKS = {
    "training": measure_training,
    "hessian": measure_hessian,
    "covariance": measure_covariance,
    "flatness": measure_flatness,
    "pca": measure_pca,
    "decomposition": measure_decomposition,
    "walkers": measure_walkers,
}
STUDY = "study"
ALL_TASKS = [*TASKS, STUDY]


def measure(tasks: list[str], sizes: Sizes, threads: int) -> list[Pair]:
    """Measure the tasks, saying on standard error which one is running."""
    use_threads(1)  # the fastest for one small network, when other programs run too
    problem = prepare(sizes, threads)
    use_threads(threads)
    pairs = []
    for task in tasks:
        print(f"measuring {task} ...", file=sys.stderr, flush=True)
        pairs += TASKS[task](problem)
    return pairs


def _task_list(text: str) -> list[str]:
    tasks = text.split(",")
    for task in tasks:
        if task not in ALL_TASKS:
            raise argparse.ArgumentTypeError(f"found {task!r}, expected some of {','.join(ALL_TASKS)}")
    return tasks


def _thread_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 1")
    return int(text)


def main() -> int:
    """Run the command; returns 1 if two results do not agree, else 0."""
    parser = argparse.ArgumentParser(description="Speed beside the plain way that papers' scripts take.")
    parser.add_argument("--tasks", type=_task_list, default=ALL_TASKS, help=f"some of {','.join(ALL_TASKS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="small sizes: only that everything runs and agrees")
    parser.add_argument("--threads", type=_thread_count, default=2, help="threads of both ways, 2 by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to a file too")
    arguments = parser.parse_args()
    tasks = [task for task in arguments.tasks if task != STUDY]
    pairs = measure(tasks, QUICK if arguments.quick else Sizes(), arguments.threads) if tasks else []
    peaks = machine.peaks()
    print(", ".join(f"{name} {value}" for name, value in machine_facts(arguments.threads).items()))
    print("; ".join(f"{name} {rate / 1e9:.1f} {machine.UNITS[name]}" for name, rate in peaks.items()))
    print(table(pairs, peaks, arguments.quick))
    if STUDY in arguments.tasks:
        print(whole_study.measure("smoke" if arguments.quick else "mnist5k", arguments.threads))
    if arguments.json:
        text = as_json(pairs, peaks, arguments.threads, arguments.quick)
        write_atomically(arguments.json, lambda temporary: temporary.write_text(text))
    return 0 if all(pair.agrees for pair in pairs) else 1


if __name__ == "__main__":
    sys.exit(main())
