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


def edge_changed(**settings):
    study = copy.deepcopy(STUDY)
    study["yang2023"]["edge"].update(settings)
    return study


def test_the_default_configuration_is_good():
    checked(lambda study: None)


@pytest.mark.parametrize("key", sorted(STUDY["feng2021"]))
def test_every_setting_is_required(key):
    with pytest.raises(InputError, match=f"studies.mnist5k.feng2021: '{key}' is a required property"):
        checked(lambda study: study["feng2021"].pop(key))


@pytest.mark.parametrize("key", sorted(STUDY["yang2023"]["edge"]))
def test_every_setting_of_the_edge_is_required(key):
    with pytest.raises(InputError, match=f"studies.mnist5k.yang2023.edge: '{key}' is a required property"):
        checked(lambda study: study["yang2023"]["edge"].pop(key))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("max_epochs", 100, "edge: unknown max_epochs; known are batch_sizes"),
        ("max_steps", 0, "edge.max_steps: 0 is less than the minimum of 1"),
        ("batch_sizes", [4, 5000], "edge.batch_sizes: found 5000, expected at most the 4000 training images"),
        ("images_per_class", 500, "edge.images_per_class: found 500, the data set has about 400 training images per class"),
        ("layer", 3, "edge.layer: found 3, the network has layers 0 to 2"),
        ("refined", [{"batch_sizes": [8]}], r"edge.refined\[0\]: 'learning_rates' is a required property"),
        (
            "refined",
            [{"batch_sizes": [8], "learning_rates": [0.3]}, {"batch_sizes": [6], "learning_rates": [0.3]}],
            r"edge.refined\[1\]: found batch_sizes \[6\] and learning_rates \[0.3\], expected all of the one or of the other to be",
        ),
        (
            "refined",
            [{"batch_sizes": [6000], "learning_rates": [0.5]}],
            r"edge.refined\[0\].batch_sizes: found 6000, expected at most the 4000 training images",
        ),
    ],
)
def test_bad_settings_of_the_edge_are_named_with_what_is_allowed(key, value, message):
    with pytest.raises(InputError, match="^studies.mnist5k.yang2023." + message) as error:
        checked(lambda study: study["yang2023"]["edge"].update({key: value}))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("hidden_widths", [30], r"hidden_widths: found \[30\], expected as many as \[50, 50\]"),
        ("images_per_class", 401, "images_per_class: found 401, the data set has about 400 training images per class"),
        ("batch_size", 4001, "batch_size: found 4001, expected at most the 4000 training images"),
        ("learning_rates", [], r"learning_rates: \[\] should be non-empty"),
    ],
)
def test_bad_settings_of_the_talks_example_are_named(key, value, message):
    with pytest.raises(InputError, match=f"^studies.mnist5k.yang2023.edge.talk_example.{message}"):
        checked(lambda study: study["yang2023"]["edge"]["talk_example"].update({key: value}))


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


def names(study, section="feng2021"):
    return {(chunk.ensemble, chunk.name) for chunk in studies.chunks_of(study, section)}


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
    full, cross = (studies.runs_of(changed(grid=grid), "feng2021") for grid in ("full", "cross"))
    assert len(full) == 45
    assert len(cross) == 25
    assert len({grids.run_id(run, "mnist5k") for run in full}) == 45
    assert set(cross) < set(full)
    assert len(studies.reference_runs(STUDY)) == 5
    assert studies.reference_runs(STUDY)[0].startswith("mnist5k_lr0.1_b50_s100_")


# Runs of several sections


def test_the_edge_has_its_grid_the_refined_settings_and_the_talks_example():
    edge, seeds = STUDY["yang2023"]["edge"], STUDY["yang2023"]["seeds"]
    runs = studies.runs_of(STUDY, "yang2023")
    found = {(run.learning_rate, run.batch_size) for run in runs if run.hidden_widths == (50, 50)}
    assert {(rate, size) for rate in edge["learning_rates"] for size in edge["batch_sizes"]} < found
    assert all((rate, size) in found for part in edge["refined"] for rate in part["learning_rates"] for size in part["batch_sizes"])
    talk = [run for run in runs if grids.run_id(run, "mnist5k") in studies.talk_runs(STUDY)]
    assert {(run.learning_rate, run.batch_size, run.hidden_widths, run.images_per_class) for run in talk} == {
        (0.1, 25, (30, 30), 400),
        (0.2, 25, (30, 30), 400),
    }
    assert len(talk) == 2 * len(seeds)
    assert len(set(runs)) == (len(found) + 2) * len(seeds)
    assert {run.max_steps for run in runs} == {edge["max_steps"]}


def test_sections_have_their_own_chunks_and_only_feng2021_keeps_checkpoints():
    both = [studies.chunks_of(STUDY, section) for section in ("feng2021", "yang2023")]
    assert not names(STUDY) & names(STUDY, "yang2023")
    assert names(STUDY, None) == names(STUDY) | names(STUDY, "yang2023")
    assert all(chunk.checkpoints["per_decade"] for chunk in both[0])
    assert all(chunk.checkpoints == {"per_decade": None, "losses": []} for chunk in both[1])
    for section, chunks in zip(("feng2021", "yang2023"), both, strict=True):
        assert {run for chunk in chunks for run in chunk.runs} == set(studies.runs_of(STUDY, section))


def test_changing_one_section_leaves_the_chunks_of_the_other():
    assert names(edge_changed(max_steps=10)) == names(STUDY)
    assert not names(edge_changed(max_steps=10), "yang2023") & names(STUDY, "yang2023")
    assert names(changed(stop_loss=5e-4), "yang2023") == names(STUDY, "yang2023")


def test_a_run_that_two_sections_need_is_trained_once_in_a_chunk_that_both_read(monkeypatch):
    shared = studies.runs_of(STUDY, "feng2021")[:5]
    own = studies.runs_of(STUDY, "yang2023")
    monkeypatch.setattr(studies, "_yang2023_runs", lambda _: [*own, *shared])
    chunks = studies.chunks_of(STUDY)
    trained = [run for chunk in chunks for run in chunk.runs]
    assert len(trained) == len(set(trained)) == len(set(studies.runs_of(STUDY, "feng2021")) | set(own))
    common = names(STUDY) & names(STUDY, "yang2023")
    found = [chunk for chunk in chunks if (chunk.ensemble, chunk.name) in common]
    assert {run for chunk in found for run in chunk.runs} == set(shared)
    assert all(chunk.checkpoints["per_decade"] == STUDY["feng2021"]["checkpoints_per_decade"] for chunk in found)
    for section in ("feng2021", "yang2023"):
        needed = {run for chunk in studies.chunks_of(STUDY, section) for run in chunk.runs}
        assert needed == set(studies.runs_of(STUDY, section))


def test_a_further_seed_trains_only_its_own_block_of_the_edge():
    more = copy.deepcopy(STUDY)
    more["yang2023"]["seeds"] = [*STUDY["yang2023"]["seeds"], 105]
    before, after = names(STUDY, "yang2023"), names(more, "yang2023")
    assert before <= after
    sizes = {run.batch_size for run in studies.runs_of(STUDY, "yang2023")}
    assert len(after - before) == len(sizes)


@pytest.mark.parametrize("key", sorted(STUDY["yang2023"]["toy"]))
def test_every_setting_of_the_toy_landscape_is_required(key):
    with pytest.raises(InputError, match=f"studies.mnist5k.yang2023.toy: '{key}' is a required property"):
        checked(lambda study: study["yang2023"]["toy"].pop(key))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("kappas", [0.5, 0], r"toy.kappas\[1\]: 0 is less than or equal to the minimum of 0"),
        ("kappas", [-1.0], r"toy.kappas\[0\]: -1.0 is less than or equal to the minimum of 0"),
        ("noise_strengths", [], r"toy.noise_strengths: \[\] should be non-empty"),
        ("time_step", 0.5, "toy.time_step: found 0.5, expected at most 0.2 = 1 / largest curvature"),
        ("learning_rate", 0.3, "toy.learning_rate: found 0.3, expected at most 0.2 = 1 / largest curvature"),
        ("phase_shifts", [2.0, 0.02], "toy.phase_shifts: found 2 and 0.02, expected the second above the first"),
        ("current_noise_strength", 0.07, "toy.current_noise_strength: found 0.07, expected one of noise_strengths or grid_noise"),
        ("incidence_shifts", [0.5], r"toy.incidence_shifts: found \[0.5\], expected some of arrival_shifts"),
        ("linear_shifts", [5.0, 6.0], "toy.linear_shifts: found 0 of arrival_shifts between them, expected at least 2"),
        ("arrival_flatness", 1, "toy.arrival_flatness: 1 is greater than or equal to the maximum of 1"),
        ("shifts", [1.0], "toy: unknown shifts; known are arrival_flatness"),
    ],
)
def test_bad_settings_of_the_toy_landscape_are_named_with_what_is_allowed(key, value, message):
    with pytest.raises(InputError, match=message) as caught:
        checked(lambda study: study["yang2023"]["toy"].update({key: value}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("curvature", -1.0, "toy.landscapes.curvature: -1.0 is less than or equal to the minimum of 0"),
        ("growth", -2.0, r"toy.landscapes: curvature: found -1 at x = -1, expected above 0 for \|x\| <= 1"),
        ("difference", -2.5, "toy.landscapes: curvature: found"),
    ],
)
def test_a_curvature_that_is_not_positive_is_named_with_its_place(key, value, message):
    with pytest.raises(InputError, match=message):
        checked(lambda study: study["yang2023"]["toy"]["landscapes"].update({key: value}))
