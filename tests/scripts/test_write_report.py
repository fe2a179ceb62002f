"""The report page of a small study, from files: whole, safe against what they say, and refused in one line where one is missing."""

import dataclasses
import hashlib
import json
import re
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from matplotlib import image

from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of
from sgdphysics.provenance import audit
from sgdphysics.provenance.rule_dates import RuleDate

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "workflow" / "scripts" / "write_report.py"), run_name="script")
HOSTILE = "<script>alert(1)</script><img src=https://example.org/x onerror=alert(2)>"
FIGURES = ["feng2021_fig1", "beyond_fig6", "feng2023_fig1"]


def save_tables(folder):
    verdicts = {
        "few_directions": ("feng2021", "empirical", "replicated"),
        "duality_exact": ("feng2023", "identity", "not replicated"),
    }
    shared = {"predicted": HOSTILE, "setting": HOSTILE, "settings": 2, "settings_held": 1, "n_seeds": 5, "p_value_holm": np.nan}
    shared |= {"statistic": "a_number", "region": "below 60.5", "tables": "feng2021_runs", "smallest_effect": np.nan}
    tests = [
        {"claim": name, "primary": primary, "test": f"test_{primary}", "value": value, "ci_low": value - 1, "ci_high": value + 1}
        | {"outcome": outcome, "p_value": 0.01, **shared}
        for name, outcome, value in (("few_directions", "held", 11.8), ("duality_exact", "failed", np.nan))
        for primary in (True, False)
    ]
    claims = [
        {"claim": name, "paper": paper, "kind": kind, "statement": HOSTILE, "verdict": verdict, "figure": f"{paper}_fig1"}
        for name, (paper, kind, verdict) in verdicts.items()
    ]
    points = {"sweep": ["dropout"], "dose": [0.1], "seed": [100], "point": ["equal_loss"], "deciding": [True]}
    points |= {"weight_spread": [0.7], "slope_spread": [1.9], "gap": [0.5]}
    for name, rows in {"claims": claims, "tests": tests, "points": points}.items():
        pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)


@pytest.fixture
def study(tmp_path):
    """Everything that the page is made of, as the arguments of the script's function."""
    save_tables(tmp_path)
    for name in FIGURES:
        image.imsave(tmp_path / f"{name}.png", np.zeros((3, 7, 3)))
        (tmp_path / f"{name}.rst").write_text(f"**Title of {name}.** {HOSTILE}")
    reports = ROOT / "workflow" / "report"
    return {
        "study": "small",
        "tables": {name: tmp_path / f"{name}.csv" for name in ("claims", "tests", "points")},
        "figures": {tmp_path / f"{name}.png": tmp_path / f"{name}.rst" for name in FIGURES},
        "sources": {
            "template": reports / "index.html.j2",
            "style": reports / "report.css",
            "script": reports / "report.js",
            "citation": ROOT / "CITATION.cff",
        },
        "details": {
            "scale": "small",
            "stated": {"few_directions": HOSTILE},
            "papers": {"feng2021": "Feng and Tu 2021", "beyond": "Beyond the papers"},
            "notebooks": {"feng2021": "feng2021.html"},
            "settings": {"dataset": "digits", "seeds": [1, 2], "note": HOSTILE},
            "dataset": {"kind": "embedded", "loader": "digits", "licence": HOSTILE, "sha256": "abc"},
        },
        "record": record(tmp_path),
        "output": tmp_path / "results" / "small" / "report" / "index.html",
        "manifest": tmp_path / "results" / "small" / "provenance" / "manifest.txt",
    }


def record(folder):
    """The record of a study of three jobs, with hostile texts wherever one may stand."""
    crate = folder / "results" / "small" / audit.CRATE
    crate.parent.mkdir(parents=True)
    crate.write_text("{}")
    environment = {"machine": {"processor": HOSTILE, "system": HOSTILE}, "device": HOSTILE, "python": HOSTILE}
    environment |= {"variables": {HOSTILE: HOSTILE}, "altered_packages": {HOSTILE: [HOSTILE]}}
    nothing = {"name": "draw", "rule": "draw", "script": "draw.py", "code": (), "inputs": (), "outputs": (), "parameters": {}}
    jobs = [
        audit.Job(
            **{**nothing, "rule": rule},
            started="",
            ended="",
            environment=environment,
            usage={"wallTime": seconds, "peakMemory": "500000000"},
        )
        for rule, seconds in (("measure", "70"), ("measure", "80"), ("draw", "3"))
    ]
    facts = {"commit": HOSTILE, "changed_files": [HOSTILE]}
    return audit.Record(folder, "small", {}, {}, tuple(jobs), facts, {}, {"numpy": HOSTILE})


@pytest.fixture
def page(study):
    SCRIPT["write"](**study)
    return BeautifulSoup(study["output"].read_text(), "html.parser")


def test_every_claim_stands_there_with_its_tests(page):
    rows = page.select("#claims > tbody")
    assert [row["id"] for row in rows] == ["claim-few_directions", "claim-duality_exact"]
    assert [len(row.select(".tests tbody tr")) for row in rows] == [2, 2]
    assert "11.8 [10.8, 12.8]" in rows[0].get_text()
    assert rows[0].select_one(".verdict").get_text() == "replicated"


def test_claims_of_a_first_edition_are_counted_and_said_to_be_that(page):
    rows = {row.th.get_text(): [cell.get_text() for cell in row.select("td")] for row in page.select(".tally tbody tr")}
    assert rows == {"replicated": ["1"], "partly": ["–"], "inconclusive": ["–"], "not replicated": ["–"]}
    assert "0 of 1 identities checked, which stand apart as they hold by algebra." in page.header.get_text()
    assert "A first edition: one answer for each claim" in page.get_text()
    assert "as published" not in page.select_one("#claims").get_text()


def test_claims_of_today_have_two_answers_and_are_counted_by_source(study):
    claims, tests = (pd.read_csv(study["tables"][name]) for name in ("claims", "tests"))
    claims["verdict"] = ["reproduced, not specific", "checked"]
    claims = claims.assign(as_published="yes", specific=["no", "-"], source="talk", because="count held", open_because="")
    tests = tests.assign(asks=["as_published", "specific"] * 2, interval="mean", margin_from="talk: about 40", open_because="")
    claims.to_csv(study["tables"]["claims"], index=False)
    tests.to_csv(study["tables"]["tests"], index=False)
    SCRIPT["write"](**study)
    page = BeautifulSoup(study["output"].read_text(), "html.parser")
    assert [cell.get_text() for cell in page.select(".tally thead th")] == ["Verdict", "all", "talk"]
    rows = {row.th.get_text(): [cell.get_text() for cell in row.select("td")] for row in page.select(".tally tbody tr")}
    assert {word for word, numbers in rows.items() if numbers == ["1", "1"]} == {"reproduced, not specific"}
    assert "talk: the talk only." in page.header.get_text()
    assert "A first edition" not in page.get_text()
    claim = page.select_one("#claim-few_directions")
    assert [region.get_text() for region in claim.select(".claim .verdict ~ .region")] == ["as published: yes", "specific: no"]
    assert claim.select_one(".detail p").get_text() == "Count held."
    headings = [caption.get_text() for caption in claim.select(".tests caption")]
    assert [heading.split(":")[0] for heading in headings] == ["As published", "Specific"]
    assert [len(table.tbody.find_all("tr")) for table in claim.select(".tests")] == [1, 1]
    assert claim.select_one(".wanted").get_text().startswith("below 60.5margin: talk: about 40")


def rules_on(page):
    """What the page says of the rule of each claim."""
    rows = page.select("#claims > tbody")
    return {row["id"]: div.dd.get_text() for row in rows for div in row.select("dl > div") if div.dt.get_text() == "Rule"}


def test_a_study_whose_record_knows_of_no_rules_says_so(page):
    unknown = "not known: the record does not say; first deciding run not known; which came first is not known"
    assert rules_on(page) == {"claim-few_directions": unknown, "claim-duality_exact": unknown}
    assert "Whether the rules of the claims were written before the runs that decide them is not known." in page.header.get_text()
    assert "written before the runs" not in page.select_one("#claims").get_text()


@pytest.mark.parametrize(
    ("date", "word", "sentence"),
    [
        ("2026-01-01T00:00:00+00:00", "written before the runs", "1 of 2 claims that runs decide had their rules written before"),
        ("2026-01-02T00:00:01+00:00", "changed after the runs had started", "0 of 2 claims that runs decide had their rules"),
    ],
)
def test_the_rule_of_a_claim_stands_beside_the_first_run_that_decides_it(study, date, word, sentence):
    record = study["record"]
    table, start = "results/small/tables/feng2021_runs.csv", "2026-01-02T00:00:00.000+00:00"
    trained = {"outputs": (table,), "parameters": {"seeds": [200]}, "started": start}
    record.jobs = (dataclasses.replace(record.jobs[0], **trained), *record.jobs[1:])
    record.rules = {"few_directions": RuleDate("b" * 40, date), "duality_exact": RuleDate(f"not known: {HOSTILE}")}
    SCRIPT["write"](**study)
    page = BeautifulSoup(study["output"].read_text(), "html.parser")
    run = "first deciding run 2026-01-02 00:00:00 UTC"
    assert rules_on(page) == {
        "claim-few_directions": f"commit bbbbbbbbbb, {date[:10]} {date[11:19]} UTC; {run}; {word}",
        "claim-duality_exact": f"not known: {HOSTILE}; {run}; which came first is not known",
    }
    assert sentence in page.header.get_text()
    assert "; of 1 this is not known." in page.header.get_text()


def test_the_page_prints_the_sum_of_the_manifest_which_has_those_of_page_and_record(study, page):
    anchor = sha256_of(study["manifest"])
    line = f"anchor of small: sha256 {anchor}"
    assert [element.get_text() for element in page.select("code.sum") if "anchor" in element.get_text()] == [line]
    (text,) = [text for text in study["output"].read_text().splitlines() if anchor in text]
    rest = study["output"].read_text().replace(f"{text}\n", "")
    sums = dict(reversed(row.split("  ")) for row in study["manifest"].read_text().splitlines()[1:])
    assert sums == {
        "results/small/provenance/ro-crate-metadata.json": hashlib.sha256(b"{}").hexdigest(),
        "results/small/report/index.html": hashlib.sha256(rest.encode()).hexdigest(),
    }


def test_every_link_within_the_page_leads_somewhere(page):
    targets = {link["href"][1:] for link in page.select("a[href^='#']")}
    assert targets <= {element["id"] for element in page.select("[id]")}
    ids = [element["id"] for element in page.select("[id]")]
    assert len(ids) == len(set(ids))


def test_the_page_holds_each_picture_once_and_loads_nothing(page):
    pictures = [picture["src"] for picture in page.select("img")]
    assert len(pictures) == len(FIGURES)
    assert all(source.startswith("data:image/png;base64,") for source in pictures)
    assert not page.select("link:not([href='data:,']), iframe, object, embed, script[src]")


def test_what_the_files_say_is_text(page):
    """Of the page's scripts two run and one is data; no file adds one."""
    assert len(page.select("script")) == 3
    assert not page.select("[onerror]")
    text = page.get_text()
    assert text.count(HOSTILE) >= 8  # statements, stated, predicted, settings, captions, licence


def test_only_the_scripts_of_the_page_are_allowed(page):
    policy = page.select_one("meta[http-equiv='Content-Security-Policy']")["content"]
    assert "default-src 'none'" in policy
    assert re.findall(r"script-src (.*)$", policy)[0].count("'sha256-") == 2
    assert "unsafe" not in re.findall(r"script-src (.*)$", policy)[0]


def test_time_is_summed_by_stage(page):
    rows = [[cell.get_text() for cell in row.select("th, td")] for row in page.select("section[aria-labelledby=cost] tr")]
    assert rows[1:] == [
        ["measure", "2", "2 min 30 s", "500 MB"],
        ["draw", "1", "3.0 s", "500 MB"],
        ["all stages", "3", "2 min 33 s", "500 MB"],
    ]


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"commit": "a" * 40, "changed_files": []}, "a" * 40),
        ({"commit": "a" * 40, "changed_files": ["b", "c"]}, f"{'a' * 40}, with changes that are not committed: b, c"),
        ({"commit": "not known: no git here", "changed_files": []}, "not known: no git here"),
        ({"commit": "not in a repository", "changed_files": []}, "not known: not in a repository"),
    ],
)
def test_the_commit_is_told_or_that_it_is_not_known(study, facts, told):
    study["record"].facts = facts
    SCRIPT["write"](**study)
    page = BeautifulSoup(study["output"].read_text(), "html.parser")
    (row,) = [row for row in page.select("dl.facts > div") if row.dt.get_text() == "commit"]
    assert row.dd.get_text() == told
    assert bool(row.select("code.sum")) == (len(facts["commit"]) == 40)


def test_what_a_record_does_not_know_of_a_machine_is_said(study):
    for job in study["record"].jobs:
        job.environment["machine"] = {"processor": "", "system": "Linux"}
    SCRIPT["write"](**study)
    assert "processor not known, Linux" in BeautifulSoup(study["output"].read_text(), "html.parser").get_text()


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"variables": {}, "altered_packages": {}}, []),
        ({"variables": {"MKL_CBWR": "COMPATIBLE"}}, ["MKL_CBWR=COMPATIBLE"]),
        ({"altered_packages": {"numpy": ["b.py", "a.py"], "torch": ["c.so"]}}, ["numpy 2: a.py and b.py", "torch : c.so"]),
    ],
)
def test_variables_and_altered_packages_are_shown_where_there_are_any(study, environment, told):
    study["record"].packages = {"numpy": "2"}
    for job in study["record"].jobs:
        job.environment.update({"variables": {}, "altered_packages": {}, **environment})
    SCRIPT["write"](**study)
    rows = BeautifulSoup(study["output"].read_text(), "html.parser").select("dl.facts > div")
    subjects = ("variables that were set", "altered since installation")
    assert [row.dd.get_text() for row in rows if row.dt.get_text() in subjects] == told


def test_settings_data_and_notebooks_are_named(page):
    assert "seeds: [1, 2]" in page.select_one("section[aria-labelledby=settings] pre").get_text()
    assert page.select_one(".checksum").get_text() == "abc"
    assert [link["href"] for link in page.select("section[aria-labelledby=notebooks] a")] == ["feng2021.html"]
    assert "10.1073/pnas.2015617118" in page.select_one("section[aria-labelledby=cite]").get_text()


def test_the_points_are_there_for_the_plot_and_as_a_table(page):
    (entry,) = json.loads(page.select_one("#plane-data").string)
    assert (entry["sweep"], entry["size"]) == ("dropout", [0.7])
    assert page.select_one("section[aria-labelledby=plane] tbody th").get_text() == "dropout"


def test_a_study_without_points_says_so(study):
    path = study["tables"]["points"]
    path.write_text(path.read_text().splitlines()[0] + "\n")
    SCRIPT["write"](**study)
    assert "No run of this study tells" in study["output"].read_text()


@pytest.mark.parametrize("name", ["claims.csv", "tests.csv", "points.csv", "feng2021_fig1.png", "feng2021_fig1.rst"])
def test_a_missing_file_is_named_and_no_page_is_written(study, name):
    (study["tables"]["claims"].parent / name).unlink()
    with pytest.raises(InputError, match=re.escape(name)) as missing:
        SCRIPT["write"](**study)
    assert "\n" not in str(missing.value)
    assert not study["output"].exists()


@pytest.mark.parametrize("content", ["a: [b", "only text", "title: no more"])
def test_a_citation_that_cannot_be_read_is_refused(study, content, tmp_path):
    study["sources"]["citation"] = tmp_path / "CITATION.cff"
    study["sources"]["citation"].write_text(content)
    with pytest.raises(InputError, match=r"CITATION\.cff: [^\n]+$"):
        SCRIPT["write"](**study)


def test_figures_stand_below_their_papers_and_those_of_no_named_paper_last(page):
    assert [heading.text for heading in page.select("section[aria-labelledby=figures] h3")] == [
        "Feng and Tu 2021",
        "Beyond the papers",
        "feng2023",
    ]
