"""Measure the noise of SGD for one chunk: temperatures at the windows' centres and through training, and what goes with them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sgdphysics import devices, generalization, labelled_images, landscape, noise, progress, run_files, seeds, training, windows
from sgdphysics.provenance import jobs
from sgdphysics.tables import WINDOW_COLUMNS, load_table, save_rows

WINDOW = WINDOW_COLUMNS
LOSSES_AND_ERRORS = ["training_loss", "training_error", "test_loss", "test_error"]
COLUMNS = {
    "temperature": [*WINDOW, "basis", "rank", "temperature"],
    "checkpoints": ["run", "step", "epoch", *LOSSES_AND_ERRORS, "slope_spread", "sharpest_temperature"],
    "annealing": ["run", "step", "epoch", "rank", "temperature", "training_loss"],
    "homogeneity": [*WINDOW, "rank", "position", "offset", "temperature"],
    "minibatches": [*WINDOW, "rank", "batch", "offset", "loss"],
    "covariance": [*WINDOW, "rank", "other_rank", "covariance"],
}


def measure(
    runs_path: Path,
    windows_path: Path,
    flatness_path: Path,
    dataset_path: Path,
    settings: Mapping[str, Any],
    reference_runs: Sequence[str],
    tables: Mapping[str, Path],
    device: str = devices.CPU,
) -> None:
    """Write the tables "temperature", "checkpoints", "annealing" (all runs), and of the reference setting "homogeneity",
    "minibatches" and "covariance".
    """
    images = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device))
    results, widths = run_files.load_results(runs_path), load_table(flatness_path)
    rows: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    for name, role, window in windows.load_windows(windows_path):
        point = Point(results[name], window, images.of(results[name].run))
        columns = {"run": name, "window": role, "window_epochs": window.epochs}
        rows["temperature"].append(_temperature_rows(point).assign(**columns))
        if role != "main":
            continue
        checkpoints, annealing = _training_rows(point, settings)
        rows["checkpoints"].append(checkpoints.assign(run=name))
        rows["annealing"].append(annealing.assign(run=name))
        if name in reference_runs:
            own = widths[(widths.run == name) & (widths.window == "main")]
            principal = own[(own.source == "sgd") & (own.basis == "principal")].set_index("rank")
            rows["homogeneity"].append(_homogeneity_rows(point, principal, settings["slice_ranks"]).assign(**columns))
            if name == reference_runs[0]:
                rows["minibatches"].append(_minibatch_rows(point, principal, settings).assign(**columns))
                rows["covariance"].append(_covariance_rows(point).assign(**columns))
        progress.tell(name)
    for table, parts in rows.items():
        save_rows(tables[table], parts, COLUMNS[table])


class Point:
    """One run with its window, its data and the temperatures of any network on them."""

    def __init__(self, result: training.Result, window: windows.Window, data: generalization.MatchedData) -> None:
        self.result, self.run, self.window, self.data = result, result.run, window, data
        self.images, self.labels = data.images, data.labels

    def directions(self, ranks: list[int]) -> Tensor:
        """SGD's principal directions of the given ranks."""
        return self.window.sources["sgd"].directions[[self.window.ranks.index(rank) for rank in ranks]]

    def studied(self, network: windows.Mlp) -> tuple[windows.Mlp, generalization.MatchedData]:
        """The layers of a network from the studied one on, in float64, and the data that enter it, found once for all."""
        network = network.double().to(self.images.device)
        return network.from_layer(self.window.layer), self.data.entering(network, self.window.layer)

    def gradients(self, studied: windows.Mlp, entering: generalization.MatchedData, directions: Tensor) -> Tensor:
        """Single-sample gradients projected on directions, (N, k)."""
        return noise.projected_gradients(studied, entering.images, entering.labels, 0, directions, self.run.loss)

    def temperature(self, studied: windows.Mlp, entering: generalization.MatchedData, directions: Tensor) -> Tensor:
        """T_i of SGD at a network, (k,)."""
        gradients = self.gradients(studied, entering, directions)
        return noise.temperature(gradients, self.run.learning_rate, self.run.batch_size, self.run.sampling)


def _temperature_rows(point: Point) -> pd.DataFrame:
    """One row per direction of the principal and the Hessian basis, at the window's centre."""
    bases = {"principal": point.window.sources["sgd"].directions, "hessian": point.window.hessian_directions}
    parts, studied = [], point.studied(point.window.centre)
    for basis, directions in bases.items():
        temperature = point.temperature(*studied, directions).tolist()
        parts.append(pd.DataFrame({"basis": basis, "rank": point.window.ranks, "temperature": temperature}))
    return pd.concat(parts, ignore_index=True)


def _training_rows(point: Point, settings: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row per checkpoint (losses, errors, spread of slopes, mean temperature of the sharpest directions), and one per
    checkpoint and principal direction (temperature), along directions of the window after training.
    """
    ranks = [rank for rank in settings["annealing_ranks"] if rank in point.window.ranks]
    sharpest = [i for i, rank in enumerate(point.window.ranks) if rank <= settings["sharpest_directions"]]
    directions = torch.cat([point.directions(ranks), point.window.hessian_directions[sharpest]])
    epoch_steps = point.result.steps // point.result.epochs
    checkpoints, annealing = [], []
    for step, network in sorted({**point.result.checkpoints, point.result.steps: point.result.network}.items()):
        studied, entering = point.studied(network)
        temperature = point.temperature(studied, entering, directions)
        columns = {"step": step, "epoch": step / epoch_steps}
        losses = {key: value for key, value in entering.losses(studied).items() if key in LOSSES_AND_ERRORS}
        row = {**columns, **losses, "slope_spread": entering.pairs(studied, 0).spreads()[0]}
        checkpoints.append({**row, "sharpest_temperature": float(temperature[len(ranks) :].mean())})
        annealing.append(pd.DataFrame({**columns, "rank": ranks, "temperature": temperature[: len(ranks)].tolist()}))
    table = pd.DataFrame(checkpoints)
    return table, pd.concat(annealing, ignore_index=True).merge(table[["step", "training_loss"]])


def _homogeneity_rows(point: Point, principal: pd.DataFrame, ranks: list[int]) -> pd.DataFrame:
    """Temperature along a direction at points along it: 0 is the centre, -1 and 1 are the edges of the flat region."""
    weight, layer, rows = point.window.centre.weights[point.window.layer], point.window.layer, []
    for rank in (rank for rank in ranks if rank in principal.index):
        direction = point.directions([rank])
        for position in np.linspace(-1, 1, 9):
            edge = principal.edge_left[rank] if position < 0 else principal.edge_right[rank]
            if not np.isfinite(edge):
                continue
            moved = weight.double() + position * edge * direction.view_as(weight)
            network = point.window.centre.double().replaced(layer, moved)
            temperature = float(point.temperature(*point.studied(network), direction))
            rows.append({"rank": rank, "position": position, "offset": position * edge, "temperature": temperature})
    return pd.DataFrame(rows)


def _minibatch_rows(point: Point, principal: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Loss of single mini-batches (numbered from 1) and of the whole training set (0) along one principal direction."""
    rank = settings["minibatch_rank"] if settings["minibatch_rank"] in principal.index else int(principal.index[0])
    direction, width = point.directions([rank])[0], principal.flatness[rank]
    if not np.isfinite(width):
        return pd.DataFrame()
    offsets = np.linspace(-1.5 * width, 1.5 * width, 121)
    centre, size = point.window.centre.double().to(point.images.device), point.run.batch_size
    order = seeds.generator(point.run.seed, "batches", point.result.epochs).permutation(len(point.labels))
    batches = [order[start : start + size] for start in range(0, settings["minibatches_drawn"] * size, size)]
    parts = []
    for number, chosen in enumerate([order, *batches]):
        chosen = torch.from_numpy(chosen)
        curve = landscape.LossSlice(centre, point.images[chosen], point.labels[chosen], point.window.layer, point.run.loss)
        curve.along(direction)
        losses = [curve(offset) for offset in offsets]
        parts.append(pd.DataFrame({"rank": rank, "batch": number, "offset": offsets, "loss": losses}))
    return pd.concat(parts, ignore_index=True)


def _covariance_rows(point: Point) -> pd.DataFrame:
    """Covariance of the single-sample gradients along the first 20 Hessian directions."""
    chosen = [index for index, rank in enumerate(point.window.ranks) if rank <= 20]
    gradients = point.gradients(*point.studied(point.window.centre), point.window.hessian_directions[chosen])
    rank = np.array(point.window.ranks)[chosen]
    row, column = np.meshgrid(rank, rank, indexing="ij")
    covariance = torch.cov(gradients.T, correction=0).flatten().tolist()
    return pd.DataFrame({"rank": row.ravel(), "other_rank": column.ravel(), "covariance": covariance})


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            Path(snakemake.input.runs),
            Path(snakemake.input.windows),
            Path(snakemake.input.flatness),
            Path(snakemake.input.dataset),
            snakemake.params.settings,
            snakemake.params.reference_runs,
            {name: Path(snakemake.output[name]) for name in COLUMNS},
            device,
        )
