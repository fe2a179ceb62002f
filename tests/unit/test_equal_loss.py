"""At which training loss settings are compared."""

import numpy as np
import pandas as pd
import pytest

from sgdphysics.equal_loss import at_lowest_common_loss, interpolated


def table(*rows):
    """Rows of learning rate, seed, loss and value; all converged, of one batch size."""
    columns = ["learning_rate", "seed", "target_loss", "value"]
    return pd.DataFrame(rows, columns=columns).assign(batch_size=50, status="converged", quantity="test_loss")


def test_the_loss_is_the_lowest_that_every_setting_reached():
    rows = table((0.1, 1, 0.01, 5.0), (0.1, 1, 0.003, 4.0), (0.1, 1, 0.001, 3.0), (0.2, 1, 0.01, 2.0), (0.2, 1, 0.003, 1.0))
    chosen = at_lowest_common_loss(rows)
    assert chosen["value"].tolist() == [4.0, 1.0]
    assert list(chosen) == list(rows)


def test_a_value_that_is_not_known_reaches_no_loss():
    rows = table((0.1, 1, 0.01, 5.0), (0.2, 1, 0.01, 2.0), (0.1, 1, 0.003, 4.0), (0.2, 1, 0.003, np.nan))
    assert at_lowest_common_loss(rows)["target_loss"].unique().tolist() == [0.01]


def test_settings_count_and_not_seeds():
    rows = table((0.1, 1, 0.01, 5.0), (0.2, 1, 0.01, 2.0), (0.1, 1, 0.003, 4.0), (0.1, 2, 0.003, 4.0), (0.1, 3, 0.003, 4.0))
    assert at_lowest_common_loss(rows)["target_loss"].unique().tolist() == [0.01]


def test_runs_that_did_not_converge_are_left_out():
    rows = table((0.1, 1, 0.01, 5.0), (0.2, 1, 0.01, 2.0), (0.1, 1, 0.003, 4.0), (0.2, 1, 0.003, 1.0))
    rows.loc[3, "status"] = "not_converged"
    assert at_lowest_common_loss(rows)["value"].tolist() == [5.0, 2.0]


@pytest.mark.parametrize("change", [{}, {"value": np.nan}, {"status": "diverged"}])
def test_without_a_value_there_are_no_rows(change):
    rows = table((0.1, 1, 0.01, 5.0)).assign(**change)
    assert at_lowest_common_loss(rows if change else rows.iloc[:0]).empty


def test_quantities_at_losses_lie_between_checkpoints_on_a_line_in_the_logarithm():
    checkpoints = pd.DataFrame({"training_loss": [1e-1, 1e-3, 1e-2], "test_error": [0.3, 0.1, 0.0], "other": [1.0, 100.0, 10.0]})
    found = interpolated(checkpoints, ["test_error", "other"], [1e-1, 10**-1.5, 3e-3, 1e-4, 0.2])
    errors = found[found["quantity"] == "test_error"]
    assert errors["target"].tolist() == [1e-1, 10**-1.5, 3e-3]  # the others were not reached, or passed before the first
    assert errors["value"].to_numpy() == pytest.approx([0.3, 0.15, 0.1 * (1 - np.log10(3))])
    assert found.loc[found["quantity"] == "other", "value"].to_numpy() == pytest.approx([1, 10**0.5, 100 / 3])
    assert not len(interpolated(checkpoints, ["other"], [5.0]))
    lost = pd.concat([checkpoints, pd.DataFrame({"training_loss": [0.0, np.nan, np.inf], "test_error": 9.0, "other": 9.0})])
    pd.testing.assert_frame_equal(interpolated(lost, ["other"], [3e-3, 1e-5]), interpolated(checkpoints, ["other"], [3e-3]))
