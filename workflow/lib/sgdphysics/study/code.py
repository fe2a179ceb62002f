"""The code behind a job: every file of this project whose edit could change what the job makes.

*Science* is what can move a number: scripts, notebooks and all modules of the library that they import, directly or not. *Plumbing*
(errors, files, jobs, their environment and records, progress) moves none: every job records it, but an edit of it is no reason to
run a job again and makes nothing stale. Neither do the faces of packages count, which hold no code, nor imports for type checkers
alone.
"""

import ast
import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

PLUMBING = (
    *("errors", "files", "job_environment", "progress"),
    *(f"provenance.{name}" for name in ("job_records", "jobs", "modules", "packages", "places")),
)
PACKAGE = "sgdphysics"


class Code:
    """The code of one checkout.

    Args:
        root: Folder of the project, with the library in ``workflow/lib`` and scripts in ``workflow``.
    """

    def __init__(self, root: Path) -> None:
        self._root = Path(root)
        self._workflow = self._root / "workflow"
        self._library = self._workflow / "lib"
        self._plumbing = {self._file_of(f"{PACKAGE}.{name}") for name in PLUMBING}
        self._imported_files = functools.cache(self._files_imported_by)

    @functools.cached_property
    def plumbing(self) -> list[str]:
        """Paths of the plumbing relative to the root, sorted."""
        return self._relative(path for path in self._plumbing if path)

    def behind(self, *files: str) -> list[str]:
        """Return the science behind files of the workflow: themselves, and all modules of the library that they import.

        Args:
            files: Scripts, notebooks or templates, relative to the folder ``workflow``.

        Returns:
            Paths relative to the root, sorted.
        """
        science: set[Path] = set()
        waiting = [self._workflow / file for file in files]
        while waiting:
            path = waiting.pop()
            if path not in science:
                science.add(path)
                waiting += self._imported_files(path)
        return self._relative(science)

    def digest(self, *paths: str) -> str:
        """Return a hash of files, by name and content, in 16 hexadecimal digits.

        Args:
            paths: Relative to the root.
        """
        total = hashlib.sha256()
        for path in paths:
            total.update(path.encode() + b"\0" + (self._root / path).read_bytes() + b"\0")
        return total.hexdigest()[:16]

    def _relative(self, paths: Iterator[Path] | set[Path]) -> list[str]:
        return sorted(path.relative_to(self._root).as_posix() for path in paths)

    def _files_imported_by(self, path: Path) -> set[Path]:
        """Modules of the library that a file imports, but plumbing."""
        if path.suffix not in {".py", ".ipynb"}:
            return set()
        modules = (self._file_of(name) for name in imported_modules(_source_of(path), str(path)))
        return {module for module in modules if module} - self._plumbing

    def _file_of(self, name: str) -> Path | None:
        """File of a module; None for what is no module of the library, such as a function of one, or a package's face."""
        path = self._library.joinpath(*name.split(".")).with_suffix(".py")
        return path if path.is_file() else None


def imported_modules(source: str, name: str = "<source>") -> set[str]:
    """Return all dotted names that a source imports when it runs, with ``from a import b`` as both ``a`` and ``a.b``.

    Imports inside functions count, those inside ``if TYPE_CHECKING:`` do not.

    Args:
        source: Python code.
        name: Of its file, for what Python says of a mistake in it.
    """
    names: set[str] = set()
    for node in _executed_nodes(ast.parse(source, name)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return names


def _executed_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node of a syntax tree but those that only type checkers read."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.orelse if _is_for_type_checkers(node) else ast.iter_child_nodes(node)


def _is_for_type_checkers(node: ast.AST) -> TypeGuard[ast.If]:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _source_of(path: Path) -> str:
    """The Python code of a module, a script or a notebook."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
