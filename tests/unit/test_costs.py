"""Costs of jobs: fitted to jobs that were run, and used for their time and memory."""

from dataclasses import replace

import pytest

from sgdphysics.networks import Mlp, initial_weights
from sgdphysics.study import costs as cost_fit
from sgdphysics.study.costs import Job
from sgdphysics.training import Result, Run

LAW = {"constant": 0.0, "learning_rate": -1.0, "batch_size": 0.0, "stop_loss": -0.5, "images": 0.5}
LAW |= {"dropout": 2.0, "label_noise": 0.0, "weight_decay": 0.3, "edge": 0.02, "share_beyond_edge": 0.25}


def result(run, status, steps):
    network = Mlp(initial_weights((4, 3, 2), 0))
    return Result(run, status, 1, steps, None, network, {}, [1.0], [1.0])


def test_steps_follow_the_law_up_to_the_cap():
    run = Run(learning_rate=0.1, batch_size=50, stop_loss=1e-3, max_epochs=100_000)
    costs = {"steps": LAW}
    steps = cost_fit.expected_steps(run, 4000, costs=costs)
    assert cost_fit.expected_steps(replace(run, learning_rate=0.05), 4000, costs=costs) == pytest.approx(2 * steps)
    assert cost_fit.expected_steps(replace(run, max_steps=100), 4000, costs=costs) == 100
    assert cost_fit.expected_steps(replace(run, stop_loss=0.0, max_epochs=7), 4000, costs=costs) == 7 * 80
    beyond = replace(run, learning_rate=2.0, max_steps=1000)
    assert cost_fit.expected_steps(beyond, 4000, costs=costs) == 250


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
                            steps = round(cost_fit.expected_steps(run, images, costs=costs))
                            results.append((result(run, "converged", steps), images))
                        else:
                            results.append((result(replace(run, max_steps=4000), "not_converged", 1000), images))
    found = cost_fit.fitted_steps(results)
    assert found == pytest.approx(LAW, abs=0.02)


def test_costs_are_found_from_measured_jobs():
    each, rate = 3.0, 0.5
    jobs = [Job("train_ensemble", 1, {"steps": s, "updates": 7 * s**2}, 9.0, 10 * s) for s in (1.0, 2.0, 3.0, 5.0)]
    measured = [(job, each + rate * job.work["updates"], 100.0 + job.images + 4 * job.matrices) for job in jobs]
    costs = {"rules": cost_fit.fitted_costs(measured)}
    assert [cost_fit.seconds(job, costs) for job in jobs] == pytest.approx([time for _, time, _ in measured])
    assert [cost_fit.memory(job, costs) for job in jobs] == pytest.approx([size for _, _, size in measured])
    assert costs["rules"]["train_ensemble"]["seconds"] == pytest.approx({"each": each, "steps": 0.0, "updates": rate}, abs=1e-6)


def test_costs_are_never_negative():
    jobs = [Job("train_ensemble", 1, {"steps": s}, 1.0, 1.0) for s in (1.0, 2.0, 3.0)]
    found = cost_fit.fitted_costs([(job, 10 - job.work["steps"], 1.0) for job in jobs])
    assert min(found["train_ensemble"]["seconds"].values()) >= 0
