"""What is checked without running the workflow: formats, lint, dry runs, bad settings."""

import functools
import re
import subprocess
import sys

import pytest
import yaml

from running import ROOT, copy_of_checkout, snakemake
from small_study import answer

PLANNED = [
    "train_ensemble",
    "measure_fluctuations",
    "measure_flatness",
    "measure_noise",
    "measure_published",
    "measure_nested_windows",
    "measure_paired_runs",
    "measure_label_noise",
    "measure_widths",
    "measure_generalization",
    "measure_edge",
    "measure_duality",
    "measure_pairs",
    "measure_dropout",
    "rescale_networks",
    "simulate_langevin",
    "simulate_phase_diagram",
    "simulate_shaken_descent",
    "simulate_toy_controls",
    "simulate_toy_edge",
    "solve_fokker_planck",
]
CONFIGS = sorted(path.name for path in (ROOT / "config").glob("*.yaml") if "studies:" in path.read_text())


@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["snakefmt", "--check", "Snakefile", "workflow/rules"]],
    ids=lambda command: " ".join(command[:2]),
)
def test_code_is_formatted_and_clean(command):
    run = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_workflow_has_no_lint():
    run = snakemake("--lint", folder=ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture(scope="module")
def planned(clone):
    """Function that gives what a dry run with arguments prints, once for all tests."""

    @functools.cache
    def plan(*arguments):
        run = snakemake("-n", *arguments, folder=clone)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    return plan


def jobs_of(plan):
    """How many jobs each rule has in a dry run."""
    table = plan.split("Job stats:")[1].split("\n\n")[0].splitlines()[3:]
    return {rule: int(count) for rule, count in map(str.split, table)}


@pytest.mark.parametrize("config", CONFIGS)
def test_every_configuration_plans(config, planned):
    plan = planned() if config == "config.yaml" else planned("--configfile", f"config/{config}")
    for study in ("mnist_published_stop", "mnist_published_window"):
        compared = f"results/{study}/tables/feng2021_fig2_exponents.csv" in plan
        assert compared == (config == "mnist.yaml")


@pytest.mark.parametrize("config", CONFIGS)
def test_the_plan_of_a_study_has_the_jobs_that_snakemake_would_run(config, planned):
    arguments = [] if config == "config.yaml" else ["--configfile", f"config/{config}"]
    code, out, err = answer(ROOT, "plan", *arguments)
    assert (code, err) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    found = {row[0]: int(row[1].replace(",", "")) for row in rows if row[0] in PLANNED}
    counted = jobs_of(planned(*arguments))
    assert found == {rule: counted[rule] for rule in PLANNED}


def test_jobs_ask_for_the_time_and_memory_that_are_planned(planned):
    jobs = planned().split("\nrule ")
    asked = {
        rule: [re.search(r"mem_mb=(\d+)", job) and re.search(r"runtime=(\d+)", job) for job in jobs if job.startswith(f"{rule}:")]
        for rule in PLANNED
    }
    assert all(found and all(found) for found in asked.values()), asked


def test_the_profile_for_a_gpu_gives_it_to_all_jobs_that_can_use_one(clone):
    run = snakemake("-n", "--workflow-profile", "profiles/gpu", folder=clone)
    assert run.returncode == 0, run.stdout + run.stderr
    given = {job.split(":")[0] for job in run.stdout.split("\nrule ")[1:] if "gpu=1" in job}
    scripts = {
        path.stem
        for path in (ROOT / "workflow" / "scripts").glob("*.py")
        if "    device = devices.prepared(job)" in path.read_text()
    }
    assert given == scripts != set()


def test_the_default_study_stays_small(planned):
    assert jobs_of(planned())["total"] < 130  # starting a job costs 1.6 s


def test_the_slurm_profile_plans_the_same_jobs(planned):
    assert jobs_of(planned("--workflow-profile", "profiles/slurm")) == jobs_of(planned())


def test_the_slurm_profile_reruns_what_the_default_one_does():
    here, cluster = (yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text()) for name in ("default", "slurm"))
    assert {key: cluster.get(key) for key in here if key != "cores"} == {key: here[key] for key in here if key != "cores"}


def test_on_a_cluster_only_what_computes_is_submitted(planned, clone):
    """What is local, Snakemake tells only where there is a cluster: so it is asked for when it checks the names."""
    program = """
import sys
from snakemake.cli import main
from snakemake.workflow import Workflow

original = Workflow.check_localrules
def shown(self):
    print("LOCAL", *self._localrules)
    original(self)
Workflow.check_localrules = shown
main(sys.argv[1:])
"""
    command = [sys.executable, "-c", program, "-n", "results/mnist5k/tables/yang2023_fig1.csv"]
    run = subprocess.run(command, cwd=clone, capture_output=True, text=True, timeout=300, check=False)
    local = set(re.search(r"^LOCAL (.*)$", run.stdout, re.MULTILINE).group(1).split())
    submitted = set(jobs_of(planned())) - local - {"total", "all"}
    assert {rule.split("_")[0] for rule in submitted} == {"prepare", "train", "measure", "rescale", "simulate", "solve"}
    assert {"fetch_idx", "feng2021_fig1", "decide_claims", "run_notebook", "write_provenance", "write_report"} <= local


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("studies={mnist5k: {feng2021: {window_epoch: 3}}}", "studies.mnist5k.feng2021: unknown window_epoch"),
        ("study=mnist6k", "study: found 'mnist6k', expected one of"),
        ("bogus=1", "top level: unknown bogus"),
        ("studies={../elsewhere: {like: mnist5k}}", "studies: '../elsewhere' does not match"),
    ],
)
def test_a_bad_setting_is_one_line_before_any_job(setting, message, clone):
    run = snakemake("--config", setting, folder=clone)
    lines = [line for line in (run.stdout + run.stderr).splitlines() if "error" in line.lower()]
    assert run.returncode == 1
    assert len(lines) == 1, run.stderr
    assert lines[0].startswith("config error: ")
    assert message in lines[0]
    assert "Traceback" not in run.stderr


def test_numbers_out_of_range_are_named(clone, tmp_path):
    overlay = tmp_path / "bad.yaml"
    overlay.write_text(
        "studies: {mnist5k: {feng2021: {learning_rates: [-0.1], batch_sizes: [], layer: 7, reference: {batch_size: 33}}}}\n"
    )
    run = snakemake("--configfile", str(overlay), folder=clone)
    assert run.returncode == 1
    assert "feng2021.learning_rates[0]: -0.1 is less than or equal to the minimum of 0" in run.stderr
    assert "feng2021.batch_sizes: [] should be non-empty" in run.stderr
    overlay.write_text("studies: {mnist5k: {feng2021: {batch_sizes: [5000], layer: 7}}}\n")
    run = snakemake("--configfile", str(overlay), folder=clone)
    assert "feng2021.batch_sizes: found 5000, expected at most the 4000 training images" in run.stderr
    assert "feng2021.layer: found 7, the network has layers 0 to 2" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_key_twice_in_a_file_that_snakemake_reads_is_named(clone, tmp_path):
    """Snakemake itself takes the last one."""
    overlay = tmp_path / "twice.yaml"
    overlay.write_text("study: smoke\nstudies: {smoke: {like: mnist5k}}\nstudies: {mnist5k: {scale: paper}}\n")
    run = snakemake("-n", "--configfile", str(overlay), folder=clone)
    assert run.returncode == 1
    assert f"{overlay}: studies: found twice, in lines 2 and 3, expected once" in run.stderr.splitlines()
    assert "Traceback" not in run.stderr


def test_what_cannot_be_measured_is_said_before_any_job(clone, tmp_path):
    overlay = tmp_path / "descent.yaml"
    overlay.write_text("study: mine\nstudies: {mine: {like: mnist5k, feng2021: {batch_sizes: [50, 4000]}}}\n")
    run = snakemake("-n", "results/mine/tables/yang2023_fig1.csv", "--configfile", str(overlay), folder=clone)
    assert run.returncode == 0, run.stderr
    told = [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("Study mine")]
    assert len(told) == 1
    assert told[0].startswith("Study mine, feng2021: every batch of 4000 is all 4000 training images, so there is no noise: ")


@pytest.mark.parametrize(
    ("found", "changed", "message"),
    [
        ("    paper: feng2021\n", "    paper: feng2022\n", "claims[low_dimension].paper: 'feng2022' is not one of"),
        ("id: early_freezing\n", "id: low_dimension\n", "claims: the id 'low_dimension' is there 2 times"),
        ("claims:\n", "claims: [\n", "not YAML: "),
    ],
)
def test_a_bad_claim_is_one_line_before_any_job(found, changed, message, tmp_path):
    folder = copy_of_checkout(tmp_path)
    path = folder / "config" / "claims.yaml"
    assert found in path.read_text()
    path.write_text(path.read_text().replace(found, changed, 1))
    run = snakemake(folder=folder)
    lines = [line for line in (run.stdout + run.stderr).splitlines() if "claims.yaml" in line]
    assert run.returncode == 1
    assert len(lines) == 1, run.stderr
    assert lines[0].startswith("config/claims.yaml: ")
    assert message in lines[0]
    assert "Traceback" not in run.stderr
    assert not (folder / "results").exists()


def test_a_claim_on_a_table_that_no_rule_makes_is_one_line_before_any_job(tmp_path):
    folder = copy_of_checkout(tmp_path)
    path = folder / "workflow" / "rules" / "duality.smk"
    declared = 'table=study_table("feng2023_fig6")'
    assert declared in path.read_text()
    path.write_text(path.read_text().replace(declared, 'table="results/{study}/tables/feng2023_fig6.csv"'))
    run = snakemake(folder=folder)
    assert run.returncode == 1
    assert "needs the table feng2023_fig6, which no rule makes" in run.stderr
    assert "Traceback" not in run.stderr
