# Helpers of the rules: configuration, chunks, code as input. No rules here.
import ast
import functools
import hashlib
import json
import os
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(workflow.basedir)
LIBRARY = ROOT / "workflow" / "lib"
# The library of this checkout, also in the processes of the jobs, whatever else is installed.
sys.path.insert(0, str(LIBRARY))
os.environ.update(PYTHONPATH=str(LIBRARY), SOURCE_DATE_EPOCH="0")

from sgdphysics import errors, files
from sgdphysics.claims import ledger
from sgdphysics.provenance import job_records
from sgdphysics.study import costs, inheritance, plans, studies

START = time.time()

if not os.access(os.curdir, os.W_OK):
    sys.exit(
        f"{os.getcwd()}: cannot be written to, and Snakemake keeps its notes there"
    )


def read_yaml(path):
    """The content of a file; one line where it is no YAML."""
    try:
        return yaml.safe_load((ROOT / path).read_text())
    except yaml.YAMLError as error:
        sys.exit(f"{path}: not YAML: {' '.join(str(error).split())}")


def read_schema(name):
    return json.loads(
        (ROOT / "workflow" / "schemas" / f"{name}.schema.json").read_text()
    )


def checked_config():
    """The configuration with every study complete; one line and no job where something in it is wrong."""
    try:
        complete = inheritance.resolved(config)
        studies.check(complete, read_schema("config"), DATASETS)
    except errors.InputError as error:
        sys.exit(f"config error: {error}")
    return complete


def _module_file(name):
    base = LIBRARY.joinpath(*name.split("."))
    return next(
        (p for p in (base / "__init__.py", base.with_suffix(".py")) if p.is_file()),
        None,
    )


def _source(path):
    """The Python code of a module, a script or a notebook."""
    if path.suffix != ".ipynb":
        return path.read_text()
    cells = json.loads(path.read_text())["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")


@functools.cache
def _imported_files(path):
    """The library's files that a file imports, packages included."""
    return {file for name in _imported_modules(path) if (file := _module_file(name))}


def _imported_modules(path):
    """Names of the library's modules that a file imports."""
    if path.suffix not in {".py", ".ipynb"}:
        return
    for node in ast.walk(ast.parse(_source(path))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] + [
                f"{node.module}.{alias.name}" for alias in node.names
            ]
        else:
            continue
        for parts in (name.split(".") for name in names):
            if parts[0] == "sgdphysics":
                yield from (".".join(parts[: i + 1]) for i in range(len(parts)))


@functools.cache
def code(*files):
    """Scripts, notebooks, templates, and every library file that they import, directly or not: inputs of their rule."""
    found, waiting = set(), [ROOT / "workflow" / file for file in files]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_imported_files(path))
    return [str(path.relative_to(ROOT)) for path in sorted(found)]


def digest(*files):
    """Hash of that code."""
    return digest_of(*code(*files))


@functools.cache
def digest_of(*paths):
    """Hash of files: Snakemake compares times before checksums, so an edit with an old time would be missed."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.encode() + b"\0" + (ROOT / path).read_bytes() + b"\0")
    return total.hexdigest()[:16]


def chunk_of(wildcards):
    return CHUNKS[wildcards.ensemble, wildcards.chunk]


def dataset_of(wildcards):
    return f"data/{chunk_of(wildcards).dataset}.safetensors"


@functools.cache
def chunks_of(study, section=None):
    return studies.chunks_of(STUDIES[study], section)


def compared_studies(study, paper):
    """The studies that a paper's notebook sets beside a study."""
    return STUDIES[study][paper].get("compared_studies", [])


def studies_behind(study):
    """A study, and those that its notebook sets beside it."""
    return [study, *compared_studies(study, "feng2021")]


def settings_that_differ(study, paper, keys):
    """Of each study that is set beside a study, those of the named settings that it has otherwise."""
    own = STUDIES[study][paper]
    return {
        name: {
            key: STUDIES[name][paper][key]
            for key in keys
            if STUDIES[name][paper][key] != own[key]
        }
        for name in compared_studies(study, paper)
    }


def trained(study, section=None, seed=None):
    """The trained chunks of a study; of a section, and of a seed, those that it needs."""
    return [
        f"results/runs/{c.ensemble}/{c.name}.safetensors"
        for c in chunks_of(study, section)
        if seed is None or seed in {run.seed for run in c.runs}
    ]


def measured(study, table):
    """The named measurement of every chunk that a study's feng2021 section needs."""
    return [
        f"results/{study}/measure/{c.ensemble}/{c.name}/{table}"
        for c in chunks_of(study, "feng2021")
    ]


def generalization(study):
    """The measured generalization of every seed of a study's yang2023 section."""
    return [
        f"results/{study}/measure/generalization/{seed}.csv"
        for seed in STUDIES[study]["yang2023"]["seeds"]
    ]


def duality(study, table):
    """The named measurement of every seed of a study's feng2023 section."""
    return [
        f"results/{study}/measure/duality/{seed}_{table}.csv"
        for seed in STUDIES[study]["feng2023"]["seeds"]
    ]


# The papers that have figures and a notebook.
PAPERS = {
    "feng2021": "Feng and Tu 2021",
    "yang2023": "Yang, Tang and Tu 2023",
    "feng2023": "Feng, Zhang and Tu 2023",
}


def study_table(name):
    """A table of a study as output of a rule, and in the report of Snakemake."""
    return report(
        f"results/{{study}}/tables/{name}.csv",
        caption="../report/tables.rst",
        category=PAPERS[name.split("_")[0]],
        subcategory="Tables",
        labels={"table": name},
    )


def asked_for(plan):
    """Resources of jobs whose plan is a function of their wildcards: what they are to need at most, by far.

    With `--resources mem_mb=...` as many jobs run at a time as fit into this memory; a cluster is asked for both. Data of unknown
    size are taken for large ones.
    """

    def known(wildcards):
        name = getattr(wildcards, "study", None)
        return plans.is_known(
            data_entry(name) if name else DATASETS[chunk_of(wildcards).dataset]
        )

    def megabytes(wildcards, attempt):
        if not known(wildcards):
            return 4000 * attempt
        # On a cluster Snakemake itself is there twice beside the job, with 400 MB each.
        return attempt * round(1000 + 1.5e-6 * costs.memory(plan(wildcards), COSTS))

    def minutes(wildcards, attempt):
        if not known(wildcards):
            return 120 * attempt
        return attempt * round(10 + 4 * costs.seconds(plan(wildcards), COSTS) / 60)

    return {"mem_mb": megabytes, "runtime": minutes}


def data_entry(study):
    return DATASETS[STUDIES[study]["dataset"]]


def expected_steps(run, images):
    return costs.expected_steps(run, images, costs=COSTS)


def planned_training(wildcards):
    chunk = chunk_of(wildcards)
    return plans.training_job(chunk, DATASETS[chunk.dataset], expected_steps)


def planned_windows(rule):
    """Plan function of a rule that measures a chunk of feng2021."""
    return lambda wildcards: plans.window_jobs(
        STUDIES[wildcards.study],
        chunk_of(wildcards),
        data_entry(wildcards.study),
        expected_steps,
    )[rule]


def planned_once(rule, jobs):
    """Plan function of a rule that is one of those that a function of `plans` plans for a study."""
    return lambda wildcards: next(
        job
        for job in jobs(STUDIES[wildcards.study], data_entry(wildcards.study))
        if job.rule == rule
    )


def section_settings(section, *keys):
    """Params function: the named settings of a section of the study."""
    return lambda wildcards: {
        key: STUDIES[wildcards.study][section][key] for key in keys
    }


def feng2021(*keys):
    return section_settings("feng2021", *keys)


def feng2023(*keys):
    return section_settings("feng2023", *keys)


def toy(*keys):
    """Params function: the named settings of the study's toy landscape."""
    return lambda wildcards: {
        key: STUDIES[wildcards.study]["yang2023"]["toy"][key] for key in keys
    }


def reference_runs(wildcards):
    return studies.reference_runs(STUDIES[wildcards.study])


def everything_of(study):
    """Targets of a study."""
    return [
        *results_of(study),
        f"results/{study}/provenance/ro-crate-metadata.json",
        f"results/{study}/report/index.html",
    ]


def results_of(study):
    """All that the record of a study speaks of. Intermediates are listed too: a missing one is no reason for Snakemake to make it again."""
    return [
        *trained(study),
        *(path for table in MEASURED for path in measured(study, table)),
        *generalization(study),
        *(path for table in ("points", "spectra") for path in duality(study, table)),
        f"results/{study}/measure/dropout.csv",
        *(f"results/{study}/tables/{table}.csv" for table in TABLES),
        *(
            f"figures/{study}/{figure}.{extension}"
            for figure in FIGURES
            for extension in ("pdf", "png")
        ),
        f"results/{study}/claims.csv",
        f"results/{study}/claim_tests.csv",
        *(
            f"results/{study}/report/{paper}.{extension}"
            for paper in PAPERS
            for extension in ("html", "ipynb")
        ),
    ]


def print_summary(study):
    """The verdicts, if this invocation made the report, where to look, and the sum of the record."""
    page, record = (
        Path(f"results/{study}/{name}")
        for name in ("report/index.html", "provenance/ro-crate-metadata.json")
    )
    if page.is_file() and page.stat().st_mtime >= START:
        print(Path(f"results/{study}/claims.txt").read_text(), file=sys.stderr)
        print(f"Record: {record}, sha256 {files.sha256_of(record)}", file=sys.stderr)


def forget_missing_outputs():
    """After a failure Snakemake keeps its record of outputs that it removed, and would find nothing to do next time."""
    for job in workflow.dag.jobs:
        for path in job.output:
            if not os.path.exists(path):
                workflow.persistence.cleanup_metadata(path)


def start_jobs_without_a_limit_per_second():
    """With one, Snakemake wakes itself once a second for every job that has finished, and looks at all that are ready: a third of a
    core after some 160 jobs of the study mnist.
    """
    workflow.scheduler.job_rate_limiter = None


def stop_at_protected_folders():
    """Before a job starts: all that jobs write to are folders that can be written to."""
    paths = {
        Path(p) for job in workflow.dag.needrun_jobs() for p in [*job.output, *job.log]
    }
    existing = {next(p for p in path.parents if p.exists()) for path in paths}
    bad = sorted(p for p in existing if not (p.is_dir() and os.access(p, os.W_OK)))
    if bad:
        sys.exit(f"{', '.join(map(str, bad))}: cannot be written to")


ALTERED = "not what {rule} made, by the record that it left"
UNRECORDED = "no record of the job that made them, {rule}"  # lost, or published without


def make_again(job, paths, reason):
    """Have the next run make the outputs of a job anew; returns what to say of some of them."""
    workflow.persistence.started(job)  # marked as of a job that was interrupted
    return f"{', '.join(paths)}: {reason.format(rule=job.rule)}"


def stop_at_damaged_inputs():
    """Before a job starts: nothing is made from a file that was cut off, damaged or edited since its own job made it, and no
    record of a study is begun that would lack a job's own.
    """
    running = list(workflow.dag.needrun_jobs())
    used = {path for job in running for path in job.input}
    recorded = any(job.rule.name == "write_provenance" for job in running)
    told = []
    for job in workflow.dag.jobs:
        inputs = sorted(used.intersection(map(str, job.output)))
        if inputs and not workflow.dag.needrun(job):
            try:
                if damaged := job_records.altered(job.log[0], inputs):
                    told.append(make_again(job, damaged, ALTERED))
            except errors.InputError:
                if recorded:
                    told.append(make_again(job, inputs, UNRECORDED))
    if told:
        sys.exit("\n".join([*told, "Run Snakemake again to make them anew."]))


def make_damaged_outputs_again():
    """After a failure, of which they may be the cause."""
    for job in workflow.dag.jobs:
        there, reason = [path for path in job.output if os.path.exists(path)], ALTERED
        try:
            damaged = job_records.altered(job.log[0], there) if there else []
        except errors.InputError:
            damaged, reason = there, UNRECORDED
        if damaged:
            print(
                f"{make_again(job, damaged, reason)}; the next run makes it anew",
                file=sys.stderr,
            )


def checked_yaml(name):
    """A file of config/, checked against its schema."""
    content = read_yaml(f"config/{name}.yaml")
    try:
        studies.check_schema(content, read_schema(name))
    except errors.InputError as error:
        sys.exit(f"config/{name}.yaml: {error}")
    return content


TABLES = [
    "feng2021_runs",
    *(f"feng2021_fig1{part}" for part in ("", "_dimension", "_trajectory")),
    *(
        f"feng2021_fig2{part}"
        for part in ("", "_exponents", "_longer_exponents", "_slices", "_minima")
    ),
    *(
        f"feng2021_fig3{part}"
        for part in (
            "",
            "_correlation_times",
            "_minibatches",
            "_covariance",
            "_homogeneity",
        )
    ),
    *(
        f"feng2021_fig4{part}"
        for part in ("", "_checkpoints", "_temperature_fits", "_equal_loss")
    ),
    *(f"yang2023_fig1{part}" for part in ("", "_landscape")),
    *(
        f"yang2023_fig2{part}"
        for part in ("", "_slopes", "_grid", "_grid_slopes", "_current", "_two_valleys")
    ),
    *(
        f"yang2023_fig3{part}"
        for part in (
            "",
            "_bounds",
            "_arrivals",
            "_incidence",
            "_survival",
            "_drift",
            "_stationary",
            "_widths",
        )
    ),
    *(f"yang2023_fig4{part}" for part in ("", "_settings", "_lines")),
    *(f"feng2023_{table}" for table in ("points", "spectra", "settings", "effects")),
    *(f"feng2023_fig1{part}" for part in ("", "_matching")),
    *(f"feng2023_fig2_{part}" for part in ("directions", "shifts", "metric")),
    "feng2023_fig5_dropout",
    "feng2023_fig6",
]
FIGURES = [
    *(f"feng2021_fig{number}" for number in (1, 2, 3, 4)),
    *(f"yang2023_fig{number}" for number in (1, 2, 3, 4)),
    *(f"feng2023_fig{number}" for number in (1, 2, 3, 4, 5, 6)),
]
MEASURED = [
    *(
        f"{name}.csv"
        for name in (
            "fluctuations",
            "spectra",
            "trajectory",
            "flatness",
            "slices",
            "minima",
        )
    ),
    *(
        f"{name}.csv"
        for name in (
            "temperature",
            "checkpoints",
            "annealing",
            "homogeneity",
            "minibatches",
            "covariance",
        )
    ),
    "windows.safetensors",
]


def checked_claims():
    """The claims, once each and of tables and figures that there are; one line and no job where not."""
    entries = checked_yaml("claims")["claims"]
    try:
        ledger.check(entries, TABLES, FIGURES)
    except errors.InputError as error:
        sys.exit(f"config/claims.yaml: {error}")
    return entries


def from_root(path):
    """A path relative to the root of the project, where it lies inside."""
    path = (ROOT / path).resolve()
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


LEDGER_AND_DATA = ["config/claims.yaml", "config/datasets.yaml"]
# In the order in which later ones are laid over earlier ones; what --config says comes last.
CONFIGURATION_FILES = [
    "config/config.yaml",
    *map(from_root, workflow.config_settings.configfiles),
]
COMMAND_LINE_SETTINGS = dict(workflow.config_settings.config)
DATASETS = checked_yaml("datasets")["datasets"]
COSTS = checked_yaml("costs")
CLAIMS = checked_claims()
STUDIES = checked_config()["studies"]
CHUNKS = {(c.ensemble, c.name): c for study in STUDIES for c in chunks_of(study)}


wildcard_constraints:
    study="|".join(STUDIES),
    dataset="|".join(DATASETS),
    ensemble="[0-9a-f]{10}",
    chunk="[0-9a-f]{10}",
    seed="[0-9]+",
