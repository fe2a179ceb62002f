"""The plain way that papers' scripts take, as readable code to compare speed and results with; it uses nothing of the library.

Written to be what a careful script does, not to be slow: nothing is computed twice and nothing waits.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


def module(weights: Iterable[Tensor]) -> nn.Sequential:
    """Return a bias-free ReLU network with copies of these weights, each (out, in)."""
    layers: list[nn.Module] = []
    for weight in weights:
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        layer.weight = nn.Parameter(weight.detach().clone())
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def linear_layers(network: nn.Module) -> list[nn.Linear]:
    """Return the layers that have weights, from input to output."""
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]


def shuffling_loader(images: Tensor, labels: Tensor, batch_size: int) -> DataLoader:
    """Return a loader of mini-batches, shuffled anew every epoch."""
    return DataLoader(TensorDataset(images, labels), batch_size=batch_size, shuffle=True)


def ordered_loader(images: Tensor, labels: Tensor, batches: list[list[int]]) -> DataLoader:
    """Return a loader of given mini-batches: with the batches of another program, its run can be followed."""
    return DataLoader(TensorDataset(images, labels), batch_sampler=batches)


def train(network: nn.Module, loader: DataLoader, learning_rate: float, epochs: int) -> list[float]:
    """Train one network by SGD with autograd; returns the mean loss of each epoch."""
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(network.parameters(), lr=learning_rate)
    history = []
    for _ in range(epochs):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(network(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        history.append(total / len(loader))
    return history


def layer_hessian(network: nn.Module, images: Tensor, labels: Tensor, layer: int, rows: int | None = None) -> Tensor:
    """Hessian of the mean loss by double backward: one `backward` for each weight of the layer.

    Args:
        network: The network.
        images, labels: All the data, as one batch.
        layer: The layer, counted from 0.
        rows: Number of rows of the Hessian, all by default.

    Returns:
        (rows, d), in the dtype of the network.
    """
    weight = linear_layers(network)[layer].weight
    loss = nn.functional.cross_entropy(network(images), labels)
    (gradient,) = torch.autograd.grad(loss, weight, create_graph=True)
    hessian = []
    for element in gradient.flatten()[:rows]:
        network.zero_grad()
        element.backward(retain_graph=True)
        hessian.append(weight.grad.flatten().clone())
    return torch.stack(hessian)


def layer_hessian_of_one_layer(network: nn.Module, images: Tensor, labels: Tensor, layer: int, rows: int | None = None) -> Tensor:
    """As `layer_hessian`, but autograd is told that no other layer's derivatives are wanted."""
    weight = linear_layers(network)[layer].weight
    loss = nn.functional.cross_entropy(network(images), labels)
    (gradient,) = torch.autograd.grad(loss, weight, create_graph=True)
    elements = gradient.flatten()[:rows]
    return torch.stack([torch.autograd.grad(element, weight, retain_graph=True)[0].flatten() for element in elements])


def gradient_covariance(network: nn.Module, images: Tensor, labels: Tensor, layer: int) -> Tensor:
    """Covariance over images of the gradient with respect to one layer's weights, (d, d), from the gradient of every image."""
    name = [name for name, _ in network.named_parameters()][layer]
    others = {key: value.detach() for key, value in network.named_parameters() if key != name}

    def loss(weight: Tensor, image: Tensor, label: Tensor) -> Tensor:
        logits = torch.func.functional_call(network, {**others, name: weight}, image)
        return nn.functional.cross_entropy(logits, label)

    weight = linear_layers(network)[layer].weight.detach()
    gradients = torch.func.vmap(torch.func.grad(loss), (None, 0, 0))(weight, images, labels).flatten(1)
    gradients -= gradients.mean(0)
    return gradients.T @ gradients / len(gradients)


@torch.no_grad()
def flatness(
    network: nn.Module, images: Tensor, labels: Tensor, layer: int, direction: Tensor, accuracy: float = 0.01, limit: float = 1000.0
) -> float:
    """Width of the region in which the loss stays below e times its value, by bisection with the whole network.

    Args:
        network: The centre.
        images, labels: All the data, as one batch.
        layer: The layer that moves, counted from 0.
        direction: Of unit length, (d,).
        accuracy: Width at which the bisection of each side ends.
        limit: A side that does not end within this distance is infinite.
    """
    weight = linear_layers(network)[layer].weight
    centre = weight.clone()
    step = direction.to(centre).view_as(centre)

    def loss_at(distance: float) -> float:
        weight.copy_(centre + distance * step)
        return nn.functional.cross_entropy(network(images), labels).item()

    level = math.e * loss_at(0.0)
    width = 0.0
    for sign in (-1.0, 1.0):
        low, high = 0.0, 1.0
        while loss_at(sign * high) < level:
            low, high = high, 2 * high
            if low > limit:
                weight.copy_(centre)
                return math.inf
        while high - low > accuracy:
            middle = (low + high) / 2
            if loss_at(sign * middle) < level:
                low = middle
            else:
                high = middle
        width += (low + high) / 2
    weight.copy_(centre)
    return width


def principal_components(trajectory: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances, largest first, and directions (k, d) of a stored trajectory (steps, d)."""
    pca = PCA().fit(trajectory)
    return pca.explained_variance_, pca.components_


def shaken_steps(
    x: np.ndarray, y: np.ndarray, learning_rate: float, shift: float, steps: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient descent of many walkers on the randomly shifted loss (1 + 4 x^2) y^2 / 2, as a script writes it."""
    for _ in range(steps):
        shifted_x = x + shift * random.standard_normal(len(x))
        shifted_y = y + shift * random.standard_normal(len(y))
        x = x - learning_rate * 4 * shifted_x * shifted_y**2
        y = y - learning_rate * (1 + 4 * shifted_x**2) * shifted_y
    return x, y


def langevin_steps(
    x: np.ndarray, y: np.ndarray, diffusion: float, kappa: float, time_step: float, steps: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Langevin walkers in the loss (1 + 4 x^2) y^2 / 2 by Euler and Maruyama, reflected at |x| = 1."""
    for _ in range(steps):
        noise_x = np.sqrt(2 * diffusion / kappa * time_step) * random.standard_normal(len(x))
        noise_y = np.sqrt(2 * diffusion * time_step) * random.standard_normal(len(y))
        x, y = x - time_step * 4 * x * y**2 + noise_x, y - time_step * (1 + 4 * x**2) * y + noise_y
        x = np.where(np.abs(x) > 1, np.sign(x) * 2 - x, x)
    return x, y


def summed_products(directions: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Components of a vector along directions (d, d), as the sums of all products."""
    return (directions * vector).sum(axis=1)


@torch.no_grad()
def decompose_gap(
    network: nn.Module,
    train_images: Tensor,
    test_images: Tensor,
    labels: Tensor,
    layer: int,
    directions: Tensor,
    project: Callable[[np.ndarray, np.ndarray], np.ndarray] = summed_products,
) -> dict[str, Tensor]:
    """Spreads of slopes and dual weights along directions (d, d), pair by pair: each dual weight is built and projected.

    ``train_images`` are those matched to ``test_images``, of the same ``labels``.
    """
    layers = linear_layers(network)
    below = network[: 2 * layer]
    weight, rows = layers[layer].weight, directions.numpy()
    weights, slopes = [], []
    for image, shifted, label in zip(train_images, test_images, labels, strict=True):
        activity, other = below(image), below(shifted)
        dual = torch.outer(weight @ (other - activity), activity) / (activity @ activity)
        change = nn.functional.cross_entropy(network(shifted), label) - nn.functional.cross_entropy(network(image), label)
        slope = change * dual / dual.square().sum()
        weights.append(project(rows, dual.flatten().numpy()))
        slopes.append(project(rows, slope.flatten().numpy()))
    weights, slopes = torch.from_numpy(np.stack(weights)), torch.from_numpy(np.stack(slopes))
    return {
        "weight_std": weights.std(0, correction=0),
        "slope_std": slopes.std(0, correction=0),
        "contributions": (weights * slopes).mean(0),
    }
