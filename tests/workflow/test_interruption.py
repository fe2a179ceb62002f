"""Killed and resumed in another folder, with one core: the same bytes as the study that ran undisturbed with two.

To keep it to a few minutes, of the smoke study: all of feng2023's networks, measurements and tables, one figure of it; the networks
and measurements of one chunk of feng2021; a simulation of the toy landscape and its figure.
"""

import random

from running import copy_of_checkout, snakemake
from same_bytes import SMOKE, damaged, differences, kill_and_unlock, list_of_records, sums

MOMENTS = random.Random(118)
FIGURES = [f"figures/smoke/{name}.{suffix}" for name in ("feng2023_fig2", "yang2023_fig1") for suffix in ("pdf", "png")]


def test_a_run_that_is_killed_twice_and_resumed_ends_with_the_same_bytes(smoke_study, tmp_path):
    expected = sums(smoke_study[0])
    chunk = max(name.rsplit("/", 1)[0] for name in expected if name.endswith("/windows.safetensors"))
    tables = [name for name in expected if name.startswith("results/smoke/tables/feng2023")]
    targets = [*FIGURES, *tables, *(name for name in expected if name.startswith(f"{chunk}/"))]
    folder = copy_of_checkout(tmp_path / "another" / "folder")
    for jobs in sorted(MOMENTS.sample(range(2, 20), 2)):
        interrupted = kill_and_unlock(*targets, folder=folder, cores=1, jobs=jobs, seconds=MOMENTS.uniform(0.5, 4))
        assert interrupted, "no job was interrupted"
        assert not damaged(expected, folder)
    finished = len(list_of_records(folder))
    run = snakemake(*targets, *SMOKE, "--cores", "1", folder=folder)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert 0 < run.stderr.count("Finished jobid") <= len(list_of_records(folder)) - finished + 2, "finished jobs ran again"
    found = sums(folder)
    assert set(targets) <= set(found)
    assert not differences({name: expected.get(name) for name in found}, found)
