"""What is seen of a run: lines, bars, and what comes last."""

import io
import logging
import os
import re
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from snakemake.settings.types import OutputSettings
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_sgdphysics import LogHandler
from snakemake_logger_plugin_sgdphysics.displays import Bars, can_show_bars
from snakemake_logger_plugin_sgdphysics.progress import OTHERS, STAGES, Progress, stage_of

WORKFLOW = Path(__file__).parents[2] / "workflow"
COUNTS = {"train_ensemble": 2, "feng2021_fig1": 1, "all": 1}


def message(text="", level=logging.INFO, **facts):
    return logging.makeLogRecord({"msg": text, "levelno": level, "levelname": logging.getLevelName(level), **facts})


def counted(counts=COUNTS):
    return message("Job stats: ...", event=LogEvent.RUN_INFO, stats={**counts, "total": sum(counts.values())})


def info(job, rule, **wildcards):
    facts = {"jobid": job, "rule_name": rule, "wildcards": wildcards, "input": ["many", "files"], "reason": "Missing output"}
    return message(f"Rule: {rule}", event=LogEvent.JOB_INFO, **facts)


def finished(job):
    return message(f"Finished jobid: {job}", event=LogEvent.JOB_FINISHED, job_id=job)


def failed(job, rule, log):
    facts = {"rule_name": rule, "rule_msg": None, "jobid": job, "input": ["many", "files"], "output": ["made"], "log": [str(log)]}
    further = {"conda_env": None, "shellcmd": None, "aux": {}, "indent": False}
    return message(f"Error in rule {rule}", logging.ERROR, event=LogEvent.JOB_ERROR, **facts, **further)


def said(records, monkeypatch, **settings):
    """All that the plugin writes to something that is no terminal."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    handler = LogHandler(OutputSettings(**settings), None)
    for record in records:
        handler.handle(record)
    handler.close()
    handler.close()  # as Snakemake may do
    return stream.getvalue()


def test_every_rule_of_the_workflow_is_of_a_stage():
    text = "\n".join(path.read_text() for path in [*(WORKFLOW / "rules").glob("*.smk"), WORKFLOW.parent / "Snakefile"])
    rules = re.findall(r"^(?:rule|use rule \w+ as) (\w+)", text, re.MULTILINE)
    assert len(rules) > 40
    assert [rule for rule in rules if stage_of(rule) == OTHERS] == []
    assert {stage_of(rule) for rule in rules} == set(STAGES)


def test_elsewhere_than_in_a_terminal_a_job_is_one_line_and_what_comes_last_is_last(monkeypatch):
    records = [
        message("Config file config/config.yaml is extended by additional config specified via the command line."),
        message("Building DAG of jobs..."),
        message("Workflow has started!", event=LogEvent.WORKFLOW_STARTED),
        message("Provided cores: 2", event=LogEvent.RESOURCES_INFO, cores=2),
        counted(),
        message("", expected_seconds={"train_ensemble": 60.0}),
        message("Select jobs to execute..."),
        message("Execute 1 jobs...", event=LogEvent.JOB_STARTED, jobs=[7]),
        info(7, "train_ensemble", ensemble="3f", chunk="9a"),
        message("Job 7 has been submitted with SLURM jobid 12."),
        finished(7),
        message("", event=LogEvent.PROGRESS, done=1, total=4),
        message("The disk is slow.", logging.WARNING),
        message("The verdicts.\nThe report.", comes_last=True),
        message("Complete log(s): /folder/.snakemake/log/now.log"),
        message("Elapsed time: 0:00:01"),
    ]
    text = said(records, monkeypatch)
    assert re.sub(r"^\d\d:\d\d:\d\d", "12:00:00", text, flags=re.MULTILINE).splitlines() == [
        "4 jobs: training 2, figures 1, record and page 1",
        "Job 7 has been submitted with SLURM jobid 12.",
        "12:00:00  1 of 4  train_ensemble, ensemble=3f, chunk=9a  0 s",
        "The disk is slow.",
        "1 of 4 jobs in 0 s; inputs, reasons and errors of all jobs: /folder/.snakemake/log/now.log",
        "The verdicts.",
        "The report.",
    ]


def test_a_job_that_fails_is_told_with_its_log_and_without_its_inputs(monkeypatch, tmp_path):
    log = tmp_path / "job.log"
    log.write_text("error: FILE: found 3, expected 4\n")
    records = [counted({"fetch_idx": 1}), info(0, "fetch_idx"), failed(0, "fetch_idx", log)]
    text = said(records, monkeypatch, show_failed_logs=True)
    assert "Error in rule fetch_idx:" in text
    assert "error: FILE: found 3, expected 4" in text
    assert "output: made" in text
    assert "many" not in text
    assert "message" not in text


def test_a_job_that_is_run_again_after_a_failure_is_counted_once(monkeypatch, tmp_path):
    first = [counted({"all": 1}), info(0, "all"), failed(0, "all", tmp_path / "log"), message("Trying to restart job 0.")]
    text = said([*first, info(0, "all"), finished(0)], monkeypatch)
    assert "\nTrying to restart job 0.\n" in text
    assert re.findall(r"\d of \d", text) == ["1 of 1"]


@pytest.mark.parametrize("quiet", ["rules", "progress", "all"])
def test_quieter_is_possible(monkeypatch, quiet):
    """With the filter that Snakemake gives a plugin."""
    from snakemake.logging import DefaultFilter
    from snakemake.settings.enums import Quietness

    rule = DefaultFilter({Quietness.parse_choice(quiet)}, debug_dag=False, verbose=False, dryrun=False, printshellcmds=False)
    records = [record for record in [counted(), info(7, "train_ensemble"), finished(7)] if rule.filter(record)]
    lines = said(records, monkeypatch).splitlines()
    assert len(lines) == (2 if quiet == "rules" else 0)


@pytest.mark.parametrize("setting", ["dryrun", "verbose", "debug_dag"])
def test_who_asks_for_it_sees_what_snakemake_says(monkeypatch, setting):
    facts = {"local": True, "is_checkpoint": False, "log": [], "output": ["made"], "benchmark": None, "priority": 0, "threads": 1}
    record = message("", **{**vars(info(7, "train_ensemble", chunk="9a")), **facts, "rule_msg": None, "resources": {}})
    text = said([counted(), record], monkeypatch, **{setting: True})
    assert "Job stats: ..." in text
    assert "input: many, files" in text
    assert "reason: Missing output" in text


def test_what_cannot_be_said_does_not_stop_the_run(monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    assert "4 jobs" in said([message(event=LogEvent.JOB_FINISHED), counted()], monkeypatch)


class Clock:
    """A time that passes when it is told to."""

    seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.mark.parametrize("slower", [0.5, 1, 3])
@pytest.mark.parametrize("at_a_time", [1, 2, 8])
def test_the_time_left_follows_how_long_jobs_take_here_and_how_many_run_at_a_time(slower, at_a_time):
    clock, expected = Clock(), {"train_ensemble": 100.0, "feng2021_fig1": 20.0}
    progress = Progress({"train_ensemble": 48, "feng2021_fig1": 48}, clock)
    progress.expect(expected)
    whole = sum(48 * seconds for seconds in expected.values()) * slower / at_a_time
    for number in range(48 // at_a_time):
        jobs = [number * at_a_time + place for place in range(at_a_time)]
        for job in jobs:
            progress.start(job, "train_ensemble")
        clock.seconds += 100 * slower / 2
        if number >= 24 // at_a_time:
            assert progress.seconds_left() == pytest.approx(whole - clock.seconds, rel=0.1)
        clock.seconds += 100 * slower / 2
        for job in jobs:
            progress.finish(job)
    assert progress.seconds_left("training") == 0
    assert progress.seconds_left() == pytest.approx(whole - clock.seconds, rel=0.02)
    assert progress.share() == pytest.approx(100 / 120)
    assert progress.share("training") == 1


def test_a_job_that_takes_longer_than_expected_is_never_taken_for_done():
    clock = Clock()
    progress = Progress({"train_ensemble": 1}, clock)
    progress.expect({"train_ensemble": 10.0})
    progress.start(0, "train_ensemble")
    clock.seconds += 1000
    assert progress.share() == pytest.approx(0.9)
    assert progress.seconds_left() > 0


def test_the_stage_under_way_is_the_first_of_which_jobs_run():
    progress = Progress({"train_ensemble": 1, "measure_noise": 1, "all": 1})
    assert progress.stage == "training"
    progress.start(1, "measure_noise")
    assert progress.stage == "measuring"
    progress.start(0, "train_ensemble")
    assert progress.stage == "training"
    for job in (0, 1):
        progress.finish(job)
    assert progress.stage == "record and page"
    assert progress.counts("training") == (1, 1)
    assert progress.counts() == (2, 3)


@pytest.fixture
def terminal(monkeypatch):
    """Both ends of a terminal: what is written to the second is read from the first."""
    first, second = os.openpty()
    termios.tcsetwinsize(second, (24, 100))
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(second, "w", encoding="utf-8") as stream:
        yield first, stream
    os.close(first)


def test_in_a_terminal_bars_show_how_far_the_run_and_the_stage_are_and_are_gone_at_the_end(terminal):
    first, stream = terminal
    assert can_show_bars(stream)
    progress, bars = Progress(COUNTS), Bars(stream)
    bars.begin(progress)
    progress.start(7, "train_ensemble")
    progress.finish(7)
    bars.finished("a line of a job")
    bars.say("what stays")
    time.sleep(1.2)
    bars.end()
    bars.say("the end")
    text = b""
    while not text.endswith(b"the end\r\n"):
        text += os.read(first, 4096)
    text = text.decode()
    assert re.search(r"all +\|.*\| +25 %, 1 of 4 jobs, about \d+ s left", text)
    assert re.search(r"training +\|.*\| +50 %, 1 of 2 jobs, about \d+ s left", text)
    assert "a line of a job" not in text
    assert "what stays\r\n" in text
    assert re.search(r"\r *\x1b\[A\r *\rthe end\r\n$", text), "the lines of both bars are empty again"


def test_without_a_terminal_with_room_there_are_no_bars(terminal, monkeypatch):
    _, stream = terminal
    assert not can_show_bars(io.StringIO())
    termios.tcsetwinsize(stream.fileno(), (0, 0))
    assert not can_show_bars(stream)
    termios.tcsetwinsize(stream.fileno(), (24, 80))
    assert can_show_bars(stream)
    monkeypatch.setenv("TERM", "dumb")
    assert not can_show_bars(stream)


def test_snakemake_finds_the_plugin_by_its_name():
    program = (
        "from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry as R; print(*R().get_registered_plugins())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "sgdphysics" in done.stdout.split()
