"""Bias-free fully connected ReLU networks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sgdphysics import seeds


@dataclass(frozen=True)
class Mlp:
    """A bias-free ReLU network: ``a0 = images, a1 = relu(W0 a0), ..., logits = W(L-1) a(L-1)``.

    Args:
        weights: Weight matrices from input to output, float tensors of shape (out, in); layers are counted from 0.

    Raises:
        ValueError: If there is no layer, a weight is not a matrix, or neighbouring shapes do not fit.
    """

    weights: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(self.weights))
        if not self.weights or any(weight.ndim != 2 for weight in self.weights):
            raise ValueError("weights: expected one or more matrices of shape (out, in)")
        for layer, (below, above) in enumerate(zip(self.weights, self.weights[1:], strict=False)):
            if below.shape[0] != above.shape[1]:
                raise ValueError(
                    f"weights: layer {layer} has {below.shape[0]} outputs, but layer {layer + 1} takes {above.shape[1]} inputs"
                )

    def activations(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the input of every layer, ``(a0, ..., a(L-1))``, each of shape (N, in) of that layer.

        Raises:
            ValueError: If the images do not have shape (N, inputs of layer 0).
        """
        if images.ndim != 2 or images.shape[1] != self.weights[0].shape[1]:
            raise ValueError(f"images: found shape {tuple(images.shape)}, expected (N, {self.weights[0].shape[1]})")
        inputs = [images]
        for weight in self.weights[:-1]:
            inputs.append(torch.relu(inputs[-1] @ weight.T))
        return tuple(inputs)

    def logits(self, images: Tensor) -> Tensor:
        """Return the network's outputs, shape (N, classes)."""
        return self.activations(images)[-1] @ self.weights[-1].T

    def logits_above(self, layer: int, pre_activation: Tensor) -> Tensor:
        """Continue from the output of ``layer`` before its ReLU, shape (..., out), to the logits, shape (..., classes)."""
        for weight in self.weights[self.checked_layer(layer) + 1 :]:
            pre_activation = torch.relu(pre_activation) @ weight.T
        return pre_activation

    def layer_jacobian(self, layer: int, images: Tensor) -> Tensor:
        """Derivative of the logits with respect to the output of ``layer`` before its ReLU, shape (N, classes, out).

        The derivative of ReLU at 0 is taken as 0, as autograd does.
        """
        inputs = self.activations(images)
        jacobian = self.weights[-1].expand(len(images), -1, -1)
        if self.checked_layer(layer) == len(self.weights) - 1:
            classes = self.weights[-1].shape[0]
            return torch.eye(classes, dtype=images.dtype).expand(len(images), -1, -1)
        for weight, activation in self._between(layer, inputs):
            jacobian = (jacobian * (activation > 0)[:, None, :]) @ weight
        return jacobian * (inputs[layer + 1] > 0)[:, None, :]

    def _between(self, layer: int, inputs: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Weights from the last but one layer down to ``layer + 1``, each with the activation that it produces."""
        for index in range(len(self.weights) - 2, layer, -1):
            yield self.weights[index], inputs[index + 1]

    def replaced(self, layer: int, weight: Tensor) -> "Mlp":
        """Return the network with the weights of one layer replaced."""
        layer = self.checked_layer(layer)
        return Mlp((*self.weights[:layer], weight, *self.weights[layer + 1 :]))

    def double(self) -> "Mlp":
        """Return the network in float64."""
        return Mlp(tuple(weight.double() for weight in self.weights))

    def checked_layer(self, layer: int) -> int:
        """Return ``layer``; raises ValueError if the network has no such layer."""
        if not 0 <= layer < len(self.weights):
            raise ValueError(f"layer: {layer} does not exist, the network has layers 0 to {len(self.weights) - 1}")
        return layer


def initial_weights(widths: Sequence[int], seed: int, scale: float = 1.0) -> tuple[Tensor, ...]:
    """Draw initial weights uniformly from ``[-s/sqrt(fan_in), s/sqrt(fan_in)]``, float32, shapes (out, in).

    Args:
        widths: Layer sizes from input to output, for example (784, 50, 50, 10).
        seed: Seed of the run.
        scale: The factor s.
    """
    random = seeds.generator(seed, "initial_weights")
    return tuple(
        torch.from_numpy(random.uniform(-scale / fan_in**0.5, scale / fan_in**0.5, (fan_out, fan_in))).float()
        for fan_in, fan_out in zip(widths, widths[1:], strict=False)
    )
