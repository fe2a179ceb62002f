"""What a job says where its files cannot be written, and what killed writers leave behind."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from sgdphysics.files import write_atomically
from sgdphysics.provenance import jobs
from sgdphysics.tensors import save_tensors

FULL = Path("/dev/full")  # every write to it fails as on a full disk
needs_full_device = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


def job_with(log, **resources):
    """Snakemake's object of a job, as far as a job's log needs it."""
    return SimpleNamespace(
        rule="a_rule", log=[str(log)], threads=1, wildcards={}, params={}, input=[], output=[], resources=resources
    )


def write_full(path):
    """Fail as a writer on a full disk does: with no name of a file."""
    path.write_text("half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_one_line_that_names_the_file(tmp_path):
    log, table = tmp_path / "job.log", tmp_path / "table.csv"
    table.write_text("old")
    with pytest.raises(SystemExit) as stop, jobs.logged_job(job_with(log)):
        print("working")
        write_atomically(table, write_full)
    assert stop.value.code == 1
    assert log.read_text() == f"working\nerror: {table}: No space left on device\n"
    assert table.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job.log", "table.csv"]


@needs_full_device
def test_where_not_even_the_log_can_be_written_the_line_goes_to_the_terminal(tmp_path, capsys):
    log = tmp_path / "job.log"
    log.symlink_to(FULL)
    with pytest.raises(SystemExit) as stop, jobs.logged_job(job_with(log)):
        print("working")
    assert stop.value.code == 1
    assert capsys.readouterr().err == f"error: {log}, or another file of this job: No space left on device\n"


def test_a_log_that_cannot_be_opened_is_named(tmp_path, capsys, monkeypatch):
    log = tmp_path / "job.log"

    def refuse(path, *arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SystemExit), jobs.logged_job(job_with(log)):
        pytest.fail("the work began")
    assert capsys.readouterr().err == f"error: {log}: Read-only file system\n"


@pytest.mark.parametrize("allocate", [lambda: torch.empty(10**15), lambda: np.empty(10**17)], ids=["torch", "numpy"])
def test_want_of_memory_is_one_line(tmp_path, allocate):
    log = tmp_path / "job.log"
    with pytest.raises(SystemExit) as stop, jobs.logged_job(job_with(log)):
        allocate()
    assert stop.value.code == 1
    (line,) = log.read_text().splitlines()
    assert line.startswith("error: not enough memory (")
    assert "--cores" in line


def test_an_interruption_is_one_line_and_leaves_no_half_file(tmp_path):
    log, table = tmp_path / "job.log", tmp_path / "table.csv"

    def interrupt(path):
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(SystemExit), jobs.logged_job(job_with(log)):
        write_atomically(table, interrupt)
    assert log.read_text() == "error: interrupted\n"
    assert [path.name for path in tmp_path.iterdir()] == ["job.log"]


def test_other_errors_of_torch_keep_their_traceback(tmp_path):
    with pytest.raises(RuntimeError, match="size"), jobs.logged_job(job_with(tmp_path / "job.log")):
        torch.zeros(2) + torch.zeros(3)


def test_other_errors_of_the_system_keep_their_traceback(tmp_path):
    with pytest.raises(FileNotFoundError), jobs.logged_job(job_with(tmp_path / "job.log")):
        (tmp_path / "missing").read_text()


def test_a_full_disk_under_tensors_is_an_error_of_the_system_too(tmp_path, monkeypatch):
    """The library that writes them has an error of its own for it."""

    def fail(*arguments):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.torch.save_file", fail)
    with pytest.raises(OSError, match="No space left") as caught:
        save_tensors(tmp_path / "weights.safetensors", {"w": torch.zeros(2)}, {})
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "weights.safetensors"))


def test_what_killed_writers_of_a_file_left_is_removed_by_the_next(tmp_path):
    target = tmp_path / "table.csv"
    kill_itself = (
        "import os, signal, sys; from pathlib import Path; from sgdphysics.files import write_atomically\n"
        "def write(path): path.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_atomically(Path(sys.argv[1]), write)"
    )
    ended = subprocess.run([sys.executable, "-c", kill_itself, str(target)], check=False)
    assert ended.returncode == -9
    (left,) = tmp_path.iterdir()
    assert left.read_text() == "half"
    (tmp_path / f".table.{os.getppid()}.csv").write_text("of a living process")
    (tmp_path / left.name.replace("table", "other")).write_text("of another file")
    write_atomically(target, lambda path: path.write_text("whole"))
    expected = {"table.csv", f".table.{os.getppid()}.csv", left.name.replace("table", "other")}
    assert {path.name for path in tmp_path.iterdir()} == expected
    assert target.read_text() == "whole"
