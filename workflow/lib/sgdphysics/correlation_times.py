"""Correlation times of fluctuations, of projections of the weights of successive steps."""

import numpy as np
import torch
from torch import Tensor

from sgdphysics.arguments import require_positive
from sgdphysics.detrending import without_polynomial
from sgdphysics.errors import InputError
from sgdphysics.inputs import checked_numbers


def without_drift(series: Tensor) -> Tensor:
    """Return series (steps, k), of at least two steps, less the straight line that fits each best, float64.

    Raises:
        ValueError: If that is not their shape.
    """
    return without_polynomial(_checked_series(series), 1)


def relaxation_time(series: Tensor) -> Tensor:
    """Correlation time ``2 var(theta) / var(step)`` in steps, of series (steps, k); float64 (k,).

    For a process of exponential autocorrelation rho per step this is 1 / (1 - rho). A series that does not move, or is not finite,
    has none: nan.

    Raises:
        ValueError: If the shape is not (steps, k) with at least three steps.
    """
    series = _checked_series(series, 3)
    return 2 * series.var(0) / series.diff(dim=0).var(0)


def integrated_autocorrelation_time(series: Tensor, window_factor: float = 5.0) -> Tensor:
    """Correlation time ``1 + 2 sum_k rho(k)`` in steps, of series (steps, k); float64 (k,).

    The sum is cut at the first lag larger than ``window_factor`` times the time so far (Sokal's self-consistent window). A series
    of n independent values has time 1; the variance of the mean of n values is variance * time / n. A series that does not move, or
    is not finite, has none: nan.

    Raises:
        ValueError: If the shape is not (steps, k) with at least two steps, or the factor is not above 0.
    """
    series = _checked_series(series)
    require_positive("window_factor", window_factor)
    centred = (series - series.mean(0)).numpy()
    steps = len(centred)
    spectrum = np.abs(np.fft.rfft(centred, 2 * steps, axis=0)) ** 2
    covariance = np.fft.irfft(spectrum, axis=0)[:steps]
    with np.errstate(invalid="ignore"):
        times = 2 * np.cumsum(covariance / covariance[0], axis=0) - 1
    beyond = np.arange(steps)[:, None] > window_factor * times
    cut = np.where(beyond.any(0), beyond.argmax(0), steps - 1)
    return torch.from_numpy(times[cut, np.arange(times.shape[1])])


def _checked_series(series: Tensor, fewest_steps: int = 2) -> Tensor:
    """Series as float64 (steps, k)."""
    series = checked_numbers(series, 2, "series", finite=False).double()
    if len(series) < fewest_steps:
        raise InputError(f"series: found {len(series)} steps, expected at least {fewest_steps}")
    return series
