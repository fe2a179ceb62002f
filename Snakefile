# Replication of the statistical physics of learning papers. Run `snakemake --cores all`; README.md says the rest.
from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/folder.smk"


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/handlers.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/figures_feng2021.smk"
include: "workflow/rules/controls.smk"
include: "workflow/rules/toy.smk"
include: "workflow/rules/edge.smk"
include: "workflow/rules/figures_yang2023.smk"
include: "workflow/rules/duality.smk"
include: "workflow/rules/figures_feng2023.smk"
include: "workflow/rules/figures_beyond.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/notebooks.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/provenance.smk"


rule all:
    """Every figure and claim of the study, and all that they stand on."""
    default_target: True
    input:
        lambda _: LAYOUT.everything(config["study"]),


for declared in workflow.rules:
    rule_defaults.complete(workflow, declared, CODE)
    if declared.name in FIGURES:
        LAYOUT.drawn_tables[declared.name] = rule_defaults.tables_behind(declared)

if workflow.is_main_process:
    check_wanted()
    idle_jobs.plan_by_records(workflow)


onstart:
    check_modules()
    guards.before_the_first_job(workflow, published_sums())
    check_data_to_make()
    tell_expected_seconds(config["study"])


onsuccess:
    print_summary(config["study"])


onerror:
    guards.after_a_failure(workflow, published_sums())
