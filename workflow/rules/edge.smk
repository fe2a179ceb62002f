rule measure_generalization:
    """Losses, errors, sharpness and temperature of the networks of one seed, trained with ever more noise."""
    input:
        runs=lambda w: trained(w.study, "yang2023", int(w.seed)),
        dataset=lambda w: f"data/{STUDIES[w.study]['dataset']}.safetensors",
        code=code("scripts/measure_generalization.py"),
    output:
        table="results/{study}/measure/generalization/{seed}.csv",
    log:
        "results/{study}/logs/measure_generalization/{seed}.log",
    benchmark:
        "results/{study}/benchmarks/measure_generalization/{seed}.tsv"
    priority: 20
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        **asked_for(
            lambda w: plans.generalization_job(STUDIES[w.study], data_entry(w.study))
        ),
    params:
        seed=lambda w: int(w.seed),
        layer=lambda w: STUDIES[w.study]["yang2023"]["edge"]["layer"],
        sharpest_directions=lambda w: STUDIES[w.study]["yang2023"]["edge"][
            "sharpest_directions"
        ],
        code=digest("scripts/measure_generalization.py"),
    script:
        "../scripts/measure_generalization.py"


rule tabulate_yang2023_fig4:
    """Every run up to and across the edge of convergence; outcomes by setting, edge and optimum by line."""
    input:
        measured=lambda w: generalization(w.study),
        code=code("scripts/tabulate_yang2023_fig4.py"),
    output:
        runs=study_table("yang2023_fig4"),
        settings=study_table("yang2023_fig4_settings"),
        lines=study_table("yang2023_fig4_lines"),
    log:
        "results/{study}/logs/tabulate_yang2023_fig4.log",
    benchmark:
        "results/{study}/benchmarks/tabulate_yang2023_fig4.tsv"
    conda:
        "../../envs/compute.yaml"
    threads: 1
    params:
        talk_runs=lambda w: studies.talk_runs(STUDIES[w.study]),
        code=digest("scripts/tabulate_yang2023_fig4.py"),
    script:
        "../scripts/tabulate_yang2023_fig4.py"
