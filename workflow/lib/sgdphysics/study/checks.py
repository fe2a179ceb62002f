"""Checks of files of settings before any job: against their JSON schema, and of a configuration what a schema cannot say.

A fault is a line: the key, what was found there, and what is expected.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import isfinite
from typing import Any

import jsonschema

from sgdphysics.errors import InputError
from sgdphysics.study import grids, sizes, studies, window_plans
from sgdphysics.study.toy_checks import toy_faults

Settings = Mapping[str, Any]

SMALLEST, LARGEST = 1e-9, 1e9
RESERVED = ("runs", "none")  # no names of studies: results/runs holds the networks of all, and "none" stands for no study in rules


def check(config: Settings, schema: Settings, datasets: Mapping[str, Settings]) -> None:
    """Check a resolved configuration against its schema, and what a schema cannot say.

    Args:
        config: From `inheritance.resolved`.
        schema: JSON schema of the configuration.
        datasets: The data sets by name, each with ``classes`` and ``training_images`` (None where not known).

    Raises:
        InputError: One line with every fault: key, what was found, what is allowed.
    """
    check_schema(config, schema)
    complete = config["studies"]
    lines = [f"studies: found the name {name!r}, which is reserved; expected another one" for name in RESERVED if name in complete]
    if config["study"] not in complete:
        lines.append(f"study: found {config['study']!r}, expected one of {', '.join(sorted(complete))}")
    for name, study in complete.items():
        faults = list(_extremes(study, "")) or _study_faults(study, complete, datasets)
        lines += [f"studies.{name}.{line}" for line in faults]
    if lines:
        raise InputError("; ".join(lines))


def check_schema(content: Settings, schema: Settings) -> None:
    """Check the content of a YAML file against its JSON schema; raises `InputError` with one line that names every fault.

    Errors of `check_plain` come first. And 20.0 is no whole number, as it is in JSON.
    """
    check_plain(content)
    faults = sorted(_Validator(schema).iter_errors(content), key=lambda fault: fault.json_path)
    if faults:
        raise InputError("; ".join(_schema_fault(fault, content) for fault in faults))


def check_plain(content: Any) -> None:
    """Check that names are text and numbers finite; raises `InputError` with one line that names every fault."""
    if lines := list(_beyond_json(content, "")):
        raise InputError("; ".join(lines))


def _is_whole_number(checker: jsonschema.TypeChecker, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole_number)
_Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=_TYPES)


def _beyond_json(content: Any, place: str) -> Iterator[str]:
    """Faults of a value of YAML that no value of JSON can have."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            if isinstance(key, str):
                yield from _beyond_json(value, f"{place}.{key}" if place else key)
            else:
                yield f"{place or 'top level'}: found the name {key!r}, expected text (in quotes: YAML reads on, yes, 1 otherwise)"
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from _beyond_json(value, f"{place}[{index}]")
    elif isinstance(content, int | float) and not _is_finite(content):
        yield f"{place}: found {content if isinstance(content, float) else 'a whole number too large'}, expected a finite number"


def _is_finite(number: float) -> bool:
    """Whether a number is one that a computer calculates with; so large whole numbers are not."""
    return isfinite(number) if isinstance(number, float) else abs(number) < 2**63


def _schema_fault(fault: jsonschema.ValidationError, content: Settings) -> str:
    """One line for one fault: JSON Schema's message names what was found and what is allowed, but for three kinds."""
    place = _place(fault.absolute_path, content)
    value: Any = fault.instance
    rule: Any = fault.validator_value
    if fault.validator == "additionalProperties":
        schema: Any = fault.schema
        known = schema["properties"]
        unknown = sorted(map(str, set(value) - set(known)))
        return f"{place}: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}"
    if fault.validator == "anyOf":
        return f"{place}: found {value!r}, expected {' or '.join(_alternative(part) for part in rule)}"
    if fault.validator == "oneOf":
        allowed = [part["required"][0] for part in rule]
        present = [key for key in allowed if isinstance(value, Mapping) and key in value]
        return f"{place}: found {' and '.join(present) or 'none'} of {', '.join(allowed)}, expected one of them"
    return f"{place}: {fault.message}"


def _place(path: Iterable[str | int], content: Any) -> str:
    """Where in the content, such as ``claims[low_dimension].tests[0]``: entries of a list by their id where they have one."""
    place = ""
    for key in path:
        content = content[key]
        if isinstance(key, int):
            place += f"[{content['id'] if isinstance(content, Mapping) and 'id' in content else key}]"
        else:
            place += f".{key}" if place else key
    return place or "top level"


def _alternative(schema: Settings) -> str:
    """One of several alternatives of a schema, in words."""
    if schema.get("$ref") == "#/$defs/count":
        return "a whole number from 1"
    return schema.get("type", "something else")


def _extremes(value: Any, place: str) -> Iterator[str]:
    """Numbers with which no study is made, and sums of them overflow; any seed is one."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in ("seed", "seeds"):
                yield from _extremes(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _extremes(inner, f"{place}[{index}]")
    elif isinstance(value, int | float) and value and not SMALLEST <= abs(value) <= LARGEST:
        yield f"{place}: found {value:g}, expected 0 or a size from {SMALLEST:g} to {LARGEST:g}"


def _study_faults(study: Settings, studies: Mapping[str, Settings], datasets: Mapping[str, Settings]) -> list[str]:
    """Faults of one of the studies."""
    if study["dataset"] not in datasets:
        return [f"dataset: found {study['dataset']!r}, expected one of {', '.join(sorted(datasets))}"]
    dataset = datasets[study["dataset"]]
    edge, sweeps = study["yang2023"]["edge"], study["feng2023"]
    return [
        *_comparison_faults(study["feng2021"], studies),
        *_under("yang2023.toy", toy_faults(study["yang2023"]["toy"])),
        *_under("feng2021", _network_faults(study["feng2021"], dataset) or _window_faults(study, dataset)),
        *_under("feng2021", _grid_faults(study["feng2021"])),
        *_under("feng2021.controls", _control_faults(study["feng2021"], dataset)),
        *_under("yang2023.edge", _network_faults(edge, dataset)),
        *_under("yang2023.edge", _edge_faults(edge, sweeps, dataset)),
        *_under("feng2023", _sweep_faults(sweeps, dataset)),
    ]


def _under(section: str, lines: Sequence[str]) -> list[str]:
    """Faults of a section as those of its study."""
    return [f"{section}.{line}" for line in lines]


def _comparison_faults(settings: Settings, studies: Mapping[str, Settings]) -> list[str]:
    known = ", ".join(sorted(studies))
    unknown = sorted(set(settings["compared_studies"]) - set(studies))
    return [f"feng2021.compared_studies: found {name!r}, expected some of {known}" for name in unknown]


def _network_faults(settings: Settings, dataset: Settings) -> list[str]:
    """Faults of a section that trains networks on a data set."""
    return [
        *_layer_faults(settings["layer"], settings),
        *_image_faults(settings["images_per_class"], dataset),
        *_batch_faults("batch_sizes", settings["batch_sizes"], settings["images_per_class"], dataset),
    ]


def _layer_faults(layer: int, network: Settings) -> list[str]:
    layers = len(network["hidden_widths"]) + 1
    return [] if layer < layers else [f"layer: found {layer}, the network has layers 0 to {layers - 1}"]


def _image_faults(per_class: int | None, dataset: Settings) -> list[str]:
    available = dataset["training_images"]
    if per_class is None or available is None or per_class * dataset["classes"] <= available:
        return []
    most = available // dataset["classes"]
    return [f"images_per_class: found {per_class}, the data set has about {most} training images per class"]


def _batch_faults(key: str, batch_sizes: Sequence[int], per_class: int | None, dataset: Settings) -> list[str]:
    """The largest of ``batch_sizes``, found under ``key``, must not exceed the images that a network is trained with."""
    images = dataset["training_images"] if per_class is None else per_class * dataset["classes"]
    if images is None or max(batch_sizes) <= images:
        return []
    return [f"{key}: found {max(batch_sizes)}, expected at most the {images} training images"]


def _window_faults(study: Settings, dataset: Settings) -> list[str]:
    """Faults of the windows of every run, planned as the jobs plan them."""
    settings, lines = study["feng2021"], []
    if settings["layer"] == 0 and dataset["image_shape"] is None:
        unknown = f"config/datasets.yaml does not say how many pixels the images of {study['dataset']} have"
        lines.append(f"layer: found 0, expected a layer whose number of weights is known: {unknown}")
    if settings["images_per_class"] is None and dataset["training_images"] is None:
        return lines
    reference_runs = studies.reference_runs(study)
    for run in studies.runs_of(study, "feng2021"):
        reference = grids.run_id(run, study["dataset"]) in reference_runs
        lines += window_plans.faults(settings, run, sizes.training_images(run, dataset), reference=reference)
    return list(dict.fromkeys(lines))


def _grid_faults(settings: Settings) -> list[str]:
    lines = []
    for key, grid in (("learning_rate", "learning_rates"), ("batch_size", "batch_sizes")):
        if settings["reference"][key] not in settings[grid]:
            lines.append(f"reference.{key}: found {settings['reference'][key]}, expected one of {grid}: {settings[grid]}")
    return lines


def _control_faults(settings: Settings, dataset: Settings) -> list[str]:
    """Faults of the runs that are set beside those of the reference setting."""
    return [*_width_faults(settings), *_label_noise_faults(settings, dataset)]


def _width_faults(settings: Settings) -> list[str]:
    own = settings["hidden_widths"]
    widths = [width for width in settings["controls"]["other_widths"] if all(units == width for units in own)]
    return [f"other_widths: found {width}, expected others than those of the reference, hidden_widths {own}" for width in widths]


def _label_noise_faults(settings: Settings, dataset: Settings) -> list[str]:
    controls, batch = settings["controls"], settings["reference"]["batch_size"]
    clean = controls["label_noise_images_per_class"]
    if clean is None:
        return []
    per_class = round(clean / (1 - controls["label_noise"]))
    lines = [f"label_noise_images_per_class / (1 - label_noise) as {line}" for line in _image_faults(per_class, dataset)]
    if batch > (images := per_class * dataset["classes"]):
        reason = f"batches of the reference have {batch} images, and {images} are trained on"
        lines.append(f"label_noise_images_per_class: found {clean}, expected more, or null: {reason}")
    elif per_class == clean:
        reason = f"with {clean} label_noise_images_per_class no label is wrong"
        lines.append(f"label_noise: found {controls['label_noise']:g}, expected more: {reason}")
    return lines


def _edge_faults(edge: Settings, sweeps: Settings, dataset: Settings) -> list[str]:
    lines = [f"talk_learning_rates: of feng2023's network, {line}" for line in _layer_faults(edge["layer"], sweeps)]
    for index, part in enumerate(edge["refined"]):
        if not any(set(part[key]) <= set(edge[key]) for key in ("batch_sizes", "learning_rates")):
            lists = f"batch_sizes {part['batch_sizes']} and learning_rates {part['learning_rates']}"
            lines.append(f"refined[{index}]: found {lists}, expected all of the one or of the other to be those of the grid")
        lines += _batch_faults(f"refined[{index}].batch_sizes", part["batch_sizes"], edge["images_per_class"], dataset)
    return [*lines, *_edge_control_faults(edge)]


def _edge_control_faults(edge: Settings) -> list[str]:
    """The controls up to the edge are compared with settings of the grid."""
    parts = (edge, *edge["refined"])
    grid = {setting for part in parts for setting in product(part["learning_rates"], part["batch_sizes"])}
    larger = edge["larger_scale"]
    lines = [
        f"larger_scale: found learning rate {rate} with batches of {size}, expected settings of the grid"
        for rate, size in product(larger["learning_rates"], larger["batch_sizes"])
        if (rate, size) not in grid
    ]
    sizes = sorted({size for _, size in grid})
    if edge["followed_batch_size"] not in sizes:
        lines.append(f"followed_batch_size: found {edge['followed_batch_size']}, expected one of {', '.join(map(str, sizes))}")
    last = max(edge["followed_epochs"])
    if edge["control_epochs"] < last:
        lines.append(f"control_epochs: found {edge['control_epochs']}, expected at least {last}, the last of followed_epochs")
    return lines


def _sweep_faults(settings: Settings, dataset: Settings) -> list[str]:
    """Faults of the reference of feng2023, and of what its sweeps make of it."""
    sweeps, per_class = settings["sweeps"], settings["images_per_class"]
    # Wrongly labelled images are added to the clean ones.
    clean = settings["label_noise_images_per_class"]
    noisiest = round(clean / (1 - max(sweeps["label_noise"])))
    least_noisy = round(clean / (1 - min(sweeps["label_noise"])))
    fewest = min(per_class, *sweeps["images_per_class"], least_noisy)
    lines = [
        *_layer_faults(settings["layer"], settings),
        *_image_faults(per_class, dataset),
        *_batch_faults("sweeps.batch_size", sweeps["batch_size"], per_class, dataset),
        *_batch_faults("batch_size", [settings["batch_size"]], fewest, dataset),
        *_under("sweeps", _image_faults(max(sweeps["images_per_class"]), dataset)),
    ]
    lines += [f"label_noise_images_per_class / (1 - label_noise) as {line}" for line in _image_faults(noisiest, dataset)]
    last = max(settings["equal_epochs"])
    if settings["control_epochs"] < last:
        lines.append(f"control_epochs: found {settings['control_epochs']}, expected at least {last}, the last of equal_epochs")
    return lines
