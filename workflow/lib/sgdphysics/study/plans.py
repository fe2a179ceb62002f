"""What a study will take before any of it runs: its jobs, with their networks and amounts of work, and the lines that tell it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.ranks import DENSE_LIMIT, WIDE_LAYER_DIRECTIONS
from sgdphysics.runs import Run, log_spaced_steps
from sgdphysics.study import grids, sizes, studies, toy_plans, window_plans
from sgdphysics.study.costs import Job, expected_steps, memory, seconds

SECTIONS = ("feng2021", "yang2023", "feng2023")
CONTROLS = {"feng2021": "feng2021_controls", "yang2023": studies.FOLLOWED}  # the runs that are set beside those of a section
GIGA = 1e9  # amounts of work are counted in thousands of millions

Steps = Callable[[Run, int], float]  # how many steps a run trains on so many images


def jobs_of(
    complete: Mapping[str, Any],
    name: str,
    entries: Mapping[str, Any],
    costs: Mapping[str, Any],
    sections: Collection[str] = SECTIONS,
) -> list[Job]:
    """Return the jobs of a study that train, measure and simulate, those of the studies set beside it included.

    Args:
        complete: All studies, complete.
        name: The study.
        entries: The data sets by name.
        costs: From `fitted_costs`; here the law of the steps to the stop.
        sections: Only what these sections of the study need.

    Raises:
        InputError: If the number or the shape of a data set's images is not known.
    """
    study, steps = complete[name], partial(expected_steps, costs=costs)
    entry = entries[study["dataset"]]
    if not is_known(entry):
        sizes_known = ", ".join(f"{key}: {entry[key]}" for key in ("image_shape", "training_images"))
        raise InputError(f"datasets.{study['dataset']}: found {sizes_known}, expected both: a plan needs them")
    jobs = [training_job(chunk, entry, steps) for chunk in chunks_of(complete, name, sections)]
    for part, section in _needed(complete, name, sections):
        if section == "feng2021":
            for chunk in studies.chunks_of(part, section):
                jobs += window_jobs(part, chunk, entry, steps).values()
    if "feng2021" in sections:
        jobs += protocol_jobs(study, entry)
        jobs += control_jobs(study, entry, steps)
    if "yang2023" in sections:
        jobs += [generalization_job(chunk, entry) for chunk in studies.chunks_of(study, "yang2023")]
        jobs += [*edge_jobs(study, entry), *toy_jobs(study, entry)]
    if "feng2023" in sections:
        jobs += [duality_job(study, chunk, entry) for chunk in studies.chunks_of(study, "feng2023")]
        jobs += sweep_jobs(study, entry)
    return jobs


def chunks_of(complete: Mapping[str, Any], name: str, sections: Collection[str] = SECTIONS) -> list[grids.Chunk]:
    """Return the chunks of networks that are trained, each once; arguments as for `jobs_of`."""
    parts = _needed(complete, name, sections)
    return list({(c.ensemble, c.name): c for part, section in parts for c in studies.chunks_of(part, section)}.values())


def not_measured(study: Mapping[str, Any], entry: Mapping[str, Any]) -> list[str]:
    """Return what the windows of feng2021 cannot show at some of a study's settings, each as a sentence.

    Where the number of images is not known nothing is said.
    """
    settings = study["feng2021"]
    if settings["images_per_class"] is None and entry["training_images"] is None:
        return []
    reference_runs = studies.reference_runs(study)
    weights = studied_weights(settings, entry) if is_known(entry) else None
    sentences = []
    for run in studies.runs_of(study, "feng2021"):
        reference = grids.run_id(run, study["dataset"]) in reference_runs
        images = sizes.training_images(run, entry)
        sentences += window_plans.left_out(settings, run, images, reference=reference, weights=weights)
    return list(dict.fromkeys(sentences))


def studied_weights(section: Mapping[str, Any], entry: Mapping[str, Any]) -> int:
    """Return the weights of the layer that a section of a study looks at, given its data set's entry."""
    return sizes.weights_of_layer(Run(hidden_widths=section["hidden_widths"]), section["layer"], entry)


def is_known(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of the data sets says how many images there are, and of how many pixels."""
    return None not in (entry["image_shape"], entry["training_images"])


def seconds_by_rule(jobs: Sequence[Job], costs: Mapping[str, Any]) -> dict[str, float]:
    """Return how long a job of each rule takes in the mean, its start included; arguments as for `lines`."""
    rules = dict.fromkeys(job.rule for job in jobs)
    times = {rule: [seconds(job, costs) for job in jobs if job.rule == rule] for rule in rules}
    return {rule: costs["start_seconds"] + sum(values) / len(values) for rule, values in times.items()}


def lines(jobs: Sequence[Job], costs: Mapping[str, Any], cores: int, *, whole: bool) -> list[str]:
    """Return a plan as lines of text: by rule jobs, networks, core-hours, the longest job and the largest memory.

    Args:
        jobs: From `jobs_of`.
        costs: From `fitted_costs`, with "start_seconds" and "other_jobs".
        cores: How many work at a time.
        whole: Whether the tables, figures, notebooks and reports of a whole study come on top.
    """
    head = f"{'rule':26} {'jobs':>5} {'networks':>9} {'core-hours':>11} {'longest job':>12} {'memory':>8}"
    rows, longest = [head], 0.0
    start, total, count = costs["start_seconds"], 0.0, 0
    for rule in dict.fromkeys(job.rule for job in jobs):
        members = [job for job in jobs if job.rule == rule]
        times = [start + seconds(job, costs) for job in members]
        networks = f"{sum(job.networks for job in members):,}" if rule == "train_ensemble" else ""
        numbers = f"{len(members):5,} {networks:>9} {sum(times) / 3600:11.2f} {_duration(max(times)):>12}"
        rows.append(f"{rule:26} {numbers} {max(memory(job, costs) for job in members) / 2**30:5.1f} GiB")
        total, count, longest = total + sum(times), count + len(members), max(longest, *times)
    if whole:
        others = costs["other_jobs"]
        time = others["jobs"] * (start + others["seconds"])
        rows.append(f"{'tables, figures, reports':26} {others['jobs']:5,} {'':>9} {time / 3600:11.2f}")
        total, count = total + time, count + others["jobs"]
    rows.append(f"{'together':26} {count:5,} {'':>9} {total / 3600:11.2f}")
    rows.append(f"on {cores} cores about {_duration(max(total / cores, longest))}")
    return rows


def training_job(chunk: grids.Chunk, entry: Mapping[str, Any], steps: Steps) -> Job:
    """The job that trains a chunk."""
    work = {"steps": 0.0, "updates": 0.0, "evaluations": 0.0}
    for run in chunk.runs:
        count = steps(run, sizes.training_images(run, entry))
        work["steps"] = max(work["steps"], count)
        work["updates"] += count * run.batch_size * sizes.weights(run, entry)
        if run.stop_on == "training_set":
            work["evaluations"] += count * run.batch_size * sizes.weights(run, entry)
    return _job("train_ensemble", work, entry, networks=len(chunk.runs))


def window_jobs(study: Mapping[str, Any], chunk: grids.Chunk, entry: Mapping[str, Any], steps: Steps) -> dict[str, Job]:
    """The jobs that measure a chunk of feng2021, by rule."""
    settings, reference_runs = study["feng2021"], studies.reference_runs(study)
    work: dict[str, list[Mapping[str, float]]] = {"measure_fluctuations": [], "measure_flatness": [], "measure_noise": []}
    for run in chunk.runs:
        reference = grids.run_id(run, study["dataset"]) in reference_runs
        windows = window_plans.plans_of_run(settings, run, sizes.training_images(run, entry), reference=reference)
        work["measure_fluctuations"].append(window_plans.fluctuations_work(windows, run, entry))
        work["measure_flatness"].append(window_plans.landscape_work(windows, settings, run, entry, reference=reference))
        work["measure_noise"].append(_noise_work(run, settings, entry, steps))
    run, runs = chunk.runs[0], len(chunk.runs)
    studied = sizes.weights_of_layer(run, settings["layer"], entry)
    matrices = _dense_bytes(studied)
    if studied > DENSE_LIMIT:
        windows = window_plans.plans_of_run(settings, run, sizes.training_images(run, entry), reference=True)
        matrices = window_plans.window_bytes(windows, run, entry, runs)
    return {rule: _job(rule, _summed(parts), entry, matrices) for rule, parts in work.items()}


def control_jobs(study: Mapping[str, Any], entry: Mapping[str, Any], steps: Steps) -> list[Job]:
    """The jobs that measure what is set beside the reference setting of feng2021, of all seeds at once."""
    settings, parts = study["feng2021"], studies.control_parts(study)
    drawn_otherwise = parts["drawn_otherwise"]
    passes = window_plans.NESTED_SAMPLINGS * max(settings["controls"]["nested_window_epochs"])
    stepped = sum(passes * sizes.training_images(run, entry) * sizes.weights(run, entry) for run in drawn_otherwise)
    followed = sum(_noise_work(run, settings, entry, steps)["evaluations"] for run in parts["label_noise"])
    compared = sum(2 * _noise_work(run, settings, entry, steps)["evaluations"] for run in drawn_otherwise)
    matrices = _dense_bytes(min(studied_weights(settings, entry), DENSE_LIMIT))
    return [
        _job("measure_nested_windows", {"updates": stepped}, entry, matrices),
        _job("measure_paired_runs", {"evaluations": compared}, entry),
        _job("measure_label_noise", {"evaluations": followed}, entry, matrices),
        _width_job(settings, [*_reference_of(study), *parts["other_widths"]], entry),
    ]


def _width_job(settings: Mapping[str, Any], runs: Sequence[Run], entry: Mapping[str, Any]) -> Job:
    work = [window_plans.width_work(settings, run, entry) for run in runs]
    return _job("measure_widths", _summed(work), entry, max(window_plans.moments_bytes(settings, run, entry) for run in runs))


def protocol_jobs(study: Mapping[str, Any], entry: Mapping[str, Any]) -> list[Job]:
    """The job that measures the reference setting of feng2021 by several protocols."""
    settings, runs = study["feng2021"], _reference_of(study)
    work = [window_plans.protocol_work(settings, run, entry) for run in runs]
    return [
        _job("measure_published", _summed(work), entry, _dense_bytes(sizes.weights_of_layer(runs[0], settings["layer"], entry)))
    ]


def generalization_job(chunk: grids.Chunk, entry: Mapping[str, Any]) -> Job:
    """The job that measures a chunk for figure 4 of yang2023."""
    amount = sum(sizes.training_images(run, entry) * sizes.weights(run, entry) for run in chunk.runs)
    return _job("measure_generalization", {"evaluations": amount}, entry)


def edge_jobs(study: Mapping[str, Any], entry: Mapping[str, Any]) -> list[Job]:
    """The job that measures all networks up to the edge at once."""
    edge, parts = study["yang2023"]["edge"], studies.followed_parts(study)
    points = len(edge["followed_epochs"]) + 1
    drawn = 3 * edge["sharpness_images"]  # there and back, and along the gradient
    networks = {part: len(runs) * (1 if part == "initial_scale" else points) for part, runs in parts.items()}
    sharpness = drawn * (len(studies.runs_of(study, "yang2023")) + sum(networks.values()))
    control = sizes.training_images(parts["control"][0], entry) * (networks["control"] + networks["initial_scale"])
    weights = sizes.weights(parts["control"][0], entry)
    return [_job("measure_edge", {"evaluations": (sharpness + control) * weights}, entry)]


def duality_job(study: Mapping[str, Any], chunk: grids.Chunk, entry: Mapping[str, Any]) -> Job:
    """The job that measures a chunk of the sweeps of feng2023."""
    settings = study["feng2023"]
    points = len(settings["equal_losses"]) + len(settings["equal_epochs"])
    studied = sizes.weights_of_layer(chunk.runs[0], settings["layer"], entry)
    if studied > DENSE_LIMIT:
        products = window_plans.PRODUCTS_PER_DIRECTION * WIDE_LAYER_DIRECTIONS
        images = points * products * sum(sizes.training_images(run, entry) for run in chunk.runs)
        work = {"hessians": images * sizes.weights(chunk.runs[0], entry), "eigen": 0}
        return _job("measure_duality", work, entry, _basis_bytes(studied))
    hessians = sum(points * sizes.training_images(run, entry) * studied**2 / 4 for run in chunk.runs)
    return _job(
        "measure_duality", {"hessians": hessians, "eigen": len(chunk.runs) * points * studied**3}, entry, _basis_bytes(studied)
    )


def chunk_job(rule: str, study: Mapping[str, Any], chunk: grids.Chunk, entry: Mapping[str, Any], steps: Steps) -> Job:
    """The job of a rule that measures a chunk."""
    if rule == "measure_generalization":
        return generalization_job(chunk, entry)
    if rule == "measure_duality":
        return duality_job(study, chunk, entry)
    return window_jobs(study, chunk, entry, steps)[rule]


def sweep_jobs(study: Mapping[str, Any], entry: Mapping[str, Any]) -> list[Job]:
    """The jobs that measure all sweeps of feng2023 at once."""
    settings, runs = study["feng2023"], studies.runs_of(study, "feng2023")
    studied = sizes.weights_of_layer(runs[0], settings["layer"], entry)
    seeds, dropped = len(settings["seeds"]), sum(run.dropout > 0 for run in runs)
    decomposed = {
        "measure_pairs": seeds,
        "measure_dropout": dropped,
        "rescale_networks": seeds * len(settings["rescaling_factors"]),
    }
    each = studied**3 if studied <= DENSE_LIMIT else studied * (window_plans.PRODUCTS_PER_DIRECTION * WIDE_LAYER_DIRECTIONS) ** 2
    return [_job(rule, {"eigen": count * each}, entry, _basis_bytes(studied)) for rule, count in decomposed.items()]


def toy_jobs(study: Mapping[str, Any], entry: Mapping[str, Any]) -> list[Job]:
    """The jobs of the toy model that take long."""
    section = study["yang2023"]
    return [_job(rule, amounts, entry) for rule, amounts in toy_plans.work(section["toy"], len(section["seeds"])).items()]


def _reference_of(study: Mapping[str, Any]) -> list[Run]:
    """The runs of feng2021's reference setting."""
    names = studies.reference_runs(study)
    return [run for run in studies.runs_of(study, "feng2021") if grids.run_id(run, study["dataset"]) in names]


def _noise_work(run: Run, settings: Mapping[str, Any], entry: Mapping[str, Any], steps: Steps) -> dict[str, float]:
    """What the noise of a run of feng2021 takes, at every checkpoint."""
    images, epoch_steps = sizes.training_images(run, entry), sizes.epoch_steps(run, entry)
    epochs = max(1, round(steps(run, images) / epoch_steps))
    checkpoints = len(log_spaced_steps(settings["checkpoints_per_decade"], epoch_steps, epochs))
    return {"evaluations": checkpoints * images * sizes.weights(run, entry)}


def _summed(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Amounts of work of several networks, by kind."""
    return {kind: sum(part[kind] for part in parts) for kind in parts[0]}


def _duration(time: float) -> str:
    return f"{time:.0f} s" if time < 120 else f"{time / 60:.0f} min" if time < 7200 else f"{time / 3600:.1f} h"


def _dense_bytes(studied: int) -> float:
    """Bytes of a matrix of all weights of the studied layer with each other."""
    return float(8 * studied**2)


def _basis_bytes(studied: int) -> float:
    """Bytes of the matrix in which the gap is decomposed: dense, or of a layer too wide for that the one that gives directions."""
    if studied <= DENSE_LIMIT:
        return _dense_bytes(studied)
    return float(8 * studied * window_plans.PRODUCTS_PER_DIRECTION * WIDE_LAYER_DIRECTIONS)


def _job(rule: str, work: Mapping[str, float], entry: Mapping[str, Any], matrices: float = 0.0, networks: int = 0) -> Job:
    # As they are stored, in float32, and where they are measured in float64, once whole and once as chosen.
    each = 0 if rule.startswith(("simulate", "solve")) else 1 + 4 if rule == "train_ensemble" else 1 + 4 + 2 * 8
    images = float(each * entry["training_images"] * sizes.pixels(entry))
    return Job(rule, networks, {kind: amount / GIGA for kind, amount in work.items()}, images, matrices)


def _needed(complete: Mapping[str, Any], name: str, sections: Collection[str]) -> list[tuple[Mapping[str, Any], str]]:
    """Each study and section whose networks are trained."""
    compared = complete[name]["feng2021"]["compared_studies"] if "feng2021" in sections else []
    own = [*sections, *(CONTROLS[section] for section in sections if section in CONTROLS)]
    return [(complete[name], section) for section in own] + [(complete[other], "feng2021") for other in compared]
