"""Rungs of a ladder of nulls: a walk turned at random, and linear SGD driven by the noise of a walk.

From an isotropic walk (`surrogates.isotropic_walk`) to SGD each rung adds one thing: the strengths of SGD's noise, in directions
drawn at random (`rotated_walk` of frozen noise); their directions, those of the landscape (frozen noise itself,
`surrogates.gradient_noise_walk`); and the restoring force of the landscape in linear order (`linear_sgd` of frozen noise).
"""

from collections.abc import Iterable, Iterator

import numpy as np
import scipy.fft
import torch
from torch import Tensor

from sgdphysics.arguments import require, require_positive, require_random
from sgdphysics.errors import InputError
from sgdphysics.inputs import checked_numbers, checked_vectors

_TURNS = 3  # rounds of random signs and a cosine transform, after which no direction is told from one drawn uniformly
STABLE = 2.0  # learning rate times curvature, from which on linear SGD leaves its minimum


def rotated_walk(walk: Iterable[Tensor], random: np.random.Generator) -> Iterator[Tensor]:
    """Turn a walk by one random rotation: the covariance of its steps keeps its eigenvalues and gets random eigenvectors.

    What steps sum to over an epoch, and every correlation in time, stay. The rotation is a product of three rounds of random signs
    and a cosine transform: exactly orthogonal, and quick in any dimension.

    Args:
        walk: Positions of one epoch after another, each float64 (steps, d), on any device; computed on the CPU.
        random: Random numbers.

    Yields:
        Positions of one epoch, float64 (steps, d).

    Raises:
        ValueError: If an argument is none of these; of the walk's epochs when they come.

    Source: F. X. Yu et al., Advances in Neural Information Processing Systems 29 (2016), structured orthogonal features.
    """
    require(isinstance(walk, Iterable) and getattr(walk, "ndim", 1) > 0, "walk", walk, "positions of one epoch after another")
    require_random(random)
    return _rotated_walk(walk, random)


def _rotated_walk(walk: Iterable[Tensor], random: np.random.Generator) -> Iterator[Tensor]:
    signs = None
    for positions in walk:
        turned = _checked_positions(positions).numpy()
        if signs is None:
            signs = random.choice([-1.0, 1.0], size=(_TURNS, turned.shape[1]))
        if turned.shape[1] != signs.shape[1]:
            raise InputError(f"walk: found an epoch in {turned.shape[1]} dimensions, expected {signs.shape[1]} as before")
        for signs_of_turn in signs:
            turned = scipy.fft.dct(turned * signs_of_turn, norm="ortho", axis=1)
        yield torch.from_numpy(turned)


def linear_sgd(walk: Iterable[Tensor], curvatures: Tensor, directions: Tensor, learning_rate: float) -> Iterator[Tensor]:
    """SGD in the quadratic approximation of the loss, ``w <- w - alpha H w + step``, with the steps of a walk as its noise.

    Args:
        walk: Positions of one epoch after another, each float64 (steps, d), from 0, on any device, computed on the CPU; of frozen
            noise for SGD with its own noise.
        curvatures: All eigenvalues of the Hessian, (d,), below 2 / alpha: from there on SGD leaves the minimum.
        directions: Its eigenvectors, (d, d), orthonormal rows.
        learning_rate: alpha > 0.

    Yields:
        Positions of one epoch relative to the minimum, float64 (steps, d), starting there.

    Raises:
        ValueError: If an argument is none of these; of the walk's epochs when they come.
    """
    require(isinstance(walk, Iterable) and getattr(walk, "ndim", 1) > 0, "walk", walk, "positions of one epoch after another")
    curvatures = checked_numbers(curvatures, 1, "curvatures").double()
    directions = checked_vectors(directions, len(curvatures), "directions").double()
    if len(directions) != len(curvatures):
        raise InputError(f"directions: found {len(directions)}, expected {len(curvatures)}, one for each of curvatures")
    require_positive("learning_rate", learning_rate)
    if not is_stable(curvatures, learning_rate):
        bound = f"numbers below {STABLE / learning_rate:g}, 2 over the learning rate"
        raise InputError(f"curvatures: found {float(curvatures.max()):g}, expected {bound}")
    return _linear_sgd(walk, 1 - learning_rate * curvatures, directions)


def is_stable(curvatures: Tensor, learning_rate: float) -> bool:
    """Return whether SGD in a quadratic bowl of these curvatures, (d,), stays in it; ValueError if an argument is none of these."""
    require_positive("learning_rate", learning_rate)
    return learning_rate * float(checked_numbers(curvatures, 1, "curvatures").max()) < STABLE


def _linear_sgd(walk: Iterable[Tensor], decay: Tensor, directions: Tensor) -> Iterator[Tensor]:
    before = torch.zeros(1, len(decay), dtype=torch.float64)
    position = torch.zeros_like(decay)
    for positions in walk:
        positions = _checked_positions(positions)
        if positions.shape[1] != len(decay):
            raise InputError(f"walk: found an epoch in {positions.shape[1]} dimensions, expected {len(decay)}")
        path = torch.cat([before, positions]).diff(dim=0) @ directions.T  # steps, which are taken up one by one
        for step in path:
            position = torch.addcmul(step, decay, position, out=step)
        before = positions[-1:]
        yield path @ directions


def _checked_positions(positions: Tensor) -> Tensor:
    return checked_numbers(positions, 2, "walk").double().cpu()
