"""What is said of Snakemake's messages, and when."""

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_sgdphysics.progress import Progress, duration

# Messages without an event that tell a user nothing: what Snakemake does by itself, and what is said here otherwise.
LEFT_OUT = re.compile(
    "Config file .* is (extended|replaced) by|Assuming unrestricted shared filesystem|Building DAG of jobs|Using shell:"
    "|Conda environments: ignored|Singularity containers: ignored|Group jobs: inactive|Select jobs to execute|Elapsed time:"
)
LOG = re.compile(r"Complete log\(s\): (.*)")


class Display(Protocol):
    """Where it is said: see `displays`."""

    def begin(self, progress: Progress) -> None:
        """Show how far the run is from now on."""

    def say(self, text: str) -> None:
        """Show a text that stays."""

    def finished(self, line: str) -> None:
        """Show that a job has finished."""

    def end(self) -> None:
        """Show no longer how far the run is."""


class Console:
    """Receives Snakemake's messages of one run.

    Beside Snakemake's own attributes, messages of the workflow may have ``expected_seconds``, by rule how long a job of it takes,
    and ``comes_last``: then their text is said after all else.

    Args:
        display: Where things are said.
        text: Makes the text of a message, as Snakemake would say it.
    """

    def __init__(self, display: Display, text: Callable[[logging.LogRecord], str]) -> None:
        self._display, self._text = display, text
        self._progress = Progress({})
        self._wildcards: dict[int, Mapping[str, Any]] = {}
        self._log = ""
        self._last: list[str] = []
        self._receivers: dict[Any, Callable[[logging.LogRecord], None]] = {
            LogEvent.RUN_INFO: self._jobs_counted,
            LogEvent.JOB_INFO: self._job_started,
            LogEvent.JOB_FINISHED: self._job_finished,
            LogEvent.JOB_ERROR: self._job_failed,
            LogEvent.GROUP_ERROR: self._say,
            LogEvent.ERROR: self._say,
            LogEvent.SHELLCMD: self._say,
        }

    def receive(self, record: logging.LogRecord) -> None:
        """Say what matters of a message."""
        event = getattr(record, "event", None)
        if event is None:
            self._message(record)
        elif event in self._receivers:
            self._receivers[event](record)

    def end(self) -> None:
        """Say how far the run came, where Snakemake's own log is, and what comes last."""
        self._display.end()
        if self._log:
            self._display.say(f"{self._progress.summary()}; inputs, reasons and errors of all jobs: {self._log}")
        for text in self._last:
            self._display.say(text)
        self._log, self._last = "", []

    def _message(self, record: logging.LogRecord) -> None:
        if expected := getattr(record, "expected_seconds", None):
            self._progress.expect(expected)
        elif getattr(record, "comes_last", False):
            self._last.append(self._text(record).strip())
        elif log := LOG.match(record.getMessage()):
            self._log = log[1]
        elif record.levelno >= logging.WARNING or not LEFT_OUT.match(record.getMessage()):
            self._say(record)

    def _say(self, record: logging.LogRecord) -> None:
        text = self._text(record).strip()
        if text and text != "None":
            self._display.say(text)

    def _jobs_counted(self, record: logging.LogRecord) -> None:
        counts = {rule: count for rule, count in vars(record)["stats"].items() if rule != "total"}
        self._progress = Progress(counts)
        self._display.say(self._progress.plan())
        self._display.begin(self._progress)

    def _job_started(self, record: logging.LogRecord) -> None:
        facts = vars(record)
        self._wildcards[facts["jobid"]] = facts["wildcards"] or {}
        self._progress.start(facts["jobid"], facts["rule_name"])

    def _job_finished(self, record: logging.LogRecord) -> None:
        job = vars(record)["job_id"]
        rule, seconds = self._progress.finish(job)
        values = "".join(f", {name}={value}" for name, value in self._wildcards.get(job, {}).items())
        count = f"{self._progress.finished:{len(str(self._progress.jobs))}} of {self._progress.jobs}"
        self._display.finished(f"{time.strftime('%H:%M:%S')}  {count}  {rule}{values}  {duration(seconds)}")

    def _job_failed(self, record: logging.LogRecord) -> None:
        """As Snakemake says it, with the job's log, but without the list of inputs, and without a message where there is none."""
        facts = vars(record)
        self._progress.fail(facts["jobid"])
        self._say(logging.makeLogRecord({**facts, "input": [], "msg": facts["rule_msg"]}))
