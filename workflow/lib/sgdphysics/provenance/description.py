"""What the record of a study says of the study as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sgdphysics.provenance.rule_dates import RuleDate


@dataclass(frozen=True)
class Study:
    """What the record says of a study as a whole.

    Attributes:
        name: The study.
        description: One sentence.
        folder: Of the crate, relative to the root of the project.
        workflow: Path of the Snakefile.
        licence: URL of the licence of code and results.
        developers: Who publishes it.
        settings: Complete settings; also the content of the file ``settings_file``.
        settings_file: Path of the copy of the settings.
        command_line_settings: What the command line set besides.
        configuration_files: Paths of the files of settings, in the order in which later ones override earlier ones; those outside
            of the project by their recorded names.
        files: Path -> {"sha256", "bytes"} of every file that has to do with the study, a README.md in the folder among them;
            of code as it is now. Of files outside of the project, by their recorded names, "sha256" alone.
        commit: The commit of the working tree, or that it is not known and why, from `repository.state_of`.
        changed_files: Files that differ from that commit; none where it is not known.
        packages: Name -> {"version", "description"} of every package that a job loaded, with "sha256" over its installed files
            where that version still is installed.
        snakemake: Its version.
        data_sets: Path of a prepared data set -> {"name", "description", "version", "licence", "citation", "origin", "mirrors",
            "payload_sha256"}.
        earlier: Records from which jobs were taken over, from `lineage.earlier_records`.
        outside_settings: What files of settings outside of the project say, by their recorded names.
        rules: When the rules were last changed by which ``claims.csv`` was decided, by claim, from `rule_dates.dates_of`.
    """

    name: str
    description: str
    folder: str
    workflow: str
    licence: str
    developers: str
    settings: Mapping[str, Any]
    settings_file: str
    command_line_settings: Mapping[str, Any]
    configuration_files: Sequence[str]
    files: Mapping[str, Mapping[str, Any]]
    commit: str
    changed_files: Sequence[str]
    packages: Mapping[str, Mapping[str, str]]
    snakemake: str
    data_sets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    earlier: Sequence[Mapping[str, Any]] = ()
    outside_settings: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, RuleDate] = field(default_factory=dict)
