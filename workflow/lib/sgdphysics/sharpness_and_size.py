"""Sharpness and size of a solution, and the generalization gap that they make: what is measured of a network beside its losses.

Source: Feng, Zhang and Tu 2023.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from sgdphysics import arrays, curvature, duality, landscape, noise, rescaling
from sgdphysics.generalization import MatchedData
from sgdphysics.networks import Mlp
from sgdphysics.training import Result

SPECTRUM_POINTS = 60  # ranks kept of a spectrum, log-spaced
FLATNESS_DIRECTIONS = 5  # log-spaced ranks among the directions of any curvature, of whose flatness the median is taken
FLATNESS_RANKS = (1, 2, 5, 10, 20)  # the same for rescaled copies, whose curvature changes
SHARP, FLAT = slice(0, 10), slice(99, 500)  # ranks 1 to 10 and 100 to 500


def gap_and_sharpness(network: Mlp, data: MatchedData, seed: int) -> tuple[dict[str, float], pd.DataFrame]:
    """Measure the decomposed gap of a network, with sharpness and size of the solution.

    Args:
        network: In float64, the studied layer its first (`Mlp.from_layer`), so that the layers below are gone through once.
        data: What enters that layer (`MatchedData.entering`).
        seed: Of the null, in which pairs have the changes of the loss of others.

    Returns:
        Numbers: those of `MatchedData.losses` and `Decomposition.numbers`, "weight_norm", "largest_eigenvalue", "trace",
        "median_flatness", "sharp_slope_std" and "flat_slope_std" (geometric means), "summed_products" of the standard deviations of
        slopes and weights and "summed_products_of_shuffled_losses", and how many pairs are "inactive", "unchanged" and used
        ("pairs").

        The spectrum: one row per direction at log-spaced ranks, "rank", "eigenvalue", "slope_std" and "weight_std".
    """
    eigenvalues, directions = duality.hessian_basis(network, data.images, data.labels, 0, data.loss)
    pairs = data.pairs(network, 0)
    decomposition = duality.decompose_pairs(pairs, eigenvalues, directions)
    null = duality.decompose_pairs(pairs.with_shuffled_losses(seed), eigenvalues, directions)
    whole = len(directions) == directions.shape[1]
    ranks = arrays.log_spaced_ranks(decomposition.slope_fit.n, FLATNESS_DIRECTIONS)
    numbers = {
        **data.losses(network),
        **decomposition.numbers(),
        "weight_norm": float(network.weights[0].norm()),
        "summed_products": _summed_products(decomposition),
        "summed_products_of_shuffled_losses": _summed_products(null),
        "largest_eigenvalue": float(eigenvalues[0]),
        "trace": float(eigenvalues.sum()) if whole else curvature.hessian_trace(network, data.images, 0, data.loss),
        "median_flatness": _median_flatness(network, data, directions, ranks),
        "sharp_slope_std": float(decomposition.slope_std[SHARP].log().mean().exp()),
        "flat_slope_std": float(decomposition.slope_std[FLAT].log().mean().exp()),
        "inactive": decomposition.inactive,
        "unchanged": decomposition.unchanged,
        "pairs": len(decomposition.dual_norms),
    }
    return numbers, _spectrum(decomposition)


def losses_and_sharpness(result: Result, data: MatchedData, layer: int, sharpest_directions: int) -> dict[str, float]:
    """Measure a trained network over all of its training images (labels as trained on) and all test images.

    Args:
        result: The network, of any precision, on any device, with the settings of its run.
        data: The images of the run; here not those that enter a layer.
        layer: Weight matrix, counted from 0.
        sharpest_directions: How many directions of largest curvature the temperature is averaged over.

    Returns:
        Those of `MatchedData.losses`, "slope_spread", "largest_eigenvalue" and "sharpest_temperature".
    """
    run, network = result.run, result.network.double().to(data.images.device)
    training_data = data.images, data.labels, layer
    slope_spread, _ = data.pairs(network, layer).spreads()
    eigenvalues, directions = curvature.sharpest_directions(network, *training_data, sharpest_directions, run.loss)
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
        network: The whole one, in float64.
        data: Its images.
        studied: Weight matrix, counted from 0.
        seed: Of the random matches.

    Returns:
        One row per layer and way of matching (other layers: nearest pixels only): "layer", "matching", "gap", "slope_spread",
        "weight_spread", "weight_norm", "trace"; "largest_eigenvalue" of the studied layer only.
    """
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


def of_rescaled_copies(network: Mlp, data: MatchedData, layer: int, factors: Sequence[float]) -> Iterator[dict[str, float]]:
    """Yield what is measured of copies of a network with one layer times p and a neighbour of it over p (`rescaling.rescaled`).

    Args:
        network: The whole one, in float64.
        data: Its images.
        layer: Weight matrix, counted from 0.
        factors: p.

    Yields:
        Of each copy "other_layer", "factor", "logit_change" (the largest change of a logit on the test images, in parts of the
        largest logit), "largest_eigenvalue", "trace", "median_flatness", "weight_norm", "slope_spread", "weight_spread",
        "decomposed_gap" and "product_of_spreads".
    """
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
        "median_flatness": _median_flatness(network, data, directions, ranks),
        "weight_norm": float(network.weights[0].norm()),
        "slope_spread": decomposition.slope_spread,
        "weight_spread": decomposition.weight_spread,
        "decomposed_gap": decomposition.decomposed_gap,
        "product_of_spreads": decomposition.slope_spread * decomposition.weight_spread,
    }


def _gap_and_spreads(network: Mlp, data: MatchedData) -> dict[str, float]:
    pairs = data.pairs(network, 0)
    slope_spread, weight_spread = pairs.spreads()
    return {"gap": float(pairs.loss_changes.mean()), "slope_spread": slope_spread, "weight_spread": weight_spread}


def _median_flatness(network: Mlp, data: MatchedData, directions: Tensor, ranks: Sequence[int]) -> float:
    """Median of the flatness along directions of these ranks, counted from 1."""
    chosen = directions[np.array(ranks) - 1]
    return float(landscape.flatness(network, data.images, data.labels, 0, chosen, loss=data.loss).median())


def _summed_products(decomposition: duality.Decomposition) -> float:
    return float((decomposition.slope_std * decomposition.weight_std).sum())


def _spectrum(decomposition: duality.Decomposition) -> pd.DataFrame:
    ranks = np.array(arrays.log_spaced_ranks(len(decomposition.eigenvalues), SPECTRUM_POINTS))
    columns = {
        "eigenvalue": decomposition.eigenvalues,
        "slope_std": decomposition.slope_std,
        "weight_std": decomposition.weight_std,
    }
    return pd.DataFrame({"rank": ranks, **{name: values[ranks - 1].cpu().numpy() for name, values in columns.items()}})
