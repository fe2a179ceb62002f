"""What reruns, and what does not: edits of a finished smoke study, failures, damaged files."""

import itertools
import shutil
import subprocess
import sys

import pytest

from idx_cases import small_arrays, write_idx_files
from running import snakemake

SMOKE = ("--configfile", "config/smoke.yaml")


def test_a_second_run_does_nothing(smoke_copy):
    run = snakemake(*SMOKE, folder=smoke_copy)
    assert run.returncode == 0
    assert "Nothing to be done" in run.stdout + run.stderr


def planned(folder, *arguments):
    """How many jobs of each rule a dry run would run; the target "all" apart."""
    run = snakemake("-n", *SMOKE, *arguments, folder=folder)
    assert run.returncode == 0, run.stderr
    lines = (run.stdout + run.stderr).splitlines()
    if any("Nothing to be done" in line for line in lines):
        return {}
    rows = lines[next(index for index, line in enumerate(lines) if line.startswith("job ")) + 2 :]
    jobs = dict(row.split() for row in itertools.takewhile(lambda row: not row.startswith("total"), rows))
    return {rule: int(count) for rule, count in jobs.items() if rule != "all"}


@pytest.fixture
def edited(smoke_copy):
    """Function that appends to a file of the study's copy, a comment if nothing else, or replaces something in it; undone
    afterwards.
    """
    originals = {}

    def edit(name, text="\n# changed\n", replaced=None):
        path = smoke_copy / name
        originals[path] = path.read_text() if path.exists() else None
        content = originals[path] or ""
        assert replaced is None or replaced in content
        path.write_text(content.replace(replaced, text, 1) if replaced else content + text)

    yield edit
    for path, content in originals.items():
        path.unlink() if content is None else path.write_text(content)


# What stands on what, written by hand: the jobs that an edit makes again.
SHOWN = {"run_notebook": 1, "write_provenance": 1, "write_report": 1}  # a figure: the notebook of its paper, record and page
RECORDED = {"write_provenance": 1, "write_report": 1}  # which files of settings there are stands in the record
DECIDED = {"decide_claims": 1, **SHOWN, "run_notebook": 3}
DRAWN = {
    **{
        f"{paper}_fig{number}": 1
        for paper, last in (("feng2021", 4), ("yang2023", 4), ("feng2023", 6))
        for number in range(1, last + 1)
    },
    "feng2023_fig5_supplement": 1,
    "beyond_fig6": 1,
}
FLATNESS = {
    **{f"tabulate_feng2021_fig{number}": 1 for number in (2, 3, 4)},  # all directions stand in the second table
    **{f"feng2021_fig{number}": 1 for number in (2, 3, 4)},
    "measure_flatness": 3,
    "measure_published": 1,
    "tabulate_feng2021_ladder": 1,
    "measure_noise": 3,  # up to the edges of the flat region
    "measure_nested_windows": 1,
    "measure_label_noise": 1,
    "tabulate_local_exponents": 1,
    **{"tabulate_beyond_fig6": 1, "beyond_fig6": 1},
    **DECIDED,
}
SWEEPS = {
    "measure_duality": 8,  # the median flatness of a network
    "rescale_networks": 1,
    "tabulate_feng2023": 1,
    "tabulate_feng2023_published": 1,
    **{f"feng2023_fig{number}": 1 for number in (2, 3, 4, 5, 6)},
    "feng2023_fig5_supplement": 1,
}
MEASURED = {
    "measure_fluctuations": 3,
    "measure_generalization": 4,
    "measure_paired_runs": 1,
    "measure_widths": 1,
    "measure_edge": 1,
    "measure_pairs": 1,
    "measure_dropout": 1,
    "tabulate_feng2021_runs": 1,
    "tabulate_feng2021_fig1": 1,
    "tabulate_yang2023_fig4": 1,
    "tabulate_yang2023_fig4_controls": 1,
}
LIBRARY = "workflow/lib/sgdphysics"
EDITS = {
    "the wording of progress": ([f"{LIBRARY}/progress.py"], {}),
    "the wording of a job's log": ([f"{LIBRARY}/provenance/jobs.py"], {}),
    "what a job records": ([f"{LIBRARY}/provenance/job_records.py"], {}),
    "how files are written": ([f"{LIBRARY}/files.py", f"{LIBRARY}/errors.py"], {}),
    "what a package is for": ([f"{LIBRARY}/__init__.py", f"{LIBRARY}/study/__init__.py"], {}),
    "a new source of a data set": ([f"{LIBRARY}/sources/another.py"], {}),
    "a new data set": (["config/datasets.yaml"], {}),
    "how a study is planned": ([f"{LIBRARY}/study/costs.py", f"{LIBRARY}/study/layout.py"], {}),
    "one figure's script": (["workflow/scripts/figures/feng2021_fig3.py"], {"feng2021_fig3": 1, **SHOWN}),
    "one figure's caption": (["workflow/report/feng2021_fig3.rst"], SHOWN),
    "one statistic": ([f"{LIBRARY}/claims/yang2023_edge.py"], DECIDED),
    "the style of figures": ([f"{LIBRARY}/report/style.py"], {**DRAWN, **SHOWN, "run_notebook": 3}),
    "the report page": (["workflow/report/report.css"], {"write_provenance": 1, "write_report": 1}),
    "how an audit answers": ([f"{LIBRARY}/provenance/audit.py"], {"write_report": 1, "write_provenance": 1}),
    "flatness": ([f"{LIBRARY}/landscape.py"], {**FLATNESS, **SWEEPS}),
    "training": (
        [f"{LIBRARY}/training.py"],
        {"train_ensemble": 20, **MEASURED, **FLATNESS, **SWEEPS, "feng2021_fig1": 1, "yang2023_fig4": 1, "feng2023_fig1": 1},
    ),
}


@pytest.mark.parametrize(("files", "jobs"), EDITS.values(), ids=EDITS)
def test_an_edit_costs_what_it_touches(smoke_copy, edited, files, jobs):
    """Data sets in ``datasets.yaml`` are separated by keys, so that a comment at its end stands for a further entry."""
    for name in files:
        edited(name)
    assert planned(smoke_copy) == jobs


def test_a_further_data_set_makes_nothing_again(smoke_copy, edited):
    path = smoke_copy / "config" / "datasets.yaml"
    entry = path.read_text().split("  digits:\n")[1].split("\n\n")[0]
    edited("config/datasets.yaml", f"\n  others:\n{entry.replace('loader: digits', 'loader: others')}\n")
    edited(f"{LIBRARY}/sources/others.py", (smoke_copy / LIBRARY / "sources" / "digits.py").read_text())
    assert planned(smoke_copy) == {}


OWN = """
datasets:
  own:
    kind: idx_directory
    version: "1"
    description: Numbers
    licence: none
    citation: nobody
    image_shape: [4, 5]
    classes: 3
    training_images: 12
    directory: {folder}
"""


def test_a_data_set_of_one_s_own_makes_nothing_again(smoke_copy, tmp_path):
    (tmp_path / "own.yaml").write_text(OWN.format(folder=write_idx_files(tmp_path / "mine", small_arrays())))
    assert planned(smoke_copy, str(tmp_path / "own.yaml")) == RECORDED


def test_files_of_one_s_own_are_looked_at_before_any_job_starts(clone, tmp_path):
    shutil.copytree(clone, tmp_path, dirs_exist_ok=True)
    arrays = small_arrays() | {"train_images": small_arrays()["train_images"] % 17}
    folder = write_idx_files(tmp_path / "my data", arrays)
    (tmp_path / "own.yaml").write_text(OWN.format(folder=folder))
    targets = ["data/own.safetensors", "results/smoke/tables/yang2023_fig1.csv"]
    run = snakemake(*targets, *SMOKE, "own.yaml", folder=tmp_path)
    assert run.returncode == 1
    found = "train-images-idx3-ubyte: found pixels of at most 16, expected up to 255"
    assert run.stderr.splitlines()[-1].startswith(f"data set own: {folder}: {found}")
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "results").exists()


def test_a_margin_decides_again_and_measures_nothing(smoke_copy, edited):
    edited("config/claims.yaml", "below: 61.5", replaced="below: 60.5")
    assert planned(smoke_copy) == DECIDED


WINDOWS = {"measure_fluctuations": 1, "measure_flatness": 1, "measure_noise": 1}
GROWN = {
    "a learning rate in the middle": ("feng2021: {learning_rates: [0.05, 0.07, 0.1, 0.2]}", {"train_ensemble": 1, **WINDOWS}),
    "a batch size in the middle": ("feng2021: {batch_sizes: [10, 20, 30, 40]}", {"train_ensemble": 1, **WINDOWS}),
    "a further seed": ("feng2021: {seeds: [205, 206, 207, 208, 209, 210]}", {"train_ensemble": 7, **dict.fromkeys(WINDOWS, 3)}),
    "a learning rate of the edge": (
        "yang2023: {edge: {learning_rates: [0.1, 0.4, 0.8, 1.6]}}",
        {"train_ensemble": 3, "measure_generalization": 3},
    ),
    "a dose of a sweep": ("feng2023: {sweeps: {learning_rate: [0.02, 0.05, 0.2]}}", {"train_ensemble": 1, "measure_duality": 1}),
}
OF_CHUNKS = ["train_ensemble", *WINDOWS, "measure_generalization", "measure_duality"]


@pytest.mark.parametrize(("settings", "jobs"), GROWN.values(), ids=GROWN)
def test_of_a_longer_list_only_what_is_new_is_trained_and_measured(smoke_copy, tmp_path, settings, jobs):
    longer = tmp_path / "longer.yaml"
    longer.write_text(f"studies: {{smoke: {{{settings}}}}}\n")
    found = planned(smoke_copy, str(longer))
    assert {rule: count for rule, count in found.items() if rule in OF_CHUNKS} == jobs


def test_touching_every_file_reruns_nothing(smoke_copy):
    for path in (smoke_copy / "workflow").rglob("*.py"):
        path.touch()
    assert planned(smoke_copy) == {}


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
    name, figure = "results/smoke/tables/feng2023_fig2_gauges.csv", "figures/smoke/feng2023_fig2.png"
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
