"""The training loss along straight lines through a solution: slices, their minima, and flatness."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import scipy.signal
import torch
from torch import Tensor

from sgdphysics import inputs
from sgdphysics.arguments import is_number, real_array, require, require_not_negative
from sgdphysics.errors import InputError
from sgdphysics.losses import LOSSES, one_hot
from sgdphysics.networks import Mlp

CENSORED_BEYOND = 1000.0  # a side on which the loss does not reach the level within this distance is infinite
_TOLERANCE, _TOLERANCE_OF_ROUNDED = 1e-9, 1e-5  # relative error of an edge in float64, and in less
_FIRST_CHANGE = 0.15  # of the layer's output, where the search starts: edges of trained networks are at 0.05 to 1
_MOST_EVALUATIONS = 60
_LARGEST_GROWTH = 8.0  # of a distance at which the level is not reached
_PARABOLA = 2.0  # slope of the logarithm of a rise on ln t
_LEAST_SLOPE = 0.2
_KINKS = 1e-3  # relative error of a slope, however close the points: units that switch on and off bend the loss abruptly
_CHUNK = 4096  # images per product on a CPU: the intermediate arrays stay in cache


class LossSlice:
    """The mean loss ``L(t) = L(W + t P)`` along one direction P of one layer, other layers fixed.

    Only the layer's output moves, and linearly in t, so each evaluation costs no more than the layers above.

    Args:
        network: The point t = 0, with finite weights. Its dtype is the dtype of the computation; sums over images are in float64.
        images, labels: The data, float32 or float64 (N, pixels) in [0, 1] (or standardised) and integers (N,).
        layer: The layer that moves.
        loss: "cross_entropy" or "mean_squared_error".

    Raises:
        ValueError: If an argument is none of these (`inputs.checked`).
    """

    def __init__(self, network: Mlp, images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy") -> None:
        """Prepare what all directions share."""
        network, images, labels = inputs.checked(network, images, labels, layer, loss)
        dtype = network.weights[0].dtype
        self._network, self._layer, self._loss = network, layer, LOSSES[loss]
        self._inputs = network.unchecked_activations(images.to(dtype))[layer]
        self._output = self._inputs @ network.weights[layer].T
        self._output_norm = float(self._output.norm())
        self._targets = one_hot(labels, network.logits_above(layer, self._output[:1])).T.contiguous()
        self._change = torch.zeros_like(self._output)
        self._chunk = _CHUNK if images.device.type == "cpu" else len(images)
        self._moved = torch.empty_like(self._output[: self._chunk])  # memory for the moved output
        self.loss_at_centre = self(0.0)

    def along(self, direction: Tensor) -> "LossSlice":
        """Turn to a direction, (d,) or (out, in); returns self. Raises ValueError if it is none, or of length 0."""
        weight = self._network.weights[self._layer]
        (direction,) = inputs.checked_directions(direction[None], weight, "direction")
        # A copy: where in memory a row of a matrix starts can decide the last bit of a product.
        self._change = self._inputs @ torch.empty_like(weight).copy_(direction.view_as(weight)).T
        return self

    def distance_of_change(self, share: float) -> float:
        """Return the distance at which the layer's output, over all images, has changed by a share of its norm; inf if one is 0."""
        change = float(self._change.norm())
        return share * self._output_norm / change if change > 0 and self._output_norm > 0 else math.inf

    def __call__(self, distance: float) -> float:
        """Return L at a distance t from the centre."""
        total = 0.0
        for start in range(0, len(self._output), self._chunk):
            part = slice(start, start + self._chunk)
            moved = self._moved[: len(self._output[part])]
            output = torch.add(self._output[part], self._change[part], alpha=distance, out=moved)
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

    The edges of a direction are the same bits alone, in any order and with any others.

    Args:
        network: The centre; its dtype is the dtype of the computation.
        images, labels: As for `LossSlice`.
        layer: The layer that moves.
        directions: (k, d) or (k, out, in), finite and none of length 0; of unit length for distances in weight units.
        factor: Rise of the loss that ends the flat region, > 1. The paper says e, the talk "a factor of two".
        loss: "cross_entropy" or "mean_squared_error".

    Returns:
        float64 (k, 2): distances left and right, both positive; inf where the loss stays below within 1,000. Accurate to about
        1e-9 of themselves, 1e-5 where the computation is not in float64.

    Raises:
        ValueError: If an argument is none of these (`inputs.checked`), or the loss at the centre is not positive and finite.
    """
    require(is_number(factor) and factor > 1, "factor", factor, "a finite number above 1")
    landscape = LossSlice(network, images, labels, layer, loss)
    centre = landscape.loss_at_centre
    if not 0 < centre < math.inf:
        raise InputError(f"network: its loss is {centre}, expected a positive finite number")
    tolerance = _TOLERANCE if network.weights[0].dtype == torch.float64 else _TOLERANCE_OF_ROUNDED
    directions = inputs.checked_directions(directions, network.weights[layer])
    edges = torch.empty(len(directions), 2, dtype=torch.float64)
    for index, direction in enumerate(directions):
        start, power = landscape.along(direction).distance_of_change(_FIRST_CHANGE), _PARABOLA
        for side, sign in enumerate((-1.0, 1.0)):
            rise = partial(_relative_rise, landscape, sign, factor)
            edge, power = _edge(rise, min(start, CENSORED_BEYOND), power, tolerance)
            edges[index, side] = edge
            start = edge if edge < math.inf else start  # slices are nearly symmetric
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

    Source: Feng and Tu 2021, definition of F_i. The published scripts bisect to 0.01 absolute.
    """
    return flatness_edges(network, images, labels, layer, directions, factor, loss).sum(1)


def count_minima(losses: np.ndarray, smallest_prominence: float) -> int:
    """Number of local minima of a slice whose prominence is at least ``smallest_prominence``, in units of loss.

    Args:
        losses: Values on a grid, (points,), inf where they are too large. A minimum at the border of the grid does not count.
        smallest_prominence: How much the loss must rise from the minimum on both sides before a deeper one is met, from 0.

    Raises:
        ValueError: If the losses are no numbers, or the prominence is not from 0.
    """
    losses = real_array("losses", losses, 1)
    require(not np.isnan(losses).any(), "losses", float("nan"), "numbers")
    require_not_negative("smallest_prominence", smallest_prominence)
    return len(scipy.signal.find_peaks(-np.asarray(losses), prominence=smallest_prominence)[0])


def _relative_rise(landscape: LossSlice, sign: float, factor: float, distance: float) -> float:
    """``ln(L / L(0)) / ln(factor)``: 0 at the centre, 1 at an edge; inf, far outside, where the loss is not finite."""
    loss = landscape(sign * distance)
    if not loss < math.inf:
        return math.inf
    return (math.log(loss) - math.log(landscape.loss_at_centre)) / math.log(factor) if loss > 0 else -math.inf


def _edge(rise: Callable[[float], float], start: float, power: float, tolerance: float) -> tuple[float, float]:
    """Distance t > 0 at which a rise reaches 1, or inf; and the power of t with which it grows there.

    In a parabola the logarithm of the rise is linear in ln t, with slope 2: inverse interpolation in these variables, kept inside
    a bracket, needs few steps. It starts from a guess of both, and nothing else is kept from one edge to the next.
    """
    low, high = 0.0, math.inf
    distance, points = start, []
    for _ in range(_MOST_EVALUATIONS):
        value = rise(distance)
        low, high = (distance, high) if value < 1 else (low, distance)
        if low >= CENSORED_BEYOND:
            return math.inf, power
        proposal = None
        if 0 < value < math.inf:
            points = [*points[-2:], (math.log(distance), math.log(value))]
            crossing, power = _crossing(points, power)
            if _error(points, crossing) <= tolerance:
                return math.exp(crossing), power
            proposal = math.exp(min(max(crossing, -50.0), 50.0))
        distance = _inside(proposal, low, high)
        if high < math.inf and high - low <= tolerance * high:
            break
    return distance, power


def _crossing(points: Sequence[tuple[float, float]], slope: float) -> tuple[float, float]:
    """The x at which the curve through up to three points (x, y) crosses y = 0, and its slope at the last; where y does not grow
    with x, earlier points are left out, and through one point goes a straight line of the given slope, or that of a parabola.
    """
    while len(points) > 1 and not all(b[1] - a[1] > _LEAST_SLOPE * (b[0] - a[0]) for a, b in pairwise(sorted(points))):
        points, slope = points[1:], _PARABOLA
    if len(points) == 1:
        return points[0][0] - points[0][1] / slope, slope
    # Neville's scheme for x as a polynomial in y, at y = 0.
    crossings = [x for x, _ in points]
    for order in range(1, len(points)):
        for i in range(len(points) - order):
            before, after = points[i][1], points[i + order][1]
            crossings[i] = (after * crossings[i] - before * crossings[i + 1]) / (after - before)
    return crossings[0], (points[-1][1] - points[-2][1]) / (points[-1][0] - points[-2][0])


def _error(points: Sequence[tuple[float, float]], crossing: float) -> float:
    """About the error of a crossing found from points: its distance from the last times that of the last two."""
    x, y = points[-1]
    step = max(abs(crossing - x), abs(y) / (2 * _PARABOLA))  # a steep slope is not trusted
    return step * (max(abs(x - points[-2][0]), _KINKS) if len(points) > 1 else 1.0)


def _inside(proposal: float | None, low: float, high: float) -> float:
    """The proposal if it lies inside the bracket, else a point that shrinks (or extends) the bracket."""
    if high == math.inf:
        wanted = proposal if proposal is not None and proposal > low else 4 * low
        return min(wanted, CENSORED_BEYOND, _LARGEST_GROWTH * low)
    if proposal is not None and low < proposal < high:
        return proposal
    return math.sqrt(low * high) if low > 0 else high / 4
