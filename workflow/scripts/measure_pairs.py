"""Measure the dual weights of matched pairs at the reference setting of the sweeps, matched in several ways, and their nulls."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from sgdphysics import devices, duality, generalization, labelled_images, noise, progress, run_files, seeds
from sgdphysics.networks import Mlp
from sgdphysics.provenance import jobs
from sgdphysics.tables import save_rows

RUN = ["run", "seed"]
QUANTITIES = [
    *("gap", "slope_spread", "weight_spread", "correlated_share"),
    *("correlation_mean", "correlation_variation", "leading_directions"),
    *("slope_curvature_correlation", "slope_curvature_exponent"),
]
COLUMNS = {
    "pairs": [
        *(*RUN, "pair", "dual_norm", "relative_norm", "loss_change", "activity_error", "logit_error"),
        *("norm_ratio_along_test_activity", "norm_ratio_along_random_vector"),
    ],
    "matching": [*RUN, "matching", "distance", *QUANTITIES],
    "shifts": [*RUN, "losses", "fraction", *QUANTITIES],
    "directions": [
        *RUN,
        "losses",
        "rank",
        "eigenvalue",
        "slope_std",
        "weight_std",
        "correlation",
        "contribution",
        "cumulative_share",
    ],
    "metric": [*RUN, "weight_spread", "weight_spread_by_metric"],
}
FRACTIONS = (1.0, 0.3, 0.1, 0.03)  # of the shift from a training image to its test image


def measure(
    runs_paths: Sequence[Path],
    dataset_path: Path,
    reference_runs: Sequence[str],
    settings: Mapping[str, Any],
    tables: Mapping[str, Path],
    device: str = devices.CPU,
) -> None:
    """Write the tables of ``COLUMNS`` for the final networks of the runs of the reference setting that converged."""
    images = generalization.MatchedDatasets(labelled_images.load_dataset(dataset_path).to(device), settings["test_images"])
    rows: dict[str, list[pd.DataFrame]] = {table: [] for table in COLUMNS}
    for path in runs_paths:
        for name, result in run_files.load_results(path).items():
            if name in reference_runs and result.status == "converged":
                network = _Measured(result.network.double().to(device), images.of(result.run), settings["layer"], result.run.seed)
                for table, part in network.tables():
                    rows[table].append(part.assign(run=name, seed=result.run.seed))
                progress.tell(name)
    for table, parts in rows.items():
        save_rows(tables[table], parts, COLUMNS[table])


class _Measured:
    """One network with its pairs and the eigenbasis of its Hessian."""

    def __init__(self, network: Mlp, data: generalization.MatchedData, layer: int, seed: int) -> None:
        self.network, self.data, self.layer, self.seed = network, data, layer, seed
        self.basis = duality.hessian_basis(network, data.images, data.labels, layer, data.loss)

    def tables(self) -> Iterator[tuple[str, pd.DataFrame]]:
        pairs = self.data.pairs(self.network, self.layer)
        shuffled = pairs.with_shuffled_losses(self.seed)
        yield "pairs", self._pairs(pairs)
        yield "metric", self._metric(pairs)
        for matching, data in self.data.matchings(self.network, self.layer, self.seed).items():
            distance = (data.matched_images - data.test_images).norm(dim=1).mean()
            numbers = self._numbers(data.pairs(self.network, self.layer))
            yield "matching", pd.DataFrame([{"matching": matching, "distance": float(distance), **numbers}])
        for losses, chosen in {"own": pairs, "shuffled": shuffled}.items():
            yield "directions", self._directions(chosen).assign(losses=losses)
        for fraction in FRACTIONS:
            moved = self._moved(fraction)
            for losses, chosen in {"own": moved, "shuffled": moved.with_shuffled_losses(self.seed)}.items():
                yield "shifts", pd.DataFrame([{"losses": losses, "fraction": fraction, **self._numbers(chosen)}])
        yield "shifts", pd.DataFrame([{"losses": "gradient", "fraction": 0.0, **self._gradients()}])

    def _activities(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs of the layer at both images of every active pair."""
        both = [self.network.activations(images)[self.layer] for images in (self.data.matched_images, self.data.test_images)]
        active = both[0].any(1)
        return both[0][active], both[1][active]

    def _pairs(self, pairs: duality.DualWeights) -> pd.DataFrame:
        """How well each dual weight does what it is for, and how small it is among the changes of the weights that do."""
        weight, (activity, shifted) = self.network.weights[self.layer], self._activities()
        changed = activity @ weight.T + pairs.outputs * activity.square().sum(1, keepdim=True)
        wanted = shifted @ weight.T
        logits = [self.network.logits_above(self.layer, output) for output in (changed, wanted, activity @ weight.T)]
        norms = pairs.squared_norms.sqrt()
        random = torch.from_numpy(seeds.generator(self.seed, "vectors").standard_normal(tuple(activity.shape))).to(activity.device)
        columns = {
            "dual_norm": norms,
            "relative_norm": norms / weight.norm(),
            "loss_change": pairs.loss_changes,
            "activity_error": _relative_error(changed, wanted, activity @ weight.T),
            "logit_error": _relative_error(*logits),
            "norm_ratio_along_test_activity": pairs.norms_along(shifted) / norms,
            "norm_ratio_along_random_vector": pairs.norms_along(random) / norms,
        }
        return pd.DataFrame({"pair": range(len(norms)), **{name: values.cpu().numpy() for name, values in columns.items()}})

    def _metric(self, pairs: duality.DualWeights) -> pd.DataFrame:
        activity, shifted = self._activities()
        by_metric = duality.weight_spread_by_metric(self.network.weights[self.layer], activity, shifted - activity)
        return pd.DataFrame([{"weight_spread": pairs.spreads()[1], "weight_spread_by_metric": by_metric}])

    def _moved(self, fraction: float) -> duality.DualWeights:
        """Pairs of a training image with the image a part of the way to its test image."""
        start, end = self.data.matched_images, self.data.test_images
        between = start + fraction * (end - start)
        return duality.dual_weights(self.network, start, between, self.data.test_labels, self.layer, self.data.loss)

    def _numbers(self, pairs: duality.DualWeights) -> dict[str, float]:
        found = duality.decompose_pairs(pairs, *self.basis)
        fit = duality.fit_on_curvature(found.slope_std.square(), found.eigenvalues)
        return {
            **{key: getattr(found, key) for key in ("gap", "slope_spread", "weight_spread", "correlated_share")},
            **found.leading_correlation(),
            "slope_curvature_correlation": fit.r,
            "slope_curvature_exponent": fit.exponent,
        }

    def _gradients(self) -> dict[str, float]:
        """Variance over the matched training images of the whole gradient, in place of the slopes along the dual weights."""
        matched = self.data.matched_images, self.data.test_labels
        gradients = noise.projected_gradients(self.network, *matched, self.layer, self.basis[1], self.data.loss)
        fit = duality.fit_on_curvature(gradients.var(0, correction=0), self.basis[0])
        return {"slope_curvature_correlation": fit.r, "slope_curvature_exponent": fit.exponent}

    def _directions(self, pairs: duality.DualWeights) -> pd.DataFrame:
        found = duality.decompose_pairs(pairs, *self.basis)
        columns = {key: getattr(found, key).cpu().numpy() for key in ("eigenvalues", "slope_std", "weight_std", "correlation")}
        shares = {"contribution": found.contributions, "cumulative_share": found.contributions.cumsum(0) / found.gap}
        rows = pd.DataFrame({**columns, **{name: values.cpu().numpy() for name, values in shares.items()}})
        return rows.rename(columns={"eigenvalues": "eigenvalue"}).assign(rank=range(1, len(rows) + 1))


def _relative_error(found: torch.Tensor, wanted: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """Of each pair, in parts of the larger of what is wanted and what was there before: an image may leave a layer silent."""
    return (found - wanted).norm(dim=1) / torch.maximum(wanted.norm(dim=1), before.norm(dim=1))


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        measure(
            [Path(path) for path in snakemake.input.runs],
            Path(snakemake.input.dataset),
            snakemake.params.reference_runs,
            snakemake.params.settings,
            {table: Path(snakemake.output[table]) for table in COLUMNS},
            device,
        )
