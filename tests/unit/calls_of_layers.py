"""Calls of the public functions that measure a layer of a network, with wrong values of each argument."""

import torch

from sgdphysics import (
    batch_sharpness,
    curvature,
    landscape,
    losses,
    networks,
    noise,
    rescaling,
)
from wrong_inputs import (
    BAD_DIRECTIONS,
    BAD_LAYERS,
    BAD_MEASURED,
    BAD_NETWORKS,
    COUNTS,
    DIRECTIONS,
    FEWER,
    IMAGES,
    INF,
    LABELS,
    MEASURED,
    NAN,
    NETWORK,
    NOT_NEGATIVE,
    POSITIVE,
    SAMPLINGS,
    SEEDS,
    SIZE,
    As,
    Call,
    bad_images,
    spoiled,
)

GRADIENTS = torch.randn(12, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def measured(function, more=None, wrong=None, without=()):
    """Of a function that takes a network, images, labels, layer and loss, and maybe more."""
    right = {name: value for name, value in MEASURED.items() if name not in without} | (more or {})
    bad = {name: values for name, values in BAD_MEASURED.items() if name not in without} | (wrong or {})
    if "labels" in without:
        bad["images"] = bad_images(IMAGES)
    return Call(function, right, bad)


BAD_GRADIENTS = [GRADIENTS[:1], GRADIENTS[:, 0], spoiled(GRADIENTS, NAN), GRADIENTS.half(), GRADIENTS.long(), None]
BATCHES = torch.arange(12).view(3, 4)
CALLS = {
    "batch_sharpness.batch_sharpness": measured(
        batch_sharpness.batch_sharpness,
        {"batches": BATCHES},
        {"batches": [BATCHES[0], BATCHES[:0], BATCHES + 1, BATCHES - 1, BATCHES.double(), BATCHES > 0, BATCHES.tolist(), None]},
        without=("layer",),
    ),
    "curvature.layer_hessian": measured(curvature.layer_hessian),
    "curvature.gradient_covariance": measured(curvature.gradient_covariance),
    "curvature.layer_gradients": measured(curvature.layer_gradients),
    "curvature.curvature_along": measured(
        curvature.curvature_along, {"directions": DIRECTIONS}, {"directions": BAD_DIRECTIONS}, without=("labels",)
    ),
    "curvature.hessian_trace": measured(curvature.hessian_trace, without=("labels",)),
    "curvature.sharpest_directions": measured(curvature.sharpest_directions, {"count": 3}, {"count": [*COUNTS, SIZE + 1]}),
    "curvature.largest_curvatures": measured(curvature.largest_curvatures, {"count": 3}, {"count": COUNTS}),
    "landscape.LossSlice": measured(landscape.LossSlice),
    "landscape.LossSlice.along": Call(
        landscape.LossSlice(*MEASURED.values()).along,
        {"direction": DIRECTIONS[0]},
        {"direction": [DIRECTIONS[0, :3], DIRECTIONS, DIRECTIONS[0] * 0, DIRECTIONS[0] * NAN, DIRECTIONS[0].half()]},
    ),
    "landscape.flatness_edges": measured(
        landscape.flatness_edges,
        {"directions": DIRECTIONS, "factor": 2.0},
        {"directions": BAD_DIRECTIONS, "factor": [1, 0.5, NAN, INF, True, "2", None]},
    ),
    "landscape.flatness": measured(
        landscape.flatness,
        {"directions": DIRECTIONS, "factor": 2.0},
        {"directions": BAD_DIRECTIONS, "factor": [1, 0.5, NAN, INF, True, "2", None]},
    ),
    "landscape.count_minima": Call(
        landscape.count_minima,
        {"losses": [3.0, 1.0, 2.0, INF], "smallest_prominence": 0.5},
        {"losses": [[1.0, NAN], [[1.0, 2.0]], ["a"], 1.0, None], "smallest_prominence": NOT_NEGATIVE},
    ),
    "losses.one_hot": Call(
        losses.one_hot,
        {"labels": LABELS, "logits": torch.ones(12, 3)},
        {"labels": [spoiled(LABELS, 3), spoiled(LABELS, -1), LABELS.double(), LABELS.bool(), LABELS.tolist()]},
    ),
    "losses.Loss.values": Call(
        losses.LOSSES["cross_entropy"].values,
        {"logits": torch.ones(12, 3), "labels": LABELS},
        {"labels": [*FEWER, LABELS[:, None], spoiled(LABELS, 3), LABELS * 2 - 1, LABELS.double()]},
    ),
    "losses.Loss.mean": Call(
        losses.LOSSES["mean_squared_error"].mean,
        {"logits": torch.ones(12, 3), "labels": LABELS},
        {"labels": [*FEWER, LABELS[:, None], spoiled(LABELS, 3), LABELS * 2 - 1, LABELS.double()]},
    ),
    "noise.projected_gradients": measured(noise.projected_gradients, {"directions": DIRECTIONS}, {"directions": BAD_DIRECTIONS}),
    "noise.gradient_variance": measured(noise.gradient_variance),
    "noise.temperature": Call(
        noise.temperature,
        {"gradients": GRADIENTS, "learning_rate": 0.1, "batch_size": 4, "sampling": "replacement"},
        {"gradients": BAD_GRADIENTS, "learning_rate": POSITIVE, "batch_size": [*COUNTS, 13], "sampling": SAMPLINGS},
    ),
    "networks.Mlp": Call(
        networks.Mlp,
        {"weights": NETWORK.weights},
        {
            "weights": [
                (),
                None,
                5,
                NETWORK.weights[::-1],
                [weight.half() for weight in NETWORK.weights],
                [weight.long() for weight in NETWORK.weights],
                [weight.numpy() for weight in NETWORK.weights],
                [NETWORK.weights[0].float(), *NETWORK.weights[1:]],
                [NETWORK.weights[0][0]],
                [torch.ones(0, 6)],
            ]
        },
    ),
    "networks.Mlp.activations": Call(NETWORK.activations, {"images": IMAGES}, {"images": [*bad_images(IMAGES), IMAGES.float()]}),
    "networks.Mlp.logits": Call(NETWORK.logits, {"images": IMAGES}, {"images": [*bad_images(IMAGES), IMAGES.float()]}),
    "networks.Mlp.logits_above": Call(
        NETWORK.logits_above,
        {"layer": 1, "pre_activation": torch.ones(2, 4).double()},
        {"layer": BAD_LAYERS, "pre_activation": [torch.ones(2, 5).double()]},
    ),
    "networks.Mlp.replaced": Call(
        NETWORK.replaced,
        {"layer": 1, "weight": NETWORK.weights[1]},
        {
            "layer": BAD_LAYERS,
            "weight": [As("weights", value) for value in (torch.ones(5, 4).double(), NETWORK.weights[1].half(), None)],
        },
    ),
    "networks.Mlp.from_layer": Call(NETWORK.from_layer, {"layer": 1}, {"layer": BAD_LAYERS}),
    "networks.Mlp.checked_layer": Call(NETWORK.checked_layer, {"layer": 1}, {"layer": BAD_LAYERS}),
    "networks.initial_weights": Call(
        networks.initial_weights,
        {"widths": (6, 5, 3), "seed": 1, "scale": 1.0},
        {"widths": [(6,), (), (6, 0), (6, 2.5), (6, True), 6, "65", None], "seed": SEEDS, "scale": POSITIVE},
    ),
    "rescaling.rescaled": Call(
        rescaling.rescaled,
        {"network": NETWORK, "layer": 1, "other": 2, "factor": 2.0},
        {
            "network": BAD_NETWORKS,
            "layer": BAD_LAYERS,
            "other": [As("layer", value) for value in BAD_LAYERS] + [1],
            "factor": POSITIVE,
        },
    ),
}
