"""Random walks without a landscape, and the linear theory of SGD: what a measured fluctuation is to be held against."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor


def isotropic_walk(dimension: int, epoch_steps: int, epochs: int, sampling: str, random: np.random.Generator) -> Iterator[Tensor]:
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
        epoch_steps: Steps per epoch, M. Where it is one the steps are independent whatever the draws.
        epochs: Epochs in the window.
        sampling: "epoch" or "replacement".
        earlier_epochs: Epochs before the window.

    Returns:
        Expected time-averaged squared deviation from the window's mean, float64 (k,).

    Source: the argument of Kuehn and Rosenow (arXiv:2306.05300), here exact for finite windows.
    """
    decay = (1 - learning_rate * curvatures.double())[:, None]
    steps, one = epochs * epoch_steps, torch.ones(1)
    # A kick at step j moves later steps t by decay^(t - j): its share of the window's variance is <r^2> - <r>^2. Kicks before the
    # window differ only in their size when it begins.
    aged = _response_variance(decay, one, steps) * decay.squeeze(1) ** 2
    independent = _response_variance(decay, torch.arange(1, steps + 1), steps)
    independent += aged * _geometric_sum(decay**2, earlier_epochs * epoch_steps * one).squeeze(1)
    if sampling == "replacement" or epoch_steps == 1:
        return 2 * learning_rate * temperatures.double() * independent
    common = aged * (
        _geometric_sum(decay, epoch_steps * one).square() * _geometric_sum(decay ** (2 * epoch_steps), earlier_epochs * one)
    ).squeeze(1)
    for first in range(1, steps + 1, epoch_steps):
        common += _epoch_response_variance(decay, first, epoch_steps, steps)
    # Noise without replacement: covariance s^2 M/(M-1) (1 - J/M) within an epoch, J the matrix of ones.
    reduced = epoch_steps / (epoch_steps - 1) * (independent - common / epoch_steps)
    return 2 * learning_rate * temperatures.double() * reduced


def _response_variance(decay: Tensor, kicks: Tensor, window: int) -> Tensor:
    """Variance over the steps 1..window of the response to a unit kick, summed over kicks at the given steps: (k,)."""
    length = window + 1 - kicks
    total, squares = _geometric_sum(decay, length), _geometric_sum(decay**2, length)
    return (squares / window - (total / window) ** 2).sum(1)


def _epoch_response_variance(decay: Tensor, first: int, epoch_steps: int, window: int) -> Tensor:
    """Variance over the window of the summed response to one unit kick at each step of the epoch that begins at ``first``: (k,)."""
    times = torch.arange(1, window + 1)
    kicked = (times - first + 1).clamp(0, epoch_steps)
    youngest = (times - first - epoch_steps + 1).clamp(min=0)
    response = decay**youngest * _geometric_sum(decay, kicked)
    return response.square().mean(1) - response.mean(1) ** 2


def _geometric_sum(ratio: Tensor, terms: Tensor) -> Tensor:
    """``1 + ratio + ... + ratio^(terms - 1)``, accurate also as the ratio tends to 1."""
    gap = 1 - ratio
    small = gap.abs() < 1e-12
    sums = -torch.expm1(terms * torch.log(ratio.abs().clamp(min=1e-300))) / torch.where(small, 1.0, gap)
    alternating = (1 - ratio**terms) / torch.where(small, 1.0, gap)
    return torch.where(small, terms.double(), torch.where(ratio > 0, sums, alternating))
