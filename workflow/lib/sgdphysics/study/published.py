"""Studies that were published with the code: their tables are taken as they are, as sources on which more can be made.

A study is published where ``results/<study>/provenance/not_kept.txt`` says what was left out of it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NOT_KEPT = "provenance/not_kept.txt"
CRATE = "provenance/ro-crate-metadata.json"


def studies_in(root: Path, studies: Mapping[str, Any]) -> list[str]:
    """Return those of the complete studies whose tables are there as published, and those that are set beside one of them.

    Args:
        root: Folder of the project.
        studies: Complete studies by name.
    """
    published = [name for name in studies if (root / "results" / name / NOT_KEPT).is_file()]
    compared = [other for name in published for other in studies[name]["feng2021"]["compared_studies"]]
    return sorted({*published, *compared})


def line(root: Path, study: str) -> str:
    """Return one line that says that the tables of a study are taken as published, by which commit, and how to make them anew."""
    commit = _commit(root / "results" / study / CRATE)
    origin = f" (made at commit {commit[:10]})" if commit else ""
    return (
        f"Study {study}: its tables are taken as published{origin}; nothing is trained or measured. "
        "To make them anew: --config published_tables=made"
    )


def _commit(crate: Path) -> str:
    """The commit at which a record was written; empty where that cannot be read."""
    try:
        entities = json.loads(crate.read_text(encoding="utf-8"))["@graph"]
        return next(entity["value"] for entity in entities if entity["@id"] == "#study/commit")
    except (OSError, ValueError, LookupError, TypeError, StopIteration):
        return ""
