"""Calls of the public functions of matched pairs and the duality, with wrong values of each argument."""

from dataclasses import replace

import torch

from sgdphysics import (
    dual_weights,
    duality,
    gap_and_sharpness,
    generalization,
    labelled_images,
    matched_pairs,
    network_duality,
    networks,
    path_averages,
    rescaled_copies,
    sharpness_and_size,
    slope_gauges,
    training,
)
from sgdphysics.runs import Run
from wrong_inputs import (
    BAD_LAYERS,
    BAD_LOSSES,
    BAD_MEASURED,
    BAD_NETWORKS,
    COUNTS,
    DIRECTIONS,
    FEWER,
    IMAGES,
    INF,
    LABELS,
    LAYER,
    MEASURED,
    NAN,
    NETWORK,
    NUMBERS,
    SEEDS,
    SHARES,
    TEST_IMAGES,
    TEST_LABELS,
    As,
    Call,
    bad_images,
    bad_labels,
    spoiled,
)

EIGENVALUES = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
PAIRS = dual_weights.dual_weights(NETWORK, IMAGES[:6], TEST_IMAGES, TEST_LABELS, LAYER)
PATH_AVERAGED = dual_weights.dual_weights(NETWORK, IMAGES[:6], TEST_IMAGES, TEST_LABELS, LAYER, slopes="path_averaged")
OUTPUTS, CHANGES = (images @ NETWORK.weights[0].T for images in (TEST_IMAGES, IMAGES[:6]))
BAD_SLOPES = ["along", "", None, 1]
MATCHES = torch.arange(6)
DATA = generalization.MatchedData(IMAGES, LABELS, 12, TEST_IMAGES, TEST_LABELS, MATCHES, "cross_entropy")
ABOVE, ENTERING = NETWORK.from_layer(LAYER), DATA.entering(NETWORK, LAYER)
DATASET = labelled_images.Dataset(IMAGES.float(), LABELS, TEST_IMAGES.float(), TEST_LABELS, (2, 3))
RUN = Run(hidden_widths=(5, 4), batch_size=4, max_epochs=2, learning_rate=0.5)
(RESULT,) = training.train([RUN], IMAGES.float(), LABELS)
DECOMPOSITION = duality.decompose_gap(NETWORK, IMAGES, LABELS, TEST_IMAGES, TEST_LABELS, LAYER)
OTHER_PIXELS = networks.Mlp((torch.ones(5, 7), torch.ones(3, 5)))


def measured(function, more=None, wrong=None, without=()):
    """Of a function that takes a network, images, labels, layer and loss, and maybe more."""
    right = {name: value for name, value in MEASURED.items() if name not in without} | (more or {})
    bad = {name: values for name, values in BAD_MEASURED.items() if name not in without} | (wrong or {})
    if "labels" in without:
        bad["images"] = bad_images(IMAGES)
    return Call(function, right, bad)


BAD_TEST_LABELS = [*bad_labels(TEST_LABELS), TEST_LABELS[:1]]
BAD_TEST = {"test_images": [*bad_images(TEST_IMAGES), As("test_labels", TEST_IMAGES[:2])], "test_labels": BAD_TEST_LABELS}
ACTIVITIES = [
    spoiled(IMAGES, NAN),
    IMAGES[0],
    IMAGES[:0],
    IMAGES.half(),
    (IMAGES * 255).to(torch.uint8),
    None,
]
OF_DATA = {"network": [*BAD_NETWORKS, As("images", OTHER_PIXELS)], "layer": BAD_LAYERS}
CALLS = {
    "matched_pairs.nearest_of_class": Call(
        matched_pairs.nearest_of_class,
        {"train_images": IMAGES, "train_labels": LABELS, "test_images": TEST_IMAGES, "test_labels": TEST_LABELS},
        {
            "train_images": [*ACTIVITIES, As("train_labels", IMAGES[:1]), As("test_images", IMAGES[:, :5])],
            "train_labels": [*bad_labels(LABELS, None), *FEWER, LABELS * 0],
            "test_images": [TEST_IMAGES[:, :5], spoiled(TEST_IMAGES, NAN), As("test_labels", TEST_IMAGES[:1])],
            "test_labels": [*bad_labels(TEST_LABELS, None), As("train_labels", TEST_LABELS + 9)],
        },
    ),
    "matched_pairs.random_of_class": Call(
        matched_pairs.random_of_class,
        {"train_labels": LABELS, "test_labels": TEST_LABELS, "seed": 0},
        {
            "train_labels": [*bad_labels(LABELS, None), LABELS * 0],
            "test_labels": [*bad_labels(TEST_LABELS, None), As("train_labels", TEST_LABELS + 9)],
            "seed": SEEDS,
        },
    ),
    "matched_pairs.NearestOfClass": Call(
        matched_pairs.NearestOfClass,
        {"test_images": TEST_IMAGES, "test_labels": TEST_LABELS},
        {"test_images": [*ACTIVITIES, As("test_labels", TEST_IMAGES[:1])], "test_labels": bad_labels(TEST_LABELS, None)},
    ),
    "matched_pairs.NearestOfClass.among": Call(
        matched_pairs.NearestOfClass(TEST_IMAGES, TEST_LABELS).among,
        {"indices": torch.arange(12), "images": IMAGES, "labels": LABELS},
        {
            "indices": [torch.arange(3), torch.ones(12), None],
            "images": [As("train_images", spoiled(IMAGES, NAN)), As("train_images", IMAGES[:, :5]), As("train_labels", IMAGES[:3])],
            "labels": [As("train_labels", value) for value in bad_labels(LABELS, None)],
        },
    ),
    "matched_pairs.other_matches": Call(
        matched_pairs.other_matches,
        {"train_activities": IMAGES, "train_labels": LABELS, "test_activities": TEST_IMAGES, "test_labels": TEST_LABELS, "seed": 0},
        {
            "train_activities": [As("train_images", value) for value in ACTIVITIES],
            "train_labels": [*bad_labels(LABELS, None), *FEWER],
            "test_activities": [As("test_images", TEST_IMAGES[:, :5])],
            "test_labels": bad_labels(TEST_LABELS, None),
            "seed": SEEDS,
        },
    ),
    "dual_weights.dual_weights": Call(
        dual_weights.dual_weights,
        {
            "network": NETWORK,
            "train_images": IMAGES[:6],
            "test_images": TEST_IMAGES,
            "labels": TEST_LABELS,
            "layer": LAYER,
            "loss": "cross_entropy",
            "slopes": "path_averaged",
        },
        {
            "network": BAD_NETWORKS,
            "slopes": BAD_SLOPES,
            "train_images": [*bad_images(IMAGES), IMAGES[:1]],
            "test_images": [*bad_images(TEST_IMAGES), As("test_labels", TEST_IMAGES[:1])],
            "labels": [As("test_labels", value) for value in BAD_TEST_LABELS],
            "layer": BAD_LAYERS,
            "loss": BAD_LOSSES,
        },
    ),
    "dual_weights.weight_spread_by_metric": Call(
        dual_weights.weight_spread_by_metric,
        {"weight": NETWORK.weights[0], "activities": IMAGES, "shifts": IMAGES},
        {
            "weight": [As("activities", NETWORK.weights[1]), NETWORK.weights[0] * NAN, None],
            "activities": [IMAGES * 0, spoiled(IMAGES, NAN), IMAGES[:, :5], As("shifts", IMAGES[:1])],
            "shifts": [IMAGES[:1], spoiled(IMAGES, INF), IMAGES[0]],
        },
    ),
    "dual_weights.weighted_norm": Call(
        dual_weights.weighted_norm,
        {"weight": NETWORK.weights[0], "vectors": TEST_IMAGES, "activities": IMAGES},
        {
            "weight": [As("vectors", NETWORK.weights[1]), NETWORK.weights[0] * NAN, None],
            "vectors": [spoiled(IMAGES, NAN), IMAGES[:, :5], IMAGES[0], None],
            "activities": [IMAGES * 0, spoiled(IMAGES, INF), IMAGES[:, :5], None],
        },
    ),
    "path_averages.path_averaged_errors": Call(
        path_averages.path_averaged_errors,
        {
            "network": NETWORK,
            "outputs": OUTPUTS,
            "changes": CHANGES,
            "labels": TEST_LABELS,
            "layer": 0,
            "loss": "mean_squared_error",
        },
        {
            "network": BAD_NETWORKS,
            "outputs": [OUTPUTS[:, :2], spoiled(OUTPUTS, NAN), OUTPUTS[0], As("changes", OUTPUTS[:1]), None],
            "changes": [CHANGES[:1], CHANGES[:, :2], spoiled(CHANGES, INF), CHANGES.long(), None],
            "labels": [*bad_labels(TEST_LABELS), TEST_LABELS[:1]],
            "layer": BAD_LAYERS,
            "loss": BAD_LOSSES,
        },
    ),
    "dual_weights.DualWeights.along": Call(
        PAIRS.along, {"directions": DIRECTIONS}, {"directions": [DIRECTIONS[:, :5], DIRECTIONS * 0]}
    ),
    "dual_weights.DualWeights.norms_along": Call(
        PAIRS.norms_along, {"vectors": PAIRS.inputs}, {"vectors": [PAIRS.inputs[:1], PAIRS.inputs[:, :2], PAIRS.inputs * NAN]}
    ),
    "dual_weights.DualWeights.with_shuffled_losses": Call(PAIRS.with_shuffled_losses, {"seed": 0}, {"seed": SEEDS}),
    "dual_weights.DualWeights.with_shuffled_errors": Call(PATH_AVERAGED.with_shuffled_errors, {"seed": 0}, {"seed": SEEDS}),
    "decompositions.Decomposition.leading_correlation": Call(DECOMPOSITION.leading_correlation, {"share": 0.9}, {"share": SHARES}),
    "duality.decompose_gap": Call(
        duality.decompose_gap,
        {
            "network": NETWORK,
            "train_images": IMAGES,
            "train_labels": LABELS,
            "test_images": TEST_IMAGES,
            "test_labels": TEST_LABELS,
            "layer": LAYER,
            "matches": MATCHES,
            "basis": (EIGENVALUES, DIRECTIONS),
            "loss": "cross_entropy",
            "slopes": "path_averaged",
        },
        {
            "network": BAD_NETWORKS,
            "train_images": [*bad_images(IMAGES), As("train_labels", IMAGES[:3])],
            "train_labels": [*bad_labels(LABELS), *FEWER],
            **BAD_TEST,
            "layer": BAD_LAYERS,
            "matches": [MATCHES[:1], MATCHES + 9, MATCHES - 1, MATCHES.double(), MATCHES[:, None]],
            "basis": [
                As("eigenvalues", (EIGENVALUES * NAN, DIRECTIONS)),
                As("directions", (EIGENVALUES[:2], DIRECTIONS)),
                As("directions", (EIGENVALUES, DIRECTIONS * 2)),
                As("directions", (EIGENVALUES, spoiled(DIRECTIONS, NAN))),
                DIRECTIONS,
                (EIGENVALUES,),
                1.0,
                As("directions", (EIGENVALUES, DIRECTIONS[:, :5])),
            ],
            "loss": BAD_LOSSES,
            "slopes": BAD_SLOPES,
        },
    ),
    "duality.hessian_basis": measured(duality.hessian_basis),
    "duality.decompose_pairs": Call(
        duality.decompose_pairs,
        {"pairs": PAIRS, "eigenvalues": EIGENVALUES, "directions": DIRECTIONS},
        {
            "pairs": [None, EIGENVALUES],
            "eigenvalues": [As("directions", EIGENVALUES[:2]), EIGENVALUES * INF, EIGENVALUES.long()],
            "directions": [DIRECTIONS * 3, spoiled(DIRECTIONS, NAN), DIRECTIONS[:, :5], DIRECTIONS[0]],
        },
    ),
    "duality.decompose_in_both_gauges": Call(
        duality.decompose_in_both_gauges,
        {"pairs": PATH_AVERAGED, "eigenvalues": EIGENVALUES, "directions": DIRECTIONS, "seed": 0},
        {
            "pairs": [PAIRS, None, EIGENVALUES],
            "eigenvalues": [As("directions", EIGENVALUES[:2]), EIGENVALUES * INF, EIGENVALUES.long()],
            "directions": [DIRECTIONS * 3, spoiled(DIRECTIONS, NAN), DIRECTIONS[:, :5], DIRECTIONS[0]],
            "seed": SEEDS,
        },
    ),
    "decompositions.with_curvature": Call(
        duality.with_curvature, {"eigenvalues": EIGENVALUES}, {"eigenvalues": [EIGENVALUES[:0], EIGENVALUES.long(), None]}
    ),
    "decompositions.fit_on_curvature": Call(
        duality.fit_on_curvature,
        {"variances": NUMBERS, "eigenvalues": NUMBERS},
        {"variances": [NUMBERS[:1], NUMBERS[:, None], None], "eigenvalues": [As("variances", NUMBERS[:1]), NUMBERS.half()]},
    ),
    "rescaled_copies.of_rescaled_copies": Call(
        rescaled_copies.of_rescaled_copies,
        {"network": NETWORK, "data": DATA, "layer": 1, "factors": (2.0,)},
        {**OF_DATA, "factors": [(0.0,), (NAN,), (-1.0,), (1.0, "2"), 2.0, None]},
    ),
    "generalization.MatchedData": Call(
        generalization.MatchedData,
        vars(DATA),
        {
            "images": [As("labels", IMAGES[:3]), None],
            "labels": [*bad_labels(LABELS, None), *FEWER],
            "clean": [*COUNTS, 13],
            "test_images": [As("test_labels", TEST_IMAGES[:3]), None],
            "test_labels": [*bad_labels(TEST_LABELS, None), TEST_LABELS[:1]],
            "matches": [MATCHES[:1], MATCHES - 1, MATCHES + 9, MATCHES.double(), None],
            "loss": BAD_LOSSES,
        },
    ),
    "generalization.MatchedData.checked_for": Call(DATA.checked_for, {"network": NETWORK, "layer": 1}, OF_DATA),
    "generalization.MatchedData.entering": Call(
        DATA.entering, {"network": NETWORK, "layer": 1}, {"network": [As("images", OTHER_PIXELS)], "layer": BAD_LAYERS}
    ),
    "generalization.MatchedData.matchings": Call(
        DATA.matchings, {"network": NETWORK, "layer": 1, "seed": 0}, {"layer": BAD_LAYERS, "seed": SEEDS}
    ),
    "generalization.MatchedData.has_curvature": Call(
        DATA.has_curvature, {"network": NETWORK, "layer": 1}, {"network": [As("images", OTHER_PIXELS)], "layer": BAD_LAYERS}
    ),
    "generalization.MatchedData.losses": Call(DATA.losses, {"network": NETWORK}, {"network": [As("images", OTHER_PIXELS)]}),
    "generalization.MatchedData.pairs": Call(
        DATA.pairs,
        {"network": NETWORK, "layer": 1, "slopes": "path_averaged"},
        {"network": [*BAD_NETWORKS, As("train_images", OTHER_PIXELS)], "layer": BAD_LAYERS, "slopes": BAD_SLOPES},
    ),
    "generalization.MatchedDatasets": Call(
        generalization.MatchedDatasets,
        {"dataset": DATASET, "test_images": 4},
        {
            "dataset": [
                As("train_images", replace(DATASET, train_images=IMAGES * 255)),
                As("test_images", replace(DATASET, test_images=(TEST_IMAGES * 255).to(torch.uint8))),
                As("train_labels", replace(DATASET, train_labels=LABELS[:1])),
                As("test_labels", replace(DATASET, test_labels=TEST_LABELS - 1)),
            ],
            "test_images": [0, -1, 2.5, True, "4"],
        },
    ),
    "generalization.MatchedDatasets.of": Call(generalization.MatchedDatasets(DATASET).of, {"run": RUN}, {"run": [None, 1, "run"]}),
    "sharpness_and_size.losses_and_sharpness": Call(
        sharpness_and_size.losses_and_sharpness,
        {"result": RESULT, "data": DATA, "layer": 1, "sharpest_directions": 2},
        {
            "result": [
                As("network", replace(RESULT, network=BAD_NETWORKS[0])),
                As("images", replace(RESULT, network=OTHER_PIXELS)),
            ],
            "layer": BAD_LAYERS,
            "sharpest_directions": COUNTS,
        },
    ),
    "sharpness_and_size.by_layer_and_matching": Call(
        sharpness_and_size.by_layer_and_matching,
        {"network": NETWORK, "data": DATA, "studied": 1, "seed": 0},
        {"network": OF_DATA["network"], "studied": [As("layer", value) for value in BAD_LAYERS], "seed": SEEDS},
    ),
    "gap_and_sharpness.gap_and_sharpness": Call(
        gap_and_sharpness.gap_and_sharpness,
        {"network": ABOVE, "data": ENTERING, "seed": 0},
        {"network": [*BAD_NETWORKS, As("images", OTHER_PIXELS)], "seed": SEEDS},
    ),
    "slope_gauges.norms": Call(
        slope_gauges.norms, {"network": ABOVE, "data": ENTERING}, {"network": [*BAD_NETWORKS, As("images", OTHER_PIXELS)]}
    ),
    "gap_and_sharpness.median_flatness": Call(
        gap_and_sharpness.median_flatness,
        {"network": ABOVE, "data": ENTERING, "directions": DIRECTIONS, "chosen": [1, 3]},
        {
            "network": BAD_NETWORKS,
            "directions": [DIRECTIONS * 0, DIRECTIONS * NAN, DIRECTIONS[:, :3]],
            "chosen": [[0], [4], [1.5], [True], 1, None],
        },
    ),
    "network_duality.NetworkDuality": Call(
        network_duality.NetworkDuality, {"network": NETWORK, "data": DATA, "layer": 1, "seed": 0}, {**OF_DATA, "seed": SEEDS}
    ),
    "network_duality.relative_errors": Call(
        network_duality.relative_errors,
        {"reached": IMAGES, "wanted": IMAGES, "before": IMAGES},
        {"reached": [IMAGES[:1], IMAGES * NAN, None], "wanted": [As("reached", IMAGES[:1])], "before": [IMAGES[:1], IMAGES[0]]},
    ),
}
