import itertools

import numpy as np
import pandas as pd
import pytest

from sgdphysics.flatness_exponents import beside_flatness, exponent

WINDOW = {"run": "a", "window": "main", "window_epochs": 10}


def along(sources, bases, ranks=(1, 2), **columns):
    rows = itertools.product(sources, bases, ranks)
    return pd.DataFrame([{**WINDOW, "source": source, "basis": basis, "rank": rank} for source, basis, rank in rows]).assign(
        **columns
    )


def test_every_source_is_set_beside_the_loss_along_its_own_directions():
    fluctuations = along(["sgd", "noise"], ["principal", "held_out", "hessian"], variance=1.0)
    widths = pd.concat([along(["sgd", "noise"], ["principal"]), along(["sgd"], ["hessian"])]).assign(flatness=range(6))
    found = beside_flatness(fluctuations, widths)
    expected = {
        **{("sgd", basis): [0, 1] for basis in ("principal", "held_out")},
        **{("noise", basis): [2, 3] for basis in ("principal", "held_out")},
        **{(source, "hessian"): [4, 5] for source in ("sgd", "noise")},
    }
    assert {key: group["flatness"].tolist() for key, group in found.groupby(["source", "basis"])} == expected
    assert beside_flatness(fluctuations, widths[:5])["flatness"].isna().sum() == 2


def test_an_exponent_is_minus_the_slope_of_what_is_not_censored():
    widths = np.array([0.5, 1.0, 2.0, np.inf, 4.0, np.nan])
    numbers = exponent(widths, 3 * np.where(np.isfinite(widths), widths, 1.0) ** -4)
    assert (numbers["exponent"], numbers["r"], numbers["spearman"]) == pytest.approx((4, -1, -1))
    assert numbers["intercept"] == pytest.approx(np.log(3))
    assert (numbers["points"], numbers["censored"], numbers["censored_share"]) == (4, 2, 2 / 6)


def test_nothing_to_fit_has_no_exponent():
    numbers = exponent([], [])
    assert np.isnan([numbers[name] for name in ("exponent", "r", "spearman", "censored_share")]).all()
    assert (numbers["points"], numbers["censored"]) == (0, 0)
