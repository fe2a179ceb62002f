"""A study that is published: its sources beside the record, read safely, and its anchor wherever it is printed."""

import io
import os
import shutil
import subprocess
import zipfile

import pytest

import small_study as small
from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of
from sgdphysics.provenance import audit, confirmation, kept_sources, publishing
from sgdphysics.provenance.kept_sources import KeptSources, packed
from small_study import CRATE, LIST, MANIFEST, PAGE, states

SOURCES = f"{small.FOLDER}/sources.zip"
CODE = [small.LIBRARY, *(f"{small.SCRIPTS}/{rule}.py" for rule in small.RULES), *small.FURTHER]
COMMIT = "c" * 40


def git(folder, *arguments):
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def study(tmp_path):
    """A finished study in a repository that has its code, with the list of what is left out, and places for the anchor."""
    folder = small.finish(tmp_path / "project")
    git(folder, "init", "--quiet")
    git(folder, "add", "Snakefile", "workflow", "config")
    git(folder, "commit", "--quiet", "--message", "code")
    text = (folder / CRATE).read_text().replace("a" * 40, git(folder, "rev-parse", "HEAD"))
    tables = "anchor of small: sha256 0\n\n<!-- verdicts of small -->\n| first | partly |\n"
    cite = '  - {type: other, value: "anchor of small: sha256 0"}\n'
    small.write(folder, {LIST: "data/\n", "README.md": tables, "CITATION.cff": cite})
    small.publish(folder, text)
    return folder


def archive_of(study, folder):
    """What `git archive` gives of all that is there, after the code has changed."""
    (study / small.DATA).unlink()
    for name in CODE:
        (study / name).write_text(f"# newer\n{(study / name).read_text()}")
    git(study, "add", "--all", "--force")
    git(study, "commit", "--quiet", "--message", "published")
    git(study, "archive", "--output", str(folder / "archive.tar"), "HEAD")
    shutil.unpack_archive(folder / "archive.tar", folder / "archive")
    return folder / "archive"


def test_publishing_prints_the_anchor_wherever_there_is_a_place(study):
    code, out, err = small.answer(study, "publish", "small")
    line = f"anchor of small: sha256 {small.anchor(study)}"
    assert (code, out, err) == (0, f"{line}\nThe message of the tag has this line too.\n", "")
    for name in (PAGE, "README.md", "CITATION.cff"):
        assert (study / name).read_text().count(line) == 1
    assert states(study) == {}
    assert f"{line}, printed by {PAGE}, README.md, CITATION.cff\n" in small.answer(study, "audit", "--all")[1]


def test_publishing_again_changes_nothing(study):
    publishing.publish(study, "small")
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file() and ".git" not in path.parts}
    publishing.publish(study, "small")
    assert {path: path.read_bytes() for path in before} == before


def test_without_a_place_it_says_where_the_anchor_belongs(study):
    (study / "CITATION.cff").unlink()
    lines = publishing.publish(study, "small")
    assert "CITATION.cff: no such line yet; put it there" in lines
    assert not (study / "CITATION.cff").exists()


def test_an_archive_is_audited_as_a_clone_is(study, tmp_path):
    """Before, code that has changed since was unknown there."""
    publishing.publish(study, "small")
    archive = archive_of(study, tmp_path)
    in_clone, in_archive = (small.answer(folder, "audit", "--all") for folder in (study, archive))
    assert in_archive == in_clone
    assert in_clone[0] == 0
    assert f": {len(CODE)} files\n" in in_clone[1]
    (archive / SOURCES).unlink()
    assert small.answer(archive, "audit", "--all")[0] == 1  # the manifest has it
    assert states(archive)[small.LIBRARY][0] == "unknown"


def test_settings_of_earlier_commits_are_found_in_an_archive(study, tmp_path):
    publishing.publish(study, "small")
    archive = archive_of(study, tmp_path)
    (archive / "config/claims.yaml").write_text("claims: [{id: third}]\n")
    assert small.answer(archive, "audit", small.LEDGER)[0] == 0


def repacked(study, change):
    """Change the entries of the archive of sources."""
    with zipfile.ZipFile(study / SOURCES) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    change(entries)
    with zipfile.ZipFile(study / SOURCES, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)


@pytest.mark.parametrize("kind", ["other content", "bomb", "no index", "garbage", "pipe", "huge index"])
def test_sources_that_are_not_what_was_recorded_help_nobody(study, tmp_path, kind):
    publishing.publish(study, "small")
    archive = archive_of(study, tmp_path)

    def change(entries):
        for entry in list(entries):
            if kind == "other content" and entry != "index.txt":
                entries[entry] += b" "
            if kind == "bomb" and entry != "index.txt":
                entries[entry] = bytes(50_000_000) if entry == min(entries) else entries[entry] + bytes(1000)
        if kind == "no index":
            del entries["index.txt"]
        if kind == "huge index":
            entries["index.txt"] += bytes(20_000_000)

    if kind == "garbage":
        (archive / SOURCES).write_bytes(b"PK" + bytes(1000))
    elif kind == "pipe":
        (archive / SOURCES).unlink()
        os.mkfifo(archive / SOURCES)
    else:
        repacked(archive, change)
    found = states(archive)
    assert found[SOURCES][0] == "tampered"
    assert found[small.LIBRARY][0] == "unknown"


def test_an_archive_has_the_same_bytes_every_time_and_gives_back_what_was_put_in(tmp_path):
    files = {(COMMIT, f"file {count}"): bytes([count]) * count for count in range(5)}
    backwards = dict(reversed(files.items()))
    assert packed(files) == packed(backwards)
    path = tmp_path / "sources.zip"
    path.write_bytes(packed(files))
    kept = KeptSources(path)
    assert {key: kept.content(*key) for key in files} == files
    assert kept.content(COMMIT, "file 9") is kept.content("d" * 40, "file 1") is None
    assert KeptSources(tmp_path / "none.zip").content(COMMIT, "file 1") is None


def test_an_entry_of_another_size_than_the_index_says_is_not_unpacked(tmp_path, monkeypatch):
    archive = io.BytesIO(packed({(COMMIT, "x"): b"content"}))
    with zipfile.ZipFile(archive) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(tmp_path / "sources.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content if name == kept_sources.INDEX else bytes(10_000_000))
    opened = []
    read = zipfile.ZipFile.open
    monkeypatch.setattr(
        zipfile.ZipFile, "open", lambda self, entry, *more: opened.append(entry.filename) or read(self, entry, *more)
    )
    assert KeptSources(tmp_path / "sources.zip").content(COMMIT, "x") is None
    assert opened == [kept_sources.INDEX]


@pytest.mark.parametrize("name", [small.READ, small.FIGURE])
def test_what_is_not_as_recorded_is_not_published(study, name):
    (study / name).write_text("other")
    with pytest.raises(InputError, match=f"^{name}: not as recorded, 1 files in all; a study is published as it was made$"):
        publishing.publish(study, "small")


def test_what_is_no_published_study_is_refused(study):
    (study / LIST).unlink()
    with pytest.raises(InputError, match=rf"^{LIST}: there is none; "):
        publishing.publish(study, "small")


def test_a_record_that_nothing_confirms_is_not_published(study):
    (study / CRATE).write_text((study / CRATE).read_text() + " ")
    with pytest.raises(InputError, match=rf"^{CRATE}: neither manifest nor page of the study has its sum"):
        publishing.publish(study, "small")


def test_a_study_of_an_earlier_version_gets_its_manifest_and_its_page_the_anchor(study):
    (study / MANIFEST).unlink()
    metas = f'<meta name="record-sha256" content="{sha256_of(study / CRATE)}">\n<meta name="page-sha256" content="{"0" * 64}">\n'
    (study / PAGE).write_text(f"<html><head>\n{metas}</head><body>Results\n<footer>\n</footer></body></html>\n")
    publishing.publish(study, "small")
    anchor_line = confirmation.page_line("small", small.anchor(study))
    assert (study / PAGE).read_text() == (f"<html><head>\n</head><body>Results\n<footer>\n{anchor_line}\n</footer></body></html>\n")
    assert states(study) == {}
    (study / MANIFEST).unlink()
    (study / PAGE).write_text(metas.replace(sha256_of(study / CRATE), "1" * 64))
    with pytest.raises(InputError, match="neither manifest nor page of the study has its sum"):
        publishing.publish(study, "small")


def test_code_that_was_not_committed_when_it_ran_is_kept_as_it_ran(study):
    name = f"{small.SCRIPTS}/draw.py"
    record = audit.load(study, "small")
    git(study, "rm", "--quiet", "--cached", name)
    git(study, "commit", "--quiet", "--amend", "--message", "code without one")
    small.publish(study, (study / CRATE).read_text().replace(record.commit, git(study, "rev-parse", "HEAD")))
    publishing.publish(study, "small")
    content = (study / name).read_bytes()
    assert KeptSources(study / SOURCES).content(git(study, "rev-parse", "HEAD"), name) == content


def test_sources_are_taken_from_a_full_clone_only(study):
    shutil.rmtree(study / ".git")
    with pytest.raises(
        InputError, match=r"commit \w+ is not at hand \(no repository here\); a study is published from a full clone"
    ):
        publishing.publish(study, "small")
