"""The decomposed gap with slopes parallel to the dual weights beside path-averaged ones, and what makes the dual weights large.

Source: Feng, Zhang and Tu 2023, whose scripts take parallel slopes; the path-averaged ones are ours.
"""

from collections.abc import Mapping

import pandas as pd

from sgdphysics import duality
from sgdphysics.dual_weights import SLOPES, weighted_norm
from sgdphysics.fits import partial_correlation, power_law
from sgdphysics.generalization import MatchedData
from sgdphysics.networks import Mlp
from sgdphysics.ranks import STEEPEST_DIRECTIONS

Gauges = Mapping[tuple[str, str], duality.Decomposition]  # as of `duality.decompose_in_both_gauges`


def gauge_rows(gauges: Gauges) -> pd.DataFrame:
    """Return one row for each kind of "slopes", with the numbers of `numbers_of` for the pairs' own losses, and the
    "summed_products_of_shuffled_losses".
    """
    rows = []
    for slopes in SLOPES:
        null = summed_products(gauges[slopes, "shuffled"])
        rows.append({"slopes": slopes, **numbers_of(gauges[slopes, "own"]), "summed_products_of_shuffled_losses": null})
    return pd.DataFrame(rows)


def numbers_of(decomposition: duality.Decomposition) -> dict[str, float]:
    """Return what a decomposition comes to, and what tells its slopes from its dual weights.

    Keys: those of `Decomposition.numbers`; "summed_products", the sum over directions of sigma_g,n sigma_w,n;
    "share_of_ten_sharpest", the part of the gap in the ten directions of largest eigenvalue; "gap_of_ten_steepest" and
    "gap_of_others", what the ten directions of largest sigma_g add to the gap, and all others. Over the directions with curvature
    (`duality.with_curvature`): "ratio_curvature_exponent", b of ``sigma_g,n^2 / sigma_w,n^2 ~ H_n^b``; "slope_weight_exponent" and
    "slope_weight_correlation" of ``ln sigma_g,n`` on ``ln sigma_w,n``; and "partial_correlation" of ``ln sigma_g,n^2`` and
    ``ln H_n`` where ``ln sigma_w,n`` is given. nan where there is none.
    """
    slopes, weights, eigenvalues = decomposition.slope_std, decomposition.weight_std, decomposition.eigenvalues
    curved = duality.with_curvature(eigenvalues)
    slopes_there, weights_there, curvatures = (values[curved].cpu() for values in (slopes, weights, eigenvalues))
    on_weights = power_law(weights_there, slopes_there)
    contributions = decomposition.contributions
    steepest = float(contributions[slopes.topk(min(STEEPEST_DIRECTIONS, len(slopes))).indices].sum())
    sharpest = float(contributions[:STEEPEST_DIRECTIONS].sum())
    return {
        **decomposition.numbers(),
        "summed_products": summed_products(decomposition),
        "share_of_ten_sharpest": sharpest / decomposition.gap if decomposition.gap else float("nan"),
        "gap_of_ten_steepest": steepest,
        "gap_of_others": decomposition.gap - steepest,
        "ratio_curvature_exponent": power_law(curvatures, (slopes_there / weights_there).square()).exponent,
        "slope_weight_exponent": on_weights.exponent,
        "slope_weight_correlation": on_weights.r,
        "partial_correlation": partial_correlation(slopes_there.log(), curvatures.log(), weights_there.log()),
    }


def summed_products(decomposition: duality.Decomposition) -> float:
    """Return the sum over directions of sigma_g,n sigma_w,n."""
    return float((decomposition.slope_std * decomposition.weight_std).sum())


def norms(network: Mlp, data: MatchedData) -> dict[str, float]:
    """Return norms of the first layer of a network, each in the unit of a weight.

    Keys: "weight_norm", the plain one; "activity_weighted_norm", by what enters the layer at the training images
    (`dual_weights.weighted_norm`); "activity_covariance_norm", by that less its mean; "shift_weighted_norm", by the shifts between
    matched images. The last is s_w but for averages taken apart and the mean dual weight, so that it follows s_w by construction;
    the others know nothing of the pairs. nan where nothing enters the layer.

    Args:
        network: In float64, the studied layer its first.
        data: What enters that layer (`MatchedData.entering`).

    Raises:
        ValueError: If an argument is none of these (`MatchedData.checked_for`).

    Source: "an activity-weighted norm of the solution", abstract of Feng, Zhang and Tu 2023, which does not define it.
    """
    weight = data.checked_for(network, 0).weights[0]
    vectors = {
        "activity_weighted_norm": data.images,
        "activity_covariance_norm": data.images - data.images.mean(0),
        "shift_weighted_norm": data.test_images - data.matched_images,
    }
    weighted = {
        name: weighted_norm(weight, part, data.images) if data.images.any() else float("nan") for name, part in vectors.items()
    }
    return {"weight_norm": float(weight.norm()), **weighted}
