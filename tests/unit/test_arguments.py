"""What checks of plain arguments say, and what they take."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sgdphysics import arguments
from sgdphysics.errors import InputError


def said(check, *values, **settings):
    """The message of a check."""
    with pytest.raises(InputError) as caught:
        check(*values, **settings)
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.5, "0.5"),
        (np.float64(0.5), "0.5"),
        (np.array(3), "array(3)"),
        ("a\nb", r"'a\nb'"),
        ([1, 2], "[1, 2]"),
        (np.zeros((3, 2)), "ndarray of shape (3, 2)"),
        (pd.DataFrame({"a": [1, 2]}), "DataFrame of shape (2, 1)"),
        (list(range(1000)), "list"),
    ],
)
def test_what_was_found_is_one_short_line(value, shown):
    assert arguments.shown(value) == shown


def test_messages_name_the_argument_what_was_found_and_what_is_expected():
    assert said(arguments.require, False, "side", "left", "above or below") == "side: found 'left', expected above or below"
    assert said(arguments.require_positive, "kappa", -1) == "kappa: found -1, expected a number above 0"
    assert said(arguments.require_not_negative, "shift", math.nan) == "shift: found nan, expected a number from 0"
    assert said(arguments.require_number, "x", True) == "x: found True, expected a finite number"
    assert said(arguments.require_share, "level", 0) == "level: found 0, expected a share in (0, 1)"
    assert said(arguments.require_share, "dropout", 1.0, zero_allowed=True) == "dropout: found 1.0, expected a share in [0, 1)"
    assert said(arguments.require_whole, "steps", 2.5, 1) == "steps: found 2.5, expected a whole number"
    assert said(arguments.require_whole, "steps", 0, 1, none_allowed=True) == "steps: found 0, expected at least 1, or None"
    assert said(arguments.require_whole_numbers, "cells", (3, 1), 2) == "cells: found 1, expected whole numbers of at least 2"
    assert said(arguments.require_sampling, "Epoch") == "sampling: found 'Epoch', expected epoch or replacement"
    assert said(arguments.require_one_of, "loss", "mse", ("a", "b")) == "loss: found 'mse', expected one of a, b"
    assert said(arguments.require_kind, "run", 1, Exception) == "run: found 1, expected an Exception"
    assert said(arguments.require_kind, "path", 1, Path) == "path: found 1, expected a Path"
    assert said(arguments.require_random, 3) == "random: found 3, expected a numpy Generator"
    table = pd.DataFrame({"a": [1]})
    assert said(arguments.require_columns, "runs", table, ("a", "b", "c")) == "runs: found no column b, c, expected a, b, c"
    assert said(arguments.real_array, "x", [[1, 2], [3]]) == "x: found rows of unequal length, expected numbers"
    assert said(arguments.real_array, "x", [[1.0]], 1) == "x: found shape (1, 1), expected 1 axis"
    assert said(arguments.finite_array, "x", [1, math.inf]) == "x: found inf, expected finite numbers"
    assert said(arguments.check_sizes, "shift", [0.1, -0.5, -0.1]) == "shift: found -0.5, expected a number above 0"


def test_numbers_of_numpy_are_numbers_and_truth_values_are_none():
    for value in (1, 1.5, np.int32(1), np.float32(1.5)):
        assert arguments.is_number(value)
    for value in (True, np.bool_(True), 1j, np.complex64(1), "1", None, math.nan, -math.inf, np.array([1.0])):
        assert not arguments.is_number(value)
    assert arguments.is_whole(np.uint8(3))
    for value in (True, np.bool_(True), 2.0, np.float64(2), "2", None):
        assert not arguments.is_whole(value)


def test_arrays_are_taken_as_they_are():
    given = np.array([1.0, math.nan])
    assert arguments.real_array("x", given) is given
    assert arguments.real_array("x", [1, 2]).dtype == np.float64
    assert arguments.real_array("x", []).size == 0
