"""Jobs of the smoke study done again: the same bytes where the record is true, and told where it is not."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from running import ROOT
from sgdphysics.files import sha256_of
from sgdphysics.provenance import compare, confirmation, verify
from sgdphysics.provenance.again import Clone, runs_apart
from sgdphysics.provenance.reading import load
from tampering import MANIFEST, PAGE, RECORD

FIGURE, TABLE = "figures/smoke/feng2021_fig1.pdf", "results/smoke/tables/feng2021_fig1_dimension.csv"
LIBRARY = {"PYTHONPATH": str(ROOT / "workflow" / "lib"), "PATH": "/usr/local/bin:/usr/bin:/bin"}


def verified(folder, *arguments):
    """Exit code, and the kind of each job's outcome by its first file."""
    command = [sys.executable, "-m", "sgdphysics.command_line", "verify", *arguments]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=LIBRARY)
    lines = re.findall(r"^(\S.*?)  +\w+: (\S+)(.*)$", run.stdout, re.MULTILINE)
    return run.returncode, {path: (kind, detail) for kind, path, detail in lines}, run


def forged(folder, old, new):
    """The record with a text in place of another, and with all that confirms it made anew."""
    record, page = folder / RECORD, folder / PAGE
    content = json.loads(record.read_text().replace(old, new))
    for entity in content["@graph"]:  # what is not known of the rules of claims stays so
        if entity["@id"].startswith("#rule/") and "dateModified" not in entity:
            entity["version"] = entity["version"].replace(new, old)
    record.write_text(json.dumps(content))
    text, manifest = confirmation.finished(folder, "smoke", page.read_text())
    page.write_text(text)
    (folder / MANIFEST).write_text(manifest)


@pytest.fixture
def folder(smoke_study, tmp_path):
    return shutil.copytree(smoke_study[0], tmp_path / "copy", symlinks=True, ignore=shutil.ignore_patterns(".git"))


def test_a_figure_and_a_sample_of_what_it_stands_on_have_the_same_bytes(folder):
    code, outcomes, run = verified(folder, FIGURE, "--sample", "1", "--seed", "7", "--study", "smoke")
    assert code == 0, run.stdout + run.stderr
    assert {"figures/smoke/feng2021_fig1.pdf", "results/smoke/tables/feng2021_fig1.csv"} <= outcomes.keys()
    assert {kind for kind, _ in outcomes.values()} == {"same bytes"}
    assert re.search(
        r"^study smoke: 4 of \d+ jobs done again in .* 4 same bytes, 0 different; .* drawn with seed 7$", run.stdout, re.M
    )


def test_a_table_that_was_rewritten_with_its_record_is_told(folder):
    """The audit has nothing to say against it: record and file agree."""
    table = folder / TABLE
    before = sha256_of(table)
    table.write_text(table.read_text().replace("1", "2", 1))
    forged(folder, before, sha256_of(table))
    code, outcomes, run = verified(folder, TABLE, "--sample", "1", "--study", "smoke")
    assert code == 1, run.stdout + run.stderr
    assert outcomes["results/smoke/tables/feng2021_fig1.csv"] == ("DIFFERENT", f" and 2 more  {TABLE} has other bytes")


def test_inputs_that_are_changed_or_missing_are_told_and_nothing_is_made_of_them(folder):
    (folder / TABLE).write_text("changed")
    (folder / "results/smoke/tables/feng2021_fig2_exponents.csv").unlink()
    record = load(folder, "smoke")
    jobs = [record.maker[f"figures/smoke/feng2021_fig{number}.pdf"] for number in (1, 2)]
    outcomes = {outcome.job.rule: outcome for outcome in verify.outcomes(record, jobs, "1", compare.Tolerances())}
    line = outcomes["feng2021_fig1"].line()
    assert line.startswith("FAILED            feng2021_fig1: figures/smoke/feng2021_fig1.pdf and 1 more")
    assert outcomes["feng2021_fig1"].detail == f"{TABLE} is not what it was made from"
    assert outcomes["feng2021_fig2"].kind == verify.NOT_POSSIBLE
    assert verify.exit_code(outcomes.values()) == 1
    assert verify.exit_code([outcomes["feng2021_fig2"]]) == 2


def test_the_recorded_commit_is_what_runs_whatever_the_working_tree_holds(folder, tmp_path):
    names = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "All"]):
        subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    forged(folder, load(folder, "smoke").commit, commit)
    (folder / "Snakefile").write_text("raise SystemExit('not this one')\n")
    clone = Clone(load(folder, "smoke"), commit, tmp_path)
    assert clone.doubt == ""
    assert (clone.root / "Snakefile").read_bytes() == (ROOT / "Snakefile").read_bytes()
    code, outcomes, run = verified(folder, FIGURE, "--sample", "1", "--study", "smoke")
    assert code == 0, run.stdout + run.stderr
    assert outcomes[FIGURE][0] == "same bytes"


def test_code_that_is_nowhere_as_it_was_used_is_named(folder, tmp_path):
    script = "workflow/scripts/figures/feng2021_fig1.py"
    with (folder / script).open("a") as file:
        file.write("# changed\n")
    record = load(folder, "smoke")
    with pytest.raises(Exception, match=rf"^{script}: neither in the recorded commit \(.*\) nor today as it was used"):
        list(verify.outcomes(record, [record.maker[FIGURE]], "1", compare.Tolerances()))


@pytest.fixture(scope="module")
def record(smoke_study):
    return load(smoke_study[0], "smoke")


def test_groups_hold_every_job_once_and_no_rule_that_makes_what_another_reads(record):
    groups = runs_apart(record, record.jobs)
    assert sorted(job.name for group in groups for job in group) == sorted(job.name for job in record.jobs)
    assert len(groups) < 8
    for group in groups:
        rules = {job.rule for job in group}
        makers = {
            record.maker[path].rule for job in record.jobs if job.rule in rules for path in job.inputs if path in record.maker
        }
        assert not makers & rules


def test_a_sample_is_a_function_of_its_seed_and_always_has_claims_tables_and_figures(record):
    drawn = [verify.chosen(record, record.jobs, 3, seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    for jobs in drawn:
        always = {Path(job.script).stem for job in jobs if job.script.startswith(verify.ALWAYS)}
        assert len([name for name in always if "_fig" in name and not name.startswith("tabulate")]) == 16
        assert "decide_claims" in always
        assert len(jobs) == 3 + sum(job.script.startswith(verify.ALWAYS) for job in record.jobs)
    assert verify.chosen(record, record.jobs, None, 0) == sorted(record.jobs, key=lambda job: job.name)


def test_another_version_of_a_package_is_named_before_anything_runs(folder):
    record = folder / RECORD
    record.write_text(re.sub(r'("name": "numpy",\s+"url": "[^"]*",\s+"version": ")[^"]*', r"\g<1>0.1", record.read_text()))
    code, _, run = verified(folder, FIGURE, "--study", "smoke")
    assert code == 2
    assert re.match(
        r"sgdphysics: package numpy: found [\d.]+, expected 0.1, with which the jobs ran; install requirements", run.stderr
    )
