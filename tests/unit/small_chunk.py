"""A chunk of three small runs as the scripts of feng2021 measure it, and plain ways to compute the same: SGD, losses, gradients."""

import dataclasses
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cases import save_random_dataset
from sgdphysics import run_files, seeds, training, windows
from sgdphysics.datasets import load_dataset

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
# 24 images, of which 4 sit out each epoch of 4 steps. The seeds are chosen for slices that have two minima, small dents and edges
# beyond reach.
RUN = training.Run(
    hidden_widths=(6, 5),
    learning_rate=0.3,
    batch_size=5,
    images_per_class=8,
    max_epochs=14,
    stop_loss=1e-9,
    stop_on="training_set",
    draw_images=True,
    seed=23,
)
# Ranks 99 exist in no window. The first of the longer windows is twice as long as the main one, the second longer.
SETTINGS = {
    "layer": 1,
    "sampling": "epoch",
    "window_epochs": 4,
    "longer_window_epochs": [8, 10],
    "window_position": "after_stop",
    "centre": "window_mean",
    "early_epochs": [1, 3],
    "directions": 6,
    "trajectory_ranks": [1, 4],
    "annealing_ranks": [1, 5, 99],
    "slice_ranks": [1, 2, 99],
    "minibatch_rank": 6,
    "sharpest_directions": 2,
    "flatness_factor": 2.5,
    "slice_directions": 3,
    "slice_random_directions": 3,
    "slice_points": 81,
    "slice_range": 80.0,
    "minibatches_drawn": 3,
}
CASES = {
    "as in the paper": (RUN, SETTINGS),
    "as in the published scripts, other loss and sampling": (
        dataclasses.replace(RUN, batch_size=4, loss="mean_squared_error", sampling="replacement", label_noise=0.2, seed=5),
        SETTINGS
        | {"layer": 0, "sampling": "replacement", "window_position": "before_stop", "centre": "final"}
        | {"window_epochs": 3, "longer_window_epochs": [6, 8], "slice_range": 20.0},
    ),
}
TABLES = {
    "measure_fluctuations": ("fluctuations", "detrended", "spectra", "trajectory"),
    "measure_flatness": ("flatness", "slices", "minima"),
    "measure_noise": ("temperature", "checkpoints", "annealing", "homogeneity", "minibatches", "covariance"),
}


def script(name, function="measure"):
    return runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="script")[function]


class Chunk:
    """Three trained runs: the reference, one that diverged (of the reference setting too) and another."""

    def __init__(self, folder, case):
        run, self.settings = CASES[case]
        self.folder, self.path, self.dataset_path = folder, folder / "chunk.safetensors", folder / "images.safetensors"
        save_random_dataset(self.dataset_path, images=60)
        changes = {"reference": {}, "diverged": {"learning_rate": 1e25}, "other": {"learning_rate": 0.15}}
        runs = [dataclasses.asdict(dataclasses.replace(run, **change)) for change in changes.values()]
        script("train_ensemble", "train")(self.dataset_path, "small", runs, 2, [], [4], self.path)
        self.dataset, self.results = load_dataset(self.dataset_path), run_files.load_results(self.path)
        self.reference, self.diverged, self.other = self.results
        assert [result.status for result in self.results.values()] == ["not_converged", "diverged", "not_converged"]

    def measure(self, name):
        """Run a script that measures; returns its tables."""
        tables = {table: self.folder / f"{table}.csv" for table in TABLES[name]}
        further = {} if name == "measure_flatness" else {"drawn_runs": [self.reference]}
        if name == "measure_noise":
            further["flatness_path"] = self.folder / "flatness.csv"
        script(name)(
            runs_path=self.path,
            windows_path=self.folder / "windows.safetensors",
            dataset_path=self.dataset_path,
            settings=self.settings,
            reference_runs=[self.reference, self.diverged],
            tables=tables,
            **further,
        )
        return {table: pd.read_csv(path) for table, path in tables.items()}

    def windows(self):
        """The windows that the scripts kept, by run, role and length in epochs."""
        kept = windows.load_windows(self.folder / "windows.safetensors")
        return {(name, role, window.epochs): window for name, role, window in kept}

    def samples(self, name):
        """What a run trains on, float64, and its loss."""
        run = self.results[name].run
        indices, labels, _ = training.training_set(run, self.dataset.train_labels)
        return Samples(self.dataset.train_images[indices].double(), labels, run.loss)

    def tested(self, name):
        """The test images, all of them, and the run's loss."""
        return Samples(self.dataset.test_images.double(), self.dataset.test_labels, self.results[name].run.loss)


@dataclasses.dataclass
class Samples:
    """Images float64 (N, pixels), labels (N,) and the name of a loss."""

    images: torch.Tensor
    labels: torch.Tensor
    loss: str

    def at(self, chosen):
        return Samples(self.images[chosen], self.labels[chosen], self.loss)

    def logits(self, weights):
        activity = self.images
        for weight in weights[:-1]:
            activity = torch.relu(activity @ weight.mT)
        return activity @ weights[-1].mT

    def losses(self, weights):
        """The loss of each image, (..., N), of weights (..., out, in) of each layer."""
        logits = self.logits(weights)
        one_hot = torch.eye(logits.shape[-1], dtype=torch.float64)[self.labels]
        if self.loss == "cross_entropy":
            return -(torch.log_softmax(logits, -1) * one_hot).sum(-1)
        return (logits - one_hot).square().mean(-1)

    def of_layer(self, weights, layer):
        """The mean loss as a function of one layer's weights."""
        return lambda weight: self.losses([*weights[:layer], weight, *weights[layer + 1 :]]).mean(-1)

    def gradients(self, weights, layer):
        """The gradient of every image's loss, one after the other, float64 (N, d)."""
        weight = weights[layer].clone().requires_grad_()
        single = [self.at([index]).of_layer(weights, layer)(weight) for index in range(len(self.labels))]
        return torch.stack([torch.autograd.grad(loss, weight)[0].flatten() for loss in single]).numpy()

    def hessian(self, weights, layer):
        """Second derivatives of the mean loss by differentiating twice, float64 (d, d)."""
        size = weights[layer].numel()
        return torch.autograd.functional.hessian(self.of_layer(weights, layer), weights[layer]).reshape(size, size).numpy()


def double(network):
    return [weight.double() for weight in network.weights]


def batches(random, n, size, sampling):
    """Images of each step of an epoch, (steps, B)."""
    steps = n // size
    if sampling == "replacement":
        return torch.from_numpy(random.integers(n, size=(steps, size)))
    return torch.from_numpy(random.permutation(n)[: steps * size].reshape(steps, size))


def plain_sgd(samples, run, weights, epochs):
    """Weights of every layer before the first step and after each, float64."""
    path = [weights]
    for epoch in range(epochs):
        for batch in batches(seeds.generator(run.seed, "batches", epoch), len(samples.labels), run.batch_size, run.sampling):
            weights = [weight.detach().requires_grad_() for weight in weights]
            gradients = torch.autograd.grad(samples.at(batch).losses(weights).mean(), weights)
            weights = [(weight - run.learning_rate * step).detach() for weight, step in zip(weights, gradients, strict=True)]
            path.append(weights)
    return path


def covariance(gradients):
    """``<g g^T> - <g><g>^T`` over images, dividing by N."""
    mean = gradients.mean(0)
    return sum(np.outer(gradient, gradient) for gradient in gradients) / len(gradients) - np.outer(mean, mean)
