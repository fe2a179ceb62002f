# Helpers of the rules: settings, files of studies, and what rules declare of themselves. No rules here.
import sys
import time
from pathlib import Path


from sgdphysics import files, job_environment
from sgdphysics.claims import ledger
from sgdphysics.errors import InputError
from sgdphysics.provenance import confirmation, guards, idle_jobs, modules
from sgdphysics.provenance import places, reading
from sgdphysics.runs import run_id, settings_of
from sgdphysics.study import costs, plans, published, rule_defaults, studies
from sgdphysics.study.code import Code
from sgdphysics.study.configuration import Configuration, check_files
from sgdphysics.study.data_files import check_mirror, check_own
from sgdphysics.study.layout import Layout
from sgdphysics.study.requests import Request
from sgdphysics.study.trained_chunks import agreed_chunks

START = time.time()

try:
    job_environment.prepare_workflow(Path())
    # Snakemake has read them already, and has taken the last of a key that is there twice.
    check_files(workflow.configfiles if workflow.is_main_process else [])
    CONFIGURATION = Configuration(ROOT, config)
    STUDIES, DATASETS = CONFIGURATION.studies, CONFIGURATION.datasets
    COSTS, CLAIMS = CONFIGURATION.costs, CONFIGURATION.claims
except InputError as error:
    sys.exit(str(error))

PAPERS = {
    "feng2021": "Feng and Tu 2021",
    "yang2023": "Yang, Tang and Tu 2023",
    "feng2023": "Feng, Zhang and Tu 2023",
}
# Of figures and tables, by the first part of their names.
CATEGORIES = {**PAPERS, "beyond": "Beyond the papers"}
CODE = Code(Path.cwd())
LAYOUT = Layout(
    STUDIES,
    agreed_chunks(
        Path("results/runs"),
        Path(".snakemake/trained_chunks"),
        planning=workflow.is_main_process,
    ),
    (
        published.studies_in(Path(), STUDIES, config["study"])
        if config["published_tables"] == "taken"
        else []
    ),
    PAPERS,
)
TABLES, FIGURES = LAYOUT.tables, LAYOUT.figures
# Constraints of the wildcard "study" in rules for studies whose tables are taken as published, and for all others.
PUBLISHED, MADE = ("|".join(names) or "none" for names in (LAYOUT.taken, LAYOUT.made))

try:
    published.check_settings(Path(), LAYOUT.taken, STUDIES)
except InputError as error:
    sys.exit(f"config error: {error}")
if workflow.is_main_process and config["study"] in LAYOUT.taken:
    logger.info(published.line(Path(), config["study"]))
elif workflow.is_main_process:
    chosen = STUDIES[config["study"]]
    for sentence in plans.not_measured(chosen, DATASETS[chosen["dataset"]]):
        logger.info(f"Study {config['study']}, feng2021: {sentence}")


# Outputs, by which rules declare what there is


def study_table(name):
    """A table of a study, and in the report of Snakemake."""
    TABLES.append(name)
    return report(
        f"results/{{study,{MADE}}}/tables/{name}.csv",
        caption="../report/tables.rst",
        category=CATEGORIES[name.split("_")[0]],
        subcategory="Tables",
        labels={"table": name},
    )


def study_figure(name):
    """A figure of a study, PDF and PNG, with the caption of its name in the report of Snakemake."""
    FIGURES.append(name)
    paper, number = name.rsplit("_fig", 1)
    return {
        "pdf": report(
            f"figures/{{study}}/{name}.pdf",
            caption=f"../report/{name}.rst",
            category=CATEGORIES[paper],
            subcategory="Figures",
            labels={"figure": number, "format": "PDF"},
        ),
        "png": f"figures/{{study}}/{name}.png",
    }


def caption_of(study, figure):
    """The caption of a figure; one that stays as it is published is not what today's caption says."""
    stays = LAYOUT.stays_as_published(study, figure)
    return f"workflow/report/{'as_published' if stays else figure}.rst"


def measurement(section, name):
    """What is measured on every trained chunk that a section of a study needs."""
    LAYOUT.measurements[section].append(name)
    return f"results/{{study,{MADE}}}/measure/{{ensemble}}/{{chunk}}/{name}"


# Inputs and params


def chunk_of(wildcards):
    return LAYOUT.chunks[wildcards.ensemble, wildcards.chunk]


def dataset_of(wildcards):
    """The data set of a chunk, or of a study."""
    if "study" not in wildcards.keys() or "chunk" in wildcards.keys():
        return f"data/{chunk_of(wildcards).dataset}.safetensors"
    return f"data/{STUDIES[wildcards.study]['dataset']}.safetensors"


def section_settings(section, *keys):
    """The named settings of a section of the study."""
    return lambda wildcards: {
        key: STUDIES[wildcards.study][section][key] for key in keys
    }


def toy(*keys):
    """The named settings of the study's toy landscape."""
    return lambda wildcards: {
        key: STUDIES[wildcards.study]["yang2023"]["toy"][key] for key in keys
    }


def control_networks(wildcards, part):
    """Networks that are set beside those of feng2021's reference setting: those of a part."""
    runs = studies.control_runs(STUDIES[wildcards.study])[part]
    return LAYOUT.networks_of(wildcards.study, "feng2021_controls", runs)


def among_runs_of(wildcards, names):
    """Those of the named runs that are in a job's chunk: others are no settings of the job."""
    if "chunk" not in wildcards.keys():
        return names
    chunk = chunk_of(wildcards)
    members = {run_id(run, chunk.dataset) for run in chunk.runs}
    return [name for name in names if name in members]


def reference_runs(wildcards):
    """Names of the runs of feng2021's reference setting; of those of a chunk if the job is one of a chunk."""
    names = studies.reference_runs(STUDIES[wildcards.study])
    return among_runs_of(wildcards, names)


def drawn_runs(wildcards):
    """Name of the first of them, whose steps are drawn, if it is in the chunk."""
    names = studies.reference_runs(STUDIES[wildcards.study])
    return among_runs_of(wildcards, names[:1])


def notebook_code(paper):
    return CODE.behind("scripts/run_notebook.py", f"notebooks/{paper}.ipynb")


def from_root(path):
    """A path relative to the project, which the folder where Snakemake works is too, or of a file elsewhere the whole path."""
    for folder in (ROOT, Path.cwd()):
        try:
            return places.path_within(folder, Path(path))
        except InputError:
            continue
    return str(Path(path).resolve())


# Resources: what jobs are to need at most


def data_entry(wildcards):
    if "study" in wildcards.keys():
        return DATASETS[STUDIES[wildcards.study]["dataset"]]
    return DATASETS[chunk_of(wildcards).dataset]


def expected_steps(run, images):
    return costs.expected_steps(run, images, costs=COSTS)


def asked_for(plan):
    """Memory and time of jobs whose plan is a function of their wildcards; see `Request`."""

    def request(wildcards):
        return Request(lambda: plan(wildcards), data_entry(wildcards), COSTS)

    return {
        "mem_mb": lambda wildcards, attempt: attempt * request(wildcards).megabytes,
        "runtime": lambda wildcards, attempt: attempt * request(wildcards).minutes,
    }


def planned_training(wildcards):
    return plans.training_job(
        chunk_of(wildcards), data_entry(wildcards), expected_steps
    )


def planned_of_chunk(name):
    """Plan of the job of a rule that measures a chunk."""
    return lambda wildcards: plans.chunk_job(
        name,
        STUDIES[wildcards.study],
        chunk_of(wildcards),
        data_entry(wildcards),
        expected_steps,
    )


def planned_once(name, jobs):
    """Plan of the job of a rule that is one of those that a function of `plans` plans for a study."""
    return lambda wildcards: next(
        job
        for job in jobs(STUDIES[wildcards.study], data_entry(wildcards))
        if job.rule == name
    )


def planned_controls(name):
    """Plan of a job that measures what is set beside the reference setting of feng2021."""
    return planned_once(
        name, lambda study, entry: plans.control_jobs(study, entry, expected_steps)
    )


wildcard_constraints:
    study="|".join(STUDIES),
    dataset="|".join(DATASETS),
    ensemble="[0-9a-f]{10}",
    chunk="[0-9a-f]{10}",
