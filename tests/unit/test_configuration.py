"""The files of config/, read and checked: what is wrong is one line that names the file and the place."""

import shutil
from pathlib import Path

import pytest

from sgdphysics.errors import InputError
from sgdphysics.study import plans
from sgdphysics.study.configuration import Configuration, laid_over

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path):
    for name in ("config", "workflow/schemas"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_files_of_this_checkout_are_good():
    configuration = Configuration(ROOT, laid_over(ROOT, [ROOT / "config" / "mnist.yaml"]))
    assert configuration.study == "mnist"
    assert {"mnist5k", "mnist"} <= configuration.studies.keys()
    assert configuration.claims
    assert "rules" in configuration.costs


def test_a_source_of_data_that_there_is_not_is_named(root):
    path = root / "config" / "datasets.yaml"
    path.write_text(path.read_text().replace("loader: digits", "loader: numerals"))
    with pytest.raises(
        InputError, match=r"datasets.yaml: datasets.digits.loader: found 'numerals', expected one of digits, mnist5k$"
    ):
        Configuration(root, laid_over(root))


OWN = {
    "kind": "idx_directory",
    "version": "1",
    "description": "Clusters in 40 numbers",
    "licence": "none",
    "citation": "nobody",
    "image_shape": [40],
    "classes": 6,
    "training_images": 4000,
    "maximum": 16,
    "directory": "~/mine",
}


def with_own(root, name="own", **changes):
    """Settings with a data set of one's own, and a study on it."""
    settings = laid_over(root)
    settings["studies"]["mine"] = {"like": "mnist5k", "dataset": "own", "feng2023": {"sweeps": {"images_per_class": [20]}}}
    return {**settings, "study": "mine", "datasets": {"own": OWN, name: {**OWN, **changes}}}


def test_data_sets_may_be_declared_beside_the_studies(root):
    configuration = Configuration(root, with_own(root))
    assert configuration.datasets["own"] == OWN
    assert {"mnist5k", "mnist", "digits", "own"} == configuration.datasets.keys()
    jobs = plans.jobs_of(configuration.studies, "mine", configuration.datasets, configuration.costs)
    assert sum(job.networks for job in jobs) > 100


def test_a_data_set_of_the_registry_may_be_declared_again_as_it_is(root):
    entry = Configuration(root, laid_over(root)).datasets["mnist"]
    assert Configuration(root, {**laid_over(root), "datasets": {"mnist": entry}}).datasets["mnist"] == entry


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("own", {"image_shape": [1, 2, 3]}, "datasets.own.image_shape: [1, 2, 3] is too long"),
        ("own", {"image_shape": []}, "datasets.own.image_shape: [] should be non-empty"),
        ("own", {"image_shape": "28 x 28"}, "datasets.own.image_shape: '28 x 28' is not of type 'array', 'null'"),
        ("own", {"maximum": 256}, "datasets.own.maximum: 256 is greater than the maximum of 255"),
        ("own", {"maximum": 0}, "datasets.own.maximum: 0 is less than the minimum of 1"),
        ("own", {"directory": "my {data}"}, "datasets.own.directory: 'my {data}' does not match '^[^{}"),
        ("own", {"folder": "x"}, "datasets.own: unknown folder; known are citation, classes, description, directory"),
        ("Own", {}, "datasets: 'Own' does not match"),
        (
            "mnist",
            {},
            'datasets.mnist.kind was "idx_download", is "idx_directory", and config/datasets.yaml has this name already: '
            "other data need another name",
        ),
        (
            "other",
            {"kind": "embedded", "loader": "numerals", "sha256": "0" * 64},
            "datasets.other: unknown directory, maximum; known are",
        ),
    ],
)
def test_a_wrong_data_set_of_one_s_own_is_named(root, name, changes, message):
    with pytest.raises(InputError) as caught:
        Configuration(root, with_own(root, name, **changes))
    assert str(caught.value).startswith(f"config error: {message}")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("datasets", [None, [], 3, {}, {"own": None}])
def test_data_sets_that_are_none_are_named(root, datasets):
    with pytest.raises(InputError, match=r"^config error: datasets"):
        Configuration(root, {**laid_over(root), "datasets": datasets})


def test_a_source_that_there_is_not_is_named_where_it_is_declared(root):
    entry = {key: value for key, value in OWN.items() if key not in ("directory", "maximum")}
    entry |= {"kind": "embedded", "loader": "numerals", "sha256": "0" * 64}
    with pytest.raises(InputError, match=r"^config error: datasets.own.loader: found 'numerals', expected one of digits, mnist5k$"):
        Configuration(root, {**laid_over(root), "datasets": {"own": entry}})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"own.yaml: found None, expected settings by name$"),
        ("[1]", r"own.yaml: found \[1\], expected settings by name$"),
        ("a: [", r"own.yaml: not YAML: "),
        (None, r"own.yaml: .*No such file"),
    ],
)
def test_a_file_that_holds_no_settings_is_named(root, content, message):
    path = root / "own.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message):
        laid_over(root, [path])


def test_a_wrong_setting_is_named(root):
    settings = laid_over(root)
    settings["studies"]["mnist5k"]["feng2021"]["learning_rates"] = []
    with pytest.raises(InputError, match=r"^config error: studies.mnist5k.feng2021.learning_rates: \[\] should be non-empty"):
        Configuration(root, settings)
