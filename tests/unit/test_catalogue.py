"""Every run of a study by its settings, with what became of it, and its networks."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from sgdphysics import command_line, run_files, training
from sgdphysics.errors import InputError
from sgdphysics.runs import run_id
from sgdphysics.study import catalogue, studies
from sgdphysics.study.configuration import Configuration, laid_over

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project in which one chunk of the smoke study is trained, for one epoch."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("config", "workflow/schemas"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "Snakefile").touch()
    complete = Configuration(ROOT, laid_over(ROOT, [ROOT / "config" / "smoke.yaml"])).studies["smoke"]
    chunk = studies.chunks_of(complete, "feng2021")[0]
    images, labels = torch.rand(200, 9), torch.arange(200) % 3
    short = [training.Run(batch_size=run.batch_size, max_epochs=1, hidden_widths=run.hidden_widths) for run in chunk.runs]
    results = training.train(short, images, labels)
    for run, result in zip(chunk.runs, results, strict=True):
        result.run = run
    names = [run_id(run, chunk.dataset) for run in chunk.runs]
    run_files.save_results(folder / f"results/runs/{chunk.ensemble}/{chunk.name}.safetensors", results, names, chunk.dataset)
    return folder


@pytest.fixture(scope="module")
def entries(root):
    return catalogue.entries("smoke", root)


def test_every_run_of_a_study_is_there_once_with_its_sections(entries):
    complete = Configuration(ROOT, laid_over(ROOT, [ROOT / "config" / "smoke.yaml"])).studies["smoke"]
    needed = {section: {run_id(run, "mnist5k") for run in studies.runs_of(complete, section)} for section in catalogue.SECTIONS}
    assert len({entry.name for entry in entries}) == len(entries) == len(set().union(*needed.values()))
    for section, names in needed.items():
        assert {entry.name for entry in entries if section in entry.sections} == names


def test_what_became_of_a_run_is_told_and_its_network_can_be_loaded(entries):
    trained = [entry for entry in entries if entry.status != catalogue.NOT_TRAINED]
    assert {entry.status for entry in trained} == {"not_converged"}
    assert {entry.epochs for entry in trained} == {1}
    assert all(entry.loss > 0 for entry in trained)
    for entry in trained:
        result = entry.load()
        assert result.run == entry.run
        assert result.loss_history == [entry.loss]


def test_runs_are_found_by_their_settings(entries):
    reference = {"learning_rate": 0.1, "batch_size": 20, "seed": 205, "hidden_widths": (20, 20), "stop_on": "batches"}
    (entry,) = catalogue.find(entries, **reference, max_steps=None, sampling="epoch", label_noise=0.0)
    assert (entry.run.learning_rate, entry.run.seed, entry.sections) == (0.1, 205, ("feng2021",))
    beside = [entry for entry in catalogue.find(entries, **reference) if entry.sections == ("feng2021_controls",)]
    assert {(entry.run.sampling, entry.run.label_noise) for entry in beside} == {("replacement", 0.0), ("epoch", 0.2)}
    assert catalogue.find(entries) == entries
    with pytest.raises(InputError, match=r"^rate: no setting of a run; expected some of hidden_widths, learning_rate"):
        catalogue.find(entries, rate=0.1)


def test_a_run_that_is_not_trained_cannot_be_loaded(entries):
    entry = next(entry for entry in entries if entry.status == catalogue.NOT_TRAINED)
    with pytest.raises(InputError, match=rf"^{entry.name}: not trained here: there is no results/runs/"):
        entry.load()


def test_runs_of_a_published_study_are_not_kept(root, tmp_path):
    copy = shutil.copytree(root, tmp_path / "copy")
    (copy / "results" / "smoke" / "provenance").mkdir(parents=True)
    (copy / "results" / "smoke" / "provenance" / "not_kept.txt").write_text("results/runs/\n")
    later, *others = [entry.name for entry in catalogue.entries("smoke", copy) if entry.status == "not trained"]
    tables = copy / "results" / "smoke" / "tables"
    tables.mkdir()
    for name, runs in {"feng2021_runs": others[:3], "yang2023_fig4": others[3:]}.items():
        (tables / f"{name}.csv").write_text("\n".join(["run", *runs]) + "\n")
    entries = catalogue.entries("smoke", copy)
    assert {entry.status for entry in entries} == {"not_converged", "not kept", "not trained"}
    assert [entry.name for entry in entries if entry.status == "not trained"] == [later]  # no table tells of it: it came later
    entry = next(entry for entry in entries if entry.status == "not kept")
    with pytest.raises(InputError, match=rf"^{entry.name}: not kept here"):
        entry.load()


def test_a_damaged_file_is_named(root, tmp_path):
    copy = shutil.copytree(root, tmp_path / "copy")
    path = next(copy.rglob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match=path.name):
        catalogue.entries("smoke", copy)


def test_the_command_lists_them_as_lines_and_as_json(root, entries, monkeypatch, capsys):
    monkeypatch.chdir(root)
    assert command_line.main(["runs", "--study", "smoke"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["run", "for", "status", "epochs", "loss", "file", "settings"]
    assert [line.split()[0] for line in lines[1:]] == [entry.name for entry in entries]
    assert not [line for line in lines if str(root) in line]
    assert command_line.main(["runs", "--study", "smoke", "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)
    assert [answer["name"] for answer in answers] == [entry.name for entry in entries]
    assert training.Run(**answers[0]["settings"]) == entries[0].run
    assert command_line.main(["runs", "--study", "nowhere"]) == 2
    told = "sgdphysics: --study: found 'nowhere', expected one of mnist5k, or one of a file of settings that is given too: "
    assert capsys.readouterr().err == f"{told}--configfile FILE\n"
