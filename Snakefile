# Replication of the statistical physics of learning papers. Run `snakemake --cores all`; README.md says the rest.
from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/figures_feng2021.smk"
include: "workflow/rules/toy.smk"
include: "workflow/rules/edge.smk"
include: "workflow/rules/figures_yang2023.smk"
include: "workflow/rules/duality.smk"
include: "workflow/rules/figures_feng2023.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/notebooks.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/provenance.smk"


# On a cluster these run beside Snakemake: they take seconds, or need the network.
localrules:
    all,
    fetch_idx,
    tabulate_feng2021_runs,
    tabulate_feng2021_fig1,
    tabulate_feng2021_fig2,
    tabulate_feng2021_fig3,
    tabulate_feng2021_fig4,
    feng2021_fig1,
    feng2021_fig2,
    feng2021_fig3,
    feng2021_fig4,
    tabulate_yang2023_fig4,
    yang2023_fig1,
    yang2023_fig2,
    yang2023_fig3,
    yang2023_fig4,
    tabulate_feng2023,
    feng2023_fig1,
    feng2023_fig2,
    feng2023_fig3,
    feng2023_fig4,
    feng2023_fig5,
    feng2023_fig6,
    decide_claims,
    run_notebook,
    write_report,
    write_provenance,


rule all:
    """Every figure and claim of the study, and all that they stand on."""
    default_target: True
    input:
        everything_of(config["study"]),


onstart:
    start_jobs_without_a_limit_per_second()
    stop_at_protected_folders()
    stop_at_damaged_inputs()


onsuccess:
    print_summary(config["study"])


onerror:
    forget_missing_outputs()
    make_damaged_outputs_again()
