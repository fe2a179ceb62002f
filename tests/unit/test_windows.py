import dataclasses

import numpy as np
import pytest
import torch

from cases import small_data
from sgdphysics import curvature, fluctuations, training, window_sources, windows
from sgdphysics.curvature import layer_hessian
from sgdphysics.runs import log_spaced_steps

IMAGES, LABELS = small_data(n=40, pixels=8, dtype=torch.float32)
RUNS = [training.Run(hidden_widths=(6, 5), batch_size=8, learning_rate=rate, max_epochs=4, seed=2) for rate in (0.1, 0.4)]
SETTINGS = windows.WindowSettings(
    layer=1,
    epochs=5,
    centre="window_mean",
    directions=6,
    whole_spectrum=True,
    further_ranks=(3, 10, 999),
    hessian=True,
    noise_sampling=("epoch", "replacement"),
    isotropic=True,
    ladder=True,
)


@pytest.fixture(scope="module")
def measured():
    results = training.train(RUNS, IMAGES, LABELS, checkpoint_steps=log_spaced_steps(5, 5, 4))
    starts = [windows.window_start(result, "after_stop", 5, IMAGES, LABELS) for result in results]
    return results, windows.measure_windows(RUNS, starts, IMAGES, LABELS, SETTINGS)


def stored_path(run, result):
    """Weights of the studied layer at every step of both windows, float64 (steps, d), and the network between them."""
    path = []

    def observe(weights):
        path.append(weights[1][0].flatten().double().clone())

    (middle,) = training.continue_training([run], [result.network], [4], IMAGES, LABELS, epochs=5, observer=observe)
    training.continue_training([run], [middle], [9], IMAGES, LABELS, epochs=5, observer=observe)
    return torch.stack(path[:25]), torch.stack(path[25:]), middle


@pytest.mark.parametrize("index", [0, 1])
def test_windows_equal_the_stored_trajectory(measured, index):
    results, found = measured
    window, sgd = found[index], found[index].sources["sgd"]
    first, second, middle = stored_path(RUNS[index], results[index])
    variances, directions = fluctuations.principal_components(first)
    assert torch.allclose(sgd.in_sample, variances, rtol=1e-8, atol=1e-18)
    assert torch.allclose(sgd.held_out[:10], (second @ directions[:10].T).var(0), rtol=1e-6)
    assert sgd.total_variance == pytest.approx(float(first.var(0).sum()))
    assert torch.allclose(window.centre.weights[1].flatten().double(), first.mean(0), rtol=1e-6)
    assert torch.equal(window.centre.weights[0], middle.weights[0])
    assert window.ranks == [1, 2, 3, 4, 6, 10]
    hessian = layer_hessian(window.centre, IMAGES, LABELS, 1)
    curvatures = np.linalg.eigvalsh(hessian.numpy())[::-1][[rank - 1 for rank in window.ranks]]
    assert window.curvatures.tolist() == pytest.approx(curvatures.tolist(), rel=1e-6, abs=1e-12)
    along = first @ window.hessian_directions.T
    assert torch.allclose(sgd.fluctuations["hessian"].variance, along.var(0), rtol=1e-8)
    still = fluctuations.without_drift(along)
    assert torch.allclose(sgd.fluctuations["hessian"].variance_without_drift, still.var(0), rtol=1e-6)
    ranks = torch.tensor(window.ranks) - 1
    assert torch.allclose(sgd.fluctuations["held_out"].variance, (second @ directions[ranks].T).var(0), rtol=1e-6)
    assert torch.allclose(sgd.trajectory, (first - first.mean(0)) @ directions[ranks].T, atol=1e-9)


@pytest.mark.parametrize("index", [0, 1])
def test_alignment_of_the_first_direction_with_the_weights_as_it_grows(measured, index):
    results, found = measured
    first = stored_path(RUNS[index], results[index])[0]
    start = results[index].network.weights[1].flatten().double()
    direction = np.linalg.svd((first - first.mean(0)).numpy(), full_matrices=False)[2][0]
    projection = first.numpy() @ direction
    growth = np.sign(np.polyfit(np.arange(len(projection)), projection, 1)[0])
    cosine = growth * direction @ start.numpy() / np.linalg.norm(start)
    assert found[index].start.tolist() == start.tolist()
    assert found[index].sources["sgd"].first_alignment == pytest.approx(cosine, abs=1e-6)
    assert all(-1 <= source.first_alignment <= 1 for source in found[index].sources.values())


@pytest.mark.parametrize(("drift", "cosine"), [([0.0, 3.0], 0.6), ([5.0, -1e-3], -0.6), ([1.0, 0.0], 0.0)])
def test_a_direction_points_to_where_the_drift_goes(drift, cosine):
    weights = torch.tensor([4.0, 3.0], dtype=torch.float64)
    for sign in (1.0, -1.0):
        direction = torch.tensor([0.0, sign], dtype=torch.float64)
        drift = torch.as_tensor(drift, dtype=torch.float64)
        assert window_sources._growth_alignment(direction, drift, weights) == pytest.approx(cosine)


def test_surrogates_are_measured_alike_and_have_no_drift_of_their_own(measured):
    window = measured[1][0]
    names = ["sgd", "noise_epoch", "noise_replacement", "isotropic", "rotated_noise", "linear_sgd"]
    assert list(window.sources) == SETTINGS.sources == names
    for source in window.sources.values():
        assert set(source.fluctuations) == {"principal", "held_out", "hessian"}
        assert len(source.in_sample) == 24
    rotated, frozen, linear = (window.sources[name] for name in ("rotated_noise", "noise_epoch", "linear_sgd"))
    moving = frozen.in_sample > 1e-9 * frozen.in_sample[0]
    assert torch.allclose(rotated.in_sample[moving], frozen.in_sample[moving], rtol=1e-6)
    assert float((rotated.directions[0] @ frozen.directions[0]).abs()) < 0.9
    assert linear.total_variance == pytest.approx(frozen.total_variance, rel=0.01)  # the same draws on a nearly flat loss
    assert not torch.equal(linear.in_sample, frozen.in_sample)


def test_windows_read_back_as_they_were_written(measured, tmp_path):
    path = tmp_path / "windows.safetensors"
    windows.save_windows(path, [("one", "main", measured[1][0])])
    ((name, role, window),) = windows.load_windows(path)
    assert (name, role, window.ranks, window.epochs) == ("one", "main", measured[1][0].ranks, 5)
    assert torch.equal(window.centre.weights[1], measured[1][0].centre.weights[1])
    assert torch.allclose(window.sources["sgd"].directions, measured[1][0].sources["sgd"].directions, atol=1e-7)


def test_a_window_before_the_stop_lies_on_the_path_of_training(measured):
    result = measured[0][0]
    network, epoch = windows.window_start(result, "before_stop", 1, IMAGES, LABELS)
    assert epoch == 2
    (end,) = training.continue_training([RUNS[0]], [network], [2], IMAGES, LABELS, epochs=2, observer=lambda _: None)
    assert all(torch.equal(a, b) for a, b in zip(end.weights, result.network.weights, strict=True))


def test_a_window_may_start_after_any_epoch(measured):
    result = measured[0][0]
    network, epoch = windows.window_start(result, 3, 1, IMAGES, LABELS)
    assert epoch == 3
    (end,) = training.continue_training([RUNS[0]], [network], [3], IMAGES, LABELS, epochs=1, observer=lambda _: None)
    assert all(torch.equal(a, b) for a, b in zip(end.weights, result.network.weights, strict=True))


def test_a_run_that_diverges_within_its_window_has_none():
    run = training.Run(hidden_widths=(6, 5), batch_size=8, learning_rate=1e20)
    start = training.train([RUNS[0]], IMAGES, LABELS)[0].network
    assert windows.measure_windows([run], [(start, 4)], IMAGES, LABELS, SETTINGS) == [None]


def test_a_dead_network_stands_still_and_has_no_window():
    start = training.train([RUNS[0]], IMAGES, LABELS)[0].network
    dead = start.replaced(0, -start.weights[0].abs())  # images are not negative: no unit of the first layer is ever active
    assert windows.measure_windows([RUNS[0]], [(dead, 4)], IMAGES.abs(), LABELS, SETTINGS) == [None]


def test_a_class_without_images_keeps_its_output():
    (result,) = training.train([RUNS[0]], IMAGES, LABELS, classes=4)
    settings = dataclasses.replace(SETTINGS, layer=2, epochs=2)
    (window,) = windows.measure_windows([RUNS[0]], [(result.network, 4)], IMAGES, LABELS, settings)
    assert window is not None
    assert window.centre.weights[2].shape == (4, 5)
    assert {source.directions.shape[1] for source in window.sources.values()} == {20}


def test_a_layer_too_wide_for_dense_matrices_has_the_same_window(measured, monkeypatch):
    results, dense = measured
    monkeypatch.setattr(curvature, "DENSE_LIMIT", 29)
    monkeypatch.setattr(window_sources, "DENSE_LIMIT", 29)
    starts = [windows.window_start(result, "after_stop", 5, IMAGES, LABELS) for result in results]
    for window, expected in zip(windows.measure_windows(RUNS, starts, IMAGES, LABELS, SETTINGS), dense, strict=True):
        assert window.ranks == expected.ranks
        curved = expected.curvatures > 1e-9
        assert curved.sum() >= 4
        assert torch.allclose(window.curvatures, expected.curvatures, rtol=1e-9, atol=1e-12)
        assert torch.allclose(window.hessian_directions[curved], expected.hessian_directions[curved], atol=1e-6)
        for basis in ("principal", "hessian"):
            along, wanted = (part.sources["sgd"].fluctuations[basis].variance for part in (window, expected))
            assert torch.allclose(along[curved], wanted[curved], rtol=1e-6)
        assert list(window.sources) == SETTINGS.sources[:-1]  # of linear SGD the whole Hessian would be needed


def test_linear_sgd_that_leaves_its_minimum_is_left_out(measured):
    window = measured[1][0]
    steep = dataclasses.replace(RUNS[0], learning_rate=2.1 / float(window.curvatures[0]))
    settings = dataclasses.replace(SETTINGS, hessian=False)
    surrogates = window_sources.surrogate_sources(window, steep, IMAGES, LABELS, settings)
    assert list(surrogates) == SETTINGS.sources[1:-1]


def test_a_network_that_is_right_beyond_rounding_has_no_landscape():
    """Its loss is exactly 0 where the window is centred: no rise of it is a multiple of that."""
    images = torch.eye(3, dtype=torch.float32).repeat(4, 1)
    labels = torch.arange(12) % 3
    run = training.Run(hidden_widths=(3, 3), batch_size=4, learning_rate=0.1, weight_decay=0.1)
    sure = windows.Mlp(tuple(8 * torch.eye(3) for _ in range(3)))
    settings = dataclasses.replace(SETTINGS, epochs=1, centre="final")
    assert windows.measure_windows([run], [(sure, 0)], images, labels, settings) == [None]
    fewer = dataclasses.replace(settings, hessian=False)  # an early window, of which the landscape is not looked at
    assert windows.measure_windows([run], [(sure, 0)], images, labels, fewer)[0] is not None


def test_components_without_variance_have_no_direction():
    """A network whose weights move along one line: the other variances are 0, or what rounding leaves."""
    path = torch.arange(1.0, 5.0).double()[:, None] * torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]).double()
    variances, directions = fluctuations.principal_components(path)
    assert variances[0] == pytest.approx(5 / 3)
    assert variances[1:].abs().max() < 1e-15
    assert directions.isfinite().all()
    assert directions[0].tolist() == [1, 0, 0, 0, 0, 0]
