"""What a GPU gains: networks trained per second in stacks of 1 to 4,096, and the measurements, beside the same on CPU cores.

    python tests/benchmarks/devices.py [--quick] [--threads 2]

Training is counted in steps of one network; float32, one epoch of random images. Exits with 1 where torch finds no GPU.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator

import machine
import problems
import torch
from threadpoolctl import threadpool_limits

IMAGES, WIDTH, DIRECTIONS = 4000, 50, 48
STACKS, QUICK_STACKS = [1, 4, 16, 64, 256, 1024, 4096], [1, 4]
MEASURED_IMAGES, QUICK_IMAGES = [4000, 60_000], [1000]
LONG = 1  # seconds of a task on the CPU that needs no repetition

OnDevice = Callable[[torch.device], problems.Task]


def training_rows(stacks: list[int]) -> Iterator[list[str]]:
    """Steps of networks per second on either device, one row for each size of the stack."""
    for stack in stacks:
        steps = stack * (IMAGES // problems.BATCH_SIZE)
        cpu, gpu = seconds_of_both(lambda device, stack=stack: problems.training_epoch(IMAGES, WIDTH, stack, device))
        yield [f"training, stack of {stack}", *(f"{steps / seconds:,.0f} steps/s" for seconds in (cpu, gpu)), f"{cpu / gpu:.1f}x"]


def measuring_rows(images: list[int]) -> Iterator[list[str]]:
    """Time of each measurement on either device, at several numbers of images."""
    for count in images:
        tasks: dict[str, OnDevice] = {
            "Hessian": lambda device, count=count: problems.hessian(count, WIDTH, device),
            "gradient covariance": lambda device, count=count: problems.covariance(count, WIDTH, device),
            f"flatness, {DIRECTIONS} directions": lambda device, count=count: problems.flatness(count, WIDTH, DIRECTIONS, device),
        }
        for name, task in tasks.items():
            cpu, gpu = seconds_of_both(task)
            yield [f"{name}, {count:,} images", f"{cpu:.3g} s", f"{gpu:.3g} s", f"{cpu / gpu:.1f}x"]


def seconds_of_both(task: OnDevice) -> tuple[float, float]:
    """Shortest time of a task on the CPU and on the GPU."""
    cpu, gpu = (_seconds(task(device), device) for device in (problems.CPU, torch.device("cuda")))
    return cpu, gpu


def _seconds(task: problems.Task, device: torch.device) -> float:
    def finished() -> None:
        task()
        if device.type == "cuda":
            torch.cuda.synchronize()

    start = time.perf_counter()
    finished()
    first = time.perf_counter() - start
    return first if first > LONG and device == problems.CPU else machine.shortest(finished, 3)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few small sizes: only that everything runs")
    parser.add_argument("--threads", type=int, default=2, help="CPU cores to compare with, 2 by default")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print(f"torch {torch.__version__} finds no GPU here", file=sys.stderr)
        return 1
    threadpool_limits(arguments.threads)
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}")
    _print_row(["task", f"CPU, {arguments.threads} threads", torch.cuda.get_device_name(), "ratio"])
    for row in training_rows(QUICK_STACKS if arguments.quick else STACKS):
        _print_row(row)
    for row in measuring_rows(QUICK_IMAGES if arguments.quick else MEASURED_IMAGES):
        _print_row(row)
    return 0


def _print_row(row: list[str]) -> None:
    print("  ".join(cell.ljust(width) for cell, width in zip(row, (40, 18, 24, 0), strict=True)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
