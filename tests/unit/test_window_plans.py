"""Which windows are measured around the runs of feng2021, and the work that they are."""

import math
from dataclasses import replace

import pytest

from cases import small_data
from sgdphysics import training, window_landscape, windows
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
    (window,) = window_plans.plans_of_run(SETTINGS, reference=False)
    assert (window.role, window.start, window.landscape) == ("main", "after_stop", True)
    assert window.settings.sources == ["sgd", "noise_epoch"]
    assert window.settings.further_ranks == (1, 2, 3, 4, 7, 9)
    plans = window_plans.plans_of_run(SETTINGS, reference=True)
    assert [(plan.role, plan.start, plan.settings.epochs) for plan in plans] == [
        *(("main", "after_stop", 6), ("longer", "after_stop", 12), ("longer", "after_stop", 24)),
        *(("early", 0, 1), ("early", 2, 1)),
    ]
    assert [plan.settings.sources for plan in plans] == [
        *(["sgd", "noise_epoch", "noise_replacement", "isotropic"], ["sgd", "noise_epoch"], ["sgd"]),
        *[["sgd", "noise_epoch", "isotropic"]] * 2,
    ]
    assert [plan.landscape for plan in plans] == [plan.settings.hessian for plan in plans] == [True, True, True, False, False]
    assert [plan.settings.whole_spectrum for plan in plans] == [True, False, False, True, True]


def test_runs_of_a_chunk_are_stepped_together_apart_from_those_of_the_reference_setting():
    planned = list(window_plans.plans_of_chunk(iter(["a", "b", "c"]), ["b"], SETTINGS))
    assert [(plan.role, names) for plan, names in planned] == [
        *(("main", ["a", "c"]), ("main", ["b"]), ("longer", ["b"]), ("longer", ["b"]), ("early", ["b"]), ("early", ["b"])),
    ]
    assert list(window_plans.plans_of_chunk([], ["b"], SETTINGS)) == []
    assert {plan.role for plan, _ in window_plans.plans_of_chunk(["a"], ["b"], SETTINGS)} == {"main"}


@pytest.mark.parametrize("reference", [False, True])
def test_what_is_planned_is_measured(reference):
    images, labels = small_data(n=40, pixels=8)
    images = images.float()
    (result,) = training.train([RUN], images, labels, checkpoint_steps=[0, 5, 10, 15])
    plan = window_plans.plans_of_run(SETTINGS, reference=reference)[0]
    start = windows.window_start(result, plan.start, plan.settings.epochs, images, labels)
    (window,) = windows.measure_windows([RUN], [start], images, labels, plan.settings)
    assert list(window.sources) == plan.settings.sources
    rows = window_landscape.WindowLandscape(window, RUN, images.double(), labels, math.e).flatness_rows()
    bases = flatness_bases(plan.settings.sources)
    assert list(rows.groupby(["source", "basis"], sort=False).groups) == bases
    assert len(bases) == (4 if reference else 3)


def test_work_is_in_proportion_to_what_makes_it():
    plans = window_plans.plans_of_run(SETTINGS, reference=False)
    work = window_plans.fluctuations_work(plans, RUN, ENTRY)
    # 6 epochs of 5 steps; 8 * 6 + 6 * 5 + 5 * 3 weights, of which 30 in the layer; SGD and one walk, and the Hessian.
    assert work == {"updates": 3 * 30 * 8 * 93, "moments": 2 * 2 * 30 * 30 * 30, "eigen": 3 * 30**3}
    assert window_plans.fluctuations_work(plans, replace(RUN, batch_size=4), ENTRY)["moments"] == 2 * work["moments"]
    landscape = window_plans.landscape_work(plans, SETTINGS, RUN, ENTRY, reference=False)
    assert landscape == {"evaluations": 2 * 6 * 6 * 3 * 40 * (5 + 15)}
    at_reference = window_plans.landscape_work(
        window_plans.plans_of_run(SETTINGS, reference=True), SETTINGS, RUN, ENTRY, reference=True
    )
    assert at_reference == {"evaluations": (2 * 6 * 6 * 4 + 2 * 8 * 11) * 40 * (5 + 15)}


def test_images_of_noisy_labels_come_on_top_of_the_clean_ones():
    run = replace(RUN, images_per_class=9, label_noise=0.25)
    assert sizes.training_images(run, ENTRY) == 36
    assert sizes.epoch_steps(run, ENTRY) == 4
    assert sizes.training_images(RUN, ENTRY) == 40
