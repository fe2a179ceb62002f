# The toy landscape: from its settings to tables.
rule simulate_trajectories:
    """Simulate the walkers that yang2023_fig1 draws."""
    output:
        trajectories=study_table("yang2023_fig1"),
        landscape=study_table("yang2023_fig1_landscape"),
    params:
        settings=toy(
            "landscapes",
            "learning_rate",
            "start",
            "trajectory_shifts",
            "trajectory_walkers",
            "trajectory_steps",
            "trajectory_every",
        ),
        seed=lambda w: STUDIES[w.study]["yang2023"]["seeds"][0],
    script:
        "../scripts/simulate_trajectories.py"


rule solve_fokker_planck:
    """Stationary densities and currents of Langevin walkers on a grid."""
    output:
        densities=study_table("yang2023_fig2_grid"),
        slopes=study_table("yang2023_fig2_grid_slopes"),
        current=study_table("yang2023_fig2_current"),
        two_valleys=study_table("yang2023_fig2_two_valleys"),
    resources:
        **asked_for(planned_once("solve_fokker_planck", plans.toy_jobs)),
    params:
        settings=toy(
            "landscapes",
            "kappas",
            "noise_strengths",
            "grid_noise_strengths",
            "current_noise_strength",
            "grid_cells",
        ),
    script:
        "../scripts/solve_fokker_planck.py"


rule simulate_langevin:
    """Stationary densities of Langevin walkers by simulation."""
    output:
        densities=study_table("yang2023_fig2"),
        slopes=study_table("yang2023_fig2_slopes"),
    priority: 35
    resources:
        **asked_for(planned_once("simulate_langevin", plans.toy_jobs)),
    params:
        settings=toy(
            "landscapes",
            "kappas",
            "noise_strengths",
            "grid_cells",
            "time_step",
            "walkers",
            "further_walkers",
            "relaxation",
            "sampling",
            "bins",
        ),
        seeds=lambda w: STUDIES[w.study]["yang2023"]["seeds"],
    script:
        "../scripts/simulate_langevin.py"


rule simulate_phase_diagram:
    """Survival and flatness of shaken descent over shift size and learning rate."""
    output:
        phases=study_table("yang2023_fig3"),
        bounds=study_table("yang2023_fig3_bounds"),
    priority: 35
    resources:
        **asked_for(planned_once("simulate_phase_diagram", plans.toy_jobs)),
    params:
        settings=toy(
            "landscapes",
            "phase_learning_rates",
            "phase_shifts",
            "phase_points",
            "phase_walkers",
            "phase_steps",
            "long_phase_points",
        ),
        seed=lambda w: STUDIES[w.study]["yang2023"]["seeds"][0],
    script:
        "../scripts/simulate_phase_diagram.py"


rule simulate_shaken_descent:
    """Arrival times, survival, drift and stationary densities of shaken descent."""
    output:
        arrivals=study_table("yang2023_fig3_arrivals"),
        incidence=study_table("yang2023_fig3_incidence"),
        survival=study_table("yang2023_fig3_survival"),
        drift=study_table("yang2023_fig3_drift"),
        stationary=study_table("yang2023_fig3_stationary"),
        widths=study_table("yang2023_fig3_widths"),
    priority: 35
    resources:
        **asked_for(planned_once("simulate_shaken_descent", plans.toy_jobs)),
    params:
        settings=toy(
            "landscapes",
            "learning_rate",
            "phase_steps",
            "arrival_shifts",
            "thermal_shifts",
            "linear_shifts",
            "incidence_shifts",
            "arrival_flatness",
            "arrival_walkers",
            "arrival_horizon",
            "survival_learning_rates",
            "beyond_bound",
            "drift_learning_rates",
            "drift_places",
            "drift_shift",
            "drift_walkers",
            "drift_steps",
            "stationary_shifts",
            "stationary_walkers",
        ),
        seeds=lambda w: STUDIES[w.study]["yang2023"]["seeds"],
    script:
        "../scripts/simulate_shaken_descent.py"


rule simulate_toy_controls:
    """Heat baths of the local strength, smoothing alone, and two valleys: the controls of shaken descent."""
    output:
        controls=study_table("yang2023_fig3_controls"),
        smoothing=study_table("yang2023_fig3_smoothing"),
        two_valleys=study_table("yang2023_fig3_two_valleys"),
    priority: 35
    resources:
        **asked_for(planned_once("simulate_toy_controls", plans.toy_jobs)),
    params:
        settings=toy(
            "landscapes",
            "learning_rate",
            "thermal_shifts",
            "local_thermal_shifts",
            "arrival_shifts",
            "arrival_flatness",
            "arrival_walkers",
            "arrival_horizon",
            "valley_ratios",
            "valley_shifts",
            "valley_walkers",
            "valley_relaxation",
            "valley_sampling",
        ),
        seeds=lambda w: STUDIES[w.study]["yang2023"]["seeds"],
    script:
        "../scripts/simulate_toy_controls.py"


rule simulate_toy_edge:
    """Who is left of shaken descent across its edge, how flat a place they have, and where half are lost."""
    output:
        order_parameter=study_table("yang2023_fig3_order_parameter"),
        edge=study_table("yang2023_fig3_edge"),
    priority: 35
    resources:
        **asked_for(planned_once("simulate_toy_edge", plans.toy_jobs)),
    params:
        settings=toy(
            "landscapes",
            "edge_learning_rates",
            "edge_shifts",
            "edge_points",
            "edge_walkers",
            "edge_steps",
        ),
        seeds=lambda w: STUDIES[w.study]["yang2023"]["seeds"],
    script:
        "../scripts/simulate_toy_edge.py"
