"""From the configuration to studies: inheritance, checks that a schema cannot make, and each study's runs.

Used by the workflow when it starts, before any job.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import jsonschema

from sgdphysics import grids, toy
from sgdphysics.errors import InputError
from sgdphysics.training import Run

_RUN_SETTINGS = ("hidden_widths", "loss", "sampling", "images_per_class", "draw_images", "stop_loss", "stop_accuracy")


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


def runs_of(study: Mapping[str, Any], section: str) -> list[Run]:
    """Return the runs that a section of a complete study needs: every setting with every seed.

    Args:
        study: One of the studies.
        section: "feng2021", "yang2023" (there those of figure 4; see also `talk_runs`) or "feng2023" (see also `swept_runs`).
    """
    return _SECTIONS[section](study[section])


def chunks_of(study: Mapping[str, Any], section: str | None = None) -> list[grids.Chunk]:
    """Return the chunks in which a complete study's runs are trained; of one section those that it needs.

    A run that several sections need is trained once, in a chunk of such runs only, and keeps the checkpoints of all of them.
    """
    chunks = []
    for sections, runs in grids.shared_by({name: runs_of(study, name) for name in _SECTIONS}).items():
        if section is None or section in sections:
            seeds_per_chunk = min(_seeds_per_chunk(study, name) for name in sections)
            chunks += grids.chunks_of(runs, study["dataset"], seeds_per_chunk, _checkpoints(study, sections))
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


def talk_runs(study: Mapping[str, Any]) -> list[str]:
    """Return the names of the runs of the talk's example of a learning rate that is too large."""
    settings = study["yang2023"]
    return [grids.run_id(run, study["dataset"]) for run in _talk_runs(settings["edge"], settings["seeds"])]


def swept_runs(study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return which runs belong to which sweep of feng2023: "run", "sweep", "dose" and "seed", the reference in every sweep.

    The dose of the reference is what it has of the swept setting; of the "control", which never stops, it is 0.
    """
    settings = study["feng2023"]
    return [
        {"run": grids.run_id(run, study["dataset"]), "sweep": sweep, "dose": dose, "seed": run.seed}
        for sweep, dose, changes in _sweeps(settings)
        for run in grids.runs_of_grid(_sweep_settings(settings) | changes, {}, settings["seeds"])
    ]


def _feng2021_runs(settings: Mapping[str, Any]) -> list[Run]:
    base = {key: settings[key] for key in (*_RUN_SETTINGS, "max_epochs")}
    runs = grids.runs_of_grid(base, _values(settings["learning_rates"], settings["batch_sizes"]), settings["seeds"])
    if settings["grid"] == "full":
        return runs
    return [run for run in runs if any(getattr(run, key) == value for key, value in settings["reference"].items())]


def _yang2023_runs(settings: Mapping[str, Any]) -> list[Run]:
    edge, seeds = settings["edge"], settings["seeds"]
    runs = [
        run
        for part in (edge, *edge["refined"])
        for run in grids.runs_of_grid(_edge_settings(edge), _values(part["learning_rates"], part["batch_sizes"]), seeds)
    ]
    return [*runs, *_talk_runs(edge, seeds)]


def _talk_runs(edge: Mapping[str, Any], seeds: Sequence[int]) -> list[Run]:
    example = edge["talk_example"]
    own = {key: example[key] for key in ("hidden_widths", "images_per_class")}
    return grids.runs_of_grid(_edge_settings(edge) | own, _values(example["learning_rates"], [example["batch_size"]]), seeds)


def _feng2023_runs(settings: Mapping[str, Any]) -> list[Run]:
    base = _sweep_settings(settings)
    runs = [run for _, _, changes in _sweeps(settings) for run in grids.runs_of_grid(base | changes, {}, settings["seeds"])]
    return list(dict.fromkeys(runs))


def _sweep_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The reference setting."""
    keys = (*_RUN_SETTINGS, "max_epochs", "learning_rate", "batch_size")
    return {**{key: settings[key] for key in keys}, "stop_on": "training_set"}


def _sweeps(settings: Mapping[str, Any]) -> list[tuple[str, float, dict[str, Any]]]:
    """Every sweep's name, doses and what they change in the reference setting."""
    doses, noisy = settings["sweeps"], settings["label_noise_images_per_class"]
    penalty = {"weight_decay_penalty": "norm", "weight_decay_epochs": settings["norm_penalty_epochs"]}
    changes = {
        **{key: lambda dose, key=key: {key: dose} for key in ("learning_rate", "batch_size", "images_per_class")},
        "norm_penalty": lambda dose: {"weight_decay": dose, **penalty} if dose else {},
        "squared_penalty": lambda dose: {"weight_decay": dose},
        "dropout": lambda dose: {"dropout": dose},
        "initial_scale": lambda dose: {"initial_scale": dose},
        "label_noise": lambda dose: {"label_noise": dose, "images_per_class": noisy},
    }
    reference = {"norm_penalty": 0.0, "squared_penalty": 0.0, "dropout": 0.0, "initial_scale": 1.0}
    reference |= {key: settings[key] for key in ("learning_rate", "batch_size", "images_per_class")}
    entries = [("control", 0.0, {"stop_loss": 0.0, "max_epochs": settings["control_epochs"]})]
    for sweep, change in changes.items():
        own = [reference[sweep]] if sweep in reference and reference[sweep] is not None else []
        entries += [(sweep, dose, change(dose)) for dose in sorted({*own, *doses[sweep]})]
    return entries


def _edge_settings(edge: Mapping[str, Any]) -> dict[str, Any]:
    # Runs of different batch size are given up after as many steps; an epoch has at least one.
    return {**{key: edge[key] for key in (*_RUN_SETTINGS, "max_steps")}, "max_epochs": edge["max_steps"]}


def _values(learning_rates: Sequence[float], batch_sizes: Sequence[int]) -> dict[str, Sequence[Any]]:
    return {"learning_rate": learning_rates, "batch_size": batch_sizes}


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
        dataset, edge = datasets[study["dataset"]], study["yang2023"]["edge"]
        faults = {
            "yang2023.toy": _toy_faults(study["yang2023"]["toy"]),
            "feng2021": [*_network_faults(study["feng2021"], dataset), *_grid_faults(study["feng2021"])],
            "yang2023.edge": [*_network_faults(edge, dataset), *_edge_faults(edge, dataset)],
        }
        lines += [f"studies.{name}.{section}.{line}" for section, found in faults.items() for line in found]
    return lines


def _network_faults(settings: Mapping[str, Any], dataset: Mapping[str, Any]) -> list[str]:
    """Faults of a section that trains networks on a data set."""
    lines = []
    layers = len(settings["hidden_widths"]) + 1
    if settings["layer"] >= layers:
        lines.append(f"layer: found {settings['layer']}, the network has layers 0 to {layers - 1}")
    batches = _batch_fault(settings, "batch_sizes", settings["batch_sizes"], dataset)
    return [*lines, *_images_fault(settings, dataset), *batches]


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


def _edge_faults(edge: Mapping[str, Any], dataset: Mapping[str, Any]) -> list[str]:
    lines, example = [], edge["talk_example"]
    for index, part in enumerate(edge["refined"]):
        if not any(set(part[key]) <= set(edge[key]) for key in ("batch_sizes", "learning_rates")):
            found = f"batch_sizes {part['batch_sizes']} and learning_rates {part['learning_rates']}"
            lines.append(f"refined[{index}]: found {found}, expected all of the one or of the other to be those of the grid")
        lines += _batch_fault(edge, f"refined[{index}].batch_sizes", part["batch_sizes"], dataset)
    if len(example["hidden_widths"]) != len(edge["hidden_widths"]):
        lines.append(f"talk_example.hidden_widths: found {example['hidden_widths']}, expected as many as {edge['hidden_widths']}")
    faults = [*_images_fault(example, dataset), *_batch_fault(example, "batch_size", [example["batch_size"]], dataset)]
    return [*lines, *(f"talk_example.{line}" for line in faults)]


# Each section that trains networks, and its runs.
_SECTIONS = {"feng2021": _feng2021_runs, "yang2023": _yang2023_runs, "feng2023": _feng2023_runs}
