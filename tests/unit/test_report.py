"""The parts of the report page, on small tables; what must not get through; what is missing is named in one line."""

import base64
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import image

from sgdphysics.claims import counts
from sgdphysics.errors import InputError
from sgdphysics.provenance.record import Job, Record
from sgdphysics.provenance.rule_dates import RuleDate
from sgdphysics.provenance.rule_order import Order
from sgdphysics.report import claims, origin, page, pictures, plane, stages, text

HOSTILE = '<script>alert(1)</script> & "<b>" \''


def row_of_test(claim, outcome, **changes):
    row = {
        "claim": claim,
        "primary": True,
        "test": "in_sample",
        "statistic": "in_sample_exponent",
        "predicted": "about 4",
        "region": "between -3 and 5",
        "setting": "learning rate 0.1",
        "settings": 1,
        "settings_held": 1,
        "value": -1.5,
        "ci_low": -2.0,
        "ci_high": -1.0,
        "n_seeds": 5,
        "outcome": outcome,
        "p_value": 1e-4,
        "p_value_holm": np.nan,
        "smallest_effect": 0.25,
        "tables": "feng2021_fig1; feng2021_runs",
    }
    return row | changes


def ledger(**entries):
    rows = [
        {
            "claim": name,
            "paper": "feng2021",
            "kind": kind,
            "statement": f"It is {name}",
            "verdict": verdict,
            "figure": "feng2021_fig1",
        }
        for name, (kind, verdict) in entries.items()
    ]
    return pd.DataFrame(rows)


def one_claim(*outcomes, verdict, **changes):
    rows = [row_of_test("a", end, test=f"test_{index}", primary=index == 0, **changes) for index, end in enumerate(outcomes)]
    (claim,) = claims.claims(ledger(a=("empirical", verdict)), pd.DataFrame(rows), {"a": "page 1"})
    return claim


def written(template, **content):
    return page.page(template, "", {}, content)


def test_a_claim_has_its_tests_in_words():
    claim = one_claim("failed", verdict="not replicated", settings=5, settings_held=3)
    (test,) = claim.tests
    assert (claim.stated, claim.verdict) == ("page 1", "not replicated")
    assert (test.estimate, test.region, test.value) == ("−1.5 [−2, −1]", "between −3 and 5", -1.5)
    assert test.setting == "learning rate 0.1 (held at 3 of 5 settings)"
    assert (test.p_value, test.p_value_holm, test.smallest_effect) == ("0.0001", "", "0.25")


def test_the_primary_test_comes_first():
    rows = pd.DataFrame([row_of_test("a", "held", test="second", primary=False), row_of_test("a", "held", test="first")])
    (claim,) = claims.claims(ledger(a=("empirical", "replicated")), rows, {})
    assert [test.name for test in claim.tests] == ["first", "second"]
    assert claim.stated == ""


ANSWERED = {"as_published": "partly", "specific": "no", "source": "talk", "because": "as published: count held at 1 of 2 settings"}


def answered(*asks, verdict="partly reproduced", **changes):
    """A claim of today's ledger, with a test for each question that is asked, in this order."""
    rows = [row_of_test("a", "held", test=f"test_{place}", primary=place == 0, asks=of) for place, of in enumerate(asks)]
    entries = ledger(a=("empirical", verdict)).assign(**(ANSWERED | changes))
    tests = pd.DataFrame(rows).assign(interval="mean over seeds", margin_from="talk: about 4")
    (claim,) = claims.claims(entries, tests, {})
    return claim


def test_a_claim_has_two_answers_what_made_them_and_where_it_is_stated():
    claim = answered("as_published", "specific")
    assert (claim.as_published, claim.specific, claim.source) == ("partly", "no", "the talk only")
    assert claim.because == "As published: count held at 1 of 2 settings."
    assert (claim.tests[0].asks, claim.tests[0].interval, claim.tests[0].margin_from) == (
        "as_published",
        "mean over seeds",
        "talk: about 4",
    )


def test_tests_stand_below_the_question_that_they_ask():
    claim = answered("as_published", "context", "specific", "as_published")
    questions = {asks: claims.QUESTIONS[asks] for asks in ("as_published", "specific", "context")}
    assert {question: [test.name for test in tests] for question, tests in claim.by_question.items()} == {
        questions["as_published"]: ["test 0", "test 3"],
        questions["specific"]: ["test 2"],
        questions["context"]: ["test 1"],
    }
    assert list(claim.by_question) == list(questions.values())


def test_a_claim_of_a_first_edition_has_one_answer():
    claim = one_claim("held", "reported", verdict="partly")
    assert (claim.as_published, claim.specific, claim.source, claim.because) == ("", "", "", "")
    assert {question: len(tests) for question, tests in claim.by_question.items()} == {"Tests": 2}
    assert (claim.tests[0].asks, claim.tests[0].interval, claim.tests[0].margin_from) == ("", "", "")


def test_claims_of_either_edition_are_ranked_from_good_to_bad():
    today = [answered("as_published", verdict=verdict).rank for verdict in page.VERDICTS]
    first = [one_claim("held", verdict=verdict).rank for verdict in ("replicated", "partly", "inconclusive", "not replicated")]
    assert [*today, *first] == list(range(len(today) + 4))


@pytest.mark.parametrize(("has_answers", "verdict"), [(True, "replicated"), (False, "holds")])
def test_a_verdict_of_the_other_edition_is_refused(has_answers, verdict):
    entries = ledger(a=("empirical", verdict)).assign(**(ANSWERED if has_answers else {}))
    with pytest.raises(InputError, match=f"a: found verdict '{verdict}', expected one of"):
        claims.claims(entries, pd.DataFrame([row_of_test("a", "held")]), {})


def test_a_rule_stands_beside_its_runs_or_is_not_known():
    order = Order(RuleDate("b" * 40, "2026-01-01T00:00:00+00:00"), "2026-01-02T00:00:00.000+00:00")
    kinds = {"a": ("empirical", "replicated"), "b": ("empirical", "partly")}
    rows = pd.DataFrame([row_of_test(name, "held") for name in kinds])
    first, second = claims.claims(ledger(**kinds), rows, {}, {"a": order})
    assert first.rule == order.line
    assert first.rule.endswith("written before the runs")
    assert second.rule == "not known"


def test_the_runs_of_a_rule_are_those_behind_all_tables_of_its_tests():
    """Of the second claim one table is made by no job that the record knows, of the third none is named."""
    made = {"feng2021_fig1": [], "feng2021_runs": [1, 2], "grid": []}
    jobs = tuple(
        job(name, 1, 1, outputs=(f"results/small/tables/{name}.csv",), parameters={"seeds": seeds}, started=f"2026-01-0{place + 1}")
        for place, (name, seeds) in enumerate(made.items())
    )
    rules = {"a": RuleDate("b" * 40, "2026-01-01T00:00:00+00:00")}
    record = Record(Path(), "small", {}, {}, jobs, {}, {}, {}, rules=rules)
    rows = [row_of_test("a", "held", tables="grid"), row_of_test("a", "reported", tables="feng2021_fig1; feng2021_runs")]
    rows += [row_of_test("b", "held", tables="grid; unknown"), row_of_test("c", "held", tables=np.nan)]
    orders = claims.rule_orders(pd.DataFrame(rows), record)
    assert {name: order.first_run for name, order in orders.items()} == {"a": "2026-01-02", "b": "not known", "c": ""}
    assert [orders[name].rule.commit for name in "ab"] == ["b" * 40, "not known: the record does not say"]


def test_what_is_open_says_why_and_a_study_of_before_may_not():
    because = "batch size 400: -1e-3 of 5 seeds, x-axis"
    (claim,) = claims.claims(
        ledger(a=("empirical", "inconclusive")).assign(open_because=because),
        pd.DataFrame([row_of_test("a", "undecided")]).assign(open_because=np.nan),
        {},
    )
    assert (claim.open_because, claim.tests[0].open_because) == ("batch size 400: −1e−3 of 5 seeds, x-axis", "")
    assert one_claim("undecided", verdict="inconclusive").open_because == ""


KINDS = {
    "a": ("empirical", "holds"),
    "b": ("empirical", "open"),
    "c": ("empirical", "holds"),
    "d": ("empirical", "holds"),
    "e": ("identity", "checked"),
    "f": ("identity", "open"),
}


def test_empirical_claims_are_counted_by_verdict_and_source_and_identities_apart():
    entries = ledger(**KINDS).assign(source=["talk", "talk", "abstract", "talk", "abstract", "ours"])
    table = counts.by_source(entries)
    words = ("holds", "reproduced", "reproduced, not specific", "at least partly reproduced", "partly reproduced", "open")
    assert list(table.index) == [*words, "at most partly reproduced", "not reproduced"]
    assert list(table.columns) == ["all", "abstract", "talk"]
    assert table.loc[["holds", "open"]].to_numpy().tolist() == [[3, 1, 2], [1, 0, 1]]
    assert table.to_numpy().sum() == 2 * 4
    assert counts.notes(entries) == ["1 of 2 identities checked, which stand apart as they hold by algebra"]


def test_two_readings_of_a_sentence_are_told_and_not_counted():
    kinds = {"a": ("empirical", "not reproduced"), "b": ("empirical", "open"), "c": ("empirical", "holds")}
    entries = ledger(**kinds).assign(source="talk", other_reading=["c", "", ""])
    for rows in (entries, entries[::-1]):
        table = counts.by_source(rows)
        assert table["all"][["holds", "open", "not reproduced"]].tolist() == [0, 1, 0]
    told = "two readings of one sentence are not counted: a (not reproduced) and c (holds)"
    assert counts.notes(entries) == [told]
    alone = counts.by_source(entries[entries["claim"] != "c"])  # of one paper, or one whose other reading was taken out
    assert alone["all"][["holds", "open", "not reproduced"]].tolist() == [0, 1, 1]


def test_counts_say_how_many_claims_are_about_the_toy_model():
    entries = ledger(**KINDS).assign(source=["abstract", "talk", "abstract", "talk", "abstract", "ours"], system="network")
    entries.loc[entries["claim"].isin(["a", "b", "d", "e"]), "system"] = "toy model"
    told = "3 of these claims are about a toy model and no network, of which 2 hold (1 abstract, 1 talk)"
    assert counts.notes(entries)[1:] == [told]


def test_claims_of_a_first_edition_are_counted_by_verdict():
    kinds = {"a": ("empirical", "replicated"), "b": ("empirical", "inconclusive"), "c": ("identity", "replicated")}
    table = counts.by_source(ledger(**kinds))
    assert table["all"].to_dict() == {"replicated": 1, "partly": 0, "inconclusive": 1, "not replicated": 0}
    assert list(table.columns) == ["all"]
    assert counts.notes(ledger(**kinds)) == ["1 of 1 identities checked, which stand apart as they hold by algebra"]


@pytest.mark.parametrize(
    ("numbers", "words"),
    [((np.nan, np.nan, np.nan), "no value"), ((1.0, 1.0, 1.0), "1"), ((2.0, np.nan, np.nan), "2"), ((2.0, -np.inf, np.inf), "2")],
)
def test_intervals_without_ends_are_not_shown(numbers, words):
    assert text.interval(*numbers) == words


@pytest.mark.parametrize("column", ["p_value_holm", "tables"])
def test_a_table_of_tests_without_a_column_is_refused(column):
    tests = pd.DataFrame([row_of_test("a", "held")]).drop(columns=column)
    with pytest.raises(InputError, match=f"claim_tests.csv: no column {column}"):
        claims.claims(ledger(a=("empirical", "replicated")), tests, {})


def test_claims_without_a_test_or_with_an_unknown_verdict_are_refused():
    tests = pd.DataFrame([row_of_test("other", "held")])
    with pytest.raises(InputError, match="no test of a"):
        claims.claims(ledger(a=("empirical", "replicated")), tests, {})
    with pytest.raises(InputError, match="found verdict 'proved'"):
        claims.claims(ledger(a=("empirical", "proved")), tests, {})


def picture(folder, caption="**A title\nof two lines.** Then *more*, and ``code``."):
    path = folder / "feng2021_fig1.png"
    image.imsave(path, np.zeros((3, 7, 3)))
    path.with_suffix(".rst").write_text(caption)
    return path, path.with_suffix(".rst")


def test_a_figure_has_its_size_its_bytes_and_its_caption(tmp_path):
    paths = picture(tmp_path)
    figure = pictures.figure(*paths)
    assert (figure.width, figure.height, figure.name, figure.paper) == (7, 3, "feng2021_fig1", "feng2021")
    assert figure.title == "A title of two lines."
    assert figure.alternative == "feng2021_fig1: A title of two lines. The caption says what each panel shows."
    assert base64.b64decode(figure.picture.partition(",")[2]) == paths[0].read_bytes()
    assert "<em>more</em>" in figure.caption


def test_missing_figures_captions_and_other_files_are_named(tmp_path):
    png, rst = picture(tmp_path)
    with pytest.raises(InputError, match=r"nothing\.png: cannot be read") as missing:
        pictures.figure(tmp_path / "nothing.png", rst)
    assert "\n" not in str(missing.value)
    with pytest.raises(InputError, match=r"nothing\.rst: cannot be read"):
        pictures.figure(png, tmp_path / "nothing.rst")
    rst.write_bytes(b"**A title.** \xff")
    with pytest.raises(InputError, match=r"feng2021_fig1\.rst: not a caption in UTF-8"):
        pictures.figure(png, rst)
    rst.write_text("**A title.**")
    png.write_text("no picture at all, though of some length")
    with pytest.raises(InputError, match="not a PNG picture"):
        pictures.figure(png, rst)


@pytest.mark.parametrize(
    "caption",
    [
        ".. raw:: html\n\n   <script>alert(1)</script>",
        ".. include:: {secret}",
        ".. csv-table::\n   :file: {secret}",
        ".. role:: html(raw)\n   :format: html\n\n:html:`<script>alert(1)</script>`",
        "<script>alert(1)</script>",
    ],
)
def test_captions_run_nothing_and_read_no_file(tmp_path, caption):
    secret = tmp_path / "secret.txt"
    secret.write_text("do not show this")
    html = text.caption_html(caption.format(secret=secret))
    assert "<script" not in html
    assert "do not show this" not in html


def points():
    rows = [("dropout", 0.1, "equal_loss", True, 1.0, 4.0), ("dropout", 0.1, "equal_loss", True, 4.0, 1.0)]
    rows += [("dropout", 0.1, "equal_epochs", True, 2.0, 2.0), ("dropout", 0.3, "equal_loss", False, 2.0, 2.0)]
    rows += [("label_noise", 0.0, "equal_loss", True, 0.0, 2.0), ("label_noise", 0.0, "equal_loss", True, np.nan, 2.0)]
    table = pd.DataFrame(rows, columns=["sweep", "dose", "point", "deciding", "weight_spread", "slope_spread"])
    return table.assign(seed=range(100, 106), gap=0.123456789)


def test_the_plane_has_the_points_that_decide_and_that_a_logarithm_can_show():
    loss, epochs = plane.plane(points())
    assert (loss["sweep"], loss["comparison"], epochs["comparison"]) == ("dropout", "equal_loss", "equal_epochs")
    assert (loss["size"], loss["sharpness"], loss["seed"]) == ([1.0, 4.0], [4.0, 1.0], [100, 101])
    assert loss["gap"] == [0.12346, 0.12346]
    json.dumps([loss, epochs])


def test_the_plane_as_text_has_geometric_means():
    rows = plane.plane_means(points())
    assert [(row["comparison"], row["runs"], row["size"], row["sharpness"]) for row in rows] == [
        ("at equal training loss", "2", "2", "2"),
        ("after equally many epochs", "1", "2", "2"),
    ]


def test_a_study_without_points_has_an_empty_plane():
    none = points().iloc[:0]
    assert plane.plane(none) == plane.plane_means(none) == []
    with pytest.raises(InputError, match="no column gap"):
        plane.plane(none.drop(columns="gap"))


def job(rule, seconds, memory, **changes):
    nothing = {"script": "draw.py", "code": {}, "inputs": (), "outputs": (), "parameters": {}, "started": "", "ended": ""}
    usage = {"wallTime": str(seconds), "peakMemory": str(memory)}
    return Job(name=rule, rule=rule, **(nothing | changes), environment={}, usage=usage)


def test_time_and_memory_are_those_of_the_record_by_stage():
    parts = stages.stages([job("draw", 1, 2e8), job("train", 10, 3e8), job("train", 5.5, 7e8)])
    assert [(stage.name, stage.jobs, stage.seconds, stage.memory) for stage in parts] == [
        ("train", 2, 15.5, 700),
        ("draw", 1, 1, 200),
    ]
    together = stages.total(parts)
    assert (together.jobs, together.seconds, together.memory) == (3, 16.5, 700)
    assert stages.total([]).seconds == 0


def test_amounts_are_in_words():
    assert [text.duration(seconds) for seconds in (None, 2.25, 119.6, 3725)] == [
        "not recorded",
        "2.2 s",
        "2 min 0 s",
        "1 h 2 min",
    ]
    assert [text.memory(size) for size in (None, 512.4, 2048)] == ["not recorded", "512 MB", "2.0 GB"]


def test_a_data_set_is_described_by_what_its_entry_says():
    files = {"train": {"bytes": 3, "sha256": "ab"}, "test": {"bytes": 4, "sha256": "cd"}}
    entry = {"kind": "idx_download", "version": "1", "licence": "free", "mirrors": ["https://one/", "https://two/"], "files": files}
    lines = origin.dataset("digits", entry | {"image_shape": [8, 9], "training_images": 60000, "classes": None})
    assert lines["source"] == ["downloaded from https://one/", "downloaded from https://two/"]
    assert lines["SHA-256"] == ["train: ab", "test: cd"]
    assert (lines["images"], lines["training images"]) == (["8 × 9 pixels"], ["60,000"])
    assert origin.dataset("own", entry | {"image_shape": [1040]})["images"] == ["1,040 numbers each"]
    assert "classes" not in lines
    assert origin.dataset("own", {"kind": "idx_directory", "directory": "data"})["SHA-256"] == ["none is asked for"]


@pytest.mark.parametrize(
    ("directory", "source"),
    [("mine/images", "own files in mine/images"), ("/home/annalovelace/images", "own files"), ("../images", "own files")],
)
def test_a_folder_outside_of_the_project_is_not_named(directory, source):
    assert origin.dataset("own", {"kind": "idx_directory", "directory": directory})["source"] == [source]


def test_citations_are_written_out():
    person = {"family-names": "Tu", "given-names": "Yuhai"}
    work = {
        "authors": [{"name": "A"}, {"name": "B"}, person],
        "title": "T",
        "journal": "J",
        "volume": "1",
        "start": "5",
        "year": 2023,
    }
    content = {
        "title": "S",
        "version": "1",
        "license": "MIT",
        "authors": [{"name": "We"}],
        "references": [work, work | {"end": "9"}],
    }
    software, one, other = origin.citations(content)
    assert software == {"text": "We. S. Version 1. Licence: MIT.", "doi": ""}
    assert one["text"] == "A, B and Yuhai Tu. T. J 1, 5 (2023)."
    assert "J 1, 5–9 (2023)" in other["text"]
    with pytest.raises(InputError, match=r"CITATION\.cff: no title"):
        origin.citations({key: value for key, value in content.items() if key != "title"})


def test_texts_are_escaped_wherever_they_stand():
    html = written(
        '<p title="{{ text }}">{{ text }}</p><b>{{ text | breakable }}</b><script>{{ [text] | tojson }}</script>', text=HOSTILE
    )
    assert html.count("<script") == 1
    assert html.count("</script") == 1
    assert '"<b>"' not in html
    assert json.loads(re.search(r"<script>(.*)</script>", html)[1]) == [HOSTILE]


def test_only_the_scripts_of_the_page_may_run():
    script = "const less = 1 < 2 && true;"
    html = page.page(
        "{% for one in scripts.values() %}<script>{{ one }}</script>{% endfor %}{{ script_hashes[0] }}", "", {"s": script}, {}
    )
    assert f"<script>{script}</script>" in html
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in html


@pytest.mark.parametrize("source", ["</script>", "</STYLE >", "<!-- x"])
def test_scripts_and_styles_cannot_leave_their_element(source):
    with pytest.raises(InputError, match="must not hold"):
        page.page("", "", {"script": source}, {})
    with pytest.raises(InputError, match="style sheet"):
        page.page("", source, {}, {})
