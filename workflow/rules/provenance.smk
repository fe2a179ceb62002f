# The record of a study: what made every file of it, from which bytes, with which settings, code and versions.
# The page prints the sum of the record and comes after it, so the record speaks of the page's code, not of the page.
# In the order in which later ones are laid over earlier ones; what --config says comes last.
CONFIGURATION_FILES = [
    "config/config.yaml",
    *map(from_root, workflow.config_settings.configfiles),
]
COMMAND_LINE_SETTINGS = dict(workflow.config_settings.config)
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
    "pyproject.toml",
    "requirements.txt",
    "uv.lock",
    *CONFIGURATION_FILES,
    "config/claims.yaml",
]


rule write_provenance:
    """The record of a study as a Provenance Run Crate, from the records that its jobs left beside their logs."""
    input:
        results=lambda w: LAYOUT.results(w.study),
        workflow=WORKFLOW_FILES,
        page=PAGE_FILES,
    output:
        crate=f"results/{{study,{MADE}}}/provenance/ro-crate-metadata.json",
        settings=f"results/{{study,{MADE}}}/provenance/settings.yaml",
        readme=f"results/{{study,{MADE}}}/provenance/README.md",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        settings=lambda w: STUDIES[w.study],
        dataset=lambda w: DATASETS[STUDIES[w.study]["dataset"]],
        # Of published tables, the record as it was published says what made them.
        earlier_crate=lambda w: (
            f"results/{w.study}/provenance/ro-crate-metadata.json"
            if w.study in LAYOUT.taken
            else None
        ),
        configuration=CONFIGURATION_FILES,
        command_line=COMMAND_LINE_SETTINGS,
        logs=lambda w: [
            *(f"results/{study}/logs" for study in [w.study, *LAYOUT.beside(w.study)]),
            # What is trained here is none of what a published study was made from.
            *([] if w.study in LAYOUT.taken else ["results/runs", "data/logs"]),
        ],
        code=CODE.digest(
            *CODE.behind("scripts/write_provenance.py"), *WORKFLOW_FILES, *PAGE_FILES
        ),
    script:
        "../scripts/write_provenance.py"


use rule write_provenance as write_provenance_on_published_tables with:
    # The record as it was published is read before the new one is written.
    output:
        crate=update(f"results/{{study,{PUBLISHED}}}/provenance/ro-crate-metadata.json"),
        settings=update(f"results/{{study,{PUBLISHED}}}/provenance/settings.yaml"),
        readme=update(f"results/{{study,{PUBLISHED}}}/provenance/README.md"),
