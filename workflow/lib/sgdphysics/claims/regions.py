"""What the interval of a test is held against: above, below, between, outside; and where a control counts as the same."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from sgdphysics.claims.outcomes import FAILED, HELD, UNDECIDED
from sgdphysics.intervals import Interval

REGIONS = ("above", "below", "between", "outside")


def region_of(test: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a test that says where its interval must lie; empty where it decides nothing."""
    return {key: test[key] for key in REGIONS if key in test}


def outcome(interval: Interval, region: Mapping[str, Any]) -> str:
    """Decide one setting of a test.

    Args:
        interval: Value and ends.
        region: One of "above", "below" (a number), "between", "outside" (two numbers).

    Returns:
        "held" for an interval wholly inside the region, "failed" for one wholly outside, else "undecided".
    """
    _, low, high = interval
    if not (isfinite(low) and isfinite(high)):
        return UNDECIDED
    inside, outside = _position(low, high, region)
    return HELD if inside else FAILED if outside else UNDECIDED


def _position(low: float, high: float, region: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether the interval lies wholly inside the region, and wholly outside it."""
    if "above" in region:
        return low > region["above"], high < region["above"]
    if "below" in region:
        return high < region["below"], low > region["below"]
    first, last = region["between"] if "between" in region else region["outside"]
    between, beyond = first <= low and high <= last, high < first or low > last
    return (between, beyond) if "between" in region else (beyond, between)


def favour(interval: Interval, decided: str, region: Mapping[str, Any]) -> tuple[int, float]:
    """Order settings from least to most in favour: failed, undecided, held; then by distance from the region's border."""
    _, low, high = interval
    if not region:
        return 0, 0.0
    if "above" in region:
        distance = low - region["above"]
    elif "below" in region:
        distance = region["below"] - high
    elif "between" in region:
        distance = min(low - region["between"][0], region["between"][1] - high)
    else:
        distance = max(region["outside"][0] - high, low - region["outside"][1])
    return (FAILED, UNDECIDED, HELD).index(decided), distance if isfinite(distance) else float("-inf")


def p_value(beyond: Callable[[float, str], float], region: Mapping[str, Any]) -> float:
    """Return the p-value of the null hypothesis that a value lies outside the region.

    For "between" both borders must be cleared (two one-sided tests), for "outside" one of them (p doubled).

    Args:
        beyond: The p-value that it lies "above" or "below" a border.
        region: One of "above", "below" (a number), "between", "outside" (two numbers).
    """
    ((kind, bounds),) = region.items()
    if kind in ("above", "below"):
        return beyond(bounds, kind)
    first, last = bounds
    if kind == "between":
        return _greater(beyond(first, "above"), beyond(last, "below"))
    smaller = -_greater(-beyond(first, "below"), -beyond(last, "above"))
    return min(1.0, 2 * smaller) if isfinite(smaller) else float("nan")


def _greater(one: float, other: float) -> float:
    return max(one, other) if isfinite(one) and isfinite(other) else float("nan")


def in_words(region: Mapping[str, Any]) -> str:
    """Return a region in words, such as ``between 3 and 5``; empty where there is none."""
    if not region:
        return ""
    ((kind, bounds),) = region.items()
    return f"{kind} {bounds:g}" if kind in ("above", "below") else f"{kind} {bounds[0]:g} and {bounds[1]:g}"
