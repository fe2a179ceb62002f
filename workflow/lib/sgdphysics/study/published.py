"""Studies that were published with the code: their tables are taken as they are, as sources on which more can be made.

A study is published where ``results/<study>/provenance/not_kept.txt`` says what was left out of it.
"""

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.study.configuration import read
from sgdphysics.study.inheritance import first_change

NOT_KEPT = "provenance/not_kept.txt"
CRATE = "provenance/ro-crate-metadata.json"
SETTINGS = "provenance/settings.yaml"


def studies_in(root: Path, studies: Mapping[str, Any], chosen: str) -> list[str]:
    """Return those of the complete studies whose tables are there as published, and those that are set beside one of them.

    Args:
        root: Folder of the project.
        studies: Complete studies by name.
        chosen: The study that is to be made: set beside a published one, it is none of them.
    """
    published = [name for name in studies if (root / "results" / name / NOT_KEPT).is_file()]
    compared = [other for name in published for other in studies[name]["feng2021"]["compared_studies"]]
    return sorted({*published, *compared} - ({chosen} - set(published)))


def has_record(root: Path, study: str) -> bool:
    """Return whether a study has a record, and does not only stand beside one that has."""
    return (root / "results" / study / CRATE).is_file()


def check_settings(root: Path, taken: Collection[str], studies: Mapping[str, Any]) -> None:
    """Check that studies whose tables are taken have the settings with which they were published.

    Settings that the published study does not know are not compared: they came later.

    Args:
        root: Folder of the project.
        taken: Names of the studies whose tables are taken.
        studies: Complete studies by name.

    Raises:
        InputError: If one has another setting: what was made on its tables would be told as made with that.
    """
    for name in taken:
        settings = root / "results" / name / SETTINGS
        if settings.is_file():
            published = read(settings, settings.as_posix())
            if change := first_change(published, _known_to(published, studies[name])):
                raise InputError(
                    f"studies.{name}: its tables are taken as they were published, but {change}; "
                    "another study may have other settings, or --config published_tables=made makes the tables anew"
                )


def _known_to(published: Any, settings: Any) -> Any:
    """Settings without those that a published study does not know."""
    if not (isinstance(published, Mapping) and isinstance(settings, Mapping)):
        return settings
    return {key: _known_to(published[key], value) for key, value in settings.items() if key in published}


def line(root: Path, study: str) -> str:
    """Return one line that says that the tables of a study are taken as published, by which commit, and how to make them anew."""
    commit = _commit(root / "results" / study / CRATE)
    origin = f" (made at commit {commit[:10]})" if commit else ""
    return (
        f"Study {study}: its tables are taken as published{origin}; nothing is trained or measured. "
        "To make them anew: --config published_tables=made"
    )


def _commit(crate: Path) -> str:
    """The commit at which a record was written; empty where that is not known."""
    try:
        entities = json.loads(crate.read_text(encoding="utf-8"))["@graph"]
        commit = next(entity["value"] for entity in entities if entity["@id"] == "#study/commit")
        return commit if re.fullmatch("[0-9a-f]+", commit) else ""  # else it is not known
    except (OSError, ValueError, LookupError, TypeError, StopIteration):
        return ""
