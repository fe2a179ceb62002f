"""Why a test is open, in one line: too few seeds have a value, and what became of the others; or its interval crosses a margin."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics.claims.outcomes import FEWEST_SEEDS
from sgdphysics.claims.registry import MISSING

NOTHING_MEASURED = "this study measures nothing of it"
_REASONS_NAMED = 2  # of those that leave a test open; further settings are counted


def of_setting(values: pd.DataFrame, interval: tuple[float, float, float], region: Mapping[str, Any]) -> str:
    """Return why one setting of a test is not decided.

    Args:
        values: One row per seed: "seed", NaN where no seed enters, "value", NaN where there is none, and perhaps ``MISSING``.
        interval: Mean and ends of the interval of the values that there are.
        region: What they are held against, as for `verdicts.outcome`.
    """
    there = np.isfinite(values["value"])
    if there.sum() < FEWEST_SEEDS:
        return _too_few(values, there)
    return f"{_with_interval(*interval)} crosses {_crossed(*interval[1:], region)}"


def of_test(by_setting: Sequence[tuple[str, str]]) -> str:
    """Return why a test is open, of its settings that are not decided, each with its reason; empty where there are none."""
    alike = _by_reason(by_setting)
    named = dict(list(alike.items())[:_REASONS_NAMED])
    further = len(by_setting) - sum(map(len, named.values()))
    rest = [f"and {further} more setting{'s' * (further > 1)}"] if further else []
    return "; ".join([*_lines(named), *rest]).replace("_", " ")


def of_claim(tests: Sequence[Mapping[str, Any]]) -> str:
    """Return why a claim is open: the reasons of those of its tests that decide and are open, the primary first."""
    undecided = [test for test in tests if test["outcome"] == "undecided"]
    return "; ".join(_lines(_by_reason([(test["test"].replace("_", " "), test["open_because"]) for test in undecided])))


def _by_reason(reasons: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Names of what has the same reason, by the reason, in the order in which they come."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons:
        names.setdefault(reason, []).append(name)
    return names


def _lines(names: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{', '.join(alike)}: {reason}" for reason, alike in names.items()]


def _too_few(values: pd.DataFrame, there: pd.Series) -> str:
    """How many seeds have a value, and what became of the others."""
    if values["seed"].isna().all():  # what is missing is a setting, and no seed of it
        return str(values[MISSING].iloc[0]) if MISSING in values else NOTHING_MEASURED
    lacking = values.loc[~there, MISSING] if MISSING in values else pd.Series(dtype=object)
    counts = lacking.value_counts(sort=False)
    causes = ", ".join(f"{count} {cause}" for cause, count in counts.items())
    share = f"{there.sum()} of {len(values)} seeds have a value" + (f" ({causes})" if causes else "")
    return f"{share}, {FEWEST_SEEDS} are needed"


def _with_interval(mean: float, low: float, high: float) -> str:
    return f"{mean:.3g} [{low:.3g}, {high:.3g}]"


def _crossed(low: float, high: float, region: Mapping[str, Any]) -> str:
    """The margin that an interval crosses; of two the one, or both."""
    ((_, bounds),) = region.items()
    margins = bounds if isinstance(bounds, Sequence) else [bounds]
    return " and ".join(f"{margin:g}" for margin in margins if low <= margin <= high)
