"""What the notebooks of the papers share: sentences with computed numbers, tables, figures with captions, claims with verdicts.

Everything that a notebook says of a study is computed from its tables, so it holds for any study; where no run tells, it says that.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sgdphysics.claims import counts, words
from sgdphysics.claims.outcomes import REPORTED
from sgdphysics.earlier_names import renewed
from sgdphysics.errors import InputError
from sgdphysics.report import story
from sgdphysics.report.cells import Code, Noted, Outcome, Shown, intervals, picture, table, text
from sgdphysics.report.pictures import figure
from sgdphysics.report.seed_means import Interval, by_setting, means, paired
from sgdphysics.report.text import NOTHING, caption_html, number, numbers_with_minus, plain, plain_html, with_minus
from sgdphysics.tables import load_table

__all__ = [
    "ANSWERED_BY",
    "NOTHING",
    "Code",
    "Interval",
    "Noted",
    "Outcome",
    "Shown",
    "Study",
    "by_setting",
    "caption_html",
    "deviations",
    "intervals",
    "means",
    "number",
    "paired",
    "plain",
    "plain_html",
    "sentence",
    "settings_table",
    "table",
    "text",
]

# Papers whose claims stand with those of another one, which answers them.
ANSWERED_BY = {"dinh2017": "feng2023"}


@dataclass(frozen=True)
class Study:
    """The results of a study, as the notebook of a paper reads them.

    Attributes:
        name: The study.
        paper: Key of the paper, such as ``feng2021``.
        tables, ledger, figures: Folders of the tables, of ``claims.csv`` and ``claim_tests.csv``, and of the figures as PNG.
        captions: The folder of their captions, or the caption of each figure.
    """

    name: str
    paper: str
    tables: str
    ledger: str
    figures: str
    captions: str | Mapping[str, str]

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the study; raises `InputError` if it is missing."""
        return renewed(load_table(Path(self.tables) / f"{name}.csv"))

    def has(self, name: str) -> bool:
        """Return whether the study has a table; one that was published before may lack it."""
        return (Path(self.tables) / f"{name}.csv").exists()

    def reference(self, name: str) -> pd.DataFrame:
        """Return the rows of a table that belong to converged runs of the reference setting."""
        rows = self.table(name)
        return rows[rows["reference"].astype(bool) & (rows["status"] == "converged")]

    def claims(self) -> pd.DataFrame:
        """Return the claims of the paper, and of a paper that it answers, in the order of the ledger."""
        rows = load_table(Path(self.ledger) / "claims.csv")
        return rows[rows["paper"].map(lambda paper: ANSWERED_BY.get(paper, paper)) == self.paper]

    def tests(self) -> pd.DataFrame:
        """Return the tests of these claims."""
        rows = load_table(Path(self.ledger) / "claim_tests.csv")
        return rows[rows["claim"].isin(self.claims()["claim"])]

    def verdict(self, claim: str) -> str:
        """Return the verdict of a claim.

        Raises:
            InputError: If the ledger does not have the claim.
        """
        return str(_only(self.claims(), claim=claim)["verdict"])

    def test(self, claim: str, test: str) -> Interval:
        """Return the value of a test of a claim with its interval, at the setting that is least in favour of the claim.

        Raises:
            InputError: If the ledger does not have the test.
        """
        return story.estimate(_only(self.tests(), claim=claim, test=test))

    def claims_table(self, stated: Mapping[str, str]) -> Shown:
        """Return a table of the claims with their verdicts.

        Args:
            stated: Where each claim is stated, by claim.
        """
        tests = self.tests()
        rows = [_claim_row(claim, tests[tests["claim"] == claim["claim"]], stated) for _, claim in self.claims().iterrows()]
        caption = f"The claims of this paper in study {self.name}. First test: value and 95 % interval over seeds."
        return table(pd.DataFrame(rows), caption, wide=["statement, in our words", "decided by"])

    def counts_table(self) -> Shown:
        """Return a table of how many of these claims have which verdict, by where they are stated."""
        claims = self.claims()
        caption = "; ".join(["Empirical claims by verdict and by where they are stated", *counts.notes(claims)])
        return table(counts.by_source(claims).reset_index(), f"{caption}.")

    def stories(self, *claims: str, stated: Mapping[str, str]) -> Shown:
        """Return what there is to say of some claims: what the paper says, as published, against controls, and what it means."""
        return Shown("text/markdown", story.of_claims(self.claims(), self.tests(), claims, stated), "claims")

    def tests_table(self) -> Shown:
        """Return a table of every test of these claims."""
        rows = [_test_row(test) for _, test in self.tests().iterrows()]
        caption = "Of several settings the one that is least in favour of the claim is shown. Tests of context decide nothing."
        return table(pd.DataFrame(rows), caption, wide=["wanted"])

    def figure(self, name: str) -> Shown:
        """Return a figure with its caption.

        Raises:
            InputError: If the figure or its caption is missing, or not what it should be.
        """
        caption = Path(self.captions) / f"{name}.rst" if isinstance(self.captions, str) else Path(self.captions.get(name, name))
        return picture(figure(Path(self.figures) / f"{name}.png", caption))


def _only(rows: pd.DataFrame, **keys: str) -> pd.Series:
    for column, value in keys.items():
        rows = rows[rows[column] == value]
    if len(rows) != 1:
        raise InputError(f"ledger: found {len(rows)} rows of {', '.join(keys.values())}, expected one")
    return rows.iloc[0]


def _claim_row(claim: pd.Series, tests: pd.DataFrame, stated: Mapping[str, str]) -> dict[str, Any]:
    first = tests[tests["primary"]].iloc[0]
    answered = [f"as published: {claim['as_published']}", f"specific: {claim['specific']}"] if "as_published" in claim else []
    return {
        "claim": Code(claim["claim"]),
        "statement, in our words": Noted(claim["statement"], stated.get(claim["claim"], "")),
        "source": claim.get("source", ""),
        "verdict": Outcome(claim["verdict"], "; ".join([*answered, _open_because(claim)]).strip("; ")),
        "first test": Noted(str(story.estimate(first)), f"wanted: {_region(first)}"),
        "decided by": claim.get("because", ""),
    }


def _test_row(test: pd.Series) -> dict[str, Any]:
    several = int(test["settings"]) > 1
    told = words.outcome_in_words(test) if several else ""
    where = f", {words.range_in_words(test)}" if several and test["outcome"] == REPORTED else ""
    margin = f"margin: {test['margin_from']}" if pd.notna(test.get("margin_from")) else ""
    row = {
        "claim": Code(test["claim"]),
        "test": Noted(plain(test["test"]), plain(test.get("asks", ""))),
        "found": Noted(str(story.estimate(test)), f"at {plain(test['setting'])}{numbers_with_minus(where)}" if several else ""),
        "wanted": Noted(_region(test), "; ".join(filter(None, [f"predicted: {test['predicted']}", margin]))),
        "outcome": Outcome(test["outcome"], "; ".join(filter(None, [told, _open_because(test)]))),
    }
    # Later columns of the ledger.
    for column, head in {"p_value_holm": "p, adjusted", "smallest_effect": "smallest distance that would show"}.items():
        if column in test:
            row[head] = number(test[column]) if pd.notna(test[column]) else ""
    return row


def _open_because(row: pd.Series) -> str:
    """Why a claim or a test is open; empty where it is decided, or a study of before does not say."""
    reason = row.get("open_because", "")
    return numbers_with_minus(str(reason)) if pd.notna(reason) else ""


def _region(test: pd.Series) -> str:
    return with_minus(str(test["region"])) if pd.notna(test["region"]) else "nothing"


def sentence(about: str, template: str, **values: Any) -> str:
    """Return a sentence with computed numbers; where a number is not known, that no run tells.

    Args:
        about: What the sentence is about, for that case.
        template: The sentence with ``{names}``.
        values: Intervals, numbers or words by name.
    """
    if not all(_is_known(value) for value in values.values()):
        return f"Of {about} {NOTHING}."
    return template.format(**{name: number(value) if isinstance(value, float) else str(value) for name, value in values.items()})


def _is_known(value: Any) -> bool:
    if isinstance(value, Interval):
        return value.known
    return math.isfinite(value) if isinstance(value, float) else True


def settings_table(settings: Mapping[str, Any], words: Mapping[str, tuple[str, str]]) -> Shown:
    """Return a table of settings beside the published ones.

    Args:
        settings: The study's settings.
        words: What each is, and what was published ("" where that is not known); only these are shown.
    """
    rows = [
        {"setting": meaning, "this study": _setting(settings[key]), "published": published}
        for key, (meaning, published) in words.items()
        if key in settings
    ]
    caption = "Settings of this study, and those of the authors' public scripts or papers where they are known."
    return table(pd.DataFrame(rows), caption, wide=["setting"])


def _setting(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{plain(key)}: {_setting(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_setting(part) for part in value)
    if value is None:
        return "all"
    return f"{value:g}" if isinstance(value, float) else plain(value)


def deviations(rows: Iterable[tuple[str, str, str, str]]) -> Shown:
    """Return a table of deviations: what the paper did, what this study does, why, and whether it matters."""
    names = ["the paper", "this study", "why", "does it matter?"]
    return table(pd.DataFrame(list(rows), columns=names), "What is done otherwise than in the paper.", wide=names)
