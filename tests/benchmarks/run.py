"""Speed of the library beside the plain way that papers' scripts take: same task, same result, same threads, one run.

    python tests/benchmarks/run.py [--tasks training,hessian,...] [--quick] [--threads 2] [--json FILE]

The task "study" is the whole default study: wall time beside the work of its jobs. Exits with 1 if two results do not agree.
"""

import argparse
import json
import math
import multiprocessing
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import machine
import numpy as np
import references
import torch
import whole_study
from threadpoolctl import threadpool_limits
from torch import Tensor

from sgdphysics import curvature, datasets, duality, landscape, seeds, toy, training
from sgdphysics.arrays import largest_eigenpairs
from sgdphysics.files import write_atomically
from sgdphysics.fluctuations import WindowMoments
from sgdphysics.networks import Mlp, initial_weights
from sgdphysics.ranks import log_spaced_ranks

LAYER = 1
LEARNING_RATE = 0.1
BATCH_SIZE = 50
SHARED_SETTINGS = 40  # of the toy model that share random numbers; divides the number of walkers
LEADING_DIRECTIONS = 10  # whose agreement is checked, beside all variances
SAME_MACHINE = 1.3  # a ratio is void if the reference takes more or less, by this factor, than the papers' own scripts took


@dataclass(frozen=True)
class Sizes:
    """How large the tasks are."""

    hidden: int = 50
    images_per_class: int = 400
    preparation_epochs: int = 40
    stack: int = 16
    epochs: int = 5
    copies: int = 15  # of the training images, for flatness
    directions: int = 48  # as the default study measures along
    reference_directions: int = 6
    window_epochs: int = 150
    pairs: int = 1000
    walkers: int = 20_000
    walker_steps: int = 500
    fast_repeats: int = 5
    slow_repeats: int = 2


QUICK = Sizes(
    hidden=10,
    images_per_class=40,
    stack=4,
    epochs=2,
    copies=5,
    directions=8,
    reference_directions=2,
    window_epochs=75,
    pairs=50,
    walkers=2_000,
    walker_steps=200,
    fast_repeats=1,
    slow_repeats=1,
)


@dataclass
class Pair:
    """One task done both ways; times in seconds.

    Attributes:
        task, size: What was done.
        reference, ours: Time of one unit of work.
        goal: Smallest ratio wanted, None for a pair that is only shown.
        published: Time that the papers' own scripts took, and ``comparable`` the reference's time for the same.
        difference: Between the results, at most ``tolerance``.
        work: Operations, or bytes, that one unit of work needs at least, and ``peak``, the rate that they are compared with.
    """

    task: str
    size: str
    reference: float
    ours: float
    goal: float | None
    published: float | None
    comparable: float
    difference: float
    tolerance: float
    notes: list[str] = field(default_factory=list)
    work: float = 0.0
    peak: str = machine.FLOAT64

    @property
    def ratio(self) -> float:
        return self.reference / self.ours

    @property
    def published_share(self) -> float | None:
        return None if self.published is None else self.comparable / self.published

    @property
    def agrees(self) -> bool:
        return self.difference <= self.tolerance  # False also for nan

    def verdict(self) -> str:
        if self.goal is None:
            return "-"
        if self.published_share is not None and not 1 / SAME_MACHINE <= self.published_share <= SAME_MACHINE:
            return "void"
        return "reached" if self.ratio >= self.goal else "missed"


@dataclass(frozen=True)
class Problem:
    """What the tasks share: the images and a network trained on them to a low loss."""

    images: Tensor
    labels: Tensor
    network: Mlp
    sizes: Sizes
    threads: int


# --- training


def measure_training(problem: Problem) -> list[Pair]:
    """One network with a data loader and autograd, against a stack; in one process, then in two of one thread at once."""
    sizes, images, labels = problem.sizes, problem.images, problem.labels
    difference = _training_difference(images, labels, sizes)
    steps = sizes.epochs * (len(images) // BATCH_SIZE)
    calls = _train_reference(images, labels, sizes), _train_stack(images, labels, sizes)
    for call in calls:
        call()
    (reference, _), (ours, _) = _best_alternating(sizes.fast_repeats, *calls)
    shape = f"N {len(images)}, H {sizes.hidden}, B {BATCH_SIZE}, stack of {sizes.stack}"
    reference, ours = reference / steps, ours / steps / sizes.stack
    work = {"work": _training_operations(sizes.hidden, images.shape[1], int(labels.max()) + 1), "peak": machine.FLOAT32}
    alone = Pair("training step", shape, reference, ours, None, None, reference, difference, 1e-3, **work)
    alone.notes.append("time per network and step; difference: of the weights after an epoch on the same batches, in float32")

    one, stack = (seconds / steps for seconds in _two_processes(images, labels, sizes))
    together = Pair("training, 2 processes", shape, one / 2, stack / sizes.stack / 2, 6, 0.65e-3, one, difference, 1e-3, **work)
    together.notes.append("two processes of one thread at once, for both ways: wall time over the steps of all networks of both")
    return [alone, together]


def _training_operations(hidden: int, pixels: int, classes: int) -> float:
    """Of a step of one network: forward, gradients of all weights, and of the activations of all layers but the first."""
    first, above = pixels * hidden, hidden * hidden + hidden * classes
    return 2 * BATCH_SIZE * (2 * (first + above) + above)


def _settings(sizes: Sizes, seed: int, epochs: int) -> training.Run:
    return training.Run(
        hidden_widths=(sizes.hidden, sizes.hidden),
        learning_rate=LEARNING_RATE,
        batch_size=BATCH_SIZE,
        stop_loss=0.0,
        max_epochs=epochs,
        seed=seed,
    )


def _start(sizes: Sizes, images: Tensor, labels: Tensor, seed: int) -> tuple[Tensor, ...]:
    return initial_weights((images.shape[1], sizes.hidden, sizes.hidden, int(labels.max()) + 1), seed)


def _train_reference(images: Tensor, labels: Tensor, sizes: Sizes) -> Callable[[], object]:
    network = references.module(_start(sizes, images, labels, 0))
    loader = references.shuffling_loader(images, labels, BATCH_SIZE)
    return lambda: references.train(network, loader, LEARNING_RATE, sizes.epochs)


def _train_stack(images: Tensor, labels: Tensor, sizes: Sizes) -> Callable[[], object]:
    return lambda: training.train([_settings(sizes, seed, sizes.epochs) for seed in range(sizes.stack)], images, labels)


def _training_difference(images: Tensor, labels: Tensor, sizes: Sizes) -> float:
    """Largest difference of the weights after one epoch on the same batches, in parts of the largest change."""
    runs = [_settings(sizes, seed, 1) for seed in range(sizes.stack)]
    results = training.train(runs, images, labels)
    difference = 0.0
    for run, result in list(zip(runs, results, strict=True))[:2]:
        order = seeds.generator(run.seed, "batches", 0).permutation(len(images))
        start = _start(sizes, images, labels, run.seed)
        network = references.module(start)
        loader = references.ordered_loader(images, labels, order.reshape(-1, BATCH_SIZE).tolist())
        losses = references.train(network, loader, LEARNING_RATE, 1)
        final = [layer.weight.detach() for layer in references.linear_layers(network)]
        for ours, weight, initial in zip(result.network.weights, final, start, strict=True):
            difference = max(difference, float((ours - weight).abs().max() / (weight - initial).abs().max()))
        difference = max(difference, abs(losses[0] / result.loss_history[0] - 1))
    return difference


def _two_processes(images: Tensor, labels: Tensor, sizes: Sizes) -> Sequence[float]:
    """Wall times in which two processes of one thread each have done the task once at once, the reference's and ours."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2, timeout=120)
    with ProcessPoolExecutor(2, context, _join, (barrier,)) as pool:
        jobs = [pool.submit(_train_beside_another, images.numpy(), labels.numpy(), sizes) for _ in range(2)]
        times = np.stack([job.result() for job in jobs])
    return (times[..., 1].max(0) - times[..., 0].min(0)).min(0)


def _join(barrier: Any) -> None:
    """Make this process one of two that start each task at the same moment."""
    global _start_together
    _use_threads(1)
    _start_together = barrier.wait


def _train_beside_another(images: np.ndarray, labels: np.ndarray, sizes: Sizes) -> np.ndarray:
    """Start and end of every repeat, (repeats, 2 ways, 2), on a clock that the processes share."""
    data = torch.from_numpy(images), torch.from_numpy(labels), sizes
    calls = _train_reference(*data), _train_stack(*data)
    times = np.empty((sizes.fast_repeats, 2, 2))
    for call in calls:
        call()
    for repeat in range(sizes.fast_repeats):
        for way, call in enumerate(calls):
            _start_together()
            times[repeat, way, 0] = time.monotonic()
            call()
            times[repeat, way, 1] = time.monotonic()
    return times


# --- Hessian


def measure_hessian(problem: Problem) -> list[Pair]:
    """Double backward, in float32 as scripts do, against the closed form in float64."""
    sizes, images, labels = problem.sizes, problem.images, problem.labels
    network = references.module(problem.network.weights)

    def ours() -> Tensor:
        return curvature.layer_hessian(problem.network, images, labels, LAYER)

    def double_backward(rows: int | None = None) -> Tensor:
        return references.layer_hessian(network, images, labels, LAYER, rows)

    def one_layer(rows: int | None = None) -> Tensor:
        return references.layer_hessian_of_one_layer(network, images, labels, LAYER, rows)

    for call in (lambda: double_backward(20), lambda: one_layer(20), ours):
        call()
    (reference, expected), (sharp, _) = _best_alternating(sizes.slow_repeats, double_backward, one_layer)
    ((seconds, found),) = _best_alternating(sizes.fast_repeats, ours)
    difference = float((found - expected).abs().max() / found.abs().max())
    size = f"N {len(images)}, d {len(found)}"
    work = {"work": _factor_operations(len(images), sizes.hidden), "peak": machine.FLOAT64}
    pair = Pair("layer Hessian", size, reference, seconds, 100, 28.0, reference, difference, 1e-4, **work)
    pair.notes.append("without eigen-decomposition; reference in float32, ours in float64")
    shown = Pair("layer Hessian, pruned", size, sharp, seconds, None, None, sharp, difference, 1e-4, **work)
    shown.notes.append("shown for fairness: double backward that asks autograd for this layer's derivatives only")
    return [pair, shown]


def _factor_operations(images: int, hidden: int) -> float:
    """Of one product of the factors' upper triangles, summed over the images."""
    triangle = hidden * (hidden + 1) // 2
    return 2 * images * triangle**2


# --- covariance of the gradient


def measure_covariance(problem: Problem) -> list[Pair]:
    """The gradient of every image by autograd, all at once, and their covariance, against the closed form; both in float64."""
    sizes, images, labels = problem.sizes, problem.images.double(), problem.labels
    network = references.module(problem.network.double().weights)

    def reference() -> Tensor:
        return references.gradient_covariance(network, images, labels, LAYER)

    def ours() -> Tensor:
        return curvature.gradient_covariance(problem.network, images, labels, LAYER)

    ours()
    (slow, expected), (fast, found) = _best_alternating(sizes.fast_repeats, reference, ours)
    difference = float((found - expected).abs().max() / found.abs().max())
    size, work = f"N {len(images)}, d {len(found)}", _factor_operations(len(images), sizes.hidden)
    pair = Pair("covariance", size, slow, fast, None, None, slow, difference, 1e-8, work=work, peak=machine.FLOAT64)
    pair.notes.append("reference: gradients of all images in one vectorised backward pass")
    return [pair]


# --- flatness


def measure_flatness(problem: Problem) -> list[Pair]:
    """Bisection with full forward passes against `landscape.flatness`, both in float32, along Hessian eigenvectors."""
    sizes = problem.sizes
    images, labels = _noisy_copies(problem.images, problem.labels, sizes.copies)
    hessian = curvature.layer_hessian(problem.network, problem.images, problem.labels, LAYER)
    ranks = log_spaced_ranks(min(200, len(hessian) // 4), sizes.directions)
    directions = largest_eigenpairs(hessian, ranks[-1])[1][torch.tensor(ranks) - 1]
    chosen = torch.linspace(0, len(ranks) - 1, sizes.reference_directions).round().long()
    network = references.module(problem.network.weights)

    def reference() -> Tensor:
        widths = [references.flatness(network, images, labels, LAYER, direction) for direction in directions[chosen]]
        return torch.tensor(widths, dtype=torch.float64)

    def ours() -> Tensor:
        return landscape.flatness(problem.network, images, labels, LAYER, directions)

    network(images)
    landscape.flatness(problem.network, images, labels, LAYER, directions[:1])
    (slow, expected), (fast, found) = _best_alternating(sizes.slow_repeats, reference, ours)
    difference = float((found[chosen] - expected).abs().max())
    slow, fast = slow / len(chosen), fast / len(directions)
    size = f"N {len(images)}, {len(directions)} directions"
    work = {
        "work": _flatness_operations(ours, len(images), images.shape[1], len(directions), sizes.hidden),
        "peak": machine.FLOAT32,
    }
    pair = Pair("flatness", size, slow, fast, 60, 2.3, slow, difference, 0.011, **work)
    widths = f"{float(expected.min()):.2g} to {float(expected.max()):.2g}"
    pair.notes.append(
        f"time per direction, preparation included; reference on {len(chosen)} of the directions, of widths {widths}; "
        "both in float32; difference: absolute, the reference bisects each side to 0.01"
    )
    return [pair]


def _flatness_operations(call: Callable[[], object], images: int, pixels: int, directions: int, hidden: int) -> float:
    """Per direction: its part of the first layers' products, the layer's change along it, and the layer above at every point."""
    points, evaluate = 0, landscape.LossSlice.__call__

    def counted(slice_: landscape.LossSlice, distance: float) -> float:
        nonlocal points
        points += 1
        return evaluate(slice_, distance)

    with mock.patch.object(landscape.LossSlice, "__call__", counted):
        call()
    prepared = 2 * images * (pixels * hidden + hidden**2) / directions
    return prepared + 2 * images * hidden**2 + points / directions * images * hidden * (2 + 2 * 10)


def _noisy_copies(images: Tensor, labels: Tensor, copies: int) -> tuple[Tensor, Tensor]:
    """As many images as the full data set has: copies with a little noise, so that no two are equal."""
    random = torch.Generator().manual_seed(0)
    repeated = images.repeat(copies, 1)
    return repeated.add_(0.02 * torch.randn(repeated.shape, generator=random)).clamp_(0, 1), labels.repeat(copies)


# --- principal components


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
            [_settings(problem.sizes, 0, 1)],
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
    with ProcessPoolExecutor(1, context, _use_threads, (threads,)) as pool:
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


# --- decomposition of the generalization gap


def measure_decomposition(problem: Problem) -> list[Pair]:
    """A loop over pairs that builds each dual weight against `duality`, in float64, with the Hessian eigenbasis given."""
    sizes, images, labels = problem.sizes, problem.images.double(), problem.labels
    eigenvalues, directions = largest_eigenpairs(curvature.layer_hessian(problem.network, images, labels, LAYER))
    arrays = datasets.embedded_mnist5k().arrays
    test_images = arrays["test_images"].flatten(1)[: sizes.pairs].double() / 255
    test_labels = arrays["test_labels"].long()[: sizes.pairs]
    matched = images[duality.nearest_of_class(images, labels, test_images, test_labels)]
    network = references.module(problem.network.double().weights)

    def reference() -> dict[str, Tensor]:
        return references.decompose_gap(network, matched, test_images, test_labels, LAYER, directions)

    def by_matrix_products() -> dict[str, Tensor]:
        return references.decompose_gap(network, matched, test_images, test_labels, LAYER, directions, np.matmul)

    def ours() -> duality.Decomposition:
        pairs = duality.dual_weights(problem.network, matched, test_images, test_labels, LAYER)
        return duality.decompose_pairs(pairs, eigenvalues, directions)

    ours()
    (slow, expected), (sharp, _) = _best_alternating(sizes.slow_repeats, reference, by_matrix_products)
    ((fast, found),) = _best_alternating(sizes.fast_repeats, ours)
    differences = [float((getattr(found, name) - value).abs().max() / value.abs().max()) for name, value in expected.items()]
    size = f"{sizes.pairs} pairs, d {len(eigenvalues)}"
    work = {"work": 2 * sizes.pairs * len(eigenvalues) ** 2, "peak": machine.FLOAT64}
    pair = Pair("decomposition", size, slow, fast, 200, 19.5, slow, max(differences), 1e-8, **work)
    pair.notes.append("both in float64, matching and Hessian eigenbasis given")
    shown = Pair("decomposition, products", size, sharp, fast, None, None, sharp, max(differences), 1e-8, **work)
    shown.notes.append("shown for fairness: the same loop with a matrix product for each projection, as fast as memory is read")
    return [pair, shown]


# --- walkers of the toy model


def measure_walkers(problem: Problem) -> list[Pair]:
    """Plain vectorised NumPy steps against the library's, of as many walkers."""
    sizes, valley = problem.sizes, toy.Landscape.single_valley()
    steps, walkers = sizes.walker_steps, sizes.walkers
    moves, tolerance = walkers * steps, 12 / math.sqrt(walkers)  # six standard errors of the difference of two variances
    shaken = {"learning_rate": 0.1, "shift": 0.1}
    # Euler's method needs a time step at which it is right to 1 %; the library's may be 20 times as long.
    thermal, fine, coarse = {"diffusion": 0.005, "kappa": 4.0}, 0.01, 0.2
    x, y = np.full(walkers, 0.5), np.zeros(walkers)
    rows = x.reshape(SHARED_SETTINGS, -1), y.reshape(SHARED_SETTINGS, -1)  # settings of the phase diagram, here all alike

    def plain(call: Callable[..., Any], **settings: float) -> Callable[[], Any]:
        return lambda: call(x, y, steps=steps, random=np.random.default_rng(0), **settings)

    def ours(call: Callable[..., Any], start: Sequence[np.ndarray], steps: int, **settings: float) -> Callable[[], Any]:
        return lambda: call(valley, *start, steps=steps, random=np.random.default_rng(1), **settings)

    reference, independent, shared, euler, langevin, same_time = _best_alternating(
        sizes.fast_repeats,
        plain(references.shaken_steps, **shaken),
        ours(toy.shaken_descent, (x, y), steps, **shaken),
        ours(toy.shaken_descent, rows, steps, **shaken),
        plain(references.langevin_steps, time_step=fine, **thermal),
        ours(toy.langevin, (x, y), steps, time_step=fine, **thermal),
        ours(toy.langevin, (x, y), max(1, round(steps * fine / coarse)), time_step=coarse, **thermal),
    )

    def pair(task: str, slow: tuple[float, Any], fast: tuple[float, Any], goal: float | None, note: str, alike: int = 1) -> Pair:
        size = f"{walkers} walkers, {steps} steps"
        difference = float(abs(fast[1][1].var() / slow[1][1].var() - 1))
        allowed = tolerance * math.sqrt(alike)
        times = slow[0] / moves, fast[0] / moves
        moved = {"work": 4 * 8, "peak": machine.MEMORY}  # x and y, read and written once
        return Pair(task, size, *times, goal, None, times[0], difference, allowed, [note], **moved)

    return [
        pair(
            *("walker step", reference, independent, None),
            "shaken descent, random numbers of its own for every walker: a tie, for most of the time goes into drawing them; "
            "difference: of the variances of y, relative",
        ),
        pair(
            *("walker step, shared", reference, shared, 4),
            f"as in the phase diagram, {SHARED_SETTINGS} settings share the random numbers of their walkers, and few are drawn: as "
            "many walkers per setting, the same statistics at each",
            alike=SHARED_SETTINGS,
        ),
        pair("Langevin step", euler, langevin, None, f"steps of {fine:g} for both"),
        pair(
            *("Langevin, same time", euler, same_time, None),
            f"the same stretch of time in steps of {coarse:g} against {fine:g}: the library's step is exact across the valley",
        ),
    ]


# --- all tasks


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
    _use_threads(1)  # the fastest for one small network, when other programs run too
    problem = _prepare(sizes, threads)
    _use_threads(threads)
    pairs = []
    for task in tasks:
        print(f"measuring {task} ...", file=sys.stderr, flush=True)
        pairs += TASKS[task](problem)
    return pairs


def _prepare(sizes: Sizes, threads: int) -> Problem:
    arrays = datasets.embedded_mnist5k().arrays
    labels = arrays["train_labels"].long()
    chosen = datasets.training_subset(labels, sizes.images_per_class)
    images, labels = arrays["train_images"][chosen].flatten(1).float() / 255, labels[chosen]
    (trained,) = training.train([_settings(sizes, 0, sizes.preparation_epochs)], images, labels)
    return Problem(images, labels, trained.network, sizes, threads)


def _use_threads(threads: int) -> None:
    threadpool_limits(threads)
    torch.set_num_threads(threads)


def _best_alternating(repeats: int, *calls: Callable[[], Any]) -> list[tuple[float, Any]]:
    """Shortest time of several of each call, taken in turn so that all meet the same other load, and each last result."""
    times, results = [math.inf] * len(calls), [None] * len(calls)
    for _ in range(repeats):
        for index, call in enumerate(calls):
            start = time.perf_counter()
            results[index] = call()
            times[index] = min(times[index], time.perf_counter() - start)
    return list(zip(times, results, strict=True))


def table(pairs: list[Pair], peaks: Mapping[str, float], quick: bool) -> str:
    """The pairs as plain text; at quick sizes nothing is compared with the goals or the papers' times."""
    head = [
        "task",
        "size",
        "reference",
        "ours",
        "ratio",
        "goal",
        "verdict",
        "papers",
        "ref/papers",
        "difference",
        "allowed",
        "of the peak",
    ]
    rows = []
    for pair in pairs:
        judged = pair.goal is not None and not quick
        goal = [f"{pair.goal:g}x", pair.verdict()] if judged else ["-"] * 2
        published = judged and pair.published is not None
        goal += [_time(pair.published), f"{pair.published_share:.2f}"] if published else ["-"] * 2
        ratio = f"{pair.ratio:.1f}x" + (" (void)" if judged and pair.verdict() == "void" else "")
        agreement = [f"{pair.difference:.1e}", f"{pair.tolerance:.1e}" + ("" if pair.agrees else " FAILED")]
        share = f"{pair.work / pair.ours / peaks[pair.peak]:.0%} of {pair.peak}"
        rows.append([pair.task, pair.size, _time(pair.reference), _time(pair.ours), ratio, *goal, *agreement, share])
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]]
    notes = [f"{pair.task}: {note}" for pair in pairs for note in pair.notes]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], "", *notes])


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms" if seconds >= 1e-6 else f"{seconds * 1e9:.3g} ns"


def as_json(pairs: list[Pair], peaks: Mapping[str, float], threads: int, quick: bool) -> str:
    """The pairs, the machine's kind and its peaks in operations or bytes a second, times in seconds."""
    rows = []
    for pair in pairs:
        judged = {"verdict": pair.verdict(), "reference_to_published": pair.published_share} if not quick else {}
        rows.append({**asdict(pair), "ratio": pair.ratio, "agrees": pair.agrees, **judged})
    return json.dumps({"quick": quick, **_machine(threads), "peaks": dict(peaks), "pairs": rows}, indent=2) + "\n"


def _machine(threads: int) -> dict[str, object]:
    return {"processor": platform.machine(), "threads": threads, "torch": torch.__version__, "python": platform.python_version()}


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
    print(", ".join(f"{name} {value}" for name, value in _machine(arguments.threads).items()))
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
