"""Windows of several lengths of one trajectory, against the same steps taken and projected by hand."""

import dataclasses

import numpy as np
import pytest
import torch

from cases import small_data
from sgdphysics import noise, training
from sgdphysics.curvature import largest_curvatures, layer_hessian
from sgdphysics.nested_windows import follow
from sgdphysics.runs import Run
from sgdphysics.surrogates import window_variance
from sgdphysics.window_results import Window

IMAGES, LABELS = small_data(n=30, dtype=torch.float32)
RUN = Run(hidden_widths=(6, 5), batch_size=5, max_epochs=20, stop_loss=1e-9, learning_rate=0.2, seed=4)
RANKS = [1, 2, 5]
LAYER = 1


@pytest.fixture(scope="module")
def trained():
    """A network, the epochs trained, and a window with the Hessian's directions there."""
    (result,) = training.train([RUN], IMAGES, LABELS)
    network = result.network.double()
    values, directions = largest_curvatures(network, IMAGES.double(), LABELS, LAYER, RANKS[-1])
    chosen = torch.tensor(RANKS) - 1
    drift = torch.zeros(directions.shape[1])
    window = Window(LAYER, 2, result.epochs, result.network, drift, RANKS, values[chosen], directions[chosen])
    return result.network, result.epochs, window


def path_of(run, network, epoch, epochs):
    """Weights of the layer after each step, float64 (steps, d), and the networks after each epoch."""
    seen, networks = [], [network]
    for later in range(epochs):
        networks += training.continue_training(
            [run],
            networks[-1:],
            [epoch + later],
            IMAGES,
            LABELS,
            epochs=1,
            observer=lambda weights: seen.append(weights[LAYER][0].double().flatten().clone()),
        )
    return torch.stack(seen), networks


@pytest.mark.parametrize("sampling", ["epoch", "replacement"])
@pytest.mark.parametrize("trained_layers", [None, (LAYER,)])
def test_variances_are_those_of_the_steps_by_hand(trained, sampling, trained_layers):
    network, epoch, window = trained
    run = dataclasses.replace(RUN, sampling=sampling, trained_layers=trained_layers)
    # In company, which changes nothing.
    others = [dataclasses.replace(run, seed=9), run]
    (_, trajectory) = follow(others, [(network, epoch)] * 2, [window] * 2, IMAGES, LABELS, [4, 2])
    weights, networks = path_of(run, network, epoch, 4)
    if trained_layers:
        assert all(torch.equal(place.weights[0], network.weights[0]) for place in networks)
    for epochs in (2, 4):
        rows = trajectory.rows(epochs, RANKS)
        assert rows["rank"].tolist() == RANKS * 2
        projections = (weights[: 6 * epochs] @ window.hessian_directions.T).numpy()
        times = np.arange(len(projections))
        for order in (0, 1):
            fitted = np.polynomial.polynomial.polyfit(times, projections, order)
            residuals = projections - np.polynomial.polynomial.polyval(times, fitted).T
            expected = (residuals**2).sum(0) / (len(times) - 1)
            found = rows.loc[rows["detrending"] == order, "variance"].to_numpy()
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-18)


def test_temperature_and_curvature_are_means_over_the_window_and_decide_the_theory(trained):
    network, epoch, window = trained
    (trajectory,) = follow([RUN], [(network, epoch)], [window], IMAGES, LABELS, [1, 4])
    _, networks = path_of(RUN, network, epoch, 4)
    temperatures, curvatures = [], []
    for place in (networks[0], networks[1], networks[4]):
        directions = window.hessian_directions
        hessian = layer_hessian(place, IMAGES.double(), LABELS, LAYER)
        curvatures.append(((directions @ hessian) * directions).sum(1).numpy())
        gradients = noise.projected_gradients(place, IMAGES.double(), LABELS, LAYER, directions)
        temperatures.append(noise.temperature(gradients, RUN.learning_rate, RUN.batch_size).numpy())
    rows = trajectory.rows(4, RANKS)
    weights = np.array([0.5, 2.0, 1.5]) / 4  # trapezoids of lengths 1 and 3
    expected = {"temperature": weights @ temperatures, "curvature": weights @ curvatures}
    for order in (0, 1):
        part = rows[rows["detrending"] == order]
        for name, values in expected.items():
            np.testing.assert_allclose(part[name].to_numpy(), values, rtol=1e-6)
        theory = window_variance(
            torch.tensor(expected["curvature"]).clamp(min=0),
            torch.tensor(expected["temperature"]),
            learning_rate=RUN.learning_rate,
            epoch_steps=6,
            epochs=4,
            sampling="epoch",
            earlier_epochs=epoch,
            detrending_order=order,
        )
        np.testing.assert_allclose(part["theory_variance"].to_numpy(), theory.numpy(), rtol=1e-5)
    assert len(trajectory.rows(1, RANKS)) == 2 * len(RANKS)


def test_a_run_that_does_not_stay_finite_has_no_trajectory(trained):
    network, epoch, window = trained
    wild = dataclasses.replace(RUN, learning_rate=1e25)
    found = follow([wild, RUN], [(network, epoch)] * 2, [window] * 2, IMAGES, LABELS, [2])
    assert found[0] is None
    assert found[1] is not None
