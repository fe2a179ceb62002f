"""Many small networks trained by SGD at once.

One such network is so small that the overhead of the framework dominates, so networks of equal shape and batch size are stacked
and stepped together with a hand-written backward pass. A run's bytes do not depend on its companions in the stack: its random
numbers are its own, a batched matrix product treats each member alike, and a member that stops is dropped from the stack.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor
from tqdm import tqdm

from sgdphysics import datasets, networks, seeds
from sgdphysics.losses import LOSSES, Loss
from sgdphysics.runs import Run, require, stack_key

JUDGED_STEPS = 64  # whose losses and accuracies are computed together: of one step each operation takes longer than its work
STOP_ACCURACY_EPOCHS = 9  # the published rule averages the training accuracy over this many epochs

Observer = Callable[[Sequence[Tensor]], None]
Step = Callable[[Tensor, Tensor, Tensor | None], Tensor]


@dataclass
class Result:
    """What became of one run.

    Attributes:
        run: Its settings.
        status: "converged" (stop rule met), "not_converged" (``max_epochs`` or ``max_steps`` reached), "diverged" (loss or weights
            not finite) or "dead" (no unit of the last hidden layer responds to any training image, so every gradient of the loss
            is exactly zero, and stays so).
        epochs: Epochs trained.
        steps: Steps trained.
        diverged_step: Step (from 1) at which the loss was first not finite, else None.
        network: Final weights, float32.
        checkpoints: Weights at the end of each scheduled step, by step; step 0 holds the initial weights.
        loss_history, accuracy_history: One float per epoch, of what ``stop_on`` says; labels as trained on.
    """

    run: Run
    status: str
    epochs: int
    steps: int
    diverged_step: int | None
    network: networks.Mlp
    checkpoints: dict[int, networks.Mlp]
    loss_history: list[float]
    accuracy_history: list[float]

    def first_epoch_at(self, loss: float) -> int | None:
        """Return the first epoch whose loss is at most ``loss``, from 1; None if there is none."""
        return next((epoch for epoch, value in enumerate(self.loss_history, 1) if value <= loss), None)

    def network_after(self, epoch: int) -> networks.Mlp | None:
        """Return the weights kept at the end of an epoch, or the final ones; None if none were kept."""
        return self.network if epoch == self.epochs else self.checkpoints.get(epoch * self.steps // self.epochs)


def train(
    runs: Sequence[Run],
    images: Tensor,
    labels: Tensor,
    *,
    checkpoint_steps: Sequence[int] = (),
    checkpoint_losses: Sequence[float] = (),
    progress: bool = False,
) -> list[Result]:
    """Train one network per run, all together, each until its stop rule is met.

    Args:
        runs: Settings; shapes, batch size, loss and training-set size must agree (see `stack_key`).
        images: Training images, float32 (N, pixels).
        labels: int64 (N,), classes counted from 0.
        checkpoint_steps: Keep the weights after these steps (0: the initial weights).
        checkpoint_losses: Keep the weights also at the end of the first epoch whose mean loss is at most each of these.
        progress: Show a progress bar.

    Returns:
        One result per run, in the order of ``runs``. A diverged run is a result, never an exception.

    Raises:
        ValueError: If the runs cannot be stacked, or a run does not fit the data.
    """
    stack = _Stack.start(runs, images, labels)
    schedule, thresholds = frozenset(checkpoint_steps), tuple(checkpoint_losses)
    stack.keep_checkpoints(0, schedule)
    with tqdm(disable=not progress, unit="epoch", mininterval=5) as bar:
        while stack.members:
            losses, accuracies = stack.run_epoch(lambda step: stack.keep_checkpoints(step, schedule))
            finite = stack.finite()
            for index, member in enumerate(stack.members):
                # A dead network ties all classes, which counts as an error: only then is it worth asking every image.
                dead = not accuracies[:, index].any() and not stack.responds(index)
                on_batches = losses[:, index], accuracies[:, index]
                judged = on_batches if member.run.stop_on == "batches" else stack.evaluated(index)
                network = partial(stack.network, index)
                member.end_epoch(losses[:, index], judged, network, thresholds, finite=finite[index], dead=dead)
            bar.update()
            bar.set_postfix(running=sum(m.status == "" for m in stack.members), loss=float(losses.mean()))
            stack.drop_stopped()
    return [member.result() for member in stack.started]


def continue_training(
    runs: Sequence[Run],
    start: Sequence[networks.Mlp],
    start_epochs: Sequence[int],
    images: Tensor,
    labels: Tensor,
    *,
    epochs: int,
    observer: Observer,
) -> list[networks.Mlp]:
    """Go on with runs from the end of an epoch for a fixed number of epochs, whatever the stop rule says.

    The steps are bit for bit those that `train` would have taken.

    Args:
        runs: Settings, as for `train`.
        start: The weights of each run at the end of epoch ``start_epochs``.
        start_epochs: Epochs already trained, per run.
        images, labels: The data that `train` was given.
        epochs: Epochs to go on.
        observer: Called after every step with the stacked weights of each layer, tensors (runs, out, in); it must not change them.

    Returns:
        The networks at the end.

    Raises:
        ValueError: If the weights of a run are not those that it trains (``dropout_rescaling`` is "afterwards").
    """
    for run in runs:
        require(run.dropout_rescaling != "afterwards", "dropout_rescaling", run.dropout_rescaling, "in_training or none")
    stack = _Stack.start(runs, images, labels, start, start_epochs)
    for _ in range(epochs):
        stack.run_epoch(lambda _: observer(stack.weights))
        for member in stack.members:
            member.epoch += 1
    return [stack.network(index) for index in range(len(runs))]


def training_set(run: Run, labels: Tensor) -> tuple[Tensor, Tensor, int]:
    """Return what a run trains on.

    Returns:
        Indices into the data, int64 (n,); the labels trained on, int64 (n,), a share ``label_noise`` of them wrong; and how many
        of them, taken first, keep their true label.

    Raises:
        datasets.DatasetError: If a class has too few images.
        ValueError: If label noise is asked for without ``images_per_class``.
    """
    drawn_by = run.seed if run.draw_images else None
    if run.images_per_class is None:
        require(run.label_noise == 0, "label_noise", run.label_noise, "0 where images_per_class is not set")
        indices = datasets.training_subset(labels, None, seed=drawn_by)
        return indices, labels[indices], len(indices)
    per_class = round(run.images_per_class / (1 - run.label_noise))
    indices = datasets.training_subset(labels, per_class, seed=drawn_by)
    clean = _first_of_each_class(labels[indices], run.images_per_class)
    indices = torch.cat([indices[clean], indices[~clean]])
    noisy_labels = labels[indices].clone()
    n_clean = int(clean.sum())
    classes = int(labels.max()) + 1
    shift = seeds.generator(run.seed, "label_noise").integers(1, classes, len(indices) - n_clean)
    noisy_labels[n_clean:] = (noisy_labels[n_clean:] + torch.from_numpy(shift).to(labels.device)) % classes
    return indices, noisy_labels, n_clean


def steps_per_epoch(run: Run, n_images: int) -> int:
    """Return the number of full batches in ``n_images`` images; raises ValueError if there is none."""
    require(run.batch_size <= n_images, "batch_size", run.batch_size, f"at most the {n_images} training images")
    return n_images // run.batch_size


def _first_of_each_class(labels: Tensor, count: int) -> Tensor:
    """Mask of the first ``count`` entries of every class."""
    rank = torch.zeros_like(labels)
    for label in labels.unique():
        rank[labels == label] = torch.arange(int((labels == label).sum()), device=labels.device)
    return rank < count


def _is_finite(network: networks.Mlp) -> bool:
    return all(bool(weight.isfinite().all()) for weight in network.weights)


@dataclass(eq=False)
class _Member:
    """One run of a stack: its data, its histories and its checkpoints."""

    run: Run
    indices: Tensor
    epoch: int = 0
    status: str = ""
    diverged_step: int | None = None
    final: networks.Mlp | None = None
    checkpoints: dict[int, networks.Mlp] = field(default_factory=dict)
    loss_history: list[float] = field(default_factory=list)
    accuracy_history: list[float] = field(default_factory=list)

    @property
    def epoch_steps(self) -> int:
        return steps_per_epoch(self.run, len(self.indices))

    def batches(self) -> Tensor:
        """Positions in the run's own training set of the coming epoch's batches, shape (steps, batch)."""
        random = seeds.generator(self.run.seed, "batches", self.epoch)
        size, shape = len(self.indices), (self.epoch_steps, self.run.batch_size)
        if self.run.sampling == "replacement":
            return torch.from_numpy(random.integers(size, size=shape))
        return torch.from_numpy(random.permutation(size)[: shape[0] * shape[1]].reshape(shape))

    def dropout_masks(self) -> Tensor:
        """Factors on the first hidden layer for the coming epoch, (steps, batch, units): 0, or 1 or 1 / (share kept)."""
        random = seeds.generator(self.run.seed, "dropout", self.epoch)
        shape = (self.epoch_steps, self.run.batch_size, self.run.hidden_widths[0])
        kept = random.random(shape, dtype="float32") >= self.run.dropout
        factor = 1 - self.run.dropout if self.run.dropout_rescaling == "in_training" else 1
        return torch.from_numpy(kept).float() / factor

    def decay(self) -> float:
        """The weight decay in force in the coming epoch."""
        last = self.run.weight_decay_epochs
        return self.run.weight_decay if last is None or self.epoch < last else 0.0

    def end_epoch(
        self,
        losses: Tensor,
        judged: tuple[Tensor, Tensor],
        network: Callable[[], networks.Mlp],
        thresholds: Sequence[float],
        *,
        finite: bool,
        dead: bool,
    ) -> None:
        """Record the epoch, and decide whether the run is over.

        Args:
            losses: Of each step.
            judged: Losses and accuracies whose means the stop rule looks at.
            network: Copies the network at the end of the epoch, which few epochs need.
            thresholds: Losses at which checkpoints are kept.
            finite: Whether its weights are.
            dead: Whether it no longer responds to any image.
        """
        self.epoch += 1
        loss, accuracy = (float(values.double().mean()) for values in judged)
        self.loss_history.append(loss)
        self.accuracy_history.append(accuracy)
        if any(loss <= level < min(self.loss_history[:-1], default=torch.inf) for level in thresholds):
            self.checkpoints[self.epoch * self.epoch_steps] = network()
        self.status = self._status(losses, finite=finite, dead=dead)
        if self.status:
            self.final = network()

    def _status(self, losses: Tensor, *, finite: bool, dead: bool) -> str:
        failed = (~losses.isfinite()).nonzero()
        if len(failed):
            self.diverged_step = (self.epoch - 1) * self.epoch_steps + int(failed[0]) + 1
            return "diverged"
        if not finite:
            self.diverged_step = self.epoch * self.epoch_steps
            return "diverged"
        if dead:
            return "dead"
        recent = self.accuracy_history[-STOP_ACCURACY_EPOCHS:]
        if self.loss_history[-1] < self.run.stop_loss and sum(recent) / len(recent) > self.run.stop_accuracy:
            return "converged"
        steps = self.epoch * self.epoch_steps
        out_of_steps = self.run.max_steps is not None and steps >= self.run.max_steps
        return "not_converged" if out_of_steps or self.epoch >= self.run.max_epochs else ""

    def result(self) -> Result:
        return Result(
            run=self.run,
            status=self.status,
            epochs=self.epoch,
            steps=self.epoch * self.epoch_steps,
            diverged_step=self.diverged_step,
            network=self.final,
            checkpoints={step: network for step, network in self.checkpoints.items() if _is_finite(network)},
            loss_history=self.loss_history,
            accuracy_history=self.accuracy_history,
        )


@dataclass(eq=False)
class _Stack:
    """Networks that are stepped together: weights of each layer as one tensor (members, out, in)."""

    images: Tensor
    targets: Tensor  # one-hot labels as trained on, (members, n, classes)
    members: list[_Member]
    weights: list[Tensor]
    loss: Loss

    def __post_init__(self) -> None:
        self.started = list(self.members)
        self._subsets: dict[tuple[object, ...], Tensor] = {}
        self._step_at: tuple[list[float], Step] | None = None  # and the weight decays that it is for

    @classmethod
    def start(
        cls,
        runs: Sequence[Run],
        images: Tensor,
        labels: Tensor,
        start: Sequence[networks.Mlp] | None = None,
        start_epochs: Sequence[int] | None = None,
    ) -> "_Stack":
        if not runs:
            raise ValueError("runs: found none, expected at least one")
        if len({stack_key(run) for run in runs}) > 1:
            raise ValueError("runs: shapes, batch size, loss, dropout and training-set size must agree in one stack")
        classes = int(labels.max()) + 1
        sets = [training_set(run, labels.to(images.device)) for run in runs]
        epochs = start_epochs or [0] * len(runs)
        members = [_Member(run, indices, epoch) for run, (indices, _, _), epoch in zip(runs, sets, epochs, strict=True)]
        if start is None:
            shape = (images.shape[1], *runs[0].hidden_widths, classes)
            start = [networks.Mlp(networks.initial_weights(shape, run.seed, run.initial_scale)) for run in runs]
        weights = [torch.stack(layer).to(images) for layer in zip(*(network.weights for network in start), strict=True)]
        one_hot = torch.eye(classes, dtype=images.dtype, device=images.device)
        targets = torch.stack([one_hot[noisy] for _, noisy, _ in sets])
        return cls(images, targets, members, weights, LOSSES[runs[0].loss])

    def network(self, index: int) -> networks.Mlp:
        """A copy of one member's network, without dropout, float32 on the CPU."""
        return networks.Mlp(tuple(weight.clone().cpu() for weight in self._member_weights(index)))

    def finite(self) -> list[bool]:
        """Whether all weights of each member are finite."""
        layers = [weight.isfinite().flatten(1).all(1) for weight in self.weights]
        return torch.stack(layers).all(0).tolist()

    def _member_weights(self, index: int) -> list[Tensor]:
        """One member's weights as they serve without dropout."""
        run, weights = self.members[index].run, [weight[index] for weight in self.weights]
        if run.dropout_rescaling == "afterwards":
            weights[1] = weights[1] * (1 - run.dropout)
        return weights

    def responds(self, index: int) -> bool:
        """Whether any unit of a member's last hidden layer is active for any of its training images."""
        network = networks.Mlp(tuple(self._member_weights(index)))
        return bool(network.activations(self._images_of(index))[-1].any())

    def evaluated(self, index: int) -> tuple[Tensor, Tensor]:
        """Losses and hits (1 or 0) of a member on each image of its training set, labels as trained on, without dropout."""
        network = networks.Mlp(tuple(self._member_weights(index)))
        logits = network.logits(self._images_of(index))
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
        for layer in range(len(self.weights) - 1, -1, -1):
            below = None
            if layer:
                below = torch.bmm(error, self.weights[layer]).mul_(activations[layer] > 0)
                if layer == 1 and mask is not None:
                    below.mul_(mask)
            if shrink is not None:
                self.weights[layer].mul_(shrink)
            self.weights[layer].baddbmm_(error.mT, activations[layer])
            error = below
        return logits

    def _decay_factors(self, rates: "_Rates") -> Tensor | None:
        """Factors (members, 1, 1) by which weight decay shrinks the weights in one step, or None where there is none."""
        if rates.decay is None:
            return None
        squares = sum(weight.square().sum((1, 2), keepdim=True) for weight in self.weights)
        return 1 - rates.learning * rates.decay / torch.where(rates.by_norm, squares.sqrt(), 1.0)

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=self.images.dtype)[:, None, None].to(self.images.device)


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

    def __call__(self, *arguments: Tensor | None) -> Tensor:
        self._calls += 1
        if self._calls == 1:
            return self._step(*arguments)
        if self._calls == 2:
            self._record(arguments)
        for held, given in zip(self._arguments, arguments, strict=True):
            if held is not None:
                held.copy_(given)
        self._graph.replay()
        return self._result.clone()

    def _record(self, arguments: Sequence[Tensor | None]) -> None:
        """Record one step, without taking it."""
        self._arguments = [None if given is None else given.clone() for given in arguments]
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._result = self._step(*self._arguments)
