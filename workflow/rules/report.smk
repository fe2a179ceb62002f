REPORT_SOURCES = {
    "template": "workflow/report/index.html.j2",
    "style": "workflow/report/report.css",
    "script": "workflow/report/report.js",
    "citation": "CITATION.cff",
}
CAPTIONS = [f"workflow/report/{name}.rst" for name in (*FIGURES, "as_published")]
PAGE_FILES = [
    *CODE.behind("scripts/write_report.py"),
    *REPORT_SOURCES.values(),
    *CAPTIONS,
]


rule write_report:
    """The report page of a study: verdicts, figures, settings, what it took; and the manifest that confirms it and the record."""
    input:
        **REPORT_SOURCES,
        claims="results/{study}/claims.csv",
        tests="results/{study}/claim_tests.csv",
        points="results/{study}/tables/feng2023_points.csv",
        figures=lambda w: [
            f"figures/{w.study}/{figure}.png" for figure in LAYOUT.figures_of(w.study)
        ],
        captions=lambda w: [
            caption_of(w.study, figure) for figure in LAYOUT.figures_of(w.study)
        ],
        record="results/{study}/provenance/ro-crate-metadata.json",
        notebooks=lambda w: [
            f"results/{w.study}/report/{paper}.html" for paper in PAPERS
        ],
    output:
        page="results/{study}/report/index.html",
        manifest="results/{study}/provenance/manifest.txt",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        scale=lambda w: STUDIES[w.study]["scale"],
        stated={claim["id"]: claim["stated"] for claim in CLAIMS},
        papers={**CATEGORIES, "dinh2017": "Dinh et al. 2017"},
        notebooks={paper: f"{paper}.html" for paper in PAPERS},
        settings=lambda w: STUDIES[w.study],
        dataset=lambda w: DATASETS[STUDIES[w.study]["dataset"]],
        code=CODE.digest(*PAGE_FILES),
    script:
        "../scripts/write_report.py"
