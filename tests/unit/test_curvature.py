import pytest
import torch
import torch.nn.functional as F

from cases import small_data, small_network
from sgdphysics import curvature
from sgdphysics.arrays import largest_eigenpairs
from sgdphysics.curvature import (
    curvature_along,
    gradient_covariance,
    hessian_trace,
    largest_curvatures,
    layer_gradients,
    layer_hessian,
    sharpest_directions,
)


def loss_of(network, layer, images, labels, loss):
    def function(flat):
        logits = network.replaced(layer, flat.view_as(network.weights[layer])).logits(images)
        if loss == "cross_entropy":
            return F.cross_entropy(logits, labels)
        return F.mse_loss(logits, F.one_hot(labels, logits.shape[1]).to(logits.dtype))

    return function


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("widths", [(6, 5, 4, 3), (6, 5, 4, 5, 3)])
def test_hessian_equals_double_backward(loss, layer, widths):
    network, (images, labels) = small_network(widths), small_data()
    function = loss_of(network, layer, images, labels, loss)
    expected = torch.autograd.functional.hessian(function, network.weights[layer].flatten())
    hessian = layer_hessian(network, images, labels, layer, loss)
    assert torch.allclose(hessian, expected, rtol=1e-10, atol=1e-12)
    directions = torch.randn(3, expected.shape[0], dtype=torch.float64)
    along = curvature_along(network, images, layer, directions, loss)
    assert torch.allclose(along, torch.einsum("ki,ij,kj->k", directions, expected, directions), rtol=1e-9)


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("layer", [0, 1, 2, 3])
def test_trace_is_that_of_the_hessian(loss, layer):
    network, (images, labels) = small_network((6, 5, 4, 5, 3)), small_data()
    trace = hessian_trace(network, images, layer, loss)
    assert isinstance(trace, float)
    assert trace == pytest.approx(float(layer_hessian(network, images, labels, layer, loss).trace()), rel=1e-12)
    single = small_network((6, 5, 4, 5, 3), dtype=torch.float32)  # computed in float64 all the same
    assert hessian_trace(single, images.float(), layer, loss) == hessian_trace(
        single.double(), images.float().double(), layer, loss
    )


def test_trace_of_a_layer_too_wide_for_a_dense_matrix():
    network, (images, labels) = small_network((784, 10, 3)), small_data(n=20, pixels=784)
    # The Hessian of 20 images has at most 20 * 2 eigenvalues above zero.
    values, _ = sharpest_directions(network, images, labels, 0, 45)
    assert hessian_trace(network, images, 0) == pytest.approx(float(values.sum()), rel=1e-9)
    with pytest.raises(ValueError, match="layer: 2 does not exist"):
        hessian_trace(network, images, 2)


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_covariance_equals_a_loop_over_samples(loss, layer):
    network, (images, labels) = small_network(), small_data()
    gradients = []
    for image, label in zip(images, labels, strict=True):
        weight = network.weights[layer].flatten().requires_grad_()
        loss_of(network, layer, image[None], label[None], loss)(weight).backward()
        gradients.append(weight.grad)
    expected = torch.cov(torch.stack(gradients).T, correction=0)
    assert torch.allclose(gradient_covariance(network, images, labels, layer, loss), expected, rtol=1e-10, atol=1e-13)
    errors, inputs = layer_gradients(network, images, labels, layer, loss)
    assert torch.allclose((errors[:, :, None] * inputs[:, None, :]).flatten(1), torch.stack(gradients), atol=1e-13)


def test_a_layer_too_wide_for_a_dense_matrix_is_refused():
    network, (images, labels) = small_network((784, 10, 3)), small_data(pixels=784)
    with pytest.raises(ValueError, match="layer: 0 has 7840 weights, a dense matrix is built for at most 5000"):
        layer_hessian(network, images, labels, 0)
    with pytest.raises(ValueError, match="layer: 2 does not exist"):
        gradient_covariance(network, images, labels, 2)


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_sharpest_directions_are_those_of_the_whole_spectrum(loss, layer):
    network, (images, labels) = small_network((9, 8, 7, 4)), small_data(pixels=9, classes=4)
    hessian = layer_hessian(network, images, labels, layer, loss)
    expected = torch.linalg.eigvalsh(hessian).flip(0)[:4]
    values, directions = sharpest_directions(network, images, labels, layer, 4, loss)
    assert torch.allclose(values, expected, rtol=1e-10, atol=1e-14)
    assert torch.allclose(directions @ hessian, values[:, None] * directions, atol=1e-11)
    assert torch.allclose(directions @ directions.T, torch.eye(4, dtype=torch.float64), atol=1e-12)
    assert (directions.gather(1, directions.abs().argmax(1, keepdim=True)) > 0).all()
    again = sharpest_directions(network, images, labels, layer, 4, loss)
    assert torch.equal(values, again[0])
    assert torch.equal(directions, again[1])


@pytest.mark.parametrize("units", [0, 1])
def test_sharpest_directions_of_a_network_that_hardly_responds(units):
    """No curvature at all, or along fewer directions than asked for."""
    network, (images, labels) = small_network((6, 5, 4, 3)), small_data()
    second = network.weights[1].abs() * torch.tensor([1.0] * units + [-1.0] * (4 - units))[:, None]
    network = network.replaced(1, second)
    values, directions = sharpest_directions(network, images, labels, 1, 8)
    expected, _ = largest_eigenpairs(layer_hessian(network, images, labels, 1), 8)
    assert torch.allclose(values, expected, atol=1e-13)
    assert directions.shape == (8, 20)
    for _ in range(3):
        again = sharpest_directions(network, images, labels, 1, 8)
        assert torch.equal(values, again[0])
        assert torch.equal(directions, again[1])
    assert (values > 1e-9).any() == bool(units)


def test_all_directions_of_a_layer_are_those_of_the_hessian():
    """More than the iteration can find."""
    network, (images, labels) = small_network(), small_data()
    for layer in range(3):
        hessian = layer_hessian(network, images, labels, layer)
        values, vectors = sharpest_directions(network, images, labels, layer, len(hessian))
        assert torch.allclose((vectors.T * values) @ vectors, hessian, atol=1e-12)
        assert torch.allclose(sharpest_directions(network, images, labels, layer, len(hessian) - 1)[0], values[:-1], atol=1e-12)
        with pytest.raises(ValueError, match=f"count: found {len(hessian) + 1}, expected at most {len(hessian)}, the weights of"):
            sharpest_directions(network, images, labels, layer, len(hessian) + 1)


def test_the_largest_curvatures_of_a_wide_layer_need_no_dense_matrix(monkeypatch):
    network, (images, labels) = small_network((6, 9, 8, 3)), small_data()
    expected = largest_eigenpairs(layer_hessian(network, images, labels, 1), 5)
    assert all(torch.equal(a, b) for a, b in zip(largest_curvatures(network, images, labels, 1, 5), expected, strict=True))
    monkeypatch.setattr(curvature, "DENSE_LIMIT", 71)
    with pytest.raises(ValueError, match="72 weights"):
        layer_hessian(network, images, labels, 1)
    values, directions = largest_curvatures(network, images, labels, 1, 5)
    assert torch.allclose(values, expected[0], rtol=1e-10)
    assert torch.allclose(directions, expected[1], atol=1e-7)


def test_a_wide_layer_without_any_curvature_has_directions_all_the_same(monkeypatch):
    monkeypatch.setattr(curvature, "DENSE_LIMIT", 19)
    network, (images, labels) = small_network((6, 5, 4, 3)), small_data()
    dead = network.replaced(1, -network.weights[1].abs())
    values, directions = largest_curvatures(dead, images, labels, 1, 3)
    assert values.tolist() == [0, 0, 0]
    assert torch.equal(directions @ directions.T, torch.eye(3, dtype=torch.float64))
