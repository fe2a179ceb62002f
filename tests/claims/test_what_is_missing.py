"""Lines without an edge, doses that a loss was not reached with, seeds that lack a setting: left out, and said."""

import numpy as np
import pandas as pd
import pytest

import planted
import planted_yang2023
from planted_tables import read_back
from sgdphysics.claims import missing, reasons, verdicts
from sgdphysics.intervals import KINDS, of_mean
from test_verdicts import decide


def with_edge_rows(change):
    """The planted tables with the table of runs up to the edge changed in place."""
    tables = planted.tables()
    change(tables["yang2023_fig4"])
    return tables


def lines_of(tables):
    values = verdicts.STATISTICS["octaves_from_any_setting_to_edge"](tables)
    return values.groupby("setting")["value"].first().to_dict()


def test_only_lines_up_to_an_edge_that_is_seen_count():
    assert lines_of(planted.tables()) == dict.fromkeys(planted_yang2023.EDGE_LINES, 3.5)
    tables = planted.tables()
    runs = tables["yang2023_fig4"]
    tables["yang2023_fig4"] = runs[(runs["status"] == "converged") | (runs["batch_size"] != 8)]  # that line ends at its edge
    assert list(lines_of(tables)) == ["batch size 16"]


@pytest.mark.parametrize("status", ["diverged", "dead", "not_converged"])
def test_one_seed_that_did_not_converge_moves_the_edge_whatever_lies_beyond(status):
    def lose(runs):
        one = (runs["noise_scale"] == 2**-8) & (runs["batch_size"] == 16) & (runs["seed"] == planted.SEEDS[3])
        assert one.sum() == 1
        runs.loc[one, "status"] = status

    tables = with_edge_rows(lose)
    assert lines_of(tables) == {"batch size 16": 2.0, "learning rate 0.25": 3.5}  # five settings are left, of eight


def test_without_any_line_the_claim_is_open_and_says_why():
    def lose(runs):
        runs.loc[runs["noise_scale"].between(2**-11, 2**-6), "status"] = "not_converged"  # two settings of each line are left

    row, tests = decide("edge_is_best", with_edge_rows(lose))
    assert (row["verdict"], row["n_seeds"]) == ("open", 0)
    assert set(tests["settings_held"]) == {0}
    assert "no line has an edge with 3 settings or more up to it: 4 of 17 settings converge with every seed" in row["open_because"]


def test_a_seed_without_a_test_error_up_to_the_edge_is_left_out():
    def lose(runs):
        runs.loc[(runs["noise_scale"] == 2**-9) & (runs["seed"] == planted.SEEDS[0]), "test_error"] = np.nan

    row, _ = decide("edge_is_best", with_edge_rows(lose))
    assert (row["verdict"], row["n_seeds"]) == ("holds", 5)


def without_points(tables, lost):
    """The planted tables after those runs, a mask of the table of points, diverged before they reached any point."""
    points = tables["feng2023_points"]
    columns = ["sweep", "dose", "seed", "reference", "run"]
    diverged = points.loc[lost, columns].drop_duplicates().assign(status="diverged", deciding=False)
    return tables | {"feng2023_points": read_back(pd.concat([points[~lost], diverged]))}


def test_a_setting_that_no_run_reached_is_one_of_those_asked():
    tables = planted.tables()
    points = tables["feng2023_points"]
    row, tests = decide("gap_decomposed", without_points(tables, (points["sweep"] == "batch_size") & (points["dose"] == 10)))
    first = tests.iloc[0]
    assert (first["outcome"], first["settings_held"], first["settings_failed"]) == ("held at some", first["settings"] - 1, 0)
    assert "batch size 10: 0 of 6 seeds have a value (6 diverged)" in first["open_because"]
    assert row["as_published"] == "at least partly"


def never_reaching(tables, sweep, dose, seeds):
    """The planted tables with runs of a dose that stayed above the losses compared, and so in no effect."""
    points, effects = tables["feng2023_points"], tables["feng2023_effects"]
    of_points, of_effects = (
        (rows["sweep"] == sweep) & (rows["dose"] == dose) & rows["seed"].isin(seeds) for rows in (points, effects)
    )
    tired = points.loc[of_points, ["sweep", "dose", "seed", "reference", "run"]].drop_duplicates()
    tired = tired.assign(status="not_converged", deciding=False, trained_epochs=600, lowest_loss=0.0071)
    reached = read_back(pd.concat([points[~of_points], tired]))
    return tables | {"feng2023_points": reached, "feng2023_effects": effects[~of_effects]}


@pytest.mark.parametrize("lost", [6, 2, 1])
def test_a_dose_that_stays_above_the_losses_compared_is_told_with_its_reason(lost):
    tables = planted.tables()
    points = tables["feng2023_points"]
    doses = points.loc[points["sweep"] == "learning_rate", "dose"]
    row, tests = decide("noise_flattens", never_reaching(tables, "learning_rate", doses.max(), planted.SEEDS[:lost]))
    if lost == 1:
        assert (row["verdict"], row["open_because"]) == ("holds", "")
        return
    assert row["as_published"] == "at least partly"  # the other sweep holds
    assert set(tests.loc[tests["asks"] == "as_published", "outcome"]) == {"held at some"}
    assert f"learning rate {doses.max():g} against {doses.min():g}: {6 - lost} of 6 seeds have a value" in row["open_because"]
    assert "did not reach a loss of 0.001 in 600 epochs; lowest common loss 0.0071), 5 are needed" in row["open_because"]


@pytest.mark.parametrize("point", ["equal_loss", "equal_epochs"])
def test_what_a_run_lacks_is_told_by_the_point_compared(point):
    points = planted.tables()["feng2023_points"]
    of_sweep = points[points["sweep"] == "dropout"]
    strongest = of_sweep["dose"].max()
    lost = (of_sweep["point"] == point) & (of_sweep["dose"] == strongest)
    told = missing.of_sweeps(of_sweep[~lost], point).set_index("dose")["missing"]
    words = "did not reach a loss of 0.001" if point == "equal_loss" else "stopped before epoch 120"
    assert told[strongest].str.startswith(words).all()
    assert told.drop(strongest).eq("").all()
    nowhere = missing.of_sweeps(of_sweep.assign(deciding=False), point)["missing"]
    assert not nowhere.str.contains("nan").any()
    assert nowhere.str.contains("compared").all()


def test_a_seed_without_one_of_the_settings_has_no_number_over_settings():
    tables = planted.tables()
    lost, lost_gauges = (
        (rows["sweep"] == "batch_size") & (rows["dose"] == 10) & (rows["seed"] == planted.SEEDS[0])
        for rows in (tables["feng2023_points"], tables["feng2023_gauges"])
    )
    assert lost_gauges.any()
    tables["feng2023_gauges"] = tables["feng2023_gauges"][~lost_gauges]
    row, tests = decide("spread_is_size", without_points(tables, lost))
    assert tests["n_seeds"].iloc[:2].tolist() == [5, 5]
    assert row["verdict"] == "holds"


def test_tables_of_a_study_that_was_published_before_are_read_by_the_names_of_then():
    tables = planted.tables()
    exponents = tables["feng2021_fig2_exponents"]
    assert "frozen_noise" in set(exponents["kind"])
    named = exponents.assign(kind=exponents["kind"].replace({"frozen_noise": "noise_without_landscape"}))
    earlier = decide("inverse_variance_flatness", {**tables, "feng2021_fig2_exponents": named})
    for found, expected in zip(earlier, decide("inverse_variance_flatness", tables), strict=True):
        assert found.equals(expected)


def test_an_interval_that_crosses_a_margin_names_it():
    rows = pd.DataFrame({"seed": range(5), "value": [2.9, 3.1, 3.0, 3.05, 2.95]})
    there = pd.Series(True, index=rows.index)
    region = {"between": [3, 5]}
    assert reasons.of_setting(rows, there, of_mean(rows["value"]), region, KINDS["mean"]) == "3 [2.9, 3.1] crosses 3"
    assert reasons.of_setting(rows, there, of_mean([1, 7, 4, 2, 6]), region, KINDS["mean"]).endswith("crosses 3 and 5")
