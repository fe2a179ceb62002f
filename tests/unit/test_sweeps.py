"""Sweeps against small tables whose answers are known by hand."""

import math

import pandas as pd
import pytest
import torch

from sgdphysics import sweeps
from sgdphysics.networks import Mlp
from sgdphysics.training import Result, Run

COLUMNS = ["run", "sweep", "dose", "seed", "reference", "point", "target", "epoch", "size"]
LOSS, EPOCHS = "equal_loss", "equal_epochs"


def row(sweep, dose, seed, point, target, epoch, size, reference=False, run=None):
    named = run or ("reference" if reference else f"{sweep} {dose}")
    return dict(zip(COLUMNS, (f"{named} {seed}", sweep, dose, seed, reference, point, target, epoch, size), strict=True))


def table(*rows):
    empty = {"reference": bool, "target": float, "dose": float, "seed": int, "epoch": float, "size": float}
    return pd.DataFrame(rows, columns=COLUMNS) if rows else pd.DataFrame(columns=COLUMNS).astype(empty)


def network(value):
    return Mlp((torch.full((2, 3), float(value)),))


def result(losses, checkpoints=(), status="converged", steps_per_epoch=4):
    """A run of one weight matrix, all entries of which are the number of the step."""
    return Result(
        run=Run(),
        status=status,
        epochs=len(losses),
        steps=steps_per_epoch * len(losses),
        diverged_step=None,
        network=network(steps_per_epoch * len(losses)),
        checkpoints={step: network(step) for step in checkpoints},
        loss_history=list(losses),
        accuracy_history=[1.0] * len(losses),
    )


def summary(points):
    """Kind, target, epoch and the step of the weights."""
    return [(point.kind, point.target, point.epoch, float(point.network.weights[0][0, 0])) for point in points]


# Points


def test_points_are_the_first_networks_at_a_loss_and_those_after_an_epoch():
    run = result([0.9, 0.3, 0.4, 0.2, 0.05], checkpoints=[4, 8, 16])
    assert summary(sweeps.points_of(run, [0.3, 0.25, 0.1], [1, 4, 5])) == [
        (LOSS, 0.3, 2, 8),
        (LOSS, 0.25, 4, 16),
        (LOSS, 0.1, 5, 20),
        (EPOCHS, 1, 1, 4),
        (EPOCHS, 4, 4, 16),
        (EPOCHS, 5, 5, 20),
    ]


def test_points_that_a_run_did_not_reach_or_of_which_no_weights_were_kept_are_left_out():
    run = result([0.9, 0.3, 0.2], checkpoints=[0, 4])
    assert summary(sweeps.points_of(run, [0.3, 0.1], [1, 2, 3, 4])) == [(EPOCHS, 1, 1, 4), (EPOCHS, 3, 3, 12)]


def test_a_run_that_reached_nothing_has_no_point():
    assert summary(sweeps.points_of(result([2.3, 2.3], status="not_converged"), [0.1], [5])) == []


# Order of the doses


def test_doses_rise_in_the_order_of_what_they_do():
    assert sweeps.in_order("dropout", [0.3, 0.0, 0.1, 0.3]) == [0.0, 0.1, 0.3]
    assert sweeps.in_order("batch_size", [25, 400, 100, 25]) == [400, 100, 25]


# What decides


def test_the_lowest_loss_and_the_last_epoch_that_as_many_runs_reached_as_any_decide():
    rows = [row("dropout", dose, 0, LOSS, target, 9, 1.0) for dose in (0.0, 0.1) for target in (0.1, 0.03)]
    rows += [row("dropout", 0.0, 0, LOSS, 0.01, 9, 1.0)]  # only one of the two runs reached it
    rows += [row("dropout", dose, 0, EPOCHS, target, target, 1.0) for dose in (0.0, 0.1) for target in (5, 10)]
    rows += [row("dropout", 0.1, 0, EPOCHS, 20, 20, 1.0)]
    rows += [row("batch_size", 50, 0, LOSS, 0.01, 9, 1.0)]
    decided = sweeps.deciding_targets(table(*rows)).set_index(["sweep", "point"])["target"].to_dict()
    assert decided == {("dropout", LOSS): 0.03, ("dropout", EPOCHS): 10, ("batch_size", LOSS): 0.01}


def test_seeds_count_as_runs_and_a_run_counts_once():
    rows = [row("dropout", 0.1, seed, LOSS, 0.1, 9, 1.0) for seed in (0, 1)]
    rows += [row("dropout", 0.1, 0, LOSS, 0.03, 9, 1.0)] * 2  # such as layers of one network
    assert sweeps.deciding_targets(table(*rows))["target"].tolist() == [0.1]


def test_nothing_decides_in_an_empty_table():
    decided = sweeps.deciding_targets(table())
    assert decided.empty
    assert list(decided) == ["sweep", "point", "target"]


# The control


def with_reference(*further, seeds=(0,)):
    """Two sweeps that share the reference, which stops after 10 epochs, and its control, which goes on to 40."""
    rows = [row("control", 0.0, seed, EPOCHS, target, target, float(target)) for target in (10, 20, 40) for seed in seeds]
    rows += [row("control", 0.0, seed, LOSS, 0.1, 5, 5.0) for seed in seeds]
    for sweep, dose in (("dropout", 0.0), ("batch_size", 25)):
        rows += [row(sweep, dose, seed, EPOCHS, 10, 10, 10.0, reference=True) for seed in seeds]
        rows += [row(sweep, dose, seed, LOSS, 0.1, 5, 5.0, reference=True) for seed in seeds]
    return table(*rows, *further)


def test_the_reference_of_every_sweep_is_followed_at_equal_epochs_only():
    other = row("dropout", 0.1, 0, EPOCHS, 20, 20, 7.0)
    followed = sweeps.with_control(with_reference(other))
    assert set(followed["sweep"]) == {"dropout", "batch_size"}
    for sweep, dose in (("dropout", 0.0), ("batch_size", 25)):
        replaced = followed[(followed["sweep"] == sweep) & followed["reference"]]
        assert (replaced["dose"] == dose).all()
        assert replaced.loc[replaced["point"] == EPOCHS, ["target", "size"]].values.tolist() == [[10, 10], [20, 20], [40, 40]]
        assert replaced.loc[replaced["point"] == LOSS, ["target", "size", "run"]].values.tolist() == [[0.1, 5.0, "reference 0"]]
    others = followed[~followed["reference"]]
    assert others[COLUMNS].to_dict("records") == [other]


def test_sweeps_without_the_reference_are_left_as_they_are():
    rows = [row("label_noise", dose, 0, EPOCHS, 10, 10, 1.0) for dose in (0.0, 0.2)]
    followed = sweeps.with_control(with_reference(*rows))
    assert followed.loc[followed["sweep"] == "label_noise", "dose"].tolist() == [0.0, 0.2]


def test_an_empty_table_has_nothing_to_follow():
    assert sweeps.with_control(table()).empty


# Effects


def effects(points):
    return sweeps.effects(points, ["size"])


def one(changed, **where):
    """The only row with these values."""
    rows = changed[(changed[list(where)] == pd.Series(where)).all(axis=1)]
    assert len(rows) == 1, rows
    return rows.iloc[0]


def test_effects_are_differences_of_logarithms_against_the_weakest_dose_of_the_seed():
    sizes = {(400, 0): 1.0, (400, 1): 3.0, (100, 0): 2.0, (100, 1): 12.0, (25, 0): 5.0, (25, 1): 1.5}
    changed = effects(table(*(row("batch_size", dose, seed, LOSS, 0.1, dose, size) for (dose, seed), size in sizes.items())))
    assert list(changed) == [*sweeps.EFFECTS, "size"]
    assert len(changed) == 4
    for (dose, seed), ratio in {(100, 0): 2, (100, 1): 4, (25, 0): 5, (25, 1): 0.5}.items():
        change = one(changed, dose=dose, seed=seed)
        assert change["size"] == pytest.approx(math.log(ratio))
        assert change[["sweep", "weakest", "comparison", "target"]].tolist() == ["batch_size", 400, LOSS, 0.1]
        assert change[["epoch", "weakest_epoch"]].tolist() == [dose, 400]


def test_only_what_both_doses_reached_is_compared():
    rows = [row("dropout", 0.1, seed, LOSS, target, 5, 1.0) for seed in (0, 1, 2) for target in (0.1, 0.03)]
    rows += [row("dropout", 0.3, seed, LOSS, 0.1, 5, 2.0) for seed in (0, 1)]  # never came to 0.03
    rows += [row("dropout", 0.3, 3, LOSS, 0.03, 5, 2.0)]  # its seed is missing at the weakest dose
    changed = effects(table(*rows))
    assert changed[["seed", "target", "comparison"]].values.tolist() == [[0, 0.1, LOSS], [1, 0.1, LOSS]]


def test_the_target_that_decides_is_marked():
    rows = [row("batch_size", dose, 0, LOSS, target, 5, 1.0) for dose in (400, 100) for target in (0.1, 0.03)]
    rows += [row("batch_size", dose, 0, EPOCHS, target, target, 1.0) for dose in (400, 100) for target in (5, 10)]
    rows += [row("batch_size", 100, 1, LOSS, 0.1, 5, 1.0), row("batch_size", 400, 1, LOSS, 0.1, 5, 1.0)]
    changed = effects(table(*rows))
    # At the loss of 0.03 there are fewer runs, after 5 and 10 epochs as many.
    assert changed.set_index(["comparison", "target", "seed"])["deciding"].to_dict() == {
        (LOSS, 0.1, 0): True,
        (LOSS, 0.1, 1): True,
        (LOSS, 0.03, 0): False,
        (EPOCHS, 5, 0): False,
        (EPOCHS, 10, 0): True,
    }


def test_at_equal_epochs_the_reference_is_compared_as_its_control():
    changed = effects(with_reference(row("dropout", 0.1, 0, EPOCHS, 40, 40, 120.0), row("dropout", 0.1, 0, EPOCHS, 10, 10, 20.0)))
    late, early = (one(changed, sweep="dropout", comparison=EPOCHS, target=target) for target in (40, 10))
    assert late["size"] == pytest.approx(math.log(120 / 40))
    assert early["size"] == pytest.approx(math.log(20 / 10))
    assert (late["deciding"], early["deciding"]) == (True, False)


def test_as_many_epochs_compares_with_the_control_by_a_straight_line_in_ln_epoch():
    # The control: 5 at epoch 5, 10 at 10, 20 at 20, 100 at 40. Half way from 20 to 40 in ln epoch is 20 sqrt 2.
    rows = with_reference(row("dropout", 0.1, 0, LOSS, 0.1, 20 * math.sqrt(2), 60.0))
    rows.loc[(rows["sweep"] == "control") & (rows["target"] == 40), "size"] = 100.0
    changed = effects(rows)
    change = one(changed, sweep="dropout", comparison="as_many_epochs")
    assert change["size"] == pytest.approx(math.log(60) - (math.log(20) + math.log(100)) / 2)
    assert change[["target", "dose", "weakest", "deciding"]].tolist() == [0.1, 0.1, 0.0, True]
    assert change["epoch"] == change["weakest_epoch"] == pytest.approx(20 * math.sqrt(2))
    at_loss = one(changed, sweep="dropout", comparison=LOSS)
    assert at_loss["size"] == pytest.approx(math.log(60 / 5))
    assert at_loss["weakest_epoch"] == 5


def test_as_many_epochs_takes_the_control_of_the_same_seed_and_no_later_than_it_goes():
    rows = with_reference(*(row("dropout", 0.1, seed, LOSS, 0.1, 20, 60.0) for seed in (0, 1)), seeds=(0, 1))
    rows = pd.concat([rows, table(row("dropout", 0.3, 0, LOSS, 0.1, 41, 60.0), row("dropout", 0.3, 1, LOSS, 0.1, 4, 60.0))])
    rows.loc[(rows["sweep"] == "control") & (rows["seed"] == 1), "size"] *= 2
    changed = effects(rows.reset_index(drop=True))
    changed = changed[changed["comparison"] == "as_many_epochs"]
    assert changed[["dose", "seed"]].values.tolist() == [[0.1, 0], [0.1, 1]]
    assert changed["size"].tolist() == pytest.approx([math.log(60 / 20), math.log(60 / 40)])


def test_as_many_epochs_needs_a_control_of_the_seed():
    rows = with_reference(*(row("dropout", 0.1, seed, LOSS, 0.1, 20, 60.0) for seed in (0, 1)), seeds=(0, 1))
    changed = effects(rows[(rows["sweep"] != "control") | (rows["seed"] == 1)])
    assert changed.loc[changed["comparison"] == "as_many_epochs", "seed"].tolist() == [1]
    assert "as_many_epochs" not in set(effects(rows[rows["sweep"] != "control"])["comparison"])


def test_only_sweeps_whose_weakest_dose_is_the_reference_are_held_against_the_control():
    rows = with_reference(
        row("batch_size", 400, 0, LOSS, 0.1, 20, 60.0),
        row("dropout", 0.1, 0, LOSS, 0.1, 20, 60.0),
        *(row("label_noise", dose, 0, LOSS, 0.1, 20, 60.0) for dose in (0.0, 0.2)),
    )
    changed = effects(rows)
    assert set(changed.loc[changed["comparison"] == "as_many_epochs", "sweep"]) == {"dropout"}
    assert set(changed["sweep"]) == {"batch_size", "dropout", "label_noise"}


def test_one_dose_has_no_effect_and_leaves_other_sweeps_alone():
    alone = effects(with_reference())
    assert alone.empty
    assert list(alone) == [*sweeps.EFFECTS, "size"]
    beside = effects(with_reference(*(row("label_noise", dose, 0, LOSS, 0.1, 9, 1 + dose) for dose in (0.0, 0.2))))
    assert one(beside, sweep="label_noise")["size"] == pytest.approx(math.log(1.2))


def test_a_dose_that_reached_no_loss_is_still_compared_after_equal_epochs():
    changed = effects(with_reference(row("dropout", 0.3, 0, EPOCHS, 20, 20, 60.0)))
    assert changed[["comparison", "target"]].values.tolist() == [[EPOCHS, 20]]
    assert changed["size"].tolist() == pytest.approx([math.log(3)])


def test_runs_without_a_point_are_not_compared():
    nothing = None, math.nan, math.nan, math.nan
    rows = [row("label_noise", dose, 0, *nothing) for dose in (0.0, 0.2, 0.4)]
    assert effects(table(*rows)).empty
    some = [row("label_noise", dose, 0, LOSS, 0.1, 9, 1 + dose) for dose in (0.2, 0.4)]
    assert len(effects(table(*some))) == 1
    assert effects(table(*rows, *some)).empty  # the dose 0.0 is the weakest, and another does not take its place
    weakest = row("label_noise", 0.0, 0, LOSS, 0.1, 9, 1.0)
    assert effects(table(*rows, *some, weakest))["size"].tolist() == pytest.approx([math.log(1.2), math.log(1.4)])


def test_every_quantity_is_compared():
    rows = table(*(row("batch_size", dose, 0, LOSS, 0.1, 9, float(dose)) for dose in (400, 100)))
    changed = sweeps.effects(rows.assign(gap=rows["size"] ** 2), ["size", "gap"])
    assert changed[["size", "gap"]].values.tolist() == [pytest.approx([-math.log(4), -2 * math.log(4)])]


def test_an_empty_table_has_no_effects():
    changed = effects(table())
    assert changed.empty
    assert list(changed) == [*sweeps.EFFECTS, "size"]
