"""Exponents over widths: a seed that lacks a width has none, and says which."""

import numpy as np
import pandas as pd
import pytest

import planted
from sgdphysics.claims import feng2021_width

TABLE = "feng2021_fig1_width"
SEEDS = range(3)


def exponents(changed, statistic=feng2021_width.dimension_width_exponent):
    """The values of the seeds, of a table changed by a function, and why there is none."""
    table = planted.tables(seeds=SEEDS)[TABLE]
    found = statistic({TABLE: changed(table)})
    assert found["seed"].tolist() == list(SEEDS)
    assert found["reference"].all()
    return found["value"].to_numpy(), found["missing"].tolist()


def of_seed(table, width, seed=1):
    return (table["hidden_width"] == width) & (table["seed"] == seed)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (lambda t: t.assign(status=t["status"].mask(of_seed(t, 20), "not_converged")), "did not converge at hidden width 20"),
        (lambda t: t.assign(status=t["status"].mask(of_seed(t, 100), "diverged")), "diverged at hidden width 100"),
        (lambda t: t[~of_seed(t, 50)], "had no network at hidden width 50"),
        (
            lambda t: t.assign(components_99_without_first=t["components_99_without_first"].mask(of_seed(t, 50))),
            "could not be measured at hidden width 50",
        ),
        (
            lambda t: t.assign(status=t["status"].mask(of_seed(t, 20) | of_seed(t, 50), "not_converged")),
            "did not converge at hidden width 20 and did not converge at hidden width 50",
        ),
    ],
)
@pytest.mark.parametrize(
    "statistic", [feng2021_width.dimension_width_exponent, feng2021_width.dimension_width_exponent_minus_isotropic_walk]
)
def test_a_seed_that_lacks_a_width_has_no_value_and_says_which(changed, words, statistic):
    whole, told = exponents(lambda table: table, statistic)
    values, missing = exponents(changed, statistic)
    assert told == [""] * 3
    assert missing == ["", words, ""]
    np.testing.assert_allclose(values, [whole[0], np.nan, whole[2]])


def test_two_widths_have_no_exponent():
    values, missing = exponents(lambda table: table[table["hidden_width"] > 20])
    assert np.isnan(values).all()
    assert set(missing) == {"had networks of fewer than 3 widths"}


def test_a_table_without_rows_has_no_values():
    empty = pd.DataFrame(columns=planted.tables(seeds=[0])[TABLE].columns)
    assert feng2021_width.dimension_width_exponent({TABLE: empty}).empty
