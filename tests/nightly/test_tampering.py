"""Every file of a finished smoke study in turn: changed, deleted, swapped with its neighbour; and a file added to every folder.

Run by ``pytest -s tests/nightly/test_tampering.py``; prints how many there were, and how many the audit missed or got wrong.
"""

import itertools

import pytest

import tampering
from tampering import PAGE, RECORD

NOT_EVIDENCE = {"logs", "benchmarks"}
ORIGINALS = {}  # bytes of the files of settings before anything was changed


@pytest.fixture(scope="module")
def sources(smoke_study):
    return tampering.made_from(smoke_study)


@pytest.fixture(scope="module")
def names(smoke_study, sources):
    """Every file that the record speaks of, the record and the report page."""
    ORIGINALS.update({f"config/{path.name}": path.read_bytes() for path in (smoke_study / "config").glob("*.yaml")})
    return sorted(tampering.behind(sources, RECORD) | {PAGE})


@pytest.fixture(autouse=True)
def healthy(smoke_study):
    """Before and after each test the study is intact."""
    assert tampering.states(smoke_study) == (0, {})
    yield
    assert tampering.states(smoke_study) == (0, {})


def is_right(folder, sources, changed):
    """Whether the audit names exactly these files, and as stale exactly what was made from them."""
    code, found = tampering.states(folder)
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


def test_a_file_added_to_any_folder_is_found(smoke_study):
    tops = ("results/smoke", "figures/smoke", "results/runs", "data")
    folders = {smoke_study / top for top in tops}
    folders |= {path for top in tops for path in (smoke_study / top).rglob("*") if path.is_dir()}
    missed, tried = [], 0
    for folder in sorted(folders):
        added = folder / "added.csv"
        name = added.relative_to(smoke_study)
        if not NOT_EVIDENCE & set(name.parts):
            tried += 1
            added.write_text("a\n")
            if tampering.states(smoke_study) != (1, {name.as_posix(): "unknown"}):
                missed.append(name)
            added.unlink()
    report("files added", tried, missed)
