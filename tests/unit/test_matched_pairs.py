"""Which images are matched, by hand."""

import pytest
import torch

from sgdphysics import duality, matched_pairs
from sgdphysics.errors import InputError
from sgdphysics.matched_pairs import NearestOfClass, nearest_of_class, other_matches, random_of_class

TRAIN, LABELS = torch.tensor([[0.0], [1.0], [2.0], [5.0]]), torch.tensor([0, 0, 1, 1])
TEST, TEST_LABELS = torch.tensor([[1.9], [0.2], [3.0]]), torch.tensor([0, 0, 1])


def test_matches_are_the_nearest_images_of_the_class():
    train = torch.tensor([[0.0], [1.0], [2.0], [5.0]])
    labels = torch.tensor([0, 0, 1, 1])
    assert nearest_of_class(train, labels, torch.tensor([[1.9], [0.2], [3.0]]), torch.tensor([0, 0, 1])).tolist() == [1, 0, 2]
    with pytest.raises(InputError, match="no image of class 2"):
        nearest_of_class(train, labels, train[:1], torch.tensor([2]))


def test_random_matches_are_of_the_class_and_of_the_seed():
    labels, wanted = torch.tensor([0, 0, 1, 1, 1, 2]), torch.tensor([0, 1, 2] * 30)
    matches = random_of_class(labels, wanted, seed=1)
    assert (labels[matches] == wanted).all()
    assert set(matches.tolist()) == set(range(6))
    assert matches.tolist() == random_of_class(labels, wanted, seed=1).tolist()
    assert matches.tolist() != random_of_class(labels, wanted, seed=2).tolist()
    with pytest.raises(InputError, match="train_labels: no image of class 0"):
        random_of_class(labels[labels > 0], labels, seed=0)


def test_training_sets_of_the_same_images_share_the_search(monkeypatch):
    counts, search = [], nearest_of_class

    def counted(images, *others):
        counts.append(len(images))
        return search(images, *others)

    monkeypatch.setattr(matched_pairs, "nearest_of_class", counted)
    nearest = NearestOfClass(TEST, TEST_LABELS)
    for _ in range(2):
        assert nearest.among(torch.arange(4), TRAIN, LABELS).tolist() == [1, 0, 2]
        assert nearest.among(torch.tensor([3, 2, 1]), TRAIN[[3, 2, 1]], LABELS[[3, 2, 1]]).tolist() == [2, 2, 1]
    assert counts == [4, 3]


def test_other_ways_are_by_activity_and_at_random():
    matches = other_matches(-TRAIN.square(), LABELS, -(TEST - 3).square(), TEST_LABELS, seed=3)
    assert list(matches) == ["nearest_activity", "random_of_class"]
    assert matches["nearest_activity"].tolist() == [1, 1, 2]  # at -1.21, -7.84 and 0 among 0, -1 and -4, -25
    assert matches["random_of_class"].tolist() == random_of_class(LABELS, TEST_LABELS, 3).tolist()


def test_the_names_are_found_where_they_were():
    assert duality.nearest_of_class is nearest_of_class
    assert duality.random_of_class is random_of_class
