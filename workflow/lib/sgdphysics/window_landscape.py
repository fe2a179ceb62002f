"""The landscape around the centre of a window: flatness along its directions, slices, numbers of minima."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sgdphysics import seeds
from sgdphysics.curvature import curvature_along
from sgdphysics.landscape import LossSlice, count_minima, flatness_edges
from sgdphysics.ranks import log_spaced_ranks
from sgdphysics.training import Run
from sgdphysics.window_results import Window
from sgdphysics.window_settings import flatness_bases

PROMINENCE = 0.01  # of the loss at the centre: smaller dents are not counted as minima


class WindowLandscape:
    """The landscape around the centre of a window, in float64.

    Args:
        window: The window.
        run: Its run.
        images, labels: What the run trains on; the computation is where the images are.
        factor: Rise of the loss that ends the flat region.
    """

    def __init__(self, window: Window, run: Run, images: Tensor, labels: Tensor, factor: float) -> None:
        """Move the centre to the images."""
        self._window, self._run, self._factor = window, run, factor
        self._data = (window.centre.double().to(images.device), images, labels, window.layer)

    def flatness_rows(self) -> pd.DataFrame:
        """Return one row per source, basis and direction: curvature, edges of the flat region, flatness."""
        centre, images, _, layer = self._data
        parts = []
        for source, basis in flatness_bases(self._window.sources):
            directions = self._window.hessian_directions if basis == "hessian" else self._window.sources[source].directions
            edges = self._edges(directions)
            along = curvature_along(centre, images, layer, directions, self._run.loss)
            columns = {"source": source, "basis": basis, "rank": self._window.ranks, "curvature": along.tolist()}
            sides = {"edge_left": edges[:, 0].tolist(), "edge_right": edges[:, 1].tolist(), "flatness": edges.sum(1).tolist()}
            parts.append(pd.DataFrame({**columns, **sides}))
        return pd.concat(parts, ignore_index=True)

    def slice_rows(self, flatness: pd.DataFrame, ranks: Sequence[int], points: int) -> pd.DataFrame:
        """Return the loss along principal directions, out to one flatness beyond each edge.

        Args:
            flatness: From `flatness_rows`.
            ranks: Of the directions, left out where they were not measured or are censored.
            points: Of each slice.
        """
        principal = flatness[(flatness["source"] == "sgd") & (flatness["basis"] == "principal")].set_index("rank")
        parts, slice_ = [], self._slice()
        for rank in ranks:
            if rank not in principal.index or not np.isfinite(principal["flatness"][rank]):
                continue
            slice_.along(self._window.sources["sgd"].directions[self._window.ranks.index(rank)])
            offsets = _offsets(principal["edge_left"][rank], principal["edge_right"][rank], points)
            parts.append(pd.DataFrame({"rank": rank, "offset": offsets, "loss": [slice_(offset) for offset in offsets]}))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def minima_rows(self, principal: int, random: int, points: int, reach: float) -> pd.DataFrame:
        """Return the number of local minima along directions, over two ranges: to ``reach``, and over the flat region and beyond.

        Args:
            principal: Number of log-spaced principal directions, at most.
            random: Number of random directions, drawn with the run's seed.
            points: At which the loss is taken.
            reach: Weight units to either side.
        """
        directions, labels = self._chosen_directions(principal, random)
        wide = np.linspace(-reach, reach, points)
        rows, slice_ = [], self._slice()
        for (kind, rank), direction, (left, right) in zip(labels, directions, self._edges(directions).tolist(), strict=True):
            slice_.along(direction)
            ranges = {"fixed": wide}
            if np.isfinite(left + right):
                ranges["flat_region"] = _offsets(left, right, points)
            for name, offsets in ranges.items():
                losses = np.array([slice_(offset) for offset in offsets])
                minima = count_minima(losses, PROMINENCE * slice_.loss_at_centre)
                rows.append({"directions": kind, "rank": rank, "range": name, "width": np.ptp(offsets), "minima": minima})
        return pd.DataFrame(rows)

    def _edges(self, directions: Tensor) -> Tensor:
        return flatness_edges(*self._data, directions, self._factor, self._run.loss)

    def _slice(self) -> LossSlice:
        return LossSlice(*self._data, self._run.loss)

    def _chosen_directions(self, principal: int, random: int) -> tuple[Tensor, list[tuple[str, int]]]:
        """Principal directions at the measured ranks nearest to log-spaced ones, and random ones; with kind and rank of each."""
        ranks = self._window.ranks
        wanted = log_spaced_ranks(ranks[-1], principal)
        positions = sorted({min(range(len(ranks)), key=lambda i, r=rank: abs(ranks[i] - r)) for rank in wanted})
        shape = (random, len(self._window.drift))
        drawn = torch.from_numpy(seeds.generator(self._run.seed, "directions").standard_normal(shape))
        directions = torch.cat([self._window.sources["sgd"].directions[positions], drawn / drawn.norm(dim=1, keepdim=True)])
        labels = [("principal", ranks[position]) for position in positions]
        return directions, labels + [("random", index) for index in range(1, random + 1)]


def _offsets(left: float, right: float, points: int) -> np.ndarray:
    """Offsets over the flat region and one flatness beyond each edge: the range of the published slices."""
    width = left + right
    return np.linspace(-left - width, right + width, points)
