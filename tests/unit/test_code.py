"""The code behind a job: all science that it imports, however deep; no plumbing, no faces, nothing that only type checkers read."""

import ast
import json
from pathlib import Path

import pytest

from sgdphysics.study.code import PLUMBING, Code, imported_modules

ROOT = Path(__file__).parents[2]
LIBRARY = "workflow/lib/sgdphysics"


def written(root, **files):
    """A project with a library of these modules (``a__b`` is module b of package a) and one script."""
    for name, text in files.items():
        path = root / LIBRARY / f"{name.replace('__', '/')}.py" if name != "script" else root / "workflow" / "script.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        (path.parent / "__init__.py").write_text('"""A face."""\n')
    return Code(root)


def modules(code, *files):
    paths = code.behind(*(files or ["script.py"]))
    assert paths == sorted(paths)
    return {path.removeprefix(f"{LIBRARY}/") for path in paths}


@pytest.mark.parametrize(
    "line",
    [
        "import sgdphysics.deep.one",
        "from sgdphysics.deep import one",
        "from sgdphysics.deep import other, one as two",
        "from sgdphysics.deep.one import function",
        "def f():\n    from sgdphysics.deep import one",
        "try:\n    import sgdphysics.deep.one\nexcept ImportError:\n    pass",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os\nelse:\n    from sgdphysics.deep import one",
        "from sgdphysics.errors import InputError\nfrom sgdphysics.middle import one",
    ],
)
def test_modules_behind_a_script_are_found(tmp_path, line):
    code = written(tmp_path, deep__one="import numpy", middle="from sgdphysics.deep import one", errors="", script=line)
    found = modules(code)
    assert "deep/one.py" in found
    assert found <= {"workflow/script.py", "deep/one.py", "middle.py"}


@pytest.mark.parametrize(
    "line",
    [
        "from sgdphysics import errors, files, progress",
        "from sgdphysics.provenance import job_records, jobs",
        "import sgdphysics.files",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sgdphysics.science import function",
        "import typing\nif typing.TYPE_CHECKING:\n    from sgdphysics.science import function",
        "import sgdphysics",
        "from sgdphysics.nowhere import nothing",
        "# from sgdphysics.science import function",
    ],
)
def test_plumbing_faces_and_imports_for_type_checkers_are_no_code_of_a_job(tmp_path, line):
    plumbing = {name.replace(".", "__"): "from sgdphysics import science" for name in PLUMBING}
    assert modules(written(tmp_path, science="", script=line, **plumbing)) == {"workflow/script.py"}


def test_cells_of_notebooks_are_read_and_texts_are_not(tmp_path):
    code = written(tmp_path, one="", other="", script="")
    cells = [("code", "from sgdphysics import one"), ("markdown", "from sgdphysics import other"), ("code", "1")]
    notebook = {"cells": [{"cell_type": kind, "source": [text]} for kind, text in cells]}
    (tmp_path / "workflow" / "small.ipynb").write_text(json.dumps(notebook))
    assert modules(code, "small.ipynb", "script.py") == {"workflow/small.ipynb", "workflow/script.py", "one.py"}


def test_a_hash_is_that_of_names_and_bytes(tmp_path):
    code = written(tmp_path, one="a", other="b", script="")
    one, other = (f"{LIBRARY}/{name}.py" for name in ("one", "other"))
    first = code.digest(one, other)
    assert len(first) == 16
    (tmp_path / one).write_text("b")
    (tmp_path / other).write_text("a")
    assert code.digest(one, other) != first
    (tmp_path / one).write_text("a")
    (tmp_path / other).write_text("b")
    assert code.digest(one, other) == first


def test_plumbing_of_this_checkout_is_there_and_is_code_of_no_job():
    code = Code(ROOT)
    assert len(code.plumbing) == len(PLUMBING)
    scripts = [path.relative_to(ROOT / "workflow").as_posix() for path in (ROOT / "workflow" / "scripts").rglob("*.py")]
    behind = {path for script in scripts for path in code.behind(script)}
    assert not behind & set(code.plumbing)
    assert not [path for path in behind if path.endswith("__init__.py")]
    assert f"{LIBRARY}/landscape.py" in behind


def test_imports_are_read_from_this_file_as_python_sees_them():
    source = Path(__file__).read_text()
    assert {"sgdphysics.study.code", "ast", "pytest"} <= imported_modules(source)
    names = {alias.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import) for alias in node.names}
    assert names <= imported_modules(source)
