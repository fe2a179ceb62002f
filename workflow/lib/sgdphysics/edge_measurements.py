"""What became of the networks that were trained up to the edge of convergence, and at which epochs they are measured."""

from collections.abc import Iterator

from sgdphysics.arguments import require_kind
from sgdphysics.stack_members import loss_still_falls
from sgdphysics.training import Result


def outcome(result: Result) -> str:
    """Return what became of a run.

    Returns:
        "converged", "dead" (no unit of the last hidden layer responds to any training image), "not_finite" (loss or weights), or,
        of a run whose budget ended, "still_falling", where the mean loss of the last quarter of its epochs is below 90 % of that of
        the quarter before, else "no_longer_falling".

    Raises:
        ValueError: If it is no `training.Result`.
    """
    require_kind("result", result, Result)
    if result.status != "not_converged":
        return "not_finite" if result.status == "diverged" else result.status
    return "still_falling" if loss_still_falls(result.loss_history, result.epochs) else "no_longer_falling"


def measured_epochs(result: Result, *, followed: bool) -> Iterator[int]:
    """Yield the epochs at whose end the network of a run can be measured, in order.

    They are the last one, unless the network is dead then or not finite, and before, if the run is ``followed``, those of the
    checkpoints that stand at the end of an epoch.

    Raises:
        ValueError: If it is no `training.Result`.
    """
    require_kind("result", result, Result)
    steps = result.steps // result.epochs
    if followed:
        yield from (step // steps for step in sorted(result.checkpoints) if 0 < step < result.steps and step % steps == 0)
    if result.status not in ("diverged", "dead"):
        yield result.epochs
