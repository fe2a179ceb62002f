rule yang2023_fig1:
    """Draw yang2023_fig1."""
    input:
        trajectories="results/{study}/tables/yang2023_fig1.csv",
        landscape="results/{study}/tables/yang2023_fig1_landscape.csv",
        code=code("scripts/figures/yang2023_fig1.py"),
    output:
        pdf=report(
            "figures/{study}/yang2023_fig1.pdf",
            caption="../report/yang2023_fig1.rst",
            category="Yang, Tang and Tu 2023",
            subcategory="Figures",
            labels={"figure": "1", "format": "PDF"},
        ),
        png="figures/{study}/yang2023_fig1.png",
    log:
        "results/{study}/logs/yang2023_fig1.log",
    benchmark:
        "results/{study}/benchmarks/yang2023_fig1.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    params:
        code=digest("scripts/figures/yang2023_fig1.py"),
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
        code=code("scripts/figures/yang2023_fig2.py"),
    output:
        pdf=report(
            "figures/{study}/yang2023_fig2.pdf",
            caption="../report/yang2023_fig2.rst",
            category="Yang, Tang and Tu 2023",
            subcategory="Figures",
            labels={"figure": "2", "format": "PDF"},
        ),
        png="figures/{study}/yang2023_fig2.png",
    log:
        "results/{study}/logs/yang2023_fig2.log",
    benchmark:
        "results/{study}/benchmarks/yang2023_fig2.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    params:
        code=digest("scripts/figures/yang2023_fig2.py"),
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
        code=code("scripts/figures/yang2023_fig3.py"),
    output:
        pdf=report(
            "figures/{study}/yang2023_fig3.pdf",
            caption="../report/yang2023_fig3.rst",
            category="Yang, Tang and Tu 2023",
            subcategory="Figures",
            labels={"figure": "3", "format": "PDF"},
        ),
        png="figures/{study}/yang2023_fig3.png",
    log:
        "results/{study}/logs/yang2023_fig3.log",
    benchmark:
        "results/{study}/benchmarks/yang2023_fig3.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    params:
        code=digest("scripts/figures/yang2023_fig3.py"),
    script:
        "../scripts/figures/yang2023_fig3.py"


rule yang2023_fig4:
    """Draw yang2023_fig4."""
    input:
        runs="results/{study}/tables/yang2023_fig4.csv",
        settings="results/{study}/tables/yang2023_fig4_settings.csv",
        lines="results/{study}/tables/yang2023_fig4_lines.csv",
        equal_loss="results/{study}/tables/feng2021_fig4_equal_loss.csv",
        code=code("scripts/figures/yang2023_fig4.py"),
    output:
        pdf=report(
            "figures/{study}/yang2023_fig4.pdf",
            caption="../report/yang2023_fig4.rst",
            category="Yang, Tang and Tu 2023",
            subcategory="Figures",
            labels={"figure": "4", "format": "PDF"},
        ),
        png="figures/{study}/yang2023_fig4.png",
    log:
        "results/{study}/logs/yang2023_fig4.log",
    benchmark:
        "results/{study}/benchmarks/yang2023_fig4.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    params:
        code=digest("scripts/figures/yang2023_fig4.py"),
    script:
        "../scripts/figures/yang2023_fig4.py"
