import numpy as np
import pytest
import torch

from cases import small_data, small_network
from sgdphysics.curvature import gradient_covariance
from sgdphysics.noise import gradient_variance, projected_gradients, temperature


def test_temperature_is_the_quadratic_form_of_the_covariance():
    network, (images, labels) = small_network(), small_data()
    directions = torch.randn(4, 20, dtype=torch.float64)
    covariance = gradient_covariance(network, images, labels, 1)
    gradients = projected_gradients(network, images, labels, 1, directions)
    expected = 0.1 / 2 / 8 * torch.einsum("ki,ij,kj->k", directions, covariance, directions)
    assert torch.allclose(temperature(gradients, 0.1, 8, "replacement"), expected, rtol=1e-10)
    assert torch.allclose(temperature(gradients, 0.1, 8, "epoch"), expected * (40 - 8) / 39, rtol=1e-10)


@pytest.mark.parametrize("sampling", ["epoch", "replacement"])
def test_temperature_is_the_variance_of_sampled_batches(sampling):
    gradients = torch.from_numpy(np.random.default_rng(0).standard_normal((30, 1)))
    random, draws = np.random.default_rng(1), 40_000
    batches = [random.choice(30, 10, replace=sampling == "replacement") for _ in range(draws)]
    means = gradients[torch.tensor(np.array(batches)), 0].mean(1)
    sampled = 0.2 / 2 * float(means.var())
    # Standard error of a variance of nearly Gaussian draws.
    assert float(temperature(gradients, 0.2, 10, sampling)) == pytest.approx(sampled, rel=4 * (2 / draws) ** 0.5)


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
def test_the_variance_of_gradients_is_the_trace_of_their_covariance(loss):
    network, (images, labels) = small_network(), small_data()
    for layer in range(len(network.weights)):
        expected = float(gradient_covariance(network, images, labels, layer, loss).trace())
        assert gradient_variance(network, images, labels, layer, loss) == pytest.approx(expected, rel=1e-10)
