"""Sizes of networks and data, from the settings of a run and the entry of its data set: what amounts of work follow from."""

from collections.abc import Mapping
from itertools import pairwise
from math import prod
from typing import Any

from sgdphysics.runs import Run


def pixels(entry: Mapping[str, Any]) -> int:
    """Return the pixels of an image of a data set."""
    return prod(entry["image_shape"])


def training_images(run: Run, entry: Mapping[str, Any]) -> int:
    """Return how many images a run trains on."""
    if run.images_per_class is None:
        return entry["training_images"]
    return round(run.images_per_class / (1 - run.label_noise)) * entry["classes"]


def epoch_steps(run: Run, entry: Mapping[str, Any]) -> int:
    """Return the steps of an epoch."""
    return training_images(run, entry) // run.batch_size


def weights(run: Run, entry: Mapping[str, Any]) -> int:
    """Return the weights of all layers."""
    return sum(below * above for below, above in pairwise(_widths(run, entry)))


def weights_of_layer(run: Run, layer: int, entry: Mapping[str, Any]) -> int:
    """Return the weights of one layer; the size of images need be known only for the first."""
    units = [*run.hidden_widths, entry["classes"]]
    return (pixels(entry) if layer == 0 else units[layer - 1]) * units[layer]


def weights_above(run: Run, layer: int, entry: Mapping[str, Any]) -> int:
    """Return the weights above a layer and its units: the work of the loss of one image where only that layer's output moves."""
    widths = _widths(run, entry)[layer + 1 :]
    return widths[0] + sum(below * above for below, above in pairwise(widths))


def _widths(run: Run, entry: Mapping[str, Any]) -> list[int]:
    return [pixels(entry), *run.hidden_widths, entry["classes"]]
