"""What every job of a workflow does around its work."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TextIO

from sgdphysics.errors import InputError
from sgdphysics.provenance import job_records

CPU, GPU = "cpu", "cuda"  # as torch calls them
# What the system says where a file cannot be written, and no code is to blame.
NOT_WRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


@contextmanager
def logged_job(job: Any) -> Iterator[str]:
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
    _use_threads(job.threads)
    log = Path(job.log[0])
    file = None
    try:
        file = log.open("w", buffering=1)
        device = _device(job)
        with redirect_stdout(file), redirect_stderr(file), job_records.recorded(job, _name(device)):
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


def _use_threads(count: int) -> None:
    """Have torch use so many threads, where the script has loaded it: most scripts that draw or tabulate do without its seconds."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)


def _device(job: Any) -> str:
    if not job.resources.get("gpu", 0):
        return CPU
    import torch  # takes seconds to load

    if not torch.cuda.is_available():
        raise InputError(f"gpu: rule {job.rule} is given one, but torch {torch.__version__} finds none here")
    # The same sums in the same order, as far as CUDA can; it wants to be told so before its first use. It cannot for cumulative
    # sums, and says so in the log.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    return GPU


def _name(device: str) -> str:
    """What the record calls a device: a GPU by its make."""
    return sys.modules["torch"].cuda.get_device_name() if device == GPU else device


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
