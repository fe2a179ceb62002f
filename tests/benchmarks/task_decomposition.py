"""The generalization gap decomposed: all pairs together beside a loop over pairs."""

import machine
import numpy as np
import references
from comparison import Pair
from setting import LAYER, Problem, best_alternating
from torch import Tensor

from sgdphysics import curvature, datasets, duality
from sgdphysics.arrays import largest_eigenpairs


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

    def ours(slopes: str = "parallel") -> duality.Decomposition:
        pairs = duality.dual_weights(problem.network, matched, test_images, test_labels, LAYER, slopes=slopes)
        return duality.decompose_pairs(pairs, eigenvalues, directions)

    def path_averaged() -> duality.Decomposition:
        return ours("path_averaged")

    ours()
    (slow, expected), (sharp, _) = best_alternating(sizes.slow_repeats, reference, by_matrix_products)
    (fast, found), (averaged, exact) = best_alternating(sizes.fast_repeats, ours, path_averaged)
    differences = [float((getattr(found, name) - value).abs().max() / value.abs().max()) for name, value in expected.items()]
    size = f"{sizes.pairs} pairs, d {len(eigenvalues)}"
    work = {"work": 2 * sizes.pairs * len(eigenvalues) ** 2, "peak": machine.FLOAT64}
    pair = Pair("decomposition", size, slow, fast, 200, 19.5, slow, max(differences), 1e-8, **work)
    pair.notes.append("both in float64, matching and Hessian eigenbasis given")
    shown = Pair("decomposition, products", size, sharp, fast, None, None, sharp, max(differences), 1e-8, **work)
    shown.notes.append("shown for fairness: the same loop with a matrix product for each projection, as fast as memory is read")
    residual = abs(exact.decomposed_gap - exact.gap)
    gauges = Pair(
        "decomposition, gauges", size, fast, averaged, None, None, fast, residual, 1e-9, work=2 * work["work"], peak=work["peak"]
    )
    gauges.notes.append(
        "ours with slopes parallel to the dual weights beside ours with path-averaged ones: two projections, not one"
    )
    return [pair, shown, gauges]
