"""The ledger of claims, checked before any job: what the schema of ``claims.yaml`` cannot say."""

import ast
import functools
import inspect
import io
import math
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from types import FunctionType
from typing import Any

import pandas as pd

from sgdphysics.claims.outcomes import CONTEXT
from sgdphysics.claims.regions import region_of
from sgdphysics.claims.registry import STATISTICS, Function
from sgdphysics.claims.verdicts import decide  # noqa: F401  (whose import registers every statistic)
from sgdphysics.errors import InputError

_Place = tuple[str, str]  # module and name of a function


def check(entries: Sequence[Mapping[str, Any]], tables: Collection[str], figures: Collection[str]) -> None:
    """Check that the claims name each other apart, and only statistics, tables and figures that there are.

    Args:
        entries: Entries of ``claims.yaml``, which follow its schema.
        tables: Names of the tables that a study makes.
        figures: Names of its figures.

    Raises:
        InputError: One line with every fault: where, what was found, what is expected.
    """
    lines = [f"claims: the id {name!r} is there {count} times" for name, count in _repeated(entries)]
    for entry in entries:
        if entry["figure"] not in figures:
            lines.append(f"claims[{entry['id']}].figure: found {entry['figure']!r}, expected one of {', '.join(sorted(figures))}")
        if (other := entry.get("other_reading")) is not None and other not in _possible_readings(entry, entries):
            expected = "the id of another claim of the same paper that names none itself"
            lines.append(f"claims[{entry['id']}].other_reading: found {other!r}, expected {expected}")
        texts = {"id": entry["id"], "statement": entry["statement"]}
        lines += [f"claims[{entry['id']}].{key}: {fault}" for key, text in texts.items() if (fault := _text_fault(text))]
        lines += [
            f"claims[{entry['id']}].tests: the id {name!r} is there {count} times" for name, count in _repeated(entry["tests"])
        ]
        lines += [f"claims[{entry['id']}].tests[{test['id']}].{line}" for test in entry["tests"] for line in _faults(test, tables)]
    if lines:
        raise InputError("; ".join(lines))


def tables_of(statistic: str) -> set[str]:
    """Return the names of the tables that a statistic asks for, read from its code and that of the claims' functions it names."""
    tables: set[str] = set()
    first = _place(STATISTICS[statistic].function)
    seen, waiting = {first}, {first}
    while waiting:
        module, name = waiting.pop()
        nodes = list(ast.walk(_functions_of(module)[name]))
        calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "table_of"]
        tables |= {ast.literal_eval(call.args[1]) for call in calls}
        helpers = _helpers(module, {node.id for node in nodes if isinstance(node, ast.Name)}) - seen
        seen |= helpers
        waiting |= helpers
    return tables


def tables_of_all(entries: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the names of the tables that the tests of all claims ask for."""
    return set().union(*(tables_of(test["statistic"]) for entry in entries for test in entry["tests"]))


def _helpers(module: str, names: Collection[str]) -> set[_Place]:
    """Functions of the claims that a module has under those names, defined there or imported."""
    values = [vars(sys.modules[module]).get(name) for name in names]
    functions = [value for value in values if isinstance(value, FunctionType)]
    return {_place(function) for function in functions if function.__module__.startswith(f"{__package__}.")}


def _place(function: Function | FunctionType) -> _Place:
    return function.__module__, function.__name__


@functools.cache
def _functions_of(module: str) -> dict[str, ast.FunctionDef]:
    syntax = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in syntax.body if isinstance(node, ast.FunctionDef)}


def _repeated(entries: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    return [(name, count) for name, count in Counter(entry["id"] for entry in entries).items() if count > 1]


def _possible_readings(entry: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> set[str]:
    others = [other for other in entries if other["paper"] == entry["paper"] and "other_reading" not in other]
    return {other["id"] for other in others} - {entry["id"]}


def _text_fault(text: object) -> str:
    """What is wrong with a text that is to stand in a table: blank, or a word that is read back as nothing; empty for nothing."""
    table = pd.DataFrame({"text": [str(text)]}).to_csv(index=False, encoding="utf-8")
    lost = pd.read_csv(io.StringIO(table), encoding="utf-8")["text"].isna().all()
    return f"found {text!r}, expected words that a table keeps" if lost or not str(text).strip() else ""


_POSSIBLE = {"share": (0, 1), "correlation": (-1, 1)}  # margins of numbers of a kind


def _faults(test: Mapping[str, Any], tables: Collection[str]) -> list[str]:
    if test["statistic"] not in STATISTICS:
        return [f"statistic: found {test['statistic']!r}, expected one of {', '.join(sorted(STATISTICS))}"]
    missing = sorted(tables_of(test["statistic"]) - set(tables))
    lines = [f"statistic: {test['statistic']} needs the table {name}, which no rule makes" for name in missing]
    region = region_of(test)
    for kind, bounds in region.items():
        numbers = bounds if isinstance(bounds, Sequence) else [bounds]
        if sorted(set(numbers)) != list(numbers):
            lines.append(f"{kind}: found {bounds}, expected the smaller number first")
        lowest, highest = _POSSIBLE.get(STATISTICS[test["statistic"]].kind, (-math.inf, math.inf))
        if not all(lowest < number < highest for number in numbers):
            what = f"a {STATISTICS[test['statistic']].kind}, between {lowest} and {highest}"
            lines.append(f"{kind}: found {bounds}, expected {what}")
    if fault := _text_fault(test["predicted"]):
        lines.append(f"predicted: {fault}")
    if test["asks"] == CONTEXT and region:
        lines.append(f"{next(iter(region))}: found a margin, expected none of a test that decides nothing")
    return lines
