"""What the script that counts directions of fluctuation at several widths writes, of a small chunk: against steps by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from sgdphysics import run_files
from small_chunk import CASES, Chunk, double, plain_sgd, script

WIDTHS = (4, 9)
NUMBERS = ["components_90", "components_99", "components_90_without_first", "components_99_without_first"]
RATIO = "participation_ratio_without_first"


@pytest.fixture(scope="module", params=CASES)
def measured(request, tmp_path_factory):
    """The chunk, the networks of other widths and of other controls by name, and the table."""
    chunk = Chunk(tmp_path_factory.mktemp("chunk"), request.param)
    run = chunk.results[chunk.reference].run
    changes = [{"hidden_widths": (width, width)} for width in WIDTHS]
    changes += [{"hidden_widths": (4, 4), "learning_rate": 1e25}, {"label_noise": 0.4, "images_per_class": 5}]
    changes += [{"hidden_widths": (9, 9), "seed": run.seed + 1}]
    results, paths, table = {}, [chunk.path], chunk.folder / "widths.csv"
    for index, change in enumerate(changes):
        paths.append(chunk.folder / f"{index}.safetensors")
        runs = [dataclasses.asdict(dataclasses.replace(run, **change))]
        script("train_ensemble", "train")(chunk.dataset_path, "small", runs, 2, [], [4], paths[-1])
        results |= run_files.load_results(paths[-1])
    script("measure_widths")(paths, chunk.dataset_path, chunk.settings, [chunk.reference, chunk.diverged], table)
    return chunk, results, pd.read_csv(table)


def row_of(table, name, source="sgd"):
    (row,) = table[(table["run"] == name) & (table["source"] == source)].to_dict("records")
    return row


def counted(deviations):
    """The numbers of the components of centred steps, by their singular values."""
    squares = np.linalg.svd(deviations, compute_uv=False) ** 2
    rest = squares[1:]

    def count(values, share):
        return next(k for k in range(1, len(values) + 1) if values[:k].sum() >= share * values.sum())

    counts = [count(values, share) for values in (squares, rest) for share in (0.9, 0.99)]
    return dict(zip(NUMBERS, counts, strict=True)) | {RATIO: rest.sum() ** 2 / (rest**2).sum()}


def test_the_reference_and_networks_of_other_widths_are_measured_alike(measured):
    chunk, others, table = measured
    layer, epochs = chunk.settings["layer"], chunk.settings["window_epochs"]
    results = {chunk.reference: chunk.results[chunk.reference], **dict(list(others.items())[: len(WIDTHS)])}
    for name, result in results.items():
        start = result.epochs if chunk.settings["window_position"] == "after_stop" else result.epochs - 2 * epochs
        steps = result.steps // result.epochs
        path = plain_sgd(chunk.samples(chunk.reference), result.run, double(result.checkpoints[0]), start + epochs)
        window = torch.stack([weights[layer].flatten() for weights in path[start * steps + 1 :]]).numpy()
        row = row_of(table, name)
        assert (row["window_epochs"], row["window_steps"]) == (epochs, epochs * steps)
        assert (row["weights"], row["hidden_width"]) == (window.shape[1], max(result.run.hidden_widths))
        assert row["reference"] == (name == chunk.reference)
        expected = counted(window - window.mean(0))
        assert {key: row[key] for key in NUMBERS} == {key: expected[key] for key in NUMBERS}
        assert row[RATIO] == pytest.approx(expected[RATIO], rel=1e-3)


def test_a_walk_of_as_many_steps_and_weights_stands_beside_each(measured):
    chunk, others, table = measured
    for name in [chunk.reference, *list(others)[: len(WIDTHS)]]:
        sgd, walk = row_of(table, name), row_of(table, name, "isotropic")
        described = [column for column in table if column not in (*NUMBERS, RATIO, "source")]
        assert {key: walk[key] for key in described} == {key: sgd[key] for key in described}
        assert walk["components_99_without_first"] > 1


def test_the_reference_has_the_numbers_of_its_main_window(measured):
    chunk, _, table = measured
    spectra = chunk.measure("measure_fluctuations")["spectra"]
    main = spectra[(spectra["run"] == chunk.reference) & (spectra["window"] == "main")]
    dimension = script("tabulate_feng2021_fig1", "_dimension")
    for source in ("sgd", "isotropic"):
        expected = dimension(main[main["source"] == source])
        row = row_of(table, chunk.reference, source)
        assert {key: row[key] for key in (*NUMBERS, RATIO)} == pytest.approx({key: expected[key] for key in (*NUMBERS, RATIO)})


def test_runs_that_diverged_are_there_without_numbers_and_other_controls_are_not(measured):
    chunk, others, table = measured
    *_, wide, _, noisy, other_seed = [chunk.other, *list(others)[1:]]
    assert not set(table["run"]) & {noisy, other_seed, chunk.other}
    assert wide in set(table["run"])
    assert row_of(table, chunk.diverged)["status"] == "diverged"
    assert table[table["status"] == "diverged"][[*NUMBERS, RATIO]].isna().all(axis=None)
    assert not table[table["status"] != "diverged"][[*NUMBERS, RATIO]].isna().any(axis=None)


@pytest.mark.parametrize(("batch_size", "epochs"), [(24, 4), (12, 1)])
def test_without_noise_or_of_two_steps_there_are_no_numbers(tmp_path, batch_size, epochs):
    chunk = Chunk(tmp_path, "as in the paper")
    run = dataclasses.replace(chunk.results[chunk.reference].run, batch_size=batch_size)
    path, table = tmp_path / "descent.safetensors", tmp_path / "widths.csv"
    script("train_ensemble", "train")(chunk.dataset_path, "small", [dataclasses.asdict(run)], 2, [], [], path)
    (name,) = run_files.load_results(path)
    script("measure_widths")([path], chunk.dataset_path, chunk.settings | {"window_epochs": epochs}, [name], table)
    (row,) = pd.read_csv(table).to_dict("records")
    assert row["source"] == "sgd"
    assert np.isnan([row[key] for key in (*NUMBERS, RATIO)]).all()
