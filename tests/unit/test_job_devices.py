"""Where a job computes: what torch is told before the work, and what the job's record says of it."""

import os
from types import SimpleNamespace

import pytest
import torch

from sgdphysics import devices
from sgdphysics.provenance import job_records, jobs


@pytest.fixture(autouse=True)
def as_before():
    """Threads of torch are those of the process: other tests go on with theirs."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def gpu(monkeypatch):
    """A GPU that torch finds; returns what torch is told of deterministic algorithms."""
    told = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A GPU by its make")
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda *mode, **options: told.append((mode, options)))
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # so that it is afterwards as it was
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    return told


def job_with(log, threads=1, **resources):
    """Snakemake's object of a job, as far as its log and its record need it."""
    return SimpleNamespace(
        rule="a_rule", log=[str(log)], threads=threads, wildcards={}, params={}, input=[], output=[], resources=resources
    )


def recorded_device(log):
    return job_records.load(job_records.path_beside(log))["device"]


@pytest.mark.parametrize("resources", [{}, {"gpu": 0}, {"mem_mb": 100}], ids=str)
def test_a_job_computes_on_the_cpu_unless_it_is_given_a_gpu(tmp_path, gpu, resources):
    log = tmp_path / "job.log"
    with jobs.logged_job(job_with(log, **resources)) as job:
        assert devices.prepared(job) == devices.CPU
    assert recorded_device(log) == "cpu"
    assert gpu == []


def test_a_job_that_loads_no_torch_is_recorded_on_the_cpu(tmp_path):
    with jobs.logged_job(job_with(tmp_path / "job.log", gpu=1)):
        pass
    assert recorded_device(tmp_path / "job.log") == "cpu"


@pytest.mark.parametrize("threads", [1, 2])
def test_torch_uses_the_threads_of_the_job(threads):
    devices.prepared(jobs.Job("a_rule", threads, {}))
    assert torch.get_num_threads() == threads


def test_a_gpu_is_told_to_sum_in_one_order_and_recorded_by_its_make(tmp_path, gpu):
    log = tmp_path / "job.log"
    with jobs.logged_job(job_with(log, gpu=1)) as job:
        assert devices.prepared(job) == devices.GPU
        assert gpu == [((True,), {"warn_only": True})]
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert recorded_device(log) == "A GPU by its make"


def test_a_workspace_that_the_user_chose_is_left(gpu, monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    devices.prepared(jobs.Job("a_rule", 1, {"gpu": 1}))
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_a_gpu_that_is_not_there_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    log = tmp_path / "job.log"
    with pytest.raises(SystemExit) as stop, jobs.logged_job(job_with(log, gpu=1)) as job:
        devices.prepared(job)
        pytest.fail("the work began")
    assert stop.value.code == 1
    assert log.read_text() == f"error: gpu: rule a_rule is given one, but torch {torch.__version__} finds none here\n"
    assert not job_records.path_beside(log).exists()
