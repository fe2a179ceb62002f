"""The gradient of the loss averaged over the straight path on which one layer's weights change from W to W + dW.

For a change of rank one, ``dW = u a^T`` with a the layer's input, the layer's output before its ReLU is ``z + t dz`` on that path,
and the gradient there is d(t) a^T, with d(t) the error carried back to that output. Between kinks, at which a unit of this layer or
of one above it changes its sign, the logits are linear in t and d(t) is smooth, so that it is integrated piece by piece.

Source: of all vectors g with ``g . dW = dl``, the slopes of Feng, Zhang and Tu 2023 are those parallel to dW; this is another one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sgdphysics import inputs
from sgdphysics.arguments import require, require_one_of
from sgdphysics.losses import LOSSES, Loss, one_hot
from sgdphysics.networks import Mlp

# Gauss-Legendre nodes of a part of a piece, and how far the difference of two logits changes in it at most. The poles of a softmax
# of linear logits are then at least 1.5 lengths of the part away from it, and the integral over the whole path, of a number of at
# most 1, is off by less than 1e-12 (L. N. Trefethen, Approximation Theory and Approximation Practice, theorem 19.3).
NODES, LARGEST_CHANGE = 10, 2.0
PLACES, WEIGHTS = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(NODES))
NEGLIGIBLE = 34.0  # a class so far below another has less than 2e-15 of its probability
MOST_PARTS = 64  # into which a part is cut at a time: of logits that change by thousands only few parts need to be fine
PAIRS_AT_ONCE = 500  # of which the memory is some 10 MB


def path_averaged_errors(
    network: Mlp, outputs: Tensor, changes: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy"
) -> Tensor:
    """Return the error carried back to the output of a layer before its ReLU, averaged over ``z + t dz`` for t from 0 to 1.

    Its product with dz is the change of the loss from z to z + dz. Every kink on the way is found; the integral between them is off
    by less than 1e-12 of a derivative with respect to a logit.

    Args:
        network: With finite weights; computed in float64.
        outputs: z, float32 or float64 (pairs, out).
        changes: dz, the same.
        labels: Integers (pairs,).
        layer: Weight matrix, counted from 0.
        loss: "cross_entropy" or "mean_squared_error".

    Returns:
        float64 (pairs, out).

    Raises:
        ValueError: If an argument is none of these.
    """
    network = inputs.checked_network(network).double()
    inputs.check_layer(layer, network)
    require_one_of("loss", loss, LOSSES)
    network = network.from_layer(layer)
    outputs, changes = (
        inputs.checked_numbers(part, 2, name).double() for name, part in (("outputs", outputs), ("changes", changes))
    )
    width = len(network.weights[0])
    require(outputs.shape[1] == width, "outputs", tuple(outputs.shape), f"(pairs, {width})")
    require(changes.shape == outputs.shape, "changes", tuple(changes.shape), f"{tuple(outputs.shape)}, as outputs have")
    labels = inputs.checked_labels(labels, len(outputs), network.classes)
    blocks = (part.split(PAIRS_AT_ONCE) for part in (outputs, changes, labels))
    return torch.cat([_averaged(network, *block, LOSSES[loss]) for block in zip(*blocks, strict=True)])


def _averaged(network: Mlp, outputs: Tensor, changes: Tensor, labels: Tensor, loss: Loss) -> Tensor:
    pieces = _smooth_pieces(network.weights[1:], outputs, changes)
    *hidden, (logits, slopes) = pieces.along(network.weights[1:], outputs, changes)
    targets = one_hot(labels, logits)[pieces.pairs]
    integrals = _integrated(loss, logits, slopes, pieces.lengths, targets)
    carried_back = network.backward(0, [outputs, *(values for values, _ in hidden)], integrals)
    return torch.zeros_like(outputs).index_add_(0, pieces.pairs, carried_back)


@dataclass(frozen=True, eq=False)
class _Pieces:
    """Pieces of the paths of several pairs, in order: of which pair, int64, where on its path each begins and ends, (pieces,)."""

    pairs: Tensor
    starts: Tensor
    ends: Tensor

    @property
    def lengths(self) -> Tensor:
        return self.ends - self.starts

    @property
    def middles(self) -> Tensor:
        return (self.starts + self.ends) / 2

    def along(self, above: Sequence[Tensor], outputs: Tensor, changes: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Of the layer and of each one above it, yield the outputs before ReLU in the middle of each piece and how they change
        along the path there, both (pieces, out).
        """
        slopes = changes[self.pairs]
        values = outputs[self.pairs] + self.middles[:, None] * slopes
        yield values, slopes
        for weight in above:
            active = values > 0
            values, slopes = (values * active) @ weight.T, (slopes * active) @ weight.T
            yield values, slopes

    def cut(self, values: Tensor, slopes: Tensor) -> "_Pieces":
        """Return the pieces between the places, too, where one of these values in the middle of a piece comes to 0 within it."""
        places = self.middles[:, None] - values / slopes
        cut, _ = kinks = ((places > self.starts[:, None]) & (places < self.ends[:, None])).nonzero(as_tuple=True)
        pairs, starts = torch.cat([self.pairs, self.pairs[cut]]), torch.cat([self.starts, places[kinks]])
        order = starts.argsort(stable=True)
        order = order[pairs[order].argsort(stable=True)]
        pairs, starts = pairs[order], starts[order]
        ends = torch.cat([starts[1:], starts.new_ones(1)])
        ends[:-1][pairs[1:] != pairs[:-1]] = 1.0
        return _Pieces(pairs, starts, ends)


def _smooth_pieces(above: Sequence[Tensor], outputs: Tensor, changes: Tensor) -> _Pieces:
    """Pieces of the paths within which no unit below the logits changes its sign."""
    pairs = torch.arange(len(outputs), device=outputs.device)
    pieces = _Pieces(pairs, outputs.new_zeros(len(outputs)), outputs.new_ones(len(outputs)))
    for layers in range(len(above)):
        *_, (values, slopes) = pieces.along(above[:layers], outputs, changes)
        pieces = pieces.cut(values, slopes)
    return pieces


def _integrated(loss: Loss, logits: Tensor, slopes: Tensor, lengths: Tensor, targets: Tensor) -> Tensor:
    """Integral over each piece, (pieces, classes), of the loss's derivative; logits in its middle, and their slopes in it."""
    of, starts, ends = _parts(logits, slopes, lengths)
    middles, halves = ((starts + ends) / 2)[:, None], ((ends - starts) / 2)[:, None]
    times, weights = middles + halves * PLACES.to(logits), halves * WEIGHTS.to(logits)
    at_nodes = logits[of, None] + times[:, :, None] * slopes[of, None]
    derivatives = loss.gradient(at_nodes, targets[of, None], -1)
    return torch.zeros_like(logits).index_add_(0, of, (weights[:, None] @ derivatives).squeeze(1))


def _parts(logits: Tensor, slopes: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Parts of pieces over which no difference of logits that count changes by more than ``LARGEST_CHANGE``.

    Returns:
        Of which piece each part is, int64 (parts,), and where it begins and ends, from the piece's middle.
    """
    of, starts, ends = torch.arange(len(logits), device=logits.device), -lengths / 2, lengths / 2
    while True:
        change = _largest_change(logits[of], slopes[of], starts[:, None], ends[:, None])
        counts = (change / LARGEST_CHANGE).nan_to_num(0).ceil().clamp(1, MOST_PARTS).long()
        if bool((counts == 1).all()):
            return of, starts, ends
        last = counts.cumsum(0)
        index = torch.arange(int(last[-1]), device=logits.device) - (last - counts).repeat_interleave(counts)
        of, starts, lengths = (part.repeat_interleave(counts) for part in (of, starts, (ends - starts) / counts))
        starts = starts + index * lengths
        ends = starts + lengths


def _largest_change(logits: Tensor, slopes: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
    """By how much a difference of two logits changes from start to end, (parts,), without classes of no probability anywhere."""
    likeliest = (logits + (starts + ends) / 2 * slopes).argmax(1, keepdim=True)
    behind, slower = logits.gather(1, likeliest) - logits, slopes.gather(1, likeliest) - slopes
    counts = torch.minimum(behind + starts * slower, behind + ends * slower) < NEGLIGIBLE
    slower = torch.where(counts, slower, 0.0)
    return (slower.amax(1) - slower.amin(1)) * (ends - starts).squeeze(1)
