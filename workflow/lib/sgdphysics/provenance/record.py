"""The record of a study, as its crate ``results/<study>/provenance/ro-crate-metadata.json`` has it.

Nothing here depends on the times of files, on Snakemake's own records, or on where the project lies.

A study may be published with the code and without its data and networks: ``results/<study>/provenance/not_kept.txt`` then lists the
folders that are left out, and code that has changed since is looked up in the recorded commits. What is left out may be large, or
what tables are made from; a table, figure, claim, code or settings is evidence, and no list excuses that it is not there.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sgdphysics.provenance import commits, on_disk, places
from sgdphysics.provenance.commits import History
from sgdphysics.provenance.kept_sources import KeptSources
from sgdphysics.provenance.on_disk import Found
from sgdphysics.provenance.on_disk import content_of as content_of  # where it was
from sgdphysics.provenance.repository import checkout
from sgdphysics.provenance.rule_dates import RuleDate

VERSION = 2  # as they are written; those of 1 had no number, and neither commit nor plumbing of single jobs
CRATE = "provenance/ro-crate-metadata.json"
LEFT_OUT = "provenance/not_kept.txt"
PAGE = "report/index.html"
MANIFEST = "provenance/manifest.txt"
SOURCES = "provenance/sources.zip"
# Data, trained networks, measurements and executed notebooks: what else there is decides, shows or made a result.
MAY_BE_LEFT_OUT = re.compile(r"data/.+|results/runs/.+|results/[^/]+/measure/.+|results/[^/]+/report/[^/]+\.ipynb")
EARLIER_CODE = "#code/"  # how identifiers begin of code that jobs used and that is another by now


@dataclass(frozen=True)
class Job:
    """A job as the record has it.

    Attributes:
        name: Path of its own record without suffix.
        rule: The rule.
        script: Path of its script.
        code: sha256 of script and library files by path, as the job used them.
        inputs: Paths of the other inputs.
        outputs: Paths of what it made.
        parameters: Values by name.
        started, ended: Times, ISO 8601.
        environment: Threads, device, machine, versions, plumbing.
        usage: Seconds and bytes by name.
        commit: That of the study when the job first entered a record, or that it is not known and why.
    """

    name: str
    rule: str
    script: str
    code: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: Mapping[str, Any]
    started: str
    ended: str
    environment: Mapping[str, Any]
    usage: Mapping[str, str]
    commit: str = ""


@dataclass(frozen=True)
class EarlierCode:
    """A file of code as jobs that were taken over used it, where it was another when the record was written."""

    path: str
    sha256: str
    commit: str

    @property
    def name(self) -> str:
        """How it is called beside the file of today: as git does, the commit before the path."""
        return f"{commits.short(self.commit)}:{self.path}"


@dataclass
class Record:
    """What a study's record says, and what the files say today.

    Attributes:
        root: Folder of the project.
        study: Name of the study.
        sums: sha256 of every recorded file by its path relative to the root.
        sizes: Bytes of every recorded file, but for those outside of the project.
        jobs: Every job.
        facts: What the record says of the study as a whole: settings, commit, changed files and so on.
        data_sets: What it says of a prepared data set, by its path.
        packages: Version of every package that a job loaded, by name.
        package_facts: What the record says of it besides: "sha256" over its files, "description" of what of them was altered.
        left_out: Files and folders that this copy of the study leaves out, None if it is no published copy.
        earlier_code: Code of jobs that were taken over, by its name.
        outside: Where files outside of the project are now, by their recorded names, as far as that can be told.
        rules: When the rules of the claims were last changed, by claim; earlier records do not say.
        seen: What lies at paths today, so that no file is read twice.
    """

    root: Path
    study: str
    sums: Mapping[str, str]
    sizes: Mapping[str, int]
    jobs: tuple[Job, ...]
    facts: Mapping[str, Any]
    data_sets: Mapping[str, Mapping[str, str]]
    packages: Mapping[str, str]
    left_out: tuple[str, ...] | None = None
    earlier_code: Mapping[str, EarlierCode] = field(default_factory=dict)
    package_facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    outside: Mapping[str, Path] = field(default_factory=dict)
    rules: Mapping[str, RuleDate] = field(default_factory=dict)
    seen: dict[str, Found] = field(default_factory=dict)

    @cached_property
    def history(self) -> History:
        """The commits of the project's repository, as far as it has them here, or their files are kept beside the record."""
        return History(self.root, KeptSources(self.root / "results" / self.study / SOURCES))

    @cached_property
    def maker(self) -> dict[str, Job]:
        """The job that made a file, by the file's path."""
        return {path: job for job in self.jobs for path in job.outputs}

    @property
    def crate(self) -> str:
        """Path of the record."""
        return f"results/{self.study}/{CRATE}"

    @property
    def page(self) -> str:
        """Path of the report page."""
        return f"results/{self.study}/{PAGE}"

    @property
    def manifest(self) -> str:
        """Path of the manifest."""
        return f"results/{self.study}/{MANIFEST}"

    @property
    def commit(self) -> str:
        """The commit of the study when the record was written, or that it is not known and why."""
        return str(self.facts["commit"])

    @property
    def machines(self) -> list[str]:
        """The kinds of machine on which the jobs ran: processor and system."""
        kinds = {(job.environment["machine"]["processor"], job.environment["machine"]["system"]) for job in self.jobs}
        return sorted(f"{processor or 'processor not known'}, {system or 'system not known'}" for processor, system in kinds)

    @cached_property
    def job_commits(self) -> list[str]:
        """The commits at which jobs entered a record, in the order in which their last jobs ended."""
        last: dict[str, str] = {}
        for job in self.jobs:
            last[job.commit] = max(job.ended, last.get(job.commit, ""))
        return sorted(last, key=lambda commit: (last[commit], commit))

    @property
    def earlier_commits(self) -> list[str]:
        """Those at which jobs were recorded that this record took over from an earlier one."""
        return [commit for commit in self.job_commits if commit != self.commit]

    def sum_of(self, name: str) -> str | None:
        """Return the recorded sum of a file or of earlier code; None where there is none."""
        earlier = self.earlier_code.get(name)
        return earlier.sha256 if earlier else self.sums.get(name)

    def today(self, path: str) -> str | None:
        """Return the sum of a file as it is now; None where there is none, or none that can be read."""
        return self.found(path).sha256

    def found(self, path: str) -> Found:
        """Return what lies at a path now.

        What jobs made, and what stands with the record, is a file of its own, and no link, nor behind one (see
        `on_disk.link_on_the_way`). Code may lie behind links that lead to the checkout; raw inputs where their owner has them.
        """
        if path not in self.seen:
            self.seen[path] = self._look(path)
        return self.seen[path]

    def _look(self, path: str) -> Found:
        place = self.place(path)
        if place is None:
            return Found()
        if path in self.maker or path.startswith(f"results/{self.study}/"):
            if on_disk.link_on_the_way(self.root, path):
                return Found(instead="a link")
        elif not (places.is_outside(path) or path in self._inputs) and self._leads_out(place):
            return Found(instead="a link that leads out of the project")
        return on_disk.found(place)

    @cached_property
    def _inputs(self) -> set[str]:
        return {path for job in self.jobs for path in job.inputs}

    @cached_property
    def _tops(self) -> tuple[Path, Path]:
        return self.root.resolve(), checkout(self.root)

    def _leads_out(self, place: Path) -> bool:
        """Whether a file of the project lies behind links to neither it nor the checkout of its code."""
        try:
            real = place.resolve()
        except (OSError, RuntimeError, ValueError):  # links in a circle, and what is no path
            return False
        return not any(real.is_relative_to(top) for top in self._tops)

    def place(self, path: str) -> Path | None:
        """Return where a file is; None where that is outside of the project and cannot be told."""
        return self.outside.get(path) if places.is_outside(path) else self.root / path

    def place_is_taken(self, path: str) -> bool:
        """Return whether anything lies at a path, which is not opened."""
        place = self.place(path)
        return place is not None and os.path.lexists(place)

    def leaves_out(self, path: str) -> bool:
        """Return whether the list of what this copy of the study leaves out names a file."""
        return any(path == name or path.startswith(f"{name}/") for name in self.left_out or ())

    @cached_property
    def _commits_by_code(self) -> dict[str, dict[str, None]]:
        """The commits of the jobs that used a file of code, by its name in the record."""
        users: dict[str, dict[str, None]] = {}
        for job in self.jobs:
            for name in self.names_of_code(job):
                users.setdefault(name, {})[job.commit] = None
        return users

    def commit_of(self, path: str) -> str | None:
        """Return the commit in which a file of code or settings of a published study is as recorded, None where there is none.

        Raises:
            NotAtHandError: If none that is at hand has it, and another is not at hand.
        """
        if self.left_out is None or path not in self.sums or path in self.maker or path.startswith(f"results/{self.study}/"):
            return None
        candidates = filter(commits.is_commit, {self.commit: None, **self._commits_by_code.get(path, {})})
        return self.history.first_with(candidates, path, self.sums[path])

    def source(self, path: str) -> bytes | None:
        """Return a file of code or settings as the study used it, where it is that today, or in a commit of a published study.

        Raises:
            NotAtHandError: If it may be in a commit that cannot be read here.
        """
        if self.today(path) == self.sums.get(path):
            return content_of(self.root / path)
        commit = self.commit_of(path)
        return self.history.content(commit, path) if commit else None

    def names_of_code(self, job: Job) -> dict[str, str]:
        """Return the code of a job: name in the record -> path; they differ where another file of this path was in use later."""
        names = {}
        for path, sha256 in job.code.items():
            is_current = self.sums.get(path) == sha256
            names[path if is_current else EarlierCode(path, sha256, job.commit).name] = path
        return names

    def upstream(self, path: str) -> tuple[str, ...]:
        """Return the names of what a file was made from directly: code first."""
        if path in (self.page, self.manifest):
            return (self.crate,)
        if path == self.crate:
            return (*sorted(self.sums), *sorted(self.earlier_code))
        job = self.maker.get(path)
        return (*self.names_of_code(job), *job.inputs) if job else ()
