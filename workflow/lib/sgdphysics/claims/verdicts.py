"""Claims and their verdicts, by rules that are fixed before the runs that decide them.

A claim is one or more tests. A test asks whether the claim comes out as it was published, or whether it is specific to the cause
that is claimed, or gives context and decides nothing. It is a number per seed (a statistic of the study's tables) at one setting
or at every one; at each, its interval over seeds lies against a region fixed in ``claims.yaml``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics.claims import (  # noqa: F401  (statistics register themselves)
    answers,
    feng2021_dimension,
    feng2021_dissipation,
    feng2021_exponents,
    feng2021_noise,
    feng2021_width,
    feng2021_windows,
    feng2023_dropout,
    feng2023_duality,
    feng2023_factors,
    feng2023_gap,
    feng2023_scale,
    feng2023_sweeps,
    reasons,
    regions,
    words,
    yang2023_edge,
    yang2023_effective_loss,
    yang2023_shaken_descent,
)
from sgdphysics.claims.outcomes import AS_PUBLISHED, CONTEXT, FEWEST_SEEDS, NETWORK, NO, NOT_ASKED, REPORTED, SPECIFIC, UNDECIDED
from sgdphysics.claims.registry import STATISTICS, Statistic, Tables
from sgdphysics.errors import InputError
from sgdphysics.fits import holm, smallest_detectable_distance
from sgdphysics.intervals import KINDS, LEVEL, Interval

_NUMBERS = ("value", "ci_low", "ci_high", "n_seeds")


def decide(claims: Sequence[Mapping[str, Any]], tables: Tables, scale: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Decide every claim from the study's tables.

    Args:
        claims: Entries of ``claims.yaml``.
        tables: The study's tables by name.
        scale: "small" or "paper".

    Returns:
        The ledger, one row per claim with both answers, the word for them (`outcomes.VERDICTS`), and the value and interval of its
        first test; and one row per test, at the setting that is least in favour of the claim, with the values of all its settings
        from "value_lowest" to "value_highest", its p-value (of the first tests of empirical claims also adjusted for their number,
        by question), the distance from the margin that so many seeds would have shown, and the tables that it was computed from.
        Both say, where a claim or a test is open, why ("open_because"); "because" says which tests made the answers.

    Raises:
        InputError: If a table is missing or a statistic is unknown.
    """
    ledger, tests = [], []
    for claim in claims:
        rows = [_test_row(claim, test, tables) for test in claim["tests"]]
        tests += [{"claim": claim["id"], "primary": index == 0, **row} for index, row in enumerate(rows)]
        ledger.append(_ledger_row(claim, rows, scale))
    return pd.DataFrame(ledger), _with_holm_by_question(pd.DataFrame(tests), ledger)


def _ledger_row(claim: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], scale: str) -> dict[str, Any]:
    by_question = {asks: [row["outcome"] for row in rows if row["asks"] == asks] for asks in (AS_PUBLISHED, SPECIFIC)}
    published = answers.as_published(by_question[AS_PUBLISHED])
    specifically = answers.specific(by_question[SPECIFIC]) if published != NO else NOT_ASKED  # of what does not come out
    return {
        "claim": claim["id"],
        **{key: claim[key] for key in ("paper", "kind")},
        "scale": scale,
        "statement": claim["statement"],
        **{key: rows[0][key] for key in ("statistic", "predicted", *_NUMBERS)},
        "verdict": answers.word(published, specifically, claim["kind"] == "identity"),
        "figure": claim["figure"],
        "open_because": reasons.of_claim([row for row in rows if row["asks"] == AS_PUBLISHED or published != NO]),
        "as_published": published,
        "specific": specifically,
        "source": claim["source"],
        "because": words.of_answers(rows),
        "system": claim.get("system", NETWORK),
        "other_reading": claim.get("other_reading", ""),
    }


@dataclass(frozen=True)
class _Decision:
    """What a test found at one setting."""

    setting: str
    outcome: str
    together: str  # by an interval so wide that those of all settings together are as sure as one
    interval: Interval
    n_seeds: int
    p_value: float
    smallest_effect: float
    open_because: str


_NAN = float("nan")
_NOTHING = _Decision("none", UNDECIDED, UNDECIDED, (_NAN, _NAN, _NAN), 0, _NAN, _NAN, reasons.NOTHING_MEASURED)


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
    read, statistic, scope = _ReadTables(tables), STATISTICS[test["statistic"]], test.get("scope", "reference")
    values = statistic(read).astype({"value": float, "reference": bool})
    _check_once(claim, test, values)
    if scope == "reference":
        values = values[values["reference"]]
    region = regions.region_of(test)
    settings = values["setting"].nunique()
    found = [_decision(str(setting), rows, statistic, test, settings) for setting, rows in values.groupby("setting")]
    outcomes = [decision.outcome for decision in found]
    means = [decision.interval[0] for decision in found if np.isfinite(decision.interval[0])]
    worst = min(found, key=lambda decision: regions.favour(decision.interval, decision.outcome, region), default=_NOTHING)
    outcome = answers.over_settings(outcomes, [decision.together for decision in found])
    open_settings = [(decision.setting, decision.open_because) for decision in found if decision.open_because]
    if region and outcome == UNDECIDED and found and not open_settings:
        open_settings = [("all settings", reasons.NONE_CLEAR)]
    return {
        "asks": test["asks"],
        "test": test["id"],
        "statistic": test["statistic"],
        "interval": KINDS[statistic.kind].words,
        "predicted": test["predicted"],
        "region": regions.in_words(region),
        "margin_from": test.get("margin_from", ""),
        "scope": scope,
        "setting": worst.setting,
        "settings": len(found),
        "settings_held": outcomes.count("held"),
        "settings_failed": outcomes.count("failed"),
        **dict(zip(_NUMBERS, (*worst.interval, worst.n_seeds), strict=True)),
        "value_lowest": min(means, default=np.nan),
        "value_highest": max(means, default=np.nan),
        "outcome": REPORTED if test["asks"] == CONTEXT else outcome,
        # At every setting: the largest p-value is one of all of them together.
        "p_value": max([decision.p_value for decision in found], key=lambda p: np.inf if np.isnan(p) else p, default=np.nan),
        "smallest_effect": worst.smallest_effect,
        "tables": "; ".join(sorted(read.names)),
        "open_because": reasons.of_test(open_settings) if found else reasons.NOTHING_MEASURED,
    }


def _check_once(claim: Mapping[str, Any], test: Mapping[str, Any], values: pd.DataFrame) -> None:
    """Check that a seed is not there twice at a setting: it would count as two."""
    twice = values[values["seed"].notna() & values.duplicated(["setting", "seed"])]
    if len(twice):
        setting, seed = twice.iloc[0][["setting", "seed"]]
        place = f"claims.{claim['id']}.{test['id']}: {test['statistic']}"
        raise InputError(f"{place}: found seed {seed} twice at {setting}, expected once; a table has its rows twice")


def _decision(setting: str, rows: pd.DataFrame, statistic: Statistic, test: Mapping[str, Any], settings: int) -> _Decision:
    """What a test finds at one of its settings, of the seeds that have a value there."""
    kind, region = KINDS[statistic.kind], regions.region_of(test)
    there = np.isfinite(rows[list(kind.columns)]).all(axis=1)
    sample = [rows.loc[there, column].tolist() for column in kind.columns]
    interval = kind.interval(*sample) if there.any() else _NOTHING.interval
    enough = there.sum() >= FEWEST_SEEDS if kind.p_value else there.all()  # where no chance enters, none may be lacking
    decided = regions.outcome(interval, region) if enough and region else UNDECIDED
    of_all = kind.interval(*sample, level=1 - (1 - LEVEL) / settings) if decided != UNDECIDED else interval
    tested = enough and bool(region) and kind.p_value is not None
    return _Decision(
        setting=setting,
        outcome=decided,
        together=regions.outcome(of_all, region) if decided != UNDECIDED else UNDECIDED,
        interval=interval,
        n_seeds=int(there.sum()) if kind.p_value else 0,
        p_value=regions.p_value(partial(kind.p_value, *sample), region) if tested else _NAN,
        smallest_effect=smallest_detectable_distance(*sample) if tested and statistic.kind == "mean" else _NAN,
        open_because=reasons.of_setting(rows, there, interval, region, kind) if decided == UNDECIDED and region else "",
    )


def _with_holm_by_question(tests: pd.DataFrame, ledger: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Insert Holm's p-values: of the first test of each empirical claim, by question. An identity is no hypothesis."""
    empirical = tests["claim"].isin([row["claim"] for row in ledger if row["kind"] == "empirical"])
    adjusted = pd.Series(np.nan, index=tests.index)
    for question in (AS_PUBLISHED, SPECIFIC):
        family = tests[empirical & (tests["asks"] == question)].drop_duplicates("claim").index
        if len(family):
            adjusted[family] = holm(tests.loc[family, "p_value"].tolist())
    tests.insert(tests.columns.get_loc("p_value") + 1, "p_value_holm", adjusted)
    return tests
