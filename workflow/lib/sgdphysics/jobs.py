"""What every job of a workflow does around its work."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import torch

from sgdphysics.errors import InputError


@contextmanager
def logged_job(log: str | Path, threads: int = 1) -> Iterator[None]:
    """Send what the block prints to a log file, with torch on ``threads`` threads.

    Raises:
        SystemExit: In place of an `InputError`, whose one line ends the log; other errors pass, with their traceback.
    """
    torch.set_num_threads(threads)
    with Path(log).open("w", buffering=1) as file, redirect_stdout(file), redirect_stderr(file):
        try:
            yield
        except InputError as error:
            print(f"error: {error}", file=file)
            sys.exit(1)
