"""Write the record of a study: a Provenance Run Crate, a copy of its settings, and how to check both."""

import base64
import hashlib
import importlib.metadata
import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sgdphysics.files import sha256_of, write_atomically
from sgdphysics.provenance import crate, job_records, jobs
from sgdphysics.tensors import load_metadata

README = """# The record of study {study}

`ro-crate-metadata.json` is a Provenance Run Crate 0.5 (https://w3id.org/ro/wfrun/provenance/0.5): for every job of the study its
rule, script, library files, inputs, outputs with sha256, settings, seeds, times, memory and package versions. `settings.yaml`
has the complete settings. Paths are relative; logs and times are not part of the record. To check any file against it, from
the root of the project:

    sgdphysics audit figures/{study}/feng2021_fig2.pdf
    sgdphysics audit --all --study {study}

The report page of the study prints the sha256 of the record.
"""
LICENCE = "https://spdx.org/licenses/MIT.html"


def write(
    study: str, results: Sequence[str], further: Sequence[str], details: Mapping[str, Any], outputs: Mapping[str, Path]
) -> None:
    """Write the record.

    Args:
        study: Its name.
        results: Paths of all that its jobs made.
        further: Paths of files that belong to the record besides: workflow, configuration, code that writes the record.
        details: "settings", "dataset" (its entry), "configuration", "command_line", and "logs", folders with records of jobs.
        outputs: Paths of "crate", "settings" and "readme".
    """
    found = (path for folder in details["logs"] for path in Path(folder).rglob(f"*{job_records.SUFFIX}"))
    behind = crate.jobs_behind(results, {str(path): job_records.load(path) for path in sorted(found)})
    settings = yaml.safe_dump(details["settings"], sort_keys=False, default_flow_style=None, allow_unicode=True, width=100)
    write_atomically(outputs["settings"], lambda path: path.write_text(settings))
    write_atomically(outputs["readme"], lambda path: path.write_text(README.format(study=study)))
    commit, changed = state_of_repository()
    metadata = crate.build(
        crate.Study(
            name=study,
            description=f"Figures, tables and verdicts of study {study}, with what made each of them",
            folder=str(outputs["crate"].parent),
            workflow="Snakefile",
            licence=LICENCE,
            developers="The sgdphysics developers",
            settings=details["settings"],
            settings_file=str(outputs["settings"]),
            command_line_settings=details["command_line"],
            configuration_files=details["configuration"],
            files=sums([*further, str(outputs["settings"]), str(outputs["readme"])], behind.values()),
            commit=commit,
            changed_files=changed,
            packages=packages(behind.values()),
            snakemake=importlib.metadata.version("snakemake"),
            data_sets=data_set(details["settings"]["dataset"], details["dataset"]),
        ),
        behind,
    )
    text = json.dumps(metadata, indent=1, ensure_ascii=False) + "\n"
    write_atomically(outputs["crate"], lambda path: path.write_text(text, encoding="utf-8"))


def sums(further: Iterable[str], behind: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Sum and size of every file: outputs as their jobs left them, all others as they are."""
    found: dict[str, dict[str, Any]] = {}
    for record in behind:
        for path, sha256 in [*record["code"].items(), *record["inputs"].items()]:
            found.setdefault(path, {"sha256": sha256, "bytes": Path(path).stat().st_size})
        found |= record["outputs"]
    for path in further:
        found.setdefault(path, {"sha256": sha256_of(Path(path)), "bytes": Path(path).stat().st_size})
    return found


def state_of_repository() -> tuple[str | None, list[str]]:
    """The commit, and the files that differ from it; nothing where this is no repository."""
    try:
        commit, status = (
            subprocess.run(["git", *command], capture_output=True, text=True, check=True).stdout
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )
    except (OSError, subprocess.CalledProcessError):
        return None, []
    return commit.strip(), [line[3:] for line in status.splitlines()]


def packages(behind: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Version of each package that a job loaded, and the sum over its installed files, here where the record is written."""
    loaded: dict[str, set[str]] = {}
    for record in behind:
        for name, version in record["packages"].items():
            loaded.setdefault(name, set()).add(version)
    return {
        name: {"version": " and ".join(sorted(versions)), **installed(name, versions)} for name, versions in sorted(loaded.items())
    }


def installed(name: str, versions: set[str]) -> dict[str, str]:
    """Sum over the installed files of a package of that one version, and those that differ from the package's own list."""
    try:
        if {importlib.metadata.version(name)} != versions:
            return {"description": "another version is installed now"}
    except importlib.metadata.PackageNotFoundError:
        return {"description": "not installed any more"}
    total, altered = hashlib.sha256(), []
    for file in sorted(importlib.metadata.files(name) or [], key=str):
        path = Path(file.locate())
        if file.hash and path.is_file():
            with path.open("rb") as content:
                found = hashlib.file_digest(content, "sha256").digest()
            total.update(str(file).encode() + b"\0" + found)
            if base64.urlsafe_b64encode(found).decode().rstrip("=") != file.hash.value:
                altered.append(str(file))
    return {"sha256": total.hexdigest(), "description": f"altered since installation: {', '.join(altered) or 'nothing'}"}


def data_set(name: str, entry: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Where the data came from, with the sums of what was read."""
    path = Path("data") / f"{name}.safetensors"
    metadata = load_metadata(path)
    sources = Path("data") / name / "sources.json"
    mirrors = json.loads(sources.read_text()) if sources.is_file() else {}
    facts = {
        "name": name,
        **{key: str(entry[key]) for key in ("description", "version", "licence", "citation")},
        "origin": metadata["origin"],
        "mirrors": {file: source["mirror"] for file, source in mirrors.items()},
        "payload_sha256": metadata["files_sha256"] or metadata["arrays_sha256"],
    }
    return {str(path): facts}


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        write(
            snakemake.wildcards.study,
            list(snakemake.input.results),
            [*snakemake.input.workflow, *snakemake.input.page, *snakemake.input.code],
            {key: snakemake.params[key] for key in ("settings", "dataset", "configuration", "command_line", "logs")},
            {name: Path(snakemake.output[name]) for name in ("crate", "settings", "readme")},
        )
