"""Gradients averaged along a path, against autograd at many points of it, and where they are known."""

import math

import pytest
import torch

from cases import small_data, small_network
from sgdphysics import path_averages
from sgdphysics.losses import LOSSES
from sgdphysics.networks import Mlp
from sgdphysics.path_averages import path_averaged_errors

WIDTHS = (6, 9, 8, 7, 3)
BOTH = pytest.mark.parametrize("loss", list(LOSSES))
every_layer = pytest.mark.parametrize("layer", [0, 1, 2, 3])


def path(network, layer, n=20):
    """Outputs of a layer at some images, their changes to other images, and labels."""
    (start, labels), (end, _) = small_data(n), small_data(n, seed=2)
    before, after = (network.activations(images)[layer] @ network.weights[layer].T for images in (start, end))
    return before, after - before, labels


def losses_at(network, layer, outputs, labels, loss):
    return LOSSES[loss].values(network.logits_above(layer, outputs), labels)


@BOTH
@every_layer
def test_the_average_is_that_of_gradients_by_autograd_at_many_points(layer, loss):
    network, points = small_network(WIDTHS, scale=1.5), 20_000
    outputs, changes, labels = path(network, layer, n=6)
    found = path_averaged_errors(network, outputs, changes, labels, layer, loss)
    times = (torch.arange(points, dtype=torch.float64) + 0.5) / points
    kinks = 0
    for pair in range(len(outputs)):
        along = (outputs[pair] + times[:, None] * changes[pair]).requires_grad_()
        (gradients,) = torch.autograd.grad(losses_at(network, layer, along, labels[pair].expand(points), loss).sum(), along)
        jumps = gradients.diff(dim=0).abs()
        # The rule of midpoints is off by at most half a step times all that the number goes up and down.
        assert ((found[pair] - gradients.mean(0)).abs() <= jumps.sum(0) / (2 * points) + 1e-12).all()
        kinks += int((jumps > 1e-2).any(1).sum())
    assert kinks > 5 or layer == 3


@BOTH
@pytest.mark.parametrize("scale", [0.01, 1.0, 5.0, 100.0])
@every_layer
def test_times_the_change_it_is_the_change_of_the_loss(layer, loss, scale):
    network = small_network(WIDTHS, scale=scale)
    outputs, changes, labels = path(network, layer)
    found = path_averaged_errors(network, outputs, changes, labels, layer, loss)
    after, before = (losses_at(network, layer, values, labels, loss) for values in (outputs + changes, outputs))
    rounding = 1e-15 * float(network.logits_above(layer, outputs).abs().max()) ** (1 if loss == "cross_entropy" else 2)
    torch.testing.assert_close((found * changes).sum(1), after - before, rtol=1e-9, atol=rounding + 1e-14)


def test_logits_that_change_by_millions_take_neither_long_nor_much_memory(monkeypatch):
    network = Mlp((torch.eye(10).double(),))
    random = torch.Generator().manual_seed(0)
    outputs, ends = (1e7 * torch.randn(50, 10, generator=random, dtype=torch.float64) for _ in range(2))
    labels, parts = torch.arange(50) % 10, []
    cut = path_averages._parts
    monkeypatch.setattr(path_averages, "_parts", lambda *pieces: parts.append(cut(*pieces)) or parts[-1])
    found = path_averaged_errors(network, outputs, ends - outputs, labels, 0)
    after, before = (LOSSES["cross_entropy"].values(values, labels) for values in (ends, outputs))
    torch.testing.assert_close((found * (ends - outputs)).sum(1), after - before, rtol=1e-9, atol=1e-3)
    assert len(parts[0][0]) < 50 * 5000


def test_of_two_classes_the_average_is_known():
    outputs, changes = torch.tensor([[0.3, -1.0], [2.0, 0.5]]).double(), torch.tensor([[1.5, -4.0], [-3.0, 6.0]]).double()
    found = path_averaged_errors(Mlp((torch.eye(2).double(),)), outputs, changes, torch.tensor([0, 0]), 0)
    for pair in range(2):
        start, change = (float(part[pair, 1] - part[pair, 0]) for part in (outputs, changes))
        expected = (math.log1p(math.exp(start + change)) - math.log1p(math.exp(start))) / change
        assert found[pair].tolist() == pytest.approx([-expected, expected], rel=1e-12)


def test_a_unit_carries_nothing_back_while_it_is_silent():
    """It goes from -1 to 3, silent on the first quarter; from there on the loss is half of (z - 1)^2."""
    network = Mlp((torch.ones(1, 1).double(), torch.tensor([[1.0], [0.0]]).double()))
    outputs, changes = torch.tensor([[-1.0], [3.0]]).double(), torch.tensor([[4.0], [-4.0]]).double()
    found = path_averaged_errors(network, outputs, changes, torch.tensor([0, 0]), 0, "mean_squared_error")
    # The integral over z from 0 to 3 of z - 1, by the length 4 of the whole way.
    assert found.flatten().tolist() == pytest.approx([1.5 / 4, 1.5 / 4], rel=1e-13)


@BOTH
@every_layer
def test_without_a_change_it_is_the_gradient(layer, loss):
    network = small_network(WIDTHS)
    outputs, changes, labels = path(network, layer)
    outputs = outputs.requires_grad_()
    (expected,) = torch.autograd.grad(losses_at(network, layer, outputs, labels, loss).sum(), outputs)
    found = path_averaged_errors(network, outputs, torch.zeros_like(changes), labels, layer, loss)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_a_unit_that_rests_at_nothing_carries_nothing_back():
    network = Mlp((torch.eye(2).double(), torch.eye(2).double()))
    outputs, changes = torch.tensor([[0.0, 1.0]]).double(), torch.tensor([[0.0, 1.0]]).double()
    found = path_averaged_errors(network, outputs, changes, torch.tensor([0]), 0)
    assert found[0, 0] == 0
    assert found[0, 1] > 0.5


def test_pairs_are_taken_in_blocks_that_change_nothing(monkeypatch):
    network = small_network(WIDTHS)
    outputs, changes, labels = path(network, 1)
    expected = path_averaged_errors(network, outputs, changes, labels, 1)
    monkeypatch.setattr(path_averages, "PAIRS_AT_ONCE", 3)
    torch.testing.assert_close(path_averaged_errors(network, outputs, changes, labels, 1), expected, rtol=1e-12, atol=1e-15)


def test_the_error_of_the_quadrature_is_below_what_is_said():
    """Two classes on one part of the largest size, wherever the transition lies."""
    nodes, half = path_averages.NODES, path_averages.LARGEST_CHANGE / 2
    start = torch.linspace(-10, 10, 2001, dtype=torch.float64)[:, None]
    outputs, changes = torch.cat([start - half, 0 * start], 1), torch.tensor([[2 * half, 0.0]]).double().expand(2001, 2)
    found = path_averaged_errors(Mlp((torch.eye(2).double(),)), outputs, changes, torch.zeros(2001, dtype=torch.int64), 0)[:, 0]
    exact = (torch.nn.functional.softplus(start + half) - torch.nn.functional.softplus(start - half))[:, 0] / (2 * half) - 1
    assert nodes == 10
    assert (found - exact).abs().max() < 1e-12
