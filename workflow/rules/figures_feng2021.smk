rule tabulate_feng2021_runs:
    """Every run with its settings and outcome."""
    input:
        runs=lambda w: LAYOUT.networks(w.study, "feng2021"),
    output:
        table=study_table("feng2021_runs"),
    params:
        reference_runs=reference_runs,
    script:
        "../scripts/tabulate_feng2021_runs.py"


rule tabulate_feng2021_fig1:
    """Spectra of the weight fluctuations and their dimension."""
    input:
        runs="results/{study}/tables/feng2021_runs.csv",
        spectra=lambda w: LAYOUT.measured(w.study, "spectra.csv"),
        trajectory=lambda w: LAYOUT.measured(w.study, "trajectory.csv"),
    output:
        spectra=study_table("feng2021_fig1"),
        dimension=study_table("feng2021_fig1_dimension"),
        trajectory=study_table("feng2021_fig1_trajectory"),
    script:
        "../scripts/tabulate_feng2021_fig1.py"


rule tabulate_feng2021_fig2:
    """Variance and flatness direction by direction, and the exponents between them."""
    input:
        runs="results/{study}/tables/feng2021_runs.csv",
        fluctuations=lambda w: LAYOUT.measured(w.study, "fluctuations.csv"),
        flatness=lambda w: LAYOUT.measured(w.study, "flatness.csv"),
        temperature=lambda w: LAYOUT.measured(w.study, "temperature.csv"),
        slices=lambda w: LAYOUT.measured(w.study, "slices.csv"),
        minima=lambda w: LAYOUT.measured(w.study, "minima.csv"),
    output:
        directions=study_table("feng2021_fig2"),
        exponents=study_table("feng2021_fig2_exponents"),
        longer_exponents=study_table("feng2021_fig2_longer_exponents"),
        slices=study_table("feng2021_fig2_slices"),
        minima=study_table("feng2021_fig2_minima"),
    params:
        directions=lambda w: STUDIES[w.study]["feng2021"]["directions"],
        weights=lambda w: plans.studied_weights(
            STUDIES[w.study]["feng2021"], data_entry(w)
        ),
    script:
        "../scripts/tabulate_feng2021_fig2.py"


rule tabulate_feng2021_ladder:
    """The exponent on every rung of the ladder of nulls, all treated alike."""
    input:
        runs="results/{study}/tables/feng2021_runs.csv",
        detrended=lambda w: LAYOUT.measured(w.study, "detrended.csv"),
        flatness=lambda w: LAYOUT.measured(w.study, "flatness.csv"),
        temperature=lambda w: LAYOUT.measured(w.study, "temperature.csv"),
    output:
        table=study_table("feng2021_ladder"),
    params:
        directions=lambda w: STUDIES[w.study]["feng2021"]["directions"],
        weights=lambda w: plans.studied_weights(
            STUDIES[w.study]["feng2021"], data_entry(w)
        ),
    script:
        "../scripts/tabulate_feng2021_ladder.py"


rule tabulate_feng2021_fig3:
    """Noise strength and correlation times against flatness."""
    input:
        runs="results/{study}/tables/feng2021_runs.csv",
        directions="results/{study}/tables/feng2021_fig2.csv",
        minibatches=lambda w: LAYOUT.measured(w.study, "minibatches.csv"),
        covariance=lambda w: LAYOUT.measured(w.study, "covariance.csv"),
        homogeneity=lambda w: LAYOUT.measured(w.study, "homogeneity.csv"),
    output:
        directions=study_table("feng2021_fig3"),
        correlation_times=study_table("feng2021_fig3_correlation_times"),
        minibatches=study_table("feng2021_fig3_minibatches"),
        covariance=study_table("feng2021_fig3_covariance"),
        homogeneity=study_table("feng2021_fig3_homogeneity"),
    script:
        "../scripts/tabulate_feng2021_fig3.py"


rule tabulate_feng2021_fig4:
    """Temperatures through training and at equal training loss."""
    input:
        runs="results/{study}/tables/feng2021_runs.csv",
        directions="results/{study}/tables/feng2021_fig2.csv",
        annealing=lambda w: LAYOUT.measured(w.study, "annealing.csv"),
        checkpoints=lambda w: LAYOUT.measured(w.study, "checkpoints.csv"),
    output:
        annealing=study_table("feng2021_fig4"),
        checkpoints=study_table("feng2021_fig4_checkpoints"),
        temperature_fits=study_table("feng2021_fig4_temperature_fits"),
        equal_loss=study_table("feng2021_fig4_equal_loss"),
    params:
        equal_losses=lambda w: STUDIES[w.study]["feng2021"]["equal_losses"],
    script:
        "../scripts/tabulate_feng2021_fig4.py"


rule feng2021_fig1:
    """Draw feng2021_fig1."""
    input:
        spectra="results/{study}/tables/feng2021_fig1.csv",
        dimension="results/{study}/tables/feng2021_fig1_dimension.csv",
        trajectory="results/{study}/tables/feng2021_fig1_trajectory.csv",
    output:
        **study_figure("feng2021_fig1"),
    script:
        "../scripts/figures/feng2021_fig1.py"


rule feng2021_fig2:
    """Draw feng2021_fig2."""
    input:
        runs="results/{study}/tables/feng2021_runs.csv",
        directions="results/{study}/tables/feng2021_fig2.csv",
        exponents="results/{study}/tables/feng2021_fig2_exponents.csv",
        slices="results/{study}/tables/feng2021_fig2_slices.csv",
        ladder="results/{study}/tables/feng2021_ladder.csv",
    output:
        **study_figure("feng2021_fig2"),
    script:
        "../scripts/figures/feng2021_fig2.py"


rule feng2021_fig3:
    """Draw feng2021_fig3."""
    input:
        directions="results/{study}/tables/feng2021_fig3.csv",
        correlation_times="results/{study}/tables/feng2021_fig3_correlation_times.csv",
        minibatches="results/{study}/tables/feng2021_fig3_minibatches.csv",
        covariance="results/{study}/tables/feng2021_fig3_covariance.csv",
        homogeneity="results/{study}/tables/feng2021_fig3_homogeneity.csv",
    output:
        **study_figure("feng2021_fig3"),
    script:
        "../scripts/figures/feng2021_fig3.py"


rule feng2021_fig4:
    """Draw feng2021_fig4."""
    input:
        directions="results/{study}/tables/feng2021_fig2.csv",
        annealing="results/{study}/tables/feng2021_fig4.csv",
    output:
        **study_figure("feng2021_fig4"),
    script:
        "../scripts/figures/feng2021_fig4.py"
