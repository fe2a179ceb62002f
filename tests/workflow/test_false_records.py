"""No record says what was not done: what a job was given and read stands in its record, whatever became of Snakemake's notes."""

import copy
import json
import shutil
import subprocess

import pytest

from running import snakemake
from sgdphysics.provenance import settings_since
from sgdphysics.provenance.reading import load
from sgdphysics.study.parameters import StudyParameters
from test_reruns import SMOKE, planned

CHANGES = {
    "a setting": {"feng2021": {"flatness_factor": 3.0}},
    "fewer runs": {"feng2023": {"seeds": [205]}},
}
# Changes of settings that reach no job: what is set beside, how many seeds a job trains, how runs are chosen from so small a grid.
REACH_NO_JOB = {"compared_studies", "seeds_per_chunk", "grid"}
OTHER_VALUES = {"loss": "mean_squared_error", "sampling": "replacement", "scale": "paper"}


def without_notes(folder):
    shutil.rmtree(folder / ".snakemake")


def with_damaged_notes(folder):
    for path in (folder / ".snakemake" / "metadata").rglob("*"):
        if path.is_file():
            path.write_text('{"params": [')


@pytest.fixture
def copy_of_study(smoke_study, tmp_path):
    return shutil.copytree(smoke_study[0], tmp_path / "copy", symlinks=True)


@pytest.fixture(params=CHANGES)
def change(request, tmp_path):
    """A further file of settings, after those of the study."""
    return with_change(tmp_path, request.param)


def with_change(folder, name):
    path = folder / "change.yaml"
    path.write_text(json.dumps({"studies": {"smoke": CHANGES[name]}}))
    return str(path)


@pytest.mark.parametrize("lose", [without_notes, with_damaged_notes])
def test_jobs_are_made_again_with_other_settings_whatever_became_of_the_notes(smoke_study, copy_of_study, change, lose):
    expected = planned(smoke_study[0], change)
    assert {"measure_flatness", "tabulate_feng2023"} & expected.keys()
    lose(copy_of_study)
    assert planned(copy_of_study, change) == expected


def test_what_was_only_touched_is_made_again(smoke_study, copy_of_study, change):
    run = snakemake("--touch", *SMOKE, change, folder=copy_of_study)
    assert run.returncode == 0, run.stderr
    assert planned(copy_of_study, change) == planned(smoke_study[0], change)


@pytest.mark.parametrize("lose", [without_notes, with_damaged_notes])
def test_nothing_is_made_again_for_want_of_notes_alone(copy_of_study, lose):
    lose(copy_of_study)
    assert planned(copy_of_study) == {}


def test_an_edit_with_an_old_time_is_seen_without_notes(copy_of_study):
    path = copy_of_study / "workflow" / "lib" / "sgdphysics" / "landscape.py"
    times = path.stat()
    path.write_text(path.read_text() + "\n# changed\n")
    subprocess.run(["touch", "-d", f"@{times.st_mtime}", str(path)], check=True)
    without_notes(copy_of_study)
    assert "measure_flatness" in planned(copy_of_study)


def test_no_record_is_written_over_results_of_other_settings(copy_of_study, tmp_path):
    """Snakemake is told to look at times alone: it would only write the record and the page."""
    record = copy_of_study / "results" / "smoke" / "provenance" / "ro-crate-metadata.json"
    record.unlink()
    run = snakemake(*SMOKE, with_change(tmp_path, "a setting"), "--rerun-triggers", "mtime", folder=copy_of_study)
    assert run.returncode != 0
    assert "not as measure_flatness would make them now: settings.flatness_factor was 2.718281828459045, is 3.0" in run.stderr
    assert "Traceback" not in run.stderr
    assert not record.exists()


@pytest.fixture(scope="module")
def record(smoke_study):
    return load(smoke_study[0], "smoke")


def differences(jobs, settings):
    """What is told of each job that was given other parameters than these settings say."""
    expected = StudyParameters(settings)
    told = (expected.first_difference(job.parameters, job.environment["wildcards"]) for job in jobs)
    return list(filter(None, told))


def leaves(settings, place=()):
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from leaves(value, (*place, key))
        else:
            yield (*place, key), value


def another(key, value):
    """Another value of a setting, as far as it may have one."""
    if key in OTHER_VALUES:
        return OTHER_VALUES[key]
    if isinstance(value, bool):
        return not value
    if key == "label_noise" and isinstance(value, float):
        return value / 2  # a share of less than 1
    if isinstance(value, list):
        return value[:-1] if len(value) > 1 else [*value, *value] if value else [1]
    return 2 * value + 1 if isinstance(value, int | float) else f"{value}x" if isinstance(value, str) else 3


def test_every_job_was_given_what_the_recorded_settings_say(record):
    assert len(record.jobs) > 60
    assert differences(record.jobs, record.facts["settings"]) == []


def test_every_setting_that_is_not_what_a_job_was_given_is_told(record):
    """Each setting alone is changed in the record, as if a job had run with the old one."""
    untold = set()
    for place, value in leaves(record.facts["settings"]):
        settings = copy.deepcopy(record.facts["settings"])
        part = settings
        for key in place[:-1]:
            part = part[key]
        part[place[-1]] = another(place[-1], value)
        if not differences(record.jobs, settings):
            untold.add(place[-1])
    assert untold <= REACH_NO_JOB


def test_an_audit_tells_a_record_whose_settings_are_not_those_of_its_jobs(smoke_study, tmp_path):
    """As records were written by an earlier version, over measurements that were made with the old setting."""
    path = "results/smoke/provenance/ro-crate-metadata.json"
    text = (smoke_study[0] / path).read_text()
    forged = json.loads(text)
    entity = next(entity for entity in forged["@graph"] if entity["@id"] == "#study/settings")
    settings = json.loads(entity["value"])
    settings["feng2021"]["flatness_factor"] = 3.0
    entity["value"] = json.dumps(settings, sort_keys=True)
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(json.dumps(forged))
    outdated = settings_since.outdated(load(tmp_path, "smoke"), lambda file, content: {})
    reasons = {job.rule: outdated(job).reason for job in load(tmp_path, "smoke").jobs if outdated(job)}
    assert "flatness_factor was 2.718281828459045, the settings say 3.0" in reasons["measure_flatness"]
