"""What sharpness and size do when a network is rescaled without changing its function.

Source: Dinh, Pascanu, Bengio and Bengio 2017, asked of the quantities of Feng, Zhang and Tu 2023.
"""

from collections.abc import Iterator, Sequence

from sgdphysics import curvature, duality, rescaling
from sgdphysics.arguments import require, require_positive_numbers
from sgdphysics.gap_and_sharpness import median_flatness
from sgdphysics.generalization import MatchedData
from sgdphysics.networks import Mlp

FLATNESS_RANKS = (1, 2, 5, 10, 20)  # of the directions of whose flatness the median is taken


def of_rescaled_copies(network: Mlp, data: MatchedData, layer: int, factors: Sequence[float]) -> Iterator[dict[str, float]]:
    """Yield what is measured of copies of a network with one layer times p and a neighbour of it over p (`rescaling.rescaled`).

    Args:
        network: The whole one, in float64, with finite weights.
        data: Its images.
        layer: Weight matrix, counted from 0.
        factors: p > 0.

    Yields:
        Of each copy "other_layer", "factor", "logit_change" (the largest change of a logit on the test images, in parts of the
        largest logit), "largest_eigenvalue", "trace", "median_flatness", "weight_norm", "slope_spread", "weight_spread",
        "decomposed_gap" and "product_of_spreads".

    Raises:
        ValueError: If an argument is none of these (`MatchedData.checked_for`), or the network has but one layer.
    """
    network = data.checked_for(network, layer)
    require(len(network.weights) > 1, "network", network.weights[0], "one of two layers or more")
    require_positive_numbers("factors", factors)
    return _of_rescaled_copies(network, data, layer, factors)


def _of_rescaled_copies(network: Mlp, data: MatchedData, layer: int, factors: Sequence[float]) -> Iterator[dict[str, float]]:
    logits = network.logits(data.test_images)
    for other in (index for index in range(len(network.weights)) if abs(index - layer) == 1):
        for factor in factors:
            copy = rescaling.rescaled(network, layer, other, factor)
            change = (copy.logits(data.test_images) - logits).abs().max() / logits.abs().max()
            numbers = _sharpness_of_copy(copy.from_layer(layer), data.entering(copy, layer))
            yield {"other_layer": other, "factor": factor, "logit_change": float(change), **numbers}


def _sharpness_of_copy(network: Mlp, data: MatchedData) -> dict[str, float]:
    eigenvalues, directions = duality.hessian_basis(network, data.images, data.labels, 0, data.loss)
    decomposition = duality.decompose_pairs(data.pairs(network, 0), eigenvalues, directions)
    ranks = [rank for rank in FLATNESS_RANKS if rank <= len(directions)]
    return {
        "largest_eigenvalue": float(eigenvalues[0]),
        "trace": curvature.hessian_trace(network, data.images, 0, data.loss),
        "median_flatness": median_flatness(network, data, directions, ranks),
        "weight_norm": float(network.weights[0].norm()),
        "slope_spread": decomposition.slope_spread,
        "weight_spread": decomposition.weight_spread,
        "decomposed_gap": decomposition.decomposed_gap,
        "product_of_spreads": decomposition.slope_spread * decomposition.weight_spread,
    }
