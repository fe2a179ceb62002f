# The toy landscape: from its settings to tables.
rule simulate_trajectories:
    """Simulate the walkers that yang2023_fig1 draws."""
    input:
        code=code("scripts/simulate_trajectories.py"),
    output:
        trajectories=study_table("yang2023_fig1"),
        landscape=study_table("yang2023_fig1_landscape"),
    log:
        "results/{study}/logs/simulate_trajectories.log",
    benchmark:
        "results/{study}/benchmarks/simulate_trajectories.tsv"
    conda:
        "../../envs/compute.yaml"
    threads: 1
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
        code=digest("scripts/simulate_trajectories.py"),
    script:
        "../scripts/simulate_trajectories.py"


rule solve_fokker_planck:
    """Stationary densities and currents of Langevin walkers on a grid."""
    input:
        code=code("scripts/solve_fokker_planck.py"),
    output:
        densities=study_table("yang2023_fig2_grid"),
        slopes=study_table("yang2023_fig2_grid_slopes"),
        current=study_table("yang2023_fig2_current"),
        two_valleys=study_table("yang2023_fig2_two_valleys"),
    log:
        "results/{study}/logs/solve_fokker_planck.log",
    benchmark:
        "results/{study}/benchmarks/solve_fokker_planck.tsv"
    conda:
        "../../envs/compute.yaml"
    threads: 1
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
        code=digest("scripts/solve_fokker_planck.py"),
    script:
        "../scripts/solve_fokker_planck.py"


rule simulate_langevin:
    """Stationary densities of Langevin walkers by simulation."""
    input:
        code=code("scripts/simulate_langevin.py"),
    output:
        densities=study_table("yang2023_fig2"),
        slopes=study_table("yang2023_fig2_slopes"),
    log:
        "results/{study}/logs/simulate_langevin.log",
    benchmark:
        "results/{study}/benchmarks/simulate_langevin.tsv"
    priority: 35
    conda:
        "../../envs/compute.yaml"
    threads: 1
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
        code=digest("scripts/simulate_langevin.py"),
    script:
        "../scripts/simulate_langevin.py"


rule simulate_phase_diagram:
    """Survival and flatness of shaken descent over shift size and learning rate."""
    input:
        code=code("scripts/simulate_phase_diagram.py"),
    output:
        phases=study_table("yang2023_fig3"),
        bounds=study_table("yang2023_fig3_bounds"),
    log:
        "results/{study}/logs/simulate_phase_diagram.log",
    benchmark:
        "results/{study}/benchmarks/simulate_phase_diagram.tsv"
    priority: 35
    conda:
        "../../envs/compute.yaml"
    threads: 1
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
        code=digest("scripts/simulate_phase_diagram.py"),
    script:
        "../scripts/simulate_phase_diagram.py"


rule simulate_shaken_descent:
    """Arrival times, survival, drift and stationary densities of shaken descent."""
    input:
        code=code("scripts/simulate_shaken_descent.py"),
    output:
        arrivals=study_table("yang2023_fig3_arrivals"),
        incidence=study_table("yang2023_fig3_incidence"),
        survival=study_table("yang2023_fig3_survival"),
        drift=study_table("yang2023_fig3_drift"),
        stationary=study_table("yang2023_fig3_stationary"),
        widths=study_table("yang2023_fig3_widths"),
    log:
        "results/{study}/logs/simulate_shaken_descent.log",
    benchmark:
        "results/{study}/benchmarks/simulate_shaken_descent.tsv"
    priority: 35
    conda:
        "../../envs/compute.yaml"
    threads: 1
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
        code=digest("scripts/simulate_shaken_descent.py"),
    script:
        "../scripts/simulate_shaken_descent.py"
