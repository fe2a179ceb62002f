"""Copies of this checkout, shared by the tests of the workflow."""

import contextlib
import fcntl
import os
import shutil
from pathlib import Path

import pytest

from running import copy_of_checkout, snakemake


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    """Folder of a copy in which nothing was run yet; for dry runs only."""
    return copy_of_checkout(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="session")
def smoke_study(tmp_path_factory, worker_id):
    """Folder of a copy in which the smoke study has run, and the output of the run.

    All processes share it: what alters it, or runs Snakemake in it, takes a `smoke_copy`. While one works on a test, the variable
    SMOKE_STUDY may name a folder in which this checkout's smoke study has run, with what it printed in ``run.txt``.
    """
    if finished := os.environ.get("SMOKE_STUDY"):
        return Path(finished), (Path(finished) / "run.txt").read_text()
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    folder, output = shared / "smoke-study", shared / "smoke-study.txt"
    with locked(shared / "smoke-study.lock"):
        if not folder.exists():
            folder.mkdir()
            run = snakemake("--configfile", "config/smoke.yaml", folder=copy_of_checkout(folder))
            output.write_text(f"{run.returncode}\n{run.stderr}")
    code, text = output.read_text().split("\n", 1)
    assert code == "0", text[-5000:]
    return folder, text


@pytest.fixture(scope="module")
def smoke_copy(smoke_study, tmp_path_factory):
    """Folder of a copy of the finished smoke study that the tests of a file may alter."""
    return shutil.copytree(smoke_study[0], tmp_path_factory.mktemp("smoke") / "copy", symlinks=True)


@contextlib.contextmanager
def locked(path):
    """Only one process at a time is inside."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
