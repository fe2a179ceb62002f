"""Runs in chunks: what was trained stays as it is, what is new is trained, and nothing twice."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

from sgdphysics.runs import Run
from sgdphysics.study import grids
from sgdphysics.study.trained_chunks import agreed_chunks, trained_chunks

CHECKPOINTS = {"per_decade": 10, "losses": [0.01], "epochs": []}


def runs(rates=(0.05, 0.1), sizes=(50,), seeds=range(100, 103)):
    return [Run(learning_rate=rate, batch_size=size, seed=seed) for rate, size, seed in itertools.product(rates, sizes, seeds)]


def chunks(needed, trained=(), seeds_per_chunk=5):
    found = grids.chunks_of(needed, "small", seeds_per_chunk, CHECKPOINTS, trained)
    assert sorted(run for chunk in found for run in map(repr, chunk.runs)) == sorted(map(repr, set(needed)))  # each once
    for chunk in found:
        assert chunk == grids.chunk_of(chunk.runs, "small", CHECKPOINTS)  # under the name of its contents
    return found


def names(found):
    return {(chunk.ensemble, chunk.name) for chunk in found}


GROWN = {
    "a learning rate at the end": runs(rates=(0.05, 0.1, 0.2)),
    "a learning rate at the start": runs(rates=(0.01, 0.05, 0.1)),
    "a learning rate in the middle": runs(rates=(0.05, 0.07, 0.1)),
    "a batch size": runs(sizes=(25, 50)),
    "seeds of the same block": runs(seeds=range(100, 105)),
    "seeds of another block": runs(seeds=range(100, 108)),
    "a seed before": runs(seeds=range(98, 103)),
    "all at once": runs(rates=(0.01, 0.05, 0.07, 0.1), sizes=(25, 50), seeds=range(97, 107)),
}


@pytest.mark.parametrize("grown", GROWN.values(), ids=GROWN)
def test_of_a_longer_list_only_what_is_new_is_trained(grown):
    before = chunks(runs())
    after = chunks(grown, before)
    assert names(before) <= names(after)
    trained_again = {run for chunk in after if chunk not in before for run in chunk.runs} & set(runs())
    assert not trained_again


def test_lists_that_grow_step_by_step_never_train_a_run_twice():
    random = np.random.default_rng(5)
    for _ in range(30):
        done, needed = [], []
        for _ in range(4):
            rates, sizes = random.choice([0.01, 0.05, 0.1, 0.2], 2).tolist(), random.choice([10, 25, 50], 2).tolist()
            needed = [*needed, *runs(rates, sizes, random.choice(range(95, 110), 4).tolist())]
            new = [chunk for chunk in chunks(needed, done, seeds_per_chunk=3) if chunk not in done]
            assert not {run for chunk in new for run in chunk.runs} & {run for chunk in done for run in chunk.runs}
            done += [new[index] for index in random.permutation(len(new))]


def test_a_study_that_cuts_otherwise_does_not_undo_what_is_trained():
    """One by seeds, one by a learning rate that both have: the one chunk of the second shares a run with each of the first."""
    first = chunks(runs(rates=(0.05, 0.1, 0.2), seeds=range(100, 105)), seeds_per_chunk=1)
    (second,) = chunks(runs(rates=(0.1,), seeds=range(100, 105)), seeds_per_chunk=5)
    assert names(chunks(runs(rates=(0.05, 0.1, 0.2), seeds=range(100, 105)), [second, *first], seeds_per_chunk=1)) == names(first)


def test_a_chunk_that_holds_more_than_is_needed_is_not_taken():
    (larger,) = chunks(runs(seeds=range(100, 105)))
    (smaller,) = chunks(runs(), [larger])
    assert set(smaller.runs) == set(runs())


def test_of_two_chunks_that_share_a_run_the_larger_is_taken():
    first, second = (grids.chunk_of(part, "small", CHECKPOINTS) for part in (runs()[:4], runs()[3:]))
    assert chunks(runs(), [second, first])[0] == first


def test_chunks_of_other_data_checkpoints_or_shapes_are_not_taken():
    (wanted,) = chunks(runs())
    others = [
        grids.chunk_of(runs(), "other", CHECKPOINTS),
        grids.chunk_of(runs(), "small", {**CHECKPOINTS, "epochs": [3]}),
        grids.chunk_of([replace(run, hidden_widths=(9,)) for run in runs()], "small", CHECKPOINTS),
    ]
    assert chunks(runs(), others) == [wanted]


def job_record(chunk):
    """What the job that trained a chunk left, as far as it is read."""
    settings = {
        "dataset": chunk.dataset,
        "runs": [vars(run) for run in chunk.runs],
        "checkpoints_per_decade": chunk.checkpoints["per_decade"],
        "checkpoint_losses": chunk.checkpoints["losses"],
        "checkpoint_epochs": chunk.checkpoints["epochs"],
    }
    return {"params": settings}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two trained chunks with their records."""
    monkeypatch.setattr("sgdphysics.provenance.job_records.load", lambda path: json.loads(path.read_text()))
    for chunk in chunks(runs(sizes=(25, 50))):
        place = tmp_path / chunk.ensemble
        place.mkdir()
        (place / f"{chunk.name}.safetensors").touch()
        (place / f"{chunk.name}.job.json").write_text(json.dumps(job_record(chunk)))
    return tmp_path


def test_trained_chunks_are_read_from_the_records_of_their_jobs(folder):
    assert names(trained_chunks(folder)) == names(chunks(runs(sizes=(25, 50))))
    assert trained_chunks(folder / "missing") == []


@pytest.mark.parametrize(
    "change",
    [
        lambda record: "{",
        lambda record: json.dumps({"params": {}}),
        lambda record: record.replace('"seed": 100', '"seed": 99'),
        lambda record: record.replace('"learning_rate"', '"rate"'),
        lambda record: record.replace('"learning_rate": 0.05', '"learning_rate": -1'),
        lambda record: record.replace('"dataset": "small"', '"dataset": "other"'),
    ],
)
def test_a_record_that_does_not_tell_of_its_chunk_is_passed_over(folder, change):
    path = min(folder.rglob("*.job.json"))
    path.write_text(change(path.read_text()))
    assert len(trained_chunks(folder)) == 1


def test_a_chunk_whose_networks_are_gone_is_passed_over(folder):
    min(folder.rglob("*.safetensors")).unlink()
    assert len(trained_chunks(folder)) == 1


def test_processes_of_jobs_are_told_what_the_process_that_plans_found(folder, tmp_path, monkeypatch):
    """While the study runs, files and records go and come: a job must see the chunks that were planned, not those of the moment."""
    monkeypatch.delenv("SGDPHYSICS_TRAINED_CHUNKS", raising=False)
    notes = tmp_path / "notes"
    before = agreed_chunks(folder, notes, planning=True)
    assert names(before) == names(trained_chunks(folder)) != set()
    min(folder.rglob("*.job.json")).unlink()
    assert names(agreed_chunks(folder, notes, planning=False)) == names(before)
    monkeypatch.delenv("SGDPHYSICS_TRAINED_CHUNKS")
    assert names(agreed_chunks(folder, notes, planning=False)) == names(trained_chunks(folder)) < names(before)


def test_chunks_that_are_trained_again_stay_those_that_were_planned(folder):
    """Two of one block that are both being trained: a job that looked for itself would cut them as one."""
    grown = runs(sizes=(25, 50), seeds=range(100, 105))
    first = chunks(grown, trained_chunks(folder))
    planned = chunks(grown, first)  # the code of training has changed: all of them, again
    assert names(planned) == names(first)
    assert names(chunks(grown, first[2:])) != names(planned)
