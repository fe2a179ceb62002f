"""The environments of rules hold what the code of their scripts imports."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

from sgdphysics.study.code import Code

ROOT = Path(__file__).parents[2]
CODE = Code(ROOT)
# Packages of conda-forge by the module that is imported, where the names differ; markupsafe comes with jinja2 and is its part.
PACKAGES = {"bs4": "beautifulsoup4", "torch": "pytorch", "yaml": "pyyaml", "sklearn": "scikit-learn", "markupsafe": "jinja2"}


def scripts_by_environment():
    """The scripts of rules by the environment that the rule names, or has by default (see study/rule_defaults.py)."""
    found = {path.stem: set() for path in (ROOT / "envs").glob("*.yaml")}
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        for rule in re.split(r"^rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            if script := re.search(r'script:\s+"\.\./(scripts/[^"]+)"', rule):
                named = re.search(r'conda:\s+"\.\./\.\./envs/(\w+)\.yaml"', rule)
                default = "plot" if script[1].startswith("scripts/figures/") else "compute"
                found[named[1] if named else default].add(script[1])
    return found


def imported(script):
    """The packages that the code behind a script imports, with one file that does."""
    found = {}
    for name in CODE.behind(script):
        if name.endswith(".py"):
            for node in ast.walk(ast.parse((ROOT / name).read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
                found |= {module.split(".")[0]: name for module in names}
    others = {*sys.stdlib_module_names, "sgdphysics"}
    return {PACKAGES.get(module, module): name for module, name in found.items() if module not in others}


@pytest.mark.parametrize("environment", ["compute", "plot", "report"])
def test_an_environment_holds_what_its_scripts_import(environment):
    entries = yaml.safe_load((ROOT / "envs" / f"{environment}.yaml").read_text())["dependencies"]
    there = {entry.split("=")[0] for entry in entries}
    scripts = scripts_by_environment()[environment]
    assert scripts
    assert {script: lacking for script in scripts if (lacking := imported(script).keys() - there)} == {}


def test_every_script_of_a_rule_has_an_environment():
    scripts = {path.relative_to(ROOT / "workflow").as_posix() for path in (ROOT / "workflow" / "scripts").rglob("*.py")}
    assert set().union(*scripts_by_environment().values()) == scripts
