import numpy as np
import pandas as pd
import pytest

from sgdphysics import convergence_edge

SEEDS = (1, 2)


def runs_of(outcomes):
    """One row per seed of each setting, given as (learning rate, batch size): one letter per seed, "c" for converged."""
    rows = [
        {"learning_rate": rate, "batch_size": size, "seed": seed, "status": "converged" if letter == "c" else "dead"}
        for (rate, size), letters in outcomes.items()
        for seed, letter in zip(SEEDS, letters, strict=True)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def test_the_edge_is_the_last_setting_before_the_first_that_a_seed_fails():
    line = {(0.1, 8): "cc", (0.2, 8): "cc", (0.4, 8): "cc", (0.8, 8): "cx", (1.6, 8): "cc", (3.2, 8): "xx"}
    (row,) = convergence_edge.edges(runs_of(line)).to_dict("records")
    assert (row["line"], row["kind"], row["value"], row["points"]) == ("batch size 8", "batch_size", 8, 3)
    assert (row["edge_learning_rate"], row["edge_batch_size"]) == (0.4, 8)
    assert (row["beyond_learning_rate"], row["beyond_batch_size"]) == (0.8, 8)


def test_a_line_of_one_learning_rate_runs_to_small_batches():
    line = {(0.5, 64): "cc", (0.5, 32): "cc", (0.5, 16): "cc", (0.5, 8): "xc"}
    (row,) = convergence_edge.edges(runs_of(line)).to_dict("records")
    assert (row["line"], row["edge_batch_size"], row["beyond_batch_size"], row["points"]) == ("learning rate 0.5", 16, 8, 3)
    followed = convergence_edge.runs_up_to_the_edge(runs_of(line))
    assert followed.groupby("batch_size")["octaves_to_edge"].first().to_dict() == {16: 0, 32: 1, 64: 2}
    assert followed.groupby("batch_size")["noise_scale"].first().to_dict() == {16: 0.5 / 16, 32: 0.5 / 32, 64: 0.5 / 64}
    assert len(followed) == 3 * len(SEEDS)


@pytest.mark.parametrize("letters", ["cccc", "xxxx", "xccc"])
def test_a_line_without_an_edge_has_no_row(letters):
    line = {(rate, 8): 2 * letter for rate, letter in zip((0.1, 0.2, 0.4, 0.8), letters, strict=True)}
    assert convergence_edge.edges(runs_of(line)).empty
    assert convergence_edge.runs_up_to_the_edge(runs_of(line)).empty


def test_two_settings_up_to_the_edge_are_too_few():
    line = {(0.1, 8): "cc", (0.2, 8): "cc", (0.4, 8): "xx"}
    assert convergence_edge.edges(runs_of(line))["points"].tolist() == [2]
    empty = convergence_edge.runs_up_to_the_edge(runs_of(line))
    assert empty.empty
    assert {"line", "noise_scale", "octaves_to_edge", "seed"} <= set(empty.columns)


def test_a_run_stands_on_both_of_its_lines():
    grid = {(rate, size): "cc" if rate / size < 0.016 else "xx" for rate in (0.1, 0.2, 0.4, 0.8) for size in (8, 16, 32, 64)}
    followed = convergence_edge.runs_up_to_the_edge(runs_of(grid))
    lines = followed[(followed["learning_rate"] == 0.2) & (followed["batch_size"] == 32)]["line"]
    assert sorted(set(lines)) == ["batch size 32", "learning rate 0.2"]
    assert (followed["octaves_to_edge"] >= 0).all()
    assert (followed.groupby("line")["octaves_to_edge"].min() == 0).all()


def test_the_lowest_of_several_that_tie_is_in_between_and_a_missing_value_leaves_none():
    octaves = pd.Series([3.0, 2.0, 1.0, 0.0])
    assert convergence_edge.lowest(pd.Series([4.0, 1.0, 2.0, 3.0]), octaves) == 2
    assert convergence_edge.lowest(pd.Series([4.0, 1.0, 1.0, 3.0]), octaves) == 1.5
    assert np.isnan(convergence_edge.lowest(pd.Series([4.0, 1.0, np.nan, 3.0]), octaves))
