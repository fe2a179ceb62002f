"""What a trained network learned from and is tested on: its training images, test images, and the pairs of them that match."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sgdphysics import curvature, dual_weights, labelled_images, matched_pairs, training
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
    """

    images: Tensor
    labels: Tensor
    clean: int
    test_images: Tensor
    test_labels: Tensor
    matches: Tensor
    loss: str

    @property
    def matched_images(self) -> Tensor:
        """The training image of each pair, (M, pixels)."""
        return self.images[self.matches]

    def entering(self, network: Mlp, layer: int) -> "MatchedData":
        """Return the data with what enters a layer in place of the images: the data of `Mlp.from_layer`, paired as these are.

        What is measured of that network's layer 0 is what is measured here of ``layer``, without the layers below each time.
        """
        trained, tested = (network.activations(images)[layer] for images in (self.images, self.test_images))
        return replace(self, images=trained, test_images=tested)

    def matchings(self, network: Mlp, layer: int, seed: int) -> dict[str, "MatchedData"]:
        """Return the data paired in several ways: "nearest_pixels" (as it is), "nearest_activity" (nearest training image of the
        class in the activities that enter a layer) and "random_of_class".
        """
        labels = self.labels[: self.clean]
        trained, tested = (network.activations(images)[layer] for images in (self.images[: self.clean], self.test_images))
        others = matched_pairs.other_matches(trained, labels, tested, self.test_labels, seed)
        return {"nearest_pixels": self, **{name: replace(self, matches=matches) for name, matches in others.items()}}

    def has_curvature(self, network: Mlp, layer: int) -> bool:
        """Whether the training loss has any curvature in a layer's weights: of a network that is dead or not finite it has none."""
        return curvature.hessian_trace(network, self.images, layer, self.loss) > 0

    def losses(self, network: Mlp) -> dict[str, float]:
        """Return the mean losses and errors (shares) of a float64 network.

        Keys: training_loss, training_error (labels as trained on), clean_training_loss, matched_loss, test_loss, test_error.
        """
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

    def pairs(self, network: Mlp, layer: int) -> dual_weights.DualWeights:
        """Return the dual weights of the pairs in one layer; errors as `dual_weights.dual_weights`."""
        return dual_weights.dual_weights(network, self.matched_images, self.test_images, self.test_labels, layer, self.loss)


class MatchedDatasets:
    """The images of the runs of one data set, each in float64; runs that train on the same images share the search for pairs."""

    def __init__(self, dataset: labelled_images.Dataset, test_images: int | None = None) -> None:
        """Test on the first ``test_images`` of the test set; on all of them if None or if there are fewer."""
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
