"""Measure the landscape around the centres of one chunk's windows: flatness along directions, slices, numbers of minima."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sgdphysics import arrays, curvature, devices, labelled_images, landscape, progress, run_files, seeds, training, windows
from sgdphysics.provenance import jobs
from sgdphysics.tables import WINDOW_COLUMNS, save_rows

Data = tuple[windows.Mlp, Tensor, Tensor, int]  # centre in float64, images, labels, layer

WINDOW = WINDOW_COLUMNS
COLUMNS = {
    "flatness": [*WINDOW, "source", "basis", "rank", "curvature", "edge_left", "edge_right", "flatness"],
    "slices": [*WINDOW, "rank", "offset", "loss"],
    "minima": [*WINDOW, "directions", "rank", "range", "width", "minima"],
}
PROMINENCE = 0.01  # of the loss at the centre: smaller dents are not counted as minima


def measure(
    runs_path: Path,
    windows_path: Path,
    dataset_path: Path,
    settings: Mapping[str, Any],
    reference_runs: Sequence[str],
    tables: Mapping[str, Path],
    device: str = devices.CPU,
) -> None:
    """Write the tables "flatness" (all windows), "slices" and "minima" (reference runs, main window)."""
    dataset = labelled_images.load_dataset(dataset_path).to(device)
    results = run_files.load_results(runs_path)
    rows: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    for name, role, window in windows.load_windows(windows_path):
        run = results[name].run
        indices, labels, _ = training.training_set(run, dataset.train_labels)
        data = (window.centre.double().to(device), dataset.train_images[indices], labels, window.layer)
        columns = {"run": name, "window": role, "window_epochs": window.epochs}
        widths = _flatness_rows(window, data, settings["flatness_factor"], run.loss)
        rows["flatness"].append(widths.assign(**columns))
        if role == "main" and name in reference_runs:
            curve = landscape.LossSlice(*data, run.loss)
            rows["slices"].append(_slice_rows(curve, window, widths, settings).assign(**columns))
            rows["minima"].append(_minima_rows(curve, window, data, settings, run).assign(**columns))
        progress.tell(name, window_epochs=window.epochs)
    for table, parts in rows.items():
        save_rows(tables[table], parts, COLUMNS[table])


def _bases(window: windows.Window) -> dict[tuple[str, str], Tensor]:
    """Directions by source and basis."""
    principal = {(name, "principal"): source.directions for name, source in window.sources.items() if name != "isotropic"}
    return {**principal, ("sgd", "hessian"): window.hessian_directions}


def _flatness_rows(window: windows.Window, data: Data, factor: float, loss: str) -> pd.DataFrame:
    """One row per direction."""
    parts = []
    for (source, basis), directions in _bases(window).items():
        edges = landscape.flatness_edges(*data, directions, factor, loss)
        along = curvature.curvature_along(data[0], data[1], window.layer, directions, loss)
        columns = {"source": source, "basis": basis, "rank": window.ranks, "curvature": along.tolist()}
        sides = {"edge_left": edges[:, 0].tolist(), "edge_right": edges[:, 1].tolist(), "flatness": edges.sum(1).tolist()}
        parts.append(pd.DataFrame({**columns, **sides}))
    return pd.concat(parts, ignore_index=True)


def _slice_rows(
    curve: landscape.LossSlice, window: windows.Window, widths: pd.DataFrame, settings: Mapping[str, Any]
) -> pd.DataFrame:
    """Loss along the principal directions that are drawn, out to one flatness beyond each edge."""
    principal = widths[(widths.source == "sgd") & (widths.basis == "principal")].set_index("rank")
    parts = []
    for rank in settings["slice_ranks"]:
        if rank not in principal.index or not np.isfinite(principal.flatness[rank]):
            continue
        curve.along(window.sources["sgd"].directions[window.ranks.index(rank)])
        offsets = _grid(principal.edge_left[rank], principal.edge_right[rank], settings["slice_points"])
        parts.append(pd.DataFrame({"rank": rank, "offset": offsets, "loss": [curve(offset) for offset in offsets]}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _minima_rows(
    curve: landscape.LossSlice, window: windows.Window, data: Data, settings: Mapping[str, Any], run: training.Run
) -> pd.DataFrame:
    """Number of local minima along log-spaced principal directions and along random ones, over two ranges."""
    ranks = arrays.log_spaced_ranks(window.ranks[-1], settings["slice_directions"])
    positions = sorted({min(range(len(window.ranks)), key=lambda i, r=rank: abs(window.ranks[i] - r)) for rank in ranks})
    shape = (settings["slice_random_directions"], len(window.drift))
    random = torch.from_numpy(seeds.generator(run.seed, "directions").standard_normal(shape))
    directions = torch.cat([window.sources["sgd"].directions[positions], random / random.norm(dim=1, keepdim=True)])
    labels = [("principal", window.ranks[position]) for position in positions]
    labels += [("random", index) for index in range(1, len(random) + 1)]
    edges = landscape.flatness_edges(*data, directions, settings["flatness_factor"], run.loss)
    wide = np.linspace(-settings["slice_range"], settings["slice_range"], settings["slice_points"])
    rows = []
    for (kind, rank), direction, (left, right) in zip(labels, directions, edges.tolist(), strict=True):
        curve.along(direction)
        grids = {"fixed": wide}
        if np.isfinite(left + right):
            grids["flat_region"] = _grid(left, right, settings["slice_points"])
        for name, offsets in grids.items():
            losses = np.array([curve(offset) for offset in offsets])
            minima = landscape.count_minima(losses, PROMINENCE * curve.loss_at_centre)
            rows.append({"directions": kind, "rank": rank, "range": name, "width": np.ptp(offsets), "minima": minima})
    return pd.DataFrame(rows)


def _grid(left: float, right: float, points: int) -> np.ndarray:
    """Offsets over the flat region and one flatness beyond each edge: the range of the published slices."""
    width = left + right
    return np.linspace(-left - width, right + width, points)


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            Path(snakemake.input.runs),
            Path(snakemake.input.windows),
            Path(snakemake.input.dataset),
            snakemake.params.settings,
            snakemake.params.reference_runs,
            {name: Path(snakemake.output[name]) for name in COLUMNS},
            device,
        )
