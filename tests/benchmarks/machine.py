"""What this machine can do at most: the rates of matrix products and of copying memory."""

import time
from collections.abc import Callable

import torch

SIDE = 2048  # of the square matrices
COPIED = 2**25  # numbers of float64: more than any cache holds
REPEATS = 7

FLOAT32, FLOAT64, MEMORY = "float32 products", "float64 products", "memory"
UNITS = {FLOAT32: "Gflop/s", FLOAT64: "Gflop/s", MEMORY: "GB/s"}


def peaks() -> dict[str, float]:
    """Return operations a second of a matrix product in either precision, and bytes a second that a copy reads and writes."""
    source, target = torch.ones(COPIED, dtype=torch.float64), torch.empty(COPIED, dtype=torch.float64)
    return {
        FLOAT32: 2 * SIDE**3 / shortest(_product(torch.float32), REPEATS),
        FLOAT64: 2 * SIDE**3 / shortest(_product(torch.float64), REPEATS),
        MEMORY: 2 * 8 * COPIED / shortest(lambda: target.copy_(source), REPEATS),
    }


def _product(dtype: torch.dtype) -> Callable[[], object]:
    left, right = (torch.randn(SIDE, SIDE, dtype=dtype) for _ in range(2))
    result = torch.empty(SIDE, SIDE, dtype=dtype)
    return lambda: torch.mm(left, right, out=result)


def shortest(call: Callable[[], object], repeats: int) -> float:
    """Return the shortest time of several calls in seconds, after one that does not count."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times[1:])
