rule tabulate_beyond_fig6:
    """Fluctuation-dissipation ratios of every setting, and where the curve lies on which they fall."""
    input:
        runs="results/{study}/tables/feng2021_runs.csv",
        directions="results/{study}/tables/feng2021_fig2.csv",
        windows="results/{study}/tables/feng2021_windows.csv",
        detrended=lambda w: LAYOUT.measured(w.study, "detrended.csv"),
    output:
        ratios=study_table("beyond_fig6"),
        medians=study_table("beyond_fig6_medians"),
    script:
        "../scripts/tabulate_beyond_fig6.py"


rule beyond_fig6:
    """Draw beyond_fig6."""
    input:
        ratios="results/{study}/tables/beyond_fig6.csv",
        medians="results/{study}/tables/beyond_fig6_medians.csv",
        local_exponents="results/{study}/tables/feng2021_fig4_local_exponents.csv",
        windows="results/{study}/tables/feng2021_windows.csv",
    output:
        **study_figure("beyond_fig6"),
    script:
        "../scripts/figures/beyond_fig6.py"
