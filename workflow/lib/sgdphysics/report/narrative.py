"""What the notebooks of the papers share: sentences with computed numbers, tables, figures with captions, claims with verdicts.

Everything that a notebook says of a study is computed from its tables, so it holds for any study; where no run tells, it says that.
"""

import base64
import html
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docutils.core
import numpy as np
import pandas as pd

from sgdphysics.claims import verdicts
from sgdphysics.errors import InputError
from sgdphysics.fits import student_interval
from sgdphysics.tables import load_table

NOTHING = "no run of this study tells"
# Papers whose claims stand with those of another one, which answers them.
ANSWERED_BY = {"dinh2017": "feng2023"}
VERDICTS = {
    "replicated": "replicated",
    "held": "replicated",
    "not replicated": "failed",
    "failed": "failed",
    "reported": "reported",
}
CAPTION_SETTINGS = {
    **{"_disable_config": True, "file_insertion_enabled": False, "raw_enabled": False},
    **{"report_level": 5, "halt_level": 5, "embed_stylesheet": False},
}


@dataclass(frozen=True, repr=False)
class Shown:
    """What a cell shows.

    Attributes:
        kind: "text/html" or "text/markdown".
        content: The text in that format.
        name: What it is, in a few words; all that a terminal shows.
    """

    kind: str
    content: str
    name: str

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {self.kind: self.content, "text/plain": repr(self)}


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its 95 % Student t interval.

    Attributes:
        mean, low, high: The mean and the ends, NaN where there is no value.
        seeds: Number of values; 0 where none is known, or where no seed enters.
        setting: The setting that it is of, where there are several.
    """

    mean: float
    low: float
    high: float
    seeds: int
    setting: str = ""

    @classmethod
    def of(cls, values: Iterable[float]) -> "Interval":
        """The interval of one value per seed; those that are not finite are left out."""
        known = [float(value) for value in values if np.isfinite(value)]
        return cls(*(student_interval(known) if known else [math.nan] * 3), len(known))

    @property
    def known(self) -> bool:
        """Whether there is a value at all."""
        return math.isfinite(self.mean)

    def __str__(self) -> str:
        """The mean and the interval; with the number of seeds where these are too few to decide anything."""
        if not self.known:
            return NOTHING
        if not self.seeds and self.low == self.high:
            return number(self.mean)
        few = f" (only {self.seeds} seed{'s' * (self.seeds != 1)})" if self.seeds < verdicts.FEWEST_SEEDS else ""
        if not math.isfinite(self.high - self.low):
            return number(self.mean) + few
        mean, low, high = _alike(self.mean, self.low, self.high)
        return f"{mean} [{low},\u00a0{high}]{few}"  # the space does not break the line

    def words(self, above: str, below: str, neither: str, border: float = 0) -> str:
        """Return one of three texts: the interval lies wholly above the border, wholly below, or on it."""
        return above if self.low > border else below if self.high < border else neither


@dataclass(frozen=True)
class Study:
    """The results of a study, as the notebook of a paper reads them.

    Attributes:
        name: The study.
        paper: Key of the paper, such as ``feng2021``.
        tables, ledger, figures, captions: Folders of the tables, of ``claims.csv`` and ``claim_tests.csv``, of the figures as PNG,
            and of their captions.
    """

    name: str
    paper: str
    tables: str
    ledger: str
    figures: str
    captions: str

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the study; raises `InputError` if it is missing."""
        return load_table(Path(self.tables) / f"{name}.csv")

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
        """Return what a test of a claim found: of its setting that is least in favour of the claim.

        Raises:
            InputError: If the ledger does not have the test.
        """
        row = _only(self.tests(), claim=claim, test=test)
        return Interval(*(float(row[key]) for key in ("value", "ci_low", "ci_high")), int(row["n_seeds"]), str(row["setting"]))

    def claims_table(self, stated: Mapping[str, str]) -> Shown:
        """Return a table of the claims with their verdicts.

        Args:
            stated: Where each claim is stated, by claim.
        """
        tests, rows = self.tests(), []
        for _, claim in self.claims().iterrows():
            own = tests[tests["claim"] == claim["claim"]]
            outcomes = own[own["outcome"] != "reported"]
            primary = own[own["primary"]].iloc[0]
            rows.append(
                {
                    "claim": Code(claim["claim"]),
                    "statement, in our words": Noted(claim["statement"], stated.get(claim["claim"], "")),
                    "verdict": Outcome(claim["verdict"], "" if claim["kind"] == "empirical" else claim["kind"]),
                    "primary test": Noted(str(_found(primary)), f"wanted: {_region(primary)}"),
                    "decided by": ", ".join(
                        f"{plain(test)} {end}" for test, end in zip(outcomes["test"], outcomes["outcome"], strict=True)
                    ),
                }
            )
        caption = f"The claims of this paper in study {self.name}. Primary test: mean and 95 % Student t interval over seeds."
        return table(pd.DataFrame(rows), caption, wide=["statement, in our words", "decided by"])

    def tests_table(self) -> Shown:
        """Return a table of every test of these claims."""
        rows = []
        for _, test in self.tests().iterrows():
            several = int(test["settings"]) > 1
            row = {
                "claim": Code(test["claim"]),
                "test": Noted(plain(test["test"]), "primary" if test["primary"] else ""),
                "found": Noted(str(_found(test)), f"at {plain(test['setting'])}" if several else ""),
                "wanted": Noted(_region(test), f"predicted: {test['predicted']}"),
                "outcome": Outcome(
                    test["outcome"], f"held at {int(test['settings_held'])} of {int(test['settings'])}" if several else ""
                ),
            }
            # Later columns of the ledger.
            for column, words in {"p_value_holm": "p, adjusted", "smallest_effect": "smallest distance that would show"}.items():
                if column in test:
                    row[words] = number(test[column]) if pd.notna(test[column]) else ""
            rows.append(row)
        caption = "Of several settings the one that is least in favour of the claim is shown. Reported tests decide nothing."
        return table(pd.DataFrame(rows), caption, wide=["wanted"])

    def figure(self, name: str) -> Shown:
        """Return a figure with its caption.

        Raises:
            InputError: If the figure or its caption is missing.
        """
        path, caption = Path(self.figures) / f"{name}.png", Path(self.captions) / f"{name}.rst"
        try:
            picture, text = path.read_bytes(), caption.read_text(encoding="utf-8")
            width, height = struct.unpack(">II", picture[16:24])
        except (OSError, struct.error, UnicodeDecodeError) as error:
            raise InputError(f"{name}: figure or caption cannot be read ({error})") from None
        title = text.split("**")[1] if text.count("**") > 1 else name
        return Shown(
            "text/html",
            f'<figure id="{plain_html(name)}"><div class="picture" tabindex="0" role="region" aria-label="{plain_html(name)}">'
            f'<img src="data:image/png;base64,{base64.b64encode(picture).decode()}" width="{width}" height="{height}" '
            f'alt="{plain_html(f"{name}: {title} The caption says what each panel shows.")}"></div>'
            f"<figcaption>{caption_html(text)}</figcaption></figure>",
            f"figure {name}",
        )


@dataclass(frozen=True)
class Code:
    """A name in a table, set as code."""

    text: str


@dataclass(frozen=True)
class Outcome:
    """A verdict, or the outcome of a test, in a table, with a note below."""

    text: str
    note: str = ""


@dataclass(frozen=True)
class Noted:
    """Text in a table with a note below."""

    text: str
    note: str


def number(value: float) -> str:
    """Return a number with three digits, in the signs of typography."""
    digits = f"{value:.3g}"
    if 1e3 <= abs(float(digits)) < 1e6:
        digits = f"{float(digits):,.0f}"
    return digits.replace("-", "−")


def caption_html(text: str) -> str:
    """Return a caption in reStructuredText as HTML; it can include no file and no HTML of its own."""
    return docutils.core.publish_parts(text, writer="html5", settings_overrides=CAPTION_SETTINGS)["fragment"]


def _alike(mean: float, low: float, high: float) -> list[str]:
    """Three digits of the largest, of all as many decimals; more, up to five digits, where the interval would vanish."""
    largest, width = max(abs(low), abs(high)), high - low
    if largest == 0 or not 1e-4 <= largest < 1e5:
        return [f"{value:.2e}".replace("-", "−") if value else "0" for value in (mean, low, high)]
    decimals = 2 - math.floor(math.log10(largest))
    needed = -math.floor(math.log10(width)) if width else decimals
    decimals = max(0, decimals, min(needed, decimals + 2))
    return [f"{value:.{decimals}f}".replace("-", "−") for value in (mean, low, high)]


def plain(name: Any) -> str:
    """Return the name of a test or a column in words."""
    return str(name).replace("_", " ")


def plain_html(text: Any) -> str:
    """Return text for HTML."""
    return html.escape(str(text), quote=True)


def means(rows: pd.DataFrame, value: str, by: str, words: Mapping[Any, str]) -> dict[str, Interval]:
    """Return the mean over seeds of a column for each of some keys.

    Args:
        rows: A table with the columns "seed", ``value`` and ``by``; several rows of a seed are averaged first.
        value: The column.
        by: The column of the keys.
        words: The keys to show, and what each is.
    """
    return {name: Interval.of(rows[rows[by] == key].groupby("seed")[value].mean()) for key, name in words.items()}


def paired(rows: pd.DataFrame, value: str, by: str, first: Any, second: Any) -> Interval:
    """Return the mean over seeds of the difference of a column, of the same seed: at key ``first`` less at key ``second``."""
    columns = [rows[rows[by] == key].groupby("seed")[value].mean() for key in (first, second)]
    return Interval.of(columns[0] - columns[1])


def by_setting(rows: pd.DataFrame, keys: Mapping[str, str], values: Mapping[str, str]) -> pd.DataFrame:
    """Return a table with a row per setting and, of each column, the mean over seeds.

    Args:
        rows: A table with the column "seed" and those named.
        keys: The columns that make a setting, and what each is.
        values: The columns of numbers, and what each is.
    """
    parts = [
        dict(zip(keys.values(), key, strict=True))
        | {words: Interval.of(part.groupby("seed")[column].mean()) for column, words in values.items()}
        for key, part in rows.groupby(list(keys))
    ]
    return pd.DataFrame(parts, columns=[*keys.values(), *values.values()])


def sentence(about: str, template: str, **values: Any) -> str:
    """Return a sentence with computed numbers; where a number is not known, that no run tells.

    Args:
        about: What the sentence is about, for that case.
        template: The sentence with ``{names}``.
        values: Intervals, numbers or words by name.
    """
    if any(isinstance(value, Interval) and not value.known for value in values.values()):
        return f"Of {about} {NOTHING}."
    if any(isinstance(value, float) and not math.isfinite(value) for value in values.values()):
        return f"Of {about} {NOTHING}."
    shown = {name: number(value) if isinstance(value, float) else str(value) for name, value in values.items()}
    return template.format(**shown)


def text(*sentences: str) -> Shown:
    """Return sentences as a list of points, in Markdown."""
    return Shown("text/markdown", "\n".join(f"- {one}" for one in sentences), "text")


def table(rows: pd.DataFrame, caption: str, wide: Sequence[str] = ()) -> Shown:
    """Return a table: numbers with three digits to the right, everything else as text.

    Args:
        rows: What to show, with column names in words. Cells are numbers, text, `Interval`, `Code`, `Noted` or
            `Outcome`.
        caption: What it shows.
        wide: Columns with whole sentences.
    """
    caption = plain_html(caption)
    if rows.empty:
        return Shown("text/html", f"<p>{caption} <em>{NOTHING.capitalize()}.</em></p>", "table without rows")
    numeric = {name for name in rows if all(isinstance(value, int | float | np.number) for value in rows[name])}
    kinds = {name: "number" if name in numeric else "words" if name in wide else "" for name in rows}
    styles = {name: f' class="{kind}"' if kind else "" for name, kind in kinds.items()}
    head = "".join(f'<th scope="col"{styles[name]}>{plain_html(name)}</th>' for name in rows)
    body = "".join(
        "<tr>" + "".join(f"<td{styles[name]}>{_cell(value)}</td>" for name, value in zip(rows, row, strict=True)) + "</tr>\n"
        for row in rows.itertuples(index=False, name=None)
    )
    return Shown(
        "text/html",
        f'<p class="caption">{caption}</p>\n<div class="table" tabindex="0" role="region" aria-label="{caption}"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>",
        "table",
    )


def intervals(values: Mapping[str, Interval], what: str, caption: str) -> Shown:
    """Return a table of intervals, one row each.

    Args:
        values: Interval by what it is of.
        what: Head of the column of names.
        caption: What the table shows.
    """
    rows = [{what: name, "mean [95 % interval]": str(value), "seeds": value.seeds} for name, value in values.items() if value.known]
    return table(pd.DataFrame(rows), caption)


def settings_table(settings: Mapping[str, Any], words: Mapping[str, tuple[str, str]]) -> Shown:
    """Return a table of settings beside the published ones.

    Args:
        settings: The study's settings.
        words: What each is, and what was published ("" where that is not known); only these are shown.
    """
    rows = [
        {"setting": what, "this study": _setting(settings[key]), "published": published}
        for key, (what, published) in words.items()
        if key in settings
    ]
    caption = "Settings of this study, and those of the authors' public scripts or papers where they are known."
    return table(pd.DataFrame(rows), caption, wide=["setting"])


def deviations(rows: Iterable[tuple[str, str, str, str]]) -> Shown:
    """Return a table of deviations: what the paper did, what this study does, why, and whether it matters."""
    names = ["the paper", "this study", "why", "does it matter?"]
    return table(pd.DataFrame(list(rows), columns=names), "What is done otherwise than in the paper.", wide=names)


def _only(rows: pd.DataFrame, **keys: str) -> pd.Series:
    for column, value in keys.items():
        rows = rows[rows[column] == value]
    if len(rows) != 1:
        raise InputError(f"ledger: found {len(rows)} rows of {', '.join(keys.values())}, expected one")
    return rows.iloc[0]


def _found(test: pd.Series) -> Interval:
    return Interval(*(float(test[key]) for key in ("value", "ci_low", "ci_high")), int(test["n_seeds"]))


def _setting(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{plain(key)}: {_setting(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_setting(one) for one in value)
    if value is None:
        return "all"
    return f"{value:g}" if isinstance(value, float) else plain(value)


def _cell(value: Any) -> str:
    if isinstance(value, Code):
        return f"<code>{plain_html(value.text)}</code>"
    if isinstance(value, Outcome):
        return f'<span class="{VERDICTS.get(value.text, "open")}">{plain_html(value.text)}</span>{_note(value.note)}'
    if isinstance(value, Noted):
        return plain_html(value.text) + _note(value.note)
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:d}"
    if isinstance(value, float | np.floating):
        return number(value) if not math.isnan(value) else ""
    return plain_html(value)


def _note(text: str) -> str:
    return f"<small>{plain_html(text)}</small>" if text else ""


def _region(test: pd.Series) -> str:
    return str(test["region"]).replace("-", "−")
