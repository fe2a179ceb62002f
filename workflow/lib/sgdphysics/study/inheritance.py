"""The settings of studies: files laid over each other, and studies that are like others."""

import json
from collections.abc import Mapping
from typing import Any

from sgdphysics.errors import InputError


def resolved(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration with every study complete: settings missing from a study come from the one it is ``like``.

    Raises:
        InputError: If a study is like an unknown one, or like itself.
    """
    studies = config.get("studies")
    if not isinstance(studies, Mapping):
        raise InputError("studies: found nothing, expected at least one study")
    return {**config, "studies": {name: _complete(name, studies, ()) for name in studies}}


def merged(base: Any, override: Any) -> Any:
    """Return settings with others laid over them: mappings are merged key by key, anything else is replaced."""
    if not (isinstance(base, Mapping) and isinstance(override, Mapping)):
        return override
    shared = {key: merged(base[key], override[key]) for key in base.keys() & override.keys()}
    return {**base, **override, **shared}


def first_change(before: Any, after: Any, place: str = "") -> str:
    """Return where settings differ first, with both values; empty where they do not."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        changes = (first_change(before.get(key), after.get(key), f"{place}.{key}" if place else key) for key in {**before, **after})
        return next(filter(None, changes), "")
    return "" if before == after else f"{place} was {json.dumps(before)}, is {json.dumps(after)}"


def _complete(name: str, studies: Mapping[str, Any], descendants: tuple[str, ...]) -> dict[str, Any]:
    study = studies[name]
    if not isinstance(study, Mapping):
        raise InputError(f"studies.{name}: found {study!r}, expected a study's settings")
    if "like" not in study:
        return dict(study)
    parent = study["like"]
    if not isinstance(parent, str) or parent not in studies or parent in (name, *descendants):
        others = ", ".join(sorted(set(studies) - {name, *descendants}))
        raise InputError(f"studies.{name}.like: found {parent!r}, expected another study: {others}")
    changes = {key: value for key, value in study.items() if key != "like"}
    return merged(_complete(parent, studies, (*descendants, name)), changes)
