"""Where the results of a study come from: settings, data set, record, and the works to cite."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sgdphysics.errors import InputError, one_line
from sgdphysics.provenance import audit, commits, surroundings
from sgdphysics.provenance.places import without_places
from sgdphysics.report.text import listed


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return the settings of a study as YAML, in their own order."""
    return yaml.safe_dump(settings, sort_keys=False, default_flow_style=None, allow_unicode=True, width=88)


def dataset(name: str, entry: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what there is to know of a data set: lines of text by what they say.

    Args:
        name: Of the data set.
        entry: Of ``datasets.yaml``.
    """
    sources = {
        "embedded": [f"comes with a Python package, loader {entry.get('loader')}"],
        "idx_download": [f"downloaded from {mirror}" for mirror in entry.get("mirrors", [])],
        "idx_directory": [_own_files(entry.get("directory"))],
    }
    checksums = [f"{file}: {details['sha256']}" for file, details in entry.get("files", {}).items()]
    checksums += [entry["sha256"]] if entry.get("sha256") else []
    shape = entry.get("image_shape")
    known = {
        "data set": [f"{name}, version {entry.get('version', 'not given')}"],
        "what it is": [entry.get("description")],
        "source": sources.get(str(entry.get("kind")), []),
        "licence": [entry.get("licence")],
        "to cite": [entry.get("citation")],
        "images": [_image_size(shape) if shape else None],
        "classes": [entry.get("classes")],
        "training images": [f"{entry['training_images']:,}" if entry.get("training_images") else None],
        "SHA-256": checksums or ["none is asked for"],
    }
    lines = {subject: [str(line) for line in texts if line is not None] for subject, texts in known.items()}
    return {subject: texts for subject, texts in lines.items() if texts}


def _image_size(shape: Sequence[int]) -> str:
    return f"{' × '.join(map(str, shape))} pixels" if len(shape) > 1 else f"{shape[0]:,} numbers each"


def _own_files(directory: Any) -> str:
    """Own files with their folder, if it is one of the project: others are nobody's business."""
    is_within = directory is not None and without_places(directory) == directory
    return f"own files in {directory}" if is_within else "own files"


def record_facts(record: audit.Record) -> dict[str, Any]:
    """Return the sum of a study's record as it is today, and what the record says of code, machines and versions.

    "commit" is empty where it is not known, which then is "no_commit", with the reason.
    """
    is_known = commits.is_commit(record.commit)
    return {
        "sha256": record.today(record.crate),
        "commit": record.commit if is_known else "",
        "no_commit": "" if is_known else commits.not_known(record.commit),
        "changed_files": record.facts["changed_files"],
        "machines": record.machines,
        "devices": sorted({job.environment["device"] for job in record.jobs}),
        "pythons": sorted({job.environment["python"] for job in record.jobs}),
        "packages": record.packages,
        "variables": surroundings.variables(record.jobs),
        "altered_packages": {name: listed(files) for name, files in surroundings.altered(record, record.jobs).items()},
    }


def load_citation(path: Path) -> dict[str, Any]:
    """Read a ``CITATION.cff``; raises `InputError` where it cannot be read or is not one."""
    try:
        return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a readable citation ({one_line(error)})") from None


def citations(citation: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the software and the works that it refers to, each as "text" and "doi" (may be empty).

    Args:
        citation: Content of a ``CITATION.cff``.

    Raises:
        InputError: If a field that a citation needs is missing.
    """
    try:
        software = f"{_authors(citation)}. {citation['title']}. Version {citation['version']}. Licence: {citation['license']}."
        works = [{"text": _article(work), "doi": work.get("doi", "")} for work in citation["references"]]
    except KeyError as error:
        raise InputError(f"CITATION.cff: no {error.args[0]}") from None
    return [{"text": software, "doi": citation.get("doi", "")}, *works]


def _article(work: Mapping[str, Any]) -> str:
    issue = f"({work['issue']})" if "issue" in work else ""
    pages = f"{work['start']}–{work['end']}" if "end" in work else work["start"]
    return f"{_authors(work)}. {work['title']}. {work['journal']} {work['volume']}{issue}, {pages} ({work['year']})."


def _authors(work: Mapping[str, Any]) -> str:
    return listed([author.get("name") or f"{author['given-names']} {author['family-names']}" for author in work["authors"]])
