"""Random walks without a restoring force, and the linear theory of SGD: what a measured fluctuation is to be held against."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from sgdphysics.arguments import require, require_positive, require_random, require_sampling, require_whole
from sgdphysics.detrending import polynomials
from sgdphysics.errors import InputError
from sgdphysics.inputs import checked_numbers


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

    Raises:
        ValueError: If a number is no whole one from 1, or there is no such sampling.
    """
    for name, value in (("dimension", dimension), ("epoch_steps", epoch_steps), ("epochs", epochs)):
        require_whole(name, value, 1)
    require_sampling(sampling)
    require_random(random)
    return _isotropic_walk(dimension, epoch_steps, epochs, sampling, random)


def _isotropic_walk(dimension: int, epoch_steps: int, epochs: int, sampling: str, random: np.random.Generator) -> Iterator[Tensor]:
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
    """Frozen noise, a random walk: ``w <- w - alpha (batch mean - mean) of the gradients at one point``.

    Every sample's gradient is frozen at that point, so the steps have exactly the covariance C / B, and the correlations of
    drawing with or without replacement, of SGD there: C is the landscape's, and only its restoring force is absent.

    Args:
        errors: Factors of each sample's gradient, float64 (N, out), finite, from `curvature.layer_gradients`.
        inputs: The other factors, float64 (N, in), finite.
        learning_rate: alpha > 0.
        batch_size: B, 1 to N.
        epochs: Epochs of the walk.
        sampling: "epoch" or "replacement".
        random: Random numbers.

    Yields:
        Positions of one epoch, float64 (steps, out * in), starting from 0.

    Raises:
        ValueError: If an argument is none of these.
    """
    errors, inputs = checked_numbers(errors, 2, "errors"), checked_numbers(inputs, 2, "inputs")
    if len(errors) != len(inputs):
        raise InputError(f"inputs: found {len(inputs)}, expected {len(errors)}, one for each of errors")
    require_positive("learning_rate", learning_rate)
    require_whole("batch_size", batch_size, 1)
    require(batch_size <= len(errors), "batch_size", batch_size, f"at most {len(errors)}, the samples of errors")
    require_whole("epochs", epochs, 1)
    require_sampling(sampling)
    require_random(random)
    return _gradient_noise_walk(errors, inputs, learning_rate, batch_size, epochs, sampling, random)


def _gradient_noise_walk(
    errors: Tensor,
    inputs: Tensor,
    learning_rate: float,
    batch_size: int,
    epochs: int,
    sampling: str,
    random: np.random.Generator,
) -> Iterator[Tensor]:
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
        curvatures: h_i, (k,), of any sign; nan where one is not known gives nan.
        temperatures: T_i >= 0 as in `noise.temperature`, (k,); nan where one is not known gives nan.
        learning_rate: alpha > 0. For alpha h << 1 the result is T / h.

    Raises:
        ValueError: If an argument is none of these.
    """
    curvatures, temperatures = _checked_pairs(curvatures, temperatures)
    require_positive("learning_rate", learning_rate)
    variances = 2 * temperatures / (curvatures * (2 - learning_rate * curvatures))
    unknown = curvatures.isnan()
    return torch.where(unknown | (curvatures > 0) & (learning_rate * curvatures < 2), variances, torch.inf)


def window_variance(
    curvatures: Tensor,
    temperatures: Tensor,
    *,
    learning_rate: float,
    epoch_steps: int,
    epochs: int,
    sampling: str,
    earlier_epochs: int,
    detrending_order: int = 0,
) -> Tensor:
    """Expected variance over a finite window of linear SGD, ``x <- (1 - alpha h) x + alpha noise``, direction by direction.

    The noise of one step has variance 2 T_i / alpha. Drawn with replacement it is independent; drawn without, steps of one epoch
    are anti-correlated so that they sum to zero. The window follows ``earlier_epochs`` epochs that started at the minimum.

    Args:
        curvatures: h_i, float64 (k,).
        temperatures: T_i >= 0 as in `noise.temperature`, float64 (k,); nan where one is not known gives nan.
        learning_rate: alpha > 0.
        epoch_steps: Steps per epoch, M >= 1. Where it is one the steps are independent whatever the draws.
        epochs: Epochs in the window.
        sampling: "epoch" or "replacement".
        earlier_epochs: Epochs before the window.
        detrending_order: Of the polynomial in time that is taken out of the window before its variance is taken; 0 is the mean.

    Returns:
        Expected time-averaged squared deviation from the window's mean, or from that polynomial, float64 (k,).

    Raises:
        ValueError: If an argument is none of these.

    Source: the argument of Kuehn and Rosenow (arXiv:2306.05300), here exact for finite windows.
    """
    curvatures, temperatures = _checked_pairs(curvatures, temperatures)
    require_positive("learning_rate", learning_rate)
    require_sampling(sampling)
    require_whole("epoch_steps", epoch_steps, 1)
    require_whole("epochs", epochs, 1)
    require_whole("earlier_epochs", earlier_epochs, 0)
    require_whole("detrending_order", detrending_order, 0)
    require(detrending_order < epochs * epoch_steps, "detrending_order", detrending_order, "fewer than the window's steps")
    trends = polynomials(epochs * epoch_steps, detrending_order)[1:]
    decay = (1 - learning_rate * curvatures.double())[:, None]
    steps, one = epochs * epoch_steps, torch.ones(1)
    # A kick at step j moves later steps t by decay^(t - j): its share of the window's variance is <r^2> - <r>^2. Kicks before the
    # window differ only in their size when it begins.
    # A polynomial that is taken out takes its share of every kick with it.
    shares = _shares_of_kicks(decay.squeeze(1), trends)
    aged = (_response_variance(decay, one, steps) - shares[0].square().sum(0) / steps) * decay.squeeze(1) ** 2
    independent = _response_variance(decay, torch.arange(1, steps + 1), steps) - shares.square().sum((0, 1)) / steps
    independent += aged * _geometric_sum(decay**2, earlier_epochs * epoch_steps * one).squeeze(1)
    if sampling == "replacement" or epoch_steps == 1:
        return 2 * learning_rate * temperatures.double() * independent
    common = aged * (
        _geometric_sum(decay, epoch_steps * one).square() * _geometric_sum(decay ** (2 * epoch_steps), earlier_epochs * one)
    ).squeeze(1)
    common += _epoch_response_variance(decay, epoch_steps, epochs)
    common -= shares.unflatten(0, (epochs, epoch_steps)).sum(1).square().sum((0, 1)) / steps
    # Noise without replacement: covariance s^2 M/(M-1) (1 - J/M) within an epoch, J the matrix of ones.
    reduced = epoch_steps / (epoch_steps - 1) * (independent - common / epoch_steps)
    return 2 * learning_rate * temperatures.double() * reduced


def _checked_pairs(curvatures: Tensor, temperatures: Tensor) -> tuple[Tensor, Tensor]:
    """Curvatures and temperatures, one of each for every direction."""
    curvatures, temperatures = (
        checked_numbers(values, 1, name, finite=False)
        for name, values in (("curvatures", curvatures), ("temperatures", temperatures))
    )
    if len(curvatures) != len(temperatures):
        raise InputError(f"temperatures: found {len(temperatures)}, expected {len(curvatures)}, one for each of curvatures")
    if bool((temperatures < 0).any()):
        raise InputError(f"temperatures: found {float(temperatures[temperatures < 0][0]):g}, expected numbers from 0")
    return curvatures, temperatures


def _response_variance(decay: Tensor, kicks: Tensor, window: int) -> Tensor:
    """Variance over the steps 1..window of the response to a unit kick, summed over kicks at the given steps: (k,)."""
    length = window + 1 - kicks
    total, squares = _geometric_sum(decay, length), _geometric_sum(decay**2, length)
    return (squares / window - (total / window) ** 2).sum(1)


def _shares_of_kicks(decay: Tensor, trends: Tensor) -> Tensor:
    """Product of each trend (order, steps) with the response to a unit kick at each step, from the first: (steps, order, k)."""
    shares = torch.zeros(trends.shape[1], len(trends), len(decay), dtype=torch.float64)
    later = torch.zeros(len(trends), len(decay), dtype=torch.float64)
    for step in reversed(range(trends.shape[1] if len(trends) else 0)):
        later = trends[:, step, None] + decay * later
        shares[step] = later
    return shares


def _epoch_response_variance(decay: Tensor, epoch_steps: int, epochs: int) -> Tensor:
    """Variance over the window of the summed response to one unit kick at each step of an epoch, summed over its epochs: (k,)."""
    steps = epoch_steps * epochs
    rising = _geometric_sum(decay, torch.arange(1, epoch_steps + 1))  # while the epoch lasts; the same in every epoch
    left = steps - epoch_steps * torch.arange(1, epochs + 1)  # steps after it, in which the response decays
    last = rising[:, -1:] * decay
    total = rising.sum(1, keepdim=True) + last * _geometric_sum(decay, left)
    squares = rising.square().sum(1, keepdim=True) + last**2 * _geometric_sum(decay**2, left)
    return (squares / steps - (total / steps) ** 2).sum(1)


def _geometric_sum(ratio: Tensor, terms: Tensor) -> Tensor:
    """``1 + ratio + ... + ratio^(terms - 1)``, accurate also as the ratio tends to 1."""
    gap = 1 - ratio
    small = gap.abs() < 1e-12
    sums = -torch.expm1(terms * torch.log(ratio.abs().clamp(min=1e-300))) / torch.where(small, 1.0, gap)
    alternating = (1 - ratio**terms) / torch.where(small, 1.0, gap)
    return torch.where(small, terms.double(), torch.where(ratio > 0, sums, alternating))
