"""Parts of the gap and common factors against planted spectra, whose answers are known by hand."""

import numpy as np
import pandas as pd
import pytest

from sgdphysics import published_sweeps
from sgdphysics.errors import InputError

RANKS = (1, 2, 4, 8, 10, 16, 18)  # the last one is of the last tenth, and not compared
CHOSEN = RANKS[:-1]


def spectra(weight_std, sweep="squared_penalty", doses=(0.0, 0.1), seeds=range(3)):
    """One row per dose, seed and rank; sigma_w a function of the three."""
    rows = [
        {"sweep": sweep, "dose": dose, "seed": seed, "rank": rank, "weight_std": weight_std(dose, seed, rank)}
        for dose in doses
        for seed in seeds
        for rank in RANKS
    ]
    return pd.DataFrame(rows).assign(point="equal_loss", target=0.1, deciding=True)


def by_seed(table, column):
    return table.sort_values("seed")[column].tolist()


def test_the_parts_add_up_to_the_gap_and_the_first_is_that_of_ten_directions():
    points = pd.DataFrame({"run": ["a", "b"], "point": "equal_loss", "target": 0.1, "gap": [3.0, 1.0], "sweep": "dropout"})
    rows = pd.DataFrame(
        {"run": "a", "point": "equal_loss", "target": 0.1, "rank": RANKS, "summed_gap": [0.1, 0.2, 1, 1.5, 2, 2.9, 3]}
    )
    small = pd.DataFrame({"run": "b", "point": "equal_loss", "target": 0.1, "rank": [1, 4], "summed_gap": [2.0, 1.0]})
    given = pd.concat([rows, small]).assign(summed_gap_of_shuffled_losses=lambda table: table["rank"] / 10)
    split = published_sweeps.split_gaps(points, given.sample(frac=1, random_state=0)).set_index("run")
    assert split["steepest"].to_dict() == {"a": 10, "b": 4}
    assert split["delta_loss_sharp"].to_dict() == {"a": 2, "b": 1}
    assert split["delta_loss_flat"].to_dict() == {"a": 1, "b": 0}
    assert split["delta_loss_sharp_of_shuffled_losses"].to_dict() == {"a": 1, "b": 0.4}
    assert (split["sweep"] == "dropout").all()


def test_ratios_are_those_to_the_weakest_dose_of_the_seed_and_of_the_weakest_dose_to_the_next_seed():
    given = spectra(lambda dose, seed, rank: (1 + seed) * (1 + dose) / rank, seeds=[3, 5, 9])
    table = published_sweeps.with_ratios(given.sample(frac=1, random_state=0)).set_index(["dose", "seed"]).sort_index()
    assert len(table) == len(given)
    assert table.loc[table["rank"] == 18, ["weight_ratio", "weight_ratio_between_seeds"]].isna().all(axis=None)
    table = table[table["rank"] < 18]
    for seed, following in ((3, 5), (5, 9), (9, 3)):
        assert table.loc[(0.1, seed), "weight_ratio"].tolist() == pytest.approx([1.1] * 6)
        assert table.loc[(0.0, seed), "weight_ratio"].tolist() == pytest.approx([1] * 6)
        expected = (1 + seed) / (1 + following)
        assert table.loc[(0.0, seed), "weight_ratio_between_seeds"].tolist() == pytest.approx([expected] * 6)
        assert table.loc[(0.1, seed), "weight_ratio_between_seeds"].isna().all()


def test_one_factor_for_all_directions_is_found_with_neither_spread_nor_trend():
    table = published_sweeps.common_factors(spectra(lambda dose, seed, rank: (1 + seed) * rank**-0.5 * np.exp(-3 * dose)))
    assert table[["sweep", "dose", "weakest", "ranks"]].drop_duplicates().values.tolist() == [["squared_penalty", 0.1, 0.0, 6]]
    assert by_seed(table, "factor") == pytest.approx([-0.3] * 3)
    for column in ("spread", "trend", "spread_between_seeds", "trend_between_seeds"):
        assert by_seed(table, column) == pytest.approx([0] * 3, abs=1e-12), column


def test_a_factor_that_follows_the_rank_is_a_trend_and_other_seeds_are_the_null():
    table = published_sweeps.common_factors(spectra(lambda dose, seed, rank: rank ** (-0.5 - 2 * dose - 0.1 * seed)))
    deviation = np.std(np.log(CHOSEN))
    assert by_seed(table, "trend") == pytest.approx([-0.2] * 3)
    assert by_seed(table, "spread") == pytest.approx([0.2 * deviation] * 3)
    # Of each seed less the next one, and of the last less the first.
    assert by_seed(table, "trend_between_seeds") == pytest.approx([0.1, 0.1, -0.2])
    assert by_seed(table, "spread_between_seeds") == pytest.approx([0.1 * deviation, 0.1 * deviation, 0.2 * deviation])


def test_the_weakest_batch_size_is_the_largest():
    table = published_sweeps.common_factors(spectra(lambda dose, _, rank: dose / rank, "batch_size", (25.0, 100.0, 400.0)))
    assert table.groupby("dose")["factor"].mean().to_dict() == pytest.approx({25.0: -np.log(16), 100.0: -np.log(4)})
    assert (table["weakest"] == 400).all()


def test_directions_without_any_dual_weight_are_left_out():
    """As those of a silent unit, in one of both networks."""
    table = published_sweeps.common_factors(
        spectra(lambda dose, seed, rank: 1e-17 if (dose, rank) in {(0.1, 16), (0.1, 18)} else 2.0 - dose)
    )
    assert by_seed(table, "ranks") == [5] * 3
    assert by_seed(table, "factor") == pytest.approx([np.log(1.9 / 2)] * 3)


def test_a_single_seed_has_no_null_and_a_sweep_of_one_dose_no_rows():
    alone = published_sweeps.common_factors(spectra(lambda dose, _, rank: (1 + dose) / rank, seeds=[7]))
    assert alone["factor"].tolist() == pytest.approx([np.log(1.1)])
    assert alone[["spread_between_seeds", "trend_between_seeds"]].isna().all(axis=None)
    none = published_sweeps.common_factors(spectra(lambda *_: 1.0, doses=[0.0]))
    assert none.empty
    assert list(none.columns) == published_sweeps.FACTORS
    assert published_sweeps.common_factors(spectra(lambda *_: 1.0).iloc[:0]).empty


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match=r"spectra: .*weight_std"):
        published_sweeps.common_factors(spectra(lambda *_: 1.0).drop(columns="weight_std"))
