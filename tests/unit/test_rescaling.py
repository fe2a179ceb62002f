"""Rescalings after Dinh et al.: what they leave and what they change, to 1e-9 in float64."""

import pytest
import torch

from cases import small_data, small_network
from sgdphysics.curvature import layer_hessian
from sgdphysics.duality import decompose_gap
from sgdphysics.landscape import flatness
from sgdphysics.rescaling import rescaled

WIDTHS = (6, 8, 7, 3)
STUDIED = 1
FACTORS = [0.1, 0.5, 1.0, 3.0, 10.0]
# (layer, other, power of the factor on the studied layer's weights)
WAYS = {"with the layer above": (1, 2, 1), "with the layer below": (0, 1, -1)}
each_way = pytest.mark.parametrize(("layer", "other", "power"), WAYS.values(), ids=WAYS)
each_factor = pytest.mark.parametrize("factor", FACTORS)


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-12)


@each_way
@each_factor
def test_the_function_of_the_network_stays(layer, other, power, factor):
    network, (images, _) = small_network(WIDTHS), small_data()
    changed = rescaled(network, layer, other, factor)
    close(changed.logits(images), network.logits(images))
    close(changed.weights[STUDIED], network.weights[STUDIED] * factor**power)


@each_way
@each_factor
def test_plain_sharpness_changes_as_predicted(layer, other, power, factor):
    network, (images, labels) = small_network(WIDTHS), small_data()
    scale = factor**power
    changed = rescaled(network, layer, other, factor)
    before, after = (layer_hessian(one, images, labels, STUDIED) for one in (network, changed))
    close(after * scale**2, before)
    direction = torch.linalg.eigh(before)[1].T[-2:]
    widths = [flatness(one, images, labels, STUDIED, direction, factor=1.02) for one in (network, changed)]
    torch.testing.assert_close(widths[1], widths[0] * scale, rtol=1e-4, atol=0)


@each_way
@each_factor
def test_products_of_spreads_and_the_decomposed_gap_stay(layer, other, power, factor):
    network, (train, labels), (test, _) = small_network(WIDTHS), small_data(), small_data(seed=2)
    scale = factor**power
    before, after = (
        decompose_gap(one, train, labels, test, labels, STUDIED) for one in (network, rescaled(network, layer, other, factor))
    )
    assert after.slope_spread * scale == pytest.approx(before.slope_spread, rel=1e-9)
    assert after.weight_spread / scale == pytest.approx(before.weight_spread, rel=1e-9)
    assert after.slope_spread * after.weight_spread == pytest.approx(before.slope_spread * before.weight_spread, rel=1e-9)
    assert after.decomposed_gap == pytest.approx(before.decomposed_gap, rel=1e-9)
    assert after.gap == pytest.approx(before.gap, rel=1e-9)
    simple = before.eigenvalues > 1e-6 * before.eigenvalues[0]
    torch.testing.assert_close(after.contributions[simple], before.contributions[simple], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize(
    ("layer", "other", "factor", "message"),
    [
        (1, 1, 2.0, "other: found 1, expected another layer than 1"),
        (1, 3, 2.0, "layer: 3 does not exist, the network has layers 0 to 2"),
        (1, 2, 0.0, "factor: found 0.0, expected a number above 0"),
        (1, 2, -1.0, "factor: found -1.0"),
        (1, 2, float("nan"), "factor: found nan"),
    ],
)
def test_bad_input_is_named(layer, other, factor, message):
    with pytest.raises(ValueError, match=message):
        rescaled(small_network(WIDTHS), layer, other, factor)
