# The record of a study: what made every file of it, from which bytes, with which settings, code and versions.
# The page prints the sum of the record and comes after it, so the record speaks of the page's code, not of the page.
PAGE_FILES = [*code("scripts/write_report.py"), *REPORT_SOURCES.values()]
WORKFLOW_FILES = [
    "Snakefile",
    *sorted(
        str(path.relative_to(ROOT))
        for pattern in (
            "workflow/rules/*.smk",
            "workflow/schemas/*.json",
            "envs/*.yaml",
            "profiles/*/*.yaml",
        )
        for path in ROOT.glob(pattern)
    ),
    *("pyproject.toml", "requirements.txt", "uv.lock"),
    *CONFIGURATION_FILES,
    *LEDGER_AND_DATA,
]


rule write_provenance:
    """The record of a study as a Provenance Run Crate, from the records that its jobs left beside their logs."""
    input:
        results=lambda w: results_of(w.study),
        workflow=WORKFLOW_FILES,
        page=PAGE_FILES,
        code=code("scripts/write_provenance.py"),
    output:
        crate="results/{study}/provenance/ro-crate-metadata.json",
        settings="results/{study}/provenance/settings.yaml",
        readme="results/{study}/provenance/README.md",
    log:
        "results/{study}/logs/write_provenance.log",
    benchmark:
        "results/{study}/benchmarks/write_provenance.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    params:
        settings=lambda w: STUDIES[w.study],
        dataset=lambda w: DATASETS[STUDIES[w.study]["dataset"]],
        configuration=CONFIGURATION_FILES,
        command_line=COMMAND_LINE_SETTINGS,
        logs=lambda w: [
            *(f"results/{study}/logs" for study in studies_behind(w.study)),
            *("results/runs", "data/logs"),
        ],
        code=digest_of(
            *code("scripts/write_provenance.py"), *WORKFLOW_FILES, *PAGE_FILES
        ),
    script:
        "../scripts/write_provenance.py"
