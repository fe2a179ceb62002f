"""Statistics of the claims of feng2023 where chance, or a lost run, could be taken for an effect."""

import numpy as np
import pandas as pd
import pytest

import planted
from planted_tables import read_back
from sgdphysics.claims.verdicts import STATISTICS


def test_chance_from_seed_to_seed_does_not_make_a_constant_vary_over_settings():
    random = np.random.default_rng(0)
    tables = planted.tables({"gap_correlation": (1, 0), "shuffled_gap_correlation": (1, 0)}, seeds=range(60))
    points = tables["feng2023_points"]
    points["summed_products"] = points["gap"]
    points["summed_products_of_shuffled_losses"] = points["gap"] / (1 + 0.3 * random.standard_normal(len(points)))
    values = STATISTICS["squared_variation_over_settings_less_shuffled"](tables)["value"]
    assert abs(values.mean()) < 3 * values.sem()
    assert abs(values.mean()) < 0.3**2 / 20


def test_best_dose_and_better_end_are_chosen_by_the_other_seeds():
    """Five doses whose gaps are chance: the lowest of three in between is below both ends more often than not."""
    random = np.random.default_rng(0)
    rows = [
        {"sweep": "dropout", "dose": dose, "seed": seed, "reference": False, "run": f"{dose}_{seed}", "point": "equal_loss"}
        | {"target": 0.001, "deciding": True, "status": "converged", "epoch": 80, "gap": 0.5 + 0.05 * random.standard_normal()}
        for dose in range(5)
        for seed in range(200)
    ]
    values = STATISTICS["dropout_gap_in_between"]({"feng2023_points": pd.DataFrame(rows)})["value"]
    by_dose = pd.DataFrame(rows).pivot(index="seed", columns="dose", values="gap")
    assert (by_dose[[0, 4]].min(axis=1) - by_dose[[1, 2, 3]].min(axis=1)).mean() > 0.005
    assert abs(values.mean()) < 3 * values.sem()


@pytest.mark.parametrize("statistic", ["noise_effect_on_gap_of_sharp_directions", "noise_change_over_ranks"])
def test_a_sweep_whose_weakest_dose_is_lost_is_not_compared_with_the_next(statistic):
    tables = planted.tables()
    for name in ("feng2023_published", "feng2023_published_factors"):
        table = tables[name]
        lost = (table["sweep"] == "batch_size") & (table["dose"] == 40)
        tables[name] = read_back(table[~lost].assign(**({"weakest": 20.0} if "weakest" in table else {})))
    values = STATISTICS[statistic](tables).set_index("setting")["value"]
    assert values.filter(like="batch_size").isna().all()


def test_changes_without_any_pair_have_no_value():
    tables = planted.tables()
    empty = {name: read_back(table.iloc[:0]) for name, table in tables.items()}
    for name in ("correlated_share_less_shuffled", "squared_variation_over_settings_less_shuffled", "scale_change_over_ranks"):
        assert STATISTICS[name](empty)["value"].dropna().empty
