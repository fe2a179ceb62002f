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
    {"arrays", "convergence_edge", "fits", "runs", "seeds", "tables", "tensors"},
    {"provenance.audit", "provenance.compare", "provenance.crate", "provenance.job_records", "study.inheritance"},
    {"provenance.jobs"},
    {"datasets", "fokker_planck", "losses", "networks", "report.style", "toy"},
    {"curvature", "effective_loss", "first_passage", "fluctuations", "rescaling", "surrogates", "training"},
    {"duality", "landscape", "noise", "run_files", "study.checks", "study.grids"},
    {"generalization", "study.studies", "sweeps", "windows"},
    {"claims.registry", "study.planning", "report.panels"},
    {"claims.feng2021", "claims.feng2023_duality", "claims.feng2023_sweeps", "claims.yang2023"},
    {"claims.verdicts"},
    {"claims.ledger", "report.narrative", "report.notebooks"},
    {"report.page"},
    {"command_line"},
]


def name_of(path):
    """Of a module of the library, such as ``claims.verdicts``."""
    return ".".join(path.relative_to(LIBRARY).with_suffix("").parts)


FACES = sorted(LIBRARY.rglob("__init__.py"))
FILES = {name_of(path): path for path in LIBRARY.rglob("*.py") if path not in FACES}
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
        modules |= {name.removeprefix("sgdphysics.") for name in names if name.startswith("sgdphysics.")}
    return packages, modules & set(MODULES)


def test_every_module_has_a_layer():
    assert sorted(set().union(*LAYERS)) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_modules_import_only_from_lower_layers(module):
    layer = next(index for index, names in enumerate(LAYERS) if module in names)
    packages, modules = imported(FILES[module])
    assert modules <= set().union(*LAYERS[:layer])
    # The command line, at the very top, reads the files of settings.
    assert not packages & ({"snakemake"} if module == "command_line" else {"snakemake", "yaml"})


@pytest.mark.parametrize("face", FACES, ids=lambda path: path.parent.name)
def test_packages_have_empty_faces(face):
    """One with code would be code of every job that imports a module of the package."""
    (docstring,) = ast.parse(face.read_text()).body
    assert isinstance(docstring.value, ast.Constant)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_import_the_library_and_not_each_other(script):
    packages, _ = imported(script)
    assert not packages & ({path.stem for path in SCRIPTS} | {"scripts", "snakemake"})


def test_what_snakemake_loads_at_every_start_and_jobs_that_draw_or_decide_load_does_not_load_torch():
    rules = (WORKFLOW / "rules" / "common.smk").read_text()
    imports = "\n".join(re.findall(r"^from sgdphysics.*$", rules, re.MULTILINE))
    scripts = [script for script in SCRIPTS if script.parent.name == "figures" or script.stem == "decide_claims"]
    modules = sorted(set().union(*(imported(script)[1] for script in scripts)))
    program = (
        f"{imports}\nimport sys\n"
        + "".join(f"import sgdphysics.{module}\n" for module in modules)
        + "sys.exit('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(LIBRARY.parent)}, check=False)
    assert run.returncode == 0
