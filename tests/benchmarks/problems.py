"""Tasks of any size, on images and labels drawn at random: for timings, which do not depend on what is computed with."""

from collections.abc import Callable

import torch
from torch import Tensor

from sgdphysics import curvature, landscape, training
from sgdphysics.networks import Mlp, initial_weights

LAYER, BATCH_SIZE, PIXELS, CLASSES = 1, 50, 784, 10
CPU = torch.device("cpu")

Task = Callable[[], object]


def hessian(images: int, width: int, device: torch.device = CPU) -> Task:
    """Hessian of one layer, by all images."""
    network, *data = _problem(images, width, device)
    return lambda: curvature.layer_hessian(network, *data, LAYER)


def covariance(images: int, width: int, device: torch.device = CPU) -> Task:
    """Covariance of one layer's gradients, by all images."""
    network, *data = _problem(images, width, device)
    return lambda: curvature.gradient_covariance(network, *data, LAYER)


def flatness(images: int, width: int, directions: int, device: torch.device = CPU) -> Task:
    """Flatness along random directions, by all images."""
    network, *data = _problem(images, width, device)
    random = torch.randn(width**2, directions, generator=torch.Generator().manual_seed(1))
    orthonormal = torch.linalg.qr(random)[0].T.to(device)
    return lambda: landscape.flatness(network, *data, LAYER, orthonormal)


def training_epoch(images: int, width: int, networks: int, device: torch.device = CPU) -> Task:
    """One epoch of networks that are trained together."""
    _, *data = _problem(images, width, device)
    settings = {"hidden_widths": (width, width), "batch_size": BATCH_SIZE, "stop_loss": 0.0, "max_epochs": 1}
    runs = [training.Run(**settings, seed=seed) for seed in range(networks)]
    return lambda: training.train(runs, *data)


def _problem(images: int, width: int, device: torch.device) -> tuple[Mlp, Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    labels = torch.randint(CLASSES, (images,), generator=random)
    network = Mlp(initial_weights((PIXELS, width, width, CLASSES), 0))
    return network.to(device), torch.rand(images, PIXELS, generator=random).to(device), labels.to(device)
