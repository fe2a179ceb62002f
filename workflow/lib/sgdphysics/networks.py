"""Bias-free fully connected ReLU networks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from sgdphysics import arguments, seeds
from sgdphysics.errors import InputError
from sgdphysics.inputs import PRECISIONS, check_layer, checked_images


@dataclass(frozen=True)
class Mlp:
    """A bias-free ReLU network: ``a0 = images, a1 = relu(W0 a0), ..., logits = W(L-1) a(L-1)``.

    Args:
        weights: Weight matrices from input to output, all float32 or all float64, of shape (out, in); layers are counted from 0.
            They need not be finite: a network that diverged is one, but nothing is measured of it.
        takes_activities: Whether the network is what lies above other layers (`from_layer`), so that what enters it in place of
            images may be of any size.

    Raises:
        ValueError: If there is no layer, a weight is not a matrix of such numbers, or neighbouring shapes do not fit.
    """

    weights: tuple[Tensor, ...]
    takes_activities: bool = False

    def __post_init__(self) -> None:
        arguments.require(isinstance(self.weights, Iterable), "weights", self.weights, "matrices")
        object.__setattr__(self, "weights", tuple(self.weights))
        if not self.weights or not all(isinstance(weight, Tensor) and weight.ndim == 2 for weight in self.weights):
            raise InputError("weights: expected one or more matrices of shape (out, in)")
        for layer, weight in enumerate(self.weights):
            self._check_weight(layer, weight)
        for layer, (below, above) in enumerate(pairwise(self.weights)):
            if below.shape[0] != above.shape[1]:
                raise InputError(
                    f"weights: layer {layer} has {below.shape[0]} outputs, but layer {layer + 1} takes {above.shape[1]} inputs"
                )

    @property
    def classes(self) -> int:
        """Number of outputs, one for each class."""
        return self.weights[-1].shape[0]

    def _check_weight(self, layer: int, weight: Tensor) -> None:
        if not weight.numel():
            raise InputError(f"weights: found shape {tuple(weight.shape)} in layer {layer}, expected one weight or more")
        if weight.dtype not in PRECISIONS:
            raise InputError(f"weights: found {weight.dtype} in layer {layer}, expected torch.float32 or torch.float64")
        if weight.dtype != self.weights[0].dtype:
            raise InputError(f"weights: found {weight.dtype} in layer {layer}, expected {self.weights[0].dtype} as in layer 0")

    def activations(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the input of every layer, ``(a0, ..., a(L-1))``, each of shape (N, in) of that layer.

        Args:
            images: (N, inputs of layer 0), in the precision of the weights, pixel values in [0, 1] or standardised.

        Raises:
            ValueError: If they are something else; as `inputs.checked_images`.
        """
        images = checked_images(images, self.weights[0].shape[1], any_size=self.takes_activities)
        if images.dtype != self.weights[0].dtype:
            raise InputError(f"images: found {images.dtype}, expected {self.weights[0].dtype}, that of the weights")
        return self.unchecked_activations(images)

    def unchecked_activations(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return what `activations` does, of images that were checked."""
        inputs = [images]
        for weight in self.weights[:-1]:
            inputs.append(torch.relu(inputs[-1] @ weight.T))
        return tuple(inputs)

    def logits(self, images: Tensor) -> Tensor:
        """Return the network's outputs, shape (N, classes)."""
        return self.activations(images)[-1] @ self.weights[-1].T

    def logits_above(self, layer: int, pre_activation: Tensor) -> Tensor:
        """Continue from the output of ``layer`` before its ReLU, shape (..., out), to the logits, shape (..., classes);
        raises ValueError if it is of another width.
        """
        width = self.weights[self.checked_layer(layer)].shape[0]
        if pre_activation.shape[-1] != width:
            raise InputError(f"pre_activation: found shape {tuple(pre_activation.shape)}, expected (..., {width})")
        for weight in self.weights[layer + 1 :]:
            pre_activation = torch.relu(pre_activation) @ weight.T
        return pre_activation

    def layer_jacobian(self, layer: int, inputs: Sequence[Tensor]) -> Tensor:
        """Derivative of the logits with respect to the output of ``layer`` before its ReLU, shape (N, classes, out).

        ``inputs`` is from `activations`. The derivative of ReLU at 0 is taken as 0, as autograd does.
        """
        identity = torch.eye(self.classes, dtype=inputs[0].dtype, device=inputs[0].device).expand(len(inputs[0]), -1, -1)
        return self.backward(layer, inputs, identity)

    def backward(self, layer: int, inputs: Sequence[Tensor], gradient: Tensor) -> Tensor:
        """Carry derivatives with respect to the logits back to the output of ``layer`` before its ReLU.

        Args:
            layer: The layer.
            inputs: From `activations`.
            gradient: (N, classes), or (N, several, classes) for several per image.

        Returns:
            (N, out) or (N, several, out).
        """
        for index in range(len(self.weights) - 1, self.checked_layer(layer), -1):
            active = inputs[index] > 0
            gradient = (gradient @ self.weights[index]) * (active if gradient.ndim == 2 else active[:, None, :])
        return gradient

    def forward(self, layer: int, inputs: Sequence[Tensor], change: Tensor) -> Tensor:
        """Carry a small change of the output of ``layer`` before its ReLU, (N, out), on to the logits, (N, classes).

        ``inputs`` is from `activations`; the transpose of `backward`.
        """
        for index in range(self.checked_layer(layer) + 1, len(self.weights)):
            change = (change * (inputs[index] > 0)) @ self.weights[index].T
        return change

    def replaced(self, layer: int, weight: Tensor) -> "Mlp":
        """Return the network with the weights of one layer replaced; raises ValueError if they do not fit."""
        layer = self.checked_layer(layer)
        return replace(self, weights=(*self.weights[:layer], weight, *self.weights[layer + 1 :]))

    def from_layer(self, layer: int) -> "Mlp":
        """Return the layers from ``layer`` on: the network of what enters that layer."""
        return Mlp(self.weights[self.checked_layer(layer) :], self.takes_activities or layer > 0)

    def double(self) -> "Mlp":
        """Return the network in float64."""
        return replace(self, weights=tuple(weight.double() for weight in self.weights))

    def detached(self) -> "Mlp":
        """Return the network with the same weights, without gradients."""
        return replace(self, weights=tuple(weight.detach() for weight in self.weights))

    def to(self, device: torch.device | str) -> "Mlp":
        """Return the network on a device."""
        return replace(self, weights=tuple(weight.to(device) for weight in self.weights))

    def checked_layer(self, layer: int) -> int:
        """Return ``layer``; raises ValueError if the network has no such layer."""
        check_layer(layer, self)
        return layer


def initial_weights(widths: Sequence[int], seed: int, scale: float = 1.0) -> tuple[Tensor, ...]:
    """Draw initial weights uniformly from ``[-s/sqrt(fan_in), s/sqrt(fan_in)]``, float32, shapes (out, in).

    Args:
        widths: Layer sizes from input to output, for example (784, 50, 50, 10).
        seed: Seed of the run.
        scale: The factor s.

    Raises:
        ValueError: If there are fewer than two widths, one is no whole number of at least 1, or the factor is not above 0.
    """
    arguments.require_whole_numbers("widths", widths, 1)
    arguments.require(len(widths) >= 2, "widths", widths, "those of input and output at least")
    arguments.require_positive("scale", scale)
    random = seeds.generator(seed, "initial_weights")
    return tuple(
        torch.from_numpy(random.uniform(-scale / fan_in**0.5, scale / fan_in**0.5, (fan_out, fan_in))).float()
        for fan_in, fan_out in pairwise(widths)
    )
