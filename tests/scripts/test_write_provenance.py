"""The script that writes the record of a study: from the records of its jobs, or not at all."""

import base64
import contextlib
import hashlib
import json
import runpy
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import small_study as small
from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of
from sgdphysics.provenance import audit, job_records
from sgdphysics.tensors import save_tensors

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "workflow" / "scripts" / "write_provenance.py"), run_name="script")
PREPARED = "data/digits.safetensors"
ENTRY = {"description": "Digits", "version": "1", "licence": "free", "citation": "Somebody, 1998"}
SETTINGS = {"dataset": "digits", "part": {"rate": 0.5, "seeds": [1, 2]}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Folder in which the jobs have run; the record is not written."""
    small.finish(tmp_path)
    for name in (small.CRATE, small.PAGE):
        (tmp_path / name).unlink()
    monkeypatch.chdir(tmp_path)
    metadata = {"origin": "a package", "files_sha256": {}, "arrays_sha256": {"images": "1" * 64}}
    save_tensors(tmp_path / PREPARED, {"images": torch.zeros(2)}, metadata)
    return tmp_path


def write(results=(small.FIGURE, small.LEDGER), logs=("results/small/logs", "no/such/folder")):
    outputs = {"crate": small.CRATE, "settings": f"{small.FOLDER}/settings.yaml", "readme": f"{small.FOLDER}/README.md"}
    details = {"settings": SETTINGS, "dataset": ENTRY, "configuration": [small.CONFIGURATION, "config/small.yaml"]}
    details |= {"command_line": {}, "logs": logs}
    SCRIPT["write"]("small", results, [*small.FURTHER, PREPARED], details, {key: Path(path) for key, path in outputs.items()})


def test_what_is_written_can_be_audited(folder):
    write()
    small.publish(folder, (folder / small.CRATE).read_text())
    assert small.states(folder) == {}
    record = audit.load(folder, "small")
    code = {name for above in small.MADE_FROM.values() for name in above}
    parts = {f"{small.FOLDER}/README.md", f"{small.FOLDER}/settings.yaml"}
    assert set(record.sums) == {*small.MADE_FROM, *code, *parts, *small.FURTHER, PREPARED}
    assert yaml.safe_load((folder / small.FOLDER / "settings.yaml").read_text()) == SETTINGS == record.facts["settings"]
    assert record.facts["configuration_files"] == [small.CONFIGURATION, "config/small.yaml"]
    assert record.data_sets[PREPARED]["origin"] == "a package"
    assert record.packages["numpy"] == np.__version__
    readme = (folder / small.FOLDER / "README.md").read_text()
    assert "sgdphysics audit --all --study small" in readme


def test_the_same_records_make_the_same_bytes(folder):
    write()
    before = {path.name: path.read_bytes() for path in (folder / small.FOLDER).iterdir()}
    assert len(before) == 3
    write(results=(small.LEDGER, small.FIGURE))
    assert {path.name: path.read_bytes() for path in (folder / small.FOLDER).iterdir()} == before


def test_an_output_that_was_changed_after_its_job_is_recorded_as_the_job_left_it(folder):
    made = sha256_of(folder / small.UNREAD)
    (folder / small.UNREAD).write_text("changed between job and record")
    write()
    assert audit.load(folder, "small").sums[small.UNREAD] == made


@pytest.mark.parametrize("text", [None, "{", "{}"])
def test_without_the_record_of_a_job_there_is_none_of_the_study(folder, text):
    path = job_records.path_beside("results/small/logs/draw.log")
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(
        InputError, match="no record of the job that made them, the first is" if text is None else f"^{path}: not a"
    ):
        write()
    assert not (folder / small.CRATE).exists()


def test_packages_are_summed_as_they_are_installed():
    found = SCRIPT["packages"]([{"packages": {"numpy": np.__version__}}, {"packages": {"PyYAML": yaml.__version__}}])
    assert list(found) == ["PyYAML", "numpy"]
    assert all(len(facts["sha256"]) == 64 for facts in found.values())
    assert found["numpy"]["version"] == np.__version__
    again = SCRIPT["installed"]("numpy", {np.__version__})
    assert again["sha256"] == found["numpy"]["sha256"] != found["PyYAML"]["sha256"]


def test_packages_that_are_others_now_are_told_and_not_summed():
    found = SCRIPT["packages"]([{"packages": {"numpy": np.__version__, "gone": "1"}}, {"packages": {"numpy": "0.1"}}])
    assert found["gone"] == {"version": "1", "description": "not installed any more"}
    assert found["numpy"] == {"version": f"0.1 and {np.__version__}", "description": "another version is installed now"}
    assert SCRIPT["installed"]("numpy", {"0.1"}) == {"description": "another version is installed now"}


def test_an_altered_package_is_told(tmp_path, monkeypatch):
    module, information = tmp_path / "invented.py", tmp_path / "invented-1.0.dist-info"
    module.write_text("a = 1\n")
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: invented\nVersion: 1.0\n")
    digest = hashlib.sha256(b"a = 1\n").digest()
    encoded = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    (information / "RECORD").write_text(f"invented.py,sha256={encoded},6\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = SCRIPT["installed"]("invented", {"1.0"})
    assert before["description"] == "altered since installation: nothing"
    module.write_text("a = 2\n")
    after = SCRIPT["installed"]("invented", {"1.0"})
    assert after["description"] == "altered since installation: invented.py"
    assert after["sha256"] != before["sha256"]


def test_commit_and_changed_files_are_those_of_the_repository(tmp_path):
    def git(*arguments):
        names = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
        return subprocess.run(["git", *names, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    with contextlib.chdir(tmp_path):
        assert SCRIPT["state_of_repository"]() == (None, [])  # no commit yet
        small.write(tmp_path, {"a.txt": "a", "b.txt": "b"})
        git("add", ".")
        git("commit", "--quiet", "--message", "All")
        commit = git("rev-parse", "HEAD")
        assert SCRIPT["state_of_repository"]() == (commit, [])
        small.write(tmp_path, {"b.txt": "changed", "new.txt": "new"})
        assert SCRIPT["state_of_repository"]() == (commit, ["b.txt", "new.txt"])


def test_outside_of_a_repository_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert SCRIPT["state_of_repository"]() == (None, [])
    monkeypatch.setenv("PATH", "")
    assert SCRIPT["state_of_repository"]() == (None, [])  # no git at all


def test_where_fetched_data_came_from_is_told(folder):
    small.write(folder, {"data/digits/sources.json": json.dumps({"images.gz": {"mirror": "https://example.org"}})})
    metadata = {"origin": "mirrors", "files_sha256": {"images.gz": "2" * 64}, "arrays_sha256": {}}
    save_tensors(folder / PREPARED, {"images": torch.zeros(2)}, metadata)
    facts = SCRIPT["data_set"]("digits", ENTRY)[PREPARED]
    assert facts["mirrors"] == {"images.gz": "https://example.org"}
    assert facts["payload_sha256"] == {"images.gz": "2" * 64}
    assert {key: facts[key] for key in ENTRY} == ENTRY
