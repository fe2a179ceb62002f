"""Which windows of steps are measured around the runs of feng2021, and the work that this is.

The measurements go by these plans, and so do the estimates of what they take. Without torch: Snakemake loads this when it starts.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.ranks import DENSE_LIMIT, last_rank
from sgdphysics.runs import Run
from sgdphysics.study import sizes
from sgdphysics.window_settings import WindowSettings, flatness_bases

FEWEST_STEPS = 3  # of a window: two components, whose variances can be compared
EVALUATIONS_PER_EDGE = 6  # of the loss, to find where the flat region ends; the fit of the cost makes up for the exact number
PRODUCTS_PER_DIRECTION = 3  # with the Hessian, by which its sharpest directions are found without building it, about
_PASSES = 3  # through a window: the first is stepped through twice, the second once
_HALVES = 2  # the first window and the second, of each of which there are moments
NESTED_SAMPLINGS = 2  # in which nested windows are stepped through: as the runs draw, and the other way
_RANGES = 2  # over which minima are counted along a direction
_WIDTH_SOURCES = 2  # whose components are counted at every width: SGD and an isotropic walk
_PROTOCOL_EPOCHS = 7  # stepped through for all protocols, in window lengths: four windows, and what lies between them and before
_PROTOCOL_SOURCES = 8  # whose principal components are found: SGD in four windows, and frozen noise in as many


@dataclass(frozen=True)
class WindowPlan:
    """A window to be measured.

    Attributes:
        role: "main" (of every run), "longer" or "early" (of runs at the reference setting).
        start: Where it starts: "after_stop", "before_stop", or the epochs trained before it.
        landscape: Whether its centre and directions are kept, and the landscape and the noise are measured there.
        settings: How it is measured.
        fluctuations: Whether what the weights do in it counts as fluctuations.
    """

    role: str
    start: str | int
    landscape: bool
    settings: WindowSettings
    fluctuations: bool = True


def has_noise(run: Run, images: int) -> bool:
    """Whether batches of a run that trains on so many images differ from each other: if not, it is gradient descent."""
    return run.sampling == "replacement" or run.batch_size < images


def plans_of_run(settings: Mapping[str, Any], run: Run, images: int, *, reference: bool) -> list[WindowPlan]:
    """Return the windows that are measured of a run, the main one first.

    Of gradient descent, without noise, there is the main one only, without surrogates of the noise: its centre and directions are
    places in the landscape, and the weights do not fluctuate.

    Args:
        settings: Those of feng2021 in a study.
        run: The run.
        images: How many it trains on.
        reference: Whether the run is at the reference setting, where there is more than the main window, and more in it: the whole
            spectrum, both schemes of the noise (draws without replacement only where they have any) and the further rungs of the
            ladder. Early windows are left out where an epoch is shorter than ``FEWEST_STEPS``.
    """
    further = {settings["minibatch_rank"], *range(1, settings["sharpest_directions"] + 1)}
    further.update(*(settings[key] for key in ("trajectory_ranks", "annealing_ranks", "slice_ranks")))
    main = WindowSettings(
        layer=settings["layer"],
        epochs=settings["window_epochs"],
        centre=settings["centre"],
        directions=settings["directions"],
        further_ranks=tuple(sorted(further)),
        whole_spectrum=False,
        hessian=True,
        noise_sampling=(settings["sampling"],),
        isotropic=False,
    )
    position = settings["window_position"]
    if not has_noise(run, images):
        return [WindowPlan("main", position, landscape=True, settings=replace(main, noise_sampling=()), fluctuations=False)]
    if not reference:
        return [WindowPlan("main", position, landscape=True, settings=main)]
    schemes = ("epoch", "replacement") if run.batch_size < images else ("replacement",)
    full = replace(main, whole_spectrum=True, noise_sampling=schemes, isotropic=True, ladder=True)
    plans = [WindowPlan("main", position, landscape=True, settings=full)]
    for epochs in settings["longer_window_epochs"]:
        # The surrogate is for comparing a window with one twice as long; it costs as much as SGD.
        sampling = main.noise_sampling if epochs <= 2 * main.epochs else ()
        longer = replace(main, epochs=epochs, noise_sampling=sampling)
        plans.append(WindowPlan("longer", position, landscape=True, settings=longer))
    if images // run.batch_size < FEWEST_STEPS:
        return plans
    early = replace(main, epochs=1, whole_spectrum=True, hessian=False, isotropic=True)
    return plans + [WindowPlan("early", epoch - 1, landscape=False, settings=early) for epoch in settings["early_epochs"]]


def faults(settings: Mapping[str, Any], run: Run, images: int, *, reference: bool) -> list[str]:
    """Return a line for every window of a run that is asked for and too short to be measured; arguments as for `plans_of_run`."""
    epoch_steps, lines = images // run.batch_size, []
    for plan in plans_of_run(settings, run, images, reference=reference):
        key = {"main": "window_epochs", "longer": "longer_window_epochs"}.get(plan.role)
        if key and plan.settings.epochs * epoch_steps < FEWEST_STEPS:
            fewest = ceil(FEWEST_STEPS / epoch_steps)
            reason = f"of batch size {run.batch_size} an epoch has {epoch_steps} of the {FEWEST_STEPS} steps that a window needs"
            lines.append(f"{key}: found {plan.settings.epochs}, expected at least {fewest}: {reason}")
    return lines


def left_out(settings: Mapping[str, Any], run: Run, images: int, *, reference: bool, weights: int | None = None) -> list[str]:
    """Return what cannot be measured of a run around its windows, each as a sentence.

    Arguments as for `plans_of_run`, and the weights of the studied layer where they are known.
    """
    if not has_noise(run, images):
        cause = f"every batch of {run.batch_size} is all {images} training images, so there is no noise"
        return [f"{cause}: no fluctuations, no spectrum, no exponent, no temperature"]
    steps, sentences = images // run.batch_size, []
    if reference and steps < FEWEST_STEPS and settings["early_epochs"]:
        cause = f"of batch size {run.batch_size} an epoch has {steps} of the {FEWEST_STEPS} steps that a window needs"
        sentences.append(f"{cause}: no early windows, which have one epoch")
    if reference and weights is not None and weights > DENSE_LIMIT:
        cause = f"a layer of {weights} weights is too wide for the whole Hessian ({DENSE_LIMIT} at most)"
        sentences.append(f"{cause}: no linear SGD among the nulls")
    return sentences


def plans_of_chunk(
    runs: Mapping[str, Run], images: int, reference_runs: Collection[str], settings: Mapping[str, Any]
) -> Iterator[tuple[WindowPlan, list[str]]]:
    """Yield the windows that are measured of the runs of a chunk, each with the names of the runs, which are stepped together.

    Args:
        runs: By name.
        images: How many each trains on.
        reference_runs: Names of the runs at the reference setting.
        settings: Those of feng2021 in a study.

    Raises:
        InputError: If a window is too short to be measured.
    """
    for reference in (False, True):
        members = [name for name in runs if (name in reference_runs) == reference]
        if not members:
            continue
        if lines := faults(settings, runs[members[0]], images, reference=reference):
            raise InputError("; ".join(lines))
        for plan in plans_of_run(settings, runs[members[0]], images, reference=reference):
            yield plan, members


def fluctuations_work(plans: Sequence[WindowPlan], run: Run, entry: Mapping[str, Any]) -> dict[str, int]:
    """Return the work of measuring the windows of a run: its steps, the moments of every source, and their principal components.

    All windows are counted with the sources and the Hessian of the main one, as they were when `config/costs.yaml` was fitted; at
    the reference setting the others have fewer. Of a layer too wide for dense matrices the Hessian's directions take products with
    all images in their place.
    """
    main = plans[0].settings
    studied = sizes.weights_of_layer(run, main.layer, entry)
    dense = studied <= DENSE_LIMIT
    steps = [plan.settings.epochs * sizes.epoch_steps(run, entry) for plan in plans]
    sources = len(main.sources)
    products = 0 if dense else sum(PRODUCTS_PER_DIRECTION * last_rank(length, studied) for length in steps)
    images = sum(_PASSES * length * run.batch_size for length in steps) + products * sizes.training_images(run, entry)
    return {
        "updates": images * sizes.weights(run, entry),
        "moments": sum(_HALVES * sources * length * min(length, studied) * studied for length in steps),
        "eigen": sum((sources + (main.hessian and dense)) * min(length, studied) ** 3 for length in steps),
    }


def window_bytes(plans: Sequence[WindowPlan], run: Run, entry: Mapping[str, Any], runs: int) -> float:
    """Return the bytes of the largest matrix that the windows of a layer too wide for dense matrices need.

    It is of all weights with the steps, or with each other where there are more steps; every second run that is stepped together
    adds as much again, since of each two windows are kept.
    """
    studied = sizes.weights_of_layer(run, plans[0].settings.layer, entry)
    steps = max(plan.settings.epochs for plan in plans) * sizes.epoch_steps(run, entry)
    kept = min(steps, studied) * ceil(runs / 2)
    return float(8 * studied * max(kept, PRODUCTS_PER_DIRECTION * last_rank(steps, studied)))


def landscape_work(
    plans: Sequence[WindowPlan], settings: Mapping[str, Any], run: Run, entry: Mapping[str, Any], *, reference: bool
) -> dict[str, int]:
    """Return the work of measuring the landscape around a run: evaluations of the loss for the edges of the flat region, and at the
    reference setting for minima.

    Only the main window is counted, as when `config/costs.yaml` was fitted; at the reference setting there are longer ones too.
    """
    main = plans[0].settings
    evaluations = 2 * EVALUATIONS_PER_EDGE * main.directions * len(flatness_bases(main.sources))
    if reference:
        lines = settings["slice_directions"] + settings["slice_random_directions"]
        evaluations += _RANGES * lines * settings["slice_points"]
    return {"evaluations": evaluations * sizes.training_images(run, entry) * sizes.weights_above(run, main.layer, entry)}


def protocol_work(settings: Mapping[str, Any], run: Run, entry: Mapping[str, Any]) -> dict[str, int]:
    """Return the work of measuring a run by the published protocol and by ours with one part of it at a time."""
    steps = settings["window_epochs"] * sizes.epoch_steps(run, entry)
    studied = sizes.weights_of_layer(run, settings["layer"], entry)
    evaluations = 2 * EVALUATIONS_PER_EDGE * settings["directions"] * _PROTOCOL_SOURCES
    return {
        "updates": _PROTOCOL_EPOCHS * steps * run.batch_size * sizes.weights(run, entry),
        "evaluations": evaluations * sizes.training_images(run, entry) * sizes.weights_above(run, settings["layer"], entry),
        "eigen": _PROTOCOL_SOURCES * min(steps, studied) ** 3,
    }


def width_work(settings: Mapping[str, Any], run: Run, entry: Mapping[str, Any]) -> dict[str, int]:
    """Return the work of counting the components of a run's main window, and of a walk as long."""
    steps = settings["window_epochs"] * sizes.epoch_steps(run, entry)
    studied = sizes.weights_of_layer(run, settings["layer"], entry)
    return {
        "updates": steps * run.batch_size * sizes.weights(run, entry),
        "moments": _WIDTH_SOURCES * steps * min(steps, studied) * studied,
        "eigen": _WIDTH_SOURCES * min(steps, studied) ** 3,
    }


def moments_bytes(settings: Mapping[str, Any], run: Run, entry: Mapping[str, Any]) -> float:
    """Return the bytes of the moments of a run's main window: all weights of its steps, or their products where steps are more."""
    steps = settings["window_epochs"] * sizes.epoch_steps(run, entry)
    studied = sizes.weights_of_layer(run, settings["layer"], entry)
    return float(8 * studied * min(steps, studied))
