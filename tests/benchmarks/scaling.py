"""How the time of each task grows: with the images N, the width H, the number of networks trained together, of directions.

    python tests/benchmarks/scaling.py --figure FILE [--quick] [--threads 2]

Prints the exponents, fitted over the larger half of each range, and draws all of it on logarithmic axes.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import machine
import matplotlib.pyplot as plt
import numpy as np
import problems
import torch
from matplotlib.axes import Axes
from threadpoolctl import threadpool_limits

from sgdphysics.report import style

IMAGES, WIDTH, STACK, DIRECTIONS = 4000, 50, 16, 16  # what is not varied


@dataclass(frozen=True)
class Curve:
    """Seconds of one task at each value of what is varied."""

    task: str
    variable: str
    values: np.ndarray
    seconds: np.ndarray

    @property
    def exponent(self) -> float:
        """Slope of ln seconds against ln value over the larger half of the values."""
        return self._fit()[0]

    def fitted(self) -> tuple[np.ndarray, np.ndarray]:
        """Values and seconds of the fitted power law, where it was fitted."""
        slope, constant = self._fit()
        values = self._half(self.values)
        return values, np.exp(constant) * values**slope

    def _half(self, numbers: np.ndarray) -> np.ndarray:
        return numbers[len(numbers) // 2 :]

    def _fit(self) -> tuple[float, float]:
        slope, constant = np.polyfit(np.log(self._half(self.values)), np.log(self._half(self.seconds)), 1)
        return float(slope), float(constant)


def measure(*, quick: bool) -> list[Curve]:
    """Measure all curves, saying on standard error which one is running."""
    images = [250, 500, 1000] if quick else [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000]
    widths = [5, 10, 20] if quick else [10, 15, 20, 30, 40, 50, 60, 70]
    stacks = [1, 2, 4] if quick else [1, 2, 4, 8, 16, 32, 64]
    directions = [1, 2, 4] if quick else [1, 2, 4, 8, 16, 32, 64]
    return [
        _curve("Hessian", "images N", images, lambda n: problems.hessian(n, WIDTH)),
        _curve("gradient covariance", "images N", images, lambda n: problems.covariance(n, WIDTH)),
        _curve("flatness, a direction", "images N", images, lambda n: problems.flatness(n, WIDTH, DIRECTIONS), DIRECTIONS),
        _curve("training, an epoch", "images N", images, lambda n: problems.training_epoch(n, WIDTH, STACK)),
        _curve("Hessian", "width H", widths, lambda h: problems.hessian(IMAGES, h)),
        _curve("gradient covariance", "width H", widths, lambda h: problems.covariance(IMAGES, h)),
        _curve("training, an epoch", "width H", widths, lambda h: problems.training_epoch(IMAGES, h, STACK)),
        _curve("training, an epoch", "networks together", stacks, lambda e: problems.training_epoch(IMAGES, WIDTH, e)),
        _curve("flatness, all directions", "directions", directions, lambda k: problems.flatness(IMAGES, WIDTH, k)),
    ]


def _curve(
    task: str, variable: str, values: Iterable[int], prepare: Callable[[int], Callable[[], object]], parts: int = 1
) -> Curve:
    print(f"measuring {task} against {variable} ...", file=sys.stderr, flush=True)
    values = np.array(list(values), dtype=float)
    return Curve(task, variable, values, np.array([machine.shortest(prepare(int(value)), 3) / parts for value in values]))


def draw(curves: list[Curve], path: Path) -> None:
    """Draw one panel for each thing that is varied."""
    style.use_theme()
    variables = list(dict.fromkeys(curve.variable for curve in curves))
    figure, axes = plt.subplots(2, 2, figsize=(style.TWO_COLUMNS, 5.2), layout="constrained")
    for axis, variable in zip(axes.flat, variables, strict=True):
        for colour, curve in zip(style.COLOURS.values(), (c for c in curves if c.variable == variable), strict=False):
            axis.plot(curve.values, curve.seconds, "o", color=colour)
            axis.plot(*curve.fitted(), color=colour, label=f"{curve.task}: exponent {curve.exponent:.2f}")
        _finish(axis, variable)
    style.letter_panels(axes.flat)
    style.save(figure, path)


def _finish(axis: Axes, variable: str) -> None:
    axis.set(xscale="log", yscale="log", xlabel=variable, ylabel="seconds")
    style.log_ticks(axis)
    axis.legend(loc="upper left")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * (high / low) ** 0.25)  # room for the legend


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=Path, required=True, metavar="FILE", help="where to draw it, .png or .pdf")
    parser.add_argument("--quick", action="store_true", help="few small sizes: only that everything runs")
    parser.add_argument("--threads", type=int, default=2, help="threads, 2 by default")
    arguments = parser.parse_args()
    threadpool_limits(arguments.threads)
    torch.set_num_threads(arguments.threads)
    curves = measure(quick=arguments.quick)
    for curve in curves:
        span = f"{curve.values[0]:.0f} to {curve.values[-1]:.0f}"
        print(f"{curve.task:26} against {curve.variable:26} {span:14} exponent {curve.exponent:.2f}, {curve.seconds[-1]:.3g} s")
    draw(curves, arguments.figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
