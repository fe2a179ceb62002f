"""Which windows of steps are measured around the runs of feng2021, and the work that this is.

The measurements go by these plans, and so do the estimates of what they take. Without torch: Snakemake loads this when it starts.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sgdphysics.runs import Run
from sgdphysics.study import sizes
from sgdphysics.window_settings import WindowSettings, flatness_bases

EVALUATIONS_PER_EDGE = 6  # of the loss, to find where the flat region ends; the fit of the cost makes up for the exact number
_PASSES = 3  # through a window: the first is stepped through twice, the second once
_HALVES = 2  # the first window and the second, of each of which there are moments
_RANGES = 2  # over which minima are counted along a direction


@dataclass(frozen=True)
class WindowPlan:
    """A window to be measured.

    Attributes:
        role: "main" (of every run), "longer" or "early" (of runs at the reference setting).
        start: Where it starts: "after_stop", "before_stop", or the epochs trained before it.
        landscape: Whether its centre and directions are kept, and the landscape and the noise are measured there.
        settings: How it is measured.
    """

    role: str
    start: str | int
    landscape: bool
    settings: WindowSettings


def plans_of_run(settings: Mapping[str, Any], *, reference: bool) -> list[WindowPlan]:
    """Return the windows that are measured of a run, the main one first.

    Args:
        settings: Those of feng2021 in a study.
        reference: Whether the run is at the reference setting, where there is more than the main window, and more in it: the whole
            spectrum, both schemes of the noise and the isotropic walk.
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
    if not reference:
        return [WindowPlan("main", position, landscape=True, settings=main)]
    full = replace(main, whole_spectrum=True, noise_sampling=("epoch", "replacement"), isotropic=True)
    plans = [WindowPlan("main", position, landscape=True, settings=full)]
    for epochs in settings["longer_window_epochs"]:
        # The surrogate is for comparing a window with one twice as long; it costs as much as SGD.
        sampling = main.noise_sampling if epochs <= 2 * main.epochs else ()
        longer = replace(main, epochs=epochs, noise_sampling=sampling)
        plans.append(WindowPlan("longer", position, landscape=True, settings=longer))
    early = replace(main, epochs=1, whole_spectrum=True, hessian=False, isotropic=True)
    return plans + [WindowPlan("early", epoch - 1, landscape=False, settings=early) for epoch in settings["early_epochs"]]


def plans_of_chunk(
    names: Iterable[str], reference_runs: Collection[str], settings: Mapping[str, Any]
) -> Iterator[tuple[WindowPlan, list[str]]]:
    """Yield the windows that are measured of the runs of a chunk, each with the names of the runs, which are stepped together."""
    names = list(names)
    for reference in (False, True):
        members = [name for name in names if (name in reference_runs) == reference]
        for plan in plans_of_run(settings, reference=reference) if members else ():
            yield plan, members


def fluctuations_work(plans: Sequence[WindowPlan], run: Run, entry: Mapping[str, Any]) -> dict[str, int]:
    """Return the work of measuring the windows of a run: its steps, the moments of every source, and their principal components.

    All windows are counted with the sources and the Hessian of the main one, as they were when `config/costs.yaml` was fitted; at
    the reference setting the others have fewer.
    """
    main = plans[0].settings
    studied = sizes.weights_of_layer(run, main.layer, entry)
    steps = [plan.settings.epochs * sizes.epoch_steps(run, entry) for plan in plans]
    sources = len(main.sources)
    return {
        "updates": sum(_PASSES * length * run.batch_size * sizes.weights(run, entry) for length in steps),
        "moments": sum(_HALVES * sources * length * min(length, studied) * studied for length in steps),
        "eigen": sum((sources + main.hessian) * min(length, studied) ** 3 for length in steps),
    }


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
