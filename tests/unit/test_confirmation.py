"""What confirms a record: the manifest, the page that prints its sum, README.md and CITATION.cff, and a sum that was published."""

import json
import re
from pathlib import Path

import pytest

import small_study as small
from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of
from sgdphysics.provenance import audit, confirmation
from small_study import CRATE, LIST, MANIFEST, PAGE, states

QUESTIONS = [["--all"], [small.FIGURE], ["--claim", "first"]]
NO_MANIFEST = f"not confirmed: there is no {MANIFEST}, and a page does not vouch for itself"
README = """# Results

anchor of small: sha256 {}

<!-- verdicts of small -->
| claim | verdict |
| `first` | replicated |

Other words.

<!-- slopes of small -->
| slope | -1 |
"""


@pytest.fixture
def study(tmp_path):
    return small.finish(tmp_path / "project")


@pytest.fixture
def published(study):
    """With its list, and the anchor in README.md and CITATION.cff."""
    small.write(study, {LIST: "results/small/measure/\n", "README.md": README})
    small.confirm(study)
    cite = f'identifiers:\n  - {{type: other, value: "{confirmation.line("small", small.anchor(study))}"}}\n'
    small.write(study, {"README.md": README.format(small.anchor(study)), "CITATION.cff": cite})
    return study


def codes(study, *more):
    return [small.answer(study, "audit", *question, *more)[0] for question in QUESTIONS]


def forged(study, name=small.FIGURE):
    """Change a file, and put its sum into the record."""
    small.write(study, {name: "forged"})
    content = json.loads((study / CRATE).read_text())
    entity = next(entity for entity in content["@graph"] if entity["@id"] == f"../../../{name}")
    entity |= {"sha256": sha256_of(study / name), "contentSize": "6"}
    (study / CRATE).write_text(json.dumps(content, indent=1))


def edited(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_anchor_is_the_sum_of_the_manifest_and_stands_on_the_page_and_in_the_answer(study):
    line = f"anchor of small: sha256 {small.anchor(study)}"
    assert (study / PAGE).read_text().count(line) == 1
    for question in QUESTIONS:
        assert f"{line}, printed by {PAGE}\n" in small.answer(study, "audit", *question)[1]
    assert codes(study) == codes(study, "--record-sum", small.anchor(study)) == [0, 0, 0]
    assert (
        codes(study, "--record-sum", small.anchor(study).upper())
        == codes(study, "--record-sum", sha256_of(study / CRATE))
        == [0] * 3
    )


def test_the_manifest_has_what_sha256sum_prints(published):
    lines = [line for line in (published / MANIFEST).read_text().splitlines() if not line.startswith("#")]
    sums = {name: total for total, name in (line.split("  ", 1) for line in lines)}
    assert sums.keys() == {CRATE, LIST, PAGE, "README.md (tables of small)"}
    assert [sums[name] for name in (CRATE, LIST)] == [sha256_of(published / name) for name in (CRATE, LIST)]


@pytest.mark.parametrize(
    "change",
    [
        lambda page: page.replace("Results", "Wonders"),
        lambda page: page + " ",
        lambda page: page.replace("</p>\n<p>", "</p>\n<!--\n<p>").replace("</body>", "-->\n</body>"),
    ],
    ids=["text", "space", "line in a comment"],
)
def test_a_changed_page_is_named_and_nothing_else(study, change):
    """Before, a page with its own sum made anew was intact."""
    (study / PAGE).write_text(change((study / PAGE).read_text()))
    assert states(study) == {PAGE: ("tampered", f"its sha256 is not the one in {MANIFEST}")}
    assert codes(study) == [1, 1, 1]
    assert f"record not confirmed: {PAGE} is tampered: " in small.answer(study, "audit", small.FIGURE)[1]
    assert codes(study, "--record-sum", small.anchor(study)) == [1, 0, 0]


@pytest.mark.parametrize(
    ("change", "count"),
    [
        (lambda line: "", 0),
        (lambda line: 2 * line, 2),
        (lambda line: 3 * line, 3),
        (lambda line: line + f"{confirmation.page_line('small', '')}\n", 2),
        (lambda line: f"{confirmation.page_line('small', '')}\n", 0),
        (lambda line: line.replace("<code", "<b>All replicated</b><code"), 0),
        (lambda line: f"<!-- {line}-->\n", 0),
        (lambda line: line[:-1].replace("sha256 ", "sha256 0")[:-1] + "\r" + line, 0),
        (lambda line: line + line.replace("sha256 ", "sha256 " + 64 * "0")[:-65] + "</code></p>\n", 1),
    ],
    ids=[
        "none",
        "two",
        "three",
        "an empty one",
        "only an empty one",
        "more in it",
        "in a comment",
        "behind another end of line",
        "a line that is like it",
    ],
)
def test_a_page_without_exactly_one_line_for_the_anchor_confirms_nothing(study, change, count):
    line = f"{confirmation.page_line('small', small.anchor(study))}\n"
    edited(study / PAGE, line, change(line))
    reason = f"has {count} lines with the anchor, expected one" if count != 1 else f"its sha256 is not the one in {MANIFEST}"
    assert states(study) == {PAGE: ("tampered", reason)}
    assert codes(study) == [1, 1, 1]


@pytest.mark.parametrize("other", ["0" * 64, "f" * 63, "F" * 64, ""])
def test_a_page_with_another_anchor_confirms_nothing(study, other):
    edited(study / PAGE, small.anchor(study), other)
    assert codes(study) == [1, 1, 1]
    found = states(study)
    if other == "0" * 64:  # either of both may be the one that was changed
        assert found[MANIFEST] == ("tampered", f"its sha256 is not the anchor that {PAGE} prints")
        assert found[small.FIGURE] == ("unknown", f"{MANIFEST} was changed, so what it says is not certain")
    else:
        assert found.keys() == {PAGE}


def test_page_and_record_changed_together_are_told(study):
    """Before, a record whose sum was put into the page was intact, and so it was where the page printed no sum of a record."""
    forged(study)
    edited(study / PAGE, "Results", "Wonders")
    found = states(study)
    assert (found[CRATE][0], found[PAGE][0], found[small.FIGURE][0]) == ("tampered", "tampered", "unknown")
    assert codes(study) == [1, 1, 1]


def test_record_and_manifest_changed_together_are_told(study):
    forged(study)
    edited(study / MANIFEST, (study / MANIFEST).read_text().split("\n")[1][:64], sha256_of(study / CRATE))
    found = states(study)
    assert found[MANIFEST] == ("tampered", f"its sha256 is not the anchor that {PAGE} prints")
    assert found[CRATE] == found[small.FIGURE] == ("unknown", f"{MANIFEST} was changed, so what it says is not certain")
    assert codes(study) == [1, 1, 1]


def test_a_study_that_was_forged_as_a_whole_is_exposed_by_the_published_anchor_only(study):
    """Nothing in the folder can tell; with the sum that was published, of manifest or record, every question is answered so."""
    anchor, total = small.anchor(study), sha256_of(study / CRATE)
    forged(study)
    small.confirm(study)
    assert states(study) == {}
    for told in (anchor, total):
        for question in QUESTIONS:
            answer = (1, f"{CRATE}  tampered: its sha256 is not {told}\n{small.ANSWERED_BY}", "")
            assert small.answer(study, "audit", *question, "--record-sum", told) == answer


@pytest.mark.parametrize("name", ["README.md", "CITATION.cff"])
def test_a_published_study_that_was_forged_as_a_whole_is_exposed_by_the_files_beside_it(published, name):
    anchor = small.anchor(published)
    assert states(published) == {}
    line = f"{confirmation.line('small', anchor)}, printed by {PAGE}, README.md, CITATION.cff\n"
    assert line in small.answer(published, "audit", "--all")[1]
    forged(published)
    small.confirm(published)
    other = "CITATION.cff" if name == "README.md" else "README.md"
    edited(published / other, anchor, small.anchor(published))
    told = f"prints another anchor of the study ({anchor[:12]}) than its manifest has ({small.anchor(published)[:12]})"
    assert states(published) == {name: ("unknown", told)}
    assert codes(published) == [1, 1, 1]
    assert f"record not confirmed: {name} is unknown: {told}" in small.answer(published, "audit", small.FIGURE)[1]


def test_with_the_anchor_in_two_other_files_it_is_the_page_that_is_named(published):
    anchor = small.anchor(published)
    edited(published / PAGE, anchor, "0" * 64)
    told = f"prints another anchor of the study (000000000000) than its manifest has ({anchor[:12]})"
    assert states(published) == {PAGE: ("unknown", told)}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("| `first` | replicated |", "| `first` | not replicated |"),
        ("| slope | -1 |", "| slope | -2 |"),
        ("<!-- slopes of small -->\n", ""),
        ("<!-- slopes of small -->\n", "<!-- slopes of small -->\n| more |\n"),
    ],
)
def test_changed_tables_of_the_readme_are_told(published, old, new):
    edited(published / "README.md", old, new)
    assert states(published) == {"README.md (tables of small)": ("tampered", f"its sha256 is not the one in {MANIFEST}")}


def test_other_words_of_the_readme_are_free(published):
    edited(published / "README.md", "Other words.", "Others.")
    assert states(published) == {}


def test_a_changed_list_of_what_is_left_out_is_told(published):
    small.write(published, {LIST: "results/small/measure/\ndata/\n"})
    assert states(published) == {LIST: ("tampered", f"its sha256 is not the one in {MANIFEST}")}
    (published / LIST).unlink()
    assert states(published)[LIST] == ("tampered", "missing")


def test_a_list_that_was_added_is_told(study):
    small.write(study, {LIST: "data/\n"})
    assert states(study) == {LIST: ("unknown", f"no record; {MANIFEST} does not have it")}
    (study / small.DATA).unlink()
    assert small.answer(study, "audit", "--all")[0] == 1


@pytest.mark.parametrize("text", ["", "x", "{}  /etc/passwd\n", "{}  ../../x\n", "{}\n", "\0\xff"])
def test_a_manifest_that_is_none_is_told(study, text):
    """Even where the page prints its sum."""
    (study / MANIFEST).write_bytes(text.format("0" * 64).encode("latin-1"))
    edited(study / PAGE, re.findall(r"sha256 (\w{64})", (study / PAGE).read_text())[0], small.anchor(study))
    assert states(study)[MANIFEST][0] == "tampered"
    assert codes(study) == [1, 1, 1]


def test_without_a_manifest_nothing_is_confirmed_but_by_the_sum_of_the_record(study):
    (study / MANIFEST).unlink()
    assert states(study) == {MANIFEST: ("tampered", "missing"), PAGE: ("unknown", NO_MANIFEST)}
    assert codes(study) == [1, 1, 1]
    assert codes(study, "--record-sum", sha256_of(study / CRATE)) == [1, 0, 0]


@pytest.mark.parametrize("is_sound", [True, False])
def test_a_study_of_an_earlier_version_has_none_and_is_told_so(study, is_sound):
    """Its page printed the sum of the record and its own, which whoever changed the page could do too."""
    (study / MANIFEST).unlink()
    total = sha256_of(study / CRATE) if is_sound else "0" * 64
    (study / PAGE).write_text(f'<meta name="record-sha256" content="{total}">\n')
    assert states(study) == {PAGE: ("unknown", NO_MANIFEST)}
    assert codes(study) == [1, 1, 1]
    assert codes(study, "--record-sum", sha256_of(study / CRATE)) == [1, 0, 0]


@pytest.mark.parametrize("name", [PAGE, MANIFEST, LIST])
@pytest.mark.parametrize("how", [Path.unlink, lambda path: path.write_text("other")], ids=["deleted", "changed"])
def test_every_part_of_the_confirmation_is_named(published, name, how):
    how(published / name)
    assert states(published)[name][0] == "tampered"
    assert codes(published)[0] == 1


@pytest.mark.parametrize("places", [0, 2])
def test_a_page_has_one_line_for_the_anchor(study, places):
    with pytest.raises(InputError, match=f"the report page has {places} lines for the anchor, expected one"):
        confirmation.finished(study, "small", f"{confirmation.page_line('small', '')}\n" * places)


def test_the_record_of_a_changed_manifest_is_taken_with_the_sum_of_the_record(study):
    total = sha256_of(study / CRATE)
    edited(study / MANIFEST, "# sha256", "# sums")
    assert codes(study) == [1, 1, 1]
    assert codes(study, "--record-sum", total) == [1, 0, 0]
    assert audit.load(study, "small").manifest == MANIFEST
