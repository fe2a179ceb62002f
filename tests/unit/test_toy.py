"""The toy landscapes and their walkers against closed forms, finite differences, hand-written steps and the grid."""

import warnings

import numpy as np
import pytest
import scipy.signal
import scipy.stats

from sgdphysics import fokker_planck, toy, toy_walkers
from sgdphysics.errors import InputError
from sgdphysics.toy import Landscape

VALLEY = Landscape.single_valley()
LANDSCAPES = {
    "single_valley": VALLEY,
    "two_valleys": Landscape.two_valleys(),
    "constant": Landscape.constant(2.0),
    "cubic": Landscape((1.0, 0.2, 0.5, 0.3)),
}
each_landscape = pytest.mark.parametrize("landscape", LANDSCAPES.values(), ids=LANDSCAPES)


# --- landscapes


@each_landscape
def test_gradients_are_those_of_the_loss(landscape):
    random = np.random.default_rng(0)
    x, y = random.uniform(-1, 1, 200), random.standard_normal(200)
    step = 1e-5
    along, across = landscape.gradient(x, y)
    np.testing.assert_allclose(along, (landscape.loss(x + step, y) - landscape.loss(x - step, y)) / (2 * step), atol=1e-8)
    np.testing.assert_allclose(across, (landscape.loss(x, y + step) - landscape.loss(x, y - step)) / (2 * step), atol=1e-8)
    slope = (landscape.curvature(x + step) - landscape.curvature(x - step)) / (2 * step)
    np.testing.assert_allclose(landscape.curvature_slope(x), slope, atol=1e-8)


@each_landscape
def test_extreme_curvatures_are_those_of_a_fine_grid(landscape):
    curvature = landscape.curvature(np.linspace(-landscape.half_width, landscape.half_width, 20001))
    assert landscape.smallest_curvature == pytest.approx(curvature.min(), rel=1e-6)
    assert landscape.largest_curvature == pytest.approx(curvature.max(), rel=1e-6)
    assert toy.largest_time_step(landscape) == pytest.approx(1 / curvature.max(), rel=1e-6)


def test_landscapes_are_what_their_names_say():
    x = np.linspace(-1.5, 1.5, 3001)
    assert VALLEY.curvature(0.5) == 2
    assert VALLEY.flatness(np.sqrt(3) / 2) == pytest.approx(0.5)
    assert x[LANDSCAPES["two_valleys"].flatness(x).argmax()] == pytest.approx(1, abs=0.05)
    flatness = LANDSCAPES["two_valleys"].flatness(x)
    peaks = x[1:-1][(flatness[1:-1] > flatness[:-2]) & (flatness[1:-1] > flatness[2:])]
    np.testing.assert_allclose(peaks, [-1, 1], atol=0.05)
    assert np.ptp(LANDSCAPES["constant"].flatness(x)) == 0
    settings = {
        "curvature": 2.0,
        "growth": 3.0,
        "half_width": 1.2,
        "barrier": 4.0,
        "difference": 1.0,
        "two_valleys_half_width": 1.4,
    }
    named = toy.landscapes(**settings)
    assert named["single_valley"].curvature(1.0) == 8
    assert named["two_valleys"].curvature(-1.0) == 4
    assert named["constant"].curvature(0.3) == 2
    assert [named[name].half_width for name in ("single_valley", "two_valleys", "constant")] == [1.2, 1.4, 1.2]


# --- Langevin


def moved(landscape, x, y, *, seed=0, **settings):
    defaults = {"diffusion": 0.1, "kappa": 2.0, "time_step": 0.05, "steps": 100}
    return toy.langevin(landscape, x, y, random=np.random.default_rng(seed), **{**defaults, **settings})


@pytest.mark.parametrize("time_step", [0.05, 0.5])
def test_across_a_constant_valley_the_heat_bath_is_exact_at_any_time_step(time_step):
    """An Euler step of 0.5 at curvature 2 would double the variance."""
    x, y = np.zeros(40_000), np.zeros(40_000)
    _, y = moved(Landscape.constant(2.0), x, y, time_step=time_step, steps=round(10 / time_step))
    assert y.var() == pytest.approx(0.1 / 2, rel=0.03)
    assert scipy.stats.kstest(y / np.sqrt(0.05), "norm").pvalue > 1e-3


def test_along_a_constant_valley_walkers_fill_it_and_stay_within_its_walls():
    x, y = np.full(20_000, 0.9), np.zeros(20_000)
    seen = []
    x, _ = moved(
        Landscape.constant(), x, y, kappa=0.5, diffusion=0.5, steps=200, observer=lambda step, x, y: seen.append(np.abs(x).max())
    )
    assert max(seen) <= 1
    assert scipy.stats.kstest((x + 1) / 2, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("landscape", [VALLEY, LANDSCAPES["constant"]], ids=["single_valley", "constant"])
@pytest.mark.parametrize("diffusion", [1.0, 1000.0])
def test_steps_longer_than_the_valley_stay_within_its_walls(landscape, diffusion):
    beyond = []
    start = np.random.default_rng(0).uniform(-1, 1, 4000)
    settings = {"diffusion": diffusion, "kappa": 0.5, "time_step": 0.2, "steps": 200}
    moved(landscape, start, np.zeros(4000), observer=lambda step, x, y: beyond.append(np.abs(x).max() > 1), **settings)
    assert not any(beyond)


@pytest.mark.parametrize("wall", [1.0, 1.5, 0.3])
def test_reflection_is_a_triangle_wave_and_keeps_what_is_inside(wall):
    inside = np.random.default_rng(0).uniform(-wall, wall, 1000)
    x = inside.copy()
    toy_walkers._reflect(x, wall, np.empty_like(x))
    assert x.tobytes() == inside.tobytes()
    x = np.append(np.linspace(-50, 50, 100_001) * wall, [1e15, -1e15, wall, -wall])
    expected = wall * scipy.signal.sawtooth(np.pi / (2 * wall) * (x[:-4] + wall), width=0.5)
    toy_walkers._reflect(x, wall, np.empty_like(x))
    np.testing.assert_allclose(x[:-4], expected, atol=1e-12 * wall)
    assert np.abs(x).max() <= wall
    assert x[-2:].tolist() == [wall, -wall]


def test_spread_along_the_valley_is_that_of_the_noise_strength_over_kappa():
    x, _ = moved(Landscape.constant(half_width=100.0), np.zeros(40_000), np.zeros(40_000), kappa=4.0, steps=80)
    assert x.var() == pytest.approx(2 * 0.1 / 4 * 4.0, rel=0.03)


def moments_on_grid(diffusion, kappa, time):
    """Means of x^2 and curvature y^2 at a finite time, from a narrow start, by the Fokker-Planck equation."""
    reach = 5 * np.sqrt(diffusion)
    x, x_spacing = fokker_planck.cell_centres(-1, 1, 81)
    y, y_spacing = fokker_planck.cell_centres(-reach, reach, 121)
    first, second = np.meshgrid(x, y, indexing="ij")
    start = np.exp(-((first - 0.5) ** 2) / (2 * 0.15**2) - second**2 / (2 * 0.3**2))
    end = fokker_planck.evolve(
        start / start.sum(), time, VALLEY.loss(first, second), (x_spacing, y_spacing), (diffusion / kappa, diffusion)
    )
    return np.array([(end * first**2).sum(), (end * VALLEY.curvature(first) * second**2).sum()])


def moments_of_walkers(diffusion, kappa, time, steps, walkers=300_000):
    random = np.random.default_rng(0)
    x, y = np.clip(random.normal(0.5, 0.15, walkers), -1, 1), random.normal(0, 0.3, walkers)
    settings = {"diffusion": diffusion, "kappa": kappa, "time_step": time / steps, "steps": steps}
    x, y = toy.langevin(VALLEY, x, y, random=random, **settings)
    return np.array([(x**2).mean(), (VALLEY.curvature(x) * y**2).mean()])


def test_walkers_at_a_finite_time_are_those_of_the_grid():
    moments = moments_of_walkers(0.6, 2.0, 1.2, steps=60)
    np.testing.assert_allclose(moments, moments_on_grid(0.6, 2.0, 1.2), rtol=0.01)


def test_halving_the_time_step_at_least_halves_the_weak_error():
    """Strong noise, so that there is something to see: x^2 is 29 % off at a step of 0.2."""
    expected = moments_on_grid(2.0, 8.0, 0.8)[0]
    errors = [moments_of_walkers(2.0, 8.0, 0.8, steps)[0] / expected - 1 for steps in (4, 8, 16)]
    assert errors[0] > 0.2
    assert abs(errors[1]) < 0.55 * errors[0]
    assert abs(errors[2]) < 0.55 * errors[1]


def test_halving_the_time_step_halves_the_weak_error():
    """Weak order 1 in the range that is used: x^2 is 4.8, 2.4 and 1.3 % off, with standard errors of 0.1 %."""
    expected = moments_on_grid(0.5, 1.0, 0.8)[0]
    errors = [moments_of_walkers(0.5, 1.0, 0.8, steps, walkers=1_000_000)[0] / expected - 1 for steps in (4, 8, 16)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(1, abs=0.3)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(1, abs=0.3)


def test_thermal_noise_prefers_flat_places_in_the_marginal_only():
    """At kappa = 1 the joint density is the same all along y = 0, the marginal that of F."""
    x, y = np.linspace(-1, 1, 40_000), np.zeros(40_000)
    x, y = moved(VALLEY, x, y, kappa=1.0, diffusion=0.2, time_step=0.04, steps=300)
    # F = (1 + 4 x^2)^(-1/2) is the derivative of asinh(2 x) / 2.
    assert scipy.stats.kstest((1 + np.arcsinh(2 * x) / np.arcsinh(2)) / 2, "uniform").pvalue > 1e-3
    valley_floor = np.abs(y) < 0.1 * np.sqrt(0.2)  # where exp(-L / Delta) > 0.97
    assert valley_floor.sum() > 4000
    assert scipy.stats.kstest((1 + x[valley_floor]) / 2, "uniform").pvalue > 1e-3
    assert scipy.stats.kstest((1 + x) / 2, "uniform").pvalue < 1e-10  # so many walkers would show the difference


def test_seeds_decide_and_inputs_stay():
    x, y = np.linspace(-1, 1, 50), np.ones(50)
    first, second = moved(VALLEY, x, y), moved(VALLEY, x, y)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, moved(VALLEY, x, y, seed=1))
    np.testing.assert_array_equal((x, y), (np.linspace(-1, 1, 50), np.ones(50)))


@pytest.mark.parametrize("way", ["langevin", "shaken"])
def test_observers_see_every_step_that_they_ask_for(way):
    seen = []

    def observer(step, x, y):
        seen.append((step, x.copy(), y.copy()))

    settings = {"steps": 10, "observer": observer, "observe_every": 4}
    if way == "langevin":
        end = moved(VALLEY, np.zeros(3), np.ones(3), **settings)
        until = moved(VALLEY, np.zeros(3), np.ones(3), steps=8)
    else:
        end = shaken(VALLEY, np.ones(3), np.ones(3), **settings)
        until = shaken(VALLEY, np.ones(3), np.ones(3), steps=8)
    assert [step for step, _, _ in seen] == [4, 8]
    np.testing.assert_array_equal(seen[1][1:], until)
    assert not np.array_equal(seen[1][1:], end)


# --- shaken descent


def shaken(landscape, x, y, *, seed=0, **settings):
    defaults = {"learning_rate": 0.1, "shift": 0.1, "steps": 100}
    return toy.shaken_descent(landscape, x, y, random=np.random.default_rng(seed), **{**defaults, **settings})


def by_hand(landscape, x, y, *, learning_rate, shift, steps, seed=0):
    random = np.random.default_rng(seed)
    for _ in range(steps):
        shift_x, shift_y = shift * random.standard_normal((2, len(x)))
        along, across = landscape.gradient(x + shift_x, y + shift_y)
        x, y = x - learning_rate * along, y - learning_rate * across
    return x, y


@each_landscape
@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_steps_are_those_written_by_hand(landscape, shift):
    x, y = np.linspace(-0.9, 0.9, 20), np.linspace(-0.5, 0.5, 20)
    settings = {"learning_rate": 0.05, "shift": shift, "steps": 30}
    np.testing.assert_allclose(shaken(landscape, x, y, **settings), by_hand(landscape, x, y, **settings), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("rate", [0.2, 1.0, 1.8])
def test_stationary_variance_across_a_constant_valley(rate):
    """(y + xi)^2 with y of variance eta lambda s^2 / (2 - eta lambda)."""
    _, y = shaken(Landscape.constant(2.0), np.zeros(100_000), np.zeros(100_000), learning_rate=rate / 2, shift=0.3)
    assert y.var() == pytest.approx(rate * 0.09 / (2 - rate), rel=0.03)


@pytest.mark.parametrize(("rate", "diverges"), [(1.9, False), (2.1, True)])
def test_a_constant_valley_diverges_beyond_eta_lambda_of_two_and_only_there(rate, diverges):
    end = shaken(Landscape.constant(2.0), np.zeros(50), np.zeros(50), learning_rate=rate / 2, shift=0.1, steps=300)
    assert (toy.has_diverged(*end) == diverges).all()


@pytest.mark.parametrize(("rate", "survivors"), [(1.9, 1), (2.1, 0)])
def test_the_share_of_walkers_that_survive_in_a_constant_valley(rate, survivors):
    settings = {"learning_rate": rate / 2, "shift": 0.1, "walkers": 50, "steps": 300, "random": np.random.default_rng(0)}
    assert toy.surviving_share(Landscape.constant(2.0), **settings) == survivors


def test_the_surviving_share_is_that_of_walkers_from_the_flattest_place():
    settings = {"learning_rate": 0.1, "shift": 0.7, "steps": 100}
    end = shaken(VALLEY, np.zeros(100), np.zeros(100), **settings)
    share = toy.surviving_share(VALLEY, walkers=100, random=np.random.default_rng(0), **settings)
    assert 0 < share < 1
    assert share == 1 - toy.has_diverged(*end).mean()


def test_everything_diverging_is_a_result_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        end = shaken(VALLEY, np.ones(40), np.zeros(40), learning_rate=3.0, shift=0.5, steps=500)
        assert toy.has_diverged(*end).all()


def test_settings_share_the_random_numbers_of_their_walkers():
    x, y = np.ones((3, 8)), np.zeros((3, 8))
    rates, shifts = np.array([[0.1], [0.1], [0.3]]), np.array([[0.05], [0.2], [0.05]])
    together = shaken(VALLEY, x, y, learning_rate=rates, shift=shifts)
    for row in range(3):
        alone = shaken(VALLEY, x[row], y[row], learning_rate=rates[row], shift=shifts[row])
        np.testing.assert_array_equal([part[row] for part in together], alone)
    assert (x == 1).all()


def test_fixed_axes_stay_and_the_step_of_x_is_shown():
    x, y = np.full(5, 0.7), np.full(5, 0.2)
    steps = []
    end = shaken(VALLEY, x, y, steps=1, fixed_x=True, observer=lambda step, change, y: steps.append(change.copy()))
    free = shaken(VALLEY, x, y, steps=1)
    np.testing.assert_array_equal(end[0], x)
    np.testing.assert_array_equal(end[1], free[1])
    np.testing.assert_allclose(steps[0], free[0] - x, atol=1e-15)
    end = shaken(VALLEY, x, y, steps=20, fixed_x=True, fixed_y=True)
    np.testing.assert_array_equal(end, (x, y))


def mean_step_along_the_valley(x, learning_rate, shift, **settings):
    """Mean step of x where it is held, after y has forgotten its start, and its standard error."""
    steps = []

    def observer(step, change, y):
        if step > 200:
            steps.append(change.copy())

    walkers = np.full(2000, x), np.zeros(2000)
    shaken(VALLEY, *walkers, learning_rate=learning_rate, shift=shift, steps=600, fixed_x=True, observer=observer, **settings)
    of_walkers = np.mean(steps, axis=0)  # independent of each other, as steps of one walker are not
    return of_walkers.mean(), of_walkers.std() / np.sqrt(2000)


@pytest.mark.parametrize("rate_times_curvature", [0.24, 0.73, 1.22])
def test_measured_drift_is_that_of_the_formula(rate_times_curvature):
    """-(eta/2) curvature' [s^2 + eta curvature s^2 / (2 - eta curvature)], written out; with y held at 0 the first term alone."""
    x, shift = 0.6, 0.02
    rate, slope = rate_times_curvature / (1 + 4 * x**2), 8 * x
    smoothing = -rate / 2 * slope * shift**2
    drift, error = mean_step_along_the_valley(x, rate, shift)
    expected = smoothing * (1 + rate_times_curvature / (2 - rate_times_curvature))
    assert drift == pytest.approx(expected, abs=3 * error + 0.02 * abs(expected))
    drift, error = mean_step_along_the_valley(x, rate, shift, fixed_y=True)
    assert drift == pytest.approx(smoothing, abs=3 * error + 0.02 * abs(smoothing))


# --- closed forms


def test_terms_of_the_drift_against_averages_over_many_shifts():
    """At fixed x: -(eta/2) curvature' <(y + xi_y)^2>, with the stationary variance of y in it; the smoothing alone has y = 0."""
    rate, shift, x = 0.3, 0.01, 0.8
    random = np.random.default_rng(1)
    variance = rate * VALLEY.curvature(x) * shift**2 / (2 - rate * VALLEY.curvature(x))
    y = np.sqrt(variance) * random.standard_normal(400_000)
    along, _ = VALLEY.gradient(x + shift * random.standard_normal(len(y)), y + shift * random.standard_normal(len(y)))
    smoothing, induced = toy.drift_terms(VALLEY, x, rate, shift)
    assert smoothing + induced == pytest.approx(-rate * along.mean(), rel=0.01)
    at_rest, _ = VALLEY.gradient(x + shift * random.standard_normal(len(y)), shift * random.standard_normal(len(y)))
    assert smoothing == pytest.approx(-rate * at_rest.mean(), rel=0.01)
    assert induced / smoothing == pytest.approx(rate * 3.56 / (2 - rate * 3.56))
    assert np.isnan(toy.drift_terms(VALLEY, 1.0, 0.5, shift)[1])


def test_mean_square_growth_against_sampling_and_in_closed_form():
    shifts = 0.4 * np.random.default_rng(2).standard_normal(1_000_000)
    sampled = ((1 - 0.3 * VALLEY.curvature(0.2 + shifts)) ** 2).mean()
    assert toy.mean_square_growth(VALLEY, 0.2, 0.3, 0.4) == pytest.approx(sampled, rel=0.01)
    mean, variance = 1 + 4 * 0.16, 32 * 0.4**4  # at x = 0
    assert toy.mean_square_growth(VALLEY, 0.0, 0.3, 0.4) == pytest.approx((1 - 0.3 * mean) ** 2 + 0.09 * variance)


def test_largest_stable_shift():
    # 48 u^2 - 72 u - 19 = 0 for u = s^2 at eta = 0.1.
    assert toy.largest_stable_shift(VALLEY, 0.0, 0.1) == pytest.approx(np.sqrt((72 + np.sqrt(72**2 + 4 * 48 * 19)) / 96))
    assert toy.mean_square_growth(VALLEY, 0.0, 0.5, toy.largest_stable_shift(VALLEY, 0.0, 0.5)) == pytest.approx(1)
    assert toy.largest_stable_shift(VALLEY, 0.0, 2.0) == 0
    assert toy.largest_stable_shift(Landscape.constant(), 0.0, 1.0) == np.inf


def test_who_has_diverged():
    far = np.array([0.0, 999.0, 1001.0, np.inf, np.nan, -2000.0])
    assert toy.has_diverged(far, np.zeros(6)).tolist() == [False, False, True, True, True, True]
    assert toy.has_diverged(np.zeros(6), far).tolist() == [False, False, True, True, True, True]


# --- bad input


NONE = np.zeros(3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Landscape((-1.0,)), "curvature: found -1 at x = -1, expected above 0"),
        (lambda: Landscape((1.0, 0.0, -2.0)), r"curvature: found -1 at x = -1, expected above 0 for \|x\| <= 1"),
        (lambda: Landscape((0.5, 0.0, -6.0, 0.0, 8.0)), "curvature: found -0.625 at x = "),  # inside the valley
        (lambda: Landscape((0.0,)), "curvature: found 0 at"),
        (lambda: Landscape((np.nan,)), "curvature: found nan"),
        (lambda: Landscape((1.0,), half_width=0), "half_width: found 0, expected a number above 0"),
        (lambda: moved(VALLEY, NONE, NONE, kappa=0), "kappa: found 0, expected a number above 0"),
        (lambda: moved(VALLEY, NONE, NONE, kappa=-2), "kappa: found -2, expected a number above 0"),
        (lambda: moved(VALLEY, NONE, NONE, diffusion=np.nan), "diffusion: found nan"),
        (lambda: moved(VALLEY, NONE, NONE, time_step=0), "time_step: found 0"),
        (lambda: moved(VALLEY, NONE, NONE, time_step=0.25), "time_step: found 0.25, expected at most 0.2 = 1 / largest curvature"),
        (lambda: shaken(VALLEY, NONE, NONE, learning_rate=0), "learning_rate: found 0, expected a number above 0"),
        (lambda: shaken(VALLEY, NONE, NONE, learning_rate=np.array([0.1, -0.1, 0.1])), "learning_rate: found -0.1"),
        (lambda: shaken(VALLEY, NONE, NONE, shift=-0.1), "shift: found -0.1, expected a number from 0"),
        (lambda: shaken(VALLEY, NONE, NONE, shift=np.inf), "shift: found inf"),
    ],
)
def test_bad_input_is_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
