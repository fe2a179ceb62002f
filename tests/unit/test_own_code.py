"""Which code answers an audit: of an installation elsewhere, or of the audited tree as a commit has it or not."""

import json
import os
import shutil
import subprocess
import sys

import pytest

import small_study as small
from sgdphysics.provenance import modules, own_code

FILES = "workflow/lib/sgdphysics"
QUESTION = ("audit", "--all", "--study", "small")


def git(folder, *arguments):
    names = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    return subprocess.run(["git", *names, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A project with a finished study, whose library is loaded here."""
    root = small.finish(tmp_path / "tree")
    small.write(root, {f"{FILES}/errors.py": "# errors\n", f"{FILES}/files.py": "# files\n", "Snakefile": "rule all:\n"})
    loaded = {f"sgdphysics.{name}": str(root / FILES / f"{name}.py") for name in ("errors", "files")}
    monkeypatch.setattr(modules, "files_of", lambda found: loaded)
    return root


def committed(tree):
    git(tree, "init", "--quiet")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "all")
    return git(tree, "rev-parse", "HEAD")


def test_code_from_elsewhere_says_so(tmp_path):
    root = small.finish(tmp_path)
    code, out, _ = small.answer(root, *QUESTION)
    assert code == 0
    assert out.splitlines()[-1] == "answered by sgdphysics as it is installed elsewhere, not by code of this tree"


def test_code_of_the_tree_is_compared_with_the_commit_byte_by_byte(tree):
    commit = committed(tree)
    code, out, _ = small.answer(tree, *QUESTION)
    assert (code, out.splitlines()[-1]) == (0, f"answered by code of this tree, as commit {commit[:10]} has it")
    times = (tree / FILES / "errors.py").stat()
    small.write(tree, {f"{FILES}/errors.py": "# ERRORS\n"})
    os.utime(tree / FILES / "errors.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    git(tree, "update-index", "--skip-worktree", f"{FILES}/errors.py")
    code, out, _ = small.answer(tree, *QUESTION)
    line = f"answered by code of this tree, which differs from commit {commit[:10]} in {FILES}/errors.py"
    assert (code, out.splitlines()[-1]) == (1, line)
    code, out, _ = small.answer(tree, *QUESTION, "--json")
    assert (code, json.loads(out)["answered_by"]) == (1, line)


def test_code_of_the_recorded_commit_is_as_good_as_that_which_is_checked_out(tree):
    first = committed(tree)
    small.publish(tree, (tree / small.CRATE).read_text().replace("a" * 40, first))
    old = (tree / FILES / "errors.py").read_text()
    small.write(tree, {f"{FILES}/errors.py": "# newer\n"})
    git(tree, "commit", "--quiet", "--all", "--message", "newer")
    small.write(tree, {f"{FILES}/errors.py": old})
    assert own_code.of_this_process(tree, "small") == own_code.OwnCode(
        f"answered by code of this tree, as commit {first[:10]} has it"
    )


def test_a_module_beside_the_library_is_no_code_of_the_commit(tree, monkeypatch):
    committed(tree)
    small.write(tree, {"workflow/lib/sitecustomize.py": "# planted\n"})
    loaded = {**modules.files_of({}), "sitecustomize": str(tree / "workflow/lib/sitecustomize.py")}
    monkeypatch.setattr(modules, "files_of", lambda found: loaded)
    found = own_code.of_this_process(tree, "small")
    assert found.is_other
    assert found.line.endswith(" in workflow/lib/sitecustomize.py")


def test_without_a_commit_at_hand_nothing_is_claimed_and_nobody_accused(tree):
    found = own_code.of_this_process(tree, "small")
    assert not found.is_other
    assert found.line.startswith(
        "answered by code of this tree; whether a commit has it so cannot be told: commit aaaaaaaaaa is not"
    )
    assert found.line.endswith("(no repository here)")


def test_the_command_itself_run_by_the_code_of_a_tree(tmp_path):
    """As after an editable installation of it, in a process of its own."""
    root = small.finish(tmp_path / "tree")
    shutil.copytree(modules.LIBRARY, root / "workflow/lib", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    commit = committed(root)
    environment = {**os.environ, "PYTHONPATH": str(root / "workflow/lib")}

    def last_line():
        command = [sys.executable, "-m", "sgdphysics.command_line", *QUESTION]
        run = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=120)
        return run.returncode, run.stdout.splitlines()[-1]

    assert last_line() == (0, f"answered by code of this tree, as commit {commit[:10]} has it")
    audit = root / FILES / "provenance/audit.py"
    audit.write_text(audit.read_text() + "\nexit_code = lambda verdicts: 0\n")
    line = f"answered by code of this tree, which differs from commit {commit[:10]} in {FILES}/provenance/audit.py"
    assert last_line() == (1, line)
