import numpy as np
import pytest
import torch

from sgdphysics import fluctuations as f
from sgdphysics.detrending import polynomials
from sgdphysics.spectra import numbers_of_components


def dense_components(rows):
    values, vectors = np.linalg.eigh(np.cov(rows.numpy().T))
    return values[::-1], vectors.T[::-1]


@pytest.mark.parametrize(("steps", "dimension"), [(30, 50), (600, 20)])
def test_principal_components_equal_dense_eigendecomposition(steps, dimension):
    random = torch.Generator().manual_seed(0)
    rows = 5 + torch.randn(steps, dimension, generator=random).cumsum(0) * torch.linspace(1, 0.1, dimension)
    variances, directions = f.principal_components(rows)
    expected_values, expected_vectors = dense_components(rows.double())
    k = min(steps - 1, dimension)
    assert variances.shape == (k,)
    assert directions.shape == (k, dimension)
    assert np.allclose(variances, expected_values[:k], rtol=1e-8, atol=1e-12)
    assert np.allclose((directions[:10].numpy() * expected_vectors[:10]).sum(1) ** 2, 1, atol=1e-8)
    assert torch.allclose(directions @ directions.T, torch.eye(k, dtype=torch.float64), atol=1e-10)
    assert (directions.gather(1, directions.abs().argmax(1, keepdim=True)) > 0).all()


@pytest.mark.parametrize(("steps", "dimension"), [(30, 50), (50, 50), (51, 50), (600, 20)])
def test_variances_of_components_are_singular_values_of_the_deviations(steps, dimension):
    random = torch.Generator().manual_seed(0)
    rows = 5 + torch.randn(steps, dimension, generator=random).cumsum(0) * torch.linspace(1, 0.1, dimension)
    moments = f.WindowMoments(dimension, steps)
    moments.add(rows)
    singular = np.linalg.svd((rows - rows.mean(0)).double().numpy(), compute_uv=False)
    expected = (singular**2 / (steps - 1))[: min(steps - 1, dimension)]
    assert moments.component_variances.shape == expected.shape
    assert np.allclose(moments.component_variances, expected, rtol=1e-5, atol=1e-6 * expected[0])
    assert torch.allclose(moments.component_variances, moments.principal_components()[0], rtol=1e-9, atol=1e-12)
    assert float(moments.component_variances.sum()) == pytest.approx(moments.total_variance)


@pytest.mark.parametrize("order", range(5))
def test_a_polynomial_is_taken_out_and_nothing_else(order):
    times = np.linspace(0, 1, 300)
    still = np.random.default_rng(0).standard_normal((300, 3))
    still -= np.polynomial.polynomial.polyval(times, np.polynomial.polynomial.polyfit(times, still, order)).T
    slow = np.vander(times, order + 1) @ np.random.default_rng(1).standard_normal((order + 1, 3))
    found = f.without_polynomial(torch.from_numpy(1e6 * slow + still), order)
    assert np.allclose(found, still, atol=1e-8)
    basis = polynomials(300, order)
    assert torch.allclose(basis @ basis.T, torch.eye(order + 1, dtype=torch.float64), atol=1e-14)


@pytest.mark.parametrize("dimension", [20, 1000])
def test_streamed_moments_equal_those_of_the_stored_rows(dimension):
    rows = torch.randn(600, dimension, generator=torch.Generator().manual_seed(1)) + 100
    moments = f.WindowMoments(dimension, 600)
    for block in rows.split(37):
        moments.add(block)
    direction = torch.randn(3, dimension, dtype=torch.float64)
    assert torch.allclose(moments.mean, rows.double().mean(0))
    series = rows.double() @ direction.T
    assert torch.allclose(moments.variance_along(direction), series.var(0), rtol=1e-9)
    detrended = f.without_drift(series)
    assert torch.allclose(moments.variance_along(direction, without_drift=True), detrended.var(0), rtol=1e-9)
    line = [np.polyfit(np.arange(600), column.numpy(), 1)[0] * 599 for column in series.T]
    assert (direction @ moments.drift).tolist() == pytest.approx(line, rel=1e-8)
    with pytest.raises(ValueError, match="window of 600 steps is full"):
        moments.add(rows[0])


def test_trajectories_without_two_finite_steps_are_refused():
    with pytest.raises(ValueError, match="at least 2 steps"):
        f.principal_components(torch.zeros(1, 3))
    bad = torch.zeros(4, 3)
    bad[2, 1] = torch.nan
    with pytest.raises(ValueError, match="non-finite weight at step 2"):
        f.principal_components(bad)
    with pytest.raises(ValueError, match="found 2 steps, expected the whole window of 4"):
        moments = f.WindowMoments(3, 4)
        moments.add(torch.zeros(2, 3))
        _ = moments.mean


def test_a_trajectory_that_stands_still_is_refused():
    with pytest.raises(ValueError, match="trajectory: found the same weights at all 4 steps, expected weights that move"):
        f.principal_components(torch.ones(4, 3))


@pytest.mark.parametrize("shape", [(6, 9), (9, 6)])  # steps and weights: kept whole, and streamed
@pytest.mark.parametrize("rank", [1, 3])
def test_directions_are_orthonormal_where_weights_move_in_few_of_them(shape, rank):
    random = torch.Generator().manual_seed(0)
    steps, weights = (torch.randn(size, rank, generator=random, dtype=torch.float64) for size in shape)
    variances, directions = f.principal_components(steps @ weights.T)
    count = min(shape[0] - 1, shape[1])
    assert directions.shape == (count, shape[1])
    assert torch.allclose(directions @ directions.T, torch.eye(count, dtype=torch.float64), atol=1e-12)
    assert int(variances.count_nonzero()) == rank
    assert float(variances.sum()) == pytest.approx(float((steps @ weights.T).var(0).sum()))
    moving = directions[:rank]
    assert torch.allclose(weights.T @ moving.T @ moving, weights.T)  # these span where it moves


def test_a_window_that_stands_still_has_no_direction_that_is_no_number():
    moments = f.WindowMoments(6, 4)
    moments.add(torch.ones(4, 6))
    variances, directions = moments.principal_components()
    assert not variances.any()
    assert not moments.component_variances.any()
    assert torch.allclose(directions @ directions.T, torch.eye(3, dtype=torch.float64), atol=1e-12)


def test_participation_ratio_and_share_of_known_spectra():
    assert f.participation_ratio(torch.ones(7)) == pytest.approx(7)
    assert f.participation_ratio(torch.tensor([1.0, 0, 0])) == pytest.approx(1)
    assert f.components_for_share(torch.tensor([0.9, 0.08, 0.01, 0.01], dtype=torch.float64), 0.97) == 2


def test_components_are_counted_with_the_drift_and_without():
    variances = torch.tensor([90.0, 8.0, 1.5, 0.4, 0.1], dtype=torch.float64)
    rest = variances[1:]
    expected = {"components_90": 1, "components_99": 3, "components_90_without_first": 2, "components_99_without_first": 3}
    expected["participation_ratio_without_first"] = float(rest.sum() ** 2 / rest.square().sum())
    assert numbers_of_components(variances, 100.0) == pytest.approx(expected)
    # Of a spectrum that was cut off only what is certain.
    cut = numbers_of_components(variances[:2], 100.0)
    assert {name: number for name, number in cut.items() if not np.isnan(number)} == {"components_90": 1}
    # Of one direction nothing is left.
    for variances in ([2.0, 0, 0], [2.0]):
        alone = numbers_of_components(torch.tensor(variances), 2.0)
        assert {name: number for name, number in alone.items() if not np.isnan(number)} == {"components_90": 1, "components_99": 1}


def test_correlation_times_of_an_autoregressive_process():
    rho, steps = 0.9, 400_000
    random = np.random.default_rng(0)
    noise = random.standard_normal((steps, 2))
    series = np.empty_like(noise)
    series[0] = noise[0] / np.sqrt(1 - rho**2)
    for step in range(1, steps):
        series[step] = rho * series[step - 1] + noise[step]
    series = torch.from_numpy(series)
    # 1 / (1 - rho) = 10 and (1 + rho) / (1 - rho) = 19; about steps / 19 independent samples, hence 2 %.
    assert f.relaxation_time(series).tolist() == pytest.approx([10, 10], rel=0.02)
    assert f.integrated_autocorrelation_time(series).tolist() == pytest.approx([19, 19], rel=0.05)


def test_projected_series_equals_the_product():
    rows = torch.randn(150, 6, generator=torch.Generator().manual_seed(1)) + 100
    directions = torch.randn(2, 6, dtype=torch.float64)
    series = f.ProjectedSeries(directions, rows[0], 150)
    for row in rows:
        series.add(row)
    assert torch.allclose(series.values, (rows.double() - rows[0].double()) @ directions.T, rtol=1e-12)
