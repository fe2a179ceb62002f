"""Hessian and gradient covariance of one layer in closed form.

A ReLU network is piecewise linear in one layer's weights, so the Gauss-Newton form is the Hessian almost everywhere, and both
matrices are sums over samples of Kronecker products of small matrices: ``H = <A_n (x) a_n a_n^T>`` with a_n the layer's input.
"""

import numpy as np
import scipy.sparse.linalg
import torch
from torch import Tensor

from sgdphysics import inputs
from sgdphysics.arguments import require_whole
from sgdphysics.arrays import kronecker_sum, largest_eigenpairs, with_fixed_sign
from sgdphysics.errors import InputError
from sgdphysics.losses import LOSSES, one_hot
from sgdphysics.networks import Mlp
from sgdphysics.ranks import DENSE_LIMIT


def layer_hessian(network: Mlp, images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy") -> Tensor:
    """Hessian of the mean loss with respect to one layer's weights.

    Args:
        network: The network, with finite weights; computed in float64 whatever its dtype.
        images: float32 or float64 (N, pixels), pixel values in [0, 1] (or standardised).
        labels: Integers (N,), classes counted from 0.
        layer: Weight matrix, counted from 0.
        loss: "cross_entropy" or "mean_squared_error".

    Returns:
        float64 (d, d), d = out * in of that layer, row-major (out, in); mean over the N samples.

    Raises:
        ValueError: If an argument is none of these (`inputs.checked`), or the layer does not exist or has more than 5,000 weights.

    Source: Gauss-Newton form ``A_n = J^T (diag(p) - p p^T) J`` with J the Jacobian of the logits with respect to the layer's
    output; for ReLU networks it equals the Hessian wherever the loss is twice differentiable.
    """
    network, images, _ = inputs.checked(network, images, labels, layer, loss)
    _check_dense(network, layer)
    network = network.double()
    entering = network.unchecked_activations(images.double())
    jacobian = network.layer_jacobian(layer, entering)
    curvature = LOSSES[loss].curvature(entering[-1] @ network.weights[-1].T)
    return kronecker_sum(jacobian.mT @ curvature @ jacobian, entering[layer]) / len(images)


def gradient_covariance(network: Mlp, images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy") -> Tensor:
    """Covariance over single samples of the gradient with respect to one layer's weights, ``<g g^T> - <g><g>^T``.

    Arguments and errors as for `layer_hessian`. The covariance of the mean over a batch of B independent draws is this / B.

    Returns:
        float64 (d, d), row-major (out, in); normalised by N, not N - 1.

    Source: Feng and Tu 2021, noise covariance C.
    """
    network, images, labels = inputs.checked(network, images, labels, layer, loss)
    _check_dense(network, layer)
    errors, entering = _layer_gradients(network, images, labels, layer, loss)
    mean = (errors.T @ entering).flatten() / len(errors)
    second_moment = kronecker_sum(errors[:, :, None] * errors[:, None, :], entering) / len(errors)
    return second_moment - mean[:, None] * mean[None, :]


def layer_gradients(network: Mlp, images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy") -> tuple[Tensor, Tensor]:
    """Return the factors of each sample's gradient: it is ``errors_n inputs_n^T``.

    Arguments and errors as for `layer_hessian`, for layers of any width.

    Returns:
        Derivatives of each sample's loss with respect to the layer's output before its ReLU, float64 (N, out), and the layer's
        inputs, float64 (N, in).
    """
    return _layer_gradients(*inputs.checked(network, images, labels, layer, loss), layer, loss)


def curvature_along(network: Mlp, images: Tensor, layer: int, directions: Tensor, loss: str = "cross_entropy") -> Tensor:
    """Return ``p^T H p`` for each direction without building the Hessian; result float64 (k,).

    Arguments and errors as for `layer_hessian`, for layers of any width; directions (k, d) or (k, out, in), none of length 0.
    """
    network, images = inputs.checked_without_labels(network, images, layer, loss)
    directions = inputs.checked_directions(directions, network.weights[layer])
    network, directions = network.double(), directions.double().to(images.device)
    entering = network.unchecked_activations(images.double())
    curvature = LOSSES[loss].curvature(entering[-1] @ network.weights[-1].T)
    along = []
    for direction in directions.view(len(directions), *network.weights[layer].shape):
        change = network.forward(layer, entering, entering[layer] @ direction.T)
        along.append(((curvature @ change[:, :, None]).squeeze(2) * change).sum(1).mean())
    return torch.stack(along)


def hessian_trace(network: Mlp, images: Tensor, layer: int, loss: str = "cross_entropy") -> float:
    """Return the trace of `layer_hessian` without building it, ``<tr(A_n) |a_n|^2>``; for layers of any width.

    Arguments and errors as for `layer_hessian`.
    """
    network, images = inputs.checked_without_labels(network, images, layer, loss)
    network = network.double()
    entering = network.unchecked_activations(images.double())
    jacobian = network.layer_jacobian(layer, entering)
    curvature = LOSSES[loss].curvature(entering[-1] @ network.weights[-1].T)
    return float((((curvature @ jacobian) * jacobian).sum((1, 2)) * entering[layer].square().sum(1)).mean())


def sharpest_directions(
    network: Mlp, images: Tensor, labels: Tensor, layer: int, count: int, loss: str = "cross_entropy"
) -> tuple[Tensor, Tensor]:
    """Return the ``count`` largest eigenvalues of `layer_hessian` and their eigenvectors, as `largest_eigenpairs` does.

    They are found by Lanczos iteration to machine precision without building the Hessian: for few of a wide layer that is faster.
    The iteration starts, and after a breakdown goes on, from fixed vectors: equal networks give equal bytes. Where all directions
    of a layer are asked for, the Hessian is built.

    Arguments and errors as for `layer_hessian`, for layers of any width; ``count`` from 1 to the number of weights.
    """
    network, images, labels = inputs.checked(network, images, labels, layer, loss)
    size = network.weights[layer].numel()
    require_whole("count", count, 1)
    if count > size:
        raise InputError(f"count: found {count}, expected at most {size}, the weights of layer {layer}")
    if count == size:  # more than the iteration can find
        return largest_eigenpairs(layer_hessian(network, images, labels, layer, loss))
    network = network.double()
    entering, weight = network.unchecked_activations(images.double()), network.weights[layer]
    curvature = LOSSES[loss].curvature(entering[-1] @ network.weights[-1].T)

    def product(vector: np.ndarray) -> np.ndarray:
        direction = torch.from_numpy(np.ascontiguousarray(vector)).view_as(weight).to(weight.device)
        change = network.forward(layer, entering, entering[layer] @ direction.T)
        gradient = network.backward(layer, entering, (curvature @ change[:, :, None]).squeeze(2))
        return (gradient.T @ entering[layer]).flatten().cpu().numpy() / len(images)

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

    They are found from the dense matrix up to 5,000 weights, above it by `sharpest_directions`, as whose are arguments and errors.
    """
    network, images, labels = inputs.checked(network, images, labels, layer, loss)
    require_whole("count", count, 1)
    if network.weights[layer].numel() <= DENSE_LIMIT:
        return largest_eigenpairs(layer_hessian(network, images, labels, layer, loss), count)
    return sharpest_directions(network, images, labels, layer, count, loss)


def _layer_gradients(network: Mlp, images: Tensor, labels: Tensor, layer: int, loss: str) -> tuple[Tensor, Tensor]:
    network = network.double()
    entering = network.unchecked_activations(images.double())
    logits = entering[-1] @ network.weights[-1].T
    gradient = LOSSES[loss].gradient(logits, one_hot(labels, logits), -1)
    return network.backward(layer, entering, gradient), entering[layer]


def _check_dense(network: Mlp, layer: int) -> None:
    weights = network.weights[layer].numel()
    if weights > DENSE_LIMIT:
        raise InputError(f"layer: {layer} has {weights} weights, a dense matrix is built for at most {DENSE_LIMIT}")
