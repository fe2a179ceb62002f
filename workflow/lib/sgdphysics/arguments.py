"""Plain arguments checked at the door of a public function: a line that names the argument, what was found, what is expected.

Without torch, so that a study is planned without loading it; what a network is measured with is checked by `inputs`.
"""

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sgdphysics.errors import InputError

SAMPLING = ("epoch", "replacement")  # ways to draw batches
_LONGEST = 60  # characters of what was found


def require(holds: bool, name: str, value: object, expected: str) -> None:
    """Raise InputError that names an argument, what was found and what is expected, if something does not hold."""
    if not holds:
        raise InputError(f"{name}: found {shown(value)}, expected {expected}")


def shown(value: object) -> str:
    """Return a value as it stands in a message, in one short line: of an array, or of what is long, only its type and size."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{type(value).__name__} of shape {tuple(shape)}"
    if isinstance(value, np.generic):
        value = value.item()
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else type(value).__name__


def is_number(value: object) -> bool:
    """Whether a value is one finite real number, of Python or numpy; truth values are none, nor integers beyond all of 64 bits."""
    if not isinstance(value, float | int | np.number) or isinstance(value, bool | np.complexfloating):
        return False
    return value.bit_length() < 64 if isinstance(value, int) else math.isfinite(value)


def is_whole(value: object) -> bool:
    """Whether a value is an integer, of Python or numpy; truth values are none, nor is 2.0."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def require_number(name: str, value: Any, expected: str = "a finite number") -> None:
    """Raise InputError unless a value is one finite number."""
    require(is_number(value), name, value, expected)


def require_positive(name: str, value: Any) -> None:
    """Raise InputError unless a value is one finite number above 0."""
    infinite = isinstance(value, float | np.floating) and value == math.inf
    require(is_number(value) and value > 0, name, value, "a finite number above 0" if infinite else "a number above 0")


def require_not_negative(name: str, value: Any) -> None:
    """Raise InputError unless a value is one finite number from 0."""
    require(is_number(value) and value >= 0, name, value, "a number from 0")


def require_share(name: str, value: Any, *, zero_allowed: bool = False) -> None:
    """Raise InputError unless a value is a share between 0 and 1, neither of them; 0 only if that is allowed."""
    holds = is_number(value) and (0 <= value < 1 if zero_allowed else 0 < value < 1)
    require(holds, name, value, f"a share in {'[' if zero_allowed else '('}0, 1)")


def require_whole(name: str, value: Any, least: int, *, none_allowed: bool = False) -> None:
    """Raise InputError unless a value is an integer of at least ``least``; or None if that is allowed."""
    if none_allowed and value is None:
        return
    besides = ", or None" if none_allowed else ""
    require(is_whole(value), name, value, f"a whole number{besides}")
    require(value >= least, name, value, f"at least {least}{besides}")


def require_whole_numbers(name: str, values: Any, least: int) -> None:
    """Raise InputError unless values are a sequence of integers of at least ``least``."""
    expected = f"whole numbers of at least {least}"
    require(isinstance(values, Sequence | np.ndarray) and not isinstance(values, str), name, values, expected)
    for value in values:
        require(is_whole(value) and value >= least, name, value, expected)


def require_positive_numbers(name: str, values: Any) -> None:
    """Raise InputError unless values are a sequence of finite numbers above 0."""
    require(isinstance(values, Sequence | np.ndarray) and not isinstance(values, str), name, values, "numbers above 0")
    for value in values:
        require_positive(name, value)


def require_one_of(name: str, value: Any, choices: Collection[str], expected: str = "") -> None:
    """Raise InputError unless a value is one of the choices."""
    require(isinstance(value, str) and value in choices, name, value, expected or f"one of {', '.join(choices)}")


def require_sampling(value: Any) -> None:
    """Raise InputError unless a value names a way to draw batches."""
    require_one_of("sampling", value, SAMPLING, " or ".join(SAMPLING))


def require_kind(name: str, value: Any, kind: type) -> None:
    """Raise InputError unless a value is of a class."""
    require(isinstance(value, kind), name, value, f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__name__}")


def require_random(value: Any) -> None:
    """Raise InputError unless a value is a source of random numbers."""
    require(isinstance(value, np.random.Generator), "random", value, "a numpy Generator")


def require_columns(name: str, table: Any, columns: Collection[str]) -> None:
    """Raise InputError unless a value is a table with all of the columns."""
    require(hasattr(table, "columns"), name, table, "a table")
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise InputError(f"{name}: found no column {', '.join(missing)}, expected {', '.join(columns)}")


def real_array(name: str, values: ArrayLike, axes: int | None = None) -> np.ndarray:
    """Return values as an array of float64, where nan and inf are allowed.

    Args:
        name: Of the argument.
        values: Numbers.
        axes: How many the array must have; any number by default.

    Raises:
        InputError: If they are not numbers, or have another number of axes.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError(f"{name}: found rows of unequal length, expected numbers") from None
    require(array.dtype.kind in "iuf" or (array.dtype.kind != "b" and not array.size), name, values, "numbers")
    if axes is not None and array.ndim != axes:
        raise InputError(f"{name}: found shape {array.shape}, expected {axes} {'axis' if axes == 1 else 'axes'}")
    return array.astype(float, copy=False)


def finite_array(name: str, values: ArrayLike, axes: int | None = None) -> np.ndarray:
    """Return values as an array of float64; arguments and errors as of `real_array`, and InputError where one is not finite."""
    array = real_array(name, values, axes)
    require(bool(array.size), name, values, "one number or more")
    if not np.isfinite(array).all():
        raise InputError(f"{name}: found {array[~np.isfinite(array)].flat[0]:g}, expected finite numbers")
    return array


def check_sizes(name: str, values: ArrayLike, *, zero_allowed: bool = False) -> None:
    """Raise InputError, with the worst of the values, unless all of them are finite and above 0; from 0 if that is allowed."""
    expected = f"a number {'from' if zero_allowed else 'above'} 0"
    array = np.asarray(values)
    require(array.dtype.kind in "iuf" and bool(array.size), name, values, expected)
    large_enough = array >= 0 if zero_allowed else array > 0
    if not (np.isfinite(array) & large_enough).all():
        raise InputError(f"{name}: found {_worst(array):g}, expected {expected}")


def _worst(values: np.ndarray) -> float:
    """The entry to name in a complaint: one that is not finite, else the smallest."""
    flat = values.ravel()
    bad = flat[~np.isfinite(flat)]
    return float(bad[0] if len(bad) else flat.min())
