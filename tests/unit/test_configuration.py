"""The files of config/, read and checked: what is wrong is one line that names the file and the place."""

import shutil
from pathlib import Path

import pytest

from sgdphysics.errors import InputError
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
