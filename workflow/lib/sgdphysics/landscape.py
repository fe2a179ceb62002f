"""The training loss along straight lines through a solution: slices, their minima, and flatness."""

import math
from collections.abc import Callable

import numpy as np
import scipy.signal
import torch
from torch import Tensor

from sgdphysics.losses import LOSSES, one_hot
from sgdphysics.networks import Mlp

CENSORED_BEYOND = 1000.0  # a side on which the loss does not reach the level within this distance is infinite
_LAST_STEP = 3e-4  # relative size of the last secant step; the error that is left is about 1e-5
_MOST_EVALUATIONS = 60
_PARABOLA = 2.0  # slope of ln(L(t) - L(0)) on ln t
_CHUNK = 4096  # images per product on a CPU: the intermediate arrays stay in cache


class LossSlice:
    """The mean loss ``L(t) = L(W + t P)`` along one direction P of one layer, other layers fixed.

    Only the layer's output moves, and linearly in t, so each evaluation costs no more than the layers above.

    Args:
        network: The point t = 0. Its dtype is the dtype of the computation; sums over images are in float64.
        images, labels: The data.
        layer: The layer that moves.
        loss: "cross_entropy" or "mean_squared_error".
    """

    def __init__(self, network: Mlp, images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy") -> None:
        """Prepare what all directions share."""
        dtype = network.weights[0].dtype
        self._network, self._layer, self._loss = network, network.checked_layer(layer), LOSSES[loss]
        self._inputs = network.activations(images.to(dtype))[layer]
        self._output = self._inputs @ network.weights[layer].T
        self._targets = one_hot(labels, network.logits_above(layer, self._output[:1])).T.contiguous()
        self._change = torch.zeros_like(self._output)
        self._chunk = _CHUNK if images.device.type == "cpu" else len(images)
        self.loss_at_centre = self(0.0)

    def along(self, direction: Tensor) -> "LossSlice":
        """Turn to a direction, (d,) or (out, in); returns self."""
        self._change = self._inputs @ direction.view_as(self._network.weights[self._layer]).to(self._inputs).T
        return self

    def __call__(self, distance: float) -> float:
        """Return L at a distance t from the centre."""
        total = 0.0
        for start in range(0, len(self._output), self._chunk):
            part = slice(start, start + self._chunk)
            output = torch.add(self._output[part], self._change[part], alpha=distance)
            logits = self._logits_class_major(output)
            total += float(self._loss.values_of(logits, self._targets[:, part], 0).double().sum())
        return total / len(self._output)

    def _logits_class_major(self, output: Tensor) -> Tensor:
        """Logits as (classes, N): reductions over few classes are then fast."""
        weights = self._network.weights[self._layer + 1 :]
        if not weights:
            return output.T
        for weight in weights[:-1]:
            output = output.relu_() @ weight.T
        return weights[-1] @ output.relu_().T


def flatness_edges(
    network: Mlp,
    images: Tensor,
    labels: Tensor,
    layer: int,
    directions: Tensor,
    factor: float = math.e,
    loss: str = "cross_entropy",
) -> Tensor:
    """Distances to either side at which the loss has risen to ``factor`` times its value at the centre.

    Args:
        network: The centre; its dtype is the dtype of the computation.
        images: (N, pixels).
        labels: int64 (N,).
        layer: The layer that moves.
        directions: (k, d) or (k, out, in); of unit length for distances in weight units.
        factor: Rise of the loss that ends the flat region, > 1. The paper says e, the talk "a factor of two".
        loss: "cross_entropy" or "mean_squared_error".

    Returns:
        float64 (k, 2): distances left and right, both positive; inf where the loss stays below within 1,000.

    Raises:
        ValueError: If the factor is not above 1 or the loss at the centre is not positive and finite.
    """
    if not factor > 1:
        raise ValueError(f"factor: found {factor!r}, expected a number above 1")
    landscape = LossSlice(network, images, labels, layer, loss)
    if not 0 < landscape.loss_at_centre < math.inf:
        raise ValueError(f"network: its loss is {landscape.loss_at_centre}, expected a positive finite number")
    rise = (factor - 1) * landscape.loss_at_centre
    edges = torch.empty(len(directions), 2, dtype=torch.float64)
    guess, slope = 1.0, _PARABOLA
    for index, direction in enumerate(directions):
        landscape.along(direction)
        for side, sign in enumerate((-1.0, 1.0)):
            edge, slope = _edge(lambda t, sign=sign: landscape(sign * t) - landscape.loss_at_centre, rise, guess, slope)
            edges[index, side] = edge
            guess = edge if edge < math.inf else guess  # slices are nearly symmetric, and directions mostly come in order
    return edges


def flatness(
    network: Mlp,
    images: Tensor,
    labels: Tensor,
    layer: int,
    directions: Tensor,
    factor: float = math.e,
    loss: str = "cross_entropy",
) -> Tensor:
    """Flatness F of the loss along directions: the width of the region in which it stays below ``factor`` times its centre.

    Arguments and errors as for `flatness_edges`.

    Returns:
        Widths, float64 (k,), inf where censored (a side does not end within 1,000): leave those out of fits and count them.

    Source: Feng and Tu 2021, definition of F_i. Each edge is accurate to about 1e-5 of itself (the published scripts
    bisect to 0.01 absolute).
    """
    return flatness_edges(network, images, labels, layer, directions, factor, loss).sum(1)


def count_minima(losses: np.ndarray, smallest_prominence: float) -> int:
    """Number of local minima of a slice whose prominence is at least ``smallest_prominence``, in units of loss.

    Args:
        losses: Values on a grid, (points,). A minimum at the border of the grid does not count.
        smallest_prominence: How much the loss must rise from the minimum on both sides before a deeper one is met.
    """
    return len(scipy.signal.find_peaks(-np.asarray(losses), prominence=smallest_prominence)[0])


def _edge(excess: Callable[[float], float], rise: float, guess: float, slope: float) -> tuple[float, float]:
    """Distance t > 0 at which ``excess(t) = L(t) - L(0)`` reaches ``rise``, or inf; and the slope of ln excess on ln t there.

    In a parabola that is linear with slope 2, so a secant in these variables, kept inside a bracket, needs few steps. It starts
    from a guess of both.
    """
    low, high = 0.0, math.inf
    distance, previous = guess, None
    for _ in range(_MOST_EVALUATIONS):
        value = excess(distance)
        if value < rise:
            low = distance
        else:  # also when not finite: far outside
            high = distance
        if low >= CENSORED_BEYOND:
            return math.inf, slope
        point = (math.log(distance), math.log(value / rise)) if 0 < value < math.inf else None
        if point and previous and previous[0] != point[0]:
            slope = _slope(previous, point)
        proposal = math.exp(min(max(point[0] - point[1] / slope, -50.0), 50.0)) if point else None
        previous = point or previous
        if proposal is not None and abs(proposal - distance) <= _LAST_STEP * distance:
            return proposal, slope
        distance = _inside(proposal, low, high)
        if high < math.inf and high - low <= 1e-6 * high:
            break
    return distance, slope


def _slope(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Slope between two points (ln t, ln(excess / rise)); that of a parabola where it is not clearly positive."""
    slope = (second[1] - first[1]) / (second[0] - first[0])
    return slope if slope > 0.2 else _PARABOLA


def _inside(proposal: float | None, low: float, high: float) -> float:
    """The proposal if it lies inside the bracket, else a point that shrinks (or extends) the bracket."""
    if high == math.inf:
        wanted = proposal if proposal is not None and proposal > low else 4 * low
        return min(max(wanted, 1.05 * low), max(CENSORED_BEYOND, 1.05 * low), 8 * low if low else math.inf)
    if proposal is not None and low < proposal < high:
        return proposal
    return math.sqrt(low * high) if low > 0 else high / 4
