"""Exponents by the protocol of the published scripts of Feng and Tu 2021, and by ours with one part of it at a time.

The scripts stop by the loss of the whole training set at the end of an epoch, and look at the steps before: one less than there are
in the window's epochs. Directions and variances come from a principal component analysis, which is about the mean of these steps;
the loss is cut about the last of them. Every tenth rank is fitted.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from itertools import islice
from math import inf, nan

import pandas as pd
import torch
from torch import Tensor

from sgdphysics import seeds
from sgdphysics.curvature import layer_gradients
from sgdphysics.flatness_exponents import exponent
from sgdphysics.fluctuations import WindowMoments
from sgdphysics.landscape import flatness
from sgdphysics.losses import LOSSES
from sgdphysics.networks import Mlp
from sgdphysics.ranks import fitted_ranks, last_rank, published_ranks
from sgdphysics.stack_members import STOP_ACCURACY_EPOCHS
from sgdphysics.surrogates import gradient_noise_walk
from sgdphysics.training import Result, continue_training, training_set
from sgdphysics.windows import network_at_epoch

SCANNED_FROM = 1.25  # stop losses: every epoch is looked at from the last checkpoint with more on


@dataclass(frozen=True)
class Protocol:
    """How an exponent is measured.

    Attributes:
        stop: Whose loss ends training: "batches" (mean over an epoch's batches) or "training_set" (all of it, after an epoch).
        position: Of the window: "after_stop" or "before_stop".
        centre: Where the loss is cut: "window_mean" or "final".
        fitted: Ranks that are fitted: "log_spaced" or "every_tenth".
    """

    stop: str
    position: str
    centre: str
    fitted: str

    @property
    def place(self) -> tuple[str, str, str]:
        """All but the ranks: what tells one window, and the point in the landscape that belongs to it, from another."""
        return self.stop, self.position, self.centre


PUBLISHED = Protocol("training_set", "before_stop", "final", "every_tenth")
WITH_NOISE = ("ours", "ranks", "published")  # those by which frozen noise is compared with SGD


def protocols(ours: Protocol) -> dict[str, Protocol]:
    """Return ours, ours with one part at a time as it is published, by the name of the part, and the published one."""
    return {
        "ours": ours,
        "stop": replace(ours, stop=PUBLISHED.stop),
        "window": replace(ours, position=PUBLISHED.position),
        "centre": replace(ours, centre=PUBLISHED.centre),
        "ranks": replace(ours, fitted=PUBLISHED.fitted),
        "published": PUBLISHED,
    }


@dataclass(frozen=True)
class ProtocolSettings:
    """What protocols have in common.

    Attributes:
        layer: Weight matrix, counted from 0.
        epochs: Length of the window, epochs.
        directions: Number of log-spaced directions that enter a fit.
        factor: Rise of the loss that ends the flat region.
    """

    layer: int
    epochs: int
    directions: int
    factor: float


class MeasuredRun:
    """One run, measured by several protocols.

    Args:
        result: A run that did not diverge.
        images, labels: The data that it was trained with.
        settings: What protocols have in common.
    """

    def __init__(self, result: Result, images: Tensor, labels: Tensor, settings: ProtocolSettings) -> None:
        """Find what the run trains on."""
        self._result, self._run, self._images, self._labels, self._settings = result, result.run, images, labels, settings
        indices, noisy_labels, _ = training_set(self._run, labels, result.network.classes)
        self._data = images[indices], noisy_labels
        self._epoch_steps = result.steps // result.epochs
        self._passed: dict[int, Mlp] = {}  # networks by epoch, while the stop is looked for

    def rows(self, chosen: Mapping[str, Protocol], with_noise: Collection[str] | None = None) -> pd.DataFrame:
        """Return a row per protocol, by its name, and source: "sgd" and, for those ``with_noise``, by default all, "frozen_noise".

        A protocol has none where the run never meets its stop, or does so before there was a whole window, or has no loss left.
        """
        places = dict.fromkeys(protocol.place for protocol in chosen.values())
        stops, parts = self._stops(), []
        windows = {
            (stop, position): self._window(stops[stop], position)
            for stop, position in dict.fromkeys(place[:2] for place in places)
            if stop in stops and (position == "after_stop" or stops[stop] >= self._settings.epochs)
        }
        for stop, position, centre in places:
            if (stop, position) in windows:
                named = {name: protocol for name, protocol in chosen.items() if protocol.place == (stop, position, centre)}
                noisy = named.keys() & set(named if with_noise is None else with_noise)
                rows = self._rows_at(*windows[stop, position], centre, named, stops[stop], noisy)
                parts.append(rows.assign(stop_epoch=stops[stop]))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def stop_epoch(self) -> int | None:
        """Return the first epoch after which the loss over the whole training set is below the stop loss, and the accuracy, of the
        last epochs as recorded, above its bound.

        None if that is not met within one window's length after training stopped.
        """
        network, epoch = self._scan_start()
        last = self._result.epochs + self._settings.epochs
        while epoch < last:
            network = self._stepped(network, epoch, 1)
            epoch += 1
            self._passed[epoch] = network
            accuracies = self._result.accuracy_history[:epoch][-STOP_ACCURACY_EPOCHS:]
            accurate = sum(accuracies) / len(accuracies) > self._run.stop_accuracy
            if accurate and self.training_loss(network) < self._run.stop_loss:
                return epoch
        return None

    def _stops(self) -> dict[str, int]:
        """The epochs after which training stops, by whose loss, as far as they are met."""
        found = self.stop_epoch()
        return {"batches": self._result.epochs} | ({} if found is None else {"training_set": found})

    def training_loss(self, network: Mlp) -> float:
        """Return the loss of a network over the whole training set, in the network's precision; NaN if weights are not finite."""
        if not all(bool(weight.isfinite().all()) for weight in network.weights):
            return nan
        images, labels = self._data
        network = network.to(images.device)
        return float(LOSSES[self._run.loss].mean(network.logits(images.to(network.weights[0].dtype)), labels))

    def _scan_start(self) -> tuple[Mlp, int]:
        """The last of the first checkpoints at which the loss is still well above the stop loss, and its epoch."""
        start = self._result.checkpoints[0], 0
        for step, network in sorted(self._result.checkpoints.items()):
            if step % self._epoch_steps == 0:
                if self.training_loss(network) < SCANNED_FROM * self._run.stop_loss:
                    break
                start = network, step // self._epoch_steps
        return start

    def _stepped(self, network: Mlp, epoch: int, epochs: int, moments: WindowMoments | None = None, skipped: int = 0) -> Mlp:
        """The network some epochs later; the moments are given the weights after each step but the first skipped ones."""
        count = 0

        def observe(weights: Sequence[Tensor]) -> None:
            nonlocal count
            count += 1
            if moments is not None and count > skipped:
                moments.add(weights[self._settings.layer][0].flatten())

        data = self._images, self._labels
        return continue_training([self._run], [network], [epoch], *data, epochs=epochs, observer=observe)[0]

    def _window(self, stop: int, position: str) -> tuple[WindowMoments, Mlp]:
        """Moments of the weights in a window, and the network at its end. One before the stop is a step shorter, as published."""
        epochs, skipped = self._settings.epochs, int(position == "before_stop")
        start = self._network_at(stop - epochs if skipped else stop)
        steps = epochs * self._epoch_steps - skipped
        moments = WindowMoments(start[0].weights[self._settings.layer].numel(), steps)
        return moments, self._stepped(*start, epochs, moments, skipped)

    def _network_at(self, epoch: int) -> tuple[Mlp, int]:
        """The network after an epoch, which may be one after the stop."""
        trained = self._result.epochs
        if epoch in self._passed:
            return self._passed[epoch], epoch
        if epoch <= trained:
            return network_at_epoch(self._result, epoch, self._images, self._labels)
        return self._stepped(self._result.network, trained, epoch - trained), epoch

    def _centre(self, moments: WindowMoments, end: Mlp, kind: str) -> Mlp:
        """The network about which the loss is cut."""
        if kind == "final":
            return end
        weight = end.weights[self._settings.layer]
        return end.replaced(self._settings.layer, moments.mean.view_as(weight).to(weight.dtype))

    def _rows_at(
        self, moments: WindowMoments, end: Mlp, kind: str, chosen: Mapping[str, Protocol], stop: int, noisy: Set[str]
    ) -> pd.DataFrame:
        """Fits of SGD in a window, and for some of frozen noise as long at its centre, by protocols that differ in ranks only."""
        centre, rows = self._centre(moments, end, kind), []
        if not 0 < self.training_loss(centre.double()) < inf:  # nothing to measure a rise by, or it diverged
            return pd.DataFrame()
        dimension = centre.weights[self._settings.layer].numel()
        ranks = {name: self._ranks(protocol, moments.steps, dimension) for name, protocol in chosen.items()}
        sources = {"sgd": (moments, chosen.keys())}
        if noisy:
            sources["frozen_noise"] = self._noise(centre, moments, stop), noisy
        for source, (measured, names) in sources.items():
            along = self._along(measured, centre, sorted(set().union(*(ranks[name] for name in names))))
            for name in (name for name in chosen if name in names):
                columns = {"protocol": name, "source": source, **asdict(chosen[name]), "window_steps": moments.steps}
                fit = exponent(*along.loc[ranks[name], ["flatness", "variance"]].to_numpy().T)
                rows.append({**columns, "last_rank": max(ranks[name], default=0), **fit})
        return pd.DataFrame(rows)

    def _ranks(self, protocol: Protocol, steps: int, dimension: int) -> list[int]:
        if protocol.fitted == "every_tenth":
            return published_ranks(last_rank(steps, dimension))
        return fitted_ranks(steps, dimension, self._settings.directions)

    def _along(self, moments: WindowMoments, centre: Mlp, ranks: Sequence[int]) -> pd.DataFrame:
        """Variance and flatness along principal components, by rank."""
        if not ranks:
            return pd.DataFrame(columns=["variance", "flatness"])
        variances, directions = moments.principal_components(ranks[-1])
        chosen = torch.tensor(ranks) - 1
        images, labels = self._data
        network = centre.double().to(images.device)
        widths = flatness(network, images, labels, self._settings.layer, directions[chosen], self._settings.factor, self._run.loss)
        return pd.DataFrame({"variance": variances[chosen].tolist(), "flatness": widths.tolist()}, index=pd.Index(ranks))

    def _noise(self, centre: Mlp, moments: WindowMoments, stop: int) -> WindowMoments:
        """Moments of a walk with the noise of SGD at the centre, as long as the window."""
        settings, run, (images, labels) = self._settings, self._run, self._data
        factors = layer_gradients(centre.to(images.device), images, labels, settings.layer, run.loss)
        random = seeds.generator(run.seed, "surrogate", settings.epochs, stop)
        walk = gradient_noise_walk(*factors, run.learning_rate, run.batch_size, settings.epochs, run.sampling, random)
        noise = WindowMoments(centre.weights[settings.layer].numel(), moments.steps)
        for block in _last_steps(walk, settings.epochs, self._epoch_steps, moments.steps):
            noise.add(block)
        return noise


def _last_steps(walk: Iterator[Tensor], epochs: int, epoch_steps: int, steps: int) -> Iterator[Tensor]:
    """The epochs of a walk without the first steps of the first one, if there are more than are wanted; it may have no others."""
    skipped = epochs * epoch_steps - steps
    for block in islice(walk, epochs):
        if skipped < len(block):
            yield block[skipped:]
        skipped = 0
