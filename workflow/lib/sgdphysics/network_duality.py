"""The duality of one network, tested: exactness and size of its dual weights, ways of matching, smaller shifts, nulls.

Source: Feng, Zhang and Tu 2023; the nulls are ours.
"""

from collections.abc import Iterator

import pandas as pd
import torch
from torch import Tensor

from sgdphysics import dual_weights, duality, noise, seeds, slope_gauges
from sgdphysics.arguments import require_whole
from sgdphysics.dual_weights import DualWeights
from sgdphysics.errors import InputError
from sgdphysics.generalization import MatchedData
from sgdphysics.inputs import checked_numbers
from sgdphysics.networks import Mlp

FRACTIONS = (1.0, 0.3, 0.1, 0.03)  # of the shift from a training image to its test image


class NetworkDuality:
    """One network with its matched pairs and the eigenbasis of its Hessian in one layer."""

    def __init__(self, network: Mlp, data: MatchedData, layer: int, seed: int) -> None:
        """Prepare a network.

        Args:
            network: In float64, with finite weights, on the device of the data.
            data: Its images.
            layer: Weight matrix, counted from 0.
            seed: Of random matches, shuffled losses and random vectors, >= 0.

        Raises:
            ValueError: If an argument is none of these (`MatchedData.checked_for`).
        """
        network = data.checked_for(network, layer)
        require_whole("seed", seed, 0)
        self._network, self._data, self._layer, self._seed = network, data, layer, seed
        self._basis = duality.hessian_basis(network, data.images, data.labels, layer, data.loss)
        self._pairs = data.pairs(network, layer)

    def tables(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Yield parts of the tables "pairs", "metric", "matching", "directions", "shifts", "gauges" and "gauge_numbers", each with
        the table's name.
        """
        yield "pairs", self.pairs()
        yield "metric", self.metric()
        yield "matching", self.matching()
        yield "directions", self.directions()
        yield "shifts", self.shifts()
        yield from self.gauges()

    def pairs(self) -> pd.DataFrame:
        """Return how well each dual weight does what it is for, and how small it is among the changes of the weights that do.

        One row per active pair: "pair" (counted from 0), "dual_norm", "relative_norm" (in parts of the layer's norm),
        "loss_change", "activity_error" and "logit_error" (as of `relative_errors`), and the norms of two other changes with the
        same effect in parts of the dual weight's, "norm_ratio_along_test_activity" and "norm_ratio_along_random_vector".
        """
        weight, (activity, shifted) = self._network.weights[self._layer], self._activities()
        before, wanted = activity @ weight.T, shifted @ weight.T
        changed = before + self._pairs.outputs * activity.square().sum(1, keepdim=True)
        logits = [self._network.logits_above(self._layer, output) for output in (changed, wanted, before)]
        norms = self._pairs.squared_norms.sqrt()
        columns = {
            "dual_norm": norms,
            "relative_norm": norms / weight.norm(),
            "loss_change": self._pairs.loss_changes,
            "activity_error": relative_errors(changed, wanted, before),
            "logit_error": relative_errors(*logits),
            "norm_ratio_along_test_activity": self._pairs.norms_along(shifted) / norms,
            "norm_ratio_along_random_vector": self._pairs.norms_along(self._random_vectors(activity)) / norms,
        }
        return pd.DataFrame({"pair": range(len(norms)), **{name: values.cpu().numpy() for name, values in columns.items()}})

    def metric(self) -> pd.DataFrame:
        """Return the size of the solution, "weight_spread", and by the metric that the data set, "weight_spread_by_metric"."""
        activity, shifted = self._activities()
        weight = self._network.weights[self._layer]
        by_metric = dual_weights.weight_spread_by_metric(weight, activity, shifted - activity)
        return pd.DataFrame([{"weight_spread": self._pairs.spreads()[1], "weight_spread_by_metric": by_metric}])

    def matching(self) -> pd.DataFrame:
        """Return one row per way of "matching": the mean "distance" of a pair in pixels, and what `Decomposition.numbers` has."""
        rows = []
        for matching, data in self._data.matchings(self._network, self._layer, self._seed).items():
            distance = (data.matched_images - data.test_images).norm(dim=1).mean()
            numbers = self._decomposed(data.pairs(self._network, self._layer)).numbers()
            rows.append({"matching": matching, "distance": float(distance), **numbers})
        return pd.DataFrame(rows)

    def directions(self) -> pd.DataFrame:
        """Return one row per direction ("rank", "eigenvalue", "slope_std", "weight_std", "correlation", "contribution" to the gap
        and "cumulative_share" of it), with the pairs' "own" changes of the loss and with "shuffled" ones.
        """
        parts = [_direction_rows(self._decomposed(pairs)).assign(losses=losses) for losses, pairs in self._with_null(self._pairs)]
        return pd.concat(parts, ignore_index=True)

    def shifts(self) -> pd.DataFrame:
        """Return what `Decomposition.numbers` has for test images moved to a "fraction" of their shift from the training image.

        With "own" and "shuffled" changes of the loss, and in the limit of no shift the "gradient", of which there is only the fit
        of its variances on curvature.
        """
        rows = []
        for fraction in FRACTIONS:
            for losses, pairs in self._with_null(self._moved(fraction)):
                rows.append({"losses": losses, "fraction": fraction, **self._decomposed(pairs).numbers()})
        rows.append({"losses": "gradient", "fraction": 0.0, **self._gradients()})
        return pd.DataFrame(rows)

    def gauges(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Yield parts of two tables: "gauges" with the rows of `directions`, and "gauge_numbers" with what
        `slope_gauges.numbers_of` has, for "parallel" and "path_averaged" slopes and "own" and "shuffled" changes of the loss. The
        second also for slopes with the "errors_of_other_pairs".
        """
        pairs = self._data.pairs(self._network, self._layer, dual_weights.PATH_AVERAGED)
        gauges = duality.decompose_in_both_gauges(pairs, *self._basis, self._seed)
        rows = [_direction_rows(part).assign(slopes=slopes, losses=losses) for (slopes, losses), part in gauges.items()]
        yield "gauges", pd.concat(rows, ignore_index=True)
        gauges["errors_of_other_pairs", "own"] = self._decomposed(pairs.with_shuffled_errors(self._seed))
        numbers = [{"slopes": key[0], "losses": key[1], **slope_gauges.numbers_of(part)} for key, part in gauges.items()]
        yield "gauge_numbers", pd.DataFrame(numbers)

    def _with_null(self, pairs: DualWeights) -> list[tuple[str, DualWeights]]:
        return [("own", pairs), ("shuffled", pairs.with_shuffled_losses(self._seed))]

    def _decomposed(self, pairs: DualWeights) -> duality.Decomposition:
        return duality.decompose_pairs(pairs, *self._basis)

    def _activities(self) -> tuple[Tensor, Tensor]:
        """Inputs of the layer at both images of every active pair."""
        images = self._data.matched_images, self._data.test_images
        start, end = (self._network.activations(part)[self._layer] for part in images)
        active = start.any(1)
        return start[active], end[active]

    def _random_vectors(self, like: Tensor) -> Tensor:
        """Standard normal numbers, shaped as a tensor is and on its device."""
        return torch.from_numpy(seeds.generator(self._seed, "vectors").standard_normal(tuple(like.shape))).to(like.device)

    def _moved(self, fraction: float) -> DualWeights:
        """Pairs of a training image with the image a part of the way to its test image."""
        start, end = self._data.matched_images, self._data.test_images
        between = start + fraction * (end - start)
        return dual_weights.dual_weights(self._network, start, between, self._data.test_labels, self._layer, self._data.loss)

    def _gradients(self) -> dict[str, float]:
        """Variance over the matched training images of the whole gradient, in place of the slopes along the dual weights."""
        matched = self._data.matched_images, self._data.test_labels
        eigenvalues, directions = self._basis
        gradients = noise.projected_gradients(self._network, *matched, self._layer, directions, self._data.loss)
        fit = duality.fit_on_curvature(gradients.var(0, correction=0), eigenvalues)
        return {"slope_curvature_correlation": fit.r, "slope_curvature_exponent": fit.exponent}


def relative_errors(reached: Tensor, wanted: Tensor, before: Tensor) -> Tensor:
    """Return the distance of each output (pairs, units) from what is wanted, (pairs,).

    It is in parts of the larger norm of what is wanted and what was there before: an image may leave a layer silent.

    Raises:
        ValueError: If the three are not of one shape, or not finite.
    """
    for name, values in (("reached", reached), ("wanted", wanted), ("before", before)):
        checked_numbers(values, 2, name)
        if values.shape != wanted.shape:
            raise InputError(f"{name}: found shape {tuple(values.shape)}, expected {tuple(wanted.shape)}, as wanted has")
    return (reached - wanted).norm(dim=1) / torch.maximum(wanted.norm(dim=1), before.norm(dim=1))


def _direction_rows(decomposition: duality.Decomposition) -> pd.DataFrame:
    columns = {
        "eigenvalue": decomposition.eigenvalues,
        "slope_std": decomposition.slope_std,
        "weight_std": decomposition.weight_std,
        "correlation": decomposition.correlation,
        "contribution": decomposition.contributions,
        "cumulative_share": decomposition.contributions.cumsum(0) / decomposition.gap,
    }
    rows = pd.DataFrame({name: values.cpu().numpy() for name, values in columns.items()})
    return rows.assign(rank=range(1, len(rows) + 1))
