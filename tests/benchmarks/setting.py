"""What the tasks share: their sizes, the images and a network trained on them, threads and the clock."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from sgdphysics import datasets, training
from sgdphysics.networks import Mlp

LAYER = 1
LEARNING_RATE = 0.1
BATCH_SIZE = 50


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


@dataclass(frozen=True)
class Problem:
    """What the tasks share: the images and a network trained on them to a low loss."""

    images: Tensor
    labels: Tensor
    network: Mlp
    sizes: Sizes
    threads: int


def prepare(sizes: Sizes, threads: int) -> Problem:
    """Return the images and the network, trained on them."""
    arrays = datasets.embedded_mnist5k().arrays
    labels = arrays["train_labels"].long()
    chosen = datasets.training_subset(labels, sizes.images_per_class)
    images, labels = arrays["train_images"][chosen].flatten(1).float() / 255, labels[chosen]
    (trained,) = training.train([settings(sizes, 0, sizes.preparation_epochs)], images, labels)
    return Problem(images, labels, trained.network, sizes, threads)


def settings(sizes: Sizes, seed: int, epochs: int) -> training.Run:
    """Return the settings of a network that trains so many epochs."""
    return training.Run(
        hidden_widths=(sizes.hidden, sizes.hidden),
        learning_rate=LEARNING_RATE,
        batch_size=BATCH_SIZE,
        stop_loss=0.0,
        max_epochs=epochs,
        seed=seed,
    )


def use_threads(threads: int) -> None:
    """Have torch and NumPy compute with so many threads from now on."""
    threadpool_limits(threads)
    torch.set_num_threads(threads)


def best_alternating(repeats: int, *calls: Callable[[], Any]) -> list[tuple[float, Any]]:
    """Shortest time of several of each call, taken in turn so that all meet the same other load, and each last result."""
    times, results = [math.inf] * len(calls), [None] * len(calls)
    for _ in range(repeats):
        for index, call in enumerate(calls):
            start = time.perf_counter()
            results[index] = call()
            times[index] = min(times[index], time.perf_counter() - start)
    return list(zip(times, results, strict=True))
