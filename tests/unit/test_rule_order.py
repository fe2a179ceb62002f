"""Whether rules were written before the runs that decide: in the record, in an audit, in a sentence; never said where not known."""

import dataclasses
import json

import pytest

import small_study as small
from sgdphysics.provenance import audit, chain, rule_order
from sgdphysics.provenance.rule_dates import RuleDate
from sgdphysics.provenance.rule_order import Order

COMMIT = "b" * 40
WRITTEN = RuleDate(COMMIT, "2026-11-28T12:00:00+00:00")
NOT_COMMITTED = RuleDate("not known: no repository here")
BEFORE, AFTER = "written before the runs", "changed after the runs had started"


@pytest.fixture
def study(tmp_path):
    return small.finish(tmp_path)


@pytest.fixture
def record(study):
    return audit.load(study, "small")


def with_start(record, rule, started, **parameters):
    """The record with another start of the job of a rule, and perhaps further parameters of it."""
    jobs = [
        dataclasses.replace(job, started=started, parameters={**job.parameters, **parameters}) if job.rule == rule else job
        for job in record.jobs
    ]
    return dataclasses.replace(record, jobs=tuple(jobs))


@pytest.mark.parametrize(
    ("rule", "first_run", "word"),
    [
        (WRITTEN, "2026-11-28T12:00:00.001+00:00", BEFORE),
        (WRITTEN, "2026-11-28T12:00:00.000+00:00", AFTER),
        (WRITTEN, "2026-11-28T13:30:00+02:00", AFTER),
        (WRITTEN, "2026-11-28T11:30:00-02:00", BEFORE),
        (WRITTEN, "2026-11-29T12:00:00", "not known"),
        (WRITTEN, "not known", "not known"),
        (WRITTEN, "", "no run decides it"),
        (NOT_COMMITTED, "2026-11-28T12:00:00.001+00:00", "not known"),
        (RuleDate(NOT_COMMITTED.commit, WRITTEN.date), "2026-11-28T12:00:00.001+00:00", "not known"),
        (RuleDate(COMMIT, "yesterday"), "2026-11-28T12:00:00.001+00:00", "not known"),
        (NOT_COMMITTED, "", "no run decides it"),
    ],
)
def test_which_came_first(rule, first_run, word):
    order = Order(rule, first_run)
    assert order.word == order.content["order"] == word
    assert (BEFORE in order.line) == (word == BEFORE)


def test_rule_and_run_in_a_line():
    run = "2026-11-28T14:30:01.999+02:00"
    written = "commit bbbbbbbbbb, 2026-11-28 12:00:00 UTC"
    assert Order(WRITTEN, run).line == f"{written}; first deciding run 2026-11-28 12:30:01 UTC; {BEFORE}"
    assert Order(WRITTEN, "").line == f"{written}; no run decides it"
    unknown = "which came first is not known"
    assert Order(NOT_COMMITTED, run).line == (
        f"not known: no repository here; first deciding run 2026-11-28 12:30:01 UTC; {unknown}"
    )
    assert Order(WRITTEN, "not known").line == f"{written}; first deciding run not known; {unknown}"


def orders(before=0, after=0, unknown=0, none=0):
    runs = ["2027-01-01T00:00:00+00:00"] * before + ["2020-01-01T00:00:00+00:00"] * after + ["not known"] * unknown + [""] * none
    return {str(number): Order(WRITTEN, run) for number, run in enumerate(runs)}


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (orders(before=3, none=2), "3 of 3 claims that runs decide had their rules written before these runs."),
        (
            orders(before=2, after=1, unknown=4),
            "2 of 7 claims that runs decide had their rules written before these runs; of 1 the rule was changed after the runs had"
            " started; of 4 this is not known.",
        ),
        (
            orders(after=2),
            "0 of 2 claims that runs decide had their rules written before these runs; of 2 the rule was changed after the runs had"
            " started.",
        ),
        (orders(unknown=2, none=1), "Whether the rules of the claims were written before the runs that decide them is not known."),
        (orders(none=1), ""),
        ({}, ""),
    ],
)
def test_rules_are_counted_in_a_sentence(found, sentence):
    assert rule_order.summary(found) == sentence


def test_the_jobs_behind_a_file_are_all_that_it_stands_on_and_each_is_there_once(record):
    assert sorted(job.rule for job in chain.jobs_behind(record, [small.FIGURE])) == ["draw", "prepare", "tabulate_a"]
    assert sorted(job.rule for job in chain.jobs_behind(record, [small.UNREAD, small.READ])) == [
        "prepare",
        "tabulate_a",
        "tabulate_b",
    ]
    assert chain.jobs_behind(record, [small.CONFIGURATION]) == []


def test_the_first_deciding_run_is_the_earliest_job_with_seeds(record):
    """Preparing data has no seeds here, and comes first."""
    (table,) = [job for job in record.jobs if job.rule == "tabulate_a"]
    assert table.parameters["seeds"] == [1, 2]
    assert rule_order.first_run(record, [small.READ]) == rule_order.first_run(record, [small.UNREAD, small.READ]) == table.started
    assert rule_order.first_run(record, [small.UNREAD]) == ""
    assert rule_order.first_run(record, []) == ""
    trained = with_start(record, "prepare", "2020-01-01T00:00:00.000+00:00", seeds=[7])
    assert rule_order.first_run(trained, [small.READ]) == "2020-01-01T00:00:00.000+00:00"


def test_of_a_table_that_no_record_knows_the_first_run_is_not_known(record):
    assert rule_order.first_run(record, [small.READ, "results/small/tables/other.csv"]) == "not known"


def test_the_record_has_the_rules_that_it_was_given(study, record):
    assert record.rules == small.RULE_DATES
    graph = {entity["@id"]: entity for entity in json.loads((study / small.CRATE).read_text())["@graph"]}
    assert graph[f"../../../{small.LEDGER}"]["mentions"] == [{"@id": "#rule/first"}, {"@id": "#rule/second"}]
    assert (graph["#rule/first"]["version"], graph["#rule/first"]["dateModified"]) == (COMMIT, "2020-01-01T00:00:00+00:00")
    assert "dateModified" not in graph["#rule/second"]


def changed(study, change):
    """The study with another record, which its page confirms."""
    content = json.loads((study / small.CRATE).read_text())
    change({entity["@id"]: entity for entity in content["@graph"]})
    content["@graph"] = [entity for entity in content["@graph"] if entity]
    small.publish(study, content)
    return study


def without_rules(graph):
    del graph[f"../../../{small.LEDGER}"]["mentions"]
    graph["#rule/first"].clear()
    graph["#rule/second"].clear()


def test_a_record_of_before_has_none_and_an_audit_says_that(study):
    changed(study, without_rules)
    assert audit.load(study, "small").rules == {}
    code, out, _ = small.answer(study, "audit", "--claim", "first")
    (line,) = [line for line in out.splitlines() if line.startswith("rule: ")]
    assert code == 0
    assert line.startswith("rule: not known: the record does not say; first deciding run ")
    assert line.endswith(" UTC; which came first is not known")


@pytest.mark.parametrize(
    "properties",
    [
        {"version": None},
        {"dateModified": None},
        {"version": 1},
        {"dateModified": [1]},
        {"version": "not known: why"},
        {"name": None},
    ],
)
def test_a_rule_without_what_it_must_have_makes_a_record_unreadable(study, properties):
    def change(graph):
        rule = graph["#rule/first"]
        rule |= properties
        for name in [name for name, value in properties.items() if value is None]:
            del rule[name]

    code, out, err = small.answer(changed(study, change), "audit", "--claim", "first")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "not a record as this version writes it" in err


def test_an_audit_of_a_claim_tells_its_rule_and_the_first_run(study, record):
    start = rule_order.first_run(record, [small.READ])
    _, out, _ = small.answer(study, "audit", "--claim", "first")
    told = f"{start[:19].replace('T', ' ')} UTC"
    assert f"\nrule: commit bbbbbbbbbb, 2020-01-01 00:00:00 UTC; first deciding run {told}; {BEFORE}\n" in out
    _, out, _ = small.answer(study, "audit", "--claim", "first", "--json")
    assert json.loads(out)["rule"] == {"commit": COMMIT, "date": "2020-01-01T00:00:00+00:00", "first_run": start, "order": BEFORE}
    _, out, _ = small.answer(study, "audit", "--claim", "second")
    assert f"\nrule: not known: no repository here; first deciding run {told}; which came first is not known\n" in out


def test_a_rule_that_was_changed_after_the_first_run_is_told_as_that(study):
    def change(graph):
        graph["#rule/first"]["dateModified"] = "2999-01-01T00:00:00+00:00"

    _, out, _ = small.answer(changed(study, change), "audit", "--claim", "first")
    assert f"; {AFTER}\n" in out
    assert BEFORE not in out


def test_a_superseded_claim_names_those_that_took_its_place(study):
    ledger = study / "config/claims.yaml"
    ledger.write_text(f"{ledger.read_text()}superseded: [{{id: old, superseded_by: [first, third]}}]\n")
    code, out, err = small.answer(study, "audit", "--claim", "old")
    assert (code, out, err) == (2, "", "sgdphysics: --claim: old was superseded by first, third\n")
    assert "expected one of first, second" in small.answer(study, "audit", "--claim", "third")[2]


@pytest.mark.parametrize("text", [None, "claims: [", "- 1\n", "superseded: 3\n", "superseded: [3]\n", "superseded: [{id: old}]\n"])
def test_without_a_readable_list_of_superseded_claims_an_unknown_one_is_unknown(study, text):
    ledger = study / "config/claims.yaml"
    ledger.unlink() if text is None else ledger.write_text(text)
    code, out, err = small.answer(study, "audit", "--claim", "old")
    assert (code, out, err) == (2, "", "sgdphysics: --claim: found 'old', expected one of first, second\n")
