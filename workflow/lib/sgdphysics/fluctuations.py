"""Fluctuations of weights: principal components of a window of steps and correlation times along directions."""

import numpy as np
import scipy.linalg
import torch
from torch import Tensor

from sgdphysics.arrays import largest_eigenpairs, with_fixed_sign


class _Block:
    """Weights of steps that wait to be taken into account together, relative to an origin, float64, where the weights are."""

    def __init__(self, origin: Tensor, steps: int) -> None:
        self._origin = origin
        self._rows = torch.empty(steps, len(origin), dtype=torch.float64, device=origin.device)
        self._held = 0

    @property
    def full(self) -> bool:
        return self._held == len(self._rows)

    def fill(self, weights: Tensor) -> Tensor:
        """Take as many steps of (steps, d) as there is room for; returns the others."""
        taken, left = weights.tensor_split([len(self._rows) - self._held])
        torch.sub(taken, self._origin, out=self._rows[self._held : self._held + len(taken)])
        self._held += len(taken)
        return left

    def emptied(self) -> Tensor:
        """The steps, on the CPU, where they are valid until the next ones come."""
        rows, self._held = self._rows[: self._held].cpu(), 0
        return rows


class WindowMoments:
    """Mean, drift and covariance of the weights over a window of steps, accumulated in float64 on the CPU as the steps come.

    Memory is O(d^2) for windows longer than d steps; shorter windows are kept whole, which then is less.

    Args:
        dimension: Number of weights d.
        steps: Length of the window.

    Raises:
        ValueError: If the window is shorter than 2 steps; by the methods, if the window is not full yet.
    """

    _BLOCK = 256

    def __init__(self, dimension: int, steps: int) -> None:
        """Start an empty window."""
        if steps < 2:
            raise ValueError(f"steps: found {steps}, expected a window of at least 2")
        self.steps = steps
        self._count = 0
        self._streamed = steps > dimension
        self._rows = torch.empty(0 if self._streamed else steps, dimension, dtype=torch.float64)
        self._block: _Block | None = None
        self._origin = torch.zeros(dimension, dtype=torch.float64)  # until the first step comes
        self._sum = torch.zeros(dimension, dtype=torch.float64)
        self._ramp_sum = torch.zeros(dimension, dtype=torch.float64)
        # One triangle, in the order of BLAS.
        self._products = np.zeros((dimension, dimension) if self._streamed else (0, 0), order="F")
        ramp = torch.arange(steps, dtype=torch.float64)
        self._ramp = (ramp - ramp.mean()) / (ramp - ramp.mean()).norm()

    def add(self, weights: Tensor) -> None:
        """Add the weights of one step (d,) or of several (steps, d).

        Raises:
            ValueError: If the window is full already.
        """
        waiting = weights.reshape(-1, self._rows.shape[1])
        if self._count + len(waiting) > self.steps:
            raise ValueError(f"weights: the window of {self.steps} steps is full")
        if self._block is None:
            # Relative to the first step: the fluctuations are small against the weights.
            first = waiting[0].double().clone()
            self._block, self._origin = _Block(first, min(self._BLOCK, self.steps)), first.cpu()
        while len(waiting):
            before, waiting = len(waiting), self._block.fill(waiting)
            self._count += before - len(waiting)
            if self._block.full or self._count == self.steps:
                self._account(self._block.emptied())

    @property
    def mean(self) -> Tensor:
        """Mean weights, float64 (d,)."""
        self._require_full()
        return self._origin + self._sum / self.steps

    @property
    def drift(self) -> Tensor:
        """Change of the weights over the window by the straight line that fits them best, float64 (d,)."""
        self._require_full()
        return self._ramp_sum * (self._ramp[-1] - self._ramp[0])

    @property
    def total_variance(self) -> float:
        """Sum of the variances of all weights, dividing by steps - 1."""
        self._require_full()
        if self._streamed:
            return float(self._covariance().trace())
        return float(self._deviations().square().sum() / (self.steps - 1))

    def principal_components(self, count: int | None = None) -> tuple[Tensor, Tensor]:
        """Return variances (k,), largest first, and directions (k, d) as `principal_components` does, k at most ``count``."""
        self._require_full()
        if self._streamed:
            return largest_eigenpairs(self._covariance(), count)
        return _components_of_rows(self._deviations(), count)

    def variance_along(self, directions: Tensor, *, without_drift: bool = False) -> Tensor:
        """Variance of the weights projected on directions (k, d), dividing by steps - 1; float64 (k,).

        Args:
            directions: (k, d).
            without_drift: Leave out the straight line that fits the window best.
        """
        self._require_full()
        directions = directions.double()
        if self._streamed:
            squares = ((directions @ self._covariance()) * directions).sum(1) * (self.steps - 1)
        else:
            squares = (self._deviations() @ directions.T).square().sum(0)
        if without_drift:
            squares = (squares - (directions @ self._ramp_sum).square()).clamp(min=0)
        return squares / (self.steps - 1)

    def _account(self, rows: Tensor) -> None:
        start = self._count - len(rows)
        self._sum += rows.sum(0)
        self._ramp_sum += self._ramp[start : self._count] @ rows
        if self._streamed:
            self._products = scipy.linalg.blas.dsyrk(1.0, rows.T.numpy(), beta=1.0, c=self._products, overwrite_c=True)
        else:
            self._rows[start : self._count] = rows

    def _covariance(self) -> Tensor:
        mean, upper = self._sum / self.steps, torch.from_numpy(np.triu(self._products))
        products = upper + upper.T - upper.diagonal().diag()
        return (products - self.steps * mean[:, None] * mean[None, :]) / (self.steps - 1)

    def _deviations(self) -> Tensor:
        return self._rows - self._sum / self.steps

    def _require_full(self) -> None:
        if self._count != self.steps:
            raise ValueError(f"weights: found {self._count} steps, expected the whole window of {self.steps}")


class ProjectedSeries:
    """Weights of successive steps projected on fixed directions, as the steps come.

    Args:
        directions: (k, d).
        origin: Weights (d,) from which the projections are counted.
        steps: Steps to come.
    """

    _BLOCK = 256

    def __init__(self, directions: Tensor, origin: Tensor, steps: int) -> None:
        """Start an empty series."""
        self._directions, self._origin = directions.double(), origin.double().flatten()
        self._block: _Block | None = None
        self._left = steps
        self._parts: list[Tensor] = []

    def add(self, weights: Tensor) -> None:
        """Add the weights of one step (d,) or of several (steps, d)."""
        waiting = weights.reshape(-1, len(self._origin))
        if self._block is None:
            self._block = _Block(self._origin.to(waiting.device), self._BLOCK)
        while len(waiting):
            before, waiting = len(waiting), self._block.fill(waiting)
            self._left -= before - len(waiting)
            if self._block.full or not self._left:
                self._parts.append(self._block.emptied() @ self._directions.T)

    @property
    def values(self) -> Tensor:
        """The projections, float64 (steps, k), complete after the last step."""
        return torch.cat(self._parts)


def principal_components(trajectory: Tensor) -> tuple[Tensor, Tensor]:
    """Variances and directions of the principal components of a weight trajectory.

    Args:
        trajectory: Weights at successive steps, (steps, d), steps > 1; computed in float64.

    Returns:
        Variances, float64 (k,), k = min(steps - 1, d), largest first, in squared weight units, dividing by steps - 1; and
        directions, float64 (k, d), orthonormal rows, each with its largest entry positive.

    Raises:
        ValueError: If there are fewer than two steps or a weight is not finite (the first such step is named).

    Source: Feng and Tu 2021, principal component analysis of the weight dynamics.
    """
    if trajectory.ndim != 2 or len(trajectory) < 2:
        raise ValueError(f"trajectory: found shape {tuple(trajectory.shape)}, expected (steps, d) with at least 2 steps")
    bad = (~trajectory.isfinite()).any(1).nonzero()
    if len(bad):
        raise ValueError(f"trajectory: found a non-finite weight at step {int(bad[0])}, expected finite weights")
    moments = WindowMoments(trajectory.shape[1], len(trajectory))
    moments.add(trajectory)
    return moments.principal_components()


def _components_of_rows(deviations: Tensor, count: int | None) -> tuple[Tensor, Tensor]:
    """Principal components from centred rows (steps, d), steps <= d, by the smaller Gram matrix."""
    steps = len(deviations)
    count = steps - 1 if count is None else min(count, steps - 1)
    # The whole spectrum is found faster than most of it.
    values, vectors = largest_eigenpairs(deviations @ deviations.T, None if count > steps // 2 else count)
    values, directions = values[:count], vectors[:count] @ deviations
    # Rounding costs directions of very little variance some orthogonality, about 1e-16 times the largest variance over theirs.
    # Without any variance there is no direction: a vector of zeros.
    lengths = directions.norm(dim=1, keepdim=True).clamp(min=torch.finfo(torch.float64).tiny)
    return values.clamp(min=0) / (steps - 1), with_fixed_sign(directions / lengths)


def participation_ratio(variances: Tensor) -> float:
    """Effective number of directions, ``(sum s)^2 / sum s^2``: k for k equal variances, 1 for a single one."""
    return float(variances.sum() ** 2 / variances.square().sum())


def components_for_share(variances: Tensor, share: float, total: float | None = None) -> int:
    """Number of leading components that together carry at least ``share`` of the total variance.

    Args:
        variances: Largest first, (k,).
        share: In (0, 1).
        total: Total variance, by default the sum of ``variances``.

    Raises:
        ValueError: If the given components carry less.
    """
    cumulative = variances.cumsum(0) / (variances.sum() if total is None else total)
    count = int((cumulative < share).sum()) + 1
    if count > len(variances):
        raise ValueError(f"variances: {len(variances)} components carry less than {share:g} of the total")
    return count


def without_drift(series: Tensor) -> Tensor:
    """Return series (steps, k) less the straight line that fits each best, float64."""
    series = series.double()
    ramp = torch.arange(len(series), dtype=torch.float64)
    ramp = (ramp - ramp.mean()) / (ramp - ramp.mean()).norm()
    return series - series.mean(0) - ramp[:, None] * (ramp @ series)


def relaxation_time(series: Tensor) -> Tensor:
    """Correlation time ``2 var(theta) / var(step)`` in steps, of series (steps, k); float64 (k,).

    For a process of exponential autocorrelation rho per step this is 1 / (1 - rho).
    """
    series = series.double()
    return 2 * series.var(0) / series.diff(dim=0).var(0)


def integrated_autocorrelation_time(series: Tensor, window_factor: float = 5.0) -> Tensor:
    """Correlation time ``1 + 2 sum_k rho(k)`` in steps, of series (steps, k); float64 (k,).

    The sum is cut at the first lag larger than ``window_factor`` times the time so far (Sokal's self-consistent window). A series
    of n independent values has time 1; the variance of the mean of n values is variance * time / n. Of a constant one it is nan.
    """
    centred = (series.double() - series.double().mean(0)).numpy()
    steps = len(centred)
    spectrum = np.abs(np.fft.rfft(centred, 2 * steps, axis=0)) ** 2
    covariance = np.fft.irfft(spectrum, axis=0)[:steps]
    with np.errstate(invalid="ignore"):
        times = 2 * np.cumsum(covariance / covariance[0], axis=0) - 1
    beyond = np.arange(steps)[:, None] > window_factor * times
    cut = np.where(beyond.any(0), beyond.argmax(0), steps - 1)
    return torch.from_numpy(times[cut, np.arange(times.shape[1])])
