"""Local exponents against power laws that bend where it is known."""

import numpy as np
import pandas as pd
import pytest

from sgdphysics.local_exponents import by_series, local_exponents


def bent(x):
    """Exponent 2 below 0.01, 1 from there to 0.1, 0.5 above; continuous."""
    x = np.asarray(x)
    return np.where(x < 0.01, 100 * x**2, np.where(x < 0.1, x, 0.1 * (x / 0.1) ** 0.5))


def test_every_bin_has_the_exponent_that_holds_in_it():
    x = np.geomspace(1e-3, 1, 31)
    rows = local_exponents(x, bent(x), 1)
    assert rows["low"].to_numpy() == pytest.approx([1e-3, 1e-2, 1e-1])
    assert rows["high"].to_numpy() == pytest.approx([1e-2, 1e-1, 1])
    assert rows["exponent"].to_numpy() == pytest.approx([2, 1, 0.5])
    assert rows["points"].tolist() == [11, 11, 11]  # edges included
    halves = local_exponents(x, bent(x), 0.5)
    assert halves["exponent"].to_numpy() == pytest.approx([2, 2, 1, 1, 0.5, 0.5])


def test_the_order_and_the_places_of_the_points_do_not_matter():
    x = np.array([0.5, 2e-3, 0.03, 0.3, 4e-3, 0.07, 0.02, 0.9])
    rows = local_exponents(x, 7 * x**1.5, 1)
    assert rows["exponent"].to_numpy() == pytest.approx([1.5] * len(rows))
    assert rows["low"].to_numpy() == pytest.approx([1e-3, 1e-2, 1e-1])


def test_a_bin_that_is_hardly_entered_or_has_too_few_points_is_left_out():
    nearly = np.array([0.95e-2, 0.98e-2, 0.99e-2, 0.02, 0.05, 0.08, 0.2])  # a fiftieth of the decade below 0.01
    assert local_exponents(nearly, nearly**2, 1)["low"].to_numpy() == pytest.approx([1e-2])
    assert not len(local_exponents([0.02, 0.08], [1.0, 2.0], 1))  # two points, no edge
    assert local_exponents([0.02, 0.05, 0.08], [4.0, 25.0, 64.0], 1)["exponent"].to_numpy() == pytest.approx([2])


def test_bins_far_narrower_than_the_distance_of_points_take_no_time():
    """Between two points lie a hundred million bins; only those with a point have as many as three, with their edges."""
    x = np.geomspace(1.1e-3, 0.9, 31)
    rows = local_exponents(x, x**2, 1e-9)
    assert 0 < len(rows) <= len(x)
    assert rows["exponent"].to_numpy() == pytest.approx([2] * len(rows), rel=1e-3)


def test_points_without_a_logarithm_are_left_out():
    x = np.array([0.0, np.nan, 0.5, 0.01, 0.1, 0.03, 1.0])
    y = np.array([1.0, 1.0, np.inf, 1e-4, 1e-2, 9e-4, 1.0])
    rows = local_exponents(x, y, 1)
    assert rows["exponent"].to_numpy() == pytest.approx([2])  # above 0.1 there are the edges only
    assert not len(local_exponents([], [], 1))


def test_every_series_has_its_own_exponents():
    x = np.geomspace(0.01, 0.1, 7)
    table = pd.concat(
        pd.DataFrame({"run": run, "rank": rank, "loss": x, "temperature": x**slope})
        for run, rank, slope in (("b", 2, 1), ("a", 1, 2))
    )
    rows = by_series(table, ["run", "rank"], "loss", "temperature", [1, 0.5])
    assert list(rows) == ["run", "rank", "decades", "low", "high", "exponent", "points"]
    slopes = {key: group["exponent"].tolist() for key, group in rows.groupby(["run", "rank"])}
    assert slopes == {("b", 2): pytest.approx([1] * 3), ("a", 1): pytest.approx([2] * 3)}
    assert rows["decades"].tolist() == [1, 0.5, 0.5] * 2
    assert list(by_series(table.iloc[:0], ["run"], "loss", "temperature", [1])) == ["run", *list(rows)[2:]]
