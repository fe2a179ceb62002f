import pytest
import torch

from cases import small_data, small_network
from sgdphysics.duality import nearest_of_class, slope_spread
from sgdphysics.losses import LOSSES


def test_matches_are_the_nearest_images_of_the_class():
    train = torch.tensor([[0.0], [1.0], [2.0], [5.0]])
    labels = torch.tensor([0, 0, 1, 1])
    assert nearest_of_class(train, labels, torch.tensor([[1.9], [0.2], [3.0]]), torch.tensor([0, 0, 1])).tolist() == [1, 0, 2]
    with pytest.raises(ValueError, match="no image of class 2"):
        nearest_of_class(train, labels, train[:1], torch.tensor([2]))


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_slope_spread_equals_a_loop_over_pairs_that_builds_each_dual_weight(layer):
    network, (train, labels), (test, _) = small_network((6, 16, 12, 3)), small_data(), small_data(seed=2)
    weight, slopes = network.weights[layer], []
    for image, shifted, label in zip(train, test, labels, strict=True):
        a, b = (network.activations(x[None])[layer][0] for x in (image, shifted))
        dual = torch.outer(weight @ (b - a), a) / (a @ a)
        changed = network.replaced(layer, weight + dual)
        loss = [LOSSES["cross_entropy"].mean(n.logits(image[None]), label[None]) for n in (changed, network)]
        assert loss[0] == pytest.approx(LOSSES["cross_entropy"].mean(network.logits(shifted[None]), label[None]), rel=1e-12)
        slopes.append((loss[0] - loss[1]) * dual.flatten() / dual.square().sum())
    expected = torch.stack(slopes).var(0, correction=0).sum().sqrt()
    assert slope_spread(network, train, test, labels, layer) == pytest.approx(float(expected), rel=1e-10)


def test_pairs_without_activity_or_change_are_left_out():
    network, (train, labels), (test, _) = small_network(), small_data(), small_data(seed=2)
    spoiled = (torch.cat([train, 0 * train[:1], train[:1]]), torch.cat([test, test[:1], train[:1]]))
    expected = slope_spread(network, train, test, labels, 1)
    assert slope_spread(network, *spoiled, torch.cat([labels, labels[:2]]), 1) == pytest.approx(expected, rel=1e-12)


def test_equal_slopes_have_no_spread():
    network, (train, labels), (test, _) = small_network(), small_data(n=3), small_data(n=3, seed=2)
    pairs = [part[:1].repeat(7, 1) for part in (train, test)]
    spread = slope_spread(network, *pairs, labels[:1].repeat(7), 1)
    assert isinstance(spread, float)
    assert spread == pytest.approx(0, abs=1e-6)
