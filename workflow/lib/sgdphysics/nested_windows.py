"""Windows of several lengths of one trajectory, which all start at the same weights: variances along fixed directions.

The directions are the Hessian's at the centre of the main window, which starts there too, and stay the same for every length, for
either way of drawing batches, and whether other layers go on or are held: what differs is the movement alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd
import torch
from torch import Tensor

from sgdphysics import inputs, noise
from sgdphysics.arguments import is_whole, require, require_kind, require_whole_numbers
from sgdphysics.curvature import curvature_along
from sgdphysics.errors import InputError
from sgdphysics.fluctuations import ProjectedSeries, without_polynomial
from sgdphysics.networks import Mlp
from sgdphysics.surrogates import window_variance
from sgdphysics.training import Run, continue_training, steps_per_epoch, training_set
from sgdphysics.window_results import Window

DETRENDING_ORDERS = (0, 1)


@dataclass(eq=False)
class Trajectory:
    """The steps of a run along fixed directions.

    Attributes:
        run: Its settings, by which it was stepped.
        start_epoch: Epochs trained before.
        epoch_steps: Steps per epoch.
        series: Projected weights after each step, float64 (steps, k).
        epochs: After which temperatures and curvatures were taken, from 0, rising; the last is the end.
        temperatures, curvatures: T_i and p_i^T H p_i at these, float64 (len(epochs), k).
    """

    run: Run
    start_epoch: int
    epoch_steps: int
    series: Tensor
    epochs: list[int]
    temperatures: Tensor
    curvatures: Tensor

    def rows(self, epochs: int, ranks: Sequence[int]) -> pd.DataFrame:
        """Return the window of the first ``epochs`` epochs, one of those in ``self.epochs``: a row per order and direction.

        The directions are called by their ranks.

        Temperature and curvature are means over the window, by the trapezoidal rule; linear theory has them constant there.

        Raises:
            ValueError: If it was not followed for a window of that length, or there are not as many ranks as directions.
        """
        measured = self.epochs[1:]
        require(is_whole(epochs) and epochs in measured, "epochs", epochs, f"one of {', '.join(map(str, measured))}")
        require_whole_numbers("ranks", ranks, 1)
        require(len(ranks) == self.series.shape[1], "ranks", ranks, f"{self.series.shape[1]}, one for each direction")
        steps, until = epochs * self.epoch_steps, self.epochs.index(epochs) + 1
        means = [
            torch.trapezoid(values[:until], torch.tensor(self.epochs[:until]).double(), dim=0) / epochs
            for values in (self.temperatures, self.curvatures)
        ]
        parts = []
        for order in DETRENDING_ORDERS:
            expected = window_variance(
                means[1].clamp(min=0),
                means[0],
                learning_rate=self.run.learning_rate,
                epoch_steps=self.epoch_steps,
                epochs=epochs,
                sampling=self.run.sampling,
                earlier_epochs=self.start_epoch,
                detrending_order=order,
            )
            variance = without_polynomial(self.series[:steps], order).var(0)
            columns = {"curvature": means[1], "temperature": means[0], "variance": variance, "theory_variance": expected}
            parts.append(
                pd.DataFrame({"detrending": order, "rank": ranks, **{name: values.numpy() for name, values in columns.items()}})
            )
        return pd.concat(parts, ignore_index=True)


def follow(
    runs: Sequence[Run],
    starts: Sequence[tuple[Mlp, int]],
    windows: Sequence[Window],
    images: Tensor,
    labels: Tensor,
    epochs: Sequence[int],
) -> list[Trajectory | None]:
    """Step runs that can be stacked on, and follow each along the Hessian directions of its window.

    Args:
        runs: Settings by which they are stepped.
        starts: Of each run its weights, and the epochs trained by then.
        windows: Of each run a window with Hessian directions, of the layer that is followed.
        images, labels: The training data.
        epochs: Lengths of the windows to be looked at, from 1.

    Returns:
        A trajectory as long as the longest for each run; None for one whose weights do not stay finite.

    Raises:
        ValueError: If there are not as many starts and windows as runs, or an argument is none of these.
    """
    for name, values in (("runs", runs), ("starts", starts), ("windows", windows)):
        require(isinstance(values, list | tuple), name, values, "a list")
    for name, values, kind in (("runs", runs, Run), ("windows", windows, Window), ("starts", starts, tuple)):
        for value in values:
            require_kind(name, value, kind)
    require(len(runs) > 0, "runs", runs, "at least one")
    for name, values in (("starts", starts), ("windows", windows)):
        if len(values) != len(runs):
            raise InputError(f"{name}: found {len(values)}, expected {len(runs)}, one for each of runs")
    require_whole_numbers("epochs", epochs, 1)
    for run, (network, _), window in zip(runs, starts, windows, strict=True):
        inputs.checked(network, images, labels, window.layer, run.loss)
    marks = [0, *sorted(set(epochs))]
    sizes = [len(training_set(run, labels, network.classes)[0]) for run, (network, _) in zip(runs, starts, strict=True)]
    epoch_steps = [steps_per_epoch(run, size) for run, size in zip(runs, sizes, strict=True)]
    series = [
        ProjectedSeries(window.hessian_directions, window.centre.weights[window.layer], marks[-1] * steps)
        for window, steps in zip(windows, epoch_steps, strict=True)
    ]
    networks = list(_stepped(runs, starts, windows[0].layer, images, labels, marks, series))
    trajectories = []
    for index, (run, (_, start_epoch), window) in enumerate(zip(runs, starts, windows, strict=True)):
        places = [network[index] for network in networks]
        if not all(bool(weight.isfinite().all()) for place in places for weight in place.weights):
            trajectories.append(None)
            continue
        indices, noisy, _ = training_set(run, labels, window.centre.classes)
        measured = [_landscape(place.to(images.device), run, window, images[indices], noisy) for place in places]
        temperatures, curvatures = (torch.stack(values).cpu() for values in zip(*measured, strict=True))
        values = series[index].values
        trajectories.append(Trajectory(run, start_epoch, epoch_steps[index], values, marks, temperatures, curvatures))
    return trajectories


def _stepped(
    runs: Sequence[Run],
    starts: Sequence[tuple[Mlp, int]],
    layer: int,
    images: Tensor,
    labels: Tensor,
    marks: Sequence[int],
    series: Sequence[ProjectedSeries],
) -> Iterator[list[Mlp]]:
    """The networks after each mark, in epochs from the start; the steps between are added to the series."""

    def observe(weights: Sequence[Tensor]) -> None:
        for projected, weight in zip(series, weights[layer], strict=True):
            projected.add(weight.flatten())

    networks, epochs = [network for network, _ in starts], [epoch for _, epoch in starts]
    yield networks
    for before, after in pairwise(marks):
        reached = [epoch + before for epoch in epochs]
        networks = continue_training(runs, networks, reached, images, labels, epochs=after - before, observer=observe)
        yield networks


def _landscape(network: Mlp, run: Run, window: Window, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Temperatures and curvatures along a window's Hessian directions at a network, each (k,)."""
    entering = network.double().activations(images.double())[window.layer]
    above = network.double().from_layer(window.layer)
    gradients = noise.projected_gradients(above, entering, labels, 0, window.hessian_directions, run.loss)
    temperatures = noise.temperature(gradients, run.learning_rate, run.batch_size, run.sampling)
    return temperatures, curvature_along(above, entering, 0, window.hessian_directions, run.loss)
