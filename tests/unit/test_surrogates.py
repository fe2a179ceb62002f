import numpy as np
import pytest
import torch

from sgdphysics import surrogates as s


def sgd_in_a_well(h, learning_rate, batch_size, epoch_steps, epochs, sampling, samples, walkers, seed=0):
    """Positions (steps, walkers) of SGD on <(h/2) (x - c_n)^2>, started at the minimum: brute force for the theory."""
    random = np.random.default_rng(seed)
    x, path = np.full(walkers, samples.mean()), []
    for _ in range(epochs):
        if sampling == "epoch":
            order = random.permuted(np.tile(np.arange(len(samples)), (walkers, 1)), axis=1)
        else:
            order = random.integers(len(samples), size=(walkers, len(samples)))
        batches = samples[order[:, : epoch_steps * batch_size]].reshape(walkers, epoch_steps, batch_size).mean(2)
        for step in range(epoch_steps):
            x = x - learning_rate * h * (x - batches[:, step])
            path.append(x)
    return np.array(path)


@pytest.mark.parametrize("rate_times_curvature", [0.1, 0.7])
def test_variance_of_sgd_in_a_quadratic_well(rate_times_curvature):
    samples = np.random.default_rng(5).standard_normal(64)
    h, alpha, batch = 2.0, rate_times_curvature / 2.0, 4
    path = sgd_in_a_well(h, alpha, batch, 16, 250, "replacement", samples, walkers=400)[200:]
    s2 = h**2 * samples.var() / batch
    expected = alpha * s2 / (h * (2 - alpha * h))
    # Squares of an AR(1) process decorrelate in (1 + q^2)/(1 - q^2) steps; four standard errors of the variance.
    q = 1 - alpha * h
    independent = path.size * (1 - q**2) / (1 + q**2)
    assert path.var() == pytest.approx(expected, rel=4 * np.sqrt(2 / independent))
    theory = s.stationary_variance(torch.tensor([h, -h, 2.1 / alpha]), torch.full((3,), alpha * s2 / 2), alpha)
    assert theory.tolist() == pytest.approx([expected, np.inf, np.inf], rel=1e-6)


@pytest.mark.parametrize("sampling", ["epoch", "replacement"])
@pytest.mark.parametrize("h", [0.001, 0.05, 2.0])
@pytest.mark.parametrize(("batch", "epoch_steps"), [(5, 12), (40, 1)])
def test_window_variance_equals_brute_force(sampling, h, batch, epoch_steps):
    samples = np.random.default_rng(6).standard_normal(60)
    alpha, earlier, epochs = 0.3, 3, 4
    path = sgd_in_a_well(h, alpha, batch, epoch_steps, earlier + epochs, sampling, samples, walkers=20_000)
    window = path[earlier * epoch_steps :]
    deviations = ((window - window.mean(0)) ** 2).mean(0)
    population = 1.0 if sampling == "replacement" else (60 - batch) / 59
    expected = s.window_variance(
        torch.tensor([h], dtype=torch.float64),
        torch.tensor([alpha / 2 * h**2 * samples.var() * population / batch], dtype=torch.float64),
        learning_rate=alpha,
        epoch_steps=epoch_steps,
        epochs=epochs,
        sampling=sampling,
        earlier_epochs=earlier,
    )
    assert deviations.mean() == pytest.approx(float(expected), abs=4 * deviations.std() / np.sqrt(20_000))


def test_window_variance_without_curvature_or_replacement_is_that_of_a_bridge():
    for m in (5, 80):
        variance = s.window_variance(
            torch.tensor([0.0, 1e-13], dtype=torch.float64),
            torch.tensor([0.1 / 2 * 1.5] * 2, dtype=torch.float64),
            learning_rate=0.1,
            epoch_steps=m,
            epochs=6,
            sampling="epoch",
            earlier_epochs=0,
        )
        # The mean of a bridge over one epoch fluctuates too, but every epoch starts and ends at the same point.
        bridge = 0.1**2 * 1.5 * (m + 1) / 6
        within = 1 - 1 / 6 * mean_share(m)
        assert variance.tolist() == pytest.approx([bridge * within] * 2, rel=1e-9)


@pytest.mark.parametrize("order", [0, 1, 2, 4])
@pytest.mark.parametrize("sampling", ["epoch", "replacement"])
def test_window_variance_without_slow_movement_equals_that_of_the_dense_covariance(sampling, order):
    alpha, epoch_steps, earlier, epochs, temperature = 0.3, 6, 2, 3, 0.7
    steps, window = (earlier + epochs) * epoch_steps, slice(earlier * epoch_steps, None)
    curvatures = np.array([0.0, 0.02, 1.0, 5.0, 6.5])
    noise = np.eye(steps)
    if sampling == "epoch":
        within = np.kron(np.eye(earlier + epochs), np.ones((epoch_steps, epoch_steps)))
        noise = epoch_steps / (epoch_steps - 1) * (noise - within / epoch_steps)
    expected = []
    for h in curvatures:
        response = np.tril((1 - alpha * h) ** np.maximum(np.subtract.outer(np.arange(steps), np.arange(steps)), 0))
        covariance = (2 * alpha * temperature * response @ noise @ response.T)[window, window]
        times = np.linspace(-1, 1, epochs * epoch_steps)
        fitted = np.linalg.qr(np.vander(times, order + 1))[0]
        expected.append(np.trace(covariance - fitted @ (fitted.T @ covariance)) / len(times))
    found = s.window_variance(
        torch.from_numpy(curvatures),
        torch.full((5,), temperature, dtype=torch.float64),
        learning_rate=alpha,
        epoch_steps=epoch_steps,
        epochs=epochs,
        sampling=sampling,
        earlier_epochs=earlier,
        detrending_order=order,
    )
    assert found.tolist() == pytest.approx(expected, rel=1e-9)


def mean_share(m):
    """Variance of the time mean of a discrete bridge of m unit steps over its mean square, exactly."""
    steps = np.eye(m) - 1 / m
    path = np.cumsum(steps, axis=0) * np.sqrt(m / (m - 1))
    covariance = path @ path.T
    return covariance.mean() / np.diag(covariance).mean()


@pytest.mark.parametrize("sampling", ["epoch", "replacement"])
def test_gradient_noise_walk_has_the_covariance_of_sgd_noise(sampling):
    random = np.random.default_rng(0)
    errors, inputs = torch.from_numpy(random.standard_normal((40, 2))), torch.from_numpy(random.standard_normal((40, 3)))
    gradients = (errors[:, :, None] * inputs[:, None, :]).flatten(1)
    paths = list(s.gradient_noise_walk(errors, inputs, 0.1, 4, 3000, sampling, np.random.default_rng(1)))
    path = torch.cat([torch.zeros(1, 6, dtype=torch.float64), *paths])
    steps = path.diff(dim=0)
    population = 36 / 39 if sampling == "epoch" else 1.0
    expected = 0.01 / 4 * population * torch.cov(gradients.T, correction=0)
    assert torch.allclose(torch.cov(steps.T), expected, atol=0.05 * float(expected.diagonal().max()))
    assert len(paths[0]) == 10
    if sampling == "epoch":  # every image once per epoch: the walk returns to its start
        assert float(torch.stack([block[-1] for block in paths]).abs().max()) < 1e-9


def test_isotropic_walk_returns_each_epoch_only_without_replacement():
    epoch = list(s.isotropic_walk(4, 20, 3, "epoch", np.random.default_rng(0)))
    free = list(s.isotropic_walk(4, 20, 3, "replacement", np.random.default_rng(0)))
    assert float(epoch[1][-1].abs().max()) < 1e-12
    assert float(free[1][-1].abs().min()) > 1e-3
    assert torch.cat(free).diff(dim=0).var().item() == pytest.approx(1, abs=0.3)
