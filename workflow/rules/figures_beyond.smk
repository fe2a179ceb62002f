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
