"""The record of a finished study: a Provenance Run Crate 0.5, built from the records that its jobs left.

Source: Leo et al., Recording provenance of workflow runs with RO-Crate, PLOS ONE 19(9) e0309210 (2024); profile
https://w3id.org/ro/wfrun/provenance/0.5. Departure from RO-Crate 1.1: files are named relative to the crate's folder and lie
outside of it (``../../../figures/...``), so that nothing is copied and the record stays true wherever the whole project is moved.
"""

import json
import mimetypes
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from rocrate.model.contextentity import ContextEntity
from rocrate.model.data_entity import DataEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from sgdphysics.provenance import crate_rules
from sgdphysics.provenance.commits import is_commit
from sgdphysics.provenance.description import Study
from sgdphysics.provenance.lineage import jobs_behind as jobs_behind  # where it was
from sgdphysics.provenance.places import NOT_KNOWN, is_outside
from sgdphysics.provenance.record import EARLIER_CODE, VERSION

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
BIOSCHEMAS_WORKFLOW = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
MEDIA_TYPES = {".smk": "text/plain", ".safetensors": "application/octet-stream", ".yaml": "application/yaml"}
MEDIA_TYPES |= {".rst": "text/x-rst", ".md": "text/markdown", ".ipynb": "application/x-ipynb+json"}
# Of the record of a job, in this order; older records have no plumbing, or no variables, or nothing of the files of packages.
ENVIRONMENT = ("threads", "device", "machine", "python", "packages", "libraries", "wildcards", "plumbing", "variables")
ENVIRONMENT += ("altered_packages", "package_sums")


def build(study: Study, jobs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the crate of a study as JSON-LD.

    Args:
        study: The study as a whole.
        jobs: Records of its jobs by their paths, from `jobs_behind`.
    """
    return _Builder(study, jobs).metadata()


def identifier(path: str, folder: str) -> str:
    """Return how the crate in ``folder`` names a file, both relative to the root of the project."""
    if path.startswith("/"):
        return path
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else "../" * len(PurePosixPath(folder).parts) + path


class _Builder:
    """Adds the entities of one crate, one kind after the other."""

    def __init__(self, study: Study, jobs: Mapping[str, Mapping[str, Any]]) -> None:
        self.study, self.jobs = study, jobs
        self.crate = ROCrate(version="1.1")
        self.rules = sorted({record["rule"] for record in jobs.values()})
        self.scripts = sorted({record["script"] for record in jobs.values() if self._is_current(record, record["script"])})

    def metadata(self) -> dict[str, Any]:
        self._describe_root()
        files = {path: self._file(path, entry) for path, entry in sorted(self.study.files.items())}
        self._describe_data_sets(files)
        self._describe_rules(files)
        workflow = self._workflow(files)
        actions = {path: self._job(path, record, files) for path, record in self.jobs.items()}
        workflow["hasPart"] = _one_or_more(_each_once([action["instrument"] for action in actions.values()]))
        run = self._run(workflow, files)
        self._steps(workflow, actions, run)
        self.crate.root_dataset["mentions"] = [run, *actions.values()]
        # The time is that of the last job: the same jobs make the same record.
        self.crate.root_dataset["datePublished"] = run["endTime"]
        content = self.crate.metadata.generate()
        content["@context"] = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
        return content

    def _add(self, identifier: str, /, *, kind: str, **properties: Any) -> Entity:
        return self.crate.add(ContextEntity(self.crate, identifier, {"@type": kind, **properties}))

    def _values(self, prefix: str, values: Mapping[str, Any], **more: Any) -> list[Entity]:
        return [
            self._add(f"#{prefix}/{name}", kind="PropertyValue", name=name, value=_text(value), **more)
            for name, value in values.items()
        ]

    def _describe_root(self) -> None:
        root, study = self.crate.root_dataset, self.study
        for url, name in PROFILES.items():
            root.append_to("conformsTo", self._add(url, kind="CreativeWork", name=name, version=url.rsplit("/", 1)[1]))
        root["name"], root["description"] = f"Study {study.name}", study.description
        root["license"] = self._add(study.licence, kind="CreativeWork", name="MIT licence", description="Of code and results")
        state = {
            "record_version": VERSION,
            "settings": study.settings,
            "settings_file": study.settings_file,
            "command_line_settings": study.command_line_settings,
            "configuration_files": list(study.configuration_files),
            "commit": study.commit,
            "changed_files": list(study.changed_files),
            "dirty": bool(study.changed_files) if is_commit(study.commit) else None,
        }
        if study.outside_settings:
            state["outside_settings"] = dict(study.outside_settings)
        if study.earlier:
            state["earlier_records"] = list(study.earlier)
        root["variableMeasured"] = self._values("study", state)
        developers = self._add("#developers", kind="Organization", name=study.developers)
        root["author"] = root["publisher"] = developers
        descriptor = self.crate.metadata
        descriptor["conformsTo"] = [
            {"@id": "https://w3id.org/ro/crate/1.1"},
            {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
        ]

    def _file(self, path: str, entry: Mapping[str, Any]) -> Entity:
        if is_outside(path):
            # No file of the crate: where it lies is nobody's business, and it need not be there any more.
            return self._add(f"#{quote(path)}", kind="CreativeWork", name=PurePosixPath(path).name, sha256=entry["sha256"])
        properties: dict[str, Any] = {
            "@type": "File",
            "name": PurePosixPath(path).name,
            "sha256": entry["sha256"],
            "contentSize": str(entry["bytes"]),
            "encodingFormat": _media_type(path),
        }
        if path == self.study.workflow:
            properties |= {
                "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
                "conformsTo": {"@id": BIOSCHEMAS_WORKFLOW},
                "name": "Statistical physics of learning, replicated",
                "version": self.study.commit,
                "url": {"@id": identifier(path, self.study.folder)},
            }
        elif path == f"{self.study.folder}/README.md":
            properties["about"] = {"@id": "./"}
        elif path in self.scripts:
            properties |= {
                "@type": ["File", "SoftwareSourceCode"],
                "version": entry["sha256"][:16],
                "url": {"@id": identifier(path, self.study.folder)},
            }
        return self.crate.add(DataEntity(self.crate, identifier(path, self.study.folder), properties))

    def _describe_data_sets(self, files: Mapping[str, Entity]) -> None:
        for path, facts in self.study.data_sets.items():
            files[path]["additionalProperty"] = self._values(f"data/{facts['name']}", facts)

    def _describe_rules(self, files: Mapping[str, Entity]) -> None:
        rules = [self._add(name, **properties) for name, properties in crate_rules.entities(self.study.rules).items()]
        if rules:
            files[f"results/{self.study.name}/claims.csv"]["mentions"] = _one_or_more(rules)

    def _workflow(self, files: Mapping[str, Entity]) -> Entity:
        workflow = files[self.study.workflow]
        language = self._add(
            "https://w3id.org/workflowhub/workflow-ro-crate#snakemake",
            kind="ComputerLanguage",
            name="Snakemake",
            identifier={"@id": "https://doi.org/10.1093/bioinformatics/bts480"},
            url={"@id": "https://snakemake.readthedocs.io"},
        )
        workflow["programmingLanguage"] = language
        packages = [self._package(name, facts) for name, facts in self.study.packages.items()]
        workflow["softwareRequirements"] = _one_or_more(packages)
        self.crate.root_dataset["mainEntity"] = workflow
        return workflow

    def _package(self, name: str, facts: Mapping[str, str]) -> Entity:
        is_known = NOT_KNOWN not in facts["version"]
        url = f"https://pypi.org/project/{name}/{facts['version'] + '/' if is_known else ''}"
        return self._add(url, kind="SoftwareApplication", name=name, url=url, **facts)

    def _job(self, path: str, record: Mapping[str, Any], files: Mapping[str, Entity]) -> Entity:
        name = path.removesuffix(".job.json")
        environment = {key: record[key] for key in ENVIRONMENT if key in record} | {"commit": self._commit_of(record)}
        settings = self._values(f"job/{name}/parameter", {**record["params"], "seeds": record["seeds"]})
        return self._add(
            f"#job/{name}",
            kind="CreateAction",
            name=f"Job of rule {record['rule']}",
            description=f"Recorded in {path}",
            instrument=self._code(record, record["script"], files),
            object=[
                *(files[name] for name in record["inputs"]),
                *(self._code(record, name, files) for name in record["code"]),
                *settings,
            ],
            result=_one_or_more([files[name] for name in record["outputs"]]),
            startTime=record["started"],
            endTime=record["ended"],
            actionStatus="http://schema.org/CompletedActionStatus",
            agent=self._agent(),
            environment=self._values(f"job/{name}/environment", environment),
            resourceUsage=[
                self._usage(name, "wallTime", record["seconds"], "s", "https://qudt.org/vocab/unit/SEC"),
                self._usage(name, "peakMemory", record["peak_memory_bytes"], "byte", "https://qudt.org/vocab/unit/BYTE"),
            ],
        )

    def _is_current(self, record: Mapping[str, Any], path: str) -> bool:
        """Whether a job's code is the file of today, as it is unless the job was taken over from an earlier record."""
        entry = self.study.files.get(path)
        return "commit" not in record or (entry is not None and entry["sha256"] == record["code"][path])

    def _code(self, record: Mapping[str, Any], path: str, files: Mapping[str, Entity]) -> Entity:
        """A file of a job's code; where it is another by now, an entity of its own, which is no file here."""
        if self._is_current(record, path):
            return files[path]
        return self._add(
            f"{EARLIER_CODE}{re.sub(r'[^a-z0-9]+', '-', record['commit'])}/{path}",
            kind="SoftwareSourceCode",
            name=path,
            sha256=record["code"][path],
            version=record["commit"],
            url={"@id": identifier(path, self.study.folder)},
        )

    def _commit_of(self, record: Mapping[str, Any]) -> str:
        return record.get("commit", self.study.commit)

    def _usage(self, job: str, name: str, value: float, unit: str, code: str) -> Entity:
        return self._add(
            f"#job/{job}/usage/{name}",
            kind="PropertyValue",
            name=name,
            propertyID=f"https://w3id.org/ro/terms/snakemake#{name}",
            value=str(value),
            unitText=unit,
            unitCode=self._add(code, kind="DefinedTerm", name=unit),
        )

    def _agent(self) -> Entity:
        return self._add("#user", kind="Person", name="Whoever ran the study", description="Not recorded")

    def _run(self, workflow: Entity, files: Mapping[str, Entity]) -> Entity:
        records = self.jobs.values()
        outputs = {name for record in records for name in record["outputs"]}
        inputs = {name for record in records for name in record["inputs"]}
        return self._add(
            "#run",
            kind="CreateAction",
            name=f"Run of study {self.study.name}",
            description="From data to figures and claims; jobs of earlier runs whose results still stood were not run again",
            instrument=workflow,
            object=_one_or_more([files[name] for name in [*self.study.configuration_files, *sorted(inputs - outputs)]]),
            result=_one_or_more([files[name] for name in sorted(outputs - inputs)]),
            startTime=min(record["started"] for record in records),
            endTime=max(record["ended"] for record in records),
            actionStatus="http://schema.org/CompletedActionStatus",
            agent=self._agent(),
        )

    def _steps(self, workflow: Entity, actions: Mapping[str, Entity], run: Entity) -> None:
        steps, controls = [], []
        for position, rule in enumerate(self.rules):
            paths = [path for path, record in self.jobs.items() if record["rule"] == rule]
            step = self._add(
                f"{workflow.id}#{rule}",
                kind="HowToStep",
                name=rule,
                position=str(position),
                workExample=actions[paths[0]]["instrument"],
            )
            steps.append(step)
            controls.append(
                self._add(
                    f"#control/{rule}",
                    kind="ControlAction",
                    name=f"Jobs of rule {rule}",
                    instrument=step,
                    object=_one_or_more([actions[path] for path in paths]),
                    actionStatus="http://schema.org/CompletedActionStatus",
                )
            )
        workflow["step"] = steps
        engine = self._add(
            "https://pypi.org/project/snakemake/",
            kind="SoftwareApplication",
            name="Snakemake",
            version=self.study.snakemake,
            url="https://snakemake.readthedocs.io",
        )
        self._add(
            "#engine",
            kind="OrganizeAction",
            name=f"Snakemake runs study {self.study.name}",
            instrument=engine,
            object=controls,
            result=run,
            agent=self._agent(),
            startTime=run["startTime"],
            endTime=run["endTime"],
        )


def _one_or_more(entities: Sequence[Entity]) -> Entity | list[Entity]:
    """RO-Crate 1.1 wants a list of one as that one."""
    return entities[0] if len(entities) == 1 else list(entities)


def _each_once(entities: Sequence[Entity]) -> list[Entity]:
    """The entities by identifier, each once."""
    by_identifier = {entity.id: entity for entity in entities}
    return [by_identifier[name] for name in sorted(by_identifier)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _media_type(path: str) -> str:
    suffix = PurePosixPath(path).suffix
    return MEDIA_TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
