"""Stored notebooks, and how notebooks are executed, freed of traces and made pages."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import hostile_environment
from sgdphysics import LOADED, job_environment
from sgdphysics.errors import InputError
from sgdphysics.provenance import modules
from sgdphysics.report import notebooks

ROOT = Path(__file__).parents[2]
STORED = sorted((ROOT / "workflow" / "notebooks").glob("*.ipynb"))
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}, "language_info": {"name": "python"}}


def written(path, *sources, tags=()):
    """A notebook of code cells; the first one may be tagged."""
    cells = [
        new_code_cell(source, metadata={"tags": list(tags)} if tags and not index else {}) for index, source in enumerate(sources)
    ]
    for index, cell in enumerate(cells):
        cell.id = f"cell-{index}"
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), path)
    return path


def shown(*cells):
    """The page of a notebook of these cells."""
    notebook = new_notebook(cells=list(cells), metadata=KERNEL)
    return notebooks.page(notebook, {"All results": "index.html", "A & B": "a.html"})


def test_there_is_a_notebook_for_every_paper():
    assert [path.stem for path in STORED] == ["feng2021", "feng2023", "yang2023"]


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_stored_notebooks_hold_no_outputs_and_no_traces(path):
    notebook = json.loads(path.read_text())
    assert notebook["metadata"] == KERNEL
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    nbformat.validate(nbformat.from_dict(notebook))
    for index, cell in enumerate(notebook["cells"]):
        assert cell["id"] == f"cell-{index}"
        assert set(cell["metadata"]) <= {"tags"}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    tagged = [cell["metadata"].get("tags") for cell in notebook["cells"] if cell["metadata"]]
    assert tagged == [["parameters"]]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook that shows its parameters, and what it finds around it, as a user executes it in whose environment all is set."""
    folder = tmp_path_factory.mktemp("executed")
    looks = 'import os, sys, sgdphysics\n[sys.executable, sgdphysics.__file__, os.environ["IPYTHONDIR"], os.getcwd()]'
    path = written(folder / "small.ipynb", "number = 1\nwords = {}", "number, words", looks, tags=["parameters"])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in hostile_environment.plant(folder / "home", folder).items():
            patch.setenv(name, value)
        patch.chdir(folder)
        before = dict(os.environ)
        notebook = notebooks.execute(path, {"number": 7, "words": {"a": ["b's", None]}})
        assert dict(os.environ) == before
    return notebook


def test_parameters_replace_the_defaults(executed):
    assert executed.cells[2].outputs[0].data["text/plain"] == "(7, {'a': [\"b's\", None]})"
    assert executed.cells[1].source == "# Parameters\nnumber = 7\nwords = {'a': [\"b's\", None]}"


def test_the_kernel_is_this_python_with_this_library_and_no_files_at_home(executed):
    python, library, profile, folder = ast.literal_eval(executed.cells[3].outputs[0].data["text/plain"])
    assert python == sys.executable
    assert library == str(job_environment.LIBRARY / "sgdphysics" / "__init__.py")
    assert not Path(profile).exists()
    assert (Path(folder) / "small.ipynb").is_file()


def test_an_executed_notebook_has_no_traces_of_its_run(executed):
    assert executed.metadata == KERNEL
    assert [cell.id for cell in executed.cells] == ["cell-0", "injected-parameters", "cell-1", "cell-2"]
    assert all(set(cell.metadata) <= {"tags"} for cell in executed.cells)


def test_a_warning_does_not_tell_of_the_folders_of_the_machine():
    text = "/home/annalovelace/.venv/lib/a.py:3: UserWarning: 1/2 of https://example.org/a/b, at /\n  f(x)\n"
    streams = [new_output("stream", name=name, text=text) for name in ("stderr", "stdout")]
    notebook = new_notebook(cells=[new_code_cell("f(x)", outputs=streams)], metadata=KERNEL)
    (cell,) = notebooks.normalised(notebook, {}).cells
    assert cell.outputs[0].text == "a.py:3: UserWarning: 1/2 of https://example.org/a/b, at /\n  f(x)\n"
    assert cell.outputs[1].text == text


@pytest.mark.parametrize(("tags", "number"), [(["parameters"], 2), ([], 2)])
def test_a_failing_cell_is_named_by_its_stored_number(tmp_path, tags, number):
    path = written(tmp_path / "bad.ipynb", "number = 1", "number", "raise ValueError('first line\\nsecond line')", tags=tags)
    with pytest.raises(InputError) as caught:
        notebooks.execute(path, {"number": 2})
    assert str(caught.value) == f"bad.ipynb, cell {number}: ValueError: first line"


def test_a_kernel_that_dies_is_one_line(tmp_path):
    path = written(tmp_path / "dead.ipynb", "import os\nos._exit(3)")
    with pytest.raises(InputError, match=r"^dead\.ipynb: the kernel died \(.*\)$"):
        notebooks.execute(path, {})


def test_formulas_are_mathml():
    page = BeautifulSoup(
        shown(new_markdown_cell("# Title\n\nSmall $a_i < b$.\n\n$$\\sigma^2 = \\frac{a}{b}$$\n\nText.")), "html.parser"
    )
    inline, block = page.find_all("math")
    assert inline.get_text(strip=True) == "ai<b"
    assert block["display"] == "block"
    assert block.mfrac.get_text(strip=True) == "ab"
    assert "$" not in page.get_text()


def test_a_formula_that_cannot_be_read_is_one_line():
    with pytest.raises(InputError, match=r"^formula '.*nonsense.*': "):
        shown(new_markdown_cell(r"$\nonsense{x}$"))


def test_a_page_has_title_links_and_no_code():
    page = BeautifulSoup(shown(new_markdown_cell("# A < B"), new_code_cell("secret = 1")), "html.parser")
    assert page.title.string == "A < B"
    assert [(link.string, link["href"]) for link in page.select("nav a")] == [("All results", "index.html"), ("A & B", "a.html")]
    assert "secret" not in page.get_text()


def test_html_in_markdown_is_text():
    page = shown(new_markdown_cell("# T\n\n<script>alert(1)</script> and <img src=x>\n\n[link](javascript:alert(1))"))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert 'href="javascript' not in page


def test_a_page_has_the_policy_of_the_report_page_without_its_scripts():
    report = BeautifulSoup((ROOT / "workflow" / "report" / "index.html.j2").read_text(), "html.parser")
    policies = [
        element.select_one("meta[http-equiv='Content-Security-Policy']")["content"]
        for element in (report, BeautifulSoup(shown(new_markdown_cell("# T")), "html.parser"))
    ]
    assert policies[1] == re.sub("; script-src [^;]*", "", policies[0])
    assert policies[1].startswith("default-src 'none'; ")


def test_no_folder_at_home_is_needed_to_execute(tmp_path):
    path = written(tmp_path / "small.ipynb", "1 + 1")
    code = "import sys; from sgdphysics.report import notebooks; print(notebooks.execute(notebooks.Path(sys.argv[1]), {}).cells)"
    environment = {"PYTHONPATH": str(job_environment.LIBRARY), "PATH": os.environ["PATH"], "HOME": str(tmp_path / "missing")}
    done = subprocess.run(
        [sys.executable, "-c", code, path], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "'text/plain': '2'" in done.stdout
    assert done.stderr == ""
    assert not (tmp_path / "missing").exists()


def test_the_modules_of_the_kernel_are_told_and_are_no_part_of_the_notebook(tmp_path):
    path = written(tmp_path / "small.ipynb", "import colorsys", "colorsys.rgb_to_hsv(0, 0, 1)")
    found = {}
    executed = notebooks.execute(path, {}, found)
    assert [cell.source for cell in executed.cells] == ["import colorsys", "colorsys.rgb_to_hsv(0, 0, 1)"]
    assert executed == notebooks.execute(path, {})
    assert {"colorsys", "ipykernel", "sgdphysics.provenance.modules"} <= found.keys()
    modules.check(found)


def test_code_that_was_another_when_the_kernel_loaded_it_is_an_error(tmp_path, monkeypatch):
    path = written(tmp_path / "small.ipynb", "1 + 1")
    monkeypatch.setitem(LOADED, modules.__file__, "0" * 64)  # as this process had loaded it
    with pytest.raises(InputError, match=r"^modules.py: changed while the notebook small.ipynb started$"):
        notebooks.execute(path, {})


@pytest.mark.parametrize("code", ["import shadow", "import sys; sys.path.append(''); import shadow"])
def test_a_module_of_the_working_folder_is_not_found_by_a_kernel_or_is_an_error(tmp_path, monkeypatch, code):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shadow.py").write_text("")
    path, found = written(tmp_path / "small.ipynb", code), {}
    with pytest.raises(InputError, match=r"No module named 'shadow'|^module shadow: loaded from"):
        notebooks.execute(path, {}, found)
        modules.check(found)
    assert ("shadow" in found) == ("append" in code)
