"""Where an interval lies against a region, and the p-value that belongs to it."""

from functools import partial

import numpy as np
import pytest

from sgdphysics.claims import answers, regions
from sgdphysics.intervals import LEVEL, of_mean, p_of_mean

HELD, FAILED, UNDECIDED = "held", "failed", "undecided"


@pytest.mark.parametrize(
    ("region", "outcome"),
    [
        # The interval is the point 3: borders belong to "between", and not to "above", "below" and "outside".
        ({"above": 2.999}, HELD),
        ({"above": 3}, UNDECIDED),
        ({"above": 3.001}, FAILED),
        ({"below": 3.001}, HELD),
        ({"below": 3}, UNDECIDED),
        ({"below": 2.999}, FAILED),
        ({"between": [3, 5]}, HELD),
        ({"between": [1, 3]}, HELD),
        ({"between": [3.001, 5]}, FAILED),
        ({"between": [1, 2.999]}, FAILED),
        ({"outside": [3, 5]}, FAILED),
        ({"outside": [1, 3]}, FAILED),
        ({"outside": [3.001, 5]}, HELD),
        ({"outside": [1, 2.999]}, HELD),
    ],
)
def test_borders_of_a_region(region, outcome):
    assert regions.outcome((3, 3, 3), region) == outcome


@pytest.mark.parametrize(
    ("region", "outcome"),
    [
        ({"above": 1.95}, HELD),
        ({"above": 2}, UNDECIDED),
        ({"above": 4}, UNDECIDED),
        ({"above": 4.05}, FAILED),
        ({"below": 4.05}, HELD),
        ({"below": 2}, UNDECIDED),
        ({"below": 1.95}, FAILED),
        ({"between": [1.95, 4.05]}, HELD),
        ({"between": [2.1, 5]}, UNDECIDED),
        ({"between": [2.9, 3.1]}, UNDECIDED),
        ({"between": [4.05, 5]}, FAILED),
        ({"between": [0, 1.95]}, FAILED),
        ({"outside": [1.95, 4.05]}, FAILED),
        ({"outside": [2.1, 5]}, UNDECIDED),
        ({"outside": [4.05, 5]}, HELD),
    ],
)
def test_only_an_interval_wholly_on_one_side_decides(region, outcome):
    assert regions.outcome((3, 2, 4), region) == outcome


@pytest.mark.parametrize(
    ("interval", "outcome"),
    [
        ((-0.3, -0.4, -0.2), HELD),  # the control differs in the direction claimed
        ((0.0, -0.05, 0.05), FAILED),  # it gives the same: not for want of seeds
        ((0.0, -0.5, 0.5), UNDECIDED),  # no difference seen, none excluded
        ((-0.1, -0.15, -0.05), UNDECIDED),
        ((0.3, 0.2, 0.4), FAILED),  # it differs in the other direction
    ],
)
def test_a_control_is_the_same_only_where_that_is_shown(interval, outcome):
    assert regions.outcome(interval, {"below": -0.1}) == outcome


@pytest.mark.parametrize("ends", [(float("nan"), float("nan")), (float("-inf"), float("inf"))])
def test_without_an_interval_nothing_is_decided(ends):
    for region in ({"above": 0}, {"below": 9}, {"between": [0, 9]}, {"outside": [8, 9]}):
        assert regions.outcome((3, *ends), region) == UNDECIDED


@pytest.mark.parametrize(
    ("values", "region", "p_value"),
    [
        # Mean 3, standard error 0.7071, 4 degrees of freedom: t = 2 / 0.7071 gives 0.02371, t = 1 / 0.7071 gives 0.11510.
        ([1, 2, 3, 4, 5], {"above": 1}, 0.02371),
        ([1, 2, 3, 4, 5], {"below": 1}, 1 - 0.02371),
        ([1, 2, 3, 4, 5], {"below": 5}, 0.02371),
        ([1, 2, 3, 4, 5], {"between": [1, 4]}, 0.11510),
        ([1, 2, 3, 4, 5], {"between": [2, 5]}, 0.11510),
        ([1, 2, 3, 4, 5], {"outside": [0, 1]}, 2 * 0.02371),
        ([1, 2, 3, 4, 5], {"outside": [5, 6]}, 2 * 0.02371),
        ([1, 2, 3, 4, 5], {"outside": [2, 4]}, 1),
    ],
)
def test_p_value_of_a_region(values, region, p_value):
    assert regions.p_value(partial(p_of_mean, values), region) == pytest.approx(p_value, abs=1e-5)


@pytest.mark.parametrize("region", [{"above": 0}, {"below": 0}, {"between": [-1, 1]}, {"outside": [-1, 1]}])
def test_a_test_holds_where_its_p_value_is_small(region):
    random = np.random.default_rng(0)
    threshold = 0.05 if "outside" in region else 0.025
    for mean in np.linspace(-3, 3, 60):
        values = random.normal(mean, 0.5, 5)
        held = regions.outcome(of_mean(values), region) == HELD
        assert held == (regions.p_value(partial(p_of_mean, values), region) < threshold)
    assert np.isnan(regions.p_value(partial(p_of_mean, [1.0]), region))


@pytest.mark.parametrize("seeds", [5, 10])
def test_nine_settings_on_the_border_fail_a_claim_in_fewer_than_one_of_twenty(seeds):
    """Nor do they make it fail in part, or hold: in more than nine of ten it is open."""
    random, found = np.random.default_rng(seeds), []
    for _ in range(2000):
        settings = [random.standard_normal(seeds) for _ in range(9)]
        outcomes, together = (
            [regions.outcome(of_mean(values, level), {"above": 0}) for values in settings] for level in (LEVEL, 1 - (1 - LEVEL) / 9)
        )
        found.append(answers.as_published([answers.over_settings(outcomes, together)]))
    share = {answer: found.count(answer) / len(found) for answer in found}
    assert share.get("yes", 0) + share.get("at least partly", 0) < 0.05
    assert share.get("no", 0) + share.get("at most partly", 0) + share.get("partly", 0) < 0.05
    assert share["open"] > 0.9


def test_the_setting_least_in_favour_comes_first():
    region = {"between": [3, 5]}
    found = [((4, 3.5, 4.5), HELD), ((2, 1, 2.5), FAILED), ((3, 2.5, 3.5), UNDECIDED), ((4, 3.1, 4.9), HELD)]
    ordered = sorted(found, key=lambda pair: regions.favour(*pair, region))
    assert [interval[0] for interval, _ in ordered] == [2, 3, 4, 4]
    assert ordered[2][0] == (4, 3.1, 4.9)
    assert min([*found[:1], ((np.nan,) * 3, UNDECIDED)], key=lambda pair: regions.favour(*pair, region))[1] == UNDECIDED


@pytest.mark.parametrize(
    ("region", "text"),
    [({"above": 0.99}, "above 0.99"), ({"below": -0.9}, "below -0.9"), ({"between": [3, 5]}, "between 3 and 5"), ({}, "")],
)
def test_region_in_words(region, text):
    assert regions.in_words(region) == text
