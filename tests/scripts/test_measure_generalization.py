"""What is measured of trained networks, against slow and independent ways; and networks of which nothing can be measured."""

import dataclasses
import math
import runpy
from pathlib import Path

import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from cases import save_random_dataset
from sgdphysics import networks, run_files, training
from sgdphysics.datasets import load_dataset

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "measure_generalization.py"
RUN = training.Run(hidden_widths=(6, 5), learning_rate=0.1, batch_size=6, images_per_class=8, max_epochs=3, stop_loss=1e-9, seed=7)
NUMBERS = [
    "training_loss",
    "training_error",
    "test_loss",
    "test_error",
    "slope_spread",
    "largest_eigenvalue",
    "sharpest_temperature",
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return save_random_dataset(tmp_path_factory.mktemp("data") / "small.safetensors")


def measured(dataset, folder, results):
    run_files.save_results(folder / "runs.safetensors", results, [f"run{index}" for index in range(len(results))], "small")
    runpy.run_path(str(SCRIPT), run_name="script")["measure"](folder / "runs.safetensors", dataset, 1, 3, folder / "table.csv")
    return pd.read_csv(folder / "table.csv").set_index("run")


def trained(dataset, **changes):
    data = load_dataset(dataset)
    return training.train([dataclasses.replace(RUN, **changes)], data.train_images, data.train_labels)[0]


def test_numbers_are_those_of_autograd(dataset, tmp_path):
    result = trained(dataset)
    row = measured(dataset, tmp_path, [result]).loc["run0"]
    data, network = load_dataset(dataset), result.network.double()
    indices, labels, _ = training.training_set(RUN, data.train_labels)
    images = data.train_images[indices].double()

    def loss(flat, chosen=slice(None)):
        changed = network.replaced(1, flat.view_as(network.weights[1]))
        return F.cross_entropy(changed.logits(images[chosen]), labels[chosen])

    flat = network.weights[1].flatten()
    values, vectors = torch.linalg.eigh(torch.autograd.functional.hessian(loss, flat))
    flat.requires_grad_()
    gradients = torch.stack([torch.autograd.grad(loss(flat, slice(n, n + 1)), flat)[0] for n in range(len(labels))])
    variances = (gradients @ vectors[:, -3:]).var(0, correction=0)
    temperature = 0.1 / 2 / 6 * (24 - 6) / (24 - 1) * variances.mean()
    test = network.logits(data.test_images.double())
    expected = {
        "training_loss": float(loss(flat.detach())),
        "test_loss": float(F.cross_entropy(test, data.test_labels)),
        "test_error": float((test.argmax(1) != data.test_labels).double().mean()),
        "largest_eigenvalue": float(values[-1]),
        "sharpest_temperature": float(temperature),
    }
    assert row[list(expected)].astype(float).tolist() == pytest.approx(list(expected.values()), rel=1e-9)
    assert row["slope_spread"] > 0
    assert (row["status"], row["epochs"], row["steps"]) == ("not_converged", 3, 12)


def test_networks_without_finite_or_living_weights_have_empty_numbers(dataset, tmp_path):
    alive = trained(dataset)
    dead = trained(dataset, learning_rate=1e3, max_epochs=400)
    wild = trained(dataset, learning_rate=1e25)
    assert (dead.status, wild.status) == ("dead", "diverged")
    table = measured(dataset, tmp_path, [alive, dead, wild])
    assert table.loc["run0", NUMBERS].notna().all()
    assert table.loc[["run1", "run2"], NUMBERS].isna().all(axis=None)
    assert table["status"].tolist() == ["not_converged", "dead", "diverged"]


def test_a_living_network_that_responds_to_hardly_anything_is_measured(dataset, tmp_path):
    alive = trained(dataset)
    faint = dataclasses.replace(alive, network=networks.Mlp(tuple(1e-30 * weight for weight in alive.network.weights)))
    row = measured(dataset, tmp_path, [faint]).loc["run0"]
    assert row["test_loss"] == pytest.approx(math.log(3))
    assert all(isinstance(row[name], float) for name in NUMBERS)


def test_the_runs_of_a_chunk_are_measured_whatever_their_seeds(dataset, tmp_path):
    results = [trained(dataset, seed=8), trained(dataset), trained(dataset, seed=9)]
    table = measured(dataset, tmp_path, results)
    assert table["seed"].tolist() == [7, 8, 9]
    assert table.index.tolist() == ["run1", "run0", "run2"]
    alone = measured(dataset, tmp_path, results[:1])
    pd.testing.assert_frame_equal(table.loc[["run0"]], alone, check_exact=True)
