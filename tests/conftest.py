"""One thread for every test: results then do not depend on the machine, and tests beside each other do not fight for cores.

Text that tests read and write is UTF-8, whatever the locale. And in which order files of tests are run, and by which process, where
there are several.
"""

import contextlib
import locale
import os
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
with contextlib.suppress(locale.Error):
    locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
# Snakemake looks for its plugins where it looks for modules: it is to find that of this checkout, whichever is installed.
os.environ["PYTHONPATH"] = str(Path(__file__).parents[1] / "workflow" / "lib")

MAKES_THE_SMOKE_STUDY = "test_smoke_study.py"


class FileByFile(LoadScopeScheduling):
    """Each file's tests go to the next free process, in the order of `pytest_collection_modifyitems`."""

    def _split_scope(self, nodeid):
        return nodeid.split("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With several processes (pytest -n 2)."""
    config.option.loadscopereorder = False
    return FileByFile(config, log)


def pytest_collection_modifyitems(items):
    """The smoke study is made first, beside tests that do without it; then come those that look at it."""

    def order(item):
        if item.path.name == MAKES_THE_SMOKE_STUDY:
            return 0
        return 2 if "smoke_study" in getattr(item, "fixturenames", ()) else 1

    items.sort(key=order)
