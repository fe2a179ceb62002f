"""Copies of this checkout, shared by the tests of the workflow."""

import pytest

from running import copy_of_checkout, snakemake


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    """Folder of a copy in which nothing was run yet; for dry runs only."""
    return copy_of_checkout(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="session")
def smoke_study(tmp_path_factory):
    """Folder of a copy in which the smoke study has run, and the output of the run."""
    folder = copy_of_checkout(tmp_path_factory.mktemp("smoke"))
    run = snakemake("--configfile", "config/smoke.yaml", folder=folder)
    assert run.returncode == 0, run.stderr[-5000:]
    return folder, run.stderr
