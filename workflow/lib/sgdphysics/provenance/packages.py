"""Installed packages as a job uses them: their versions, a sum over the files of each, and what of these was altered.

Plumbing: it moves no number. A package's own list of its files (``RECORD``) says what was installed. Of bytecode it has no sums,
and where conda installed a package, it is not what conda made of the files.
"""

import base64
import csv
import hashlib
import importlib.metadata
import json
import os
import sys
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from sgdphysics.files import write_atomically
from sgdphysics.provenance.places import NOT_KNOWN

PACKAGE = __name__.split(".")[0]
PROGRAMS = {"bin", "Scripts"}  # folders of what no job loads, and what is written anew where it is installed
# Whom downloads believe, where administrators add their own; what is downloaded has sums.
CERTIFICATES = {"certifi/cacert.pem"}
INSTALLED = {"site-packages", "dist-packages"}  # what folders of installed packages are called
Listed = tuple[tuple[str, str], ...]  # paths and sums of files as a package's list has them


@dataclass(frozen=True)
class Files:
    """The files of a package as they are.

    Attributes:
        sha256: Sum over the names and bytes of all that its list has, in the order of their names; empty without a list.
        altered: Those that are not as the list has them; or, as the only entry, that this is not known and why.
    """

    sha256: str
    altered: tuple[str, ...] = ()


def loaded(modules: Collection[str]) -> dict[str, str]:
    """Return name and version of the packages to which loaded modules belong; of one without metadata the version is not known."""
    modules = {module.split(".")[0] for module in modules}
    explained = {PACKAGE}
    names = set()
    for name, parts in _modules_of_packages():
        if parts & modules:
            explained |= parts
            names.add(name)
    names |= {module for module in modules - explained if _is_package_of_others(module) or _is_lone_file(module)}
    return {name: _version(name) for name in sorted(names)}


def files_of(names: Iterable[str], notes: Path | None = None) -> dict[str, Files]:
    """Return how the files of packages are now.

    Args:
        names: Of packages; those without metadata, and that of this library, are left out.
        notes: Folder of what was found before, by names, sizes, times and numbers of the files: nothing is read again of which
            all of these are the same. Without it, or where it cannot be used, all is read.
    """
    found = {}
    for name in set(names) - {PACKAGE}:  # of which the checkout runs, whatever is installed
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = _noted(name, notes)
    return found


def not_listed(files: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the files of modules that lie among those of an installed package and are in no package's list, by the package.

    Args:
        files: From `modules.files_of`.
    """
    lists = {name: listed for name in loaded(files) if name != PACKAGE and (listed := _listed_or_none(name))}
    own = {f"{_resolved(str(_folder(name)))}/{file}" for name, listed in lists.items() for file, _ in listed}
    packages = {part: name for name, parts in _modules_of_packages() if name in lists for part in parts}
    found: dict[str, list[str]] = {}
    for module, file in sorted(files.items()):
        folder, _, last = file.rpartition("/")
        package = packages.get(module.split(".")[0])
        if package and f"{_resolved(folder)}/{last}" not in own:
            place = f"{_resolved(folder)}/{last}".removeprefix(f"{_resolved(str(_folder(package)))}/")
            found.setdefault(package, []).append(f"{_shown(place)} (not in its list)")
    return found


def _noted(name: str, notes: Path | None) -> Files:
    listed = _listed(name)
    if isinstance(listed, str):
        return Files("", (listed,))
    note = notes / f"{name}-{_stamp(name, listed)}.json" if notes else None
    try:
        content = json.loads(note.read_bytes()) if note else {}
        if isinstance(content["sha256"], str) and all(isinstance(file, str) for file in content["altered"]):
            return Files(content["sha256"], tuple(content["altered"]))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    files = _read(name, listed)
    if note and _stamp(name, listed) == note.stem.removeprefix(f"{name}-"):  # nothing has changed while it was read
        text = json.dumps({"sha256": files.sha256, "altered": files.altered}) + "\n"
        with suppress(OSError):
            write_atomically(note, lambda path: path.write_text(text, encoding="utf-8"))
    return files


def _read(name: str, listed: Listed) -> Files:
    folder, total, altered = _folder(name), hashlib.sha256(), []
    for file, expected in listed:
        try:
            with (folder / file).open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").digest()
        except OSError:
            altered.append(f"{_shown(file)} (missing)")
            continue
        total.update(file.encode() + b"\0" + digest)
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != expected and file not in CERTIFICATES:
            altered.append(_shown(file))
    return Files(total.hexdigest(), tuple(altered))


def _stamp(name: str, listed: Listed) -> str:
    """What changes with the list of a package, or with the size, a time or the number of any of its files."""
    folder, parts = _folder(name), []
    for file, expected in listed:
        try:
            of = os.stat(f"{folder}/{file}")  # noqa: PTH116 (of twenty thousand files a fifth of a second faster)
            parts.append(f"{file}\0{expected}\0{of.st_size} {of.st_mtime_ns} {of.st_ctime_ns} {of.st_ino}")
        except OSError:
            parts.append(f"{file}\0missing")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


@cache
def _listed(name: str) -> Listed | str:
    """Path and sum of the files of a package that its own list has, in the order of their names; or why they are not known."""
    package = importlib.metadata.distribution(name)
    if (package.read_text("INSTALLER") or "").strip() == "conda":
        return f"{NOT_KNOWN}: conda installed it, and may have changed its files for their place"
    rows = csv.reader((package.read_text("RECORD") or "").splitlines())
    sums = {row[0]: row[1].removeprefix("sha256=") for row in rows if len(row) > 1 and row[1].startswith("sha256=")}
    listed = sorted((file, sha256) for file, sha256 in sums.items() if PurePosixPath(file).parent.name not in PROGRAMS)
    return tuple(listed) or f"{NOT_KNOWN}: it has no list of its files"


@cache
def _folder(name: str) -> Path:
    return Path(str(importlib.metadata.distribution(name).locate_file("")))


def _listed_or_none(name: str) -> Listed | None:
    try:
        listed = _listed(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    return None if isinstance(listed, str) else listed


@cache
def _resolved(folder: str) -> str:
    return str(Path(folder).resolve())


def _shown(file: str) -> str:
    """How a package's file is called; by its name alone where it was installed to another folder than the others."""
    return PurePosixPath(file).name if PurePosixPath(file).is_absolute() else file


def _is_package_of_others(module: str) -> bool:
    """Whether a loaded module is a folder of modules, and neither Python's own nor a part that another package loads by itself."""
    return module not in sys.stdlib_module_names and hasattr(sys.modules.get(module), "__path__")


def _is_lone_file(module: str) -> bool:
    """Whether a loaded module is a file beside the installed packages that none of them has in its list."""
    path = Path(getattr(sys.modules.get(module), "__dict__", {}).get("__file__") or "")
    if path.parent.name not in INSTALLED or module in sys.stdlib_module_names:
        return False
    return not any(path.name in _paths_in(package) for package in importlib.metadata.distributions())


@cache
def _modules_of_packages() -> tuple[tuple[str, set[str]], ...]:
    """Name and top modules of every installed package.

    As `importlib.metadata.packages_distributions`, which one package without a name, as a broken installation leaves it, can end.
    """
    found = []
    for package in importlib.metadata.distributions():
        with suppress(KeyError):
            if name := package.metadata["Name"]:
                declared = (package.read_text("top_level.txt") or "").split()
                found.append((name, set(declared or _modules_in(package))))
    return tuple(found)


def _modules_in(package: importlib.metadata.Distribution) -> Generator[str]:
    """Top modules of a package by its list of files, or by that of an older kind of package."""
    for path in _paths_in(package):
        first, _, rest = path.partition("/")
        if path.endswith(".py"):
            yield first if rest else first.removesuffix(".py")


def _paths_in(package: importlib.metadata.Distribution) -> list[str]:
    text = package.read_text("RECORD")
    return [row[0] for row in csv.reader(text.splitlines()) if row] if text else list(map(str, package.files or []))


def _version(package: str) -> str:
    """Version of a package by its metadata, of which a part or all may be missing."""
    try:
        return importlib.metadata.version(package) or NOT_KNOWN
    except (importlib.metadata.PackageNotFoundError, KeyError):
        return NOT_KNOWN
