rule feng2023_fig1:
    """Draw feng2023_fig1."""
    input:
        pairs="results/{study}/tables/feng2023_fig1.csv",
        matching="results/{study}/tables/feng2023_fig1_matching.csv",
    output:
        **study_figure("feng2023_fig1"),
    script:
        "../scripts/figures/feng2023_fig1.py"


rule feng2023_fig2:
    """Draw feng2023_fig2."""
    input:
        points="results/{study}/tables/feng2023_points.csv",
        sweeps="results/{study}/tables/feng2023_gauges.csv",
        directions="results/{study}/tables/feng2023_fig2_gauges.csv",
        numbers="results/{study}/tables/feng2023_fig2_gauge_numbers.csv",
    output:
        **study_figure("feng2023_fig2"),
    script:
        "../scripts/figures/feng2023_fig2.py"


rule feng2023_fig3:
    """Draw feng2023_fig3."""
    input:
        published="results/{study}/tables/feng2023_published.csv",
        published_spectra="results/{study}/tables/feng2023_published_spectra.csv",
    output:
        **study_figure("feng2023_fig3"),
    script:
        "../scripts/figures/feng2023_fig3.py"


rule feng2023_fig4:
    """Draw feng2023_fig4."""
    input:
        points="results/{study}/tables/feng2023_points.csv",
        published="results/{study}/tables/feng2023_published.csv",
        published_spectra="results/{study}/tables/feng2023_published_spectra.csv",
    output:
        **study_figure("feng2023_fig4"),
    script:
        "../scripts/figures/feng2023_fig4.py"


rule feng2023_fig5:
    """Draw feng2023_fig5."""
    input:
        gauges="results/{study}/tables/feng2023_gauges.csv",
        published="results/{study}/tables/feng2023_published.csv",
    output:
        **study_figure("feng2023_fig5"),
    script:
        "../scripts/figures/feng2023_fig5.py"


rule feng2023_fig5_supplement:
    """Draw feng2023_fig5_supplement."""
    input:
        points="results/{study}/tables/feng2023_points.csv",
        spectra="results/{study}/tables/feng2023_spectra.csv",
        dropout="results/{study}/tables/feng2023_fig5_dropout.csv",
    output:
        **study_figure("feng2023_fig5_supplement"),
    params:
        layer=lambda w: STUDIES[w.study]["feng2023"]["layer"],
    script:
        "../scripts/figures/feng2023_fig5_supplement.py"


rule feng2023_fig6:
    """Draw feng2023_fig6."""
    input:
        copies="results/{study}/tables/feng2023_fig6.csv",
    output:
        **study_figure("feng2023_fig6"),
    script:
        "../scripts/figures/feng2023_fig6.py"
