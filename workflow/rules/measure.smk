rule measure_fluctuations:
    """Step on through windows: directions of fluctuation, variances, correlation times, surrogates."""
    input:
        runs="results/runs/{ensemble}/{chunk}.safetensors",
        dataset=dataset_of,
    output:
        windows=measurement("feng2021", "windows.safetensors"),
        fluctuations=measurement("feng2021", "fluctuations.csv"),
        detrended=measurement("feng2021", "detrended.csv"),
        spectra=measurement("feng2021", "spectra.csv"),
        trajectory=measurement("feng2021", "trajectory.csv"),
    priority: 30
    resources:
        **asked_for(planned_of_chunk("measure_fluctuations")),
    params:
        settings=section_settings(
            "feng2021",
            "layer",
            "sampling",
            "window_epochs",
            "longer_window_epochs",
            "window_position",
            "centre",
            "early_epochs",
            "directions",
            "trajectory_ranks",
            "annealing_ranks",
            "slice_ranks",
            "minibatch_rank",
            "sharpest_directions",
        ),
        reference_runs=reference_runs,
        drawn_runs=drawn_runs,
    script:
        "../scripts/measure_fluctuations.py"


rule measure_flatness:
    """Cut slices through the loss: flatness along every direction, numbers of minima."""
    input:
        runs="results/runs/{ensemble}/{chunk}.safetensors",
        windows="results/{study}/measure/{ensemble}/{chunk}/windows.safetensors",
        dataset=dataset_of,
    output:
        flatness=measurement("feng2021", "flatness.csv"),
        slices=measurement("feng2021", "slices.csv"),
        minima=measurement("feng2021", "minima.csv"),
    priority: 20
    resources:
        **asked_for(planned_of_chunk("measure_flatness")),
    params:
        settings=section_settings(
            "feng2021",
            "flatness_factor",
            "slice_ranks",
            "slice_directions",
            "slice_random_directions",
            "slice_points",
            "slice_range",
        ),
        reference_runs=reference_runs,
    script:
        "../scripts/measure_flatness.py"


rule measure_noise:
    """Temperatures along directions, at the windows' centres and through training."""
    input:
        runs="results/runs/{ensemble}/{chunk}.safetensors",
        windows="results/{study}/measure/{ensemble}/{chunk}/windows.safetensors",
        flatness="results/{study}/measure/{ensemble}/{chunk}/flatness.csv",
        dataset=dataset_of,
    output:
        temperature=measurement("feng2021", "temperature.csv"),
        checkpoints=measurement("feng2021", "checkpoints.csv"),
        annealing=measurement("feng2021", "annealing.csv"),
        homogeneity=measurement("feng2021", "homogeneity.csv"),
        minibatches=measurement("feng2021", "minibatches.csv"),
        covariance=measurement("feng2021", "covariance.csv"),
    priority: 10
    resources:
        **asked_for(planned_of_chunk("measure_noise")),
    params:
        settings=section_settings(
            "feng2021",
            "annealing_ranks",
            "sharpest_directions",
            "slice_ranks",
            "minibatches_drawn",
            "minibatch_rank",
        ),
        reference_runs=reference_runs,
        drawn_runs=drawn_runs,
    script:
        "../scripts/measure_noise.py"


rule measure_published:
    """The exponent of feng2021 by the published protocol at the reference setting, and by ours with one part of it at a time."""
    input:
        runs=lambda w: LAYOUT.networks_of(
            w.study, "feng2021", studies.reference_runs(STUDIES[w.study])
        ),
        dataset=dataset_of,
    output:
        table=study_table("feng2021_published"),
    priority: 20
    resources:
        **asked_for(planned_once("measure_published", plans.protocol_jobs)),
    params:
        reference_runs=reference_runs,
        settings=section_settings(
            "feng2021",
            "layer",
            "window_epochs",
            "window_position",
            "centre",
            "directions",
            "flatness_factor",
        ),
    script:
        "../scripts/measure_published.py"
