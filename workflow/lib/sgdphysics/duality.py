"""Activity-weight duality: a change of the data as a change of one layer's weights, and what it says of the generalization gap.

For the input a of a layer at a training image and a' = a + da at a test image of the same class, the smallest dW with
``(W + dW) a = W a'`` is ``dW = (W da) a^T / |a|^2``, of rank one. The loss at the test image is the loss of the changed network at
the training image, so the generalization gap over matched pairs is a sum over directions of slopes times shifts of the weights.

Source: Feng, Zhang and Tu 2023.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sgdphysics import seeds
from sgdphysics.arrays import largest_eigenpairs
from sgdphysics.curvature import DENSE_LIMIT, layer_hessian, sharpest_directions
from sgdphysics.errors import InputError
from sgdphysics.fits import PowerLaw, power_law
from sgdphysics.losses import LOSSES
from sgdphysics.networks import Mlp

SMALLEST_EIGENVALUE = 1e-6  # of the largest; a direction below it has no curvature to compare with
WIDE_LAYER_DIRECTIONS = 200  # Hessian directions of a layer that is too wide for a dense matrix; the rest is one remainder


def nearest_of_class(train_images: Tensor, train_labels: Tensor, test_images: Tensor, test_labels: Tensor) -> Tensor:
    """Return for each test image the index of the nearest training image of its class, in pixel space; int64 (M,).

    Given activities of a layer in place of images, (N, units) and (M, units), nearest is meant in activity space.

    Raises:
        InputError: If a test image's class has no training image.
    """
    matches = torch.empty_like(test_labels)
    for wanted, candidates in _classes(train_labels, test_labels):
        distances = torch.cdist(test_images[wanted].double(), train_images[candidates].double())
        matches[wanted] = candidates[distances.argmin(1)]
    return matches


def random_of_class(train_labels: Tensor, test_labels: Tensor, seed: int) -> Tensor:
    """Return for each test image the index of a random training image of its class; int64 (M,), errors as `nearest_of_class`."""
    matches = torch.empty_like(test_labels)
    random = seeds.generator(seed, "matches")
    for wanted, candidates in _classes(train_labels, test_labels):
        matches[wanted] = candidates[torch.from_numpy(random.integers(len(candidates), size=int(wanted.sum())))]
    return matches


def _classes(train_labels: Tensor, test_labels: Tensor) -> Sequence[tuple[Tensor, Tensor]]:
    """Per class of the test images: which of them have it, and the indices of the training images that do."""
    classes = []
    for label in test_labels.unique().tolist():
        candidates = (train_labels == label).nonzero().flatten()
        if not len(candidates):
            raise InputError(f"train_labels: no image of class {label}, which the test images have")
        classes.append((test_labels == label, candidates))
    return classes


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
        """Return the components of the dual weights along directions (k, out * in): (pairs, k)."""
        return self.weights() @ directions.T

    def norms_along(self, vectors: Tensor) -> Tensor:
        """Return the norms, (pairs,), of other changes of the weights with the same effect: those of rank one along vectors v_k,
        (pairs, in), ``dW = (W da_k) v_k^T / (v_k . a_k)``. None is smaller than that of the dual weight, where v_k = a_k.
        """
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
        network: Computed in float64.
        train_images: The training image matched to each test image, (M, pixels).
        test_images: (M, pixels).
        labels: Their common labels, int64 (M,).
        layer: Weight matrix, counted from 0.
        loss: "cross_entropy" or "mean_squared_error".

    Raises:
        ValueError: If the layer does not exist or the images do not fit the network.
    """
    network = network.double()
    weight = network.weights[network.checked_layer(layer)]
    inputs = [network.activations(images.double()) for images in (train_images, test_images)]
    activity, shifted = (part[layer] for part in inputs)
    before, after = (LOSSES[loss].values(part[-1] @ network.weights[-1].T, labels) for part in inputs)
    squares = activity.square().sum(1)
    active = squares > 0
    outputs = ((shifted - activity) @ weight.T)[active] / squares[active, None]
    return DualWeights(outputs, activity[active], (after - before)[active], int((~active).sum()))


@dataclass(frozen=True, eq=False)
class Decomposition:
    """The generalization gap over matched pairs, direction by direction of an orthonormal basis of one layer's weights.

    Over pairs k: ``gap = <dl_k> = sum_n c_n sigma_g,n sigma_w,n + sum_n <g_n> <dW_n>``, exactly. All float64; standard deviations
    and means over pairs, normalised by 1 / pairs.

    Attributes:
        dual_norms: |dW_k|, (pairs,).
        eigenvalues: Of the Hessian, largest first, (k,); k = d, or fewer for a layer too wide for a dense matrix.
        slope_std: sigma_g,n, (k,).
        weight_std: sigma_w,n, (k,).
        correlation: c_n of slope and dual weight, (k,); 0 where one of them does not vary.
        slope_mean, weight_mean: <g_n> and <dW_n>, (k,).
        slope_spread, weight_spread: s_g and s_w, roots of the total variances in all d directions.
        remainder: What the other d - k directions add to the gap; 0 for a whole basis.
        gap: Mean of dl_k over the pairs used.
        inactive: Pairs left out because the layer gets no input at the training image.
        unchanged: Pairs used whose dual weight is zero.
    """

    dual_norms: Tensor
    eigenvalues: Tensor
    slope_std: Tensor
    weight_std: Tensor
    correlation: Tensor
    slope_mean: Tensor
    weight_mean: Tensor
    slope_spread: float
    weight_spread: float
    remainder: float
    gap: float
    inactive: int
    unchanged: int

    @property
    def contributions(self) -> Tensor:
        """What each direction adds to the gap, (k,)."""
        return self.correlation * self.slope_std * self.weight_std + self.slope_mean * self.weight_mean

    @property
    def decomposed_gap(self) -> float:
        """Sum of the contributions and the remainder."""
        return float(self.contributions.sum()) + self.remainder

    @property
    def correlated_share(self) -> float:
        """Share of the gap in sum_n c_n sigma_g,n sigma_w,n; the rest is in the means and the remainder."""
        return float((self.correlation * self.slope_std * self.weight_std).sum()) / self.gap

    def leading_correlation(self, share: float = 0.9) -> dict[str, float]:
        """Return how constant c_n is over the leading directions: the fewest that together carry a share of the gap.

        Keys: "correlation_mean", "correlation_variation" (standard deviation over directions / mean) and "leading_directions"; all
        directions where they do not carry as much.
        """
        enough = (self.contributions.cumsum(0) / self.gap >= share).nonzero()
        count = int(enough[0]) + 1 if len(enough) else len(self.eigenvalues)
        leading = self.correlation[:count]
        mean = float(leading.mean())
        variation = float(leading.std(correction=0)) / mean
        return {"correlation_mean": mean, "correlation_variation": variation, "leading_directions": count}


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
) -> Decomposition:
    """Decompose the generalization gap over matched pairs in the eigenbasis of one layer's Hessian.

    Args:
        network: Computed in float64.
        train_images, train_labels: (N, pixels), int64 (N,); the Hessian is that of their mean loss.
        test_images, test_labels: (M, pixels), int64 (M,).
        layer: Weight matrix, counted from 0.
        matches: Index of the training image matched to each test image, int64 (M,); by default the nearest of its class.
        basis: Eigenvalues (k,) and orthonormal directions (k, d); by default those of the Hessian, all of them up to d = 5,000
            weights, above it the 200 of largest eigenvalue.
        loss: "cross_entropy" or "mean_squared_error".

    Returns:
        The decomposition, whose gap is that of the matched pairs: its training part is the mean over the matched images, which is
        not the training loss.

    Raises:
        ValueError: If the layer does not exist, sizes do not fit, or a class has no training image.
    """
    if matches is None:
        matches = nearest_of_class(train_images, train_labels, test_images, test_labels)
    pairs = dual_weights(network, train_images[matches], test_images, test_labels, layer, loss)
    eigenvalues, directions = basis if basis is not None else hessian_basis(network, train_images, train_labels, layer, loss)
    return decompose_pairs(pairs, eigenvalues, directions)


def hessian_basis(network: Mlp, images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy") -> tuple[Tensor, Tensor]:
    """Return eigenvalues (k,), largest first, and eigenvectors (k, d) of one layer's Hessian: all of them up to d = 5,000 weights,
    above it the 200 of largest eigenvalue. Arguments and errors as for `curvature.layer_hessian`.
    """
    if network.weights[network.checked_layer(layer)].numel() <= DENSE_LIMIT:
        return largest_eigenpairs(layer_hessian(network, images, labels, layer, loss))
    return sharpest_directions(network, images, labels, layer, WIDE_LAYER_DIRECTIONS, loss)


def decompose_pairs(pairs: DualWeights, eigenvalues: Tensor, directions: Tensor) -> Decomposition:
    """Return the decomposition of `decompose_gap` for given dual weights and orthonormal directions (k, d) with eigenvalues."""
    weights = pairs.along(directions)
    slopes = pairs.slopes[:, None] * weights
    slope_mean, weight_mean = slopes.mean(0), weights.mean(0)
    slopes.sub_(slope_mean)
    weights.sub_(weight_mean)
    slope_std, weight_std = slopes.square().mean(0).sqrt(), weights.square().mean(0).sqrt()  # faster than std()
    covariance = slopes.mul_(weights).mean(0)
    product = slope_std * weight_std
    gap = float(pairs.loss_changes.mean())
    whole = len(directions) == directions.shape[1]
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
        remainder=0.0 if whole else gap - float((covariance + slope_mean * weight_mean).sum()),
        gap=gap,
        inactive=pairs.inactive,
        unchanged=pairs.unchanged,
    )


def fit_on_curvature(variances: Tensor, eigenvalues: Tensor) -> PowerLaw:
    """Return the fit ``variance_n ~ H_n^exponent`` over the directions with more than 1e-6 of the largest eigenvalue.

    Source: Feng, Zhang and Tu 2023, who say so of the slope variance sigma_g,n^2.
    """
    curved = eigenvalues > SMALLEST_EIGENVALUE * eigenvalues.max()
    return power_law(eigenvalues[curved].cpu(), variances[curved].cpu())


def weight_spread_by_metric(weight: Tensor, activities: Tensor, shifts: Tensor) -> float:
    """Return s_w in closed form, the size of the solution in a metric that the data set: ``s_w^2 = tr(W Q W^T)``.

    ``Q = <da da^T / |a|^2> - K^T K`` with ``K = <a da^T / |a|^2>``, averages over pairs.

    Args:
        weight: W, (out, in).
        activities: a of each pair at its training image, (pairs, in), none of them zero.
        shifts: da, (pairs, in).
    """
    weight, activities, shifts = weight.double(), activities.double(), shifts.double()
    squares = activities.square().sum(1, keepdim=True)
    metric = shifts.T @ (shifts / squares) / len(shifts)
    mixed = activities.T @ (shifts / squares) / len(shifts)
    return float(((weight @ (metric - mixed.T @ mixed)) * weight).sum().clamp(min=0)) ** 0.5
