"""What of installed packages was altered, and sums over their files, from notes where nothing has changed."""

import json
import os

import pytest

import package_on_disk
from sgdphysics.files import sha256_of
from sgdphysics.provenance import packages
from sgdphysics.provenance.packages import Files

FILES = {"invented/__init__.py": "a = 1\n", "invented/data.csv": "x\n1\n", "../bin/invented": "#!python\n"}


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Folder of one package, on the path."""
    for cached in (packages._listed, packages._folder, packages._modules_of_packages):
        cached.cache_clear()
    package_on_disk.install(tmp_path / "site-packages", "invented", FILES)
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    yield tmp_path / "site-packages"
    for cached in (packages._listed, packages._folder, packages._modules_of_packages):
        cached.cache_clear()


def found(notes=None):
    packages._listed.cache_clear()
    return packages.files_of(["invented"], notes)["invented"]


def test_a_package_as_it_was_installed_is_summed(site):
    before = found()
    assert len(before.sha256) == 64
    assert before.altered == ()
    assert found() == before
    (site / "../bin/invented").write_text("#!another python\n")  # as where an environment is made anew from the same wheel
    assert found() == before


@pytest.mark.parametrize("name", ["invented/__init__.py", "invented/data.csv"])
def test_altered_and_missing_files_are_named(site, name):
    before = found()
    (site / name).write_text("b = 2\n")
    assert found().altered == (name,)
    assert found().sha256 != before.sha256
    (site / name).unlink()
    assert found().altered == (f"{name} (missing)",)


def test_a_file_that_was_installed_to_another_folder_is_called_by_its_name(site, tmp_path):
    package_on_disk.install(site, "other", {str(tmp_path / "home/x.dat"): "x"})
    (tmp_path / "home/x.dat").write_text("y")
    assert packages.files_of(["other"])["other"].altered == ("x.dat",)


def test_what_is_not_known_is_told_with_the_reason(site):
    record = site / "invented-1.0.dist-info/RECORD"
    record.unlink()
    assert found() == Files("", ("not known: it has no list of its files",))
    record.with_name("INSTALLER").write_text("conda\n")
    assert found() == Files("", ("not known: conda installed it, and may have changed its files for their place",))
    assert packages.files_of(["no such package", "sgdphysics"]) == {}


def test_certificates_that_administrators_add_alter_no_package(site):
    package_on_disk.install(site, "certifi", {"certifi/__init__.py": "", "certifi/cacert.pem": "theirs"})
    (site / "certifi/cacert.pem").write_text("theirs and ours")
    assert packages.files_of(["certifi"])["certifi"].altered == ()


def note_of(notes):
    (note,) = notes.iterdir()
    return note


def test_a_note_is_believed_while_nothing_of_the_files_has_changed(site, tmp_path):
    notes = tmp_path / "notes"
    before = found(notes)
    note = note_of(notes)
    note.write_text(json.dumps({"sha256": "noted", "altered": ["noted"]}))
    assert found(notes) == Files("noted", ("noted",))  # so nothing was read again
    module = site / "invented/__init__.py"
    times = module.stat()
    module.write_text("a = 2\n")  # as many bytes
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert found(notes).altered == ("invented/__init__.py",)
    module.unlink()
    module.write_text(FILES["invented/__init__.py"])
    assert found(notes) == before
    record = site / "invented-1.0.dist-info/RECORD"
    record.write_text(record.read_text().replace("sha256=", "sha256=A", 1))  # the list itself
    assert found(notes).altered == ("invented/__init__.py",)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "3", "{}", '{"sha256": 1, "altered": []}', '{"sha256": "", "altered": 1}', "[" * 99999]
)
def test_a_damaged_note_is_thrown_away(site, tmp_path, text):
    notes = tmp_path / "notes"
    expected = found(notes)
    note, content = note_of(notes), note_of(notes).read_bytes()
    note.write_text(text)
    assert found(notes) == expected
    assert note.read_bytes() == content


def test_without_a_place_for_notes_all_is_read(site, tmp_path):
    (tmp_path / "notes").write_text("a file in the place of the folder")
    assert found(tmp_path / "notes") == found()
    assert sha256_of(tmp_path / "notes")


def test_modules_that_lie_among_others_and_are_in_no_list_are_told(site):
    files = {"invented": "invented/__init__.py", "invented.planted": "invented/planted.py", "other": "other.py"}
    for name in files.values():
        (site / name).write_text("")
    assert packages.not_listed({name: str(site / file) for name, file in files.items()}) == {
        "invented": ["invented/planted.py (not in its list)"]
    }
