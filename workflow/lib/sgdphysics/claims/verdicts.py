"""Claims and their verdicts, by rules that are fixed before the runs that decide them.

A claim is one or more tests. A test is a number per seed (a statistic of the study's tables); its mean and 95 % Student t interval
over seeds lie against a region fixed in ``claims.yaml``: held (wholly inside), failed (wholly outside) or undecided.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics.claims import feng2021, feng2023_duality, feng2023_sweeps, reasons, yang2023  # noqa: F401  (statistics register themselves)
from sgdphysics.claims.outcomes import FEWEST_SEEDS
from sgdphysics.claims.registry import STATISTICS, MissingTableError, Tables
from sgdphysics.errors import InputError
from sgdphysics.fits import holm, p_value_beyond, smallest_detectable_distance, student_interval

REGIONS = ("above", "below", "between", "outside")


def decide(
    claims: Sequence[Mapping[str, Any]], tables: Tables, scale: str, before: tuple[pd.DataFrame, pd.DataFrame] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Decide every claim from the study's tables.

    Args:
        claims: Entries of ``claims.yaml``.
        tables: The study's tables by name.
        scale: "small" or "paper".
        before: What was returned before, of a study that was published without some of its tables: a claim that needs one of these
            is left as it was decided then.

    Returns:
        The ledger, one row per claim with the value and interval of its primary test; and one row per test, with its p-value (of
        primary tests of empirical claims also adjusted for their number), the distance from the margin that so many seeds would
        have shown, and the tables that it was computed from. Both say, where a claim or a test is open, why ("open_because").

    Raises:
        InputError: If a table is missing or a statistic is unknown.
    """
    ledger, tests = [], []
    for claim in claims:
        try:
            rows = [_test_row(claim, test, tables) for test in claim["tests"]]
        except MissingTableError:
            if before is None:
                raise
            ledger_rows, test_rows = (_rows_before(table, claim["id"]) for table in before)
            _check_same_rules(claim, test_rows)
            ledger += ledger_rows
            tests += test_rows
            continue
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
                "open_because": reasons.of_claim(rows) if verdict(decisive) == "inconclusive" else "",
            }
        )
    return pd.DataFrame(ledger), _with_holm_of_primaries(pd.DataFrame(tests), ledger)


def _check_same_rules(claim: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise `InputError` where a claim that cannot be decided again has other rules than those by which it was decided."""
    regions = [region_text({key: test[key] for key in REGIONS if key in test}) for test in claim["tests"]]
    rules = [
        (test["id"], test["statistic"], str(test["predicted"]), region)
        for test, region in zip(claim["tests"], regions, strict=True)
    ]
    if rules != [(row["test"], row["statistic"], str(row["predicted"]), row["region"]) for row in rows]:
        change = "its rules are others than those by which it was decided, and a table that it needs is not kept"
        raise InputError(f"claims.{claim['id']}: {change}: it cannot be decided again")


def _rows_before(table: pd.DataFrame, claim: str) -> list[dict[str, Any]]:
    """The rows of a claim as they were written before, as `decide` makes them."""
    rows = table[table["claim"] == claim].drop(columns="p_value_holm", errors="ignore")
    if rows.empty:
        raise InputError(f"claims.{claim}: it needs a table that is not kept, and was not decided before")
    return rows.assign(open_because=rows.get("open_because", pd.Series("", rows.index)).fillna("")).to_dict("records")


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


def p_value(values: Sequence[float], region: Mapping[str, Any]) -> float:
    """Return the p-value of the null hypothesis that the mean of one setting's values lies outside the region.

    For "between" both borders must be cleared (two one-sided tests), for "outside" one of them (p doubled).

    Args:
        values: One number per seed.
        region: One of "above", "below" (a number), "between", "outside" (two numbers).

    Returns:
        The p-value; NaN with fewer than two values or one that is not finite.
    """
    if "above" in region:
        return p_value_beyond(values, region["above"], "above")
    if "below" in region:
        return p_value_beyond(values, region["below"], "below")
    if "between" in region:
        first, last = region["between"]
        return float(np.maximum(p_value_beyond(values, first, "above"), p_value_beyond(values, last, "below")))
    first, last = region["outside"]
    return float(np.minimum(1, 2 * np.minimum(p_value_beyond(values, first, "below"), p_value_beyond(values, last, "above"))))


@dataclass(frozen=True)
class _Decision:
    """What a test found at one setting."""

    setting: str
    outcome: str
    value: float
    ci_low: float
    ci_high: float
    n_seeds: int
    p_value: float
    smallest_effect: float
    open_because: str


_NOTHING = _Decision(
    setting="none",
    outcome="undecided",
    value=float("nan"),
    ci_low=float("nan"),
    ci_high=float("nan"),
    n_seeds=0,
    p_value=float("nan"),
    smallest_effect=float("nan"),
    open_because="",
)


class _ReadTables(Mapping[str, pd.DataFrame]):
    """Tables that remember which of them were asked for."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> pd.DataFrame:
        self.names.add(name)
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


def _test_row(claim: Mapping[str, Any], test: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """One row: the setting that is least in favour of the claim stands for the test."""
    if test["statistic"] not in STATISTICS:
        raise InputError(f"claims.{claim['id']}: unknown statistic {test['statistic']!r}")
    read = _ReadTables(tables)
    values = STATISTICS[test["statistic"]](read).astype({"value": float, "reference": bool})
    if test.get("settings", "reference") == "reference":
        values = values[values["reference"]]
    region, deterministic = {key: test[key] for key in REGIONS if key in test}, test.get("deterministic", False)
    decisions = [_decision(str(setting), group, region, deterministic) for setting, group in values.groupby("setting", sort=False)]
    outcomes = [decision.outcome for decision in decisions]
    worst = min(decisions, key=lambda decision: _favour(decision, region), default=_NOTHING)
    overall = "failed" if "failed" in outcomes else "held" if outcomes and set(outcomes) == {"held"} else "undecided"
    open_settings = [(decision.setting, decision.open_because) for decision in decisions if decision.open_because]
    return {
        "test": test["id"],
        "statistic": test["statistic"],
        "predicted": test["predicted"],
        "region": region_text(region),
        "setting": worst.setting,
        "settings": len(decisions),
        "settings_held": outcomes.count("held"),
        "value": worst.value,
        **_ends(worst),
        "n_seeds": worst.n_seeds,
        "outcome": "reported" if test.get("reported_only", False) else overall,
        # At every setting: the largest p-value is one of all of them together.
        "p_value": max([decision.p_value for decision in decisions], key=lambda p: np.inf if np.isnan(p) else p, default=np.nan),
        "smallest_effect": worst.smallest_effect,
        "tables": "; ".join(sorted(read.names)),
        "open_because": "" if overall == "failed" else reasons.of_test(open_settings) if decisions else reasons.NOTHING_MEASURED,
    }


def _ends(decision: _Decision) -> dict[str, float]:
    """The ends of the interval, NaN where it has none."""
    ends = {"ci_low": decision.ci_low, "ci_high": decision.ci_high}
    return {name: end if np.isfinite(end) else np.nan for name, end in ends.items()}


def _decision(setting: str, rows: pd.DataFrame, region: Mapping[str, Any], deterministic: bool) -> _Decision:
    usable = rows.loc[np.isfinite(rows["value"]), "value"].tolist()
    # Fewer seeds than decide, or none at all, have no p-value either.
    enough = not deterministic and len(usable) >= FEWEST_SEEDS
    decided, mean, low, high = outcome(usable, region, deterministic)
    return _Decision(
        setting=setting,
        outcome=decided,
        value=mean,
        ci_low=low,
        ci_high=high,
        n_seeds=0 if deterministic else len(usable),
        p_value=p_value(usable, region) if enough else float("nan"),
        smallest_effect=smallest_detectable_distance(usable) if enough else float("nan"),
        open_because=reasons.of_setting(rows, (mean, low, high), region) if decided == "undecided" else "",
    )


def _with_holm_of_primaries(tests: pd.DataFrame, ledger: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Insert Holm's p-values of the primary tests of empirical claims: an identity is no hypothesis, and counts for nothing."""
    empirical = {row["claim"] for row in ledger if row["kind"] == "empirical"}
    family = tests["primary"] & tests["claim"].isin(empirical)
    adjusted = pd.Series(np.nan, index=tests.index)
    if family.any():
        adjusted[family] = holm(tests.loc[family, "p_value"].tolist())
    tests.insert(tests.columns.get_loc("p_value") + 1, "p_value_holm", adjusted)
    return tests


def _favour(decision: _Decision, region: Mapping[str, Any]) -> tuple[int, float]:
    """Order settings from least to most in favour: failed, undecided, held; then by distance from the region's border."""
    low, high = decision.ci_low, decision.ci_high
    if "above" in region:
        distance = low - region["above"]
    elif "below" in region:
        distance = region["below"] - high
    elif "between" in region:
        distance = min(low - region["between"][0], region["between"][1] - high)
    else:
        distance = max(region["outside"][0] - high, low - region["outside"][1])
    rank = ["failed", "undecided", "held"].index(decision.outcome)
    return rank, distance if np.isfinite(decision.value) else -np.inf


def region_text(region: Mapping[str, Any]) -> str:
    """Return a region in words, such as ``between 3 and 5``."""
    ((kind, bounds),) = region.items()
    return f"{kind} {bounds:g}" if kind in ("above", "below") else f"{kind} {bounds[0]:g} and {bounds[1]:g}"
