"""Small networks and data on which dense brute force is affordable."""

from itertools import pairwise

import torch

from sgdphysics.datasets import Source, save_dataset
from sgdphysics.networks import Mlp


def small_network(widths=(6, 5, 4, 3), seed=0, scale=1.0, dtype=torch.float64):
    random = torch.Generator().manual_seed(seed)
    shapes = pairwise(widths)
    return Mlp(tuple(scale * torch.randn(out, into, generator=random, dtype=dtype) / into**0.5 for into, out in shapes))


def small_data(n=40, pixels=6, classes=3, seed=1, dtype=torch.float64):
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(n, pixels, generator=random, dtype=dtype)
    return images, torch.arange(n) % classes


def save_random_dataset(path, images=30, silent=0):
    """Random images of 3 x 4 pixels and three classes in a file, as many to train on as to test on, the first ``silent`` black."""
    random = torch.Generator().manual_seed(0)
    labels = (torch.arange(images) % 3).to(torch.uint8)
    drawn = {part: torch.randint(0, 256, (images, 3, 4), generator=random, dtype=torch.uint8) for part in ("train", "test")}
    for part in drawn.values():
        part[:silent] = 0
    arrays = {f"{part}_images": drawn[part] for part in drawn} | {f"{part}_labels": labels for part in drawn}
    save_dataset(path, Source(arrays, 255, "random", {}), 3, {})
    return path
