"""What a run trains on: which images, with which labels, and how many steps an epoch has."""

import torch
from torch import Tensor

from sgdphysics import labelled_images, seeds
from sgdphysics.arguments import require, require_kind, require_whole
from sgdphysics.errors import InputError
from sgdphysics.inputs import checked_labels
from sgdphysics.runs import Run


def training_set(run: Run, labels: Tensor, classes: int | None = None) -> tuple[Tensor, Tensor, int]:
    """Return what a run trains on.

    Args:
        run: Its settings.
        labels: int64 (N,), classes counted from 0.
        classes: Number of classes; None: the largest label and one.

    Returns:
        Indices into the data, int64 (n,); the labels trained on, int64 (n,), a share ``label_noise`` of them wrong; and how many
        of them, taken first, keep their true label.

    Raises:
        labelled_images.DatasetError: If a class has too few images.
        ValueError: If the labels are no integers (N,) from 0, or label noise is asked for without ``images_per_class`` or for fewer
            than two classes.
    """
    require_kind("run", run, Run)
    labels = checked_labels(labels)
    drawn_by = run.seed if run.draw_images else None
    if run.images_per_class is None:
        require(run.label_noise == 0, "label_noise", run.label_noise, "0 where images_per_class is not set")
        indices = labelled_images.training_subset(labels, None, seed=drawn_by)
        return indices, labels[indices], len(indices)
    classes = int(labels.max()) + 1 if classes is None else classes
    per_class = round(run.images_per_class / (1 - run.label_noise))
    indices = labelled_images.training_subset(labels, per_class, seed=drawn_by, classes=classes)
    clean = _first_of_each_class(labels[indices], run.images_per_class)
    indices = torch.cat([indices[clean], indices[~clean]])
    noisy_labels = labels[indices].clone()
    n_clean = int(clean.sum())
    if classes < 2 and run.label_noise:
        raise InputError("labels: found only label 0, expected two classes or more where labels are noisy")
    shift = seeds.generator(run.seed, "label_noise").integers(1, classes, len(indices) - n_clean)
    noisy_labels[n_clean:] = (noisy_labels[n_clean:] + torch.from_numpy(shift).to(labels.device)) % classes
    return indices, noisy_labels, n_clean


def steps_per_epoch(run: Run, n_images: int) -> int:
    """Return the number of full batches in ``n_images`` images; raises ValueError if there is none."""
    require_kind("run", run, Run)
    require_whole("n_images", n_images, 1)
    require(run.batch_size <= n_images, "batch_size", run.batch_size, f"at most the {n_images} training images")
    return n_images // run.batch_size


def _first_of_each_class(labels: Tensor, count: int) -> Tensor:
    """Mask of the first ``count`` entries of every class."""
    rank = torch.zeros_like(labels)
    for label in labels.unique():
        rank[labels == label] = torch.arange(int((labels == label).sum()), device=labels.device)
    return rank < count
