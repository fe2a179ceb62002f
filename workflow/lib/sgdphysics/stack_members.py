"""One run of a stack while it is trained: its random draws, its histories and checkpoints, and when it stops."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sgdphysics import networks, seeds
from sgdphysics.runs import Run
from sgdphysics.training_sets import steps_per_epoch

_FALL = 0.9  # of the mean loss of a quarter of the epochs, from one to the next: less is still falling
STOP_ACCURACY_EPOCHS = 9  # the published rule averages the training accuracy over this many epochs


@dataclass(eq=False)
class Member:
    """One run of a stack.

    Attributes:
        run: Its settings.
        indices: The images that it trains on, int64 (n,), into those of the stack.
        epoch: Epochs trained.
        epoch_steps: Steps in an epoch.
        status: As in `training.Result`; empty while it is trained.
        diverged_step: Step (from 1) at which the loss was first not finite, else None.
        final: The network once it has stopped, float32 on the CPU.
        checkpoints: Networks kept, by step, float32 on the CPU.
        loss_history, accuracy_history: One float per epoch.
    """

    run: Run
    indices: Tensor
    epoch: int = 0
    status: str = ""
    diverged_step: int | None = None
    final: networks.Mlp | None = None
    checkpoints: dict[int, networks.Mlp] = field(default_factory=dict)
    loss_history: list[float] = field(default_factory=list)
    accuracy_history: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.epoch_steps = steps_per_epoch(self.run, len(self.indices))

    def batches(self) -> Tensor:
        """Return the positions in the run's own training set of the coming epoch's batches, int64 (steps, batch)."""
        random = seeds.generator(self.run.seed, "batches", self.epoch)
        size, shape = len(self.indices), (self.epoch_steps, self.run.batch_size)
        if self.run.sampling == "replacement":
            return torch.from_numpy(random.integers(size, size=shape))
        return torch.from_numpy(random.permutation(size)[: shape[0] * shape[1]].reshape(shape))

    def dropout_masks(self) -> Tensor:
        """Return factors on the first hidden layer in the coming epoch, float32 (steps, batch, units): 0, 1, or 1 / share kept."""
        random = seeds.generator(self.run.seed, "dropout", self.epoch)
        shape = (self.epoch_steps, self.run.batch_size, self.run.hidden_widths[0])
        kept = random.random(shape, dtype="float32") >= self.run.dropout
        factor = 1 - self.run.dropout if self.run.dropout_rescaling == "in_training" else 1
        return torch.from_numpy(kept).float() / factor

    def decay(self) -> float:
        """Return the weight decay in force in the coming epoch."""
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
            losses: Of each step, (steps,).
            judged: Losses and accuracies, each (count,), whose means the stop rule looks at.
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
        goes_on = self._within(1) or (self._within(self.run.budget_extension) and loss_still_falls(self.loss_history, self.epoch))
        return "" if goes_on else "not_converged"

    def _within(self, extension: float) -> bool:
        """Whether the budget of epochs and steps, extended by a factor, is not used up."""
        run, steps = self.run, self.epoch * self.epoch_steps
        return self.epoch < run.max_epochs * extension and (run.max_steps is None or steps < run.max_steps * extension)


def loss_still_falls(losses: Sequence[float], epochs: int) -> bool:
    """Return whether the loss of the last quarter of some epochs is well below that of the quarter before, by the means.

    A power law with an exponent of 0.3 falls as fast; noise on a plateau does not.

    Args:
        losses: One per epoch.
        epochs: Trained.
    """
    quarter = max(1, epochs // 4)
    last, before = losses[-quarter:], losses[-2 * quarter : -quarter]
    return bool(before) and sum(last) / len(last) < _FALL * sum(before) / len(before)
