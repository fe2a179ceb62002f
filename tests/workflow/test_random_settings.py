"""A configuration that the schema allows is refused in one line, or its study runs to the end.

Here a few, made in this process; tests/nightly/test_random_settings.py makes two hundred.
"""

import pandas as pd
import pytest

from in_process import FIGURES, StudyInProcess
from random_settings import ENTRIES, SCHEMA, RandomSettings, save_datasets
from sgdphysics.claims.outcomes import VERDICTS
from sgdphysics.errors import InputError
from sgdphysics.study import checks, inheritance
from sgdphysics.tables import load_table

QUICK = 5  # seed of a study that is made in few seconds


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    return save_datasets(tmp_path_factory.mktemp("data"))


def is_accepted(config):
    try:
        checks.check(config, SCHEMA, ENTRIES)
    except InputError as error:
        return "\n" in str(error)  # refused in one line
    return True


@pytest.mark.parametrize("daring", [0.0, 0.3])
def test_a_configuration_is_accepted_or_refused_in_one_line(daring):
    accepted = [is_accepted(RandomSettings(seed, daring).draw()) for seed in range(60)]
    assert 20 < sum(accepted) <= 60 if daring == 0 else 0 < sum(accepted) < 30


def made(study, folder, datasets):
    """A study made in a folder."""
    dataset = study["dataset"]
    made = StudyInProcess(folder, study, ENTRIES[dataset], datasets[dataset])
    made.make()
    return made


def test_one_that_is_accepted_runs_to_the_end(datasets, tmp_path):
    config = RandomSettings(QUICK).draw()
    assert is_accepted(config)
    folder = made(config["studies"]["random"], tmp_path, datasets).folder
    verdicts = pd.read_csv(folder / "claims.csv")["verdict"]
    assert set(verdicts) <= set(VERDICTS)
    assert len(list((folder / "figures").glob("*.png"))) == len(FIGURES)


# At the reference all 45 images are in each batch; the networks of feng2023 are nearly dead.
LITTLE_TO_MEASURE = {
    "dataset": "blobs",
    "feng2021": {
        "hidden_widths": [8, 7],
        "layer": 1,
        "sampling": "epoch",
        "images_per_class": 15,
        "learning_rates": [0.3],
        "batch_sizes": [5, 45],
        "grid": "cross",
        "reference": {"learning_rate": 0.3, "batch_size": 45},
        "seeds": [1, 2],
        "max_epochs": 6,
        "window_epochs": 4,
        "longer_window_epochs": [5],
        "early_epochs": [1],
        "slice_ranks": [1],
        "annealing_ranks": [1, 2],
    },
    "feng2023": {"learning_rate": 50.0, "hidden_widths": [3, 3], "layer": 1},
}


def test_gradient_descent_and_networks_that_are_nearly_dead_leave_what_can_be_measured(datasets, tmp_path):
    """Without noise nothing fluctuates at the reference, and its landscape is measured; at the other batch size all is."""
    config = RandomSettings(QUICK).draw()
    study = inheritance.merged(config["studies"]["random"], LITTLE_TO_MEASURE)
    assert is_accepted({**config, "studies": {"random": study}})
    folder = made(study, tmp_path, datasets).folder
    tables = {path.stem: load_table(path) for path in (folder / "tables").glob("*.csv")}
    for name in ("feng2021_fig1", "feng2021_fig1_dimension", "feng2021_fig2", "feng2021_fig2_exponents", "feng2021_ladder"):
        assert set(tables[name]["batch_size"]) == {5}, name
    assert len(tables["feng2021_published"]) == 0
    for name in ("feng2021_fig2_slices", "feng2021_fig2_minima"):
        assert set(tables[name]["batch_size"]) == {45}, name
    for name in ("feng2021_fig4_checkpoints", "feng2021_fig4_equal_loss"):
        assert set(tables[name]["batch_size"]) == {5, 45}, name
    assert set(tables["feng2021_fig4"].loc[tables["feng2021_fig4"]["reference"], "temperature"]) == {0}
    points = tables["feng2023_points"]
    assert points.loc[points["reference"], "gap"].isna().any()
    assert points["gap"].notna().any()
    claims = load_table(folder / "claims.csv").set_index("claim")
    assert (claims.loc[["low_dimension", "noise_anisotropic", "annealing"], "n_seeds"] == 0).all()
    undecided = ["inverse_variance_flatness", "low_dimension", "noise_anisotropic", "annealing"]
    assert (claims.loc[undecided, "verdict"] == "open").all()
    assert claims.loc[undecided, "open_because"].notna().all()
