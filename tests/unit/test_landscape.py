import math

import numpy as np
import pytest
import torch

from cases import small_data, small_network
from sgdphysics.landscape import LossSlice, count_minima, flatness, flatness_edges
from sgdphysics.losses import LOSSES
from sgdphysics.networks import Mlp
from sgdphysics.study.window_plans import EVALUATIONS_PER_EDGE


def full_loss(network, images, labels, layer, direction, distance, loss):
    moved = network.replaced(layer, network.weights[layer] + distance * direction.view_as(network.weights[layer]))
    return LOSSES[loss].mean(moved.logits(images), labels)


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
def test_slice_equals_full_forward_passes(layer, loss):
    network, (images, labels) = small_network(), small_data()
    direction = torch.randn(network.weights[layer].numel(), dtype=torch.float64)
    landscape = LossSlice(network, images, labels, layer, loss).along(direction)
    for distance in (-2.0, 0.0, 0.3):
        expected = full_loss(network, images, labels, layer, direction, distance, loss)
        assert landscape(distance) == pytest.approx(expected, rel=1e-12)


def test_flatness_of_a_parabola_is_exact():
    # One linear layer, squared error, one image x and target y: L(t) = ((W + tP) x - y)^2 averaged over two classes.
    weight = torch.tensor([[0.5, 0.0], [0.0, 0.0]], dtype=torch.float64)
    images, labels = torch.tensor([[1.0, 0.0]], dtype=torch.float64), torch.tensor([0])
    direction = torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    # L(t) = (0.5 + t - 1)^2 / 2, so L reaches e L(0) at t = 0.5 -+ 0.5 sqrt(e).
    edges = flatness_edges(Mlp((weight,)), images, labels, 0, direction[None], loss="mean_squared_error")
    assert edges[0].tolist() == pytest.approx([0.5 * (math.sqrt(math.e) - 1), 0.5 * (math.sqrt(math.e) + 1)], rel=1e-9)


@pytest.mark.parametrize("factor", [2.0, math.e])
def test_flatness_equals_bisection_with_full_forward_passes(factor):
    network, (images, labels) = small_network((6, 8, 8, 3), scale=3.0), small_data()
    directions = torch.linalg.qr(torch.randn(64, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(2)))[0].T
    widths = flatness(network, images, labels, 1, directions, factor)
    level = factor * full_loss(network, images, labels, 1, directions[0], 0.0, "cross_entropy")

    def bisected(direction, sign):
        outside = 1e-3
        while full_loss(network, images, labels, 1, direction, sign * outside, "cross_entropy") < level:
            outside *= 1.3
            if outside > 1000:
                return math.inf
        inside = 0.0
        for _ in range(50):
            middle = (inside + outside) / 2
            below = full_loss(network, images, labels, 1, direction, sign * middle, "cross_entropy") < level
            inside, outside = (middle, outside) if below else (inside, middle)
        return inside

    expected = [bisected(direction, -1) + bisected(direction, 1) for direction in directions]
    assert widths.tolist() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_the_edges_of_a_direction_have_the_same_bits_alone_and_in_any_company(layer):
    # Rows of 63 numbers: where one starts in memory differs from row to row.
    network, (images, labels) = small_network((9, 7, 9, 7), scale=3.0), small_data(n=200, pixels=9, classes=7)
    random = torch.Generator().manual_seed(3)
    directions = torch.randn(12, 63, generator=random, dtype=torch.float64)
    directions *= torch.logspace(-3, 1, 12, dtype=torch.float64)[:, None]
    edges = flatness_edges(network, images, labels, layer, directions)
    for order in [torch.arange(11, -1, -1), *(torch.randperm(12, generator=random) for _ in range(3))]:
        assert torch.equal(flatness_edges(network, images, labels, layer, directions[order]), edges[order])
    for direction, expected in zip(directions, edges, strict=True):
        assert torch.equal(flatness_edges(network, images, labels, layer, direction[None]), expected[None])
        laid_out_otherwise = direction.view(network.weights[layer].shape).T.contiguous().T
        assert torch.equal(flatness_edges(network, images, labels, layer, laid_out_otherwise[None]), expected[None])


def test_an_edge_takes_few_evaluations_of_the_loss(monkeypatch):
    network, (images, labels) = small_network((6, 8, 8, 3), scale=3.0), small_data()
    directions = torch.linalg.qr(torch.randn(64, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(2)))[0].T
    distances, evaluate = [], LossSlice.__call__

    def counted(landscape, distance):
        distances.append(distance)
        return evaluate(landscape, distance)

    monkeypatch.setattr(LossSlice, "__call__", counted)
    flatness(network, images, labels, 1, directions)
    assert len(distances) <= EVALUATIONS_PER_EDGE * 2 * len(directions)


@pytest.mark.parametrize(("edge", "expected"), [(999.0, 999.0), (1001.0, math.inf)])
def test_a_side_is_censored_at_the_bound(edge, expected):
    network = Mlp((torch.zeros(2, 2, dtype=torch.float64),))
    images, labels = torch.tensor([[1.0, 0.0]], dtype=torch.float64), torch.tensor([0])
    # L(t) = ((t / scale - 1)^2 + 0) / 2 reaches e L(0) at t = scale (1 -+ sqrt(e)).
    scale = edge / (1 + math.sqrt(math.e))
    direction = torch.tensor([[1 / scale, 0.0], [0.0, 0.0]], dtype=torch.float64)
    left, right = flatness_edges(network, images, labels, 0, direction[None], loss="mean_squared_error")[0].tolist()
    assert left == pytest.approx(scale * (math.sqrt(math.e) - 1), rel=1e-9)
    assert right == pytest.approx(expected, rel=1e-9)


def test_a_direction_that_changes_nothing_is_censored():
    network, (images, labels) = small_network(), small_data()
    below = network.weights[0].clone()
    below[2] = -1.0  # a unit that no image reaches: what leaves it, the weights in column 2, changes nothing
    direction = torch.zeros(1, 4, 5, dtype=torch.float64)
    direction[:, :, 2] = 0.5
    assert flatness(network.replaced(0, below), images, labels, 1, direction).tolist() == [math.inf]


def test_bad_factor_and_perfect_fit_are_refused():
    network, (images, labels) = small_network(), small_data()
    with pytest.raises(ValueError, match=r"factor: found 1\.0"):
        flatness(network, images, labels, 1, torch.ones(1, 20), factor=1.0)
    broken = Mlp(tuple(weight * math.nan for weight in network.weights))
    with pytest.raises(ValueError, match="network: found nan in layer 0, expected finite weights"):
        flatness(broken, images, labels, 1, torch.ones(1, 20))
    with pytest.raises(ValueError, match=r"network: its loss is 0\.0, expected a positive finite number"):
        flatness(Mlp((torch.eye(2),)), torch.eye(2), torch.arange(2), 0, torch.ones(1, 4), loss="mean_squared_error")


def test_directions_along_which_nothing_can_be_measured_are_refused():
    """Of the first a width of 7e-37 once came out."""
    network, (images, labels) = small_network(), small_data()
    for fault, found in ((math.nan, "nan"), (math.inf, "inf"), (0.0, "only zeros")):
        directions = torch.ones(3, 20)
        directions[1] = fault
        with pytest.raises(ValueError, match=f"^directions: found {found} in row 1, expected directions of finite length above 0$"):
            flatness(network, images, labels, 1, directions)


def test_minima_are_counted_by_prominence():
    x = np.linspace(-3, 3, 401)
    assert count_minima(x**2, 0.01) == 1
    assert count_minima((x**2 - 1) ** 2, 0.01) == 2
    assert count_minima(x**2 + 0.001 * np.cos(40 * x), 0.01) == 1
    assert count_minima(x, 0.01) == 0
