"""The README's commands and its library example are true."""

import importlib
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


def test_every_name_of_the_table_of_functions_can_be_imported():
    table = README.split("| function | returns |")[1].split("\n\n")[0]
    names = set(re.findall(r"`(\w+\.\w+)", table))
    assert len(names) >= 15
    for name in sorted(names):
        module, attribute = name.split(".")
        assert hasattr(importlib.import_module(f"sgdphysics.{module}"), attribute), name


def test_networks_of_a_study_are_loaded_as_the_readme_says(smoke_study):
    code = README.split("are found by their settings:")[1].split("```python\n")[1].split("```")[0]
    code = code.replace(
        'entries("mnist5k"), learning_rate=0.05, batch_size=50', 'entries("smoke"), learning_rate=0.05, batch_size=20'
    )
    program = f"{code}\nprint(result.status, result.run.seed, len(result.loss_history) > 0)"
    environment = {"PYTHONPATH": str(smoke_study[0] / "workflow" / "lib"), "PATH": "/usr/bin:/bin"}
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=smoke_study[0], env=environment, capture_output=True, text=True, check=False
    )
    assert run.stdout.split() == ["converged", "205", "True"], run.stderr
