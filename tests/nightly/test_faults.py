"""What can go wrong while a study runs: full and protected disks, killed jobs, signals, damaged and lost files.

After each fault a line names the cause, no file under its own name is half, and the next run ends with the bytes of a study that
nothing happened to. Run by ``pytest -s tests/nightly/test_faults.py``; prints what was tried.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time

import psutil
import pytest

import tampering
from running import copy_of_checkout, finished_jobs, snakemake
from same_bytes import SMOKE, command, damaged, differences, signal_group, started, sums, unlock

CHOICES = random.Random(120)
TABLE = "results/smoke/tables/feng2023_points.csv"  # stands on the data, eight files of networks and what is measured of each
FIGURE = "figures/smoke/feng2023_fig3.png"
FULL = "No space left on device"
RECORD_OF_JOB = "results/smoke/logs/tabulate_feng2023.job.json"
KINDS = {
    "data": "data/mnist5k.safetensors",
    "trained networks": "results/runs/*/*.safetensors",
    "series of weights": "results/smoke/measure/*/*/windows.safetensors",
    "measurement": "results/smoke/measure/*/*/flatness.csv",
    "table": "results/smoke/tables/feng2023_points.csv",
    "figure as a picture": "figures/smoke/feng2023_fig2.png",
    "figure as a page": "figures/smoke/feng2021_fig2.pdf",
    "claims": "results/smoke/claims.csv",
    "tests of claims": "results/smoke/claim_tests.csv",
    "notebook": "results/smoke/report/feng2021.ipynb",
    "notebook as a page": "results/smoke/report/yang2023.html",
    "record": tampering.RECORD,
}
DAMAGES = {
    "cut off": lambda content: content[: len(content) // 2],
    "cut off at the end of a line": lambda content: content[: content.rindex(b"\n", 0, -1) + 1] if b"\n" in content[:-1] else b"",
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
}


@pytest.fixture(scope="module")
def expected(smoke_study):
    return sums(smoke_study)


@pytest.fixture
def checkout(tmp_path):
    """A copy of the project in which nothing ran yet."""
    return copy_of_checkout(tmp_path / "project")


@pytest.fixture
def finished(smoke_study, tmp_path):
    """A copy of the finished study that may be damaged."""
    return shutil.copytree(smoke_study, tmp_path / "finished", symlinks=True)


def run(folder, *targets):
    """Run Snakemake; returns its exit code and all that it printed."""
    done = snakemake(*targets, *SMOKE, folder=folder, timeout=1200)
    return done.returncode, done.stdout + done.stderr


def check_that_it_recovers(folder, expected, *targets):
    code, printed = run(folder, *targets)
    assert code == 0, printed[-3000:]
    found = sums(folder)
    assert set(targets) <= set(found)
    assert not differences({name: expected.get(name) for name in found}, found)


@contextlib.contextmanager
def small_disk(place):
    """A disk in memory at a place; yields what sets its size in units of 1024 bytes."""

    def mount(*options):
        done = subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", place], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"this machine does not let tests mount a small disk: {done.stderr.strip()}")

    place.mkdir(parents=True, exist_ok=True)
    mount("-o", "size=50m")
    try:
        yield lambda size: mount("-o", f"remount,size={size}k")
    finally:
        subprocess.run(["umount", place], check=True)


def used(place):
    """Units of 1024 bytes in use on the disk at a place."""
    status = os.statvfs(place)
    return (status.f_blocks - status.f_bfree) * status.f_frsize // 1024


@pytest.mark.parametrize("place", ["results", "."])
def test_a_full_disk(expected, tmp_path, place):
    project = tmp_path / "project"
    sizes = sorted(CHOICES.sample(range(100, 18_000), 5))
    with small_disk(project / place) as set_size:
        copy_of_checkout(project)
        before = used(project / place)
        for size in sizes:
            set_size(before + size)
            code, printed = run(project, TABLE)
            assert (code, FULL in printed) == (1, True), printed[-3000:]
            assert "Traceback" not in printed
            assert not damaged(expected, project)
        set_size(200_000)
        check_that_it_recovers(project, expected, TABLE)
    print(f"\ndisk of {place} full at {sizes} KiB; half files: 0")


def test_a_disk_so_full_that_snakemake_cannot_write_its_own_notes(expected, tmp_path):
    project = tmp_path / "project"
    with small_disk(project) as set_size:
        copy_of_checkout(project)
        before = used(project)
        for size in (4, 12, 24):
            set_size(before + size)
            code, printed = run(project, TABLE)
            assert (code, FULL in printed) == (1, True), printed[-3000:]
            assert not damaged(expected, project)
        set_size(200_000)
        check_that_it_recovers(project, expected, TABLE)


@pytest.mark.parametrize("place", ["figures/smoke", "results", "."])
def test_a_folder_that_cannot_be_written_to(expected, finished, place):
    for path in finished.glob("figures/smoke/feng2023_fig3.*"):
        path.unlink()
    protect = f'mount --bind {place} {place} && mount -o remount,ro,bind {place} && cd $PWD && exec "$@"'
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let tests protect a folder from writing")
    protected = ["unshare", "--mount", "sh", "-c", protect, "sh", *command(FIGURE)]
    done = subprocess.run(protected, cwd=finished, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "cannot be written to" in last
    assert place in last or str(finished) in last
    assert "Traceback" not in done.stderr
    check_that_it_recovers(finished, expected, FIGURE)


def workers(process):
    """The processes of jobs that Snakemake has started."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if any("/.snakemake/scripts/" in part for part in child.cmdline()) and "python" in child.name():
                found.append(child)
    return found


def wait_for_workers(process):
    end = time.monotonic() + 120
    while not (found := workers(process)):
        assert process.poll() is None, "the run ended before a job began"
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def test_jobs_that_the_system_kills(expected, checkout):
    """As the kernel does to the largest process where memory has run out."""
    kills = 5
    for _ in range(kills):
        log = checkout / "printed.txt"
        with started(TABLE, folder=checkout, log=log) as process:
            wait_for_workers(process)
            time.sleep(CHOICES.uniform(0, 4))
            for worker in wait_for_workers(process)[:1]:
                worker.kill()
            assert process.wait(120) == 1
        printed = log.read_text()
        log.unlink()
        assert "died with <Signals.SIGKILL: 9>" in printed
        assert "Traceback" not in printed
        assert not damaged(expected, checkout)
    check_that_it_recovers(checkout, expected, TABLE)
    print(f"\n{kills} jobs killed; half files: 0")


SIGNALS = [
    pytest.param(signal.SIGINT, True, "At least one job did not complete", id="Ctrl-C"),
    pytest.param(signal.SIGINT, False, "Terminating processes on user request", id="SIGINT"),
    pytest.param(signal.SIGTERM, True, "Will exit after finishing currently running jobs", id="SIGTERM to all"),
    pytest.param(signal.SIGTERM, False, "Will exit after finishing currently running jobs", id="SIGTERM"),
]


@pytest.mark.parametrize(("number", "everyone", "message"), SIGNALS)
def test_a_run_that_is_stopped(expected, checkout, number, everyone, message):
    log = checkout / "printed.txt"
    with started(TABLE, folder=checkout, log=log) as process:
        wait_for_workers(process)
        time.sleep(CHOICES.uniform(0, 4))
        wait_for_workers(process)
        signal_group(process, number) if everyone else process.send_signal(number)
        assert process.wait(120) != 0
    printed = log.read_text()
    log.unlink()
    assert message in printed
    # A job that still loads its packages says in Python's own way that it was interrupted.
    assert printed.count("Traceback") == printed.count("\nKeyboardInterrupt")
    assert not damaged(expected, checkout)
    check_that_it_recovers(checkout, expected, TABLE)  # the folder is not locked


def test_a_run_whose_terminal_is_closed(expected, checkout):
    """Nothing can be said any more; the folder is locked, as after a kill."""
    with started(TABLE, folder=checkout) as process:
        wait_for_workers(process)
        time.sleep(CHOICES.uniform(0, 4))
        signal_group(process, signal.SIGHUP)
        assert process.wait(120) != 0
    assert not damaged(expected, checkout)
    code, printed = run(checkout, TABLE)
    assert (code, "--unlock" in printed) == (1, True)
    unlock(checkout)
    check_that_it_recovers(checkout, expected, TABLE)


def one_of_each_kind(folder):
    return {kind: max(folder.glob(pattern)).relative_to(folder).as_posix() for kind, pattern in KINDS.items()}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_named_before_any_job_starts(finished, damage):
    """Every kind in turn, each put back; the next test has them made again."""
    wrong = []
    for kind, name in one_of_each_kind(finished).items():
        with tampering.restored(finished / name):
            content = (finished / name).read_bytes()
            (finished / name).write_bytes(DAMAGES[damage](content))
            code, printed = run(finished)
            if code != 1 or f"{name}: not what" not in printed or finished_jobs(printed) or "Traceback" in printed:
                wrong.append(kind)
        shutil.rmtree(finished / ".snakemake" / "incomplete")
    print(f"\n{len(KINDS)} kinds of files {damage}; not named: {wrong}")
    assert not wrong


def test_damaged_files_are_made_again_by_the_next_run(expected, finished):
    """One file of every kind at once, the data among them: all that stands on them is made anew."""
    names = one_of_each_kind(finished)
    for name in names.values():
        (finished / name).write_bytes(CHOICES.choice(list(DAMAGES.values()))((finished / name).read_bytes()))
    code, printed = run(finished)
    assert (code, f"{names['data']}: not what prepare_dataset made" in printed, finished_jobs(printed)) == (1, True, [])
    check_that_it_recovers(finished, expected)
    assert tampering.states(finished) == (0, {})


def test_a_file_damaged_without_a_trace_in_its_times_is_named_too_where_a_job_would_use_it(expected, finished):
    table = finished / "results/smoke/tables/feng2023_published.csv"
    times = table.stat()
    table.write_bytes(DAMAGES["cut off at the end of a line"](table.read_bytes()))
    os.utime(table, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert tampering.states(finished)[1][table.relative_to(finished).as_posix()] == "tampered"
    (finished / FIGURE).unlink()
    code, printed = run(finished, FIGURE)
    assert (code, "tables/feng2023_published.csv: not what tabulate_feng2023_published made" in printed) == (1, True)
    check_that_it_recovers(finished, expected)
    assert tampering.states(finished) == (0, {})


def test_a_damaged_report_page_is_known_to_the_audit_and_made_again_once_it_is_deleted(expected, finished):
    page = finished / tampering.PAGE
    page.write_bytes(page.read_bytes()[:1000])
    assert tampering.states(finished) == (1, {tampering.PAGE: "tampered"})
    page.unlink()
    check_that_it_recovers(finished, expected)
    assert tampering.states(finished) == (0, {})


@pytest.mark.parametrize("options", [[FIGURE], [FIGURE, "--keep-going"], ["--keep-going"]], ids=" ".join)
def test_after_a_failed_job_no_stale_figure_is_taken_for_good(expected, finished, options):
    script = finished / "workflow/scripts/tabulate_feng2023.py"
    healthy = script.read_bytes()
    script.write_bytes(healthy + b"\nraise RuntimeError('broken on purpose')\n")
    code, printed = run(finished, *options)
    assert (code, "broken on purpose" in printed) == (1, True)
    script.write_bytes(healthy)
    planned = subprocess.run(command(*options, "-n"), cwd=finished, capture_output=True, text=True, timeout=120, check=True)
    assert "tabulate_feng2023" in planned.stdout + planned.stderr
    check_that_it_recovers(finished, expected)
    assert tampering.states(finished) == (0, {})


def test_a_lost_record_of_a_job_is_told_and_the_next_run_repairs_it(expected, finished):
    (finished / RECORD_OF_JOB).unlink()
    (finished / FIGURE).unlink()
    code, printed = run(finished)
    assert (code, "no record of the job that made them" in printed) == (1, True)
    check_that_it_recovers(finished, expected)
    assert tampering.states(finished) == (0, {})
