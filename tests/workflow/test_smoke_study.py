"""The smoke study, end to end: what it promised stands in its tables, figures and claims, and reruns are only those needed."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from running import ROOT, finished_jobs
from sgdphysics.claims.outcomes import VERDICTS
from sgdphysics.files import sha256_of
from sgdphysics.report import notebooks

SMOKE = ("--configfile", "config/smoke.yaml")
FIGURES = sorted(path.stem for path in (ROOT / "workflow" / "scripts" / "figures").glob("*.py"))
SETTINGS = yaml.safe_load((ROOT / "config" / "smoke.yaml").read_text())["studies"]["smoke"]["feng2021"]
EDGE = yaml.safe_load((ROOT / "config" / "smoke.yaml").read_text())["studies"]["smoke"]["yang2023"]["edge"]
SWEEPS = yaml.safe_load((ROOT / "config" / "smoke.yaml").read_text())["studies"]["smoke"]["feng2023"]
SEEDS = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["studies"]["mnist5k"]["feng2021"]["seeds"]
# Tables of every setting, and tables of the reference setting only.
EVERY_SETTING = [
    *("feng2021_runs", "feng2021_fig1", "feng2021_fig2", "feng2021_fig2_exponents"),
    *("feng2021_ladder", "feng2021_fig4", "beyond_fig6"),
]
REFERENCE_ONLY = [
    *("feng2021_fig2_slices", "feng2021_fig2_minima"),
    *("feng2021_published", "feng2021_fig3", "feng2021_fig3_homogeneity"),
]


def table(study, name):
    return pd.read_csv(study[0] / "results" / "smoke" / "tables" / f"{name}.csv")


@pytest.mark.parametrize("name", EVERY_SETTING)
def test_tables_hold_every_setting_with_every_seed(smoke_study, name):
    rows = table(smoke_study, name)
    found = set(map(tuple, rows[["learning_rate", "batch_size", "seed"]].drop_duplicates().to_numpy()))
    rate, size = SETTINGS["reference"]["learning_rate"], SETTINGS["reference"]["batch_size"]
    cross = {(other, size) for other in SETTINGS["learning_rates"]} | {(rate, other) for other in SETTINGS["batch_sizes"]}
    expected = {(*setting, seed) for setting in cross for seed in SEEDS}
    assert found == expected


@pytest.mark.parametrize("name", REFERENCE_ONLY)
def test_reference_tables_hold_every_seed_of_the_reference_setting(smoke_study, name):
    rows = table(smoke_study, name)
    assert set(rows["seed"]) == set(SEEDS)
    assert set(rows["learning_rate"]) == {SETTINGS["reference"]["learning_rate"]}
    assert set(rows["batch_size"]) == {SETTINGS["reference"]["batch_size"]}


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("feng2021_fig1", ["variance", "held_out_variance", "cumulative_share"]),
        ("feng2021_fig1_dimension", ["components_99", "held_out_participation_ratio_without_first"]),
        ("feng2021_fig1_trajectory", ["projection", "cosine_with_weights"]),
        ("feng2021_fig2", ["variance", "variance_without_drift", "flatness", "curvature", "temperature", "theory_variance"]),
        ("feng2021_fig2_exponents", ["exponent", "r", "points"]),
        ("feng2021_fig2_slices", ["offset", "loss"]),
        ("feng2021_ladder", ["exponent", "r", "spearman"]),
        ("feng2021_published", ["exponent", "r", "spearman", "stop_epoch"]),
        ("feng2021_fig3", ["flatness", "temperature", "relaxation_time_steps", "integrated_time_steps"]),
        ("feng2021_fig3_correlation_times", ["exponent", "r"]),
        ("feng2021_fig3_minibatches", ["loss"]),
        ("feng2021_fig3_covariance", ["covariance"]),
        ("feng2021_fig3_homogeneity", ["temperature", "offset"]),
        ("feng2021_fig4", ["temperature", "training_loss"]),
        ("feng2021_fig4_checkpoints", ["training_loss", "test_loss", "test_error", "slope_spread", "sharpest_temperature"]),
        ("feng2021_fig4_equal_loss", ["value"]),
        ("feng2021_fig4_label_noise", ["temperature", "training_loss"]),
        ("feng2021_fig4_local_exponents", ["exponent"]),
        ("feng2021_windows", ["curvature", "temperature", "variance", "theory_variance"]),
        ("feng2021_windows_growth", ["exponent", "theory_exponent"]),
        ("feng2021_frozen_layers", ["exponent", "r"]),
        ("feng2021_paired_runs", ["value"]),
        ("yang2023_fig1", ["x", "y", "flatness"]),
        ("yang2023_fig1_landscape", ["loss", "flatness"]),
        ("yang2023_fig2", ["joint_density", "marginal_density"]),
        ("yang2023_fig2_slopes", ["joint_slope", "marginal_slope"]),
        ("yang2023_fig2_grid", ["joint_density", "marginal_density"]),
        ("yang2023_fig2_grid_slopes", ["joint_slope", "largest_current"]),
        ("yang2023_fig2_current", ["density", "current_x", "current_y"]),
        ("yang2023_fig2_two_valleys", ["joint_density"]),
        ("yang2023_fig3", ["survival", "relative_flatness"]),
        ("yang2023_fig3_bounds", ["largest_stable_shift"]),
        ("yang2023_fig3_arrivals", ["median_steps", "kaplan_meier_median_steps", "diverged_share"]),
        ("yang2023_fig3_incidence", ["steps", "share"]),
        ("yang2023_fig3_survival", ["survival", "shift"]),
        ("yang2023_fig3_drift", ["drift", "smoothing_drift", "predicted_noise_induced_drift"]),
        ("yang2023_fig3_stationary", ["density", "built_density", "noise"]),
        ("yang2023_fig3_widths", ["standard_deviation", "built_standard_deviation"]),
        ("yang2023_fig3_controls", ["median_steps"]),
        ("yang2023_fig3_smoothing", ["arrival_steps"]),
        ("yang2023_fig3_two_valleys", ["share_in_flatter", "share_left"]),
        ("yang2023_fig3_order_parameter", ["survival", "flatness_of_all"]),
        ("yang2023_fig3_edge", ["half_lost_shift", "relative_half_lost_shift"]),
        ("yang2023_fig4", ["training_loss", "training_error", "test_loss", "test_error", "steps", "noise_scale"]),
        ("yang2023_fig4", ["slope_spread", "largest_eigenvalue", "sharpest_temperature"]),
        ("yang2023_fig4_settings", ["converged", "dead"]),
        ("yang2023_fig4_lines", ["points", "edge_learning_rate"]),
        ("yang2023_fig4_outcomes", ["epochs", "steps", "initial_scale"]),
        ("yang2023_fig4_setting_outcomes", ["converged", "dead", "fewest_epochs", "most_epochs"]),
        ("yang2023_fig4_batch_sharpness", ["epochs", "batch_sharpness", "learning_rate_times_batch_sharpness"]),
        ("yang2023_fig4_followed", ["epochs", "training_loss", "test_loss", "test_error", "slope_spread", "largest_eigenvalue"]),
        ("yang2023_fig4_bends", ["fewest_steps", "smallest_batch_size"]),
        ("yang2023_fig4_asymmetry", ["learning_rate_exponent", "batch_size_exponent", "asymmetry", "settings"]),
        ("yang2023_fig4_flatness", ["value", "control_value", "noise_scale"]),
        ("yang2023_fig4_scales", ["test_loss", "test_error", "slope_spread", "largest_eigenvalue", "noise_scale"]),
        ("feng2023_points", ["test_loss", "gap", "slope_spread", "weight_spread", "weight_norm", "largest_eigenvalue", "trace"]),
        ("feng2023_points", ["median_flatness", "correlated_share", "correlation_variation", "slope_curvature_correlation"]),
        ("feng2023_spectra", ["eigenvalue", "slope_std", "weight_std"]),
        ("feng2023_gauges", ["gap", "slope_spread", "weight_spread", "activity_weighted_norm", "summed_products"]),
        ("feng2023_gauges", ["gap_of_ten_steepest", "gap_of_others", "ratio_curvature_exponent", "partial_correlation"]),
        ("feng2023_settings", ["gap", "test_minus_training_loss", "slope_spread", "weight_spread"]),
        ("feng2023_effects", ["slope_spread", "weight_spread", "gap", "largest_eigenvalue"]),
        ("feng2023_fig1", ["dual_norm", "loss_change", "activity_error", "norm_ratio_along_test_activity"]),
        ("feng2023_fig1_matching", ["distance", "gap", "slope_spread"]),
        ("feng2023_fig2_directions", ["slope_std", "weight_std", "correlation", "contribution"]),
        ("feng2023_fig2_shifts", ["slope_curvature_exponent", "gap"]),
        ("feng2023_fig2_gauges", ["slope_std", "weight_std", "correlation", "contribution"]),
        ("feng2023_fig2_gauge_numbers", ["slope_spread", "share_of_ten_sharpest", "ratio_curvature_exponent"]),
        ("feng2023_fig2_metric", ["weight_spread", "weight_spread_by_metric"]),
        ("feng2023_published", ["gap", "delta_loss_sharp", "delta_loss_flat", "delta_loss_sharp_of_shuffled_losses"]),
        ("feng2023_published_spectra", ["slope_std", "weight_std", "summed_slope_std", "summed_weight_std", "summed_gap"]),
        ("feng2023_published_spectra", ["weight_ratio", "weight_ratio_between_seeds"]),
        ("feng2023_published_factors", ["factor", "spread", "trend"]),
        ("feng2023_fig5_dropout", ["slope_spread", "weight_spread", "trace"]),
        ("feng2023_fig6", ["largest_eigenvalue", "slope_spread", "product_of_spreads"]),
        ("beyond_fig6", ["relaxations_per_epoch", "fluctuation_dissipation_ratio", "theory_epoch", "measured_over_theory"]),
        ("beyond_fig6_medians", ["median_ratio", "median_over_theory", "median_distance", "scatter_factor"]),
    ],
)
def test_no_measurement_is_constant_or_empty(smoke_study, name, columns):
    rows = table(smoke_study, name)
    for column in columns:
        finite = rows[column][np.isfinite(rows[column])]
        assert finite.nunique() > 1, column


def test_censored_share_is_stated_and_right(smoke_study):
    directions, exponents = table(smoke_study, "feng2021_fig2"), table(smoke_study, "feng2021_fig2_exponents")
    assert exponents["censored_share"].between(0, 1).all()
    chosen = directions[directions["fitted"] & (directions["source"] == "sgd") & (directions["window"] == "main")]
    infinite = chosen[chosen["basis"] == "principal"].groupby("run")["flatness"].agg(lambda f: int(np.isinf(f).sum()))
    stated = exponents[exponents["kind"] == "in_sample"].set_index("run")["censored"]
    assert stated.to_dict() == infinite.to_dict()


def test_spectra_are_sorted_and_whole_ones_reach_a_share_of_one(smoke_study):
    keys = ["run", "window", "window_epochs", "start_epoch", "source"]
    whole = table(smoke_study, "feng2021_fig1_dimension").set_index(keys)["whole_spectrum"]
    assert set(whole) == {True, False}  # of other settings only the leading components are kept
    for key, spectrum in table(smoke_study, "feng2021_fig1").groupby(keys):
        assert spectrum["variance"].is_monotonic_decreasing
        assert spectrum["cumulative_share"].is_monotonic_increasing
        assert (spectrum["cumulative_share"].iloc[-1] == pytest.approx(1, abs=1e-9)) == whole[key]


def test_losses_fall_and_noise_ends_colder_than_its_peak(smoke_study):
    rows = table(smoke_study, "feng2021_fig4_checkpoints")
    for _, run in rows.groupby("run"):
        assert run["training_loss"].iloc[-1] < 0.1 * run["training_loss"].iloc[0]
        assert run["sharpest_temperature"].iloc[-1] < run["sharpest_temperature"].max()


def test_walkers_of_the_toy_landscape_are_those_of_the_grid(smoke_study):
    """Within what few walkers can tell; a heat bath has no term in the joint density at all."""
    grid = table(smoke_study, "yang2023_fig2_grid_slopes").set_index(["kappa", "diffusion"])["joint_slope"]
    assert grid.xs(1.0).abs().max() < 1e-6
    walkers = table(smoke_study, "yang2023_fig2_slopes").query("start == 'both'")
    means = walkers.groupby(["kappa", "diffusion"])["joint_slope"].mean()
    np.testing.assert_allclose(means, grid.loc[means.index], atol=0.5, rtol=0.1)
    assert (means.xs(8.0) < means.xs(0.5) - 2).all()


def test_fewer_walkers_are_left_at_longer_horizons_and_none_far_beyond_the_bound(smoke_study):
    phases = table(smoke_study, "yang2023_fig3")
    longer = phases[phases["points"] == phases["points"].min()]
    left = longer.pivot_table(index=["learning_rate", "shift"], columns="horizon_steps", values="survival")
    assert left.shape == (16, 3)
    assert (left.diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)
    assert (phases["relative_flatness"].isna() == (phases["survival"] == 0)).all()
    assert (phases.loc[phases["learning_rate"] == phases["learning_rate"].max(), "survival"] == 0).all()
    survival = table(smoke_study, "yang2023_fig3_survival").groupby("landscape")["survival"].max()
    assert survival["constant"] == 1
    assert survival["single_valley"] < 0.5


@pytest.mark.parametrize(("name", "lost"), [("arrivals", "diverged_share"), ("controls", "lost_share")])
def test_every_walker_arrived_was_lost_or_was_censored(smoke_study, name, lost):
    arrivals = table(smoke_study, f"yang2023_fig3_{name}")
    shares = arrivals[["arrived_share", lost, "censored_share"]]
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    reached = np.isfinite(arrivals["median_steps"])
    assert (reached == (arrivals["arrived_share"] >= 0.5)).all()


def test_controls_of_the_toy_do_what_they_must(smoke_study):
    """Smoothing alone moves nobody from valley to valley, and where the curvature is the same everywhere nobody is lost."""
    valleys = table(smoke_study, "yang2023_fig3_two_valleys")
    assert set(valleys["dynamics"]) == {"shaken", "smoothed", "thermal_local"}
    alone = valleys[valleys["dynamics"] == "smoothed"].groupby("start")["share_in_flatter"].agg(["min", "max"])
    assert alone.loc["sharper"].tolist() == [0, 0]
    assert alone.loc["flatter"].tolist() == [1, 1]
    course = table(smoke_study, "yang2023_fig3_order_parameter")
    constant = course[course["landscape"] == "constant"]
    np.testing.assert_allclose(constant[["survival", "relative_flatness", "flatness_of_all"]], 1)
    keys = ["learning_rate", "shift", "seed"]
    left = course[course["landscape"] == "single_valley"].pivot_table(index=keys, columns="horizon_steps", values="survival")
    assert (left.diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)


def test_the_measured_edge_lies_between_the_shifts_around_it_and_moves_inwards(smoke_study):
    edge = table(smoke_study, "yang2023_fig3_edge")
    assert (edge["status"] == "measured").all()
    assert (edge["tenth_lost_shift"] < edge["half_lost_shift"]).all()
    np.testing.assert_allclose(edge["half_lost_shift"] / edge["largest_stable_shift"], edge["relative_half_lost_shift"])
    by_horizon = edge.pivot_table(index=["learning_rate", "seed"], columns="horizon_steps", values="half_lost_shift")
    assert (by_horizon.diff(axis=1).iloc[:, 1:] < 0).all(axis=None)


def test_training_up_to_the_edge_holds_every_setting_on_both_sides_of_it(smoke_study):
    runs = table(smoke_study, "yang2023_fig4")
    grid = runs[runs["part"] == "grid"]
    expected = {
        (rate, size) for part in (EDGE, *EDGE["refined"]) for rate in part["learning_rates"] for size in part["batch_sizes"]
    }
    assert set(map(tuple, grid[["learning_rate", "batch_size"]].to_numpy())) == expected
    assert (runs.groupby(["part", "learning_rate", "batch_size"])["seed"].agg(set) == set(SEEDS)).all()
    assert {"converged", "not_converged", "dead"} <= set(grid["status"])
    measured = runs[["training_loss", "test_loss"]].notna()
    assert measured.eq(~runs["status"].isin(["dead", "diverged"]), axis=0).all(axis=None)
    converged = runs[runs["status"] == "converged"]
    # Of one that did not converge so few units may be left that no spread can be measured.
    assert converged[["slope_spread", "largest_eigenvalue", "sharpest_temperature"]].notna().all(axis=None)
    assert (converged["training_loss"] < 2 * EDGE["stop_loss"]).all()
    settings = table(smoke_study, "yang2023_fig4_settings")
    assert (settings["runs"] == len(SEEDS)).all()
    counted = runs[runs["status"] == "converged"].groupby(["part", "learning_rate", "batch_size"]).size()
    assert (
        counted.to_dict() == settings.set_index(["part", "learning_rate", "batch_size"])["converged"].loc[counted.index].to_dict()
    )


def test_an_edge_lies_between_settings_that_converge_and_one_that_does_not(smoke_study):
    lines = table(smoke_study, "yang2023_fig4_lines")
    share = table(smoke_study, "yang2023_fig4_settings").query("part == 'grid'").set_index(["learning_rate", "batch_size"])
    for line in lines.itertuples():
        assert share.loc[(line.edge_learning_rate, line.edge_batch_size), "converged"] == len(SEEDS)
        assert share.loc[(line.beyond_learning_rate, line.beyond_batch_size), "converged"] < len(SEEDS)
    optima = lines[lines["points"] >= 3]
    assert len(optima)
    assert (optima["octaves_from_optimum_to_edge"] >= 0).all()
    assert lines.loc[lines["points"] < 3, "octaves_from_optimum_to_edge"].isna().all()


def test_ledger_has_the_promised_columns_and_every_claim(smoke_study):
    ledger = pd.read_csv(smoke_study[0] / "results" / "smoke" / "claims.csv")
    assert list(ledger.columns) == (
        [
            "claim",
            "paper",
            "kind",
            "scale",
            "statement",
            "statistic",
            "predicted",
            "value",
            "ci_low",
            "ci_high",
            "n_seeds",
            "verdict",
            "figure",
            "open_because",
            "as_published",
            "specific",
            "source",
            "because",
            "system",
            "other_reading",
        ]
    )
    claims = yaml.safe_load((ROOT / "config" / "claims.yaml").read_text())["claims"]
    assert list(ledger["claim"]) == [claim["id"] for claim in claims]
    assert set(ledger["verdict"]) <= set(VERDICTS)
    assert set(ledger.loc[ledger["kind"] == "identity", "verdict"]) == {"checked"}
    assert (ledger["open_because"].notna() | (ledger["verdict"] != "open")).all()
    assert set(ledger["n_seeds"]) <= {0, len(SEEDS)}
    assert (ledger.loc[ledger["kind"] == "empirical", "n_seeds"] == len(SEEDS)).mean() > 0.8
    tests = pd.read_csv(smoke_study[0] / "results" / "smoke" / "claim_tests.csv")
    assert len(tests) == sum(len(claim["tests"]) for claim in claims)
    assert (tests["p_value_holm"] >= tests["p_value"])[tests["p_value_holm"].notna()].all()
    assert tests["smallest_effect"].notna().any()
    names = {path.stem for path in (smoke_study[0] / "results" / "smoke" / "tables").glob("*.csv")}
    assert {name for text in tests["tables"] for name in text.split("; ")} <= names


def test_the_gap_is_decomposed_and_rescaling_changes_neither_it_nor_the_network(smoke_study):
    points = table(smoke_study, "feng2023_points").dropna(subset=["gap"])
    np.testing.assert_allclose(points["decomposed_gap"], points["gap"], rtol=1e-9)
    sweeps = SWEEPS["sweeps"] | {"control": [0.0]}
    assert set(points["sweep"]) >= set(sweeps)
    gauges = table(smoke_study, "feng2023_gauges")
    np.testing.assert_allclose(gauges["decomposed_gap"], gauges["gap"], rtol=1e-9)
    np.testing.assert_allclose(gauges["gap_of_ten_steepest"] + gauges["gap_of_others"], gauges["gap"], rtol=1e-9)
    parallel, averaged = (gauges[gauges["slopes"] == slopes] for slopes in ("parallel", "path_averaged"))
    assert len(parallel) == len(averaged) == len(points)
    assert averaged["slope_spread"].mean() > parallel["slope_spread"].mean()  # with the same losses, and something across
    for sweep, doses in SWEEPS["sweeps"].items():
        assert set(points.loc[points["sweep"] == sweep, "dose"]) >= set(doses)
    metric = table(smoke_study, "feng2023_fig2_metric")
    np.testing.assert_allclose(metric["weight_spread_by_metric"], metric["weight_spread"], rtol=1e-9)
    copies = table(smoke_study, "feng2023_fig6")
    assert copies["logit_change"].max() < 1e-9
    scaled = copies["largest_eigenvalue"] * copies["factor"] ** 2
    for _, network in copies.assign(scaled=scaled).groupby(["run", "other_layer"]):
        np.testing.assert_allclose(network["scaled"], network["scaled"].iloc[0], rtol=1e-9)
        np.testing.assert_allclose(network["product_of_spreads"], network["product_of_spreads"].iloc[0], rtol=1e-9)


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_are_there_and_not_blank(smoke_study, figure):
    folder = smoke_study[0] / "figures" / "smoke"
    image = np.asarray(Image.open(folder / f"{figure}.png").convert("L"))
    assert image.shape[1] >= 1000
    assert 0.02 < (image < 250).mean() < 0.6
    assert (folder / f"{figure}.pdf").read_bytes().startswith(b"%PDF")


def test_what_scrolls_by_is_one_line_a_job_and_ends_with_the_verdicts_and_where_to_look(smoke_study):
    folder, output = smoke_study
    records = [path for top in ("data", "results") for path in (folder / top).rglob("*.job.json")]
    ledger = (folder / "results" / "smoke" / "claims.txt").read_text()
    assert len(finished_jobs(output)) == len(records) + 1  # and the target "all"
    before, after = output.split(ledger)
    assert after.strip() == ""
    assert "inverse_variance_flatness" in ledger
    assert ledger.splitlines()[-1].startswith("Report: results/smoke/report/index.html  Figures: figures/smoke/")
    lines = [line for line in before.splitlines() if line]
    record = folder / "results" / "smoke" / "provenance" / "ro-crate-metadata.json"
    anchor = sha256_of(record.with_name("manifest.txt"))
    assert lines[-1] == f"Record: {record.relative_to(folder)}, confirmed by the anchor of smoke: sha256 {anchor}"
    assert len(lines) <= len(records) + 1 + 4
    assert max(map(len, lines)) < 200


def test_a_notebook_sets_another_study_beside(smoke_study, tmp_path):
    results = smoke_study[0] / "results" / "smoke"
    shutil.copytree(results / "tables", tmp_path / "tables")
    path = tmp_path / "tables" / "feng2021_fig2_exponents.csv"
    exponents = pd.read_csv(path)
    exponents.assign(exponent=exponents["exponent"] - 4).to_csv(path, index=False)
    folders = {"tables": results / "tables", "ledger": results, "figures": smoke_study[0] / "figures" / "smoke"}
    parameters = {key: str(folder) for key, folder in folders.items()} | {"captions": str(ROOT / "workflow" / "report")}
    lower = {"study": "lower", "tables": str(tmp_path / "tables"), "settings": {"stop_loss": 5e-5}}
    compared = {"study": "smoke", "compared": [lower]}
    notebook = notebooks.execute(ROOT / "workflow" / "notebooks" / "feng2021.ipynb", parameters | compared)
    page = notebooks.page(notebook, {})
    assert "The reference setting here and in lower." in page
    assert "Tested by the study lower" in page
    assert "differs in: stop loss 5e-05." in page
    assert page.count("\N{MINUS SIGN}4.00 [\N{MINUS SIGN}4.00,\N{NO-BREAK SPACE}\N{MINUS SIGN}4.00]") >= 3
    assert "Not all three have the sign that they have in this study." in page
