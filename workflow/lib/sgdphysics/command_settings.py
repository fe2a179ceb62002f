"""The settings of a project as they are now, for the commands that compare them with those of a record."""

from pathlib import Path
from typing import Any

import yaml

from sgdphysics.errors import InputError, one_line
from sgdphysics.provenance import on_disk
from sgdphysics.study.configuration import content_of, laid_over


def default_study(root: Path) -> str:
    """Return the study that Snakemake makes where nothing else is said; empty where that cannot be told."""
    try:
        parsed(root / "config" / "config.yaml")
        return str(laid_over(root)["study"])
    except (InputError, LookupError, TypeError):
        return ""


def superseding(root: Path, claim: str) -> list[str]:
    """Return the claims that took the place of an earlier one; none where the ledger does not say, or cannot be read."""
    try:
        entries = parsed(root / "config" / "claims.yaml").get("superseded", [])
        return [str(name) for entry in entries if entry["id"] == claim for name in entry["superseded_by"]]
    except (InputError, LookupError, TypeError, AttributeError):
        return []


def parsed(path: Path, content: bytes | None = None) -> Any:
    """Return what a file of YAML says, or this content of it; raises `InputError` with its name where that is no YAML."""
    try:
        if content is None and (kind := on_disk.found(path).instead):
            raise InputError(f"{kind}, not a file")
        return content_of(path.read_bytes() if content is None else content)
    except (OSError, yaml.YAMLError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{path.name}: {one_line(error)}") from None
