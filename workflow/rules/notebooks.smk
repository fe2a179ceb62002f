# Settings that a notebook states; that a study has others makes the notebook again.
NOTEBOOK_SETTINGS = {
    "feng2021": [
        *("hidden_widths", "reference", "learning_rates", "batch_sizes", "sampling"),
        *(
            "stop_loss",
            "window_epochs",
            "window_position",
            "centre",
            "flatness_factor",
            "seeds",
        ),
    ],
    "yang2023": ["seeds", "toy", "edge"],
    "feng2023": [
        *(
            "hidden_widths",
            "learning_rate",
            "batch_size",
            "images_per_class",
            "test_images",
        ),
        *("stop_loss", "max_epochs", "budget_extension", "penalty_epochs"),
        *("equal_losses", "equal_epochs"),
        *("sweeps", "seeds"),
    ],
}
# Tables of another paper that a notebook reads.
NOTEBOOK_TABLES = {"yang2023": ["feng2021_fig4_equal_loss"]}
# Tables of the studies that are set beside, and the settings in which they may differ at the reference.
COMPARED_TABLES = [
    "feng2021_runs",
    "feng2021_fig1_dimension",
    "feng2021_fig2_exponents",
]
COMPARED_SETTINGS = [
    *("stop_loss", "sampling", "window_epochs", "window_position", "centre"),
    "flatness_factor",
]


rule run_notebook:
    """What a study says of a paper: its notebook, executed, and as a page that needs no network."""
    input:
        notebook="workflow/notebooks/{paper}.ipynb",
        tables=lambda w: LAYOUT.tables_of(
            w.study,
            [
                table
                for table in TABLES
                if table.startswith(w.paper)
                or table in NOTEBOOK_TABLES.get(w.paper, [])
            ],
        ),
        compared=lambda w: [
            f"results/{study}/tables/{table}.csv"
            for study in LAYOUT.beside(w.study, w.paper)
            for table in COMPARED_TABLES
        ],
        claims="results/{study}/claims.csv",
        tests="results/{study}/claim_tests.csv",
        figures=lambda w: [
            f"figures/{w.study}/{figure}.png"
            for figure in LAYOUT.figures_of(w.study, w.paper)
        ],
        captions=lambda w: [
            caption_of(w.study, figure)
            for figure in LAYOUT.figures_of(w.study, w.paper)
        ],
        code=lambda w: notebook_code(w.paper),
    output:
        page=report(
            "results/{study}/report/{paper}.html",
            caption="../report/notebooks.rst",
            category="Notebooks",
            labels={"paper": "{paper}"},
        ),
        notebook="results/{study}/report/{paper}.ipynb",
    wildcard_constraints:
        paper="|".join(PAPERS),
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        settings=lambda w: {
            "data": DATASETS[STUDIES[w.study]["dataset"]]["description"],
            **{
                key: STUDIES[w.study][w.paper][key]
                for key in NOTEBOOK_SETTINGS[w.paper]
            },
        },
        compared=lambda w: LAYOUT.settings_that_differ(
            w.study, w.paper, COMPARED_SETTINGS
        ),
        stated={claim["id"]: claim["stated"] for claim in CLAIMS},
        links=lambda w: {
            "All results": "index.html",
            **{key: f"{key}.html" for key in PAPERS if key != w.paper},
        },
        code=lambda w: CODE.digest(*notebook_code(w.paper)),
    script:
        "../scripts/run_notebook.py"
