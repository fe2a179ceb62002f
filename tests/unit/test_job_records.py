import importlib.metadata
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of
from sgdphysics.provenance import job_records
from small_study import job, write

CODE, SCRIPT, INPUT, OUTPUT = "workflow/lib/sgdphysics/shared.py", "workflow/scripts/draw.py", "table.csv", "figure.svg"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Folder with the files of one job, where it runs."""
    monkeypatch.chdir(tmp_path)
    for name in (CODE, SCRIPT, INPUT, OUTPUT):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"old {name}")
    return tmp_path


def a_job(**other):
    return job("draw", [CODE, SCRIPT], [INPUT], [OUTPUT], "logs/draw.log", **other)


def record():
    return job_records.load(job_records.path_beside("logs/draw.log"))


def test_inputs_and_code_are_summed_before_the_work_and_outputs_after_it(folder):
    before = {name: sha256_of(folder / name) for name in (CODE, SCRIPT, INPUT)}
    with job_records.recorded(a_job()):
        for name in (CODE, SCRIPT, INPUT, OUTPUT):
            Path(name).write_text(f"newer {name}")
    found = record()
    assert found["inputs"] == {INPUT: before[INPUT]}
    assert found["code"] == {CODE: before[CODE], SCRIPT: before[SCRIPT]}
    assert found["outputs"] == {OUTPUT: {"sha256": sha256_of(folder / OUTPUT), "bytes": len(f"newer {OUTPUT}")}}


def test_a_record_says_what_the_job_was(folder):
    given = {"wildcards": {"paper": "feng2021", "seed": "7"}, "params": {"rate": 0.5, "seeds": (3, 4)}, "threads": 2}
    device = "none yet"
    with job_records.recorded(a_job(**given), lambda: device):
        device = "a device"
    found = record()
    assert found.keys() == job_records.KEYS | {"version", "plumbing", "variables"}
    assert found["version"] == job_records.VERSION
    assert (found["rule"], found["script"], found["threads"], found["device"]) == ("draw", SCRIPT, 2, "a device")
    assert (found["wildcards"], found["params"]) == (given["wildcards"], {"rate": 0.5, "seeds": [3, 4]})
    assert found["seeds"] == [3, 4, 7]


def test_a_record_says_which_libraries_a_user_has_put_in_place_of_others(folder, monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", "/home/x/libfast.so")
    with job_records.recorded(a_job()):
        pass
    assert record()["variables"]["LD_PRELOAD"] == "libfast.so"


def test_a_failed_job_leaves_no_record_not_even_an_older_one(folder):
    with job_records.recorded(a_job()):
        pass
    path = job_records.path_beside("logs/draw.log")
    with pytest.raises(ZeroDivisionError), job_records.recorded(a_job()):
        assert not path.exists()
        _ = 1 / 0
    assert not path.exists()


def test_a_job_without_its_output_leaves_no_record(folder):
    with pytest.raises(FileNotFoundError, match=OUTPUT), job_records.recorded(a_job()):
        Path(OUTPUT).unlink()
    assert not job_records.path_beside("logs/draw.log").exists()


def test_outputs_that_are_not_what_the_job_made_are_named(folder):
    log = "logs/draw.log"
    with pytest.raises(InputError, match="not a readable record of a job"):
        job_records.altered(log, [OUTPUT])
    with job_records.recorded(a_job()):
        pass
    assert job_records.altered(log, [OUTPUT]) == []
    assert job_records.altered(log, [Path(OUTPUT), INPUT]) == [INPUT]
    healthy = Path(OUTPUT).read_bytes()
    for damaged in (healthy[:-1], healthy + b"x", b""):
        Path(OUTPUT).write_bytes(damaged)
        assert job_records.altered(log, [OUTPUT]) == [OUTPUT]


def test_times_are_those_of_the_work_in_utc(folder):
    before = datetime.now(UTC)
    with job_records.recorded(a_job()):
        time.sleep(0.01)
        during = datetime.now(UTC)
        time.sleep(0.01)
    after = datetime.now(UTC)
    found = record()
    started, ended = (datetime.fromisoformat(found[key]) for key in ("started", "ended"))
    # Times have thousandths of a second.
    assert before.timestamp() - 0.001 <= started.timestamp() <= during.timestamp()
    assert during.timestamp() - 0.001 <= ended.timestamp() <= after.timestamp()
    assert (ended - started).total_seconds() == pytest.approx(found["seconds"], abs=0.002)
    assert found["started"].endswith("+00:00")


def test_the_peak_of_memory_is_that_of_the_process(tmp_path):
    code = """
import sys
sys.path[:0] = sys.argv[3:]
from small_study import job
from sgdphysics.provenance import job_records
with job_records.recorded(job("rule", log=sys.argv[2])):
    bytearray(int(sys.argv[1]))
print(job_records.load(job_records.path_beside(sys.argv[2]))["peak_memory_bytes"])
"""

    def peak(size):
        command = [sys.executable, "-c", code, str(size), str(tmp_path / "log"), *sys.path]
        return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)

    size = 300_000_000
    small, large = peak(1), peak(size)
    assert small > 1_000_000
    assert 0.8 * size < large - small < 1.2 * size


def test_packages_are_found_as_python_finds_them():
    of_module = importlib.metadata.packages_distributions()
    for module in ("numpy", "yaml", "mpl_toolkits", "matplotlib", "torch", "_pytest", "attr", "dateutil", "typing_extensions"):
        assert set(job_records.loaded_packages([module])) == set(of_module[module])
    assert set(job_records.loaded_packages(sys.modules)) >= {name for module in sys.modules for name in of_module.get(module, [])}


def test_packages_are_those_of_loaded_modules():
    found = job_records.loaded_packages(["numpy", "numpy.linalg", "yaml.nodes", "json", "no_such_module"])
    assert set(found) == {"numpy", "PyYAML"}
    assert found["numpy"] == np.__version__


@pytest.mark.parametrize("finder", ["importlib.metadata", "importlib_metadata"])
def test_packages_without_metadata_or_version_are_not_known(tmp_path, finder):
    """Also where a package has loaded the other finder of packages, which takes the place of Python's own for good."""
    names = ["bare", "nameless", "ageless"]
    files = {f"{name}/__init__.py": "" for name in names} | {"part.py": ""}
    for name, metadata in (("nameless", ""), ("ageless", "Name: ageless\n")):
        files[f"{name}-1.dist-info/METADATA"] = f"Metadata-Version: 2.1\n{metadata}"
        files[f"{name}-1.dist-info/RECORD"] = f"{name}/__init__.py,,\n"
    write(tmp_path, files)
    loaded = [*names, "part", "json", "sgdphysics", "yaml"]
    program = f"import {', '.join([finder, *loaded])}\nfrom sgdphysics.provenance import job_records\n"
    program += f"print(job_records.json.dumps(job_records.loaded_packages({loaded})))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=120)
    found = json.loads(run.stdout)
    found.pop("sgdphysics", None)  # where it is installed
    assert found == dict.fromkeys(names, "not known") | {"PyYAML": importlib.metadata.version("PyYAML")}


@pytest.mark.parametrize(
    ("text", "processor"),
    [
        (b"model name\t: A processor\n", "A processor"),
        (b"model name\t: Proces\xffor\n", "Proces\N{REPLACEMENT CHARACTER}or"),
        (b"CPU implementer\t: 0x41\n", "not known"),
        (b"model name\t:\n", "not known"),
        (None, "not known"),
    ],
)
def test_a_processor_that_the_system_does_not_name_is_not_known(monkeypatch, tmp_path, text, processor):
    if text is not None:
        (tmp_path / "cpuinfo").write_bytes(text)
    monkeypatch.setattr(job_records, "Path", lambda path: tmp_path / Path(path).name)
    monkeypatch.setattr(job_records.platform, "processor", lambda: "")
    assert job_records.machine()["processor"] == processor


@pytest.mark.parametrize(("system", "unit"), [("linux", 1024), ("darwin", 1)])
def test_without_the_peak_of_the_process_alone_that_of_the_system_counts(monkeypatch, tmp_path, system, unit):
    monkeypatch.setattr(job_records, "Path", lambda path: tmp_path / "nothing")
    monkeypatch.setattr(job_records.sys, "platform", system)
    monkeypatch.setattr(job_records.resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=3000))
    assert job_records._peak_memory() == 3000 * unit


def test_machine_and_libraries_are_told():
    assert all(job_records.machine().values())
    assert all(entry["internal_api"] and entry["num_threads"] for entry in job_records.libraries())
    assert json.dumps(job_records.libraries()) == json.dumps(job_records.libraries())
    assert job_records.libraries()  # numpy's, at least


@pytest.mark.parametrize(
    ("settings", "seeds"),
    [
        ({"seed": 3}, {3}),
        ({"seeds": [1, 2, 2]}, {1, 2}),
        ({"part": {"sweeps": [{"seeds": [5]}, {"seed": "6"}]}}, {5, 6}),
        ({"seeds": [[1], [2, 3]]}, {1, 2, 3}),
        ([{"seed": 0}, {"other": 1}], {0}),
        ({"seeds_per_chunk": 5, "seed": None, "rate": 0.1, "reseed": 4}, set()),
        ({"seed": 1.5}, set()),
        ({}, set()),
        (3, set()),
    ],
)
def test_seeds_are_found_at_any_depth(settings, seeds):
    assert job_records.seeds_in(settings) == seeds


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"rule": "draw"}', "\0\xff", "null"])
def test_what_is_no_record_is_named(folder, text):
    path = folder / "draw.job.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=f"^{path}: not a (readable )?record of a job") as error:
        job_records.load(path)
    assert "\n" not in str(error.value)


@pytest.fixture
def written(folder):
    """Path and content of a record."""
    with job_records.recorded(a_job()):
        pass
    path = job_records.path_beside("logs/draw.log")
    return path, json.loads(path.read_text())


def test_unknown_keys_are_let_be(written):
    path, content = written
    path.write_text(json.dumps({**content, "colour": "red"}))
    assert job_records.load(path) == {**content, "colour": "red"}


@pytest.mark.parametrize("key", sorted({*job_records.KEYS, "plumbing"}))
def test_a_record_that_lacks_anything_is_named(written, key):
    path, content = written
    del content[key]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"^{path}: not a record of a job as this version writes it$"):
        job_records.load(path)


def test_a_record_of_the_first_version_has_neither_number_nor_plumbing(written):
    path, content = written
    first = {key: content[key] for key in job_records.KEYS}
    path.write_text(json.dumps(first))
    assert job_records.load(path) == first


def test_a_record_of_a_later_version_is_refused_in_one_line(written):
    path, content = written
    later = job_records.VERSION + 1
    for changed in ({**content, "version": later}, {"version": later}):  # of which nothing else is known
        path.write_text(json.dumps(changed))
        with pytest.raises(InputError) as error:
            job_records.load(path)
        assert str(error.value) == f"{path}: a record of version {later}; this version of sgdphysics reads them up to {later - 1}"


@pytest.mark.parametrize("version", [0, -1, 1.5, "2", True, None, [2]])
def test_what_is_no_number_of_a_version_is_no_record(written, version):
    path, content = written
    path.write_text(json.dumps({**content, "version": version}))
    with pytest.raises(InputError, match="not a record of a job as this version writes it"):
        job_records.load(path)


def test_a_missing_record_is_named(tmp_path):
    path = tmp_path / "draw.job.json"
    with pytest.raises(InputError, match=f"^{path}: not a readable record"):
        job_records.load(path)


def test_library_files_that_are_not_code_of_the_job_are_its_plumbing(folder):
    shared = "workflow/lib/sgdphysics/files.py"
    library = Path(job_records.__file__).parents[1]
    (folder / shared).write_text((library / "files.py").read_text())
    with job_records.recorded(job("draw", [SCRIPT, shared], log="logs/draw.log")):
        pass
    plumbing = record()["plumbing"]
    for name in ("__init__.py", "errors.py", "provenance/__init__.py", "provenance/job_records.py"):
        assert plumbing[f"workflow/lib/sgdphysics/{name}"] == sha256_of(library / name)
    assert shared in record()["code"]
    assert not {shared, SCRIPT} & plumbing.keys()


def test_plumbing_is_what_was_loaded_before_or_during_the_work(folder):
    program = """
import sys
from small_study import job
from sgdphysics.provenance import job_records
with job_records.recorded(job("rule", log="log")):
    assert "sgdphysics.seeds" not in sys.modules
    import sgdphysics.seeds
"""
    subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": os.pathsep.join(sys.path)}, check=True, timeout=120)
    plumbing = job_records.load(job_records.path_beside("log"))["plumbing"]
    assert {f"workflow/lib/sgdphysics/{name}.py" for name in ("errors", "files", "seeds")} < plumbing.keys()
    assert "workflow/lib/sgdphysics/landscape.py" not in plumbing


def test_folders_of_this_machine_are_no_setting(tmp_path):
    log = tmp_path / "log"
    places = ["/a", "../annalovelace/a", "..", "~/a", "~annalovelace", "file:///a"]
    settings = ["data/b", "..b", "a/../b", "https://example.org/a", "1/2"]
    parameters = {"mirror": "/somewhere/else", "nested": {"folders": [*places, *settings]}, "number": 1}
    with job_records.recorded(job("rule", log=log, params=parameters)):
        pass
    place = "a place on this machine"
    found = job_records.load(job_records.path_beside(log))["params"]
    assert found == {"mirror": place, "nested": {"folders": [*([place] * len(places)), *settings]}, "number": 1}


def test_inputs_outside_of_the_project_are_known_by_sum_and_name(folder, tmp_path_factory):
    home = tmp_path_factory.mktemp("annalovelace")
    (home / "images").write_text("digits")
    sha256 = sha256_of(home / "images")
    (folder / "link").symlink_to(home)
    inside = ["table.csv", str(folder / SCRIPT), "link/images"]
    for outside in (str(home / "images"), os.path.relpath(home / "images", folder)):
        with job_records.recorded(job("draw", [CODE], [*inside, outside], log="logs/draw.log")):
            pass
        expected = {"table.csv": sha256_of("table.csv"), SCRIPT: sha256_of(SCRIPT), "link/images": sha256}
        assert record()["inputs"] == {**expected, f"outside/{sha256[:10]}/images": sha256}
        assert "annalovelace" not in job_records.path_beside("logs/draw.log").read_text()


@pytest.mark.parametrize(
    "damage",
    [
        {"outputs": []},
        {"outputs": {"table.csv": "text"}},
        {"inputs": None},
        {"ended": None},
        {"params": [1]},
    ],
    ids=str,
)
def test_a_record_of_other_types_is_none(folder, damage):
    with job_records.recorded(job("draw", log="logs/draw.log")):
        pass
    path = job_records.path_beside("logs/draw.log")
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with pytest.raises(InputError, match="not a record of a job as this version writes it"):
        job_records.load(path)


def test_a_record_nested_too_deep_is_none(tmp_path):
    path = tmp_path / "deep.job.json"
    path.write_text("[" * 200_000)
    with pytest.raises(InputError, match="not a readable record"):
        job_records.load(path)
