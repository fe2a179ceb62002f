"""The decomposed generalization gap of a network, direction by direction, with sharpness and size of the solution.

Source: Feng, Zhang and Tu 2023.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from torch import Tensor

from sgdphysics import curvature, duality, landscape, ranks, slope_gauges
from sgdphysics.arguments import require, require_whole, require_whole_numbers
from sgdphysics.dual_weights import PARALLEL, PATH_AVERAGED
from sgdphysics.generalization import MatchedData
from sgdphysics.networks import Mlp

SPECTRUM_POINTS = 60  # ranks kept of a spectrum, log-spaced
PUBLISHED_POINTS = 30  # of one in the order of the authors' scripts, which is smooth
FLATNESS_DIRECTIONS = 5  # log-spaced ranks among the directions of any curvature, of whose flatness the median is taken
SHARP, FLAT = slice(0, 10), slice(99, 500)  # ranks 1 to 10 and 100 to 500


def gap_and_sharpness(
    network: Mlp, data: MatchedData, seed: int
) -> tuple[dict[str, float], pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Measure the decomposed gap of a network, with sharpness and size of the solution.

    Args:
        network: In float64, the studied layer its first (`Mlp.from_layer`), so that the layers below are gone through once.
        data: What enters that layer (`MatchedData.entering`).
        seed: Of the null, in which pairs have the changes of the loss of others, >= 0.

    Raises:
        ValueError: If an argument is none of these (`MatchedData.checked_for`).

    Returns:
        Numbers: those of `MatchedData.losses` and `Decomposition.numbers`, "weight_norm", "largest_eigenvalue", "trace",
        "median_flatness", "sharp_slope_std" and "flat_slope_std" (geometric means), "summed_products" of the standard deviations of
        slopes and weights and "summed_products_of_shuffled_losses", and how many pairs are "inactive", "unchanged" and used
        ("pairs").

        The spectrum: one row per direction at log-spaced ranks, "rank", "eigenvalue", "slope_std" and "weight_std".

        The gauges: one row for each kind of slopes, with what `slope_gauges.gauge_rows` and `slope_gauges.norms` have. All else is
        measured with slopes parallel to the dual weights.

        The spectrum in the order of the authors' scripts, from the largest spread of slopes on, at log-spaced ranks and the tenth,
        with sums from the first direction to this one: "summed_slope_std", "summed_weight_std", "summed_gap" (what they add to the
        gap; the last row lacks the remainder of a layer too wide for a whole basis) and "summed_gap_of_shuffled_losses" (the
        null's, in the null's own order).
    """
    network = data.checked_for(network, 0)
    require_whole("seed", seed, 0)
    eigenvalues, directions = duality.hessian_basis(network, data.images, data.labels, 0, data.loss)
    pairs = data.pairs(network, 0, PATH_AVERAGED)
    gauges = duality.decompose_in_both_gauges(pairs, eigenvalues, directions, seed)
    decomposition, null = gauges[PARALLEL, "own"], gauges[PARALLEL, "shuffled"]
    norms = slope_gauges.norms(network, data)
    whole = len(directions) == directions.shape[1]
    chosen = ranks.log_spaced_ranks(decomposition.slope_fit.n, FLATNESS_DIRECTIONS)
    numbers = {
        **data.losses(network),
        **decomposition.numbers(),
        "weight_norm": norms["weight_norm"],
        "summed_products": slope_gauges.summed_products(decomposition),
        "summed_products_of_shuffled_losses": slope_gauges.summed_products(null),
        "largest_eigenvalue": float(eigenvalues[0]),
        "trace": float(eigenvalues.sum()) if whole else curvature.hessian_trace(network, data.images, 0, data.loss),
        "median_flatness": median_flatness(network, data, directions, chosen),
        "sharp_slope_std": float(decomposition.slope_std[SHARP].log().mean().exp()),
        "flat_slope_std": float(decomposition.slope_std[FLAT].log().mean().exp()),
        "inactive": decomposition.inactive,
        "unchanged": decomposition.unchanged,
        "pairs": len(decomposition.dual_norms),
    }
    gauge_rows = slope_gauges.gauge_rows(gauges).assign(**norms)
    return numbers, _spectrum(decomposition), gauge_rows, _published_spectrum(decomposition, null)


def median_flatness(network: Mlp, data: MatchedData, directions: Tensor, chosen: Sequence[int]) -> float:
    """Return the median of the flatness of a network's first layer along some directions.

    Args:
        network: In float64, the studied layer its first.
        data: What enters that layer.
        directions: Unit vectors, float64 (k, d).
        chosen: Ranks of those that are taken, counted from 1.

    Returns:
        The median; nan where none is taken, as of a network that is nearly dead.

    Raises:
        ValueError: If there are not so many directions, or the other arguments do not fit (`landscape.flatness`).
    """
    require_whole_numbers("chosen", chosen, 1)
    if not len(chosen):
        return float("nan")
    require(max(chosen) <= len(directions), "chosen", chosen, f"ranks of the {len(directions)} directions")
    along = directions[np.array(chosen) - 1]
    return float(landscape.flatness(network, data.images, data.labels, 0, along, loss=data.loss).median())


def _spectrum(decomposition: duality.Decomposition) -> pd.DataFrame:
    kept = ranks.log_spaced_ranks(len(decomposition.eigenvalues), SPECTRUM_POINTS)
    return _at_ranks(kept, _spreads(decomposition))


def _published_spectrum(decomposition: duality.Decomposition, null: duality.Decomposition) -> pd.DataFrame:
    ordered, directions = decomposition.steepest_first(), len(decomposition.eigenvalues)
    kept = {*ranks.log_spaced_ranks(directions, PUBLISHED_POINTS), min(ranks.STEEPEST_DIRECTIONS, directions)}
    sums = {
        "summed_slope_std": ordered.slope_std.cumsum(0),
        "summed_weight_std": ordered.weight_std.cumsum(0),
        "summed_gap": ordered.contributions.cumsum(0),
        "summed_gap_of_shuffled_losses": null.steepest_first().contributions.cumsum(0),
    }
    return _at_ranks(sorted(kept), {**_spreads(ordered), **sums})


def _spreads(decomposition: duality.Decomposition) -> dict[str, Tensor]:
    return {
        "eigenvalue": decomposition.eigenvalues,
        "slope_std": decomposition.slope_std,
        "weight_std": decomposition.weight_std,
    }


def _at_ranks(kept: Sequence[int], columns: Mapping[str, Tensor]) -> pd.DataFrame:
    """Some rows, by their rank counted from 1, of columns of all directions."""
    rows = np.array(kept) - 1
    return pd.DataFrame({"rank": kept, **{name: values[rows].cpu().numpy() for name, values in columns.items()}})
