"""Copies of this checkout, shared by the tests of the workflow."""

import pytest

from running import copy_of_checkout, snakemake


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items):
    """With several processes (pytest -n 2 --dist loadgroup), one makes the smoke study and has all tests of it."""
    for item in items:
        if "smoke_study" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("smoke_study"))


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
