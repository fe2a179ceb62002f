"""The state of a project's repository, in every kind of checkout and whatever the environment says: known, or why it is not."""

import os
import subprocess
from pathlib import Path

import pytest

import small_study as small
from sgdphysics.provenance.commits import is_commit, not_known, short
from sgdphysics.provenance.repository import State, state_of

FILES = {"Snakefile": "rule all:\n", "config/own.yaml": "a: 1\n", "workflow/scripts/draw.py": "# draw\n"}


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch, tmp_path):
    """Neither the user's configuration of git nor a repository around the folder for temporary files plays a part."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


def git(folder, *arguments):
    names = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "protocol.file.allow=always")
    return subprocess.run(["git", *names, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def repository(folder, files=FILES, *options):
    """A repository with these files in its one commit."""
    small.write(folder, files)
    git(folder, "init", "--quiet", *options)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", "All")
    return folder


def state(folder):
    return state_of(folder, FILES)


def own(folder):
    return repository(folder / "project")


def detached(folder):
    git(own(folder), "checkout", "--quiet", "--detach")
    return folder / "project"


def sha256_names(folder):
    return repository(folder / "project", FILES, "--object-format=sha256")


def worktree(folder):
    git(own(folder), "worktree", "add", "--quiet", "../tree")
    return folder / "tree"


def submodule(folder):
    whole = repository(folder / "whole", {"README.md": "text"})
    git(whole, "submodule", "--quiet", "add", str(own(folder)), "part")
    return whole / "part"


def part_of_a_larger_one(folder):
    small.write(folder / "whole", {f"part/{name}": text for name, text in FILES.items()})
    return repository(folder / "whole", {"README.md": "text"}) / "part"


def clone(*options):
    def made(folder):
        own(folder)
        git(folder, "clone", "--quiet", *options, (folder / "project").as_uri(), "clone")
        return folder / "clone"

    return made


@pytest.mark.parametrize(
    "checkout",
    [own, detached, sha256_names, worktree, submodule, part_of_a_larger_one, clone("--depth", "1"), clone("--filter=blob:none")],
    ids=["own", "detached", "sha256", "worktree", "submodule", "part of a larger one", "shallow", "partial"],
)
def test_the_commit_is_known_where_the_repository_has_the_project(tmp_path, checkout):
    folder = checkout(tmp_path)
    commit = git(folder, "rev-parse", "HEAD")
    assert is_commit(commit)
    assert state(folder) == State(commit, ())
    small.write(folder, {"config/own.yaml": "a: 2\n", "new ä.txt": "new"})
    assert state(folder) == State(commit, ("config/own.yaml", "new ä.txt"))


def outside(folder):
    small.write(folder / "project", FILES)
    return folder / "project"


def without_commit(folder):
    git(outside(folder), "init", "--quiet")
    return folder / "project"


def within_another(folder):
    small.write(repository(folder, {"notes.txt": "text"}) / "project", FILES)
    return folder / "project"


def within_another_staged(folder):
    git(within_another(folder), "add", ".")
    return folder / "project"


def copied_worktree(folder):
    worktree(folder).rename(folder / "copy")
    (folder / "project").rename(folder / "elsewhere")
    return folder / "copy"


NOWHERE = "git cannot read this checkout (not a git repository: ...)"
NOT_THERE = "the repository around the project does not have it"


@pytest.mark.parametrize(
    ("checkout", "environment", "reason"),
    [
        (outside, {}, "no repository here"),
        (own, {"PATH": ""}, "no git here"),
        (own, {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}, "git refuses this checkout (dubious ownership)"),
        (without_commit, {}, "the repository here has no commit"),
        (within_another, {}, NOT_THERE),
        (within_another_staged, {}, NOT_THERE),
        (copied_worktree, {}, NOWHERE),
        (part_of_a_larger_one, {"GIT_CEILING_DIRECTORIES": "{folder}/whole"}, "no repository here"),
        (own, {"GIT_CONFIG_COUNT": "two"}, "git cannot read this checkout (bogus count in GIT_CONFIG_COUNT)"),
        (own, {"GIT_TRACE": "1", "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}, "git refuses this checkout (dubious ownership)"),
    ],
)
def test_where_the_commit_is_not_known_it_is_said_why(tmp_path, monkeypatch, checkout, environment, reason):
    folder = checkout(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(folder=tmp_path))
    commit, changed_files = state(folder).commit, state(folder).changed_files
    assert commit.startswith(f"not known: {reason}")
    assert len(commit) < 100
    assert str(tmp_path) not in commit
    assert changed_files == ()


def test_git_is_asked_in_english_and_told_not_to_ask_back(tmp_path, monkeypatch):
    script = """#!/bin/sh
    [ "$LC_ALL$GIT_TERMINAL_PROMPT" = C0 ] && echo "fatal: detected dubious ownership in repository at '$PWD'" >&2
    exit 128
    """
    small.write(tmp_path, {"programs/git": script})
    (tmp_path / "programs/git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert state(tmp_path).commit == "not known: git refuses this checkout (dubious ownership)"
    (tmp_path / "programs/git").chmod(0o644)
    assert state(tmp_path).commit == "not known: git cannot be run (Permission denied)"


def test_variables_that_name_another_repository_play_no_part(tmp_path, monkeypatch):
    """As where Snakemake is run by a hook of another repository, whose git sets them."""
    folder = own(tmp_path)
    expected = state(folder)
    other = repository(tmp_path / "other", {"Snakefile": "other"})
    variables = {"GIT_DIR": ".git", "GIT_WORK_TREE": ".", "GIT_INDEX_FILE": ".git/index", "GIT_OBJECT_DIRECTORY": ".git/objects"}
    for name, path in variables.items():
        monkeypatch.setenv(name, str(other / path))
    monkeypatch.setenv("GIT_PREFIX", "workflow/")
    assert state(folder) == expected
    assert state(outside(tmp_path / "nowhere")).commit == "not known: no repository here"


def hide_untracked(folder):
    git(folder, "config", "status.showUntrackedFiles", "no")


def ignore(folder):
    small.write(folder, {".git/info/exclude": "*\n"})


@pytest.mark.parametrize("hide", [hide_untracked, ignore], ids=["untracked", "ignored"])
def test_a_source_that_the_commit_does_not_have_is_told_whatever_git_was_told(tmp_path, hide):
    small.write(tmp_path / "project", {"Snakefile": "rule all:\n"})
    folder = repository(tmp_path / "project", {})
    hide(folder)
    small.write(folder, FILES)
    assert {"config/own.yaml", "workflow/scripts/draw.py"} <= set(state(folder).changed_files)


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_source_that_git_was_told_not_to_look_at_is_looked_at(tmp_path, flag):
    folder = own(tmp_path)
    git(folder, "update-index", flag, "config/own.yaml")
    assert state(folder).changed_files == ()
    small.write(folder, {"config/own.yaml": "a: 2\n"})
    assert state(folder).changed_files == ("config/own.yaml",)


def hide_by_a_filter(folder):
    """Git itself would pass the file through this before it looks, and find nothing changed."""
    git(folder, "config", "filter.hide.clean", "sed s/2/1/")
    small.write(folder, {".git/info/attributes": "config/own.yaml filter=hide\n"})


def hide_by_ends_of_lines(folder):
    git(folder, "config", "core.autocrlf", "true")


@pytest.mark.parametrize(
    ("hide", "text"), [(hide_by_a_filter, "a: 2\n"), (hide_by_ends_of_lines, "a: 1\r\n")], ids=["filter", "ends of lines"]
)
def test_a_source_is_compared_by_its_bytes_whatever_git_makes_of_them(tmp_path, hide, text):
    folder = own(tmp_path)
    hide(folder)
    small.write(folder, {"config/own.yaml": text})
    git(folder, "add", "config/own.yaml")  # so that git has seen it
    assert git(folder, "status", "--porcelain") == ""
    assert state(folder).changed_files == ("config/own.yaml",)


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_any_file_of_the_commit_that_git_was_told_not_to_look_at_is_looked_at(tmp_path, flag):
    """Also one that no job was told to use, and one that is gone."""
    folder = own(tmp_path)
    git(folder, "update-index", flag, "Snakefile", "workflow/scripts/draw.py")
    small.write(folder, {"Snakefile": "rule one:\n"})
    (folder / "workflow/scripts/draw.py").unlink()
    assert git(folder, "status", "--porcelain") == ""
    assert state_of(folder, []).changed_files == ("Snakefile", "workflow/scripts/draw.py")


def test_what_a_checkout_of_a_part_leaves_out_is_no_change(tmp_path):
    folder = own(tmp_path)
    git(folder, "sparse-checkout", "set", "--no-cone", "/*", "!workflow")
    assert not (folder / "workflow").exists()
    assert state(folder).changed_files == ()


def test_links_are_left_to_git(tmp_path):
    small.write(tmp_path / "project", FILES)
    (tmp_path / "project/link.yaml").symlink_to("config/own.yaml")
    folder = repository(tmp_path / "project", {})
    assert state(folder).changed_files == ()
    (folder / "link.yaml").unlink()
    (folder / "link.yaml").symlink_to("Snakefile")
    assert state(folder).changed_files == ("link.yaml",)


def test_the_bytes_of_this_project_are_those_of_the_commit_whatever_ends_of_lines_are_asked_for(tmp_path):
    """Else every sum in a record would be another in such a clone."""
    attributes = (Path(__file__).parents[2] / ".gitattributes").read_text()
    for name, text in (("with", attributes), ("without", "")):
        folder = repository(tmp_path / name, {"workflow/draw.py": "# draw\n", ".gitattributes": text})
        git(tmp_path, "clone", "--quiet", "-c", "core.autocrlf=true", str(folder), f"clone {name}")
    assert (tmp_path / "clone with/workflow/draw.py").read_bytes() == b"# draw\n"
    assert (tmp_path / "clone without/workflow/draw.py").read_bytes() == b"# draw\r\n"


def test_a_renamed_file_is_two_and_a_name_that_is_no_text_is_told_by_its_bytes(tmp_path):
    folder = own(tmp_path)
    git(folder, "mv", "config/own.yaml", "config/mine.yaml")
    (folder / b"\xff.txt".decode("utf-8", "surrogateescape")).write_text("x")
    assert state(folder).changed_files == (r"\xff.txt", "config/mine.yaml", "config/own.yaml")


def test_nothing_is_written_into_the_repository(tmp_path):
    folder = own(tmp_path)
    os.utime(folder / "Snakefile", (1, 1))  # so that git's list of times is no longer right
    before = (folder / ".git/index").read_bytes()
    state(folder)
    assert (folder / ".git/index").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "known", "shortened", "told"),
    [
        ("a" * 40, True, "a" * 10, None),
        ("b" * 64, True, "b" * 10, None),
        ("a" * 39, False, "a" * 39, f"not known: {'a' * 39}"),
        ("not in a repository", False, "not in a repository", "not known: not in a repository"),
        ("not known: no git here", False, "not known: no git here", "not known: no git here"),
    ],
)
def test_digits_of_a_commit_are_told_apart_from_what_stands_in_their_place(text, known, shortened, told):
    assert (is_commit(text), short(text)) == (known, shortened)
    assert told is None or not_known(text) == told
