"""Where Snakemake is started, where it works, and with which files of settings."""

import os
import re
import subprocess
import sys

import pytest

from running import copy_of_checkout, snakemake

QUICK = "results/twin/tables/yang2023_fig1.csv"  # a table that stands on no data and no network
TWIN = "study: twin\nstudies: {twin: {like: smoke}}\n"


def said(run):
    return [line for line in (run.stdout + run.stderr).splitlines() if not line.startswith("Using workflow specific profile")]


def command(*arguments, folder):
    """What the command ``sgdphysics`` of this checkout says in a folder."""
    program = [sys.executable, "-m", "sgdphysics.command_line", *arguments]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy that must stay as it is while Snakemake works elsewhere."""
    return copy_of_checkout(tmp_path_factory.mktemp("checkout"))


def files_in(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def test_results_lie_in_the_directory_with_files_of_settings_relative_to_where_one_is(checkout, tmp_path):
    """Their records have the same paths as in the checkout, and the commands answer there."""
    before, results = files_in(checkout), tmp_path / "elsewhere"
    (tmp_path / "twin.yaml").write_text(TWIN)
    files = ("--configfile", "config/smoke.yaml", os.path.relpath(tmp_path / "twin.yaml", checkout))
    run = snakemake(QUICK, "--directory", os.path.relpath(results, checkout), *files, folder=checkout)
    assert run.returncode == 0, run.stderr[-3000:]
    assert (results / QUICK).is_file()
    assert files_in(checkout) - before == set()
    record = (results / "results/twin/logs/simulate_trajectories.job.json").read_text()
    assert '"script": "workflow/scripts/simulate_trajectories.py"' in record
    assert str(checkout) not in record
    planned = snakemake("-n", "--directory", str(results), *files, folder=checkout)  # what any job reads of the checkout is there
    assert planned.returncode == 0, planned.stderr[-3000:]
    assert {"simulate_langevin", "write_provenance", "write_report"} <= set(re.findall(r"rule (\w+):", planned.stdout))
    listed = command("runs", "--configfile", "config/smoke.yaml", str(tmp_path / "twin.yaml"), folder=results)
    assert "not trained" in listed


def test_results_lie_where_one_is_with_the_workflow_from_elsewhere(checkout, tmp_path):
    (tmp_path / "twin.yaml").write_text(TWIN)
    files = ("--configfile", os.path.relpath(checkout / "config" / "smoke.yaml", tmp_path), "twin.yaml")
    run = snakemake(QUICK, "--snakefile", str(checkout / "Snakefile"), *files, folder=tmp_path)
    assert run.returncode == 0, run.stderr[-3000:]
    assert (tmp_path / QUICK).is_file()
    again = snakemake(QUICK, "--configfile", "config/smoke.yaml", "twin.yaml", folder=tmp_path)
    assert "Nothing to be done" in again.stderr, "with its links this is a folder in which Snakemake finds the workflow by itself"


def test_a_folder_with_something_in_the_place_of_the_code_is_one_line(checkout, tmp_path):
    (tmp_path / "config").mkdir()
    run = snakemake("-n", "--directory", str(tmp_path), folder=checkout)
    assert run.returncode == 1
    assert said(run) == [f"{tmp_path / 'config'}: found, expected none: Snakemake works in this folder, and links its code into it"]


def test_as_a_module_of_another_workflow_it_is_one_line_before_any_job(checkout, tmp_path):
    (tmp_path / "Snakefile").write_text(
        f'configfile: "{checkout}/config/config.yaml"\n'
        f'module sgd:\n    snakefile: "{checkout}/Snakefile"\n    config: config\n'
        "use rule * from sgd as sgd_*\n"
    )
    run = snakemake(folder=tmp_path)
    assert run.returncode == 1
    assert said(run) == [
        f"{tmp_path / 'Snakefile'}: found the workflow {checkout / 'Snakefile'} in it as a module or an include, expected it by "
        f"itself (its record is of a whole run): snakemake --snakefile {checkout / 'Snakefile'} --directory FOLDER"
    ]
    assert {path.name for path in tmp_path.iterdir()} <= {"Snakefile", ".snakemake"}


def test_several_options_for_files_of_settings_are_one_line_as_snakemake_takes_only_the_last(checkout):
    run = snakemake("-n", "--configfile", "config/smoke.yaml", "--configfile", "config/digits.yaml", folder=checkout)
    assert run.returncode == 1
    assert said(run) == ["--configfile: found several times, expected once with all files behind it: --configfile FILE FILE"]


def test_another_version_of_python_is_one_line(tmp_path):
    """As if this one were: the workflow asks before anything else."""
    folder = copy_of_checkout(tmp_path)
    path = folder / "workflow" / "lib" / "sgdphysics" / "python_versions.py"
    supported = "FIRST, LAST = (3, 11), (3, 13)"
    assert supported in path.read_text()
    path.write_text(path.read_text().replace(supported, "FIRST, LAST = (3, 9), (3, 10)"))
    run = snakemake("-n", folder=folder)
    version = ".".join(map(str, sys.version_info[:3]))
    assert run.returncode == 1
    assert said(run) == [f"Python: found {version}, expected 3.9 to 3.10: the pinned packages come built for these"]
