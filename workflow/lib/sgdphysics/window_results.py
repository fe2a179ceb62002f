"""What was measured in the windows of a run, and the file that keeps the windows of many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from sgdphysics.errors import RecordError, one_line
from sgdphysics.networks import Mlp
from sgdphysics.tensors import load_tensors, save_tensors


@dataclass
class Fluctuation:
    """Fluctuations along the selected directions of one basis, each float64 (k,).

    Attributes:
        variance: Variance of the projected weights, dividing by steps - 1.
        variance_without_drift: The same less the straight line that fits the window best.
        variance_by_order: By order from 0, as far as the window has steps: the same less the polynomial in time of that order that
            fits the window best; of order 0 and 1 these are the two above.
        relaxation_time: ``2 var / var(step)`` in steps, of the series without drift.
        integrated_time: Integrated autocorrelation time in steps, of the series without drift.
    """

    variance: Tensor
    variance_without_drift: Tensor
    variance_by_order: dict[int, Tensor]
    relaxation_time: Tensor
    integrated_time: Tensor


@dataclass
class Source:
    """One source of fluctuations: SGD, or a surrogate that lacks something of it.

    Attributes:
        in_sample: Variances of the principal components of the first window, float64 (k,), largest first.
        held_out: Variances of the second window along the same directions, float64 (k,).
        total_variance: Their sum over all components, whether among these k or not.
        directions: Principal directions at the selected ranks, float64 (selected, d).
        fluctuations: By basis: "principal" (first window), "held_out" (the same directions, second window) and "hessian" (the
            window's Hessian directions, first window).
        trajectory: Projections of the first window on the principal directions, relative to its mean, float64 (steps, selected).
        first_alignment: Cosine of the first principal direction, pointing to where the projection on it grows over the first
            window, with the weights at the start of that window; not kept in files.
    """

    in_sample: Tensor
    held_out: Tensor
    total_variance: float
    directions: Tensor
    fluctuations: dict[str, Fluctuation] = field(default_factory=dict)
    trajectory: Tensor | None = None
    first_alignment: float = float("nan")


@dataclass
class Window:
    """What was measured in the windows of one run.

    Attributes:
        layer: Weight matrix studied, counted from 0.
        epochs: Length of each of the two windows, epochs.
        start_epoch: Epochs trained before the first.
        centre: Network with the layer's weights at the first window's mean (or its end), other layers at the window's end.
        drift: Change of the layer's weights over the first window by the best straight line, float64 (d,).
        ranks: Ranks of the selected directions, from 1.
        curvatures: Hessian eigenvalues at the selected ranks, float64 (k,), at the centre; empty where not measured.
        hessian_directions: Their eigenvectors, float64 (k, d).
        sources: "sgd", "noise_epoch" and "noise_replacement" (frozen noise by sampling scheme), "isotropic", "rotated_noise",
            "linear_sgd".
        start: Weights of the layer before the first step, float64 (d,); not kept in files.
    """

    layer: int
    epochs: int
    start_epoch: int
    centre: Mlp
    drift: Tensor
    ranks: list[int]
    curvatures: Tensor
    hessian_directions: Tensor
    sources: dict[str, Source] = field(default_factory=dict)
    start: Tensor | None = None


def save_windows(path: Path, windows: Sequence[tuple[str, str, Window]]) -> None:
    """Write (run name, role, window) to a file: centres and directions (in float32), without the fluctuations."""
    tensors, metadata = {}, []
    for index, (name, role, window) in enumerate(windows):
        tensors |= {f"{index}/centre/{layer}": weight for layer, weight in enumerate(window.centre.weights)}
        tensors |= {f"{index}/{key}": getattr(window, key) for key in ("drift", "curvatures")}
        tensors[f"{index}/hessian_directions"] = window.hessian_directions.float()
        for source, measured in window.sources.items():
            tensors |= {f"{index}/{source}/{key}": getattr(measured, key) for key in ("in_sample", "held_out")}
            tensors[f"{index}/{source}/directions"] = measured.directions.float()
        numbers = {key: getattr(window, key) for key in ("layer", "epochs", "start_epoch", "ranks")}
        sources = {source: measured.total_variance for source, measured in window.sources.items()}
        layers = len(window.centre.weights)
        metadata.append({"name": name, "role": role, "sources": sources, "layers": layers, "window": numbers})
    save_tensors(path, tensors, metadata)


def load_windows(path: Path) -> list[tuple[str, str, Window]]:
    """Read what `save_windows` wrote.

    Raises:
        RecordError: If the file is not readable, or holds something else than windows.
    """
    tensors, metadata = load_tensors(path)
    try:
        return [(entry["name"], entry["role"], _window(entry, index, tensors)) for index, entry in enumerate(metadata)]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"{path}: not measured windows as this version knows them ({one_line(error)})") from None


def _window(entry: Mapping[str, Any], index: int, tensors: Mapping[str, Tensor]) -> Window:
    """The window that an entry of the metadata describes."""
    sources = {
        source: Source(
            in_sample=_numbers(tensors, f"{index}/{source}/in_sample"),
            held_out=_numbers(tensors, f"{index}/{source}/held_out"),
            total_variance=total,
            directions=_numbers(tensors, f"{index}/{source}/directions"),
        )
        for source, total in entry["sources"].items()
    }
    return Window(
        centre=Mlp(tuple(tensors[f"{index}/centre/{layer}"] for layer in range(entry["layers"]))),
        drift=_numbers(tensors, f"{index}/drift"),
        curvatures=_numbers(tensors, f"{index}/curvatures"),
        hessian_directions=_numbers(tensors, f"{index}/hessian_directions"),
        sources=sources,
        **entry["window"],
    )


def _numbers(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    """A tensor as float64."""
    if not tensors[name].is_floating_point():
        raise TypeError(f"{name}: found {tensors[name].dtype}, expected torch.float32 or torch.float64")
    return tensors[name].double()
