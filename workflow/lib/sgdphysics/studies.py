"""From the configuration to studies: inheritance, checks that a schema cannot make, and each study's runs.

Used by the workflow when it starts, before any job.
"""

from collections.abc import Mapping
from typing import Any

import jsonschema

from sgdphysics import grids
from sgdphysics.errors import InputError
from sgdphysics.training import Run

_RUN_SETTINGS = (
    "hidden_widths",
    "loss",
    "sampling",
    "images_per_class",
    "draw_images",
    "stop_loss",
    "stop_accuracy",
    "max_epochs",
)


def resolved(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration with every study complete: settings missing from a study come from the one it is ``like``.

    Raises:
        InputError: If a study is like an unknown one, or like itself.
    """
    studies = config.get("studies")
    if not isinstance(studies, Mapping):
        raise InputError("studies: found nothing, expected at least one study")
    return {**config, "studies": {name: _complete(name, studies, ()) for name in studies}}


def check(config: Mapping[str, Any], schema: Mapping[str, Any], datasets: Mapping[str, Any]) -> None:
    """Check a resolved configuration against its schema, and what a schema cannot say.

    Args:
        config: From `resolved`.
        schema: JSON schema of the configuration.
        datasets: The data sets by name, each with ``classes`` and ``training_images`` (None where not known).

    Raises:
        InputError: One line with every fault: key, what was found, what is allowed.
    """
    check_schema(config, schema)
    lines = _further_faults(config, datasets)
    if lines:
        raise InputError("; ".join(lines))


def check_schema(content: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Check the content of a YAML file against its JSON schema; raises `InputError` with one line that names every fault."""
    faults = sorted(jsonschema.Draft202012Validator(schema).iter_errors(content), key=lambda error: error.json_path)
    if faults:
        raise InputError("; ".join(_fault_line(fault) for fault in faults))


def runs_of(study: Mapping[str, Any]) -> list[Run]:
    """Return the runs of a complete study: every setting of its grid with every seed."""
    settings = study["feng2021"]
    grid = {"learning_rate": settings["learning_rates"], "batch_size": settings["batch_sizes"]}
    runs = grids.runs_of_grid({key: settings[key] for key in _RUN_SETTINGS}, grid, settings["seeds"])
    if settings["grid"] == "full":
        return runs
    return [run for run in runs if any(getattr(run, key) == value for key, value in settings["reference"].items())]


def chunks_of(study: Mapping[str, Any]) -> list[grids.Chunk]:
    """Return the chunks in which a complete study's runs are trained."""
    settings = study["feng2021"]
    checkpoints = {"per_decade": settings["checkpoints_per_decade"], "losses": settings["equal_losses"]}
    return grids.chunks_of(runs_of(study), study["dataset"], study["seeds_per_chunk"], checkpoints)


def reference_runs(study: Mapping[str, Any]) -> list[str]:
    """Return the names of the runs of the reference setting, in the order of the seeds."""
    reference = study["feng2021"]["reference"]
    return [grids.run_id(run, study["dataset"]) for run in runs_of(study) if reference.items() <= vars(run).items()]


def _complete(name: str, studies: Mapping[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
    study = studies[name]
    if not isinstance(study, Mapping):
        raise InputError(f"studies.{name}: found {study!r}, expected a study's settings")
    if "like" not in study:
        return dict(study)
    parent = study["like"]
    if parent not in studies or parent in (name, *seen):
        others = ", ".join(sorted(set(studies) - {name, *seen}))
        raise InputError(f"studies.{name}.like: found {parent!r}, expected another study: {others}")
    own = {key: value for key, value in study.items() if key != "like"}
    return _merged(_complete(parent, studies, (*seen, name)), own)


def _merged(base: Any, override: Any) -> Any:
    """Mappings are merged key by key; anything else is replaced."""
    if not (isinstance(base, Mapping) and isinstance(override, Mapping)):
        return override
    shared = {key: _merged(base[key], override[key]) for key in base.keys() & override.keys()}
    return {**base, **override, **shared}


def _fault_line(fault: jsonschema.ValidationError) -> str:
    """One line for one fault: JSON Schema's message names what was found and what is allowed."""
    place = fault.json_path.removeprefix("$").removeprefix(".") or "top level"
    if fault.validator == "additionalProperties":
        unknown = sorted(set(fault.instance) - set(fault.schema["properties"]))
        return f"{place}: unknown {', '.join(unknown)}; known are {', '.join(sorted(fault.schema['properties']))}"
    if fault.validator == "anyOf":
        return f"{place}: found {fault.instance!r}, expected {' or '.join(_expected(part) for part in fault.validator_value)}"
    return f"{place}: {fault.message}"


def _expected(part: Mapping[str, Any]) -> str:
    return {"#/$defs/count": "a whole number from 1"}.get(part.get("$ref"), part.get("type", "something else"))


def _further_faults(config: Mapping[str, Any], datasets: Mapping[str, Any]) -> list[str]:
    lines = []
    if config["study"] not in config["studies"]:
        lines.append(f"study: found {config['study']!r}, expected one of {', '.join(sorted(config['studies']))}")
    for name, study in config["studies"].items():
        if study["dataset"] not in datasets:
            known = ", ".join(sorted(datasets))
            lines.append(f"studies.{name}.dataset: found {study['dataset']!r}, expected one of {known}")
            continue
        lines += [f"studies.{name}.feng2021.{line}" for line in _grid_faults(study["feng2021"], datasets[study["dataset"]])]
    return lines


def _grid_faults(settings: Mapping[str, Any], dataset: Mapping[str, Any]) -> list[str]:
    lines = []
    layers = len(settings["hidden_widths"]) + 1
    if settings["layer"] >= layers:
        lines.append(f"layer: found {settings['layer']}, the network has layers 0 to {layers - 1}")
    per_class, available = settings["images_per_class"], dataset["training_images"]
    if per_class is not None and available is not None and per_class * dataset["classes"] > available:
        most = available // dataset["classes"]
        lines.append(f"images_per_class: found {per_class}, the data set has about {most} training images per class")
    images = available if per_class is None else per_class * dataset["classes"]
    if images is not None and max(settings["batch_sizes"]) > images:
        lines.append(f"batch_sizes: found {max(settings['batch_sizes'])}, expected at most the {images} training images")
    for key, grid in (("learning_rate", "learning_rates"), ("batch_size", "batch_sizes")):
        if settings["reference"][key] not in settings[grid]:
            lines.append(f"reference.{key}: found {settings['reference'][key]}, expected one of {grid}: {settings[grid]}")
    return lines
