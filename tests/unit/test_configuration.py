"""The files of config/, read and checked: what is wrong is one line that names the file and the place."""

import shutil
from pathlib import Path

import pytest

from sgdphysics.errors import InputError
from sgdphysics.study import plans
from sgdphysics.study.configuration import Configuration, check_files, content_of, laid_over

ROOT = Path(__file__).parents[2]
SIZE = r"expected 0 or a size from 1e-09 to 1e\+09"


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
        ("own", {"directory": "my data\n"}, "datasets.own.directory: 'my data\\n' does not match '^[^{}"),
        ("Own", {}, "datasets: 'Own' does not match"),
        ("own\n", {}, "datasets: 'own\\n' does not match"),
        ("o" * 101, {}, f"datasets: '{'o' * 101}' is too long"),
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
        ("a: {b: 1}\na: {c: 2}\n", r"own.yaml: a: found twice, in lines 1 and 2, expected once$"),
        ("a:\n  b: 1\n  c: {d: 1, d: 2}\n", r"own.yaml: d: found twice, in lines 3 and 3, expected once$"),
        ("1: a\n1: b\n", r"own.yaml: 1: found twice, in lines 1 and 2, expected once$"),
        ("version: 2024-02-30", r"own.yaml: found a value that YAML cannot read \(day .*\), expected it in quotes$"),
        ("a: !!int x", r"own.yaml: found a value that YAML cannot read \(.*\), expected it in quotes$"),
        ("a: !!timestamp x", r"own.yaml: found a value that YAML cannot read \(.*\), expected it in quotes$"),
        ("[" * 3000, r"own.yaml: found lists or settings that are nested too deep$"),
        (None, r"own.yaml: .*No such file"),
    ],
)
def test_a_file_that_holds_no_settings_is_named(root, content, message):
    path = root / "own.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message):
        laid_over(root, [path])


def test_seeds_may_be_as_large_as_they_like(root):
    settings = laid_over(root)
    settings["studies"]["mnist5k"]["feng2023"]["seeds"] = [2**62]
    assert Configuration(root, settings).studies["mnist5k"]["feng2023"]["seeds"] == [2**62]


def test_a_wrong_setting_is_named(root):
    settings = laid_over(root)
    settings["studies"]["mnist5k"]["feng2021"]["learning_rates"] = []
    with pytest.raises(InputError, match=r"^config error: studies.mnist5k.feng2021.learning_rates: \[\] should be non-empty"):
        Configuration(root, settings)


@pytest.mark.parametrize("name", ["datasets", "costs", "claims"])
def test_a_key_twice_in_any_file_of_config_is_named(root, name):
    path = root / "config" / f"{name}.yaml"
    first = {"datasets": "  mnist5k:", "costs": "processor:", "claims": "claims:"}[name]
    path.write_text(f"{path.read_text()}\n{first} twice\n")
    key = first.strip(" :")
    with pytest.raises(InputError, match=rf"^config/{name}.yaml: {key}: found twice, in lines \d+ and \d+, expected once$"):
        configuration = Configuration(root, laid_over(root))
        assert configuration.costs
        assert configuration.claims


def test_files_that_others_read_are_checked_too(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.json"
    good.write_text("studies: {mine: {like: mnist5k}}\n")
    bad.write_text('{"study": "mine",\n "study": "yours"}')
    check_files([good])
    with pytest.raises(InputError, match=r"bad.json: study: found twice, in lines 1 and 2, expected once$"):
        check_files([str(good), str(bad)])


def test_a_key_that_overrides_a_merged_one_is_there_once():
    assert content_of("base: &base {a: 1, b: 2}\nother: {<<: *base, b: 3}\n") == {
        "base": {"a": 1, "b": 2},
        "other": {"a": 1, "b": 3},
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("on: 1", r"top level: found the name True, expected text \(in quotes: YAML reads on, yes, 1 otherwise\)"),
        ("studies: {2024: {like: mnist5k}}", r"studies: found the name 2024, expected text"),
        ("studies: {mine: {like: mnist5k, no: 1}}", r"studies.mine: found the name False, expected text"),
        ("studies: {~: {like: mnist5k}, 1: {like: 2}}", r"studies: found the name None, .*; studies: found the name 1, "),
        (
            "studies: {mnist5k: {feng2021: {learning_rates: [.nan, 0.1], stop_loss: .inf}}}",
            r"studies.mnist5k.feng2021.learning_rates\[0\]: found nan, expected a finite number; "
            r"studies.mnist5k.feng2021.stop_loss: found inf, expected a finite number$",
        ),
        ("studies: {mnist5k: {feng2023: {stop_loss: -.inf}}}", r"feng2023.stop_loss: found -inf, expected a finite number$"),
        (
            f"studies: {{mnist5k: {{feng2023: {{seeds: [{10**30}]}}}}}}",
            r"feng2023.seeds\[0\]: found a whole number too large, expected a finite number$",
        ),
        ("studies: {mnist5k: {feng2021: {hidden_widths: [50.0, 50]}}}", r"hidden_widths\[0\]: 50.0 is not of type 'integer'$"),
        ("studies: {mnist5k: {feng2021: {seeds: [yes]}}}", r"feng2021.seeds\[0\]: True is not of type 'integer'$"),
        (
            "studies: {runs: {like: mnist5k}}",
            r"^config error: studies: found the name 'runs', which is reserved; expected another one$",
        ),
        ("studies: {none: {like: mnist5k}}", r"studies: found the name 'none', which is reserved"),
        ('studies: {"mine\\n": {like: mnist5k}}', r"studies: 'mine\\n' does not match"),
        ("studies: {Mine: {like: mnist5k}}", r"studies: 'Mine' does not match"),
        (f"studies: {{{'a' * 101}: {{like: mnist5k}}}}", r"studies: 'a+' is too long"),
        (
            "studies: {a: {like: [mnist5k]}}",
            r"^config error: studies.a.like: found \['mnist5k'\], expected another study: mnist5k$",
        ),
        ("studies: {a: {like: {x: 1}}}", r"^config error: studies.a.like: found \{'x': 1\}, expected another study: mnist5k$"),
        ("studies: &s {a: {like: mnist5k, feng2021: *s}}", r"^config error: found settings that hold themselves \(&name, \*name\)"),
        ("studies: {mnist5k: {feng2021: {checkpoints_per_decade: 4611686018427387904}}}", r"is greater than the maximum of 1000$"),
        ("studies: {mnist5k: {feng2021: {hidden_widths: [4611686018427387904, 5]}}}", r"is greater than the maximum of 100000$"),
        ("studies: {mnist5k: {yang2023: {toy: {landscapes: {barrier: 1.0e-300}}}}}", rf"landscapes.barrier: found 1e-300, {SIZE}$"),
        ("studies: {mnist5k: {yang2023: {toy: {relaxation: 1.0e+300}}}}", rf"toy.relaxation: found 1e\+300, {SIZE}$"),
        ("studies: {mnist5k: {yang2023: {toy: {kappas: [1.0e-300, 1]}}}}", rf"toy.kappas\[0\]: found 1e-300, {SIZE}$"),
        ("studies: {mnist5k: {feng2023: {control_epochs: 2000000000}}}", rf"feng2023.control_epochs: found 2e\+09, {SIZE}$"),
    ],
)
def test_what_json_does_not_know_and_names_that_cannot_be_are_one_line(root, content, message):
    path = root / "own.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match=message) as error:
        Configuration(root, laid_over(root, [path]))
    assert "\n" not in str(error.value)
