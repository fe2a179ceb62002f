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


rule measure_edge:
    """What became of the networks up to the edge, the sharpness of their batches, and controls as they train."""
    input:
        runs=lambda w: sorted(
            {
                path
                for section in ("yang2023", studies.FOLLOWED)
                for path in LAYOUT.networks(w.study, section)
            }
        ),
        dataset=dataset_of,
    output:
        outcomes=study_table("yang2023_fig4_outcomes"),
        sharpness=study_table("yang2023_fig4_batch_sharpness"),
        followed=study_table("yang2023_fig4_followed"),
    priority: 20
    resources:
        **asked_for(planned_once("measure_edge", plans.edge_jobs)),
    params:
        parts=lambda w: {
            "talk_example": studies.talk_runs(STUDIES[w.study]),
            **studies.followed_runs(STUDIES[w.study]),
        },
        settings=lambda w: {
            key: STUDIES[w.study]["yang2023"]["edge"][key]
            for key in ("layer", "sharpness_images")
        },
    script:
        "../scripts/measure_edge.py"


rule tabulate_yang2023_fig4_controls:
    """Outcomes by setting, bend of the steps, responses, flatness against little noise, and a larger initial scale."""
    input:
        runs="results/{study}/tables/yang2023_fig4.csv",
        outcomes="results/{study}/tables/yang2023_fig4_outcomes.csv",
        followed="results/{study}/tables/yang2023_fig4_followed.csv",
    output:
        setting_outcomes=study_table("yang2023_fig4_setting_outcomes"),
        bends=study_table("yang2023_fig4_bends"),
        asymmetry=study_table("yang2023_fig4_asymmetry"),
        flatness=study_table("yang2023_fig4_flatness"),
        flatness_lines=study_table("yang2023_fig4_flatness_lines"),
        scales=study_table("yang2023_fig4_scales"),
        scale_lines=study_table("yang2023_fig4_scale_lines"),
    params:
        weak_noise=lambda w: STUDIES[w.study]["yang2023"]["edge"]["weak_noise"],
    script:
        "../scripts/tabulate_yang2023_fig4_controls.py"
