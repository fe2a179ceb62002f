rule measure_fluctuations:
    """Step on through windows: directions of fluctuation, variances, correlation times, surrogates."""
    input:
        runs="results/runs/{ensemble}/{chunk}.safetensors",
        dataset=dataset_of,
        code=code("scripts/measure_fluctuations.py"),
    output:
        windows="results/{study}/measure/{ensemble}/{chunk}/windows.safetensors",
        fluctuations="results/{study}/measure/{ensemble}/{chunk}/fluctuations.csv",
        spectra="results/{study}/measure/{ensemble}/{chunk}/spectra.csv",
        trajectory="results/{study}/measure/{ensemble}/{chunk}/trajectory.csv",
    log:
        "results/{study}/logs/measure_fluctuations/{ensemble}_{chunk}.log",
    benchmark:
        "results/{study}/benchmarks/measure_fluctuations/{ensemble}_{chunk}.tsv"
    priority: 30
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        **asked_for(planned_windows("measure_fluctuations")),
    params:
        settings=feng2021(
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
        code=digest("scripts/measure_fluctuations.py"),
    script:
        "../scripts/measure_fluctuations.py"


rule measure_flatness:
    """Cut slices through the loss: flatness along every direction, numbers of minima."""
    input:
        runs="results/runs/{ensemble}/{chunk}.safetensors",
        windows="results/{study}/measure/{ensemble}/{chunk}/windows.safetensors",
        dataset=dataset_of,
        code=code("scripts/measure_flatness.py"),
    output:
        flatness="results/{study}/measure/{ensemble}/{chunk}/flatness.csv",
        slices="results/{study}/measure/{ensemble}/{chunk}/slices.csv",
        minima="results/{study}/measure/{ensemble}/{chunk}/minima.csv",
    log:
        "results/{study}/logs/measure_flatness/{ensemble}_{chunk}.log",
    benchmark:
        "results/{study}/benchmarks/measure_flatness/{ensemble}_{chunk}.tsv"
    priority: 20
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        **asked_for(planned_windows("measure_flatness")),
    params:
        settings=feng2021(
            "flatness_factor",
            "slice_ranks",
            "slice_directions",
            "slice_random_directions",
            "slice_points",
            "slice_range",
        ),
        reference_runs=reference_runs,
        code=digest("scripts/measure_flatness.py"),
    script:
        "../scripts/measure_flatness.py"


rule measure_noise:
    """Temperatures along directions, at the windows' centres and through training."""
    input:
        runs="results/runs/{ensemble}/{chunk}.safetensors",
        windows="results/{study}/measure/{ensemble}/{chunk}/windows.safetensors",
        flatness="results/{study}/measure/{ensemble}/{chunk}/flatness.csv",
        dataset=dataset_of,
        code=code("scripts/measure_noise.py"),
    output:
        temperature="results/{study}/measure/{ensemble}/{chunk}/temperature.csv",
        checkpoints="results/{study}/measure/{ensemble}/{chunk}/checkpoints.csv",
        annealing="results/{study}/measure/{ensemble}/{chunk}/annealing.csv",
        homogeneity="results/{study}/measure/{ensemble}/{chunk}/homogeneity.csv",
        minibatches="results/{study}/measure/{ensemble}/{chunk}/minibatches.csv",
        covariance="results/{study}/measure/{ensemble}/{chunk}/covariance.csv",
    log:
        "results/{study}/logs/measure_noise/{ensemble}_{chunk}.log",
    benchmark:
        "results/{study}/benchmarks/measure_noise/{ensemble}_{chunk}.tsv"
    priority: 10
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        **asked_for(planned_windows("measure_noise")),
    params:
        settings=feng2021(
            "annealing_ranks",
            "sharpest_directions",
            "slice_ranks",
            "minibatches_drawn",
            "minibatch_rank",
        ),
        reference_runs=reference_runs,
        code=digest("scripts/measure_noise.py"),
    script:
        "../scripts/measure_noise.py"
