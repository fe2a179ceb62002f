"""The smoke study with each other supported version of Python that is here: the same bytes, but where a file names the version.

Run by ``pytest -s tests/nightly/test_pythons.py``; tells in one line which versions are not here. A version's own environment is
made with pip. Where pip finds no build of torch for CPUs (see README.md), the variable PYTHON_3_12 or PYTHON_3_13 may name a Python
that has the packages of requirements.txt.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from running import ROOT, copy_of_checkout
from same_bytes import SMOKE, differences, sums
from sgdphysics.python_versions import FIRST, LAST

OTHERS = [f"3.{minor}" for minor in range(FIRST[1], LAST[1] + 1) if minor != sys.version_info.minor]
# The record of a study says with which version of Python each job ran; the page prints the sum of the record.
NAMING_THE_VERSION = re.compile(r"/provenance/ro-crate-metadata\.json$|/report/index\.html$")
TORCH = re.search(r"^torch==\S+", (ROOT / "requirements.txt").read_text(), re.MULTILINE)[0]


def interpreter(version):
    """A Python of this version on the path or among those of pyenv, without packages of its own; None if there is none."""
    installed = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    return next(iter(installed), None) or shutil.which(f"python{version}")


def pip(python, *arguments):
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)


def skip(line):
    print(f"\n{line}")
    pytest.skip(line)


@pytest.fixture(params=OTHERS)
def python(request, tmp_path):
    """A Python of another version, with what requirements.txt names."""
    version = request.param
    if prepared := os.environ.get(f"PYTHON_{version.replace('.', '_')}"):
        return prepared
    if (base := interpreter(version)) is None:
        skip(f"Python {version} is not on this machine")
    subprocess.run([base, "-m", "venv", tmp_path / "environment"], check=True)
    python = tmp_path / "environment" / "bin" / "python"
    build = f"{TORCH}+cpu" if sys.platform == "linux" else TORCH
    if pip(python, "download", "--no-deps", "--dest", str(tmp_path / "torch"), build).returncode:
        skip(f"Python {version}: pip finds no {build} for it on this machine, and another build takes gigabytes")
    done = pip(python, "install", "--find-links", str(tmp_path / "torch"), "-r", str(ROOT / "requirements.txt"), build)
    assert done.returncode == 0, done.stderr
    return python


def test_the_same_bytes_with_another_version_of_python(python, smoke_study, tmp_path):
    folder = copy_of_checkout(tmp_path / "study")
    command = [python, "-m", "snakemake", "--cores", "2", *SMOKE]
    environment = {**os.environ, "PYTHONPATH": str(folder / "workflow" / "lib")}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=3600, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    expected, found = sums(smoke_study), sums(folder)
    other = [line for line in differences(expected, found) if not NAMING_THE_VERSION.search(line.split(": ")[0])]
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"\n{version}: {len(expected)} files compared; not the same bytes: {len(other)}")
    assert not other
