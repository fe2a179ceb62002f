"""What is measured of networks up to the edge, against the functions of the library one by one."""

import dataclasses
import runpy
from pathlib import Path

import pandas as pd
import pytest

from cases import save_random_dataset
from sgdphysics import batch_sharpness, networks, run_files, training
from sgdphysics.datasets import load_dataset

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "measure_edge.py"
RUN = training.Run(hidden_widths=(6, 5), learning_rate=0.1, batch_size=6, images_per_class=8, max_epochs=5, stop_loss=1e-9, seed=7)
SETTINGS = {"layer": 1, "sharpness_images": 12}
NAMES = ("grid", "talk", "line", "scaled", "control", "dead", "wild")
PARTS = {"talk_example": ["talk"], "line": ["line"], "initial_scale": ["scaled"], "control": ["control", "dead"]}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return save_random_dataset(tmp_path_factory.mktemp("data") / "small.safetensors")


@pytest.fixture(scope="module")
def results(dataset):
    data = load_dataset(dataset)
    changes = {"dead": {"learning_rate": 1e3, "max_epochs": 400}, "wild": {"learning_rate": 1e25}, "scaled": {"initial_scale": 2.0}}
    return {
        name: training.train(
            [dataclasses.replace(RUN, seed=RUN.seed + number, **changes.get(name, {}))],
            data.train_images,
            data.train_labels,
            checkpoint_steps=[2, 4, 12],
        )[0]
        for number, name in enumerate(NAMES)
    }


def measured(dataset, folder, results):
    run_files.save_results(folder / "runs.safetensors", list(results.values()), list(results), "small")
    tables = {name: folder / f"{name}.csv" for name in ("outcomes", "sharpness", "followed")}
    measure = runpy.run_path(str(SCRIPT), run_name="script")["measure"]
    measure([folder / "runs.safetensors"], dataset, PARTS, SETTINGS, tables)
    return {name: pd.read_csv(path) for name, path in tables.items()}


@pytest.fixture(scope="module")
def tables(dataset, results, tmp_path_factory):
    return measured(dataset, tmp_path_factory.mktemp("tables"), results)


def test_every_run_has_its_outcome_and_its_part(tables, results):
    outcomes = tables["outcomes"].set_index("run")
    assert set(outcomes.index) == set(NAMES)
    assert outcomes.loc[["dead", "wild"], "outcome"].tolist() == ["dead", "not_finite"]
    assert outcomes.loc[["grid", "line", "talk", "scaled", "control"], "part"].tolist() == [
        *("grid", "grid", "talk_example", "initial_scale", "control")
    ]
    assert outcomes.loc["scaled", "initial_scale"] == 2
    assert outcomes["epochs"].to_dict() == {name: result.epochs for name, result in results.items()}


def test_networks_are_measured_at_the_end_and_those_followed_at_ends_of_epochs_before(tables):
    points = tables["sharpness"].groupby("run")["epochs"].apply(list).to_dict()
    assert points == {
        "grid": [5],
        "talk": [5],
        "line": [1, 3, 5],
        "scaled": [5],
        "control": [1, 3, 5],
    }
    assert tables["sharpness"].query("last")["epochs"].unique().tolist() == [5]
    followed = tables["followed"].groupby("run")["epochs"].apply(list).to_dict()
    assert followed == {"scaled": [5], "control": [1, 3, 5]}


def test_sharpness_is_the_mean_over_the_batches_that_come_next(tables, results, dataset):
    data = load_dataset(dataset)
    rows = tables["sharpness"].set_index(["run", "epochs"])
    for name, epoch in (("grid", 5), ("line", 1), ("line", 3)):
        result = results[name]
        indices, labels, _ = training.training_set(result.run, data.train_labels)
        batches = batch_sharpness.next_batches(result, len(indices), 12, epoch)
        images = data.train_images[indices]
        values = batch_sharpness.batch_sharpness(result.network_after(epoch), images, labels, batches)
        assert rows.loc[(name, epoch), "batches"] == len(batches) == 2
        assert rows.loc[(name, epoch), "batch_sharpness"] == pytest.approx(float(values.mean()), rel=1e-9)
        product = result.run.learning_rate * float(values.mean())
        assert rows.loc[(name, epoch), "learning_rate_times_batch_sharpness"] == pytest.approx(product, rel=1e-9)


def test_a_network_without_any_gradient_has_no_row_of_sharpness(dataset, results, tmp_path):
    silent = networks.Mlp(tuple(0 * weight for weight in results["grid"].network.weights))
    found = measured(dataset, tmp_path, {"grid": dataclasses.replace(results["grid"], network=silent)})
    assert found["sharpness"].empty
    assert len(found["outcomes"]) == 1
