"""The steps in config/README.md by which a figure and a claim are added, followed word by word."""

import re
import shlex
import subprocess
import sys
import time

import pandas as pd
import pytest

from running import ROOT, copy_of_checkout

GUIDE = (ROOT / "config" / "README.md").read_text()
PLACE = re.compile(r"(New file|At the end of)\s+`([^`]+)`:\n\n```\w+\n(.*?)```", re.DOTALL)

published = pytest.mark.skipif(
    not (ROOT / "results" / "mnist" / "provenance" / "not_kept.txt").is_file(), reason="this copy has no published results"
)


def follow(folder, section):
    """Do what a section says, and yield what each of its commands prints."""
    text = GUIDE.split(f"### {section}\n")[1].split("\n### ")[0]
    steps = PLACE.findall(text)
    assert len(steps) == len(re.findall(r"^\d\. ", text, re.MULTILINE))
    for how, name, content in steps:
        path = folder / name
        assert path.exists() == (how == "At the end of")
        before = path.read_text().rstrip("\n") + "\n\n\n" if path.exists() else ""
        path.write_text(before + content)
    (commands,) = [content for language, content in re.findall(r"```(\w*)\n(.*?)```", text, re.DOTALL) if not language]
    for command in commands.splitlines():
        program, *arguments = shlex.split(command)
        run = subprocess.run(
            [sys.executable, "-m", program, *arguments], cwd=folder, capture_output=True, text=True, timeout=600, check=False
        )
        assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
        yield run.stdout + run.stderr


@published
def test_a_figure_on_published_tables(tmp_path):
    folder, start = copy_of_checkout(tmp_path, published=True), time.time()
    drawn, tested = follow(folder, "Add a figure")
    assert "1 of 1 job in" in drawn
    assert "1 passed" in tested
    for suffix in ("pdf", "png"):
        assert (folder / "figures" / "mnist" / f"beyond_fig9.{suffix}").stat().st_mtime > start


def test_a_claim_on_the_tables_of_a_study_that_has_run(smoke_copy):
    before = pd.read_csv(smoke_copy / "results" / "smoke" / "claims.csv")
    decided, tested = follow(smoke_copy, "Add a claim")
    assert "1 of 1 job in" in decided
    assert int(re.search(r"(\d+) passed", tested).group(1)) >= 8
    after = pd.read_csv(smoke_copy / "results" / "smoke" / "claims.csv")
    pd.testing.assert_frame_equal(after.iloc[:-1], before)
    claim = after.iloc[-1]
    assert (claim["claim"], claim["n_seeds"], claim["source"]) == ("theory_has_the_sign", 5, "ours")
    assert claim["because"].startswith("as published: exponent ")
    assert "; specific: stationary " in claim["because"]
