"""The plan of a study: its jobs, with their amounts of work, and the lines that tell what they take."""

from pathlib import Path

import pytest
import yaml

from sgdphysics.errors import InputError
from sgdphysics.study import inheritance, plans, sizes, studies
from sgdphysics.study.costs import Job

CONFIG = Path(__file__).parents[2] / "config"
ENTRIES = yaml.safe_load((CONFIG / "datasets.yaml").read_text())["datasets"]
COSTS = yaml.safe_load((CONFIG / "costs.yaml").read_text())


def complete(*names):
    config = {}
    for name in ("config", *names):
        config = inheritance.merged(config, yaml.safe_load((CONFIG / f"{name}.yaml").read_text()))
    return inheritance.resolved(config)["studies"]


def test_the_pixels_of_an_image_of_any_shape():
    assert [sizes.pixels({"image_shape": shape}) for shape in ([40], [20, 30])] == [40, 600]


def work_of(jobs, rule, kind):
    return sum(job.work[kind] for job in jobs if job.rule == rule)


def test_every_network_of_a_study_is_planned_once():
    configured = complete()
    jobs = plans.jobs_of(configured, "mnist5k", ENTRIES, COSTS)
    wanted = {run for section in studies.SECTIONS for run in studies.runs_of(configured["mnist5k"], section)}
    assert sum(job.networks for job in jobs) == len(wanted)


def test_a_section_is_planned_by_itself():
    jobs = plans.jobs_of(complete("sweep"), "sweep", ENTRIES, COSTS, ["yang2023"])
    assert sum(job.networks for job in jobs) > 1000
    assert {"measure_generalization", "train_ensemble"} <= {job.rule for job in jobs}
    assert not [job for job in jobs if job.rule in ("measure_duality", "measure_flatness")]


def test_studies_that_are_set_beside_are_planned_too():
    configured = complete("mnist")
    alone = {
        **configured,
        "mnist": {**configured["mnist"], "feng2021": {**configured["mnist"]["feng2021"], "compared_studies": []}},
    }
    jobs, fewer = (plans.jobs_of(part, "mnist", ENTRIES, COSTS) for part in (configured, alone))
    more = [job for job in jobs if job.rule == "measure_flatness"], [job for job in fewer if job.rule == "measure_flatness"]
    assert len(more[0]) > len(more[1])


def test_work_grows_with_what_makes_it():
    base = complete()
    jobs = plans.jobs_of(base, "mnist5k", ENTRIES, COSTS)
    longer = inheritance.merged(base, {"mnist5k": {"feng2021": {"window_epochs": 20}}})
    more = plans.jobs_of(longer, "mnist5k", ENTRIES, COSTS)
    assert work_of(more, "measure_fluctuations", "moments") > 1.5 * work_of(jobs, "measure_fluctuations", "moments")
    assert work_of(more, "measure_flatness", "evaluations") == work_of(jobs, "measure_flatness", "evaluations")


def test_a_plan_says_how_long_the_longest_job_holds_it_up():
    costs = {
        "start_seconds": 0.0,
        "rules": {"train_ensemble": {"seconds": {"each": 0.0, "steps": 1.0}, "bytes": {"each": 2.0**30, "matrices": 0.0}}},
    }
    costs["other_jobs"] = {"jobs": 4, "seconds": 9.0}
    jobs = [Job("train_ensemble", 3, {"steps": s}, 0.0, 0.0) for s in (3600.0, 1800.0)]
    lines = plans.lines(jobs, costs, 8, whole=False)
    assert lines[1].split() == ["train_ensemble", "2", "6", "1.50", "60", "min", "1.0", "GiB"]
    assert lines[-1] == "on 8 cores about 60 min"
    assert plans.lines(jobs, costs, 1, whole=True)[-2].split() == ["together", "6", "1.51"]


def test_the_mean_time_of_the_jobs_of_a_rule_has_their_start_in_it():
    jobs = [Job("solve", 0, {"cells": amount}, 0.0, 0.0) for amount in (1.0, 3.0)] + [Job("train", 1, {}, 0.0, 0.0)]
    rules = {"solve": {"seconds": {"each": 1.0, "cells": 10.0}}, "train": {"seconds": {"each": 5.0}}}
    assert plans.seconds_by_rule(jobs, {"start_seconds": 6.0, "rules": rules}) == {"solve": 27.0, "train": 11.0}


def test_data_of_unknown_size_cannot_be_planned():
    unknown = {**ENTRIES, "mnist5k": {**ENTRIES["mnist5k"], "training_images": None}}
    with pytest.raises(InputError, match=r"datasets.mnist5k: found image_shape: \[28, 28\], training_images: None"):
        plans.jobs_of(complete(), "mnist5k", unknown, COSTS)


def test_what_cannot_be_measured_is_said_once_for_all_seeds():
    study, entry = complete()["mnist5k"], ENTRIES["mnist5k"]
    assert plans.not_measured(study, entry) == []
    sizes = {"batch_sizes": [50, 2000, 4000]}
    descent = inheritance.merged(study, {"feng2021": sizes})
    noise = "every batch of 4000 is all 4000 training images, so there is no noise: "
    noise += "no fluctuations, no spectrum, no exponent, no temperature"
    assert plans.not_measured(descent, entry) == [noise]
    at_reference = inheritance.merged(descent, {"feng2021": {"reference": {"learning_rate": 0.1, "batch_size": 2000}}})
    early = "of batch size 2000 an epoch has 2 of the 3 steps that a window needs: no early windows, which have one epoch"
    assert plans.not_measured(at_reference, entry) == [early, noise]
    assert plans.not_measured(descent, {**entry, "training_images": None}) == []


def test_a_layer_too_wide_for_dense_matrices_is_planned_without_them():
    """Neither time nor memory go with the square or the cube of its weights."""
    configured = complete()
    jobs = {}
    for width in (50, 100, 200):
        settings = {section: {"hidden_widths": [width, width]} for section in ("feng2021", "feng2023")}
        settings["feng2021"]["controls"] = {"other_widths": []}
        changed = inheritance.merged(configured, {"mnist5k": settings})
        jobs[width] = plans.jobs_of(changed, "mnist5k", ENTRIES, COSTS, ["feng2021", "feng2023"])
    for rule in ("measure_fluctuations", "measure_duality", "measure_pairs"):
        narrow, wide, wider = (max(job.matrices for job in jobs[width] if job.rule == rule) for width in (50, 100, 200))
        assert wider == pytest.approx(4 * wide)  # four times the weights
        assert wide < 16 * narrow
        times = [max(plans.seconds(job, COSTS) for job in jobs[width] if job.rule == rule) for width in (50, 100, 200)]
        assert times[2] < 16 * times[1] < 16 * 64 * times[0]


def test_other_widths_are_planned_beside_the_reference():
    """At 20 units the products of 400 weights are kept, at 100 the 10,000 weights of 800 steps."""
    configured = complete()
    (job,) = [job for job in plans.jobs_of(configured, "mnist5k", ENTRIES, COSTS) if job.rule == "measure_widths"]
    weights, steps = [width**2 for width in (20, 50, 100)], 800
    assert job.work["eigen"] == pytest.approx(1e-9 * 5 * 2 * sum(min(steps, count) ** 3 for count in weights))
    assert job.work["moments"] == pytest.approx(1e-9 * 5 * 2 * steps * sum(min(steps, count) * count for count in weights))
    assert job.matrices == 8 * 800 * 10_000
    alone = inheritance.merged(configured, {"mnist5k": {"feng2021": {"controls": {"other_widths": []}}}})
    jobs = plans.jobs_of(alone, "mnist5k", ENTRIES, COSTS)
    (fewer,) = [job for job in jobs if job.rule == "measure_widths"]
    assert fewer.matrices == 8 * 800 * 2500
    assert sum(job.networks for job in plans.jobs_of(configured, "mnist5k", ENTRIES, COSTS)) == 10 + sum(
        job.networks for job in jobs
    )
