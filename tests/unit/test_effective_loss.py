"""Densities along the valley and their slopes, against planted densities and closed forms."""

import numpy as np
import pytest

from sgdphysics import toy
from sgdphysics.effective_loss import (
    ValleyDensity,
    WalkerHistogram,
    solve_on_grid,
)

VALLEY = toy.Landscape.single_valley()


def planted(kappa, points=40):
    x = np.linspace(-1, 1, points)
    flatness = VALLEY.flatness(x)
    return ValleyDensity(x, flatness ** (kappa - 1), flatness**kappa)


@pytest.mark.parametrize("kappa", [0.5, 1.0, 2.0, 8.0])
def test_slopes_of_the_theory_s_own_densities(kappa):
    joint, marginal = planted(kappa).slopes(VALLEY)
    assert joint == pytest.approx(1 - kappa, abs=1e-12)
    assert marginal == pytest.approx(kappa, abs=1e-12)
    row = planted(kappa).slope_row(VALLEY, kappa)
    assert row["joint_slope"] == pytest.approx(row["predicted_joint_slope"], abs=1e-12)
    assert row["marginal_slope"] == pytest.approx(row["predicted_marginal_slope"], abs=1e-12)


def test_slopes_need_a_flatness_that_varies_and_visits_everywhere():
    assert np.isnan(planted(2.0).slopes(toy.Landscape.constant())).all()
    density = planted(2.0)
    density.joint[3] = 0
    assert np.isnan(density.slopes(VALLEY)).all()


def test_places_with_few_walkers_weigh_little():
    density = planted(8.0)
    density.joint[0] *= 2  # at the wall, where the density is lowest
    density.joint[len(density.x) // 2] *= 1.0
    assert density.slopes(VALLEY)[0] == pytest.approx(-7, abs=0.1)


def test_grid_is_the_heat_bath_exactly_for_equal_noise():
    solution = solve_on_grid(VALLEY, diffusion=0.1, kappa=1.0, cells=(40, 60))
    assert len(solution.y) == 61
    assert solution.y[30] == pytest.approx(0, abs=1e-12)
    boltzmann = np.exp(-VALLEY.loss(solution.x[:, None], solution.y[None]) / 0.1)
    np.testing.assert_allclose(solution.density / solution.density.max(), boltzmann, rtol=1e-8, atol=1e-300)
    assert max(np.abs(part).max() for part in solution.current) < 1e-12 * solution.density.max()
    joint, marginal = solution.along_valley().slopes(VALLEY)
    assert joint == pytest.approx(0, abs=1e-9)
    assert marginal == pytest.approx(1, abs=1e-3)


def test_the_table_of_a_grid_has_evenly_spaced_cells_with_their_currents():
    solution = solve_on_grid(VALLEY, diffusion=0.1, kappa=4.0, cells=(40, 61))
    along, across = (np.zeros_like(solution.density) for _ in range(2))
    along[:-1] += solution.current[0] / 2
    along[1:] += solution.current[0] / 2
    across[:, :-1] += solution.current[1] / 2
    across[:, 1:] += solution.current[1] / 2
    table = solution.table(7)
    rows, columns = [0, 6, 13, 20, 26, 32, 39], range(0, 61, 10)  # 19.5 is rounded to the even number
    cells = [(row, column) for row in rows for column in columns]
    assert table["x"].tolist() == [solution.x[row] for row, _ in cells]
    assert table["y"].tolist() == [solution.y[column] for _, column in cells]
    for name, values in {"density": solution.density, "current_x": along, "current_y": across}.items():
        np.testing.assert_allclose(table[name], [values[cell] for cell in cells], rtol=1e-12, atol=1e-300)
    assert len(solution.table(1000)) == 40 * 61
    assert solution.largest_current == np.abs(solution.current[0]).max() / solution.density.max() > 1e-3


@pytest.mark.parametrize("kappa", [0.5, 4.0])
def test_grid_tends_to_the_theory_as_the_noise_weakens_and_not_before(kappa):
    """With y no longer fast against x the slope is off, by an amount that vanishes with Delta in proportion."""
    errors = [
        abs(solve_on_grid(VALLEY, diffusion=diffusion, kappa=kappa, cells=(301, 121)).along_valley().slopes(VALLEY)[0] + kappa - 1)
        for diffusion in (0.002, 0.004, 0.5)
    ]
    assert errors[1] == pytest.approx(2 * errors[0], rel=0.1)
    assert errors[0] < 0.02 * max(1, abs(kappa - 1))
    assert errors[2] > 0.3 * max(1, abs(kappa - 1))


def test_grid_and_walkers_agree_where_the_theory_does_not_hold():
    diffusion, kappa, random = 0.5, 4.0, np.random.default_rng(0)
    solution = solve_on_grid(VALLEY, diffusion=diffusion, kappa=kappa, cells=(81, 101)).along_valley()
    histogram = WalkerHistogram(VALLEY, diffusion, 20)
    arguments = {"diffusion": diffusion, "kappa": kappa, "time_step": 0.005, "random": random}
    x, y = toy.langevin(VALLEY, random.uniform(-1, 1, 4000), np.zeros(4000), steps=800, **arguments)
    toy.langevin(VALLEY, x, y, steps=1500, observer=histogram, observe_every=15, **arguments)
    walkers = histogram.density()
    np.testing.assert_allclose(walkers.marginal, np.interp(walkers.x, solution.x, solution.marginal), atol=0.05)
    assert walkers.slopes(VALLEY)[0] == pytest.approx(solution.slopes(VALLEY)[0], abs=0.12)
    assert abs(walkers.slopes(VALLEY)[0] - (1 - kappa)) > 1


def test_histogram_of_planted_walkers():
    random = np.random.default_rng(1)
    x = random.uniform(-1, 1, 400_000)
    y = np.sqrt(0.02) * VALLEY.flatness(x) * random.standard_normal(len(x))
    histogram = WalkerHistogram(VALLEY, 0.02, 10)
    for half in (slice(None, 200_000), slice(200_000, None)):
        histogram(0, x[half], y[half])
    density = histogram.density()
    np.testing.assert_allclose(density.x, np.linspace(-0.9, 0.9, 10))
    np.testing.assert_allclose(density.marginal, 0.5, rtol=0.03)
    expected = VALLEY.flatness(density.x) ** -1.0  # uniform in x, normal in y
    np.testing.assert_allclose(density.joint / density.joint.mean(), expected / expected.mean(), rtol=0.04)


def test_walkers_at_the_walls_are_counted():
    histogram = WalkerHistogram(VALLEY, 1.0, 4)
    histogram(0, np.array([-1.0, 1.0, 0.9, -0.1]), np.zeros(4))
    np.testing.assert_allclose(histogram.density().marginal * 0.5, [0.25, 0.25, 0, 0.5])
