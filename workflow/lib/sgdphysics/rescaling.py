"""Rescalings that leave the network function unchanged but not its plain sharpness (Dinh, Pascanu, Bengio and Bengio 2017)."""

from sgdphysics.arguments import require, require_positive
from sgdphysics.inputs import checked_network
from sgdphysics.networks import Mlp


def rescaled(network: Mlp, layer: int, other: int, factor: float) -> Mlp:
    """Return the network with the weights of ``layer`` multiplied by a factor p and those of ``other`` divided by it.

    ReLU is positively homogeneous, so the function stays. With p the Hessian of the layer's weights scales by p^-2, that of the
    other's by p^2; a slope along the dual weights by 1/p and p, a dual weight by p and 1/p: their products stay.

    Args:
        network: With finite weights.
        layer, other: Two different weight matrices, counted from 0.
        factor: p > 0.

    Raises:
        ValueError: If a layer does not exist, both are the same, a weight is not finite, or the factor is not positive and finite.

    Source: Dinh et al. 2017, section 4; Feng, Zhang and Tu 2023, answer to it.
    """
    network = checked_network(network)
    require(network.checked_layer(layer) != network.checked_layer(other), "other", other, f"another layer than {layer}")
    require_positive("factor", factor)
    return network.replaced(layer, network.weights[layer] * factor).replaced(other, network.weights[other] / factor)
