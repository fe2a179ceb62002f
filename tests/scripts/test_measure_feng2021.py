"""The numbers of measure_fluctuations against a second computation from their definitions: plain SGD in float64, numpy's svd and
polyfit, Hessians and gradients by autograd.

The scripts step in float32. Rounding weights below 2 errs by at most 2^-24 a step, which adds up like a random walk: that is how
far the two paths are apart along a direction, and by Weyl's inequality how far the standard deviations of principal components are.
"""

import dataclasses

import numpy as np
import pytest
import torch

from sgdphysics import seeds
from small_chunk import CASES, Chunk, batches, double, plain_sgd

SOURCES = ["sgd", "noise_epoch", "noise_replacement", "isotropic", "rotated_noise", "linear_sgd"]
# Of the windows of each case: run, role, epochs, start epoch, ranks measured (of the early ones none) and sources.
WINDOWS = {
    "as in the paper": [
        ("reference", "main", 4, 14, [1, 2, 3, 4, 5, 6], SOURCES),
        ("reference", "longer", 8, 14, [1, 2, 3, 4, 5, 6, 7], ["sgd", "noise_epoch"]),
        ("reference", "longer", 10, 14, [1, 2, 4, 5, 6, 9], ["sgd"]),
        ("reference", "early", 1, 0, None, ["sgd", "noise_epoch", "isotropic"]),
        ("reference", "early", 1, 2, None, ["sgd", "noise_epoch", "isotropic"]),
        ("other", "main", 4, 14, [1, 2, 3, 4, 5, 6], ["sgd", "noise_epoch"]),
    ],
    # The longest would end at the stop had it begun at epoch -2.
    "as in the published scripts, other loss and sampling": [
        ("reference", "main", 3, 8, [1, 2, 3, 4, 5, 6], SOURCES),
        ("reference", "longer", 6, 2, [1, 2, 3, 4, 5, 6, 10], ["sgd", "noise_replacement"]),
        ("reference", "longer", 8, 0, [1, 2, 3, 4, 5, 6, 8, 13], ["sgd"]),
        ("reference", "early", 1, 0, None, ["sgd", "noise_replacement", "isotropic"]),
        ("reference", "early", 1, 2, None, ["sgd", "noise_replacement", "isotropic"]),
        ("other", "main", 3, 8, [1, 2, 3, 4, 5, 6], ["sgd", "noise_replacement"]),
    ],
}
KEYS = ["run", "window", "window_epochs", "start_epoch", "source"]


@dataclasses.dataclass
class Plain:
    """One source in one pair of windows, by the second computation.

    ``start`` holds the weights before the windows, (d,), ``first`` and ``second`` those after each step, (steps, d); ``error`` is
    the distance that rounding can put between these paths and those of the script; ``kept`` is the window that the script saved,
    None of the early ones.
    """

    start: np.ndarray
    first: np.ndarray
    second: np.ndarray
    error: float
    whole: bool
    ranks: list[int] | None
    kept: object
    source: str

    @property
    def directions(self):
        """Those that the script saved in float32."""
        return self.kept.sources[self.source].directions.numpy()

    def components(self):
        """Standard deviations (k,) along the principal components of the first window, and their directions (k, d)."""
        count = min(len(self.first) - 1, self.first.shape[1])
        _, singular, directions = np.linalg.svd(self.first - self.first.mean(0), full_matrices=False)
        return singular[:count] / np.sqrt(len(self.first) - 1), directions[:count]

    def angles(self, stds):
        """How far rounding can turn each principal direction (Davis and Kahan), at most 1."""
        gaps = np.abs(stds[:, None] - stds[None, :]) + np.diag(np.full(len(stds), np.inf))
        return self.error / np.maximum(gaps.min(0), self.error)


@pytest.fixture(scope="module", params=CASES)
def measured(request, tmp_path_factory):
    """The chunk, the tables, and every source of every window computed plainly, by what identifies it in the tables."""
    chunk = Chunk(tmp_path_factory.mktemp("chunk"), request.param)
    tables, plain, paths = chunk.measure("measure_fluctuations"), {}, {}
    for name in (chunk.reference, chunk.other):
        result = chunk.results[name]
        paths[name] = plain_sgd(chunk.samples(name), result.run, double(result.checkpoints[0]), 14 + 2 * 10)
    for run, role, epochs, start, ranks, sources in WINDOWS[request.param]:
        name = getattr(chunk, run)
        for source in sources:
            key = (name, role, epochs, start, source)
            plain[key] = plain_source(chunk, paths[name], key, ranks)
    return chunk, tables, plain


def plain_source(chunk, path, key, ranks):
    name, role, epochs, start, source = key
    layer, epoch_steps = chunk.settings["layer"], len(chunk.samples(name).labels) // chunk.results[name].run.batch_size
    begin, middle, end = ((start + part * epochs) * epoch_steps for part in range(3))
    weights = np.array([weights[layer].flatten().numpy() for weights in path[: end + 1]])
    assert np.abs(weights).max() < 2
    first, second, error = weights[begin + 1 : middle + 1], weights[middle + 1 :], 2.0**-24 * np.sqrt(end)
    kept = chunk.windows().get((name, role, epochs))
    if source != "sgd":
        centre = path[middle]
        if chunk.settings["centre"] == "window_mean":
            centre = [*centre[:layer], torch.from_numpy(first.mean(0)).view_as(centre[layer]), *centre[layer + 1 :]]
        if kept:
            for found, expected in zip(double(kept.centre), centre, strict=True):
                assert float((found - expected).abs().max()) < error
            centre, error = double(kept.centre), 0  # the very same centre
        walk = surrogate(chunk, name, centre, source, epochs, start)
        first, second = walk[: middle - begin], walk[middle - begin :]
        error += 2.0**-24 * np.linalg.norm(walk, axis=1).max()  # of directions rounded to float32
    return Plain(weights[begin], first, second, error, name == chunk.reference and role != "longer", ranks, kept, source)


def surrogate(chunk, name, centre, source, epochs, start):
    """Positions of a walk through both windows, (steps, d)."""
    samples, run = chunk.samples(name), chunk.results[name].run
    gradients = samples.gradients(centre, chunk.settings["layer"])
    n, d = gradients.shape
    position, path = np.zeros(d), []
    if source == "isotropic":
        random = seeds.generator(run.seed, "surrogate", epochs)
        for _ in range(2 * epochs):
            kicks = random.standard_normal((n // run.batch_size, d))
            for kick in kicks:
                position = position + kick - (kicks.mean(0) if run.sampling == "epoch" else 0)
                path.append(position)
        return np.array(path)
    random = seeds.generator(run.seed, "surrogate", epochs, start)
    hessian = samples.hessian(centre, chunk.settings["layer"]) if source == "linear_sgd" else np.zeros((d, d))
    for _ in range(2 * epochs):
        for batch in batches(random, n, run.batch_size, source.removeprefix("noise_") if "noise_" in source else run.sampling):
            position = position - run.learning_rate * (hessian @ position + gradients[batch].mean(0) - gradients.mean(0))
            path.append(position)
    return np.array(path) @ (rotation(run.seed, epochs, start, d) if source == "rotated_noise" else np.eye(d))


def rotation(seed, epochs, start, dimension):
    """Three rounds of signs drawn at random and a cosine transform, as a matrix to be multiplied from the right."""
    place = np.arange(dimension)
    cosines = np.cos(np.pi * place[None, :] * (2 * place[:, None] + 1) / (2 * dimension)) * np.sqrt(2 / dimension)
    cosines[:, 0] /= np.sqrt(2)
    signs = seeds.generator(seed, "surrogate", epochs, start, 1).choice([-1.0, 1.0], size=(3, dimension))
    return np.linalg.multi_dot([matrix for row in signs for matrix in (np.diag(row), cosines)])


def groups(table, keys):
    return {key: rows.reset_index(drop=True) for key, rows in table.groupby(keys)}


def test_plain_sgd_is_the_training_of_the_runs(measured):
    chunk = measured[0]
    for name in (chunk.reference, chunk.other):
        result = chunk.results[name]
        path = plain_sgd(chunk.samples(name), result.run, double(result.checkpoints[0]), 14)
        assert len(result.checkpoints) > 4
        for step, network in {**result.checkpoints, result.steps: result.network}.items():
            for found, expected in zip(double(network), path[step], strict=True):
                assert float((found - expected).abs().max()) <= 2.0**-24 * step**0.5


def test_spectra(measured):
    _, tables, plain = measured
    spectra = groups(tables["spectra"], KEYS)
    assert spectra.keys() == plain.keys()
    for key, rows in spectra.items():
        source = plain[key]
        stds, directions = source.components()
        count = len(stds) if source.whole else source.ranks[-1]
        assert rows["rank"].tolist() == list(range(1, count + 1))
        assert np.abs(rows["variance"] ** 0.5 - stds[:count]).max() <= source.error
        assert np.abs(rows["total_variance"] ** 0.5 - (stds**2).sum() ** 0.5).max() <= source.error
        held_out = (source.second @ directions[:count].T).std(0, ddof=1)
        beside = source.second.var(0, ddof=1).sum() ** 0.5 * source.angles(stds)[:count]
        assert (np.abs(rows["held_out_variance"] ** 0.5 - held_out) <= source.error + beside).all()
        projection = source.first @ directions[0]
        slope = np.polyfit(np.arange(len(projection)), projection, 1)[0]
        cosine = np.sign(slope) * directions[0] @ source.start / np.linalg.norm(source.start)
        turned = source.angles(stds)[0] + source.error
        # Of a walk that hardly grows along its first direction rounding can turn the sign.
        clear = abs(slope) > 1e-3 * np.abs(np.diff(projection)).max()
        assert rows["first_alignment"].nunique() == 1
        found = rows["first_alignment"].iloc[0]
        assert abs(found - cosine if clear else abs(found) - abs(cosine)) <= 2 * turned + 1e-6


def test_directions_kept(measured):
    chunk, _, plain = measured
    assert set(chunk.windows()) == {key[:3] for key in plain if key[1] != "early"}
    for source in (source for source in plain.values() if source.kept):
        stds, directions = source.components()
        chosen = np.array(source.ranks) - 1
        directions, angles = directions[chosen], source.angles(stds)[chosen]
        largest = np.take_along_axis(directions, np.abs(directions).argmax(1)[:, None], 1)
        assert (np.linalg.norm(source.directions - directions * np.sign(largest), axis=1) <= 2 * angles + 1e-6).all()
        assert np.median(angles) < 0.01


def test_fluctuations(measured):
    chunk, tables, plain = measured
    hessians, expected = hessian_bases(chunk), projected(chunk, plain)
    found = groups(tables["fluctuations"], [*KEYS, "basis"])
    assert found.keys() == expected.keys()
    for key, rows in found.items():
        source, (values, _) = plain[key[:-1]], hessians[key[:3]]
        assert rows["rank"].tolist() == source.ranks
        assert rows["hessian_eigenvalue"].tolist() == pytest.approx(values, rel=1e-9, abs=1e-14)
        for series, (_, row) in zip(expected[key].T, rows.iterrows(), strict=True):
            check_fluctuation(series, row, source.error)


def test_detrended(measured):
    chunk, tables, plain = measured
    expected = projected(chunk, plain)
    found = groups(tables["detrended"], [*KEYS, "basis", "detrending_order"])
    assert found.keys() == {(*key, order) for key, series in expected.items() for order in range(min(5, len(series) - 1))}
    for (*key, order), rows in found.items():
        series, source = expected[tuple(key)], plain[tuple(key[:-1])]
        fitted = np.linalg.qr(np.vander(np.linspace(-1, 1, len(series)), order + 1))[0]
        still = series - series.mean(0)
        still -= fitted @ (fitted.T @ still)
        assert rows["rank"].tolist() == source.ranks
        assert (rows["variance"] ** 0.5).tolist() == pytest.approx(still.std(0, ddof=1), rel=1e-9, abs=source.error)


def projected(chunk, plain):
    """Series (steps, directions) of every source that fluctuates, in every basis."""
    hessians = hessian_bases(chunk)
    return {
        (*key, basis): series
        for key, source in plain.items()
        if source.kept
        for basis, series in {
            "principal": source.first @ source.directions.T,
            "held_out": source.second @ source.directions.T,
            "hessian": source.first @ hessians[key[:3]][1].T,
        }.items()
    }


def hessian_bases(chunk):
    """Eigenvalues and eigenvectors at the ranks of each window kept, of the dense Hessian at its centre."""
    bases = {}
    for key, window in chunk.windows().items():
        values, vectors = np.linalg.eigh(chunk.samples(key[0]).hessian(double(window.centre), chunk.settings["layer"]))
        chosen = -np.array(window.ranks)
        directions = vectors.T[chosen]
        # In float64 eigenvectors are as good as 1e-15 over the gap; kept in float32.
        assert np.abs((directions * window.hessian_directions.numpy()).sum(1)) == pytest.approx(1, abs=1e-6)
        bases[key] = values[chosen], directions
    return bases


def check_fluctuation(series, row, error):
    """Variances and times of one series (steps,) against a row of the table."""
    time = np.arange(len(series))
    still = series - np.polyval(np.polyfit(time, series - series.mean(), 1), time) - series.mean()
    std, step_std = still.std(ddof=1), np.diff(still).std(ddof=1)
    assert row["variance"] ** 0.5 == pytest.approx(series.std(ddof=1), rel=1e-9, abs=error)
    assert row["variance_without_drift"] ** 0.5 == pytest.approx(std, rel=1e-9, abs=error)
    # Both variances are off by twice their relative error; each of the autocorrelations summed by no more than that.
    assert row["relaxation_time_steps"] == pytest.approx(2 * std**2 / step_std**2, rel=1e-9 + 6 * error / step_std)
    assert row["integrated_time_steps"] == pytest.approx(integrated_time(still), rel=1e-9, abs=4 * len(series) * error / std)


def integrated_time(series):
    """``1 + 2 sum_k rho(k)`` up to the first lag larger than five times the sum so far."""
    centred = series - series.mean()
    time = 1.0
    for lag in range(1, len(series)):
        time += 2 * (centred[:-lag] @ centred[lag:]) / (centred @ centred)
        if lag > 5 * time:
            break
    return time


def test_trajectory(measured):
    chunk, tables, plain = measured
    expected = {key: source for key, source in plain.items() if key[:2] == (chunk.reference, "main")}
    found = groups(tables["trajectory"], [*KEYS, "rank"])
    assert found.keys() == {(*key, rank) for key in expected for rank in (1, 4)}
    for key, rows in found.items():
        source = expected[key[:-1]]
        direction = source.directions[source.ranks.index(key[-1])]
        projection = (source.first - source.first.mean(0)) @ direction
        assert rows["step"].tolist() == list(range(len(source.first)))
        assert rows["projection"].tolist() == pytest.approx(projection.tolist(), abs=source.error)
        weights = source.kept.centre.weights[chunk.settings["layer"]].flatten().double().numpy()
        cosine = direction @ weights / np.linalg.norm(direction) / np.linalg.norm(weights)
        assert rows["cosine_with_weights"].tolist() == pytest.approx([cosine] * len(rows), abs=1e-6)
