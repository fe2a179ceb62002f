"""The noise of SGD: effective temperatures along given directions."""

import torch
from torch import Tensor

from sgdphysics.curvature import layer_gradients
from sgdphysics.networks import Mlp


def projected_gradients(
    network: Mlp, images: Tensor, labels: Tensor, layer: int, directions: Tensor, loss: str = "cross_entropy"
) -> Tensor:
    """Return each sample's gradient of one layer projected on directions (k, d); float64 (N, k)."""
    errors, inputs = layer_gradients(network, images, labels, layer, loss)
    shaped = directions.double().to(inputs.device).view(len(directions), *network.weights[layer].shape)
    return torch.stack([(errors * (inputs @ direction.T)).sum(1) for direction in shaped], 1)


def temperature(gradients: Tensor, learning_rate: float, batch_size: int, sampling: str = "epoch") -> Tensor:
    """Effective temperature along directions from single-sample gradients projected on them.

    ``T_i = (alpha/2) (1/B) (N - B)/(N - 1) p_i^T C p_i`` with C normalised by 1/N; the finite-population factor
    (N - B)/(N - 1) belongs to draws without replacement and is left out for ``sampling="replacement"``.

    Args:
        gradients: float64 (N, k), from `projected_gradients`.
        learning_rate: alpha.
        batch_size: B <= N.
        sampling: "epoch" or "replacement".

    Returns:
        float64 (k,), in units of loss. For independent draws in a quadratic well of curvature h, ``variance = T / h``.

    Source: Feng and Tu 2021, effective temperature of a direction.
    """
    n = len(gradients)
    finite_population = (n - batch_size) / (n - 1) if sampling == "epoch" else 1.0
    return learning_rate / 2 / batch_size * finite_population * gradients.var(0, correction=0)
