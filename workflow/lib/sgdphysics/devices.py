"""Where a job computes with torch: on how many threads, on which device, and in which order there."""

import os
from typing import TYPE_CHECKING

import torch

from sgdphysics.errors import InputError

if TYPE_CHECKING:
    from sgdphysics.provenance.jobs import Job

CPU, GPU = "cpu", "cuda"  # as torch calls them


def prepared(job: "Job") -> str:
    """Have torch use a job's threads, and return where the job computes: on a GPU if its resources name one (``gpu``).

    The job is told the make of the GPU, for its record.

    Raises:
        InputError: If there is no GPU for a job that is given one.
    """
    torch.set_num_threads(job.threads)
    if not job.resources.get("gpu", 0):
        return CPU
    if not torch.cuda.is_available():
        raise InputError(f"gpu: rule {job.rule} is given one, but torch {torch.__version__} finds none here")
    # The same sums in the same order, as far as CUDA can; it wants to be told so before its first use. It cannot for cumulative
    # sums, and says so in the log.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    job.device = torch.cuda.get_device_name()
    return GPU
