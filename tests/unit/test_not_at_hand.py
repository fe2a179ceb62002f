"""A published study whose code has changed since: an audit answers where the recorded commit is at hand, else says it cannot."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import small_study as small

DRAW = f"{small.SCRIPTS}/draw.py"
DECIDE = f"{small.SCRIPTS}/decide_claims.py"
CHANGED = {DRAW: "# newer\n", small.CONFIGURATION: f"# A comment\n{small.SETTINGS[small.CONFIGURATION]}"}
REFUSED = "git refuses this checkout (dubious ownership)"


def git(folder, *arguments):
    names = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "protocol.file.allow=always")
    return subprocess.run(["git", *names, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def commit(folder, *names):
    git(folder, "add", "--all", "--force", *names)
    git(folder, "commit", "--quiet", "--message", "More")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The repository: code at the first commit, its results and then newer code at the second; and the first commit."""
    folder = small.finish(tmp_path_factory.mktemp("original") / "project")
    git(folder, "init", "--quiet")
    git(folder, "config", "uploadpack.allowFilter", "true")
    first = commit(folder, "Snakefile", "workflow", "config")
    small.write(folder, {small.LIST: "data/\n", **CHANGED})
    small.publish(folder, (folder / small.CRATE).read_text().replace("a" * 40, first))
    shutil.rmtree(folder / "data")
    commit(folder)
    return folder, first


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


def clone(*options):
    def made(original, folder):
        git(folder, "clone", "--quiet", *options, original.as_uri(), "clone")
        return folder / "clone"

    return made


def worktree(original, folder):
    git(clone()(original, folder), "worktree", "add", "--quiet", "../tree")
    return folder / "tree"


def submodule(original, folder):
    small.write(folder / "whole", {"README.md": "text"})
    git(folder / "whole", "init", "--quiet")
    git(folder / "whole", "submodule", "--quiet", "add", original.as_uri(), "part")
    return folder / "whole" / "part"


def merged_into_a_larger_one(original, folder):
    """With its history, in which it was no part of another repository."""
    whole = folder / "whole"
    small.write(whole, {"README.md": "text"})
    git(whole, "init", "--quiet")
    commit(whole)
    git(whole, "fetch", "--quiet", original.as_uri(), "HEAD")
    git(whole, "merge", "--quiet", "--strategy=ours", "--no-commit", "--allow-unrelated-histories", "FETCH_HEAD")
    git(whole, "read-tree", "--prefix=part/", "-u", "FETCH_HEAD")
    git(whole, "commit", "--quiet", "--message", "Merged")
    return whole / "part"


def archive(original, folder):
    git(original, "archive", "--output", str(folder / "archive.zip"), "HEAD")
    shutil.unpack_archive(folder / "archive.zip", folder / "archive")
    return folder / "archive"


def archive_within_another_repository(original, folder):
    small.write(folder, {"README.md": "text"})
    git(folder, "init", "--quiet")
    commit(folder)
    return archive(original, folder)


def repository_without_commit(original, folder):
    git(archive(original, folder), "init", "--quiet")
    return folder / "archive"


def partial(original, folder):
    """Git would fetch the rest, by a command that settings of the checkout may name."""
    git(folder, "clone", "--quiet", "--filter=blob:none", original.as_uri(), "clone")
    git(folder / "clone", "config", "remote.origin.uploadpack", f"touch {folder / 'fetched'}; git-upload-pack")
    return folder / "clone"


ELSEWHERE = {"GIT_DIR": "/nowhere/.git", "GIT_WORK_TREE": "/nowhere", "GIT_INDEX_FILE": "/nowhere/index"}


@pytest.mark.parametrize(
    ("checkout", "environment"),
    [
        (clone(), {}),
        (clone(), ELSEWHERE),
        (worktree, {}),
        (submodule, {}),
        (merged_into_a_larger_one, {}),
    ],
    ids=["clone", "variables", "worktree", "submodule", "merged"],
)
def test_where_the_commit_is_at_hand_all_is_intact(original, tmp_path, monkeypatch, checkout, environment):
    folder = checkout(original[0], tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert states(folder) == dict.fromkeys([small.DATA], "not kept")
    code, out, _ = small.answer(folder, "audit", "--all")
    assert code == 0
    assert f"\ncode and settings that have changed since, as recorded in commit {original[1][:10]}: {len(CHANGED)} files\n" in out
    assert "not at hand" not in out
    assert small.answer(folder, "audit", "--claim", "first")[0] == small.answer(folder, "audit", small.FIGURE)[0] == 0


NOT_AT_HAND = [
    (archive, {}, "no repository here"),
    (archive_within_another_repository, {}, "the repository here does not have it"),
    (repository_without_commit, {}, "the repository here does not have it"),
    (clone("--depth", "1"), {}, "this clone is shallow"),
    (clone(), {"PATH": ""}, "no git here"),
    (clone(), {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}, REFUSED),
    (partial, {}, "this clone is partial, and nothing is fetched for an audit"),
]
IDS = ["archive", "archive within", "no commit", "shallow", "no git", "refused", "partial"]


@pytest.mark.parametrize(("checkout", "environment", "reason"), NOT_AT_HAND, ids=IDS)
def test_where_the_commit_is_not_at_hand_nothing_is_called_tampered(original, tmp_path, monkeypatch, checkout, environment, reason):
    folder = checkout(original[0], tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    unknown = [*CHANGED, small.FIGURE, small.CRATE, small.PAGE, small.MANIFEST]
    assert states(folder) == dict.fromkeys(unknown, "unknown") | {small.DATA: "not kept"}
    code, out, err = small.answer(folder, "audit", "--all")
    assert (code, err) == (2, "")
    lines = out.splitlines()
    assert "study small: 23 files, 16 intact, 1 not kept, 0 stale, 0 tampered, 6 unknown" in lines
    assert f"commit {original[1][:10]} is not at hand ({reason}); an audit in a full clone can answer" in lines
    (line,) = [line for line in lines if line.startswith(f"{DRAW}  ")]
    assert line.startswith(f"{DRAW}  unknown: not the recorded bytes (sha256 ")
    assert line.endswith(
        f"; whether it was as recorded in commit {original[1][:10]} cannot be answered: the commit is not at hand ({reason})"
    )
    assert f"{small.FIGURE}  unknown: made from {DRAW}, of which it is unknown whether it has changed since" in lines
    assert small.answer(folder, "audit", small.FIGURE)[0] == small.answer(folder, "audit", DRAW)[0] == 2
    assert small.answer(folder, "audit", small.READ)[0] == small.answer(folder, "audit", "--claim", "first")[0] == 0
    assert not (tmp_path / "fetched").exists()


@pytest.fixture
def unpacked(original, tmp_path):
    return archive(original[0], tmp_path)


def states(folder):
    """Files that are not intact, with their states."""
    return {name: state for name, (state, _) in small.states(folder).items()}


def test_what_is_tampered_with_is_told_where_no_commit_is_at_hand(unpacked):
    (unpacked / small.READ).write_text("other")
    told = states(unpacked)
    assert told[small.READ] == "tampered"
    assert told[small.FIGURE] == told[small.LEDGER] == told[small.CRATE] == "stale"
    assert small.answer(unpacked, "audit", "--all")[0] == small.answer(unpacked, "audit", small.FIGURE)[0] == 1


@pytest.mark.parametrize("name", [f"{small.FOLDER}/settings.yaml", f"{small.FOLDER}/README.md", small.FIGURE])
@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("other")], ids=["deleted", "changed"])
def test_no_commit_is_needed_to_tell_that_a_result_is_another(unpacked, name, change):
    change(unpacked / name)
    assert states(unpacked)[name] == "tampered"
    assert small.answer(unpacked, "audit", "--all")[0] == 1


def test_code_that_is_gone_is_unknown_too(unpacked):
    (unpacked / DECIDE).unlink()
    told = small.states(unpacked)
    assert told[DECIDE][0] == told[small.LEDGER][0] == told[small.TESTS][0] == "unknown"
    assert told[DECIDE][1].startswith("missing; whether it was as recorded in commit ")
    code, out, _ = small.answer(unpacked, "audit", DECIDE)
    assert (code, out.startswith(f"{DECIDE}  unknown: missing; ")) == (2, True)
    assert small.answer(unpacked, "audit", "--claim", "first")[0] == 2


def test_settings_that_are_others_now_may_have_been_others_then(unpacked, original):
    path = unpacked / "config/small.yaml"
    path.write_text(path.read_text().replace("0.5", "0.7"))
    told = small.states(unpacked)
    assert "tampered" not in {state for state, _ in told.values()}
    first = original[1][:10]
    reason = f"those of commit {first} cannot be told: the commit is not at hand (no repository here)"
    assert told[small.READ] == ("unknown", f"settings are others now: part.rate was 0.5, is 0.7; {reason}")
    assert [small.answer(unpacked, "audit", *question)[0] for question in (["--all"], ["--claim", "first"])] == [2, 2]


@pytest.mark.parametrize(
    ("name", "old", "new", "made"),
    [
        ("config/claims.yaml", "second", "third", small.LEDGER),
        ("config/datasets.yaml", "free", "paid", small.DATA),
        ("config/claims.yaml", "second", "second", None),
    ],
)
def test_so_may_have_claims_and_data(unpacked, name, old, new, made):
    path = unpacked / name
    path.write_text(f"# A comment\n{path.read_text().replace(old, new)}")
    told = small.states(unpacked)
    assert told[name][0] == "unknown"
    if made == small.LEDGER:
        assert told[made][1].startswith(f"settings are others now: {name}; those of commit ")
    elif made is None:
        assert small.LEDGER not in told
    assert {state for state, _ in told.values()} == {"unknown", "not kept"}


def test_settings_that_cannot_be_read_any_more_are_no_more_certain(unpacked):
    (unpacked / "config/config.yaml").unlink()
    told = states(unpacked)
    assert told["config/config.yaml"] == told[small.READ] == "unknown"
    assert set(told.values()) == {"unknown", "not kept"}


def test_a_commit_that_has_other_code_is_an_answer(original, tmp_path):
    """As where the study ran with changes that were never committed."""
    folder = clone()(original[0], tmp_path)
    small.publish(folder, (folder / small.CRATE).read_text().replace(original[1], git(folder, "rev-parse", "HEAD")))
    told = states(folder)
    assert told[DRAW] == "tampered"
    assert told[small.FIGURE] == "stale"


@pytest.mark.parametrize("commit", ["not in a repository", "not known: no git here"])
def test_a_record_without_a_commit_says_so(tmp_path, commit):
    folder = small.finish(tmp_path)
    content = json.loads((folder / small.CRATE).read_text())
    small.publish(folder, json.loads(json.dumps(content).replace("a" * 40, commit)))
    code, out, _ = small.answer(folder, "audit", "--all")
    expected = commit if commit.startswith("not known") else f"not known: {commit}"
    assert code == 0
    assert f"commit {expected}" in out.splitlines()
    assert "unchanged" not in out
