"""Activity-weight duality: the generalization gap over matched pairs, as a sum over directions of one layer's weights.

The loss at a test image is that of a changed network at its training image, the change being the pair's dual weight
(`dual_weights`). So the gap is a sum over directions of slopes of the loss times shifts of the weights.

Source: Feng, Zhang and Tu 2023.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from sgdphysics import inputs
from sgdphysics.arguments import require, require_kind
from sgdphysics.arrays import largest_eigenpairs
from sgdphysics.curvature import layer_hessian, sharpest_directions
from sgdphysics.decompositions import Decomposition, fit_on_curvature, with_curvature
from sgdphysics.dual_weights import PARALLEL, PATH_AVERAGED, DualWeights, dual_weights, weight_spread_by_metric
from sgdphysics.errors import InputError
from sgdphysics.matched_pairs import nearest_of_class, random_of_class
from sgdphysics.networks import Mlp
from sgdphysics.ranks import DENSE_LIMIT, WIDE_LAYER_DIRECTIONS

__all__ = [
    "Decomposition",
    "DualWeights",
    "decompose_gap",
    "decompose_in_both_gauges",
    "decompose_pairs",
    "dual_weights",
    "fit_on_curvature",
    "hessian_basis",
    "nearest_of_class",
    "random_of_class",
    "weight_spread_by_metric",
    "with_curvature",
]

PAIRS_AT_ONCE = 500  # of which the numbers along all directions are in memory
UNIT_LENGTH = 1e-3  # how far from 1 the length of a direction may be, by rounding


def decompose_gap(
    network: Mlp,
    train_images: Tensor,
    train_labels: Tensor,
    test_images: Tensor,
    test_labels: Tensor,
    layer: int,
    *,
    matches: Tensor | None = None,
    basis: tuple[Tensor, Tensor] | None = None,
    loss: str = "cross_entropy",
    slopes: str = PARALLEL,
) -> Decomposition:
    """Decompose the generalization gap over matched pairs in the eigenbasis of one layer's Hessian.

    Args:
        network: With finite weights; computed in float64.
        train_images, train_labels: float32 or float64 (N, pixels) in [0, 1] (or standardised), and integers (N,); the Hessian is
            that of their mean loss.
        test_images, test_labels: The same of (M, pixels) and (M,).
        layer: Weight matrix, counted from 0.
        matches: Index of the training image matched to each test image, int64 (M,); by default the nearest of its class.
        basis: Eigenvalues (k,) and orthonormal directions (k, d); by default those of the Hessian, all of them up to d = 5,000
            weights, above it the 200 of largest eigenvalue.
        loss: "cross_entropy" or "mean_squared_error".
        slopes: Which of the vectors with ``g_k . dW_k = dl_k``: "parallel" to the dual weights, as in the published scripts,
            or the "path_averaged" gradient between W and W + dW_k.

    Returns:
        The decomposition, whose gap is that of the matched pairs: its training part is the mean over the matched images, which is
        not the training loss.

    Raises:
        ValueError: If an argument is none of these (`inputs.checked`), or a class has no training image.
    """
    network, train_images, train_labels = inputs.checked(network, train_images, train_labels, layer, loss, "train_")
    network, test_images, test_labels = inputs.checked(network, test_images, test_labels, layer, loss, "test_")
    if basis is not None:
        require(isinstance(basis, tuple | list) and len(basis) == 2, "basis", basis, "eigenvalues and directions")
        basis = _checked_basis(*basis, network.weights[layer].numel())
    if matches is None:
        matches = nearest_of_class(train_images, train_labels, test_images, test_labels)
    matches = inputs.checked_indices(matches, len(test_images), len(train_images), "matches")
    pairs = dual_weights(network, train_images[matches], test_images, test_labels, layer, loss, slopes)
    eigenvalues, directions = basis if basis is not None else hessian_basis(network, train_images, train_labels, layer, loss)
    return decompose_pairs(pairs, eigenvalues, directions)


def hessian_basis(network: Mlp, images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy") -> tuple[Tensor, Tensor]:
    """Return eigenvalues (k,), largest first, and eigenvectors (k, d) of one layer's Hessian: all of them up to d = 5,000 weights,
    above it the 200 of largest eigenvalue. Arguments and errors as for `curvature.layer_hessian`.
    """
    network, images, labels = inputs.checked(network, images, labels, layer, loss)
    if network.weights[layer].numel() <= DENSE_LIMIT:
        return largest_eigenpairs(layer_hessian(network, images, labels, layer, loss))
    return sharpest_directions(network, images, labels, layer, WIDE_LAYER_DIRECTIONS, loss)


def decompose_pairs(pairs: DualWeights, eigenvalues: Tensor, directions: Tensor) -> Decomposition:
    """Return the decomposition of `decompose_gap` for given dual weights and orthonormal directions (k, d) with eigenvalues (k,).

    Raises:
        ValueError: If the directions are not of the size of the dual weights and of length 1, or not as many as eigenvalues.
    """
    require_kind("pairs", pairs, DualWeights)
    return _decompositions([pairs], eigenvalues, directions)[0]


def decompose_in_both_gauges(
    pairs: DualWeights, eigenvalues: Tensor, directions: Tensor, seed: int
) -> dict[tuple[str, str], Decomposition]:
    """Return decompositions with parallel and with path-averaged slopes, of the pairs' own losses and of shuffled ones.

    Args:
        pairs: With path-averaged slopes.
        eigenvalues, directions: As of `decompose_pairs`.
        seed: Of the shuffled losses (`DualWeights.with_shuffled_losses`).

    Returns:
        By "parallel" or "path_averaged" and "own" or "shuffled".

    Raises:
        ValueError: If the slopes are parallel, the directions do not fit, as `decompose_pairs`, or the seed is none.
    """
    require_kind("pairs", pairs, DualWeights)
    require(pairs.across is not None, "pairs", "parallel slopes", "path-averaged ones")
    variants = {(PARALLEL, "own"): pairs.with_parallel_slopes(), (PATH_AVERAGED, "own"): pairs}
    variants |= {(slopes, "shuffled"): own.with_shuffled_losses(seed) for (slopes, _), own in variants.items()}
    parts = _decompositions(list(variants.values()), eigenvalues, directions)
    return dict(zip(variants, parts, strict=True))


def _decompositions(variants: Sequence[DualWeights], eigenvalues: Tensor, directions: Tensor) -> list[Decomposition]:
    """Decompositions of the same dual weights with several slopes, which have the same across the dual weights, or nothing."""
    count, size = len(variants[0].outputs), variants[0].outputs.shape[1] * variants[0].inputs.shape[1]
    eigenvalues, directions = _checked_basis(eigenvalues, directions, size)
    sums = torch.zeros(len(variants), 5, len(directions)).to(directions)
    for start in range(0, count, PAIRS_AT_ONCE):
        sums += _sums(variants, directions, slice(start, start + PAIRS_AT_ONCE))
    whole = len(directions) == size
    return [_decomposition(pairs, eigenvalues, part, whole) for pairs, part in zip(variants, sums / count, strict=True)]


def _sums(variants: Sequence[DualWeights], directions: Tensor, some: slice) -> Tensor:
    """Sums over some pairs, of every variant and along every direction, (variants, 5, k): of slopes, their squares, their products
    with the dual weights, and of these and their squares. All variants share the two long products, with the directions.
    """
    factors = torch.stack([pairs.slopes[some] for pairs in variants])
    weights = variants[0].weights(some) @ directions.T
    squares = weights.square()
    sums = torch.stack([factors @ weights, factors.square() @ squares, factors @ squares], 1)
    crooked = [index for index, pairs in enumerate(variants) if pairs.across is not None]
    if crooked:
        across = variants[crooked[0]].slopes_across(some) @ directions.T
        products = across * weights
        more = torch.stack([across.sum(0), across.square().sum(0), products.sum(0)])
    for index in crooked:
        sums[index] += more
        sums[index, 1] += 2 * factors[index] @ products
    return torch.cat([sums, torch.stack([weights.sum(0), squares.sum(0)]).expand(len(variants), -1, -1)], 1)


def _decomposition(pairs: DualWeights, eigenvalues: Tensor, means: Tensor, whole: bool) -> Decomposition:
    """The decomposition that follows from the means of which `_sums` are the sums."""
    slope_mean, slope_square, product_mean, weight_mean, weight_square = means
    # Of what does not vary, rounding may leave less than nothing.
    slope_std = (slope_square - slope_mean.square()).clamp(min=0).sqrt()
    weight_std = (weight_square - weight_mean.square()).clamp(min=0).sqrt()
    covariance, product = product_mean - slope_mean * weight_mean, slope_std * weight_std
    gap = float(pairs.loss_changes.mean())
    spread_of_slopes, spread_of_weights = pairs.spreads()
    return Decomposition(
        dual_norms=pairs.squared_norms.sqrt(),
        eigenvalues=eigenvalues,
        slope_std=slope_std,
        weight_std=weight_std,
        correlation=torch.where(product > 0, covariance / product, 0.0),
        slope_mean=slope_mean,
        weight_mean=weight_mean,
        slope_spread=spread_of_slopes,
        weight_spread=spread_of_weights,
        remainder=0.0 if whole else gap - float(product_mean.sum()),
        gap=gap,
        inactive=pairs.inactive,
        unchanged=pairs.unchanged,
    )


def _checked_basis(eigenvalues: Tensor, directions: Tensor, weights: int) -> tuple[Tensor, Tensor]:
    """Eigenvalues (k,) and directions (k, d), each of which is of length 1; that they are orthogonal is not asked."""
    eigenvalues = inputs.checked_numbers(eigenvalues, 1, "eigenvalues")
    directions = inputs.checked_numbers(directions, 2, "directions", finite=False)
    if directions.shape != (len(eigenvalues), weights):
        raise InputError(f"directions: found shape {tuple(directions.shape)}, expected ({len(eigenvalues)}, {weights})")
    lengths = torch.linalg.vector_norm(directions, dim=1)
    furthest = float(lengths[(lengths - 1).abs().argmax()])  # nan where one is
    if not abs(furthest - 1) <= UNIT_LENGTH:
        raise InputError(f"directions: found one of length {furthest:.4g}, expected orthonormal directions")
    return eigenvalues, directions
