import copy
import json
from pathlib import Path

import pytest
import yaml

from sgdphysics import grids, studies
from sgdphysics.errors import InputError

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
SCHEMA = json.loads((ROOT / "workflow" / "schemas" / "config.schema.json").read_text())
DATASETS = yaml.safe_load((ROOT / "config" / "datasets.yaml").read_text())["datasets"]
STUDY = CONFIG["studies"]["mnist5k"]


def checked(change):
    config = copy.deepcopy(CONFIG)
    change(config["studies"]["mnist5k"])
    studies.check(studies.resolved(config), SCHEMA, DATASETS)


def changed(**settings):
    study = copy.deepcopy(STUDY)
    study["feng2021"].update(settings)
    return study


def test_the_default_configuration_is_good():
    checked(lambda study: None)


@pytest.mark.parametrize("key", sorted(STUDY["feng2021"]))
def test_every_setting_is_required(key):
    with pytest.raises(InputError, match=f"studies.mnist5k.feng2021: '{key}' is a required property"):
        checked(lambda study: study["feng2021"].pop(key))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("learning_rate", [0.1], "feng2021: unknown learning_rate; known are annealing_ranks"),
        ("learning_rates", "0.1", "feng2021.learning_rates: '0.1' is not of type 'array'"),
        ("learning_rates", [], r"feng2021.learning_rates: \[\] should be non-empty"),
        ("learning_rates", [0.1, -1], r"feng2021.learning_rates\[1\]: -1 is less than or equal to the minimum of 0"),
        ("stop_loss", "1e-3", "feng2021.stop_loss: '1e-3' is not of type 'number'"),
        ("loss", "hinge", "feng2021.loss: 'hinge' is not one of"),
        ("batch_sizes", [50, 5000], "feng2021.batch_sizes: found 5000, expected at most the 4000 training images"),
        ("layer", 3, "feng2021.layer: found 3, the network has layers 0 to 2"),
        ("images_per_class", 401, "feng2021.images_per_class: found 401, the data set has about 400 training images per class"),
        ("images_per_class", 0, "feng2021.images_per_class: found 0, expected a whole number from 1 or null"),
        ("reference", {"learning_rate": 0.3, "batch_size": 50}, "feng2021.reference.learning_rate: found 0.3, expected one of"),
    ],
)
def test_bad_settings_are_named_with_what_is_allowed(key, value, message):
    with pytest.raises(InputError, match="studies.mnist5k." + message) as error:
        checked(lambda study: study["feng2021"].update({key: value}))
    assert "\n" not in str(error.value)


def test_unknown_data_sets_and_studies_are_named():
    with pytest.raises(InputError, match=r"studies.mnist5k.dataset: found 'mnist6k', expected one of digits, mnist, mnist5k"):
        checked(lambda study: study.update(dataset="mnist6k"))
    with pytest.raises(InputError, match="study: found 'other', expected one of mnist5k"):
        studies.check({**CONFIG, "study": "other"}, SCHEMA, DATASETS)


def test_a_study_like_another_names_only_what_differs():
    config = {**CONFIG, "studies": {**CONFIG["studies"], "mine": {"like": "mnist5k", "feng2021": {"seeds": [1]}}}}
    mine = studies.resolved(config)["studies"]["mine"]
    assert mine["feng2021"] == {**STUDY["feng2021"], "seeds": [1]}
    assert mine["dataset"] == "mnist5k"


@pytest.mark.parametrize(
    "studied", [{"a": {"like": "b"}}, {"a": {"like": "a"}}, {"a": {"like": "b"}, "b": {"like": "a"}}, {"a": 3}]
)
def test_a_study_like_none_or_itself_is_refused(studied):
    with pytest.raises(InputError, match=r"studies\.[ab]"):
        studies.resolved({"studies": studied})


def names(study):
    return {(chunk.ensemble, chunk.name) for chunk in studies.chunks_of(study)}


def test_a_further_seed_trains_only_its_own_block():
    before, after = names(STUDY), names(changed(seeds=[*STUDY["feng2021"]["seeds"], 105]))
    assert len(after - before) == len(STUDY["feng2021"]["batch_sizes"])
    assert before <= after


def test_names_do_not_depend_on_the_order_of_lists():
    settings = STUDY["feng2021"]
    assert names(changed(learning_rates=settings["learning_rates"][::-1], seeds=settings["seeds"][::-1])) == names(STUDY)


def test_other_settings_or_checkpoints_have_other_names():
    for change in ({"stop_loss": 5e-4}, {"checkpoints_per_decade": 5}, {"hidden_widths": [40, 40]}):
        assert not names(changed(**change)) & names(STUDY)


def test_grids_are_full_or_pass_through_the_reference():
    full, cross = studies.runs_of(changed(grid="full")), studies.runs_of(changed(grid="cross"))
    assert len(full) == 45
    assert len(cross) == 25
    assert len({grids.run_id(run, "mnist5k") for run in full}) == 45
    assert set(cross) < set(full)
    assert len(studies.reference_runs(STUDY)) == 5
    assert studies.reference_runs(STUDY)[0].startswith("mnist5k_lr0.1_b50_s100_")
