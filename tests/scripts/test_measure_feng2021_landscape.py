"""The numbers of measure_flatness and measure_noise against a second computation from their definitions: losses of all images in
float64, derivatives by autograd, one image at a time, at the centres and along the directions that measure_fluctuations kept.

Both computations are in float64 and start from the same bits: they agree to 1e-9, and edges to the 1e-5 at which iteration ends.
"""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from sgdphysics import seeds
from sgdphysics.generalization import MatchedDatasets
from sgdphysics.window_noise import WindowNoise
from small_chunk import CASES, Chunk, covariance, double

KEYS = ["run", "window", "window_epochs"]
FURTHEST = 1000.0


@dataclasses.dataclass
class Line:
    """The mean training loss along one direction (d,) of the studied layer, from a centre."""

    samples: object
    weights: list
    layer: int
    direction: np.ndarray

    def point(self, distance):
        weight = self.weights[self.layer]
        return weight + distance * torch.from_numpy(self.direction).view_as(weight)

    def __call__(self, distances):
        points = torch.stack([self.point(float(distance)) for distance in distances])
        return self.samples.of_layer(self.weights, self.layer)(points).numpy()

    def edge(self, sign, factor):
        """The first distance at which the loss is ``factor`` times that at the centre: by a grid, whose first cell that
        holds it is divided in the same way; inf if none does.
        """
        level, grid = factor * self([0.0])[0], np.geomspace(1e-3, FURTHEST, 500)
        while True:
            above = self(sign * grid) >= level
            if not above.any():
                return np.inf
            low, high = grid[above.argmax() - 1], grid[above.argmax()]
            if high - low < 1e-9 * high:
                return high
            grid = np.linspace(low, high, 100)

    def curvature(self):
        distance = torch.zeros((), dtype=torch.float64, requires_grad=True)
        loss = self.samples.of_layer(self.weights, self.layer)(self.point(distance))
        (slope,) = torch.autograd.grad(loss, distance, create_graph=True)
        return float(torch.autograd.grad(slope, distance)[0])


class Measured:
    """The chunk with its tables, and what the second computation needs."""

    def __init__(self, chunk):
        self.chunk, self.settings, self.layer = chunk, chunk.settings, chunk.settings["layer"]
        chunk.measure("measure_fluctuations")
        self.tables = chunk.measure("measure_flatness") | chunk.measure("measure_noise")
        self.windows = chunk.windows()
        self.main = (chunk.reference, "main", chunk.settings["window_epochs"])

    def groups(self, table, keys=()):
        return {key: rows.reset_index(drop=True) for key, rows in self.tables[table].groupby([*KEYS, *keys])}

    def rows(self, table, keys, **values):
        """The rows of the main window of the reference run."""
        table = self.tables[table]
        for name, value in {**dict(zip(KEYS, self.main, strict=True)), **values}.items():
            table = table[table[name] == value]
        return table.set_index(keys)

    def direction(self, key, rank, source="sgd"):
        window = self.windows[key]
        return window.sources[source].directions[window.ranks.index(rank)].numpy()

    def line(self, key, direction):
        return Line(self.chunk.samples(key[0]), double(self.windows[key].centre), self.layer, direction)

    def temperature(self, name, weights, directions):
        """``(alpha / 2) (1 / B) (N - B) / (N - 1) p^T C p`` by direction; draws with replacement lack (N - B) / (N - 1)."""
        run, gradients = self.chunk.results[name].run, self.chunk.samples(name).gradients(weights, self.layer)
        n, size = len(gradients), run.batch_size
        finite = 1.0 if run.sampling == "replacement" else (n - size) / (n - 1)
        matrix = covariance(gradients)
        return [run.learning_rate / 2 / size * finite * (direction @ matrix @ direction) for direction in directions]


@pytest.fixture(scope="module", params=CASES)
def measured(request, tmp_path_factory):
    return Measured(Chunk(tmp_path_factory.mktemp("chunk"), request.param))


def test_flatness_and_curvature(measured):
    found, factor = measured.groups("flatness", ["source", "basis"]), measured.settings["flatness_factor"]
    expected = {}
    for key, window in measured.windows.items():
        expected |= {(*key, name, "principal"): source.directions for name, source in window.sources.items()}
        expected[*key, "sgd", "hessian"] = window.hessian_directions
    assert found.keys() == expected.keys()
    assert np.isinf(measured.tables["flatness"]["flatness"]).any()
    for key, directions in expected.items():
        rows = found[key]
        assert rows["rank"].tolist() == measured.windows[key[:3]].ranks
        for (_, row), direction in zip(rows.iterrows(), directions.numpy(), strict=True):
            line = measured.line(key[:3], direction)
            assert row["curvature"] == pytest.approx(line.curvature(), rel=1e-9, abs=1e-14)
            for side, sign in (("edge_left", -1), ("edge_right", 1)):
                assert row[side] == pytest.approx(line.edge(sign, factor), rel=1e-5)
            assert row["flatness"] == row["edge_left"] + row["edge_right"]


def test_slices(measured):
    edges = measured.rows("flatness", "rank", source="sgd", basis="principal")
    found = measured.groups("slices", ["rank"])
    assert found.keys() == {(*measured.main, rank) for rank in (1, 2) if np.isfinite(edges.flatness[rank])}
    for key, rows in found.items():
        left, right = edges.loc[key[-1], ["edge_left", "edge_right"]]
        width = left + right
        assert rows["offset"].tolist() == pytest.approx(np.linspace(-left - width, right + width, 81).tolist(), rel=1e-9, abs=1e-9)
        line = measured.line(measured.main, measured.direction(measured.main, key[-1]))
        assert rows["loss"].tolist() == pytest.approx(line(rows["offset"]).tolist(), rel=1e-9)


def test_minima(measured):
    window, run = measured.windows[measured.main], measured.chunk.results[measured.chunk.reference].run
    drawn = seeds.generator(run.seed, "directions").standard_normal((3, len(window.drift)))
    directions = {("principal", rank): measured.direction(measured.main, rank) for rank in (1, 2, 6)}
    directions |= {("random", index + 1): drawn[index] / np.sqrt((drawn[index] ** 2).sum()) for index in range(3)}
    expected, reach = {}, measured.settings["slice_range"]
    for key, direction in directions.items():
        line = measured.line(measured.main, direction)
        left, right = (line.edge(sign, measured.settings["flatness_factor"]) for sign in (-1, 1))
        grids = {"fixed": np.linspace(-reach, reach, 81)}
        if left + right < np.inf:
            grids["flat_region"] = np.linspace(-2 * left - right, left + 2 * right, 81)
        for name, grid in grids.items():
            expected[*key, name] = grid[-1] - grid[0], count_minima(line(grid), 0.01 * line([0.0])[0])
    found = measured.rows("minima", ["directions", "rank", "range"])
    assert set(found.index) == expected.keys()
    assert len(measured.tables["minima"]) == len(expected)
    for key, (width, minima) in expected.items():
        assert found.loc[key, "width"] == pytest.approx(width, rel=1e-5)
        assert found.loc[key, "minima"] == minima
    assert found["minima"].nunique() > 1


def count_minima(losses, smallest):
    """Points below their neighbours from which the loss rises by ``smallest`` on both sides before it falls below them."""
    minima = 0
    for index in range(1, len(losses) - 1):
        if losses[index] < min(losses[index - 1], losses[index + 1]):
            sides = losses[index::-1], losses[index:]
            walls = [max(side[: (side < losses[index]).argmax() or None]) for side in sides]
            minima += min(walls) - losses[index] >= smallest
    return minima


def test_temperature(measured):
    found = measured.groups("temperature", ["basis"])
    assert found.keys() == {(*key, basis) for key in measured.windows for basis in ("principal", "hessian")}
    for (*key, basis), rows in found.items():
        window = measured.windows[tuple(key)]
        directions = window.hessian_directions if basis == "hessian" else window.sources["sgd"].directions
        assert rows["rank"].tolist() == window.ranks
        expected = measured.temperature(key[0], double(window.centre), directions.numpy())
        assert rows["temperature"].tolist() == pytest.approx(expected, rel=1e-9)


def test_checkpoints_and_annealing(measured):
    checkpoints, annealing = (
        measured.tables[name].set_index(["run", "step"]).sort_index() for name in ("checkpoints", "annealing")
    )
    expected = set()
    for name in (measured.chunk.reference, measured.chunk.other):
        result, window = measured.chunk.results[name], measured.windows[name, *measured.main[1:]]
        principal = [window.sources["sgd"].directions[window.ranks.index(rank)].numpy() for rank in (1, 5)]
        sharpest = window.hessian_directions[:2].numpy()
        for step, network in {**result.checkpoints, result.steps: result.network}.items():
            expected.add((name, step))
            row, cooled = checkpoints.loc[(name, step)], annealing.loc[[(name, step)]]
            trained, tested = measured.chunk.samples(name), measured.chunk.tested(name)
            weights = double(network)
            for part, samples in {"training": trained, "test": tested}.items():
                wrong = (samples.logits(weights).argmax(1) != samples.labels).double().mean()
                assert row[f"{part}_error"] == pytest.approx(float(wrong), abs=1e-12)
                assert row[f"{part}_loss"] == pytest.approx(float(samples.losses(weights).mean()), rel=1e-9)
            assert row["epoch"] == pytest.approx(step / result.steps * result.epochs)
            assert row["slope_spread"] == pytest.approx(slope_spread(trained, tested, weights, measured.layer, clean=24), rel=1e-9)
            mean = np.mean(measured.temperature(name, weights, sharpest))
            assert row["sharpest_temperature"] == pytest.approx(mean, rel=1e-9)
            assert cooled["rank"].tolist() == [1, 5]
            assert cooled["temperature"].tolist() == pytest.approx(measured.temperature(name, weights, principal), rel=1e-9)
            assert cooled["epoch"].tolist() == [row["epoch"]] * 2
            assert cooled["training_loss"].tolist() == [row["training_loss"]] * 2
    assert set(checkpoints.index) == set(annealing.index) == expected


def slope_spread(trained, tested, weights, layer, clean):
    """Root of the total variance over test images of their slopes ``dl dW / |dW|^2``, where ``dW = (W da) a^T / |a|^2`` and a, da
    are of the nearest of the ``clean`` training images of the class. Where a = 0 there is no dW; a dW of zero has slope zero.
    """
    slopes = []
    for image, label, loss in zip(tested.images, tested.labels, tested.losses(weights), strict=True):
        distances = (trained.images[:clean] - image).square().sum(1)
        distances[trained.labels[:clean] != label] = np.inf
        match = int(distances.argmin())
        a, shifted = (activity(weights, layer, x) for x in (trained.images[match], image))
        if a.any():
            change = torch.outer(weights[layer] @ (shifted - a), a) / a.square().sum()
            per_weight = change / change.square().sum() if change.any() else change
            slopes.append((loss - trained.losses(weights)[match]) * per_weight)
    return float(torch.stack(slopes).var(0, correction=0).sum() ** 0.5)


def activity(weights, layer, image):
    for weight in weights[:layer]:
        image = torch.relu(weight @ image)
    return image


def test_homogeneity(measured):
    edges = measured.rows("flatness", "rank", source="sgd", basis="principal")
    found = measured.rows("homogeneity", ["rank", "position"])
    expected = {}
    for rank in (1, 2):
        line = measured.line(measured.main, measured.direction(measured.main, rank))
        for eighth in range(-4, 5):
            offset = eighth / 4 * (edges.edge_left[rank] if eighth < 0 else edges.edge_right[rank])
            if np.isfinite(offset):
                weights = [*line.weights[: line.layer], line.point(offset), *line.weights[line.layer + 1 :]]
                expected[rank, eighth / 4] = offset, *measured.temperature(measured.chunk.reference, weights, [line.direction])
    assert set(found.index) == expected.keys()
    assert len(measured.tables["homogeneity"]) == len(expected)
    for key, (offset, temperature) in expected.items():
        assert found.loc[key, "offset"] == pytest.approx(offset, rel=1e-12)
        assert found.loc[key, "temperature"] == pytest.approx(temperature, rel=1e-9)


def test_minibatches(measured):
    result = measured.chunk.results[measured.chunk.reference]
    width = measured.rows("flatness", "rank", source="sgd", basis="principal").flatness[6]
    direction, samples = measured.direction(measured.main, 6), measured.chunk.samples(measured.chunk.reference)
    size, order = result.run.batch_size, seeds.generator(result.run.seed, "batches", 14).permutation(len(samples.labels))
    chosen = {0: range(len(order)), **{number: order[(number - 1) * size : number * size] for number in (1, 2, 3)}}
    found = measured.groups("minibatches", ["rank", "batch"])
    assert found.keys() == {(*measured.main, 6, number) for number in chosen}
    for key, rows in found.items():
        assert rows["offset"].tolist() == pytest.approx(np.linspace(-1.5 * width, 1.5 * width, 121).tolist(), rel=1e-9, abs=1e-9)
        line = dataclasses.replace(measured.line(measured.main, direction), samples=samples.at(list(chosen[key[-1]])))
        assert rows["loss"].tolist() == pytest.approx(line(rows["offset"]).tolist(), rel=1e-9)


def test_further_minibatches_are_the_whole_ones_of_the_next_epochs(measured):
    """24 images or 30, of which some sit each epoch out: no batch is short, and none is empty."""
    result = measured.chunk.results[measured.chunk.reference]
    window, data = measured.windows[measured.main], MatchedDatasets(measured.chunk.dataset).of(result.run)
    around = WindowNoise(result, window, data)
    principal = pd.DataFrame({"flatness": [2.0]}, index=[window.ranks[0]])
    images, size = len(data.labels), result.run.batch_size
    each = images // size
    rows = around.minibatch_rows(principal, window.ranks[0], 2 * each + 1)
    centre = rows[np.isclose(rows["offset"], 0)].set_index("batch")["loss"]
    assert centre.index.tolist() == list(range(2 * each + 2))
    for number in range(1, 2 * each + 2):
        epoch, place = divmod(number - 1, each)
        order = seeds.generator(result.run.seed, "batches", result.epochs + epoch).permutation(images)
        samples = measured.chunk.samples(measured.chunk.reference).at(list(order[place * size : (place + 1) * size]))
        assert centre[number] == pytest.approx(float(samples.losses(double(window.centre)).mean()), rel=1e-9)


def test_covariance(measured):
    window, name = measured.windows[measured.main], measured.chunk.reference
    matrix = covariance(measured.chunk.samples(name).gradients(double(window.centre), measured.layer))
    directions = window.hessian_directions.numpy()
    found = measured.rows("covariance", ["rank", "other_rank"])["covariance"]
    expected = {
        (rank, other): first @ matrix @ second
        for rank, first in zip(window.ranks, directions, strict=True)
        for other, second in zip(window.ranks, directions, strict=True)
    }
    assert found.to_dict() == pytest.approx(expected, rel=1e-9, abs=1e-9 * np.trace(matrix))
    assert len(measured.tables["covariance"]) == len(expected)
