"""Slow movement taken out of fluctuations: a polynomial in time that fits a series best."""

import torch
from torch import Tensor

from sgdphysics.arguments import require, require_whole
from sgdphysics.errors import InputError
from sgdphysics.inputs import checked_numbers

LARGEST_ORDER = 4  # up to which fluctuations are compared with and without slow movement


def polynomials(steps: int, order: int) -> Tensor:
    """Return orthonormal polynomials in time of order 0 to ``order`` over ``steps`` equal steps, float64 (order + 1, steps).

    These are the discrete Chebyshev (Gram) polynomials; each has its last value positive.

    Raises:
        ValueError: If there are not more steps than the order, or the order is no whole number from 0.
    """
    require_whole("order", order, 0)
    require_whole("steps", steps, 1)
    require(order < steps, "steps", steps, f"more than the order, {order}")
    times = torch.linspace(-1, 1, steps, dtype=torch.float64)
    rows: list[Tensor] = []
    for _ in range(order + 1):
        row = times * rows[-1] if rows else torch.ones_like(times)
        for _ in range(2):  # the second time takes out what rounding left
            for lower in rows:
                row = row - lower * (lower @ row)
        rows.append(row / row.norm())
    return torch.stack(rows)


def orders_within(steps: int) -> range:
    """Return the orders, from 0, whose polynomial leaves something of so many steps, up to `LARGEST_ORDER`.

    Raises:
        ValueError: If there are fewer than two steps.
    """
    require_whole("steps", steps, 2)
    return range(min(LARGEST_ORDER, steps - 2) + 1)


def without_polynomial(series: Tensor, order: int) -> Tensor:
    """Return series (steps, k) less the polynomial in time of the given order that fits each best, float64.

    Args:
        series: At equal steps, of any length above ``order``; nan or inf in a series makes all of it nan.
        order: 0 takes out the mean, 1 a straight line.

    Raises:
        ValueError: If that is not their shape, there are too few steps, or the order is no whole number from 0.
    """
    series = checked_numbers(series, 2, "series", finite=False).double()
    require_whole("order", order, 0)
    if len(series) <= order:
        raise InputError(f"series: found {len(series)} steps, expected more than the order, {order}")
    basis = polynomials(len(series), order)
    centred = series - series.mean(0)  # so that rounding is in parts of the movement, not of the values
    return centred - basis.T @ (basis @ centred)
