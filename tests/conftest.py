"""One thread for every test: results then do not depend on the machine, and tests beside each other do not fight for cores.

And which process has which tests, where there are several.
"""

import os
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

OF_THE_SMOKE_STUDY = {path.name for path in Path(__file__).parent.rglob("test_*.py") if "smoke_study" in path.read_text()}


class FileByFile(LoadScopeScheduling):
    """Each file's tests go to the next free process; those of the smoke study to one, which makes it once and alters it in turn."""

    def _split_scope(self, nodeid):
        path = nodeid.split("::")[0]
        return "smoke study" if Path(path).name in OF_THE_SMOKE_STUDY else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With several processes (pytest -n 2)."""
    return FileByFile(config, log)
