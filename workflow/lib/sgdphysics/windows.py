"""A window of SGD steps, measured: its centre, directions of fluctuation, variances and correlation times along them.

A second window of equal length follows the first. Directions and centre come from the first; variances along the directions come
from the first ("in sample", as published) and from the second ("held out", in which chance alignments of the first are absent).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from sgdphysics import seeds
from sgdphysics.arrays import largest_eigenpairs, log_spaced_ranks
from sgdphysics.curvature import layer_gradients, layer_hessian
from sgdphysics.fluctuations import (
    ProjectedSeries,
    WindowMoments,
    integrated_autocorrelation_time,
    relaxation_time,
    without_drift,
)
from sgdphysics.networks import Mlp
from sgdphysics.surrogates import gradient_noise_walk, isotropic_walk
from sgdphysics.tensors import load_tensors, save_tensors
from sgdphysics.training import Result, Run, continue_training, steps_per_epoch, training_set

MOST_DIRECTIONS = 1000


@dataclass
class Fluctuation:
    """Fluctuations along the selected directions of one basis, each float64 (k,).

    Attributes:
        variance: Variance of the projected weights, dividing by steps - 1.
        variance_without_drift: The same less the straight line that fits the window best.
        relaxation_time: ``2 var / var(step)`` in steps, of the series without drift.
        integrated_time: Integrated autocorrelation time in steps, of the series without drift.
    """

    variance: Tensor
    variance_without_drift: Tensor
    relaxation_time: Tensor
    integrated_time: Tensor


@dataclass
class Source:
    """One source of fluctuations: SGD, or a surrogate without a landscape.

    Attributes:
        in_sample: Variances of the principal components of the first window, float64 (k,), largest first.
        held_out: Variances of the second window along the same directions, float64 (k,).
        total_variance: Their sum over all components, whether among these k or not.
        directions: Principal directions at the selected ranks, float64 (selected, d).
        fluctuations: By basis: "principal" (first window), "held_out" (the same directions, second window) and "hessian" (the
            window's Hessian directions, first window).
        trajectory: Projections of the first window on the principal directions, relative to its mean, float64 (steps, selected).
    """

    in_sample: Tensor
    held_out: Tensor
    total_variance: float
    directions: Tensor
    fluctuations: dict[str, Fluctuation] = field(default_factory=dict)
    trajectory: Tensor | None = None


@dataclass
class Window:
    """What was measured in the windows of one run.

    Attributes:
        layer: Weight matrix studied, counted from 0.
        epochs: Length of each of the two windows, epochs.
        start_epoch: Epochs trained before the first.
        centre: Network with the layer's weights at the first window's mean (or its end), other layers at the window's end.
        drift: Change of the layer's weights over the first window by the best straight line, float64 (d,).
        ranks: Ranks of the selected directions, from 1.
        curvatures: Hessian eigenvalues at the selected ranks, float64 (k,), at the centre; empty where not measured.
        hessian_directions: Their eigenvectors, float64 (k, d).
        sources: "sgd", "noise_epoch", "noise_replacement", "isotropic".
    """

    layer: int
    epochs: int
    start_epoch: int
    centre: Mlp
    drift: Tensor
    ranks: list[int]
    curvatures: Tensor
    hessian_directions: Tensor
    sources: dict[str, Source] = field(default_factory=dict)


@dataclass(frozen=True)
class WindowSettings:
    """How windows are measured.

    Attributes:
        layer: Weight matrix, counted from 0.
        epochs: Length of each window, epochs.
        centre: "window_mean" or "final".
        directions: Number of directions per basis, log-spaced in rank up to `last_rank`.
        whole_spectrum: Keep all principal components, not only those up to the largest selected rank.
        further_ranks: Ranks of further directions, left out where the window has too few components.
        hessian: Measure along the Hessian's eigenvectors too.
        noise_sampling: Schemes of the noise surrogate to draw, "epoch" and "replacement".
        isotropic: Draw the isotropic surrogate.
    """

    layer: int
    epochs: int
    centre: str
    directions: int
    whole_spectrum: bool
    further_ranks: tuple[int, ...]
    hessian: bool
    noise_sampling: tuple[str, ...]
    isotropic: bool


def window_start(result: Result, position: str, epochs: int, images: Tensor, labels: Tensor) -> tuple[Mlp, int]:
    """Return the weights at the start of the first of two windows of ``epochs`` epochs, and the epochs trained by then.

    Args:
        result: A run that did not diverge.
        position: "after_stop", or "before_stop" for windows that end at the stop (less for runs shorter than both).
        epochs: Length of each window.
        images, labels: The training data.
    """
    if position == "after_stop":
        return result.network, result.epochs
    return network_at_epoch(result, max(0, result.epochs - 2 * epochs), images, labels)


def network_at_epoch(result: Result, epoch: int, images: Tensor, labels: Tensor) -> tuple[Mlp, int]:
    """Return the weights at the end of an epoch, going on from the nearest checkpoint before it, and the epoch."""
    epoch_steps = result.steps // result.epochs
    step = max(step for step in result.checkpoints if step <= epoch * epoch_steps and step % epoch_steps == 0)
    network, missing = result.checkpoints[step], epoch - step // epoch_steps
    if missing:
        (network,) = continue_training(
            [result.run], [network], [step // epoch_steps], images, labels, epochs=missing, observer=lambda _: None
        )
    return network, epoch


def measure_windows(
    runs: Sequence[Run],
    starts: Sequence[tuple[Mlp, int]],
    images: Tensor,
    labels: Tensor,
    settings: WindowSettings,
) -> list[Window | None]:
    """Measure the two windows that follow ``starts``, of runs that can be stacked; None for a run that diverges in them or stands
    still (every unit of a layer dead).

    The first window is stepped through twice, with the same bits: for its moments, then for the projections on the directions
    found.
    """
    following = _Following(runs, images, labels, settings)
    networks, epochs = [network for network, _ in starts], [epoch for _, epoch in starts]
    first, second = ([following.moments(run) for run in runs] for _ in range(2))
    middle = following.through(networks, epochs, [[moments] for moments in first])
    layer = settings.layer
    moved = [not torch.equal(a.weights[layer], b.weights[layer]) for a, b in zip(networks, middle, strict=True)]
    going = [index for index, moments in enumerate(first) if moved[index] and bool(moments.mean.isfinite().all())]
    windows = {
        index: _landscape(runs[index], epochs[index], middle[index], first[index], images, labels, settings) for index in going
    }
    sources, series = {}, {}
    for index, window in windows.items():
        sources[index] = _principal_source(first[index], window.ranks, settings)
        series[index] = _Series(sources[index], window, first[index])
    following.through(networks, epochs, [[series[index].first] if index in series else [] for index in range(len(runs))])
    following.through(
        middle,
        [epoch + settings.epochs for epoch in epochs],
        [[second[index], series[index].second] if index in series else [] for index in range(len(runs))],
    )
    for index, window in windows.items():
        window.sources["sgd"] = series[index].finished(second[index])
        _add_surrogates(window, runs[index], images, labels, settings)
    return [windows.get(index) for index in range(len(runs))]


def last_rank(window_steps: int) -> int:
    """Largest rank that enters a fit: a quarter of the non-zero variances of the window, at most 1,000."""
    return max(1, min(MOST_DIRECTIONS, (window_steps - 1) // 4))


def selected_ranks(window_steps: int, dimension: int, settings: WindowSettings) -> list[int]:
    """Ranks at which directions are measured: log-spaced ones and the further ones that exist."""
    components = min(window_steps - 1, dimension)
    further = [rank for rank in settings.further_ranks if rank <= components]
    return sorted({*log_spaced_ranks(last_rank(window_steps), settings.directions), *further})


def save_windows(path: Path, windows: Sequence[tuple[str, str, Window]]) -> None:
    """Write (run name, role, window) to a file: centres and directions (in float32), without the fluctuations."""
    tensors, metadata = {}, []
    for index, (name, role, window) in enumerate(windows):
        tensors |= {f"{index}/centre/{layer}": weight for layer, weight in enumerate(window.centre.weights)}
        tensors |= {f"{index}/{key}": getattr(window, key) for key in ("drift", "curvatures")}
        tensors[f"{index}/hessian_directions"] = window.hessian_directions.float()
        for source, measured in window.sources.items():
            tensors |= {f"{index}/{source}/{key}": getattr(measured, key) for key in ("in_sample", "held_out")}
            tensors[f"{index}/{source}/directions"] = measured.directions.float()
        numbers = {key: getattr(window, key) for key in ("layer", "epochs", "start_epoch", "ranks")}
        sources = {source: measured.total_variance for source, measured in window.sources.items()}
        layers = len(window.centre.weights)
        metadata.append({"name": name, "role": role, "sources": sources, "layers": layers, "window": numbers})
    save_tensors(path, tensors, metadata)


def load_windows(path: Path) -> list[tuple[str, str, Window]]:
    """Read what `save_windows` wrote.

    Raises:
        RecordError: If the file is not readable.
    """
    tensors, metadata = load_tensors(path)
    windows = []
    for index, entry in enumerate(metadata):
        sources = {
            source: Source(
                total_variance=total,
                **{key: tensors[f"{index}/{source}/{key}"].double() for key in ("in_sample", "held_out", "directions")},
            )
            for source, total in entry["sources"].items()
        }
        window = Window(
            centre=Mlp(tuple(tensors[f"{index}/centre/{layer}"] for layer in range(entry["layers"]))),
            sources=sources,
            **{key: tensors[f"{index}/{key}"].double() for key in ("drift", "curvatures", "hessian_directions")},
            **entry["window"],
        )
        windows.append((entry["name"], entry["role"], window))
    return windows


class _Following:
    """Steps runs through windows, feeding each run's accumulators."""

    def __init__(self, runs: Sequence[Run], images: Tensor, labels: Tensor, settings: WindowSettings) -> None:
        self._runs, self._images, self._labels, self._settings = runs, images, labels, settings

    def moments(self, run: Run) -> WindowMoments:
        widths = [self._images.shape[1], *run.hidden_widths, int(self._labels.max()) + 1]
        layer = self._settings.layer
        epoch_steps = steps_per_epoch(run, len(training_set(run, self._labels)[0]))
        return WindowMoments(widths[layer] * widths[layer + 1], self._settings.epochs * epoch_steps)

    def through(
        self, start: Sequence[Mlp], epochs: Sequence[int], into: Sequence[Sequence[WindowMoments | ProjectedSeries]]
    ) -> list[Mlp]:
        """Step through one window; returns the networks at its end."""

        def observe(weights: Sequence[Tensor]) -> None:
            for accumulators, weight in zip(into, weights[self._settings.layer], strict=True):
                for accumulator in accumulators:
                    accumulator.add(weight.flatten())

        return continue_training(
            self._runs, start, epochs, self._images, self._labels, epochs=self._settings.epochs, observer=observe
        )


def _landscape(
    run: Run, start_epoch: int, end: Mlp, moments: WindowMoments, images: Tensor, labels: Tensor, settings: WindowSettings
) -> Window:
    """The window with its centre and the Hessian's directions there, no fluctuations yet."""
    centre = end
    if settings.centre == "window_mean":
        weight = end.weights[settings.layer]
        centre = end.replaced(settings.layer, moments.mean.view_as(weight).to(weight.dtype))
    ranks = selected_ranks(moments.steps, len(moments.drift), settings)
    curvatures, directions = torch.empty(0).double(), torch.empty(0, len(moments.drift)).double()
    if settings.hessian:
        indices, noisy_labels, _ = training_set(run, labels)
        hessian = layer_hessian(centre.to(images.device), images[indices], noisy_labels, settings.layer, run.loss)
        curvatures, directions = (part[torch.tensor(ranks) - 1].cpu() for part in largest_eigenpairs(hessian, ranks[-1]))
    return Window(
        layer=settings.layer,
        epochs=settings.epochs,
        start_epoch=start_epoch,
        centre=centre,
        drift=moments.drift,
        ranks=ranks,
        curvatures=curvatures,
        hessian_directions=directions,
    )


@dataclass
class _PrincipalSource:
    """Principal components of a first window: those kept, and those at the selected ranks."""

    variances: Tensor
    total_variance: float
    directions: Tensor
    selected: Tensor


def _principal_source(moments: WindowMoments, ranks: Sequence[int], settings: WindowSettings) -> _PrincipalSource:
    variances, directions = moments.principal_components(None if settings.whole_spectrum else ranks[-1])
    return _PrincipalSource(variances, moments.total_variance, directions, directions[torch.tensor(ranks) - 1])


class _Series:
    """Projections of a source on its directions, in the first and in the second window."""

    def __init__(self, principal: _PrincipalSource, window: Window, moments: WindowMoments) -> None:
        self._principal, self._count = principal, len(principal.selected)
        both = torch.cat([principal.selected, window.hessian_directions])
        self.first = ProjectedSeries(both, moments.mean, moments.steps)
        self.second = ProjectedSeries(principal.selected, moments.mean, moments.steps)

    def finished(self, second: WindowMoments) -> Source:
        """The source, once both series and the moments of the second window are complete."""
        source = Source(
            in_sample=self._principal.variances,
            held_out=second.variance_along(self._principal.directions),
            total_variance=self._principal.total_variance,
            directions=self._principal.selected,
        )
        source.trajectory, along_hessian = self.first.values.tensor_split([self._count], 1)
        source.fluctuations["principal"] = _fluctuation(source.trajectory)
        source.fluctuations["held_out"] = _fluctuation(self.second.values)
        if along_hessian.numel():
            source.fluctuations["hessian"] = _fluctuation(along_hessian)
        return source


def _fluctuation(series: Tensor) -> Fluctuation:
    still = without_drift(series)
    return Fluctuation(series.var(0), still.var(0), relaxation_time(still), integrated_autocorrelation_time(still))


def _add_surrogates(window: Window, run: Run, images: Tensor, labels: Tensor, settings: WindowSettings) -> None:
    indices, noisy_labels, _ = training_set(run, labels)
    errors, inputs = layer_gradients(window.centre.to(images.device), images[indices], noisy_labels, settings.layer, run.loss)
    epoch_steps = steps_per_epoch(run, len(indices))
    for sampling in settings.noise_sampling:

        def noise_walk(sampling: str = sampling) -> Iterator[Tensor]:
            random = seeds.generator(run.seed, "surrogate", settings.epochs, window.start_epoch)
            rate, size = run.learning_rate, run.batch_size
            return gradient_noise_walk(errors, inputs, rate, size, 2 * settings.epochs, sampling, random)

        first, second = _walk_moments(noise_walk(), window, epoch_steps)
        series = _Series(_principal_source(first, window.ranks, settings), window, first)
        walk = noise_walk()
        for half in (series.first, series.second):
            for block in islice(walk, settings.epochs):
                half.add(block)
        window.sources[f"noise_{sampling}"] = series.finished(second)
    if settings.isotropic:
        random = seeds.generator(run.seed, "surrogate", settings.epochs)
        walk = isotropic_walk(len(window.drift), epoch_steps, 2 * settings.epochs, run.sampling, random)
        first, second = _walk_moments(walk, window, epoch_steps)
        principal = _principal_source(first, window.ranks, settings)
        held_out = second.variance_along(principal.directions)
        window.sources["isotropic"] = Source(principal.variances, held_out, principal.total_variance, principal.selected)


def _walk_moments(walk: Iterator[Tensor], window: Window, epoch_steps: int) -> tuple[WindowMoments, WindowMoments]:
    """Moments of the first and of the second half of a walk as long as both windows."""
    halves = tuple(WindowMoments(len(window.drift), window.epochs * epoch_steps) for _ in range(2))
    for epoch, block in enumerate(walk):
        halves[epoch // window.epochs].add(block)
    return halves
