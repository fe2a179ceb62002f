import subprocess
import sys
from pathlib import Path

import pytest

from sgdphysics import python_versions

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 9), (3, 13, 1)])
def test_supported_versions_of_python_pass(version, monkeypatch):
    monkeypatch.setattr(sys, "version_info", version)
    python_versions.stop_where_unsupported()


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 14, 0), (4, 0, 0)])
def test_other_versions_are_one_line(version, monkeypatch):
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(SystemExit) as stopped:
        python_versions.stop_where_unsupported()
    found = ".".join(map(str, version))
    assert stopped.value.code == f"Python: found {found}, expected 3.11 to 3.13: the pinned packages come built for these"


def test_an_installation_stops_before_anything_is_fetched():
    """Package managers ask setup.py what is needed to build, before all else."""
    program = "import sys, runpy; sys.version_info = (3, 14, 0); runpy.run_path('setup.py')"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == "Python: found 3.14.0, expected 3.11 to 3.13: the pinned packages come built for these\n"
