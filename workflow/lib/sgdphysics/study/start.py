"""What the workflow looks at before it reads its settings: the command, and the folder in which Snakemake works.

That folder is the checkout or another one, which then gets links to the code: all files of the workflow have paths relative to it,
and with the links those of code and settings mean the same in both, so that records, audits and commands are alike.
"""

import marshal
import os
from collections.abc import Generator, Sequence
from contextlib import suppress
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, all_suffixes
from importlib.util import cache_from_source
from itertools import chain
from pathlib import Path

from sgdphysics.errors import InputError
from sgdphysics.provenance import modules

INSTALLED = {".dist-info", ".egg-info", ".egg-link", ".egg", ".pth"}  # how names end of what tells Python of packages
NO_SOURCE = (*EXTENSION_SUFFIXES, *BYTECODE_SUFFIXES)  # and of modules that are not compiled here
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


def check_library(library: Path) -> None:
    """Check that the folder of the library has nothing for Python but the packages of this project, compiled from their sources.

    Anything else there would run in every process, and be in no record. Bytecode that Python may take was removed before. Where
    that was not possible, such as in a checkout that may only be read, it must be that of its source.

    Args:
        library: The folder.

    Raises:
        InputError: If there is anything else; in one line that names the first.
    """
    found = next(chain(_foreign(library), _foreign_in_packages(library), _other_bytecode(library)), None)
    if found:
        raise InputError(
            f"{found}: found, expected only sources of {' and '.join(sorted(modules.PACKAGES))} in this folder: "
            "Python would load it, and no record would say what it does"
        )


def _foreign(library: Path) -> Generator[Path]:
    """What Python would load from the folder of the library, or take for an installed package, besides the packages there."""
    own = {*modules.PACKAGES, "__pycache__", f"{modules.OWN}.egg-info"}
    for path in sorted(library.iterdir()):
        is_module = path.name.partition(".")[0].isidentifier() and (path.is_dir() or path.name.endswith(tuple(all_suffixes())))
        if path.name not in own and (is_module or path.suffix in INSTALLED):
            yield path


def _foreign_in_packages(library: Path) -> Generator[Path]:
    """What Python would load from the packages in place of a source, or did before this library found its own modules."""
    for path in sorted(path for name in modules.PACKAGES for path in (library / name).rglob("*")):
        takes_its_place = path.name == "__init__.py" and path.parent.with_suffix(".py").is_file()
        if takes_its_place or (path.name.endswith(NO_SOURCE) and path.parent.name != "__pycache__"):
            yield path


def _other_bytecode(library: Path) -> Generator[Path]:
    """Bytecode that Python takes by the size and time of its source, and that is not what the source compiles to."""
    for source in (library / modules.OWN / "__init__.py", *(library / modules.PLUGIN).glob("*.py")):
        bytecode = Path(cache_from_source(str(source), optimization=""))  # as jobs run, whatever this process does
        with suppress(FileNotFoundError):
            try:
                code = marshal.loads(bytecode.read_bytes()[16:])  # as Python would
            except (EOFError, ValueError, TypeError):
                code = None
            if code != compile(source.read_bytes(), str(source), "exec", dont_inherit=True, optimize=0):
                yield bytecode


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
