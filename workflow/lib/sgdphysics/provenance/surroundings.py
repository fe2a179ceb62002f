"""What was around the jobs of a record and could have reached their results: variables, and packages that were altered."""

from collections.abc import Iterable, Mapping
from typing import Any

from sgdphysics.provenance.places import NOT_KNOWN
from sgdphysics.provenance.record import Job, Record

ALTERED = "altered since installation: "  # how begins what a record says of a package as a whole
NOTHING = "nothing"


def variables(jobs: Iterable[Job]) -> list[str]:
    """Return what was set where jobs ran and could have reached them, as NAME=value; see `sgdphysics.job_environment.recorded`."""
    of_jobs = (job.environment.get("variables") for job in jobs)  # older records have none
    return sorted({f"{name}={value}" for found in of_jobs if isinstance(found, dict) for name, value in found.items()})


def altered(record: Record, jobs: Iterable[Job]) -> dict[str, list[str]]:
    """Return what of installed packages was altered when these jobs loaded them, by package; or that this is not known and why.

    Earlier records say it of the study as a whole, as it was when they were written.
    """
    found: dict[str, set[str]] = {}
    for job in jobs:
        for name, files in altered_in(job.environment, record.package_facts).items():
            found.setdefault(name, set()).update(files)
    return {name: sorted(files) for name, files in sorted(found.items())}


def altered_in(environment: Mapping[str, Any], facts: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """Return what of packages was altered for one job, by package.

    Args:
        environment: Of the job.
        facts: What its record says of each package as a whole, which counts where the job itself says nothing.
    """
    told = environment.get("altered_packages")
    if isinstance(told, dict):
        return {name: list(map(str, files)) for name, files in told.items() if isinstance(files, list)}
    loaded = environment.get("packages")
    descriptions = {name: str(facts.get(name, {}).get("description", "")) for name in (loaded if isinstance(loaded, dict) else ())}
    texts = {name: text.removeprefix(ALTERED) for name, text in descriptions.items() if text.startswith(ALTERED)}
    return {name: text.split(", ") if is_certain([text]) else [text] for name, text in texts.items() if text != NOTHING}


def is_certain(files: Iterable[str]) -> bool:
    """Return whether something was altered for certain; see `altered`."""
    return any(not file.startswith(NOT_KNOWN) for file in files)


def text_of(files: Iterable[str]) -> str:
    """Return what the record of a study says of a package of which these files were altered."""
    return f"{ALTERED}{', '.join(sorted(set(files))) or NOTHING}"


def lines(record: Record, jobs: Iterable[Job]) -> list[str]:
    """Return a line on each variable and on each altered package; see `variables` and `altered`."""
    jobs = list(jobs)
    return [
        *(f"jobs ran with {variable}" for variable in variables(jobs)),
        *(f"package {name} {record.packages.get(name, '')}, {text_of(files)}" for name, files in altered(record, jobs).items()),
    ]


def are_altered(record: Record, jobs: Iterable[Job]) -> bool:
    """Return whether any of these jobs loaded a package that was altered for certain."""
    return any(map(is_certain, altered(record, jobs).values()))
