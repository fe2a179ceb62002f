"""Whether the jobs of a study would now be run with other settings than they were; comments and order do not count."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.provenance import audit, commits
from sgdphysics.provenance.audit import Cause, Verdict
from sgdphysics.provenance.commits import NotAtHandError
from sgdphysics.provenance.places import is_outside, without_places
from sgdphysics.provenance.record import Job, Record
from sgdphysics.study import inheritance
from sgdphysics.study.inheritance import first_change
from sgdphysics.study.parameters import StudyParameters

CLAIMS, DATA_SETS = "config/claims.yaml", "config/datasets.yaml"
# What a file of settings says, given its path and, if this is not to be read, its content; raises `InputError` where it says none.
Parse = Callable[[Path, bytes | None], Any]
NO_SETTINGS = (InputError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class _Settings:
    """What files of settings say; with a doubt where they are those of today, for want of the commit with those of then."""

    content: Any
    doubt: NotAtHandError | None


@dataclass(frozen=True)
class _Catalogues:
    """Settings beside those of the study: the claims, and the entries of the data sets, without where they are fetched from, and
    where these are.
    """

    claims: _Settings
    data_sets: _Settings
    data_sets_file: str


def outdated(record: Record, parse: Parse) -> Callable[[Job], Verdict | None]:
    """Return what says of a job why it was not, or would not be, run with the settings of its record; None where it was and would.

    A job that was taken over as published is measured by the settings that its own record had, and the claims and data sets of its
    own commit. For `audit.verdicts`.
    """
    changed_since = _changed_since(record, parse)
    settings = {entry["commit"]: entry["settings"] for entry in record.facts.get("earlier_records", [])}
    settings[record.commit] = record.facts["settings"]
    expected = {commit: StudyParameters(recorded) for commit, recorded in settings.items()}

    def why(job: Job) -> Verdict | None:
        wildcards = job.environment.get("wildcards", {})  # older records have none
        is_of_study = wildcards.get("study", record.study) == record.study and job.commit in expected
        if is_of_study and (difference := expected[job.commit].first_difference(job.parameters, wildcards)):
            return Verdict(Cause.OTHER_PARAMETERS, (difference,))
        return changed_since(job)

    return why


def _changed_since(record: Record, parse: Parse) -> Callable[[Job], Verdict | None]:
    """What says of a job why it would not be run as it was."""
    try:
        settings = _current_settings(record, parse)
        catalogues = _catalogues(record, parse, record.commit)
    except NO_SETTINGS as error:
        doubt = record.history.not_at_hand.get(record.commit)
        unreadable = _other_settings(str(error), doubt) if doubt else Verdict(Cause.UNREADABLE_SETTINGS, (str(error),))
        return lambda job: unreadable
    change = first_change(record.facts["settings"], settings.content)

    @cache
    def catalogues_at(commit: str) -> _Catalogues:
        try:
            return _catalogues(record, parse, commit)
        except NO_SETTINGS:
            return catalogues

    def since(job: Job) -> Verdict | None:
        job_catalogues = catalogues_at(job.commit)
        if "claims" in job.parameters and job.parameters["claims"] != job_catalogues.claims.content:
            return _other_settings(CLAIMS, job_catalogues.claims.doubt)
        entry = without_places(job.parameters.get("entry"))
        if entry is not None and entry not in job_catalogues.data_sets.content:
            return _other_settings(job_catalogues.data_sets_file, job_catalogues.data_sets.doubt)
        return _other_settings(change, settings.doubt) if change else None

    return since


def with_places(record: Record, parse: Parse) -> Record:
    """Return a record with where its files outside of the project are now, as far as the entry of their data set names a folder."""
    places: dict[str, Path] = {}
    for job in record.jobs:
        if names := [name for name in job.inputs if is_outside(name)]:
            try:
                data_set = _data_sets_today(record, parse)[job.environment["wildcards"]["dataset"]]
                folder = record.root / Path(data_set["directory"]).expanduser()
            except (*NO_SETTINGS, RuntimeError):  # of a user who has no home
                continue
            places |= {name: folder / PurePosixPath(name).name for name in names}
    return replace(record, outside=places)


def _data_sets_today(record: Record, parse: Parse) -> dict[str, Any]:
    """Entries of the data sets, those of the files of settings in the project too, as they are now."""
    files = [DATA_SETS, *(name for name in record.facts["configuration_files"] if not is_outside(name))]
    return {name: entry for file in files for name, entry in parse(record.root / file, None).get("datasets", {}).items()}


def _other_settings(change: str, doubt: NotAtHandError | None) -> Verdict:
    if doubt:
        return audit.not_at_hand(Cause.SETTINGS_NOT_AT_HAND, change, doubt)
    return Verdict(Cause.OTHER_SETTINGS, (change,))


def _current_settings(record: Record, parse: Parse) -> _Settings:
    configuration = _configuration(record, parse, record.commit)
    studies = inheritance.resolved(configuration.content)["studies"]
    if record.study not in studies:
        raise InputError(f"there is no study {record.study!r}")
    return _Settings(studies[record.study], configuration.doubt)


def _configuration(record: Record, parse: Parse, commit: str) -> _Settings:
    """The files of settings as the jobs of a commit used them, laid over each other, and what the command line set besides."""
    config: Any = {}
    doubt = None
    for name in record.facts["configuration_files"]:
        # What a file outside of the project said is in the record: that it is gone, or another, is no change of this study.
        if is_outside(name):
            config = inheritance.merged(config, record.facts["outside_settings"][name])
        else:
            file = _file(record, parse, name, commit)
            config, doubt = inheritance.merged(config, file.content), doubt or file.doubt
    return _Settings(inheritance.merged(config, record.facts["command_line_settings"]), doubt)


def _catalogues(record: Record, parse: Parse, commit: str) -> _Catalogues:
    claims, data_sets = (_file(record, parse, name, commit) for name in (CLAIMS, DATA_SETS))
    further = _configuration(record, parse, commit).content.get("datasets", {})
    entries = [
        without_places({key: value for key, value in entry.items() if key != "mirrors"})
        for entry in {**data_sets.content["datasets"], **further}.values()
    ]
    return _Catalogues(
        replace(claims, content=claims.content["claims"]),
        replace(data_sets, content=entries),
        f"{DATA_SETS}, or datasets of the configuration" if further else DATA_SETS,
    )


def _file(record: Record, parse: Parse, name: str, commit: str) -> _Settings:
    """What a file of settings says."""
    try:
        content, doubt = _content(record, name, commit), None
    except NotAtHandError as error:
        content, doubt = None, error
    return _Settings(parse(record.root / name, content), doubt)


def _content(record: Record, name: str, commit: str) -> bytes | None:
    """A file of settings as the jobs of a commit used it, if it can be had; else it is read as it is now."""
    if commit == record.commit or record.left_out is None or not commits.is_commit(commit):
        return record.source(name)
    content = record.history.content(commit, name)
    return record.source(name) if content is None else content
