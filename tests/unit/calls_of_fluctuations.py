"""Calls of the public functions of fluctuations, their surrogates and eigen-solvers, with wrong values of each argument."""

import numpy as np
import torch

from sgdphysics import (
    arrays,
    detrending,
    fluctuations,
    ladder,
    spectra,
    surrogates,
)
from wrong_inputs import (
    COUNTS,
    FROM_ZERO,
    IMAGES,
    INF,
    NAN,
    NUMBERS,
    POSITIVE,
    RANDOM,
    SAMPLINGS,
    SHARES,
    As,
    Call,
    spoiled,
)

TRAJECTORY = torch.randn(6, 8, generator=torch.Generator().manual_seed(1))
SERIES = torch.randn(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
GRADIENTS = torch.randn(12, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def window():
    moments = fluctuations.WindowMoments(8, 6)
    moments.add(TRAJECTORY)
    return moments


def series():
    return fluctuations.ProjectedSeries(torch.eye(8)[:2], torch.zeros(8), 6)


BAD_SERIES = [SERIES[:, 0], SERIES[:1], SERIES[:0], SERIES.half(), SERIES.numpy()]
BAD_STEPS = [TRAJECTORY[:, :4], TRAJECTORY[0, :4], TRAJECTORY.view(-1), TRAJECTORY[:0], torch.zeros(2, 2, 8)]
BAD_VECTORS = [torch.eye(7), torch.eye(8)[0], torch.zeros(2, 8), torch.eye(8) * NAN, torch.eye(8).half(), None]
BAD_MATRICES = [
    SERIES,
    SERIES[:2].float(),
    spoiled(SERIES[:2], NAN),
    torch.eye(2)[0].double(),
    torch.tensor([[1.0, 2.0], [0.0, 1.0]]),
]
BAD_VARIANCES = [-NUMBERS, NUMBERS * 0, NUMBERS[:0], NUMBERS[:, None], [1.0, 2.0], NUMBERS.long()]
CALLS = {
    "arrays.kronecker_sum": Call(
        arrays.kronecker_sum,
        {"left": torch.eye(2).expand(4, 2, 2), "right": torch.ones(4, 3)},
        {"left": [torch.ones(4, 2), torch.ones(4, 2, 3)], "right": [torch.ones(3, 3), torch.ones(1, 3), torch.ones(4)]},
    ),
    "arrays.largest_eigenpairs": Call(
        arrays.largest_eigenpairs,
        {"matrix": torch.eye(3).double(), "count": 2},
        {"matrix": BAD_MATRICES, "count": [0, -1, 1.5, True]},
    ),
    "arrays.with_fixed_sign": Call(
        arrays.with_fixed_sign, {"rows": SERIES}, {"rows": [SERIES[0], SERIES[:0], SERIES.long(), SERIES.numpy()]}
    ),
    "surrogates.isotropic_walk": Call(
        surrogates.isotropic_walk,
        {"dimension": 3, "epoch_steps": 4, "epochs": 2, "sampling": "epoch", "random": np.random.default_rng(0)},
        {"dimension": COUNTS, "epoch_steps": COUNTS, "epochs": COUNTS, "sampling": SAMPLINGS, "random": RANDOM},
    ),
    "surrogates.gradient_noise_walk": Call(
        surrogates.gradient_noise_walk,
        {
            "errors": GRADIENTS,
            "inputs": IMAGES,
            "learning_rate": 0.1,
            "batch_size": 4,
            "epochs": 2,
            "sampling": "epoch",
            "random": np.random.default_rng(0),
        },
        {
            "errors": [As("inputs", GRADIENTS[:4]), GRADIENTS[:, 0], spoiled(GRADIENTS, NAN), GRADIENTS.half(), None],
            "inputs": [IMAGES[:1], IMAGES[0], spoiled(IMAGES, INF), IMAGES.half(), None],
            "learning_rate": POSITIVE,
            "batch_size": [*COUNTS, 13],
            "epochs": COUNTS,
            "sampling": SAMPLINGS,
            "random": RANDOM,
        },
    ),
    "ladder.rotated_walk": Call(
        ladder.rotated_walk,
        {"walk": [SERIES], "random": np.random.default_rng(0)},
        {"walk": [None, 1, NUMBERS[0]], "random": RANDOM},
    ),
    "ladder.linear_sgd": Call(
        ladder.linear_sgd,
        {"walk": [SERIES], "curvatures": NUMBERS[:2], "directions": torch.eye(2), "learning_rate": 0.1},
        {
            "walk": [None, 1, NUMBERS[0]],
            "curvatures": [NUMBERS[:2, None], NUMBERS.numpy(), NUMBERS[:2].half(), NUMBERS[:2] * NAN, NUMBERS[:2] * 20],
            "directions": [torch.eye(3), torch.eye(2)[:1], torch.zeros(2, 2), torch.eye(2).half(), None],
            "learning_rate": POSITIVE,
        },
    ),
    "ladder.is_stable": Call(
        ladder.is_stable,
        {"curvatures": NUMBERS, "learning_rate": 0.1},
        {"curvatures": [NUMBERS[:, None], NUMBERS.numpy(), NUMBERS.half(), NUMBERS * NAN], "learning_rate": POSITIVE},
    ),
    "surrogates.stationary_variance": Call(
        surrogates.stationary_variance,
        {"curvatures": NUMBERS, "temperatures": NUMBERS, "learning_rate": 0.1},
        {
            "curvatures": [NUMBERS[:, None], NUMBERS.numpy(), NUMBERS.half(), As("temperatures", NUMBERS[:1])],
            "temperatures": [NUMBERS[:1], -NUMBERS, NUMBERS[:, None], None],
            "learning_rate": POSITIVE,
        },
    ),
    "surrogates.window_variance": Call(
        surrogates.window_variance,
        {
            "curvatures": NUMBERS,
            "temperatures": NUMBERS,
            "learning_rate": 0.1,
            "epoch_steps": 4,
            "epochs": 2,
            "sampling": "epoch",
            "earlier_epochs": 1,
            "detrending_order": 2,
        },
        {
            "curvatures": [NUMBERS[:, None], NUMBERS.numpy(), NUMBERS.half(), As("temperatures", NUMBERS[:1])],
            "temperatures": [NUMBERS[:1], -NUMBERS, NUMBERS[:, None], None],
            "learning_rate": POSITIVE,
            "epoch_steps": COUNTS,
            "epochs": COUNTS,
            "sampling": SAMPLINGS,
            "earlier_epochs": FROM_ZERO,
            "detrending_order": [*FROM_ZERO, 8],
        },
    ),
    "fluctuations.principal_components": Call(
        fluctuations.principal_components,
        {"trajectory": TRAJECTORY},
        {
            "trajectory": [
                TRAJECTORY[:1],
                TRAJECTORY[0],
                TRAJECTORY[:, :0],
                spoiled(TRAJECTORY, NAN),
                TRAJECTORY.half(),
                TRAJECTORY.long(),
                torch.ones(5, 8),
                TRAJECTORY.numpy(),
                None,
            ]
        },
    ),
    "fluctuations.WindowMoments": Call(
        fluctuations.WindowMoments, {"dimension": 8, "steps": 6}, {"dimension": COUNTS, "steps": [*COUNTS, 1]}
    ),
    "fluctuations.WindowMoments.add": Call(
        lambda weights: fluctuations.WindowMoments(8, 6).add(weights),
        {"weights": TRAJECTORY},
        {"weights": [*BAD_STEPS, torch.zeros(7, 8)]},
    ),
    "fluctuations.WindowMoments.principal_components": Call(
        window().principal_components, {"count": 2}, {"count": [0, -1, 1.5, True, "1"]}
    ),
    "fluctuations.WindowMoments.variance_along": Call(
        window().variance_along, {"directions": torch.eye(8)}, {"directions": BAD_VECTORS}
    ),
    "fluctuations.ProjectedSeries": Call(
        fluctuations.ProjectedSeries,
        {"directions": torch.eye(8), "origin": torch.zeros(8), "steps": 6},
        {"directions": BAD_VECTORS, "origin": [As("directions", torch.zeros(7)), torch.full((8,), NAN)], "steps": COUNTS},
    ),
    "fluctuations.ProjectedSeries.add": Call(
        lambda weights: series().add(weights), {"weights": TRAJECTORY}, {"weights": BAD_STEPS}
    ),
    "spectra.participation_ratio": Call(fluctuations.participation_ratio, {"variances": NUMBERS}, {"variances": BAD_VARIANCES}),
    "spectra.numbers_of_components": Call(
        spectra.numbers_of_components,
        {"variances": NUMBERS, "total": 10.0},
        {"variances": BAD_VARIANCES, "total": POSITIVE},
    ),
    "spectra.is_whole": Call(
        spectra.is_whole,
        {"variances": NUMBERS, "total": 10.0},
        {"variances": BAD_VARIANCES, "total": POSITIVE},
    ),
    "spectra.components_for_share": Call(
        fluctuations.components_for_share,
        {"variances": NUMBERS, "share": 0.5, "total": 10.0},
        {"variances": BAD_VARIANCES, "share": SHARES, "total": [value for value in POSITIVE if value is not None]},
    ),
    "detrending.polynomials": Call(
        detrending.polynomials, {"steps": 6, "order": 2}, {"steps": [*COUNTS, 2], "order": [*FROM_ZERO, As("steps", 6)]}
    ),
    "detrending.orders_within": Call(detrending.orders_within, {"steps": 6}, {"steps": [*COUNTS, 1]}),
    "detrending.without_polynomial": Call(
        detrending.without_polynomial,
        {"series": SERIES, "order": 1},
        {"series": [*BAD_SERIES, SERIES.to_sparse(), SERIES.to("meta")], "order": [*FROM_ZERO, As("series", len(SERIES))]},
    ),
    "correlation_times.without_drift": Call(fluctuations.without_drift, {"series": SERIES}, {"series": BAD_SERIES}),
    "correlation_times.relaxation_time": Call(
        fluctuations.relaxation_time, {"series": SERIES}, {"series": [*BAD_SERIES, SERIES[:2]]}
    ),
    "correlation_times.integrated_autocorrelation_time": Call(
        fluctuations.integrated_autocorrelation_time,
        {"series": SERIES, "window_factor": 5.0},
        {"series": BAD_SERIES, "window_factor": POSITIVE},
    ),
}
