rule yang2023_fig1:
    """Draw yang2023_fig1."""
    input:
        trajectories="results/{study}/tables/yang2023_fig1.csv",
        landscape="results/{study}/tables/yang2023_fig1_landscape.csv",
    output:
        **study_figure("yang2023_fig1"),
    script:
        "../scripts/figures/yang2023_fig1.py"


rule yang2023_fig2:
    """Draw yang2023_fig2."""
    input:
        densities="results/{study}/tables/yang2023_fig2.csv",
        slopes="results/{study}/tables/yang2023_fig2_slopes.csv",
        grid="results/{study}/tables/yang2023_fig2_grid.csv",
        grid_slopes="results/{study}/tables/yang2023_fig2_grid_slopes.csv",
        current="results/{study}/tables/yang2023_fig2_current.csv",
        two_valleys="results/{study}/tables/yang2023_fig2_two_valleys.csv",
    output:
        **study_figure("yang2023_fig2"),
    script:
        "../scripts/figures/yang2023_fig2.py"


rule yang2023_fig3:
    """Draw yang2023_fig3."""
    input:
        phases="results/{study}/tables/yang2023_fig3.csv",
        bounds="results/{study}/tables/yang2023_fig3_bounds.csv",
        arrivals="results/{study}/tables/yang2023_fig3_arrivals.csv",
        incidence="results/{study}/tables/yang2023_fig3_incidence.csv",
        drift="results/{study}/tables/yang2023_fig3_drift.csv",
        stationary="results/{study}/tables/yang2023_fig3_stationary.csv",
        controls="results/{study}/tables/yang2023_fig3_controls.csv",
        smoothing="results/{study}/tables/yang2023_fig3_smoothing.csv",
        two_valleys="results/{study}/tables/yang2023_fig3_two_valleys.csv",
        order_parameter="results/{study}/tables/yang2023_fig3_order_parameter.csv",
        edge="results/{study}/tables/yang2023_fig3_edge.csv",
    output:
        **study_figure("yang2023_fig3"),
    script:
        "../scripts/figures/yang2023_fig3.py"


rule yang2023_fig4:
    """Draw yang2023_fig4."""
    input:
        runs="results/{study}/tables/yang2023_fig4.csv",
        outcomes="results/{study}/tables/yang2023_fig4_setting_outcomes.csv",
        lines="results/{study}/tables/yang2023_fig4_lines.csv",
        bends="results/{study}/tables/yang2023_fig4_bends.csv",
        flatness="results/{study}/tables/yang2023_fig4_flatness.csv",
        sharpness="results/{study}/tables/yang2023_fig4_batch_sharpness.csv",
        scales="results/{study}/tables/yang2023_fig4_scales.csv",
        scale_lines="results/{study}/tables/yang2023_fig4_scale_lines.csv",
        asymmetry="results/{study}/tables/yang2023_fig4_asymmetry.csv",
    output:
        **study_figure("yang2023_fig4"),
    script:
        "../scripts/figures/yang2023_fig4.py"
