"""From complete studies to their runs: those of each section, and the chunks in which they are trained."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sgdphysics.runs import Run
from sgdphysics.study import grids

_RUN_SETTINGS = (
    *("hidden_widths", "loss", "sampling", "images_per_class", "draw_images"),
    *("stop_loss", "stop_accuracy", "budget_extension"),
)

FOLLOWED = "yang2023_followed"  # the runs of yang2023 whose weights are kept while they train, some of its section's own


@dataclass(frozen=True)
class _Sweep:
    """A sweep of feng2023.

    Attributes:
        name: Key of its doses among the settings.
        setting: What a dose replaces in a run of the reference.
        reference_dose: Dose that the reference has; None where it has none.
        companions: What else is changed at every dose but that of the reference.
    """

    name: str
    setting: str
    reference_dose: float | None
    companions: Mapping[str, Any] = field(default_factory=dict)


def runs_of(study: Mapping[str, Any], section: str) -> list[Run]:
    """Return the runs that a section of a complete study needs: every setting with every seed.

    Args:
        study: One of the studies.
        section: "feng2021", "feng2021_controls" (runs that are set beside those of its reference setting), "yang2023" (there those
            of figure 4; see also `talk_runs`), `FOLLOWED` (see also `followed_parts`) or "feng2023" (see also `swept_runs`).
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
    if section == "feng2021_controls":
        return study["feng2021"]["controls"]["seeds_per_chunk"]
    if section in ("yang2023", FOLLOWED):
        return study["yang2023"]["edge"]["seeds_per_chunk"]
    if section == "feng2023":
        return study["feng2023"]["seeds_per_chunk"]
    return study["seeds_per_chunk"]


def _checkpoints(study: Mapping[str, Any], sections: Collection[str]) -> dict[str, Any]:
    """The weights that the sections want kept: steps per decade, losses and epochs."""
    checkpoints: dict[str, Any] = {"per_decade": None, "losses": [], "epochs": []}
    if {"feng2021", "feng2021_controls"} & set(sections):
        checkpoints["per_decade"] = study["feng2021"]["checkpoints_per_decade"]
        checkpoints["losses"] += study["feng2021"]["equal_losses"]
    if FOLLOWED in sections:
        checkpoints["epochs"] += study["yang2023"]["edge"]["followed_epochs"]
    if "feng2023" in sections:
        checkpoints["losses"] += [loss for loss in study["feng2023"]["equal_losses"] if loss not in checkpoints["losses"]]
        checkpoints["epochs"] += [epoch for epoch in study["feng2023"]["equal_epochs"] if epoch not in checkpoints["epochs"]]
    return checkpoints


def reference_runs(study: Mapping[str, Any]) -> list[str]:
    """Return the names of the runs of feng2021's reference setting, in the order of the seeds."""
    return [grids.run_id(run, study["dataset"]) for run in _feng2021_reference(study)]


def reference_runs_of_sweeps(study: Mapping[str, Any]) -> list[str]:
    """Return the names of the runs of feng2023's reference setting, in the order of the seeds."""
    runs = grids.runs_of_grid(_reference_of_sweeps(study["feng2023"]), {}, study["feng2023"]["seeds"])
    return [grids.run_id(run, study["dataset"]) for run in runs]


def dropout_runs(study: Mapping[str, Any]) -> list[str]:
    """Return the names of the runs of every sweep of dropout in feng2023, with the reference and its control."""
    members = swept_runs(study)
    chosen = [member["run"] for member in members if member["sweep"].startswith(("dropout", "control"))]
    return list(dict.fromkeys(chosen))


def control_runs(study: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the names of the runs of `control_parts`, by part."""
    return _names_of_parts(study, control_parts(study))


def talk_runs(study: Mapping[str, Any]) -> list[str]:
    """Return the names of the runs of the talk's example of a learning rate that is too large."""
    return [grids.run_id(run, study["dataset"]) for run in _talk_runs(study)]


def followed_runs(study: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the names of the runs of `followed_parts`, by part."""
    return _names_of_parts(study, followed_parts(study))


def _names_of_parts(study: Mapping[str, Any], parts: Mapping[str, Sequence[Run]]) -> dict[str, list[str]]:
    return {part: [grids.run_id(run, study["dataset"]) for run in runs] for part, runs in parts.items()}


def swept_runs(study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return which runs belong to which sweep of feng2023: "run", "sweep", "dose", "seed" and whether it is the "reference".

    The reference is in every sweep of a setting that it has, with the dose that it has. The sweep "control" is the reference
    again, of dose 0, but goes on whatever its loss.
    """
    settings = study["feng2023"]
    reference = grids.runs_of_grid(_reference_of_sweeps(settings), {}, settings["seeds"])
    return [
        {
            "run": grids.run_id(run, study["dataset"]),
            "sweep": sweep,
            "dose": dose,
            "seed": run.seed,
            "reference": run in reference,
        }
        for sweep, dose, run in _sweep_members(settings)
    ]


def _feng2021_runs(study: Mapping[str, Any]) -> list[Run]:
    settings = study["feng2021"]
    base = {key: settings[key] for key in (*_RUN_SETTINGS, "max_epochs")}
    runs = grids.runs_of_grid(base, _values(settings["learning_rates"], settings["batch_sizes"]), settings["seeds"])
    if settings["grid"] == "full":
        return runs
    return [run for run in runs if any(getattr(run, key) == value for key, value in settings["reference"].items())]


def _feng2021_reference(study: Mapping[str, Any]) -> list[Run]:
    reference = study["feng2021"]["reference"]
    return [run for run in _feng2021_runs(study) if reference.items() <= vars(run).items()]


def _feng2021_controls(study: Mapping[str, Any]) -> list[Run]:
    return [run for runs in control_parts(study).values() for run in runs]


def control_parts(study: Mapping[str, Any]) -> dict[str, list[Run]]:
    """Return the runs that are set beside those of feng2021's reference setting, each of which differs from one of these.

    Returns:
        "drawn_otherwise": with batches drawn the other way; "label_noise": with wrong labels, and stopped before these are fitted;
        "other_widths": with as many units in every hidden layer.
    """
    controls, reference = study["feng2021"]["controls"], _feng2021_reference(study)
    other = {"epoch": "replacement", "replacement": "epoch"}
    noisy = {
        "label_noise": controls["label_noise"],
        "images_per_class": controls["label_noise_images_per_class"],
        "max_epochs": controls["label_noise_epochs"],
        "budget_extension": 1.0,
    }
    has_noise = controls["label_noise_images_per_class"] is not None
    return {
        "drawn_otherwise": [replace(run, sampling=other[run.sampling]) for run in reference],
        "label_noise": [replace(run, **noisy) for run in reference if has_noise],
        "other_widths": [
            replace(run, hidden_widths=(width,) * len(run.hidden_widths)) for width in controls["other_widths"] for run in reference
        ],
    }


def _yang2023_runs(study: Mapping[str, Any]) -> list[Run]:
    edge = study["yang2023"]["edge"]
    return [*(run for part in (edge, *edge["refined"]) for run in _edge_runs(study, part)), *_talk_runs(study)]


def _edge_runs(study: Mapping[str, Any], part: Mapping[str, Any]) -> list[Run]:
    """Runs of a part of the grid up to the edge: every one of its learning rates with every one of its batch sizes.

    The part may have an initial scale of its own.
    """
    edge, runs = study["yang2023"]["edge"], []
    base = {key: edge[key] for key in _RUN_SETTINGS} | {"initial_scale": part.get("initial_scale", 1.0)}
    for size in part["batch_sizes"]:
        runs += grids.runs_of_grid(base | _budget(edge, size), _values(part["learning_rates"], [size]), study["yang2023"]["seeds"])
    return runs


def _budget(edge: Mapping[str, Any], batch_size: int) -> dict[str, int]:
    """When a run up to the edge is given up: after so many steps, or of small batches, whose epochs are long, so many epochs."""
    if batch_size <= edge["small_batches"]:
        return {"max_epochs": edge["max_epochs"]}
    return {"max_steps": edge["max_steps"], "max_epochs": edge["max_steps"]}  # an epoch has at least one step


def _followed_runs(study: Mapping[str, Any]) -> list[Run]:
    parts = followed_parts(study)
    return list(dict.fromkeys(run for runs in parts.values() for run in runs))


def followed_parts(study: Mapping[str, Any]) -> dict[str, list[Run]]:
    """Return the runs up to the edge whose weights are kept while they train.

    Returns:
        "line": those of the grid of one batch size; "initial_scale": those of a larger initial scale; "control": of the largest
        batches, which go on whatever their loss.
    """
    edge = study["yang2023"]["edge"]
    grid = [run for part in (edge, *edge["refined"]) for run in _edge_runs(study, part)]
    largest = max(edge["batch_sizes"])
    going_on = {"stop_loss": 0.0, "max_epochs": edge["control_epochs"], "max_steps": None, "budget_extension": 1.0}
    control = _edge_runs(study, {"learning_rates": [edge["control_learning_rate"]], "batch_sizes": [largest]})
    return {
        "line": [run for run in grid if run.batch_size == edge["followed_batch_size"]],
        "initial_scale": _edge_runs(study, edge["larger_scale"]),
        "control": [replace(run, **going_on) for run in control],
    }


def _talk_runs(study: Mapping[str, Any]) -> list[Run]:
    rates = {"learning_rate": study["yang2023"]["edge"]["talk_learning_rates"]}
    return grids.runs_of_grid(_reference_of_sweeps(study["feng2023"]), rates, study["yang2023"]["seeds"])


def _feng2023_runs(study: Mapping[str, Any]) -> list[Run]:
    return list(dict.fromkeys(run for _, _, run in _sweep_members(study["feng2023"])))


def _values(learning_rates: Sequence[float], batch_sizes: Sequence[int]) -> dict[str, Sequence[Any]]:
    return {"learning_rate": learning_rates, "batch_size": batch_sizes}


def _reference_of_sweeps(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The setting of feng2023 of which every sweep changes something."""
    reference = {key: settings[key] for key in (*_RUN_SETTINGS, "max_epochs", "learning_rate", "batch_size")}
    reference["stop_on"] = "training_set"
    return reference


def _sweep_members(settings: Mapping[str, Any]) -> Iterator[tuple[str, float, Run]]:
    """Every run of every sweep, with the sweep's name and the dose; by seed within a dose, by rising dose within a sweep."""
    base = _reference_of_sweeps(settings)
    for sweep, dose, changes in _doses(settings):
        for run in grids.runs_of_grid(base | changes, {}, settings["seeds"]):
            yield sweep, dose, run


def _doses(settings: Mapping[str, Any]) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """Every sweep's name and doses, and what a dose changes in the reference: nothing for the dose that the reference has."""
    yield "control", 0.0, {"stop_loss": 0.0, "max_epochs": settings["control_epochs"], "budget_extension": 1.0}
    sweeps = {sweep.name: sweep for sweep in _sweeps(settings)}
    for name, doses in settings["sweeps"].items():
        sweep = sweeps[name]
        reference = [] if sweep.reference_dose is None else [sweep.reference_dose]
        for dose in sorted({*reference, *doses}):
            yield name, dose, {} if dose in reference else {sweep.setting: dose, **sweep.companions}


def _sweeps(settings: Mapping[str, Any]) -> list[_Sweep]:
    removed = {"weight_decay_epochs": settings["penalty_epochs"]}
    clean = {"images_per_class": settings["label_noise_images_per_class"]}
    return [
        _Sweep("learning_rate", "learning_rate", settings["learning_rate"]),
        _Sweep("batch_size", "batch_size", settings["batch_size"]),
        _Sweep("images_per_class", "images_per_class", settings["images_per_class"]),
        _Sweep("initial_scale", "initial_scale", 1.0),
        _Sweep("norm_penalty", "weight_decay", 0.0, {"weight_decay_penalty": "norm", **removed}),
        _Sweep("squared_penalty", "weight_decay", 0.0, removed),
        _Sweep("dropout", "dropout", 0.0),
        _Sweep("dropout_rescaled_afterwards", "dropout", 0.0, {"dropout_rescaling": "afterwards"}),
        _Sweep("dropout_without_rescaling", "dropout", 0.0, {"dropout_rescaling": "none"}),
        # Its number of clean images is its own, so the reference has no dose of it.
        _Sweep("label_noise", "label_noise", None, clean),
    ]


# Each section that trains networks, and its runs.
_SECTIONS = {
    "feng2021": _feng2021_runs,
    "feng2021_controls": _feng2021_controls,
    "yang2023": _yang2023_runs,
    FOLLOWED: _followed_runs,
    "feng2023": _feng2023_runs,
}
SECTIONS = tuple(_SECTIONS)
