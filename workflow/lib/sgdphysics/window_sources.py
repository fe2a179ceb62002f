"""One source of fluctuations in two windows, measured from its steps: SGD, or a surrogate without a landscape."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from sgdphysics import seeds
from sgdphysics.curvature import layer_gradients
from sgdphysics.detrending import orders_within
from sgdphysics.fluctuations import (
    ProjectedSeries,
    WindowMoments,
    integrated_autocorrelation_time,
    relaxation_time,
    without_drift,
    without_polynomial,
)
from sgdphysics.surrogates import gradient_noise_walk, isotropic_walk
from sgdphysics.training import Run, steps_per_epoch, training_set
from sgdphysics.window_results import Fluctuation, Source, Window
from sgdphysics.window_settings import WindowSettings, noise_source


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
        By name, in the order of ``settings.sources``; the isotropic one without fluctuations.
    """
    indices, noisy_labels, _ = training_set(run, labels, window.centre.classes)
    factors = layer_gradients(window.centre.to(images.device), images[indices], noisy_labels, settings.layer, run.loss)
    epoch_steps = steps_per_epoch(run, len(indices))
    sources = {
        noise_source(sampling): _noise_source(window, run, factors, epoch_steps, sampling, settings)
        for sampling in settings.noise_sampling
    }
    return {**sources, "isotropic": _isotropic_source(window, run, epoch_steps, settings)} if settings.isotropic else sources


def _noise_source(
    window: Window, run: Run, factors: tuple[Tensor, Tensor], epoch_steps: int, sampling: str, settings: WindowSettings
) -> Source:
    """The walk with the noise of SGD at the centre; it is drawn twice, with the same bits, as SGD is stepped twice."""

    def walk() -> Iterator[Tensor]:
        random = seeds.generator(run.seed, "surrogate", settings.epochs, window.start_epoch)
        return gradient_noise_walk(*factors, run.learning_rate, run.batch_size, 2 * settings.epochs, sampling, random)

    first, second = _walk_moments(walk(), window, epoch_steps)
    series = SourceSeries(PrincipalComponents.of(first, window.ranks, settings), window, first)
    second_walk = walk()
    for half in (series.first, series.second):
        for block in islice(second_walk, settings.epochs):
            half.add(block)
    return series.finished(second)


def _isotropic_source(window: Window, run: Run, epoch_steps: int, settings: WindowSettings) -> Source:
    random = seeds.generator(run.seed, "surrogate", settings.epochs)
    walk = isotropic_walk(len(window.drift), epoch_steps, 2 * settings.epochs, run.sampling, random)
    first, second = _walk_moments(walk, window, epoch_steps)
    components = PrincipalComponents.of(first, window.ranks, settings)
    held_out = second.variance_along(components.directions)
    return Source(components.variances, held_out, components.total_variance, components.selected)


def _walk_moments(walk: Iterator[Tensor], window: Window, epoch_steps: int) -> tuple[WindowMoments, WindowMoments]:
    """Moments of the first and of the second half of a walk as long as both windows."""
    dimension, steps = len(window.drift), window.epochs * epoch_steps
    halves = WindowMoments(dimension, steps), WindowMoments(dimension, steps)
    for epoch, block in enumerate(walk):
        halves[epoch // window.epochs].add(block)
    return halves


def _fluctuation(series: Tensor) -> Fluctuation:
    detrended = without_drift(series)
    return Fluctuation(
        variance=series.var(0),
        variance_without_drift=detrended.var(0),
        variance_by_order={order: without_polynomial(series, order).var(0) for order in orders_within(len(series))},
        relaxation_time=relaxation_time(detrended),
        integrated_time=integrated_autocorrelation_time(detrended),
    )
