import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import small_study as small
from sgdphysics.files import sha256_of
from sgdphysics.provenance import audit
from sgdphysics.provenance.chain import chain
from sgdphysics.provenance.record import VERSION
from small_study import CRATE, MANIFEST, PAGE, states

RECORD_FILES = [f"{small.FOLDER}/README.md", f"{small.FOLDER}/settings.yaml"]
CODE = [small.LIBRARY, *(f"{small.SCRIPTS}/{rule}.py" for rule in small.RULES)]
FILES = sorted({*small.MADE_FROM, *CODE, *small.FURTHER, *RECORD_FILES})
# Changing these to what is no YAML, or to nothing, makes the settings unreadable too.
SETTINGS = sorted(small.SETTINGS)
LIST = small.LIST


@pytest.fixture
def study(tmp_path):
    return small.finish(tmp_path / "project")


def expected(**files):
    """States by path, from paths by state."""
    return {name: state for state, names in files.items() for name in names}


def state_of(found):
    return {name: state for name, (state, _) in found.items()}


def changed_byte(path):
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


def test_a_finished_study_is_intact(study):
    assert states(study) == {}
    verdicts = audit.verdicts(audit.load(study, "small"))
    assert sorted(verdicts) == sorted([*FILES, CRATE, PAGE, MANIFEST])


@pytest.mark.parametrize("name", [name for name in FILES if name not in SETTINGS])
@pytest.mark.parametrize("change", [changed_byte, Path.unlink], ids=["changed", "deleted"])
def test_a_tampered_file_and_what_was_made_from_it_are_named(study, name, change):
    change(study / name)
    found = states(study)
    assert state_of(found) == expected(tampered=[name], stale=small.descendants([name]))
    assert found[name][1] == "missing" if change is Path.unlink else found[name][1].startswith("not the recorded bytes (sha256 ")


@pytest.mark.parametrize("name", SETTINGS)
def test_a_deleted_file_of_settings_makes_everything_stale(study, name):
    (study / name).unlink()
    found = states(study)
    assert state_of(found) == expected(tampered=[name], stale=[*small.MADE_FROM, CRATE, PAGE, MANIFEST])
    assert found[small.FIGURE][1].startswith(f"settings cannot be read any more ({Path(name).name}: ")


@pytest.fixture
def published(study):
    """The study with its record and without its data, beside a repository that has the code."""
    git(study, "init", "--quiet")
    git(study, "add", "Snakefile", "workflow", "config")
    git(study, "commit", "--quiet", "--message", "code")
    commit = git(study, "rev-parse", "HEAD").strip()
    small.write(study, {LIST: "# not kept\ndata/\n"})
    small.publish(study, (study / CRATE).read_text().replace("a" * 40, commit))
    (study / small.DATA).unlink()
    return study


def git(folder, *arguments):
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


LEFT_OUT = ("not kept", "this copy of the study leaves it out")


def test_what_a_published_study_leaves_out_is_told_apart_from_what_is_missing(published):
    assert states(published) == {small.DATA: LEFT_OUT}
    code, out, _ = small.answer(published, "audit", "--all")
    assert (code, out.splitlines()[0]) == (0, "study small: 23 files, 22 intact, 1 not kept, 0 stale, 0 tampered, 0 unknown")
    assert small.answer(published, "audit", small.FIGURE)[0] == 0
    (published / small.READ).unlink()
    found = states(published)
    assert found.pop(small.DATA) == LEFT_OUT
    assert state_of(found) == expected(tampered=[small.READ], stale=small.descendants([small.READ]))


EVIDENCE = "left out, though no list excuses a table, figure, claim, code or settings"


@pytest.mark.parametrize("name", [small.READ, small.FIGURE, small.LEDGER, small.TESTS, f"{small.FOLDER}/settings.yaml"])
def test_no_list_excuses_evidence(published, name):
    """Nor does a line that names its folder: what is left out there is named, and the exit code is 1."""
    (published / name).unlink()
    for line in (name, f"{Path(name).parent}/"):
        small.write(published, {LIST: f"data/\n{line}\n"})
        small.confirm(published)
        assert states(published) == {small.DATA: LEFT_OUT, name: ("evidence not kept", EVIDENCE)}
        code, out, _ = small.answer(published, "audit", "--all")
        assert (code, ", 1 not kept, 1 evidence not kept, 0 stale" in out) == (1, True)
        assert small.answer(published, "audit", name)[0] == 1


def test_left_out_code_that_the_commit_has_is_intact_and_elsewhere_evidence(published):
    name = f"{small.SCRIPTS}/draw.py"
    small.write(published, {LIST: f"data/\n{name}\n"})
    small.confirm(published)
    (published / name).unlink()
    assert states(published) == {small.DATA: LEFT_OUT}
    shutil.rmtree(published / ".git")
    assert states(published)[name] == (
        "unknown",
        f"{EVIDENCE}; whether it was as recorded in commit {audit.load(published, 'small').commit[:10]} cannot be answered: "
        "the commit is not at hand (no repository here)",
    )


def test_what_measurements_and_networks_were_may_be_left_out(published):
    """So may be executed notebooks; their pages may not."""
    content = (published / CRATE).read_text()
    for name, is_excused in {
        "results/runs/x.safetensors": True,
        "results/small/measure/x.csv": True,
        "results/small/report/x.ipynb": True,
        "results/small/report/x.html": False,
        "results/small/measure.csv": False,
        "results/small/x.csv": False,
        "config/x.yaml": False,
    }.items():
        small.write(published, {LIST: f"data/\n{name}\n"})
        small.publish(published, content.replace(f"../../../{small.FIGURE}", f"../../../{name}"))
        (published / small.FIGURE).unlink(missing_ok=True)
        assert states(published)[name][0] == ("not kept" if is_excused else "evidence not kept"), name


def test_a_claim_whose_tables_are_not_kept_is_not_intact(published):
    """Whether the record tells of the table, as a record written where it was, or does not, as one on published tables."""
    (published / small.UNREAD).unlink()
    small.write(published, {LIST: f"data/\n{small.UNREAD}\n"})
    small.confirm(published)
    assert claim(published, "first") == (0, "intact")
    assert claim(published, "second") == (1, "evidence not kept")
    out = small.answer(published, "audit", "--claim", "second")[1]
    assert f"{small.LEDGER}  evidence not kept: decided by {small.UNREAD}, which is not kept" in out
    assert small.answer(published, "audit", small.LEDGER)[0] == 1  # its chain has what is not kept
    content = json.loads((published / CRATE).read_text())
    unread = f"../../../{small.UNREAD}"
    content["@graph"] = [entity for entity in content["@graph"] if entity["@id"] != unread and "tabulate_b" not in entity["@id"]]
    for entity in content["@graph"]:
        for key in ("object", "result", "hasPart", "mentions", "workExample"):
            if isinstance(entity.get(key), list):
                entity[key] = [part for part in entity[key] if part["@id"] != unread and "tabulate_b" not in part["@id"]]
    small.publish(published, content)
    assert small.UNREAD not in audit.load(published, "small").sums
    assert claim(published, "second") == (1, "evidence not kept")
    assert states(published)[small.UNREAD][0] == "evidence not kept"
    assert small.answer(published, "audit", "--all")[0] == 1


def test_what_a_published_study_leaves_out_is_checked_where_it_is_there(published):
    small.write(published, {small.DATA: "other digits"})
    assert states(published)[small.DATA][0] == "tampered"


def test_without_the_list_what_is_missing_is_missing(published):
    (published / LIST).unlink()
    assert states(published)[small.DATA] == states(published)[LIST] == ("tampered", "missing")


@pytest.mark.parametrize("change", [changed_byte, Path.unlink], ids=["changed", "deleted"])
def test_code_and_settings_of_a_published_study_are_those_of_its_commit(published, change):
    for name in (*CODE, *small.FURTHER):
        change(published / name)
    commit = git(published, "rev-parse", "HEAD")[:10]
    told = ("intact", f"as in commit {commit}, and changed since")
    code, out, _ = small.answer(published, "audit", "--all", "--json")
    files = {name: (file["state"], file["reason"]) for name, file in json.loads(out)["files"].items()}
    assert code == 0
    assert {name for name, said in files.items() if said == told} == {*CODE, *small.FURTHER}
    assert {said for said in files.values() if said != told} == {("intact", ""), LEFT_OUT}
    line = f"code and settings that have changed since, as recorded in commit {commit}: {len({*CODE, *small.FURTHER})} files"
    assert line in small.answer(published, "audit", "--all")[1].splitlines()
    changed_byte(published / small.FIGURE)
    assert states(published)[small.FIGURE][0] == "tampered"


def test_a_commit_that_is_gone_is_no_answer(published):
    """As where the history was rewritten; `test_not_at_hand` has all other ways."""
    name = f"{small.SCRIPTS}/draw.py"
    changed_byte(published / name)
    git(published, "add", ".")
    git(published, "commit", "--quiet", "--message", "amended", "--amend")
    git(published, "reflog", "expire", "--expire=now", "--all")
    git(published, "gc", "--quiet", "--prune=now")
    assert states(published)[name][0] == states(published)[small.FIGURE][0] == "unknown"
    assert states(published)[name][1].endswith("the commit is not at hand (the repository here does not have it)")


def test_swapped_files_are_both_named(study):
    one, two = study / small.READ, study / small.UNREAD
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    assert state_of(states(study)) == expected(
        tampered=[small.READ, small.UNREAD], stale=small.descendants([small.READ, small.UNREAD])
    )


def test_the_reason_names_the_nearest_file_that_changed(study):
    changed_byte(study / small.DATA)
    found = states(study)
    for name in (small.READ, small.FIGURE, small.LEDGER):  # further down too: it is where to look
        assert found[name][1] == f"made from {small.DATA}, which has changed since"
    (study / small.LIBRARY).unlink()
    assert states(study)[small.READ][1] == f"made from {small.LIBRARY}, which has changed since"


def test_as_many_bytes_or_not_is_told(study):
    changed_byte(study / small.READ)
    assert states(study)[small.READ][1].endswith(", as many bytes)")
    (study / small.READ).write_text("a\n1\n2\n")
    assert states(study)[small.READ][1].endswith(", 6 bytes)")


@pytest.mark.parametrize(
    "folder", ["results/small", "results/small/tables", "figures/small", "results/runs/x", "data", small.FOLDER]
)
@pytest.mark.parametrize("name", ["new.csv", ".hidden", "job.json"])
def test_an_added_file_is_named_and_nothing_else(study, folder, name):
    (study / folder).mkdir(parents=True, exist_ok=True)
    (study / folder / name).write_text("x")
    assert states(study) == {f"{folder}/{name}": ("unknown", "no record")}


def test_a_changed_record_makes_everything_unknown(study):
    path = study / CRATE
    path.write_bytes(path.read_bytes().replace(b"A small study", b"A large study"))
    found = states(study)
    assert state_of(found) == expected(tampered=[CRATE], stale=[PAGE], unknown=FILES)
    assert found[CRATE][1] == f"its sha256 is not the one in {MANIFEST}"
    assert found[small.FIGURE][1] == f"{CRATE} was changed, so what it says is not certain"


def test_a_file_that_was_rewritten_together_with_the_record_is_not_believed(study):
    changed_byte(study / small.FIGURE)
    forged(study, small.FIGURE)
    assert state_of(states(study)) == expected(tampered=[CRATE], stale=[PAGE], unknown=FILES)


def forged(study, name):
    """Put the sum of a file as it is into the record."""
    content = json.loads((study / CRATE).read_text())
    entity = next(entity for entity in content["@graph"] if entity["@id"] == f"../../../{name}")
    entity["sha256"] = sha256_of(study / name)
    (study / CRATE).write_text(json.dumps(content, indent=1))


def test_a_changed_setting_makes_everything_stale_and_is_named(study):
    path = study / "config/small.yaml"
    path.write_text(path.read_text().replace("0.5", "0.7"))
    found = states(study)
    assert state_of(found) == expected(tampered=["config/small.yaml"], stale=[*small.MADE_FROM, CRATE, PAGE, MANIFEST])
    for name in small.MADE_FROM:
        assert found[name][1] == "settings have changed since: part.rate was 0.5, is 0.7"


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("config/small.yaml", "studies:\n  small: {like: base, part: {rate: 0.5, extra: 1}}\n", "part.extra was null, is 1"),
        ("config/config.yaml", "studies:\n  base: {dataset: digits, part: {seeds: [2, 1]}}\n", "part.seeds was [1, 2], is [2, 1]"),
        ("config/config.yaml", "studies:\n  base: {part: {seeds: [1, 2]}}\n", 'dataset was "digits", is null'),
    ],
)
def test_settings_that_were_added_reordered_or_removed_are_named(study, file, text, message):
    (study / file).write_text(text)
    assert states(study)[small.FIGURE][1] == f"settings have changed since: {message}"


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("what", ["comment", "order"])
def test_comments_and_the_order_of_settings_change_nothing_but_the_file(study, name, what):
    path = study / name
    orders = {"dataset: digits, part: {rate: 0.1, seeds: [1, 2]}": "part: {seeds: [1, 2], rate: 0.1}, dataset: digits"}
    orders |= {
        "like: base, part: {rate: 0.5}": "part: {rate: 0.5}, like: base",
        "version: '1', licence: free": "licence: free, version: '1'",
    }
    text = path.read_text()
    for old, new in orders.items() if what == "order" else ():
        text = text.replace(old, new)
    path.write_text(f"# a comment\n{text}")
    assert state_of(states(study)) == expected(tampered=[name], stale=[CRATE, PAGE, MANIFEST])


def test_where_data_is_fetched_from_does_not_matter(study):
    path = study / "config/datasets.yaml"
    path.write_text(path.read_text().replace("here", "there"))
    assert state_of(states(study)) == expected(tampered=["config/datasets.yaml"], stale=[CRATE, PAGE, MANIFEST])


@pytest.mark.parametrize(
    ("name", "old", "new", "made"),
    [
        ("config/claims.yaml", "second", "third", [small.LEDGER, small.TESTS]),
        ("config/datasets.yaml", "free", "paid", [small.DATA]),
    ],
)
def test_other_claims_and_other_data_make_stale_what_was_decided_or_prepared(study, name, old, new, made):
    (study / name).write_text((study / name).read_text().replace(old, new))
    found = states(study)
    below = small.descendants(made) | set(made)
    assert state_of(found) == expected(tampered=[name], stale=below)
    assert found[made[0]][1] == f"settings have changed since: {name}"


def test_data_sets_of_the_configuration_are_known(tmp_path, monkeypatch):
    """As where the study was made with a data set of one's own: its entry is in the file of settings, not in the registry."""
    own = "datasets: {mine: {version: '1', licence: free}}\n"
    monkeypatch.setitem(small.SETTINGS, "config/small.yaml", own + small.SETTINGS["config/small.yaml"])
    monkeypatch.setitem(small.SETTINGS, "config/datasets.yaml", "datasets: {digits: {version: '2'}}\n")
    root = tmp_path / "project"
    small.publish(root, small.build(root))
    assert states(root) == {}
    path = root / "config" / "small.yaml"
    path.write_text(path.read_text().replace("free", "paid"))
    reason = "settings have changed since: config/datasets.yaml, or datasets of the configuration"
    assert states(root)[small.DATA] == ("stale", reason)


@pytest.mark.parametrize("text", ["", "[", "[1]", "3", "studies: 3", "studies: {small: 3}", "claims: 3", "datasets: [3]", "\0"])
@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_are_none_make_everything_stale_in_one_line(study, name, text):
    (study / name).write_text(text)
    found = states(study)
    assert found[name][0] == "tampered"
    assert {found[path][0] for path in (CRATE, PAGE)} == {"stale"}
    assert found[small.LEDGER if "claims" in name else small.DATA][0] == "stale"
    assert all("\n" not in reason and len(reason) < 300 for _, reason in found.values())


def claim(study, name):
    """State of a claim's row, with its exit code."""
    code, out, _ = small.answer(study, "audit", "--claim", name, "--json")
    return code, json.loads(out)["state"]


def test_a_claim_is_as_good_as_the_tables_that_decided_it(study):
    assert claim(study, "first") == claim(study, "second") == (0, "intact")
    changed_byte(study / small.UNREAD)
    assert claim(study, "first") == (0, "intact")
    assert claim(study, "second") == (1, "stale")
    assert states(study)[small.LEDGER][0] == "stale"
    changed_byte(study / small.READ)
    assert claim(study, "first") == (1, "stale")


@pytest.mark.parametrize("name", [small.DATA, small.LIBRARY, f"{small.SCRIPTS}/tabulate_a.py", f"{small.SCRIPTS}/decide_claims.py"])
def test_a_claim_is_as_good_as_all_that_is_behind_its_tables(study, name):
    changed_byte(study / name)
    assert claim(study, "first") == (1, "stale")


def test_a_claim_is_stale_where_settings_or_claims_have_changed(study):
    for name in ("config/small.yaml", "config/claims.yaml"):
        original = (study / name).read_text()
        (study / name).write_text(original.replace("0.5", "0.6").replace("first", "zeroth"))
        assert claim(study, "first") == (1, "stale")
        (study / name).write_text(original)
    assert claim(study, "first") == (0, "intact")


def test_a_claim_in_a_changed_ledger_is_tampered(study):
    path = study / small.LEDGER
    path.write_text(path.read_text().replace("partly", "replicated"))
    assert claim(study, "second") == claim(study, "first") == (1, "tampered")


def test_a_changed_list_of_tables_does_not_hide_a_changed_table(study):
    changed_byte(study / small.UNREAD)
    path = study / small.TESTS
    path.write_text(path.read_text().replace("a; b_settings", "a"))
    assert claim(study, "second") == (1, "unknown")


def test_a_claim_of_a_changed_record_is_unknown(study):
    (study / CRATE).write_text((study / CRATE).read_text() + " ")
    assert claim(study, "first") == (1, "unknown")


def test_neither_times_nor_the_place_nor_other_records_matter(study, tmp_path):
    changed_byte(study / small.READ)
    before = states(study)
    small.write(study, {".snakemake/metadata/x": "{}"})
    shutil.rmtree(study / ".snakemake")
    shutil.rmtree(study / "results/small/logs")
    elsewhere = tmp_path / "far away" / "élsewhere"
    shutil.copytree(study, elsewhere)
    shutil.rmtree(study)
    for path in sorted(elsewhere.rglob("*")):
        os.utime(path, (0, 0))
    assert states(elsewhere) == before
    assert before


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "{}", '{"@graph": {}}', '{"@graph": []}', '{"@graph": [3]}', "[" * 100_000, "\0\xff"]
)
def test_a_record_that_is_none_is_answered_in_one_line(study, text):
    path = study / CRATE
    path.write_bytes(text.encode("latin-1"))
    line = f"{CRATE}  tampered: its sha256 is not the one in {MANIFEST}\n{small.ANSWERED_BY}"
    for question in (["--all"], [small.FIGURE], ["--claim", "first"]):
        assert small.answer(study, "audit", *question) == (1, line, "")
    (study / MANIFEST).unlink()  # now nothing tells that it was another one
    for question in (["--all"], [small.FIGURE], ["--claim", "first"]):
        code, out, err = small.answer(study, "audit", *question)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"sgdphysics: {CRATE}: not a ")
        assert len(err) < 500


def test_a_record_that_lost_anything_is_answered(study):
    codes = small.codes_of_a_record_that_lost(study, in_turn=True)  # in every way each: tests/nightly/test_lost_properties.py
    assert set(codes) == {0, 1, 2}
    assert len(codes) > 750


def republished(study, change):
    """Change the content of the record, which the report page then confirms."""
    content = json.loads((study / CRATE).read_text())
    change(content["@graph"])
    small.publish(study, content)


def test_what_a_record_has_besides_is_let_be(study):
    def add(graph):
        for entity in graph:
            entity["colour"] = "red"
        fact = {"@type": "PropertyValue", "name": "taste", "value": "sweet"}
        graph += [{"@id": "#study/taste", **fact}, {"@id": "#shape", "@type": "Shape"}]
        next(entity for entity in graph if entity["@id"] == "./")["variableMeasured"].append({"@id": "#study/taste"})

    republished(study, add)
    assert states(study) == {}
    assert audit.load(study, "small").facts["taste"] == "sweet"


@pytest.mark.parametrize("version", [VERSION + 1, 99])
def test_a_record_of_a_later_version_is_refused_in_one_line(study, version):
    def age(graph):
        next(entity for entity in graph if entity["@id"] == "#study/record_version")["value"] = str(version)
        graph[:] = [entity for entity in graph if not entity["@id"].startswith("#job/")]  # nothing else of it is known

    assert audit.load(study, "small").facts["record_version"] == VERSION
    republished(study, age)
    expected = f"sgdphysics: {CRATE}: a record of version {version}; this version of sgdphysics reads them up to {VERSION}\n"
    for question in (["--all"], [small.FIGURE], ["--claim", "first"]):
        assert small.answer(study, "audit", *question) == (2, "", expected)


@pytest.mark.parametrize("version", ["0", "-1", "1.5", "two", "true", "[2]"])
def test_what_is_no_number_of_a_version_is_no_record(study, version):
    def change(graph):
        next(entity for entity in graph if entity["@id"] == "#study/record_version")["value"] = version

    republished(study, change)
    code, out, err = small.answer(study, "audit", "--all")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "not a record as this version writes it (ValueError: record_version is " in err


@pytest.mark.parametrize("text", ["", "claim\nfirst\n", "claim,tables,verdict\nfirst\n", "\xff", "a,b\n1,2,3\n", "claim\n\n"])
@pytest.mark.parametrize("name", [small.LEDGER, small.TESTS])
def test_a_ledger_that_is_none_is_named_in_one_line(study, name, text):
    (study / name).write_bytes(text.encode("latin-1"))
    code, out, err = small.answer(study, "audit", "--claim", "first")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert name in err or "--claim: found 'first', expected one of" in err
    assert states(study)[name][0] == "tampered"


def test_the_chain_goes_from_a_file_to_the_raw_data_with_each_part_once(study):
    record = audit.load(study, "small")
    links = list(chain(record, small.LEDGER, audit.verdicts(record)))
    script = f"{small.SCRIPTS}/{{}}.py".format
    assert [(link.depth, link.path, link.again) for link in links] == [
        (0, small.LEDGER, False),
        (1, script("decide_claims"), False),
        (1, small.READ, False),
        (2, script("tabulate_a"), False),
        (2, small.DATA, False),
        (3, script("prepare"), False),
        (1, small.UNREAD, False),
        (2, script("tabulate_b"), False),
        (2, small.DATA, True),
    ]
    changed_byte(study / small.LIBRARY)
    record = audit.load(study, "small")
    links = list(chain(record, small.READ, audit.verdicts(record)))
    assert (1, small.LIBRARY) in [(link.depth, link.path) for link in links]  # told where it is not intact
    assert links[0].job.parameters == {"rate": 0.5, "seeds": [1, 2]}
