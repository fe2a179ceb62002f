"""The library imports one way: from higher layers to lower ones; nothing of the workflow; scripts import only the library."""

import ast
import functools
import graphlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).parents[2] / "workflow"
LIBRARY = WORKFLOW / "lib" / "sgdphysics"
# What moves no number: it may change without a job being done again.
PLUMBING = {
    *("errors", "files", "job_environment", "progress"),
    *(f"provenance.{name}" for name in ("job_records", "jobs", "modules", "packages", "places")),
}
# From the ground up: a module imports from its own room and from lower ones. Of packages all that has no place of its own.
ROOMS = {
    "plumbing": PLUMBING,
    "ground": {
        "arguments",
        "arrays",
        "earlier_names",
        "fits",
        "inputs",
        "intervals",
        "ranks",
        "runs",
        "seeds",
        "tables",
        "tensors",
    },
    "what is measured on": {
        "datasets",
        "downloads",
        "file_kinds",
        "idx_datasets",
        "idx_files",
        "idx_folders",
        "labelled_arrays",
        "labelled_images",
        "losses",
        "networks",
        "plausible_images",
        "sources",
    },
    "training": {"devices", "run_files", "stack_members", "stacks", "training", "training_sets"},
    "measurements": {
        "batch_sharpness",
        "correlation_times",
        "curvature",
        "decompositions",
        "detrending",
        "dual_weights",
        "duality",
        "edge_measurements",
        "effective_drift",
        "effective_loss",
        "first_passage",
        "flatness_exponents",
        "fluctuations",
        "fokker_planck",
        "gap_and_sharpness",
        "generalization",
        "ladder",
        "landscape",
        "matched_pairs",
        "nested_windows",
        "network_duality",
        "noise",
        "path_averages",
        "published_protocol",
        "rescaled_copies",
        "rescaling",
        "sharpness_and_size",
        "slope_gauges",
        "spectra",
        "surrogates",
        "toy",
        "toy_controls",
        "toy_edge",
        "toy_landscapes",
        "toy_stability",
        "toy_valleys",
        "toy_walkers",
        "window_landscape",
        "window_noise",
        "window_results",
        "window_settings",
        "window_sources",
        "window_tables",
        "windows",
    },
    "between measurements and figures": {
        "convergence_edge",
        "edge_controls",
        "equal_loss",
        "fluctuation_dissipation",
        "local_exponents",
        "published_sweeps",
        "sweeps",
        "window_lengths",
    },
    "claims": {"claims"},
    "from settings to runs": {"study"},
    "records": {"provenance"},
    "pictures and pages": {"report"},
    "the command": {"command_line", "command_settings", "command_verify", "python_versions"},
}


def name_of(path):
    """Of a module of the library, such as ``claims.verdicts``."""
    return ".".join(path.relative_to(LIBRARY).with_suffix("").parts)


# These read the files of settings; the report page shows them, and reads CITATION.cff.
SETTINGS_READERS = {"command_settings", "report.origin", "study.configuration"}
# Scripts that make data sets; all others know only how one is loaded.
BUILDING = {"fetch_idx", "prepare_dataset"}

FACES = sorted(LIBRARY.rglob("__init__.py"))
FILES = {name_of(path): path for path in LIBRARY.rglob("*.py") if path not in FACES}
MODULES = sorted(FILES)
SCRIPTS = sorted((WORKFLOW / "scripts").rglob("*.py"))
FIGURES = sorted((WORKFLOW / "scripts" / "figures").glob("*.py"))
NOTEBOOKS = sorted((WORKFLOW / "notebooks").glob("*.ipynb"))


def source_of(path):
    """The code of a Python file, or of the cells of a notebook."""
    if path.suffix == ".py":
        return path.read_text()
    cells = json.loads(path.read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def for_types_only(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def nodes_at_run_time(node):
    """All nodes below one, also inside of functions, but not what only a checker of types reads."""
    for child in ast.iter_child_nodes(node):
        if not for_types_only(child):
            yield child
            yield from nodes_at_run_time(child)


@functools.cache
def imported(path, nodes=ast.walk):
    """Top-level packages and modules of the library that a file imports."""
    packages, modules = set(), set()
    for node in nodes(ast.parse(source_of(path))):
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


def imported_in_all(path, nodes=ast.walk):
    """Packages and modules that a file imports, directly or through modules of the library."""
    packages, modules = map(set, imported(path, nodes))
    waiting = set(modules)
    while waiting:
        further = imported(FILES[waiting.pop()], nodes)
        packages |= further[0]
        waiting |= further[1] - modules
        modules |= further[1]
    return packages, modules


def work_of(script):
    """The statements of a script's job."""
    (block,) = ast.parse(script.read_text()).body[-1].body
    assert ast.unparse(block.items[0].context_expr) == "jobs.logged_job(snakemake)"
    return [ast.unparse(statement) for statement in block.body]


def room_of(module):
    """The number of a module's room, from the ground."""
    names = {name: number for number, room in enumerate(ROOMS.values()) for name in room}
    return names[module] if module in names else names[module.split(".")[0]]


@pytest.mark.parametrize("module", MODULES)
def test_modules_import_only_from_their_own_room_and_lower_ones(module):
    packages, modules = imported(FILES[module])
    assert not {other for other in modules if room_of(other) > room_of(module)}
    assert not packages & ({"snakemake"} if module in SETTINGS_READERS else {"snakemake", "yaml"})


def test_modules_do_not_import_in_circles():
    graphlib.TopologicalSorter({module: imported(FILES[module])[1] for module in MODULES}).prepare()


def test_every_room_is_lived_in():
    for name in set().union(*ROOMS.values()):
        assert any(module == name or module.startswith(f"{name}.") for module in MODULES), name


@pytest.mark.parametrize("face", FACES, ids=lambda path: path.parent.name)
def test_packages_have_empty_faces(face):
    """One with code would be code of every job that imports a module of the package. The first one says how Python finds them."""
    docstring, *code = ast.parse(face.read_text()).body
    assert isinstance(docstring.value, ast.Constant)
    assert not code or face.parent == LIBRARY
    assert imported(face)[0] <= sys.stdlib_module_names


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_import_the_library_and_not_each_other(script):
    packages, _ = imported(script)
    assert not packages & ({path.stem for path in SCRIPTS} | {"scripts", "snakemake"})


@pytest.mark.parametrize("module", sorted(PLUMBING))
def test_plumbing_imports_nothing_that_moves_a_number(module):
    packages, modules = imported(FILES[module])
    assert modules <= PLUMBING
    assert packages - sys.stdlib_module_names <= {"sgdphysics", "threadpoolctl", "tqdm"}


def test_only_scripts_that_make_data_sets_import_how_they_are_made():
    """A data set of a further kind then leaves all that is trained and measured as it is."""
    building = {script.stem for script in SCRIPTS if {"sources.source", "idx_files"} & imported_in_all(script)[1]}
    assert building == BUILDING
    loading = {script.stem for script in SCRIPTS if "labelled_images" in imported_in_all(script)[1]} - BUILDING
    assert loading >= {"train_ensemble", "measure_fluctuations", "measure_noise", "measure_duality", "rescale_networks"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_that_use_torch_prepare_it_before_their_work(script):
    packages, modules = imported_in_all(script, nodes_at_run_time)
    assert work_of(script)[0].endswith("devices.prepared(job)") == ("torch" in packages)
    assert ("devices" in modules) == ("torch" in packages)


@pytest.mark.parametrize(("name", "uses_torch"), [("train_ensemble", True), ("decide_claims", False), ("tabulate_feng2023", False)])
def test_whether_a_script_uses_torch_is_found(name, uses_torch):
    """The last of them imports a module that names torch's types, for a checker of types only."""
    (script,) = [path for path in SCRIPTS if path.stem == name]
    assert ("torch" in imported_in_all(script, nodes_at_run_time)[0]) == uses_torch
    assert "torch" in imported_in_all(script)[0] or name == "decide_claims"


SLOW = {"torch", "scipy", "statsmodels", "matplotlib", "sklearn"}  # each takes a quarter of a second to load, or several


def loaded_by(*lines):
    """Which of the slow packages a program loads."""
    program = "\n".join([*lines, "import sys", f"print(*({SLOW} & set(sys.modules)))"])
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY.parent)}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_snakemake_loads_nothing_slow_of_ours_at_its_start():
    """It starts once more for every job."""
    rules = (WORKFLOW / "rules" / "common.smk").read_text()
    imports = re.findall(r"^from sgdphysics.*$", rules, re.MULTILINE)
    assert imports
    assert not loaded_by(*imports)


def test_jobs_that_draw_or_decide_do_not_load_torch():
    scripts = [script for script in SCRIPTS if script.parent.name == "figures" or script.stem == "decide_claims"]
    modules = sorted(set().union(*(imported(script)[1] for script in scripts)))
    assert "torch" not in loaded_by(*(f"import sgdphysics.{module}" for module in modules))


def code_of(path):
    """Modules of the library that a script or notebook runs, directly or not."""
    modules, waiting = set(), imported(path)[1]
    while waiting:
        module = waiting.pop()
        modules.add(module)
        waiting |= imported(FILES[module])[1] - modules
    return modules


def claims_in(path):
    """Modules that decide claims among the code of a script or notebook."""
    return {module for module in code_of(path) if module.startswith("claims.")}


@pytest.mark.parametrize("figure", FIGURES, ids=lambda path: path.stem)
def test_figures_run_no_code_of_claims(figure):
    """Another statistic of one claim is no reason to draw a figure again."""
    assert not claims_in(figure)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_know_of_claims_only_what_the_ledger_says(notebook):
    """They need the words of the ledger, and none of the code that decides it."""
    assert claims_in(notebook) == {"claims.counts", "claims.outcomes", "claims.words"}
