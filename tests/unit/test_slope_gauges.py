"""Slopes parallel to the dual weights beside path-averaged ones: each exact, and what the gap comes to in both gauges."""

import numpy as np
import pytest
import torch

from cases import small_data, small_network
from sgdphysics import duality, slope_gauges
from sgdphysics.curvature import layer_gradients, sharpest_directions
from sgdphysics.dual_weights import dual_weights, weighted_norm
from sgdphysics.duality import Decomposition, decompose_gap, decompose_in_both_gauges, decompose_pairs, hessian_basis
from sgdphysics.generalization import MatchedData
from sgdphysics.losses import LOSSES

WIDE = (6, 16, 12, 3)
every_layer = pytest.mark.parametrize("layer", [0, 1, 2])


def pairs_of(n=40, seed=2):
    (train, labels), (test, _) = small_data(n), small_data(n, seed=seed)
    return train, test, labels


def mean_gradients(network, train, test, labels, layer, loss, points=100):
    """The gradient between W and W + dW of every pair by autograd, averaged over some points, each flattened."""
    means = []
    duals = dual_weights(network, train, test, labels, layer).weights()
    for image, dual, label in zip(train, duals, labels, strict=True):
        gradients = []
        for t in (torch.arange(points, dtype=torch.float64) + 0.5) / points:
            weight = (network.weights[layer] + t * dual.view_as(network.weights[layer])).requires_grad_()
            logits = network.replaced(layer, weight).logits(image[None])
            gradients += torch.autograd.grad(LOSSES[loss].values(logits, label[None]).sum(), weight)
        means.append(torch.stack(gradients).mean(0).flatten())
    return torch.stack(means)


def path_averaged(network, n=40, layer=1, loss="cross_entropy"):
    return dual_weights(network, *pairs_of(n), layer, loss, "path_averaged")


def slopes_of(pairs):
    """Slopes of all pairs, (pairs, d)."""
    return pairs.slopes[:, None] * pairs.weights() + pairs.slopes_across()


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
@every_layer
def test_path_averaged_slopes_are_mean_gradients_of_rank_one(layer, loss):
    network = small_network(WIDE)
    train, test, labels = pairs_of(n=8)
    pairs = dual_weights(network, train, test, labels, layer, loss, "path_averaged")
    expected = mean_gradients(network, train, test, labels, layer, loss)
    torch.testing.assert_close(slopes_of(pairs), expected, rtol=0, atol=0.02 * float(expected.abs().max()))  # 100 points
    assert (expected - pairs.slopes[:, None] * pairs.weights()).norm() > 0.1 * expected.norm()


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
@every_layer
def test_slopes_of_both_gauges_return_the_change_of_every_loss(layer, loss):
    pairs = path_averaged(small_network(WIDE), layer=layer, loss=loss)
    products = (slopes_of(pairs) * pairs.weights()).sum(1)
    torch.testing.assert_close(products, pairs.loss_changes, rtol=1e-9, atol=1e-13)
    assert pairs.slopes_across().norm() > 0.1 * slopes_of(pairs).norm()
    parallel = pairs.with_parallel_slopes()
    assert not parallel.slopes_across().any()
    torch.testing.assert_close((slopes_of(parallel) * pairs.weights()).sum(1), pairs.loss_changes, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
@every_layer
def test_decomposition_of_path_averaged_slopes_equals_dense_brute_force(layer, loss):
    network = small_network(WIDE)
    train, test, labels = pairs_of()
    basis = hessian_basis(network, train, labels, layer, loss)
    arguments = {"matches": torch.arange(len(train)), "loss": loss, "basis": basis, "slopes": "path_averaged"}
    result = decompose_gap(network, train, labels, test, labels, layer, **arguments)
    pairs = path_averaged(network, layer=layer, loss=loss)
    weights, slopes = pairs.weights() @ basis[1].T, slopes_of(pairs) @ basis[1].T
    simple = basis[0] > 1e-6 * basis[0][0]
    for name, expected in {
        "slope_std": slopes.std(0, correction=0),
        "weight_std": weights.std(0, correction=0),
        "contributions": (weights * slopes).mean(0),
        "correlation": torch.stack([torch.corrcoef(torch.stack(p))[0, 1] for p in zip(weights.T, slopes.T, strict=True)]),
    }.items():
        torch.testing.assert_close(getattr(result, name)[simple], expected[simple], rtol=1e-7, atol=1e-10)
    assert result.slope_spread == pytest.approx(float(slopes.var(0, correction=0).sum().sqrt()), rel=1e-10)
    assert result.decomposed_gap == pytest.approx(result.gap, rel=1e-9)
    parallel = decompose_gap(network, train, labels, test, labels, layer, **{**arguments, "slopes": "parallel"})
    assert result.gap == pytest.approx(parallel.gap, rel=1e-12)
    assert result.slope_spread > 1.01 * parallel.slope_spread
    default = decompose_gap(network, train, labels, test, labels, layer, matches=arguments["matches"], basis=basis, loss=loss)
    assert torch.equal(default.slope_std, parallel.slope_std)


def test_few_directions_of_path_averaged_slopes_and_a_remainder_return_the_gap():
    network = small_network(WIDE)
    train, test, labels = pairs_of()
    arguments = {"matches": torch.arange(len(train)), "slopes": "path_averaged"}
    whole = decompose_gap(network, train, labels, test, labels, 1, **arguments)
    few = decompose_gap(
        network, train, labels, test, labels, 1, basis=sharpest_directions(network, train, labels, 1, 7), **arguments
    )
    torch.testing.assert_close(few.contributions, whole.contributions[:7], rtol=1e-8, atol=1e-12)
    assert few.decomposed_gap == pytest.approx(whole.gap, rel=1e-12)
    assert few.slope_spread == pytest.approx(whole.slope_spread, rel=1e-12)


def test_both_gauges_and_their_nulls_at_once_are_the_decompositions_one_by_one(monkeypatch):
    network = small_network(WIDE)
    pairs, basis = path_averaged(network), hessian_basis(network, *small_data(), 1)
    monkeypatch.setattr(duality, "PAIRS_AT_ONCE", 7)
    gauges = decompose_in_both_gauges(pairs, *basis, seed=3)
    singly = {"parallel": pairs.with_parallel_slopes(), "path_averaged": pairs}
    assert set(gauges) == {(slopes, losses) for slopes in singly for losses in ("own", "shuffled")}
    for slopes, own in singly.items():
        for losses, dealt in {"own": own, "shuffled": own.with_shuffled_losses(3)}.items():
            found, expected = gauges[slopes, losses], decompose_pairs(dealt, *basis)
            for name in ("slope_std", "weight_std", "slope_mean", "weight_mean", "contributions"):
                torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-13)
            assert found.slope_spread == expected.slope_spread


def test_shuffled_losses_leave_what_slopes_have_across_the_dual_weights():
    pairs = path_averaged(small_network(WIDE))
    shuffled = pairs.with_shuffled_losses(1)
    assert torch.equal(shuffled.slopes_across(), pairs.slopes_across())
    products = (slopes_of(shuffled) * shuffled.weights()).sum(1)
    torch.testing.assert_close(products, shuffled.loss_changes, rtol=1e-9, atol=1e-13)


def test_shuffled_errors_leave_the_losses_and_change_only_what_is_across():
    pairs = path_averaged(small_network(WIDE))
    shuffled = pairs.with_shuffled_errors(1)
    products = (slopes_of(shuffled) * shuffled.weights()).sum(1)
    torch.testing.assert_close(products, pairs.loss_changes, rtol=1e-9, atol=1e-13)
    assert torch.equal(shuffled.slopes, pairs.slopes)
    assert (shuffled.across - pairs.across).norm() > 0.1 * pairs.across.norm()
    with pytest.raises(ValueError, match=r"slopes: found .*parallel"):
        pairs.with_parallel_slopes().with_shuffled_errors(1)


def test_pairs_without_a_change_have_the_gradient_as_slope_and_add_nothing():
    network, (train, labels) = small_network(WIDE), small_data()
    result = decompose_gap(network, train, labels, train, labels, 1, slopes="path_averaged")
    assert result.gap == result.decomposed_gap == 0
    errors, entering = layer_gradients(network, train, labels, 1)
    gradients = (errors[:, :, None] * entering[:, None, :]).flatten(1)
    assert result.slope_spread == pytest.approx(float(gradients.var(0, correction=0).sum().sqrt()), rel=1e-10)


def test_without_active_pairs_there_is_no_slope():
    network, (_, labels), (test, _) = small_network(WIDE), small_data(n=3), small_data(n=3, seed=2)
    pairs = dual_weights(network, torch.zeros_like(test), test, labels, 1, slopes="path_averaged")
    assert pairs.inactive == 3
    assert pairs.slopes_across().shape == (0, 12 * 16)


@every_layer
def test_the_norm_by_vectors_is_that_of_their_metric(layer):
    network, (images, _) = small_network(WIDE), small_data()
    weight, activity = network.weights[layer], network.activations(images)[layer]
    metric = torch.cov(activity.T, correction=0)
    expected = float(torch.trace(weight @ metric @ weight.T) / activity.square().sum(1).mean()) ** 0.5
    assert weighted_norm(weight, activity - activity.mean(0), activity) == pytest.approx(expected, rel=1e-10)
    assert weighted_norm(weight, 3 * activity, 3 * activity) == pytest.approx(weighted_norm(weight, activity, activity), rel=1e-12)
    assert weighted_norm(3 * weight, activity, activity) == pytest.approx(3 * weighted_norm(weight, activity, activity), rel=1e-12)
    alike = torch.eye(weight.shape[1]).double()  # activities of equal size in every direction
    assert weighted_norm(weight, alike, alike) == pytest.approx(float(weight.norm()) / weight.shape[1] ** 0.5, rel=1e-12)


# What the gap comes to


def planted(slope_std, weight_std, correlation=0.5):
    """A decomposition along directions of curvature 1, 1/2, 1/3, ..., without means."""
    slope_std, weight_std = (torch.as_tensor(values).double() for values in (slope_std, weight_std))
    eigenvalues, correlation = 1 / torch.arange(1, len(slope_std) + 1).double(), torch.full_like(slope_std, correlation)
    gap = float((slope_std * weight_std * correlation).sum())
    means = [torch.zeros_like(slope_std)] * 2
    return Decomposition(
        torch.ones(3), eigenvalues, slope_std, weight_std, correlation, *means, slope_spread=1, weight_spread=1, remainder=0,
        gap=gap, inactive=0, unchanged=0,
    )  # fmt: skip


RANKS = torch.arange(1, 41).double()


def test_slopes_in_proportion_to_dual_weights_follow_curvature_only_through_them():
    random = np.random.default_rng(0)
    weights = torch.from_numpy(np.exp(0.2 * random.standard_normal(40))) / RANKS**0.3
    noise = torch.from_numpy(np.exp(0.01 * random.standard_normal(40)))
    numbers = slope_gauges.numbers_of(planted(2 * weights * noise, weights))
    assert numbers["ratio_curvature_exponent"] == pytest.approx(0, abs=0.02)
    assert numbers["slope_weight_exponent"] == pytest.approx(1, abs=0.05)
    assert numbers["slope_curvature_correlation"] > 0.7
    assert abs(numbers["partial_correlation"]) < 0.4


def test_slopes_that_follow_curvature_beside_the_dual_weights_are_told_from_those_that_do_not():
    weights = torch.from_numpy(np.exp(0.2 * np.random.default_rng(0).standard_normal(40)))
    numbers = slope_gauges.numbers_of(planted(weights / RANKS**0.35, weights))
    assert numbers["ratio_curvature_exponent"] == pytest.approx(0.7, rel=1e-9)
    assert numbers["partial_correlation"] == pytest.approx(1, rel=1e-9)


def test_the_gap_of_the_steepest_directions_is_not_that_of_the_sharpest():
    slopes = torch.arange(1.0, 41)  # the steepest are the least curved
    numbers = slope_gauges.numbers_of(planted(slopes, torch.ones(40)))
    assert numbers["gap_of_ten_steepest"] == pytest.approx(0.5 * sum(range(31, 41)))
    assert numbers["gap_of_others"] == pytest.approx(0.5 * sum(range(1, 31)))
    assert numbers["share_of_ten_sharpest"] == pytest.approx(sum(range(1, 11)) / sum(range(1, 41)))
    assert numbers["summed_products"] == pytest.approx(sum(range(1, 41)))
    few = slope_gauges.numbers_of(planted(slopes[:4], torch.ones(4)))
    assert few["gap_of_ten_steepest"] == pytest.approx(5)
    assert few["gap_of_others"] == pytest.approx(0)


def test_rows_of_both_gauges_have_their_own_slopes_and_the_same_dual_weights():
    pairs, basis = path_averaged(small_network(WIDE)), hessian_basis(small_network(WIDE), *small_data(), 1)
    gauges = decompose_in_both_gauges(pairs, *basis, seed=3)
    rows = slope_gauges.gauge_rows(gauges).set_index("slopes")
    assert list(rows.index) == ["parallel", "path_averaged"]
    for slopes, row in rows.iterrows():
        assert row["slope_spread"] == gauges[slopes, "own"].slope_spread
        null = gauges[slopes, "shuffled"]
        assert row["summed_products_of_shuffled_losses"] == pytest.approx(float(null.slope_std @ null.weight_std))
    assert rows["weight_spread"].nunique() == 1


def test_norms_of_the_first_layer():
    network, (images, labels), (tested, _) = small_network(WIDE), small_data(), small_data(n=9, seed=2)
    data = MatchedData(images, labels, 40, tested, labels[:9], torch.arange(9), "cross_entropy")
    norms, weight = slope_gauges.norms(network, data), network.weights[0]
    unit = float(images.square().sum(1).mean())
    for name, vectors in {
        "activity_weighted_norm": images,
        "activity_covariance_norm": images - images.mean(0),
        "shift_weighted_norm": tested - images[:9],
    }.items():
        expected = (float((vectors @ weight.T).square().sum()) / len(vectors) / unit) ** 0.5
        assert norms[name] == pytest.approx(expected, rel=1e-12)
    assert norms["weight_norm"] == pytest.approx(float(weight.square().sum()) ** 0.5)
    assert norms["activity_covariance_norm"] < norms["activity_weighted_norm"]
    dark = MatchedData(0 * images, labels, 40, tested, labels[:9], torch.arange(9), "cross_entropy")
    assert np.isnan(slope_gauges.norms(network, dark)["activity_weighted_norm"])
