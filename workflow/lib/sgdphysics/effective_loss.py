"""What moves walkers along the toy valley: stationary densities by grid and by simulation, their slopes, drift and noise."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.integrate import cumulative_trapezoid

from sgdphysics import fokker_planck
from sgdphysics.toy_landscapes import Landscape
from sgdphysics.toy_walkers import shaken_descent

BLOCKS = 5  # of steps, whose sums give the noise strength; each is long against the relaxation of y
GRID_REACH = 6.0  # half-width of the grid in y, in standard deviations where the valley is flattest


@dataclass(frozen=True)
class ValleyDensity:
    """Stationary density along the valley.

    Attributes:
        x: Places, (n,), evenly spaced.
        joint: P(x, 0), the joint density on the line of minima, of integral 1 over x.
        marginal: P(x), of integral 1.
    """

    x: np.ndarray
    joint: np.ndarray
    marginal: np.ndarray

    def slopes(self, landscape: Landscape) -> tuple[float, float]:
        """Return the slopes of -ln P(x, 0) and of ln P(x) on ln F(x); theory 1 - kappa and kappa.

        Least squares weighted with the marginal density, so that places where hardly a walker comes do not decide; nan where the
        flatness is the same everywhere, or some place was never visited.
        """
        log_flatness = np.log(landscape.flatness(self.x))
        if np.ptp(log_flatness) < 1e-12 or not ((self.joint > 0) & (self.marginal > 0)).all():
            return float("nan"), float("nan")
        weights = np.sqrt(self.marginal)
        joint, marginal = (np.polyfit(log_flatness, np.log(part), 1, w=weights)[0] for part in (self.joint, self.marginal))
        return -float(joint), float(marginal)

    def table(self, landscape: Landscape) -> pd.DataFrame:
        """Return one row per place: "x", "flatness", "joint_density", "marginal_density"."""
        columns = {"x": self.x, "flatness": landscape.flatness(self.x)}
        return pd.DataFrame({**columns, "joint_density": self.joint, "marginal_density": self.marginal})

    def slope_row(self, landscape: Landscape, kappa: float) -> dict[str, float]:
        """Return the slopes with what theory predicts for them."""
        joint, marginal = self.slopes(landscape)
        return {
            "joint_slope": joint,
            "predicted_joint_slope": 1 - kappa,
            "marginal_slope": marginal,
            "predicted_marginal_slope": kappa,
        }


@dataclass(frozen=True)
class GridSolution:
    """The stationary state on a grid: ``x`` (nx,), ``y`` (ny,), ``density`` (nx, ny) and its ``current`` along x and y at the
    inner faces, (nx - 1, ny) and (nx, ny - 1).
    """

    x: np.ndarray
    y: np.ndarray
    density: np.ndarray
    current: list[np.ndarray]

    def along_valley(self) -> ValleyDensity:
        """Return the density on the line of minima, which is a row of cell centres, and the marginal."""
        spacing = self.x[1] - self.x[0]
        joint, marginal = self.density[:, len(self.y) // 2], self.density.sum(1)
        return ValleyDensity(self.x, joint / (joint.sum() * spacing), marginal / (marginal.sum() * spacing))


def solve_on_grid(landscape: Landscape, *, diffusion: float, kappa: float, cells: tuple[int, int]) -> GridSolution:
    """Solve the stationary Fokker-Planck equation of `toy.langevin`.

    Args:
        landscape: Where.
        diffusion: Delta > 0.
        kappa: > 0; the noise strength in x is Delta / kappa.
        cells: Along x and y; the second is made odd, so that cells lie on y = 0.
    """
    reach = GRID_REACH * np.sqrt(diffusion / landscape.smallest_curvature)
    x, x_spacing = fokker_planck.cell_centres(-landscape.half_width, landscape.half_width, cells[0])
    y, y_spacing = fokker_planck.cell_centres(-reach, reach, cells[1] // 2 * 2 + 1)
    potential = landscape.loss(x[:, None], y[None, :])
    arguments = potential, (x_spacing, y_spacing), (diffusion / kappa, diffusion)
    density = fokker_planck.stationary_density(*arguments)
    return GridSolution(x, y, density, fokker_planck.probability_current(density, *arguments))


class WalkerHistogram:
    """Observer of walkers: counts along the valley, of all of them and of those near the line of minima.

    Near means within ``reach`` standard deviations sqrt(Delta / curvature) of y = 0; the count there is divided by that width, so
    a joint density that is normal in y is right up to the same factor, 1 - reach^2 / 6, everywhere.
    """

    def __init__(self, landscape: Landscape, diffusion: float, bins: int, reach: float = 0.3) -> None:
        self._landscape, self._reach = landscape, reach * np.sqrt(diffusion)
        self._spacing = 2 * landscape.half_width / bins
        self._all, self._near = np.zeros(bins), np.zeros(bins)

    def __call__(self, step: int, x: np.ndarray, y: np.ndarray) -> None:
        """Count walkers."""
        bins = len(self._all)
        index = np.minimum(((x + self._landscape.half_width) / self._spacing).astype(np.intp), bins - 1)
        width = self._reach * self._landscape.flatness(x)
        near = np.abs(y) < width
        self._all += np.bincount(index, minlength=bins)
        self._near += np.bincount(index[near], 1 / width[near], minlength=bins)

    def density(self) -> ValleyDensity:
        """Return the densities at the middles of the bins."""
        joint, marginal = (part / (part.sum() * self._spacing) for part in (self._near, self._all))
        places = (np.arange(len(self._all)) + 0.5) * self._spacing - self._landscape.half_width
        return ValleyDensity(places, joint, marginal)


def drift_and_noise(
    landscape: Landscape,
    x: np.ndarray,
    *,
    learning_rate: float,
    shift: float,
    walkers: int,
    steps: int,
    random: np.random.Generator,
    fixed_y: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Measure how shaken descent would move x, at fixed x and with y in its stationary state.

    Args:
        landscape: Where.
        x: Places, (n,).
        learning_rate, shift: As for `toy.shaken_descent`.
        walkers: Per place; they share their random numbers across places.
        steps: Measured; a fifth as many go before, for y to become stationary.
        random: Source of random numbers.
        fixed_y: Keep y = 0: the smoothing of the mean landscape alone.

    Returns:
        Mean step of x per step, (n,), and its noise strength D, (n,): half the variance per step of the sum over a fifth of the
        steps, so that correlations between steps count.
    """
    start = np.repeat(np.asarray(x, dtype=float)[:, None], walkers, axis=1)
    arguments = {"learning_rate": learning_rate, "shift": shift, "random": random, "fixed_x": True, "fixed_y": fixed_y}
    _, y = shaken_descent(landscape, start, np.zeros_like(start), steps=max(1, steps // 5), **arguments)
    block = max(1, steps // BLOCKS)
    sums = np.zeros((BLOCKS, *start.shape))
    for total in sums:

        def add(step: int, change: np.ndarray, y: np.ndarray, total: np.ndarray = total) -> None:
            np.add(total, change, out=total)

        _, y = shaken_descent(landscape, start, y, steps=block, observer=add, **arguments)
    return sums.mean((0, 2)) / block, sums.var((0, 2), ddof=1) / (2 * block)


def density_from_drift_and_noise(x: np.ndarray, drift: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the stationary density of dx = drift dt + sqrt(2 noise) dW (Ito) on places x (n,): exp(int drift / noise) / noise."""
    exponent = cumulative_trapezoid(drift / noise, x, initial=0)
    density = np.exp(exponent - exponent.max()) / noise
    return density / np.trapezoid(density, x)
