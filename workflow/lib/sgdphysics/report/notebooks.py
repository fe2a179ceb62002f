"""Notebooks of a study: executed with its parameters, freed of what changes from run to run, and turned into pages of their own.

A page needs no network: formulas are MathML, figures are part of the file, and there is no script. What would load something or run
is left out of it, and its policy forbids the same.
"""

import html
import json
import os
import re
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import papermill
from bs4 import BeautifulSoup
from docutils.utils.math import MathError, latex2mathml
from jinja2 import pass_context
from nbclient.exceptions import DeadKernelError
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from sgdphysics import LOADED, job_environment
from sgdphysics.errors import InputError
from sgdphysics.report.markup import harmless

KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}, "language_info": {"name": "python"}}
LAST_CELL = """import json, sys
from sgdphysics import LOADED
from sgdphysics.provenance import modules
print(json.dumps([modules.files_of(sys.modules), LOADED]))"""
INJECTED = "injected-parameters"  # papermill's tag of the cell that it adds
# Where a warning comes from: folders of one machine, and of one run.
FOLDERS = re.compile(r"(?<![\w.:/-])/([^\s/:'\"]+/)+")


def execute(path: Path, parameters: Mapping[str, Any], modules: dict[str, str] | None = None) -> NotebookNode:
    """Execute a notebook in the present folder, its ``parameters`` cell followed by these values; its bytes depend on nothing else.

    Args:
        path: The notebook.
        parameters: Plain values by name.
        modules: To which the kernel's modules and their files are added, as `provenance.modules.files_of` returns them.

    Returns:
        The executed notebook, as `normalised`.

    Raises:
        InputError: If a cell fails: notebook, number of the cell (as in its id) and error, in one line.
    """
    with _kernel_environment() as folder:
        try:
            executed = papermill.execute_notebook(
                str(_with_last_cell(path, folder / path.name)),
                str(folder / "executed.ipynb"),
                parameters=dict(parameters),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                # Else every log has notes on connections and on the end; errors come back as exceptions.
                extra_arguments=["--log-level=CRITICAL"],
            )
        except PapermillExecutionError as error:
            number = _stored_number(path, error.cell_index)
            raise InputError(f"{path.name}, cell {number}: {error.ename}: {_first_line(error.evalue)}") from None
        except DeadKernelError as error:
            raise InputError(f"{path.name}: the kernel died ({_first_line(str(error))})") from None
    told = "".join(output.text for output in executed.cells.pop().outputs if output.get("name") == "stdout")
    files, loaded = json.loads(told)
    if modules is not None:
        modules |= files
    for file, sha256 in loaded.items():
        if LOADED.setdefault(file, sha256) != sha256:
            raise InputError(f"{Path(file).name}: changed while the notebook {path.name} started")
    return normalised(executed, parameters)


def normalised(notebook: NotebookNode, parameters: Mapping[str, Any]) -> NotebookNode:
    """Return an executed notebook without times, versions, random ids and other traces of one run."""
    notebook = nbformat.from_dict(notebook)
    notebook.metadata = nbformat.from_dict(KERNEL)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if INJECTED in tags:
            cell.id = INJECTED
            # Papermill formats these lines with black where that is installed, and not elsewhere.
            cell.source = "\n".join(["# Parameters", *(f"{name} = {value!r}" for name, value in parameters.items())])
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                output.text = FOLDERS.sub("", output.text)
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
    nbformat.validate(notebook)
    return notebook


def page(notebook: NotebookNode, links: Mapping[str, str]) -> str:
    """Return an executed notebook as one HTML page: text, formulas and outputs, as far as `markup.harmless`, without code.

    Args:
        notebook: From `execute`; its first heading is the title.
        links: Text and address of the pages to link to.

    Raises:
        InputError: If a formula cannot be read.
    """
    with _kernel_environment():
        body, _ = _Exporter().from_notebook_node(notebook)
    content = harmless(body)
    heading = BeautifulSoup(content, "html.parser").find("h1")
    navigation = " ".join(f'<a href="{html.escape(address)}">{html.escape(text)}</a>' for text, address in links.items())
    return PAGE.format(
        title=html.escape(heading.get_text() if heading else "Notebook"),
        style=STYLE,
        navigation=navigation,
        content=content.strip(),
    )


def formula(source: str, block: bool = False) -> str:
    """Return a LaTeX formula as MathML.

    Raises:
        InputError: If the formula has something that is not known.
    """
    try:
        return latex2mathml.tex2mathml(source.strip(), as_block=block)
    except (MathError, SyntaxError, IndexError, AttributeError) as error:
        raise InputError(f"formula {source.strip()!r}: {_first_line(str(error))}") from None


def _with_last_cell(path: Path, copy: Path) -> Path:
    """Write a copy of a notebook that ends with a cell that prints the kernel's modules; returns the copy."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(LAST_CELL))
    nbformat.write(notebook, copy)
    return copy


def _stored_number(path: Path, index: int) -> int:
    """Number of a cell before papermill put the parameters after the cell that is tagged for it."""
    stored = nbformat.read(path, as_version=4)
    tagged = [number for number, cell in enumerate(stored.cells) if "parameters" in cell.metadata.get("tags", [])]
    return index - 1 if index > (tagged[0] if tagged else -1) else index


def _first_line(text: str) -> str:
    """The first line with something in it."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "no message")


@contextmanager
def _kernel_environment() -> Generator[Path]:
    """Keep the kernel to this Python and this library, and its files out of the home folder, which may be read-only."""
    with tempfile.TemporaryDirectory() as folder, job_environment.applied(Path(folder)):
        os.environ.update(
            PYDEVD_DISABLE_FILE_VALIDATION="1",  # else a warning of the debugger
            JUPYTER_NO_CONFIG="1",
            IPYTHONDIR=f"{folder}/ipython",
            **{f"JUPYTER_{name.upper()}_DIR": f"{folder}/{name}" for name in ("config", "data", "runtime")},
        )
        yield Path(folder)


class _Renderer(IPythonRenderer):
    """Markdown with formulas as MathML; HTML within the Markdown is shown as text."""

    def block_math(self, body: str) -> str:
        return f'<span class="formula" tabindex="0">{formula(body, block=True)}</span>'

    def multiline_math(self, text: str) -> str:
        return f'<div class="formula" tabindex="0">{formula(text.strip().strip("$"), block=True)}</div>\n'

    def inline_math(self, body: str) -> str:
        return formula(body)

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")


class _Exporter(HTMLExporter):
    """The cells of a notebook as HTML without a frame and without code."""

    def __init__(self, **settings: Any):
        super().__init__(
            template_name="basic",
            exclude_input=True,
            exclude_input_prompt=True,
            exclude_output_prompt=True,
            exclude_anchor_links=True,
            **settings,
        )

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Replaces the filter of the same name."""
        renderer = _Renderer(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True)
        return MarkdownWithMath(renderer=renderer).render(source)


STYLE = re.sub(
    r"\s+",
    " ",
    """
:root { color-scheme: light dark; --text: #1c1e21; --page: #fff; --soft: #f3f4f6; --line: #d5d8dd; --faint: #565c66;
  --link: #0b5cad; --replicated: #0a6b44; --failed: #a3321f; --open: #6b5200; }
@media (prefers-color-scheme: dark) { :root { --text: #e5e7ea; --page: #15171a; --soft: #212429; --line: #3b4047; --faint: #a8aeb8;
  --link: #85b8f2; --replicated: #63cf9d; --failed: #f2937f; --open: #e0c060; } }
* { box-sizing: border-box; }
body { margin: 0; color: var(--text); background: var(--page); font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: break-word; }
nav { border-bottom: 1px solid var(--line); padding: .6rem 1rem; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; }
nav, main { max-width: 60rem; margin: 0 auto; }
main { padding: 0 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; }
h2 { font-size: 1.3rem; margin-top: 2.4rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
h3 { font-size: 1.08rem; margin-top: 1.8rem; }
a { color: var(--link); }
code { font-size: .92em; background: var(--soft); border-radius: 3px; padding: .05em .25em; }
.formula, .table, .picture { overflow-x: auto; display: block; }
.formula { margin: .8rem 0; padding: .2rem 0; }
math { font-size: 1.08em; }
.capital-greek { font-style: italic; }
.table { margin: 0 0 1.2rem; }
.caption { margin: 1.2rem 0 .2rem; font-size: .9rem; color: var(--faint); }
table { border-collapse: collapse; font-size: .9rem; line-height: 1.4; }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0; min-width: 5.5rem;
  border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
td:first-child { min-width: 7rem; }
td.words { min-width: 13rem; }
td small { display: block; color: var(--faint); white-space: normal; }
td code { white-space: nowrap; }
figure { margin: 1.4rem 0; }
figure img { display: block; width: 100%; height: auto; background: #fff; border: 1px solid var(--line); border-radius: 4px; }
figcaption { font-size: .88rem; color: var(--faint); }
figcaption strong { color: var(--text); }
.replicated { color: var(--replicated); font-weight: 600; white-space: nowrap; }
.partly { color: var(--open); font-weight: 600; }
.failed { color: var(--failed); font-weight: 600; white-space: nowrap; }
.open { color: var(--open); font-weight: 600; white-space: nowrap; }
@media (max-width: 40rem) { figure img { width: 46rem; max-width: none; } h1 { font-size: 1.4rem; } }
@media print { nav { display: none; } figure, tr { break-inside: avoid; } }
""",
).strip()

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<nav aria-label="Pages of this study">{navigation}</nav>
<main>
{content}
</main>
</body>
</html>
"""
