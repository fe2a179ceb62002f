"""The script that writes the record of a study: from the records of its jobs, or not at all."""

import contextlib
import json
import runpy
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import crate_validation
import small_study as small
from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of
from sgdphysics.provenance import audit, job_records
from sgdphysics.provenance.record import LEFT_OUT
from sgdphysics.provenance.rule_dates import RuleDate
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


def write(results=(small.FIGURE, small.LEDGER), logs=("results/small/logs", "no/such/folder"), further=(PREPARED,), earlier=None):
    outputs = {"crate": small.CRATE, "settings": f"{small.FOLDER}/settings.yaml", "readme": f"{small.FOLDER}/README.md"}
    details = {"settings": SETTINGS, "dataset": ENTRY, "configuration": [small.CONFIGURATION, "config/small.yaml"]}
    details |= {"command_line": {}, "logs": logs}
    SCRIPT["write"](
        "small", results, [*small.FURTHER, *further], details, {key: Path(path) for key, path in outputs.items()}, earlier
    )


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
    assert len(before) == 4
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


@pytest.fixture
def published(folder):
    """The study as it was published at the first of two commits, without its data and logs; by the second code has changed."""
    git(folder, "init", "--quiet")
    git(folder, "add", "Snakefile", "workflow", "config")
    git(folder, "commit", "--quiet", "--message", "first")
    path = job_records.path_beside("results/small/logs/prepare.log")
    record = job_records.load(path)
    record["outputs"][PREPARED] = {"sha256": sha256_of(PREPARED), "bytes": Path(PREPARED).stat().st_size}
    path.write_text(json.dumps(record))
    write(further=())
    small.publish(folder, (folder / small.CRATE).read_text())
    shutil.rmtree(folder / "data")
    shutil.rmtree(folder / "results/small/logs")
    small.write(folder, {f"results/small/{LEFT_OUT}": "data/\n", small.LIBRARY: "# newer\n"})
    git(folder, "mv", f"{small.SCRIPTS}/tabulate_b.py", f"{small.SCRIPTS}/tabulate_c.py")
    git(folder, "add", "results", "figures")
    git(folder, "commit", "--quiet", "--all", "--message", "second")
    return folder


def git(folder, *arguments):
    names = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    return subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_results_without_records_of_their_jobs_are_those_of_the_earlier_record(published):
    """Which lies where the new one is written, and is explained by neither logs nor data."""
    before = sha256_of(published / small.CRATE)
    data = audit.load(published, "small").data_sets
    small.run_job(published, "draw", {small.FIGURE: "<svg>newer</svg>\n"})
    with pytest.raises(InputError, match=f"1 files have no record of the job that made them, the first is {small.LEDGER}"):
        write(further=())
    write(further=(), earlier=Path(small.CRATE))
    small.publish(published, (published / small.CRATE).read_text())
    left_out = ("not kept", "this copy of the study leaves it out")
    assert small.states(published) == dict.fromkeys([small.DATA, PREPARED], left_out)
    record = audit.load(published, "small")
    first, second = git(published, "rev-parse", "HEAD~1"), git(published, "rev-parse", "HEAD")
    assert (record.commit, record.facts["dirty"]) == (second, False)
    assert {job.rule: job.commit for job in record.jobs} == dict.fromkeys(small.RULES, first) | {"draw": second}
    assert [(entry["commit"], entry["sha256"]) for entry in record.facts["earlier_records"]] == [(first, before)]
    assert sorted(code.path for code in record.earlier_code.values()) == [small.LIBRARY, f"{small.SCRIPTS}/tabulate_b.py"]
    assert f"{small.SCRIPTS}/tabulate_a.py" in record.sums
    assert not {small.LIBRARY, f"{small.SCRIPTS}/tabulate_b.py"} & record.sums.keys()
    assert record.data_sets == data
    assert data[PREPARED]["origin"] == "a package"


def test_rules_of_claims_have_the_commit_that_is_checked_out_or_none(folder):
    write()
    assert {date.commit for date in audit.load(folder, "small").rules.values()} == {"not known: no repository here"}
    git(folder, "init", "--quiet")
    git(folder, "add", "Snakefile", "workflow", "config")
    git(folder, "commit", "--quiet", "--message", "all")
    write()
    date = datetime.fromisoformat(git(folder, "log", "-1", "--format=%cI")).astimezone(UTC).isoformat()
    commit = RuleDate(git(folder, "rev-parse", "HEAD"), date)
    assert audit.load(folder, "small").rules == {"first": commit, "second": commit}
    assert crate_validation.failed_checks(folder / small.FOLDER, folder / "contexts") == dict.fromkeys(
        crate_validation.EXCEPTIONS, "RECOMMENDED"
    )
    small.write(folder, {"config/claims.yaml": "claims: [{id: first, kind: other}, {id: second}]\n"})
    git(folder, "commit", "--quiet", "--all", "--message", "another rule than that which decided")
    write()
    unknown = RuleDate("not known: not as the commit that is checked out has it")
    assert audit.load(folder, "small").rules == {"first": unknown, "second": commit}


def test_a_ledger_that_is_taken_over_keeps_what_its_record_says_of_rules(published):
    """Today's ledger has other rules, and a record of before says nothing of them."""
    rules = audit.load(published, "small").rules
    assert {date.commit for date in rules.values()} == {git(published, "rev-parse", "HEAD~1")}
    small.write(published, {"config/claims.yaml": "claims: [{id: first, kind: other}, {id: third}]\n"})
    git(published, "commit", "--quiet", "--all", "--message", "other rules")
    write(further=(), earlier=Path(small.CRATE))
    assert audit.load(published, "small").rules == rules
    content = json.loads((published / small.CRATE).read_text())
    content["@graph"] = [entity for entity in content["@graph"] if not entity["@id"].startswith("#rule/")]
    (published / small.CRATE).write_text(json.dumps(content))
    write(further=(), earlier=Path(small.CRATE))
    assert audit.load(published, "small").rules == {}


def test_changed_code_is_a_change_since_the_commit_and_a_changed_result_is_none(published):
    small.run_job(published, "draw", {small.FIGURE: "<svg>newer</svg>\n"})
    small.write(published, {f"{small.SCRIPTS}/draw.py": "# newest\n", "figures/small/other.svg": "x", "new.txt": "x"})
    git(published, "rm", "--quiet", "--cached", small.READ)
    write(further=(), earlier=Path(small.CRATE))
    assert audit.load(published, "small").facts["changed_files"] == ["new.txt", f"{small.SCRIPTS}/draw.py"]


def test_code_that_was_changed_while_its_job_ran_and_is_not_any_more_is_a_change(folder):
    git(folder, "init", "--quiet")
    git(folder, "add", "Snakefile", "workflow", "config", "results", "figures", "data")
    git(folder, "commit", "--quiet", "--message", "all")
    script = Path(small.SCRIPTS) / "draw.py"
    committed = script.read_text()
    script.write_text("# other code\n")
    path = job_records.path_beside("results/small/logs/draw.log")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"code": {str(script): sha256_of(script)}}))
    script.write_text(committed)
    assert git(folder, "status", "--porcelain", "workflow") == ""
    write()
    assert audit.load(folder, "small").facts["changed_files"] == [str(script)]


def found_by_jobs(*jobs):
    """What the record says of numpy, by versions, sums and altered files that jobs found."""
    keys = ("packages", "package_sums", "altered_packages")
    records = [{key: {"numpy": value} for key, value in zip(keys, job, strict=False) if value != ""} for job in jobs]
    return SCRIPT["packages"](records)["numpy"]


NOT_LOOKED = "not known: not all jobs that loaded it looked"


@pytest.mark.parametrize(
    ("jobs", "version", "sha256", "altered"),
    [
        ([("2", "a", []), ("2", "a", [])], "2", "a", "nothing"),
        ([("2", "a", []), ("2", "b", ["x.py"])], "2", "a and b", "x.py"),
        ([("2", "b", ["y.py", "x.py"]), ("2", "b", ["x.py"])], "2", "b", "x.py, y.py"),
        ([("2", "a", []), ("1", "b", [])], "1 and 2", "a and b", "nothing"),
        ([("2", "", ["not known: no list"])], "2", None, "not known: no list"),
        ([("2",)], "2", None, NOT_LOOKED),
        ([("2", "a", ["x.py"]), ("2",)], "2", "a", f"{NOT_LOOKED}, x.py"),
    ],
)
def test_packages_are_told_as_the_jobs_found_them(jobs, version, sha256, altered):
    found = found_by_jobs(*jobs)
    assert found["version"] == version
    assert found.get("sha256") == sha256
    assert found["description"] == f"altered since installation: {altered}"


def test_this_library_is_no_installed_package_of_its_jobs():
    found = SCRIPT["packages"]([{"packages": {"sgdphysics": "0.1"}, "package_sums": {}, "altered_packages": {}}])
    assert found == {"sgdphysics": {"version": "0.1", "description": "jobs run the code of this project in its place"}}


def test_a_package_without_metadata_has_no_sum():
    assert found_by_jobs(("not known",)) == {"version": "not known", "description": "not known: it has no metadata"}


def in_every_record(folder, change):
    for path in (folder / "results/small/logs").glob("*.job.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | change(path.name.partition(".")[0])))


def test_jobs_keep_the_sums_of_packages_of_which_they_had_different_ones(folder):
    def packages_of(rule):
        sums = {"numpy": "1" * 64, "PyYAML": ("2" if rule == "draw" else "3") * 64}
        altered = {"PyYAML": ["yaml/a.py"]} if rule == "draw" else {}
        return {"packages": {"numpy": "2", "PyYAML": "6"}, "package_sums": sums, "altered_packages": altered}

    in_every_record(folder, packages_of)
    write()
    record = audit.load(folder, "small")
    assert record.package_facts["numpy"] == {"sha256": "1" * 64, "description": "altered since installation: nothing"}
    assert record.package_facts["PyYAML"]["sha256"] == f"{'2' * 64} and {'3' * 64}"
    found = {job.rule: (job.environment["package_sums"], job.environment["altered_packages"]) for job in record.jobs}
    assert found["draw"] == ({"PyYAML": "2" * 64}, {"PyYAML": ["yaml/a.py"]})
    assert found["prepare"] == ({"PyYAML": "3" * 64}, {})
    small.publish(folder, (folder / small.CRATE).read_text())
    code, out, _ = small.answer(folder, "audit", small.FIGURE)
    assert (code, "package PyYAML 6, altered since installation: yaml/a.py" in out.splitlines()) == (1, True)
    assert small.answer(folder, "audit", small.READ)[0] == 0


def test_what_an_earlier_record_says_of_packages_as_a_whole_stays_with_its_jobs(published):
    """And is not said of jobs that were run since."""
    content = (
        (published / small.CRATE)
        .read_text()
        .replace(f"altered since installation: {NOT_LOOKED}", "altered since installation: x.py")
    )
    assert "x.py" in content
    (published / small.CRATE).write_text(content)
    small.run_job(published, "draw", {small.FIGURE: "<svg>newer</svg>\n"})
    path = job_records.path_beside("results/small/logs/draw.log")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"package_sums": {}, "altered_packages": {}}))
    write(further=(), earlier=Path(small.CRATE))
    found = {job.rule: job.environment["altered_packages"] for job in audit.load(published, "small").jobs}
    assert found.pop("draw") == {}
    assert all(files == ["x.py"] for altered in found.values() for files in altered.values())
    assert all(found.values())


def test_where_fetched_data_came_from_is_told(folder):
    small.write(folder, {"data/digits/sources.json": json.dumps({"images.gz": {"mirror": "https://example.org"}})})
    metadata = {"origin": "mirrors", "files_sha256": {"images.gz": "2" * 64}, "arrays_sha256": {}}
    save_tensors(folder / PREPARED, {"images": torch.zeros(2)}, metadata)
    facts = SCRIPT["data_set"]("digits", ENTRY)[PREPARED]
    assert facts["mirrors"] == {"images.gz": "https://example.org"}
    assert facts["payload_sha256"] == {"images.gz": "2" * 64}
    assert {key: facts[key] for key in ENTRY} == ENTRY


HOME = "home/annalovelace"  # in the folder beside the project


@pytest.fixture
def beside(folder):
    """Folder of a user outside of the project, with settings and own images, on which the data set stands."""
    project = folder / "project"
    project.mkdir()
    for name in ("results", "figures", "data", "workflow", "config", "Snakefile"):
        (folder / name).rename(project / name)
    home = folder / HOME
    small.write(home, {"settings.yaml": f"mirror: {home}/files\n{small.SETTINGS['config/small.yaml']}", "images/train": "digits"})
    (project / "config/small.yaml").unlink()
    own = f"datasets: {{digits: {{version: '1', licence: free, directory: {home}/images}}}}\n"
    small.write(project, {"config/datasets.yaml": own})
    params = {"entry": yaml.safe_load(own)["datasets"]["digits"]}
    code, log = [f"{small.SCRIPTS}/prepare.py"], "results/small/logs/prepare.log"
    with contextlib.chdir(project):
        job = small.job("prepare", code, [str(home / "images/train")], [small.DATA], log, params=params)
        job.wildcards = {"dataset": "digits"}
        with job_records.recorded(job):
            pass
    return home


def written_with_settings_from(home, monkeypatch, command_line=None):
    """Write the record, and a page that confirms it, in the project beside; returns the project."""
    project = home.parents[1] / "project"
    monkeypatch.chdir(project)
    # Summing what is installed takes longest, and has its own tests.
    numpy = {"version": np.__version__, "description": "altered since installation: nothing"}
    monkeypatch.setitem(SCRIPT["write"].__globals__, "packages", lambda records: {"numpy": numpy})
    outputs = {"crate": small.CRATE, "settings": f"{small.FOLDER}/settings.yaml", "readme": f"{small.FOLDER}/README.md"}
    further = ["Snakefile", small.CONFIGURATION, "config/claims.yaml", str(home / "settings.yaml")]
    details = {"settings": SETTINGS, "dataset": ENTRY, "configuration": [small.CONFIGURATION, str(home / "settings.yaml")]}
    details |= {"command_line": command_line or {}, "logs": ["results/small/logs"]}
    paths = {key: Path(path) for key, path in outputs.items()}
    SCRIPT["write"]("small", [small.FIGURE, small.LEDGER], [*further, PREPARED, "config/datasets.yaml"], details, paths)
    small.publish(project, (project / small.CRATE).read_text())
    return project


def test_a_record_tells_nothing_of_folders_outside_of_the_project(beside, monkeypatch, tmp_path_factory):
    project = written_with_settings_from(beside, monkeypatch, {"mirror": f"{beside}/files", "study": "small"})
    recorded = [path for path in project.rglob("*") if path.is_file() and path.parts[-2] != "config"]
    assert len(recorded) > 20
    assert not [
        path for path in recorded if b"annalovelace" in path.read_bytes() or str(beside.parents[1]).encode() in path.read_bytes()
    ]
    record = audit.load(project, "small")
    settings, images = (f"outside/{sha256_of(beside / name)[:10]}/{Path(name).name}" for name in ("settings.yaml", "images/train"))
    assert record.facts["configuration_files"] == [small.CONFIGURATION, settings]
    assert record.facts["command_line_settings"] == {"mirror": "a place on this machine", "study": "small"}
    content = yaml.safe_load(small.SETTINGS["config/small.yaml"])
    assert record.facts["outside_settings"] == {settings: {"mirror": "a place on this machine", **content}}
    assert record.sums[settings] == sha256_of(beside / "settings.yaml")
    assert record.maker[small.DATA].inputs == (images,)
    assert not [name for name in record.facts["changed_files"] if "settings.yaml" in name]
    failed = crate_validation.failed_checks(project / small.FOLDER, tmp_path_factory.mktemp("contexts"))
    assert failed == dict.fromkeys(crate_validation.EXCEPTIONS, "RECOMMENDED")
    assert not crate_validation.terms_without_meaning(json.loads((project / small.CRATE).read_text()))


NOT_FOUND = ("not kept", "outside of the project, and not to be found from here")


def test_settings_from_outside_may_go_or_change_and_those_of_the_project_may_not(beside, monkeypatch):
    project = written_with_settings_from(beside, monkeypatch)
    settings = f"outside/{sha256_of(beside / 'settings.yaml')[:10]}/settings.yaml"
    for change in (lambda path: path.write_text("studies: {}"), Path.unlink):
        change(beside / "settings.yaml")
        assert small.states(project) == {settings: NOT_FOUND}
    code, out, _ = small.answer(project, "audit", "--all")
    assert (code, out.count("stale")) == (0, 1)
    text = (project / small.CONFIGURATION).read_text()
    small.write(project, {small.CONFIGURATION: text.replace("rate: 0.1", "rate: 0.2")})  # which those from outside set themselves
    assert small.states(project)[small.CONFIGURATION][0] == "tampered"
    assert small.FIGURE not in small.states(project)
    small.write(project, {small.CONFIGURATION: text.replace("[1, 2]", "[1, 2, 3]")})
    assert small.states(project)[small.FIGURE] == ("stale", "settings have changed since: part.seeds was [1, 2], is [1, 2, 3]")


def test_a_record_that_names_settings_from_outside_has_what_they_say(beside, monkeypatch):
    project = written_with_settings_from(beside, monkeypatch)
    content = json.loads((project / small.CRATE).read_text())
    content["@graph"] = [entity for entity in content["@graph"] if entity["@id"] != "#study/outside_settings"]
    root = next(entity for entity in content["@graph"] if entity["@id"] == "./")
    root["variableMeasured"] = [part for part in root["variableMeasured"] if part["@id"] != "#study/outside_settings"]
    small.publish(project, content)
    code, out, err = small.answer(project, "audit", "--all")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "not a record as this version writes it (KeyError: 'outside_settings')" in err


def test_own_images_from_outside_are_looked_at_where_they_can_be_found(beside, monkeypatch):
    project = written_with_settings_from(beside, monkeypatch)
    images = f"outside/{sha256_of(beside / 'images/train')[:10]}/train"
    assert images not in small.states(project)
    assert small.answer(project, "audit", small.FIGURE)[0] == 0
    small.write(beside, {"images/train": "other digits"})
    told = small.states(project)
    assert told[images][0] == "tampered"
    assert told[images][1].endswith(", 12 bytes)")
    assert told[small.FIGURE] == ("stale", f"made from {images}, which has changed since")
    shutil.rmtree(beside)
    assert small.states(project)[images] == NOT_FOUND
    assert small.answer(project, "audit", "--all")[0] == 0


def test_records_that_jobs_left_before_name_their_inputs_by_whole_paths(beside):
    """And are read as they would be written now."""
    path = job_records.path_beside(beside.parents[1] / "project/results/small/logs/prepare.log")
    record = json.loads(path.read_text())
    (name,), (sha256,) = record["inputs"].keys(), record["inputs"].values()
    entry = {**record["params"]["entry"], "directory": "../home/annalovelace/images"}
    path.write_text(json.dumps({**record, "inputs": {str(beside / "images/train"): sha256}, "params": {"entry": entry}}))
    with contextlib.chdir(beside.parents[1] / "project"):
        assert job_records.load(path) == record
    assert name == f"outside/{sha256[:10]}/train"


def test_a_folder_outside_that_a_record_names_is_no_setting_that_could_change(beside, monkeypatch):
    """As records name it that were written before."""
    project = written_with_settings_from(beside, monkeypatch)
    text = (project / small.CRATE).read_text()
    assert text.count("a place on this machine") == 2  # of the data set, and the mirror in the settings
    small.publish(project, text.replace("a place on this machine", "../home/annalovelace/images"))
    assert small.DATA not in small.states(project)
