"""The whole smoke study again in other folders, with one core, and killed again and again until it is done: the same bytes.

Run by ``pytest -s tests/nightly/test_same_bytes.py``; prints how many files were compared, and how many jobs the kills interrupted.
"""

import random
import subprocess
import sys

import pytest

from running import copy_of_checkout, snakemake
from same_bytes import SMOKE, damaged, differences, kill_and_unlock, list_of_records, sums

KILLS = 20  # at least
MOMENTS = random.Random(119)


@pytest.fixture(scope="module")
def expected(smoke_study):
    """Path -> sum of every file of a study that ran undisturbed with two cores."""
    return sums(smoke_study)


def test_with_one_core_in_another_folder(expected, tmp_path):
    folder = copy_of_checkout(tmp_path / "élsewhere")
    run = snakemake(*SMOKE, "--cores", "1", folder=folder, timeout=1200)
    assert run.returncode == 0, run.stderr[-3000:]
    found = differences(expected, sums(folder))
    print(f"\n{len(expected)} files with one core; not the same bytes: {len(found)}")
    assert not found


def test_in_a_directory_that_is_no_checkout(expected, tmp_path):
    """The record names the same commit and settings, and the audit answers there."""
    checkout, folder = copy_of_checkout(tmp_path / "checkout"), tmp_path / "directory"
    run = snakemake(*SMOKE, "--directory", str(folder), folder=checkout, timeout=1200)
    assert run.returncode == 0, run.stderr[-3000:]
    found = differences(expected, sums(folder))
    print(f"\n{len(expected)} files in another directory; not the same bytes: {len(found)}")
    assert not found
    audit = [sys.executable, "-m", "sgdphysics.command_line", "audit", "--all"]
    assert subprocess.run(audit, cwd=folder, check=False).returncode == 0


def test_killed_again_and_again_and_resumed(expected, tmp_path):
    folder = copy_of_checkout(tmp_path / "killed")
    kills, halves = [], []
    while (interrupted := kill_after_some_jobs(folder)) is not None:
        kills.append(interrupted)
        halves += damaged(expected, folder)
    found = differences(expected, sums(folder))
    jobs = sum(map(len, kills))
    print(
        f"\n{len(kills)} kills, which interrupted jobs of {jobs} files; half files: {len(halves)}; not the same bytes: {len(found)}"
    )
    assert len(kills) >= KILLS
    assert jobs
    assert not halves
    assert not found


def kill_after_some_jobs(folder):
    """Run on, and kill at a random moment after a few more jobs."""
    finished = len(list_of_records(folder))
    jobs = finished + MOMENTS.randrange(5)
    return kill_and_unlock(folder=folder, cores=2, jobs=jobs, seconds=MOMENTS.uniform(0, 4))
