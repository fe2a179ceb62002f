"""The smoke study on a Slurm cluster of two nodes, undisturbed and disturbed: the same bytes as on one machine, nothing lost.

Run by ``pytest -s tests/nightly/test_slurm.py``; prints what the cluster's accounting says of every job.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

import slurm_cluster
from running import copy_of_checkout
from same_bytes import SMOKE, damaged, differences, signal_group, sums, unlock

# Times for a cluster that answers at once; the profile's are for one that does not.
ON_CLUSTER = ("--workflow-profile", "profiles/slurm", "--latency-wait", "10", "--slurm-init-seconds-before-status-checks", "2")
TARGET = "results/smoke/tables/feng2023_points.csv"  # eight jobs of training, one of measuring on each, one on all of them
TIMEOUT = 900


@pytest.fixture(scope="session")  # so that the smoke study, which takes minutes, is not made first where there can be no cluster
def cluster():
    if reason := slurm_cluster.obstacle():
        pytest.skip(reason)
    with slurm_cluster.running() as running:
        yield running


@pytest.fixture(scope="module")
def expected(smoke_study):
    return sums(smoke_study)


@pytest.fixture
def folder(tmp_path):
    return copy_of_checkout(tmp_path / "checkout")


class Submitted:
    """Snakemake at work on the cluster."""

    def __init__(self, cluster, folder, *arguments):
        self.cluster, self.folder = cluster, folder
        self.log = folder.parent / "snakemake.log"
        self.before = len(cluster.accounting())
        with self.log.open("w") as log:
            command = [sys.executable, "-m", "snakemake", *arguments, *SMOKE, *ON_CLUSTER]
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
        self.cluster.cancel(*self.cluster.jobs(state="RUNNING,PENDING"))

    def kill(self):
        signal_group(self.process, signal.SIGKILL)
        self.process.wait()

    def running_jobs(self, rule, count=1):
        """Numbers of jobs of a rule, once so many run."""
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            found = [job for job, comment in self.cluster.jobs().items() if rule in comment]
            if len(found) >= count:
                return found
            time.sleep(0.2)
        raise AssertionError(f"{count} jobs of {rule} did not start")

    def jobs(self):
        """What the accounting says of this run's jobs."""
        return self.cluster.accounting()[self.before :]

    def finish(self):
        code = self.process.wait(TIMEOUT)
        print_jobs(self.jobs())
        assert code == 0, self.log.read_text()[-5000:]
        return self.log.read_text()


def print_jobs(jobs):
    print()
    for job in jobs:
        print("{JobID:>4} {State:16} {NodeList:4} {ReqMem:>6} {Elapsed}  {Comment}".format(**job))


def assert_told(job, state, log):
    assert re.search(rf"SLURM-job '{job}' failed\b.* SLURM status is: '{state}'", log)


def assert_made(folder, expected):
    found = sums(folder)
    assert TARGET in found
    assert not differences({name: expected.get(name) for name in found}, found)


def test_a_study_on_two_nodes_is_the_same_bytes_as_on_one_machine(cluster, folder, expected):
    with Submitted(cluster, folder) as study:
        study.finish()
        jobs = study.jobs()
    assert {job["State"] for job in jobs} == {"COMPLETED"}
    assert {job["NodeList"] for job in jobs} == set(slurm_cluster.NODES)
    rules = Counter(job["Comment"].split("_wildcards")[0] for job in jobs)
    assert not [rule for rule in rules if "fig" in rule or "report" in rule or "notebook" in rule]
    assert not differences(expected, sums(folder))


def test_a_cancelled_job_is_run_again(cluster, folder, expected):
    with Submitted(cluster, folder, TARGET) as study:
        (job, *_) = study.running_jobs("train_ensemble")
        cluster.cancel(job)
        log = study.finish()
        states = [entry["State"].split()[0] for entry in study.jobs()]
    assert states.count("CANCELLED") == 1
    assert_told(job, "CANCELLED", log)
    assert_made(folder, expected)


def test_the_jobs_of_a_node_that_dies_are_run_again_on_the_other(cluster, folder, expected):
    with Submitted(cluster, folder, TARGET) as study:
        (job, *_) = study.running_jobs("train_ensemble")
        node = cluster.node_of(job)
        cluster.kill_node(node)
        try:
            log = study.finish()
            jobs = study.jobs()
        finally:
            cluster.start_node(node)
    lost = [entry for entry in jobs if entry["State"] == "NODE_FAIL"]
    assert lost
    assert {entry["NodeList"] for entry in lost} == {node}
    assert_told(job, "NODE_FAIL", log)
    assert_made(folder, expected)


def test_a_job_that_needs_more_memory_gets_more(cluster, folder, expected):
    with Submitted(cluster, folder, TARGET, "--set-resources", "train_ensemble:mem_mb=250*attempt") as study:
        study.finish()
        jobs = [entry for entry in study.jobs() if "train_ensemble" in entry["Comment"]]
    assert {entry["State"] for entry in jobs if entry["ReqMem"] == "250M"} & {"FAILED", "OUT_OF_MEMORY"}
    assert {entry["ReqMem"] for entry in jobs if entry["State"] == "COMPLETED"} - {"250M"}
    assert_made(folder, expected)


def test_a_job_that_takes_too_long_is_run_again(cluster, folder, expected):
    with Submitted(cluster, folder, TARGET, "--set-resources", "train_ensemble:runtime=attempt") as study:
        (job, *_) = study.running_jobs("train_ensemble")
        stop(study.cluster, job)
        log = study.finish()
        jobs = study.jobs()
    assert [entry["JobID"] for entry in jobs if entry["State"] == "TIMEOUT"] == [job]
    assert_told(job, "TIMEOUT", log)
    assert_made(folder, expected)


def stop(cluster, job):
    """Let the script of a job stand still."""
    while not (scripts := [p for p in cluster.processes_of(job) if "/scripts/" in slurm_cluster.title(p)]):
        time.sleep(0.1)
    for process in scripts:
        os.kill(process.pid, signal.SIGSTOP)


@pytest.mark.parametrize("cancel", [True, False], ids=["jobs cancelled", "jobs left running"])
def test_snakemake_is_killed_and_started_again(cancel, cluster, folder, expected):
    with Submitted(cluster, folder, TARGET) as study:
        jobs = study.running_jobs("train_ensemble", 2)
        study.kill()
        if cancel:
            cluster.cancel(*jobs)
        unlock(folder)
        assert not damaged(expected, folder)
        with Submitted(cluster, folder, TARGET) as again:
            again.finish()
        while cluster.jobs():  # those that were left
            time.sleep(0.5)
    assert_made(folder, expected)
