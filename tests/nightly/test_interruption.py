"""Killed and resumed in another folder, with one core: the same bytes as the study that ran undisturbed with two.

To keep it to a few minutes, part of a finished study is removed and made again: the networks of one chunk of feng2021 and of one of
feng2023 with all that is measured of them, a simulation of the toy landscape, the tables of feng2023 and the figures of both.
"""

import json
import random
import shutil

from running import finished_jobs, snakemake
from same_bytes import SMOKE, damaged, differences, kill_and_unlock, list_of_records, sums

MOMENTS = random.Random(118)
FIGURES = [f"figures/smoke/{name}.{suffix}" for name in ("feng2023_fig2", "yang2023_fig1") for suffix in ("pdf", "png")]


def removed(folder, expected):
    """Remove results with the records of their jobs; returns the targets that make all of them again."""
    chunks = [
        min(name.split("/measure/")[1].rsplit("/", 1)[0] for name in expected if name.endswith(end))
        for end in ("/windows.safetensors", "/duality_points.csv")
    ]
    tables = [name for name in expected if name.startswith(("results/smoke/tables/feng2023", "results/smoke/tables/yang2023_fig1"))]
    measured = [name for name in expected if any(f"/measure/{chunk}/" in name for chunk in chunks)]
    for name in [*FIGURES, *tables, *measured, *(f"results/runs/{chunk}.safetensors" for chunk in chunks)]:
        (folder / name).unlink()
    for record in list_of_records(folder):
        if not all((folder / name).exists() for name in made_by(record)):
            record.unlink()
    return [*FIGURES, *tables, *measured]


def made_by(record):
    """The outputs of a job, by its record."""
    return json.loads(record.read_text())["outputs"]


def test_a_run_that_is_killed_twice_and_resumed_ends_with_the_same_bytes(smoke_study, tmp_path):
    expected = sums(smoke_study)
    folder = shutil.copytree(smoke_study, tmp_path / "another" / "folder", symlinks=True)
    targets = removed(folder, expected)
    before = len(list_of_records(folder))
    for jobs in sorted(MOMENTS.sample(range(1, 8), 2)):
        interrupted = kill_and_unlock(*targets, folder=folder, cores=1, jobs=before + jobs, seconds=MOMENTS.uniform(0.5, 3))
        assert interrupted, "no job was interrupted"
        assert not damaged(expected, folder)
    finished = len(list_of_records(folder)) - before
    run = snakemake(*targets, *SMOKE, "--cores", "1", folder=folder)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    made = len(list_of_records(folder)) - before
    assert finished > 0
    assert 0 < len(finished_jobs(run.stderr)) <= made - finished + 2, "finished jobs ran again"
    assert not differences(expected, sums(folder))
