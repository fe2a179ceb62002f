rule feng2023_fig1:
    """Draw feng2023_fig1."""
    input:
        pairs="results/{study}/tables/feng2023_fig1.csv",
        matching="results/{study}/tables/feng2023_fig1_matching.csv",
        code=code("scripts/figures/feng2023_fig1.py"),
    output:
        pdf=report(
            "figures/{study}/feng2023_fig1.pdf",
            caption="../report/feng2023_fig1.rst",
            category="Feng, Zhang and Tu 2023",
            subcategory="Figures",
            labels={"figure": "1", "format": "PDF"},
        ),
        png="figures/{study}/feng2023_fig1.png",
    log:
        "results/{study}/logs/feng2023_fig1.log",
    benchmark:
        "results/{study}/benchmarks/feng2023_fig1.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    params:
        code=digest("scripts/figures/feng2023_fig1.py"),
    script:
        "../scripts/figures/feng2023_fig1.py"


rule feng2023_fig2:
    """Draw feng2023_fig2."""
    input:
        points="results/{study}/tables/feng2023_points.csv",
        directions="results/{study}/tables/feng2023_fig2_directions.csv",
        shifts="results/{study}/tables/feng2023_fig2_shifts.csv",
        code=code("scripts/figures/feng2023_fig2.py"),
    output:
        pdf=report(
            "figures/{study}/feng2023_fig2.pdf",
            caption="../report/feng2023_fig2.rst",
            category="Feng, Zhang and Tu 2023",
            subcategory="Figures",
            labels={"figure": "2", "format": "PDF"},
        ),
        png="figures/{study}/feng2023_fig2.png",
    log:
        "results/{study}/logs/feng2023_fig2.log",
    benchmark:
        "results/{study}/benchmarks/feng2023_fig2.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    params:
        code=digest("scripts/figures/feng2023_fig2.py"),
    script:
        "../scripts/figures/feng2023_fig2.py"


rule feng2023_fig3:
    """Draw feng2023_fig3."""
    input:
        points="results/{study}/tables/feng2023_points.csv",
        spectra="results/{study}/tables/feng2023_spectra.csv",
        code=code("scripts/figures/feng2023_fig3.py"),
    output:
        pdf=report(
            "figures/{study}/feng2023_fig3.pdf",
            caption="../report/feng2023_fig3.rst",
            category="Feng, Zhang and Tu 2023",
            subcategory="Figures",
            labels={"figure": "3", "format": "PDF"},
        ),
        png="figures/{study}/feng2023_fig3.png",
    log:
        "results/{study}/logs/feng2023_fig3.log",
    benchmark:
        "results/{study}/benchmarks/feng2023_fig3.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    params:
        code=digest("scripts/figures/feng2023_fig3.py"),
    script:
        "../scripts/figures/feng2023_fig3.py"


rule feng2023_fig4:
    """Draw feng2023_fig4."""
    input:
        points="results/{study}/tables/feng2023_points.csv",
        spectra="results/{study}/tables/feng2023_spectra.csv",
        code=code("scripts/figures/feng2023_fig4.py"),
    output:
        pdf=report(
            "figures/{study}/feng2023_fig4.pdf",
            caption="../report/feng2023_fig4.rst",
            category="Feng, Zhang and Tu 2023",
            subcategory="Figures",
            labels={"figure": "4", "format": "PDF"},
        ),
        png="figures/{study}/feng2023_fig4.png",
    log:
        "results/{study}/logs/feng2023_fig4.log",
    benchmark:
        "results/{study}/benchmarks/feng2023_fig4.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    params:
        code=digest("scripts/figures/feng2023_fig4.py"),
    script:
        "../scripts/figures/feng2023_fig4.py"


rule feng2023_fig5:
    """Draw feng2023_fig5."""
    input:
        points="results/{study}/tables/feng2023_points.csv",
        spectra="results/{study}/tables/feng2023_spectra.csv",
        effects="results/{study}/tables/feng2023_effects.csv",
        dropout="results/{study}/tables/feng2023_fig5_dropout.csv",
        code=code("scripts/figures/feng2023_fig5.py"),
    output:
        pdf=report(
            "figures/{study}/feng2023_fig5.pdf",
            caption="../report/feng2023_fig5.rst",
            category="Feng, Zhang and Tu 2023",
            subcategory="Figures",
            labels={"figure": "5", "format": "PDF"},
        ),
        png="figures/{study}/feng2023_fig5.png",
    log:
        "results/{study}/logs/feng2023_fig5.log",
    benchmark:
        "results/{study}/benchmarks/feng2023_fig5.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    params:
        layer=lambda w: STUDIES[w.study]["feng2023"]["layer"],
        code=digest("scripts/figures/feng2023_fig5.py"),
    script:
        "../scripts/figures/feng2023_fig5.py"


rule feng2023_fig6:
    """Draw feng2023_fig6."""
    input:
        copies="results/{study}/tables/feng2023_fig6.csv",
        code=code("scripts/figures/feng2023_fig6.py"),
    output:
        pdf=report(
            "figures/{study}/feng2023_fig6.pdf",
            caption="../report/feng2023_fig6.rst",
            category="Feng, Zhang and Tu 2023",
            subcategory="Figures",
            labels={"figure": "6", "format": "PDF"},
        ),
        png="figures/{study}/feng2023_fig6.png",
    log:
        "results/{study}/logs/feng2023_fig6.log",
    benchmark:
        "results/{study}/benchmarks/feng2023_fig6.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    params:
        code=digest("scripts/figures/feng2023_fig6.py"),
    script:
        "../scripts/figures/feng2023_fig6.py"
