"""What a cell of a notebook shows: text, tables and figures, with nothing in them that changes from run to run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics.claims.outcomes import FAILED_AT_SOME, HELD_AT_SOME, IN_PART, MIXED
from sgdphysics.report.pictures import Figure
from sgdphysics.report.seed_means import Interval
from sgdphysics.report.text import NOTHING, number, plain_html

# Classes of the style sheet by verdict and outcome; all others are open.
_CLASSES = {
    **dict.fromkeys(("holds", "checked", "held", "replicated"), "replicated"),
    **dict.fromkeys(("not reproduced", "failed", "not replicated"), "failed"),
    **dict.fromkeys(("reproduced", "reproduced, not specific", *IN_PART.values(), "partly"), "partly"),
    **dict.fromkeys((MIXED, HELD_AT_SOME, FAILED_AT_SOME), "partly"),
    "reported": "reported",
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


def text(*sentences: str) -> Shown:
    """Return sentences as a list of points, in Markdown."""
    return Shown("text/markdown", "\n".join(f"- {sentence}" for sentence in sentences), "text")


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


def picture(figure: Figure) -> Shown:
    """Return a figure with its caption."""
    name = plain_html(figure.name)
    return Shown(
        "text/html",
        f'<figure id="{name}"><div class="picture" tabindex="0" role="region" aria-label="{name}">'
        f'<img src="{figure.picture}" width="{figure.width}" height="{figure.height}" '
        f'alt="{plain_html(figure.alternative)}"></div>'
        f"<figcaption>{figure.caption}</figcaption></figure>",
        f"figure {figure.name}",
    )


def _cell(value: Any) -> str:
    if isinstance(value, Code):
        return f"<code>{plain_html(value.text)}</code>"
    if isinstance(value, Outcome):
        return f'<span class="{_CLASSES.get(value.text, "open")}">{plain_html(value.text)}</span>{_note(value.note)}'
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
