"""Which windows are measured around the runs of feng2021, and the work that they are."""

import math
from dataclasses import replace

import pytest

from cases import small_data
from sgdphysics import training, window_landscape, windows
from sgdphysics.errors import InputError
from sgdphysics.study import sizes, window_plans
from sgdphysics.window_settings import flatness_bases

SETTINGS = {
    "layer": 1,
    "sampling": "epoch",
    "window_epochs": 6,
    "longer_window_epochs": [12, 24],
    "window_position": "after_stop",
    "centre": "window_mean",
    "early_epochs": [1, 3],
    "directions": 6,
    "trajectory_ranks": [1, 2],
    "annealing_ranks": [1, 7],
    "slice_ranks": [4],
    "minibatch_rank": 9,
    "sharpest_directions": 3,
    "slice_directions": 5,
    "slice_random_directions": 3,
    "slice_points": 11,
}
RUN = training.Run(hidden_widths=(6, 5), batch_size=8, max_epochs=4)
ENTRY = {"image_shape": [2, 4], "classes": 3, "training_images": 40}


def test_a_run_has_one_window_and_at_the_reference_setting_longer_and_early_ones():
    (window,) = window_plans.plans_of_run(SETTINGS, RUN, 40, reference=False)
    assert (window.role, window.start, window.landscape) == ("main", "after_stop", True)
    assert window.settings.sources == ["sgd", "noise_epoch"]
    assert window.settings.further_ranks == (1, 2, 3, 4, 7, 9)
    plans = window_plans.plans_of_run(SETTINGS, RUN, 40, reference=True)
    assert [(plan.role, plan.start, plan.settings.epochs) for plan in plans] == [
        *(("main", "after_stop", 6), ("longer", "after_stop", 12), ("longer", "after_stop", 24)),
        *(("early", 0, 1), ("early", 2, 1)),
    ]
    assert [plan.settings.sources for plan in plans] == [
        ["sgd", "noise_epoch", "noise_replacement", "isotropic", "rotated_noise", "linear_sgd"],
        *(["sgd", "noise_epoch"], ["sgd"]),
        *[["sgd", "noise_epoch", "isotropic"]] * 2,
    ]
    assert [plan.landscape for plan in plans] == [plan.settings.hessian for plan in plans] == [True, True, True, False, False]
    assert [plan.settings.whole_spectrum for plan in plans] == [True, False, False, True, True]
    assert all(plan.fluctuations for plan in plans)


def test_without_noise_there_is_a_place_in_the_landscape_and_nothing_fluctuates():
    descent = replace(RUN, batch_size=40)
    for reference in (False, True):
        (window,) = window_plans.plans_of_run(SETTINGS, descent, 40, reference=reference)
        assert (window.role, window.landscape, window.fluctuations) == ("main", True, False)
        assert window.settings.sources == ["sgd"]
        (sentence,) = window_plans.left_out(SETTINGS, descent, 40, reference=reference)
        assert sentence.startswith("every batch of 40 is all 40 training images, so there is no noise: no fluctuations")
    assert window_plans.left_out(SETTINGS, RUN, 40, reference=True) == []
    assert window_plans.left_out(SETTINGS, RUN, 40, reference=True, weights=5000) == []
    (sentence,) = window_plans.left_out(SETTINGS, RUN, 40, reference=True, weights=5001)
    assert sentence == "a layer of 5001 weights is too wide for the whole Hessian (5000 at most): no linear SGD among the nulls"
    assert window_plans.left_out(SETTINGS, RUN, 40, reference=False, weights=5001) == []
    # Independent draws are noise at any batch size; a surrogate that draws each image once has none then.
    independent = replace(descent, sampling="replacement")
    plans = window_plans.plans_of_run(SETTINGS | {"sampling": "replacement"}, independent, 40, reference=True)
    assert plans[0].settings.sources == ["sgd", "noise_replacement", "isotropic", "rotated_noise", "linear_sgd"]


def test_early_windows_are_left_out_where_an_epoch_is_too_short():
    for size, roles in ((13, {"main", "longer", "early"}), (14, {"main", "longer"}), (39, {"main", "longer"})):
        run = replace(RUN, batch_size=size)
        assert {plan.role for plan in window_plans.plans_of_run(SETTINGS, run, 40, reference=True)} == roles
        said = window_plans.left_out(SETTINGS, run, 40, reference=True)
        assert said == [] if "early" in roles else said[0].endswith("no early windows, which have one epoch")
        assert window_plans.left_out(SETTINGS, run, 40, reference=False) == []


@pytest.mark.parametrize(
    ("size", "main", "longer", "lines"),
    [
        (8, 1, [1], []),
        (
            20,
            1,
            [1, 2],
            [
                "window_epochs: found 1, expected at least 2: of batch size 20 an epoch has 2 of the 3 steps that a window needs",
                "longer_window_epochs: found 1, expected at least 2: of batch size 20 an epoch has 2 of the 3 steps"
                " that a window needs",
            ],
        ),
        (
            40,
            2,
            [1],
            ["window_epochs: found 2, expected at least 3: of batch size 40 an epoch has 1 of the 3 steps that a window needs"],
        ),
    ],
)
def test_windows_that_are_asked_for_and_too_short_are_named(size, main, longer, lines):
    settings, run = SETTINGS | {"window_epochs": main, "longer_window_epochs": longer}, replace(RUN, batch_size=size)
    assert window_plans.faults(settings, run, 40, reference=True) == lines
    if lines:
        with pytest.raises(InputError) as error:
            list(window_plans.plans_of_chunk({"a": run}, 40, ["a"], settings))
        assert str(error.value) == "; ".join(lines)


def test_runs_of_a_chunk_are_stepped_together_apart_from_those_of_the_reference_setting():
    runs = {name: replace(RUN, seed=seed) for seed, name in enumerate("abc")}
    planned = list(window_plans.plans_of_chunk(runs, 40, ["b"], SETTINGS))
    assert [(plan.role, names) for plan, names in planned] == [
        *(("main", ["a", "c"]), ("main", ["b"]), ("longer", ["b"]), ("longer", ["b"]), ("early", ["b"]), ("early", ["b"])),
    ]
    assert list(window_plans.plans_of_chunk({}, 0, ["b"], SETTINGS)) == []
    assert {plan.role for plan, _ in window_plans.plans_of_chunk({"a": RUN}, 40, ["b"], SETTINGS)} == {"main"}


@pytest.mark.parametrize("reference", [False, True])
def test_what_is_planned_is_measured(reference):
    images, labels = small_data(n=40, pixels=8)
    images = images.float()
    (result,) = training.train([RUN], images, labels, checkpoint_steps=[0, 5, 10, 15])
    plan = window_plans.plans_of_run(SETTINGS, RUN, 40, reference=reference)[0]
    start = windows.window_start(result, plan.start, plan.settings.epochs, images, labels)
    (window,) = windows.measure_windows([RUN], [start], images, labels, plan.settings)
    assert list(window.sources) == plan.settings.sources
    rows = window_landscape.WindowLandscape(window, RUN, images.double(), labels, math.e).flatness_rows()
    bases = flatness_bases(plan.settings.sources)
    assert list(rows.groupby(["source", "basis"], sort=False).groups) == bases
    assert len(bases) == (7 if reference else 3)


def test_work_is_in_proportion_to_what_makes_it():
    plans = window_plans.plans_of_run(SETTINGS, RUN, 40, reference=False)
    work = window_plans.fluctuations_work(plans, RUN, ENTRY)
    # 6 epochs of 5 steps; 8 * 6 + 6 * 5 + 5 * 3 weights, of which 30 in the layer; SGD and one walk, and the Hessian.
    assert work == {"updates": 3 * 30 * 8 * 93, "moments": 2 * 2 * 30 * 30 * 30, "eigen": 3 * 30**3}
    assert window_plans.fluctuations_work(plans, replace(RUN, batch_size=4), ENTRY)["moments"] == 2 * work["moments"]
    landscape = window_plans.landscape_work(plans, SETTINGS, RUN, ENTRY, reference=False)
    assert landscape == {"evaluations": 2 * 6 * 6 * 3 * 40 * (5 + 15)}
    at_reference = window_plans.landscape_work(
        window_plans.plans_of_run(SETTINGS, RUN, 40, reference=True), SETTINGS, RUN, ENTRY, reference=True
    )
    assert at_reference == {"evaluations": (2 * 6 * 6 * 7 + 2 * 8 * 11) * 40 * (5 + 15)}


def test_the_work_and_memory_of_a_layer_too_wide_for_dense_matrices_are_those_of_its_directions():
    wide = replace(RUN, hidden_widths=(100, 100))
    plans = window_plans.plans_of_run(SETTINGS, wide, 40, reference=False)
    work = window_plans.fluctuations_work(plans, wide, ENTRY)
    weights = 8 * 100 + 100 * 100 + 100 * 3
    # 6 epochs of 5 steps: 7 directions, by three products each with all images; the two sources have 30 steps, not 10,000 weights.
    assert work["updates"] == (3 * 30 * 8 + 3 * 7 * 40) * weights
    assert work["eigen"] == 2 * 30**3
    assert window_plans.window_bytes(plans, wide, ENTRY, 1) == 8 * 10_000 * 30
    assert window_plans.window_bytes(plans, wide, ENTRY, 6) == 3 * 8 * 10_000 * 30
    longer = window_plans.plans_of_run(SETTINGS | {"window_epochs": 10_000}, wide, 40, reference=False)
    assert window_plans.window_bytes(longer, wide, ENTRY, 1) == 8 * 10_000 * 10_000  # of all weights with each other


def test_images_of_noisy_labels_come_on_top_of_the_clean_ones():
    run = replace(RUN, images_per_class=9, label_noise=0.25)
    assert sizes.training_images(run, ENTRY) == 36
    assert sizes.epoch_steps(run, ENTRY) == 4
    assert sizes.training_images(RUN, ENTRY) == 40
