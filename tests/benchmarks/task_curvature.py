"""The Hessian of a layer and the covariance of its gradients: closed forms beside autograd."""

import machine
import references
from comparison import Pair
from setting import LAYER, Problem, best_alternating
from torch import Tensor

from sgdphysics import curvature


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
    (reference, expected), (sharp, _) = best_alternating(sizes.slow_repeats, double_backward, one_layer)
    ((seconds, found),) = best_alternating(sizes.fast_repeats, ours)
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


def measure_covariance(problem: Problem) -> list[Pair]:
    """The gradient of every image by autograd, all at once, and their covariance, against the closed form; both in float64."""
    sizes, images, labels = problem.sizes, problem.images.double(), problem.labels
    network = references.module(problem.network.double().weights)

    def reference() -> Tensor:
        return references.gradient_covariance(network, images, labels, LAYER)

    def ours() -> Tensor:
        return curvature.gradient_covariance(problem.network, images, labels, LAYER)

    ours()
    (slow, expected), (fast, found) = best_alternating(sizes.fast_repeats, reference, ours)
    difference = float((found - expected).abs().max() / found.abs().max())
    size, work = f"N {len(images)}, d {len(found)}", _factor_operations(len(images), sizes.hidden)
    pair = Pair("covariance", size, slow, fast, None, None, slow, difference, 1e-8, work=work, peak=machine.FLOAT64)
    pair.notes.append("reference: gradients of all images in one vectorised backward pass")
    return [pair]
