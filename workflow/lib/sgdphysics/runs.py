"""The settings of training runs and their names. Apart from `training`, so that a study can be planned without loading torch."""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from sgdphysics.arguments import (
    is_number,
    is_whole,
    require,
    require_kind,
    require_not_negative,
    require_number,
    require_one_of,
    require_positive,
    require_sampling,
    require_share,
    require_whole,
)

__all__ = [
    "ALWAYS_NAMED",
    "LOSSES",
    "Run",
    "digest",
    "log_spaced_steps",
    "require",
    "run_id",
    "settings_of",
    "settings_text",
    "stack_key",
]

LOSSES = ("cross_entropy", "mean_squared_error")  # computed in `losses`

# The settings that are in the name of every run, whatever their values. A field that `Run` is given later, with a default under
# which nothing changes, stays out of this list: it is in the names of those runs only that have another value, and no run that was
# trained before gets another name.
ALWAYS_NAMED = (
    "hidden_widths",
    "learning_rate",
    "batch_size",
    "loss",
    "sampling",
    "weight_decay",
    "weight_decay_penalty",
    "weight_decay_epochs",
    "dropout",
    "dropout_rescaling",
    "initial_scale",
    "label_noise",
    "images_per_class",
    "draw_images",
    "stop_loss",
    "stop_accuracy",
    "stop_on",
    "max_epochs",
    "max_steps",
    "seed",
)


@dataclass(frozen=True)
class Run:
    """The settings of one training run; two runs of equal settings have equal bytes.

    Attributes:
        hidden_widths: Units of each hidden layer.
        learning_rate: alpha, per step.
        batch_size: B, images per step.
        loss: "cross_entropy" or "mean_squared_error".
        sampling: "epoch" (a fresh permutation per epoch; images left over after the last full batch sit that epoch out) or
            "replacement" (independent draws).
        weight_decay: beta; what it multiplies is set by ``weight_decay_penalty``.
        weight_decay_penalty: "squared" adds (beta/2) |W|^2 to the loss, "norm" adds beta |W| (the norm of all weights together,
            as in the published scripts of Feng, Zhang and Tu 2023).
        weight_decay_epochs: The penalty is removed after this many epochs (published: 200); None keeps it.
        dropout: Share of units dropped after the first hidden layer, drawn anew for every image of every batch.
        dropout_rescaling: Where the share of units kept enters: "in_training" divides the kept units by it, "afterwards" multiplies
            the weights that read them by it once the network is looked at (as dropout was first published), "none": nowhere.
        initial_scale: s, factor on the initial weights.
        label_noise: rho, share of the training images whose label is replaced by another class at random. The training set is
            enlarged by 1/(1 - rho), so that the number of clean images stays.
        images_per_class: Clean training images of each class, None for all (then ``label_noise`` must be 0).
        draw_images: Draw the training images by seed instead of taking the first of each class.
        stop_loss, stop_accuracy: Stop at the end of the first epoch whose loss is below the one and whose accuracy, averaged over
            the last 9 epochs, is above the other.
        stop_on: Whose loss and accuracy: "batches", means over the epoch's batches, each taken before its step and with dropout, or
            "training_set", those of the network at the end of the epoch over all images that it trains on, without dropout.
        max_epochs: Give up after this many epochs.
        max_steps: Give up at the end of the epoch in which this many steps are reached; None sets no such limit.
        seed: Seed of initial weights, batches, dropout, label noise and image draw, >= 0.
        budget_extension: By what factor ``max_epochs`` and ``max_steps`` are extended at most, while the loss still falls: in the
            last quarter of its epochs to less than 90 % of that in the quarter before, by the means.
        trained_layers: Weight matrices that are trained, counted from 0; the others stay as they are. None: all.

    Raises:
        ValueError: If a setting is none of these. Counts are integers, all numbers finite; those of numpy are taken as Python's,
            and whole ones as floats where a setting need not be whole.
    """

    hidden_widths: tuple[int, ...] = (50, 50)
    learning_rate: float = 0.1
    batch_size: int = 50
    loss: str = "cross_entropy"
    sampling: str = "epoch"
    weight_decay: float = 0.0
    weight_decay_penalty: str = "squared"
    weight_decay_epochs: int | None = None
    dropout: float = 0.0
    dropout_rescaling: str = "in_training"
    initial_scale: float = 1.0
    label_noise: float = 0.0
    images_per_class: int | None = None
    draw_images: bool = False
    stop_loss: float = 1e-3
    stop_accuracy: float = 0.99
    stop_on: str = "batches"
    max_epochs: int = 1000
    max_steps: int | None = None
    seed: int = 0
    budget_extension: float = 1.0
    trained_layers: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        require(isinstance(self.hidden_widths, Iterable), "hidden_widths", self.hidden_widths, "widths >= 1, whole numbers")
        object.__setattr__(self, "hidden_widths", tuple(map(_of_python, self.hidden_widths)))
        if isinstance(self.trained_layers, Iterable):
            object.__setattr__(self, "trained_layers", tuple(map(_of_python, self.trained_layers)))
        for field in fields(self):
            object.__setattr__(self, field.name, _of_python(getattr(self, field.name)))
        self._check_training()
        self._check_trained_layers()
        self._check_data()
        self._check_stop()
        # 1 and 1.0 are one learning rate, so runs of either have one name.
        for field in fields(self):
            if field.type is float:
                object.__setattr__(self, field.name, float(getattr(self, field.name)))

    def _check_training(self) -> None:
        widths = self.hidden_widths
        whole = all(is_whole(width) and width >= 1 for width in widths)
        require(bool(widths) and whole, "hidden_widths", widths, "widths >= 1, whole numbers")
        require_positive("learning_rate", self.learning_rate)
        require_whole("batch_size", self.batch_size, 1)
        require_one_of("loss", self.loss, LOSSES)
        require_sampling(self.sampling)
        require_not_negative("weight_decay", self.weight_decay)
        require_one_of("weight_decay_penalty", self.weight_decay_penalty, ("squared", "norm"), "squared or norm")
        require_whole("weight_decay_epochs", self.weight_decay_epochs, 0, none_allowed=True)
        require_share("dropout", self.dropout, zero_allowed=True)
        rescaling = ("in_training", "afterwards", "none")
        require_one_of("dropout_rescaling", self.dropout_rescaling, rescaling, "in_training, afterwards or none")
        require_positive("initial_scale", self.initial_scale)
        require_whole("seed", self.seed, 0)

    def _check_trained_layers(self) -> None:
        layers = self.trained_layers
        if layers is None:
            return
        last = len(self.hidden_widths)
        existing = isinstance(layers, tuple) and all(is_whole(layer) and 0 <= layer <= last for layer in layers)
        expected = f"different layers from 0 to {last}, or None"
        require(existing and len(layers) == len(set(layers)) > 0, "trained_layers", layers, expected)

    def _check_data(self) -> None:
        require_share("label_noise", self.label_noise, zero_allowed=True)
        require_whole("images_per_class", self.images_per_class, 1, none_allowed=True)
        require_kind("draw_images", self.draw_images, bool)

    def _check_stop(self) -> None:
        require_not_negative("stop_loss", self.stop_loss)
        require_number("stop_accuracy", self.stop_accuracy)
        require_one_of("stop_on", self.stop_on, ("batches", "training_set"), "batches or training_set")
        require_whole("max_epochs", self.max_epochs, 1)
        require_whole("max_steps", self.max_steps, 1, none_allowed=True)
        require(
            is_number(self.budget_extension) and self.budget_extension >= 1,
            "budget_extension",
            self.budget_extension,
            "a number from 1",
        )

    @property
    def most_epochs(self) -> int:
        """Epochs after which it is given up whatever its loss, if no limit of steps is reached before."""
        return math.ceil(self.max_epochs * self.budget_extension)


def stack_key(run: Run) -> tuple[object, ...]:
    """Return what must agree for runs to be stepped together: values, and name and value of every setting not in ``ALWAYS_NAMED``
    that is not at its default, unless it only decides when a run stops.
    """
    require_kind("run", run, Run)
    shape = (run.hidden_widths, run.batch_size, run.loss, run.images_per_class, run.label_noise, run.dropout > 0)
    return (*shape, *((name, value) for name, value in _later_settings(run).items() if name != "budget_extension"))


def settings_of(run: Run) -> dict[str, Any]:
    """Return the settings that tell a run from others: those of ``ALWAYS_NAMED``, and further ones that are not at their default.

    They make the run again: ``Run(**settings_of(run)) == run``.
    """
    require_kind("run", run, Run)
    return {name: getattr(run, name) for name in ALWAYS_NAMED} | _later_settings(run)


def run_id(run: Run, dataset: str) -> str:
    """Return a readable name with a hash of the data set and all settings, such as ``mnist5k_lr0.1_b50_s100_3fa9c1d2``."""
    require_kind("run", run, Run)
    return f"{dataset}_lr{run.learning_rate:g}_b{run.batch_size}_s{run.seed}_{digest([dataset, settings_of(run)])[:8]}"


def settings_text(run: Run) -> str:
    """Return the settings of a run, as `settings_of` returns them, as one line of JSON with sorted keys."""
    return json.dumps(settings_of(run), sort_keys=True)


def digest(value: Any) -> str:
    """Return ten hexadecimal digits of the sha256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:10]


def log_spaced_steps(per_decade: int, epoch_steps: int, max_epochs: int) -> list[int]:
    """Return checkpoint steps: 0, log-spaced steps in the first epoch, then log-spaced ends of epochs (resumable).

    Raises:
        ValueError: If one of the numbers is no integer from 1.
    """
    for name, value in (("per_decade", per_decade), ("epoch_steps", epoch_steps), ("max_epochs", max_epochs)):
        require_whole(name, value, 1)
    total = epoch_steps * max_epochs
    exponents = np.arange(per_decade * 12) / per_decade
    steps = {round(float(step)) for step in 10**exponents if step <= total}
    rounded = {step if step < epoch_steps else round(step / epoch_steps) * epoch_steps for step in steps}
    return sorted({0, epoch_steps, *rounded})


def _of_python(value: Any) -> Any:
    """A number of numpy as Python's, which alone can be written to a file."""
    return value.item() if isinstance(value, np.generic) else value


def _later_settings(run: Run) -> dict[str, Any]:
    """Settings that are not in ``ALWAYS_NAMED`` and not at their default."""
    later = {field.name: field.default for field in fields(run) if field.name not in ALWAYS_NAMED}
    return {name: getattr(run, name) for name, default in later.items() if getattr(run, name) != default}
