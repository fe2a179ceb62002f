from pathlib import Path

import pytest
import yaml

from sgdphysics import arrays, windows
from sgdphysics.ranks import last_rank, log_spaced_ranks, selected_ranks
from sgdphysics.study import grids, inheritance, plans, sizes, studies, window_plans

CONFIG = Path(__file__).parents[2] / "config"


def test_ranks_are_distinct_and_reach_both_ends():
    assert log_spaced_ranks(1, 5) == [1]
    ranks = log_spaced_ranks(199, 40)
    assert ranks[0] == 1
    assert ranks[-1] == 199
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize(("steps", "rank"), [(2, 1), (9, 2), (801, 200), (4001, 1000), (12_000, 1000)])
def test_the_last_rank_is_a_quarter_of_the_steps_up_to_a_thousand(steps, rank):
    assert last_rank(steps, 2500) == rank


@pytest.mark.parametrize(("weights", "rank"), [(1, 1), (4, 1), (100, 40), (900, 360), (2500, 1000), (10_000, 1000)])
def test_and_at_most_two_fifths_of_the_weights(weights, rank):
    assert last_rank(12_000, weights) == rank


@pytest.mark.parametrize("steps", [2, 3, 5, 100, 12_000])
@pytest.mark.parametrize("weights", [1, 2, 9, 100, 7000])
def test_every_selected_rank_exists(steps, weights):
    ranks = selected_ranks(steps, weights, 48, (1, 2, 50, 2000))
    assert ranks[0] >= 1
    assert ranks[-1] <= min(steps - 1, weights)
    assert ranks[-1] <= 1000 or weights < 5000  # beyond, the Hessian's directions would have to be found one by one


def test_further_ranks_are_selected_where_there_are_as_many_components():
    assert selected_ranks(41, 100, 3, (2, 40, 41)) == [1, 2, 3, 10, 40]
    assert selected_ranks(41, 30, 3, (2, 30, 31)) == [1, 2, 3, 10, 30]


@pytest.mark.parametrize("file", ["config", "smoke", "digits", "mnist", "sweep"])
def test_in_studies_that_came_with_the_code_the_weights_decide_no_rank(file):
    """There the last rank is as it was before the weights were looked at: these ranks are in published tables."""
    settings = yaml.safe_load((CONFIG / "config.yaml").read_text())
    if file != "config":
        settings = inheritance.merged(settings, yaml.safe_load((CONFIG / f"{file}.yaml").read_text()))
    entries = yaml.safe_load((CONFIG / "datasets.yaml").read_text())["datasets"]
    for study in inheritance.resolved(settings)["studies"].values():
        section, entry = study["feng2021"], entries[study["dataset"]]
        weights, reference = plans.studied_weights(section, entry), studies.reference_runs(study)
        for run in studies.runs_of(study, "feng2021"):
            at_reference = grids.run_id(run, study["dataset"]) in reference
            for plan in window_plans.plans_of_run(section, run, sizes.training_images(run, entry), reference=at_reference):
                steps = plan.settings.epochs * sizes.epoch_steps(run, entry)
                assert last_rank(steps, weights) == max(1, min(1000, (steps - 1) // 4))


def test_they_are_still_where_they_were_public_before():
    assert arrays.log_spaced_ranks is log_spaced_ranks
    assert (windows.last_rank, windows.selected_ranks) == (last_rank, selected_ranks)
