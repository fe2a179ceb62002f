"""What a trained network learned from and is tested on: its training images, test images, and the pairs of them that match."""

from dataclasses import dataclass, replace
from math import inf

import torch
from torch import Tensor

from sgdphysics import arguments, curvature, dual_weights, inputs, labelled_images, matched_pairs, training
from sgdphysics.losses import LOSSES
from sgdphysics.networks import Mlp


@dataclass(frozen=True, eq=False)
class MatchedData:
    """The images of one run.

    Attributes:
        images, labels: What it trained on, float64 (N, pixels) and int64 (N,), labels as trained on.
        clean: How many of them, the first ones, have their true label; only these are matched.
        test_images, test_labels: float64 (M, pixels) and int64 (M,).
        matches: Index of the training image matched to each test image, int64 (M,).
        loss: "cross_entropy" or "mean_squared_error".

    Raises:
        ValueError: If numbers of images and labels differ, a match is none of the clean images, or there is no such loss.
    """

    images: Tensor
    labels: Tensor
    clean: int
    test_images: Tensor
    test_labels: Tensor
    matches: Tensor
    loss: str

    def __post_init__(self) -> None:
        for part in ("", "test_"):
            images, labels = getattr(self, f"{part}images"), getattr(self, f"{part}labels")
            arguments.require_kind(f"{part}images", images, Tensor)
            object.__setattr__(self, f"{part}images", images.detach())
            object.__setattr__(self, f"{part}labels", inputs.checked_labels(labels, len(images), part=part))
        arguments.require_whole("clean", self.clean, 1)
        arguments.require(self.clean <= len(self.images), "clean", self.clean, f"at most {len(self.images)}, the images")
        matches = inputs.checked_indices(self.matches, len(self.test_images), self.clean, "matches")
        object.__setattr__(self, "matches", matches)
        arguments.require_one_of("loss", self.loss, LOSSES)

    def checked_for(self, network: Mlp, layer: int) -> Mlp:
        """Return a network, in float64 and without gradients, of which a layer is measured with these data.

        Raises:
            ValueError: If the network does not take these images and labels, one of its weights is not finite, or it has no such
                layer (`inputs.checked`).
        """
        network, _, _ = inputs.checked(network, self.images, self.labels, layer, self.loss)
        network, _, _ = inputs.checked(network, self.test_images, self.test_labels, layer, self.loss, "test_")
        return network.double()

    @property
    def matched_images(self) -> Tensor:
        """The training image of each pair, (M, pixels)."""
        return self.images[self.matches]

    def entering(self, network: Mlp, layer: int) -> "MatchedData":
        """Return the data with what enters a layer in place of the images: the data of `Mlp.from_layer`, paired as these are.

        What is measured of that network's layer 0 is what is measured here of ``layer``, without the layers below each time.

        Raises:
            ValueError: If the network does not take these images, or has no such layer.
        """
        network.checked_layer(layer)
        trained, tested = (network.activations(images)[layer] for images in (self.images, self.test_images))
        return replace(self, images=trained, test_images=tested)

    def matchings(self, network: Mlp, layer: int, seed: int) -> dict[str, "MatchedData"]:
        """Return the data paired in several ways: "nearest_pixels" (as it is), "nearest_activity" (nearest training image of the
        class in the activities that enter a layer) and "random_of_class"; errors as `entering`, or for a seed below 0.
        """
        network.checked_layer(layer)
        labels = self.labels[: self.clean]
        trained, tested = (network.activations(images)[layer] for images in (self.images[: self.clean], self.test_images))
        others = matched_pairs.other_matches(trained, labels, tested, self.test_labels, seed)
        return {"nearest_pixels": self, **{name: replace(self, matches=matches) for name, matches in others.items()}}

    def has_curvature(self, network: Mlp, layer: int) -> bool:
        """Whether the training loss has any curvature in a layer's weights, and is positive and finite itself.

        Of a network that is dead or not finite it has none, and of one that is right beyond rounding either.

        Raises:
            ValueError: If the network does not take these images, or has no such layer.
        """
        network.checked_layer(layer)
        if not all(bool(values.isfinite().all()) for values in (self.images, *network.weights)):
            return False
        trace = curvature.hessian_trace(network, self.images, layer, self.loss)
        return 0 < trace < inf and 0 < LOSSES[self.loss].mean(network.logits(self.images), self.labels) < inf

    def losses(self, network: Mlp) -> dict[str, float]:
        """Return the mean losses and errors (shares) of a float64 network.

        Keys: training_loss, training_error (labels as trained on), clean_training_loss, matched_loss, test_loss, test_error.

        Raises:
            ValueError: If the network does not take these images and labels.
        """
        network = network.detached()
        trained, tested = network.logits(self.images), network.logits(self.test_images)
        values = LOSSES[self.loss].values(trained, self.labels)
        return {
            "training_loss": float(values.mean()),
            "training_error": _error(trained, self.labels),
            "clean_training_loss": float(values[: self.clean].mean()),
            "matched_loss": float(values[self.matches].mean()),
            "test_loss": LOSSES[self.loss].mean(tested, self.test_labels),
            "test_error": _error(tested, self.test_labels),
        }

    def pairs(self, network: Mlp, layer: int, slopes: str = dual_weights.PARALLEL) -> dual_weights.DualWeights:
        """Return the dual weights of the pairs in one layer, with slopes; errors as `dual_weights.dual_weights`."""
        matched = self.matched_images, self.test_images, self.test_labels
        return dual_weights.dual_weights(network, *matched, layer, self.loss, slopes)


class MatchedDatasets:
    """The images of the runs of one data set, each in float64; runs that train on the same images share the search for pairs."""

    def __init__(self, dataset: labelled_images.Dataset, test_images: int | None = None) -> None:
        """Test on the first ``test_images`` of the test set; on all of them if None or if there are fewer.

        Raises:
            ValueError: If these are fewer than 1, or the images of the data set are not float, in [0, 1] (or standardised).
        """
        arguments.require_whole("test_images", test_images, 1, none_allowed=True)
        for part in ("train_", "test_"):
            images = inputs.checked_images(getattr(dataset, f"{part}images"), None, f"{part}images")
            inputs.checked_labels(getattr(dataset, f"{part}labels"), len(images), part=part)
        self._dataset = dataset
        self._test = dataset.test_images[:test_images].double(), dataset.test_labels[:test_images]
        self._nearest = matched_pairs.NearestOfClass(*self._test)

    def of(self, run: training.Run) -> MatchedData:
        """Return the images of a run; errors as `training.training_set`."""
        indices, labels, clean = training.training_set(run, self._dataset.train_labels, self._dataset.classes)
        images = self._dataset.train_images[indices].double()
        matches = self._nearest.among(indices[:clean], images[:clean], labels[:clean])
        return MatchedData(images, labels, clean, *self._test, matches, run.loss)


def _error(logits: Tensor, labels: Tensor) -> float:
    return float((logits.argmax(1) != labels).to(torch.float64).mean())
