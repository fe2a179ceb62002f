"""What every job of a workflow does around its work: its log, its record, and its errors.

Plumbing: it moves no number, and loads no package of science; where a job computes is in `devices`.
"""

import errno
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from sgdphysics.errors import InputError
from sgdphysics.provenance import job_records

# What the system says where a file cannot be written, and no code is to blame.
NOT_WRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


@dataclass
class Job:
    """What a job is given to work with, and what it tells of that.

    Attributes:
        rule: Its name.
        threads: How many it may use.
        resources: By name, such as ``gpu``.
        device: Where it computes, as its record will say: whoever prepares another device sets its name.
        modules: Of other processes that work for the job, as `modules.files_of` returns them: whoever starts them adds these.
    """

    rule: str
    threads: int
    resources: Mapping[str, Any]
    device: str = "cpu"
    modules: dict[str, str] = field(default_factory=dict)


@contextmanager
def logged_job(job: Any) -> Generator[Job]:
    """Send what the block prints to the job's log, and leave a record of the job beside the log.

    Args:
        job: Snakemake's object of the job; see `job_records.recorded`.

    Yields:
        What the job is given.

    Raises:
        SystemExit: In place of an `InputError`, of an `OSError` of a full or protected disk, of the errors for want of memory, and
            of an interruption, whose one line ends the log (or goes to where errors went before, if the log cannot be written);
            other errors pass, with their traceback.
    """
    assignment = Job(job.rule, job.threads, job.resources)
    log = Path(job.log[0])
    file = None
    try:
        file = log.open("w", buffering=1, encoding="utf-8")
        record = job_records.recorded(job, lambda: assignment.device, lambda: assignment.modules)
        with redirect_stdout(file), redirect_stderr(file), record:
            yield assignment
    except InputError as error:
        _end(str(error), file)
    except OSError as error:
        if error.errno not in NOT_WRITABLE:
            raise
        _end(f"{error.filename or f'{log}, or another file of this job'}: {error.strerror}", file)
    except (MemoryError, RuntimeError) as error:
        if not _is_for_want_of_memory(error):
            raise
        _end(f"not enough memory ({error}); with fewer jobs at a time (--cores) there is more for each", file)
    except KeyboardInterrupt:
        _end("interrupted", file)
    finally:
        if file is not None:
            with suppress(OSError):
                file.close()


def _is_for_want_of_memory(error: Exception) -> bool:
    """Whether memory could not be had, which torch says in a RuntimeError, on a GPU in these words and on the CPU in those."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in ("out of memory", "can't allocate memory"))


def _end(message: str, log: TextIO | None) -> None:
    """End the process with one line, in the log if it can be written."""
    try:
        print(f"error: {message}", file=log or sys.stderr)
    except OSError:
        print(f"error: {message}", file=sys.stderr)
    sys.exit(1)
