"""A place in which recorded jobs are done again: a clean clone of the commit at which they ran, with their recorded inputs.

Where that commit is not at hand, as in an archive, the files of today serve, if those that are recorded are as recorded.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sgdphysics import job_environment
from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of
from sgdphysics.provenance import commits, job_records, repository
from sgdphysics.provenance.commits import NotAtHandError
from sgdphysics.provenance.lineage import jobs_of_published
from sgdphysics.provenance.places import A_PLACE, is_outside
from sgdphysics.provenance.record import Job, Record
from sgdphysics.provenance.repository import GitError
from sgdphysics.study.start import LINKED

# Nothing that the user's git is told to do with files: no hooks, no other line ends.
PLAIN = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false", "-c", "advice.detachedHead=false"),
    *("-c", "protocol.file.allow=always"),  # of the clone itself
)
RESULTS = ("results/", "figures/", "data/")
SECONDS_BETWEEN_LOOKS = 0.5


class Clone:
    """A clone of the project at a commit.

    Args:
        record: The record of the study.
        commit: At which the jobs ran that are to be done again there.
        folder: An empty folder for it.

    Attributes:
        doubt: Why it is no clone of the commit; empty where it is.

    Raises:
        InputError: If code or settings are neither there nor here as they were used.
    """

    def __init__(self, record: Record, commit: str, folder: Path) -> None:
        self._record, self._folder = record, folder
        self.doubt = "" if commits.is_commit(commit) else f"its commit is {commits.not_known(commit)}"
        try:
            self.root = _copied(record.root, folder / "copy") if self.doubt else _cloned(record.root, commit, folder / "clone")
        except GitError as error:
            self.doubt, self.root = str(NotAtHandError(commit, str(error))), _copied(record.root, folder / "copy")
        for path in self.root.glob("results/*/provenance/not_kept.txt"):
            path.unlink()  # tables are made again here, even where they are taken as published there
        self._check_code({path: record.sums[path] for path in _workflow_files(record)} if commit == record.commit else {})
        self._leave_records_of_training()

    def place(self, jobs: Iterable[Job]) -> None:
        """Put the recorded inputs of jobs in their places, and take away what the jobs are to make."""
        jobs = list(jobs)
        for job in jobs:
            self._check_code(job.code)
            for path in job.inputs:
                source, target = self._record.place(path), self.root / path
                if source and not is_outside(path) and not (target.is_file() and sha256_of(target) == self._record.sums[path]):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, target)
        for path in (path for job in jobs for path in job.outputs):
            (self.root / path).unlink(missing_ok=True)

    def run(self, jobs: Sequence[Job], cores: str) -> Generator[Job]:
        """Do jobs again, none of which may stand on another; yield each that has left a record, as it does.

        Args:
            jobs: The jobs, whose inputs are in place.
            cores: How many cores to use, as Snakemake has it.
        """
        for job in jobs:
            self._path_of_record(job).unlink(missing_ok=True)
        waiting = list(jobs)
        with (self._folder / "snakemake.log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                self._command(jobs, cores), cwd=self.root, env=self._variables(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            try:
                running = True
                while running:
                    running = process.poll() is None
                    done = [job for job in waiting if self._path_of_record(job).is_file()]
                    waiting = [job for job in waiting if job not in done]
                    yield from done
                    time.sleep(SECONDS_BETWEEN_LOOKS if running else 0)
            finally:
                process.terminate()
                process.wait()

    def seconds(self, job: Job) -> float:
        """Return how long a job took that was done again."""
        return float(job_records.load(self._path_of_record(job))["seconds"])

    def complaint(self, job: Job) -> str:
        """Return why a job left no record: the last line of its log, else of Snakemake's."""
        for log in (self.root / f"{job.name}.log", self._folder / "snakemake.log"):
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
            if said := [line.strip() for line in lines if line.strip()]:
                return said[-1]
        return "it says nothing"

    def _path_of_record(self, job: Job) -> Path:
        return self.root / f"{job.name}{job_records.SUFFIX}"

    def _command(self, jobs: Sequence[Job], cores: str) -> list[str]:
        """Only the rules of these jobs: to Snakemake all else is there, as data are."""
        rules = sorted({job.rule for job in jobs})
        targets = [path for job in jobs for path in job.outputs]
        options = ["--cores", cores, "--keep-going", "--nolock", "--rerun-triggers", "mtime"]
        options += ["--profile", "none", "--workflow-profile", "none", "--configfile", *self._files_of_settings()]
        return [sys.executable, "-m", "snakemake", *options, "--allowed-rules", *rules, "--", *targets]

    def _files_of_settings(self) -> list[str]:
        """The files of settings as the record has them, and a last one of what the command line said; the first is read anyway."""
        facts, names = self._record.facts, []
        for position, name in enumerate(facts["configuration_files"]):
            names.append(self._written(f"{position}.yaml", facts["outside_settings"][name]) if is_outside(name) else name)
        said = {key: value for key, value in facts["command_line_settings"].items() if value != A_PLACE}
        return [*names, self._written("command_line.yaml", said | {"study": self._record.study})]

    def _written(self, name: str, settings: Any) -> str:
        path = self._folder / name
        path.write_text(json.dumps(settings), encoding="utf-8")  # which is YAML too
        return str(path)

    def _variables(self) -> Mapping[str, str]:
        library = str(self.root / "workflow" / "lib")
        return job_environment.prepared(os.environ, self._folder) | {"PYTHONPATH": library}

    def _check_code(self, sums: Mapping[str, str]) -> None:
        """See to it that files of code and settings are as recorded: those of the commit, or of today where it was dirty."""
        for path, sha256 in sums.items():
            target = self.root / path
            if target.is_file() and sha256_of(target) == sha256:
                continue
            today = self._record.root / path
            if not today.is_file() or sha256_of(today) != sha256:
                reason = f" ({self.doubt})" if self.doubt else ""
                raise InputError(
                    f"{path}: neither in the recorded commit{reason} nor today as it was used; nothing can be done again"
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(today, target)

    def _leave_records_of_training(self) -> None:
        """How runs are cut into chunks depends on what was trained before: the chunks of the record are to be found there."""
        for path, content in jobs_of_published(self._record).items():
            if path.startswith("results/runs/"):
                target = self.root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(json.dumps(content), encoding="utf-8")
                for name in content["outputs"]:
                    (self.root / name).touch()


def runs_apart(record: Record, jobs: Collection[Job]) -> list[list[Job]]:
    """Return jobs in groups in which no rule makes what another one of the group reads, anywhere in the study."""
    reads: dict[str, set[str]] = {}
    for job in record.jobs:
        makers = {record.maker[path].rule for path in job.inputs if path in record.maker}
        reads.setdefault(job.rule, set()).update(makers)
    groups: list[set[str]] = []
    for rule in sorted({job.rule for job in jobs}):
        free = (group for group in groups if not any(other in reads[rule] or rule in reads[other] for other in group))
        group = next(free, None)
        if group is None:
            groups.append({rule})
        else:
            group.add(rule)
    return [[job for job in jobs if job.rule in group] for group in groups]


def _cloned(root: Path, commit: str, target: Path) -> Path:
    """The project's folder in a clone of its repository at a commit."""
    here = repository.checkout(root)
    prefix = repository.prefix_of(here)
    top = repository.git(here, "rev-parse", "--show-toplevel").decode().removesuffix("\n")
    repository.git(here, *PLAIN, "clone", "--quiet", "--no-checkout", "--shared", "--template=", "--", top, str(target))
    repository.git(target, *PLAIN, "checkout", "--quiet", "--detach", commit)
    inside = target / prefix
    return inside if (inside / repository.MAIN_FILE).is_file() else target


def _copied(root: Path, target: Path) -> Path:
    """A folder with the code and settings of today."""
    target.mkdir()
    for name in LINKED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.is_file():
            shutil.copy(source, target / name)
    return target


def _workflow_files(record: Record) -> list[str]:
    """Files of code and settings that belong to the study as a whole."""
    return [path for path in record.sums if path not in record.maker and not is_outside(path) and not path.startswith(RESULTS)]
