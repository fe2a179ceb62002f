"""Networks of equal shape and batch size, stacked and stepped together with a hand-written backward pass.

One such network is so small that the overhead of the framework dominates. The bytes of a member do not depend on its companions:
its random numbers are its own, a batched matrix product treats each member alike, and one that stops is dropped from the stack.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce

import torch
from torch import Tensor

from sgdphysics import networks
from sgdphysics.arguments import require, require_kind, require_whole_numbers
from sgdphysics.errors import InputError
from sgdphysics.inputs import checked_images, checked_labels
from sgdphysics.losses import LOSSES, Loss
from sgdphysics.runs import Run, stack_key
from sgdphysics.stack_members import Member
from sgdphysics.training_sets import training_set

JUDGED_STEPS = 64  # whose losses and accuracies are computed together: of one step each operation takes longer than its work

Step = Callable[[Tensor, Tensor, Tensor | None], Tensor]


@dataclass(eq=False)
class Stack:
    """Networks that are stepped together, all tensors on the device of the images.

    Attributes:
        images: float32 (N, pixels).
        targets: One-hot labels as trained on, (members, n, classes).
        members: Those that are still trained; ``started`` holds all.
        weights: Of each layer as one tensor (members, out, in).
        loss: Of all members.
    """

    images: Tensor
    targets: Tensor
    members: list[Member]
    weights: list[Tensor]
    loss: Loss

    def __post_init__(self) -> None:
        self.started = list(self.members)
        self._subsets: dict[tuple[object, ...], Tensor] = {}
        self._step_at: tuple[list[float], Step] | None = None  # and the weight decays that it is for
        trained = self.members[0].run.trained_layers  # the same of all
        self._trained_layers = range(len(self.weights)) if trained is None else trained

    @classmethod
    def start(
        cls,
        runs: Sequence[Run],
        images: Tensor,
        labels: Tensor,
        start: Sequence[networks.Mlp] | None = None,
        start_epochs: Sequence[int] | None = None,
        classes: int | None = None,
    ) -> "Stack":
        """Return the stack of runs, each with its initial weights, or from given weights at the end of an epoch.

        Args:
            runs: Settings; `stack_key` must agree.
            images: float32 (N, pixels), in [0, 1] or standardised; of float64 all is computed in float64.
            labels: Integers (N,), of two classes or more, counted from 0.
            start: Weights of each run, finite or not.
            start_epochs: Epochs already trained, per run; 0 by default.
            classes: Number of classes, one output each; None: as many as the networks of ``start`` have outputs, else the largest
                label and one.

        Raises:
            ValueError: If an argument is none of these, the runs cannot be stacked, or a run does not fit the data.
        """
        _check_runs(runs)
        images = checked_images(images).detach()
        labels = checked_labels(labels, len(images))
        largest = int(labels.max())
        if largest == 0:
            raise InputError("labels: found only label 0, expected two classes or more")
        for network in start or ():
            require_kind("start", network, networks.Mlp)
        if classes is None:
            classes = start[0].classes if start else largest + 1
        require(classes > largest, "classes", classes, f"at least {largest + 1}: there is a label {largest}")
        sets = [training_set(run, labels.to(images.device), classes) for run in runs]
        epochs = start_epochs or [0] * len(runs)
        shape = (images.shape[1], *runs[0].hidden_widths, classes)
        if start is None:
            start = [networks.Mlp(networks.initial_weights(shape, run.seed, run.initial_scale)) for run in runs]
        _check_starts(start, epochs, shape, len(runs))
        members = [Member(run, indices, epoch) for run, (indices, _, _), epoch in zip(runs, sets, epochs, strict=True)]
        weights = [torch.stack(layer).to(images) for layer in zip(*(network.detached().weights for network in start), strict=True)]
        one_hot = torch.eye(classes, dtype=images.dtype, device=images.device)
        targets = torch.stack([one_hot[noisy] for _, noisy, _ in sets])
        return cls(images, targets, members, weights, LOSSES[runs[0].loss])

    def network(self, index: int) -> networks.Mlp:
        """Return a copy of one member's network, without dropout, float32 on the CPU."""
        return networks.Mlp(tuple(weight.clone().cpu() for weight in self._member_weights(index)))

    def finite(self) -> list[bool]:
        """Return whether all weights of each member are finite."""
        layers = [weight.isfinite().flatten(1).all(1) for weight in self.weights]
        return torch.stack(layers).all(0).tolist()

    def _member_weights(self, index: int) -> list[Tensor]:
        """One member's weights as they serve without dropout."""
        run, weights = self.members[index].run, [weight[index] for weight in self.weights]
        if run.dropout_rescaling == "afterwards":
            weights[1] = weights[1] * (1 - run.dropout)
        return weights

    def responds(self, index: int) -> bool:
        """Return whether any unit of a member's last hidden layer is active for any of its training images."""
        network = networks.Mlp(tuple(self._member_weights(index)))
        return bool(network.unchecked_activations(self._images_of(index))[-1].any())

    def evaluated(self, index: int) -> tuple[Tensor, Tensor]:
        """Return losses and hits (1 or 0), each (n,), of a member on its training set, labels as trained on, without dropout."""
        network = networks.Mlp(tuple(self._member_weights(index)))
        logits = network.unchecked_activations(self._images_of(index))[-1] @ network.weights[-1].T
        targets = self.targets[index]
        at_label = (logits * targets).sum(1, keepdim=True)
        return self.loss.values_of(logits, targets, 1).cpu(), ((logits >= at_label).sum(1) == 1).float().cpu()

    def _images_of(self, index: int) -> Tensor:
        """The images that a member trains on; no copy where these are all, one for members that train on the same."""
        run, indices = self.members[index].run, self.members[index].indices
        whole = len(indices) == len(self.images) and torch.equal(indices, torch.arange(len(indices), device=indices.device))
        if whole:
            return self.images
        key = run.images_per_class, run.label_noise, run.seed if run.draw_images else None
        if key not in self._subsets:
            self._subsets[key] = self.images.index_select(0, indices)
        return self._subsets[key]

    def drop_stopped(self) -> None:
        """Go on without the members that have stopped."""
        going = [index for index, member in enumerate(self.members) if not member.status]
        if len(going) < len(self.members):
            self.members = [self.members[index] for index in going]
            kept = torch.tensor(going, dtype=torch.int64)
            self.weights = [weight[kept] for weight in self.weights]
            self.targets = self.targets[kept]
            self._step_at = None

    def keep_checkpoints(self, step: int, schedule: frozenset[int]) -> None:
        """Keep the weights of the members for which ``step`` of the current epoch is scheduled."""
        for index, member in enumerate(self.members):
            total = member.epoch * member.epoch_steps + step
            if total in schedule:
                member.checkpoints[total] = self.network(index)

    def run_epoch(self, after_step: Callable[[int], None]) -> tuple[Tensor, Tensor]:
        """Step through one epoch, calling ``after_step`` with 1, 2, ...; returns losses and accuracies (steps, members)."""
        positions = torch.stack([member.batches() for member in self.members], 1).to(self.images.device)
        indices = torch.stack([member.indices[order] for member, order in zip(self.members, positions.unbind(1), strict=True)], 1)
        masks = None
        if self.members[0].run.dropout > 0:
            masks = torch.stack([member.dropout_masks() for member in self.members], 1).to(self.images)
        take_step = self._prepared_step()
        members = torch.arange(len(self.members), device=self.images.device)[:, None]
        losses, accuracies = [], []
        for first in range(0, len(positions), JUDGED_STEPS):
            targets = self.targets[members, positions[first : first + JUDGED_STEPS]].mT
            logits = []
            for step, wanted in enumerate(targets, first):
                logits.append(take_step(indices[step], wanted, None if masks is None else masks[step]))
                after_step(step + 1)
            values, correct = self._judged(torch.stack(logits), targets)
            losses.append(values)
            accuracies.append(correct)
        return torch.cat(losses).cpu(), torch.cat(accuracies).cpu()

    def _judged(self, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss and accuracy of every step and member, from (steps, members, classes, batch) to (steps, members)."""
        values = self.loss.values_of(logits, targets, 2)
        at_label = (logits * targets).sum(2, keepdim=True)
        correct = (logits >= at_label).sum(2) == 1  # a tie is an error: a dead network is right about nothing
        return values.mean(2), correct.to(values.dtype).mean(2)

    def _prepared_step(self) -> Step:
        """One SGD step of every member at the rates of the coming epoch; see `_step` for what it takes."""
        decays = [member.decay() for member in self.members]
        if self._step_at is None or self._step_at[0] != decays:
            step = partial(self._step, self._rates(decays))
            self._step_at = decays, _RecordedStep(step) if self.images.device.type == "cuda" else step
        return self._step_at[1]

    def _rates(self, decays: list[float]) -> "_Rates":
        by_norm = [member.run.weight_decay_penalty == "norm" for member in self.members]
        return _Rates(
            self._column([member.run.learning_rate for member in self.members]),
            self._column(decays) if any(decays) else None,
            torch.tensor(by_norm)[:, None, None].to(self.images.device),
        )

    def _step(self, rates: "_Rates", chosen: Tensor, targets: Tensor, mask: Tensor | None) -> Tensor:
        """One SGD step of every member; returns the logits before it, (members, classes, batch).

        Args:
            rates: Of every member.
            chosen: Indices of the images, (members, batch).
            targets: One-hot, class-major, (members, classes, batch): reductions over few classes are then fast.
            mask: Dropout factors, (members, batch, units), or None.
        """
        inputs = self.images.index_select(0, chosen.flatten()).view(*chosen.shape, -1)  # faster than [...]
        activations = [inputs]
        for layer, weight in enumerate(self.weights[:-1]):
            activations.append(torch.bmm(activations[-1], weight.mT).relu_())
            if layer == 0 and mask is not None:
                activations[-1].mul_(mask)
        logits = torch.bmm(self.weights[-1], activations[-1].mT)
        shrink = self._decay_factors(rates)
        error = self.loss.gradient(logits, targets, 1).mul_(rates.learning / -inputs.shape[1]).mT
        lowest = min(self._trained_layers)
        for layer in range(len(self.weights) - 1, lowest, -1):
            below = torch.bmm(error, self.weights[layer]).mul_(activations[layer] > 0)
            if layer == 1 and mask is not None:
                below.mul_(mask)
            self._update(layer, error, activations[layer], shrink)
            error = below
        self._update(lowest, error, activations[lowest], shrink)
        return logits

    def _update(self, layer: int, error: Tensor, inputs: Tensor, shrink: Tensor | None) -> None:
        """Change a layer's weights in place, by its error (members, batch, out), times minus the learning rate, and its inputs.

        One that is not trained stays as it is.
        """
        if layer not in self._trained_layers:
            return
        if shrink is not None:
            self.weights[layer].mul_(shrink)
        self.weights[layer].baddbmm_(error.mT, inputs)

    def _decay_factors(self, rates: "_Rates") -> Tensor | None:
        """Factors (members, 1, 1) by which weight decay shrinks the weights in one step, or None where there is none."""
        if rates.decay is None:
            return None
        squares = reduce(torch.add, [weight.square().sum((1, 2), keepdim=True) for weight in self.weights])
        return 1 - rates.learning * rates.decay / torch.where(rates.by_norm, squares.sqrt(), 1.0)

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=self.images.dtype)[:, None, None].to(self.images.device)


def _check_runs(runs: Sequence[Run]) -> None:
    require(isinstance(runs, Sequence), "runs", runs, "a list of Run")
    if not runs:
        raise InputError("runs: found none, expected at least one")
    for run in runs:
        require_kind("runs", run, Run)
    if len({stack_key(run) for run in runs}) > 1:
        raise InputError("runs: shapes, batch size, loss, dropout and training-set size must agree in one stack")


def _check_starts(start: Sequence[networks.Mlp], epochs: Sequence[int], widths: Sequence[int], runs: int) -> None:
    """Check that there are a network of these widths and a number of epochs for each run."""
    for name, values in (("start", start), ("start_epochs", epochs)):
        if len(values) != runs:
            raise InputError(f"{name}: found {len(values)}, expected {runs}, one for each of runs")
    require_whole_numbers("start_epochs", epochs, 0)
    for network in start:
        require_kind("start", network, networks.Mlp)
        found = (network.weights[0].shape[1], *(len(weight) for weight in network.weights))
        if found != tuple(widths):
            raise InputError(f"start: found a network of widths {found}, expected {tuple(widths)}")


@dataclass(frozen=True)
class _Rates:
    """Learning rates and weight decays of a stack, each (members, 1, 1)."""

    learning: Tensor
    decay: Tensor | None
    by_norm: Tensor  # whether the decay is of the norm of the weights, not of its square


class _RecordedStep:
    """A step whose many small operations a GPU is sent together, since sending each takes longer than computing it.

    The first call computes, and so prepares what may not be prepared while recording; the second is recorded.
    """

    def __init__(self, step: Step) -> None:
        self._step = step
        self._calls = 0

    def __call__(self, chosen: Tensor, targets: Tensor, mask: Tensor | None) -> Tensor:
        self._calls += 1
        if self._calls == 1:
            return self._step(chosen, targets, mask)
        if self._calls == 2:
            self._record(chosen, targets, mask)
        self._chosen.copy_(chosen)
        self._targets.copy_(targets)
        if self._mask is not None and mask is not None:
            self._mask.copy_(mask)
        self._graph.replay()
        return self._result.clone()

    def _record(self, chosen: Tensor, targets: Tensor, mask: Tensor | None) -> None:
        """Record one step, without taking it."""
        self._chosen, self._targets = chosen.clone(), targets.clone()
        self._mask = None if mask is None else mask.clone()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._result = self._step(self._chosen, self._targets, self._mask)
