"""The images of a run against plain formulas, and the pairs of them that match."""

import pytest
import torch
import torch.nn.functional as F

from cases import small_data, small_network
from sgdphysics import curvature, dual_weights, matched_pairs
from sgdphysics.datasets import Dataset, DatasetError
from sgdphysics.generalization import MatchedData, MatchedDatasets
from sgdphysics.training import Run

NETWORK = small_network((6, 16, 12, 3))
LOSSES = ["cross_entropy", "mean_squared_error"]


@pytest.fixture
def dataset():
    (train, labels), (test, _) = small_data(n=60, dtype=torch.float32), small_data(n=30, seed=2, dtype=torch.float32)
    return Dataset(train, labels, test, labels[:30], (2, 3))


@pytest.fixture
def searches(monkeypatch):
    """The number of training images of every search for pairs."""
    counts, search = [], matched_pairs.nearest_of_class

    def counted(images, *others):
        counts.append(len(images))
        return search(images, *others)

    monkeypatch.setattr(matched_pairs, "nearest_of_class", counted)
    return counts


def nearest_by_hand(images, labels, wanted, wanted_labels):
    """Index of the nearest image of the class, one image at a time."""
    matched = []
    for x, y in zip(wanted, wanted_labels, strict=True):
        candidates = [index for index, label in enumerate(labels) if label == y]
        matched.append(min(candidates, key=lambda index, x=x: float((images[index] - x).norm())))
    return matched


def data_of(loss="cross_entropy", clean=30):
    """Pairs by hand, the last images with wrong labels."""
    (images, labels), (test, _) = small_data(n=40), small_data(n=9, seed=2)
    trained_on = torch.cat([labels[:clean], (labels[clean:] + 1) % 3])
    matches = matched_pairs.nearest_of_class(images[:clean], labels[:clean], test, labels[:9])
    return MatchedData(images, trained_on, clean, test, labels[:9], matches, loss)


# Losses


def plain(logits, labels, loss):
    if loss == "cross_entropy":
        return F.cross_entropy(logits, labels)
    return F.mse_loss(logits, F.one_hot(labels, 3).double())


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_are_those_of_torch(loss):
    data = data_of(loss)
    trained, tested = NETWORK.logits(data.images), NETWORK.logits(data.test_images)
    assert data.losses(NETWORK) == pytest.approx(
        {
            "training_loss": float(plain(trained, data.labels, loss)),
            "training_error": sum(int(z.argmax() != y) for z, y in zip(trained, data.labels, strict=True)) / 40,
            "clean_training_loss": float(plain(trained[:30], data.labels[:30], loss)),
            "matched_loss": float(plain(trained[data.matches], data.test_labels, loss)),
            "test_loss": float(plain(tested, data.test_labels, loss)),
            "test_error": sum(int(z.argmax() != y) for z, y in zip(tested, data.test_labels, strict=True)) / 9,
        },
        rel=1e-12,
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gap_of_the_pairs_is_test_loss_less_matched_loss(loss):
    data = data_of(loss)
    pairs, losses = data.pairs(NETWORK, 1), data.losses(NETWORK)
    assert float(pairs.loss_changes.mean()) == pytest.approx(losses["test_loss"] - losses["matched_loss"], rel=1e-12)
    expected = dual_weights.dual_weights(NETWORK, data.images[data.matches], data.test_images, data.test_labels, 1, loss)
    assert torch.equal(pairs.weights(), expected.weights())
    assert torch.equal(data.matched_images, data.images[data.matches])


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_what_enters_a_layer_and_the_network_above_it_are_measured_as_the_layer_is(layer):
    data = data_of()
    above, entering = NETWORK.from_layer(layer), data.entering(NETWORK, layer)
    assert entering.losses(above) == pytest.approx(data.losses(NETWORK), rel=1e-12)
    pairs, expected = entering.pairs(above, 0), data.pairs(NETWORK, layer)
    torch.testing.assert_close(pairs.weights(), expected.weights(), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(pairs.loss_changes, expected.loss_changes, rtol=1e-12, atol=1e-14)
    hessians = [
        curvature.layer_hessian(network, part.images, part.labels, index)
        for network, part, index in ((above, entering, 0), (NETWORK, data, layer))
    ]
    torch.testing.assert_close(*hessians, rtol=1e-12, atol=1e-14)
    assert (entering.clean, entering.matches.tolist()) == (data.clean, data.matches.tolist())


# Whether there is anything to measure


def test_a_network_that_is_dead_or_saturated_or_not_finite_has_no_curvature():
    data, last = data_of(), NETWORK.weights[2]
    assert data.has_curvature(NETWORK, 1)
    assert data.has_curvature(NETWORK.replaced(2, 1e-30 * last), 1)
    for weight in (-NETWORK.weights[1].abs(), torch.full_like(NETWORK.weights[1], torch.nan)):
        assert not data.has_curvature(NETWORK.replaced(1, weight), 1)
    assert not data.has_curvature(NETWORK.replaced(2, torch.full_like(last, torch.inf)), 1)
    bright = MatchedData(data.images + 1, data.labels, data.clean, data.test_images, data.test_labels, data.matches, data.loss)
    assert not bright.has_curvature(small_network((6, 3), scale=1e8), 0)  # every image is certain of its class


# Ways of matching


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_matchings_are_by_pixels_by_activity_and_at_random(layer):
    data = data_of()
    ways = data.matchings(NETWORK, layer, seed=4)
    assert list(ways) == ["nearest_pixels", "nearest_activity", "random_of_class"]
    assert ways["nearest_pixels"] is data
    activities = [NETWORK.activations(images)[layer] for images in (data.images[:30], data.test_images)]
    expected = nearest_by_hand(activities[0], data.labels[:30], activities[1], data.test_labels)
    assert ways["nearest_activity"].matches.tolist() == expected
    assert (expected == data.matches.tolist()) == (layer == 0)
    assert torch.equal(ways["random_of_class"].matches, matched_pairs.random_of_class(data.labels[:30], data.test_labels, 4))
    for data_of_way in ways.values():
        assert (data.labels[data_of_way.matches] == data.test_labels).all()
        assert data_of_way.matches.max() < 30
        assert (data_of_way.clean, data_of_way.loss) == (30, data.loss)
        assert torch.equal(data_of_way.images, data.images)


def test_random_matches_are_of_the_seed():
    data = data_of()
    first, again, other = (data.matchings(NETWORK, 1, seed)["random_of_class"].matches.tolist() for seed in (1, 1, 2))
    assert first == again != other


# Runs of one data set


def test_a_run_is_matched_to_the_test_set_in_float64(dataset):
    data = MatchedDatasets(dataset).of(Run(loss="mean_squared_error"))
    assert torch.equal(data.images, dataset.train_images.double())
    assert torch.equal(data.labels, dataset.train_labels)
    assert torch.equal(data.test_images, dataset.test_images.double())
    assert data.images.dtype == data.test_images.dtype == torch.float64
    assert (data.clean, data.loss) == (60, "mean_squared_error")
    assert data.matches.tolist() == nearest_by_hand(data.images, data.labels, data.test_images, data.test_labels)


@pytest.mark.parametrize(("wanted", "used"), [(None, 30), (7, 7), (30, 30), (1000, 30)])
def test_the_first_test_images_are_used_or_all(dataset, wanted, used):
    data = MatchedDatasets(dataset, wanted).of(Run())
    assert torch.equal(data.test_images, dataset.test_images[:used].double())
    assert torch.equal(data.test_labels, dataset.test_labels[:used])
    assert len(data.matches) == used


def test_only_images_with_their_true_label_are_matched(dataset):
    run = Run(images_per_class=12, label_noise=0.25, seed=3)
    data = MatchedDatasets(dataset).of(run)
    assert (len(data.images), data.clean) == (48, 36)
    # The first 12 of each class, in the order of the data set; then 4 more of each, with a wrong label.
    true = torch.arange(48) % 3
    assert torch.equal(data.images, dataset.train_images[:48].double())
    assert torch.equal(data.labels[:36], true[:36])
    assert (data.labels[36:] != true[36:]).all()
    assert data.matches.tolist() == nearest_by_hand(data.images[:36], true[:36], data.test_images, data.test_labels)
    everything = nearest_by_hand(data.images, true, data.test_images, data.test_labels)
    assert data.matches.tolist() != everything  # some noisy image is nearer


def test_runs_on_the_same_images_share_the_search(dataset, searches):
    matched = MatchedDatasets(dataset)
    data = [matched.of(Run(images_per_class=12, seed=seed, learning_rate=rate)) for seed, rate in ((0, 0.1), (1, 0.2))]
    assert searches == [36]
    assert torch.equal(data[0].matches, data[1].matches)
    noisy = [matched.of(Run(images_per_class=12, label_noise=0.25, seed=seed)) for seed in (0, 1)]
    assert searches == [36]  # the clean images are the same ones, whatever the labels of the others
    assert torch.equal(noisy[0].matches, data[0].matches)
    assert not torch.equal(noisy[0].labels, noisy[1].labels)
    fewer = matched.of(Run(images_per_class=5))
    assert searches == [36, 15]
    assert fewer.matches.max() < 15
    drawn = [matched.of(Run(images_per_class=12, draw_images=True, seed=seed)) for seed in (0, 1)]
    assert searches == [36, 15, 36, 36]
    assert not torch.equal(drawn[0].images, drawn[1].images)
    for own in drawn:
        assert own.matches.tolist() == nearest_by_hand(own.images, own.labels, own.test_images, own.test_labels)


def test_too_few_images_are_named(dataset):
    with pytest.raises(DatasetError, match="class 0: found 20 training images, expected at least 21"):
        MatchedDatasets(dataset).of(Run(images_per_class=21))
