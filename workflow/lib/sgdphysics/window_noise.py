"""The noise of SGD around a window of a run: temperatures at its centre, along its directions and through training."""

from collections.abc import Collection, Iterator, Sequence
from itertools import count, islice

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sgdphysics import noise, seeds
from sgdphysics.generalization import MatchedData
from sgdphysics.landscape import LossSlice
from sgdphysics.networks import Mlp
from sgdphysics.training import Result
from sgdphysics.window_results import Window

LOSSES_AND_ERRORS = ("training_loss", "training_error", "test_loss", "test_error")
COVARIANCE_RANKS = 20  # Hessian directions along which the gradients' covariance is kept
POSITIONS = np.linspace(-1, 1, 9)  # along a direction: 0 is the centre, -1 and 1 are the edges of the flat region
MINIBATCH_REACH, MINIBATCH_POINTS = 1.5, 121  # of slices of mini-batches: flatnesses to either side, and number of points


class WindowNoise:
    """The noise of a run along the directions of one of its windows.

    Args:
        result: The trained run.
        window: The window, of the studied layer.
        data: Data of the run; the computation is where its images are.
    """

    def __init__(self, result: Result, window: Window, data: MatchedData) -> None:
        """Keep what is measured."""
        self._result, self._run, self._window, self._data = result, result.run, window, data

    def temperature_rows(self) -> pd.DataFrame:
        """Return one row per direction of the principal and the Hessian basis, at the window's centre."""
        bases = {"principal": self._window.sources["sgd"].directions, "hessian": self._window.hessian_directions}
        parts, studied = [], self._studied(self._window.centre)
        for basis, directions in bases.items():
            temperature = self._temperature(*studied, directions).tolist()
            parts.append(pd.DataFrame({"basis": basis, "rank": self._window.ranks, "temperature": temperature}))
        return pd.concat(parts, ignore_index=True)

    def training_rows(self, annealing_ranks: Sequence[int], sharpest: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return what changes through training, along directions of the window after it.

        Args:
            annealing_ranks: Principal directions, left out where they were not measured.
            sharpest: Largest rank of the Hessian directions whose mean temperature is taken.

        Returns:
            One row per checkpoint (losses, errors, spread of slopes, mean temperature of the sharpest directions), and one per
            checkpoint and principal direction (temperature).
        """
        ranks = [rank for rank in annealing_ranks if rank in self._window.ranks]
        positions = [i for i, rank in enumerate(self._window.ranks) if rank <= sharpest]
        directions = torch.cat([self._directions(ranks), self._window.hessian_directions[positions]])
        checkpoints, annealing = [], []
        for step, epoch, network in self._checkpoints():
            studied, entering = self._studied(network)
            temperature = self._temperature(studied, entering, directions)
            columns = {"step": step, "epoch": epoch}
            losses = {key: value for key, value in entering.losses(studied).items() if key in LOSSES_AND_ERRORS}
            row = {**columns, **losses, "slope_spread": entering.pairs(studied, 0).spreads()[0]}
            checkpoints.append({**row, "sharpest_temperature": float(temperature[len(ranks) :].mean())})
            annealing.append(pd.DataFrame({**columns, "rank": ranks, "temperature": temperature[: len(ranks)].tolist()}))
        table = pd.DataFrame(checkpoints)
        return table, pd.concat(annealing, ignore_index=True).merge(table[["step", "training_loss"]])

    def annealing_rows(self, ranks: Sequence[int]) -> pd.DataFrame:
        """Return the temperature along principal directions of the window at every checkpoint, and the training loss there.

        Args:
            ranks: Of the directions, left out where they were not measured; no rows if none was.
        """
        ranks = [rank for rank in ranks if rank in self._window.ranks]
        if not ranks:
            return pd.DataFrame()
        directions, parts = self._directions(ranks), []
        for step, epoch, network in self._checkpoints():
            studied, entering = self._studied(network)
            loss = entering.losses(studied)["training_loss"]
            temperature = self._temperature(studied, entering, directions).tolist()
            columns = {"step": step, "epoch": epoch, "training_loss": loss}
            parts.append(pd.DataFrame({**columns, "rank": ranks, "temperature": temperature}))
        return pd.concat(parts, ignore_index=True)

    def homogeneity_rows(self, principal: pd.DataFrame, ranks: Sequence[int]) -> pd.DataFrame:
        """Return the temperature along directions at points along them, from edge to edge of the flat region.

        Args:
            principal: Edges of the flat region, "edge_left" and "edge_right", by rank.
            ranks: Of the principal directions, left out where there is no edge.
        """
        layer, rows = self._window.layer, []
        weight = self._window.centre.weights[layer]
        for rank in (rank for rank in ranks if rank in principal.index):
            direction = self._directions([rank])
            for position in POSITIONS:
                edge = principal["edge_left"][rank] if position < 0 else principal["edge_right"][rank]
                if not np.isfinite(edge):
                    continue
                moved = weight.double() + position * edge * direction.view_as(weight)
                network = self._window.centre.double().replaced(layer, moved)
                temperature = float(self._temperature(*self._studied(network), direction))
                rows.append({"rank": rank, "position": position, "offset": position * edge, "temperature": temperature})
        return pd.DataFrame(rows)

    def minibatch_rows(self, principal: pd.DataFrame, rank: int, number: int) -> pd.DataFrame:
        """Return the loss of single mini-batches (numbered from 1) and of the whole training set (0) along a principal direction.

        Args:
            principal: "flatness" by rank.
            rank: Of the direction; the first of those that were measured where it was not.
            number: Mini-batches, the first after training; where an epoch has fewer whole ones, of as many epochs as it takes.
        """
        rank = rank if rank in principal.index else int(principal.index[0])
        direction, width = self._directions([rank])[0], principal["flatness"][rank]
        if not np.isfinite(width):
            return pd.DataFrame()
        images, labels = self._data.images, self._data.labels
        offsets = np.linspace(-MINIBATCH_REACH * width, MINIBATCH_REACH * width, MINIBATCH_POINTS)
        centre = self._window.centre.double().to(images.device)
        parts = []
        for batch, chosen in enumerate([self._order(self._result.epochs), *islice(self._batches(), number)]):
            slice_ = LossSlice(centre, images[chosen], labels[chosen], self._window.layer, self._run.loss).along(direction)
            losses = [slice_(offset) for offset in offsets]
            parts.append(pd.DataFrame({"rank": rank, "batch": batch, "offset": offsets, "loss": losses}))
        return pd.concat(parts, ignore_index=True)

    def _order(self, epoch: int) -> Tensor:
        """The training images, by index, as an epoch without replacement goes through them."""
        return torch.from_numpy(seeds.generator(self._run.seed, "batches", epoch).permutation(len(self._data.labels)))

    def _batches(self) -> Iterator[Tensor]:
        """The whole mini-batches of one epoch after another, from the end of training on; images left over sit an epoch out."""
        size = self._run.batch_size
        for epoch in count(self._result.epochs):
            order = self._order(epoch)
            yield from (order[start : start + size] for start in range(0, len(order) - size + 1, size))

    def covariance_rows(self) -> pd.DataFrame:
        """Return the covariance of the single-sample gradients along the first Hessian directions."""
        chosen = [index for index, rank in enumerate(self._window.ranks) if rank <= COVARIANCE_RANKS]
        gradients = self._gradients(*self._studied(self._window.centre), self._window.hessian_directions[chosen])
        rank = np.array(self._window.ranks)[chosen]
        row, column = np.meshgrid(rank, rank, indexing="ij")
        covariance = torch.cov(gradients.T, correction=0).flatten().tolist()
        return pd.DataFrame({"rank": row.ravel(), "other_rank": column.ravel(), "covariance": covariance})

    def _checkpoints(self) -> Iterator[tuple[int, float, Mlp]]:
        """The networks kept of the run, the final one too, each with the steps and epochs trained by then."""
        epoch_steps = self._result.steps // self._result.epochs
        for step, network in sorted({**self._result.checkpoints, self._result.steps: self._result.network}.items()):
            yield step, step / epoch_steps, network

    def _directions(self, ranks: Collection[int]) -> Tensor:
        """SGD's principal directions of the given ranks."""
        return self._window.sources["sgd"].directions[[self._window.ranks.index(rank) for rank in ranks]]

    def _studied(self, network: Mlp) -> tuple[Mlp, MatchedData]:
        """The layers of a network from the studied one on, in float64, and the data that enter it, found once for all."""
        network = network.double().to(self._data.images.device)
        return network.from_layer(self._window.layer), self._data.entering(network, self._window.layer)

    def _gradients(self, studied: Mlp, entering: MatchedData, directions: Tensor) -> Tensor:
        """Single-sample gradients projected on directions, (N, k)."""
        return noise.projected_gradients(studied, entering.images, entering.labels, 0, directions, self._run.loss)

    def _temperature(self, studied: Mlp, entering: MatchedData, directions: Tensor) -> Tensor:
        """T_i of SGD at a network, (k,)."""
        gradients = self._gradients(studied, entering, directions)
        return noise.temperature(gradients, self._run.learning_rate, self._run.batch_size, self._run.sampling)
