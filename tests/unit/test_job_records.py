import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of
from sgdphysics.provenance import job_records
from small_study import job

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
    assert found.keys() == job_records.KEYS
    assert (found["rule"], found["script"], found["threads"], found["device"]) == ("draw", SCRIPT, 2, "a device")
    assert (found["wildcards"], found["params"]) == (given["wildcards"], {"rate": 0.5, "seeds": [3, 4]})
    assert found["seeds"] == [3, 4, 7]


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


def test_packages_are_those_of_loaded_modules():
    found = job_records.loaded_packages(["numpy", "numpy.linalg", "yaml.nodes", "json", "no_such_module"])
    assert set(found) == {"numpy", "PyYAML"}
    assert found["numpy"] == np.__version__


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


def test_a_record_of_another_version_and_a_missing_one_are_named(folder):
    with job_records.recorded(a_job()):
        pass
    path = job_records.path_beside("logs/draw.log")
    content = json.loads(path.read_text())
    for changed in ({**content, "colour": "red"}, {key: content[key] for key in content if key != "seeds"}):
        path.write_text(json.dumps(changed))
        with pytest.raises(InputError, match="not a record of a job as this version writes it"):
            job_records.load(path)
    path.unlink()
    with pytest.raises(InputError, match=f"^{path}: not a readable record"):
        job_records.load(path)


def test_folders_of_this_machine_are_no_setting(tmp_path):
    log = tmp_path / "log"
    parameters = {"mirror": "/somewhere/else", "nested": {"folders": ["/a", "data/b"]}, "number": 1}
    with job_records.recorded(job("rule", log=log, params=parameters)):
        pass
    place = "a place on this machine"
    found = job_records.load(job_records.path_beside(log))["params"]
    assert found == {"mirror": place, "nested": {"folders": [place, "data/b"]}, "number": 1}
