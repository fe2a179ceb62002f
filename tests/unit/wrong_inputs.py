"""Small inputs that are right, and values of each that are wrong."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch

from cases import small_data, small_network
from sgdphysics.networks import Mlp


@dataclass
class Call:
    """A public function, arguments that are right, and wrong values of them.

    Attributes:
        function: To be called.
        right: Arguments by name.
        wrong: Values of one argument by its name; the message begins with that name, or with the first of a pair.
    """

    function: object
    right: dict
    wrong: dict = field(default_factory=dict)


@dataclass
class As:
    """A wrong value of which another argument is named, since it is that one which does not fit."""

    name: str
    value: object


NAN, INF = math.nan, math.inf
NETWORK, (IMAGES, LABELS) = small_network(), small_data(n=12)
TEST_IMAGES, TEST_LABELS = small_data(n=6, seed=2)
LAYER = 1
SIZE = NETWORK.weights[LAYER].numel()
DIRECTIONS = torch.linalg.qr(torch.randn(SIZE, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))).Q.T
NUMBERS = torch.linspace(1, 2, 5, dtype=torch.float64)


def spoiled(tensor, value):
    tensor = tensor.clone()
    tensor.view(-1)[-1] = value
    return tensor


def bad_images(images, narrow=True):
    several = [images[:, :-1]] if narrow else []
    return [
        *several,
        images * 255,
        images * 16,
        (images * 255).to(torch.uint8),
        (images * 255).long(),
        -images.ceil().int(),
        images.half(),
        images.bfloat16(),
        images.to(torch.complex64),
        images[0],
        images.view(-1, 2, 3),
        images[:0],
        spoiled(images, NAN),
        spoiled(images, -INF),
        images.numpy(),
        None,
    ]


def bad_labels(labels, classes=3):
    one_hot = torch.nn.functional.one_hot(labels, 3)
    several = [labels * 2 - 1, labels.double(), labels.bool(), labels[:, None], one_hot, labels[:0], labels.tolist(), None]
    return several + ([spoiled(labels, classes)] if classes else [])


# Not as many as there are images.
FEWER = [LABELS[:3], LABELS[:1]]
BAD_NETWORKS = [
    Mlp(tuple(spoiled(weight, NAN) for weight in NETWORK.weights)),
    NETWORK.replaced(0, spoiled(NETWORK.weights[0], INF)),
    torch.nn.Linear(6, 3),
    None,
]
BAD_LAYERS = [3, -1, True, 1.0, NAN, "1", None]
BAD_LOSSES = ["mse", "", None, 1]
BAD_DIRECTIONS = [
    DIRECTIONS[:, :-1],
    DIRECTIONS[0],
    DIRECTIONS.half(),
    DIRECTIONS.to(torch.complex64),
    spoiled(DIRECTIONS, NAN),
    spoiled(DIRECTIONS, INF),
    DIRECTIONS * 0,
    torch.cat([DIRECTIONS, DIRECTIONS[:1] * 0]),
    DIRECTIONS.view(3, 5, 4)[:, :, :3],
    DIRECTIONS.numpy(),
    None,
]
MEASURED = {"network": NETWORK, "images": IMAGES, "labels": LABELS, "layer": LAYER, "loss": "mean_squared_error"}
BAD_MEASURED = {
    "network": BAD_NETWORKS,
    "images": [*bad_images(IMAGES), As("labels", IMAGES[:4])],
    "labels": bad_labels(LABELS) + FEWER,
    "layer": BAD_LAYERS,
    "loss": BAD_LOSSES,
}
POSITIVE = [0, -0.5, NAN, INF, True, "1", None, [0.1], np.ones(2), torch.ones(2), 10**400]
NOT_NEGATIVE = [-0.5, NAN, INF, True, "1", None, [0.1], np.ones(2), torch.ones(2), 10**400]
SHARES = [0, 1, -0.5, 2, NAN, True, "1", None]
COUNTS = [0, -1, 2.5, 2.0, NAN, True, "1", None]
FROM_ZERO = [-1, 2.5, 1.0, NAN, True, "1"]
SAMPLINGS = ["Epoch", "without", "", None, 1]
SEEDS = [-1, 0.5, NAN, True, "1", None]
RANDOM = [None, 0, np.random]
