"""A finished smoke study for the nightly tests."""

import os
import shutil

import pytest

from running import copy_of_checkout, snakemake


@pytest.fixture(scope="session")
def smoke_study(tmp_path_factory):
    """Folder of a finished smoke study: a copy of the one in the folder that the variable SMOKE_STUDY names, or a new one."""
    folder = tmp_path_factory.mktemp("smoke") / "study"
    if finished := os.environ.get("SMOKE_STUDY"):
        shutil.copytree(finished, folder, symlinks=True)
        return folder
    folder.mkdir()
    run = snakemake("--configfile", "config/smoke.yaml", folder=copy_of_checkout(folder))
    assert run.returncode == 0, run.stderr[-5000:]
    return folder
