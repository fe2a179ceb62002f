rule measure_nested_windows:
    """Windows of several lengths from the reference networks on, drawn either way, and with the other layers held."""
    input:
        runs=lambda w: LAYOUT.networks_of(w.study, "feng2021", reference_runs(w)),
        windows=lambda w: LAYOUT.measured_of(
            w.study, "windows.safetensors", reference_runs(w)
        ),
        dataset=dataset_of,
        runs_table="results/{study}/tables/feng2021_runs.csv",
        directions="results/{study}/tables/feng2021_fig2.csv",
        exponents="results/{study}/tables/feng2021_fig2_exponents.csv",
    output:
        windows=study_table("feng2021_windows"),
        growth=study_table("feng2021_windows_growth"),
        crossovers=study_table("feng2021_windows_crossovers"),
        frozen_layers=study_table("feng2021_frozen_layers"),
    priority: 20
    resources:
        **asked_for(planned_controls("measure_nested_windows")),
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
            "flatness_factor",
        ),
        nested_window_epochs=lambda w: STUDIES[w.study]["feng2021"]["controls"][
            "nested_window_epochs"
        ],
        reference_runs=reference_runs,
    script:
        "../scripts/measure_nested_windows.py"


rule measure_label_noise:
    """Temperatures through training of the runs with wrong labels."""
    input:
        runs=lambda w: control_networks(w, "label_noise"),
        dataset=dataset_of,
    output:
        table=study_table("feng2021_fig4_label_noise"),
    priority: 10
    resources:
        **asked_for(planned_controls("measure_label_noise")),
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
    script:
        "../scripts/measure_label_noise.py"


rule tabulate_local_exponents:
    """How steeply temperatures fall with the training loss, by decades of it."""
    input:
        annealing="results/{study}/tables/feng2021_fig4.csv",
        label_noise="results/{study}/tables/feng2021_fig4_label_noise.csv",
    output:
        table=study_table("feng2021_fig4_local_exponents"),
    params:
        exponent_decades=lambda w: STUDIES[w.study]["feng2021"]["controls"][
            "exponent_decades"
        ],
    script:
        "../scripts/tabulate_local_exponents.py"


rule measure_paired_runs:
    """Losses, errors and gradients of runs of the reference setting, drawn either way."""
    input:
        runs=lambda w: [
            *LAYOUT.networks_of(w.study, "feng2021", reference_runs(w)),
            *control_networks(w, "drawn_otherwise"),
        ],
        dataset=dataset_of,
    output:
        table=study_table("feng2021_paired_runs"),
    priority: 10
    resources:
        **asked_for(planned_controls("measure_paired_runs")),
    params:
        settings=section_settings(
            "feng2021", "layer", "sharpest_directions", "equal_losses"
        ),
        reference_runs=reference_runs,
    script:
        "../scripts/measure_paired_runs.py"


rule measure_widths:
    """Directions in which the weights fluctuate after training, for networks of several widths."""
    input:
        runs=lambda w: [
            *LAYOUT.networks_of(w.study, "feng2021", reference_runs(w)),
            *control_networks(w, "other_widths"),
        ],
        dataset=dataset_of,
    output:
        table=study_table("feng2021_fig1_width"),
    priority: 10
    resources:
        **asked_for(planned_controls("measure_widths")),
    params:
        settings=section_settings(
            "feng2021", "layer", "window_epochs", "window_position"
        ),
        reference_runs=reference_runs,
    script:
        "../scripts/measure_widths.py"
