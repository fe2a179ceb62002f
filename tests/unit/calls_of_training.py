"""Calls of the public functions of training and its windows, with wrong values of each argument."""

from dataclasses import replace

import torch

from sgdphysics import (
    batch_sharpness,
    edge_measurements,
    labelled_images,
    nested_windows,
    networks,
    runs,
    seeds,
    stacks,
    training,
    training_sets,
    windows,
)
from sgdphysics.runs import Run
from sgdphysics.window_settings import WindowSettings
from wrong_inputs import (
    BAD_LOSSES,
    BAD_NETWORKS,
    COUNTS,
    FEWER,
    FROM_ZERO,
    IMAGES,
    INF,
    LABELS,
    LAYER,
    NAN,
    NOT_NEGATIVE,
    POSITIVE,
    SAMPLINGS,
    SEEDS,
    SHARES,
    As,
    Call,
    bad_images,
    bad_labels,
)

RUN = Run(hidden_widths=(5, 4), batch_size=4, max_epochs=1)
(RESULT,) = training.train([RUN], IMAGES.float(), LABELS)
NOT_A_RUN = [None, 1, "run", {}]
BAD_RUNS = [[], [None], RUN, [RUN, replace(RUN, batch_size=3)], None, As("batch_size", [replace(RUN, batch_size=13)])]
OPTIONAL_COUNTS = [value for value in COUNTS if value is not None]
BAD_TRAINING_LABELS = [*bad_labels(LABELS, None), *FEWER, LABELS * 0]
TRAINED = {"images": IMAGES.float(), "labels": LABELS}
# Images of any number of pixels are trained on.
BAD_TRAINING_IMAGES = [*bad_images(IMAGES.float(), narrow=False), As("labels", IMAGES[:4])]
SETTINGS = WindowSettings(
    layer=LAYER,
    epochs=2,
    centre="window_mean",
    directions=3,
    whole_spectrum=False,
    further_ranks=(),
    hessian=True,
    noise_sampling=("epoch",),
    isotropic=False,
)
BAD_TRAINED = {"images": BAD_TRAINING_IMAGES, "labels": BAD_TRAINING_LABELS}
OTHER_WIDTHS = networks.Mlp((torch.ones(5, 6), torch.ones(3, 5)))
STARTED = {"start": [RESULT.network], "start_epochs": [1]}
BAD_START = {
    "start": [[], [OTHER_WIDTHS], [None], [RESULT.network] * 2],
    "start_epochs": [[-1], [1.5], [True], [1, 1]],
}


(WINDOW,) = windows.measure_windows([RUN], [(RESULT.network, 2)], IMAGES.float(), LABELS, SETTINGS)
(TRAJECTORY,) = nested_windows.follow([RUN], [(RESULT.network, 2)], [WINDOW], IMAGES.float(), LABELS, [1, 2])

CALLS = {
    "seeds.generator": Call(
        lambda seed, purpose, position: seeds.generator(seed, purpose, position),
        {"seed": 1, "purpose": "batches", "position": 2},
        {"seed": SEEDS, "purpose": ["weights", None, 1], "position": [-1, 0.5, True, "1"]},
    ),
    "runs.Run": Call(
        Run,
        vars(RUN),
        {
            "hidden_widths": [(), (0,), (5.0,), (5, 2.5), (True,), ("5",), 5, None],
            "learning_rate": POSITIVE,
            "batch_size": COUNTS,
            "loss": BAD_LOSSES,
            "sampling": SAMPLINGS,
            "weight_decay": NOT_NEGATIVE,
            "weight_decay_penalty": ["l2", None],
            "weight_decay_epochs": FROM_ZERO,
            "dropout": [value for value in SHARES if value != 0 or value is True],
            "dropout_rescaling": ["never", None],
            "initial_scale": POSITIVE,
            "label_noise": [1, -0.5, 2, NAN, True, "1", None],
            "images_per_class": OPTIONAL_COUNTS,
            "draw_images": [1, 0, "yes", None],
            "stop_loss": NOT_NEGATIVE,
            "stop_accuracy": [NAN, INF, True, "1", None],
            "stop_on": ["test_set", None],
            "max_epochs": COUNTS,
            "max_steps": OPTIONAL_COUNTS,
            "seed": SEEDS,
            "trained_layers": [(), (3,), (-1,), (1, 1), (True,), (0.5,), 1, "1"],
        },
    ),
    "runs.stack_key": Call(runs.stack_key, {"run": RUN}, {"run": NOT_A_RUN}),
    "runs.settings_of": Call(runs.settings_of, {"run": RUN}, {"run": NOT_A_RUN}),
    "runs.settings_text": Call(runs.settings_text, {"run": RUN}, {"run": NOT_A_RUN}),
    "runs.run_id": Call(runs.run_id, {"run": RUN, "dataset": "digits"}, {"run": NOT_A_RUN}),
    "runs.log_spaced_steps": Call(
        runs.log_spaced_steps,
        {"per_decade": 2, "epoch_steps": 3, "max_epochs": 4},
        {"per_decade": COUNTS, "epoch_steps": COUNTS, "max_epochs": COUNTS},
    ),
    "labelled_images.training_subset": Call(
        labelled_images.training_subset,
        {"labels": LABELS, "per_class": 2, "seed": 0},
        {
            "labels": bad_labels(LABELS, None),
            "per_class": [As("images per class", value) for value in (0, -1, 2.5, True, "1")] + [As("class 0", 5)],
            "seed": [-1, 0.5, True],
        },
    ),
    "training_sets.training_set": Call(
        training_sets.training_set,
        {"run": RUN, "labels": LABELS},
        {"run": [*NOT_A_RUN, As("label_noise", replace(RUN, label_noise=0.1))], "labels": bad_labels(LABELS, None)},
    ),
    "training_sets.steps_per_epoch": Call(
        training_sets.steps_per_epoch, {"run": RUN, "n_images": 12}, {"run": NOT_A_RUN, "n_images": [*COUNTS, As("batch_size", 3)]}
    ),
    "batch_sharpness.next_batches": Call(
        batch_sharpness.next_batches,
        {"result": RESULT, "images": 12, "least_images": 5, "epoch": 1},
        {"result": NOT_A_RUN, "images": [*COUNTS, 3], "least_images": COUNTS, "epoch": [-1, 0.5, True, "1"]},
    ),
    "edge_measurements.outcome": Call(edge_measurements.outcome, {"result": RESULT}, {"result": NOT_A_RUN}),
    "edge_measurements.measured_epochs": Call(
        lambda result, followed: list(edge_measurements.measured_epochs(result, followed=followed)),
        {"result": RESULT, "followed": True},
        {"result": NOT_A_RUN},
    ),
    "training.train": Call(
        training.train,
        {"runs": [RUN], **TRAINED, "checkpoint_steps": [0, 1], "checkpoint_losses": [0.5]},
        {
            "runs": BAD_RUNS,
            **BAD_TRAINED,
            "checkpoint_steps": [[-1], [0.5], [True], 1, None],
            "checkpoint_losses": [[0.0], [NAN], [-1], ["1"], 0.5, None],
        },
    ),
    "training.continue_training": Call(
        training.continue_training,
        {"runs": [RUN], **STARTED, **TRAINED, "epochs": 1, "observer": len},
        {
            "runs": [*BAD_RUNS, As("dropout_rescaling", [replace(RUN, dropout_rescaling="afterwards")])],
            **BAD_START,
            **BAD_TRAINED,
            "epochs": COUNTS,
            "observer": [None, 1],
        },
    ),
    "training.Result.first_epoch_at": Call(RESULT.first_epoch_at, {"loss": 0.5}, {"loss": [NAN, INF, True, "1", None]}),
    "training.Result.network_after": Call(RESULT.network_after, {"epoch": 1}, {"epoch": [*FROM_ZERO, None]}),
    "stacks.Stack.start": Call(
        stacks.Stack.start, {"runs": [RUN], **TRAINED, **STARTED}, {"runs": BAD_RUNS[:-1], **BAD_TRAINED, **BAD_START}
    ),
    "nested_windows.follow": Call(
        nested_windows.follow,
        {"runs": [RUN], "starts": [(RESULT.network, 2)], "windows": [WINDOW], **TRAINED, "epochs": [1, 2]},
        {
            "runs": [As("starts", [RUN, RUN]), [], [None], RUN, None],
            "starts": [
                [],
                [RESULT.network],
                None,
                [(RESULT.network, 2)] * 2,
                *(As("network", [(network, 2)]) for network in BAD_NETWORKS),
            ],
            "windows": [[], [WINDOW] * 2, [None], WINDOW],
            "images": [*bad_images(IMAGES), As("labels", IMAGES[:4])],
            "labels": bad_labels(LABELS) + FEWER,
            "epochs": [[0], [1.5], [True], 1],
        },
    ),
    "nested_windows.Trajectory.rows": Call(
        TRAJECTORY.rows,
        {"epochs": 2, "ranks": WINDOW.ranks},
        {"epochs": [0, 3, -1, 1.5, None], "ranks": [[], WINDOW.ranks[1:], None, 1]},
    ),
    "windows.measure_windows": Call(
        windows.measure_windows,
        {"runs": [RUN], "starts": [(RESULT.network, 2)], "images": IMAGES.float(), "labels": LABELS, "settings": SETTINGS},
        {
            "runs": [As("starts", [RUN, RUN]), As("starts", [])],
            "starts": [[], [(RESULT.network, 2)] * 2, *(As("network", [(network, 2)]) for network in BAD_NETWORKS)],
            "images": [*bad_images(IMAGES), As("labels", IMAGES[:4])],
            "labels": bad_labels(LABELS) + FEWER,
            "settings": [As("layer", replace(SETTINGS, layer=layer)) for layer in (3, -1)],
        },
    ),
}
