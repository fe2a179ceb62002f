"""What Snakemake shows of a run: see also the end of the smoke study in test_smoke_study.py, and tests/unit/test_console.py."""

import os
import re
import subprocess
import sys
import termios

from running import finished_jobs, snakemake

QUICK = ("results/smoke/tables/yang2023_fig1.csv", "--configfile", "config/smoke.yaml")


def test_a_job_that_fails_is_told_in_a_few_lines_with_its_log(clone):
    script = clone / "workflow" / "scripts" / "simulate_trajectories.py"
    text = script.read_text(encoding="utf-8")
    begin = "with jobs.logged_job(snakemake):\n"
    assert begin in text
    script.write_text(text.replace(begin, f"{begin}        raise InputError('planted: found a fault')\n"), encoding="utf-8")
    script.write_text("from sgdphysics.errors import InputError\n" + script.read_text(encoding="utf-8"), encoding="utf-8")
    try:
        run = snakemake(*QUICK, folder=clone)
    finally:
        script.write_text(text, encoding="utf-8")
    assert run.returncode == 1
    lines = run.stderr.splitlines()
    assert "1 job: toy model 1" in lines
    assert "error: planted: found a fault" in lines
    assert "Logfile results/smoke/logs/simulate_trajectories.log:" in lines
    assert not [line for line in lines if line.strip().startswith(("input:", "reason:"))]
    assert len(lines) < 40
    assert lines[-1].startswith("0 of 1 job in ")
    log = lines[-1].rsplit(": ", 1)[1]
    assert "reason: Missing output files" in (clone / log).read_text(), "all is in Snakemake's own log"


def test_a_dry_run_says_what_would_run_and_why(clone):
    run = snakemake("-n", *QUICK, folder=clone)
    assert "rule simulate_trajectories:" in run.stdout
    assert "    reason: Missing output files: results/smoke/tables/yang2023_fig1.csv" in run.stdout.splitlines()


def test_a_target_that_no_rule_makes_is_named(clone):
    run = snakemake("figures/mnist5k/nothing.pdf", folder=clone)
    assert run.returncode == 1
    assert "No rule to produce figures/mnist5k/nothing.pdf" in run.stderr
    assert len(run.stderr.splitlines()) <= 4


def test_in_a_terminal_bars_are_shown_and_no_line_of_a_job(clone, tmp_path):
    first, second = os.openpty()
    termios.tcsetwinsize(second, (24, 100))
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--directory", str(tmp_path), *QUICK]
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(command, cwd=clone, stdin=second, stdout=second, stderr=second, env=environment) as run:
        os.close(second)
        text = all_from(first)
    assert run.returncode == 0, text[-3000:]
    assert re.search(r"\rall +\|.*\| +\d+ %, 0 of 1 jobs, about \d+ s left", text)
    assert re.search(r"\rtoy model +\|.*\| +\d+ %, 0 of 1 jobs, about \d+ s left", text)
    assert not finished_jobs(text)
    assert re.search(r"\r1 of 1 job in \d+ s; inputs, reasons and errors of all jobs: [^\r\n]*\r\n$", text)


def all_from(terminal):
    """What is written to the other end of a terminal until it is closed."""
    parts = []
    try:
        while part := os.read(terminal, 4096):
            parts.append(part)
    except OSError:  # so Linux says that nobody has the other end open any more
        pass
    os.close(terminal)
    return b"".join(parts).decode()
