import pytest

from sgdphysics import arrays, windows
from sgdphysics.ranks import last_rank, log_spaced_ranks, selected_ranks


def test_ranks_are_distinct_and_reach_both_ends():
    assert log_spaced_ranks(1, 5) == [1]
    ranks = log_spaced_ranks(199, 40)
    assert ranks[0] == 1
    assert ranks[-1] == 199
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize(("steps", "rank"), [(2, 1), (9, 2), (801, 200), (4001, 1000), (12_000, 1000)])
def test_the_last_rank_is_a_quarter_of_the_variances_that_are_not_zero_up_to_a_thousand(steps, rank):
    assert last_rank(steps) == rank


def test_further_ranks_are_selected_where_there_are_as_many_components():
    assert selected_ranks(41, 100, 3, (2, 40, 41)) == [1, 2, 3, 10, 40]
    assert selected_ranks(41, 30, 3, (2, 30, 31)) == [1, 2, 3, 10, 30]


def test_they_are_still_where_they_were_public_before():
    assert arrays.log_spaced_ranks is log_spaced_ranks
    assert (windows.last_rank, windows.selected_ranks) == (last_rank, selected_ranks)
