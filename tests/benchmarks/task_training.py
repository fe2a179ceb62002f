"""Training: a stack of networks beside one network with a data loader and autograd."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import machine
import numpy as np
import references
import torch
from comparison import Pair
from setting import BATCH_SIZE, LEARNING_RATE, Problem, Sizes, best_alternating, settings, use_threads
from torch import Tensor

from sgdphysics import seeds, training
from sgdphysics.networks import initial_weights


def measure_training(problem: Problem) -> list[Pair]:
    """One network with a data loader and autograd, against a stack; in one process, then in two of one thread at once."""
    sizes, images, labels = problem.sizes, problem.images, problem.labels
    difference = _training_difference(images, labels, sizes)
    steps = sizes.epochs * (len(images) // BATCH_SIZE)
    calls = _train_reference(images, labels, sizes), _train_stack(images, labels, sizes)
    for call in calls:
        call()
    (reference, _), (ours, _) = best_alternating(sizes.fast_repeats, *calls)
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


def _start(sizes: Sizes, images: Tensor, labels: Tensor, seed: int) -> tuple[Tensor, ...]:
    return initial_weights((images.shape[1], sizes.hidden, sizes.hidden, int(labels.max()) + 1), seed)


def _train_reference(images: Tensor, labels: Tensor, sizes: Sizes) -> Callable[[], object]:
    network = references.module(_start(sizes, images, labels, 0))
    loader = references.shuffling_loader(images, labels, BATCH_SIZE)
    return lambda: references.train(network, loader, LEARNING_RATE, sizes.epochs)


def _train_stack(images: Tensor, labels: Tensor, sizes: Sizes) -> Callable[[], object]:
    return lambda: training.train([settings(sizes, seed, sizes.epochs) for seed in range(sizes.stack)], images, labels)


def _training_difference(images: Tensor, labels: Tensor, sizes: Sizes) -> float:
    """Largest difference of the weights after one epoch on the same batches, in parts of the largest change."""
    runs = [settings(sizes, seed, 1) for seed in range(sizes.stack)]
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
    use_threads(1)
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
