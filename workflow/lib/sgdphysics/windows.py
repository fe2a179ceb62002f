"""A window of SGD steps, measured: its centre, directions of fluctuation, variances and correlation times along them.

A second window of equal length follows the first. Directions and centre come from the first; variances along the directions come
from the first ("in sample", as published) and from the second ("held out", in which chance alignments of the first are absent).
"""

from collections.abc import Sequence
from math import inf

import torch
from torch import Tensor

from sgdphysics import inputs
from sgdphysics.curvature import largest_curvatures
from sgdphysics.errors import InputError
from sgdphysics.fluctuations import ProjectedSeries, WindowMoments
from sgdphysics.losses import LOSSES
from sgdphysics.networks import Mlp
from sgdphysics.ranks import MOST_DIRECTIONS, last_rank, selected_ranks
from sgdphysics.training import Result, Run, continue_training, steps_per_epoch, training_set
from sgdphysics.window_results import Fluctuation, Source, Window, load_windows, save_windows
from sgdphysics.window_settings import WindowSettings
from sgdphysics.window_sources import PrincipalComponents, SourceSeries, surrogate_sources

__all__ = [
    "MOST_DIRECTIONS",
    "Fluctuation",
    "Source",
    "Window",
    "WindowSettings",
    "last_rank",
    "load_windows",
    "measure_windows",
    "network_at_epoch",
    "save_windows",
    "selected_ranks",
    "window_start",
]


def window_start(result: Result, position: str | int, epochs: int, images: Tensor, labels: Tensor) -> tuple[Mlp, int]:
    """Return the weights at the start of the first of two windows of ``epochs`` epochs, and the epochs trained by then.

    Args:
        result: A run that did not diverge.
        position: "after_stop", "before_stop" for windows that end at the stop (less for runs shorter than both), or the epochs
            trained before them.
        epochs: Length of each window.
        images, labels: The training data.
    """
    if position == "after_stop":
        return result.network, result.epochs
    epoch = max(0, result.epochs - 2 * epochs) if position == "before_stop" else int(position)
    return network_at_epoch(result, epoch, images, labels)


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
    """Measure the two windows that follow ``starts``, of runs that can be stacked.

    None for a run that diverges in them, stands still (every unit of a layer dead), or has no loss at the centre whose curvature
    could be measured (zero, as where every image is right beyond rounding, or not finite).

    The first window is stepped through twice, with the same bits: for its moments, then for the projections on the directions
    found.

    Raises:
        ValueError: If there is not a start for each run, a network with finite weights that takes the images, or these and the
            labels are not as `inputs.checked` asks.
    """
    if len(starts) != len(runs):
        raise InputError(f"starts: found {len(starts)}, expected {len(runs)}, one for each of runs")
    for run, (network, _) in zip(runs, starts, strict=True):
        inputs.checked(network, images, labels, settings.layer, run.loss)
    following = _Following(runs, images, labels, settings)
    networks, epochs = [network for network, _ in starts], [epoch for _, epoch in starts]
    first, second = ([following.moments(run, network) for run, network in zip(runs, networks, strict=True)] for _ in range(2))
    middle = following.through(networks, epochs, [[moments] for moments in first])
    layer = settings.layer
    moved = [not torch.equal(a.weights[layer], b.weights[layer]) for a, b in zip(networks, middle, strict=True)]
    going = [index for index, moments in enumerate(first) if moved[index] and bool(moments.mean.isfinite().all())]
    windows = {
        index: window
        for index in going
        if (window := _landscape(runs[index], starts[index], middle[index], first[index], images, labels, settings))
    }
    series = {
        index: SourceSeries(PrincipalComponents.of(first[index], window.ranks, settings), window, first[index])
        for index, window in windows.items()
    }
    following.through(networks, epochs, [[series[index].first] if index in series else [] for index in range(len(runs))])
    following.through(
        middle,
        [epoch + settings.epochs for epoch in epochs],
        [[second[index], series[index].second] if index in series else [] for index in range(len(runs))],
    )
    for index, window in windows.items():
        window.sources["sgd"] = series[index].finished(second[index])
        window.sources |= surrogate_sources(window, runs[index], images, labels, settings)
    return [windows.get(index) for index in range(len(runs))]


class _Following:
    """Steps runs through windows, feeding each run's accumulators."""

    def __init__(self, runs: Sequence[Run], images: Tensor, labels: Tensor, settings: WindowSettings) -> None:
        self._runs, self._images, self._labels, self._settings = runs, images, labels, settings

    def moments(self, run: Run, network: Mlp) -> WindowMoments:
        epoch_steps = steps_per_epoch(run, len(training_set(run, self._labels, network.classes)[0]))
        return WindowMoments(network.weights[self._settings.layer].numel(), self._settings.epochs * epoch_steps)

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
    run: Run,
    start: tuple[Mlp, int],
    end: Mlp,
    moments: WindowMoments,
    images: Tensor,
    labels: Tensor,
    settings: WindowSettings,
) -> Window | None:
    """The window with its centre and the Hessian's directions there, no fluctuations yet; None without a loss to measure."""
    centre = end
    if settings.centre == "window_mean":
        weight = end.weights[settings.layer]
        centre = end.replaced(settings.layer, moments.mean.view_as(weight).to(weight.dtype))
    ranks = selected_ranks(moments.steps, len(moments.drift), settings.directions, settings.further_ranks)
    curvatures, directions = torch.empty(0).double(), torch.empty(0, len(moments.drift)).double()
    if settings.hessian:
        indices, noisy_labels, _ = training_set(run, labels, centre.classes)
        data, network = (images[indices], noisy_labels), centre.double().to(images.device)
        if not 0 < LOSSES[run.loss].mean(network.logits(data[0].double()), noisy_labels) < inf:
            return None
        largest = largest_curvatures(network, *data, settings.layer, ranks[-1], run.loss)
        curvatures, directions = (part[torch.tensor(ranks) - 1].cpu() for part in largest)
    return Window(
        layer=settings.layer,
        epochs=settings.epochs,
        start_epoch=start[1],
        centre=centre,
        drift=moments.drift,
        ranks=ranks,
        curvatures=curvatures,
        hessian_directions=directions,
        start=start[0].weights[settings.layer].flatten().double().cpu(),
    )
