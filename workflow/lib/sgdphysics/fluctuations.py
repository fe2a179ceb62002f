"""Fluctuations of weights: principal components of a window of steps and correlation times along directions."""

import numpy as np
import scipy.linalg
import torch
from torch import Tensor

from sgdphysics.arguments import is_whole, require, require_kind, require_whole
from sgdphysics.arrays import largest_eigenpairs, with_fixed_sign
from sgdphysics.correlation_times import integrated_autocorrelation_time, relaxation_time, without_drift
from sgdphysics.detrending import without_polynomial
from sgdphysics.errors import InputError
from sgdphysics.inputs import PRECISIONS, checked_numbers, checked_vectors
from sgdphysics.spectra import components_for_share, participation_ratio

__all__ = [
    "ProjectedSeries",
    "WindowMoments",
    "components_for_share",
    "integrated_autocorrelation_time",
    "participation_ratio",
    "principal_components",
    "relaxation_time",
    "without_drift",
    "without_polynomial",
]

_ROUNDING = 2.2e-16  # per step, in parts of the largest variance: what is smaller is no movement


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
        ValueError: If there are no weights, or the window is shorter than 2 steps; by the methods, if the window is not full yet.
    """

    _BLOCK = 256

    def __init__(self, dimension: int, steps: int) -> None:
        """Start an empty window."""
        require_whole("dimension", dimension, 1)
        require(is_whole(steps) and steps >= 2, "steps", steps, "a window of at least 2")
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
            ValueError: If these are not d weights, or the window is full already.
        """
        waiting = _as_steps(weights, self._rows.shape[1])
        if self._count + len(waiting) > self.steps:
            raise InputError(f"weights: the window of {self.steps} steps is full")
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
        """Return variances (k,), largest first, and directions (k, d) as `principal_components` does, k at most ``count``.

        Directions along which nothing moves but by rounding are orthonormal only where rounding leaves them so.

        Raises:
            ValueError: If the count is less than 1.
        """
        self._require_full()
        require_whole("count", count, 1, none_allowed=True)
        if self._streamed:
            return largest_eigenpairs(self._covariance(), count)
        return _components_of_rows(self._deviations(), count)

    @property
    def component_variances(self) -> Tensor:
        """Variances of all principal components, float64 (k,), as `principal_components` returns them with their directions.

        Without directions less time and memory is needed: of a window shorter than d steps only products of steps.
        """
        self._require_full()
        if self._streamed:
            return torch.linalg.eigvalsh(self._covariance()).flip(0).clamp(min=0)
        products = self._rows @ self._rows.T  # of deviations from the mean, once these of its rows and columns are taken out
        products -= products.mean(0)
        products -= products.mean(1, keepdim=True)
        return torch.linalg.eigvalsh(products).flip(0)[:-1].clamp(min=0) / (self.steps - 1)

    def variance_along(self, directions: Tensor, *, without_drift: bool = False) -> Tensor:
        """Variance of the weights projected on directions (k, d), dividing by steps - 1; float64 (k,).

        Args:
            directions: (k, d), finite, none of length 0.
            without_drift: Leave out the straight line that fits the window best.

        Raises:
            ValueError: If the directions are something else.
        """
        self._require_full()
        directions = checked_vectors(directions, len(self._sum), "directions").double()
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
            raise InputError(f"weights: found {self._count} steps, expected the whole window of {self.steps}")


class ProjectedSeries:
    """Weights of successive steps projected on fixed directions, as the steps come.

    Args:
        directions: (k, d), finite, none of length 0.
        origin: Weights (d,) from which the projections are counted.
        steps: Steps to come, at least 1.

    Raises:
        ValueError: If an argument is none of these.
    """

    _BLOCK = 256

    def __init__(self, directions: Tensor, origin: Tensor, steps: int) -> None:
        """Start an empty series."""
        self._origin = checked_numbers(origin.flatten(), 1, "origin").double()
        self._directions = checked_vectors(directions, len(self._origin), "directions").double()
        require_whole("steps", steps, 1)
        self._block: _Block | None = None
        self._left = steps
        self._parts: list[Tensor] = []

    def add(self, weights: Tensor) -> None:
        """Add the weights of one step (d,) or of several (steps, d); raises ValueError if these are not d weights."""
        waiting = _as_steps(weights, len(self._origin))
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
        trajectory: Weights at successive steps, float32 or float64 (steps, d), steps > 1; computed in float64.

    Returns:
        Variances, float64 (k,), k = min(steps - 1, d), largest first, in squared weight units, dividing by steps - 1; and
        directions, float64 (k, d), orthonormal rows, each with its largest entry positive. Rounding costs directions of very little
        variance some orthogonality, about 1e-16 times the largest variance over theirs; directions along which nothing moves have
        variance 0, and are any that complete the others.

    Raises:
        ValueError: If there are fewer than two steps, a weight is not finite (the first such step is named), or none moves.

    Source: Feng and Tu 2021, principal component analysis of the weight dynamics.
    """
    require_kind("trajectory", trajectory, Tensor)
    if trajectory.ndim != 2 or len(trajectory) < 2 or not trajectory.shape[1]:
        raise InputError(f"trajectory: found shape {tuple(trajectory.shape)}, expected (steps, d) with at least 2 steps")
    if trajectory.dtype not in PRECISIONS:
        raise InputError(f"trajectory: found {trajectory.dtype}, expected torch.float32 or torch.float64")
    trajectory = trajectory.detach()
    bad = (~trajectory.isfinite()).any(1).nonzero()
    if len(bad):
        raise InputError(f"trajectory: found a non-finite weight at step {int(bad[0])}, expected finite weights")
    if bool((trajectory == trajectory[0]).all()):
        raise InputError(f"trajectory: found the same weights at all {len(trajectory)} steps, expected weights that move")
    moments = WindowMoments(trajectory.shape[1], len(trajectory))
    moments.add(trajectory)
    variances, directions = moments.principal_components()
    moving = variances > _ROUNDING * len(trajectory) * variances[0]
    return torch.where(moving, variances, 0.0), with_fixed_sign(_completed(directions, moving))


def _components_of_rows(deviations: Tensor, count: int | None) -> tuple[Tensor, Tensor]:
    """Principal components from centred rows (steps, d), steps <= d, by the smaller Gram matrix."""
    steps = len(deviations)
    count = steps - 1 if count is None else min(count, steps - 1)
    # The whole spectrum is found faster than most of it.
    values, vectors = largest_eigenpairs(deviations @ deviations.T, None if count > steps // 2 else count)
    values, directions = values[:count], vectors[:count] @ deviations
    lengths = directions.norm(dim=1, keepdim=True)
    # Rounding costs directions of very little variance some orthogonality, about 1e-16 times the largest variance over theirs.
    directions = _completed(directions / lengths, lengths.squeeze(1) > 0)
    return values.clamp(min=0) / (steps - 1), with_fixed_sign(directions)


def _completed(directions: Tensor, kept: Tensor) -> Tensor:
    """Directions (k, d) with those that are not kept replaced by others, always the same ones, that are orthonormal to all."""
    if bool(kept.all()):
        return directions
    drawn = torch.from_numpy(np.random.default_rng(0).standard_normal((int((~kept).sum()), directions.shape[1])))
    completed = directions.clone()
    completed[~kept] = torch.linalg.qr(torch.cat([directions[kept], drawn]).T).Q.T[int(kept.sum()) :]
    return completed


def _as_steps(weights: Tensor, dimension: int) -> Tensor:
    """The weights of one step (d,) or of several (steps, d) as (steps, d)."""
    if weights.ndim not in (1, 2) or weights.shape[-1] != dimension or not len(weights):
        raise InputError(f"weights: found shape {tuple(weights.shape)}, expected ({dimension},) or (steps, {dimension})")
    return weights.detach().reshape(-1, dimension)
