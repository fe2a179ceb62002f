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
from sgdphysics.arguments import require, require_one_of
from sgdphysics.errors import InputError
from sgdphysics.losses import LOSSES
from sgdphysics.networks import Mlp
from sgdphysics.path_averages import path_averaged_errors

PARALLEL, PATH_AVERAGED = SLOPES = ("parallel", "path_averaged")
ALL = slice(None)


@dataclass(frozen=True, eq=False)
class DualWeights:
    """Dual weights of matched pairs, ``dW_k = outputs_k (x) inputs_k``, and slopes of the loss along them.

    A slope is a vector with ``g_k . dW_k = dl_k``, which leaves open what it has at right angles to dW_k. Parallel slopes have
    nothing there. Path-averaged ones are the mean gradient between W and W + dW_k, with what that has there.

    Attributes:
        outputs: W da_k / |a_k|^2, float64 (pairs, out).
        inputs: a_k, float64 (pairs, in).
        loss_changes: dl_k, loss at the test image less loss at its training image, float64 (pairs,).
        inactive: Pairs left out because the layer gets no input at the training image, a = 0: no change of its weights does
            anything there.
        across: Of path-averaged slopes, the part at right angles to the dual weights is ``across_k (x) inputs_k``, float64
            (pairs, out); None of parallel ones.
    """

    outputs: Tensor
    inputs: Tensor
    loss_changes: Tensor
    inactive: int
    across: Tensor | None = None

    @property
    def squared_norms(self) -> Tensor:
        """|dW_k|^2, (pairs,)."""
        return self.outputs.square().sum(1) * self.inputs.square().sum(1)

    @property
    def slopes(self) -> Tensor:
        """dl_k / |dW_k|^2, (pairs,): the slope g_k along dW_k is this times dW_k; 0 where nothing changes (then dl_k is 0 too)."""
        squares = self.squared_norms
        return torch.where(squares > 0, self.loss_changes / squares, 0.0)

    @property
    def unchanged(self) -> int:
        """Pairs whose dual weight is zero."""
        return int((self.squared_norms == 0).sum())

    def weights(self, some: slice = ALL) -> Tensor:
        """Return all dual weights, or those of some pairs, (pairs, out * in), row-major."""
        return (self.outputs[some, :, None] * self.inputs[some, None, :]).flatten(1)

    def slopes_across(self, some: slice = ALL) -> Tensor:
        """Return what slopes have at right angles to their dual weights, as `weights`; all zero of parallel ones."""
        across = torch.zeros_like(self.outputs) if self.across is None else self.across
        return (across[some, :, None] * self.inputs[some, None, :]).flatten(1)

    def with_parallel_slopes(self) -> "DualWeights":
        """Return the same dual weights with slopes parallel to them."""
        return replace(self, across=None)

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
        on slopes. The gap, the mean of the changes, stays, and so does what slopes have across the dual weights.
        """
        order = seeds.generator(seed, "shuffled_losses").permutation(len(self.loss_changes))
        return replace(self, loss_changes=self.loss_changes[torch.from_numpy(order)])

    def with_shuffled_errors(self, seed: int) -> "DualWeights":
        """Return the same dual weights and losses, with what slopes have across them from the errors of other pairs at random: the
        null of every statement on path-averaged slopes. The slopes return the changes of the loss as before.

        Raises:
            ValueError: If the slopes are parallel, or the seed is none.
        """
        require(self.across is not None, "slopes", "parallel ones", "path-averaged ones")
        order = torch.from_numpy(seeds.generator(seed, "shuffled_losses", 1).permutation(len(self.loss_changes)))
        return replace(self, across=_across(self._errors()[order], self.outputs))

    def _errors(self) -> Tensor:
        """What slopes are the inputs times of, (pairs, out)."""
        along = self.slopes[:, None] * self.outputs
        return along if self.across is None else along + self.across

    def spreads(self) -> tuple[float, float]:
        """Return s_g and s_w, roots of the total variances over pairs (normalised by 1 / pairs) of slopes and dual weights.

        They do not depend on the basis.
        """
        return self._spread(self._errors()), self._spread(self.outputs)

    def _spread(self, errors: Tensor) -> float:
        mean = errors.T @ self.inputs / len(errors)
        variance = (errors.square().sum(1) * self.inputs.square().sum(1)).mean() - mean.square().sum()
        return float(variance.clamp(min=0)) ** 0.5  # of equal pairs rounding may leave less than nothing


def dual_weights(
    network: Mlp,
    train_images: Tensor,
    test_images: Tensor,
    labels: Tensor,
    layer: int,
    loss: str = "cross_entropy",
    slopes: str = PARALLEL,
) -> DualWeights:
    """Return the dual weights of matched pairs of images, with the slopes of the loss along them.

    Args:
        network: With finite weights; computed in float64.
        train_images: The training image matched to each test image, float32 or float64 (M, pixels) in [0, 1] (or standardised).
        test_images: The same of the test images.
        labels: Their common labels, integers (M,).
        layer: Weight matrix, counted from 0.
        loss: "cross_entropy" or "mean_squared_error".
        slopes: "parallel" to the dual weights, as in the published scripts, or "path_averaged", the mean gradient on the way from
            the weights to the changed ones (`path_averages`).

    Raises:
        ValueError: If an argument is none of these (`inputs.checked`).
    """
    require_one_of("slopes", slopes, SLOPES)
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
    changes = ((shifted - activity) @ weight.T)[active]
    pairs = DualWeights(changes / squares[active, None], activity[active], (after - before)[active], int((~active).sum()))
    if slopes == PARALLEL:
        return pairs
    if not len(changes):
        return replace(pairs, across=changes)
    errors = path_averaged_errors(network, pairs.inputs @ weight.T, changes, labels[active], layer, loss)
    return replace(pairs, across=_across(errors, pairs.outputs))


def weighted_norm(weight: Tensor, vectors: Tensor, activities: Tensor) -> float:
    """Return the norm of a weight matrix in the metric of some vectors, ``sqrt(<|W v|^2> / <|a|^2>)``: how strongly it acts on
    them, in units of the activities, so that it is a weight itself.

    Args:
        weight: W, (out, in).
        vectors: v, (any number, in); the activities themselves, or shifts of them.
        activities: a, (any number, in), not all of them zero.

    Raises:
        ValueError: If an argument is none of these.
    """
    weight = inputs.checked_numbers(weight, 2, "weight").double()
    vectors, activities = (
        inputs.checked_numbers(part, 2, name).double() for name, part in (("vectors", vectors), ("activities", activities))
    )
    for name, part in (("vectors", vectors), ("activities", activities)):
        require(part.shape[1] == weight.shape[1], name, tuple(part.shape), f"(N, {weight.shape[1]})")
    unit = activities.square().sum(1).mean()
    require(bool(unit > 0), "activities", "only zeros", "some activity")
    return float(((vectors @ weight.T).square().sum(1).mean() / unit).sqrt())


def _across(vectors: Tensor, others: Tensor) -> Tensor:
    """The part of each vector, (pairs, out), at right angles to the other; the whole vector where that is zero."""
    squares = others.square().sum(1, keepdim=True)
    parts = (vectors * others).sum(1, keepdim=True) / squares
    return vectors - torch.where(squares > 0, parts, 0.0) * others


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
