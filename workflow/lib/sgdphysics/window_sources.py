"""One source of fluctuations in two windows, measured from its steps: SGD, or a surrogate that lacks something of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from sgdphysics import seeds
from sgdphysics.arrays import largest_eigenpairs
from sgdphysics.curvature import layer_gradients, layer_hessian
from sgdphysics.detrending import orders_within
from sgdphysics.fluctuations import (
    ProjectedSeries,
    WindowMoments,
    integrated_autocorrelation_time,
    relaxation_time,
    without_drift,
    without_polynomial,
)
from sgdphysics.ladder import is_stable, linear_sgd, rotated_walk
from sgdphysics.ranks import DENSE_LIMIT
from sgdphysics.surrogates import gradient_noise_walk, isotropic_walk
from sgdphysics.training import Run, steps_per_epoch, training_set
from sgdphysics.window_results import Fluctuation, Source, Window
from sgdphysics.window_settings import WindowSettings, noise_source

Walk = Callable[[], Iterator[Tensor]]  # its positions through both windows, drawn when it is called

_ROTATION = 1  # the last position of the stream that turns the noise; the noise itself has none


@dataclass
class PrincipalComponents:
    """Principal components of a first window.

    Attributes:
        variances: Those kept, float64 (k,), largest first.
        total_variance: Sum over all components, kept or not.
        directions: Of those kept, float64 (k, d).
        selected: Directions at the selected ranks, float64 (selected, d).
    """

    variances: Tensor
    total_variance: float
    directions: Tensor
    selected: Tensor

    @classmethod
    def of(cls, moments: WindowMoments, ranks: Sequence[int], settings: WindowSettings) -> "PrincipalComponents":
        """Return them for a window's moments, up to the largest of the selected ranks unless the whole spectrum is wanted."""
        variances, directions = moments.principal_components(None if settings.whole_spectrum else ranks[-1])
        return cls(variances, moments.total_variance, directions, directions[torch.tensor(ranks) - 1])


class SourceSeries:
    """Projections of a source on its directions, to be fed with the steps of the first and of the second window.

    Args:
        components: Principal components of the first window.
        window: Whose Hessian directions are projected on too.
        moments: Those of the first window.
    """

    def __init__(self, components: PrincipalComponents, window: Window, moments: WindowMoments) -> None:
        """Start two empty series."""
        self._components, self._count = components, len(components.selected)
        self._start, self._drift = window.start, moments.drift
        directions = torch.cat([components.selected, window.hessian_directions])
        self.first = ProjectedSeries(directions, moments.mean, moments.steps)
        self.second = ProjectedSeries(components.selected, moments.mean, moments.steps)

    def finished(self, second: WindowMoments) -> Source:
        """Return the source, once both series and the moments of the second window are complete."""
        source = Source(
            in_sample=self._components.variances,
            held_out=second.variance_along(self._components.directions),
            total_variance=self._components.total_variance,
            directions=self._components.selected,
        )
        if self._start is not None:
            source.first_alignment = _growth_alignment(self._components.directions[0], self._drift, self._start)
        source.trajectory, along_hessian = self.first.values.tensor_split([self._count], 1)
        source.fluctuations["principal"] = _fluctuation(source.trajectory)
        source.fluctuations["held_out"] = _fluctuation(self.second.values)
        if along_hessian.numel():
            source.fluctuations["hessian"] = _fluctuation(along_hessian)
        return source


def surrogate_sources(window: Window, run: Run, images: Tensor, labels: Tensor, settings: WindowSettings) -> dict[str, Source]:
    """Draw and measure the surrogates of a window.

    Args:
        window: Its centre, where the noise is frozen, and its ranks and Hessian directions.
        run: The run; its seed is that of the walks.
        images, labels: The data.
        settings: Which surrogates.

    Returns:
        By name, in the order of ``settings.sources``; without the linear SGD of a layer too wide for dense matrices, or that leaves
        its minimum.
    """
    indices, noisy_labels, _ = training_set(run, labels, window.centre.classes)
    walks = _Walks(window, run, images[indices], noisy_labels, settings)
    return {name: _walk_source(walk, window, walks.epoch_steps, settings) for name, walk in walks.by_source().items()}


class _Walks:
    """The walks through both windows that a source of fluctuations is measured from; each is drawn anew when it is called."""

    def __init__(self, window: Window, run: Run, images: Tensor, labels: Tensor, settings: WindowSettings) -> None:
        self._window, self._run, self._images, self._labels, self._settings = window, run, images, labels, settings
        self._centre = window.centre.to(images.device)
        self._factors = layer_gradients(self._centre, images, labels, settings.layer, run.loss)
        self.epoch_steps = steps_per_epoch(run, len(images))

    def by_source(self) -> dict[str, Walk]:
        """The walk of each surrogate, by name, in the order of ``WindowSettings.sources``."""
        walks: dict[str, Walk] = {
            noise_source(sampling): partial(self._frozen_noise, sampling) for sampling in self._settings.noise_sampling
        }
        if self._settings.isotropic:
            walks["isotropic"] = self._isotropic
        if self._settings.ladder:
            walks["rotated_noise"] = self._rotated_noise
            if linear := self._linear_sgd():
                walks["linear_sgd"] = linear
        return walks

    def _frozen_noise(self, sampling: str) -> Iterator[Tensor]:
        """The noise of SGD at the centre; of one sampling scheme the same draws in every walk with this noise."""
        run, epochs = self._run, self._settings.epochs
        return gradient_noise_walk(*self._factors, run.learning_rate, run.batch_size, 2 * epochs, sampling, self._random())

    def _isotropic(self) -> Iterator[Tensor]:
        epochs = self._settings.epochs
        random = seeds.generator(self._run.seed, "surrogate", epochs)
        return isotropic_walk(len(self._window.drift), self.epoch_steps, 2 * epochs, self._run.sampling, random)

    def _rotated_noise(self) -> Iterator[Tensor]:
        return rotated_walk(self._frozen_noise(self._run.sampling), self._random(_ROTATION))

    def _linear_sgd(self) -> Walk | None:
        """SGD in the quadratic approximation of the loss at the centre; None where that has no such walk."""
        if len(self._window.drift) > DENSE_LIMIT:
            return None
        hessian = layer_hessian(self._centre.double(), self._images, self._labels, self._settings.layer, self._run.loss)
        curvatures, directions = (part.cpu() for part in largest_eigenpairs(hessian))
        if not is_stable(curvatures, self._run.learning_rate):
            return None
        return lambda: linear_sgd(self._frozen_noise(self._run.sampling), curvatures, directions, self._run.learning_rate)

    def _random(self, *position: int) -> np.random.Generator:
        return seeds.generator(self._run.seed, "surrogate", self._settings.epochs, self._window.start_epoch, *position)


def _walk_source(walk: Walk, window: Window, epoch_steps: int, settings: WindowSettings) -> Source:
    """A source measured from its walk, which is drawn twice, with the same bits, as SGD is stepped twice."""
    first, second = _walk_moments(walk(), window, epoch_steps)
    series = SourceSeries(PrincipalComponents.of(first, window.ranks, settings), window, first)
    second_walk = walk()
    for half in (series.first, series.second):
        for block in islice(second_walk, settings.epochs):
            half.add(block)
    return series.finished(second)


def _walk_moments(walk: Iterator[Tensor], window: Window, epoch_steps: int) -> tuple[WindowMoments, WindowMoments]:
    """Moments of the first and of the second half of a walk as long as both windows."""
    dimension, steps = len(window.drift), window.epochs * epoch_steps
    halves = WindowMoments(dimension, steps), WindowMoments(dimension, steps)
    for epoch, block in enumerate(walk):
        halves[epoch // window.epochs].add(block)
    return halves


def _growth_alignment(direction: Tensor, drift: Tensor, weights: Tensor) -> float:
    """Cosine with the weights of a direction that points to where a drift goes; 0 of a drift at right angles to it."""
    growing = direction * (direction @ drift).sign()
    return float(cosine_similarity(growing, weights, dim=0))


def _fluctuation(series: Tensor) -> Fluctuation:
    detrended = without_drift(series)
    return Fluctuation(
        variance=series.var(0),
        variance_without_drift=detrended.var(0),
        variance_by_order={order: without_polynomial(series, order).var(0) for order in orders_within(len(series))},
        relaxation_time=relaxation_time(detrended),
        integrated_time=integrated_autocorrelation_time(detrended),
    )
