"""Tests have the same names in every process and at every time: else several processes would not share them out."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def collection(**environment):
    """Start collecting all tests."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True)


def names(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-5000:]
    return [line for line in output.splitlines() if "::" in line]


def test_tests_collected_seconds_apart_and_with_other_seeds_of_hashes_are_the_same():
    first = collection(PYTHONHASHSEED="1", TZ="UTC")
    time.sleep(2)  # times written into a test's name are of whole seconds
    second = collection(PYTHONHASHSEED="2", TZ="Asia/Tokyo")
    found = names(first)
    assert found == names(second)
    assert len(found) > 1000
