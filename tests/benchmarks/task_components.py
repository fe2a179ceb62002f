"""Principal components: streamed moments beside scikit-learn on the stored trajectory."""

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import machine
import numpy as np
import references
import torch
from comparison import Pair
from setting import BATCH_SIZE, LAYER, Problem, settings, use_threads

from sgdphysics import training
from sgdphysics.fluctuations import WindowMoments

LEADING_DIRECTIONS = 10  # whose agreement is checked, beside all variances


def measure_pca(problem: Problem) -> list[Pair]:
    """scikit-learn on the stored trajectory against streamed moments; each in a process of its own, for its peak memory."""
    sizes = problem.sizes
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trajectory.float64"
        steps, dimension = _write_trajectory(path, problem)
        reference, ours = [], []
        for _ in range(sizes.slow_repeats):
            reference.append(_in_own_process(problem.threads, _stored_components, path, dimension))
            ours.append(_in_own_process(problem.threads, _streamed_components, path, dimension, steps))
        half = _in_own_process(problem.threads, _streamed_components, path, dimension, steps // 2)
    reference, ours = (min(measured, key=lambda one: one.seconds) for measured in (reference, ours))
    pair = Pair(
        "PCA",
        f"{steps} x {dimension}",
        reference.seconds,
        ours.seconds,
        5,
        16.0,
        reference.seconds,
        _component_difference(reference, ours),
        1e-6,
        work=steps * dimension**2 + 10 / 3 * dimension**3,  # half of the symmetric sums; eigenvectors at the least
        peak=machine.FLOAT64,
    )
    stored, square = (8 * numbers / 2**20 for numbers in (steps * dimension, dimension**2))
    pair.notes.append(
        f"peak memory beyond the imports: reference {reference.peak:.0f} MiB (the trajectory alone {stored:.0f}), ours "
        f"{ours.peak:.0f} MiB = {ours.peak / square:.1f} matrices d x d, with half the steps {half.peak:.0f} MiB"
    )
    pair.notes.append("both in float64, reading of the file apart; ours takes the steps one by one, as training makes them")
    return [pair]


@dataclass
class _Components:
    seconds: float
    peak: float  # MiB beyond what the process held before
    variances: np.ndarray
    leading: np.ndarray


def _write_trajectory(path: Path, problem: Problem) -> tuple[int, int]:
    """Write the weights of the layer at every step of a window, float64, row by row; returns its steps and weights."""
    with path.open("wb") as file:
        training.continue_training(
            [settings(problem.sizes, 0, 1)],
            [problem.network],
            [problem.sizes.preparation_epochs],
            problem.images,
            problem.labels,
            epochs=problem.sizes.window_epochs,
            observer=lambda weights: file.write(weights[LAYER].double().numpy().tobytes()),
        )
    return problem.sizes.window_epochs * (len(problem.images) // BATCH_SIZE), problem.sizes.hidden**2


def _in_own_process(threads: int, call: Callable[..., _Components], *arguments: object) -> _Components:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, use_threads, (threads,)) as pool:
        return pool.submit(call, *arguments).result()


def _stored_components(path: Path, dimension: int) -> _Components:
    before = _peak_memory()
    trajectory = np.fromfile(path).reshape(-1, dimension)
    start = time.perf_counter()
    variances, directions = references.principal_components(trajectory)
    seconds = time.perf_counter() - start
    return _Components(seconds, _peak_memory() - before, variances, directions[:LEADING_DIRECTIONS])


def _streamed_components(path: Path, dimension: int, steps: int) -> _Components:
    before = _peak_memory()
    moments, seconds = WindowMoments(dimension, steps), 0.0
    with path.open("rb") as file:
        for first in range(0, steps, 100):
            rows = torch.from_numpy(np.fromfile(file, count=min(100, steps - first) * dimension)).view(-1, dimension)
            start = time.perf_counter()
            for row in rows:
                moments.add(row)
            seconds += time.perf_counter() - start
    start = time.perf_counter()
    variances, directions = moments.principal_components()
    seconds += time.perf_counter() - start
    peak = _peak_memory() - before
    return _Components(seconds, peak, variances.numpy(), directions[:LEADING_DIRECTIONS].numpy().copy())


def _component_difference(reference: _Components, ours: _Components) -> float:
    """Largest relative difference of the variances above 1e-6 of the largest, and of the leading directions, up to sign."""
    count = int((reference.variances > 1e-6 * reference.variances[0]).sum())
    variances = np.abs(ours.variances[:count] / reference.variances[:count] - 1).max()
    cosines = np.abs((reference.leading * ours.leading).sum(1))
    return float(max(variances, (1 - cosines).max()))


def _peak_memory() -> float:
    """Peak resident memory of this process, MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux the other number can be that of the parent process
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
