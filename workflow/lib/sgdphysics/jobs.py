"""What every job of a workflow does around its work."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import torch

from sgdphysics import job_records
from sgdphysics.errors import InputError


@contextmanager
def logged_job(job: Any) -> Iterator[None]:
    """Send what the block prints to the job's log, with torch on the job's threads, and leave a record of the job beside the log.

    Args:
        job: Snakemake's object of the job; see `job_records.recorded`.

    Raises:
        SystemExit: In place of an `InputError`, whose one line ends the log; other errors pass, with their traceback.
    """
    torch.set_num_threads(job.threads)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    with Path(job.log[0]).open("w", buffering=1) as file, redirect_stdout(file), redirect_stderr(file):
        try:
            with job_records.recorded(job, device):
                yield
        except InputError as error:
            print(f"error: {error}", file=file)
            sys.exit(1)
