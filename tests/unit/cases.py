"""Small networks and data on which dense brute force is affordable."""

from itertools import pairwise

import torch

from sgdphysics.networks import Mlp


def small_network(widths=(6, 5, 4, 3), seed=0, scale=1.0, dtype=torch.float64):
    random = torch.Generator().manual_seed(seed)
    shapes = pairwise(widths)
    return Mlp(tuple(scale * torch.randn(out, into, generator=random, dtype=dtype) / into**0.5 for into, out in shapes))


def small_data(n=40, pixels=6, classes=3, seed=1, dtype=torch.float64):
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(n, pixels, generator=random, dtype=dtype)
    return images, torch.arange(n) % classes
