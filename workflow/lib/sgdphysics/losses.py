"""Losses of one sample, their gradient and their curvature with respect to the logits."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sgdphysics.errors import InputError
from sgdphysics.inputs import checked_targets


@dataclass(frozen=True)
class Loss:
    """A loss per sample; the training loss is its mean over samples.

    Attributes:
        values_of: (logits, one-hot targets, class dimension) -> values with the class dimension removed.
        gradient: The same arguments -> the derivative of those values with respect to the logits, of the logits' shape.
        curvature: logits (N, classes) -> second derivative with respect to the logits, (N, classes, classes).
    """

    values_of: Callable[[Tensor, Tensor, int], Tensor]
    gradient: Callable[[Tensor, Tensor, int], Tensor]
    curvature: Callable[[Tensor], Tensor]

    def values(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each sample, shape (...), for logits (..., classes) and labels (...).

        Raises:
            ValueError: If there is not a label, an integer from 0 to classes - 1, for each sample.
        """
        if labels.shape != logits.shape[:-1]:
            raise InputError(f"labels: found shape {tuple(labels.shape)}, expected {tuple(logits.shape[:-1])}, as the logits have")
        return self.values_of(logits, one_hot(labels, logits), -1)

    def mean(self, logits: Tensor, labels: Tensor) -> float:
        """Return the mean loss over samples, summed in float64; errors as `values`."""
        return float(self.values(logits.detach(), labels).double().mean())


def one_hot(labels: Tensor, logits: Tensor) -> Tensor:
    """Return labels (...) as one-hot targets (..., classes) in the dtype and with the number of classes of ``logits``; raises
    ValueError if one is no integer from 0 to classes - 1.
    """
    return torch.nn.functional.one_hot(checked_targets(labels, logits.shape[-1]), logits.shape[-1]).to(logits.dtype)


def _cross_entropy_values(logits: Tensor, targets: Tensor, dimension: int) -> Tensor:
    shifted = logits - logits.amax(dimension, keepdim=True)
    at_label = (shifted * targets).sum(dimension)
    return shifted.exp_().sum(dimension).log_().sub_(at_label)


def _cross_entropy_gradient(logits: Tensor, targets: Tensor, dimension: int) -> Tensor:
    exponentials = (logits - logits.amax(dimension, keepdim=True)).exp_()
    return exponentials.div_(exponentials.sum(dimension, keepdim=True)).sub_(targets)


def _cross_entropy_curvature(logits: Tensor) -> Tensor:
    probabilities = torch.softmax(logits, -1)
    return torch.diag_embed(probabilities) - probabilities[:, :, None] * probabilities[:, None, :]


def _squared_error_values(logits: Tensor, targets: Tensor, dimension: int) -> Tensor:
    return (logits - targets).square().mean(dimension)


def _squared_error_gradient(logits: Tensor, targets: Tensor, dimension: int) -> Tensor:
    return (logits - targets) * (2 / logits.shape[dimension])


def _squared_error_curvature(logits: Tensor) -> Tensor:
    classes = logits.shape[-1]
    return (2 / classes * torch.eye(classes, dtype=logits.dtype, device=logits.device)).expand(len(logits), -1, -1)


LOSSES = {
    # -log softmax(z)[label]
    "cross_entropy": Loss(_cross_entropy_values, _cross_entropy_gradient, _cross_entropy_curvature),
    # mean over classes of (z - one-hot label)^2
    "mean_squared_error": Loss(_squared_error_values, _squared_error_gradient, _squared_error_curvature),
}
