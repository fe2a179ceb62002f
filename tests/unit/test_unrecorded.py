"""What lies beside a study and is in no record, and what stands in place of a recorded file: named, and never opened."""

import json
import os
import shutil
import socket
from pathlib import Path

import pytest

import small_study as small
from small_study import CRATE, LIST, MANIFEST, PAGE, states

NONE = ("unknown", "no record")
OTHER = "results/other/provenance/ro-crate-metadata.json"
LINK = ("tampered", "a link, not a file")


@pytest.fixture
def study(tmp_path):
    return small.finish(tmp_path / "project")


def of_that(kind):
    return ("unknown", f"no record; {kind}")


@pytest.mark.parametrize("rule", [*small.RULES, "write_provenance", "write_provenance_on_published_tables", "write_report"])
def test_logs_records_and_times_of_recorded_jobs_are_known(study, rule):
    names = [f"logs/{rule}.log", f"logs/{rule}.job.json", f"benchmarks/{rule}.tsv"]
    small.write(study, {f"results/small/{name}": "x" for name in names})
    assert states(study) == {}


def test_those_of_training_and_data_lie_beside_their_files(study):
    text = (study / CRATE).read_text().replace("results/small/logs/prepare", "data/logs/prepare/digits")
    small.publish(study, text.replace("results/small/logs/draw", "results/runs/e/c"))
    small.write(study, {f"data/logs/prepare/digits{end}": "x" for end in (".log", ".job.json")})
    small.write(study, {f"results/runs/e/c{end}": "x" for end in (".log", ".job.json", ".benchmark.tsv")})
    for rule in ("prepare", "draw"):
        for path in (study / "results/small/logs").glob(f"{rule}.*"):
            path.unlink()
    assert states(study) == {}


@pytest.mark.parametrize(
    "name",
    [
        "results/small/logs/new.log",
        "results/small/logs/weights.safetensors",
        "results/small/logs/draw/new.log",
        "results/small/benchmarks/new.tsv",
        "results/small/benchmarks/draw.csv",
        "results/small/tables/a.log",
        "results/small/tables/a.job.json",
        "results/small/draw.job.json",
        "results/small/.snakemake/x",
        "results/runs/x/y.log",
        "results/runs/x/y.job.json",
        "results/runs/x/y.benchmark.tsv",
        "data/logs/a.log",
    ],
)
def test_others_of_such_names_are_named(study, name):
    """Before, whatever had the name of a log, or lay in such a folder, was passed over."""
    small.write(study, {name: "x"})
    assert states(study) == {name: NONE}


@pytest.mark.parametrize("folder", ["results/small/tables", "results/small/logs", "results/runs", "data", "figures/small"])
@pytest.mark.parametrize("target", ["folder", "file", "nothing", "itself"])
def test_a_link_is_named_and_not_followed(study, tmp_path, folder, target):
    """Before, nothing was said of a link to a folder, or to nowhere, whatever is behind it."""
    small.write(tmp_path, {"elsewhere/evidence.csv": "x"})
    places = {"folder": tmp_path / "elsewhere", "file": study / small.READ, "nothing": tmp_path / "none", "itself": study / folder}
    (study / folder).mkdir(parents=True, exist_ok=True)
    (study / folder / "more").symlink_to(places[target])
    assert states(study) == {f"{folder}/more": of_that("a link")}


@pytest.mark.parametrize("kind", ["a pipe", "a socket"])
@pytest.mark.parametrize("folder", ["results/small", "results/small/logs", "data"])
def test_a_pipe_and_a_socket_are_named_and_not_opened(study, monkeypatch, folder, kind):
    """Before, an audit waited at a pipe for ever, and said nothing of a socket."""
    monkeypatch.chdir(study / folder)
    make(kind, Path("new"))
    assert states(study) == {f"{folder}/new": of_that(kind)}


def make(kind, path):
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))


@pytest.mark.parametrize("kind", ["a pipe", "a socket", "a folder"])
@pytest.mark.parametrize("name", [small.READ, small.DATA, f"{small.SCRIPTS}/draw.py", PAGE, MANIFEST, f"{small.FOLDER}/README.md"])
def test_what_stands_in_place_of_a_recorded_file_is_named_and_not_opened(study, monkeypatch, name, kind):
    monkeypatch.chdir((study / name).parent)
    Path(Path(name).name).unlink()
    make(kind, Path(Path(name).name))
    assert states(study)[name] == ("tampered", f"{kind}, not a file")
    assert small.answer(study, "audit", "--all")[0] == 1


@pytest.mark.parametrize("name", [CRATE, small.LEDGER, small.TESTS, "config/config.yaml"])
def test_a_pipe_in_place_of_what_is_read_is_answered(study, name):
    (study / name).unlink()
    os.mkfifo(study / name)
    for question in (["--all"], ["--claim", "first"]):
        code, _, err = small.answer(study, "audit", *question)
        assert (code in (1, 2), err.count("\n")) == (True, code == 2)


@pytest.mark.parametrize("name", [small.READ, small.FIGURE, small.LEDGER, small.DATA, PAGE, CRATE, MANIFEST])
def test_a_link_with_the_same_bytes_in_place_of_a_file_is_named(study, tmp_path, name):
    """Before, it was intact."""
    shutil.move(study / name, tmp_path / "bytes")
    (study / name).symlink_to(tmp_path / "bytes")
    assert states(study)[name] == LINK
    assert small.answer(study, "audit", "--all")[0] == 1


def test_a_linked_folder_in_a_study_is_told_with_each_of_its_files(study, tmp_path):
    shutil.move(study / "results/small/tables", tmp_path / "tables")
    (study / "results/small/tables").symlink_to(tmp_path / "tables")
    found = states(study)
    assert {name for name, told in found.items() if told == LINK} == {small.READ, small.UNREAD}
    assert all(state != "unknown" for state, _ in found.values())


@pytest.mark.parametrize("name", ["results/small", "results", "figures/small", "figures", "data", "workflow", "config"])
def test_folders_of_a_study_may_lie_on_another_disk_and_code_in_a_checkout(study, tmp_path, name):
    checkout = tmp_path / "checkout"
    for top in ("workflow", "config") if name in ("workflow", "config") else (name,):
        target = (checkout if name in ("workflow", "config") else tmp_path / "disk") / top
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(study / top, target)
        (study / top).symlink_to(target)
    assert states(study) == {}


def test_code_behind_a_link_that_leads_elsewhere_is_named(study, tmp_path):
    shutil.move(study / small.LIBRARY, tmp_path / "shared.py")
    (study / small.LIBRARY).symlink_to(tmp_path / "shared.py")
    assert states(study)[small.LIBRARY] == ("tampered", "a link that leads out of the project, not a file")


def test_raw_files_of_somebody_may_be_links(study, tmp_path):
    """A folder of own images need not be copied into the project."""
    text = (study / CRATE).read_text().replace("../../../figures/small/fig.svg", "../../../data/mine/fig.svg")
    content = json.loads(text)
    job = next(entity for entity in content["@graph"] if entity["@id"] == "#job/results/small/logs/draw")
    job["object"].append({"@id": "../../../data/mine/fig.svg"})
    job["result"] = []
    shutil.move(study / "figures/small", tmp_path / "mine")
    (study / "data/mine").symlink_to(tmp_path / "mine")
    small.publish(study, content)
    assert states(study) == {}


def planted(study, *names):
    """A record of another study that knows these files."""
    content = (study / CRATE).read_text().replace("results/small/provenance", "results/other/provenance")
    for old, new in zip((small.DATA, small.READ, small.FIGURE), names, strict=False):
        content = content.replace(f"../../../{old}", f"../../../{new}")
    small.write(study, {OTHER: content, **dict.fromkeys(names, "x")})


def test_another_record_vouches_for_shared_files_and_is_named_with_how_many(study):
    planted(study, "data/other.bin", "results/runs/x/y.safetensors")
    assert states(study) == {}
    out = small.answer(study, "audit", "--all", "--study", "small")[1]
    assert "\nknown to the record of study other alone: 2 files, the first is data/other.bin\n" in out


@pytest.mark.parametrize("name", ["results/small/tables/new.csv", "figures/small/new.png", "results/small/logs/new.log"])
def test_another_record_vouches_for_no_file_of_this_study(study, name):
    """Before, whoever planted a record could add what they liked."""
    planted(study, name)
    assert states(study) == {name: NONE}


@pytest.mark.parametrize("name", ["results/stranger", "figures/stranger", "results/stranger.csv"])
def test_a_folder_beside_the_study_that_no_record_and_no_settings_know_is_named(study, name):
    """Before, nothing was said of it."""
    small.write(study, {f"{name}/x.csv" if "." not in name else name: "x"})
    assert states(study) == {name: of_that("nor is it a study of the settings")}


def test_folders_of_studies_of_the_settings_or_of_a_record_are_no_strangers(study):
    small.write(study, {"results/base/x.csv": "x", "figures/base/x.csv": "x"})
    planted(study)
    assert states(study) == {}


def test_a_file_of_a_study_without_a_record_of_its_own_is_looked_up_where_it_is_known(study):
    """As of one that is set beside another; before, there was no record of it."""
    text = (study / CRATE).read_text()
    beside = "results/beside/tables/a.csv"
    small.write(study, {beside: (study / small.READ).read_text()})
    (study / small.READ).unlink()
    small.publish(study, text.replace(f"../../../{small.READ}", f"../../../{beside}"))
    code, out, _ = small.answer(study, "audit", beside)
    assert (code, out.splitlines()[0].split("  ")[:2]) == (0, [beside, "intact"])
    assert small.answer(study, "audit", "--all", "--study", "beside") == (
        2,
        "",
        "sgdphysics: --study: 'beside' has no record of its own; its files are in that of small\n",
    )


def test_what_is_added_to_the_folder_of_such_a_study_is_named(study):
    beside = "results/beside/tables/a.csv"
    small.write(study, {beside: (study / small.READ).read_text(), "results/beside/tables/new.csv": "x"})
    (study / small.READ).unlink()
    small.publish(study, (study / CRATE).read_text().replace(f"../../../{small.READ}", f"../../../{beside}"))
    assert states(study)["results/beside/tables/new.csv"] == NONE


@pytest.fixture
def protected(monkeypatch):
    """Function after which a file exists and cannot be read, as one of another user with mode 0600; we may be root."""
    names = set()
    real = os.open

    def refused(path, flags, *more, **others):
        if str(path) in names:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags, *more, **others)

    monkeypatch.setattr(os, "open", refused)
    return lambda path: names.add(str(path))


@pytest.mark.parametrize("name", [small.READ, small.DATA, small.LIBRARY, f"{small.FOLDER}/settings.yaml"])
def test_what_cannot_be_read_is_not_missing(study, monkeypatch, protected, name):
    monkeypatch.chdir(study)
    protected(name)
    protected(study / name)
    found = states(study)
    assert found[name] == ("unknown", "not readable (Permission denied)")
    assert {state for state, _ in found.values()} == {"unknown"}
    assert found.keys() == {name, *small.descendants([name])}
    assert small.answer(study, "audit", "--all")[0] == small.answer(study, "audit", name)[0] == 2
    (study / small.LEDGER).write_text("other")
    assert small.answer(study, "audit", "--all")[0] == 1


@pytest.mark.parametrize("name", [PAGE, MANIFEST])
def test_what_confirms_and_cannot_be_read_is_no_accusation(study, protected, name):
    protected(study / name)
    assert states(study)[name] == ("unknown", "not readable (Permission denied)")
    assert {state for state, _ in states(study).values()} == {"unknown"}
    for question in (["--all"], [small.FIGURE], ["--claim", "first"]):
        assert small.answer(study, "audit", *question)[0] == 2


def test_a_record_that_cannot_be_read_is_told_so(study, protected):
    protected(study / CRATE)
    code, out, err = small.answer(study, "audit", "--all")
    assert (code, out) == (2, "")
    assert err == f"sgdphysics: {CRATE}: the record of study 'small' is not readable (Permission denied)\n"


def test_a_folder_that_cannot_be_listed_is_named(study, monkeypatch):
    real = os.scandir

    def refused(path):
        if str(path).endswith("results/small/tables"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert states(study) == {"results/small/tables": of_that("not readable")}


def test_a_study_inside_another_repository_is_audited_as_elsewhere(study):
    for folder in (study.parent, study.parent.parent):
        (folder / ".git").mkdir(exist_ok=True)
    small.write(study, {LIST: "results/small/measure/\n"})
    small.confirm(study)
    assert states(study) == {}
    (study / small.LIBRARY).write_text("# newer\n")
    assert states(study)[small.LIBRARY][0] == "unknown"
