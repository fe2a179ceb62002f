import dataclasses
import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from cases import small_network
from sgdphysics import run_files, training
from sgdphysics.errors import InputError, RecordError
from sgdphysics.files import write_atomically
from sgdphysics.provenance import jobs
from sgdphysics.tables import WINDOW_COLUMNS, load_table, load_tables, save_rows, save_table
from sgdphysics.tensors import load_metadata, load_tensors, save_tensors


class Malicious:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_tensors_read_back_and_have_the_same_bytes_every_time(tmp_path):
    tensors = {"b": torch.rand(3, 2), "a": torch.arange(4), "c": torch.rand(4, 4).T}
    for name in ("one", "two"):
        save_tensors(tmp_path / name, tensors, {"seed": 1})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    read, metadata = load_tensors(tmp_path / "one")
    assert metadata == {"seed": 1} == load_metadata(tmp_path / "one")
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)


def test_tables_read_back_to_the_same_bits(tmp_path):
    table = pd.DataFrame({"x": np.random.default_rng(0).standard_normal(500) * 1e-7, "y": [np.inf] * 500})
    save_table(tmp_path / "t.csv", table)
    pd.testing.assert_frame_equal(load_table(tmp_path / "t.csv"), table, check_exact=True)
    save_table(tmp_path / "empty.csv", pd.DataFrame({"run": []}))
    assert len(load_tables([tmp_path / "empty.csv", tmp_path / "t.csv"])) == 500


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old")

    def fail(temporary):
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("read", [load_tensors, load_metadata, run_files.load_results])
def test_pickles_and_damaged_files_are_refused_unread(tmp_path, read):
    path, made = tmp_path / "weights.safetensors", tmp_path / "made"
    path.write_bytes(pickle.dumps(Malicious(made)))
    with pytest.raises(RecordError, match="not a readable tensor file"):
        read(path)
    assert not made.exists()
    save_tensors(path, {"a": torch.rand(100)}, {})
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(RecordError, match="not a readable tensor file"):
        read(path)
    with pytest.raises(RecordError, match="missing"):
        read(tmp_path / "missing")


def test_a_pickle_is_no_table(tmp_path):
    path, made = tmp_path / "t.csv", tmp_path / "made"
    path.write_bytes(pickle.dumps(Malicious(made)))
    with pytest.raises(RecordError, match="not a readable table"):
        load_table(path)
    assert not made.exists()


def test_results_read_back(tmp_path):
    run = training.Run(hidden_widths=(5, 4), seed=7)
    network = small_network(dtype=torch.float32)
    result = training.Result(run, "converged", 2, 160, None, network, {0: network, 80: network}, [1.0, 0.5], [0.1, 0.9])
    run_files.save_results(tmp_path / "r", [result], ["name"], "mnist5k")
    read = run_files.load_results(tmp_path / "r")["name"]
    assert read.run == run
    assert read.loss_history == [1.0, 0.5]
    assert list(read.checkpoints) == [0, 80]
    assert all(torch.equal(a, b) for a, b in zip(read.network.weights, network.weights, strict=True))


def changed_results(path, change):
    """A file of one result whose metadata were changed."""
    network = small_network(dtype=torch.float32)
    result = training.Result(training.Run(hidden_widths=(5, 4)), "dead", 2, 160, None, network, {80: network}, [1.0], [0.1])
    run_files.save_results(path, [result], ["a_run"], "mnist5k")
    tensors, metadata = load_tensors(path)
    change(metadata)
    save_tensors(path, tensors, metadata)
    return path


def test_what_a_later_version_says_besides_of_a_result_is_passed_over(tmp_path):
    def change(metadata):
        metadata["made_by"] = "a later version"
        metadata["results"][0]["seconds"] = 1.5

    (result,) = run_files.load_results(changed_results(tmp_path / "later", change)).values()
    assert (result.run, result.status, list(result.checkpoints)) == (training.Run(hidden_widths=(5, 4)), "dead", [80])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data["results"][0]["run"].update(momentum=0.9), r"a_run: .*unknown \['momentum'\], missing \[\]"),
        (lambda data: data["results"][0]["run"].pop("learning_rate"), r"a_run: .*unknown \[\], missing \['learning_rate'\]"),
        (lambda data: data["results"][0]["run"].update(loss="hinge"), "loss: found 'hinge', expected one of"),
        (lambda data: data["results"][0].pop("status"), "'status'"),
        (lambda data: data["results"][0].pop("checkpoint_steps"), "'checkpoint_steps'"),
        (lambda data: data["results"][0]["checkpoint_steps"].append(160), "'a_run/160/0'"),
        (lambda data: data["results"][0].update(name="another_run"), "'another_run/final/0'"),
        (lambda data: data["results"][0].update(run=3), "'int' object"),
        (lambda data: data.update(results=[[]]), "list indices"),
        (lambda data: data.pop("results"), "'results'"),
    ],
)
def test_results_that_this_version_cannot_know_are_one_line(tmp_path, change, message):
    path = changed_results(tmp_path / "other", change)
    with pytest.raises(RecordError, match=f"^{path}: not trained runs as this version knows them \\(.*{message}") as caught:
        run_files.load_results(path)
    assert "\n" not in str(caught.value)


def test_a_setting_that_was_added_later_is_written_where_it_is_not_at_its_default(tmp_path):
    later = dataclasses.make_dataclass("Later", [("momentum", float, 0.0)], bases=(training.Run,), frozen=True)
    network = small_network(dtype=torch.float32)
    for name, run in {"now": training.Run(), "default": later(), "other": later(momentum=0.9)}.items():
        result = training.Result(run, "converged", 2, 160, None, network, {}, [1.0], [0.1])
        run_files.save_results(tmp_path / name, [result], ["a_run"], "mnist5k")
    assert (tmp_path / "default").read_bytes() == (tmp_path / "now").read_bytes()
    assert load_metadata(tmp_path / "other")["results"][0]["run"]["momentum"] == 0.9


def job_with(log):
    """Snakemake's object of a job, as far as a job's log needs it."""
    return SimpleNamespace(rule="a_rule", log=[str(log)], threads=1, wildcards={}, params={}, input=[], output=[], resources={})


def test_bad_input_ends_a_job_with_one_line_in_its_log(tmp_path):
    log = tmp_path / "log"
    with pytest.raises(SystemExit) as stop, jobs.logged_job(job_with(log)):
        print("before")
        raise InputError("file.csv: found 3 columns, expected 4")
    assert stop.value.code == 1
    assert log.read_text() == "before\nerror: file.csv: found 3 columns, expected 4\n"


def test_other_errors_pass_through_a_job(tmp_path):
    with pytest.raises(ZeroDivisionError), jobs.logged_job(job_with(tmp_path / "log")):
        _ = 1 / 0


def test_a_table_without_rows_joins_with_one_that_has_some(tmp_path):
    columns = [*WINDOW_COLUMNS, "fitted", "rank", "variance"]
    save_rows(tmp_path / "empty.csv", [pd.DataFrame()], columns)
    empty = load_table(tmp_path / "empty.csv")
    assert list(empty.columns) == columns
    assert len(empty[empty["fitted"]]) == 0
    assert len(pd.DataFrame({"run": ["a"], "rank": [1]}).merge(empty)) == 0


def test_rows_are_written_in_order_with_the_named_columns_only(tmp_path):
    parts = [pd.DataFrame({"rank": [2], "other": [0], "run": ["b"]}), pd.DataFrame({"rank": [1], "run": ["a"]})]
    save_rows(tmp_path / "rows.csv", parts, ["run", "rank"], ["rank"])
    assert (tmp_path / "rows.csv").read_text() == "run,rank\na,1\nb,2\n"
    with pytest.raises(KeyError, match="seed"):
        save_rows(tmp_path / "rows.csv", parts, ["run", "seed"])
