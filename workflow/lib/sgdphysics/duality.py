"""Activity-weight duality: a change of the data as a change of one layer's weights.

For the input a of a layer at a training image and a' = a + da at a test image, the smallest dW with ``(W + dW) a = W a'`` is
``dW = (W da) a^T / |a|^2``. The loss at the test image is the loss of the changed network at the training image.
"""

import torch
from torch import Tensor

from sgdphysics.losses import LOSSES
from sgdphysics.networks import Mlp


def nearest_of_class(train_images: Tensor, train_labels: Tensor, test_images: Tensor, test_labels: Tensor) -> Tensor:
    """Return for each test image the index of the nearest training image of its class, in pixel space; int64 (M,).

    Raises:
        ValueError: If a test image's class has no training image.
    """
    matches = torch.empty(len(test_labels), dtype=torch.int64)
    for label in test_labels.unique():
        candidates = (train_labels == label).nonzero().flatten()
        if not len(candidates):
            raise ValueError(f"train_labels: no image of class {int(label)}, which the test images have")
        wanted = test_labels == label
        distances = torch.cdist(test_images[wanted].double(), train_images[candidates].double())
        matches[wanted] = candidates[distances.argmin(1)]
    return matches


def slope_spread(
    network: Mlp, train_images: Tensor, test_images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy"
) -> float:
    """Spread of the slopes of the loss along the dual weights, ``s_g = sqrt(sum_n sigma_g,n^2)``, in any orthonormal basis.

    Args:
        network: Computed in float64.
        train_images: The training image matched to each test image, (M, pixels).
        test_images: (M, pixels).
        labels: Their common labels, int64 (M,).
        layer: Weight matrix, counted from 0.
        loss: "cross_entropy" or "mean_squared_error".

    Returns:
        Root of the total variance over pairs (normalised by 1/M) of ``g_k = dl_k dW_k / |dW_k|^2``; pairs without a dual weight
        (no activity, or no change of the layer's output) have no slope and are left out.

    Source: Feng, Zhang and Tu 2023, slope along the dual weights.
    """
    network = network.double()
    inputs = [network.activations(images.double()) for images in (train_images, test_images)]
    activity, shifted = (part[layer] for part in inputs)
    change = (shifted - activity) @ network.weights[network.checked_layer(layer)].T
    squares = activity.square().sum(1)
    dual_squares = change.square().sum(1) / squares
    usable = dual_squares.isfinite() & (dual_squares > 0)
    before, after = (LOSSES[loss].values(part[-1] @ network.weights[-1].T, labels) for part in inputs)
    slopes = ((after - before) / dual_squares)[usable]
    rows = slopes[:, None] * change[usable]
    mean = rows.T @ (activity[usable] / squares[usable, None]) / usable.sum()
    variance = (slopes.square() * dual_squares[usable]).mean() - mean.square().sum()
    return float(variance.clamp(min=0)) ** 0.5  # of equal slopes rounding may leave less than nothing
