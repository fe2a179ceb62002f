"""Protocols against stored trajectories of a small run, and the stop against a run that is trained by the published rule."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from cases import small_data
from sgdphysics import fits, fluctuations, landscape, seeds, surrogates, training
from sgdphysics.curvature import layer_gradients
from sgdphysics.published_protocol import PUBLISHED, WITH_NOISE, MeasuredRun, Protocol, ProtocolSettings, protocols
from sgdphysics.ranks import fitted_ranks, published_ranks
from sgdphysics.runs import log_spaced_steps

IMAGES, LABELS = small_data(n=40, pixels=8, dtype=torch.float32)
RUN = training.Run(hidden_widths=(6, 5), batch_size=4, learning_rate=0.2, max_epochs=400, stop_loss=0.02, stop_accuracy=0.9, seed=3)
SETTINGS = ProtocolSettings(layer=1, epochs=12, directions=8, factor=2.0)
OURS = Protocol("batches", "after_stop", "window_mean", "log_spaced")
STEPS = 10  # of an epoch


@pytest.fixture(scope="module")
def result():
    (result,) = training.train([RUN], IMAGES, LABELS, checkpoint_steps=log_spaced_steps(5, STEPS, 400))
    assert result.status == "converged"
    return result


@pytest.fixture(scope="module")
def path(result):
    """Networks after every step from the start of training on, well past the stop."""
    networks = [result.checkpoints[0]]

    def observe(weights):
        networks.append(
            networks[0].replaced(1, weights[1][0].clone()).replaced(0, weights[0][0].clone()).replaced(2, weights[2][0].clone())
        )

    epochs = result.epochs + 30
    training.continue_training([RUN], networks[:1], [0], IMAGES, LABELS, epochs=epochs, observer=observe)
    return networks


def test_one_part_is_changed_at_a_time():
    chosen = protocols(OURS)
    assert list(chosen) == ["ours", "stop", "window", "centre", "ranks", "published"]
    changed = {
        name: [part for part, value in dataclasses.asdict(protocol).items() if value != getattr(OURS, part)]
        for name, protocol in chosen.items()
    }
    assert changed == {
        **{"ours": [], "stop": ["stop"], "window": ["position"], "centre": ["centre"], "ranks": ["fitted"]},
        "published": ["stop", "position", "centre", "fitted"],
    }


def test_published_ranks_are_every_tenth_without_the_first():
    assert published_ranks(1000) == [index + 1 for index in range(0, 991, 10)][1:]
    assert len(published_ranks(1000)) == 99
    assert published_ranks(35) == [11, 21, 31]
    assert published_ranks(10) == []


def test_the_published_stop_is_that_of_a_run_trained_by_it(result):
    (by_training_set,) = training.train([dataclasses.replace(RUN, stop_on="training_set")], IMAGES, LABELS)
    assert by_training_set.status == "converged"
    assert by_training_set.epochs != result.epochs
    measured = MeasuredRun(result, IMAGES, LABELS, SETTINGS)
    assert measured.stop_epoch() == by_training_set.epochs
    assert measured.training_loss(by_training_set.network) == pytest.approx(by_training_set.loss_history[-1], rel=1e-6)


@pytest.mark.parametrize("name", list(protocols(OURS)))
def test_exponents_are_those_of_the_stored_trajectory(result, path, name):
    protocol = protocols(OURS)[name]
    measured = MeasuredRun(result, IMAGES, LABELS, SETTINGS)
    rows = measured.rows({name: protocol}).set_index("source")
    stop = measured.stop_epoch() if protocol.stop == "training_set" else result.epochs
    assert (rows["stop_epoch"] == stop).all()
    if protocol.position == "before_stop":
        chosen = path[(stop - 12) * STEPS + 2 : stop * STEPS + 1]
    else:
        chosen = path[stop * STEPS + 1 : (stop + 12) * STEPS + 1]
    weights = torch.stack([network.weights[1].flatten().double() for network in chosen])
    assert (rows["window_steps"] == len(weights)).all()
    centre = chosen[-1]
    if protocol.centre == "window_mean":
        centre = centre.replaced(1, weights.mean(0).view_as(centre.weights[1]).float())
    factors = layer_gradients(centre, IMAGES, LABELS, 1)
    random = seeds.generator(3, "surrogate", 12, stop)
    noise = torch.cat(list(surrogates.gradient_noise_walk(*factors, 0.2, 4, 12, "epoch", random)))[-len(weights) :]
    for source, steps in {"sgd": weights, "frozen_noise": noise}.items():
        ranks = published_ranks(12) if protocol.fitted == "every_tenth" else fitted_ranks(len(weights), 30, 8)
        variances, directions = fluctuations.principal_components(steps)
        chosen_ranks = torch.tensor(ranks) - 1
        widths = landscape.flatness(centre.double(), IMAGES, LABELS, 1, directions[chosen_ranks], 2.0)
        fit = fits.power_law(widths.numpy(), variances[chosen_ranks].numpy())
        row = rows.loc[source]
        assert (row["points"], row["last_rank"]) == (fit.n, ranks[-1])
        np.testing.assert_allclose(row[["exponent", "r"]].astype(float), [-fit.exponent, fit.r], rtol=1e-3)


def test_noise_is_measured_only_where_it_is_asked_for(result):
    measured = MeasuredRun(result, IMAGES, LABELS, SETTINGS)
    rows = measured.rows(protocols(OURS), WITH_NOISE)
    assert set(rows.loc[rows["source"] == "frozen_noise", "protocol"]) == set(WITH_NOISE)
    assert list(rows.loc[rows["source"] == "sgd", "protocol"].sort_values()) == sorted(protocols(OURS))
    both = measured.rows(protocols(OURS))
    keys = ["protocol", "source"]
    pd.testing.assert_frame_equal(rows, rows[keys].merge(both, on=keys))


def test_what_cannot_be_measured_has_no_row(result):
    long = dataclasses.replace(SETTINGS, epochs=result.epochs + 1)
    assert len(MeasuredRun(result, IMAGES, LABELS, long).rows({"window": dataclasses.replace(OURS, position="before_stop")})) == 0
    unmet = dataclasses.replace(result, run=dataclasses.replace(RUN, stop_loss=1e-9))
    measured = MeasuredRun(unmet, IMAGES, LABELS, SETTINGS)
    assert measured.stop_epoch() is None
    rows = measured.rows(protocols(OURS))
    assert sorted(set(rows["protocol"])) == ["centre", "ours", "ranks", "window"]
    assert PUBLISHED in protocols(OURS).values()


def test_a_window_before_the_stop_may_lack_an_epoch_of_one_step():
    run = dataclasses.replace(RUN, batch_size=len(IMAGES), sampling="replacement", max_epochs=20)
    (result,) = training.train([run], IMAGES, LABELS, checkpoint_steps=log_spaced_steps(5, 1, 20))
    protocol = dataclasses.replace(OURS, position="before_stop")
    rows = MeasuredRun(result, IMAGES, LABELS, SETTINGS).rows({"window": protocol})
    assert rows["source"].tolist() == ["sgd", "frozen_noise"]
    assert (rows["window_steps"] == SETTINGS.epochs - 1).all()
    assert (rows["points"] > 0).all()
