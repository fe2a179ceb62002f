"""Many small networks trained by SGD at once, in a stack (see `stacks`): a run's bytes do not depend on its companions there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from sgdphysics import networks
from sgdphysics.arguments import require, require_number, require_positive_numbers, require_whole, require_whole_numbers
from sgdphysics.progress import epoch_bar
from sgdphysics.runs import Run, stack_key
from sgdphysics.stack_members import Member
from sgdphysics.stacks import Stack
from sgdphysics.training_sets import steps_per_epoch, training_set

# The settings of a run and what it trains on, from `runs` and `training_sets`, are importable from here as well.
__all__ = ["Observer", "Result", "Run", "continue_training", "stack_key", "steps_per_epoch", "train", "training_set"]

Observer = Callable[[Sequence[Tensor]], None]


@dataclass
class Result:
    """What became of one run.

    Attributes:
        run: Its settings.
        status: "converged" (stop rule met), "not_converged" (``max_epochs`` or ``max_steps`` reached, with
            their extension where the loss still fell), "diverged" (loss or weights
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
        """Return the first epoch whose loss is at most ``loss``, from 1; None if there is none; ValueError if that is no number."""
        require_number("loss", loss)
        return next((epoch for epoch, value in enumerate(self.loss_history, 1) if value <= loss), None)

    def network_after(self, epoch: int) -> networks.Mlp | None:
        """Return the weights kept at the end of an epoch, or the final ones; None if none were kept; ValueError if that is none."""
        require_whole("epoch", epoch, 0)
        return self.network if epoch == self.epochs else self.checkpoints.get(epoch * self.steps // self.epochs)


def train(
    runs: Sequence[Run],
    images: Tensor,
    labels: Tensor,
    *,
    checkpoint_steps: Sequence[int] = (),
    checkpoint_losses: Sequence[float] = (),
    progress: bool = False,
    classes: int | None = None,
) -> list[Result]:
    """Train one network per run, all together, each until its stop rule is met.

    Args:
        runs: Settings; shapes, batch size, loss and training-set size must agree (see `stack_key`).
        images: Training images, float32 (N, pixels), pixel values in [0, 1] (or standardised); of float64 all is
            computed in float64.
        labels: Integers (N,), of two classes or more, counted from 0.
        checkpoint_steps: Keep the weights after these steps (0: the initial weights).
        checkpoint_losses: Keep the weights also at the end of the first epoch whose mean loss is at most each of these, above 0.
        progress: Show a progress bar.
        classes: Number of classes, one output each; None: the largest label and one.

    Returns:
        One result per run, in the order of ``runs``. A diverged run is a result, never an exception.

    Raises:
        ValueError: If an argument is none of these, the runs cannot be stacked, or a run does not fit the data.
    """
    require_whole_numbers("checkpoint_steps", checkpoint_steps, 0)
    require_positive_numbers("checkpoint_losses", checkpoint_losses)
    stack = Stack.start(runs, images, labels, classes=classes)
    schedule, thresholds = frozenset(checkpoint_steps), tuple(checkpoint_losses)
    stack.keep_checkpoints(0, schedule)
    with epoch_bar(shown=progress) as end_epoch:
        while stack.members:
            losses, accuracies = stack.run_epoch(lambda step: stack.keep_checkpoints(step, schedule))
            _judge(stack, losses, accuracies, thresholds)
            end_epoch(running=sum(m.status == "" for m in stack.members), loss=float(losses.mean()))
            stack.drop_stopped()
    return [_result(member) for member in stack.started]


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
        start_epochs: Epochs already trained, per run, from 0.
        images, labels: The data that `train` was given.
        epochs: Epochs to go on, from 1.
        observer: Called after every step with the stacked weights of each layer, tensors (runs, out, in); it must not change them.

    Returns:
        The networks at the end.

    Raises:
        ValueError: If an argument is none of these, as for `train`, or the weights of a run are not those that it trains
            (``dropout_rescaling`` is "afterwards").
    """
    require_whole("epochs", epochs, 1)
    require(callable(observer), "observer", observer, "a function of the stacked weights")
    stack = Stack.start(runs, images, labels, start, start_epochs)
    for run in runs:
        require(run.dropout_rescaling != "afterwards", "dropout_rescaling", run.dropout_rescaling, "in_training or none")
    for _ in range(epochs):
        stack.run_epoch(lambda _: observer(stack.weights))
        for member in stack.members:
            member.epoch += 1
    return [stack.network(index) for index in range(len(runs))]


def _judge(stack: Stack, losses: Tensor, accuracies: Tensor, thresholds: Sequence[float]) -> None:
    """Have every member of a stack end its epoch, of whose steps these are the losses and accuracies, (steps, members)."""
    finite = stack.finite()
    for index, member in enumerate(stack.members):
        # A dead network ties all classes, which counts as an error: only then is it worth asking every image.
        dead = not accuracies[:, index].any() and not stack.responds(index)
        on_batches = losses[:, index], accuracies[:, index]
        judged = on_batches if member.run.stop_on == "batches" else stack.evaluated(index)
        network = partial(stack.network, index)
        member.end_epoch(losses[:, index], judged, network, thresholds, finite=finite[index], dead=dead)


def _result(member: Member) -> Result:
    if member.final is None:
        raise RuntimeError(f"run of seed {member.run.seed}: it is still trained, and has no result yet")
    return Result(
        run=member.run,
        status=member.status,
        epochs=member.epoch,
        steps=member.epoch * member.epoch_steps,
        diverged_step=member.diverged_step,
        network=member.final,
        checkpoints={step: network for step, network in member.checkpoints.items() if _is_finite(network)},
        loss_history=member.loss_history,
        accuracy_history=member.accuracy_history,
    )


def _is_finite(network: networks.Mlp) -> bool:
    return all(bool(weight.isfinite().all()) for weight in network.weights)
