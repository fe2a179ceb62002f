"""What became of a run is told by the rule by which training goes on beyond its budget."""

import dataclasses

import pytest
import torch

from cases import small_data
from sgdphysics import edge_measurements, training

RUN = training.Run(hidden_widths=(5, 4), batch_size=8, max_epochs=3, stop_loss=1e-9, seed=3)
IMAGES, LABELS = small_data(dtype=torch.float32)
(RESULT,) = training.train([RUN], IMAGES, LABELS, checkpoint_steps=[0, 2, 5, 10, 15])


@pytest.mark.parametrize(
    ("status", "history", "outcome"),
    [
        ("converged", [1.0], "converged"),
        ("dead", [1.0], "dead"),
        ("diverged", [1.0], "not_finite"),
        ("not_converged", [1.0], "no_longer_falling"),
        ("not_converged", [8.0, 4.0, 2.0, 1.0], "still_falling"),
        ("not_converged", [8.0, 4.0, 1.0, 0.91], "no_longer_falling"),
        ("not_converged", [1.0, 2.0, 3.0, 4.0], "no_longer_falling"),
    ],
)
def test_outcomes_are_those_of_status_and_loss(status, history, outcome):
    result = dataclasses.replace(RESULT, status=status, loss_history=history, epochs=len(history))
    assert edge_measurements.outcome(result) == outcome


def test_epochs_are_those_of_checkpoints_at_the_end_of_one_and_the_last():
    epochs = edge_measurements.measured_epochs
    assert list(epochs(RESULT, followed=False)) == [3]
    assert list(epochs(RESULT, followed=True)) == [1, 2, 3]
    assert list(epochs(dataclasses.replace(RESULT, status="dead"), followed=True)) == [1, 2]
    assert list(epochs(dataclasses.replace(RESULT, status="diverged"), followed=False)) == []
