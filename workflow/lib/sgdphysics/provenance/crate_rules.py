"""When the rules of claims were last changed, as entities of a crate, which those of the ledger mention."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sgdphysics.provenance.commits import is_commit
from sgdphysics.provenance.rule_dates import RuleDate

RULE = "#rule/"  # how their identifiers begin


def entities(rules: Mapping[str, RuleDate]) -> dict[str, dict[str, Any]]:
    """Return the properties of an entity for each rule, by identifier.

    Args:
        rules: When they were changed, by claim.
    """
    return {f"{RULE}{quote(claim)}": _properties(claim, date) for claim, date in rules.items()}


def rules_in(graph: Mapping[str, Mapping[str, Any]]) -> dict[str, RuleDate]:
    """Return when rules were changed as a crate has it, by claim; nothing of a crate that does not tell.

    Args:
        graph: Its entities by identifier.

    Raises:
        KeyError: If an entity lacks what it must have.
        TypeError: If anything of it is no text.
    """
    found = [entity for name, entity in graph.items() if name.startswith(RULE)]
    return {_word(entity["name"]): _date(_word(entity["version"]), _word(entity.get("dateModified", ""))) for entity in found}


def _properties(claim: str, date: RuleDate) -> dict[str, Any]:
    told = {
        "kind": "CreativeWork",
        "name": claim,
        "description": "Rule of a claim, its entry in config/claims.yaml and the code that decides it: changed last by this commit",
        "version": date.commit,
    }
    return told | ({"dateModified": date.date} if date.date else {})


def _date(commit: str, date: str) -> RuleDate:
    if is_commit(commit) != bool(date):
        raise ValueError(f"a rule of commit {commit[:50]!r} with the date {date[:50]!r}")
    return RuleDate(commit, date)


def _word(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"found {value!r:.50}, expected text")
    return value
