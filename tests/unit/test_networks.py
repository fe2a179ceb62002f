import pytest
import torch

from cases import small_data, small_network
from sgdphysics.networks import Mlp, initial_weights


def test_logits_are_those_of_the_formula():
    network, (images, _) = small_network(), small_data()
    first, second, third = network.weights
    expected = torch.relu(torch.relu(images @ first.T) @ second.T) @ third.T
    assert torch.equal(network.logits(images), expected)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_layer_jacobian_matches_autograd(layer):
    network, (images, _) = small_network(), small_data(n=5)
    inputs = network.activations(images)[layer]
    output = inputs @ network.weights[layer].T
    expected = torch.stack([torch.autograd.functional.jacobian(lambda z: network.logits_above(layer, z), row) for row in output])
    assert torch.allclose(network.layer_jacobian(layer, network.activations(images)), expected, rtol=1e-12, atol=1e-14)


def test_initial_weights_fill_the_published_range_and_scale_with_s():
    weights = initial_weights((784, 50, 10), seed=3)
    scaled = initial_weights((784, 50, 10), seed=3, scale=4.0)
    assert [tuple(w.shape) for w in weights] == [(50, 784), (10, 50)]
    assert float(weights[0].abs().max()) == pytest.approx(784**-0.5, rel=1e-3)
    assert torch.allclose(scaled[0], 4 * weights[0])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ((), "expected one or more"),
        ((torch.zeros(3, 4), torch.zeros(2, 5)), "layer 0 has 3 outputs, but layer 1 takes 5 inputs"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        Mlp(weights)


def test_images_and_layers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"images: found shape \(2, 7\), expected \(N, 6\)"):
        small_network().logits(torch.zeros(2, 7))
    with pytest.raises(ValueError, match="layer: 3 does not exist, the network has layers 0 to 2"):
        small_network().checked_layer(3)
