"""Claims as the report page shows them: each with its two answers, the tests that made them, and where it is stated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics.claims import words
from sgdphysics.claims.outcomes import AS_PUBLISHED, CONTEXT, FIRST_EDITION, REPORTED, SOURCES, SPECIFIC, VERDICTS
from sgdphysics.errors import InputError
from sgdphysics.provenance.ledger import tables_in
from sgdphysics.provenance.places import NOT_KNOWN
from sgdphysics.provenance.record import Record
from sgdphysics.provenance.rule_order import Order, order_of
from sgdphysics.report.columns import check_columns
from sgdphysics.report.text import interval, number, numbers_with_minus, plain, with_minus

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
# What a test asks, as a heading above those that ask it.
QUESTIONS = {
    AS_PUBLISHED: "As published: does it come out, measured as the source measured it?",
    SPECIFIC: "Specific: does what lacks the cause fail to give it?",
    CONTEXT: "Context, which decides nothing",
    "": "Tests",
}


@dataclass(frozen=True)
class Test:
    """A test of a claim, as shown.

    Attributes:
        asks: "as_published", "specific" or "context"; empty in the ledger of a first edition.
        name, statistic, predicted, region, setting, outcome, tables: Texts.
        interval: What the interval is of, and how it is built.
        margin_from: Where the margin comes from.
        estimate: The value with its interval, as text.
        value: The number by which claims are sorted, None where there is none.
        seeds: Number of seeds, 0 where none enters.
        p_value, p_value_holm, smallest_effect: Numbers as text, empty where there are none.
        open_because: Why it is open, empty where it is decided or a study of before does not say.
    """

    asks: str
    name: str
    statistic: str
    predicted: str
    region: str
    interval: str
    margin_from: str
    setting: str
    estimate: str
    outcome: str
    tables: str
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
        as_published, specific: Both answers, empty in the ledger of a first edition.
        source: What kind of source states it, in words.
        stated: Where the paper or talk says it.
        rule: When its rule was last changed, beside the runs that decide it.
        because: Which tests made the answers.
        open_because: Why it is open, as of a test.
        tests: All of them, the first one first.
    """

    name: str
    paper: str
    kind: str
    statement: str
    verdict: str
    as_published: str
    specific: str
    figure: str
    source: str
    stated: str
    rule: str
    because: str
    open_because: str
    tests: tuple[Test, ...]

    @property
    def by_question(self) -> dict[str, list[Test]]:
        """Its tests by what they ask, in words."""
        asked = {asks: [test for test in self.tests if test.asks == asks] for asks in QUESTIONS}
        return {QUESTIONS[asks]: tests for asks, tests in asked.items() if tests}

    @property
    def rank(self) -> int:
        """Place of the verdict among all verdicts."""
        return [*VERDICTS, *FIRST_EDITION].index(self.verdict)


def claims(
    ledger: pd.DataFrame, tests: pd.DataFrame, stated: Mapping[str, str], orders: Mapping[str, Order] | None = None
) -> list[Claim]:
    """Return the claims of a study with their tests, in the order of the ledger.

    Args:
        ledger: ``claims.csv``.
        tests: ``claim_tests.csv``.
        stated: Where each claim is stated, by claim.
        orders: From `rule_orders`, if any are known.

    Raises:
        InputError: If a column is missing, a verdict is unknown, or a claim has no test.
    """
    check_columns("claims.csv", ledger, _CLAIM_COLUMNS)
    check_columns("claim_tests.csv", tests, _TEST_COLUMNS)
    return [_claim(row, tests[tests["claim"] == row["claim"]], stated, orders or {}) for _, row in ledger.iterrows()]


def rule_orders(tests: pd.DataFrame, record: Record) -> dict[str, Order]:
    """Return of each claim when its rule was last changed, beside the runs that decide it.

    Args:
        tests: ``claim_tests.csv``.
        record: The study's record.

    Raises:
        InputError: If a column is missing.
    """
    check_columns("claim_tests.csv", tests, ("claim", "tables"))
    tables = {str(claim): tables_in(map(_text, rows), record.study) for claim, rows in tests.groupby("claim", sort=False)["tables"]}
    return {claim: order_of(record, claim, paths) for claim, paths in tables.items()}


def _claim(row: pd.Series, rows: pd.DataFrame, stated: Mapping[str, str], orders: Mapping[str, Order]) -> Claim:
    name, verdict = str(row["claim"]), str(row["verdict"])
    known = VERDICTS if "as_published" in row else FIRST_EDITION
    if verdict not in known:
        raise InputError(f"claims.csv: {name}: found verdict {verdict!r}, expected one of {', '.join(known)}")
    if rows.empty:
        raise InputError(f"claim_tests.csv: no test of {name}")
    tests = tuple(_test(test) for _, test in rows.sort_values("primary", ascending=False, kind="stable").iterrows())
    return Claim(
        name=name,
        paper=str(row["paper"]),
        kind=str(row["kind"]),
        statement=str(row["statement"]),
        verdict=verdict,
        as_published=_text(row.get("as_published", "")),
        specific=_text(row.get("specific", "")),
        figure=str(row["figure"]),
        source=SOURCES.get(_text(row.get("source", "")), ""),
        stated=stated.get(name, ""),
        rule=orders[name].line if name in orders else NOT_KNOWN,
        because=words.as_sentence(_text(row.get("because", ""))),
        open_because=_open_because(row),
        tests=tests,
    )


def _test(row: pd.Series) -> Test:
    return Test(
        asks=_text(row.get("asks", "")),
        name=plain(row["test"]),
        statistic=plain(row["statistic"]),
        predicted=_text(row["predicted"]),
        region=with_minus(_text(row["region"])),
        interval=_text(row.get("interval", "")),
        margin_from=_text(row.get("margin_from", "")),
        setting=_text(row["setting"]) + _among(row),
        estimate=interval(row["value"], row["ci_low"], row["ci_high"]),
        outcome=_text(row["outcome"]),
        tables=_text(row["tables"]),
        value=float(row["value"]) if np.isfinite(row["value"]) else None,
        seeds=int(row["n_seeds"]),
        p_value=_number(row["p_value"]),
        p_value_holm=_number(row["p_value_holm"]),
        smallest_effect=_number(row["smallest_effect"]),
        open_because=_open_because(row),
    )


def _among(row: pd.Series) -> str:
    """Of how many settings the shown one is, and what came out at them."""
    if row["settings"] < 2:
        return ""
    if row["outcome"] == REPORTED:
        return f" ({numbers_with_minus(words.range_in_words(row))})"
    return f" ({words.outcome_in_words(row)})"


def _open_because(row: pd.Series) -> str:
    return numbers_with_minus(_text(row.get("open_because", "")))


def _text(value: Any) -> str:
    return str(value) if pd.notna(value) else ""


def _number(value: float) -> str:
    return number(value) if pd.notna(value) else ""
