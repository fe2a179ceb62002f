"""What decides a claim: its entry in ``claims.yaml``, the statistics of its tests that decide, and the code that decides all.

Rules are compared as data: comments, docstrings, layout, the order of functions and the module that has one do not count.
"""

import ast
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

LEDGER = "config/claims.yaml"
CONTEXT = "context"  # what a test asks that decides nothing
FOLDER = "workflow/lib/sgdphysics/claims"
INTERVALS = "workflow/lib/sgdphysics/intervals.py"
PACKAGE = "sgdphysics.claims"
ENGINE = ("answers", "regions", "verdicts", "intervals")  # modules that decide, of which all counts for all claims
FEWEST_SEEDS = ("outcomes", "FEWEST_SEEDS")  # and the one number of another module
# What of an entry, and of a test of it, decides nothing.
_TOLD = {"id", "paper", "figure", "statement", "stated"}
_TOLD_OF_A_TEST = {"id", "predicted", "margin_from"}

Definitions = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Rule:
    """What decides a claim, to be compared with another: its entry as far as it decides, and code by names."""

    entry: Mapping[str, Any]
    code: Definitions


class Code:
    """The code of claims in one state of the project.

    Args:
        files: Content of the modules by path; others than those of the claims and their intervals are not looked at.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        paths = {PurePosixPath(path): content for path, content in files.items() if is_part(path)}
        self._modules = {path.stem: _module(content) for path, content in paths.items()}
        self._homes = {name: stem for stem, module in self._modules.items() for name in module.statistics}

    def rule(self, entry: Mapping[str, Any]) -> Rule:
        """Return the rule of a claim with this entry, decided by this code."""
        tests = _tests(entry)
        decides = {key: value for key, value in entry.items() if key not in _TOLD} | {"tests": list(map(_deciding, tests))}
        statistics = {str(test.get("statistic")) for test in tests}
        return Rule(decides, self._engine.union(*map(self._statistic, sorted(statistics))))

    @functools.cached_property
    def _engine(self) -> Definitions:
        whole = [module.all for name, module in self._modules.items() if name in ENGINE]
        return self._behind(*FEWEST_SEEDS).union(*whole)

    def _statistic(self, name: str) -> Definitions:
        """A statistic with all of the claims' code that it reaches; only its name where there is no such statistic."""
        if name not in self._statistics:
            self._statistics[name] = self._behind(self._homes.get(name, ""), name)
        return self._statistics[name]

    @functools.cached_property
    def _statistics(self) -> dict[str, Definitions]:
        return {}

    def _behind(self, module: str, name: str) -> Definitions:
        """What is defined under a name of a module, and all that it reaches: of other packages the names."""
        found, seen, waiting = set(), {(module, name)}, [(module, name)]
        while waiting:
            module, name = waiting.pop()
            definition = self._definition(module, name)
            found.add((name, definition.text if definition else module))
            further = {self._home(module, used) for used in definition.names} - seen if definition else set()
            seen |= further
            waiting += further
        return frozenset(found)

    def _definition(self, module: str, name: str) -> "_Definition | None":
        return self._modules[module].definitions.get(name) if module in self._modules else None

    def _home(self, module: str, used: tuple[str, str]) -> tuple[str, str]:
        """Module and name of what stands under a name, or an attribute of it, in the code of a module; no module of local names."""
        name, attribute = used
        source, original = self._modules[module].imports.get(name, ("", ""))
        if source == PACKAGE and original in self._modules:
            return original, attribute
        if source.startswith(f"{PACKAGE}."):
            return source.removeprefix(f"{PACKAGE}."), original
        return (source, original) if source else (module if self._definition(module, name) else "", name)


def is_part(path: str) -> bool:
    """Return whether a file is one of the code of claims."""
    return path == INTERVALS or (path.startswith(f"{FOLDER}/") and path.endswith(".py"))


def entries_by_claim(content: Any) -> dict[str, Mapping[str, Any]]:
    """Return the entries of what a ledger says, by claim; none where it is no ledger."""
    entries = content.get("claims") if isinstance(content, Mapping) else content
    return {str(entry["id"]): entry for entry in _mappings(entries) if "id" in entry}


def _tests(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those that decide."""
    return [test for test in _mappings(entry.get("tests")) if test.get("asks") != CONTEXT]


def _deciding(test: Mapping[str, Any]) -> dict[str, Any]:
    return {"scope": "reference", **{key: value for key, value in test.items() if key not in _TOLD_OF_A_TEST}}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


@dataclass(frozen=True)
class _Definition:
    """What stands under a name at the top of a module.

    Attributes:
        text: Its syntax, without docstrings.
        names: Names in it, each with the attribute that is taken of it, if any.
    """

    text: str
    names: frozenset[tuple[str, str]]

    def with_more(self, other: "_Definition") -> "_Definition":
        """Return it with what stands there under the same name further below, such as after an overload."""
        return _Definition(f"{self.text} {other.text}", self.names | other.names)


@dataclass(frozen=True)
class _Module:
    """A module as it is compared.

    Attributes:
        definitions: Functions, classes and values by name.
        imports: Module and name there of what is imported, by its name here.
        statistics: Names of the functions that are registered.
        all: All that stands there, of imports those that are used.
    """

    definitions: Mapping[str, _Definition]
    imports: Mapping[str, tuple[str, str]]
    statistics: frozenset[str]
    all: Definitions


@functools.lru_cache(maxsize=4096)
def _module(content: bytes) -> _Module:
    """A module by its content; one that is no Python has nothing."""
    try:
        syntax = ast.parse(content)
    except (SyntaxError, ValueError):
        syntax = ast.Module([], [])
    imports: dict[str, tuple[str, str]] = {}
    definitions: dict[str, _Definition] = {}
    found = set()
    for node in _without_docstrings(syntax).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports |= _imported(node)
            continue
        definition, names = _definition(node), _defined(node)
        definitions |= {name: definitions[name].with_more(definition) if name in definitions else definition for name in names}
        found |= {(name, definition.text) for name in names or [""]}
    used = {node.id for node in ast.walk(syntax) if isinstance(node, ast.Name)}
    found |= {(name, ".".join(source)) for name, source in imports.items() if name in used}
    statistics = frozenset(node.name for node in syntax.body if isinstance(node, ast.FunctionDef) and _is_registered(node))
    return _Module(definitions, imports, statistics, frozenset(found))


def _without_docstrings(syntax: ast.Module) -> ast.Module:
    for node in ast.walk(syntax):
        is_documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if is_documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return syntax


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, tuple[str, str]]:
    if isinstance(node, ast.Import):
        return {alias.asname or alias.name.split(".")[0]: (alias.name, "") for alias in node.names}
    return {alias.asname or alias.name: (str(node.module), alias.name) for alias in node.names}


def _defined(node: ast.stmt) -> list[str]:
    """Names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets: Iterable[ast.expr] = node.targets if isinstance(node, ast.Assign) else ()
    targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
    return [inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)]


def _definition(node: ast.stmt) -> _Definition:
    nodes = list(ast.walk(node))
    attributes = {
        (inner.value.id, inner.attr) for inner in nodes if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name)
    }
    names = {(inner.id, "") for inner in nodes if isinstance(inner, ast.Name)}
    return _Definition(ast.dump(node), frozenset(names | attributes))


def _is_registered(node: ast.FunctionDef) -> bool:
    decorators = [part.func if isinstance(part, ast.Call) else part for part in node.decorator_list]
    return any(isinstance(part, ast.Name) and part.id == "statistic" for part in decorators)
