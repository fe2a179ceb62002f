"""Whether the jobs of a study would now be run with other settings than they were; comments and order do not count."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.provenance import commits
from sgdphysics.provenance.audit import Cause, Verdict
from sgdphysics.provenance.record import Job, Record
from sgdphysics.study import inheritance
from sgdphysics.study.inheritance import first_change

CLAIMS, DATA_SETS = "config/claims.yaml", "config/datasets.yaml"
# What a file of settings says, given its path and, if this is not to be read, its content; raises `InputError` where it says none.
Parse = Callable[[Path, bytes | None], Any]


@dataclass(frozen=True)
class _Catalogues:
    """Settings beside those of the study: the claims, and the entries of the data sets, without where they are fetched from, and
    where these are.
    """

    claims: Any
    data_sets: list[Any]
    data_sets_file: str


def outdated(record: Record, parse: Parse) -> Callable[[Job], Verdict | None]:
    """Return what says of a job why it would not be run as it was, or None where it would; for `audit.verdicts`.

    A job that was taken over as published is measured by the claims and data sets of its own commit.
    """
    try:
        settings = _current_settings(record, parse)
        catalogues = _catalogues(record, parse, record.commit)
    except (InputError, KeyError, TypeError, AttributeError) as error:
        unreadable = Verdict(Cause.UNREADABLE_SETTINGS, (str(error),))
        return lambda job: unreadable
    change = first_change(record.facts["settings"], settings)

    @cache
    def catalogues_at(commit: str) -> _Catalogues:
        try:
            return _catalogues(record, parse, commit)
        except (InputError, KeyError, TypeError, AttributeError):
            return catalogues

    def since(job: Job) -> Verdict | None:
        job_catalogues = catalogues_at(job.commit)
        if "claims" in job.parameters and job.parameters["claims"] != job_catalogues.claims:
            return _other_settings(CLAIMS)
        if job.parameters.get("entry") is not None and job.parameters["entry"] not in job_catalogues.data_sets:
            return _other_settings(job_catalogues.data_sets_file)
        return _other_settings(change) if change else None

    return since


def _other_settings(change: str) -> Verdict:
    return Verdict(Cause.OTHER_SETTINGS, (change,))


def _current_settings(record: Record, parse: Parse) -> Any:
    studies = inheritance.resolved(_configuration(record, parse, record.commit))["studies"]
    if record.study not in studies:
        raise InputError(f"there is no study {record.study!r}")
    return studies[record.study]


def _configuration(record: Record, parse: Parse, commit: str) -> Any:
    """The files of settings as the jobs of a commit used them, laid over each other, and what the command line set besides."""
    config: Any = {}
    for name in record.facts["configuration_files"]:
        config = inheritance.merged(config, parse(record.root / name, _content(record, name, commit)))
    return inheritance.merged(config, record.facts["command_line_settings"])


def _catalogues(record: Record, parse: Parse, commit: str) -> _Catalogues:
    def file(name: str) -> Any:
        return parse(record.root / name, _content(record, name, commit))

    claims, registry = file(CLAIMS)["claims"], file(DATA_SETS)["datasets"]
    further = _configuration(record, parse, commit).get("datasets", {})
    entries = [{key: value for key, value in entry.items() if key != "mirrors"} for entry in {**registry, **further}.values()]
    return _Catalogues(claims, entries, f"{DATA_SETS}, or datasets of the configuration" if further else DATA_SETS)


def _content(record: Record, name: str, commit: str) -> bytes | None:
    """A file of settings as the jobs of a commit used it, if it can be had; else it is read as it is now."""
    if commit == record.commit or record.left_out is None:
        return record.source(name)
    content = commits.content(record.root, commit, name)
    return record.source(name) if content is None else content
