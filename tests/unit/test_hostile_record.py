"""A record, a table or a name from somebody else: no path leaves the project, and nothing that is printed moves the terminal."""

import contextlib
import json
import re

import pytest

import small_study as small
from sgdphysics.errors import printable
from sgdphysics.provenance import on_disk
from small_study import CRATE

ESCAPE = "\x1b]0;title\x07\x1b[2J\r\x9b31m\u202eevil"
QUESTIONS = [["--all"], [small.FIGURE], ["--claim", "first"]]


@pytest.fixture
def study(tmp_path):
    return small.finish(tmp_path / "project")


def republished(study, change):
    content = json.loads((study / CRATE).read_text())
    change(content["@graph"])
    small.publish(study, content)


def renamed(graph, old, new):
    """Another identifier for an entity, wherever it stands."""
    text = json.dumps(graph).replace(json.dumps(old), json.dumps(new))
    graph[:] = json.loads(text)


PATHS = [
    "/etc/passwd",
    "../../../../outside",
    "../../../../../../../../../etc/passwd",
    "../../../results/../../outside",
    "../../outside",
    "../../../results//small/x",
    "../../../results/./small/x",
    "../../../results/small/\0",
    "#outside/0123456789/..",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("of", [small.DATA, small.FIGURE, small.LIBRARY])
def test_a_path_that_leaves_the_project_is_refused_in_one_line_and_nothing_is_opened(study, monkeypatch, path, of):
    """Before, such a file was opened, and its sum compared."""
    republished(study, lambda graph: renamed(graph, f"../../../{of}", path))
    opened = []
    real = on_disk.opened
    monkeypatch.setattr(on_disk, "opened", lambda name: opened.append(name) or real(name))
    for question in QUESTIONS:
        code, out, err = small.answer(study, "audit", *question)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert re.match(rf'sgdphysics: {CRATE}: it names ".*", expected the path of a file in the project$', err)
    assert all(study in name.parents and ".." not in name.parts for name in opened)


@pytest.mark.parametrize("path", ["/etc/passwd", "../../outside.yaml", "config/../../x.yaml"])
def test_so_is_a_file_of_settings(study, path):
    def change(graph):
        entity = next(entity for entity in graph if entity["@id"] == "#study/configuration_files")
        entity["value"] = json.dumps(["config/config.yaml", path])

    republished(study, change)
    code, out, err = small.answer(study, "audit", "--all")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f'it names "{path}", expected the path of a file in the project' in err


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.py"])
def test_so_is_the_path_of_earlier_code(study, path):
    def change(graph):
        graph.append({"@id": "#code/x/y", "@type": "SoftwareSourceCode", "name": path, "sha256": "0" * 64, "version": "a" * 40})

    republished(study, change)
    assert f'it names "{path}"' in small.answer(study, "audit", "--all")[2]


def everywhere(value):
    """The same entities with an escape at the end of every text that is only told."""
    told = ("description", "origin", "licence", "processor", "system", "version")
    if isinstance(value, dict):
        return {
            key: everywhere(inner) + ESCAPE if key in told and isinstance(inner, str) else everywhere(inner)
            for key, inner in value.items()
        }
    return [everywhere(inner) for inner in value] if isinstance(value, list) else value


def escapes(text):
    return [letter for letter in text if letter != "\n" and not letter.isprintable()]


def test_nothing_that_a_record_says_reaches_the_terminal_as_it_is(study):
    def change(graph):
        for entity in graph:
            if entity.get("@type") == "PropertyValue" and entity["@id"] != "#study/record_version":
                with contextlib.suppress(ValueError):
                    entity["value"] = json.dumps(everywhere(json.loads(entity["value"])))
                if entity["name"] in ("description", "origin", "licence", "commit"):
                    entity["value"] += ESCAPE
            if entity.get("name") == "Job of rule draw":
                entity["endTime"] = ESCAPE
        renamed(graph, f"../../../{small.FIGURE}", f"../../../figures/small/{ESCAPE}\nstudy small: all intact")

    republished(study, change)
    shown = printable(ESCAPE)
    figure = f"figures/small/{ESCAPE}\nstudy small: all intact"
    for question in (["--all"], [figure], ["--claim", "first"], [small.DATA]):
        for more in ([], ["--json"]):
            code, out, err = small.answer(study, "audit", *question, *more)
            assert code == 1, err
            assert escapes(out + err) == []
    _, out, _ = small.answer(study, "audit", figure)
    assert shown in out
    assert "\nstudy small: all intact" not in out


def test_names_of_files_are_shown_without_what_they_do(study):
    name = f"results/small/tables/{ESCAPE}\nall intact"
    small.write(study, {name: "x"})
    _, out, _ = small.answer(study, "audit", "--all")
    assert escapes(out) == []
    assert out.startswith(f"results/small/tables/{printable(ESCAPE)}\\nall intact  unknown: no record\n")


def test_a_ledger_says_nothing_to_the_terminal(study):
    path = study / small.LEDGER
    escape = ESCAPE.replace("\r", "")  # which would end a row
    path.write_text(path.read_text().replace("replicated", escape).replace("slope", escape))
    _, out, _ = small.answer(study, "audit", "--claim", "first")
    assert escapes(out) == []
    assert printable(escape) in out


def test_neither_do_comparisons_and_errors(study, tmp_path):
    for folder, text in (("one", "claim,verdict\na,replicated\n"), ("two", f"claim,verdict\na,{ESCAPE[:8]}\n")):
        small.write(tmp_path, {f"{folder}/results/s/claims.csv": text, f"{folder}/results/s/tables/{ESCAPE}{folder}.csv": "a\n1\n"})
    code, out, err = small.answer(study, "compare", f"{tmp_path}/one/results/s", f"{tmp_path}/two/results/s")
    assert (code, escapes(out + err)) == (1, [])
    assert printable(ESCAPE) in out
    for arguments in (
        ["audit", ESCAPE],
        ["audit", "--claim", ESCAPE],
        ["audit", "--all", "--study", ESCAPE],
        ["compare", ESCAPE, "x"],
    ):
        code, out, err = small.answer(study, *arguments)
        assert (code, out, err.count("\n"), escapes(err)) == (2, "", 1, [])


def test_other_letters_are_shown_as_they_are():
    assert printable("élan 図 \N{MINUS SIGN}1 a b") == "élan 図 \N{MINUS SIGN}1 a b"
    assert printable("\x1b[2J\x00\x7f\x9b\u2028\ud800\t") == r"\x1b[2J\x00\x7f\x9b\u2028\ud800\t"
