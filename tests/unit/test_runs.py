"""Names of runs and of what is trained together: pinned, and the same where `Run` is given a further field at its default."""

import dataclasses
import json
from pathlib import Path

import pytest
import yaml

from sgdphysics import runs
from sgdphysics.runs import Run
from sgdphysics.study import grids, inheritance, studies

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())
STUDIES = inheritance.resolved(CONFIG)["studies"]
# A later version of `Run`.
Later = dataclasses.make_dataclass("Later", [("momentum", float, 0.0)], bases=(Run,), frozen=True)

OTHERWISE = Run(
    hidden_widths=(30,),
    learning_rate=0.2,
    batch_size=25,
    loss="mean_squared_error",
    sampling="replacement",
    weight_decay=1e-3,
    weight_decay_penalty="norm",
    weight_decay_epochs=200,
    dropout=0.2,
    dropout_rescaling="afterwards",
    initial_scale=2.0,
    label_noise=0.1,
    images_per_class=50,
    draw_images=True,
    stop_loss=1e-2,
    stop_accuracy=0.0,
    stop_on="training_set",
    max_epochs=7,
    max_steps=99,
    seed=3,
)
EXTENDED = dataclasses.replace(OTHERWISE, budget_extension=4.0)
PARTLY_TRAINED = dataclasses.replace(EXTENDED, trained_layers=(1,))
NAMES = {
    "mnist5k_lr0.1_b50_s0_51c83673": Run(),
    "mnist5k_lr0.3_b5_s104_6c3f4472": Run(learning_rate=0.3, batch_size=5, seed=104),
    "mnist5k_lr0.2_b25_s3_69ccef6e": OTHERWISE,
    "mnist5k_lr0.2_b25_s3_436ea51c": EXTENDED,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_run_keeps_its_name(name):
    assert runs.run_id(NAMES[name], "mnist5k") == name


@pytest.mark.parametrize("setting", [field.name for field in dataclasses.fields(Run) if field.type is float])
def test_a_whole_number_is_the_same_setting_however_it_is_written(setting):
    whole = {"label_noise": 0, "dropout": 0}.get(setting, 1)
    run, other = (dataclasses.replace(OTHERWISE, **{setting: value}) for value in (whole, float(whole)))
    assert runs.run_id(run, "mnist5k") == runs.run_id(other, "mnist5k")
    assert runs.settings_text(run) == runs.settings_text(other)


def test_ensembles_and_chunks_keep_their_names():
    checkpoints = {"per_decade": 10, "losses": [0.1], "epochs": []}
    runs_before = [run for run in NAMES.values() if run != EXTENDED]
    found = [(chunk.ensemble, chunk.name) for chunk in grids.chunks_of(runs_before, "mnist5k", 5, checkpoints)]
    assert found == [("3d1181d764", "a128a3978c"), ("92755c9fa3", "f61dbe7cce"), ("a4a749e7c5", "743e656058")]
    # What only decides when a run stops makes no other ensemble.
    (chunk,) = grids.chunks_of([OTHERWISE, EXTENDED], "mnist5k", 5, checkpoints)
    assert chunk.ensemble == "a4a749e7c5"


@pytest.mark.parametrize("setting", sorted(field.name for field in dataclasses.fields(Run)))
def test_every_setting_is_in_the_hash(setting):
    changed = dataclasses.replace(PARTLY_TRAINED, **{setting: getattr(Run(), setting)})
    first, second = (runs.run_id(run, "mnist5k").split("_")[-1] for run in (PARTLY_TRAINED, changed))
    assert first != second


def later(run, **changes):
    return Later(**{**dataclasses.asdict(run), **changes})


def chunks_of(study, version):
    """Ensembles and chunks of a study's runs as another version of `Run`."""
    return [
        chunk
        for group in studies.chunks_of(study)
        for chunk in grids.chunks_of(map(version, group.runs), group.dataset, 10**6, group.checkpoints)
    ]


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_a_field_added_later_is_in_no_name_where_it_is_at_its_default(study):
    before, at_default, otherwise = (
        chunks_of(study, version) for version in (lambda run: run, later, lambda run: later(run, momentum=0.9))
    )
    for old, same, new in zip(before, at_default, otherwise, strict=True):
        assert {type(run) for run in (*same.runs, *new.runs)} == {Later}
        assert (same.ensemble, same.name) == (old.ensemble, old.name)
        assert [runs.run_id(run, same.dataset) for run in same.runs] == [runs.run_id(run, old.dataset) for run in old.runs]
        assert new.ensemble != old.ensemble
        assert new.name != old.name
    names = [{runs.run_id(run, chunk.dataset) for chunk in chunks for run in chunk.runs} for chunks in (at_default, otherwise)]
    assert len(names[0]) == len(names[1]) > 0
    assert not names[0] & names[1]


def test_values_of_a_field_added_later_are_told_apart():
    values = (0.0, 0.5, 0.9)
    later_runs = [later(Run(), momentum=value) for value in values]
    for told in (runs.stack_key, runs.settings_text, lambda run: runs.run_id(run, "mnist5k")):
        assert len({told(run) for run in later_runs}) == len(values)


RUNS = {
    "defaults": Run(),
    "others": OTHERWISE,
    "part": PARTLY_TRAINED,
    "later": later(Run()),
    "later, others": later(OTHERWISE, momentum=0.9),
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_settings_make_the_run_again(run):
    assert type(run)(**runs.settings_of(run)) == run
    assert type(run)(**json.loads(runs.settings_text(run))) == run
