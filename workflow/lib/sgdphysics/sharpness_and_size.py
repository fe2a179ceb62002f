"""Sharpness and size of a solution, beside its losses: over all images, by layer, and for every way of matching.

Source: Feng, Zhang and Tu 2023.
"""

from math import isfinite
from typing import Any

from sgdphysics import curvature, noise
from sgdphysics.arguments import require_whole
from sgdphysics.generalization import MatchedData
from sgdphysics.networks import Mlp
from sgdphysics.training import Result


def losses_and_sharpness(result: Result, data: MatchedData, layer: int, sharpest_directions: int) -> dict[str, float]:
    """Measure a trained network over all of its training images (labels as trained on) and all test images.

    Args:
        result: The network, of any precision, on any device, with the settings of its run.
        data: The images of the run; here not those that enter a layer.
        layer: Weight matrix, counted from 0.
        sharpest_directions: How many directions of largest curvature the temperature is averaged over, from 1; all where there are
            fewer.

    Raises:
        ValueError: If the network is not finite or does not take the images, or there is no such layer or number of directions.

    Returns:
        Those of `MatchedData.losses`, "slope_spread", "largest_eigenvalue" and "sharpest_temperature"; only the losses where the
        curvature is not finite.
    """
    run, network = result.run, data.checked_for(result.network.to(data.images.device), layer)
    if not isfinite(curvature.hessian_trace(network, data.images, layer, run.loss)):
        return data.losses(network)
    training_data = data.images, data.labels, layer
    slope_spread, _ = data.pairs(network, layer).spreads()
    require_whole("sharpest_directions", sharpest_directions, 1)
    count = min(sharpest_directions, network.weights[layer].numel())
    eigenvalues, directions = curvature.sharpest_directions(network, *training_data, count, run.loss)
    gradients = noise.projected_gradients(network, *training_data, directions, run.loss)
    temperatures = noise.temperature(gradients, run.learning_rate, run.batch_size, run.sampling)
    return {
        **data.losses(network),
        "slope_spread": slope_spread,
        "largest_eigenvalue": float(eigenvalues[0]),
        "sharpest_temperature": float(temperatures.mean()),
    }


def by_layer_and_matching(network: Mlp, data: MatchedData, studied: int, seed: int) -> list[dict[str, Any]]:
    """Measure sharpness and size in every layer, and in the studied one for every way of matching.

    Args:
        network: The whole one, in float64, with finite weights.
        data: Its images.
        studied: Weight matrix, counted from 0.
        seed: Of the random matches, >= 0.

    Raises:
        ValueError: If an argument is none of these (`MatchedData.checked_for`).

    Returns:
        One row per layer and way of matching (other layers: nearest pixels only): "layer", "matching", "gap", "slope_spread",
        "weight_spread", "weight_norm", "trace"; "largest_eigenvalue" of the studied layer only.
    """
    network = data.checked_for(network, studied)
    require_whole("seed", seed, 0)
    rows = []
    for layer in range(len(network.weights)):
        above, entering = network.from_layer(layer), data.entering(network, layer)
        sharpness = {
            "weight_norm": float(above.weights[0].norm()),
            "trace": curvature.hessian_trace(above, entering.images, 0, entering.loss),
        }
        matchings = {"nearest_pixels": entering}
        if layer == studied:
            eigenvalues, _ = curvature.sharpest_directions(above, entering.images, entering.labels, 0, 1, entering.loss)
            sharpness["largest_eigenvalue"] = float(eigenvalues[0])
            matchings = entering.matchings(above, 0, seed)
        for matching, matched in matchings.items():
            rows.append({"layer": layer, "matching": matching, **_gap_and_spreads(above, matched), **sharpness})
    return rows


def _gap_and_spreads(network: Mlp, data: MatchedData) -> dict[str, float]:
    pairs = data.pairs(network, 0)
    slope_spread, weight_spread = pairs.spreads()
    return {"gap": float(pairs.loss_changes.mean()), "slope_spread": slope_spread, "weight_spread": weight_spread}
