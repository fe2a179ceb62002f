"""Every file of a finished smoke study in turn: changed, deleted, swapped with its neighbour, a link; and every folder added to.

Run by ``pytest -s tests/nightly/test_tampering.py``; prints how many there were, and how many the audit missed or got wrong.
"""

import itertools
import os

import pytest

import tampering
from tampering import MANIFEST, PAGE, RECORD

ORIGINALS = {}  # bytes of the files of settings before anything was changed


@pytest.fixture(scope="module")
def sources(smoke_study):
    return tampering.made_from(smoke_study)


@pytest.fixture(scope="module")
def names(smoke_study, sources):
    """Every file that the record speaks of, the record, the report page and the manifest."""
    ORIGINALS.update({f"config/{path.name}": path.read_bytes() for path in (smoke_study / "config").glob("*.yaml")})
    return sorted(tampering.behind(sources, RECORD) | {PAGE, MANIFEST})


@pytest.fixture(autouse=True)
def healthy(smoke_study):
    """Before and after each test the study is intact."""
    assert tampering.states(smoke_study) == (0, {})
    yield
    assert tampering.states(smoke_study) == (0, {})


def is_right(folder, sources, changed):
    """Whether the audit names exactly these files, and as stale exactly what was made from them."""
    code, found = tampering.states(folder)
    if MANIFEST in changed:  # the record with it is no record, or a manifest is in its place
        answers = [tampering.expected_of_changed_manifest(sources), {MANIFEST: "tampered"}]
        return code == 1 and found in [*answers, tampering.expected_without_manifest(sources, changed - {MANIFEST})]
    if RECORD in changed:  # all of it unknown, or where it is no record at all, this alone
        everything = tampering.expected_of_changed_record(sources) | {name: "tampered" for name in changed if name == PAGE}
        return code == 1 and found in (everything, {RECORD: "tampered"})
    answers = [tampering.expected(sources, changed)]
    if any(name.startswith("config/") and not comment_only(folder, name) for name in changed):
        answers.append(tampering.expected_without_settings(sources, changed))
    return code == 1 and found in answers


def comment_only(folder, name):
    """Whether a file of settings differs from the original in its first line only, which is a comment."""
    path = folder / name
    lines = path.read_bytes().splitlines() if path.is_file() else []
    return lines[1:] == ORIGINALS[name].splitlines()[1:] and lines[0].startswith(b"#")


def report(what, tried, missed):
    print(f"\n{tried} {what}; missed: {len(missed)}")
    assert tried
    assert not missed


def test_every_changed_byte_is_found(smoke_study, sources, names):
    missed = []
    for name in names:
        with tampering.restored(smoke_study / name):
            tampering.change_a_byte(smoke_study / name)
            if not is_right(smoke_study, sources, {name}):
                missed.append(name)
    report("files changed", len(names), missed)


def test_every_deleted_file_is_found(smoke_study, sources, names):
    missed = []
    for name in (name for name in names if name != RECORD):
        with tampering.restored(smoke_study / name):
            (smoke_study / name).unlink()
            if not is_right(smoke_study, sources, {name}):
                missed.append(name)
    with tampering.restored(smoke_study / RECORD):
        (smoke_study / RECORD).unlink()
        with pytest.raises(ValueError, match="Expecting value"):  # no answer in JSON
            tampering.states(smoke_study)
    report("files deleted", len(names), missed)


def test_every_two_swapped_neighbours_are_found(smoke_study, sources, names):
    missed, tried = [], 0
    for pair in itertools.pairwise(names):
        one, two = (smoke_study / name for name in pair)
        first, second = one.read_bytes(), two.read_bytes()
        if first != second:
            tried += 1
            with tampering.restored(one, two):
                one.write_bytes(second)
                two.write_bytes(first)
                if not is_right(smoke_study, sources, set(pair)):
                    missed.append(pair)
    report("pairs of files swapped", tried, missed)


def test_every_file_that_is_a_link_to_its_own_bytes_is_found(smoke_study, names, tmp_path):
    """Code may lie behind links, to a checkout: there it is the bytes that count."""
    missed, made = [], [name for name in names if name.startswith(("results/", "figures/", "data/")) and name != RECORD]
    for name in made:
        path, place = smoke_study / name, tmp_path / "bytes"
        path.rename(place)
        path.symlink_to(place)
        code, found = tampering.states(smoke_study)
        path.unlink()
        place.rename(path)
        if (code, found.get(name)) != (1, "tampered"):
            missed.append(name)
    report("files replaced by links", len(made), missed)


ADDED = {
    "file": lambda path: path.write_text("a\n"),
    "link": lambda path: path.symlink_to(path.parent),
    "pipe": os.mkfifo,
}


@pytest.mark.parametrize("kind", ADDED)
def test_what_is_added_to_any_folder_is_found(smoke_study, kind):
    tops = ("results/smoke", "figures/smoke", "results/runs", "data")
    folders = {smoke_study / top for top in tops}
    folders |= {path for top in tops for path in (smoke_study / top).rglob("*") if path.is_dir()}
    missed, tried = [], 0
    for folder in sorted(folders):
        for name in ("added.csv", "added.log", "added.job.json", "added.benchmark.tsv"):
            added, tried = folder / name, tried + 1
            ADDED[kind](added)
            if tampering.states(smoke_study) != (1, {added.relative_to(smoke_study).as_posix(): "unknown"}):
                missed.append(added)
            added.unlink()
    report(f"{kind}s added", tried, missed)
