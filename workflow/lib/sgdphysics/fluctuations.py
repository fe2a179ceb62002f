"""Fluctuations of weights: principal components of a window of steps, correlation times, surrogates and linear theory."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from sgdphysics.arrays import largest_eigenpairs, with_fixed_sign


class WindowMoments:
    """Mean, drift and covariance of the weights over a window of steps, accumulated in float64 as the steps come.

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
        self._rows = torch.empty(self._BLOCK if self._streamed else steps, dimension, dtype=torch.float64)
        self._held = 0
        self._origin: Tensor | None = None
        self._sum = torch.zeros(dimension, dtype=torch.float64)
        self._ramp_sum = torch.zeros(dimension, dtype=torch.float64)
        self._products = torch.zeros(dimension, dimension, dtype=torch.float64) if self._streamed else None
        ramp = torch.arange(steps, dtype=torch.float64)
        self._ramp = (ramp - ramp.mean()) / (ramp - ramp.mean()).norm()

    def add(self, weights: Tensor) -> None:
        """Add the weights of one step (d,) or of several (steps, d).

        Raises:
            ValueError: If the window is full already.
        """
        for row in weights.reshape(-1, self._rows.shape[1]):
            if self._count == self.steps:
                raise ValueError(f"weights: the window of {self.steps} steps is full")
            if self._origin is None:
                self._origin = row.double().clone()
            # Relative to the first step: the fluctuations are small against the weights.
            torch.sub(row, self._origin, out=self._rows[self._held])
            self._held += 1
            self._count += 1
            if self._held == len(self._rows) or self._count == self.steps:
                self._flush()

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

    def _flush(self) -> None:
        rows = self._rows[: self._held]
        self._sum += rows.sum(0)
        self._ramp_sum += self._ramp[self._count - self._held : self._count] @ rows
        if self._streamed:
            self._products.addmm_(rows.T, rows)
            self._held = 0

    def _covariance(self) -> Tensor:
        mean = self._sum / self.steps
        return (self._products - self.steps * mean[:, None] * mean[None, :]) / (self.steps - 1)

    def _deviations(self) -> Tensor:
        return self._rows - self._sum / self.steps

    def _require_full(self) -> None:
        if self._count != self.steps:
            raise ValueError(f"weights: found {self._count} steps, expected the whole window of {self.steps}")


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
    values, vectors = largest_eigenpairs(deviations @ deviations.T, count)
    directions = vectors @ deviations
    # Directions of nearly no variance lose orthogonality in the product; QR restores it and keeps the order.
    orthonormal, triangle = torch.linalg.qr(directions.T)
    orthonormal = orthonormal * torch.sign(torch.diagonal(triangle))
    return values.clamp(min=0) / (steps - 1), with_fixed_sign(orthonormal.T)


def participation_ratio(variances: Tensor) -> float:
    """Effective number of directions, ``(sum s)^2 / sum s^2``: k for k equal variances, 1 for a single one."""
    return float(variances.sum() ** 2 / variances.square().sum())


def components_for_share(variances: Tensor, share: float) -> int:
    """Number of leading components that together carry at least ``share`` of the total variance."""
    cumulative = variances.cumsum(0) / variances.sum()
    return int((cumulative < share).sum()) + 1


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
    of n independent values has time 1; the variance of the mean of n values is variance * time / n.
    """
    centred = (series.double() - series.double().mean(0)).numpy()
    steps = len(centred)
    spectrum = np.abs(np.fft.rfft(centred, 2 * steps, axis=0)) ** 2
    covariance = np.fft.irfft(spectrum, axis=0)[:steps]
    times = 2 * np.cumsum(covariance / covariance[0], axis=0) - 1
    beyond = np.arange(steps)[:, None] > window_factor * times
    cut = np.where(beyond.any(0), beyond.argmax(0), steps - 1)
    return torch.from_numpy(times[cut, np.arange(times.shape[1])])


def isotropic_walk(
    dimension: int, epoch_steps: int, epochs: int, sampling: str, random: np.random.Generator
) -> Iterator[Tensor]:
    """Random walk with independent unit Gaussian steps in every direction: the surrogate without any structure.

    Args:
        dimension: Number of weights d.
        epoch_steps: Steps per epoch.
        epochs: Epochs of the walk.
        sampling: "epoch" makes the steps of an epoch sum to zero, as draws without replacement do; "replacement" leaves them
            independent.
        random: Random numbers.

    Yields:
        Positions of one epoch, float64 (epoch_steps, d).
    """
    position = torch.zeros(dimension, dtype=torch.float64)
    for _ in range(epochs):
        steps = torch.from_numpy(random.standard_normal((epoch_steps, dimension)))
        if sampling == "epoch":
            steps = steps - steps.mean(0)
        path = position + steps.cumsum(0)
        position = path[-1]
        yield path


def gradient_noise_walk(
    errors: Tensor,
    inputs: Tensor,
    learning_rate: float,
    batch_size: int,
    epochs: int,
    sampling: str,
    random: np.random.Generator,
) -> Iterator[Tensor]:
    """Random walk with the noise of SGD but no landscape: ``w <- w - alpha (batch mean - mean) of the gradients at one point``.

    Every sample's gradient is frozen at that point, so the steps have exactly the covariance C / B, and the correlations of
    drawing with or without replacement, of SGD there; the restoring force is absent.

    Args:
        errors: Factors of each sample's gradient, float64 (N, out), from `curvature.layer_gradients`.
        inputs: The other factors, float64 (N, in).
        learning_rate: alpha.
        batch_size: B.
        epochs: Epochs of the walk.
        sampling: "epoch" or "replacement".
        random: Random numbers.

    Yields:
        Positions of one epoch, float64 (steps, out * in), starting from 0.
    """
    n, epoch_steps = len(errors), len(errors) // batch_size
    mean = (errors.T @ inputs).flatten() / n
    position = torch.zeros_like(mean)
    for _ in range(epochs):
        if sampling == "epoch":
            drawn = random.permutation(n)[: epoch_steps * batch_size]
        else:
            drawn = random.integers(n, size=epoch_steps * batch_size)
        batches = torch.from_numpy(drawn).view(epoch_steps, batch_size)
        gradients = torch.bmm(errors[batches].mT, inputs[batches]).flatten(1) / batch_size
        path = position - learning_rate * (gradients - mean).cumsum(0)
        position = path[-1]
        yield path


def stationary_variance(curvatures: Tensor, temperatures: Tensor, learning_rate: float) -> Tensor:
    """Stationary variance of linear SGD with independent noise, ``2 T / (h (2 - alpha h))``; inf where it does not exist.

    Args:
        curvatures: h_i, (k,).
        temperatures: T_i as in `noise.temperature`, (k,).
        learning_rate: alpha. For alpha h << 1 the result is T / h.
    """
    variances = 2 * temperatures / (curvatures * (2 - learning_rate * curvatures))
    return torch.where((curvatures > 0) & (learning_rate * curvatures < 2), variances, torch.inf)


def window_variance(
    curvatures: Tensor,
    temperatures: Tensor,
    *,
    learning_rate: float,
    epoch_steps: int,
    epochs: int,
    sampling: str,
    earlier_epochs: int,
) -> Tensor:
    """Expected variance over a finite window of linear SGD, ``x <- (1 - alpha h) x + alpha noise``, direction by direction.

    The noise of one step has variance 2 T_i / alpha. Drawn with replacement it is independent; drawn without, steps of one epoch
    are anti-correlated so that they sum to zero. The window follows ``earlier_epochs`` epochs that started at the minimum.

    Args:
        curvatures: h_i, float64 (k,).
        temperatures: T_i as in `noise.temperature`, float64 (k,).
        learning_rate: alpha.
        epoch_steps: Steps per epoch, M > 1.
        epochs: Epochs in the window.
        sampling: "epoch" or "replacement".
        earlier_epochs: Epochs before the window.

    Returns:
        Expected time-averaged squared deviation from the window's mean, float64 (k,).

    Source: the argument of Kuehn and Rosenow (arXiv:2306.05300), here exact for finite windows.
    """
    decay = (1 - learning_rate * curvatures.double())[:, None]
    window, before = epochs * epoch_steps, earlier_epochs * epoch_steps
    noise = 2 * learning_rate * temperatures.double()
    # A unit kick at step j moves later steps t by decay^(t - j): its share of the window variance is <r^2> - <r>^2.
    steps = torch.arange(1 - before, window + 1)
    independent = _response_variance(decay, steps, window).sum(1)
    if sampling == "replacement":
        return noise * independent
    common = torch.zeros_like(noise)
    for first in range(0, before + window, epoch_steps):
        common += _epoch_response_variance(decay, steps[first : first + epoch_steps], window)
    # Noise without replacement: covariance s^2 M/(M-1) (1 - J/M) within an epoch, J the matrix of ones.
    return noise * epoch_steps / (epoch_steps - 1) * (independent - common / epoch_steps)


def _response_variance(decay: Tensor, kicks: Tensor, window: int) -> Tensor:
    """Variance over the window's steps 1..window of the response to a kick at each step: (k, kicks)."""
    first = kicks.clamp(min=1)  # first window step that the kick reaches
    start = decay ** (first - kicks)
    length = window + 1 - first
    total = start * _geometric_sum(decay, length)
    squares = start**2 * _geometric_sum(decay**2, length)
    return squares / window - (total / window) ** 2


def _epoch_response_variance(decay: Tensor, kicks: Tensor, window: int) -> Tensor:
    """Variance over the window of the summed response to one kick at each of an epoch's steps: (k,)."""
    times = torch.arange(1, window + 1)
    # Kicks up to time t, the youngest of age t - last: sum of decay^age over them.
    reached = (times[:, None] >= kicks[None, :]).sum(1)
    youngest = (times - kicks[-1]).clamp(min=0)
    response = decay**youngest * _geometric_sum(decay, reached)
    return response.square().mean(1) - response.mean(1) ** 2


def _geometric_sum(ratio: Tensor, terms: Tensor) -> Tensor:
    """``1 + ratio + ... + ratio^(terms - 1)``, accurate also as the ratio tends to 1."""
    gap = 1 - ratio
    small = gap.abs() < 1e-12
    sums = -torch.expm1(terms * torch.log(ratio.abs().clamp(min=1e-300))) / torch.where(small, 1.0, gap)
    alternating = (1 - ratio**terms) / torch.where(small, 1.0, gap)
    return torch.where(small, terms.double(), torch.where(ratio > 0, sums, alternating))
