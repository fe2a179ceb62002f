"""The plan of a study: what its jobs will take, by costs fitted to jobs that were run."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sgdphysics.errors import InputError
from sgdphysics.networks import Mlp, initial_weights
from sgdphysics.study import inheritance, planning, studies
from sgdphysics.training import Result, Run

CONFIG = Path(__file__).parents[2] / "config"
ENTRIES = yaml.safe_load((CONFIG / "datasets.yaml").read_text())["datasets"]
COSTS = yaml.safe_load((CONFIG / "costs.yaml").read_text())
LAW = {"constant": 0.0, "learning_rate": -1.0, "batch_size": 0.0, "stop_loss": -0.5, "images": 0.5}
LAW |= {"dropout": 2.0, "label_noise": 0.0, "weight_decay": 0.3, "edge": 0.02, "share_beyond_edge": 0.25}


def complete(*names):
    config = {}
    for name in ("config", *names):
        config = inheritance.merged(config, yaml.safe_load((CONFIG / f"{name}.yaml").read_text()))
    return inheritance.resolved(config)["studies"]


def work_of(jobs, rule, kind):
    return sum(job.work[kind] for job in jobs if job.rule == rule)


def result(run, status, steps):
    network = Mlp(initial_weights((4, 3, 2), 0))
    return Result(run, status, 1, steps, None, network, {}, [1.0], [1.0])


def test_every_network_of_a_study_is_planned_once():
    configured = complete()
    jobs = planning.jobs_of(configured, "mnist5k", ENTRIES, COSTS)
    wanted = {run for section in planning.SECTIONS for run in studies.runs_of(configured["mnist5k"], section)}
    assert sum(job.networks for job in jobs) == len(wanted)


def test_a_section_is_planned_by_itself():
    jobs = planning.jobs_of(complete("sweep"), "sweep", ENTRIES, COSTS, ["yang2023"])
    assert sum(job.networks for job in jobs) > 1000
    assert {"measure_generalization", "train_ensemble"} <= {job.rule for job in jobs}
    assert not [job for job in jobs if job.rule in ("measure_duality", "measure_flatness")]


def test_studies_that_are_set_beside_are_planned_too():
    configured = complete("mnist")
    alone = {
        **configured,
        "mnist": {**configured["mnist"], "feng2021": {**configured["mnist"]["feng2021"], "compared_studies": []}},
    }
    jobs, fewer = (planning.jobs_of(part, "mnist", ENTRIES, COSTS) for part in (configured, alone))
    more = [job for job in jobs if job.rule == "measure_flatness"], [job for job in fewer if job.rule == "measure_flatness"]
    assert len(more[0]) > len(more[1])


def test_work_grows_with_what_makes_it():
    base = complete()
    jobs = planning.jobs_of(base, "mnist5k", ENTRIES, COSTS)
    longer = inheritance.merged(base, {"mnist5k": {"feng2021": {"window_epochs": 20}}})
    more = planning.jobs_of(longer, "mnist5k", ENTRIES, COSTS)
    assert work_of(more, "measure_fluctuations", "moments") > 1.5 * work_of(jobs, "measure_fluctuations", "moments")
    assert work_of(more, "measure_flatness", "evaluations") == work_of(jobs, "measure_flatness", "evaluations")


def test_steps_follow_the_law_up_to_the_cap():
    run = Run(learning_rate=0.1, batch_size=50, stop_loss=1e-3, max_epochs=100_000)
    costs = {"steps": LAW}
    steps = planning.expected_steps(run, 4000, costs=costs)
    assert planning.expected_steps(replace(run, learning_rate=0.05), 4000, costs=costs) == pytest.approx(2 * steps)
    assert planning.expected_steps(replace(run, max_steps=100), 4000, costs=costs) == 100
    assert planning.expected_steps(replace(run, stop_loss=0.0, max_epochs=7), 4000, costs=costs) == 7 * 80
    beyond = replace(run, learning_rate=2.0, max_steps=1000)
    assert planning.expected_steps(beyond, 4000, costs=costs) == 250


def test_the_law_is_found_from_trained_runs():
    costs, results = {"steps": LAW}, []
    for rate in (0.05, 0.1, 0.2, 0.5):
        for size in (10, 50):
            for loss in (1e-2, 1e-3):
                for images in (1000, 4000):
                    for dropout, noise, decay in ((0.0, 0.0, 0.0), (0.2, 0.0, 0.0), (0.0, 0.1, 0.0), (0.0, 0.0, 1e-3)):
                        run = Run(learning_rate=rate, batch_size=size, stop_loss=loss, max_epochs=10**9)
                        run = replace(run, dropout=dropout, label_noise=noise, images_per_class=images // 10, weight_decay=decay)
                        if rate / size <= LAW["edge"]:
                            steps = round(planning.expected_steps(run, images, costs=costs))
                            results.append((result(run, "converged", steps), images))
                        else:
                            results.append((result(replace(run, max_steps=4000), "not_converged", 1000), images))
    found = planning.fitted_steps(results)
    assert found == pytest.approx(LAW, abs=0.02)


def test_costs_are_found_from_measured_jobs():
    each, rate = 3.0, 0.5
    jobs = [planning.Job("train_ensemble", 1, {"steps": s, "updates": 7 * s**2}, 9.0, 10 * s) for s in (1.0, 2.0, 3.0, 5.0)]
    measured = [(job, each + rate * job.work["updates"], 100.0 + job.images + 4 * job.matrices) for job in jobs]
    costs = {"rules": planning.fitted_costs(measured)}
    assert [planning.seconds(job, costs) for job in jobs] == pytest.approx([time for _, time, _ in measured])
    assert [planning.memory(job, costs) for job in jobs] == pytest.approx([size for _, _, size in measured])
    assert costs["rules"]["train_ensemble"]["seconds"] == pytest.approx({"each": each, "steps": 0.0, "updates": rate}, abs=1e-6)


def test_costs_are_never_negative():
    jobs = [planning.Job("train_ensemble", 1, {"steps": s}, 1.0, 1.0) for s in (1.0, 2.0, 3.0)]
    found = planning.fitted_costs([(job, 10 - job.work["steps"], 1.0) for job in jobs])
    assert min(found["train_ensemble"]["seconds"].values()) >= 0


def test_a_plan_says_how_long_the_longest_job_holds_it_up():
    costs = {
        "start_seconds": 0.0,
        "rules": {"train_ensemble": {"seconds": {"each": 0.0, "steps": 1.0}, "bytes": {"each": 2.0**30, "matrices": 0.0}}},
    }
    costs["other_jobs"] = {"jobs": 4, "seconds": 9.0}
    jobs = [planning.Job("train_ensemble", 3, {"steps": s}, 0.0, 0.0) for s in (3600.0, 1800.0)]
    lines = planning.lines(jobs, costs, 8, whole=False)
    assert lines[1].split() == ["train_ensemble", "2", "6", "1.50", "60", "min", "1.0", "GiB"]
    assert lines[-1] == "on 8 cores about 60 min"
    assert planning.lines(jobs, costs, 1, whole=True)[-2].split() == ["together", "6", "1.51"]


def test_data_of_unknown_size_cannot_be_planned():
    unknown = {**ENTRIES, "mnist5k": {**ENTRIES["mnist5k"], "training_images": None}}
    with pytest.raises(InputError, match=r"datasets.mnist5k: found image_shape: \[28, 28\], training_images: None"):
        planning.jobs_of(complete(), "mnist5k", unknown, COSTS)
