"""Fokker-Planck equation on a grid: finite volumes with Scharfetter and Gummel's flux.

dp/dt = sum over axes of d/dx_k (p dU/dx_k + D_k dp/dx_k) for the density p of a particle in a potential U, with noise of strength
D_k along axis k, between reflecting walls. Between two cells the flux is that of the exact one-dimensional solution with constant
gradient (Scharfetter and Gummel 1969). So mass is conserved to rounding, the density stays positive, the error is of second order
in the spacing, and where the noise has the same strength along all axes the stationary state is exactly exp(-U / D) on the grid.
"""

from collections.abc import Sequence

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from scipy.special import exprel

from sgdphysics.arguments import (
    check_sizes,
    finite_array,
    is_number,
    is_whole,
    real_array,
    require,
    require_kind,
    require_number,
    require_whole,
)
from sgdphysics.errors import InputError

LARGEST_ERROR = 1e-3  # of a stationary density, as its condition number bounds it; the error is mostly a hundredth of that


def cell_centres(low: float, high: float, cells: int) -> tuple[np.ndarray, float]:
    """Return the centres (cells,) of equal cells between two walls, and their width; raises InputError for no room or cells."""
    require_number("low", low)
    require_number("high", high)
    if not high > low:
        raise InputError(f"walls: found {low:g} and {high:g}, expected the second above the first")
    require_whole("cells", cells, 2)
    width = (high - low) / cells
    return low + width * (np.arange(cells) + 0.5), width


def generator(potential: np.ndarray, spacings: Sequence[float], diffusions: Sequence[float]) -> scipy.sparse.csc_array:
    """Return the matrix A of dp/dt = A p for densities on the cells, flattened in C order.

    Args:
        potential: U at the cell centres, float64, one axis per dimension, along each two cells or more.
        spacings: Width of the cells along each axis.
        diffusions: D_k > 0, noise strength along each axis.

    Returns:
        float64 (cells, cells); every column sums to 0, off-diagonal entries are not negative.

    Raises:
        InputError: If a spacing or a noise strength is not positive, or the potential is not finite or has too few cells.
    """
    potential = _checked(potential, spacings, diffusions)
    index = np.arange(potential.size).reshape(potential.shape)
    rows, columns, values = [], [], []
    for axis, (spacing, diffusion) in enumerate(zip(spacings, diffusions, strict=True)):
        up, down = _rates(potential, axis, spacing, diffusion)
        first, second = (part.ravel() for part in _neighbours(index, axis))
        for source, target, rate in ((first, second, up.ravel()), (second, first, down.ravel())):
            rows += [target, source]
            columns += [source, source]
            values += [rate, -rate]
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return scipy.sparse.coo_array(entries, shape=(potential.size, potential.size)).tocsc()


def stationary_density(potential: np.ndarray, spacings: Sequence[float], diffusions: Sequence[float]) -> np.ndarray:
    """Return the stationary density on the cells, of integral 1, shaped like the potential; arguments as for `generator`.

    It is right for barriers between wells up to about 20 D, a little less on fine grids; above, rounding would decide how much is
    in each well. Where the noise has the same strength along all axes, or there is one axis, the density is exp(-U / D) at barriers
    of any height, and needs no solver.

    Raises:
        InputError: As `generator` does, or if rounding might change the density by more than `LARGEST_ERROR` of it.
    """
    potential = _checked(potential, spacings, diffusions)
    matrix = generator(potential, spacings, diffusions)
    density, error = _anchored(matrix, int(potential.argmin()))
    if error > LARGEST_ERROR:  # out of equilibrium the lowest cell may be a rare one
        density, error = _anchored(matrix, int(np.abs(density).argmax()))
    if error > LARGEST_ERROR:
        expected = f"at most {LARGEST_ERROR:g} (barriers up to about 20 D)"
        raise InputError(f"potential: found barriers that leave a relative error of up to {error:.1g}, expected {expected}")
    density = density.reshape(potential.shape)
    return density / (density.sum() * np.prod(spacings))


def evolve(
    density: np.ndarray, time: float, potential: np.ndarray, spacings: Sequence[float], diffusions: Sequence[float]
) -> np.ndarray:
    """Return the density after a time > 0, exact in time (the action of a matrix exponential).

    Args:
        density: Density at the start, shaped like the potential, finite.
        time: How long; the work grows with time * D / spacing^2.
        potential, spacings, diffusions: As for `generator`.

    Raises:
        InputError: As `generator` does, or if the time is not positive, the density not finite, or the shapes differ.
    """
    require(np.ndim(time) == 0, "time", time, "a number above 0")
    check_sizes("time", time)
    potential = _checked(potential, spacings, diffusions)
    density = _checked_density(density, potential)
    matrix = generator(potential, spacings, diffusions)
    trace = float(matrix.diagonal().sum())
    return scipy.sparse.linalg.expm_multiply(matrix * time, density.ravel(), traceA=trace * time).reshape(density.shape)


def probability_current(
    density: np.ndarray, potential: np.ndarray, spacings: Sequence[float], diffusions: Sequence[float]
) -> list[np.ndarray]:
    """Return the current along each axis through the faces between cells (one entry less along that axis); zero in equilibrium.

    Arguments and errors as for `generator`; ``density`` is shaped like the potential. Per unit time and unit area of a face.
    """
    potential = _checked(potential, spacings, diffusions)
    density = _checked_density(density, potential)
    currents = []
    for axis, (spacing, diffusion) in enumerate(zip(spacings, diffusions, strict=True)):
        up, down = _rates(potential, axis, spacing, diffusion)
        first, second = _neighbours(density, axis)
        currents.append((up * first - down * second) * spacing)
    return currents


def current_at_centres(current: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean of the currents along an axis through the two faces of each cell; walls let nothing through.

    Raises:
        InputError: If the currents are no numbers, or have no such axis.
    """
    require_kind("current", current, np.ndarray)
    current = real_array("current", current)
    require(is_whole(axis) and 0 <= axis < current.ndim, "axis", axis, f"a whole number from 0 to {current.ndim - 1}")
    widths = [(0, 0)] * current.ndim
    widths[axis] = (1, 1)
    padded = np.pad(current, widths)
    first, second = _neighbours(padded, axis)
    return (second + first) / 2


def _anchored(matrix: scipy.sparse.csc_array, anchor: int) -> tuple[np.ndarray, float]:
    """Stationary density (cells,) as a multiple of that of one cell, and how large a share of it rounding may have changed.

    The rest of the density follows from a matrix whose inverse is positive. The sums of that inverse along its columns are the mean
    times from each cell to the anchor: the longest, times the norm of the matrix, is its condition number. A small residual would
    show nothing, for the density of a single well has one too.
    """
    others = np.delete(np.arange(matrix.shape[0]), anchor)
    inner = matrix[others][:, others]
    try:
        factors = scipy.sparse.linalg.splu(inner)
    except RuntimeError:  # singular: some cells never reach the anchor
        return np.ones(matrix.shape[0]), np.inf
    rest = factors.solve(-matrix[others][:, [anchor]].toarray().ravel())
    times = factors.solve(-np.ones(len(others)), trans="T")
    right_signs = times.min() > 0 and rest.min() >= 0  # False also for nan
    error = np.finfo(float).eps * times.max() * abs(inner).sum(0).max() if right_signs else np.inf
    return np.insert(rest, anchor, 1.0), float(error)


def _rates(potential: np.ndarray, axis: int, spacing: float, diffusion: float) -> tuple[np.ndarray, np.ndarray]:
    """Rates from each cell to the next along an axis, and back: D / h^2 times Bernoulli functions z / (e^z - 1) of +-dU / D."""
    step = np.diff(potential, axis=axis) / diffusion
    return diffusion / spacing**2 / exprel(step), diffusion / spacing**2 / exprel(-step)


def _neighbours(values: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Every cell but the last along an axis, and the cell after it."""
    count = values.shape[axis]
    return values.take(range(count - 1), axis), values.take(range(1, count), axis)


def _checked(potential: np.ndarray, spacings: Sequence[float], diffusions: Sequence[float]) -> np.ndarray:
    """The potential as float64."""
    values = real_array("potential", potential)
    if not np.isfinite(values).all():
        raise InputError("potential: found values that are not finite, expected numbers")
    if not values.ndim or min(values.shape) < 2:
        raise InputError(f"potential: found shape {values.shape}, expected two cells or more along each axis")
    for name, numbers in (("spacings", spacings), ("diffusions", diffusions)):
        expected = f"{values.ndim} numbers above 0"
        require(isinstance(numbers, Sequence | np.ndarray), name, numbers, expected)
        if len(numbers) != values.ndim or not all(is_number(number) and number > 0 for number in numbers):
            raise InputError(f"{name}: found {list(numbers)}, expected {expected}")
    return values


def _checked_density(density: np.ndarray, potential: np.ndarray) -> np.ndarray:
    density = finite_array("density", density)
    if density.shape != potential.shape:
        raise InputError(f"density: found shape {density.shape}, expected that of the potential, {potential.shape}")
    return density
