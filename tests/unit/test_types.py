"""The library's annotations are true of its code, by the checker that pyproject.toml configures."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

GOOD = """
import torch

from sgdphysics.fits import power_law
from sgdphysics.runs import Run, log_spaced_steps

steps: list[int] = log_spaced_steps(10, 50, 3)
exponent: float = power_law([1, 2, 3], [1, 4, 9]).exponent
run = Run(hidden_widths=(3,), learning_rate=0.1)
total: torch.Tensor = torch.zeros(3).sum()
"""


def checked(*paths):
    """The checker's answer on files; on the whole library where none is named."""
    checker = Path(sys.executable).with_name("ty")
    command = [checker, "check", "--python", sys.prefix, "--output-format", "concise", *paths]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_library_is_typed_as_it_says():
    run = checked()
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_checker_accepts_what_is_right(tmp_path):
    path = tmp_path / "use.py"
    path.write_text(GOOD)
    run = checked(path)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("Run(hidden_widths=(3,), learning_rate='0.1')", "invalid-argument-type"),
        ("power_law([1, 2, 3], [1, 4, 9]).slope", "missing-attribute"),
        ("power_law([1, 2, 3])", "missing-argument"),
        ("torch.zeros(3).rows", "missing-attribute"),
    ],
)
def test_the_checker_sees_what_is_wrong(tmp_path, line, rule):
    path = tmp_path / "use.py"
    path.write_text(f"{GOOD}{line}\n")
    run = checked(path)
    assert run.returncode == 1
    assert f"use.py:{len(GOOD.splitlines()) + 1}:" in run.stdout
    assert f"error[{rule}]" in run.stdout
    assert "Found 1 diagnostic" in run.stdout
