"""From the configuration to studies: checks that a schema cannot make, and each study's runs.

Used by the workflow when it starts, before any job.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import jsonschema

from sgdphysics import toy
from sgdphysics.errors import InputError
from sgdphysics.runs import Run
from sgdphysics.study import grids

_RUN_SETTINGS = ("hidden_widths", "loss", "sampling", "images_per_class", "draw_images", "stop_loss", "stop_accuracy")


def check(config: Mapping[str, Any], schema: Mapping[str, Any], datasets: Mapping[str, Any]) -> None:
    """Check a resolved configuration against its schema, and what a schema cannot say.

    Args:
        config: From `inheritance.resolved`.
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
        raise InputError("; ".join(_fault_line(fault, content) for fault in faults))


def runs_of(study: Mapping[str, Any], section: str) -> list[Run]:
    """Return the runs that a section of a complete study needs: every setting with every seed.

    Args:
        study: One of the studies.
        section: "feng2021", "yang2023" (there those of figure 4; see also `talk_runs`) or "feng2023" (see also `swept_runs`).
    """
    return _SECTIONS[section](study)


def chunks_of(study: Mapping[str, Any], section: str | None = None, trained: Iterable[grids.Chunk] = ()) -> list[grids.Chunk]:
    """Return the chunks in which a complete study's runs are trained; of one section those that it needs.

    A run that several sections need is trained once, in a chunk of such runs only, and keeps the checkpoints of all of them.
    """
    chunks = []
    for sections, runs in grids.shared_by({name: runs_of(study, name) for name in _SECTIONS}).items():
        if section is None or section in sections:
            seeds_per_chunk = min(_seeds_per_chunk(study, name) for name in sections)
            chunks += grids.chunks_of(runs, study["dataset"], seeds_per_chunk, _checkpoints(study, sections), trained)
    return chunks


def _seeds_per_chunk(study: Mapping[str, Any], section: str) -> int:
    own = {"yang2023": lambda: study["yang2023"]["edge"], "feng2023": lambda: study["feng2023"]}.get(section, lambda: study)
    return own()["seeds_per_chunk"]


def _checkpoints(study: Mapping[str, Any], sections: Collection[str]) -> dict[str, Any]:
    """The weights that the sections want kept: steps per decade, losses and epochs."""
    kept: dict[str, Any] = {"per_decade": None, "losses": [], "epochs": []}
    if "feng2021" in sections:
        kept["per_decade"] = study["feng2021"]["checkpoints_per_decade"]
        kept["losses"] += study["feng2021"]["equal_losses"]
    if "feng2023" in sections:
        kept["losses"] += [loss for loss in study["feng2023"]["equal_losses"] if loss not in kept["losses"]]
        kept["epochs"] += study["feng2023"]["equal_epochs"]
    return kept


def reference_runs(study: Mapping[str, Any]) -> list[str]:
    """Return the names of the runs of feng2021's reference setting, in the order of the seeds."""
    reference = study["feng2021"]["reference"]
    runs = runs_of(study, "feng2021")
    return [grids.run_id(run, study["dataset"]) for run in runs if reference.items() <= vars(run).items()]


def reference_runs_of_sweeps(study: Mapping[str, Any]) -> list[str]:
    """Return the names of the runs of feng2023's reference setting, in the order of the seeds."""
    runs = grids.runs_of_grid(_reference_of_sweeps(study["feng2023"]), {}, study["feng2023"]["seeds"])
    return [grids.run_id(run, study["dataset"]) for run in runs]


def dropout_runs(study: Mapping[str, Any]) -> list[str]:
    """Return the names of the runs of every sweep of dropout in feng2023, with the reference and its control."""
    members = swept_runs(study)
    chosen = [member["run"] for member in members if member["sweep"].startswith(("dropout", "control"))]
    return list(dict.fromkeys(chosen))


def talk_runs(study: Mapping[str, Any]) -> list[str]:
    """Return the names of the runs of the talk's example of a learning rate that is too large."""
    return [grids.run_id(run, study["dataset"]) for run in _talk_runs(study)]


def swept_runs(study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return which runs belong to which sweep of feng2023: "run", "sweep", "dose", "seed" and whether it is the "reference".

    The reference is in every sweep of a setting that it has, with the dose that it has. The sweep "control" is the reference
    again, of dose 0, but goes on whatever its loss.
    """
    settings = study["feng2023"]
    base = _reference_of_sweeps(settings)
    reference = grids.runs_of_grid(base, {}, settings["seeds"])
    return [
        {
            **{"run": grids.run_id(run, study["dataset"]), "sweep": sweep, "dose": dose, "seed": run.seed},
            "reference": run in reference,
        }
        for sweep, dose, changes in _sweeps(settings)
        for run in grids.runs_of_grid(base | changes, {}, settings["seeds"])
    ]


def _feng2021_runs(study: Mapping[str, Any]) -> list[Run]:
    settings = study["feng2021"]
    base = {key: settings[key] for key in (*_RUN_SETTINGS, "max_epochs")}
    runs = grids.runs_of_grid(base, _values(settings["learning_rates"], settings["batch_sizes"]), settings["seeds"])
    if settings["grid"] == "full":
        return runs
    return [run for run in runs if any(getattr(run, key) == value for key, value in settings["reference"].items())]


def _yang2023_runs(study: Mapping[str, Any]) -> list[Run]:
    edge = study["yang2023"]["edge"]
    grid = [
        run
        for part in (edge, *edge["refined"])
        for run in grids.runs_of_grid(
            _edge_settings(edge), _values(part["learning_rates"], part["batch_sizes"]), study["yang2023"]["seeds"]
        )
    ]
    return [*grid, *_talk_runs(study)]


def _talk_runs(study: Mapping[str, Any]) -> list[Run]:
    rates = {"learning_rate": study["yang2023"]["edge"]["talk_learning_rates"]}
    return grids.runs_of_grid(_reference_of_sweeps(study["feng2023"]), rates, study["yang2023"]["seeds"])


def _feng2023_runs(study: Mapping[str, Any]) -> list[Run]:
    settings = study["feng2023"]
    base = _reference_of_sweeps(settings)
    runs = [run for _, _, changes in _sweeps(settings) for run in grids.runs_of_grid(base | changes, {}, settings["seeds"])]
    return list(dict.fromkeys(runs))


def _reference_of_sweeps(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The setting of feng2023 of which every sweep changes something."""
    keys = (*_RUN_SETTINGS, "max_epochs", "learning_rate", "batch_size")
    return {**{key: settings[key] for key in keys}, "stop_on": "training_set"}


def _sweeps(settings: Mapping[str, Any]) -> list[tuple[str, float, dict[str, Any]]]:
    """Every sweep's name, its doses, and what each changes in the reference: nothing for the dose that the reference has."""
    removed = {"weight_decay_epochs": settings["penalty_epochs"]}
    noisy = settings["label_noise_images_per_class"]
    changes = {
        **{key: lambda dose, key=key: {key: dose} for key in ("learning_rate", "batch_size", "images_per_class")},
        **{key: lambda dose, key=key: {key: dose} for key in ("dropout", "initial_scale")},
        "norm_penalty": lambda dose: {"weight_decay": dose, "weight_decay_penalty": "norm", **removed},
        "squared_penalty": lambda dose: {"weight_decay": dose, **removed},
        "dropout_rescaled_afterwards": lambda dose: {"dropout": dose, "dropout_rescaling": "afterwards"},
        "dropout_without_rescaling": lambda dose: {"dropout": dose, "dropout_rescaling": "none"},
        "label_noise": lambda dose: {"label_noise": dose, "images_per_class": noisy},
    }
    of_reference = {**dict.fromkeys(changes, 0.0), "initial_scale": 1.0, "label_noise": None}
    of_reference |= {key: settings[key] for key in ("learning_rate", "batch_size", "images_per_class")}
    entries = [("control", 0.0, {"stop_loss": 0.0, "max_epochs": settings["control_epochs"]})]
    for sweep, doses in settings["sweeps"].items():
        own = of_reference[sweep]
        entries += [(sweep, dose, {} if dose == own else changes[sweep](dose)) for dose in sorted({own, *doses} - {None})]
    return entries


def _edge_settings(edge: Mapping[str, Any]) -> dict[str, Any]:
    # Runs of different batch size are given up after as many steps; an epoch has at least one.
    return {**{key: edge[key] for key in (*_RUN_SETTINGS, "max_steps")}, "max_epochs": edge["max_steps"]}


def _values(learning_rates: Sequence[float], batch_sizes: Sequence[int]) -> dict[str, Sequence[Any]]:
    return {"learning_rate": learning_rates, "batch_size": batch_sizes}


def _fault_line(fault: jsonschema.ValidationError, content: Mapping[str, Any]) -> str:
    """One line for one fault: JSON Schema's message names what was found and what is allowed."""
    place = _place(fault.absolute_path, content)
    if fault.validator == "additionalProperties":
        unknown = sorted(map(str, set(fault.instance) - set(fault.schema["properties"])))
        return f"{place}: unknown {', '.join(unknown)}; known are {', '.join(sorted(fault.schema['properties']))}"
    if fault.validator == "anyOf":
        return f"{place}: found {fault.instance!r}, expected {' or '.join(_expected(part) for part in fault.validator_value)}"
    if fault.validator == "oneOf":
        allowed = [part["required"][0] for part in fault.validator_value]
        found = [key for key in allowed if key in fault.instance]
        return f"{place}: found {' and '.join(found) or 'none'} of {', '.join(allowed)}, expected one of them"
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
        for found in sorted(set(study["feng2021"]["compared_studies"]) - set(config["studies"])):
            known = ", ".join(sorted(config["studies"]))
            lines.append(f"studies.{name}.feng2021.compared_studies: found {found!r}, expected some of {known}")
        dataset, edge, sweeps = datasets[study["dataset"]], study["yang2023"]["edge"], study["feng2023"]
        faults = {
            "yang2023.toy": _toy_faults(study["yang2023"]["toy"]),
            "feng2021": [*_network_faults(study["feng2021"], dataset), *_grid_faults(study["feng2021"])],
            "yang2023.edge": [*_network_faults(edge, dataset), *_edge_faults(edge, sweeps, dataset)],
            "feng2023": _sweep_faults(sweeps, dataset),
        }
        lines += [f"studies.{name}.{section}.{line}" for section, found in faults.items() for line in found]
    return lines


def _network_faults(settings: Mapping[str, Any], dataset: Mapping[str, Any]) -> list[str]:
    """Faults of a section that trains networks on a data set."""
    batches = _batch_fault(settings, "batch_sizes", settings["batch_sizes"], dataset)
    return [*_layer_fault(settings["layer"], settings), *_images_fault(settings, dataset), *batches]


def _layer_fault(layer: int, network: Mapping[str, Any]) -> list[str]:
    layers = len(network["hidden_widths"]) + 1
    return [] if layer < layers else [f"layer: found {layer}, the network has layers 0 to {layers - 1}"]


def _images_fault(settings: Mapping[str, Any], dataset: Mapping[str, Any]) -> list[str]:
    per_class, available = settings["images_per_class"], dataset["training_images"]
    if per_class is None or available is None or per_class * dataset["classes"] <= available:
        return []
    most = available // dataset["classes"]
    return [f"images_per_class: found {per_class}, the data set has about {most} training images per class"]


def _batch_fault(settings: Mapping[str, Any], key: str, batch_sizes: Sequence[int], dataset: Mapping[str, Any]) -> list[str]:
    """The largest of ``batch_sizes``, found under ``key``, must not exceed the images of the network's ``settings``."""
    per_class = settings["images_per_class"]
    images = dataset["training_images"] if per_class is None else per_class * dataset["classes"]
    if images is None or max(batch_sizes) <= images:
        return []
    return [f"{key}: found {max(batch_sizes)}, expected at most the {images} training images"]


def _grid_faults(settings: Mapping[str, Any]) -> list[str]:
    lines = []
    for key, grid in (("learning_rate", "learning_rates"), ("batch_size", "batch_sizes")):
        if settings["reference"][key] not in settings[grid]:
            lines.append(f"reference.{key}: found {settings['reference'][key]}, expected one of {grid}: {settings[grid]}")
    return lines


def _toy_faults(settings: Mapping[str, Any]) -> list[str]:
    lines = []
    try:
        landscape = toy.landscapes(**settings["landscapes"])["single_valley"]
    except InputError as error:
        return [f"landscapes: {error}"]
    bound = toy.largest_time_step(landscape)
    if settings["time_step"] > bound:
        lines.append(f"time_step: found {settings['time_step']:g}, expected at most {bound:g} = 1 / largest curvature")
    if settings["learning_rate"] > bound:
        # It is the time step of the thermal control.
        lines.append(f"learning_rate: found {settings['learning_rate']:g}, expected at most {bound:g} = 1 / largest curvature")
    for key, (low, high) in ((key, settings[key]) for key in ("phase_learning_rates", "phase_shifts", "linear_shifts")):
        if low >= high:
            lines.append(f"{key}: found {low:g} and {high:g}, expected the second above the first")
    strengths = {*settings["noise_strengths"], *settings["grid_noise_strengths"]}
    if settings["current_noise_strength"] not in strengths:
        found = f"found {settings['current_noise_strength']:g}"
        lines.append(f"current_noise_strength: {found}, expected one of noise_strengths or grid_noise_strengths")
    unknown = sorted(set(settings["incidence_shifts"]) - set(settings["arrival_shifts"]))
    if unknown:
        lines.append(f"incidence_shifts: found {unknown}, expected some of arrival_shifts")
    linear = [
        shift for shift in settings["arrival_shifts"] if settings["linear_shifts"][0] <= shift <= settings["linear_shifts"][1]
    ]
    if len(linear) < 2:
        lines.append(f"linear_shifts: found {len(linear)} of arrival_shifts between them, expected at least 2")
    return lines


def _edge_faults(edge: Mapping[str, Any], sweeps: Mapping[str, Any], dataset: Mapping[str, Any]) -> list[str]:
    lines = [f"talk_learning_rates: of feng2023's network, {line}" for line in _layer_fault(edge["layer"], sweeps)]
    for index, part in enumerate(edge["refined"]):
        if not any(set(part[key]) <= set(edge[key]) for key in ("batch_sizes", "learning_rates")):
            found = f"batch_sizes {part['batch_sizes']} and learning_rates {part['learning_rates']}"
            lines.append(f"refined[{index}]: found {found}, expected all of the one or of the other to be those of the grid")
        lines += _batch_fault(edge, f"refined[{index}].batch_sizes", part["batch_sizes"], dataset)
    return lines


def _sweep_faults(settings: Mapping[str, Any], dataset: Mapping[str, Any]) -> list[str]:
    """Faults of the reference of feng2023, and of what its sweeps make of it."""
    sweeps, noisy = settings["sweeps"], settings["label_noise_images_per_class"]
    lines = [*_layer_fault(settings["layer"], settings), *_images_fault(settings, dataset)]
    lines += _batch_fault(settings, "sweeps.batch_size", sweeps["batch_size"], dataset)
    noisiest, quietest = (round(noisy / (1 - share(sweeps["label_noise"]))) for share in (max, min))
    fewest = {"images_per_class": min(settings["images_per_class"], *sweeps["images_per_class"], quietest)}
    lines += _batch_fault(fewest, "batch_size", [settings["batch_size"]], dataset)
    lines += [f"sweeps.{line}" for line in _images_fault({"images_per_class": max(sweeps["images_per_class"])}, dataset)]
    enlarged = _images_fault({"images_per_class": noisiest}, dataset)
    lines += [f"label_noise_images_per_class / (1 - label_noise) as {line}" for line in enlarged]
    last = max(settings["equal_epochs"])
    if settings["control_epochs"] < last:
        lines.append(f"control_epochs: found {settings['control_epochs']}, expected at least {last}, the last of equal_epochs")
    return lines


# Each section that trains networks, and its runs.
_SECTIONS = {"feng2021": _feng2021_runs, "yang2023": _yang2023_runs, "feng2023": _feng2023_runs}
