"""Sharpness as a mini-batch sees it: the curvature of its loss along its own gradient, over all weights of a network.

Gradient descent on a batch's loss is stable along that batch's gradient while learning rate times this curvature is below 2.
Source: Andreyev and Beneventano, arXiv:2412.20553 ("batch sharpness"; there all parameters, in the mean over batches).
"""

import torch
from torch import Tensor

from sgdphysics import inputs
from sgdphysics.arguments import require, require_kind, require_whole
from sgdphysics.errors import InputError
from sgdphysics.losses import LOSSES, one_hot
from sgdphysics.networks import Mlp
from sgdphysics.stack_members import Member
from sgdphysics.training import Result

_NUMBERS_AT_A_TIME = 2**23  # in the gradients of the batches that are computed together


def batch_sharpness(network: Mlp, images: Tensor, labels: Tensor, batches: Tensor, loss: str = "cross_entropy") -> Tensor:
    """Curvature of the loss of each batch along its own gradient, ``g^T H g / |g|^2``.

    ``L`` is the mean loss over the batch, ``g`` its gradient and ``H`` its Hessian with respect to *all* weights; their mean over
    batches is the batch sharpness.

    Args:
        network: The network, with finite weights; computed in float64 whatever its dtype.
        images: float32 or float64 (N, pixels), pixel values in [0, 1] (or standardised).
        labels: Integers (N,), classes counted from 0.
        batches: Indices of the images of each batch, int64 (count, size).
        loss: "cross_entropy" or "mean_squared_error".

    Returns:
        float64 (count,); NaN for a batch whose gradient is exactly zero, along which there is no direction.

    Raises:
        ValueError: If an argument is none of these (`inputs.checked`), or an index is none of an image.

    Method: the second derivative of L(W + t g / |g|) at t = 0, carried forward through the layers with the first; exact wherever
    the loss is twice differentiable (where no unit is at its threshold).
    """
    network, images, labels = inputs.checked(network, images, labels, 0, loss)
    batches = _checked_batches(batches, len(images))
    network = network.double()
    weights = sum(weight.numel() for weight in network.weights)
    parts = batches.to(images.device).split(max(1, _NUMBERS_AT_A_TIME // weights))
    return torch.cat([_sharpness(network, images[part].double(), labels[part], loss) for part in parts])


def next_batches(result: Result, images: int, least_images: int, epoch: int | None = None) -> Tensor:
    """Draw the first batches that a run would have drawn in the epoch after a given one.

    Args:
        result: The trained run.
        images: How many images it trains on.
        least_images: Batches are drawn until they hold so many images together, or the epoch is over.
        epoch: Epochs trained, from 0; all that it was trained by default.

    Returns:
        Positions in its own training set, int64 (count, batch size); one batch or more.

    Raises:
        ValueError: If an argument is none of these, or there are fewer images than in a batch.
    """
    require_kind("result", result, Result)
    require_whole("images", images, result.run.batch_size)
    require_whole("least_images", least_images, 1)
    require_whole("epoch", epoch, 0, none_allowed=True)
    member = Member(result.run, torch.arange(images), result.epochs if epoch is None else epoch)
    return member.batches()[: -(-least_images // result.run.batch_size)]


def _sharpness(network: Mlp, images: Tensor, labels: Tensor, loss: str) -> Tensor:
    """The sharpness of batches, from their images (count, size, pixels) and labels (count, size)."""
    entering = network.unchecked_activations(images)
    logits = entering[-1] @ network.weights[-1].T
    errors = LOSSES[loss].gradient(logits, one_hot(labels, logits), -1)
    gradients = _gradients(network, entering, errors)
    squares = sum((gradient.square().sum((1, 2)) for gradient in gradients), torch.zeros(len(images)).to(images))
    first, second = _along(network, entering, gradients)
    curvature = LOSSES[loss].curvature(logits.flatten(0, 1)).view(*logits.shape, -1)
    bent = (first[..., None, :] @ curvature @ first[..., None]).flatten(1)
    # Of a batch without gradient 0 / 0, which is NaN.
    return (bent + (errors * second).sum(2)).mean(1) / squares


def _gradients(network: Mlp, entering: tuple[Tensor, ...], errors: Tensor) -> list[Tensor]:
    """The gradient of each batch's mean loss, a tensor (count, out, in) for every layer; errors: (count, size, classes)."""
    gradients, errors = [], errors / errors.shape[1]
    for layer in range(len(network.weights) - 1, -1, -1):
        gradients.append(errors.mT @ entering[layer])
        errors = (errors @ network.weights[layer]) * (entering[layer] > 0)
    return gradients[::-1]


def _along(network: Mlp, entering: tuple[Tensor, ...], directions: list[Tensor]) -> tuple[Tensor, Tensor]:
    """First and second derivative of the logits in t when every batch's weights are W + t times its own direction."""
    first = entering[0] @ directions[0].mT
    second = torch.zeros_like(first)
    for below, weight, direction in zip(entering[1:], network.weights[1:], directions[1:], strict=True):
        first, second = first * (below > 0), second * (below > 0)
        # The weights are linear in t, so that only products of two of their changes bend what leaves the layer.
        first, second = below @ direction.mT + first @ weight.T, 2 * first @ direction.mT + second @ weight.T
    return first, second


def _checked_batches(batches: Tensor, images: int) -> Tensor:
    """Batches as int64 (count, size); raises InputError if they are no indices of images."""
    require_kind("batches", batches, Tensor)
    whole = not (batches.is_floating_point() or batches.is_complex() or batches.dtype == torch.bool)
    require(whole and batches.ndim == 2 and batches.numel() > 0, "batches", batches, "indices (count, size)")
    batches = batches.long()
    if int(batches.min()) < 0 or int(batches.max()) >= images:
        raise InputError(f"batches: found indices {int(batches.min())} to {int(batches.max())}, expected 0 to {images - 1}")
    return batches
