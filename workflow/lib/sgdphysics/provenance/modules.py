"""From which files the modules of a process come: Python's own, installed packages and this library, or others.

Plumbing: it moves no number. Of modules that were taken away again, or that hide their file, nothing is known.
"""

import json
import site
import sys
import sysconfig
from collections.abc import Generator, Mapping
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from sgdphysics.errors import InputError
from sgdphysics.provenance.packages import INSTALLED

LIBRARY = Path(__file__).parents[2]
LIBRARIES = frozenset({str(LIBRARY), str(LIBRARY.resolve())})
OWN, PLUGIN = "sgdphysics", "snakemake_logger_plugin_sgdphysics"
PACKAGES = {OWN, PLUGIN}  # of this project, in the library's folder
PROGRAM = {"__main__", "__mp_main__"}


def files_of(modules: Mapping[str, ModuleType | None]) -> dict[str, str]:
    """Return the file of every loaded module that has one, but of the program itself, by the module's name.

    Args:
        modules: As ``sys.modules``.
    """
    found = {}
    for name, module in list(modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")  # to ask some modules for a name loads others
        if name not in PROGRAM and isinstance(file, str) and Path(file).is_absolute() and Path(file).is_file():
            found[name] = file
    return found


def check(files: Mapping[str, str]) -> None:
    """Check that modules come from Python, from installed packages, and from this library by their own names.

    Args:
        files: From `files_of`, of this process or of another one of the same Python.

    Raises:
        InputError: In one line that names the first other one.
    """
    folders = frozenset(str(path) for folder in _folders() for path in (folder, folder.resolve()))
    for name, file in sorted(files.items()):
        is_known = _is_of_this_library(name, Path(file)) if _is_below(file, LIBRARIES) else _is_below(file, folders)
        if not (is_known or _is_copy_of_plugin(name, Path(file))):
            raise InputError(
                f"module {name}: loaded from {file}, expected one of Python's own, of an installed package or of the library: "
                "no record would say what it does"
            )


def check_script(source: str | None) -> None:
    """Check that the program that runs, if Snakemake has put it together, ends with this script as it is.

    Raises:
        InputError: If it does not.
    """
    program = program_of_snakemake()
    if program and source and not program.read_bytes().endswith(Path(source).read_bytes()):
        raise InputError(f"{source}: changed while the job started")


def program_of_snakemake() -> Path | None:
    """Return the file that runs where Snakemake has put it together from a script; None where something else runs."""
    program = getattr(sys.modules["__main__"], "__real_file__", None)
    return Path(program) if program else None


def _is_below(file: str, folders: frozenset[str]) -> bool:
    """Whether a file lies in one of these folders, by its name or by where its own folder is."""
    folder = file.rpartition("/")[0]
    return _is_in(folder, folders) or _is_in(_resolved(folder), folders)


@cache
def _is_in(folder: str, folders: frozenset[str]) -> bool:
    return folder in folders or (bool(folder) and _is_in(folder.rpartition("/")[0], folders))


@cache
def _resolved(folder: str) -> str:
    return str(Path(folder).resolve())


def _is_of_this_library(name: str, path: Path) -> bool:
    """Whether a file has the place that its module's name says, and no other file has it too."""
    sources = _sources_of(name)
    return name.split(".")[0] in PACKAGES and len(sources) == 1 and path.samefile(sources[0])


def _is_copy_of_plugin(name: str, path: Path) -> bool:
    """Whether a file is byte for byte one of Snakemake's plugin here: it is loaded before it is known which checkout this is."""
    return name.split(".")[0] == PLUGIN and any(source.read_bytes() == path.read_bytes() for source in _sources_of(name))


def _sources_of(name: str) -> list[Path]:
    """The files of this library that have the place of a module's name."""
    module = LIBRARY.joinpath(*name.split("."))
    return [source for source in (module.with_suffix(".py"), module / "__init__.py") if source.is_file()]


def _folders() -> Generator[Path]:
    """Folders of Python's own modules and of installed packages."""
    yield from map(Path, filter(None, map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib"))))
    if extensions := sysconfig.get_config_var("DESTSHARED"):
        yield Path(extensions)
    yield from map(Path, [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])])
    for package in metadata.distributions():
        yield from _folders_of(package)


def _folders_of(package: metadata.Distribution) -> Generator[Path]:
    """Where the modules of a package lie that is found by its metadata, which may be where it is developed.

    Within the project, or where we work, only in a folder that is called so: else packages could be planted there.
    """
    folder = Path(str(package.locate_file(""))).resolve()
    if folder.name not in INSTALLED:
        if not any(folder.is_relative_to(place.resolve()) for place in (LIBRARY.parents[1], Path.cwd())):
            yield folder
        return
    yield folder
    with suppress(LookupError, TypeError, ValueError):
        origin: Any = json.loads(package.read_text("direct_url.json") or "{}")
        if origin["dir_info"]["editable"]:
            source = Path(unquote(urlsplit(origin["url"]).path))
            # Of another checkout of this project Snakemake's plugin, which is loaded before it is known which checkout this is.
            yield source / "workflow" / "lib" / PLUGIN if package.metadata["Name"] == OWN else source
