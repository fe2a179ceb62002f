"""The report page of a study: what was claimed and found, the figures, and what it took, in one file that needs no network.

Tables, figures and texts go in, HTML comes out. All text is escaped by the template; only captions (converted by docutils, without
raw HTML or other files), the style sheet and the scripts are taken as they are, and only those scripts may run.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from sgdphysics.claims import counts, words
from sgdphysics.claims.outcomes import SOURCES, VERDICTS
from sgdphysics.errors import InputError
from sgdphysics.provenance import audit
from sgdphysics.provenance.confirmation import page_line
from sgdphysics.provenance.rule_order import summary
from sgdphysics.report.claims import Claim, Test, claims, rule_orders
from sgdphysics.report.origin import citations, dataset, record_facts, settings_text
from sgdphysics.report.pictures import Figure, figure
from sgdphysics.report.plane import COMPARISONS, plane, plane_means
from sgdphysics.report.stages import Stage, stages, total
from sgdphysics.report.text import duration, interval, memory

__all__ = [
    "COMPARISONS",
    "VERDICTS",
    "Claim",
    "Figure",
    "Stage",
    "Test",
    "citations",
    "claims",
    "dataset",
    "duration",
    "figure",
    "interval",
    "memory",
    "page",
    "plane",
    "plane_means",
    "stages",
    "study_content",
    "total",
]


def study_content(
    study: str,
    tables: Mapping[str, pd.DataFrame],
    figures: Mapping[Path, Path],
    citation: Mapping[str, Any],
    record: audit.Record,
    details: Mapping[str, Any],
) -> dict[str, Any]:
    """Return everything that the template shows.

    Args:
        study: Its name.
        tables: "claims", "tests" (``claim_tests.csv``) and "points" (``feng2023_points.csv``).
        figures: Caption file by picture file.
        citation: Content of a ``CITATION.cff``.
        record: The study's record.
        details: "scale", "stated" (by claim), "papers" (name by key, in the order in which figures stand), "notebooks" (page by
            key), "settings" and "dataset" (its entry of ``datasets.yaml``).

    Raises:
        InputError: If a file is missing or not what it should be, or a table lacks a column.
    """
    found = rule_orders(tables["tests"], record)
    entries = claims(tables["claims"], tables["tests"], details["stated"], found)
    parts = stages(record.jobs)
    return {
        "study": study,
        "scale": details["scale"],
        "papers": details["papers"],
        "notebooks": details["notebooks"],
        "claims": entries,
        "tally": counts.by_source(tables["claims"]),
        "rules": summary(found),
        "notes": [words.as_sentence(note) for note in counts.notes(tables["claims"])],
        "sources": SOURCES,
        "first_edition": "as_published" not in tables["claims"],
        "figures": _by_paper([figure(picture, caption) for picture, caption in figures.items()], details["papers"]),
        "comparisons": COMPARISONS,
        "plane": plane(tables["points"]),
        "plane_means": plane_means(tables["points"]),
        "settings": settings_text(details["settings"]),
        "dataset": dataset(details["settings"]["dataset"], details["dataset"]),
        "record": record_facts(record),
        "anchor_line": Markup(page_line(study, "")),
        "stages": parts,
        "total": total(parts),
        "citations": citations(citation),
    }


def _slug(text: str) -> str:
    """Words as the name of a class of the style sheet."""
    return re.sub(r"\W+", "-", text)


def _by_paper(figures: Sequence[Figure], papers: Iterable[str]) -> dict[str, list[Figure]]:
    """Figures by the key of their paper, in the order of the keys; those of no paper that is named come last."""
    keys = dict.fromkeys([*papers, *(shown.paper for shown in figures)])
    groups = {key: [shown for shown in figures if shown.paper == key] for key in keys}
    return {key: group for key, group in groups.items() if group}


def page(template: str, style: str, scripts: Mapping[str, str], content: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        template: Jinja2 template; all that it shows is escaped.
        style: The style sheet.
        scripts: Scripts by name; the page forbids all others, and all loading from elsewhere.
        content: Everything else that the template shows.

    Raises:
        InputError: If a script or style sheet would end its own element.
    """
    for name, text in {**scripts, "style sheet": style}.items():
        if re.search(r"</(script|style)|<!--", text, re.IGNORECASE):
            raise InputError(f"{name}: must not hold the end of a script or style element, or a comment of HTML")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"duration": duration, "memory": memory, "breakable": _breakable, "slug": _slug}
    return environment.from_string(template).render(
        content,
        style=Markup(style),
        scripts={name: Markup(text) for name, text in scripts.items()},
        script_hashes=[_hash(text) for text in scripts.values()],
    )


def _hash(text: str) -> str:
    """By which a browser knows a script that may run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _breakable(name: str) -> Markup:
    """Let a long name break after its underscores."""
    return Markup("_<wbr>").join(name.split("_"))
