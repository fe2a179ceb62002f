"""Claims and their verdicts, by rules that are fixed before the runs that decide them.

A claim is one or more tests. A test is a number per seed (a statistic of the study's tables); its mean and 95 % Student t interval
over seeds lie against a region fixed in ``claims.yaml``: held (wholly inside), failed (wholly outside) or undecided.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics.claims import feng2021, feng2023, yang2023  # noqa: F401  (their statistics register themselves)
from sgdphysics.claims.registry import STATISTICS, Tables
from sgdphysics.errors import InputError
from sgdphysics.fits import student_interval

FEWEST_SEEDS = 5
REGIONS = ("above", "below", "between", "outside")


def verdicts(claims: Sequence[Mapping[str, Any]], tables: Tables, scale: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Decide every claim from the study's tables.

    Args:
        claims: Entries of ``claims.yaml``.
        tables: The study's tables by name.
        scale: "small" or "paper".

    Returns:
        The ledger, one row per claim with the value and interval of its primary test; and one row per test.

    Raises:
        InputError: If a table is missing or a statistic is unknown.
    """
    ledger, tests = [], []
    for claim in claims:
        rows = [_test_row(claim, test, tables) for test in claim["tests"]]
        tests += [{"claim": claim["id"], "primary": index == 0, **row} for index, row in enumerate(rows)]
        decisive = [row["outcome"] for row in rows if row["outcome"] != "reported"]
        primary = rows[0]
        ledger.append(
            {
                "claim": claim["id"],
                "paper": claim["paper"],
                "kind": claim["kind"],
                "scale": scale,
                "statement": claim["statement"],
                **{key: primary[key] for key in ("statistic", "predicted", "value", "ci_low", "ci_high", "n_seeds")},
                "verdict": verdict(decisive),
                "figure": claim["figure"],
            }
        )
    return pd.DataFrame(ledger), pd.DataFrame(tests)


def verdict(outcomes: Sequence[str]) -> str:
    """Return the verdict of a claim from the outcomes of its tests that decide, the primary first."""
    if not outcomes:
        return "inconclusive"
    if all(outcome == "held" for outcome in outcomes):
        return "replicated"
    if outcomes[0] == "failed":
        return "not replicated"
    if outcomes[0] == "held" and "failed" in outcomes:
        return "partly"
    return "inconclusive"


def outcome(values: Sequence[float], region: Mapping[str, Any], deterministic: bool = False) -> tuple[str, float, float, float]:
    """Decide one setting of a test.

    Args:
        values: One number per seed.
        region: One of "above", "below" (a number), "between", "outside" (two numbers).
        deterministic: No seed enters: one value, which decides by itself.

    Returns:
        "held", "failed" or "undecided" (also for fewer than five seeds); mean and ends of the interval.
    """
    mean, low, high = student_interval(values)
    if deterministic:
        low = high = mean
    enough = len(values) == 1 if deterministic else len(values) >= FEWEST_SEEDS
    inside, outside = _position(low, high, region)
    if not enough or not np.isfinite(mean):
        return "undecided", mean, low, high
    return "held" if inside else "failed" if outside else "undecided", mean, low, high


def _position(low: float, high: float, region: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether the interval lies wholly inside the region, and wholly outside it."""
    if "above" in region:
        return low > region["above"], high < region["above"]
    if "below" in region:
        return high < region["below"], low > region["below"]
    first, last = region["between"] if "between" in region else region["outside"]
    between, beyond = first <= low and high <= last, high < first or low > last
    return (between, beyond) if "between" in region else (beyond, between)


def _test_row(claim: Mapping[str, Any], test: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """One row: the setting that is least in favour of the claim stands for the test."""
    if test["statistic"] not in STATISTICS:
        raise InputError(f"claims.{claim['id']}: unknown statistic {test['statistic']!r}")
    values = STATISTICS[test["statistic"]](tables).astype({"value": float, "reference": bool})
    if test.get("settings", "reference") == "reference":
        values = values[values["reference"]]
    region, deterministic = {key: test[key] for key in REGIONS if key in test}, test.get("deterministic", False)
    decided = []
    for setting, group in values.groupby("setting", sort=False):
        usable = group["value"][np.isfinite(group["value"])]
        seeds = 0 if deterministic else len(usable)
        decided.append((str(setting), *outcome(usable.tolist(), region, deterministic), seeds))
    outcomes = [entry[1] for entry in decided]
    worst = min(decided, key=lambda entry: _favour(entry, region), default=("none", "undecided", *[float("nan")] * 3, 0))
    overall = "failed" if "failed" in outcomes else "held" if outcomes and set(outcomes) == {"held"} else "undecided"
    return {
        "test": test["id"],
        "statistic": test["statistic"],
        "predicted": test["predicted"],
        "region": region_text(region),
        "setting": worst[0],
        "settings": len(decided),
        "settings_held": outcomes.count("held"),
        "value": worst[2],
        "ci_low": worst[3],
        "ci_high": worst[4],
        "n_seeds": worst[5],
        "outcome": "reported" if test.get("reported_only", False) else overall,
    }


def _favour(entry: tuple[Any, ...], region: Mapping[str, Any]) -> tuple[int, float]:
    """Order settings from least to most in favour: failed, undecided, held; then by distance from the region's border."""
    _, decision, mean, low, high, _ = entry
    if "above" in region:
        distance = low - region["above"]
    elif "below" in region:
        distance = region["below"] - high
    elif "between" in region:
        distance = min(low - region["between"][0], region["between"][1] - high)
    else:
        distance = max(region["outside"][0] - high, low - region["outside"][1])
    return ["failed", "undecided", "held"].index(decision), distance if np.isfinite(mean) else -np.inf


def region_text(region: Mapping[str, Any]) -> str:
    """Return a region in words, such as ``between 3 and 5``."""
    ((kind, bounds),) = region.items()
    return f"{kind} {bounds:g}" if kind in ("above", "below") else f"{kind} {bounds[0]:g} and {bounds[1]:g}"
