"""The README's commands and its library example are true."""

import re
import subprocess
import sys

from running import ROOT

README = (ROOT / "README.md").read_text()


def block_after(marker):
    return re.search(rf"<!-- {marker} -->\n```\w*\n(.*?)```", README, re.DOTALL).group(1)


def test_library_example_runs(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", block_after("library example")],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "workflow" / "lib"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("tensor([")


def test_the_two_commands_name_files_that_exist():
    assert "pip install -r requirements.txt -e . && snakemake --cores all" in README
    assert block_after("test command").strip() == "pip install -r requirements-test.txt -e . && pytest -n 2"
    for name in re.findall(r"(?:-r |--configfile |python )([\w./-]+\.(?:txt|yaml|py))", README):
        assert (ROOT / name).is_file(), name


def test_every_rule_is_listed_with_what_it_does():
    run = subprocess.run([sys.executable, "-m", "snakemake", "--list-rules"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "feng2021_fig2" in run.stdout + run.stderr
