"""What the workflow looks at before it reads its settings: the command, and the folder in which Snakemake works.

That folder is the checkout or another one, which then gets links to the code: all files of the workflow have paths relative to it,
and with the links those of code and settings mean the same in both, so that records, audits and commands are alike.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from sgdphysics.errors import InputError

# What jobs read of the checkout, and what makes a folder one in which `sgdphysics` answers.
LINKED = (
    *("Snakefile", "workflow", "config", "envs", "profiles"),
    *("pyproject.toml", "requirements.txt", "uv.lock", "CITATION.cff"),
)


def check_snakefile(snakefile: str | Path, root: Path) -> None:
    """Raise `InputError` where this workflow is a part of another one: its rules, files and records would not fit together.

    Args:
        snakefile: The file with which Snakemake began.
        root: Folder of this checkout.
    """
    if Path(snakefile).resolve() != (root / "Snakefile").resolve():
        raise InputError(
            f"{snakefile}: found the workflow {root / 'Snakefile'} in it as a module or an include, expected it by itself "
            f"(its record is of a whole run): snakemake --snakefile {root / 'Snakefile'} --directory FOLDER"
        )


def check_arguments(arguments: Sequence[str]) -> None:
    """Raise `InputError` where the command would be understood otherwise than it reads.

    Args:
        arguments: Those of Snakemake. Of several ``--configfile`` it takes only the last, and says nothing.
    """
    if sum(argument.startswith("--configf") for argument in arguments) > 1:
        raise InputError("--configfile: found several times, expected once with all files behind it: --configfile FILE FILE")


def prepare_folder(folder: Path, root: Path) -> None:
    """Check that a folder can be worked in, and link the code of the checkout in it where it is another one.

    Args:
        folder: The one in which Snakemake works.
        root: Folder of this checkout.

    Raises:
        InputError: If it cannot be written to, or has something else in the place of a link.
    """
    if not os.access(folder, os.W_OK):
        raise InputError(f"{folder}: cannot be written to, and Snakemake keeps its notes there")
    if folder.samefile(root):
        return
    links = {folder / name: root / name for name in LINKED}
    for link, target in links.items():
        if link.exists() and not link.samefile(target):
            raise InputError(f"{link}: found, expected none: Snakemake works in this folder, and links its code into it")
    for link, target in links.items():
        if link.is_symlink() and not link.exists():  # to a checkout that was moved since
            link.unlink()
        if not link.exists():
            link.symlink_to(target)
