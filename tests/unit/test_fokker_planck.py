"""The Fokker-Planck solver against exact solutions, dense linear algebra, and conservation laws."""

import numpy as np
import pytest
import scipy.linalg

from sgdphysics.errors import InputError
from sgdphysics.fokker_planck import cell_centres, current_at_centres, evolve, generator, probability_current, stationary_density

# A coupled quadratic potential with unequal noise: a stationary state out of equilibrium, normal, with a known covariance.
COUPLING = np.array([[1.0, 0.6], [0.6, 2.0]])
DIFFUSIONS = (0.5, 0.2)
REACH = 4.5


def coupled(cells):
    """Centres, spacing and potential of the coupled quadratic well."""
    x, spacing = cell_centres(-REACH, REACH, cells)
    first, second = np.meshgrid(x, x, indexing="ij")
    potential = (COUPLING[0, 0] * first**2 + 2 * COUPLING[0, 1] * first * second + COUPLING[1, 1] * second**2) / 2
    return x, spacing, potential


def covariance_of(density, x, spacing):
    first, second = np.meshgrid(x, x, indexing="ij")
    weights = density * spacing**2
    return np.array([[np.sum(weights * a * b) for b in (first, second)] for a in (first, second)])


def expected_covariance():
    return scipy.linalg.solve_continuous_lyapunov(COUPLING, 2 * np.diag(DIFFUSIONS))


def observed_order(errors):
    """Exponents of error ~ spacing^order between successive halvings of the spacing."""
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


def rough(shape, scale=3.0, seed=0):
    return scale * np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("shape", [(40,), (12, 9), (5, 4, 3)])
@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_generator_conserves_mass_and_moves_it_forwards(shape, scale):
    potential = rough(shape, scale)
    matrix = generator(potential, [0.1] * len(shape), np.linspace(0.5, 2, len(shape))).toarray()
    size = np.abs(matrix).sum(0)
    assert np.abs(matrix.sum(0)).max() <= 1e-13 * size.max()
    assert (matrix - np.diag(np.diag(matrix)) >= 0).all()
    assert np.isfinite(matrix).all()


def test_mass_is_conserved_in_time_and_the_density_stays_positive():
    spike = np.zeros((25, 20))
    spike[3, 17] = 1 / 0.1**2
    # The rough potential has steps of hundreds of D between cells, and needs many terms of the exponential.
    for time, scale in ((1e-3, 2.0), (0.05, 2.0), (2.0, 2.0), (1e-3, 300.0)):
        potential = rough((25, 20), scale)
        density = evolve(spike, time, potential, (0.1, 0.1), (1.0, 0.3))
        assert density.sum() * 0.01 == pytest.approx(1, abs=1e-10)
        assert density.min() >= -1e-14 * density.max()


def test_stationary_density_is_positive_where_it_is_tiny():
    x, width = cell_centres(-1, 1, 80)
    density = stationary_density(200 * x**2, [width], [1.0])
    assert density.min() > 0
    assert density.sum() * width == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(np.log(density / density.max()), -200 * (x**2 - x[40] ** 2), rtol=1e-9, atol=1e-9)


def double_well(barrier, cells=60):
    """Centres and potential of two wells at -1 and 1, the first 0.6 deeper; ``barrier`` is what lies between them."""
    x, width = cell_centres(-1.5, 1.5, cells)
    return width, barrier * (x**2 - 1) ** 2 + 0.3 * x


@pytest.mark.parametrize("barrier", [5, 10, 20])
def test_two_wells_share_the_density_rightly_up_to_the_stated_barrier(barrier):
    width, potential = double_well(barrier)
    boltzmann = np.exp(potential.min() - potential)
    density = stationary_density(potential, [width], [1.0])
    np.testing.assert_allclose(density, boltzmann / (boltzmann.sum() * width), rtol=1e-6)
    # Unequal noise; the second axis does not matter, for the potential is a sum.
    both = stationary_density(potential[:, None] + np.arange(4.0), (width, 1.0), (1.0, 0.3))
    np.testing.assert_allclose(both.sum(1), density, rtol=1e-6)


@pytest.mark.parametrize("barrier", [30, 40, 60, 100, 1000, 1e5])
@pytest.mark.parametrize("equal", [True, False])
def test_higher_barriers_are_refused(barrier, equal):
    """Unchecked, a third of the density was in the wrong well at 40 D, without a negative cell and with a small residual."""
    width, potential = double_well(barrier)
    with pytest.raises(InputError, match=r"potential: found barriers that leave .* \(barriers up to about 20 D\)") as caught:
        if equal:
            stationary_density(potential, [width], [1.0])
        else:
            stationary_density(potential[:, None] + np.arange(4.0), (width, 1.0), (1.0, 0.3))
    assert "\n" not in str(caught.value)


def test_walls_between_all_cells_are_refused():
    """Between cells of steps of 2000 D the rates upwards are zero, and the matrix is singular."""
    with pytest.raises(InputError, match="relative error of up to inf"):
        stationary_density(np.tile([0.0, 2000.0], (4, 2)), (1.0, 1.0), (1.0, 0.5))


def test_the_lowest_cell_may_be_the_rarest():
    """Weak noise along a valley of minima drives the density far from its end, where the lowest cell is found first."""
    x, x_width = cell_centres(-1, 1, 61)
    y, y_width = cell_centres(-0.2, 0.2, 41)
    potential = (1 + 4 * x[:, None] ** 2) * y**2 / 2
    density = stationary_density(potential, (x_width, y_width), (0.001 / 64, 0.001))
    assert potential.argmin() < potential.shape[1]
    assert density[0].sum() < 1e-15 * density.sum()
    np.testing.assert_allclose(density, density[::-1], rtol=1e-6)
    assert density.min() > 0


def test_equal_noise_gives_the_heat_bath_exactly_and_no_current():
    potential = rough((15, 12), 1.0)
    density = stationary_density(potential, (0.2, 0.3), (0.7, 0.7))
    boltzmann = np.exp(-potential / 0.7)
    np.testing.assert_allclose(density, boltzmann / (boltzmann.sum() * 0.06), rtol=1e-9)
    for current in probability_current(density, potential, (0.2, 0.3), (0.7, 0.7)):
        assert np.abs(current).max() < 1e-11 * density.max()


def test_unequal_noise_has_a_current_without_sources():
    _, spacing, potential = coupled(60)
    density = stationary_density(potential, (spacing, spacing), DIFFUSIONS)
    along, across = probability_current(density, potential, (spacing, spacing), DIFFUSIONS)
    assert np.abs(along).max() > 1e-3 * density.max()
    divergence = np.diff(np.pad(along, [(1, 1), (0, 0)]), axis=0) + np.diff(np.pad(across, [(0, 0), (1, 1)]), axis=1)
    assert np.abs(divergence).max() < 1e-11 * np.abs(along).max()


def test_current_of_a_linear_well_is_that_of_the_exact_solution():
    """j = (-A x + D S^-1 x) p for the stationary covariance S of the Ornstein-Uhlenbeck process."""
    x, spacing, potential = coupled(120)
    density = stationary_density(potential, (spacing, spacing), DIFFUSIONS)
    along, _ = probability_current(density, potential, (spacing, spacing), DIFFUSIONS)
    faces = (x[1:] + x[:-1]) / 2
    first, second = np.meshgrid(faces, x, indexing="ij")
    inverse = np.linalg.inv(expected_covariance())
    velocity = -(COUPLING[0, 0] * first + COUPLING[0, 1] * second)
    velocity += DIFFUSIONS[0] * (inverse[0, 0] * first + inverse[0, 1] * second)
    normal = np.exp(-(inverse[0, 0] * first**2 + 2 * inverse[0, 1] * first * second + inverse[1, 1] * second**2) / 2)
    expected = velocity * normal * np.sqrt(np.linalg.det(inverse)) / (2 * np.pi)
    np.testing.assert_allclose(along, expected, atol=0.02 * np.abs(expected).max())


def test_stationary_state_converges_to_second_order():
    expected, errors = expected_covariance(), []
    for cells in (24, 48, 96):
        x, spacing, potential = coupled(cells)
        density = stationary_density(potential, (spacing, spacing), DIFFUSIONS)
        errors.append(np.abs(covariance_of(density, x, spacing) - expected).max())
    assert errors[-1] < 5e-3
    assert ((observed_order(errors) > 1.8) & (observed_order(errors) < 2.2)).all()


def test_time_evolution_converges_to_second_order():
    """Ornstein-Uhlenbeck from a normal start: the mean decays, the covariance obeys the Lyapunov equation."""
    time, start_mean, start_covariance = 0.6, np.array([0.8, -0.5]), 0.15 * np.eye(2)
    decay = scipy.linalg.expm(-COUPLING * time)
    stationary = expected_covariance()
    expected_mean = decay @ start_mean
    expected = stationary + decay @ (start_covariance - stationary) @ decay.T
    errors = []
    for cells in (24, 48, 96):
        x, spacing, potential = coupled(cells)
        first, second = np.meshgrid(x, x, indexing="ij")
        # Averages over cells: values at the centres would make the start itself wrong to second order.
        edges = np.append(x - spacing / 2, x[-1] + spacing / 2)
        shares = [np.diff(scipy.special.ndtr((edges - mean) / np.sqrt(0.15))) / spacing for mean in start_mean]
        density = evolve(np.outer(*shares), time, potential, (spacing, spacing), DIFFUSIONS)
        mean = np.array([(density * part).sum() for part in (first, second)]) * spacing**2
        covariance = covariance_of(density, x, spacing) - np.outer(mean, mean)
        errors.append(max(np.abs(mean - expected_mean).max(), np.abs(covariance - expected).max()))
    assert errors[-1] < 5e-3
    assert ((observed_order(errors) > 1.8) & (observed_order(errors) < 2.2)).all()


def test_long_times_forget_the_start():
    potential = rough((12, 10), 1.0, seed=1)
    arguments = potential, (0.3, 0.3), (1.0, 0.4)
    start = np.zeros_like(potential)
    start[0, 0] = 1 / 0.09
    np.testing.assert_allclose(evolve(start, 200.0, *arguments), stationary_density(*arguments), rtol=1e-7)


def test_the_current_of_a_cell_is_the_mean_over_its_faces_and_none_at_walls():
    along = np.array([[1.0, 10.0], [3.0, 30.0]])  # 3 x 2 cells
    assert current_at_centres(along, 0).tolist() == [[0.5, 5], [2, 20], [1.5, 15]]
    assert current_at_centres(along, 1).tolist() == [[0.5, 5.5, 5], [1.5, 16.5, 15]]


@pytest.mark.parametrize("shape", [(30,), (6, 5), (4, 3, 3)])
def test_against_dense_linear_algebra(shape):
    potential, spacings = rough(shape, 1.0, seed=2), (0.3, 0.2, 0.5)[: len(shape)]
    arguments = potential, spacings, (1.0, 0.4, 0.7)[: len(shape)]
    matrix = generator(*arguments).toarray()
    start = np.random.default_rng(3).random(potential.shape)
    exact = (scipy.linalg.expm(0.1 * matrix) @ start.ravel()).reshape(start.shape)
    np.testing.assert_allclose(evolve(start, 0.1, *arguments), exact, rtol=1e-10)
    (null,) = scipy.linalg.null_space(matrix).T
    np.testing.assert_allclose(stationary_density(*arguments).ravel(), null / (null.sum() * np.prod(spacings)), rtol=1e-9)


def test_generator_is_the_equation_on_a_smooth_density():
    """A p against d/dx (p U' + D p') in closed form, inside: the error falls with the square of the spacing."""
    errors = []
    for cells in (50, 100, 200):
        x, width = cell_centres(-2, 2, cells)
        density, slope, bend = np.exp(-((x - 0.3) ** 2)), -2 * (x - 0.3), -2 + 4 * (x - 0.3) ** 2
        exact = density * (3 * x**2 + slope * x**3 + 0.7 * bend)  # U = x^4 / 4, D = 0.7
        found = generator(x**4 / 4, [width], [0.7]) @ density
        inner = np.abs(x) < 1.5
        errors.append(np.abs(found - exact)[inner].max())
    assert ((observed_order(errors) > 1.8) & (observed_order(errors) < 2.2)).all()


def test_cells_fill_the_space_between_the_walls():
    x, width = cell_centres(-1, 2, 6)
    assert width == 0.5
    np.testing.assert_allclose(x, [-0.75, -0.25, 0.25, 0.75, 1.25, 1.75])


FLAT = np.zeros((4, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cell_centres(1, 1, 5), "walls: found 1 and 1, expected the second above the first"),
        (lambda: cell_centres(0, 1, 1), "cells: found 1, expected at least 2"),
        (lambda: generator(FLAT, (0.1, 0.0), (1.0, 1.0)), r"spacings: found \[0.1, 0.0\], expected 2 numbers above 0"),
        (lambda: generator(FLAT, (0.1,), (1.0, 1.0)), r"spacings: found \[0.1\], expected 2 numbers above 0"),
        (lambda: generator(FLAT, (0.1, 0.1), (1.0, -1.0)), r"diffusions: found \[1.0, -1.0\], expected 2 numbers above 0"),
        (lambda: stationary_density(FLAT * np.nan, (0.1, 0.1), (1.0, 1.0)), "potential: found values that are not finite"),
        (lambda: evolve(FLAT, 0.0, FLAT, (0.1, 0.1), (1.0, 1.0)), "time: found 0, expected a number above 0"),
        (lambda: evolve(FLAT, np.nan, FLAT, (0.1, 0.1), (1.0, 1.0)), "time: found nan"),
        (lambda: evolve(FLAT[:2], 1.0, FLAT, (0.1, 0.1), (1.0, 1.0)), r"density: found shape \(2, 3\), expected .* \(4, 3\)"),
        (lambda: evolve(FLAT.T, 1.0, FLAT, (0.1, 0.1), (1.0, 1.0)), r"density: found shape \(3, 4\), expected .* \(4, 3\)"),
        (lambda: probability_current(FLAT, FLAT, (0.1, 0.1), (1.0, np.inf)), "diffusions: found"),
    ],
)
def test_bad_input_is_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
