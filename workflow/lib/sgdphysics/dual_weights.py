"""Dual weights: a change of the data as a change of one layer's weights.

For the input a of a layer at a training image and a' = a + da at a test image of the same class, the smallest dW with
``(W + dW) a = W a'`` is ``dW = (W da) a^T / |a|^2``, of rank one. The loss at the test image is the loss of the changed network at
the training image.

Source: Feng, Zhang and Tu 2023.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sgdphysics import inputs, seeds
from sgdphysics.errors import InputError
from sgdphysics.losses import LOSSES
from sgdphysics.networks import Mlp


@dataclass(frozen=True, eq=False)
class DualWeights:
    """Dual weights of matched pairs, ``dW_k = outputs_k (x) inputs_k``.

    Attributes:
        outputs: W da_k / |a_k|^2, float64 (pairs, out).
        inputs: a_k, float64 (pairs, in).
        loss_changes: dl_k, loss at the test image less loss at its training image, float64 (pairs,).
        inactive: Pairs left out because the layer gets no input at the training image, a = 0: no change of its weights does
            anything there.
    """

    outputs: Tensor
    inputs: Tensor
    loss_changes: Tensor
    inactive: int

    @property
    def squared_norms(self) -> Tensor:
        """|dW_k|^2, (pairs,)."""
        return self.outputs.square().sum(1) * self.inputs.square().sum(1)

    @property
    def slopes(self) -> Tensor:
        """dl_k / |dW_k|^2, (pairs,): the slope g_k is this times dW_k; 0 where the pair needs no change (then dl_k is 0 too)."""
        squares = self.squared_norms
        return torch.where(squares > 0, self.loss_changes / squares, 0.0)

    @property
    def unchanged(self) -> int:
        """Pairs whose dual weight is zero."""
        return int((self.squared_norms == 0).sum())

    def weights(self) -> Tensor:
        """Return all dual weights, (pairs, out * in), row-major."""
        return (self.outputs[:, :, None] * self.inputs[:, None, :]).flatten(1)

    def along(self, directions: Tensor) -> Tensor:
        """Return the components of the dual weights along directions (k, out * in): (pairs, k).

        Raises:
            ValueError: If the directions are not of that size, or one is not finite or of length 0.
        """
        directions = inputs.checked_vectors(directions, self.outputs.shape[1] * self.inputs.shape[1], "directions")
        return self.weights() @ directions.T

    def norms_along(self, vectors: Tensor) -> Tensor:
        """Return the norms, (pairs,), of other changes of the weights with the same effect: those of rank one along vectors v_k,
        (pairs, in), ``dW = (W da_k) v_k^T / (v_k . a_k)``. None is smaller than that of the dual weight, where v_k = a_k. Along
        a vector of zeros, as an image that leaves a layer silent has, there is none: nan.

        Raises:
            ValueError: If the vectors are not of that shape, or one is not finite.
        """
        vectors = inputs.checked_numbers(vectors, 2, "vectors")
        if vectors.shape != self.inputs.shape:
            raise InputError(f"vectors: found shape {tuple(vectors.shape)}, expected {tuple(self.inputs.shape)}, one for each pair")
        squares = self.inputs.square().sum(1)
        return self.outputs.norm(dim=1) * squares * vectors.norm(dim=1) / (vectors * self.inputs).sum(1).abs()

    def with_shuffled_losses(self, seed: int) -> "DualWeights":
        """Return the same dual weights with the changes of the loss dealt to other pairs at random: the null of every statement
        on slopes. The gap, the mean of the changes, stays.
        """
        order = seeds.generator(seed, "shuffled_losses").permutation(len(self.loss_changes))
        return replace(self, loss_changes=self.loss_changes[torch.from_numpy(order)])

    def spreads(self) -> tuple[float, float]:
        """Return s_g and s_w, roots of the total variances over pairs (normalised by 1 / pairs) of slopes and dual weights.

        They do not depend on the basis.
        """
        return self._spread(self.slopes), self._spread(torch.ones_like(self.slopes))

    def _spread(self, factors: Tensor) -> float:
        mean = (factors[:, None] * self.outputs).T @ self.inputs / len(factors)
        variance = (factors.square() * self.squared_norms).mean() - mean.square().sum()
        return float(variance.clamp(min=0)) ** 0.5  # of equal pairs rounding may leave less than nothing


def dual_weights(
    network: Mlp, train_images: Tensor, test_images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy"
) -> DualWeights:
    """Return the dual weights of matched pairs of images.

    Args:
        network: With finite weights; computed in float64.
        train_images: The training image matched to each test image, float32 or float64 (M, pixels) in [0, 1] (or standardised).
        test_images: The same of the test images.
        labels: Their common labels, integers (M,).
        layer: Weight matrix, counted from 0.
        loss: "cross_entropy" or "mean_squared_error".

    Raises:
        ValueError: If an argument is none of these (`inputs.checked`).
    """
    network, train_images = inputs.checked_without_labels(network, train_images, layer, loss, "train_")
    network, test_images, labels = inputs.checked(network, test_images, labels, layer, loss, "test_")
    if len(train_images) != len(test_images):
        raise InputError(f"train_images: found {len(train_images)}, expected {len(test_images)}, one for each of test_images")
    network = network.double()
    weight = network.weights[layer]
    entering = [network.unchecked_activations(images.double()) for images in (train_images, test_images)]
    activity, shifted = (part[layer] for part in entering)
    before, after = (LOSSES[loss].values(part[-1] @ network.weights[-1].T, labels) for part in entering)
    squares = activity.square().sum(1)
    active = squares > 0
    outputs = ((shifted - activity) @ weight.T)[active] / squares[active, None]
    return DualWeights(outputs, activity[active], (after - before)[active], int((~active).sum()))


def weight_spread_by_metric(weight: Tensor, activities: Tensor, shifts: Tensor) -> float:
    """Return s_w in closed form, the size of the solution in a metric that the data set: ``s_w^2 = tr(W Q W^T)``.

    ``Q = <da da^T / |a|^2> - K^T K`` with ``K = <a da^T / |a|^2>``, averages over pairs.

    Args:
        weight: W, (out, in).
        activities: a of each pair at its training image, (pairs, in), none of them zero.
        shifts: da, (pairs, in).

    Raises:
        ValueError: If an argument is none of these.
    """
    weight = inputs.checked_numbers(weight, 2, "weight")
    activities = inputs.checked_vectors(activities, weight.shape[1], "activities")
    shifts = inputs.checked_numbers(shifts, 2, "shifts")
    if shifts.shape != activities.shape:
        raise InputError(f"shifts: found shape {tuple(shifts.shape)}, expected {tuple(activities.shape)}, as activities have")
    weight, activities, shifts = weight.double(), activities.double(), shifts.double()
    squares = activities.square().sum(1, keepdim=True)
    metric = shifts.T @ (shifts / squares) / len(shifts)
    mixed = activities.T @ (shifts / squares) / len(shifts)
    return float(((weight @ (metric - mixed.T @ mixed)) * weight).sum().clamp(min=0)) ** 0.5
