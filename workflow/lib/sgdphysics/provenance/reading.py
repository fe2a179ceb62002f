"""Reading the crate of a study into a `Record`. Reads JSON only; keys that it does not know are let be."""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from sgdphysics.errors import InputError
from sgdphysics.provenance import crate_rules, on_disk
from sgdphysics.provenance.places import OUTSIDE, is_outside
from sgdphysics.provenance.record import CRATE, EARLIER_CODE, LEFT_OUT, VERSION, EarlierCode, Job, Record, content_of

FACTS = {"settings", "command_line_settings", "configuration_files", "commit", "changed_files", "dirty"}
DATA_FACTS = {"description", "origin", "licence"}
EARLIER_FACTS = {"commit", "changed_files", "settings", "sha256"}
MACHINE_FACTS = {"processor", "system"}
NOT_READABLE = (LookupError, TypeError, ValueError, AttributeError, RecursionError)

Entity = Mapping[str, Any]


def load(root: Path, study: str) -> Record:
    """Read the record of a study.

    Raises:
        InputError: If there is none, it cannot be read, or it is of a later version.
    """
    return load_crate(root / "results" / study / CRATE, root, study)


def load_crate(path: Path, root: Path, study: str) -> Record:
    """Read the record of a study from a copy of its crate; see `load`.

    Args:
        path: The crate.
        root: Folder of the project.
        study: Name of the study; files are named as from the folder where its crate belongs.
    """
    name = path.relative_to(root) if path.is_relative_to(root) else path
    try:
        graph = {entity["@id"]: entity for entity in json.loads(_text(path))["@graph"]}
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{name}: there is no record of study {study!r}; it is written when a study finishes") from None
    except OSError as error:
        raise InputError(f"{name}: the record of study {study!r} is not readable ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{name}: not a readable record ({type(error).__name__}: {error})") from None
    reader = _Reader(graph, study)
    try:
        version = reader.version
    except NOT_READABLE as error:
        raise InputError(_other_version(name, error)) from None
    if version > VERSION:
        raise InputError(f"{name}: a record of version {version}; this version of sgdphysics reads them up to {VERSION}")
    try:
        record = reader.record(root)
        _check(record)
        return record
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except NOT_READABLE as error:
        raise InputError(_other_version(name, error)) from None


def _other_version(name: Path, error: Exception) -> str:
    return f"{name}: not a record as this version writes it ({type(error).__name__}: {error})"


class _Reader:
    """Reads one graph, entities by identifier."""

    def __init__(self, graph: Mapping[str, Entity], study: str) -> None:
        self.graph, self.study = graph, study
        self.folder = f"results/{study}/{PurePosixPath(CRATE).parent}"
        self.above = "../" * len(PurePosixPath(self.folder).parts)

    @cached_property
    def facts(self) -> dict[str, Any]:
        return self._values(self.graph["./"], "variableMeasured")

    @property
    def version(self) -> int:
        """Number of the version; records without one are of the first."""
        version = self.facts.get("record_version", 1)
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise ValueError(f"record_version is {json.dumps(version)[:50]}")
        return version

    @cached_property
    def files(self) -> dict[str, Entity]:
        """Entities of the files that have sums, by path; of those outside of the project by their recorded name."""
        entities = ((self._path(name), entity) for name, entity in self.graph.items())
        return {
            _inside(path): entity
            for path, entity in entities
            if ("File" in _several(entity["@type"]) or is_outside(path)) and "sha256" in entity
        }

    @cached_property
    def earlier_code(self) -> dict[str, EarlierCode]:
        """Code of jobs that were taken over, by identifier."""
        return {
            name: EarlierCode(_inside(_word(entity["name"])), _word(entity["sha256"]), _word(entity["version"]))
            for name, entity in self.graph.items()
            if name.startswith(EARLIER_CODE)
        }

    def record(self, root: Path) -> Record:
        workflow = self.graph[_identifiers(self.graph["./"]["mainEntity"])[0]]
        files = self.files
        packages = [self.graph[name] for name in _identifiers(workflow["softwareRequirements"])]
        data_sets = {path: entity for path, entity in files.items() if "additionalProperty" in entity}
        return Record(
            root=root,
            study=self.study,
            sums={path: _word(entity["sha256"]) for path, entity in files.items()},
            sizes={path: int(entity["contentSize"]) for path, entity in files.items() if not is_outside(path)},
            jobs=tuple(self._job(name, entity) for name, entity in self.graph.items() if _is_job(name, entity)),
            facts=self.facts,
            data_sets={path: self._values(entity, "additionalProperty") for path, entity in data_sets.items()},
            packages={package["name"]: package["version"] for package in packages},
            package_facts={
                package["name"]: {key: _word(package[key]) for key in ("sha256", "description") if key in package}
                for package in packages
            },
            left_out=_left_out(root / "results" / self.study / LEFT_OUT),
            earlier_code={code.name: code for code in self.earlier_code.values()},
            rules=crate_rules.rules_in(self.graph),
        )

    def _job(self, name: str, entity: Entity) -> Job:
        objects = _identifiers(entity["object"])
        code = {path: sha256 for path, sha256 in map(self._code, objects) if path}
        inputs = [path for path in map(self._path, objects) if path in self.files and path not in code]
        script = _identifiers(entity["instrument"])[0]
        environment = self._values(entity, "environment")
        return Job(
            name=_inside(name.removeprefix("#job/")),
            rule=_identifier(_word(entity["name"]).removeprefix("Job of rule ")),
            script=self.earlier_code[script].path if script in self.earlier_code else _inside(self._path(script)),
            code=code,
            inputs=tuple(inputs),
            outputs=tuple(_inside(self._path(part)) for part in _identifiers(entity["result"])),
            parameters=self._values(entity, "object"),
            started=_word(entity["startTime"]),
            ended=_word(entity["endTime"]),
            environment=environment,
            usage=self._values(entity, "resourceUsage"),
            commit=str(environment.get("commit", self.facts["commit"])),
        )

    def _code(self, identifier: str) -> tuple[str, str]:
        """Path and sum of a file of code, empty where the identifier is of anything else."""
        if identifier in self.earlier_code:
            return self.earlier_code[identifier].path, self.earlier_code[identifier].sha256
        path = self._path(identifier)
        return (path, _word(self.files[path]["sha256"])) if path.startswith("workflow/") and path in self.files else ("", "")

    def _path(self, identifier: str) -> str:
        """Path of a file relative to the root of the project, or its recorded name where it lies outside."""
        if identifier.startswith(f"#{OUTSIDE}/"):
            return unquote(identifier.removeprefix("#"))
        if identifier.startswith(("/", self.above)):
            return identifier.removeprefix(self.above)
        return f"{self.folder}/{identifier}"

    def _values(self, entity: Entity, key: str) -> dict[str, Any]:
        parts = [self.graph[name] for name in _identifiers(entity.get(key))]
        return {part["name"]: _parsed(part["value"]) for part in parts if part["@type"] == "PropertyValue"}


def _is_job(name: str, entity: Entity) -> bool:
    return entity["@type"] == "CreateAction" and name.startswith("#job/")


def _left_out(path: Path) -> tuple[str, ...] | None:
    content = content_of(path)
    if content is None:
        return None
    lines = (line.strip().rstrip("/") for line in content.decode().splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _check(record: Record) -> None:
    """Raise `KeyError`, `TypeError` or `ValueError` where anything that is told of a study is not there."""
    missing_keys = [
        FACTS - record.facts.keys(),
        *(DATA_FACTS - facts.keys() for facts in record.data_sets.values()),
        *(EARLIER_FACTS - entry.keys() for entry in record.facts.get("earlier_records", [])),
        *(MACHINE_FACTS - job.environment["machine"].keys() for job in record.jobs),
    ]
    if missing := set().union(*missing_keys):
        raise KeyError(", ".join(sorted(missing)))
    changed_files = (name for facts in (record.facts, *record.facts.get("earlier_records", [])) for name in facts["changed_files"])
    for name in changed_files:
        _word(name)
    for name in record.facts["configuration_files"]:
        _inside(_word(name))
    for name in filter(is_outside, record.facts["configuration_files"]):
        if name not in record.facts["outside_settings"]:
            raise KeyError(name)
    for job in record.jobs:
        for path in (*job.inputs, *job.outputs):
            record.sums[path]
        float(job.usage["wallTime"])
        float(job.usage["peakMemory"])


def _text(path: Path) -> str:
    if kind := on_disk.kind_of(path.stat()):
        raise OSError(0, f"{kind}, not a file")
    with on_disk.opened(path) as file:
        return file.read().decode("utf-8")


def _inside(name: str) -> str:
    """A recorded path of a file of the project, or its name if it lies outside, as records have them."""
    if name.startswith(("/", "-")) or ".." in PurePosixPath(name).parts or "\0" in name or str(PurePosixPath(name)) != name:
        raise InputError(f"it names {json.dumps(name)[:100]}, expected the path of a file in the project")
    return name


def _identifier(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise InputError(f"it names the rule {json.dumps(name)[:100]}, expected letters, digits and underscores")
    return name


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _identifiers(value: Any) -> list[str]:
    return [entry["@id"] for entry in _several(value)]


def _word(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"found {json.dumps(value)[:50]}, expected text")
    return value


def _parsed(text: str) -> Any:
    """The value that a text stands for; a text that only looks like one, such as "1e-3", is not how it would be written."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if json.dumps(value, sort_keys=True) == text else text
