import pytest
import torch

from cases import small_data, small_network
from sgdphysics import duality
from sgdphysics.arrays import largest_eigenpairs
from sgdphysics.curvature import curvature_along, layer_hessian, sharpest_directions
from sgdphysics.duality import (
    Decomposition,
    decompose_gap,
    decompose_pairs,
    dual_weights,
    fit_on_curvature,
    hessian_basis,
    nearest_of_class,
    weight_spread_by_metric,
    with_curvature,
)
from sgdphysics.errors import InputError
from sgdphysics.losses import LOSSES


def test_equal_slopes_have_no_spread():
    network, (train, labels), (test, _) = small_network(), small_data(n=3), small_data(n=3, seed=2)
    pairs = [part[:1].repeat(7, 1) for part in (train, test)]
    spread = dual_weights(network, *pairs, labels[:1].repeat(7), 1).spreads()[0]
    assert isinstance(spread, float)
    assert spread == pytest.approx(0, abs=1e-6)


def pairs_of(n=40, seed=2):
    (train, labels), (test, _) = small_data(n), small_data(n, seed=seed)
    return train, test, labels


def by_hand(network, train, test, labels, layer):
    """Dual weights and slopes of every pair, one at a time, each flattened."""
    weight, duals, slopes, changes = network.weights[layer], [], [], []
    for image, shifted, label in zip(train, test, labels, strict=True):
        a, b = (network.activations(x[None])[layer][0] for x in (image, shifted))
        dual = torch.outer(weight @ (b - a), a) / (a @ a)
        after, before = (
            LOSSES["cross_entropy"].mean(n.logits(image[None]), label[None])
            for n in (network.replaced(layer, weight + dual), network)
        )
        duals.append(dual.flatten())
        slopes.append((after - before) * dual.flatten() / dual.square().sum())
        changes.append(after - before)
    return torch.stack(duals), torch.stack(slopes), torch.tensor(changes, dtype=torch.float64)


WIDE = (6, 16, 12, 3)
every_layer = pytest.mark.parametrize("layer", [0, 1, 2])


@every_layer
def test_dual_weights_reproduce_the_test_activities_exactly(layer):
    network = small_network(WIDE)
    train, test, labels = pairs_of()
    pairs = dual_weights(network, train, test, labels, layer)
    weight = network.weights[layer]
    shifted = network.activations(test)[layer]
    for dual, a, b in zip(pairs.weights(), pairs.inputs, shifted, strict=True):
        torch.testing.assert_close((weight + dual.view_as(weight)) @ a, weight @ b, rtol=0, atol=1e-12)
    torch.testing.assert_close(pairs.weights(), by_hand(network, train, test, labels, layer)[0], rtol=1e-12, atol=1e-14)


@every_layer
def test_no_other_solution_is_closer_to_the_weights(layer):
    """All solutions are dW + N with N a = 0; N is at right angles to dW, so it only adds length."""
    network = small_network(WIDE)
    train, test, labels = pairs_of()
    pairs = dual_weights(network, train, test, labels, layer)
    random = torch.Generator().manual_seed(3)
    for dual, a in zip(pairs.weights()[:10], pairs.inputs, strict=False):
        dual = dual.view(-1, len(a))
        other = torch.randn(dual.shape, generator=random, dtype=torch.float64)
        other -= torch.outer(other @ a, a) / (a @ a)
        torch.testing.assert_close((dual + other) @ a, dual @ a)
        assert (dual + other).square().sum() == pytest.approx(float(dual.square().sum() + other.square().sum()), rel=1e-12)


@every_layer
def test_other_solutions_of_rank_one_have_the_norms_of_their_matrices(layer):
    network = small_network(WIDE)
    train, test, labels = pairs_of()
    pairs = dual_weights(network, train, test, labels, layer)
    weight, shifted = network.weights[layer], network.activations(test)[layer]
    random = torch.randn(pairs.inputs.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    duals = pairs.weights().norm(dim=1)
    for vectors in (shifted, random):
        norms = pairs.norms_along(vectors)
        for norm, a, b, v in zip(norms, pairs.inputs, shifted, vectors, strict=True):
            other = torch.outer(weight @ (b - a), v) / (v @ a)
            torch.testing.assert_close((weight + other) @ a, weight @ b, rtol=1e-9, atol=1e-10)
            assert float(norm) == pytest.approx(float(other.norm()), rel=1e-10)
        assert (norms >= duals * (1 - 1e-12)).all()
        assert (norms > 1.001 * duals).any()
    for factor in (1.0, -3.0):  # only the direction of v counts
        torch.testing.assert_close(pairs.norms_along(factor * pairs.inputs), duals, rtol=1e-12, atol=0)


@every_layer
def test_loss_changes_are_those_of_the_data(layer):
    network = small_network(WIDE)
    train, test, labels = pairs_of()
    changes = dual_weights(network, train, test, labels, layer).loss_changes
    losses = [LOSSES["cross_entropy"].values(network.logits(images), labels) for images in (test, train)]
    torch.testing.assert_close(changes, losses[0] - losses[1], rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(changes, by_hand(network, train, test, labels, layer)[2], rtol=1e-10, atol=1e-12)


@every_layer
def test_slope_spread_is_that_of_the_slopes_of_a_loop(layer):
    network = small_network(WIDE)
    train, test, labels = pairs_of()
    expected = by_hand(network, train, test, labels, layer)[1].var(0, correction=0).sum().sqrt()
    assert dual_weights(network, train, test, labels, layer).spreads()[0] == pytest.approx(float(expected), rel=1e-10)


@every_layer
def test_decomposition_equals_dense_brute_force(layer):
    network = small_network(WIDE)
    train, test, labels = pairs_of()
    result = decompose_gap(network, train, labels, test, labels, layer, matches=torch.arange(len(train)))
    duals, slopes, changes = by_hand(network, train, test, labels, layer)
    values, vectors = torch.linalg.eigh(layer_hessian(network, train, labels, layer))
    torch.testing.assert_close(result.eigenvalues, values.flip(0), rtol=1e-9, atol=1e-12)
    weights, gradients = duals @ vectors.flip(1), slopes @ vectors.flip(1)
    simple = result.eigenvalues > 1e-6 * result.eigenvalues[0]  # directions of equal eigenvalues are anyone's choice
    for name, expected in {
        "slope_std": gradients.std(0, correction=0),
        "weight_std": weights.std(0, correction=0),
        "contributions": (weights * gradients).mean(0),
        "correlation": torch.stack([torch.corrcoef(torch.stack(p))[0, 1] for p in zip(weights.T, gradients.T, strict=True)]),
    }.items():
        torch.testing.assert_close(getattr(result, name)[simple], expected[simple], rtol=1e-7, atol=1e-10)
    torch.testing.assert_close(result.slope_mean[simple].abs(), gradients.mean(0)[simple].abs(), rtol=1e-7, atol=1e-10)
    torch.testing.assert_close(result.dual_norms, duals.norm(dim=1), rtol=1e-12, atol=0)
    assert result.gap == pytest.approx(float(changes.mean()), rel=1e-10)
    assert result.decomposed_gap == pytest.approx(result.gap, rel=1e-10)
    assert result.slope_spread == pytest.approx(float(result.slope_std.square().sum().sqrt()), rel=1e-10)
    assert result.weight_spread == pytest.approx(float(result.weight_std.square().sum().sqrt()), rel=1e-10)
    assert (result.inactive, result.unchanged, result.remainder) == (0, 0, 0.0)


@pytest.mark.parametrize("count", [1, 7])
def test_few_directions_and_a_remainder_return_the_gap_exactly(count):
    network = small_network(WIDE)
    train, test, labels = pairs_of()
    matches = torch.arange(len(train))
    whole = decompose_gap(network, train, labels, test, labels, 1, matches=matches)
    basis = sharpest_directions(network, train, labels, 1, count)
    few = decompose_gap(network, train, labels, test, labels, 1, matches=matches, basis=basis)
    torch.testing.assert_close(few.contributions, whole.contributions[:count], rtol=1e-8, atol=1e-12)
    assert few.remainder == pytest.approx(float(whole.contributions[count:].sum()), rel=1e-8)
    assert few.decomposed_gap == pytest.approx(whole.gap, rel=1e-12)
    assert (few.slope_spread, few.weight_spread) == pytest.approx((whole.slope_spread, whole.weight_spread), rel=1e-12)


def test_a_layer_too_wide_for_a_dense_matrix_is_decomposed_in_some_directions(monkeypatch):
    monkeypatch.setattr(duality, "DENSE_LIMIT", 100)
    monkeypatch.setattr(duality, "WIDE_LAYER_DIRECTIONS", 5)
    network = small_network(WIDE)
    train, test, labels = pairs_of()
    result = decompose_gap(network, train, labels, test, labels, 1)
    assert len(result.eigenvalues) == 5
    assert result.remainder != 0
    assert result.decomposed_gap == pytest.approx(result.gap, rel=1e-12)


def test_matches_are_the_nearest_of_the_class_by_default():
    network = small_network(WIDE)
    train, test, labels = pairs_of()
    nearest = nearest_of_class(train, labels, test, labels)
    result, expected = (decompose_gap(network, train, labels, test, labels, 1, **k) for k in ({}, {"matches": nearest}))
    assert result.gap == expected.gap
    assert result.gap != decompose_gap(network, train, labels, test, labels, 1, matches=torch.arange(len(train))).gap


def test_without_a_data_shift_everything_is_zero():
    network, (train, labels) = small_network(WIDE), small_data()
    result = decompose_gap(network, train, labels, train, labels, 1)
    assert (result.gap, result.decomposed_gap, result.slope_spread, result.weight_spread) == (0, 0, 0, 0)
    assert result.unchanged == len(train)
    assert not result.dual_norms.any()
    assert not result.contributions.any()


def test_pairs_without_activity_are_counted_and_left_out():
    network = small_network(WIDE)
    train, test, labels = pairs_of()
    expected = decompose_gap(network, train, labels, test, labels, 1, matches=torch.arange(len(train)))
    basis = largest_eigenpairs(layer_hessian(network, train, labels, 1))
    dark = torch.cat([train, torch.zeros_like(train[:3])])  # without biases a black image gives no activity in any layer
    further = torch.cat([test, test[:3]]), torch.cat([labels, labels[:3]])
    result = decompose_pairs(dual_weights(network, dark, *further, 1), *basis)
    assert result.inactive == 3
    assert len(result.dual_norms) == len(train)
    assert result.gap == pytest.approx(expected.gap, rel=1e-12)
    torch.testing.assert_close(result.contributions, expected.contributions)


@every_layer
def test_size_of_the_solution_in_the_metric_of_the_data(layer):
    network = small_network(WIDE)
    train, test, labels = pairs_of()
    pairs = dual_weights(network, train, test, labels, layer)
    shifts = network.activations(test)[layer] - pairs.inputs
    closed = weight_spread_by_metric(network.weights[layer], pairs.inputs, shifts)
    assert closed == pytest.approx(pairs.spreads()[1], rel=1e-10)


def test_shuffled_losses_are_dealt_to_other_pairs_and_keep_the_gap():
    pairs = dual_weights(small_network(WIDE), *pairs_of(), 1)
    before = pairs.loss_changes.clone()
    shuffled = pairs.with_shuffled_losses(seed=1)
    assert torch.equal(shuffled.loss_changes.sort().values, before.sort().values)
    assert (shuffled.loss_changes != before).sum() > 30
    assert torch.equal(shuffled.weights(), pairs.weights())
    assert torch.equal(pairs.loss_changes, before)
    basis = hessian_basis(small_network(WIDE), *small_data(), 1)
    measured, null = (decompose_pairs(one, *basis) for one in (pairs, shuffled))
    assert null.gap == pytest.approx(measured.gap, rel=1e-12)
    assert null.decomposed_gap == pytest.approx(measured.gap, rel=1e-9)
    assert null.slope_spread != pytest.approx(measured.slope_spread, rel=1e-3)
    assert torch.equal(shuffled.loss_changes, pairs.with_shuffled_losses(seed=1).loss_changes)
    assert not torch.equal(shuffled.loss_changes, pairs.with_shuffled_losses(seed=2).loss_changes)


# What a decomposition says


def decomposition(correlation, slope_std, weight_std, gap, slope_mean=None, weight_mean=None):
    """One of given numbers, one per direction."""
    numbers = [torch.tensor(values, dtype=torch.float64) for values in (correlation, slope_std, weight_std)]
    means = [torch.zeros_like(numbers[0]) if mean is None else torch.tensor(mean).double() for mean in (slope_mean, weight_mean)]
    eigenvalues = torch.arange(len(correlation), 0, -1).double()
    return Decomposition(torch.ones(3), eigenvalues, *[numbers[index] for index in (1, 2, 0)], *means, 1.0, 1.0, 0.0, gap, 0, 0)


def test_the_correlated_share_leaves_out_the_means():
    # 0.5 * 2 * 3 + 0.25 * 4 * 1 = 4 of a gap of 4 + 2 * 0.5 = 5
    result = decomposition([0.5, 0.25], [2, 4], [3, 1], gap=5.0, slope_mean=[2, 0], weight_mean=[0.5, 7])
    assert result.correlated_share == pytest.approx(0.8)
    assert result.contributions.tolist() == pytest.approx([4, 1])
    assert result.decomposed_gap == pytest.approx(5)


@pytest.mark.parametrize(
    ("correlation", "share", "count"),
    [
        ([0.5, 0.3, 0.1, 0.1], 0.75, 2),
        ([0.5, 0.3, 0.1, 0.1], 0.85, 3),
        ([0.5, 0.3, 0.1, 0.1], 0.1, 1),
        ([0.5, 0.1, 0.1, 0.1], 0.9, 4),  # all of them carry only 0.8
        ([0.95, -0.2, 0.05, 0.2], 0.9, 1),  # later directions take away again
        ([0.5, -0.2, 0.65, -0.3], 0.9, 3),
    ],
)
def test_correlation_over_the_directions_that_carry_a_share_of_the_gap(correlation, share, count):
    result = decomposition(correlation, [1.0] * 4, [1.0] * 4, gap=1.0).leading_correlation(share)
    leading = torch.tensor(correlation[:count]).double()
    assert result["leading_directions"] == count
    assert result["correlation_mean"] == pytest.approx(float(leading.mean()))
    assert result["correlation_variation"] == pytest.approx(float(leading.std(correction=0) / leading.mean()))


def test_the_share_is_ninety_percent_by_default_and_counts_the_means():
    # Together 0.5, 0.85, 0.95 and 1.25 of the gap; without the means 0.5, 0.6, 0.7 and 1.
    ones = [1.0] * 4
    result = decomposition([0.5, 0.1, 0.1, 0.3], ones, ones, gap=1.0, slope_mean=[0, 0.5, 0, 0], weight_mean=[0, 0.5, 0, 0])
    assert result.leading_correlation()["leading_directions"] == 3


def test_a_gap_below_zero_is_carried_as_well():
    result = decomposition([-0.5, -0.45, -0.05], [1, 1, 1], [1, 1, 1], gap=-1.0)
    assert result.correlated_share == pytest.approx(1)
    assert result.leading_correlation()["leading_directions"] == 2


def test_directions_in_the_order_of_the_scripts_are_the_same_directions():
    given = {"slope_mean": [0.0, 1.0, 0.0], "weight_mean": [0.0, 2.0, 0.0]}
    result = decomposition([0.5, 0.25, 0.1], [1.0, 4.0, 2.0], [3.0, 1.0, 2.0], gap=5.0, **given)
    ordered = result.steepest_first()
    assert ordered.slope_std.tolist() == [4, 2, 1]
    assert ordered.weight_std.tolist() == [1, 2, 3]
    assert ordered.eigenvalues.tolist() == [2, 1, 3]
    assert ordered.contributions.tolist() == pytest.approx([0.25 * 4 * 1 + 1 * 2, 0.1 * 2 * 2, 0.5 * 1 * 3])
    assert ordered.decomposed_gap == pytest.approx(result.decomposed_gap)


# The basis


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
@every_layer
def test_the_basis_is_the_whole_eigenbasis_of_the_hessian(layer, loss):
    network, (images, labels) = small_network(WIDE), small_data()
    values, directions = hessian_basis(network, images, labels, layer, loss)
    hessian = layer_hessian(network, images, labels, layer, loss)
    assert directions.shape == hessian.shape
    assert (values.diff() <= 0).all()
    torch.testing.assert_close(directions.T @ torch.diag(values) @ directions, hessian, rtol=0, atol=1e-12)
    torch.testing.assert_close(directions @ directions.T, torch.eye(len(values)).double(), rtol=0, atol=1e-12)


def test_the_basis_of_a_layer_too_wide_for_a_dense_matrix_are_its_sharpest_directions():
    network, (images, labels) = small_network((505, 10, 3)), small_data(n=100, pixels=505)
    values, directions = hessian_basis(network, images, labels, 0)
    assert directions.shape == (200, 5050)
    expected = sharpest_directions(network, images, labels, 0, 200)
    assert torch.equal(values, expected[0])
    assert torch.equal(directions, expected[1])
    along = curvature_along(network, images, 0, directions[[0, 1, 50]])
    torch.testing.assert_close(along, values[[0, 1, 50]], rtol=1e-8, atol=1e-14)
    with pytest.raises(ValueError, match="layer: 2 does not exist"):
        hessian_basis(network, images, labels, 2)


def test_what_a_decomposition_comes_to_with_the_fit_of_its_slopes_on_curvature():
    slope_std = [4.0, 2 * 2**0.5, 2.0]  # variances 16, 8 and 4 of eigenvalues 3, 2 and 1
    result = decomposition([0.5, 0.25, 0.1], slope_std, [3.0, 1.0, 1.0], gap=8.0)
    fit = fit_on_curvature(torch.tensor([16.0, 8, 4]).double(), torch.tensor([3.0, 2, 1]).double())
    numbers = result.numbers()
    assert numbers["slope_curvature_exponent"] == pytest.approx(fit.exponent)
    assert numbers["slope_curvature_correlation"] == pytest.approx(fit.r)
    assert result.slope_fit.n == 3
    assert {key: numbers[key] for key in ("gap", "slope_spread", "weight_spread")} == {
        "gap": 8.0,
        "slope_spread": 1.0,
        "weight_spread": 1.0,
    }
    assert numbers["decomposed_gap"] == pytest.approx(0.5 * 12 + 0.25 * 2 * 2**0.5 + 0.2)
    assert numbers["correlated_share"] == pytest.approx(numbers["decomposed_gap"] / 8)
    assert result.leading_correlation().items() <= numbers.items()


def test_a_power_law_of_the_curvature_is_found_where_there_is_curvature():
    eigenvalues = torch.logspace(1, -9, 41, dtype=torch.float64)
    variances = 3 * eigenvalues**1.5
    curved = eigenvalues > 1e-6 * eigenvalues[0]
    fit = fit_on_curvature(torch.where(curved, variances, 1.0), eigenvalues)
    assert (fit.exponent, fit.r, fit.n) == (pytest.approx(1.5), pytest.approx(1), int(curved.sum()))
    assert fit(2.0) == pytest.approx(3 * 2**1.5)
    assert fit_on_curvature(variances, torch.zeros(41).double()).n == 0
    assert torch.equal(with_curvature(eigenvalues), curved)


def test_bad_input_is_named():
    network, (images, labels) = small_network(WIDE), small_data()
    with pytest.raises(ValueError, match="layer: 3 does not exist, the network has layers 0 to 2"):
        decompose_gap(network, images, labels, images, labels, 3)
    with pytest.raises(ValueError, match=r"images: found shape \(40, 5\), expected \(N, 6\)"):
        decompose_gap(network, images[:, :5], labels, images[:, :5], labels, 1)
    with pytest.raises(InputError, match="train_labels: no image of class 2, which the test images have"):
        decompose_gap(network, images[labels < 2], labels[labels < 2], images, labels, 1)
