"""Why a test is open, in one line: too few seeds have a value, and what became of the others; or its interval crosses a margin."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics.claims.outcomes import FAILED, FEWEST_SEEDS, HELD, REPORTED
from sgdphysics.claims.registry import MISSING
from sgdphysics.intervals import Interval, Kind

NOTHING_MEASURED = "this study measures nothing of it"
NONE_CLEAR = "some held and some failed, none clear enough among so many"
_REASONS_NAMED = 2  # of those that leave a test open; further settings are counted


def of_setting(rows: pd.DataFrame, there: pd.Series, interval: Interval, region: Mapping[str, Any], kind: Kind) -> str:
    """Return why one setting of a test is not decided.

    Args:
        rows: One row per seed: "seed", NaN where no seed enters, and perhaps ``MISSING``.
        there: Which of them have a value.
        interval: Value and ends of the interval of the values that there are.
        region: What they are held against, as for `regions.outcome`.
        kind: What the interval is of.
    """
    if kind.p_value is None and there.any() and not there.all():
        return f"{len(there) - there.sum()} of {len(there)} seeds are without a finite number, of what must be so at all"
    if not there.any() or (kind.p_value is not None and there.sum() < FEWEST_SEEDS):
        return _too_few(rows, there)
    value, low, high = interval
    if not np.isfinite(value):
        return "a ratio whose denominator is 0"
    if not np.isfinite([low, high]).all():
        return f"{value:.3g} without an interval"
    return f"{value:.3g} [{low:.3g}, {high:.3g}] crosses {_crossed(low, high, region)}"


def of_test(by_setting: Sequence[tuple[str, str]]) -> str:
    """Return why a test is open, of its settings that are not decided, each with its reason; empty where there are none."""
    alike = _by_reason(by_setting)
    named = dict(list(alike.items())[:_REASONS_NAMED])
    further = len(by_setting) - sum(map(len, named.values()))
    rest = [f"and {further} more setting{'s' * (further > 1)}"] if further else []
    return "; ".join([*_lines(named), *rest]).replace("_", " ")


def of_claim(tests: Sequence[Mapping[str, Any]]) -> str:
    """Return what is open of a claim: the reasons of its tests that are undecided, at all of their settings or at some."""
    undecided = [test for test in tests if test["outcome"] not in (HELD, FAILED, REPORTED) and test["open_because"]]
    return "; ".join(_lines(_by_reason([(test["test"].replace("_", " "), test["open_because"]) for test in undecided])))


def _by_reason(reasons: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Names of what has the same reason, by the reason, in the order in which they come."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons:
        names.setdefault(reason, []).append(name)
    return names


def _lines(names: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{', '.join(alike)}: {reason}" for reason, alike in names.items()]


def _too_few(rows: pd.DataFrame, there: pd.Series) -> str:
    """How many seeds have a value, and what became of the others."""
    if rows["seed"].isna().all():  # what is missing is a setting, and no seed of it
        return str(rows[MISSING].iloc[0]) if MISSING in rows else NOTHING_MEASURED
    lacking = rows.loc[~there, MISSING] if MISSING in rows else pd.Series(dtype=object)
    counts = lacking.value_counts(sort=False)
    causes = ", ".join(f"{count} {cause}" for cause, count in counts.items())
    share = f"{there.sum()} of {len(rows)} seeds have a value" + (f" ({causes})" if causes else "")
    return f"{share}, {FEWEST_SEEDS} are needed"


def _crossed(low: float, high: float, region: Mapping[str, Any]) -> str:
    """The margin that an interval crosses; of two the one, or both."""
    ((_, bounds),) = region.items()
    margins = bounds if isinstance(bounds, Sequence) else [bounds]
    return " and ".join(f"{margin:g}" for margin in margins if low <= margin <= high)
