"""The library imports one way: from higher layers to lower ones; nothing of the workflow; scripts import only the library."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).parents[2] / "workflow"
LIBRARY = WORKFLOW / "lib" / "sgdphysics"
LAYERS = [
    {"errors", "files"},
    {"arrays", "audit", "compare", "crate", "edge", "fits", "inheritance", "job_records", "records", "runs", "seeds"},
    {"datasets", "fokker_planck", "jobs", "losses", "networks", "style", "toy"},
    {"curvature", "effective_loss", "first_passage", "fluctuations", "rescaling", "surrogates", "training"},
    {"duality", "grids", "landscape", "noise", "run_files"},
    {"generalization", "studies", "sweeps", "windows"},
    {"claims", "planning", "sweep_panels"},
    {"ledger", "narrative", "notebooks"},
    {"report"},
    {"command_line"},
]
FILES = {path.stem: [path] for path in LIBRARY.glob("*.py") if path.stem != "__init__"}
FILES |= {path.parent.name: sorted(path.parent.glob("*.py")) for path in LIBRARY.glob("*/__init__.py")}
MODULES = sorted(FILES)
SCRIPTS = sorted((WORKFLOW / "scripts").rglob("*.py"))


def imported(path):
    """Top-level packages and modules of the library that a file imports."""
    packages, modules = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        packages |= {name.split(".")[0] for name in names}
        modules |= {name.split(".")[1] for name in names if name.startswith("sgdphysics.")}
    return packages, modules & set(MODULES)


def test_every_module_has_a_layer():
    assert sorted(set().union(*LAYERS)) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_modules_import_only_from_lower_layers(module):
    layer = next(index for index, names in enumerate(LAYERS) if module in names)
    for path in FILES[module]:
        packages, modules = imported(path)
        assert modules - {module} <= set().union(*LAYERS[:layer])
        # The command line, at the very top, reads the files of settings.
        assert not packages & ({"snakemake"} if module == "command_line" else {"snakemake", "yaml"})


def test_the_package_itself_imports_nothing():
    assert imported(LIBRARY / "__init__.py") == (set(), set())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_import_the_library_and_not_each_other(script):
    packages, _ = imported(script)
    assert not packages & ({path.stem for path in SCRIPTS} | {"scripts", "snakemake"})


def test_what_snakemake_loads_at_every_start_and_jobs_that_draw_or_decide_load_does_not_load_torch():
    rules = (WORKFLOW / "rules" / "common.smk").read_text()
    (names,) = re.findall(r"^from sgdphysics import \(([^)]*)\)", rules, re.MULTILINE)
    scripts = [script for script in SCRIPTS if script.parent.name == "figures" or script.stem == "decide_claims"]
    modules = {name.strip() for name in names.split(",") if name.strip()}.union(*(imported(script)[1] for script in scripts))
    program = f"import sys; from sgdphysics import {', '.join(sorted(modules))}; sys.exit('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(LIBRARY.parent)}, check=False)
    assert run.returncode == 0
