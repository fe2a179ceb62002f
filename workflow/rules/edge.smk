rule measure_generalization:
    """Losses, errors, sharpness and temperature of the networks of one chunk, trained with ever more noise."""
    input:
        runs="results/runs/{ensemble}/{chunk}.safetensors",
        dataset=dataset_of,
    output:
        table=measurement("yang2023", "generalization.csv"),
    priority: 20
    resources:
        **asked_for(planned_of_chunk("measure_generalization")),
    params:
        layer=lambda w: STUDIES[w.study]["yang2023"]["edge"]["layer"],
        sharpest_directions=lambda w: STUDIES[w.study]["yang2023"]["edge"][
            "sharpest_directions"
        ],
    script:
        "../scripts/measure_generalization.py"


rule tabulate_yang2023_fig4:
    """Every run up to and across the edge of convergence; outcomes by setting, edge and optimum by line."""
    input:
        measured=lambda w: LAYOUT.measured(w.study, "generalization.csv"),
    output:
        runs=study_table("yang2023_fig4"),
        settings=study_table("yang2023_fig4_settings"),
        lines=study_table("yang2023_fig4_lines"),
    params:
        talk_runs=lambda w: studies.talk_runs(STUDIES[w.study]),
    script:
        "../scripts/tabulate_yang2023_fig4.py"
