"""The smoke study, end to end: what it promised stands in its tables, figures and claims, and reruns are only those needed."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from running import ROOT, copy_of_checkout, snakemake

SMOKE = ("--configfile", "config/smoke.yaml")
FIGURES = [f"feng2021_fig{number}" for number in (1, 2, 3, 4)]
SETTINGS = yaml.safe_load((ROOT / "config" / "smoke.yaml").read_text())["studies"]["smoke"]["feng2021"]
SEEDS = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["studies"]["mnist5k"]["feng2021"]["seeds"]
# Tables of every setting, and tables of the reference setting only.
EVERY_SETTING = ["feng2021_runs", "feng2021_fig1", "feng2021_fig2", "feng2021_fig2_exponents", "feng2021_fig4"]
REFERENCE_ONLY = ["feng2021_fig2_slices", "feng2021_fig2_minima", "feng2021_fig3", "feng2021_fig3_homogeneity"]


def table(study, name):
    return pd.read_csv(study[0] / "results" / "smoke" / "tables" / f"{name}.csv")


@pytest.mark.parametrize("name", EVERY_SETTING)
def test_tables_hold_every_setting_with_every_seed(smoke_study, name):
    rows = table(smoke_study, name)
    found = set(map(tuple, rows[["learning_rate", "batch_size", "seed"]].drop_duplicates().to_numpy()))
    expected = {(rate, size, seed) for rate in SETTINGS["learning_rates"] for size in SETTINGS["batch_sizes"] for seed in SEEDS}
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
        ("feng2021_fig3", ["flatness", "temperature", "relaxation_time_steps", "integrated_time_steps"]),
        ("feng2021_fig3_correlation_times", ["exponent", "r"]),
        ("feng2021_fig3_minibatches", ["loss"]),
        ("feng2021_fig3_covariance", ["covariance"]),
        ("feng2021_fig3_homogeneity", ["temperature", "offset"]),
        ("feng2021_fig4", ["temperature", "training_loss"]),
        ("feng2021_fig4_checkpoints", ["training_loss", "test_loss", "test_error", "slope_spread", "sharpest_temperature"]),
        ("feng2021_fig4_equal_loss", ["value"]),
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
        ]
    )
    claims = yaml.safe_load((ROOT / "config" / "claims.yaml").read_text())["claims"]
    assert list(ledger["claim"]) == [claim["id"] for claim in claims]
    assert set(ledger["verdict"]) <= {"replicated", "partly", "not replicated", "inconclusive"}
    assert (ledger["n_seeds"] == len(SEEDS)).all()
    tests = pd.read_csv(smoke_study[0] / "results" / "smoke" / "claim_tests.csv")
    assert len(tests) == sum(len(claim["tests"]) for claim in claims)


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_are_there_and_not_blank(smoke_study, figure):
    folder = smoke_study[0] / "figures" / "smoke"
    image = np.asarray(Image.open(folder / f"{figure}.png").convert("L"))
    assert image.shape[1] >= 1000
    assert 0.02 < (image < 250).mean() < 0.6
    assert (folder / f"{figure}.pdf").read_bytes().startswith(b"%PDF")


def test_the_run_ends_with_the_verdicts_and_where_to_look(smoke_study):
    output = smoke_study[1]
    assert "inverse_variance_flatness" in output
    assert "Figures: figures/smoke/" in output


def test_a_second_run_does_nothing(smoke_study):
    run = snakemake(*SMOKE, folder=smoke_study[0])
    assert run.returncode == 0
    assert "Nothing to be done" in run.stdout + run.stderr


def planned_rules(folder, *arguments):
    run = snakemake("-n", *SMOKE, *arguments, folder=folder)
    assert run.returncode == 0, run.stderr
    lines = (run.stdout + run.stderr).splitlines()
    start = (
        max(index for index, line in enumerate(lines) if line.startswith("job "))
        if "Nothing" not in run.stdout + run.stderr
        else None
    )
    return {line.split()[0] for line in lines[start + 2 :] if len(line.split()) == 2} if start is not None else set()


@pytest.fixture
def edited(smoke_study):
    """Function that appends a comment to a file of the study's copy; undone afterwards."""
    originals = {}

    def edit(name, text="\n# changed\n"):
        path = smoke_study[0] / name
        originals[path] = path.read_bytes()
        path.write_bytes(originals[path] + text.encode())

    yield edit
    for path, content in originals.items():
        path.write_bytes(content)


def test_editing_the_landscape_measures_flatness_again_and_trains_nothing(smoke_study, edited):
    edited("workflow/lib/sgdphysics/landscape.py")
    rules = planned_rules(smoke_study[0])
    assert {"measure_flatness", "tabulate_feng2021_fig2", "feng2021_fig2", "decide_claims"} <= rules
    assert not {"train_ensemble", "measure_fluctuations", "prepare_dataset", "tabulate_feng2021_fig1"} & rules


def test_editing_a_figure_draws_only_it(smoke_study, edited):
    edited("workflow/scripts/figures/feng2021_fig3.py")
    assert planned_rules(smoke_study[0]) - {"all", "total"} == {"feng2021_fig3"}


def test_touching_every_file_reruns_nothing(smoke_study):
    for path in (smoke_study[0] / "workflow").rglob("*.py"):
        path.touch()
    assert planned_rules(smoke_study[0]) == set()


def test_one_figure_makes_only_what_it_needs(clone):
    run = snakemake("-n", "figures/mnist5k/feng2021_fig1.pdf", folder=clone)
    assert run.returncode == 0
    assert "measure_fluctuations" in run.stdout
    assert not {"measure_flatness", "measure_noise", "feng2021_fig2", "decide_claims"} & set(run.stdout.split())


def test_a_failed_job_is_made_again_even_though_an_old_figure_is_there(smoke_study, edited):
    folder = smoke_study[0]
    figure = folder / "figures" / "smoke" / "feng2021_fig1.png"
    before = figure.read_bytes()
    script = folder / "workflow" / "scripts" / "tabulate_feng2021_fig1.py"
    healthy = script.read_bytes()
    script.write_bytes(healthy + b"\nraise RuntimeError('broken on purpose')\n")
    assert snakemake(*SMOKE, folder=folder).returncode == 1
    script.write_bytes(healthy)
    run = snakemake(*SMOKE, folder=folder)
    assert run.returncode == 0, run.stderr[-3000:]
    assert "tabulate_feng2021_fig1" in run.stdout + run.stderr
    assert figure.read_bytes() == before


def test_a_damaged_trained_file_is_named_in_one_line(smoke_study, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(smoke_study[0], folder, ignore=shutil.ignore_patterns(".snakemake"))
    damaged = next((folder / "results" / "runs").rglob("*.safetensors"))
    damaged.write_bytes(damaged.read_bytes()[:1000])
    rule = "tabulate_feng2021_runs"  # it alone: other tests have touched files that would make the training run again
    run = snakemake("results/smoke/tables/feng2021_runs.csv", *SMOKE, "--allowed-rules", rule, "--forcerun", rule, folder=folder)
    assert run.returncode == 1
    assert "not a readable tensor file of this project" in run.stdout + run.stderr


def test_a_setting_that_diverges_is_shown_and_leaves_its_claims_inconclusive(tmp_path):
    folder = copy_of_checkout(tmp_path)
    (folder / "diverging.yaml").write_text(
        "studies: {smoke: {feng2021: {images_per_class: 30, learning_rates: [0.1, 1.0e+20], batch_sizes: [20],"
        " reference: {learning_rate: 1.0e+20}}}}\n"
    )
    run = snakemake(*SMOKE, "diverging.yaml", folder=folder)
    assert run.returncode == 0, run.stderr[-3000:]
    results = folder / "results" / "smoke"
    runs = pd.read_csv(results / "tables" / "feng2021_runs.csv")
    assert set(runs.loc[runs["reference"], "status"]) == {"diverged"}
    assert runs.loc[runs["reference"], "diverged_step"].notna().all()
    assert set(runs.loc[~runs["reference"], "status"]) == {"converged"}
    verdicts = pd.read_csv(results / "claims.csv").set_index("claim")["verdict"]
    assert set(verdicts.drop("inverse_variance_flatness")) == {"inconclusive"}
    # That one asks every setting: the one that converged may refute it, but not replicate it.
    assert verdicts["inverse_variance_flatness"] in {"inconclusive", "not replicated"}
    exponents = pd.read_csv(results / "tables" / "feng2021_fig2_exponents.csv")
    assert set(exponents["learning_rate"]) == {0.1}
    assert all((folder / "figures" / "smoke" / f"{figure}.png").is_file() for figure in FIGURES)
