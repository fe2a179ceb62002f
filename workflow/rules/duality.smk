rule measure_duality:
    """Decomposed gap, sharpness and size of the networks of one chunk of the sweeps, at points of training."""
    input:
        runs="results/runs/{ensemble}/{chunk}.safetensors",
        dataset=dataset_of,
    output:
        points=measurement("feng2023", "duality_points.csv"),
        spectra=measurement("feng2023", "duality_spectra.csv"),
        gauges=measurement("feng2023", "duality_gauges.csv"),
        published=measurement("feng2023", "duality_published.csv"),
    priority: 20
    resources:
        **asked_for(planned_of_chunk("measure_duality")),
    params:
        settings=section_settings(
            "feng2023", "layer", "test_images", "equal_losses", "equal_epochs"
        ),
    script:
        "../scripts/measure_duality.py"


rule measure_pairs:
    """Dual weights of the pairs at the reference of the sweeps: exactness, ways of matching, smaller shifts, nulls."""
    input:
        runs=lambda w: LAYOUT.networks_of(
            w.study, "feng2023", studies.reference_runs_of_sweeps(STUDIES[w.study])
        ),
        dataset=dataset_of,
    output:
        pairs=study_table("feng2023_fig1"),
        matching=study_table("feng2023_fig1_matching"),
        directions=study_table("feng2023_fig2_directions"),
        shifts=study_table("feng2023_fig2_shifts"),
        metric=study_table("feng2023_fig2_metric"),
        gauges=study_table("feng2023_fig2_gauges"),
        gauge_numbers=study_table("feng2023_fig2_gauge_numbers"),
    priority: 20
    resources:
        **asked_for(planned_once("measure_pairs", plans.sweep_jobs)),
    params:
        reference_runs=lambda w: studies.reference_runs_of_sweeps(STUDIES[w.study]),
        settings=section_settings("feng2023", "layer", "test_images"),
    script:
        "../scripts/measure_pairs.py"


rule measure_dropout:
    """Sharpness and size under dropout in every layer, matched in several ways."""
    input:
        runs=lambda w: LAYOUT.networks_of(
            w.study, "feng2023", studies.dropout_runs(STUDIES[w.study])
        ),
        dataset=dataset_of,
    output:
        table=f"results/{{study,{MADE}}}/measure/dropout.csv",
    priority: 20
    resources:
        **asked_for(planned_once("measure_dropout", plans.sweep_jobs)),
    params:
        chosen=lambda w: studies.dropout_runs(STUDIES[w.study]),
        settings=section_settings(
            "feng2023", "layer", "test_images", "equal_losses", "equal_epochs"
        ),
    script:
        "../scripts/measure_dropout.py"


rule rescale_networks:
    """Sharpness and size of rescaled copies of the networks at the reference of the sweeps."""
    input:
        runs=lambda w: LAYOUT.networks_of(
            w.study, "feng2023", studies.reference_runs_of_sweeps(STUDIES[w.study])
        ),
        dataset=dataset_of,
    output:
        table=study_table("feng2023_fig6"),
    priority: 20
    resources:
        **asked_for(planned_once("rescale_networks", plans.sweep_jobs)),
    params:
        reference_runs=lambda w: studies.reference_runs_of_sweeps(STUDIES[w.study]),
        settings=section_settings(
            "feng2023", "layer", "test_images", "rescaling_factors"
        ),
    script:
        "../scripts/rescale_networks.py"


rule tabulate_feng2023:
    """Every point of the sweeps; spectra, settings and effects where each sweep is decided."""
    input:
        points=lambda w: LAYOUT.measured(w.study, "duality_points.csv"),
        spectra=lambda w: LAYOUT.measured(w.study, "duality_spectra.csv"),
        gauges=lambda w: LAYOUT.measured(w.study, "duality_gauges.csv"),
        dropout=["results/{study}/measure/dropout.csv"],
    output:
        points=study_table("feng2023_points"),
        spectra=study_table("feng2023_spectra"),
        gauges=study_table("feng2023_gauges"),
        settings=study_table("feng2023_settings"),
        effects=study_table("feng2023_effects"),
        dropout=study_table("feng2023_fig5_dropout"),
    params:
        members=lambda w: studies.swept_runs(STUDIES[w.study]),
    script:
        "../scripts/tabulate_feng2023.py"


rule tabulate_feng2023_published:
    """The sweeps by the protocol of the authors' scripts: order of sigma_g, parts of the gap, common factors of sigma_w."""
    input:
        points="results/{study}/tables/feng2023_points.csv",
        published=lambda w: LAYOUT.measured(w.study, "duality_published.csv"),
    output:
        points=study_table("feng2023_published"),
        spectra=study_table("feng2023_published_spectra"),
        factors=study_table("feng2023_published_factors"),
    script:
        "../scripts/tabulate_feng2023_published.py"
