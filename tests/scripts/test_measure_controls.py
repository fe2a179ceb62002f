"""What the scripts that measure controls of feng2021 write, of a small chunk: against its other tables, and steps by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from sgdphysics import run_files
from sgdphysics.stack_members import Member
from small_chunk import CASES, Chunk, double, plain_sgd, script

WINDOWS = ("windows", "growth", "crossovers", "frozen_layers")


def read(folder, name):
    return pd.read_csv(folder / f"{name}.csv")


@pytest.fixture(scope="module", params=CASES)
def measured(request, tmp_path_factory):
    """The chunk with its windows, and the tables that the controls are set beside."""
    chunk = Chunk(tmp_path_factory.mktemp("chunk"), request.param)
    tables = {**chunk.measure("measure_fluctuations"), **chunk.measure("measure_flatness"), **chunk.measure("measure_noise")}
    runs = chunk.folder / "runs.csv"
    script("tabulate_feng2021_runs", "tabulate")([chunk.path], [chunk.reference, chunk.diverged], runs)
    weights = chunk.results[chunk.reference].network.weights[chunk.settings["layer"]].numel()
    paths = {name: [chunk.folder / f"{name}.csv"] for name in ("fluctuations", "flatness", "temperature", "slices", "minima")}
    outputs = {
        name: chunk.folder / f"fig2_{name}.csv" for name in ("directions", "exponents", "longer_exponents", "slices", "minima")
    }
    script("tabulate_feng2021_fig2", "tabulate")(runs, paths, chunk.settings["directions"], weights, outputs)
    return chunk, tables


@pytest.fixture(scope="module")
def nested(measured):
    """The tables of nested windows."""
    chunk, _ = measured
    inputs = {"runs_table": "runs", "directions": "fig2_directions", "exponents": "fig2_exponents"}
    script("measure_nested_windows")(
        [chunk.path],
        [chunk.folder / "windows.safetensors"],
        chunk.dataset_path,
        {key: chunk.folder / f"{name}.csv" for key, name in inputs.items()},
        chunk.settings,
        [1, chunk.settings["window_epochs"], 7],
        [chunk.reference, chunk.diverged],
        {name: chunk.folder / f"{name}.csv" for name in WINDOWS},
    )
    return {name: read(chunk.folder, name) for name in WINDOWS}


def chosen(table, **values):
    for name, value in values.items():
        table = table[table[name] == value]
    return table.reset_index(drop=True)


def test_the_window_of_the_main_length_is_the_main_window(measured, nested):
    chunk, tables = measured
    epochs = chunk.settings["window_epochs"]
    main = chosen(tables["fluctuations"], run=chunk.reference, window="main", source="sgd", basis="hessian")
    result = chunk.results[chunk.reference]
    last = (epochs * result.steps // result.epochs - 1) // 4  # up to which exponents are fitted
    same = {"sampling": chunk.settings["sampling"], "layers": "all", "window_epochs": epochs}
    for order, column in ((0, "variance"), (1, "variance_without_drift")):
        rows = chosen(nested["windows"], **same, detrending=order)
        assert rows["rank"].tolist() == [rank for rank in main["rank"] if rank <= last]
        np.testing.assert_allclose(rows["variance"], main[column][: len(rows)], rtol=1e-5, atol=1e-14)


def test_every_way_and_length_is_there_and_no_run_that_diverged(measured, nested):
    chunk, _ = measured
    windows, epochs = nested["windows"], chunk.settings["window_epochs"]
    assert set(windows["run"]) == {chunk.reference}
    ways = set(windows[["sampling", "layers", "window_epochs"]].itertuples(index=False, name=None))
    expected = {(sampling, "all", length) for sampling in ("epoch", "replacement") for length in (1, epochs, 7)}
    assert ways == {*expected, *((sampling, "studied", epochs) for sampling in ("epoch", "replacement"))}
    assert set(nested["growth"]["layers"]) == {"all"}
    assert len(nested["crossovers"]) == 2 * 3


def test_exponents_with_the_other_layers_held_are_fits_to_steps_by_hand(measured, nested):
    chunk, tables = measured
    layer, epochs = chunk.settings["layer"], chunk.settings["window_epochs"]
    result = chunk.results[chunk.reference]
    start = result.epochs if chunk.settings["window_position"] == "after_stop" else result.epochs - 2 * epochs
    path = plain_sgd(chunk.samples(chunk.reference), result.run, double(result.checkpoints[0]), result.epochs)
    steps = result.steps // result.epochs
    moved = plain_sgd_of_layer(chunk, result.run, path[start * steps], start, epochs)
    weights = torch.stack([weights[layer].flatten() for weights in moved[1:]]).numpy()
    kept = chunk.windows()[chunk.reference, "main", epochs]
    projections = (weights - weights.mean(0)) @ kept.hessian_directions.numpy().T
    flatness = chosen(tables["flatness"], run=chunk.reference, window="main", source="sgd", basis="hessian")
    directions = chosen(read(chunk.folder, "fig2_directions"), run=chunk.reference, window="main", source="sgd", basis="hessian")
    fitted = directions["fitted"].to_numpy() & np.isfinite(flatness["flatness"].to_numpy())
    row = chosen(nested["frozen_layers"], layers="studied", kind="hessian_with_drift").iloc[0]
    slope = stats.linregress(np.log(flatness["flatness"][fitted]), np.log(projections.var(0, ddof=1)[fitted])).slope
    assert row["points"] == fitted.sum()
    expected = -slope if row["points"] >= 3 else np.nan  # in the window of the first case there are two
    assert row["exponent"] == pytest.approx(expected, rel=1e-3, nan_ok=True)
    beside = chosen(nested["frozen_layers"], layers="all")
    exponents = chosen(read(chunk.folder, "fig2_exponents"), run=chunk.reference).set_index("kind")["exponent"]
    np.testing.assert_array_equal(beside["exponent"], exponents[list(beside["kind"])])
    assert set(beside["kind"]) == {"in_sample", "held_out", "hessian", "hessian_with_drift"}


def plain_sgd_of_layer(chunk, run, weights, epoch, epochs):
    """The path while only the studied layer moves: after every step the others are put back."""
    samples, layer = chunk.samples(chunk.reference), chunk.settings["layer"]
    path = [weights]
    for later in range(epochs):
        for batch in batches_of(run, len(samples.labels), epoch + later):
            current = [weight.clone().requires_grad_() for weight in path[-1]]
            gradients = torch.autograd.grad(samples.at(batch).losses(current).mean(), current)
            moved = list(path[-1])
            moved[layer] = (current[layer] - run.learning_rate * gradients[layer]).detach()
            path.append(moved)
    return path


def batches_of(run, size, epoch):
    return Member(run, torch.arange(size), epoch).batches()


def test_runs_drawn_either_way_are_compared_at_equal_losses_epochs_and_stop(measured):
    chunk, _ = measured
    result = chunk.results[chunk.reference]
    other = {"epoch": "replacement", "replacement": "epoch"}[result.run.sampling]
    runs = [dataclasses.replace(result.run, sampling=other)]
    controls, table = chunk.folder / "controls.safetensors", chunk.folder / "paired.csv"
    script("train_ensemble", "train")(chunk.dataset_path, "small", [dataclasses.asdict(run) for run in runs], 2, [], [4], controls)
    # Of the two networks at the stop the higher, which nothing lies between; the other run has passed it.
    samples, (other,) = chunk.samples(chunk.reference), run_files.load_results(controls).values()
    stops = [float(samples.losses(double(trained.network)).mean()) for trained in (result, other)]
    target = max(stops) * (1 + 1e-9)
    settings = chunk.settings | {"equal_losses": [target, 1e-9]}
    script("measure_paired_runs")([chunk.path, controls], chunk.dataset_path, settings, [chunk.reference, chunk.diverged], table)
    rows = pd.read_csv(table)
    assert set(rows["sampling"]) == {"epoch", "replacement"}
    assert len(set(rows["run"])) == 2
    stop = chosen(rows, run=chunk.reference, comparison="stop").set_index("quantity")["value"]
    tested = chunk.tested(chunk.reference)
    network = double(result.network)
    assert stop["test_loss"] == pytest.approx(float(tested.losses(network).mean()), rel=1e-6)
    samples, layer = chunk.samples(chunk.reference), chunk.settings["layer"]
    gradients = samples.gradients(network, layer)
    covariance = np.cov(gradients.T, bias=True)
    assert stop["gradient_variance"] == pytest.approx(covariance.trace(), rel=1e-6)
    for run, part in chosen(rows, comparison="equal_loss").groupby("run"):
        at_loss = part.set_index("quantity")["value"]
        assert 0 <= at_loss["gradient_variance_without_sharpest"] < at_loss["gradient_variance"]
        if (run == chunk.reference) == (stops[0] > stops[1]):
            at_stop = chosen(rows, run=run, comparison="stop").set_index("quantity")["value"]
            assert at_loss["test_loss"] == pytest.approx(at_stop["test_loss"], rel=1e-6)
    epochs = chosen(rows, run=chunk.reference, comparison="equal_epochs", quantity="training_loss")
    assert epochs["target"].iloc[-1] == result.epochs
    assert not (rows["target"] == 1e-9).any()  # no run comes there


def test_local_exponents_stand_beside_those_with_wrong_labels(measured):
    chunk, tables = measured
    result = chunk.results[chunk.reference]
    noisy = dataclasses.replace(result.run, label_noise=0.4, images_per_class=5)
    controls, table = chunk.folder / "noisy.safetensors", chunk.folder / "label_noise.csv"
    script("train_ensemble", "train")(chunk.dataset_path, "small", [dataclasses.asdict(noisy)], 2, [], [], controls)
    script("measure_label_noise")([controls], chunk.dataset_path, chunk.settings, table)
    rows = pd.read_csv(table)
    assert set(rows["label_noise"]) == {0.4}
    assert set(rows["rank"]) == {1, 5}
    (kept,) = run_files.load_results(controls).values()
    assert set(rows["step"]) == {*kept.checkpoints, kept.steps}
    annealing, exponents = chunk.folder / "annealing_of_runs.csv", chunk.folder / "exponents.csv"
    runs = pd.read_csv(chunk.folder / "runs.csv")[["run", "learning_rate", "batch_size", "seed", "status", "reference"]]
    runs.merge(tables["annealing"]).to_csv(annealing, index=False)
    script("tabulate_local_exponents", "tabulate")(annealing, table, [1.0, 0.25], exponents)
    found = pd.read_csv(exponents)
    assert set(found["decades"]) <= {1.0, 0.25}
    assert list(found)[:8] == ["run", "learning_rate", "batch_size", "seed", "status", "reference", "label_noise", "rank"]
    for _, row in found.iterrows():
        assert np.log10(row["loss_high"] / row["loss_low"]) == pytest.approx(row["decades"])
