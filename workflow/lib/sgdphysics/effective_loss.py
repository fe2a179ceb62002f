"""The effective loss -ln P along the toy valley: stationary densities by grid and by simulation, and their slopes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sgdphysics import fokker_planck
from sgdphysics.arguments import require, require_kind, require_number, require_positive, require_whole, require_whole_numbers
from sgdphysics.effective_drift import density_from_drift_and_noise, drift_and_noise
from sgdphysics.toy_landscapes import Landscape

__all__ = [
    "GridSolution",
    "ValleyDensity",
    "WalkerHistogram",
    "density_from_drift_and_noise",
    "drift_and_noise",
    "solve_on_grid",
]

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

        Raises:
            InputError: If the landscape is none.
        """
        require_kind("landscape", landscape, Landscape)
        log_flatness = np.log(landscape.flatness(self.x))
        if np.ptp(log_flatness) < 1e-12 or not ((self.joint > 0) & (self.marginal > 0)).all():
            return float("nan"), float("nan")
        weights = np.sqrt(self.marginal)
        joint, marginal = (np.polyfit(log_flatness, np.log(part), 1, w=weights)[0] for part in (self.joint, self.marginal))
        return -float(joint), float(marginal)

    def table(self, landscape: Landscape) -> pd.DataFrame:
        """Return one row per place: "x", "flatness", "joint_density", "marginal_density"; errors as `slopes`."""
        require_kind("landscape", landscape, Landscape)
        columns = {"x": self.x, "flatness": landscape.flatness(self.x)}
        return pd.DataFrame({**columns, "joint_density": self.joint, "marginal_density": self.marginal})

    def slope_row(self, landscape: Landscape, kappa: float) -> dict[str, float]:
        """Return the slopes with what theory predicts for them; errors as `slopes`, or where kappa is no number."""
        require_number("kappa", kappa)
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

    @property
    def largest_current(self) -> float:
        """Largest current along x, relative to the largest density."""
        return float(np.abs(self.current[0]).max() / self.density.max())

    def table(self, points: int) -> pd.DataFrame:
        """Return "x", "y", "density", "current_x" and "current_y" at so many evenly spaced cells along each axis; at all of a
        coarser grid; raises InputError where these are fewer than 1.
        """
        require_whole("points", points, 1)
        rows, columns = (np.unique(np.linspace(0, len(part) - 1, points).round().astype(int)) for part in (self.x, self.y))
        chosen = np.ix_(rows, columns)
        x, y = np.meshgrid(self.x[rows], self.y[columns], indexing="ij")
        along_x, along_y = (fokker_planck.current_at_centres(part, axis)[chosen] for axis, part in enumerate(self.current))
        values = {"x": x, "y": y, "density": self.density[chosen], "current_x": along_x, "current_y": along_y}
        return pd.DataFrame({name: value.ravel() for name, value in values.items()})


def solve_on_grid(landscape: Landscape, *, diffusion: float, kappa: float, cells: tuple[int, int]) -> GridSolution:
    """Solve the stationary Fokker-Planck equation of `toy.langevin`.

    Args:
        landscape: Where.
        diffusion: Delta > 0.
        kappa: > 0; the noise strength in x is Delta / kappa.
        cells: Along x and y, at least 2; the second is made odd, so that cells lie on y = 0.

    Raises:
        InputError: If an argument is none of these.
    """
    require_kind("landscape", landscape, Landscape)
    require_positive("diffusion", diffusion)
    require_positive("kappa", kappa)
    require_whole_numbers("cells", cells, 2)
    require(len(cells) == 2, "cells", cells, "two numbers, along x and y")
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

    Raises:
        InputError: If noise strength or reach are not above 0, or there is no bin.
    """

    def __init__(self, landscape: Landscape, diffusion: float, bins: int, reach: float = 0.3) -> None:
        require_kind("landscape", landscape, Landscape)
        require_positive("diffusion", diffusion)
        require_whole("bins", bins, 1)
        require_positive("reach", reach)
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
