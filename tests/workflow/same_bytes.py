"""Whether two studies are the same bytes, and runs that are killed and resumed."""

import base64
import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

SMOKE = ("--configfile", "config/smoke.yaml")
# Logs, times, the records of jobs, and the sums of the study's record, which hold times; Snakemake's own files are in .snakemake/.
NOT_COMPARED = re.compile(r"/(logs|benchmarks)/|\.(log|job\.json|benchmark\.tsv)$|/provenance/manifest\.txt$")
RECORD = "provenance/ro-crate-metadata.json"
PAGE = "report/index.html"
STAGES = re.compile(r'<div class="scroll"[^>]*aria-label="Time and memory of every stage">.*?</table>', re.DOTALL)


def command(*arguments, cores=2):
    return [sys.executable, "-m", "snakemake", *arguments, "--cores", str(cores), *SMOKE]


def sums(folder, study="smoke"):
    """Path -> sha256 of every file in data/, results/ and figures/ of a project, files left over by mistake included.

    From the study's record and its report page times, memory and the sums of both are taken first; all else is as it is.
    """
    found = {}
    for top in ("data", "results", "figures"):
        for path in sorted((folder / top).rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not NOT_COMPARED.search(name):
                content = path.read_bytes()
                if name == f"results/{study}/{RECORD}":
                    content = without_times(content)
                elif name == f"results/{study}/{PAGE}":
                    content = without_times_and_sums(content, folder / "results" / study / RECORD)
                found[name] = hashlib.sha256(content).hexdigest()
    return found


def without_times(record):
    """The bytes of a study's record without times and memory."""
    content = json.loads(record)
    for entity in content["@graph"]:
        for key in ("startTime", "endTime", "datePublished"):
            entity.pop(key, None)
        if entity.get("name") in ("wallTime", "peakMemory"):
            del entity["value"]
    return json.dumps(content, sort_keys=True).encode()


def without_times_and_sums(page, record):
    """The bytes of a report page without the table of times and memory, when runs started, the anchor and the sum of the record."""
    text, found = STAGES.subn("", page.decode())
    assert found == 1, "the report page has no table of times any more"
    text, found = re.subn(r"(?<=; first deciding run )[^;<]+(?=;)", "", text)
    assert found > 1, "the report page does not say any more when the first run of a claim started"
    text, found = re.subn(r"(?<=: sha256 )[0-9a-f]{64}(?=</code></p>\n)", "", text)
    assert found == 1
    total = hashlib.sha256(record.read_bytes()).hexdigest()
    assert total in text
    return text.replace(total, "").encode()


def differences(expected, found):
    """What is not the same in two results of `sums`, one line a file."""
    lines = [f"{name}: missing" for name in sorted(expected.keys() - found.keys())]
    lines += [f"{name}: only in the second" for name in sorted(found.keys() - expected.keys())]
    return lines + [f"{name}: other bytes" for name in sorted(expected.keys() & found.keys()) if expected[name] != found[name]]


@contextlib.contextmanager
def started(*arguments, folder, cores=2, log=os.devnull):
    """Snakemake in a process group of its own, which does not outlive the block; what it prints goes to the log."""
    with Path(log).open("w") as printed:
        process = subprocess.Popen(
            command(*arguments, cores=cores),
            cwd=folder,
            start_new_session=True,
            preexec_fn=listening,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            signal_group(process, signal.SIGKILL)
            process.wait()


def listening():
    """Have a new process listen to signals as in a terminal: what runs in the background, or by nohup, ignores these."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def signal_group(process, number):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def kill_and_unlock(*targets, folder, cores, jobs, seconds):
    """Run Snakemake, kill it with all of its jobs so many seconds after so many jobs have left a record, and unlock the folder.

    Returns:
        The targets of jobs that were interrupted, as Snakemake marked them; None if the run ended before.
    """
    with started(*targets, folder=folder, cores=cores) as process:
        while len(list_of_records(folder)) < jobs and process.poll() is None:
            time.sleep(0.05)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        while process.poll() is None and not _marks_in(folder):  # between two jobs there is nothing to interrupt
            time.sleep(0.01)
        if process.poll() is not None:
            assert process.returncode == 0, "the run failed"
            return None
        signal_group(process, signal.SIGKILL)
    interrupted = sorted(base64.b64decode(mark.name, altchars=b"-_").decode() for mark in _marks_in(folder))
    unlock(folder)
    return interrupted


def _marks_in(folder):
    """What Snakemake marks outputs of running jobs with, and of those that were interrupted."""
    return [mark for mark in (folder / ".snakemake" / "incomplete").rglob("*") if mark.is_file()]


def unlock(folder):
    """What the user guide says to do after a kill."""
    done = subprocess.run(command("--unlock"), cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def list_of_records(folder):
    """The records that finished jobs left."""
    return [path for top in ("data", "results") for path in (folder / top).rglob("*.job.json")]


def damaged(expected, folder):
    """Files under their own names that are not whole: other bytes than expected. Record and page hold times, and are left out."""
    found = {name: total for name, total in sums(folder).items() if name in expected and "provenance" not in name}
    return [line for line in differences(expected, found) if line.endswith("other bytes")]
