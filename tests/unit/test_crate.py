import copy
import importlib.resources
import json

import pytest

import crate_validation
import small_study as small
from sgdphysics.errors import InputError
from sgdphysics.provenance import crate

CRATE_1_1, CRATE_RUN = crate_validation.CONTEXTS
BIOSCHEMAS = "ComputationalWorkflow"
# Entity and property -> the checks that miss it.
LACKING = {
    ("./", "license"): {"workflow-ro-crate-1.0_5.1", "ro-crate-1.1_8.3"},
    ("#job/results/small/logs/draw", "instrument"): {"process-run-crate-0.5_1.1", "provenance-run-crate-0.5_3.2"},
    ("#control/draw", "object"): {"provenance-run-crate-0.5_7.2"},
    ("#engine", "result"): {"provenance-run-crate-0.5_8.2"},
    ("../../../Snakefile", "programmingLanguage"): {"workflow-ro-crate-1.0_2.2"},
}
FILE_IS_THERE = "ro-crate-1.1_12.1"


@pytest.fixture
def study(tmp_path):
    return small.finish(tmp_path)


@pytest.fixture
def records(study):
    return small.records_of(study)


def failed(folder, tmp_path):
    return crate_validation.failed_checks(folder / small.FOLDER, tmp_path / "contexts")


def test_a_crate_has_all_that_is_required_and_recommended_but_for_two_exceptions(study, tmp_path):
    assert failed(study, tmp_path) == dict.fromkeys(crate_validation.EXCEPTIONS, "RECOMMENDED")


def test_the_validation_notices_everything_that_is_missing(study, tmp_path):
    path = study / small.CRATE
    content = json.loads(path.read_text())
    entities = {entity["@id"]: entity for entity in content["@graph"]}
    for name, key in LACKING:
        del entities[name][key]
    path.write_text(json.dumps(content))
    (study / small.FIGURE).unlink()
    required = {check for check, severity in failed(study, tmp_path).items() if severity == "REQUIRED"}
    assert required == {FILE_IS_THERE}.union(*LACKING.values())


def test_every_term_of_a_crate_has_its_meaning(study):
    content = json.loads((study / small.CRATE).read_text())
    assert content["@context"] == [CRATE_1_1, CRATE_RUN]
    # Neither a term that would be dropped, nor one that is only in the test.
    assert crate_validation.terms_of(content) == set().union(*crate_validation.CONTEXTS.values())
    content["@graph"][0]["colour"] = "red"
    assert crate_validation.terms_without_meaning(content) == {"colour"}


def test_the_terms_mean_what_the_published_context_says():
    text = importlib.resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_text()
    published = json.loads(text)["@context"]
    # The one installed is of RO-Crate 1.3; this term was another address in 1.1.
    assert {term: published[term] for term in crate_validation.RO_CRATE if term != BIOSCHEMAS} == {
        term: address for term, address in crate_validation.RO_CRATE.items() if term != BIOSCHEMAS
    }


def test_a_crate_says_of_every_job_what_it_used_and_made(study):
    entities = {entity["@id"]: entity for entity in json.loads((study / small.CRATE).read_text())["@graph"]}
    jobs = {name: entity for name, entity in entities.items() if name.startswith("#job/") and entity["@type"] == "CreateAction"}
    assert len(jobs) == len(small.RULES)
    outside = "../../../"
    for rule, (library, inputs, outputs) in small.RULES.items():
        job = jobs[f"#job/results/small/logs/{rule}"]
        used = {entry["@id"] for entry in job["object"] if not entry["@id"].startswith("#")}
        assert used == {outside + name for name in (f"{small.SCRIPTS}/{rule}.py", *library, *inputs)}
        made = job["result"] if isinstance(job["result"], list) else [job["result"]]
        assert {entry["@id"] for entry in made} == {outside + name for name in outputs}
        assert job["instrument"]["@id"] == f"{outside}{small.SCRIPTS}/{rule}.py"
        assert job["startTime"] <= job["endTime"] <= entities["#run"]["endTime"] == entities["./"]["datePublished"]
    parameters = {entry["@id"] for entry in jobs["#job/results/small/logs/tabulate_a"]["object"]}
    assert {entities[name]["name"]: entities[name]["value"] for name in parameters if name.startswith("#")} == {
        "seeds": "[1, 2]",
        "rate": "0.5",
    }


def test_plumbing_is_told_with_each_job_and_is_no_file_of_the_record(study, records):
    entities = {entity["@id"]: entity for entity in json.loads((study / small.CRATE).read_text())["@graph"]}
    for path, record in records.items():
        assert record["plumbing"]
        told = entities[f"#job/{path.removesuffix('.job.json')}/environment/plumbing"]["value"]
        assert json.loads(told) == record["plumbing"]
        assert not {f"../../../{name}" for name in record["plumbing"]} & entities.keys()
    assert small.states(study) == {}


def test_the_same_records_make_the_same_crate(tmp_path, records):
    jobs = crate.jobs_behind([small.FIGURE, small.LEDGER], records)
    backwards = crate.jobs_behind([small.LEDGER, small.FIGURE], dict(reversed(records.items())))
    study = small.described(tmp_path, records)
    assert json.dumps(crate.build(study, jobs)) == json.dumps(crate.build(study, backwards))


def test_only_jobs_behind_the_targets_are_told(records):
    behind = crate.jobs_behind([small.FIGURE], records)
    assert sorted(record["rule"] for record in behind.values()) == ["draw", "prepare", "tabulate_a"]
    assert list(behind) == sorted(behind)


def test_a_target_without_a_record_is_refused(records):
    for made in (small.FIGURE, "figures/small/other.svg"):
        others = {path: record for path, record in records.items() if record["rule"] != "draw"}
        with pytest.raises(InputError, match=f"^1 files have no record of the job that made them, the first is {made}; make"):
            crate.jobs_behind([small.LEDGER, made], others)


@pytest.mark.parametrize(
    ("rule", "key", "name"),
    [("draw", "inputs", small.READ), ("tabulate_a", "inputs", small.DATA), ("tabulate_b", "code", small.LIBRARY)],
)
def test_a_file_that_jobs_saw_in_two_states_is_refused(records, rule, key, name):
    changed = copy.deepcopy(records)
    changed[f"results/small/logs/{rule}.job.json"][key][name] = "0" * 64
    with pytest.raises(InputError, match=f"^{name} is not what .*; run Snakemake again$"):
        crate.jobs_behind([small.FIGURE, small.LEDGER], changed)


def test_a_job_behind_no_target_may_have_seen_anything(records):
    changed = copy.deepcopy(records)
    changed["results/small/logs/decide_claims.job.json"]["inputs"][small.READ] = "0" * 64
    assert len(crate.jobs_behind([small.FIGURE], changed)) == 3


def test_of_two_records_of_a_file_the_later_counts(records):
    """The earlier one is of a rule that has another name now, or another place of its log."""
    draw = records["results/small/logs/draw.job.json"]
    older = {**copy.deepcopy(draw), "rule": "draw_of_old", "ended": "2020-01-01T00:00:00.000+00:00"}
    older["inputs"][small.READ] = "0" * 64
    for name in ("results/small/logs/a.job.json", "results/small/logs/z.job.json"):
        behind = crate.jobs_behind([small.FIGURE], {**records, name: older})
        assert sorted(record["rule"] for record in behind.values()) == ["draw", "prepare", "tabulate_a"]
