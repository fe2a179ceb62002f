"""What the notebooks share: numbers in words, tables, figures, and a study without runs."""

import math
import struct

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from sgdphysics.errors import InputError
from sgdphysics.report import narrative
from sgdphysics.report.narrative import Interval, sentence
from sgdphysics.tables import save_table

HOSTILE = '<script>alert("1")</script> & <b>bold</b>'
FIVE = [2.0, 2.1, 1.9, 2.05, 1.95]


def soup(shown):
    assert shown.kind == "text/html"
    return BeautifulSoup(shown.content, "html.parser")


@pytest.fixture
def study(tmp_path):
    ledger = pd.DataFrame(
        {
            "claim": ["one", "two", "three"],
            "paper": ["feng2023", "dinh2017", "feng2021"],
            "kind": ["empirical", "identity", "empirical"],
            "statement": [HOSTILE, "Second", "Third"],
            "verdict": ["not replicated", "replicated", "partly"],
        }
    )
    test = {
        "primary": True,
        "predicted": "near -1",
        "region": "below -0.5",
        "setting": "learning_rate 0.1",
        "settings": 2,
        "settings_held": 1,
        "ci_low": -0.9,
        "ci_high": -0.7,
        "n_seeds": 5,
    }
    rows = [
        {**test, "claim": "one", "test": "first_test", "value": -0.8, "outcome": "failed"},
        {**test, "claim": "one", "test": "second_test", "primary": False, "value": -0.8, "outcome": "reported"},
        {**test, "claim": "two", "test": "first_test", "value": math.nan, "n_seeds": 0, "outcome": "undecided"},
        {**test, "claim": "three", "test": "first_test", "value": 1.0, "outcome": "held"},
    ]
    save_table(tmp_path / "claims.csv", ledger)
    save_table(tmp_path / "claim_tests.csv", pd.DataFrame(rows))
    folder = str(tmp_path)
    return narrative.Study("small", "feng2023", folder, folder, folder, folder)


def test_an_interval_has_as_many_decimals_throughout():
    assert str(Interval.of(FIVE)) == "2.00 [1.90,\u00a02.10]"
    assert str(Interval(-0.0044, -0.0204, 0.0116, 5)) == "−0.0044 [−0.0204,\u00a00.0116]"
    assert str(Interval(386, 384.2, 387.4, 5)) == "386 [384,\u00a0387]"
    assert str(Interval(4.51e-16, 3.84e-16, 5.19e-16, 5)) == "4.51e−16 [3.84e−16,\u00a05.19e−16]"


def test_a_narrow_interval_does_not_vanish_in_rounding():
    assert str(Interval(1.0022055, 1.0014876, 1.0029235, 5)) == "1.002 [1.001,\u00a01.003]"


def test_few_seeds_are_counted():
    assert str(Interval.of([1.0])) == "1 (only 1 seed)"
    assert str(Interval.of([1.0, 2.0, 3.0])).endswith("(only 3 seeds)")


def test_a_value_without_seeds_has_no_interval():
    assert str(Interval(0.0241, 0.0241, 0.0241, 0)) == "0.0241"


def test_values_that_are_not_finite_are_left_out():
    assert Interval.of([*FIVE, math.nan, math.inf]) == Interval.of(FIVE)
    assert str(Interval.of([])) == str(Interval.of([math.nan])) == narrative.NOTHING


@pytest.mark.parametrize(("shift", "word"), [(0, "above"), (-2, "neither"), (-4, "below")])
def test_the_place_of_an_interval_in_words(shift, word):
    assert Interval.of(np.array(FIVE) + shift).words("above", "below", "neither") == word


def test_an_unknown_interval_lies_nowhere():
    assert Interval.of([]).words("above", "below", "neither") == "neither"


def test_means_and_paired_differences_are_over_seeds():
    rows = pd.DataFrame({"seed": [1, 1, 2, 1, 2], "kind": ["a", "a", "a", "b", "b"], "value": [1.0, 3.0, 4.0, 1.0, 1.5]})
    assert narrative.means(rows, "value", "kind", {"a": "A", "c": "C"})["A"] == Interval.of([2.0, 4.0])
    assert not narrative.means(rows, "value", "kind", {"c": "C"})["C"].known
    assert narrative.paired(rows, "value", "kind", "a", "b") == Interval.of([1.0, 2.5])
    assert not narrative.paired(rows, "value", "kind", "a", "c").known


def test_settings_are_averaged_over_seeds():
    rows = pd.DataFrame({"seed": [1, 1, 2, 1], "batch": [5, 5, 5, 9], "value": [1.0, 3.0, 4.0, 1.0]})
    table = narrative.by_setting(rows, {"batch": "batch size"}, {"value": "Value"})
    assert table["batch size"].tolist() == [5, 9]
    assert table["Value"].tolist() == [Interval.of([2.0, 4.0]), Interval.of([1.0])]
    assert list(narrative.by_setting(rows.iloc[:0], {"batch": "batch size"}, {"value": "Value"})) == ["batch size", "Value"]


def test_a_sentence_with_an_unknown_number_says_that_no_run_tells():
    assert sentence("size", "It is {x}, {y}.", x=Interval.of(FIVE), y=0.12345) == "It is 2.00 [1.90,\u00a02.10], 0.123."
    assert sentence("size", "It is {x}.", x=Interval.of([])) == "Of size no run of this study tells."
    assert sentence("size", "It is {x}.", x=math.nan) == "Of size no run of this study tells."


def test_text_is_a_list_of_points():
    assert narrative.text("One.", "Two.").content == "- One.\n- Two."


def test_tables_escape_what_they_show():
    cells = {"words": [HOSTILE], "name": [narrative.Code(HOSTILE)], "noted": [narrative.Noted(HOSTILE, HOSTILE)]}
    cells |= {"outcome": [narrative.Outcome(HOSTILE, HOSTILE)], HOSTILE: [1]}
    table = soup(narrative.table(pd.DataFrame(cells), HOSTILE))
    assert not table.find_all(["script", "b"])
    assert table.get_text().count(HOSTILE) == 8


def test_numbers_and_other_cells():
    frame = pd.DataFrame({"count": [3], "share": [0.12345], "none": [math.nan], "sure": [True], "value": [Interval.of(FIVE)]})
    cells = [cell.get_text() for cell in soup(narrative.table(frame, "caption")).find_all("td")]
    assert cells == ["3", "0.123", "", "yes", "2.00 [1.90,\u00a02.10]"]


def test_large_numbers_are_written_out():
    shown = [narrative.number(value) for value in (0.00012, 999.4, 999.6, 12_000.0, -2499.0, 1e6)]
    assert shown == ["0.00012", "999", "1,000", "12,000", "−2,500", "1e+06"]


def test_a_table_without_rows_says_so():
    assert narrative.NOTHING in narrative.table(pd.DataFrame(columns=["a"]), "Values.").content.lower()
    assert narrative.NOTHING in narrative.intervals({"a": Interval.of([])}, "what", "Values.").content.lower()


def test_shown_objects_name_no_address_of_memory():
    shown = narrative.text("One.")
    assert repr(shown) == "<text>"
    assert shown._repr_mimebundle_(include=None, exclude=None) == {"text/markdown": "- One.", "text/plain": "<text>"}


def test_claims_of_a_paper_and_of_the_one_that_it_answers(study):
    assert study.claims()["claim"].tolist() == ["one", "two"]
    rows = soup(study.claims_table({"one": "talk"})).find_all("tr")
    first, second = ([cell.get_text(" ") for cell in row.find_all("td")] for row in rows[1:])
    assert first[1].startswith(HOSTILE)
    assert first[1].endswith("talk")
    assert first[2:] == ["", "not replicated", "−0.800 [−0.900,\u00a0−0.700] wanted: below −0.5", ""]
    assert second[2:] == ["", "replicated", f"{narrative.NOTHING} wanted: below −0.5", ""]


def test_claims_of_today_have_two_answers_and_where_they_are_stated(study, tmp_path):
    """Of a first edition, as in the other tests, there is neither."""
    ledger = pd.read_csv(tmp_path / "claims.csv").assign(
        verdict=["reproduced, not specific", "checked", "open"],
        as_published=["yes", "yes", "open"],
        specific=["no", "-", "-"],
        source=["talk", "abstract", "ours"],
        because=["as published: first test held", "as published: first test held", ""],
        open_because=["second test: 1 of 5 seeds have a value", None, None],
    )
    save_table(tmp_path / "claims.csv", ledger)
    rows = soup(study.claims_table({})).find_all("tr")
    first, second = ([cell.get_text(" ") for cell in row.find_all("td")] for row in rows[1:])
    assert first[2] == "talk"
    assert first[3].startswith("reproduced, not specific as published: yes; specific: no; second test: 1 of 5 seeds")
    assert first[5] == "as published: first test held"
    assert second[2:4] == ["abstract", "checked as published: yes; specific: -"]
    counted = soup(study.counts_table())
    assert "1 of 1 identities checked" in counted.get_text()
    cells = {
        row.find_all("td")[0].get_text(): [cell.get_text() for cell in row.find_all("td")[1:]] for row in counted.find_all("tr")[1:]
    }
    assert cells["reproduced, not specific"] == ["1", "1"]
    assert {verdict for verdict, numbers in cells.items() if numbers != ["0", "0"]} == {"reproduced, not specific"}


def test_verdicts_and_tests_of_the_ledger(study):
    assert study.verdict("one") == "not replicated"
    estimate = study.test("one", "second_test")
    assert (estimate.mean, estimate.seeds, estimate.setting) == (-0.8, 5, "learning_rate 0.1")
    with pytest.raises(InputError, match="found 0 rows of one, third_test"):
        study.test("one", "third_test")


def test_every_test_is_listed(study):
    text = soup(study.tests_table()).get_text(" ")
    assert "third" not in text.lower()
    assert text.count("held at 1 of 2") == 2  # not of the one that is only reported
    assert "margin" not in text
    assert "p, adjusted" not in text


def test_a_test_tells_its_question_and_where_its_margin_comes_from(study, tmp_path):
    tests = pd.read_csv(tmp_path / "claim_tests.csv")
    tests = tests.assign(asks=["as_published", "context", "as_published", "specific"], margin_from=["talk: 4", None, None, None])
    tests["region"] = tests["region"].where(tests["asks"] != "context")
    save_table(tmp_path / "claim_tests.csv", tests)
    rows = [[cell.get_text(" ") for cell in row.find_all("td")] for row in soup(study.tests_table()).find_all("tr")[1:]]
    assert [row[1] for row in rows] == ["first test as published", "second test context", "first test as published"]
    assert [row[3] for row in rows] == [
        "below −0.5 predicted: near -1; margin: talk: 4",
        "nothing predicted: near -1",
        "below −0.5 predicted: near -1",
    ]


def test_later_columns_of_the_ledger_show(study, tmp_path):
    tests = pd.read_csv(tmp_path / "claim_tests.csv").assign(p_value_holm=[0.0125, None, None, None], smallest_effect=0.5)
    save_table(tmp_path / "claim_tests.csv", tests)
    table = soup(study.tests_table())
    assert "p, adjusted" in table.thead.get_text()
    assert "0.0125" in table.tbody.get_text()


def test_a_figure_has_caption_alternative_text_and_size(study, tmp_path):
    (tmp_path / "fig.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 30, 20) + b"rest")
    (tmp_path / "fig.rst").write_text(
        f"**Title & more.** Text *set* ``code``. {HOSTILE}\n\n.. raw:: html\n\n   <script>1</script>\n"
    )
    figure = soup(study.figure("fig"))
    assert not figure.find_all(["script", "b"])
    assert (figure.img["width"], figure.img["height"]) == ("30", "20")
    assert figure.img["alt"].startswith("fig: Title & more.")
    assert figure.img["src"].startswith("data:image/png;base64,")
    assert figure.figcaption.strong.string == "Title & more."


def test_a_missing_figure_is_one_line(study):
    with pytest.raises(InputError, match=r"^\S*/fig\.png: cannot be read \(No such file or directory\)$"):
        study.figure("fig")


def test_settings_beside_the_published_ones():
    settings = {"seeds": [1, 2], "rate": 0.1, "all": None, "place": "after_stop", "sweeps": {"batch_size": [4, 8.0]}, "unused": 1}
    words = {key: (f"the {key}", "as published") for key in ("seeds", "rate", "all", "place", "sweeps", "missing")}
    rows = soup(narrative.settings_table(settings, words)).find_all("tr")[1:]
    assert [row.find_all("td")[1].get_text() for row in rows] == ["1, 2", "0.1", "all", "after stop", "batch size: 4, 8"]


def test_deviations_have_four_columns():
    table = soup(narrative.deviations([("a", "b", "c", HOSTILE)]))
    assert len(table.find_all("th")) == 4
    assert table.find_all("td")[3].get_text() == HOSTILE
