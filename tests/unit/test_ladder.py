import numpy as np
import pytest
import torch

from sgdphysics import ladder, surrogates
from sgdphysics.errors import InputError


def frozen_noise(epochs=6, sampling="epoch", seed=1):
    """Walk with the noise of SGD at one point, in 6 dimensions, of 40 samples in batches of 4."""
    random = np.random.default_rng(0)
    errors, inputs = torch.from_numpy(random.standard_normal((40, 2))), torch.from_numpy(random.standard_normal((40, 3)))
    return surrogates.gradient_noise_walk(errors, inputs, 0.1, 4, epochs, sampling, np.random.default_rng(seed))


def bowl(scale=0.3):
    """Eigenvalues, eigenvectors as rows, and the matrix of a random Hessian."""
    matrix = np.random.default_rng(3).standard_normal((6, 9))
    hessian = torch.from_numpy(matrix @ matrix.T) * scale
    curvatures, vectors = torch.linalg.eigh(hessian)
    return curvatures, vectors.T, hessian


def test_a_rotated_walk_keeps_the_eigenvalues_and_loses_the_eigenvectors():
    walk = torch.cat(list(frozen_noise()))
    turned = torch.cat(list(ladder.rotated_walk(frozen_noise(), np.random.default_rng(2))))
    (values, vectors), (found, others) = (torch.linalg.eigh(torch.cov(path.T)) for path in (walk, turned))
    assert torch.allclose(found, values, rtol=1e-9)
    assert float((vectors * others).sum(0).abs().max()) < 0.999
    assert torch.allclose(turned.norm(dim=1), walk.norm(dim=1), rtol=1e-9)
    again = torch.cat(list(ladder.rotated_walk(frozen_noise(), np.random.default_rng(2))))
    assert torch.equal(turned, again)


def test_rotations_are_spread_over_all_directions():
    """Where a fixed direction is turned to: of uniform ones every coordinate has variance 1 / d and kurtosis 3 d / (d + 2)."""
    d, number = 32, 3000
    axis = torch.zeros(1, d, dtype=torch.float64)
    axis[0, 5] = 1.0
    turned = torch.cat([next(ladder.rotated_walk([axis], np.random.default_rng(seed))) for seed in range(number)])
    squares = d * turned.square()
    assert squares.mean(0).tolist() == pytest.approx([1.0] * d, abs=5 * np.sqrt(2 / number))
    assert float(squares.square().mean()) == pytest.approx(3 * d / (d + 2), rel=0.05)
    assert float(torch.corrcoef(turned.T).fill_diagonal_(0).abs().max()) < 5 / np.sqrt(number)


def test_linear_sgd_is_the_recursion_of_weights_with_the_dense_hessian():
    curvatures, directions, hessian = bowl()
    blocks = list(ladder.linear_sgd(frozen_noise(), curvatures, directions, 0.1))
    assert [block.shape for block in blocks] == [(10, 6)] * 6
    position, path = torch.zeros(6, dtype=torch.float64), []
    steps = torch.cat([torch.zeros(1, 6, dtype=torch.float64), *frozen_noise()]).diff(dim=0)
    for step in steps:
        position = position - 0.1 * hessian @ position + step
        path.append(position)
    assert torch.allclose(torch.cat(blocks), torch.stack(path), rtol=1e-9, atol=1e-12)


def test_linear_sgd_on_a_flat_loss_is_its_noise():
    walk = list(frozen_noise())
    flat = ladder.linear_sgd(walk, torch.zeros(6), torch.eye(6), 0.1)
    assert all(torch.allclose(found, expected, atol=1e-12) for found, expected in zip(flat, walk, strict=True))


@pytest.mark.parametrize("sampling", ["epoch", "replacement"])
def test_the_variance_of_linear_sgd_is_that_of_the_linear_theory(sampling):
    curvatures, directions, _ = bowl()
    random = np.random.default_rng(0)
    errors, inputs = torch.from_numpy(random.standard_normal((40, 2))), torch.from_numpy(random.standard_normal((40, 3)))
    gradients = (errors[:, :, None] * inputs[:, None, :]).flatten(1) @ directions.T
    population = 36 / 39 if sampling == "epoch" else 1.0
    theory = surrogates.window_variance(
        curvatures,
        0.1 / 2 / 4 * population * gradients.var(0, correction=0),
        learning_rate=0.1,
        epoch_steps=10,
        epochs=6,
        sampling=sampling,
        earlier_epochs=0,
    )
    paths = [
        torch.cat(list(ladder.linear_sgd(frozen_noise(6, sampling, seed), curvatures, directions, 0.1))) for seed in range(400)
    ]
    found = torch.stack([(path @ directions.T).var(0, correction=0) for path in paths])
    error = found.std(0) / np.sqrt(len(found))
    assert ((found.mean(0) - theory).abs() < 4 * error).all()


def test_a_bowl_too_steep_for_the_learning_rate_is_refused():
    curvatures, directions, _ = bowl()
    edge = ladder.STABLE / float(curvatures.max())
    assert ladder.is_stable(curvatures, 0.99 * edge)
    assert not ladder.is_stable(curvatures, edge)
    with pytest.raises(InputError, match=r"^curvatures: found \d.*, expected numbers below .*, 2 over the learning rate$"):
        ladder.linear_sgd(frozen_noise(), curvatures, directions, edge)


@pytest.mark.parametrize("rung", ["rotated", "linear"])
def test_epochs_of_another_dimension_are_refused_when_they_come(rung):
    walk = [torch.zeros(3, 6, dtype=torch.float64), torch.zeros(3, 5, dtype=torch.float64)]
    if rung == "rotated":
        path = ladder.rotated_walk(walk, np.random.default_rng(0))
    else:
        path = ladder.linear_sgd(walk, torch.ones(6), torch.eye(6), 0.1)
    next(path)
    with pytest.raises(InputError, match=r"^walk: found an epoch in 5 dimensions, expected 6"):
        next(path)
