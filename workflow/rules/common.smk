# Helpers of the rules: settings, chunks, and what rules declare of themselves. No rules here.
import os
import sys
import time
from pathlib import Path

ROOT = Path(workflow.basedir)
LIBRARY = ROOT / "workflow" / "lib"
# The library of this checkout, also in the processes of the jobs, whatever else is installed.
sys.path.insert(0, str(LIBRARY))
os.environ.update(PYTHONPATH=str(LIBRARY), SOURCE_DATE_EPOCH="0")

from sgdphysics import files
from sgdphysics.claims import ledger
from sgdphysics.errors import InputError
from sgdphysics.provenance import guards
from sgdphysics.runs import settings_of
from sgdphysics.study import costs, plans, published, rule_defaults, studies
from sgdphysics.study.code import Code
from sgdphysics.study.configuration import Configuration
from sgdphysics.study.trained_chunks import trained_chunks

START = time.time()

if not os.access(os.curdir, os.W_OK):
    sys.exit(
        f"{os.getcwd()}: cannot be written to, and Snakemake keeps its notes there"
    )

try:
    CONFIGURATION = Configuration(ROOT, config)
    STUDIES, DATASETS = CONFIGURATION.studies, CONFIGURATION.datasets
    COSTS, CLAIMS = CONFIGURATION.costs, CONFIGURATION.claims
except InputError as error:
    sys.exit(str(error))

CODE = Code(ROOT)
TRAINED = trained_chunks(Path("results/runs"))
CHUNKS = {
    (chunk.ensemble, chunk.name): chunk
    for study in STUDIES.values()
    for chunk in studies.chunks_of(study, trained=TRAINED)
}
# Studies whose tables are taken as they were published. Constraints of the wildcard "study" in rules for these, and for all others.
TAKEN = [] if config["train_published"] else published.studies_in(Path(), STUDIES)
PUBLISHED = "|".join(TAKEN) or "none"
MADE = "|".join(name for name in STUDIES if name not in TAKEN) or "none"

if config["study"] in TAKEN and workflow.is_main_process:
    print(published.line(Path(), config["study"]), file=sys.stderr)


# What rules declare: the name of every table, figure and measurement stands in its rule alone.

PAPERS = {
    "feng2021": "Feng and Tu 2021",
    "yang2023": "Yang, Tang and Tu 2023",
    "feng2023": "Feng, Zhang and Tu 2023",
}
TABLES, FIGURES = [], []
MEASURED = {paper: [] for paper in PAPERS}  # files of every trained chunk, by section


def study_table(name):
    """A table of a study as output of a rule, and in the report of Snakemake."""
    TABLES.append(name)
    return report(
        f"results/{{study,{MADE}}}/tables/{name}.csv",
        caption="../report/tables.rst",
        category=PAPERS[name.split("_")[0]],
        subcategory="Tables",
        labels={"table": name},
    )


def study_figure(name):
    """A figure of a study as outputs of a rule, PDF and PNG, with the caption of its name in the report of Snakemake."""
    FIGURES.append(name)
    paper, number = name.rsplit("_fig", 1)
    return {
        "pdf": report(
            f"figures/{{study}}/{name}.pdf",
            caption=f"../report/{name}.rst",
            category=PAPERS.get(paper, "Beyond the papers"),
            subcategory="Figures",
            labels={"figure": number, "format": "PDF"},
        ),
        "png": f"figures/{{study}}/{name}.png",
    }


def measurement(section, name):
    """What is measured on every trained chunk that a section of a study needs, as output of a rule."""
    MEASURED[section].append(name)
    return f"results/{{study,{MADE}}}/measure/{{ensemble}}/{{chunk}}/{name}"


# Paths and settings of a study


def chunk_of(wildcards):
    return CHUNKS[wildcards.ensemble, wildcards.chunk]


def dataset_of(wildcards):
    return f"data/{chunk_of(wildcards).dataset}.safetensors"


def chunks_of(study, section=None):
    return studies.chunks_of(STUDIES[study], section, TRAINED)


def trained(study, section=None):
    """The trained chunks of a study; of a section those that it needs."""
    return [
        f"results/runs/{chunk.ensemble}/{chunk.name}.safetensors"
        for chunk in chunks_of(study, section)
    ]


def measured(study, name):
    """The named measurement of every chunk that its section needs."""
    (section,) = [section for section, names in MEASURED.items() if name in names]
    return [
        f"results/{study}/measure/{chunk.ensemble}/{chunk.name}/{name}"
        for chunk in chunks_of(study, section)
    ]


def tables_of(study, names=None):
    """The tables of a study; of one whose tables are taken as published, those that are there."""
    paths = [
        f"results/{study}/tables/{name}.csv"
        for name in (TABLES if names is None else names)
    ]
    return [path for path in paths if study not in TAKEN or os.path.exists(path)]


def compared_studies(study, paper):
    """The studies that a paper's notebook sets beside a study."""
    return STUDIES[study][paper].get("compared_studies", [])


def studies_behind(study):
    """A study, and those that its notebook sets beside it."""
    return [study, *compared_studies(study, "feng2021")]


def section_settings(section, *keys):
    """Params function: the named settings of a section of the study."""
    return lambda wildcards: {
        key: STUDIES[wildcards.study][section][key] for key in keys
    }


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
    """All that the record of a study speaks of. Intermediates are listed too: a missing one is no reason for Snakemake to make it
    again. Of a study whose tables are taken as published, they are where its results begin.
    """
    intermediates = [
        *trained(study),
        *(
            path
            for names in MEASURED.values()
            for name in names
            for path in measured(study, name)
        ),
        f"results/{study}/measure/dropout.csv",
    ]
    return [
        *(intermediates if study not in TAKEN else []),
        *tables_of(study),
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


# What jobs are to need


def data_entry(study):
    return DATASETS[STUDIES[study]["dataset"]]


def expected_steps(run, images):
    return costs.expected_steps(run, images, costs=COSTS)


def asked_for(plan):
    """Resources of jobs whose plan is a function of their wildcards: what they are to need at most, by far; see `plans.Request`."""

    def request(wildcards):
        study = getattr(wildcards, "study", None)
        entry = data_entry(study) if study else DATASETS[chunk_of(wildcards).dataset]
        return plans.Request(lambda: plan(wildcards), entry, COSTS)

    return {
        "mem_mb": lambda wildcards, attempt: attempt * request(wildcards).megabytes,
        "runtime": lambda wildcards, attempt: attempt * request(wildcards).minutes,
    }


def planned_once(name, jobs):
    """Plan function of a rule that is one of those that a function of `plans` plans for a study."""
    return lambda wildcards: next(
        job
        for job in jobs(STUDIES[wildcards.study], data_entry(wildcards.study))
        if job.rule == name
    )


def planned_of_chunk(name):
    """Plan function of a rule that measures a chunk."""
    return lambda wildcards: plans.chunk_job(
        name,
        STUDIES[wildcards.study],
        chunk_of(wildcards),
        data_entry(wildcards.study),
        expected_steps,
    )


wildcard_constraints:
    study="|".join(STUDIES),
    dataset="|".join(DATASETS),
    ensemble="[0-9a-f]{10}",
    chunk="[0-9a-f]{10}",
