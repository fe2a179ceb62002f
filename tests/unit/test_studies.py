import copy
import dataclasses
import json
import re
from pathlib import Path

import pytest
import yaml

from sgdphysics.errors import InputError
from sgdphysics.study import checks, grids, inheritance, studies
from sgdphysics.training import Run

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
SCHEMA = json.loads((ROOT / "workflow" / "schemas" / "config.schema.json").read_text())
DATASETS = yaml.safe_load((ROOT / "config" / "datasets.yaml").read_text())["datasets"]
STUDY = CONFIG["studies"]["mnist5k"]
SEEDS = STUDY["feng2021"]["seeds"]


def checked(change):
    config = copy.deepcopy(CONFIG)
    change(config["studies"]["mnist5k"])
    checks.check(inheritance.resolved(config), SCHEMA, DATASETS)


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda study: study["feng2021"].update(window_position="before"), "feng2021.window_position: 'before' is not one of"),
        (lambda study: study["yang2023"]["toy"].update(kappa=3), "yang2023.toy: unknown kappa; known are "),
        (lambda study: study["yang2023"]["edge"].update(max_step=3), "yang2023.edge: unknown max_step; known are "),
        (lambda study: study["feng2023"]["sweeps"].update(momentum=[0.9]), "feng2023.sweeps: unknown momentum; known are "),
        (lambda study: study.update(dataset="../../elsewhere"), "dataset: '../../elsewhere' does not match"),
    ],
)
def test_a_wrong_name_is_told(change, message):
    with pytest.raises(InputError, match=re.escape(f"studies.mnist5k.{message}")) as error:
        checked(change)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", sorted(STUDY["feng2021"]))
def test_every_setting_is_required(key):
    with pytest.raises(InputError, match=f"studies.mnist5k.feng2021: '{key}' is a required property"):
        checked(lambda study: study["feng2021"].pop(key))


@pytest.mark.parametrize("key", sorted(STUDY["feng2021"]["controls"]))
def test_every_setting_of_the_controls_is_required(key):
    with pytest.raises(InputError, match=f"studies.mnist5k.feng2021.controls: '{key}' is a required property"):
        checked(lambda study: study["feng2021"]["controls"].pop(key))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("label_noise", 0, ".label_noise: 0 is less than or equal to the minimum of 0"),
        (
            "label_noise",
            0.3,
            r".label_noise_images_per_class / \(1 - label_noise\) as images_per_class: found 457, the data set has",
        ),
        (
            "label_noise_images_per_class",
            2,
            ".label_noise_images_per_class: found 2, expected more, or null: batches of the reference have 50 images, and 20",
        ),
        ("label_noise", 1e-3, ".label_noise: found 0.001, expected more: with 320 label_noise_images_per_class no label is wrong"),
        ("nested_window_epochs", [], r".nested_window_epochs: \[\] should be non-empty"),
        ("exponent_decades", [0.5, 0], r".exponent_decades\[1\]: 0 is less than or equal to the minimum of 0"),
        ("other_widths", [20, 0], r".other_widths\[1\]: 0 is less than the minimum of 1"),
        ("other_widths", [20, 20], r".other_widths: \[20, 20\] has non-unique elements"),
        (
            "other_widths",
            [20, 50],
            r".other_widths: found 50, expected others than those of the reference, hidden_widths \[50, 50\]$",
        ),
    ],
)
def test_bad_settings_of_the_controls_are_named_with_what_is_allowed(key, value, message):
    with pytest.raises(InputError, match="^studies.mnist5k.feng2021.controls" + message) as error:
        checked(lambda study: study["feng2021"]["controls"].update({key: value}))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", sorted(STUDY["yang2023"]["edge"]))
def test_every_setting_of_the_edge_is_required(key):
    with pytest.raises(InputError, match=f"studies.mnist5k.yang2023.edge: '{key}' is a required property"):
        checked(lambda study: study["yang2023"]["edge"].pop(key))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("max_epoch", 100, "edge: unknown max_epoch; known are batch_sizes"),
        ("max_steps", 0, "edge.max_steps: 0 is less than the minimum of 1"),
        ("max_epochs", 0, "edge.max_epochs: 0 is less than the minimum of 1"),
        ("small_batches", -1, "edge.small_batches: -1 is less than the minimum of 0"),
        ("weak_noise", 0, "edge.weak_noise: 0 is less than or equal to the minimum of 0"),
        ("followed_batch_size", 7, "edge.followed_batch_size: found 7, expected one of 4, 6, 8, 11, 16, 23, 32, 45, 64, 128"),
        ("control_epochs", 239, "edge.control_epochs: found 239, expected at least 240, the last of followed_epochs"),
        (
            "larger_scale",
            {"initial_scale": 2.0, "learning_rates": [0.0625, 0.3], "batch_sizes": [16]},
            "edge.larger_scale: found learning rate 0.3 with batches of 16, expected settings of the grid",
        ),
        (
            "larger_scale",
            {"initial_scale": 1.0, "learning_rates": [0.0625], "batch_sizes": [16]},
            "edge.larger_scale.initial_scale: 1.0 is less than or equal to the minimum of 1",
        ),
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


@pytest.mark.parametrize("key", sorted(STUDY["feng2023"]))
def test_every_setting_of_feng2023_is_required(key):
    with pytest.raises(InputError, match=f"studies.mnist5k.feng2023: '{key}' is a required property"):
        checked(lambda study: study["feng2023"].pop(key))


@pytest.mark.parametrize("sweep", sorted(STUDY["feng2023"]["sweeps"]))
def test_every_sweep_is_required(sweep):
    with pytest.raises(InputError, match=f"studies.mnist5k.feng2023.sweeps: '{sweep}' is a required property"):
        checked(lambda study: study["feng2023"]["sweeps"].pop(sweep))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("learning_rates", [0.1], ": unknown learning_rates; known are batch_size"),
        ("images_per_class", None, ".images_per_class: None is not of type 'integer'"),
        ("images_per_class", 401, ".images_per_class: found 401, the data set has about 400 training images per class"),
        ("layer", 3, ".layer: found 3, the network has layers 0 to 2"),
        ("batch_size", 501, ".batch_size: found 501, expected at most the 500 training images"),  # of the fewest, 50 per class
        ("stop_loss", 0, ".stop_loss: 0 is less than or equal to the minimum of 0"),
        ("seeds", [100, 100], r".seeds: \[100, 100\] has non-unique elements"),
        ("equal_losses", [], r".equal_losses: \[\] should be non-empty"),
        ("equal_epochs", [0], r".equal_epochs\[0\]: 0 is less than the minimum of 1"),
        ("rescaling_factors", [0.0], r".rescaling_factors\[0\]: 0.0 is less than or equal to the minimum of 0"),
        (
            "label_noise_images_per_class",
            321,
            r".label_noise_images_per_class / \(1 - label_noise\) as images_per_class: found 401, the data set has about 400",
        ),
        ("label_noise_images_per_class", 2, ".batch_size: found 25, expected at most the 20 training images"),
        ("control_epochs", 239, ".control_epochs: found 239, expected at least 240, the last of equal_epochs"),
    ],
)
def test_bad_settings_of_feng2023_are_named_with_what_is_allowed(key, value, message):
    with pytest.raises(InputError, match="^studies.mnist5k.feng2023" + message) as error:
        checked(lambda study: study["feng2023"].update({key: value}))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("sweep", "doses", "message"),
    [
        ("momentum", [0.9], ": unknown momentum; known are batch_size"),
        ("learning_rate", [0.1, -0.1], r".learning_rate\[1\]: -0.1 is less than or equal to the minimum of 0"),
        ("dropout", [], r".dropout: \[\] should be non-empty"),
        ("dropout_without_rescaling", [1.0], r".dropout_without_rescaling\[0\]: 1.0 is greater than or equal to the maximum of 1"),
        ("label_noise", [0.1, 1], r".label_noise\[1\]: 1 is greater than or equal to the maximum of 1"),
        ("batch_size", [50, 4001], ".batch_size: found 4001, expected at most the 4000 training images"),
        ("images_per_class", [50, 500], ".images_per_class: found 500, the data set has about 400 training images per class"),
    ],
)
def test_bad_sweeps_are_named_with_what_is_allowed(sweep, doses, message):
    with pytest.raises(InputError, match="^studies.mnist5k.feng2023.sweeps" + message) as error:
        checked(lambda study: study["feng2023"]["sweeps"].update({sweep: doses}))
    assert "\n" not in str(error.value)


def test_a_batch_fits_the_fewest_images_of_any_run():
    with pytest.raises(InputError, match=r"feng2023\.batch_size: found 25, expected at most the 20 training images"):
        checked(lambda study: study["feng2023"]["sweeps"].update(images_per_class=[2, 200]))
    few = {"images_per_class": 50, "batch_size": 500}
    checked(lambda study: study["feng2023"].update(few))
    with pytest.raises(InputError, match=r"feng2023.sweeps.batch_size: found 400, expected at most the 300 training images; "):
        checked(lambda study: study["feng2023"].update(few | {"images_per_class": 30}))


def test_label_noise_enlarges_its_own_training_set():
    checked(lambda study: study["feng2023"].update(label_noise_images_per_class=320))  # 400 at a share of 0.2
    with pytest.raises(InputError, match="as images_per_class: found 457"):
        checked(lambda study: study["feng2023"]["sweeps"].update(label_noise=[0.3, 0.1]))


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ([], r".edge.talk_learning_rates: \[\] should be non-empty"),
        ([0.1, 0], r".edge.talk_learning_rates\[1\]: 0 is less than or equal to the minimum of 0"),
    ],
)
def test_bad_learning_rates_of_the_talks_example_are_named(rates, message):
    with pytest.raises(InputError, match="^studies.mnist5k.yang2023" + message):
        checked(lambda study: study["yang2023"]["edge"].update(talk_learning_rates=rates))


def test_the_layer_of_the_edge_must_be_in_the_network_of_the_talks_example_too():
    message = (
        "^studies.mnist5k.yang2023.edge.talk_learning_rates: of feng2023's network, layer: found 2, the network has layers 0 to 1$"
    )
    with pytest.raises(InputError, match=message):
        checked(lambda study: (study["yang2023"]["edge"].update(layer=2), study["feng2023"].update(hidden_widths=[30])))


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
        ("compared_studies", ["mnist6k"], "feng2021.compared_studies: found 'mnist6k', expected some of mnist5k"),
        ("reference", {"learning_rate": 0.3, "batch_size": 50}, "feng2021.reference.learning_rate: found 0.3, expected one of"),
        ("sharpest_directions", 1001, "feng2021.sharpest_directions: 1001 is greater than the maximum of 1000"),
    ],
)
def test_bad_settings_are_named_with_what_is_allowed(key, value, message):
    with pytest.raises(InputError, match="studies.mnist5k." + message) as error:
        checked(lambda study: study["feng2021"].update({key: value}))
    assert "\n" not in str(error.value)


def test_windows_are_planned_before_any_job():
    """Each longer than three steps at every setting, of which those of the cross are run."""
    checked(lambda study: study["feng2021"].update(batch_sizes=[50, 2000, 4000]))  # gradient descent too
    message = (
        "feng2021.window_epochs: found 2, expected at least 3: of batch size 4000 an epoch has 1 of the 3 steps that a window needs"
    )
    with pytest.raises(InputError, match=f"^studies.mnist5k.{message}$"):
        checked(lambda study: study["feng2021"].update(batch_sizes=[50, 2000, 4000], window_epochs=2))
    unknown = {**DATASETS, "mnist5k": {**DATASETS["mnist5k"], "training_images": None, "image_shape": None}}
    config = copy.deepcopy(CONFIG)
    config["studies"]["mnist5k"]["feng2021"].update(window_epochs=1, batch_sizes=[50, 4000])
    checks.check(config, SCHEMA, unknown)  # the job will tell
    config["studies"]["mnist5k"]["feng2021"]["layer"] = 0
    with pytest.raises(
        InputError, match=r"feng2021.layer: found 0, expected a layer whose number of weights is known: config/datasets"
    ):
        checks.check(config, SCHEMA, unknown)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"landscapes": {"growth": 0}}, "landscapes.growth: found 0, expected a number above 0"),
        ({"survival_learning_rates": [0.1, 2.5]}, "survival_learning_rates: found 2.5, expected below 2 = 2 / smallest curvature"),
        ({"edge_learning_rates": [2.0]}, "edge_learning_rates: found 2, expected below 2 = 2 / smallest curvature"),
        ({"long_phase_points": 30}, "long_phase_points: found 30, expected below 30, the phase_points"),
    ],
)
def test_settings_of_the_toy_that_leave_nothing_to_measure_are_named(change, message):
    with pytest.raises(InputError, match=f"^studies.mnist5k.yang2023.toy.{message}$"):
        checked(lambda study: study["yang2023"].update(toy=inheritance.merged(study["yang2023"]["toy"], change)))


def test_unknown_data_sets_and_studies_are_named():
    with pytest.raises(InputError, match=r"studies.mnist5k.dataset: found 'mnist6k', expected one of digits, mnist, mnist5k"):
        checked(lambda study: study.update(dataset="mnist6k"))
    with pytest.raises(InputError, match="study: found 'other', expected one of mnist5k"):
        checks.check({**CONFIG, "study": "other"}, SCHEMA, DATASETS)


def test_a_study_like_another_names_only_what_differs():
    config = {**CONFIG, "studies": {**CONFIG["studies"], "mine": {"like": "mnist5k", "feng2021": {"seeds": [1]}}}}
    mine = inheritance.resolved(config)["studies"]["mine"]
    assert mine["feng2021"] == {**STUDY["feng2021"], "seeds": [1]}
    assert mine["dataset"] == "mnist5k"


@pytest.mark.parametrize(
    "studied", [{"a": {"like": "b"}}, {"a": {"like": "a"}}, {"a": {"like": "b"}, "b": {"like": "a"}}, {"a": 3}]
)
def test_a_study_like_none_or_itself_is_refused(studied):
    with pytest.raises(InputError, match=r"studies\.[ab]"):
        inheritance.resolved({"studies": studied})


def names(study, section="feng2021"):
    return {(chunk.ensemble, chunk.name) for chunk in studies.chunks_of(study, section)}


def test_a_further_seed_trains_only_its_own_block():
    before, after = names(STUDY), names(changed(seeds=[*SEEDS, 212]))
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
    assert studies.reference_runs(STUDY)[0].startswith(f"mnist5k_lr0.1_b50_s{SEEDS[0]}_")


# Sweeps of feng2023


def sweeps_changed(study=STUDY, sweeps=None, **settings):
    study = copy.deepcopy(study)
    study["feng2023"].update(settings)
    study["feng2023"]["sweeps"].update(sweeps or {})
    return study


def members_of(study):
    """The runs of every sweep by sweep, dose and seed, and those that are its reference."""
    runs = {grids.run_id(run, study["dataset"]): run for run in studies.runs_of(study, "feng2023")}
    members = studies.swept_runs(study)
    found = {(member["sweep"], member["dose"], member["seed"]): runs[member["run"]] for member in members}
    assert len(found) == len(members)
    return found, {runs[member["run"]] for member in members if member["reference"]}


REFERENCE = Run(
    hidden_widths=(30, 30),
    learning_rate=0.1,
    batch_size=25,
    images_per_class=400,
    stop_on="training_set",
    max_epochs=600,
    budget_extension=4.0,
    seed=SEEDS[0],
)
WHAT_A_DOSE_CHANGES = {
    ("control", 0.0): {"stop_loss": 0.0, "max_epochs": 240, "budget_extension": 1.0},
    ("learning_rate", 0.02): {"learning_rate": 0.02},
    ("batch_size", 400): {"batch_size": 400},
    ("norm_penalty", 0.02): {"weight_decay": 0.02, "weight_decay_penalty": "norm", "weight_decay_epochs": 100},
    ("squared_penalty", 0.0005): {"weight_decay": 0.0005, "weight_decay_epochs": 100},
    ("dropout", 0.3): {"dropout": 0.3},
    ("dropout_rescaled_afterwards", 0.1): {"dropout": 0.1, "dropout_rescaling": "afterwards"},
    ("dropout_without_rescaling", 0.1): {"dropout": 0.1, "dropout_rescaling": "none"},
    ("initial_scale", 4.0): {"initial_scale": 4.0},
    ("label_noise", 0.2): {"label_noise": 0.2, "images_per_class": 320},
    ("label_noise", 0.0): {"images_per_class": 320},
    ("images_per_class", 50): {"images_per_class": 50},
}


@pytest.mark.parametrize(("sweep", "dose"), WHAT_A_DOSE_CHANGES, ids=str)
def test_a_dose_changes_one_setting_of_the_reference(sweep, dose):
    members, _ = members_of(STUDY)
    assert members[sweep, dose, SEEDS[0]] == dataclasses.replace(REFERENCE, **WHAT_A_DOSE_CHANGES[sweep, dose])


def test_the_control_never_stops_by_its_loss_and_the_penalties_are_removed():
    members, _ = members_of(sweeps_changed(control_epochs=277, penalty_epochs=55))
    assert [(run.max_epochs, run.stop_loss) for (sweep, _, _), run in members.items() if sweep == "control"] == [(277, 0.0)] * 5
    for (sweep, _, _), run in members.items():
        assert (run.weight_decay_epochs == 55) == (run.weight_decay > 0)
        assert (run.weight_decay > 0) <= sweep.endswith("penalty")


def test_the_reference_is_in_every_sweep_with_the_dose_that_it_has():
    members, reference = members_of(STUDY)
    assert reference == {dataclasses.replace(REFERENCE, seed=seed) for seed in SEEDS}
    places = {(sweep, dose) for (sweep, dose, _), run in members.items() if run in reference}
    without = {"norm_penalty", "squared_penalty", "dropout", "dropout_rescaled_afterwards", "dropout_without_rescaling"}
    assert places == {
        ("learning_rate", 0.1),
        ("batch_size", 25),
        ("images_per_class", 400),
        ("initial_scale", 1.0),
        *((sweep, 0.0) for sweep in without),
    }
    for member in studies.swept_runs(STUDY):
        assert member["reference"] == ((member["sweep"], member["dose"]) in places)


def test_a_sweep_of_label_noise_on_as_many_clean_images_has_the_reference_too():
    members = studies.swept_runs(sweeps_changed(label_noise_images_per_class=400))
    places = {(member["sweep"], member["dose"]) for member in members if member["reference"]}
    assert ("label_noise", 0.0) in places
    assert ("label_noise", 0.1) not in places


def test_every_dose_is_there_once_and_they_rise():
    doses = {"learning_rate": [0.2, 0.1, 0.02, 0.4], "dropout": [0.3, 0.0], "batch_size": [400, 5]}
    study = sweeps_changed(sweeps=doses)
    found = {}
    for member in studies.swept_runs(study):
        found.setdefault(member["sweep"], {}).setdefault(member["dose"], []).append(member["seed"])
    assert list(found) == ["control", *STUDY["feng2023"]["sweeps"]]
    expected = {"learning_rate": [0.02, 0.1, 0.2, 0.4], "dropout": [0.0, 0.3], "batch_size": [5, 25, 400], "control": [0.0]}
    assert {sweep: list(found[sweep]) for sweep in expected} == expected
    assert list(found["label_noise"]) == [0.0, 0.1, 0.2]
    assert all(seeds == SEEDS for by_dose in found.values() for seeds in by_dose.values())


def test_runs_of_the_sweeps_are_trained_once_and_are_all_there_are():
    runs = studies.runs_of(STUDY, "feng2023")
    members, _ = members_of(STUDY)
    assert len(runs) == len(set(runs)) == 5 * (1 + 1 + sum(len(doses) for doses in STUDY["feng2023"]["sweeps"].values()))
    assert set(runs) == set(members.values())


def test_names_of_the_reference_and_of_the_runs_of_dropout():
    reference = studies.reference_runs_of_sweeps(STUDY)
    assert reference == [grids.run_id(dataclasses.replace(REFERENCE, seed=seed), "mnist5k") for seed in SEEDS]
    chosen = studies.dropout_runs(STUDY)
    assert len(chosen) == len(set(chosen)) == 5 * (2 + 2 + 1 + 1)
    members, _ = members_of(STUDY)
    wanted = {run for (sweep, _, _), run in members.items() if sweep.startswith("dropout") or sweep == "control"}
    assert set(chosen) == {grids.run_id(run, "mnist5k") for run in wanted}
    assert set(reference) < set(chosen)


# Runs of several sections


SECTIONS = ("feng2021", "feng2021_controls", "yang2023", "feng2023")


@pytest.mark.parametrize(("sampling", "other"), [("epoch", "replacement"), ("replacement", "epoch")])
def test_the_controls_are_the_reference_drawn_otherwise_with_wrong_labels_and_of_other_widths(sampling, other):
    study = changed(sampling=sampling)
    reference = [run for run in studies.runs_of(study, "feng2021") if grids.run_id(run, "mnist5k") in studies.reference_runs(study)]
    noisy = {"label_noise": 0.2, "images_per_class": 320, "max_epochs": 40, "budget_extension": 1.0}
    wanted = [{"sampling": other}, noisy, {"hidden_widths": (20, 20)}, {"hidden_widths": (100, 100)}]
    expected = [dataclasses.replace(run, **changes) for changes in wanted for run in reference]
    assert studies.runs_of(study, "feng2021_controls") == expected
    assert len({run.seed for run in expected}) == 5
    names = [grids.run_id(run, "mnist5k") for run in expected]
    parts = {"drawn_otherwise": names[:5], "label_noise": names[5:10], "other_widths": names[10:]}
    assert studies.control_runs(study) == parts
    without = {"label_noise_images_per_class": None, "other_widths": []}
    study["feng2021"]["controls"] = STUDY["feng2021"]["controls"] | without
    assert studies.runs_of(study, "feng2021_controls") == expected[:5]


def test_networks_of_another_width_have_as_many_layers_as_the_reference():
    study = changed(hidden_widths=[50, 20, 30])
    checked(lambda study: study["feng2021"].update(hidden_widths=[50, 20, 30], controls=STUDY["feng2021"]["controls"]))
    found = {run.hidden_widths for run in studies.control_parts(study)["other_widths"]}
    assert found == {(20, 20, 20), (100, 100, 100)}


def test_the_edge_has_its_grid_the_refined_settings_and_the_talks_example():
    edge, seeds = STUDY["yang2023"]["edge"], STUDY["yang2023"]["seeds"]
    runs = studies.runs_of(STUDY, "yang2023")
    grid = [run for run in runs if run.hidden_widths == (50, 50)]
    found = {(run.learning_rate, run.batch_size) for run in grid}
    assert {(rate, size) for rate in edge["learning_rates"] for size in edge["batch_sizes"]} < found
    assert all((rate, size) in found for part in edge["refined"] for rate in part["learning_rates"] for size in part["batch_sizes"])
    assert {run.stop_on for run in grid} == {"batches"}
    talk = [run for run in runs if run not in grid]
    assert talk == [dataclasses.replace(REFERENCE, learning_rate=rate, seed=seed) for rate in (0.1, 0.2) for seed in seeds]
    assert studies.talk_runs(STUDY) == [grids.run_id(run, "mnist5k") for run in talk]
    assert len(set(runs)) == (len(found) + 2) * len(seeds)


def test_small_batches_have_a_budget_of_epochs_and_large_ones_of_steps():
    edge = STUDY["yang2023"]["edge"]
    talk = set(studies.talk_runs(STUDY))
    grid = [run for run in studies.runs_of(STUDY, "yang2023") if grids.run_id(run, "mnist5k") not in talk]
    budgets = {run.batch_size: (run.max_epochs, run.max_steps) for run in grid}
    assert {size for size, budget in budgets.items() if budget == (edge["max_epochs"], None)} == {4, 6, 8, 11}
    assert {budgets[size] for size in (16, 23, 32, 45, 64, 128)} == {(edge["max_steps"], edge["max_steps"])}
    # No batch size has fewer epochs than the small ones.
    assert all(edge["max_steps"] >= edge["max_epochs"] * (4000 // size) for size in budgets if size > edge["small_batches"])


def test_the_runs_that_are_followed_are_a_line_a_larger_scale_and_a_control():
    edge, parts = STUDY["yang2023"]["edge"], studies.followed_parts(STUDY)
    grid = studies.runs_of(STUDY, "yang2023")
    assert set(parts["line"]) == {run for run in grid if run.batch_size == 32}
    ones = {dataclasses.replace(run, initial_scale=1.0) for run in parts["initial_scale"]}
    assert ones < set(grid)
    assert len(ones) == len(parts["initial_scale"]) == 5 * 5
    assert {run.initial_scale for run in parts["initial_scale"]} == {4.0}
    assert {(run.learning_rate, run.batch_size, run.max_epochs, run.stop_loss) for run in parts["control"]} == {
        (edge["control_learning_rate"], 128, edge["control_epochs"], 0.0)
    }
    assert {run.seed for run in parts["control"]} == set(STUDY["yang2023"]["seeds"])
    named = studies.followed_runs(STUDY)
    assert named == {part: [grids.run_id(run, "mnist5k") for run in runs] for part, runs in parts.items()}
    chunks = studies.chunks_of(STUDY, studies.FOLLOWED)
    assert all(chunk.checkpoints["epochs"] == edge["followed_epochs"] for chunk in chunks)
    assert {run for chunk in chunks for run in chunk.runs} == {run for runs in parts.values() for run in runs}


def test_the_talks_example_are_runs_of_the_reference_of_the_sweeps_whatever_it_is():
    study = sweeps_changed(edge_changed(talk_learning_rates=[0.7]), hidden_widths=[12], batch_size=10)
    talk = [run for run in studies.runs_of(study, "yang2023") if grids.run_id(run, "mnist5k") in studies.talk_runs(study)]
    assert {(run.learning_rate, run.hidden_widths, run.batch_size, run.stop_on) for run in talk} == {
        (0.7, (12,), 10, "training_set")
    }


OF_SWEEPS = {"per_decade": None, "losses": [3e-2, 1e-2, 3e-3, 1e-3], "epochs": [30, 60, 120, 240]}
CHECKPOINTS = {
    "feng2021": {"per_decade": 10, "losses": [3e-2, 1e-2, 3e-3, 1e-3], "epochs": []},
    "feng2021_controls": {"per_decade": 10, "losses": [3e-2, 1e-2, 3e-3, 1e-3], "epochs": []},
    "yang2023": {"per_decade": None, "losses": [], "epochs": []},
    "feng2023": OF_SWEEPS,
}


def test_sections_have_their_own_chunks_and_checkpoints_but_share_the_talks_example():
    chunks = {section: studies.chunks_of(STUDY, section) for section in SECTIONS}
    for section in SECTIONS:
        assert {run for chunk in chunks[section] for run in chunk.runs} == set(studies.runs_of(STUDY, section))
    shared = names(STUDY, "yang2023") & names(STUDY, "feng2023")
    assert names(STUDY, None) == set().union(*(names(STUDY, section) for section in (*SECTIONS, studies.FOLLOWED)))
    assert not names(STUDY) & (names(STUDY, "yang2023") | names(STUDY, "feng2023"))
    for section in SECTIONS:
        own = [chunk for chunk in chunks[section] if (chunk.ensemble, chunk.name) not in shared]
        assert own
        followed = names(STUDY, studies.FOLLOWED)
        alone = [chunk for chunk in own if (chunk.ensemble, chunk.name) not in followed]
        assert all(chunk.checkpoints == CHECKPOINTS[section] for chunk in alone)
        assert (len(alone) < len(own)) == (section == "yang2023")
    both = [chunk for chunk in chunks["yang2023"] if (chunk.ensemble, chunk.name) in shared]
    assert [grids.run_id(run, "mnist5k") for chunk in both for run in chunk.runs if run.learning_rate == 0.1] == (
        studies.reference_runs_of_sweeps(STUDY)
    )
    assert {grids.run_id(run, "mnist5k") for chunk in both for run in chunk.runs} == set(studies.talk_runs(STUDY))
    assert all(chunk.checkpoints == OF_SWEEPS for chunk in both)  # the figure of the edge needs none
    assert len({run for chunk in studies.chunks_of(STUDY) for run in chunk.runs}) == 25 + 20 + 245 + 110 - 10 + 25 + 5


def test_a_talks_example_that_no_sweep_has_is_trained_for_the_edge_alone():
    study = edge_changed(talk_learning_rates=[0.1, 0.3])
    shared = names(study, "yang2023") & names(study, "feng2023")
    both = [chunk for chunk in studies.chunks_of(study) if (chunk.ensemble, chunk.name) in shared]
    assert {run.learning_rate for chunk in both for run in chunk.runs} == {0.1}
    alone = [chunk for chunk in studies.chunks_of(study) for run in chunk.runs if run.learning_rate == 0.3]
    assert len(alone) == 5
    assert all(chunk.checkpoints == CHECKPOINTS["yang2023"] for chunk in alone)


def test_changing_one_section_leaves_the_chunks_of_the_other():
    shared = names(STUDY, "yang2023") & names(STUDY, "feng2023")
    edge = edge_changed(max_steps=10, max_epochs=9)
    assert names(edge) == names(STUDY)
    assert names(edge, "feng2023") == names(STUDY, "feng2023")
    assert names(edge, "yang2023") & names(STUDY, "yang2023") == shared
    assert names(changed(stop_loss=5e-4), "yang2023") == names(STUDY, "yang2023")
    assert names(changed(stop_loss=5e-4), "feng2023") == names(STUDY, "feng2023")
    swept = sweeps_changed(stop_loss=5e-4)
    assert names(swept) == names(STUDY)
    assert names(swept, "yang2023") & names(STUDY, "yang2023") == names(STUDY, "yang2023") - shared


def test_a_further_dose_changes_only_the_chunk_that_it_is_trained_in():
    more = sweeps_changed(sweeps={"initial_scale": [2.0, 3.0, 4.0]})
    trained = [{run for chunk in studies.chunks_of(study) for run in chunk.runs} for study in (STUDY, more)]
    assert trained[0] < trained[1]
    assert {(run.initial_scale, run.batch_size) for run in trained[1] - trained[0]} == {(3.0, 25)}
    assert len(names(more, None) - names(STUDY, None)) == len(names(STUDY, None) - names(more, None)) == 1


def test_a_run_that_two_sections_need_is_trained_once_in_a_chunk_that_both_read(monkeypatch):
    shared = studies.runs_of(STUDY, "feng2021")[:5]
    own = studies.runs_of(STUDY, "yang2023")
    swept = studies.runs_of(STUDY, "feng2023")
    monkeypatch.setattr(studies, "_SECTIONS", {**studies._SECTIONS, "yang2023": lambda _: [*own, *shared]})
    chunks = studies.chunks_of(STUDY)
    trained = [run for chunk in chunks for run in chunk.runs]
    further = [*studies.runs_of(STUDY, "feng2021_controls"), *studies.runs_of(STUDY, studies.FOLLOWED)]
    assert len(trained) == len(set(trained)) == len({*studies.runs_of(STUDY, "feng2021"), *own, *further, *swept})
    common = names(STUDY) & names(STUDY, "yang2023")
    found = [chunk for chunk in chunks if (chunk.ensemble, chunk.name) in common]
    assert {run for chunk in found for run in chunk.runs} == set(shared)
    assert all(chunk.checkpoints == CHECKPOINTS["feng2021"] for chunk in found)
    for section in SECTIONS:
        needed = {run for chunk in studies.chunks_of(STUDY, section) for run in chunk.runs}
        assert needed == set(studies.runs_of(STUDY, section))


def test_a_run_of_three_sections_keeps_the_checkpoints_of_all(monkeypatch):
    shared = studies.runs_of(STUDY, "feng2021")[:1]
    sections = {name: lambda study, runs=runs: [*runs(study), *shared] for name, runs in studies._SECTIONS.items()}
    monkeypatch.setattr(studies, "_SECTIONS", sections)
    study = sweeps_changed(equal_losses=[3e-3, 5e-4])
    (found,) = [chunk for chunk in studies.chunks_of(study) if set(chunk.runs) == set(shared)]
    # A loss that several sections name is there once.
    epochs = [*STUDY["yang2023"]["edge"]["followed_epochs"], 60]
    assert found.checkpoints == {"per_decade": 10, "losses": [3e-2, 1e-2, 3e-3, 1e-3, 5e-4], "epochs": epochs}
    assert all((found.ensemble, found.name) in names(study, section) for section in SECTIONS)


def test_chunks_hold_as_many_seeds_as_their_section_says():
    for seeds_per_chunk, parts in ((5, 1), (2, 3), (1, 5)):
        study = sweeps_changed(edge_changed(seeds_per_chunk=seeds_per_chunk), seeds_per_chunk=5)
        talk = {run for run in studies.runs_of(study, "yang2023") if grids.run_id(run, "mnist5k") in studies.talk_runs(study)}
        chunks = studies.chunks_of(study)
        assert sum(bool(set(chunk.runs) & talk) for chunk in chunks) == parts  # shared chunks hold as few as either section wants
        swept = [chunk for chunk in studies.chunks_of(study, "feng2023") if not set(chunk.runs) & talk]
        assert all({run.seed for run in chunk.runs} == set(SEEDS) for chunk in swept)


def test_a_further_seed_trains_only_its_own_block_of_the_edge():
    more = copy.deepcopy(STUDY)
    more["yang2023"]["seeds"] = [*STUDY["yang2023"]["seeds"], 210]
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
        ("local_thermal_shifts", [0.08, 0.5], r"toy.local_thermal_shifts: found \[0.5\], expected some of arrival_shifts"),
        ("edge_shifts", [0.7, 0.7], "toy.edge_shifts: found 0.7 and 0.7, expected the second above the first"),
        ("valley_ratios", [0.5], r"toy.valley_ratios\[0\]: 0.5 is less than the minimum of 1"),
        ("valley_ratios", [1.0, 4.0, 1], r"toy.valley_ratios: \[1.0, 4.0, 1\] has non-unique elements"),
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
