"""The noise of SGD: effective temperatures along given directions."""

import torch
from torch import Tensor

from sgdphysics import inputs
from sgdphysics.arguments import require, require_positive, require_sampling, require_whole
from sgdphysics.curvature import layer_gradients
from sgdphysics.networks import Mlp


def projected_gradients(
    network: Mlp, images: Tensor, labels: Tensor, layer: int, directions: Tensor, loss: str = "cross_entropy"
) -> Tensor:
    """Return each sample's gradient of one layer projected on directions; float64 (N, k).

    Arguments and errors as for `curvature.layer_gradients`; directions (k, d) or (k, out, in), none of length 0.
    """
    errors, entering = layer_gradients(network, images, labels, layer, loss)
    directions = inputs.checked_directions(directions, network.weights[layer])
    shaped = directions.double().to(entering.device).view(len(directions), *network.weights[layer].shape)
    return torch.stack([(errors * (entering @ direction.T)).sum(1) for direction in shaped], 1)


def gradient_variance(network: Mlp, images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy") -> float:
    """Return the trace of `curvature.gradient_covariance` without building it: the variance of single samples' gradients.

    Arguments and errors as for `curvature.layer_gradients`.
    """
    errors, entering = layer_gradients(network, images, labels, layer, loss)
    mean = errors.T @ entering / len(errors)
    return float((errors.square().sum(1) * entering.square().sum(1)).mean() - mean.square().sum())


def temperature(gradients: Tensor, learning_rate: float, batch_size: int, sampling: str = "epoch") -> Tensor:
    """Effective temperature along directions from single-sample gradients projected on them.

    ``T_i = (alpha/2) (1/B) (N - B)/(N - 1) p_i^T C p_i`` with C normalised by 1/N; the finite-population factor
    (N - B)/(N - 1) belongs to draws without replacement and is left out for ``sampling="replacement"``.

    Args:
        gradients: float64 (N, k), N > 1, finite, from `projected_gradients`.
        learning_rate: alpha > 0.
        batch_size: B, 1 to N.
        sampling: "epoch" or "replacement".

    Returns:
        float64 (k,), in units of loss. For independent draws in a quadratic well of curvature h, ``variance = T / h``.

    Raises:
        ValueError: If an argument is none of these.

    Source: Feng and Tu 2021, effective temperature of a direction.
    """
    gradients = inputs.checked_numbers(gradients, 2, "gradients")
    n = len(gradients)
    require(n > 1, "gradients", gradients, "those of two samples or more")
    require_positive("learning_rate", learning_rate)
    require_whole("batch_size", batch_size, 1)
    require(batch_size <= n, "batch_size", batch_size, f"at most {n}, the samples of gradients")
    require_sampling(sampling)
    finite_population = (n - batch_size) / (n - 1) if sampling == "epoch" else 1.0
    return learning_rate / 2 / batch_size * finite_population * gradients.var(0, correction=0)
