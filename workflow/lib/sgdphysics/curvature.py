"""Hessian and gradient covariance of one layer in closed form.

A ReLU network is piecewise linear in one layer's weights, so the Gauss-Newton form is the Hessian almost everywhere, and both
matrices are sums over samples of Kronecker products of small matrices: ``H = <A_n (x) a_n a_n^T>`` with a_n the layer's input.
"""

import numpy as np
import scipy.sparse.linalg
import torch
from torch import Tensor

from sgdphysics.arrays import kronecker_sum, largest_eigenpairs, with_fixed_sign
from sgdphysics.losses import LOSSES, one_hot
from sgdphysics.networks import Mlp
from sgdphysics.ranks import DENSE_LIMIT


def layer_hessian(network: Mlp, images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy") -> Tensor:
    """Hessian of the mean loss with respect to one layer's weights.

    Args:
        network: The network; computed in float64 whatever its dtype.
        images: (N, pixels).
        labels: int64 (N,).
        layer: Weight matrix, counted from 0.
        loss: "cross_entropy" or "mean_squared_error".

    Returns:
        float64 (d, d), d = out * in of that layer, row-major (out, in); mean over the N samples.

    Raises:
        ValueError: If the layer does not exist or has more than 5,000 weights.

    Source: Gauss-Newton form ``A_n = J^T (diag(p) - p p^T) J`` with J the Jacobian of the logits with respect to the layer's
    output; for ReLU networks it equals the Hessian wherever the loss is twice differentiable.
    """
    network = network.double()
    _check_dense(network, layer)
    inputs = network.activations(images.double())
    jacobian = network.layer_jacobian(layer, inputs)
    curvature = LOSSES[loss].curvature(inputs[-1] @ network.weights[-1].T)
    return kronecker_sum(jacobian.mT @ curvature @ jacobian, inputs[layer]) / len(images)


def gradient_covariance(network: Mlp, images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy") -> Tensor:
    """Covariance over single samples of the gradient with respect to one layer's weights, ``<g g^T> - <g><g>^T``.

    Arguments and errors as for `layer_hessian`. The covariance of the mean over a batch of B independent draws is this / B.

    Returns:
        float64 (d, d), row-major (out, in); normalised by N, not N - 1.

    Source: Feng and Tu 2021, noise covariance C.
    """
    _check_dense(network, layer)
    errors, inputs = layer_gradients(network, images, labels, layer, loss)
    mean = (errors.T @ inputs).flatten() / len(errors)
    second_moment = kronecker_sum(errors[:, :, None] * errors[:, None, :], inputs) / len(errors)
    return second_moment - mean[:, None] * mean[None, :]


def layer_gradients(network: Mlp, images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy") -> tuple[Tensor, Tensor]:
    """Return the factors of each sample's gradient: it is ``errors_n inputs_n^T``.

    Returns:
        Derivatives of each sample's loss with respect to the layer's output before its ReLU, float64 (N, out), and the layer's
        inputs, float64 (N, in).
    """
    network, images = network.double(), images.double()
    inputs = network.activations(images)
    logits = inputs[-1] @ network.weights[-1].T
    gradient = LOSSES[loss].gradient(logits, one_hot(labels, logits), -1)
    return network.backward(layer, inputs, gradient), inputs[layer]


def curvature_along(network: Mlp, images: Tensor, layer: int, directions: Tensor, loss: str = "cross_entropy") -> Tensor:
    """Return ``p^T H p`` for each direction without building the Hessian; directions (k, d), result float64 (k,)."""
    network, directions = network.double(), directions.double().to(images.device)
    inputs = network.activations(images.double())
    curvature = LOSSES[loss].curvature(inputs[-1] @ network.weights[-1].T)
    along = []
    for direction in directions.view(len(directions), *network.weights[layer].shape):
        change = network.forward(layer, inputs, inputs[layer] @ direction.T)
        along.append(((curvature @ change[:, :, None]).squeeze(2) * change).sum(1).mean())
    return torch.stack(along)


def hessian_trace(network: Mlp, images: Tensor, layer: int, loss: str = "cross_entropy") -> float:
    """Return the trace of `layer_hessian` without building it, ``<tr(A_n) |a_n|^2>``; for layers of any width."""
    network = network.double()
    inputs = network.activations(images.double())
    jacobian = network.layer_jacobian(layer, inputs)
    curvature = LOSSES[loss].curvature(inputs[-1] @ network.weights[-1].T)
    return float((((curvature @ jacobian) * jacobian).sum((1, 2)) * inputs[layer].square().sum(1)).mean())


def sharpest_directions(
    network: Mlp, images: Tensor, labels: Tensor, layer: int, count: int, loss: str = "cross_entropy"
) -> tuple[Tensor, Tensor]:
    """Return the ``count`` largest eigenvalues of `layer_hessian` and their eigenvectors, as `largest_eigenpairs` does.

    They are found by Lanczos iteration to machine precision without building the Hessian: for few of a wide layer that is faster.
    The iteration starts, and after a breakdown goes on, from fixed vectors: equal networks give equal bytes. All of them are found
    from the dense matrix, so ``count`` is less than the number of weights of a layer of more than 5,000.
    """
    network = network.double()
    if count >= network.weights[network.checked_layer(layer)].numel():
        return largest_eigenpairs(layer_hessian(network, images, labels, layer, loss))
    inputs, weight = network.activations(images.double()), network.weights[network.checked_layer(layer)]
    curvature = LOSSES[loss].curvature(inputs[-1] @ network.weights[-1].T)

    def product(vector: np.ndarray) -> np.ndarray:
        direction = torch.from_numpy(np.ascontiguousarray(vector)).view_as(weight).to(weight.device)
        change = network.forward(layer, inputs, inputs[layer] @ direction.T)
        gradient = network.backward(layer, inputs, (curvature @ change[:, :, None]).squeeze(2))
        return (gradient.T @ inputs[layer]).flatten().cpu().numpy() / len(images)

    size = weight.numel()
    hessian = scipy.sparse.linalg.LinearOperator((size, size), matvec=product, dtype=np.float64)
    random = np.random.default_rng(0)
    try:
        start = random.standard_normal(size)
        values, vectors = scipy.sparse.linalg.eigsh(hessian, count, which="LA", v0=start, tol=0, rng=random)
    except scipy.sparse.linalg.ArpackError:  # too few eigenvalues differ from zero
        if size > DENSE_LIMIT and hessian_trace(network, images, layer, loss) < np.finfo(float).tiny:
            return torch.zeros(count).to(weight), torch.eye(count, size).to(weight)  # none does
        return largest_eigenpairs(layer_hessian(network, images, labels, layer, loss), count)
    order = np.argsort(-values)
    eigenvalues = torch.from_numpy(values[order])
    eigenvectors = with_fixed_sign(torch.from_numpy(np.ascontiguousarray(vectors.T[order])))
    return eigenvalues.to(weight.device), eigenvectors.to(weight.device)


def largest_curvatures(
    network: Mlp, images: Tensor, labels: Tensor, layer: int, count: int, loss: str = "cross_entropy"
) -> tuple[Tensor, Tensor]:
    """Return the ``count`` largest eigenvalues of `layer_hessian` and their eigenvectors, for layers of any width.

    They are found from the dense matrix up to 5,000 weights, above it by `sharpest_directions`.
    """
    if network.weights[network.checked_layer(layer)].numel() <= DENSE_LIMIT:
        return largest_eigenpairs(layer_hessian(network, images, labels, layer, loss), count)
    return sharpest_directions(network, images, labels, layer, count, loss)


def _check_dense(network: Mlp, layer: int) -> None:
    weights = network.weights[network.checked_layer(layer)].numel()
    if weights > DENSE_LIMIT:
        raise ValueError(f"layer: {layer} has {weights} weights, a dense matrix is built for at most {DENSE_LIMIT}")
