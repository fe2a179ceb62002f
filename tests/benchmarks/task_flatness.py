"""Flatness: the edges of the flat region along directions beside bisection with full forward passes."""

from collections.abc import Callable
from unittest import mock

import machine
import references
import torch
from comparison import Pair
from setting import LAYER, Problem, best_alternating
from torch import Tensor

from sgdphysics import curvature, landscape
from sgdphysics.arrays import largest_eigenpairs
from sgdphysics.ranks import log_spaced_ranks


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
    (slow, expected), (fast, found) = best_alternating(sizes.slow_repeats, reference, ours)
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
