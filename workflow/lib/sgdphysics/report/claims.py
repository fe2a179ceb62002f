"""Claims as the report page shows them: each with its tests, the rule behind its verdict in words, and how many held."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics.claims.outcomes import VERDICTS
from sgdphysics.errors import InputError
from sgdphysics.report.columns import check_columns
from sgdphysics.report.text import interval, listed, number, numbers_with_minus, plain, with_minus

_CLAIM_COLUMNS = ("claim", "paper", "kind", "statement", "verdict", "figure")
_TEST_COLUMNS = (
    "claim",
    "primary",
    "test",
    "statistic",
    "predicted",
    "region",
    "setting",
    "settings",
    "settings_held",
    "value",
    "ci_low",
    "ci_high",
    "n_seeds",
    "outcome",
    "p_value",
    "p_value_holm",
    "smallest_effect",
    "tables",
)


@dataclass(frozen=True)
class Test:
    """A test of a claim, as shown.

    Attributes:
        name, statistic, predicted, region, setting, outcome, tables: Texts.
        estimate: The value with its interval, as text.
        primary: Whether it is the claim's first.
        value: The number by which claims are sorted, None where there is none.
        seeds: Number of seeds, 0 where none enters.
        p_value, p_value_holm, smallest_effect: Numbers as text, empty where there are none.
        open_because: Why it is open, empty where it is decided or a study of before does not say.
    """

    name: str
    statistic: str
    predicted: str
    region: str
    setting: str
    estimate: str
    outcome: str
    tables: str
    primary: bool
    value: float | None
    seeds: int
    p_value: str
    p_value_holm: str
    smallest_effect: str
    open_because: str


@dataclass(frozen=True)
class Claim:
    """A claim with its verdict.

    Attributes:
        name, paper, kind, statement, verdict, figure: As in the ledger.
        stated: Where the paper or talk says it.
        reason: The rule that made the verdict, in words.
        open_because: Why it is open, as of a test.
        tests: All of them, the primary one first.
    """

    name: str
    paper: str
    kind: str
    statement: str
    verdict: str
    figure: str
    stated: str
    reason: str
    open_because: str
    tests: tuple[Test, ...]

    @property
    def rank(self) -> int:
        """Place of the verdict among all verdicts."""
        return VERDICTS.index(self.verdict)


def claims(ledger: pd.DataFrame, tests: pd.DataFrame, stated: Mapping[str, str]) -> list[Claim]:
    """Return the claims of a study with their tests, in the order of the ledger.

    Args:
        ledger: ``claims.csv``.
        tests: ``claim_tests.csv``.
        stated: Where each claim is stated, by claim.

    Raises:
        InputError: If a column is missing, a verdict is unknown, or a claim has no test.
    """
    check_columns("claims.csv", ledger, _CLAIM_COLUMNS)
    check_columns("claim_tests.csv", tests, _TEST_COLUMNS)
    return [_claim(row, tests[tests["claim"] == row["claim"]], stated) for _, row in ledger.iterrows()]


def _claim(row: pd.Series, rows: pd.DataFrame, stated: Mapping[str, str]) -> Claim:
    name, verdict = str(row["claim"]), str(row["verdict"])
    if verdict not in VERDICTS:
        raise InputError(f"claims.csv: {name}: found verdict {verdict!r}, expected one of {', '.join(VERDICTS)}")
    if rows.empty:
        raise InputError(f"claim_tests.csv: no test of {name}")
    tests = tuple(_test(test) for _, test in rows.sort_values("primary", ascending=False, kind="stable").iterrows())
    return Claim(
        name=name,
        paper=str(row["paper"]),
        kind=str(row["kind"]),
        statement=str(row["statement"]),
        verdict=verdict,
        figure=str(row["figure"]),
        stated=stated.get(name, ""),
        reason=reason(verdict, tests),
        open_because=_open_because(row),
        tests=tests,
    )


def _test(row: pd.Series) -> Test:
    several = f" ({row['settings_held']:.0f} of {row['settings']:.0f} settings held)" if row["settings"] > 1 else ""
    return Test(
        name=plain(row["test"]),
        statistic=plain(row["statistic"]),
        predicted=_text(row["predicted"]),
        region=with_minus(_text(row["region"])),
        setting=_text(row["setting"]) + several,
        estimate=interval(row["value"], row["ci_low"], row["ci_high"]),
        outcome=_text(row["outcome"]),
        tables=_text(row["tables"]),
        primary=bool(row["primary"]),
        value=float(row["value"]) if np.isfinite(row["value"]) else None,
        seeds=int(row["n_seeds"]),
        p_value=_number(row["p_value"]),
        p_value_holm=_number(row["p_value_holm"]),
        smallest_effect=_number(row["smallest_effect"]),
        open_because=_open_because(row),
    )


def _open_because(row: pd.Series) -> str:
    return numbers_with_minus(_text(row.get("open_because", "")))


def _text(value: Any) -> str:
    return str(value) if pd.notna(value) else ""


def _number(value: float) -> str:
    return number(value) if pd.notna(value) else ""


def reason(verdict: str, tests: Sequence[Test]) -> str:
    """Return the rule that made a verdict, in words, with the tests that it turned on.

    Args:
        verdict: One of ``VERDICTS``.
        tests: Tests of the claim, the primary first.
    """
    decisive = [test for test in tests if test.outcome != "reported"]
    if not decisive:
        return "Inconclusive, because no test of this claim decides."
    first = decisive[0]
    if verdict == "replicated":
        only = len(decisive) == 1
        return "Replicated, because the test held." if only else f"Replicated, because all {len(decisive)} tests that decide held."
    if verdict == "not replicated":
        return f"Not replicated, because the primary test, {first.name}, failed: its interval lies wholly outside the region."
    if verdict == "partly":
        return f"Partly, because the primary test, {first.name}, held, but {_names(decisive, 'failed')} failed."
    if first.outcome == "undecided":
        return f"Inconclusive, because the primary test, {first.name}, is undecided: neither wholly inside its region nor outside."
    return f"Inconclusive, because no test failed, but {_names(decisive, 'undecided')} could not be decided."


def _names(tests: Sequence[Test], outcome: str) -> str:
    return listed([test.name for test in tests if test.outcome == outcome])


def counts(entries: Sequence[Claim]) -> list[str]:
    """Return how many claims of each kind were replicated, in words."""
    lines = []
    for kind, total in Counter(claim.kind for claim in entries).items():
        held = sum(claim.kind == kind and claim.verdict == "replicated" for claim in entries)
        words = "identities hold" if kind == "identity" else f"{kind} claims replicated"
        lines.append(f"{held} of {total} {words}")
    return lines


def tally(entries: Sequence[Claim]) -> dict[str, int]:
    """Return the number of empirical claims by verdict; an identity holds by algebra and is only checked."""
    return {verdict: sum(claim.verdict == verdict and claim.kind == "empirical" for claim in entries) for verdict in VERDICTS}
