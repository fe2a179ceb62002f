"""What reruns, and what does not: edits of a finished smoke study, failures, damaged files."""

import itertools
import shutil
import subprocess
import sys

import pytest

from running import snakemake

SMOKE = ("--configfile", "config/smoke.yaml")


def test_a_second_run_does_nothing(smoke_copy):
    run = snakemake(*SMOKE, folder=smoke_copy)
    assert run.returncode == 0
    assert "Nothing to be done" in run.stdout + run.stderr


def planned_rules(folder, *arguments):
    """The rules in the table of jobs that a dry run prints."""
    run = snakemake("-n", *SMOKE, *arguments, folder=folder)
    assert run.returncode == 0, run.stderr
    lines = (run.stdout + run.stderr).splitlines()
    if any("Nothing to be done" in line for line in lines):
        return set()
    rows = lines[next(index for index, line in enumerate(lines) if line.startswith("job ")) + 2 :]
    return {row.split()[0] for row in itertools.takewhile(lambda row: not row.startswith("total"), rows)}


@pytest.fixture
def edited(smoke_copy):
    """Function that appends a comment to a file of the study's copy; undone afterwards."""
    originals = {}

    def edit(name, text="\n# changed\n"):
        path = smoke_copy / name
        originals[path] = path.read_bytes()
        path.write_bytes(originals[path] + text.encode())

    yield edit
    for path, content in originals.items():
        path.write_bytes(content)


def test_editing_the_landscape_measures_flatness_again_and_trains_nothing(smoke_copy, edited):
    edited("workflow/lib/sgdphysics/landscape.py")
    rules = planned_rules(smoke_copy)
    assert {"measure_flatness", "tabulate_feng2021_fig2", "feng2021_fig2", "decide_claims"} <= rules
    assert not {"train_ensemble", "measure_fluctuations", "prepare_dataset", "tabulate_feng2021_fig1"} & rules


def test_editing_a_figure_draws_only_it_and_makes_anew_what_shows_it(smoke_copy, edited):
    edited("workflow/scripts/figures/feng2021_fig3.py")
    assert planned_rules(smoke_copy) - {"all"} == {"feng2021_fig3", "run_notebook", "write_provenance", "write_report"}


def test_touching_every_file_reruns_nothing(smoke_copy):
    for path in (smoke_copy / "workflow").rglob("*.py"):
        path.touch()
    assert planned_rules(smoke_copy) == set()


def test_snakemake_sets_no_alarm_clock_for_every_job_that_has_finished(clone, tmp_path):
    """As it does while it limits how many jobs start in a second."""
    shutil.copytree(clone, tmp_path, dirs_exist_ok=True)
    program = """
import sys
from snakemake.cli import main
from snakemake.scheduling.job_scheduler import JobScheduler

original = JobScheduler._schedule_reevalutation
def told(self, delay):
    print("ALARM")
    original(self, delay)
JobScheduler._schedule_reevalutation = told
main(sys.argv[1:])
"""
    command = [sys.executable, "-c", program, "results/smoke/tables/yang2023_fig1.csv", *SMOKE, "--cores", "1"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    assert "ALARM" not in run.stdout


def test_one_figure_makes_only_what_it_needs(clone):
    run = snakemake("-n", "figures/mnist5k/feng2021_fig1.pdf", folder=clone)
    assert run.returncode == 0
    assert "measure_fluctuations" in run.stdout
    assert not {"measure_flatness", "measure_noise", "feng2021_fig2", "decide_claims"} & set(run.stdout.split())


def test_a_failed_job_is_made_again_even_though_an_old_figure_is_there(smoke_copy, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(smoke_copy, folder)
    figure = "figures/smoke/feng2021_fig1.png"
    before = (folder / figure).read_bytes()
    script = folder / "workflow" / "scripts" / "tabulate_feng2021_fig1.py"
    healthy = script.read_bytes()
    script.write_bytes(healthy + b"\nraise RuntimeError('broken on purpose')\n")
    assert snakemake(figure, *SMOKE, folder=folder).returncode == 1
    script.write_bytes(healthy)
    run = snakemake(figure, *SMOKE, folder=folder)
    assert run.returncode == 0, run.stderr[-3000:]
    assert "tabulate_feng2021_fig1" in run.stdout + run.stderr
    assert (folder / figure).read_bytes() == before


def test_a_damaged_table_is_named_before_any_job_starts_and_made_again_by_the_next_run(smoke_copy, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(smoke_copy, folder)
    name, figure = "results/smoke/tables/feng2023_fig2_shifts.csv", "figures/smoke/feng2023_fig2.png"
    table, drawn = folder / name, (folder / figure).read_bytes()
    healthy = table.read_bytes()
    table.write_bytes(healthy[: healthy.index(b"\n", len(healthy) // 2) + 1])  # still a table
    run = snakemake(figure, *SMOKE, folder=folder)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-2:] == [
        f"{name}: not what measure_pairs made, by the record that it left",
        "Run Snakemake again to make them anew.",
    ]
    assert (folder / figure).read_bytes() == drawn
    run = snakemake(figure, *SMOKE, folder=folder)
    assert run.returncode == 0, run.stderr[-3000:]
    assert (table.read_bytes(), (folder / figure).read_bytes()) == (healthy, drawn)


def test_tables_without_the_record_of_their_job_are_named_before_any_job_starts(smoke_copy, clone, tmp_path):
    shutil.copytree(clone, tmp_path, dirs_exist_ok=True)
    names = [f"results/smoke/tables/yang2023_fig3{part}.csv" for part in ("", "_bounds")]
    (tmp_path / names[0]).parent.mkdir(parents=True)
    for name in names:
        shutil.copyfile(smoke_copy / name, tmp_path / name)
    run = snakemake(*SMOKE, folder=tmp_path)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-2:] == [
        f"{', '.join(names)}: no record of the job that made them, simulate_phase_diagram",
        "Run Snakemake again to make them anew.",
    ]
    assert "simulate_phase_diagram" in snakemake("-n", *SMOKE, folder=tmp_path).stdout


def test_a_folder_that_cannot_be_written_to_is_named_before_any_job_starts(clone, tmp_path):
    (tmp_path / "results").write_text("a file")
    shutil.copytree(clone, tmp_path, dirs_exist_ok=True)
    run = snakemake("results/smoke/tables/yang2023_fig1.csv", *SMOKE, folder=tmp_path)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == "results: cannot be written to"
