"""What every job of a workflow does around its work."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TextIO

import torch

from sgdphysics import job_records
from sgdphysics.errors import InputError

CPU = torch.device("cpu")
# What the system says where a file cannot be written, and no code is to blame.
NOT_WRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


@contextmanager
def logged_job(job: Any) -> Iterator[torch.device]:
    """Send what the block prints to the job's log, with torch on the job's threads, and leave a record of the job beside the log.

    Args:
        job: Snakemake's object of the job; see `job_records.recorded`.

    Yields:
        Where the job computes: on a GPU if its resources name one (``gpu``), else on the CPU.

    Raises:
        SystemExit: In place of an `InputError`, of an `OSError` of a full or protected disk, of the errors for want of memory, and
            of an interruption, whose one line ends the log (or goes to where errors went before, if the log cannot be written);
            other errors pass, with their traceback.
    """
    torch.set_num_threads(job.threads)
    log = Path(job.log[0])
    file = None
    try:
        file = log.open("w", buffering=1)
        device = _device(job)
        name = torch.cuda.get_device_name() if device.type == "cuda" else device.type
        with redirect_stdout(file), redirect_stderr(file), job_records.recorded(job, name):
            yield device
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


def _device(job: Any) -> torch.device:
    if not job.resources.get("gpu", 0):
        return CPU
    if not torch.cuda.is_available():
        raise InputError(f"gpu: rule {job.rule} is given one, but torch {torch.__version__} finds none here")
    # The same sums in the same order, as far as CUDA can; it wants to be told so before its first use. It cannot for cumulative
    # sums, and says so in the log.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    return torch.device("cuda")


def _is_for_want_of_memory(error: Exception) -> bool:
    """Whether memory could not be had; on the CPU torch has no class of error for it."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _end(message: str, log: TextIO | None) -> None:
    """End the process with one line, in the log if it can be written."""
    try:
        print(f"error: {message}", file=log or sys.stderr)
    except OSError:
        print(f"error: {message}", file=sys.stderr)
    sys.exit(1)
