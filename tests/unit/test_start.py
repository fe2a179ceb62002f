import os

import pytest

from sgdphysics.errors import InputError
from sgdphysics.study import start


@pytest.fixture
def checkout(tmp_path):
    return made(tmp_path / "checkout")


def made(root):
    root.mkdir()
    for name in start.LINKED:
        (root / name).write_text(name)
    return root


def test_another_folder_gets_links_to_the_code_once(checkout, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    for _ in range(2):
        start.prepare_folder(folder, checkout)
        assert all((folder / name).is_symlink() and (folder / name).samefile(checkout / name) for name in start.LINKED)


def test_the_checkout_itself_gets_none(checkout):
    (checkout / "uv.lock").unlink()
    start.prepare_folder(checkout, checkout)
    assert not [path for path in checkout.iterdir() if path.is_symlink()]


def test_links_to_a_checkout_that_was_moved_lead_to_where_it_is_now(checkout, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    start.prepare_folder(folder, checkout)
    moved = checkout.rename(tmp_path / "moved")
    start.prepare_folder(folder, moved)
    assert (folder / "config").samefile(moved / "config")


@pytest.mark.parametrize("name", ["config", "uv.lock"])
def test_something_else_in_the_place_of_a_link_is_named(checkout, tmp_path, name):
    other = made(tmp_path / "other")
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / name).symlink_to(other / name)
    with pytest.raises(InputError, match=f"^{folder / name}: found, expected none: Snakemake works in this folder"):
        start.prepare_folder(folder, checkout)
    assert (folder / name).samefile(other / name)


def test_a_folder_that_cannot_be_written_to_is_named(checkout, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match=f"^{tmp_path}: cannot be written to"):
        start.prepare_folder(tmp_path, checkout)


def test_a_snakefile_that_includes_the_workflow_is_named_and_a_link_to_it_is_none(checkout, tmp_path):
    (tmp_path / "Snakefile").symlink_to(checkout / "Snakefile")
    start.check_snakefile(tmp_path / "Snakefile", checkout)
    (checkout / "other.smk").write_text('include: "Snakefile"')
    with pytest.raises(InputError, match=r"other.smk: found the workflow .* in it as a module or an include"):
        start.check_snakefile(checkout / "other.smk", checkout)


@pytest.mark.parametrize(
    ("arguments", "several"),
    [
        ("-n --configfile a.yaml b.yaml", False),
        ("figures/configfile.pdf --configfile=a.yaml --config study=smoke", False),
        ("--configfile a.yaml --configfile b.yaml", True),
        ("--configfile=a.yaml -n --configfiles b.yaml", True),
    ],
)
def test_several_options_for_files_of_settings(arguments, several):
    if not several:
        return start.check_arguments(arguments.split())
    with pytest.raises(InputError, match=r"^--configfile: found several times"):
        start.check_arguments(arguments.split())
