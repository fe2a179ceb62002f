"""Jobs that say what no job is, and code that was another when it ran: neither is recorded, nor done again."""

import json
import shutil
import subprocess
import sys

import pytest

import small_study as small
from sgdphysics.files import sha256_of
from sgdphysics.provenance import job_records, modules, verify
from sgdphysics.provenance.compare import Tolerances
from sgdphysics.provenance.reading import load
from small_study import CRATE, MANIFEST


@pytest.fixture
def study(tmp_path):
    return small.finish(tmp_path / "project")


JOB = "#job/results/small/logs/draw"
FORGERIES = {
    "an option for a rule": ('"Job of rule draw"', '"Job of rule --snakefile=results/small/tables/a.csv"', "it names the rule "),
    "a rule that negates": ('"Job of rule draw"', '"Job of rule !x"', "it names the rule "),
    "a rule of nothing": ('"Job of rule draw"', '"Job of rule "', "it names the rule "),
    "a record elsewhere": (f'"{JOB}', '"#job//tmp/mine', "it names "),
    "a record above": (f'"{JOB}', '"#job/results/../../mine', "it names "),
    "an option for a file of settings": ('"[\\"config/config.yaml\\"', '"[\\"--snakefile=x\\"', "it names "),
    "a value that is nested too deep": ('"version\\": \\"1\\"', "[" * 100_000, "not a "),
}


@pytest.mark.parametrize("name", FORGERIES)
@pytest.mark.parametrize("question", [("audit", "--all"), ("verify", small.FIGURE)], ids=lambda question: question[0])
def test_a_record_of_what_no_job_is_is_refused_in_one_line(study, name, question):
    old, new, told = FORGERIES[name]
    path = study / CRATE
    text = path.read_text()
    if old not in text:  # as the value stands there, in a text of its own
        old, new = json.dumps(old)[1:-1], json.dumps(new)[1:-1]
    assert old in text
    path.write_text(text.replace(old, new))
    (study / MANIFEST).unlink()  # so that nothing tells that the record is another one
    code, out, err = small.answer(study, *question)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"sgdphysics: {CRATE}: ")
    assert told in err


def test_nothing_is_done_again_by_a_record_that_was_changed(study, monkeypatch):
    monkeypatch.setattr(verify, "outcomes", None)  # is not called
    monkeypatch.setattr(verify, "check_packages", lambda record: None)
    path = study / CRATE
    path.write_text(path.read_text().replace('"startTime": "2', '"startTime": "1', 1))
    code, out, err = small.answer(study, "verify", small.FIGURE)
    assert (code, err) == (1, "")
    assert f"record not confirmed: {CRATE} is tampered: its sha256 is not the one in {MANIFEST}" in out


class AsRecorded:
    """A clone in which a job has made what is recorded."""

    def __init__(self, root):
        self.root = root


@pytest.mark.parametrize("change", ["changed", "deleted"])
def test_a_file_that_is_not_the_recorded_one_is_told_though_its_job_makes_that(study, tmp_path, change):
    clone = AsRecorded(shutil.copytree(study, tmp_path / "clone"))
    record = load(study, "small")
    job = record.maker[small.FIGURE]
    assert verify._compared(record, clone, job, Tolerances()) == (verify.SAME, "")
    (study / small.FIGURE).write_text("forged") if change == "changed" else (study / small.FIGURE).unlink()
    told = verify._compared(load(study, "small"), clone, job, Tolerances())
    assert told == (verify.DIFFERENT, f"{small.FIGURE} is not the recorded one here")


RACE = """
import sys
from pathlib import Path
from types import SimpleNamespace
from sgdphysics import fits
from sgdphysics.errors import InputError
source = Path(fits.__file__)
if sys.argv[1] == "changed":
    source.write_text(source.read_text() + "# saved while the job started\\n")
Path("made").write_text("x")
class Inputs(list):
    code = ["workflow/lib/sgdphysics/fits.py"] if sys.argv[2] == "code" else []
inputs = Inputs(Inputs.code)
job = SimpleNamespace(rule="r", input=inputs, output=["made"], log=["r.log"], wildcards={}, params={}, threads=1)
from sgdphysics.provenance import job_records
try:
    with job_records.recorded(job):
        pass
except InputError as error:
    print(error)
"""


@pytest.mark.parametrize("kind", ["code", "plumbing"])
@pytest.mark.parametrize("change", ["changed", "same"])
def test_a_file_saved_while_a_job_loads_it_leaves_no_record(tmp_path, kind, change):
    """The old code runs, and the new one would be recorded."""
    library = tmp_path / "workflow" / "lib"
    shutil.copytree(modules.LIBRARY / "sgdphysics", library / "sgdphysics", ignore=shutil.ignore_patterns("__pycache__"))
    run = subprocess.run(
        [sys.executable, "-c", RACE, change, kind],
        cwd=tmp_path,
        env={"PYTHONPATH": str(library), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    said = "workflow/lib/sgdphysics/fits.py: changed while the job started, so what ran is not what would be recorded"
    assert run.stdout.startswith(said) == (change == "changed"), run.stdout
    assert (tmp_path / "r.job.json").exists() == (change == "same")
    if change == "same":
        record = job_records.load(tmp_path / "r.job.json")
        assert record[kind]["workflow/lib/sgdphysics/fits.py"] == sha256_of(library / "sgdphysics" / "fits.py")
