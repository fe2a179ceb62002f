"""The one source of random numbers: named, independent streams of a run's seed.

A stream is a pure function of (seed, purpose, position), so a run can be resumed at any epoch, and two runs of equal seed share
their initial weights and batch order whatever their other settings: differences between them are paired.
"""

import numpy as np

from sgdphysics.arguments import require_whole
from sgdphysics.errors import InputError

# The number of each stream is part of what every result was drawn from: never change one, and give a new stream a new one.
_STREAMS = {
    "initial_weights": 0,
    "batches": 1,
    "dropout": 2,
    "label_noise": 3,
    "image_draw": 4,
    "surrogate": 5,
    "directions": 6,
    "walkers": 7,
    "matches": 8,
    "shuffled_losses": 9,
    "vectors": 10,
}


def generator(seed: int, purpose: str, *position: int) -> np.random.Generator:
    """Return the generator of one stream.

    Args:
        seed: The run's seed, >= 0.
        purpose: What the numbers are for: "initial_weights", "batches", "dropout", "label_noise", "image_draw", "surrogate",
            "directions", "walkers", "matches", "shuffled_losses" or "vectors".
        position: Further integers, >= 0, that tell streams of one purpose apart, such as the epoch.

    Raises:
        ValueError: If the purpose is none of these, or a number no integer from 0.
    """
    require_whole("seed", seed, 0)
    for number in position:
        require_whole("position", number, 0)
    if purpose not in _STREAMS:
        raise InputError(f"purpose: {purpose!r} is none of {', '.join(_STREAMS)}")
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAMS[purpose], *position)))
