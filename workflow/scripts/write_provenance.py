"""Write the record of a study: a Provenance Run Crate, a copy of its settings, and how to check both."""

import importlib.metadata
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of, write_atomically
from sgdphysics.provenance import commits, crate, job_records, jobs, lineage, repository, rule_dates, surroundings
from sgdphysics.provenance.places import NOT_KNOWN, is_outside, recorded_name, without_places
from sgdphysics.provenance.reading import load_crate
from sgdphysics.provenance.record import Record
from sgdphysics.study.parameters import StudyParameters
from sgdphysics.tensors import load_metadata

README = """# The record of study {study}

`ro-crate-metadata.json` is a Provenance Run Crate 0.5 (https://w3id.org/ro/wfrun/provenance/0.5): for every job of the study its
rule, script, library files, inputs, outputs with sha256, settings, seeds, times, memory and package versions. `settings.yaml`
has the complete settings. Paths are relative; a file outside of the project has its name and sum only, and of settings from
there what they say. Logs, and the times of files, are not part of the record. To check any file against it, from the root of the
project:

    sgdphysics audit figures/{study}/feng2021_fig2.pdf
    sgdphysics audit --all --study {study}

`manifest.txt` has the sums of the record and of the report page, which prints the sum of this file: the anchor of the study.
Whoever compares it with the one that was published (`--record-sum`) has compared them all.
"""
LICENCE = "https://spdx.org/licenses/MIT.html"


def write(
    study: str,
    results: Sequence[str],
    further: Sequence[str],
    details: Mapping[str, Any],
    outputs: Mapping[str, Path],
    earlier_crate: Path | None = None,
) -> None:
    """Write the record.

    Args:
        study: Its name.
        results: Paths of all that its jobs made.
        further: Paths of files that belong to the record besides: workflow, configuration, code that writes the record.
        details: "settings", "dataset" (its entry), "configuration" (paths of the files of settings), "command_line", and "logs",
            folders with records of jobs.
        outputs: Paths of "crate", "settings" and "readme".
        earlier_crate: The study's record as it was published, whose jobs explain results that have no record beside their log; it
            may lie where the new one is written.
    """
    earlier = load_crate(earlier_crate, Path(), study) if earlier_crate else None
    earlier_sum = sha256_of(earlier_crate) if earlier_crate else ""
    records = dict(crate.jobs_behind(results, records_of_jobs(details["logs"], earlier)))
    check_parameters(study, records.values(), details["settings"])
    if earlier:
        records = {path: with_packages(record, earlier) for path, record in records.items()}
    settings = yaml.safe_dump(details["settings"], sort_keys=False, default_flow_style=None, allow_unicode=True, width=100)
    write_atomically(outputs["settings"], lambda path: path.write_text(settings, encoding="utf-8"))
    write_atomically(outputs["readme"], lambda path: path.write_text(README.format(study=study), encoding="utf-8"))
    configuration = {recorded_name(path, sha256_of(path)): Path(path) for path in details["configuration"]}
    state = repository.state_of(Path(), sources(further, records.values()))
    changed = sorted({*state.changed_files, *(used_otherwise(records.values()) if commits.is_commit(state.commit) else ())})
    # Results are no changes of that from which they are made: they may be in the repository, as published before.
    made, folders = {name for record in records.values() for name in record["outputs"]}, (f"results/{study}/", f"figures/{study}/")
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
            command_line_settings=without_places(details["command_line"]),
            configuration_files=list(configuration),
            files=sums([*further, str(outputs["settings"]), str(outputs["readme"])], list(records.values()), earlier),
            commit=state.commit,
            changed_files=[name for name in changed if name not in made and not name.startswith(folders)],
            packages=packages(records.values()),
            snakemake=importlib.metadata.version("snakemake"),
            data_sets=data_set(details["settings"]["dataset"], details["dataset"], earlier),
            earlier=lineage.earlier_records(earlier, earlier_sum, records.values(), state.commit) if earlier else (),
            outside_settings={name: said_in(path) for name, path in configuration.items() if is_outside(name)},
            rules=rules(f"results/{study}/claims.csv", records.values(), earlier),
        ),
        with_differing_sums(records),
    )
    text = json.dumps(metadata, indent=1, ensure_ascii=False) + "\n"
    write_atomically(outputs["crate"], lambda path: path.write_text(text, encoding="utf-8"))


def records_of_jobs(logs: Iterable[str], earlier: Record | None) -> dict[str, Mapping[str, Any]]:
    """The records that jobs left beside their logs in these folders, and those of an earlier record of the study, by path."""
    paths = sorted(path for folder in logs for path in Path(folder).rglob(f"*{job_records.SUFFIX}"))
    local = {str(path): job_records.load(path) for path in paths}
    return lineage.joined(lineage.jobs_of_published(earlier), local) if earlier else local


def check_parameters(study: str, records: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]) -> None:
    """Raise `InputError` where a job was given other parameters than the settings say that are to be recorded with it."""
    expected = StudyParameters(settings)
    for record in records:
        is_new = "commit" not in record and record["wildcards"].get("study", study) == study
        if is_new and (difference := expected.first_difference(record["params"], record["wildcards"])):
            raise InputError(f"{record['rule']}, {', '.join(record['outputs'])}: {difference}; run Snakemake again")


def sources(further: Iterable[str], records: Iterable[Mapping[str, Any]]) -> set[str]:
    """Files of the project that the commit ought to have: code of the jobs that were not taken over, workflow, configuration."""
    made_here = [record for record in records if "commit" not in record]
    code = {name for record in made_here for name in (*record["code"], *record.get("plumbing", {}))}
    return {name for name in code.union(recorded_name(path, sha256_of(path)) for path in further) if not is_outside(name)}


def used_otherwise(records: Iterable[Mapping[str, Any]]) -> set[str]:
    """Code of the jobs that were not taken over that is not today as they used it: to compare that of today says nothing of it."""
    used = {pair for record in records if "commit" not in record for pair in record["code"].items()}
    return {path for path, sha256 in used if not Path(path).is_file() or sha256_of(Path(path)) != sha256}


def sums(paths: Iterable[str], records: Sequence[Mapping[str, Any]], earlier: Record | None = None) -> dict[str, dict[str, Any]]:
    """Sum and size of every file: outputs as their jobs left them, all others as they are; of those outside of the project the sum.

    Code of jobs that were taken over from the earlier record is among them only where it still is as they used it.
    """
    entries: dict[str, dict[str, Any]] = {}
    for record in records:
        code = {} if "commit" in record else record["code"]
        for path, sha256 in [*code.items(), *record["inputs"].items()]:
            entries.setdefault(path, {"sha256": sha256} if is_outside(path) else {"sha256": sha256, "bytes": size(path, earlier)})
        entries |= record["outputs"]
    for path in paths:
        sha256 = sha256_of(Path(path))
        name = recorded_name(path, sha256)
        entries.setdefault(name, {"sha256": sha256} if is_outside(name) else {"sha256": sha256, "bytes": size(path)})
    earlier_code = {pair for record in records if "commit" in record for pair in record["code"].items()}
    for path, sha256 in sorted(earlier_code):
        if path not in entries and Path(path).is_file() and sha256_of(Path(path)) == sha256:
            entries[path] = {"sha256": sha256, "bytes": size(path)}
    return entries


def size(path: str, earlier: Record | None = None) -> int:
    """Bytes of a file; as the earlier record has it, where this copy of the study leaves it out."""
    if earlier and path in earlier.sizes and not Path(path).is_file():
        return earlier.sizes[path]
    return Path(path).stat().st_size


def said_in(path: Path) -> Any:
    """What a file of settings says, without the folders of this machine."""
    return without_places(yaml.safe_load(path.read_bytes()))


def rules(ledger: str, records: Iterable[Mapping[str, Any]], earlier: Record | None) -> Mapping[str, rule_dates.RuleDate]:
    """When the rules were last changed by which the ledger was decided; of one that was taken over what the earlier record says."""
    job = next((record for record in records if ledger in record["outputs"]), None)
    if job is None or (earlier and "commit" in job):
        return earlier.rules if job and earlier else {}
    return rule_dates.dates_of(Path(), job["params"].get("claims", []), job["code"], parsed)


def parsed(content: bytes) -> Any:
    """What YAML says, read by the library in C where it is there: a ledger has many versions."""
    try:
        return getattr(yaml, "CSafeLoader", yaml.SafeLoader)(content).get_single_data()
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(str(error)) from None


def with_differing_sums(records: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The records of jobs, of the sums of packages only those of packages of which jobs had different ones."""
    several = {name for name, found in sums_of_packages(records.values()).items() if len(found) > 1}
    changed = {}
    for path, record in records.items():
        kept = {name: sha256 for name, sha256 in record.get("package_sums", {}).items() if name in several}
        rest = {key: value for key, value in record.items() if key != "package_sums"}
        changed[path] = {**rest, "package_sums": kept} if kept else rest
    return changed


def with_packages(record: Mapping[str, Any], earlier: Record) -> dict[str, Any]:
    """The record of a job; one that was taken over has of packages what the earlier record says of the study as a whole."""
    if "commit" not in record:
        return dict(record)
    facts = {name: earlier.package_facts.get(name, {}) for name in record["packages"]}
    sums_of_all = {name: of["sha256"] for name, of in facts.items() if "sha256" in of and " and " not in of["sha256"]}
    altered = surroundings.altered_in(record, facts)
    return {**record, "package_sums": {**sums_of_all, **record.get("package_sums", {})}, "altered_packages": altered}


def sums_of_packages(records: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """The sums over the files of each package that jobs found."""
    by_name: dict[str, set[str]] = {}
    for record in records:
        for name, sha256 in record.get("package_sums", {}).items():
            by_name.setdefault(name, set()).add(sha256)
    return by_name


def packages(records: Collection[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Version of each package that a job loaded, the sum over its files and what of them was altered; where jobs differ, all."""
    found = sums_of_packages(records)
    by_name: dict[str, set[str]] = {}
    for record in records:
        for name, version in record["packages"].items():
            by_name.setdefault(name, set()).add(version)
    return {
        name: {
            "version": " and ".join(sorted(versions)),
            **({"sha256": " and ".join(sorted(found[name]))} if name in found else {}),
            "description": state_of_package(name, [record for record in records if name in record["packages"]]),
        }
        for name, versions in sorted(by_name.items())
    }


def state_of_package(name: str, records: Collection[Mapping[str, Any]]) -> str:
    """What was altered of a package when these jobs loaded it, as far as they say."""
    if name == job_records.PACKAGE:
        return "jobs run the code of this project in its place"
    if all(record["packages"][name] == NOT_KNOWN for record in records):
        return f"{NOT_KNOWN}: it has no metadata"
    told = [record["altered_packages"].get(name, []) for record in records if "altered_packages" in record]
    silent = [] if len(told) == len(records) else [f"{NOT_KNOWN}: not all jobs that loaded it looked"]
    return surroundings.text_of([*(file for files in told for file in files), *silent])


def data_set(name: str, entry: Mapping[str, Any], earlier: Record | None = None) -> dict[str, dict[str, Any]]:
    """Where the data came from, with the sums of what was read; as the earlier record has it, where the data is not here."""
    path = Path("data") / f"{name}.safetensors"
    if earlier and str(path) in earlier.data_sets and not path.is_file():
        return {str(path): dict(earlier.data_sets[str(path)])}
    metadata = load_metadata(path, "origin", "files_sha256", "arrays_sha256")
    sources = Path("data") / name / "sources.json"
    mirrors = json.loads(sources.read_text(encoding="utf-8")) if sources.is_file() else {}
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
            Path(snakemake.params.earlier_crate) if snakemake.params.get("earlier_crate") else None,
        )
