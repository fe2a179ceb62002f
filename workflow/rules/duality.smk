rule measure_duality:
    """Decomposed gap, sharpness and size of the networks of one seed of the sweeps, at points of training."""
    input:
        runs=lambda w: trained(w.study, "feng2023", int(w.seed)),
        dataset=lambda w: f"data/{STUDIES[w.study]['dataset']}.safetensors",
        code=code("scripts/measure_duality.py"),
    output:
        points="results/{study}/measure/duality/{seed}_points.csv",
        spectra="results/{study}/measure/duality/{seed}_spectra.csv",
    log:
        "results/{study}/logs/measure_duality/{seed}.log",
    benchmark:
        "results/{study}/benchmarks/measure_duality/{seed}.tsv"
    priority: 20
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        **asked_for(lambda w: plans.duality_job(STUDIES[w.study], data_entry(w.study))),
    params:
        seed=lambda w: int(w.seed),
        settings=feng2023("layer", "test_images", "equal_losses", "equal_epochs"),
        code=digest("scripts/measure_duality.py"),
    script:
        "../scripts/measure_duality.py"


rule measure_pairs:
    """Dual weights of the pairs at the reference of the sweeps: exactness, ways of matching, smaller shifts, nulls."""
    input:
        runs=lambda w: trained(w.study, "feng2023"),
        dataset=lambda w: f"data/{STUDIES[w.study]['dataset']}.safetensors",
        code=code("scripts/measure_pairs.py"),
    output:
        pairs=study_table("feng2023_fig1"),
        matching=study_table("feng2023_fig1_matching"),
        directions=study_table("feng2023_fig2_directions"),
        shifts=study_table("feng2023_fig2_shifts"),
        metric=study_table("feng2023_fig2_metric"),
    log:
        "results/{study}/logs/measure_pairs.log",
    benchmark:
        "results/{study}/benchmarks/measure_pairs.tsv"
    priority: 20
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        **asked_for(planned_once("measure_pairs", plans.sweep_jobs)),
    params:
        reference_runs=lambda w: studies.reference_runs_of_sweeps(STUDIES[w.study]),
        settings=feng2023("layer", "test_images"),
        code=digest("scripts/measure_pairs.py"),
    script:
        "../scripts/measure_pairs.py"


rule measure_dropout:
    """Sharpness and size under dropout in every layer, matched in several ways."""
    input:
        runs=lambda w: trained(w.study, "feng2023"),
        dataset=lambda w: f"data/{STUDIES[w.study]['dataset']}.safetensors",
        code=code("scripts/measure_dropout.py"),
    output:
        table="results/{study}/measure/dropout.csv",
    log:
        "results/{study}/logs/measure_dropout.log",
    benchmark:
        "results/{study}/benchmarks/measure_dropout.tsv"
    priority: 20
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        **asked_for(planned_once("measure_dropout", plans.sweep_jobs)),
    params:
        chosen=lambda w: studies.dropout_runs(STUDIES[w.study]),
        settings=feng2023("layer", "test_images", "equal_losses", "equal_epochs"),
        code=digest("scripts/measure_dropout.py"),
    script:
        "../scripts/measure_dropout.py"


rule rescale_networks:
    """Sharpness and size of rescaled copies of the networks at the reference of the sweeps."""
    input:
        runs=lambda w: trained(w.study, "feng2023"),
        dataset=lambda w: f"data/{STUDIES[w.study]['dataset']}.safetensors",
        code=code("scripts/rescale_networks.py"),
    output:
        table=study_table("feng2023_fig6"),
    log:
        "results/{study}/logs/rescale_networks.log",
    benchmark:
        "results/{study}/benchmarks/rescale_networks.tsv"
    priority: 20
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        **asked_for(planned_once("rescale_networks", plans.sweep_jobs)),
    params:
        reference_runs=lambda w: studies.reference_runs_of_sweeps(STUDIES[w.study]),
        settings=feng2023("layer", "test_images", "rescaling_factors"),
        code=digest("scripts/rescale_networks.py"),
    script:
        "../scripts/rescale_networks.py"


rule tabulate_feng2023:
    """Every point of the sweeps; spectra, settings and effects where each sweep is decided."""
    input:
        points=lambda w: duality(w.study, "points"),
        spectra=lambda w: duality(w.study, "spectra"),
        dropout=["results/{study}/measure/dropout.csv"],
        code=code("scripts/tabulate_feng2023.py"),
    output:
        points=study_table("feng2023_points"),
        spectra=study_table("feng2023_spectra"),
        settings=study_table("feng2023_settings"),
        effects=study_table("feng2023_effects"),
        dropout=study_table("feng2023_fig5_dropout"),
    log:
        "results/{study}/logs/tabulate_feng2023.log",
    benchmark:
        "results/{study}/benchmarks/tabulate_feng2023.tsv"
    conda:
        "../../envs/compute.yaml"
    threads: 1
    params:
        members=lambda w: studies.swept_runs(STUDIES[w.study]),
        code=digest("scripts/tabulate_feng2023.py"),
    script:
        "../scripts/tabulate_feng2023.py"
