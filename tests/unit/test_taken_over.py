"""A study whose figure and claims are made anew on top of its published tables, in one record with them."""

import copy
import json
import shutil
import subprocess
from dataclasses import replace

import pytest

import crate_validation
import small_study as small
from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of
from sgdphysics.provenance import crate, job_records, lineage
from sgdphysics.provenance.lineage import jobs_of_published
from sgdphysics.provenance.reading import load
from sgdphysics.provenance.record import LEFT_OUT

LIST = f"results/small/{LEFT_OUT}"
LEFT = ("not kept", "this copy of the study leaves it out")
DRAW, TABULATE_A, TABULATE_B = (f"{small.SCRIPTS}/{rule}.py" for rule in ("draw", "tabulate_a", "tabulate_b"))
PUBLISHED, ON_TOP = ["prepare", "tabulate_a", "tabulate_b"], ["decide_claims", "draw"]


def git(folder, *arguments):
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def commit(study, *names):
    """Commit these files; returns the commit."""
    git(study, "add", "--all", *names)
    git(study, "commit", "--quiet", "--message", "code")
    return git(study, "rev-parse", "HEAD")


@pytest.fixture
def published(tmp_path):
    """A clone of the study as it was published at a commit: without its data, and without logs."""
    study = small.finish(tmp_path / "project")
    git(study, "init", "--quiet")
    first = commit(study, "Snakefile", "workflow", "config")
    small.publish(study, (study / small.CRATE).read_text().replace("a" * 40, first))
    small.write(study, {LIST: "data/\n"})
    (study / small.DATA).rename(tmp_path / "data")
    shutil.rmtree(study / "results/small/logs")
    return study


def record_on_top(study, **facts):
    """Write the record of the study again, at its present commit; returns it and the records of its jobs."""
    data, kept = study / small.DATA, study.parent / "data"
    earlier, earlier_sum = load(study, "small"), sha256_of(study / small.CRATE)
    records = lineage.joined(jobs_of_published(earlier), small.records_of(study))
    jobs = crate.jobs_behind([small.FIGURE, small.LEDGER], records)
    shutil.copy(kept, data)  # only for its sum
    now = git(study, "rev-parse", "HEAD")
    from_earlier = lineage.earlier_records(earlier, earlier_sum, jobs.values(), now)
    described = replace(small.described(study, jobs), **{"commit": now, "earlier": from_earlier, **facts})
    data.unlink()
    small.publish(study, crate.build(described, jobs))
    return load(study, "small"), jobs


@pytest.fixture
def redrawn(published):
    """The study with new code, of which a script has another name, and with a figure and claims by it; no record yet."""
    small.write(published, {small.LIBRARY: "# newer\n", DRAW: "# newer\n", "config/datasets.yaml": "datasets: {}\n"})
    (published / TABULATE_B).unlink()
    commit(published, "workflow", "config")
    small.run_job(published, "draw", {small.FIGURE: "<svg>newer</svg>\n"})
    small.run_job(published, "decide_claims")
    return published


def states(study):
    return small.states(study)


def commits(study):
    """First and second commit."""
    return git(study, "rev-parse", "HEAD~1"), git(study, "rev-parse", "HEAD")


def entities(study):
    return {entity["@id"]: entity for entity in json.loads((study / small.CRATE).read_text())["@graph"]}


def test_jobs_of_a_record_are_those_that_left_their_records(tmp_path):
    study = small.finish(tmp_path)
    expected = {path: {**record, "commit": "a" * 40} for path, record in small.records_of(study).items()}
    del expected["results/small/logs/tabulate_a.job.json"]["params"]["seeds"]  # they are in "seeds"
    assert jobs_of_published(load(study, "small")) == expected


def test_texts_that_look_like_numbers_are_the_same_text_when_written_again(tmp_path):
    study = small.finish(tmp_path)
    records = small.records_of(study)
    values = {"text": "1e-3", "zeros": "0.10", "word": "true?", "numbers": [1, 2.5], "none": None, "nested": {"a": "1e-3"}}
    records["results/small/logs/draw.job.json"]["params"] = values
    small.publish(study, crate.build(small.described(study, records), records))
    assert jobs_of_published(load(study, "small"))["results/small/logs/draw.job.json"]["params"] == values


@pytest.fixture
def first_version(published):
    """The published study with a record of the first version: no number, no commits and no plumbing of jobs."""
    content = json.loads((published / small.CRATE).read_text())
    gone = ("environment/plumbing", "environment/variables", "environment/commit", "record_version")
    content["@graph"] = [entity for entity in content["@graph"] if not entity["@id"].endswith(gone)]
    for entity in content["@graph"]:
        for key in ("environment", "variableMeasured"):
            if key in entity:
                entity[key] = [value for value in entity[key] if not value["@id"].endswith(gone)]
    small.publish(published, content)
    return published


def test_jobs_of_a_record_of_the_first_version_are_of_the_commit_of_the_study(first_version):
    record = load(first_version, "small")
    assert "record_version" not in record.facts
    assert states(first_version) == {small.DATA: LEFT}
    head = git(first_version, "rev-parse", "HEAD")
    for job in jobs_of_published(record).values():
        assert (job["version"], job["commit"]) == (1, head)
        assert job.keys() == job_records.KEYS | {"version", "commit"}


def test_a_record_without_what_it_takes_to_write_it_again_is_named(published):
    content = json.loads((published / small.CRATE).read_text())
    for entity in content["@graph"]:
        if "environment" in entity:
            entity["environment"] = [value for value in entity["environment"] if not value["@id"].endswith("environment/packages")]
    small.publish(published, content)
    with pytest.raises(InputError, match=rf"^{small.CRATE}: jobs cannot be taken over from it \(KeyError: 'packages'\)$"):
        jobs_of_published(load(published, "small"))


@pytest.mark.parametrize("before", ["published", "first_version"])
def test_what_is_made_on_top_of_published_tables_is_in_one_record_with_them(before, redrawn, request):
    """And all of it is intact: tables by code of the first commit, figure and claims by that of the second."""
    if before == "first_version":
        request.getfixturevalue("first_version")
    first, second = commits(redrawn)
    record, _ = record_on_top(redrawn)
    assert {job.rule: job.commit for job in record.jobs} == dict.fromkeys(PUBLISHED, first) | dict.fromkeys(ON_TOP, second)
    earlier = [f"{first[:10]}:{name}" for name in (small.LIBRARY, TABULATE_B)]
    assert sorted(record.earlier_code) == earlier
    assert states(redrawn) == {small.DATA: LEFT}
    answer = json.loads(small.answer(redrawn, "audit", "--all", "--json")[1])["files"]
    as_committed = {"state": "intact", "reason": f"as in commit {first[:10]}, and changed since"}
    assert {name for name, said in answer.items() if said == as_committed} == set(earlier)
    assert small.answer(redrawn, "audit", "--all")[0] == small.answer(redrawn, "audit", "--claim", "first")[0] == 0


def test_every_job_has_the_code_that_it_used(published, redrawn):
    first, _ = commits(redrawn)
    record, _ = record_on_top(redrawn)
    code = {job.rule: job.code for job in record.jobs}

    def at_first(name):
        return record.sum_of(f"{first[:10]}:{name}")

    assert code["tabulate_a"] == {small.LIBRARY: at_first(small.LIBRARY), TABULATE_A: sha256_of(redrawn / TABULATE_A)}
    assert code["tabulate_b"] == {small.LIBRARY: at_first(small.LIBRARY), TABULATE_B: at_first(TABULATE_B)}
    assert code["draw"] == {DRAW: sha256_of(redrawn / DRAW)}
    assert at_first(small.LIBRARY) != sha256_of(redrawn / small.LIBRARY)
    scripts = {job.rule: job.script for job in record.jobs}
    assert scripts == {rule: f"{small.SCRIPTS}/{rule}.py" for rule in small.RULES}


def test_code_of_a_job_that_was_taken_over_is_an_entity_of_its_own(redrawn):
    first, _ = commits(redrawn)
    record_on_top(redrawn)
    entity = entities(redrawn)[f"#code/{first}/{TABULATE_B}"]
    assert entity == {
        "@id": f"#code/{first}/{TABULATE_B}",
        "@type": "SoftwareSourceCode",
        "name": TABULATE_B,
        "sha256": entity["sha256"],
        "version": first,
        "url": {"@id": f"../../../{TABULATE_B}"},
    }
    assert entities(redrawn)["#job/results/small/logs/tabulate_b"]["instrument"] == {"@id": entity["@id"]}
    assert f"../../../{TABULATE_B}" not in entities(redrawn)


def test_a_record_with_jobs_of_two_commits_has_all_that_is_required(redrawn, tmp_path):
    record_on_top(redrawn)
    shutil.copy(tmp_path / "data", redrawn / small.DATA)
    failed = crate_validation.failed_checks(redrawn / small.FOLDER, tmp_path / "contexts")
    assert failed == dict.fromkeys(crate_validation.EXCEPTIONS, "RECOMMENDED")
    assert not crate_validation.terms_without_meaning(json.loads((redrawn / small.CRATE).read_text()))


def test_code_that_its_commit_does_not_have_is_told_with_all_that_was_made_by_it(redrawn):
    first, second = commits(redrawn)
    record_on_top(redrawn)
    code = f"{first[:10]}:{small.LIBRARY}"
    assert code not in states(redrawn)
    small.publish(redrawn, (redrawn / small.CRATE).read_text().replace(first, second))
    code = f"{second[:10]}:{small.LIBRARY}"
    told = states(redrawn)
    state, reason = told[code]
    assert state == "tampered"
    assert reason.startswith("neither as it is today nor in that commit are these the recorded bytes (sha256 ")
    assert told[small.READ] == ("stale", f"made from {code}, which has changed since")
    assert told[small.FIGURE][0] == "stale"


@pytest.mark.parametrize(
    ("commit", "reason"),
    [
        (
            "0" * 40,
            "not as it is today; whether it was as recorded in commit 0000000000 cannot be answered: the commit is not at hand",
        ),
        ("not known: no git here", "not as it is today; its commit is not known: no git here"),
    ],
)
def test_code_whose_commit_is_not_at_hand_is_unknown_with_all_that_was_made_by_it(redrawn, commit, reason):
    first, _ = commits(redrawn)
    record_on_top(redrawn)
    text = (redrawn / small.CRATE).read_text().replace(f"#code/{first}", "#code/other").replace(first, commit)
    small.publish(redrawn, text)
    code = f"{commit[:10] if commit.startswith('0') else commit}:{small.LIBRARY}"
    told = states(redrawn)
    assert told[code][0] == "unknown"
    assert told[code][1].startswith(reason)
    assert told[small.READ] == ("unknown", f"made from {code}, of which it is unknown whether it has changed since")
    assert told[small.FIGURE] == told[small.LEDGER] == told[small.READ]
    assert {state for state, _ in told.values()} == {"unknown", "not kept"}
    assert small.answer(redrawn, "audit", "--all")[0] == 2
    lines = small.answer(redrawn, "audit", "--all")[1].splitlines()
    named = "commit 0000000000" if commit.startswith("0") else f"a commit that is {commit}"
    assert any(line.startswith(f"taken as published at {named}: 3 files; made on top at commit ") for line in lines)
    assert f", made at {named}" in small.answer(redrawn, "audit", small.READ)[1].splitlines()[0]


@pytest.mark.parametrize("name", [small.READ, small.UNREAD, small.FIGURE])
def test_a_changed_table_or_figure_is_told(redrawn, name):
    record_on_top(redrawn)
    (redrawn / name).write_text("other")
    told = states(redrawn)
    assert told[name][0] == "tampered"
    made_from = {made for made in (small.FIGURE, small.LEDGER) if made != name and name != small.FIGURE}
    assert all(told[made][0] == "stale" for made in made_from - ({small.FIGURE} if name == small.UNREAD else set()))


def test_code_that_is_as_it_was_is_no_other_code(redrawn):
    """Where a file was changed and changed back, today's bytes count."""
    git(redrawn, "checkout", "HEAD~1", "--", small.LIBRARY)
    record, _ = record_on_top(redrawn)
    assert [code.path for code in record.earlier_code.values()] == [TABULATE_B]
    small.write(redrawn, {TABULATE_B: git(redrawn, "show", f"HEAD~1:{TABULATE_B}") + "\n"})
    name = f"{commits(redrawn)[0][:10]}:{TABULATE_B}"
    assert json.loads(small.answer(redrawn, "audit", "--all", "--json")[1])["files"][name] == {"state": "intact", "reason": ""}


def test_a_table_that_is_not_the_published_one_is_refused(redrawn):
    (redrawn / small.READ).write_text("a\n3\n")
    small.run_job(redrawn, "draw")
    with pytest.raises(InputError, match=f"^{small.READ} is not what draw used; run Snakemake again$"):
        record_on_top(redrawn)


@pytest.mark.parametrize("rule", ["tabulate_a", "tabulate_b"])
def test_code_of_new_jobs_and_of_those_of_one_commit_has_one_state(tmp_path, rule):
    study = small.finish(tmp_path)
    for records in (small.records_of(study), jobs_of_published(load(study, "small"))):
        records = copy.deepcopy(records)
        records[f"results/small/logs/{rule}.job.json"]["code"][small.LIBRARY] = "0" * 64
        with pytest.raises(InputError, match=f"^{small.LIBRARY} is not what .*; run Snakemake again$"):
            crate.jobs_behind([small.FIGURE, small.LEDGER], records)
        records[f"results/small/logs/{rule}.job.json"]["commit"] = "b" * 40
        assert len(crate.jobs_behind([small.FIGURE, small.LEDGER], records)) == len(small.RULES)


def test_the_record_that_is_written_again_is_the_same(redrawn):
    record_on_top(redrawn)
    before = (redrawn / small.CRATE).read_bytes()
    record_on_top(redrawn)  # with the records of the jobs on top
    assert (redrawn / small.CRATE).read_bytes() == before
    shutil.rmtree(redrawn / "results/small/logs")
    record_on_top(redrawn)  # without
    assert (redrawn / small.CRATE).read_bytes() == before


def test_jobs_of_three_commits_are_in_one_record(redrawn):
    first, second = commits(redrawn)
    published_sum = sha256_of(redrawn / small.CRATE)
    record_on_top(redrawn)
    second_sum = sha256_of(redrawn / small.CRATE)
    shutil.rmtree(redrawn / "results/small/logs")
    small.write(redrawn, {DRAW: "# newest\n"})
    third = commit(redrawn, "workflow")
    small.run_job(redrawn, "draw", {small.FIGURE: "<svg>newest</svg>\n"})
    record, _ = record_on_top(redrawn)
    assert {job.rule: job.commit for job in record.jobs} == dict.fromkeys(PUBLISHED, first) | {
        "decide_claims": second,
        "draw": third,
    }
    assert record.job_commits == [first, second, third]
    entries = [(entry["commit"], entry["sha256"]) for entry in record.facts["earlier_records"]]
    assert entries == [(first, published_sum), (second, second_sum)]
    assert states(redrawn) == {small.DATA: LEFT}


def test_an_audit_tells_which_commit_made_what(redrawn):
    first, second = commits(redrawn)
    published_sum = sha256_of(redrawn / small.CRATE)
    record_on_top(redrawn)
    lines = small.answer(redrawn, "audit", small.FIGURE)[1].splitlines()
    assert lines[0].startswith(f"{small.FIGURE}  intact  <- draw, ")
    assert lines[0].endswith(f" s, made at commit {second[:10]}")
    assert lines[2].startswith(f"  {small.READ}  intact  <- tabulate_a, ")
    assert lines[2].endswith(f" s, made at commit {first[:10]}")
    assert f"commit {second}, unchanged when it ran" in lines
    on_top = f"made on top at commit {second[:10]}: results of decide_claims, draw"
    assert f"taken as published at commit {first[:10]}: 3 files; {on_top}" in lines  # data and two tables
    assert f"earlier record, sha256 {published_sum}: commit {first}, unchanged when it ran" in lines
    (redrawn / LIST).unlink()
    assert f"taken as recorded at commit {first[:10]}: " in small.answer(redrawn, "audit", "--all")[1]


def test_code_with_another_name_now_is_told_by_its_commit_in_a_chain(redrawn):
    first, _ = commits(redrawn)
    record_on_top(redrawn)
    lines = small.answer(redrawn, "audit", "--claim", "second")[1].splitlines()
    assert f"    {first[:10]}:{TABULATE_B}  intact: as in commit {first[:10]}, and changed since" in lines
    files = json.loads(small.answer(redrawn, "audit", small.UNREAD, "--json")[1])["files"]
    script = f"{first[:10]}:{TABULATE_B}"
    assert script in files[small.UNREAD]["made_from"]
    assert files[script]["sha256"] == files[small.UNREAD]["job"]["code"][TABULATE_B]
    assert small.LIBRARY in files[small.UNREAD]["job"]["code"]
    assert f"{first[:10]}:{small.LIBRARY}" not in files  # of the library what is not intact is told
    assert files[small.UNREAD]["job"]["environment"]["commit"] == first
    assert files[small.UNREAD]["job"]["environment"]["plumbing"]


def test_without_jobs_of_an_earlier_record_an_audit_speaks_of_one_commit(published):
    for question in (["--all"], [small.FIGURE]):
        out = small.answer(published, "audit", *question)[1]
        assert not any(words in out for words in ("made at", "made on top", "earlier record", "taken as"))


def test_settings_that_changed_on_top_are_told_and_those_of_the_published_jobs_kept(redrawn):
    path = redrawn / "config/small.yaml"
    path.write_text(path.read_text().replace("0.5", "0.7"))
    commit(redrawn, "config")
    small.run_job(redrawn, "draw")
    small.run_job(redrawn, "decide_claims")
    record, _ = record_on_top(redrawn)
    (entry,) = record.facts["earlier_records"]
    assert (entry["settings"]["part"]["rate"], record.facts["settings"]["part"]["rate"]) == (0.5, 0.7)
    assert "; settings have changed since: part.rate was 0.5, is 0.7\n" in small.answer(redrawn, "audit", "--all")[1]
    assert states(redrawn) == {small.DATA: LEFT}


def test_claims_that_changed_on_top_need_the_ledger_anew(redrawn):
    small.write(redrawn, {"config/claims.yaml": "claims: [{id: zeroth}]\n"})
    commit(redrawn, "config")
    record_on_top(redrawn)
    assert states(redrawn)[small.LEDGER] == ("stale", "settings have changed since: config/claims.yaml")


def test_of_a_job_with_two_records_the_later_run_counts_and_the_same_run_keeps_its_commit(tmp_path):
    local = small.records_of(small.finish(tmp_path))
    path = "results/small/logs/draw.job.json"
    earlier = {path: {**local[path], "commit": "a" * 40}}
    assert lineage.joined(earlier, local) == {**local, **earlier}
    later = {**local[path], "ended": "2100-01-01T00:00:00.000+00:00"}
    assert lineage.joined(earlier, {**local, path: later}) == {**local, path: later}
    older = {**local[path], "ended": "2000-01-01T00:00:00.000+00:00"}
    assert lineage.joined(earlier, {**local, path: older}) == {**local, **earlier}
    assert lineage.joined(earlier, {}) == earlier


def test_what_another_job_made_anew_is_a_result_of_that_one_only(tmp_path):
    records = small.records_of(small.finish(tmp_path))
    ledger = records["results/small/logs/decide_claims.job.json"]
    anew = {**ledger, "ended": "2100-01-01T00:00:00.000+00:00", "outputs": {small.TESTS: {"sha256": "0" * 64, "bytes": 1}}}
    behind = crate.jobs_behind([small.LEDGER, small.TESTS], {**records, "results/small/logs/test.job.json": anew})
    assert list(behind["results/small/logs/decide_claims.job.json"]["outputs"]) == [small.LEDGER]
    assert behind["results/small/logs/test.job.json"] == anew


@pytest.mark.parametrize("key", ["commit", "changed_files", "settings", "sha256"])
def test_an_entry_on_an_earlier_record_that_lacks_anything_is_one_line(redrawn, key):
    record, _ = record_on_top(redrawn)
    entries = [{name: value for name, value in entry.items() if name != key} for entry in record.facts["earlier_records"]]
    with pytest.raises(InputError, match="not a record as this version writes it"):
        record_on_top(redrawn, earlier=entries)
    code, out, err = small.answer(redrawn, "audit", "--all")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"not a record as this version writes it (KeyError: '{key}')" in err
